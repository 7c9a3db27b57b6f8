//! Other processes that share a queue's memory (`-shm`) and have another database open.
//!
//! Somebody may put an older copy of all files in the place of those that a process has open, `.open` among them. Then
//! the newcomer has no lock in common with that process, but SQLite joins the two by the memory, whose name is the same:
//! what one folds into its own database counts as folded for both, and is missing in the other. Whoever has the memory
//! open has a database open too, and Linux tells which files a process has.

use std::path::Path;

/// Tells whether a process uses the memory that is there, and not the database that is there. False where the system does
/// not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn has_another_database(queue: &Path) -> bool {
    use super::identity::FileId;
    use super::names::with_suffix;

    let memory = FileId::of(&with_suffix(queue, "-shm"));
    let (Some(database), Some(memory)) = (FileId::of(queue), memory) else {
        return false;
    };
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return false;
    };
    processes.flatten().any(|process| {
        let is_process = process.file_name().to_string_lossy().parse::<u32>().is_ok();
        // That of another user is closed to us.
        let files = is_process.then(|| std::fs::read_dir(process.path().join("fd")));
        let Some(Ok(files)) = files else {
            return false;
        };
        let open: Vec<_> = files
            .flatten()
            .filter_map(|file| FileId::of(&file.path()))
            .collect();
        open.contains(&memory) && !open.contains(&database)
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn has_another_database(_: &Path) -> bool {
    false
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::tests::{append, file, open};

    #[test]
    fn who_has_the_memory_and_another_database_is_found() {
        let (folder, path) = file();
        assert!(!has_another_database(&path), "nothing is there");
        let mut db = open(&path);
        append(&mut db, 1).unwrap();
        assert!(!has_another_database(&path));
        let away = folder.path().join("away.db");
        fs::copy(&path, &away).unwrap();
        fs::rename(&away, &path).unwrap();
        assert!(has_another_database(&path));
    }
}
