//! Tells what was recorded from what the disk has made of it.
//!
//! SQLite notices damage to its own structure, but never a flipped bit inside a statement. So each row has a
//! checksum over everything that is frozen in it: computed when it is recorded and when its timestamp is
//! corrected, and checked before each send. A row that does not match is held and never sent. The mark of a
//! delivery changes the checksum by an exclusive or, for which nothing has to be read.
//!
//! CRC-32 (RFC 1952, section 8) misses no burst of errors of up to 32 bits, and costs a record less than the
//! time of its commit varies.

use crc32fast::Hasher;
use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};
use uuid::Uuid;

use super::body;
use crate::clock::Steady;
use crate::statement::Contents;
use crate::store::{Millis, StoreError};

/// The part of a row that never changes once recorded, apart from a correction of its timestamp.
pub(crate) struct Frozen<'a> {
    pub(crate) id: Uuid,
    pub(crate) recorded_at: Millis,
    pub(crate) happened_at: Millis,
    pub(crate) steady: Option<Steady>,
    pub(crate) traits: i64,
    pub(crate) voids: Option<Uuid>,
    pub(crate) not_for: i64,
    pub(crate) body: &'a [u8],
    pub(crate) contents: &'a Contents,
}

impl Frozen<'_> {
    /// Returns the checksum that the row must have.
    pub(crate) fn sum(&self) -> i64 {
        let mut crc = Hasher::new();
        crc.update(self.id.as_bytes());
        let steady = self.steady.unwrap_or(Steady { ms: -1, boot: -1 });
        let numbers = [
            self.recorded_at,
            self.happened_at,
            steady.ms,
            steady.boot,
            self.traits,
            self.not_for,
        ];
        for number in numbers {
            crc.update(&number.to_le_bytes());
        }
        crc.update(self.voids.unwrap_or_default().as_bytes());
        crc.update(self.body);
        crc.update(self.contents.as_bytes());
        i64::from(crc.finalize())
    }
}

/// Returns the exclusive-or that a delivery mark applies to a row's checksum; 0 without a mark.
pub(crate) fn mark(delivered_at: Option<Millis>) -> i64 {
    delivered_at.map_or(0, |at| i64::from(crc32fast::hash(&at.to_le_bytes())))
}

/// A statement that matches its checksum, with everything known of it.
pub(crate) struct Found {
    pub(crate) id: Uuid,
    pub(crate) recorded_at: Millis,
    pub(crate) happened_at: Millis,
    pub(crate) steady: Option<Steady>,
    pub(crate) traits: i64,
    pub(crate) voids: Option<Uuid>,
    pub(crate) not_for: i64,
    pub(crate) delivered_at: Option<Millis>,
    pub(crate) body: Vec<u8>,
    pub(crate) contents: Contents,
}

impl Found {
    /// Returns the statement if it matches this checksum. A delivery mark that a flipped bit has made up is
    /// removed.
    pub(crate) fn fitting(self, sum: i64) -> Option<Self> {
        let frozen = Frozen {
            id: self.id,
            recorded_at: self.recorded_at,
            happened_at: self.happened_at,
            steady: self.steady,
            traits: self.traits,
            voids: self.voids,
            not_for: self.not_for,
            body: &self.body,
            contents: &self.contents,
        }
        .sum();
        let marks = [self.delivered_at, None];
        let delivered_at = marks.into_iter().find(|at| frozen ^ mark(*at) == sum)?;
        Some(Self {
            delivered_at,
            ..self
        })
    }
}

/// Returns the statement at that place; none if it is missing or damaged.
pub(crate) fn read(conn: &Connection, seq: i64) -> rusqlite::Result<Option<Found>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS}, body, contents FROM statement WHERE seq = ?1"
    ))?
    .query_row([seq], |row| {
        let body = body::read(row, 10)?.into_owned();
        let contents = body::contents(row, 11)?;
        let frozen = frozen(row, &body, &contents)?;
        let found = Found {
            id: frozen.id,
            recorded_at: frozen.recorded_at,
            happened_at: frozen.happened_at,
            steady: frozen.steady,
            traits: frozen.traits,
            voids: frozen.voids,
            not_for: frozen.not_for,
            delivered_at: row.get(9)?,
            body: Vec::new(),
            contents: Contents::default(),
        };
        let found = Found {
            body,
            contents,
            ..found
        };
        Ok(found.fitting(row.get(8)?))
    })
    .optional()
    .map(Option::flatten)
}

/// Columns that [`frozen`] reads, then the checksum, then the delivery mark that it also covers.
const COLUMNS: &str =
    "id, recorded_at, happened_at, steady_at, boot, traits, voids, not_for, sum, delivered_at";

fn frozen<'a>(
    row: &SqlRow<'_>,
    body: &'a [u8],
    contents: &'a Contents,
) -> rusqlite::Result<Frozen<'a>> {
    Ok(Frozen {
        id: Uuid::from_bytes(row.get(0)?),
        recorded_at: row.get(1)?,
        happened_at: row.get(2)?,
        steady: match (row.get(3)?, row.get(4)?) {
            (Some(ms), Some(boot)) => Some(Steady { ms, boot }),
            _ => None,
        },
        traits: row.get(5)?,
        voids: row.get::<_, Option<_>>(6)?.map(Uuid::from_bytes),
        not_for: row.get(7)?,
        body,
        contents,
    })
}

/// Tells whether this body, these contents and their row's other frozen columns are as recorded; false also if there is
/// no such row.
pub(crate) fn is_as_recorded(
    conn: &Connection,
    seq: i64,
    body: &[u8],
    contents: &Contents,
) -> rusqlite::Result<bool> {
    let intact = conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM statement WHERE seq = ?1"))?
        .query_row([seq], |row| {
            let sum = frozen(row, body, contents)?.sum() ^ mark(row.get(9)?);
            Ok(sum == row.get::<_, i64>(8)?)
        })
        .optional()?;
    Ok(intact.unwrap_or(false))
}

/// Returns an error if a statement is marked as delivered but its checksum says that it was not.
pub(crate) fn must_be_delivered(conn: &Connection, seq: i64) -> Result<(), StoreError> {
    // One whose text is damaged was delivered all the same.
    match read(conn, seq)? {
        Some(found) if found.delivered_at.is_none() => Err(no_delivery(seq)),
        _ => Ok(()),
    }
}

pub(crate) fn no_delivery(seq: i64) -> StoreError {
    StoreError::Damaged(format!(
        "statement {seq} is marked as delivered, and was not"
    ))
}

/// Rewrites the checksum of an undelivered statement after an intended change.
pub(crate) fn seal(
    tx: &Connection,
    seq: i64,
    body: &[u8],
    contents: &Contents,
) -> rusqlite::Result<()> {
    let sum = tx
        .prepare_cached(&format!("SELECT {COLUMNS} FROM statement WHERE seq = ?1"))?
        .query_row([seq], |row| Ok(frozen(row, body, contents)?.sum()))?;
    tx.prepare_cached("UPDATE statement SET sum = ?2 WHERE seq = ?1")?
        .execute(params![seq, sum])?;
    Ok(())
}
