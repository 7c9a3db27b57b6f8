//! The names of what stands beside a queue: the queue's own, and an end.

use std::path::{Path, PathBuf};

/// The file of numbers and notes beside a queue.
pub(crate) const LEDGER_SUFFIX: &str = ".ledger";

/// The file beside a queue that keeps room on the disk.
pub(crate) const RESERVE_SUFFIX: &str = ".reserve";

/// The file beside a queue in which its users hold a lock.
pub(crate) const USERS_SUFFIX: &str = ".open";

/// The file beside a queue in which whoever delivers holds a lock.
pub(crate) const SYNC_SUFFIX: &str = ".sync";

/// What is written to see whether anything can be, and removed at once.
pub(crate) const PROBE_SUFFIX: &str = ".reserve-probe";

/// The end of the name of what takes the queue's place while it is made, and of what has been made.
pub(crate) const RESCUE_SUFFIX: &str = "-rescue";

pub(crate) const RESCUED_SUFFIX: &str = "-rescued";

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns what makes a name that of a file beside another queue: its end.
pub(crate) fn ending(queue: &Path) -> Option<&'static str> {
    let name = queue.as_os_str().as_encoded_bytes();
    let mut all = ALL.into_iter().chain([RESCUE_SUFFIX]);
    all.find(|suffix| name.ends_with(suffix.as_bytes()))
}

/// All that may stand beside a queue.
pub(super) const ALL: [&str; 9] = [
    LEDGER_SUFFIX,
    RESERVE_SUFFIX,
    USERS_SUFFIX,
    SYNC_SUFFIX,
    PROBE_SUFFIX,
    "-wal",
    "-shm",
    "-journal",
    RESCUED_SUFFIX,
];
