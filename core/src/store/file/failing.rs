//! Errors about a file that cannot be used: what prevents it, and what to do.

use std::fs;
use std::io;
use std::path::Path;

use super::folder::folder;
use crate::store::StoreError;

/// Tells whether a file does not exist, by the error of opening it. In a folder that we may not search, every file
/// counts as absent until something else fails there.
pub(crate) fn is_absent(path: &Path, error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    let kind = error.kind();
    matches!(kind, NotFound | NotADirectory)
        || kind == PermissionDenied
            && fs::symlink_metadata(path).is_err_and(|error| error.kind() == PermissionDenied)
}

/// Returns the error for a companion file that cannot be read or written: the queue itself is not damaged.
pub(crate) fn unusable(queue: &Path, what: &Path, error: &io::Error) -> StoreError {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    if what.is_dir() {
        return in_the_way(queue, what, "is a folder");
    }
    match error.kind() {
        StorageFull | QuotaExceeded => StoreError::DiskFull,
        PermissionDenied | ReadOnlyFilesystem => {
            StoreError::ReadOnly(obstacle(queue).unwrap_or_else(|| {
                format!("what is kept beside it, in {}: {error}", what.display())
            }))
        }
        _ => StoreError::CannotOpen {
            path: queue.to_path_buf(),
            reason: format!("{}: {error}", what.display()),
        },
    }
}

/// Returns the error that says what is in the way of a queue, and what to do.
pub(crate) fn in_the_way(queue: &Path, beside: &Path, what: &str) -> StoreError {
    StoreError::CannotOpen {
        path: queue.to_path_buf(),
        reason: format!("{} {what}: move it away", beside.display()),
    }
}

/// Returns the error for a queue that does not exist, or that we may not look for.
pub(crate) fn missing(path: &Path) -> StoreError {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => StoreError::CannotOpen {
            path: path.to_path_buf(),
            reason: "its folder lets nobody but its owner look into it: ask as the user whose queue it is".to_owned(),
        },
        _ => StoreError::Missing(path.to_path_buf()),
    }
}

/// Returns what keeps us from writing the file or making files in its folder, if anything does. The file is not opened
/// for that: on Unix, closing it again would drop all locks that this process has on it.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(crate) fn obstacle(path: &Path) -> Option<String> {
    use rustix::fs::{Access, access};
    use rustix::io::Errno;
    let beside = access(folder(path), Access::WRITE_OK | Access::EXEC_OK);
    let itself = access(path, Access::READ_OK | Access::WRITE_OK);
    let in_the_way = |done: Result<(), Errno>, what: &str| match done.err()? {
        Errno::ROFS => Some("its disk is read-only".to_owned()),
        Errno::ACCESS | Errno::PERM => Some(format!("no permission to {what}")),
        _ => None,
    };
    in_the_way(beside, "make files in its folder").or_else(|| in_the_way(itself, "write it"))
}

/// Returns what keeps us from writing the file or making files in its folder, if anything does.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn obstacle(path: &Path) -> Option<String> {
    let read_only = |path: &Path| fs::metadata(path).is_ok_and(|it| it.permissions().readonly());
    if read_only(folder(path)) {
        return Some("no permission to make files in its folder".to_owned());
    }
    read_only(path).then(|| "no permission to write it".to_owned())
}

/// Tells whether the disk can hold no more files: it may have room left, but no inodes.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(crate) fn holds_no_more_files(path: &Path) -> bool {
    // Some file systems do not tell, and say 0 of both.
    rustix::fs::statvfs(folder(path)).is_ok_and(|disk| disk.f_files > 0 && disk.f_favail == 0)
}

/// Tells whether the disk can hold no more files, as far as is known.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn holds_no_more_files(_: &Path) -> bool {
    false
}

pub(crate) fn failed(path: &Path, error: &io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::StorageFull {
        return StoreError::DiskFull;
    }
    StoreError::CannotOpen {
        path: path.to_path_buf(),
        reason: format!("another file has to take its place, and that failed: {error}"),
    }
}
