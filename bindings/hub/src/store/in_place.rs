//! Tells whether the files that a connection has open still have their names.

use std::fs;
use std::path::{Path, PathBuf};

/// Identity of a file, whatever its name. Some systems do not report it.
///
/// Its times are not read where that can be avoided: since Linux 6.13 that makes the next sync of the file dearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    disk: u64,
    number: u64,
}

impl FileId {
    #[cfg(target_os = "linux")]
    pub fn of(path: &Path) -> Option<Self> {
        use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
        match statx(CWD, path, AtFlags::empty(), StatxFlags::INO) {
            Ok(found) => Some(Self {
                disk: makedev(found.stx_dev_major, found.stx_dev_minor),
                number: found.stx_ino,
            }),
            // Some sandboxes know no such call.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => Self::with_its_times(path),
            Err(_) => None,
        }
    }

    #[cfg(all(unix, not(target_os = "linux")))]
    pub fn of(path: &Path) -> Option<Self> {
        Self::with_its_times(path)
    }

    #[cfg(unix)]
    fn with_its_times(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let found = fs::metadata(path).ok()?;
        Some(Self {
            disk: found.dev(),
            number: found.ino(),
        })
    }

    #[cfg(not(unix))]
    pub fn of(_: &Path) -> Option<Self> {
        None
    }

    pub fn is_on_the_disk_of(self, other: Self) -> bool {
        self.disk == other.disk
    }
}

/// State of an open database, by what has its names now.
#[derive(Debug, PartialEq, Eq)]
pub enum State {
    InPlace,
    /// The database is in place; its log, or the memory that tells others how long the log is, has no name: what is
    /// committed would go with the process.
    WithoutLog,
    /// Nothing has its name.
    Gone,
    /// Another file has one of its names.
    Replaced(PathBuf),
}

/// Files of an open database, as they were when it was opened.
pub struct OpenFiles {
    /// Path of the database, with no link in it, as SQLite makes the names of the others from that.
    pub path: PathBuf,
    pub file: Option<FileId>,
    /// The log and the shared memory.
    beside: [(PathBuf, Option<FileId>); 2],
}

impl OpenFiles {
    pub fn of(path: &Path) -> Self {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let beside = ["-wal", "-shm"].map(|suffix| {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            let path = PathBuf::from(name);
            let id = FileId::of(&path);
            (path, id)
        });
        Self {
            file: FileId::of(&path),
            path,
            beside,
        }
    }

    pub fn state(&self) -> State {
        if self.file.is_none() {
            return State::InPlace;
        }
        let found = FileId::of(&self.path);
        if found.is_some() && found != self.file {
            return State::Replaced(self.path.clone());
        }
        let mut is_whole = true;
        for (path, id) in &self.beside {
            match FileId::of(path) {
                found if found == *id => {}
                None => is_whole = false,
                Some(_) => return State::Replaced(path.clone()),
            }
        }
        match found {
            None => State::Gone,
            Some(_) if is_whole => State::InPlace,
            Some(_) => State::WithoutLog,
        }
    }

    /// Takes the log and the shared memory away from where another database is to be; what is not this one's stays.
    pub fn remove_what_is_beside(&self) -> std::io::Result<()> {
        for (path, id) in &self.beside {
            if id.is_some() && FileId::of(path) == *id {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}
