//! The hub over HTTP, rule by rule.

#![allow(clippy::unwrap_used)]

mod asking;
mod attachments;
mod bounds;
mod client;
mod contents;
mod fidelity;
mod headers;
mod keeping;
mod mischief;
#[cfg(unix)]
mod misplaced;
mod sending;
mod signatures;
mod strangers;
mod vectors;
mod voiding;
