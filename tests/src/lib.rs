//! Pannier end to end: against LRSs that others wrote, against a network that misbehaves, against
//! processes that are killed. This library is what those tests stand on; the tests themselves are
//! in `tests/`, and `tests/run` runs all of them.
#![allow(
    clippy::missing_panics_doc,
    reason = "to panic is how a test helper reports"
)]

pub mod ask;
pub mod contents;
pub mod device;
pub mod fleet;
pub mod fuzz;
pub mod kills;
pub mod lrs;
pub mod mounted;
#[cfg(target_os = "linux")]
pub mod power;
pub mod process;
pub mod proxy;
pub mod recorder;
pub mod sample;
pub mod scenarios;
pub mod sim;
pub mod two_lrss;
