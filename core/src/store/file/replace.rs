//! The file's place in its folder: whether it is still there, and how another is put there instead.
//!
//! A successor is made under a name of its own, `-rescue`. Whoever dies meanwhile leaves that behind,
//! and it is thrown away. Once it is whole and on the disk it is renamed to `-rescued`: from then on it
//! is the queue, and [`finish`], which every open begins with, gives it the queue's name. What stood
//! there is kept beside it. So whatever moment the process dies at, the next open finds either the old
//! file with its log or the new one.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::beside::{self, RESCUE_SUFFIX, RESCUED_SUFFIX};
use super::seen::Owner;
use crate::store::{Millis, StoreError};

/// The file of numbers and notes beside a queue.
pub(crate) const LEDGER_SUFFIX: &str = ".ledger";

/// The file beside a queue that keeps room on the disk.
pub(crate) const RESERVE_SUFFIX: &str = ".reserve";

/// The file beside a queue in which its users hold a lock.
pub(crate) const USERS_SUFFIX: &str = ".open";

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

/// An open file, its log and the memory that its users share, as they were found when they were opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenFile {
    pub(crate) file: Option<FileId>,
    log: Option<FileId>,
    memory: Option<FileId>,
    /// Whose the file was.
    pub(crate) owner: Option<Owner>,
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

/// One process at a time puts another file in the queue's place. Where a folder cannot be locked,
/// nobody waits.
pub(crate) struct FolderLock(#[allow(dead_code, reason = "holds the lock")] Option<File>);

impl FolderLock {
    pub(crate) fn wait(path: &Path) -> Self {
        let folder = File::open(folder(path)).ok();
        Self(folder.filter(|folder| folder.lock().is_ok()))
    }
}

/// What becomes of a replacement that the queue's owner could not use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockedOut {
    /// It is not made: what it would be made of stays.
    Refuse,
    /// It is made all the same: nothing else has what is put there.
    GoOn,
}

/// Removes what was left of an attempt to make a replacement file.
pub(crate) fn throw_away(path: &Path) -> Result<(), StoreError> {
    let rescue = with_suffix(path, RESCUE_SUFFIX);
    beside::must_be_unfinished(path, &rescue)?;
    for suffix in ["", "-wal", "-shm", "-journal"] {
        remove(&with_suffix(&rescue, suffix)).map_err(|error| failed(path, &error))?;
    }
    Ok(())
}

/// Returns the path for a replacement file, and removes the leftovers of an earlier attempt. Whoever might use the
/// file may use the one that takes its place: it belongs to `owner`.
pub(crate) fn begin(
    path: &Path,
    owner: Option<Owner>,
    locked_out: LockedOut,
) -> Result<PathBuf, StoreError> {
    throw_away(path)?;
    let rescue = with_suffix(path, RESCUE_SUFFIX);
    match beside::make(&rescue, owner) {
        Ok(_) => Ok(rescue),
        Err(error)
            if locked_out == LockedOut::GoOn && error.kind() == io::ErrorKind::PermissionDenied =>
        {
            tracing::warn!(%error, "the owner of the queue cannot use the file that takes its place");
            beside::make(&rescue, None).map_err(|error| failed(path, &error))?;
            Ok(rescue)
        }
        Err(error) => Err(failed(path, &error)),
    }
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

/// Throws away what was begun.
pub(crate) fn discard(begun: &Path) -> Result<(), StoreError> {
    remove(begun).map_err(|error| failed(begun, &error))
}

/// The successor is made and closed: from now on it is the queue.
pub(crate) fn ready(path: &Path) -> Result<(), StoreError> {
    let rescue = with_suffix(path, RESCUE_SUFFIX);
    let mark = || {
        File::open(&rescue)?.sync_all()?;
        fs::rename(&rescue, with_suffix(path, RESCUED_SUFFIX))?;
        sync_folder(path)
    };
    mark().map_err(|error| failed(path, &error))
}

/// A successor is ready, and has not got the queue's name yet.
pub(crate) fn is_ready(path: &Path) -> bool {
    with_suffix(path, RESCUED_SUFFIX).exists()
}

/// Gives a successor that is ready the queue's name. Returns where the old file is kept, if there was one.
pub(crate) fn finish(path: &Path, now: Millis) -> Result<Option<PathBuf>, StoreError> {
    if !is_ready(path) {
        return Ok(None);
    }
    let rescued = with_suffix(path, RESCUED_SUFFIX);
    let exchange = || {
        let mut kept_at = name_in_exchange(path, now)?;
        remove(&with_suffix(path, "-shm"))?;
        let log = with_suffix(path, "-wal");
        if path.exists() {
            // The log first: without its file it tells which name to go on with, should this break off.
            rename(&log, &with_suffix(&kept_at, "-wal"))?;
            rename(path, &kept_at)?;
        } else {
            kept_at = with_suffix(&kept_at, "-log");
            rename(&log, &kept_at)?;
        }
        fs::rename(&rescued, path)?;
        sync_folder(path)?;
        Ok(Some(kept_at).filter(|kept_at| kept_at.exists()))
    };
    exchange().map_err(|error| failed(path, &error))
}

/// Takes the log away that a file which is gone has left. Its content is in the successor.
pub(crate) fn forget_log(path: &Path) -> Result<(), StoreError> {
    let both = ["-wal", "-shm"].map(|suffix| with_suffix(path, suffix));
    both.iter()
        .try_for_each(|one| remove(one))
        .map_err(|error| failed(path, &error))
}

const KEPT: &str = ".damaged-";

/// The damaged files that are kept beside the queue, oldest first.
pub(crate) fn kept(path: &Path) -> Vec<PathBuf> {
    let beginning = format!(
        "{}{KEPT}",
        path.file_name().unwrap_or_default().to_string_lossy()
    );
    let Ok(entries) = fs::read_dir(folder(path)) else {
        return Vec::new();
    };
    let mut kept: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|found| {
            let name = found.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&beginning)
        })
        .collect();
    kept.sort();
    kept
}

/// What may be kept together: the file, its log, a copy of a log, and what stood beside it.
const PARTS: [&str; 4] = ["", "-wal", "-log", LEDGER];
/// What ends the name of one that stood beside the queue.
pub(crate) const LEDGER: &str = "-ledger";

/// The one that was kept last, with its log or alone.
pub(crate) fn last_kept(path: &Path) -> Option<PathBuf> {
    let mut kept = kept(path);
    kept.retain(|kept| {
        let kept = kept.to_string_lossy();
        let with_its_file = kept
            .strip_suffix("-wal")
            .is_some_and(|file| Path::new(file).exists());
        !with_its_file
    });
    kept.pop()
}

/// All that was kept together with that one, which comes first.
pub(crate) fn kept_with(kept_at: &Path) -> Vec<PathBuf> {
    let name = kept_at.to_string_lossy();
    let mut parts = PARTS[1..].iter();
    let file = parts.find_map(|part| name.strip_suffix(part));
    let file = Path::new(file.unwrap_or(&name));
    let mut all = vec![kept_at.to_path_buf()];
    let others = PARTS.iter().map(|part| with_suffix(file, part));
    all.extend(others.filter(|other| other != kept_at && other.exists()));
    all
}

/// Copies the log before it is written over. Returns where to; none where there is none.
pub(crate) fn keep_log(path: &Path, kept_at: &Path) -> Result<Option<PathBuf>, StoreError> {
    let log = with_suffix(path, "-wal");
    if !log.metadata().is_ok_and(|log| log.len() > 0) {
        return Ok(None);
    }
    let kept_at = with_suffix(kept_at, "-log");
    // The log is no file whose locks count: those are on the database and its -shm.
    beside::copy(&log, &kept_at).map_err(|error| failed(path, &error))?;
    Ok(Some(kept_at))
}

/// Copies what stands beside the queue before it is written anew, or moves it where there is no room for a copy.
/// Returns where to; none where there is nothing, or that fails: the queue has no need of it.
pub(crate) fn keep_beside(path: &Path, kept_at: &Path) -> Option<PathBuf> {
    let ledger = with_suffix(path, LEDGER_SUFFIX);
    if !fs::symlink_metadata(&ledger).is_ok_and(|it| it.len() > 0) {
        return None;
    }
    let kept_at = with_suffix(kept_at, LEDGER);
    let kept = beside::copy(&ledger, &kept_at).or_else(|_| {
        remove(&kept_at)?;
        fs::rename(&ledger, &kept_at)
    });
    match kept {
        Ok(()) => Some(kept_at),
        Err(error) => {
            tracing::warn!(%error, "what is damaged beside the queue's file could not be kept");
            None
        }
    }
}

/// A name that is free.
pub(crate) fn kept_name(path: &Path, now: Millis) -> PathBuf {
    let mut kept_at = with_suffix(path, &format!("{KEPT}{now}"));
    let is_taken = |kept_at: &Path| {
        let mut parts = PARTS.iter();
        parts.any(|part| fs::symlink_metadata(with_suffix(kept_at, part)).is_ok())
    };
    while is_taken(&kept_at) {
        kept_at = with_suffix(&kept_at, "-again");
    }
    kept_at
}

/// A name that is free, or the one whose file broke off on its way there.
fn name_in_exchange(path: &Path, now: Millis) -> io::Result<PathBuf> {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let beginning = format!("{}{KEPT}", name(path).unwrap_or_default());
    // Its log went first.
    let may_be_broken_off = !with_suffix(path, "-wal").exists();
    for entry in fs::read_dir(folder(path))?.take_while(|_| may_be_broken_off) {
        let found = entry?.path();
        if let Some(kept) = name(&found)
            && kept.starts_with(&beginning)
            && let Some(kept) = kept.strip_suffix("-wal")
            && !found.with_file_name(kept).exists()
        {
            return Ok(found.with_file_name(kept));
        }
    }
    Ok(kept_name(path, now))
}

/// What keeps us from writing the file or beside it, if we may not. The file is not opened for that: on
/// Unix to close it again would drop all locks that this process has on it.
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

/// What keeps us from writing the file or beside it, if we may not.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn obstacle(path: &Path) -> Option<String> {
    let read_only = |path: &Path| fs::metadata(path).is_ok_and(|it| it.permissions().readonly());
    if read_only(folder(path)) {
        return Some("no permission to make files in its folder".to_owned());
    }
    read_only(path).then(|| "no permission to write it".to_owned())
}

/// Makes an empty file for this user alone where there is none, so that SQLite need not, which would let
/// everybody read it; the log and what belongs to it get the same rights.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    match beside::make(path, None) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Returns where the queue is, whatever the process's folder will be later. What is no path of a file is
/// refused: SQLite would keep the queue in memory, or open another file.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    let refuse = |reason: &str| StoreError::CannotOpen {
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    };
    let text = path.to_string_lossy();
    if text.is_empty() {
        return Err(refuse("the path is empty: name a file"));
    }
    if text == ":memory:" || text.starts_with("file:") {
        return Err(refuse(
            "it must be a plain path of a file: a queue in memory would be lost with the process",
        ));
    }
    let mut absolute = std::path::absolute(path).map_err(|error| refuse(&error.to_string()))?;
    if absolute.is_dir() {
        return Err(refuse("it is a folder: name a file in it"));
    }
    if text.ends_with(std::path::is_separator) {
        return Err(refuse(
            "it ends as a folder's path does: name a file, without a slash at its end",
        ));
    }
    // SQLite puts its log beside the file itself, not beside a link to it. What the link leads to need not be
    // there yet.
    let mut links = 0;
    while let Ok(target) = fs::read_link(&absolute) {
        links += 1;
        if links > MOST_LINKS {
            return Err(refuse("its links lead back to it: name the file itself"));
        }
        absolute = folder(&absolute).join(target);
    }
    // SQLite goes back up without a look at what is there, and would make a file where the system finds none.
    if absolute
        .components()
        .any(|part| part == Component::ParentDir)
        && let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name())
        && let Ok(found) = fs::canonicalize(folder)
    {
        return Ok(found.join(name));
    }
    Ok(absolute)
}

/// As many as systems follow (Linux: 40).
const MOST_LINKS: u32 = 40;

/// There is no queue, as far as one may look.
pub(crate) fn missing(path: &Path) -> StoreError {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => StoreError::CannotOpen {
            path: path.to_path_buf(),
            reason: "its folder lets nobody but its owner look into it: ask as the user whose queue it is".to_owned(),
        },
        _ => StoreError::Missing(path.to_path_buf()),
    }
}

/// Refuses to make a file where there is no folder for it: SQLite might find another one.
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

/// Refuses a name that ends as that of a file beside a queue does: whoever opens that queue takes it for its own.
pub(crate) fn must_be_no_companion(queue: &Path) -> Result<(), StoreError> {
    match beside::ending(queue) {
        None => Ok(()),
        Some(suffix) => Err(StoreError::CannotOpen {
            path: queue.to_path_buf(),
            reason: format!(
                "its name ends in {suffix}, as that of a file beside another queue does: choose another one"
            ),
        }),
    }
}

/// Refuses a name that leaves no room for what ends the names of what stands beside it. A queue that is there
/// is refused only where it cannot be used at all: a damaged one of a very long name is not kept.
pub(crate) fn must_be_short(queue: &Path) -> Result<(), StoreError> {
    let suffix = if queue.exists() {
        "-journal"
    } else {
        ".damaged-1234567890123-ledger"
    };
    let longest = with_suffix(queue, suffix);
    let is_too_long = |error: io::Error| error.kind() == io::ErrorKind::InvalidFilename;
    let bytes = queue.as_os_str().len();
    if fs::symlink_metadata(longest).is_err_and(is_too_long)
        || cfg!(unix) && bytes > LONGEST_FOR_SQLITE
    {
        return Err(StoreError::CannotOpen {
            path: queue.to_path_buf(),
            reason: "its name or its path is too long, as longer ones have to stand beside it: choose a shorter one"
                .to_owned(),
        });
    }
    Ok(())
}

/// SQLite's own longest path on Unix is one of 512 bytes, with its suffix.
const LONGEST_FOR_SQLITE: usize = 504;

/// Tells whether a file is not there, by the error of opening it. In a folder into which we may not look nothing
/// is, until something else fails there.
pub(crate) fn is_absent(path: &Path, error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    let kind = error.kind();
    matches!(kind, NotFound | NotADirectory)
        || kind == PermissionDenied
            && fs::symlink_metadata(path).is_err_and(|error| error.kind() == PermissionDenied)
}

/// What stands beside a queue cannot be read or written, for whatever reason: that is no damage of it.
pub(crate) fn unusable(queue: &Path, what: &Path, error: &io::Error) -> StoreError {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    if what.is_dir() {
        return beside::in_the_way(queue, what, "is a folder");
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

/// A pipe, a socket or a device, and no place to keep anything.
pub(crate) fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A new name is on the disk only when its folder is. Not every system lets a folder be opened.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(folder(path)) {
        Ok(folder) if cfg!(unix) => folder.sync_all(),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    ignoring_absence(fs::remove_file(path))
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    ignoring_absence(fs::rename(from, to))
}

fn ignoring_absence(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn failed(path: &Path, error: &io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::StorageFull {
        return StoreError::DiskFull;
    }
    StoreError::CannotOpen {
        path: path.to_path_buf(),
        reason: format!("another file has to take its place, and that failed: {error}"),
    }
}
