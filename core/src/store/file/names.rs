//! Names of a queue's companion files: the queue's own with a suffix.

use std::path::{Path, PathBuf};

/// Suffix of the file of numbers and notes.
pub(crate) const LEDGER_SUFFIX: &str = ".ledger";

/// Suffix of the file that keeps room on the disk.
pub(crate) const RESERVE_SUFFIX: &str = ".reserve";

/// Suffix of the file in which the queue's users hold a lock.
pub(crate) const USERS_SUFFIX: &str = ".open";

/// Suffix of the file that a user deletes as soon as it has made and opened it.
pub(crate) const MARK_SUFFIX: &str = ".open-mark";

/// Suffix of the file in which whoever delivers holds a lock.
pub(crate) const SYNC_SUFFIX: &str = ".sync";

/// Suffix of a file that is written to see whether anything can be, and removed at once.
pub(crate) const PROBE_SUFFIX: &str = ".reserve-probe";

/// Suffix of a replacement of the queue while it is made; once it is whole, it has the next one.
pub(crate) const RESCUE_SUFFIX: &str = "-rescue";

pub(crate) const RESCUED_SUFFIX: &str = "-rescued";

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns the suffix that makes the name one of another queue's companion files, if it ends in one.
pub(crate) fn ending(queue: &Path) -> Option<&'static str> {
    let name = queue.as_os_str().as_encoded_bytes();
    let mut all = ALL.into_iter().chain([RESCUE_SUFFIX]);
    all.find(|suffix| name.ends_with(suffix.as_bytes()))
}

/// Suffixes of a queue's companion files, except for that of an unfinished replacement.
pub(super) const ALL: [&str; 10] = [
    LEDGER_SUFFIX,
    RESERVE_SUFFIX,
    USERS_SUFFIX,
    MARK_SUFFIX,
    SYNC_SUFFIX,
    PROBE_SUFFIX,
    "-wal",
    "-shm",
    "-journal",
    RESCUED_SUFFIX,
];
