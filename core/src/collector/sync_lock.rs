//! A lock that dies with the process: where it is free, whoever delivered to an upstream before is gone.
//!
//! The lease in the queue outlasts a killed process and cannot tell it from a busy one. The lock is a file of its own
//! beside the queue, since closing the queue's file would drop the locks of `SQLite`.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::store::{UpstreamId, beside, names};

/// The lock: nobody else syncs to this upstream until it is dropped.
#[derive(Debug)]
pub(super) struct SyncLock {
    file: File,
    /// Process that took it: a fork's child has the same lock, and may not give it up.
    process: u32,
}

impl Drop for SyncLock {
    /// Gives the lock up: closing the file would not, for as long as a process that is just being started has it too.
    fn drop(&mut self) {
        if self.process == std::process::id() {
            let _ = self.file.unlock();
        }
    }
}

/// Result of taking the lock.
pub(super) enum Locking {
    Ours(SyncLock),
    /// Another process holds it, or another collector of this one.
    Others,
    /// The file system knows no locks, or takes no new files: the lease must do.
    Unknown,
}

impl SyncLock {
    /// Takes the lock if nobody has it, without waiting.
    pub(super) fn take(queue: &Path, upstream: UpstreamId) -> Locking {
        let path = path(queue, upstream);
        if is_something_else(&path) {
            return Locking::Unknown;
        }
        // Locking a file takes no right to write it.
        let opened = beside::open(queue, &path).or_else(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => File::open(&path),
            _ => Err(error),
        });
        match opened {
            Ok(file) => lock(file),
            Err(_) => Locking::Unknown,
        }
    }

    /// Tells whether somebody has the lock.
    pub(super) fn is_taken(queue: &Path, upstream: UpstreamId) -> bool {
        // A missing file is locked by nobody, and looking makes none.
        let path = path(queue, upstream);
        !is_something_else(&path)
            && File::open(path).is_ok_and(|file| matches!(lock(file), Locking::Others))
    }
}

/// Tells whether it is no regular file: opening a pipe may wait for ever.
fn is_something_else(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file())
}

fn lock(file: File) -> Locking {
    match file.try_lock() {
        Ok(()) => Locking::Ours(SyncLock {
            file,
            process: std::process::id(),
        }),
        Err(TryLockError::WouldBlock) => Locking::Others,
        Err(TryLockError::Error(_)) => Locking::Unknown,
    }
}

/// Returns the path of the lock, one for each upstream: delivering to one blocks no other.
fn path(queue: &Path, upstream: UpstreamId) -> PathBuf {
    let mut name = queue.as_os_str().to_owned();
    name.push(names::SYNC_SUFFIX);
    if upstream != UpstreamId::MAIN {
        name.push(format!("-{upstream}"));
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: UpstreamId = UpstreamId::MAIN;

    #[test]
    fn one_has_it_until_it_is_dropped_and_looking_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let queue = folder.path().join("queue.db");
        assert!(!SyncLock::is_taken(&queue, MAIN));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let ours = SyncLock::take(&queue, MAIN);
        assert!(matches!(ours, Locking::Ours(_)));
        assert!(SyncLock::is_taken(&queue, MAIN));
        assert!(matches!(SyncLock::take(&queue, MAIN), Locking::Others));
        drop(ours);
        assert!(!SyncLock::is_taken(&queue, MAIN));
        assert!(matches!(SyncLock::take(&queue, MAIN), Locking::Ours(_)));
        // As in a process between its fork and its exec.
        let Locking::Ours(held) = SyncLock::take(&queue.with_extension("2"), MAIN) else {
            panic!("it is free");
        };
        let inherited = held.file.try_clone().unwrap();
        drop(held);
        assert!(!SyncLock::is_taken(&queue.with_extension("2"), MAIN));
        drop(inherited);
        let nowhere = folder.path().join("no/queue.db");
        assert!(matches!(SyncLock::take(&nowhere, MAIN), Locking::Unknown));
    }
}
