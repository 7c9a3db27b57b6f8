//! The pannier command as a library.
