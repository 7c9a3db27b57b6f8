//! Other processes that have a queue open with other files than there are now, and nobody's lock tells of them.
//!
//! Somebody may put an older copy of all files in the place of those that a process has open, `.open` among them. Then
//! the newcomer has no lock in common with that process, but SQLite joins the two by the memory, whose name is the same:
//! what one folds into its own database counts as folded for both, and is missing in the other. Whoever has the memory
//! open has a database open too, and Linux tells which files a process has. Or the log is deleted and `.open` with it: the
//! newcomer would make another log for the same database. Or the database is deleted and `.open` with it: the newcomer
//! would make another queue, and tell as lost what that process still has.

use std::path::Path;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::path::PathBuf;

/// Tells whether a process has a database that is deleted, or uses the memory that is there with another database, or the
/// database that is there with a deleted log. Nobody is asked where there is a database without memory, unless nobody is
/// known because `.open` `was_made` just now. False where the system does not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn has_other_files(queue: &Path, was_made: bool) -> bool {
    use super::identity::FileId;
    use super::names::with_suffix;

    let memory = FileId::of(&with_suffix(queue, "-shm"));
    let database = FileId::of(queue);
    if database.is_some() && memory.is_none() && !was_made {
        return false;
    }
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return false;
    };
    let deleted = |suffix: &str| as_deleted(queue, suffix);
    let (deleted_database, deleted_log) = (deleted(""), deleted("-wal"));
    processes.flatten().any(|process| {
        let files = files_of(&process);
        let has = |id: Option<FileId>| {
            id.is_some_and(|id| files.iter().any(|file| FileId::of(file) == Some(id)))
        };
        let has_deleted = |name: &Option<PathBuf>| {
            let mut links = files.iter().filter_map(|it| std::fs::read_link(it).ok());
            name.is_some() && links.any(|link| Some(link) == *name)
        };
        if database.is_none() {
            has_deleted(&deleted_database) || has(memory)
        } else if has(database) {
            has_deleted(&deleted_log)
        } else {
            has(memory)
        }
    })
}

/// Returns the paths by which Linux shows a process's open files: none where it is another user's, or no process. What this
/// process has only read without `SQLite` is not in use.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn files_of(process: &std::fs::DirEntry) -> Vec<PathBuf> {
    use crate::store::repair::raw_file;

    let Ok(id) = process.file_name().to_string_lossy().parse::<u32>() else {
        return Vec::new();
    };
    let Ok(files) = std::fs::read_dir(process.path().join("fd")) else {
        return Vec::new();
    };
    let only_read = if id == std::process::id() {
        raw_file::descriptors()
    } else {
        Vec::new()
    };
    let is_only_read = |file: &std::fs::DirEntry| {
        let descriptor = file.file_name().to_string_lossy().parse();
        descriptor.is_ok_and(|descriptor| only_read.contains(&descriptor))
    };
    let files = files.flatten().filter(|file| !is_only_read(file));
    files.map(|file| file.path()).collect()
}

/// Returns a file beside the queue as Linux shows one that has lost this name.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn as_deleted(queue: &Path, suffix: &str) -> Option<PathBuf> {
    let folder = std::fs::canonicalize(super::folder::folder(queue)).ok()?;
    let queue = folder.join(queue.file_name()?);
    let suffix = format!("{suffix} (deleted)");
    Some(super::names::with_suffix(&queue, &suffix))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn has_other_files(_: &Path, _: bool) -> bool {
    false
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use std::fs;

    use super::super::names::with_suffix;
    use super::*;
    use crate::store::repair::raw_file::Looked;
    use crate::store::tests::{append, file, open};

    #[test]
    fn who_has_the_memory_and_another_database_is_found() {
        let (folder, path) = file();
        assert!(!has_other_files(&path, true), "nothing is there");
        let mut db = open(&path);
        append(&mut db, 1).unwrap();
        assert!(!has_other_files(&path, true));
        let away = folder.path().join("away.db");
        fs::copy(&path, &away).unwrap();
        fs::rename(&away, &path).unwrap();
        assert!(has_other_files(&path, false));
    }

    #[test]
    fn who_has_the_database_and_a_deleted_log_is_found() {
        let (_folder, path) = file();
        let mut db = open(&path);
        append(&mut db, 1).unwrap();
        fs::remove_file(with_suffix(&path, "-wal")).unwrap();
        assert!(has_other_files(&path, false));
        fs::remove_file(with_suffix(&path, "-shm")).unwrap();
        assert!(has_other_files(&path, true));
        assert!(!has_other_files(&path, false), "nobody is asked");
        drop(db);
        assert!(!has_other_files(&path, true));
    }

    #[test]
    fn who_has_the_deleted_database_is_found() {
        let (_folder, path) = file();
        let mut db = open(&path);
        append(&mut db, 1).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(has_other_files(&path, true));
        // As the next to come finds it.
        assert!(has_other_files(&path, false));
        drop(db);
        assert!(!has_other_files(&path, false));
    }

    #[test]
    fn what_was_only_read_is_not_in_use() {
        let (folder, path) = file();
        fs::write(with_suffix(&path, "-shm"), [0; 5]).unwrap();
        fs::write(&path, "").unwrap();
        Looked::at(&path, &with_suffix(&path, "-shm")).unwrap();
        assert!(!has_other_files(&path, false));
        let another = fs::File::open(with_suffix(&path, "-shm")).unwrap();
        assert!(has_other_files(&path, false));
        drop((another, folder));
    }
}
