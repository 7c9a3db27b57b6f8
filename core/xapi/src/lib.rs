//! xAPI statements, and the requests and answers of an LRS: what they mean, not how they travel.
//!
//! [`statement`] reads, validates, completes and compares statements. [`lrs`] makes requests for an LRS and reads its
//! answers. Neither uses a disk, a socket or a clock, so both run wherever Rust does, a browser included
//! (`wasm32-unknown-unknown`).

pub mod lrs;
pub mod statement;
mod steady;
#[cfg(not(any(test, feature = "count-steps")))]
mod steps;
#[cfg(any(test, feature = "count-steps"))]
#[doc(hidden)]
pub mod steps;

pub use steady::Steady;
