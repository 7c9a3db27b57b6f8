//! Paths that a queue may have.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::folder::folder;
use super::names::{ending, with_suffix};
use crate::store::StoreError;

/// Returns the queue's absolute path, which later changes of the process's folder do not affect. Anything but the path
/// of a file is refused: SQLite would keep the queue in memory, or open another file.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    must_name_a_file(path)?;
    let mut absolute =
        std::path::absolute(path).map_err(|error| refused(path, error.to_string()))?;
    // SQLite puts its log beside the file itself, not beside a link to it. The link's target need not exist yet.
    let mut links = 0;
    while let Ok(target) = fs::read_link(&absolute) {
        links += 1;
        if links > MOST_LINKS {
            return Err(refused(
                path,
                "its links lead back to it: name the file itself",
            ));
        }
        absolute = folder(&absolute).join(target);
    }
    // A link to a folder may lead to another one later: what is open is of the one that it led to. And SQLite resolves `..`
    // without checking what is there, and would make a file where the system finds none.
    let leads_elsewhere = |part| part == Component::ParentDir;
    if (cfg!(unix) || absolute.components().any(leads_elsewhere))
        && let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name())
        && let Ok(found) = fs::canonicalize(folder)
    {
        return Ok(found.join(name));
    }
    Ok(absolute)
}

fn refused(path: &Path, reason: impl Into<String>) -> StoreError {
    StoreError::CannotOpen {
        path: path.to_path_buf(),
        reason: reason.into(),
    }
}

/// Refuses what names no file.
fn must_name_a_file(path: &Path) -> Result<(), StoreError> {
    let text = path.to_string_lossy();
    if text.is_empty() {
        return Err(refused(path, "the path is empty: name a file"));
    }
    if text == ":memory:" || text.starts_with("file:") {
        return Err(refused(
            path,
            "it must be a plain path of a file: a queue in memory would be lost with the process",
        ));
    }
    if path.is_dir() || path.file_name().is_none() {
        return Err(refused(path, "it is a folder: name a file in it"));
    }
    if text.ends_with(std::path::is_separator) {
        return Err(refused(
            path,
            "it ends as a folder's path does: name a file, without a slash at its end",
        ));
    }
    Ok(())
}

/// Tells whether a queue may have this path, now or later: no other path is refused for what it is.
pub(crate) fn may_be_a_queue(path: &Path) -> bool {
    let all = [must_name_a_file, must_be_no_companion, must_be_short];
    all.iter().all(|must| must(path).is_ok())
}

/// Number of links that are followed, as many as systems follow (Linux: 40).
const MOST_LINKS: u32 = 40;

/// Refuses a name that ends as a companion file's does: a queue named by the rest of it would take it for its own.
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

/// Refuses a name that leaves no room for the companion files' suffixes. An existing queue is refused only where it
/// cannot be used at all: with a very long name, a damaged one is not kept.
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

/// Longest path of a queue on Unix, in bytes: SQLite's own limit is 512, with its suffix.
const LONGEST_FOR_SQLITE: usize = 504;
