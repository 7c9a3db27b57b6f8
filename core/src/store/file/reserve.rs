//! Room that is kept for a full disk, `….reserve`: a file of real blocks beside the queue.
//!
//! Only what is delivered or erased frees room, and both need some first: for the write-ahead log, for the
//! memory that processes share, without which SQLite opens nothing, and for what the log has yet to add to
//! the file, without which it never gets shorter. So whatever does not record gives the reserve up where the
//! disk is full, and recording never takes of it. It is made by the first record. No record commits before
//! it has blocks for all that the log would add to the file then, and [`PARTS_FOR_DELIVERY`] beyond: so
//! folding the log always succeeds on a disk that has become full, whatever it is filled with, and leaves
//! delivery its part. It is made again by the next record, and when a queue is closed that gave it up.
//! Nothing else depends on it: a queue without one is whole.

use std::fs::{self, File};
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::beside;
use super::folder::folder;
use super::names::PROBE_SUFFIX;
use super::names::RESERVE_SUFFIX;
use super::names::with_suffix;
use super::recognised;
use crate::store::{Db, StoreError};

/// So much is written to see whether anything can be, and removed at once.
const LITTLE: u64 = 64 << 10;

/// The most that is kept, in bytes: what deletes a thousand delivered statements and gives their pages back
/// writes about half of it.
const MOST: u64 = 2 << 20;

/// No more than one part in so many of a small disk.
const PARTS: u64 = 4;

/// Of four parts of the reserve, so many are delivery's: what the log adds to the file takes none of them.
const PARTS_FOR_DELIVERY: u64 = 3;

/// What opening and reading is given at once: twice what the shared memory takes, and some.
const A_LITTLE: u64 = 128 << 10;

/// It is made longer by so much at once, and shorter only where it is longer by several of them.
const STEP: u64 = 512 << 10;

/// The reserve beside one queue's file.
#[derive(Debug)]
pub(crate) struct Reserve {
    /// The queue's file.
    queue: PathBuf,
    /// How long it was when the queue was opened.
    was: u64,
    /// How long it is while the log is short, in bytes; none where the disk does not tell how large it is.
    size: OnceLock<Option<u64>>,
}

/// What recording found: how long the reserve is, and how long it has to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    bytes: u64,
    size: u64,
}

impl Reserve {
    pub(crate) fn of(queue: &Path) -> Self {
        Self {
            queue: queue.to_path_buf(),
            was: length(queue),
            size: OnceLock::new(),
        }
    }

    /// Before recording. An error where that would take the room that delivering needs; none where no
    /// room can be kept here.
    pub(crate) fn keep(&self) -> Result<Option<Kept>, StoreError> {
        let size = self
            .size
            .get_or_init(|| Disk::of(&self.queue).map(|disk| disk.reserve()));
        let Some(size) = *size else { return Ok(None) };
        let bytes = length(&self.queue);
        if bytes < size {
            let free = Disk::of(&self.queue).map_or(0, |disk| disk.free);
            if bytes + free < size {
                return Err(StoreError::DiskFull);
            }
            if let Err(error) = lengthen(&self.queue, size) {
                return not_made(&error).map(|()| None);
            }
        }
        let bytes = bytes.max(size);
        Ok(Some(Kept { bytes, size }))
    }

    /// Before a record commits: blocks for all that the log will add to the file then.
    pub(crate) fn cover(&self, kept: Option<Kept>, added: u64) -> Result<(), StoreError> {
        let Some(Kept { bytes, size }) = kept else {
            return Ok(());
        };
        let needed = size.max(size / 4 * PARTS_FOR_DELIVERY + added);
        if needed <= bytes {
            if bytes - needed > 8 * STEP {
                shorten(&self.queue, needed);
            }
            return Ok(());
        }
        match lengthen(&self.queue, needed.next_multiple_of(STEP))
            .or_else(|_| lengthen(&self.queue, needed))
        {
            Ok(()) => Ok(()),
            Err(error) => not_made(&error),
        }
    }

    /// Before anything but recording. True if the disk is nearly full: then there is no room for a long log.
    pub(crate) fn make_room(&self) -> bool {
        let Some(disk) = Disk::of(&self.queue) else {
            return false;
        };
        let size = disk.reserve();
        if disk.free < size {
            // The next transaction may not fit.
            give_up(&self.queue);
            return true;
        }
        // What was given up is being used.
        disk.free < 2 * size && length(&self.queue) < size
    }

    /// The disk is so small that one transaction may fill it, however much of it is free.
    pub(crate) fn is_on_small_disk(&self) -> bool {
        Disk::of(&self.queue).is_some_and(|disk| disk.reserve() < MOST)
    }

    /// After an error. What failed for want of room may be tried again.
    pub(crate) fn met(&self, error: &StoreError) {
        let is_full = match error {
            StoreError::DiskFull => true,
            // Of a quota SQLite says no more than that it could not write.
            StoreError::Other(_) => is_there(&self.queue) && nothing_fits(&self.queue),
            _ => false,
        };
        if is_full {
            give_up(&self.queue);
        }
    }

    /// After a record that had no room: what it has left in the log goes, and what others have committed
    /// there is folded into the file. The reserve has the room for that, and what that does not take is kept
    /// again at once: whatever else fills the disk meanwhile would leave delivery nothing.
    pub(crate) fn clear(&self, db: &Db) {
        if db.fold_now().is_err() && give_up(&self.queue) {
            // What still fails is met by whoever needs it.
            let _ = db.fold_now();
            let Some(disk) = Disk::of(&self.queue) else {
                return;
            };
            let left = disk.free.min(disk.reserve());
            let kept = lengthen(&self.queue, left)
                .or_else(|_| lengthen(&self.queue, left.saturating_sub(LITTLE)));
            if let Err(error) = kept {
                tracing::debug!(%error, "no room could be kept again for a full disk");
            }
        }
    }

    /// Once the queue is closed: what was given up is room for the next time, as far as it is free still,
    /// and what was kept for the log is needed no longer.
    pub(crate) fn give_back(&self) {
        let bytes = length(&self.queue);
        if self.was.max(bytes) == 0 || !self.queue.exists() {
            return;
        }
        let Some(disk) = Disk::of(&self.queue) else {
            return;
        };
        let is_folded = !with_suffix(&self.queue, "-wal").exists();
        let due = disk.reserve().max(if is_folded { 0 } else { self.was });
        if bytes > due && is_folded {
            shorten(&self.queue, due);
        } else if bytes < due
            && let Err(error) = lengthen(&self.queue, due.min(bytes + disk.free))
        {
            tracing::debug!(%error, "the room for a full disk could not be given back");
        }
    }
}

fn name(queue: &Path) -> PathBuf {
    with_suffix(queue, RESERVE_SUFFIX)
}

fn is_there(queue: &Path) -> bool {
    length(queue) > 0
}

fn length(queue: &Path) -> u64 {
    fs::metadata(name(queue)).map_or(0, |found| found.len())
}

/// Frees its room; true if there was some.
pub(crate) fn give_up(queue: &Path) -> bool {
    let had = is_there(queue);
    fs::remove_file(name(queue)).is_ok() && had
}

/// Frees a little of it, for opening and reading: who dies meanwhile has lost no more. False if there is
/// none.
pub(crate) fn give_up_little(queue: &Path) -> bool {
    match length(queue) {
        0..=A_LITTLE => give_up(queue),
        bytes => shorten(queue, bytes - A_LITTLE),
    }
}

/// What recording does where the reserve could not be made, though the disk says that it has room.
fn not_made(error: &io::Error) -> Result<(), StoreError> {
    if is_full(error) {
        // By a quota: what is recorded now would take the room that delivering needs.
        return Err(StoreError::DiskFull);
    }
    // Something is in the way of this file alone, and recording need not wait for it.
    tracing::debug!(%error, "no room could be kept for a full disk");
    Ok(())
}

/// The disk is full, or our part of it.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// Tells whether not even a little more can be written here; it is tried.
fn nothing_fits(queue: &Path) -> bool {
    let name = with_suffix(queue, PROBE_SUFFIX);
    if name.exists() && !recognised::is_room(&name) {
        return false;
    }
    let tried = filled(queue, &name, LITTLE);
    let _ = fs::remove_file(&name);
    tried.is_err_and(|error| is_full(&error))
}

/// Gives the end of it up; false where that fails.
fn shorten(queue: &Path, bytes: u64) -> bool {
    let opened = beside::open_there(&name(queue));
    let done = opened.and_then(|file| file.set_len(bytes));
    done.inspect_err(
        |error| tracing::debug!(%error, "more room than needed is kept for a full disk"),
    )
    .is_ok()
}

/// Makes it so long, where it is shorter. Where that fails it is as it was.
fn lengthen(queue: &Path, bytes: u64) -> io::Result<()> {
    let before = length(queue);
    let made = filled(queue, &name(queue), bytes);
    if made.is_err() {
        // Half of one would take room from what frees some.
        if before > 0 {
            shorten(queue, before);
        } else {
            let _ = fs::remove_file(name(queue));
        }
    }
    made
}

/// A file beside the queue that takes up so much room.
fn filled(queue: &Path, name: &Path, bytes: u64) -> io::Result<()> {
    let mut file = beside::open(queue, name)?;
    let from = file.seek(io::SeekFrom::End(0))?;
    match bytes.checked_sub(from) {
        None | Some(0) => Ok(()),
        Some(more) => fill(&mut file, from, more),
    }
}

/// Blocks of the disk, without writing them where the system can do that.
fn fill(file: &mut File, from: u64, more: u64) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    match rustix::fs::fallocate(&*file, rustix::fs::FallocateFlags::empty(), from, more) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => {
        }
        done => return Ok(done?),
    }
    let _ = from;
    io::copy(&mut io::Read::take(io::repeat(0), more), file).map(drop)
}

/// The disk that a queue is on, in bytes.
struct Disk {
    all: u64,
    free: u64,
}

impl Disk {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    fn of(queue: &Path) -> Option<Self> {
        let disk = rustix::fs::statvfs(folder(queue)).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        let (all, free) = (bytes(disk.f_blocks), bytes(disk.f_bavail));
        // Some file systems do not tell, and say 0.
        (all > 0).then_some(Self { all, free })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    fn of(_: &Path) -> Option<Self> {
        let _ = folder;
        None
    }

    /// How large a reserve is on it.
    fn reserve(&self) -> u64 {
        MOST.min(self.all / PARTS)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn queue() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let queue = folder.path().join("queue.db");
        fs::write(&queue, "").expect("there is room");
        (folder, queue)
    }

    /// Real blocks, of 512 bytes as `stat` counts them, which nobody else can read.
    #[test]
    fn it_takes_up_the_room_that_it_keeps_and_is_made_by_recording_alone() {
        let (_folder, queue) = queue();
        let reserve = Reserve::of(&queue);
        reserve.met(&StoreError::DiskFull);
        assert!(!reserve.make_room(), "the disk of the tests has some room");
        reserve.give_back();
        assert!(!name(&queue).exists());
        reserve.keep().unwrap();
        let made = fs::metadata(name(&queue)).unwrap();
        assert!(made.blocks() * 512 >= made.len() && made.len() >= 64 * 1024);
        assert_eq!(made.mode() & 0o777, 0o600);
        reserve.keep().unwrap();
        assert_eq!(fs::metadata(name(&queue)).unwrap().ino(), made.ino());
    }

    #[test]
    fn it_is_given_up_for_want_of_room_alone_and_given_back_when_the_queue_is_closed() {
        let (_folder, queue) = queue();
        Reserve::of(&queue).keep().unwrap();
        let reserve = Reserve::of(&queue);
        reserve.met(&StoreError::Busy);
        assert!(name(&queue).exists());
        reserve.met(&StoreError::DiskFull);
        assert!(!name(&queue).exists());
        reserve.give_back();
        assert!(name(&queue).exists());
        // Nothing is left beside a queue that somebody has deleted.
        reserve.met(&StoreError::DiskFull);
        fs::remove_file(&queue).unwrap();
        reserve.give_back();
        assert!(!name(&queue).exists());
    }

    /// Linux says 28 of a full disk, 122 of a full quota and 13 of a lack of permission.
    #[test]
    fn recording_does_not_take_the_last_of_a_quota_and_does_not_wait_for_a_lack_of_permission() {
        let system = io::Error::from_raw_os_error;
        assert_eq!(not_made(&system(122)), Err(StoreError::DiskFull));
        assert_eq!(not_made(&system(28)), Err(StoreError::DiskFull));
        assert_eq!(not_made(&system(13)), Ok(()));
    }

    #[test]
    fn an_error_of_another_kind_leaves_it_there_and_nothing_else_where_there_is_room() {
        let (folder, queue) = queue();
        let reserve = Reserve::of(&queue);
        reserve.keep().unwrap();
        reserve.met(&StoreError::Other("disk I/O error".to_owned()));
        assert!(name(&queue).exists());
        let left = fs::read_dir(folder.path()).expect("it is there").count();
        assert_eq!(left, 2, "the queue and its reserve");
    }
}
