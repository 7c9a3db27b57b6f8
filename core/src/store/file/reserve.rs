//! Room that is kept for a full disk, `….reserve`: a file of real blocks beside the queue.
//!
//! Only delivering and erasing free room, and both need some first: for the write-ahead log, for the memory that
//! processes share, without which SQLite opens nothing, and for what the log has yet to add to the file, without which
//! it never gets shorter. So everything but recording gives the reserve up where the disk is full, and recording never
//! takes from it. The first record makes it. No record commits before the reserve has blocks for all that the log would
//! then add to the file, and [`PARTS_FOR_DELIVERY`] beyond: so folding the log always succeeds on a disk that has
//! become full, whatever fills it, and leaves delivery its part. The next record makes the reserve again, and so does
//! closing a queue that gave it up. Nothing else depends on it: a queue without one is whole.

use std::fs::{self, File};
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::beside;
use super::folder::folder;
use super::names::{PROBE_SUFFIX, RESERVE_SUFFIX, with_suffix};
use super::recognised;
use crate::store::{Db, StoreError};

/// Number of bytes written to see whether anything can be, and removed at once.
const LITTLE: u64 = 64 << 10;

/// Largest size of a reserve, in bytes: deleting a thousand delivered statements and giving their pages back writes
/// about half of it.
const MOST: u64 = 2 << 20;

/// Divisor of a small disk's size: the reserve is no larger than this part of it.
const PARTS: u64 = 4;

/// Number of quarters of the reserve that belong to delivery: what the log adds to the file takes none of them.
const PARTS_FOR_DELIVERY: u64 = 3;

/// Number of bytes freed at once for opening and reading: twice what the shared memory takes, and some.
const A_LITTLE: u64 = 128 << 10;

/// Number of bytes by which it grows at once. It is cut only where it is too long by several of these steps.
const STEP: u64 = 512 << 10;

/// Reserve beside one queue's file.
#[derive(Debug)]
pub(crate) struct Reserve {
    /// The queue's file.
    queue: PathBuf,
    /// Length of the reserve when the queue was opened, in bytes.
    was: u64,
    /// Length while the log is short, in bytes; none where the disk does not report its size.
    size: OnceLock<Option<u64>>,
}

/// Length of the reserve as recording found it, and the length that it must have.
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

    /// Makes the reserve, before recording. Fails where recording would take the room that delivering needs; none where
    /// no room can be kept here.
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

    /// Reserves blocks, before a record commits, for all that the log will then add to the file.
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

    /// Gives the reserve up, before anything but recording, where the next transaction may not fit. True if the disk is
    /// nearly full: then there is no room for a long log.
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
        // The room that was given up is in use.
        disk.free < 2 * size && length(&self.queue) < size
    }

    /// Tells whether the disk is so small that one transaction may fill it, however much of it is free.
    pub(crate) fn is_on_small_disk(&self) -> bool {
        Disk::of(&self.queue).is_some_and(|disk| disk.reserve() < MOST)
    }

    /// Gives the reserve up after an error for want of room: what failed may be tried again.
    pub(crate) fn met(&self, error: &StoreError) {
        let is_full = match error {
            StoreError::DiskFull => true,
            // For a quota, SQLite says only that it could not write.
            StoreError::Other(_) => is_there(&self.queue) && nothing_fits(&self.queue),
            _ => false,
        };
        if is_full {
            give_up(&self.queue);
        }
    }

    /// Clears the log after a record that had no room: what the record has left there goes, and what others have
    /// committed is folded into the file. The reserve has the room for that, and the rest of it is kept again at once:
    /// otherwise whatever else fills the disk would leave delivery nothing.
    pub(crate) fn clear(&self, db: &Db) {
        if db.fold_now().is_err() && give_up(&self.queue) {
            // If this fails too, whoever needs the room finds out.
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

    /// Restores the reserve once the queue is closed, as far as there is still room, and frees what was kept for the
    /// log and is no longer needed.
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

/// Frees a little of it, for opening and reading: a process that dies then has lost no more. False if there is none.
pub(crate) fn give_up_little(queue: &Path) -> bool {
    match length(queue) {
        0..=A_LITTLE => give_up(queue),
        bytes => shorten(queue, bytes - A_LITTLE),
    }
}

/// Decides whether recording goes on where the reserve could not be made, though the disk reports room for it.
fn not_made(error: &io::Error) -> Result<(), StoreError> {
    if is_full(error) {
        // A quota is used up: what is recorded now would take the room that delivering needs.
        return Err(StoreError::DiskFull);
    }
    // Something is in the way of this file alone, and recording need not wait for it.
    tracing::debug!(%error, "no room could be kept for a full disk");
    Ok(())
}

/// Tells whether the error means that the disk, or our part of it, is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// Tells, by trying it, whether not even a little more can be written here.
fn nothing_fits(queue: &Path) -> bool {
    let name = with_suffix(queue, PROBE_SUFFIX);
    if name.exists() && !recognised::is_room(&name) {
        return false;
    }
    let tried = filled(queue, &name, LITTLE);
    let _ = fs::remove_file(&name);
    tried.is_err_and(|error| is_full(&error))
}

/// Cuts the reserve down to this length; false where that fails.
fn shorten(queue: &Path, bytes: u64) -> bool {
    let opened = beside::open_there(&name(queue));
    let done = opened.and_then(|file| file.set_len(bytes));
    done.inspect_err(
        |error| tracing::debug!(%error, "more room than needed is kept for a full disk"),
    )
    .is_ok()
}

/// Makes the reserve this long, where it is shorter. Where that fails it stays as it was.
fn lengthen(queue: &Path, bytes: u64) -> io::Result<()> {
    let before = length(queue);
    let made = filled(queue, &name(queue), bytes);
    if made.is_err() {
        // A partial one would take room from what frees some.
        if before > 0 {
            shorten(queue, before);
        } else {
            let _ = fs::remove_file(name(queue));
        }
    }
    made
}

/// Makes a file beside the queue take up this much room.
fn filled(queue: &Path, name: &Path, bytes: u64) -> io::Result<()> {
    let mut file = beside::open(queue, name)?;
    let from = file.seek(io::SeekFrom::End(0))?;
    match bytes.checked_sub(from) {
        None | Some(0) => Ok(()),
        Some(more) => fill(&mut file, from, more),
    }
}

/// Allocates blocks of the disk, without writing them where the system can do that.
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

/// Size and free room of the disk that a queue is on, in bytes.
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

    /// Returns the length of a reserve on this disk.
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
