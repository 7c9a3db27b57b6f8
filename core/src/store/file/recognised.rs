//! Recognition, by content, of companion files that Pannier, or `SQLite` for it, has written.
//!
//! A file of ours may have been torn at any moment, by a kill or a power cut, or be damaged, and is ours all the same:
//! so is an empty file, and one of zeros. Each check refuses only what no file of that kind can be, whatever happened
//! to it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::kind;
use super::names::with_suffix;
use super::seen::Seen;
use super::settings::{APPLICATION_ID, PAGE_BYTES};
use super::user_files;
use crate::store::StoreError;
use crate::store::ledger_file::reading;
use crate::store::repair::raw_file::Looked;

/// First bytes of a log, in either byte order (<https://www.sqlite.org/walformat.html>).
const LOG: [[u8; 4]; 2] = [0x377f_0682_u32.to_be_bytes(), 0x377f_0683_u32.to_be_bytes()];

/// First bytes of the memory that a file's users share, in this machine's byte order.
const MEMORY: [u8; 4] = 3_007_000_u32.to_ne_bytes();

const MEMORY_PAGE: u64 = 4096;

/// First bytes of a rollback journal (<https://www.sqlite.org/fileformat2.html>, section 3).
const JOURNAL: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Number of places at which the room for a full disk is read; the next constant is their length in bytes.
const PLACES: u64 = 16;
const PLACE: u64 = 4 << 10;

/// Tells whether a file may be the list of the queue's open files: it is as long as that, or as the mark of doubt, and
/// never a text. A torn or damaged list is as long.
pub(crate) fn is_list_of_users(path: &Path) -> bool {
    let Some(bytes) = beginning(path, user_files::LONGEST as u64 + 1) else {
        return true;
    };
    is_blank(&bytes)
        || user_files::LENGTHS.contains(&bytes.len()) && (bytes.len() == 1 || !is_text(&bytes))
}

/// Tells whether a file may be room for a full disk, which is nothing but zeros: a damaged block or two are only a
/// small part of it.
pub(crate) fn is_room(path: &Path) -> bool {
    let looked = || -> io::Result<bool> {
        let mut file = File::open(path)?;
        let bytes = file.seek(SeekFrom::End(0))?;
        let places: Vec<u64> = if bytes <= PLACES * PLACE {
            (0..bytes.div_ceil(PLACE)).map(|n| n * PLACE).collect()
        } else {
            (0..PLACES)
                .map(|n| (bytes - PLACE) / (PLACES - 1) * n)
                .collect()
        };
        let (mut seen, mut others) = (0, 0);
        let mut place = Vec::new();
        for at in places {
            place.clear();
            file.seek(SeekFrom::Start(at))?;
            file.by_ref().take(PLACE).read_to_end(&mut place)?;
            seen += place.len();
            others += place.iter().filter(|byte| **byte != 0).count();
        }
        Ok(others * 8 <= seen)
    };
    // A failure to read is reported by whoever writes the file.
    looked().unwrap_or(true)
}

/// Tells whether a file begins with bytes that no text has, as a torn file of ours does.
pub(crate) fn is_no_text(path: &Path) -> bool {
    beginning(path, PLACE).is_none_or(|begins| !is_text(&begins))
}

/// Tells whether a file may be a rollback journal, which `SQLite` plays back or discards.
pub(crate) fn is_journal(path: &Path) -> bool {
    beginning(path, JOURNAL.len() as u64)
        .is_none_or(|begins| is_blank(&begins) || JOURNAL.starts_with(&begins))
}

/// Tells whether a file may be a queue whose making was cut off: there, and no longer than its first page. What is
/// called its journal is of its making, of which a power cut leaves any sectors, and others of whatever was on the disk.
pub(crate) fn is_being_made(queue: &Path) -> bool {
    let is_short = Seen::at(queue).is_some_and(|seen| seen.bytes <= u64::from(PAGE_BYTES));
    is_short
        && beginning(queue, kind::MAGIC.len() as u64)
            .is_some_and(|begins| is_blank(&begins) || kind::MAGIC.starts_with(&begins))
}

/// Tells whether a file may be the memory that the queue's users share: beside a queue it has whole pages, or the first
/// bytes that `SQLite` leaves of it. Where it has another length, as one that was cut, or the queue is gone, its content
/// says so.
pub(crate) fn is_memory(queue: &Path, seen: &Seen) -> Result<bool, StoreError> {
    let has_a_length_of_ours = seen.bytes <= 3 || seen.bytes.is_multiple_of(MEMORY_PAGE);
    if has_a_length_of_ours && Seen::at(queue).is_some_and(|queue| queue.bytes > 0) {
        return Ok(true);
    }
    let Some(file) = Looked::at(queue, &with_suffix(queue, "-shm"))? else {
        return Ok(true);
    };
    let mut begins = [0; 4];
    let begins = &mut begins[..file.len().min(4) as usize];
    Ok(!file.read(0, begins) || is_blank(begins) || MEMORY.starts_with(begins))
}

/// Tells whether a file may be a log, by its first four bytes.
pub(crate) fn is_log(path: &Path) -> bool {
    beginning(path, 4).is_none_or(|begins| {
        is_blank(&begins) || LOG.iter().any(|log| log.starts_with(begins.as_slice()))
    })
}

/// Tells whether the `.ledger` file may be ours: it begins with a mark, before anything else that is written there.
pub(crate) fn is_ledger(queue: &Path) -> Result<bool, StoreError> {
    let raw = reading::Raw::of(queue)?;
    let bytes = raw.bytes();
    Ok(is_blank(bytes) || reading::is_marked(bytes))
}

/// Tells whether a finished replacement of the queue is one of ours.
pub(crate) fn is_successor(path: &Path) -> Result<bool, StoreError> {
    kind::was_a_queue(path)
}

/// Tells whether a file may be an unfinished replacement of the queue. An empty database is not marked as ours before
/// its first table is made.
pub(crate) fn is_unfinished(path: &Path) -> bool {
    let Some(begins) = beginning(path, 72) else {
        return true;
    };
    let mark = begins
        .get(68..72)
        .map(|mark| mark == (APPLICATION_ID as u32).to_be_bytes());
    let is_short = Seen::at(path).is_some_and(|seen| seen.bytes <= u64::from(PAGE_BYTES));
    let is_torn = kind::MAGIC.starts_with(&begins);
    is_blank(&begins)
        || is_torn
        || begins.starts_with(kind::MAGIC) && (is_short || mark == Some(true))
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        !text
            .chars()
            .any(|one| one.is_control() && !one.is_whitespace())
    })
}

/// Returns at most `bytes` of a file; none where it is absent or may not be read, which others report. There is room
/// for all of them, so that they are read at once: what is written over in between would be half of each.
fn beginning(path: &Path, bytes: u64) -> Option<Vec<u8>> {
    let mut begins = Vec::with_capacity(bytes as usize);
    let file = File::open(path).ok()?;
    file.take(bytes).read_to_end(&mut begins).ok()?;
    Some(begins)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::io::Write as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_list_of_users_is_one_also_while_it_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db.open");
        let mut file = File::create(&path).unwrap();
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    for bytes in [&[1; user_files::LONGEST][..], &[2], &[]] {
                        file.seek(SeekFrom::Start(0)).unwrap();
                        file.write_all(bytes).unwrap();
                        file.set_len(bytes.len() as u64).unwrap();
                    }
                }
            });
            let is_always = (0..30_000).all(|_| is_list_of_users(&path));
            is_done.store(true, Ordering::Relaxed);
            assert!(is_always);
        });
    }
}
