//! Which files a queue's are, whatever their names, and whose: told without their times, which costs each later sync.

use std::fs;
use std::path::Path;

use super::names::{LEDGER_SUFFIX, RESCUED_SUFFIX, USERS_SUFFIX, with_suffix};
use super::seen::Owner;

/// Which file this is, whatever its name. Some systems do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    pub(crate) fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        #[cfg(target_os = "linux")]
        if let Some(found) = Self::without_its_times(path) {
            return Some(found);
        }
        let found = fs::metadata(path).ok()?;
        Some(Self(found.dev(), found.ino()))
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: &Path) -> Option<Self> {
        None
    }

    pub(crate) const BYTES: usize = 16;

    pub(crate) fn bytes(self) -> [u8; Self::BYTES] {
        (u128::from(self.0) << 64 | u128::from(self.1)).to_le_bytes()
    }

    /// None of nothing but zeros, which is no file.
    pub(crate) fn read(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let both = u128::from_le_bytes(bytes);
        (both != 0).then_some(Self((both >> 64) as u64, both as u64))
    }

    /// Since Linux 6.13 a file whose times somebody has read gets exact ones with the next write, and each
    /// sync has to write those too: a record that survives a power cut takes half as long again.
    #[cfg(target_os = "linux")]
    fn without_its_times(path: &Path) -> Option<Self> {
        use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
        let found = statx(CWD, path, AtFlags::empty(), StatxFlags::INO).ok()?;
        let dev = makedev(found.stx_dev_major, found.stx_dev_minor);
        Some(Self(dev, found.stx_ino))
    }
}

/// Returns how long the file is, in bytes; 0 where nobody tells. Its times are not read: see [`FileId`].
pub(crate) fn size_of(path: &Path) -> u64 {
    #[cfg(target_os = "linux")]
    if let Ok(found) = rustix::fs::statx(
        rustix::fs::CWD,
        path,
        rustix::fs::AtFlags::empty(),
        rustix::fs::StatxFlags::SIZE,
    ) {
        return found.stx_size;
    }
    fs::metadata(path).map_or(0, |found| found.len())
}

/// A pipe, a socket or a device, and no place to keep anything.
pub(crate) fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// An open file, its log and the memory that its users share, as they were found when they were opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenFile {
    pub(crate) file: Option<FileId>,
    log: Option<FileId>,
    memory: Option<FileId>,
    /// Whose the file was.
    pub(crate) owner: Option<Owner>,
}

impl OpenFile {
    pub(crate) fn of(path: &Path) -> Self {
        Self {
            file: FileId::of(path),
            log: FileId::of(&with_suffix(path, "-wal")),
            memory: FileId::of(&with_suffix(path, "-shm")),
            owner: Owner::of(path),
        }
    }

    /// Which files these are: the database, its log, and the memory that its users share.
    pub(crate) fn all(&self) -> [Option<FileId>; 3] {
        [self.file, self.log, self.memory]
    }

    pub(crate) fn has_its_log(&self, path: &Path) -> bool {
        self.log == FileId::of(&with_suffix(path, "-wal"))
    }

    pub(crate) fn file_state(&self, path: &Path) -> FileState {
        if self.file.is_none() {
            return FileState::InPlace;
        }
        match FileId::of(path) {
            None => FileState::Gone,
            found if found != self.file => FileState::Replaced,
            _ if self.log.is_some() && !self.has_its_log(path) => FileState::WithoutLog,
            _ if self.memory != FileId::of(&with_suffix(path, "-shm")) => FileState::WithoutMemory,
            _ => FileState::InPlace,
        }
    }
}

/// Where an open file is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileState {
    InPlace,
    /// The file is, its log is not: commits would be lost with the process.
    WithoutLog,
    /// Both are, and the memory that tells its users how long the log is has another name or none: who comes now
    /// writes over what this connection commits, and this one over what they do.
    WithoutMemory,
    /// Another file has its name.
    Replaced,
    /// No file has its name.
    Gone,
}

/// Whose the queue is, or was, by what takes its place or stands beside it.
pub(crate) fn owner_of(path: &Path) -> Option<Owner> {
    let first_of = |suffixes: &[&str]| {
        let mut all = suffixes.iter().map(|suffix| with_suffix(path, suffix));
        all.find_map(|one| Owner::of(&one))
    };
    first_of(&["", RESCUED_SUFFIX]).or_else(|| {
        let beside = first_of(&[LEDGER_SUFFIX, "-wal", USERS_SUFFIX]);
        beside.map(Owner::of_what_stands_beside)
    })
}
