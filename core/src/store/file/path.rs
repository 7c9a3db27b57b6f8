//! Which paths may be a queue's.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::folder::folder;
use super::names::{ending, with_suffix};
use crate::store::StoreError;

/// Returns where the queue is, whatever the process's folder will be later. What is no path of a file is
/// refused: SQLite would keep the queue in memory, or open another file.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    let refuse = |reason: &str| StoreError::CannotOpen {
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    };
    let text = path.to_string_lossy();
    if text.is_empty() {
        return Err(refuse("the path is empty: name a file"));
    }
    if text == ":memory:" || text.starts_with("file:") {
        return Err(refuse(
            "it must be a plain path of a file: a queue in memory would be lost with the process",
        ));
    }
    let mut absolute = std::path::absolute(path).map_err(|error| refuse(&error.to_string()))?;
    if absolute.is_dir() {
        return Err(refuse("it is a folder: name a file in it"));
    }
    if text.ends_with(std::path::is_separator) {
        return Err(refuse(
            "it ends as a folder's path does: name a file, without a slash at its end",
        ));
    }
    // SQLite puts its log beside the file itself, not beside a link to it. What the link leads to need not be
    // there yet.
    let mut links = 0;
    while let Ok(target) = fs::read_link(&absolute) {
        links += 1;
        if links > MOST_LINKS {
            return Err(refuse("its links lead back to it: name the file itself"));
        }
        absolute = folder(&absolute).join(target);
    }
    // SQLite goes back up without a look at what is there, and would make a file where the system finds none.
    if absolute
        .components()
        .any(|part| part == Component::ParentDir)
        && let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name())
        && let Ok(found) = fs::canonicalize(folder)
    {
        return Ok(found.join(name));
    }
    Ok(absolute)
}

/// As many as systems follow (Linux: 40).
const MOST_LINKS: u32 = 40;

/// Refuses a name that ends as that of a file beside a queue does: whoever opens that queue takes it for its own.
pub(crate) fn must_be_no_companion(queue: &Path) -> Result<(), StoreError> {
    match ending(queue) {
        None => Ok(()),
        Some(suffix) => Err(StoreError::CannotOpen {
            path: queue.to_path_buf(),
            reason: format!(
                "its name ends in {suffix}, as that of a file beside another queue does: choose another one"
            ),
        }),
    }
}

/// Refuses a name that leaves no room for what ends the names of what stands beside it. A queue that is there
/// is refused only where it cannot be used at all: a damaged one of a very long name is not kept.
pub(crate) fn must_be_short(queue: &Path) -> Result<(), StoreError> {
    let suffix = if queue.exists() {
        "-journal"
    } else {
        ".damaged-1234567890123-ledger"
    };
    let longest = with_suffix(queue, suffix);
    let is_too_long = |error: io::Error| error.kind() == io::ErrorKind::InvalidFilename;
    let bytes = queue.as_os_str().len();
    if fs::symlink_metadata(longest).is_err_and(is_too_long)
        || cfg!(unix) && bytes > LONGEST_FOR_SQLITE
    {
        return Err(StoreError::CannotOpen {
            path: queue.to_path_buf(),
            reason: "its name or its path is too long, as longer ones have to stand beside it: choose a shorter one"
                .to_owned(),
        });
    }
    Ok(())
}

/// SQLite's own longest path on Unix is one of 512 bytes, with its suffix.
const LONGEST_FOR_SQLITE: usize = 504;
