//! The ledger's numbers beside the file, `….ledger`: what a damaged or missing file cannot say of itself.
//!
//! Written after each commit and never synced, so it may be behind the file, never before what was
//! promised. Opening compares: where the file knows of fewer statements than were recorded, some are lost
//! with its write-ahead log, or with the file; and a file that is empty now, and had statements, is not
//! taken for a new one.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::place::{private, with_suffix};
use super::{Ledger, ledger};

pub(super) const SUFFIX: &str = ".ledger";

/// What it begins with: its format, the first.
const MARK: [u8; 8] = *b"Pannier1";

const BYTES: usize = 8 + 16 + 2 * 8 + 4;

/// What was in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Numbers {
    /// Which queue it was: a number made at random with each.
    pub(super) queue: [u8; 16],
    /// Taken in since it was made.
    pub(super) recorded: u64,
    /// Of those, the ones that were to be delivered still.
    pub(super) undelivered: u64,
}

impl Numbers {
    /// What stands beside the queue; none where nothing whole does.
    pub(super) fn beside(path: &Path) -> Option<Self> {
        let bytes: [u8; BYTES] = fs::read(with_suffix(path, SUFFIX)).ok()?.try_into().ok()?;
        let (rest, sum) = bytes.split_at(BYTES - 4);
        if !rest.starts_with(&MARK) || sum != crc32fast::hash(rest).to_le_bytes() {
            return None;
        }
        let number = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&rest[at..at + 8]);
            u64::from_le_bytes(eight)
        };
        let mut queue = [0; 16];
        queue.copy_from_slice(&rest[8..24]);
        Some(Self {
            queue,
            recorded: number(24),
            undelivered: number(32),
        })
    }

    /// What the file itself says.
    pub(super) fn of(conn: &Connection) -> rusqlite::Result<Self> {
        let queue = conn
            .prepare_cached("SELECT queue FROM ledger")?
            .query_row([], |row| row.get(0))?;
        let ledger = ledger::read(conn)?;
        Ok(Self {
            queue,
            recorded: ledger.recorded,
            undelivered: undelivered(&ledger),
        })
    }

    fn bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&MARK);
        bytes[8..24].copy_from_slice(&self.queue);
        bytes[24..32].copy_from_slice(&self.recorded.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.undelivered.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..BYTES - 4]);
        bytes[BYTES - 4..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }
}

pub(super) fn undelivered(ledger: &Ledger) -> u64 {
    ledger.queued + ledger.waiting + ledger.held
}

/// Keeps the numbers beside an open file.
#[derive(Debug)]
pub(super) struct Keeper {
    path: PathBuf,
    file: Option<File>,
    last: Numbers,
    /// How much this connection had changed when they were last read.
    changes: Option<u64>,
}

impl Keeper {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: with_suffix(path, SUFFIX),
            file: None,
            last: Numbers::default(),
            changes: None,
        }
    }

    /// Whether there is something new to keep, now that the connection has made so many changes.
    pub(super) fn has_changed(&mut self, changes: u64) -> bool {
        self.changes.replace(changes) != Some(changes)
    }

    /// These many were taken in.
    pub(super) fn add(&mut self, count: u64) {
        if count > 0 {
            let last = self.last;
            self.keep(Numbers {
                recorded: last.recorded + count,
                undelivered: last.undelivered + count,
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
        if let Err(error) = self.write(numbers) {
            // The queue does not need it; only the count of a loss would be less exact.
            self.file = None;
            tracing::debug!(%error, "the numbers beside the queue's file could not be written");
        }
    }

    fn write(&mut self, numbers: Numbers) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(private().truncate(false).open(&self.path)?),
        };
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&numbers.bytes())
    }
}
