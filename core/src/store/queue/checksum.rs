//! What was recorded, told from what the disk has made of it.
//!
//! SQLite notices damage to its own structure and never a flipped bit inside a statement. So each row
//! has a checksum over all of it that is frozen: made when it is recorded and when its timestamp is
//! corrected, and asked before each send. One that does not fit is held, and never sent. The mark of a
//! delivery changes it by an exclusive or, for which nothing has to be read.
//!
//! CRC-32 (RFC 1952, section 8): it misses no error of up to 32 bits in a row, and costs a record less
//! than its commit varies by.

use crc32fast::Hasher;
use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};
use uuid::Uuid;

use super::body;
use crate::clock::Steady;
use crate::store::{Millis, StoreError};

/// All of a row that is never changed once it was recorded, but for a correction of its timestamp.
pub(crate) struct Frozen<'a> {
    pub(crate) id: Uuid,
    pub(crate) recorded_at: Millis,
    pub(crate) happened_at: Millis,
    pub(crate) steady: Option<Steady>,
    pub(crate) traits: i64,
    pub(crate) voids: Option<Uuid>,
    pub(crate) not_for: i64,
    pub(crate) body: &'a [u8],
}

impl Frozen<'_> {
    /// The checksum that its row must have.
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
        i64::from(crc.finalize())
    }
}

/// Returns what the mark of its delivery adds to a row's checksum, by an exclusive or: nothing where there is
/// none.
pub(crate) fn mark(delivered_at: Option<Millis>) -> i64 {
    delivered_at.map_or(0, |at| i64::from(crc32fast::hash(&at.to_le_bytes())))
}

/// A statement that fits its checksum, with all that is known of it.
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
}

impl Found {
    /// Returns what was recorded, if it fits this checksum. A mark of a delivery that never was, as one
    /// flipped bit makes it, is taken away.
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

/// The statement in that place; none where it is spoilt.
pub(crate) fn read(conn: &Connection, seq: i64) -> rusqlite::Result<Option<Found>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS}, body FROM statement WHERE seq = ?1"
    ))?
    .query_row([seq], |row| {
        let body = body::read(row, 10)?.into_owned();
        let frozen = frozen(row, &body)?;
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
        };
        Ok(Found { body, ..found }.fitting(row.get(8)?))
    })
    .optional()
    .map(Option::flatten)
}

/// The columns that [`frozen`] reads, the checksum after them, and what it covers besides.
const COLUMNS: &str =
    "id, recorded_at, happened_at, steady_at, boot, traits, voids, not_for, sum, delivered_at";

fn frozen<'a>(row: &SqlRow<'_>, body: &'a [u8]) -> rusqlite::Result<Frozen<'a>> {
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
    })
}

/// Tells whether this body is what was recorded in that place, with all that is kept beside it; false also
/// where nothing is there.
pub(crate) fn is_as_recorded(conn: &Connection, seq: i64, body: &[u8]) -> rusqlite::Result<bool> {
    let intact = conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM statement WHERE seq = ?1"))?
        .query_row([seq], |row| {
            let sum = frozen(row, body)?.sum() ^ mark(row.get(9)?);
            Ok(sum == row.get::<_, i64>(8)?)
        })
        .optional()?;
    Ok(intact.unwrap_or(false))
}

/// An error where a statement says that it was delivered, and its checksum that it was not.
pub(crate) fn must_be_delivered(conn: &Connection, seq: i64) -> Result<(), StoreError> {
    // One whose text is spoilt was delivered all the same.
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

/// Writes the checksum of one that is not delivered anew, after a change that was meant.
pub(crate) fn seal(tx: &Connection, seq: i64, body: &[u8]) -> rusqlite::Result<()> {
    let sum = tx
        .prepare_cached(&format!("SELECT {COLUMNS} FROM statement WHERE seq = ?1"))?
        .query_row([seq], |row| Ok(frozen(row, body)?.sum()))?;
    tx.prepare_cached("UPDATE statement SET sum = ?2 WHERE seq = ?1")?
        .execute(params![seq, sum])?;
    Ok(())
}
