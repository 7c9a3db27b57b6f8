//! Which upstreams there are.

use std::fmt;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::append::Tail;
use super::{Db, StoreError};

/// One of the upstreams that a queue is delivered to. Each has a number, limits, troubles and a lease of
/// its own, and what one is refused or waits for is nothing to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpstreamId(i64);

impl UpstreamId {
    /// The one that every queue is made with.
    pub const MAIN: Self = Self(1);

    /// The bits that tell what a statement is not for are as many.
    const MOST: i64 = 32;

    /// From 1 on.
    pub(super) fn number(self) -> u8 {
        self.0 as u8
    }

    /// None where there can be none.
    pub(super) fn numbered(number: u8) -> Option<Self> {
        (1..=Self::MOST)
            .contains(&i64::from(number))
            .then_some(Self(number.into()))
    }

    /// Its bit in `statement.not_for`.
    pub(super) fn bit(self) -> i64 {
        1 << (self.0 - 1)
    }

    /// Whether its bit is among these.
    pub(super) fn is_in(self, bits: i64) -> bool {
        bits & self.bit() != 0
    }
}

impl fmt::Display for UpstreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ToSql for UpstreamId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for UpstreamId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let id = value.as_i64()?;
        if (1..=Self::MOST).contains(&id) {
            Ok(Self(id))
        } else {
            Err(FromSqlError::OutOfRange(id))
        }
    }
}

impl Db {
    /// The upstream of that name. Where there is none it is added, and begins at the end of the log: what
    /// was recorded before is not for it.
    pub fn add_upstream(&mut self, name: &str) -> Result<UpstreamId, StoreError> {
        self.write(|tx| match named(tx, name)? {
            Some(known) => Ok(known),
            None => add(tx, name, None, Tail::read(tx)?),
        })
    }

    /// All there are, the first one first.
    pub fn upstreams(&self) -> Result<Vec<UpstreamId>, StoreError> {
        Ok(all(&self.conn)?)
    }
}

pub(super) fn named(conn: &Connection, name: &str) -> rusqlite::Result<Option<UpstreamId>> {
    conn.prepare_cached("SELECT id FROM upstream WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// Adds one that begins there, if it can be as the one that is wanted.
pub(super) fn add(
    tx: &Connection,
    name: &str,
    wanted: Option<UpstreamId>,
    tail: Tail,
) -> Result<UpstreamId, StoreError> {
    let known = all(tx)?;
    let free = wanted
        .into_iter()
        .chain((1..=UpstreamId::MOST).map(UpstreamId))
        .find(|id| !known.contains(id))
        .ok_or(StoreError::TooManyUpstreams)?;
    tx.prepare_cached(
        "INSERT INTO upstream (id, name, begins_after, begins_at_end, delivered_through, sent_through)
         VALUES (?1, ?2, ?3, ?4, ?3, ?3)",
    )?
    .execute(params![free, name, tail.seq, tail.end])?;
    Ok(free)
}

pub(super) fn all(conn: &Connection) -> rusqlite::Result<Vec<UpstreamId>> {
    conn.prepare_cached("SELECT id FROM upstream ORDER BY id")?
        .query_map([], |row| row.get(0))?
        .collect()
}
