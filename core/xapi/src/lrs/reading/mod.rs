//! Readers of answers.
//!
//! Pure functions from a [`Response`](super::Response) to a value that can be matched exhaustively. They claim no more
//! than the answer proves: two LRSs of six answer a re-sent batch with the new ids only, three say 200 to a statement
//! they do not have, and a captive portal says 200 to anything.

mod about;
mod asked;
mod contents;
mod get;
mod hints;
mod not_an_lrs;
mod post;
mod sender;
#[cfg(test)]
mod tests;
mod words;

pub(super) use about::common;
pub use about::{About, highest_common, read_about, speaks_both};
pub use asked::AskedAs;
pub use contents::without_contents;
pub use get::{Found, read_get};
pub use not_an_lrs::NotAnLrs;
pub use post::{Posted, read_post};
pub use sender::{Sender, sender};
pub use words::Words;
