//! Folder that a queue is in.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::store::StoreError;

pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Syncs the file's folder, without which a new name is not on the disk. Not every system lets a folder be opened.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(folder(path)) {
        Ok(folder) if cfg!(unix) => folder.sync_all(),
        _ => Ok(()),
    }
}

/// Lock on the queue's folder: one process at a time puts another file in the queue's place. Where a folder cannot be
/// locked, nobody waits.
pub(crate) struct FolderLock(#[allow(dead_code, reason = "holds the lock")] Option<File>);

impl FolderLock {
    pub(crate) fn wait(path: &Path) -> Self {
        let folder = File::open(folder(path)).ok();
        Self(folder.filter(|folder| folder.lock().is_ok()))
    }
}

/// Refuses to make a file where there is no folder for it: SQLite might use another one.
pub(crate) fn must_have_folder(path: &Path) -> Result<(), StoreError> {
    let folder = folder(path);
    if folder.is_dir() {
        return Ok(());
    }
    let reason = match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            format!(
                "the folder {} does not exist: make it first",
                folder.display()
            )
        }
        Err(error) => format!("the folder {}: {error}", folder.display()),
        Ok(_) => format!("{} is no folder: name a file in one", folder.display()),
    };
    Err(StoreError::CannotOpen {
        path: path.to_path_buf(),
        reason,
    })
}

pub(crate) fn remove(path: &Path) -> io::Result<()> {
    ignoring_absence(fs::remove_file(path))
}

pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    ignoring_absence(fs::rename(from, to))
}

/// Renames a file, or fails as [`io::ErrorKind::AlreadyExists`] where a file has the new name.
pub(crate) fn rename_to_a_free_name(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // The file system, or the system, cannot.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            done => return Ok(done?),
        }
    }
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

fn ignoring_absence(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
