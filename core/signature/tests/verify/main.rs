//! What each check finds: for each at least one signature that fails it and no other.

#![allow(clippy::unwrap_used, missing_docs)]

mod chains;
mod kit;
mod others;
mod properties;
mod rows;
mod signing;
