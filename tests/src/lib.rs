//! Pannier end to end.
