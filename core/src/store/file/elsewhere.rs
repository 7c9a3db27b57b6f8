//! Mark of a process that has a queue open, which neither deleting nor moving the queue's files takes away.
//!
//! Whoever has a queue open holds a lock in `.open`. If that file is deleted, moved or exchanged, a newcomer makes or finds
//! another one, has no lock in common with that process, and would make another queue or another log beside the one that
//! is open: each would write over what the other has, or what was recorded meanwhile would be gone when the files are moved
//! back. So each user also has a file open, and locked, that it made beside the queue and deleted at once. Linux shows by
//! which name a process has opened a file, also if it is deleted: by that newcomers find it, whatever became of the others.

use std::fs::File;
use std::path::Path;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::path::PathBuf;

use super::beside;
use super::names::{MARK_SUFFIX, with_suffix};

/// Mark of one user. Its lock dies with the process.
#[derive(Debug)]
pub(super) struct Mark(File);

impl Mark {
    /// Makes the mark of one that has this queue open; none where no file can be made: it is found by its lock alone.
    pub(super) fn of(queue: &Path) -> Option<Self> {
        if cfg!(not(any(target_os = "linux", target_os = "android"))) {
            return None;
        }
        let path = with_suffix(queue, MARK_SUFFIX);
        let file = beside::open(queue, &path).ok()?;
        let locked = file.try_lock_shared();
        // Two may have the same one: then the first has deleted it.
        let _ = std::fs::remove_file(&path);
        locked.is_ok().then_some(Self(file))
    }

    /// Takes it away: a fork's child has the same file.
    pub(super) fn take_away(&self) {
        if let Err(error) = self.0.unlock() {
            tracing::debug!(%error, "another process may wait for this one to close the queue");
        }
    }
}

/// Tells whether a process has the queue open, by its mark, with other files than are there now. False where the system
/// does not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn has_other_files(queue: &Path) -> bool {
    use super::identity::{FileId, OpenFile};

    let folder = std::fs::canonicalize(super::folder::folder(queue));
    let (Ok(folder), Some(name)) = (folder, queue.file_name()) else {
        return false;
    };
    let mark = with_suffix(&folder.join(name), &format!("{MARK_SUFFIX} (deleted)"));
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return false;
    };
    let is_mark = |file: &PathBuf| {
        std::fs::read_link(file).is_ok_and(|name| name == mark)
            && File::open(file).is_ok_and(|file| file.try_lock().is_err())
    };
    let there = OpenFile::of(queue).all();
    let is_process = |name: std::ffi::OsString| name.to_string_lossy().parse::<u32>().is_ok();
    let mut processes = processes
        .flatten()
        .filter(|one| is_process(one.file_name()));
    processes.any(|process| {
        // Those of another user are closed to us.
        let Ok(files) = std::fs::read_dir(process.path().join("fd")) else {
            return false;
        };
        let files: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
        let has = |one: FileId| files.iter().any(|file| FileId::of(file) == Some(one));
        files.iter().any(is_mark) && !there.into_iter().all(|one| one.is_some_and(has))
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn has_other_files(_: &Path) -> bool {
    false
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::tests::{append, file, open};

    fn move_away(folder: &Path, is_moved: impl Fn(&str) -> bool) {
        for file in fs::read_dir(folder).expect("it is there").flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if is_moved(&name) {
                let moved = folder.join(format!("moved-{name}"));
                fs::rename(file.path(), moved).expect("it can be moved");
            }
        }
    }

    #[test]
    fn who_has_it_open_is_found_whatever_became_of_its_files() {
        for moved in ["", "-wal", "-shm", "queue"] {
            let (folder, path) = file();
            assert!(!has_other_files(&path), "nobody has");
            let mut db = open(&path);
            append(&mut db, 1).unwrap();
            assert!(!has_other_files(&path), "it has these");
            move_away(folder.path(), |name| {
                name == format!("queue.db{moved}") || name.starts_with(moved) && !moved.is_empty()
            });
            assert!(has_other_files(&path), "{moved}");
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(folder.path(), &link).unwrap();
            assert!(has_other_files(&link.join("queue.db")), "{moved}");
            drop(db);
            assert!(!has_other_files(&path), "{moved}");
        }
    }

    #[test]
    fn several_may_have_it_open() {
        let (_folder, path) = file();
        let (one, other) = (Mark::of(&path).unwrap(), Mark::of(&path).unwrap());
        one.take_away();
        assert!(has_other_files(&path));
        other.take_away();
        // Both are open still, as in a fork's child.
        assert!(!has_other_files(&path));
        assert!(!with_suffix(&path, MARK_SUFFIX).exists());
    }
}
