//! Settings of SQLite that several files need.

use std::time::Duration;

/// "Pann" in ASCII: marks the file as ours in SQLite's header.
pub(crate) const APPLICATION_ID: i64 = 0x5061_6e6e;

/// Longest wait for another process's transaction. Ours take milliseconds.
pub(crate) const BUSY: Duration = Duration::from_secs(10);

/// Size of a database page. A commit writes every page it touches whole, and each record touches two that hold other
/// rows: the smaller the page, the less is written. Longer statements go on in pages of their own.
pub(crate) const PAGE_BYTES: u32 = 1024;
