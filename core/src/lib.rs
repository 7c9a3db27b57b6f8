//! Pannier: an offline-first xAPI statement collector.
pub mod lrs;
pub mod statement;
pub mod store;
pub mod sync;
pub mod transport;
