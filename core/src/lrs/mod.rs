//! lrs
