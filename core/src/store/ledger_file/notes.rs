//! Notes, in the `.ledger` file, of what was taken back, given up or erased: it never leaves the device afterwards,
//! even if the database goes back in time, unless the app records it again, of which there is a note, too.
//!
//! A note is written, and synced where commits are, before the transaction that takes the statement out. A process that
//! dies between the two has taken it out; where the commit fails the note is wiped out again. It names a statement by
//! its place in the log, which is given out once, and a checksum of its id, which many ids share: nothing of what it
//! said. The last [`MOST`] are kept; a new one overwrites the oldest.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use super::layout::HEADER;
use crate::store::UpstreamId;
use crate::store::queue::ledger::Counter;

/// Number of notes that are kept: 2 MiB.
pub(crate) const MOST: u64 = 65_536;

pub(crate) const BYTES: usize = 32;

/// Note of a statement that was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Withdrawn {
    /// Its place in the log.
    pub(crate) seq: i64,
    id_sum: u32,
    /// Counter that it counts under; [`Counter::Waiting`]: it was recorded again, and is to be delivered after all.
    pub(crate) to: Counter,
    /// Upstream at which it was given up; none: everywhere.
    pub(crate) at: Option<UpstreamId>,
}

impl Withdrawn {
    pub(crate) fn new(seq: i64, id: Uuid, to: Counter) -> Self {
        Self {
            seq,
            id_sum: crc32fast::hash(id.as_bytes()),
            to,
            at: None,
        }
    }

    /// Returns the same note, for this upstream alone if there is one.
    pub(crate) fn at(self, upstream: Option<UpstreamId>) -> Self {
        Self {
            at: upstream,
            ..self
        }
    }

    /// Returns the note of the statement in that place, which counts under `to` from now on.
    pub(crate) fn of(conn: &Connection, seq: i64, to: Counter) -> rusqlite::Result<Self> {
        let id = conn
            .prepare_cached("SELECT id FROM statement WHERE seq = ?1")?
            .query_row([seq], |row| row.get(0))?;
        Ok(Self::new(seq, Uuid::from_bytes(id), to))
    }

    /// Tells whether the statement in its place is the one that the note is about.
    pub(crate) fn is_about_what_is_there(&self, conn: &Connection) -> rusqlite::Result<bool> {
        let id: Option<[u8; 16]> = conn
            .prepare_cached("SELECT id FROM statement WHERE seq = ?1")?
            .query_row([self.seq], |row| row.get(0))
            .optional()?;
        Ok(id.is_some_and(|id| crc32fast::hash(&id) == self.id_sum))
    }

    /// Tells whether it undoes the notes before it about the same statement.
    pub(crate) fn undoes(&self) -> bool {
        self.to == Counter::Waiting
    }

    fn bytes(self, family: &[u8; 16], number: u64) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.seq.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.id_sum.to_le_bytes());
        bytes[20] = code(self.to);
        bytes[21] = self.at.map_or(0, UpstreamId::number);
        let sum = sum(family, &bytes).to_le_bytes();
        bytes[BYTES - 4..].copy_from_slice(&sum);
        bytes
    }

    /// Reads a note and its number; none where it is not whole, or about another family of files.
    pub(crate) fn read(bytes: &[u8; BYTES], family: &[u8; 16]) -> Option<(u64, Self)> {
        let eight = |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes);
        let four = |at: usize| bytes[at..at + 4].try_into().map(u32::from_le_bytes);
        if four(BYTES - 4).ok()? != sum(family, bytes) {
            return None;
        }
        let withdrawn = Self {
            seq: eight(8).ok()? as i64,
            id_sum: four(16).ok()?,
            to: place(bytes[20])?,
            at: match bytes[21] {
                0 => None,
                at => Some(UpstreamId::numbered(at)?),
            },
        };
        Some((eight(0).ok()?, withdrawn))
    }
}

/// Returns the checksum of a note, which covers the family of files that it is about.
fn sum(family: &[u8; 16], bytes: &[u8; BYTES]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(family);
    hasher.update(&bytes[..BYTES - 4]);
    hasher.finalize()
}

/// Codes of the counters in the file.
const CODES: [(u8, Counter); 5] = [
    (1, Counter::Delivered),
    (2, Counter::Retracted),
    (3, Counter::Discarded),
    (4, Counter::Erased),
    (5, Counter::Waiting),
];

fn code(place: Counter) -> u8 {
    let mut codes = CODES.into_iter();
    codes
        .find(|(_, known)| *known == place)
        .map_or(0, |it| it.0)
}

fn place(code: u8) -> Option<Counter> {
    let mut codes = CODES.into_iter();
    codes.find(|(known, _)| *known == code).map(|it| it.1)
}

/// Returns the offset of the note with this number.
fn offset(number: u64) -> u64 {
    HEADER + number % MOST * BYTES as u64
}

/// Writes notes, numbered from `first` on.
pub(crate) fn write(
    file: &mut File,
    family: &[u8; 16],
    first: u64,
    notes: &[Withdrawn],
) -> io::Result<()> {
    for (number, note) in (first..).zip(notes) {
        file.seek(SeekFrom::Start(offset(number)))?;
        file.write_all(&note.bytes(family, number))?;
    }
    Ok(())
}

/// Wipes out notes whose statements were not taken out after all.
pub(crate) fn wipe(file: &mut File, numbers: Range<u64>) -> io::Result<()> {
    for number in numbers {
        file.seek(SeekFrom::Start(offset(number)))?;
        file.write_all(&[0; BYTES])?;
    }
    Ok(())
}

/// Returns the notes that are whole, oldest first.
pub(crate) fn whole(file: &[u8], family: &[u8; 16]) -> Vec<(u64, Withdrawn)> {
    let (notes, _) = slots(file);
    let notes = notes
        .iter()
        .filter_map(|note| Withdrawn::read(note, family));
    let mut notes: Vec<_> = notes.collect();
    notes.sort_unstable_by_key(|(number, _)| *number);
    notes
}

/// Returns the slots of notes in the file, and what is left of one at its end.
pub(crate) fn slots(file: &[u8]) -> (&[[u8; BYTES]], &[u8]) {
    file.get(HEADER as usize..).unwrap_or_default().as_chunks()
}

/// Index of notes by the statements that they are about.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    /// Bits of upstreams, by place and checksum of the id.
    withdrawn: HashMap<(i64, u32), i64>,
    /// Bits of upstreams, by checksum of the id alone, for what the app gave up and did not have erased.
    given_up: HashMap<u32, i64>,
}

/// Bits of all upstreams, whichever there are.
const EVERYWHERE: i64 = !0;

impl Noted {
    pub(crate) fn new<'a>(notes: impl IntoIterator<Item = &'a Withdrawn>) -> Self {
        let mut all = Self::default();
        for note in notes {
            let at = note.at.map_or(EVERYWHERE, UpstreamId::bit);
            let place = (note.seq, note.id_sum);
            if note.undoes() {
                *all.withdrawn.entry(place).or_default() &= !at;
                *all.given_up.entry(note.id_sum).or_default() &= !at;
                continue;
            }
            *all.withdrawn.entry(place).or_default() |= at;
            if matches!(note.to, Counter::Retracted | Counter::Discarded) {
                *all.given_up.entry(note.id_sum).or_default() |= at;
            }
        }
        all
    }

    /// Tells whether this one, which is among them, still counts: no later one undoes it.
    pub(crate) fn stands(&self, note: &Withdrawn) -> bool {
        let bits = self.withdrawn.get(&(note.seq, note.id_sum)).copied();
        let at = note.at.map_or(EVERYWHERE, UpstreamId::bit);
        !note.undoes() && bits.is_some_and(|bits| bits & at != 0)
    }

    /// Returns the bits of the upstreams where the app gave up what this statement voids.
    pub(crate) fn target_given_up(&self, target: Uuid) -> i64 {
        let id_sum = crc32fast::hash(target.as_bytes());
        self.given_up.get(&id_sum).copied().unwrap_or(0)
    }

    /// Tells whether the statement with this id in that place was withdrawn everywhere.
    pub(crate) fn has(&self, seq: i64, id: Uuid) -> bool {
        self.given_up(seq, id) == EVERYWHERE
    }

    /// Returns the bits of the upstreams where it was given up.
    pub(crate) fn given_up(&self, seq: i64, id: Uuid) -> i64 {
        let id_sum = crc32fast::hash(id.as_bytes());
        self.withdrawn.get(&(seq, id_sum)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::file::names::{LEDGER_SUFFIX, with_suffix};
    use crate::store::ledger_file::reading::{notes as notes_beside, notes_since};

    #[test]
    fn the_oldest_notes_are_written_over_and_a_torn_one_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let mut file = File::create(with_suffix(&path, LEDGER_SUFFIX)).unwrap();
        let family = [7; 16];
        let note = |n: i64| Withdrawn::new(n, Uuid::from_u128(n as u128), Counter::Erased);
        let seqs = |first| {
            let notes = notes_since(&path, &family, first).unwrap();
            let mut seqs = notes.iter().map(|note| note.seq);
            (seqs.next(), seqs.next_back(), notes.len())
        };
        assert_eq!(seqs(0), (None, None, 0));
        let notes: Vec<_> = (0..70_000).map(note).collect();
        write(&mut file, &family, 0, &notes).unwrap();
        // 2 MiB of 32 bytes each.
        assert_eq!(file.metadata().unwrap().len(), 1_408 + 2_097_152);
        let all = notes_beside(&path, &family).unwrap();
        assert_eq!((all.len(), all[0].0), (65_536, 70_000 - 65_536));
        assert_eq!(seqs(69_990), (Some(69_990), Some(69_999), 10));
        assert_eq!(seqs(70_000), (None, None, 0));
        assert_eq!(notes_since(&path, &[8; 16], 69_990).unwrap(), []);
        wipe(&mut file, 69_998..70_000).unwrap();
        assert_eq!(seqs(69_990), (Some(69_990), Some(69_997), 8));
        let first = Noted::new(&notes[..3]);
        assert!(first.has(2, Uuid::from_u128(2)));
        assert!(!first.has(2, Uuid::from_u128(1)) && !first.has(3, Uuid::from_u128(3)));
    }
}
