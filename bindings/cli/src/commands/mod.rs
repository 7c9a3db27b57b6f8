//! The commands, one a file, and what they share: output and exit codes.

mod advice;
pub mod arguments;
pub mod check;
mod confirm;
mod connection;
mod contents;
mod credentials;
mod defaults;
pub mod demo;
pub mod descriptors;
pub mod doctor;
mod duration;
pub mod each;
mod exit_code;
mod faults;
pub mod held;
pub mod history;
pub mod hub;
mod input;
mod list;
mod output;
mod person;
pub mod queue;
pub mod queue_file;
pub mod record;
mod recordable;
mod signals;
mod signatures;
mod small_file;
pub mod status;
pub mod sync;
pub mod take_back;
mod upstream;
pub mod upstreams;
mod which;

use std::time::{SystemTime, UNIX_EPOCH};

pub use exit_code::{EXIT_CODES, Failure};
pub use output::{Output, ended, tell};

/// Returns unix milliseconds by this machine's clock.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}
