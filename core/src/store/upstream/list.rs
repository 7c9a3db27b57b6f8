//! The list of upstreams.

use std::fmt;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::backfill::backfill;
use crate::store::queue::end::Tail;
use crate::store::{Db, HistoryPolicy, Millis, Route, StoreError, upstream};

/// Id of an upstream that a queue is delivered to. Each has its own cursor, limits, troubles and lease; what
/// one refuses or waits for does not concern another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpstreamId(i64);

impl UpstreamId {
    /// The upstream that every queue is created with.
    pub const MAIN: Self = Self(1);

    /// Greatest id: `statement.not_for` has a bit for each.
    const MOST: i64 = 62;

    /// Most upstreams at once.
    const MOST_AT_ONCE: usize = 32;

    /// Returns the id as a number, from 1.
    pub(crate) fn number(self) -> u8 {
        self.0 as u8
    }

    /// Returns the upstream with this number; none if there can be no such one.
    pub(crate) fn numbered(number: u8) -> Option<Self> {
        (1..=Self::MOST)
            .contains(&i64::from(number))
            .then_some(Self(number.into()))
    }

    /// Its bit in `statement.not_for`.
    pub(crate) fn bit(self) -> i64 {
        1 << (self.0 - 1)
    }

    /// Tells whether its bit is among these.
    pub(crate) fn is_in(self, bits: i64) -> bool {
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
    /// Returns the upstream of that name. If there is none, adds one that begins at the end of the log: what
    /// was recorded before is not for it.
    #[cfg(any(test, feature = "internals"))]
    pub fn add_upstream(&mut self, name: &str) -> Result<UpstreamId, StoreError> {
        self.write(|tx| match named(tx, name)? {
            Some(known) => Ok(known),
            None => add(tx, name, None, Tail::read(tx)?),
        })
    }

    /// Adds an upstream that begins at the end of the log. An existing one of that name is left as it is,
    /// except one without an endpoint: it gets endpoint and route.
    pub fn add_upstream_at(
        &mut self,
        name: &str,
        endpoint: &str,
        route: &Route,
    ) -> Result<UpstreamId, StoreError> {
        self.write(|tx| match known(tx, name, endpoint, route)? {
            Some(known) => Ok(known),
            None => add_at(tx, name, endpoint, route),
        })
    }

    /// Adds an upstream that also gets what its route takes of everything that another upstream is still to
    /// get, and of the history kept by this policy. An existing one of that name is treated as by
    /// [`Db::add_upstream_at`].
    ///
    /// It happens in one transaction, for which `record` has to wait: with a route that takes only some
    /// statements, it reads each of them and rewrites those that are not for the upstream.
    pub fn add_upstream_with_backlog(
        &mut self,
        name: &str,
        endpoint: &str,
        route: &Route,
        history: HistoryPolicy,
        now: Millis,
    ) -> Result<UpstreamId, StoreError> {
        if let Some(known) = self.write(|tx| known(tx, name, endpoint, route))? {
            return Ok(known);
        }
        // Statements that nobody needs any more are no backlog. With no history kept, this purge deletes none.
        let forgets = match history {
            HistoryPolicy::None => HistoryPolicy::Forever,
            kept => kept,
        };
        while self.purge(forgets, now)? {}
        self.write(|tx| {
            if let Some(known) = known(tx, name, endpoint, route)? {
                return Ok(known);
            }
            let new = add_at(tx, name, endpoint, route)?;
            backfill(tx, new, route, history != HistoryPolicy::None)?;
            Ok(new)
        })
    }

    /// Sets which statements are for an upstream from now on. Those already recorded are not affected.
    pub fn set_route(&mut self, upstream: UpstreamId, route: &Route) -> Result<(), StoreError> {
        self.write(|tx| Ok(set_route(tx, upstream, route)?))
    }

    /// Returns the upstream of that name.
    pub fn named(&self, name: &str) -> Result<UpstreamId, StoreError> {
        named(&self.conn, name)?.ok_or(StoreError::NoUpstream)
    }

    /// Returns all upstreams, the first one first.
    pub fn upstreams(&self) -> Result<Vec<UpstreamId>, StoreError> {
        Ok(all(&self.conn)?)
    }
}

/// Returns the upstream of that name, if there is one. If its endpoint is not known any more, sets endpoint and
/// route.
fn known(
    tx: &Connection,
    name: &str,
    endpoint: &str,
    route: &Route,
) -> Result<Option<UpstreamId>, StoreError> {
    let Some(known) = named(tx, name)? else {
        return Ok(None);
    };
    if upstream::read(tx, known)?.endpoint.is_none() {
        set_route(tx, known, route)?;
        upstream::move_to(tx, known, endpoint)?;
    }
    Ok(Some(known))
}

fn add_at(
    tx: &Connection,
    name: &str,
    endpoint: &str,
    route: &Route,
) -> Result<UpstreamId, StoreError> {
    let new = add(tx, name, None, Tail::read(tx)?)?;
    set_route(tx, new, route)?;
    upstream::move_to(tx, new, endpoint)?;
    Ok(new)
}

pub(crate) fn named(conn: &Connection, name: &str) -> rusqlite::Result<Option<UpstreamId>> {
    conn.prepare_cached("SELECT id FROM upstream WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

pub(crate) fn set_route(
    tx: &Connection,
    upstream: UpstreamId,
    route: &Route,
) -> rusqlite::Result<()> {
    let changed = tx
        .prepare_cached("UPDATE upstream SET route = ?2 WHERE id = ?1 AND route IS NOT ?2")?
        .execute(params![upstream, route])?;
    if changed > 0 {
        upstream::count_change(tx)?;
    }
    Ok(())
}

/// Adds an upstream that begins at that place, with the wanted id if that is free.
pub(crate) fn add(
    tx: &Connection,
    name: &str,
    wanted: Option<UpstreamId>,
    tail: Tail,
) -> Result<UpstreamId, StoreError> {
    let known = all(tx)?;
    let wanted = wanted.filter(|id| !known.contains(id));
    let free = match wanted {
        Some(free) => Some(free),
        None => free(tx)?,
    };
    let free = free
        .filter(|_| known.len() < UpstreamId::MOST_AT_ONCE)
        .ok_or(StoreError::TooManyUpstreams)?;
    tx.prepare_cached(
        "INSERT INTO upstream (id, name, begins_after, begins_at_end, delivered_through, sent_through)
         VALUES (?1, ?2, ?3, ?4, ?3, ?3)",
    )?
    .execute(params![free, name, tail.seq, tail.end])?;
    upstream::count_change(tx)?;
    Ok(free)
}

/// Returns an id that was never used or, if there is none, the one freed first, provided that no statement
/// recorded while it was another's is left: in no copy of the file may a statement for the old upstream pass
/// for one of the new.
fn free(tx: &Connection) -> rusqlite::Result<Option<UpstreamId>> {
    let taken: Vec<UpstreamId> = tx
        .prepare_cached("SELECT id FROM upstream UNION SELECT id FROM removed_upstream")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut ids = (1..=UpstreamId::MOST).map(UpstreamId);
    if let Some(new) = ids.find(|id| !taken.contains(id)) {
        return Ok(Some(new));
    }
    tx.prepare_cached(
        "SELECT id FROM removed_upstream r WHERE id NOT IN (SELECT id FROM upstream)
            AND NOT EXISTS (SELECT 1 FROM statement WHERE seq <= r.ended_at)
         ORDER BY ended_at LIMIT 1",
    )?
    .query_row([], |row| row.get(0))
    .optional()
}

pub(crate) fn all(conn: &Connection) -> rusqlite::Result<Vec<UpstreamId>> {
    conn.prepare_cached("SELECT id FROM upstream ORDER BY id")?
        .query_map([], |row| row.get(0))?
        .collect()
}
