//! Other processes that have a queue open with other files than there are now, and nobody's lock tells of them.
//!
//! Somebody may put an older copy of all files in the place of those that a process has open, `.open` among them. Then
//! the newcomer has no lock in common with that process, but SQLite joins the two by the memory, whose name is the same:
//! what one folds into its own database counts as folded for both, and is missing in the other. Whoever has the memory
//! open has a database open too, and Linux tells which files a process has. Or the log is deleted and `.open` with it: the
//! newcomer would make another log for the same database.

use std::path::Path;

/// Tells whether a process uses the memory that is there with another database, or the database that is there with a
/// deleted log. Nobody is asked where there is no memory, unless nobody is known because `.open` `was_made` just now. False
/// where the system does not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn has_other_files(queue: &Path, was_made: bool) -> bool {
    use super::identity::FileId;
    use super::names::with_suffix;

    let memory = FileId::of(&with_suffix(queue, "-shm"));
    let Some(database) = FileId::of(queue).filter(|_| memory.is_some() || was_made) else {
        return false;
    };
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return false;
    };
    // As Linux shows a log that has lost its name.
    let queue = std::fs::canonicalize(queue).ok();
    let deleted_log = queue.map(|queue| with_suffix(&queue, "-wal (deleted)"));
    processes.flatten().any(|process| {
        let is_process = process.file_name().to_string_lossy().parse::<u32>().is_ok();
        // That of another user is closed to us.
        let files = is_process.then(|| std::fs::read_dir(process.path().join("fd")));
        let Some(Ok(files)) = files else {
            return false;
        };
        let files: Vec<_> = files.flatten().map(|file| file.path()).collect();
        let open: Vec<_> = files.iter().filter_map(|file| FileId::of(file)).collect();
        if open.contains(&database) {
            let mut links = files
                .iter()
                .filter_map(|file| std::fs::read_link(file).ok());
            links.any(|link| Some(link) == deleted_log)
        } else {
            memory.is_some_and(|memory| open.contains(&memory))
        }
    })
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
}
