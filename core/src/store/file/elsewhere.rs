//! Other processes that share a queue's memory (`-shm`) and have another database open.
//!
//! Somebody may put an older copy of all files in the place of those that a process has open, `.open` among them. Then
//! the newcomer has no lock in common with that process, but SQLite joins the two by the memory, whose name is the same: what one
//! folds into its own database counts as folded for both, and is missing in the other. SQLite holds a lock on the memory
//! for as long as it uses it, and Linux tells everybody who holds locks.

use std::path::Path;

/// Tells whether a process uses the memory that is there, and not the database that is there. False where the system does
/// not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn has_another_database(queue: &Path) -> bool {
    use super::identity::FileId;
    use super::names::with_suffix;

    let (Some(database), Some(memory)) =
        (FileId::of(queue), FileId::of(&with_suffix(queue, "-shm")))
    else {
        return false;
    };
    let Ok(locks) = std::fs::read_to_string("/proc/locks") else {
        return false;
    };
    let has_another = |process: u32| {
        let files = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?;
        let mut ids = files.flatten().map(|file| FileId::of(&file.path()));
        Some(!ids.any(|id| id == Some(database)))
    };
    locks
        .lines()
        .filter_map(|line| holder_of(line, memory))
        .any(|process| has_another(process).unwrap_or(false))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn has_another_database(_: &Path) -> bool {
    false
}

/// Returns the process that holds the lock of this line, if it is one on that file
/// (<https://man7.org/linux/man-pages/man5/proc_locks.5.html>).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn holder_of(line: &str, file: super::identity::FileId) -> Option<u32> {
    let mut words = line.split_ascii_whitespace().skip(1);
    if words.next() != Some("POSIX") {
        return None;
    }
    let (process, id) = (words.nth(2)?, words.next()?);
    let mut parts = id.split(':');
    let major = u32::from_str_radix(parts.next()?, 16).ok()?;
    let minor = u32::from_str_radix(parts.next()?, 16).ok()?;
    let inode = parts.next()?.parse().ok()?;
    (file.is(major, minor, inode)).then(|| process.parse().ok())?
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
