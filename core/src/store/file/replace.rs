//! Replacement of the queue's file by another one.
//!
//! A successor is made under a name of its own, `-rescue`. A process that dies before it is whole leaves that behind,
//! and it is thrown away. Once the successor is whole and on the disk it is renamed to `-rescued`: from then on it is
//! the queue, and [`finish`], which every open begins with, gives it the queue's name. The old file is kept beside it.
//! So whenever the process dies, the next open finds either the old file with its log or the new one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::beside;
use super::failing::failed;
use super::folder::{remove, rename, rename_to_a_free_name, sync_folder};
use super::kept::name_in_exchange;
use super::names::{RESCUE_SUFFIX, RESCUED_SUFFIX, with_suffix};
use super::seen::Owner;
use crate::store::{Millis, StoreError};

/// Handling of a replacement that the queue's owner could not use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockedOut {
    /// The replacement is not made: what it would be made of stays.
    Refuse,
    /// The replacement is made all the same: nothing else has its content.
    GoOn,
}

/// Removes the leftovers of an attempt to make a replacement file.
pub(crate) fn throw_away(path: &Path) -> Result<(), StoreError> {
    let rescue = with_suffix(path, RESCUE_SUFFIX);
    beside::must_be_unfinished(path, &rescue)?;
    for suffix in ["", "-wal", "-shm", "-journal"] {
        remove(&with_suffix(&rescue, suffix)).map_err(|error| failed(path, &error))?;
    }
    Ok(())
}

/// Makes an empty replacement file and returns its path, after removing the leftovers of an earlier attempt. It belongs
/// to `owner`: whoever might use the old file may use this one.
pub(crate) fn begin(
    path: &Path,
    owner: Option<Owner>,
    locked_out: LockedOut,
) -> Result<PathBuf, StoreError> {
    throw_away(path)?;
    let rescue = with_suffix(path, RESCUE_SUFFIX);
    match beside::make(&rescue, owner) {
        Ok(_) => Ok(rescue),
        Err(error)
            if locked_out == LockedOut::GoOn && error.kind() == io::ErrorKind::PermissionDenied =>
        {
            tracing::warn!(%error, "the owner of the queue cannot use the file that takes its place");
            beside::make(&rescue, None).map_err(|error| failed(path, &error))?;
            Ok(rescue)
        }
        Err(error) => Err(failed(path, &error)),
    }
}

/// Removes a replacement that was begun.
pub(crate) fn discard(begun: &Path) -> Result<(), StoreError> {
    remove(begun).map_err(|error| failed(begun, &error))
}

/// Marks the successor, which is made and closed, as the queue from now on.
pub(crate) fn ready(path: &Path) -> Result<(), StoreError> {
    let rescue = with_suffix(path, RESCUE_SUFFIX);
    let mark = || {
        File::open(&rescue)?.sync_all()?;
        fs::rename(&rescue, with_suffix(path, RESCUED_SUFFIX))?;
        sync_folder(path)
    };
    mark().map_err(|error| failed(path, &error))
}

/// Tells whether a successor is ready, and does not have the queue's name yet.
pub(crate) fn is_ready(path: &Path) -> bool {
    with_suffix(path, RESCUED_SUFFIX).exists()
}

/// Gives a successor that is ready the queue's name. Returns where the old file, or a log without one, is kept.
pub(crate) fn finish(path: &Path, now: Millis) -> Result<Option<PathBuf>, StoreError> {
    if !is_ready(path) {
        return Ok(None);
    }
    let rescued = with_suffix(path, RESCUED_SUFFIX);
    let exchange = || {
        let mut kept_at = name_in_exchange(path, now)?;
        remove(&with_suffix(path, "-shm"))?;
        let log = with_suffix(path, "-wal");
        if path.exists() {
            // The log first: without its file it tells under which name an interrupted exchange goes on.
            rename(&log, &with_suffix(&kept_at, "-wal"))?;
            rename(path, &kept_at)?;
        } else {
            kept_at = with_suffix(&kept_at, "-log");
            rename(&log, &kept_at)?;
        }
        fs::rename(&rescued, path)?;
        sync_folder(path)?;
        Ok(Some(kept_at).filter(|kept_at| kept_at.exists()))
    };
    exchange().map_err(|error| failed(path, &error))
}

/// Gives what was begun, which is made and closed, the queue's name where no file has it. False where one has: another
/// process may have just made it.
pub(crate) fn place(path: &Path) -> Result<bool, StoreError> {
    let rescue = with_suffix(path, RESCUE_SUFFIX);
    let place = || {
        File::open(&rescue)?.sync_all()?;
        rename_to_a_free_name(&rescue, path)?;
        sync_folder(path)
    };
    match place() {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(path, &error)),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_made_meanwhile_keeps_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let ours = begin(&path, None, LockedOut::Refuse).unwrap();
        fs::write(&ours, "ours").unwrap();
        fs::write(&path, "theirs").unwrap();
        assert_eq!(place(&path), Ok(false));
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(fs::read(&ours).unwrap(), b"ours");
        fs::remove_file(&path).unwrap();
        assert_eq!(place(&path), Ok(true));
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        assert!(!ours.exists());
    }
}
