//! Room that is kept for a full disk, `….reserve`: a file of real blocks beside the queue.
//!
//! Only what is delivered or erased frees room, and both need some first: for the write-ahead log, and for
//! the memory that processes share, without which SQLite opens nothing. So whatever does not record gives
//! the reserve up where the disk is full, and recording never takes of it: it goes on while the reserve is
//! there, or as much room is free. The reserve is made by the first record, made again by one that leaves
//! as much room beside it, and given back when a queue is closed that gave it up. Nothing depends on it:
//! a queue without one is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::place::{folder, private, with_suffix};

pub(super) const SUFFIX: &str = ".reserve";

/// What is written to see whether anything can be, and removed at once: so much.
const PROBE: &str = ".reserve-probe";
const LITTLE: u64 = 64 << 10;

/// The most that is kept, in bytes: what deletes a thousand delivered statements and gives their pages back
/// writes about half of it.
const MOST: u64 = 2 << 20;

/// No more than one part in so many of a small disk.
const PARTS: u64 = 4;

/// With less than one part in so many of the reserve's size left, the next transaction may not fit.
const LOW: u64 = 4;

/// The reserve beside one queue's file.
#[derive(Debug)]
pub(super) struct Reserve {
    /// The queue's file.
    queue: PathBuf,
    /// It was there when the queue was opened.
    was_there: bool,
}

impl Reserve {
    pub(super) fn of(queue: &Path) -> Self {
        Self {
            queue: queue.to_path_buf(),
            was_there: is_there(queue),
        }
    }

    /// Before recording. An error where that would take the room that delivering needs.
    pub(super) fn keep(&self) -> Result<(), StoreError> {
        if is_there(&self.queue) {
            return Ok(());
        }
        let Some(disk) = Disk::of(&self.queue) else {
            return Ok(());
        };
        if disk.free < disk.reserve() {
            return Err(StoreError::DiskFull);
        }
        if disk.free >= 2 * disk.reserve()
            && let Err(error) = make(&self.queue, disk.reserve())
        {
            return not_made(&error);
        }
        Ok(())
    }

    /// Before anything but recording. True if the disk is nearly full: then there is no room for a long log.
    pub(super) fn make_room(&self) -> bool {
        let is_low = Disk::of(&self.queue).is_some_and(|disk| disk.free < disk.reserve() / LOW);
        is_low && {
            give_up(&self.queue);
            true
        }
    }

    /// After an error. What failed for want of room may be tried again.
    pub(super) fn met(&self, error: &StoreError) {
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

    /// Once the queue is closed: what was given up is room for the next time, as far as it is free still.
    pub(super) fn give_back(&self) {
        if !self.was_there || is_there(&self.queue) || !self.queue.exists() {
            return;
        }
        if let Some(disk) = Disk::of(&self.queue)
            && let Err(error) = make(&self.queue, disk.reserve().min(disk.free))
        {
            tracing::debug!(%error, "the room for a full disk could not be given back");
        }
    }
}

fn name(queue: &Path) -> PathBuf {
    with_suffix(queue, SUFFIX)
}

fn is_there(queue: &Path) -> bool {
    fs::metadata(name(queue)).is_ok_and(|found| found.len() > 0)
}

/// Frees its room; true if there was some.
pub(super) fn give_up(queue: &Path) -> bool {
    let had = is_there(queue);
    fs::remove_file(name(queue)).is_ok() && had
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
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// Whether not even a little more can be written here; it is tried.
fn nothing_fits(queue: &Path) -> bool {
    let name = with_suffix(queue, PROBE);
    let tried = filled(&name, LITTLE);
    let _ = fs::remove_file(&name);
    tried.is_err_and(|error| is_full(&error))
}

fn make(queue: &Path, bytes: u64) -> io::Result<()> {
    let name = name(queue);
    let made = filled(&name, bytes);
    if made.is_err() {
        // Half of one would take room from what frees some.
        let _ = fs::remove_file(&name);
    }
    made
}

/// A file of this user's alone that takes up so much room.
fn filled(name: &Path, bytes: u64) -> io::Result<()> {
    fill(&mut private().truncate(true).open(name)?, bytes)
}

/// Blocks of the disk, without writing them where the system can do that.
fn fill(file: &mut File, bytes: u64) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    match rustix::fs::fallocate(&*file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => {
        }
        done => return Ok(done?),
    }
    io::copy(&mut io::Read::take(io::repeat(0), bytes), file).map(drop)
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
