//! The ledger's numbers beside the file, `….ledger`: what a damaged, missing or older file cannot say of
//! itself. Behind them stands what was withdrawn (`withdrawn.rs`).
//!
//! The numbers are written after each commit and never synced, so they may be behind the file, never before
//! what was promised. Opening compares: where the file knows of less than they do, it has gone back in time
//! (`back.rs`); and a file that is empty now, and had statements, is not taken for a new one.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::append::Tail;
use super::place::{FileId, private, sync_folder, with_suffix};
use super::withdrawn::{self, Withdrawn};
use super::{Durability, UpstreamId};

pub(super) const SUFFIX: &str = ".ledger";

/// What it begins with: its format, the first.
pub(super) const MARK: [u8; 8] = *b"Pannier1";

/// How many numbers there are.
const COUNT: usize = 11;

const BYTES: usize = 8 + 2 * 16 + COUNT * 8 + 4;

/// What is withdrawn begins here.
pub(super) const HEADER: u64 = 160;

/// What was in the queue, by the account of the first upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Numbers {
    /// Which queue it was: a number made at random with each.
    pub(super) queue: [u8; 16],
    /// The same for the files that are saved of it.
    pub(super) family: [u8; 16],
    /// The last place in the log that was given out.
    pub(super) last_seq: u64,
    /// Of those places, the ones that do not count: what was there is lost, or not for the first upstream.
    pub(super) skipped: u64,
    /// Nothing beyond that place was delivered.
    pub(super) delivered_to: u64,
    /// Nothing beyond that place was sent.
    pub(super) sent_to: u64,
    /// Notes of what was withdrawn.
    pub(super) withdrawn: u64,
    pub(super) delivered: u64,
    pub(super) retracted: u64,
    pub(super) discarded: u64,
    pub(super) replaced: u64,
    pub(super) erased: u64,
    /// How often others were done with a statement.
    pub(super) elsewhere: u64,
}

impl Numbers {
    /// Returns what stands beside the queue; none where nothing whole does.
    pub(super) fn beside(path: &Path) -> Option<Self> {
        let mut bytes = [0; BYTES];
        let mut file = File::open(with_suffix(path, SUFFIX)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        Self::read(&bytes)
    }

    /// Returns what the file that stands beside the queue begins with; none where that is not whole.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (rest, sum) = bytes.get(..BYTES)?.split_at(BYTES - 4);
        if !rest.starts_with(&MARK) || sum != crc32fast::hash(rest).to_le_bytes() {
            return None;
        }
        let [mut queue, mut family] = [[0; 16]; 2];
        queue.copy_from_slice(&rest[8..24]);
        family.copy_from_slice(&rest[24..40]);
        let (eights, _) = rest[40..].as_chunks::<8>();
        let mut numbers = [0; COUNT];
        for (number, eight) in numbers.iter_mut().zip(eights) {
            *number = u64::from_le_bytes(*eight);
        }
        Some(Self::from_array(queue, family, numbers))
    }

    /// Returns what the file itself says.
    pub(super) fn of(conn: &Connection) -> rusqlite::Result<Self> {
        let last_seq = Tail::read(conn)?.seq as u64;
        conn.prepare_cached(
            "SELECT queue, family, begins_after + excluded, max(delivered_to, delivered_through),
                max(sent_through, ifnull((SELECT max(seq) FROM sent_ahead WHERE upstream = ?1), 0)),
                withdrawn, delivered, retracted, discarded, replaced, erased,
                ifnull((SELECT sum(delivered + retracted + discarded + replaced + erased)
                        FROM upstream WHERE id <> ?1), 0)
                    + ifnull((SELECT sum(done_with) FROM removed_upstream), 0)
             FROM ledger, upstream u WHERE u.id = ?1",
        )?
        .query_row([UpstreamId::MAIN], |row| {
            let number = |at| row.get::<_, i64>(at).map(|number| number as u64);
            Ok(Self {
                queue: row.get(0)?,
                family: row.get(1)?,
                last_seq,
                skipped: number(2)?,
                delivered_to: number(3)?,
                sent_to: number(4)?,
                withdrawn: number(5)?,
                delivered: number(6)?,
                retracted: number(7)?,
                discarded: number(8)?,
                replaced: number(9)?,
                erased: number(10)?,
                elsewhere: number(11)?,
            })
        })
    }

    /// Those that were to be delivered still.
    pub(super) fn undelivered(&self) -> u64 {
        let elsewhere =
            self.delivered + self.retracted + self.discarded + self.replaced + self.erased;
        self.last_seq.saturating_sub(self.skipped + elsewhere)
    }

    /// Tells whether they know of something that the others do not.
    pub(super) fn are_ahead_of(&self, others: &Self) -> bool {
        // How far it was sent is taken back where nothing was.
        let no_marks = |numbers: &Self| {
            Self {
                sent_to: 0,
                ..*numbers
            }
            .array()
        };
        let mut both = no_marks(self).into_iter().zip(no_marks(others));
        both.any(|(ours, theirs)| ours > theirs)
    }

    fn array(&self) -> [u64; COUNT] {
        [
            self.last_seq,
            self.skipped,
            self.delivered_to,
            self.sent_to,
            self.withdrawn,
            self.delivered,
            self.retracted,
            self.discarded,
            self.replaced,
            self.erased,
            self.elsewhere,
        ]
    }

    fn from_array(queue: [u8; 16], family: [u8; 16], numbers: [u64; COUNT]) -> Self {
        let [
            last_seq,
            skipped,
            delivered_to,
            sent_to,
            withdrawn,
            delivered,
            retracted,
            discarded,
            replaced,
            erased,
            elsewhere,
        ] = numbers;
        Self {
            queue,
            family,
            last_seq,
            skipped,
            delivered_to,
            sent_to,
            withdrawn,
            delivered,
            retracted,
            discarded,
            replaced,
            erased,
            elsewhere,
        }
    }

    pub(super) fn bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&MARK);
        bytes[8..24].copy_from_slice(&self.queue);
        bytes[24..40].copy_from_slice(&self.family);
        for (eight, number) in bytes[40..].chunks_exact_mut(8).zip(self.array()) {
            eight.copy_from_slice(&number.to_le_bytes());
        }
        let sum = crc32fast::hash(&bytes[..BYTES - 4]);
        bytes[BYTES - 4..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }
}

/// Keeps the numbers beside an open file, and what is withdrawn from it.
#[derive(Debug)]
pub(super) struct Keeper {
    path: PathBuf,
    durability: Durability,
    file: Option<File>,
    /// Which file that is.
    opened: Option<FileId>,
    /// Its name is on the disk.
    is_named: bool,
    last: Numbers,
    /// How much this connection had changed when they were last read, and the file's version by others.
    changes: Option<(u64, i64)>,
    /// The version that was met last.
    version: i64,
}

impl Keeper {
    pub(super) fn new(path: &Path, durability: Durability) -> Self {
        Self {
            path: with_suffix(path, SUFFIX),
            durability,
            file: None,
            opened: None,
            is_named: false,
            last: Numbers::default(),
            changes: None,
            version: 0,
        }
    }

    /// Tells whether there is something new to keep, now that the connection has made so many changes, and
    /// others have made this version.
    pub(super) fn has_changed(&mut self, changes: u64, version: i64) -> bool {
        self.version = version;
        let now = Some((changes, version));
        std::mem::replace(&mut self.changes, now) != now
    }

    /// This is the file's version by others now.
    pub(super) fn meet(&mut self, version: i64) {
        self.version = version;
    }

    /// Tells whether others have written since the numbers were last read.
    pub(super) fn is_behind(&self) -> bool {
        self.changes.is_none_or(|(_, then)| then != self.version)
    }

    /// These many were taken in.
    pub(super) fn add(&mut self, count: u64) {
        if count > 0 {
            let last = self.last;
            self.keep(Numbers {
                last_seq: last.last_seq + count,
                ..last
            });
        }
    }

    /// Something may have changed.
    pub(super) fn keep(&mut self, numbers: Numbers) {
        if numbers == self.last && self.file.is_some() {
            return;
        }
        self.last = numbers;
        let written = self.file().and_then(|file| {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&numbers.bytes())
        });
        if let Err(error) = written {
            // The queue does not need it; only the count of a loss would be less exact.
            self.file = None;
            tracing::debug!(%error, "the numbers beside the queue's file could not be written");
        }
    }

    /// Makes sure that the file is on the disk, under its name.
    pub(super) fn make_lasting(&mut self) -> io::Result<()> {
        self.file()?.sync_data()?;
        sync_folder(&self.path)?;
        self.is_named = true;
        Ok(())
    }

    /// Notes what is about to be taken out, as durably as that will be.
    pub(super) fn withdraw(
        &mut self,
        family: &[u8; 16],
        first: u64,
        notes: &[Withdrawn],
    ) -> io::Result<()> {
        if self.opened != FileId::of(&self.path) {
            // Somebody has taken it away, or put another one there: a note in the old one nobody would find.
            self.file = None;
            self.is_named = false;
        }
        withdrawn::write(self.file()?, family, first, notes)?;
        self.sync()
    }

    /// Wipes out what was noted.
    pub(super) fn unwithdraw(&mut self, numbers: std::ops::Range<u64>) -> io::Result<()> {
        withdrawn::wipe(self.file()?, numbers)?;
        self.sync()
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.durability == Durability::ProcessCrash {
            return Ok(());
        }
        self.file()?.sync_data()?;
        if !self.is_named {
            sync_folder(&self.path)?;
            self.is_named = true;
        }
        Ok(())
    }

    fn file(&mut self) -> io::Result<&mut File> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => {
                let file = private().truncate(false).open(&self.path)?;
                self.opened = FileId::of(&self.path);
                Ok(none.insert(file))
            }
        }
    }
}
