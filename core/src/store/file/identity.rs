//! Identity and owner of a queue's files, read without their times.

use std::fs;
use std::path::Path;

use super::folder::remove;
use super::names::{LEDGER_SUFFIX, RESCUED_SUFFIX, USERS_SUFFIX, with_suffix};
use super::seen::Owner;

/// Identity of a file, whatever its name. Some systems do not report it.
///
/// On Linux the file's times are not read: since 6.13 a file whose times somebody has read gets exact ones with the
/// next write, and each sync has to write those too: a record that survives a power cut takes half as long again.
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

    /// Reads an identity; none from zeros alone, which stand for no file.
    pub(crate) fn read(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let both = u128::from_le_bytes(bytes);
        (both != 0).then_some(Self((both >> 64) as u64, both as u64))
    }

    /// Reads the identity alone, for the reason given at [`FileId`].
    #[cfg(target_os = "linux")]
    fn without_its_times(path: &Path) -> Option<Self> {
        use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
        let found = statx(CWD, path, AtFlags::empty(), StatxFlags::INO).ok()?;
        let dev = makedev(found.stx_dev_major, found.stx_dev_minor);
        Some(Self(dev, found.stx_ino))
    }
}

/// Returns the file's length in bytes, 0 where it is unknown. Its times are not read: see [`FileId`].
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

/// Tells whether the path is a pipe, a socket or a device, where nothing can be kept.
pub(crate) fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Identities of an open database, its log and the shared memory, as found when they were opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenFile {
    pub(crate) file: Option<FileId>,
    log: Option<FileId>,
    memory: Option<FileId>,
    /// Owner of the file at that time.
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

    /// Returns the identities of the database, its log and the shared memory.
    pub(crate) fn all(&self) -> [Option<FileId>; 3] {
        [self.file, self.log, self.memory]
    }

    pub(crate) fn has_its_log(&self, path: &Path) -> bool {
        self.log == FileId::of(&with_suffix(path, "-wal"))
    }

    /// Removes the log and the shared memory, those that still have their names.
    pub(crate) fn forget_log(&self, path: &Path) -> std::io::Result<()> {
        for (suffix, id) in [("-wal", self.log), ("-shm", self.memory)] {
            let beside = with_suffix(path, suffix);
            if id.is_some() && FileId::of(&beside) == id {
                remove(&beside)?;
            }
        }
        Ok(())
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

/// State of an open file, by what has its name now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileState {
    InPlace,
    /// The file is in place, its log is not: commits would be lost with the process.
    WithoutLog,
    /// Both are in place, but the shared memory, which holds the log's length, has another name or none: newcomers
    /// overwrite what this connection commits, and it overwrites what they do.
    WithoutMemory,
    /// Another file has its name.
    Replaced,
    /// No file has its name.
    Gone,
}

impl FileState {
    /// Tells whether the file has lost its name, and not only what stands beside it.
    pub(crate) fn was_taken_away(self) -> bool {
        matches!(self, Self::Gone | Self::Replaced)
    }
}

/// Returns the owner of the queue, present or past, from its file, its replacement or its companion files.
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
