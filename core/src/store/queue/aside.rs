//! Statements set aside, listed for the app.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use uuid::Uuid;

use super::body::{self, CONTENTS_LENGTH, contents_length};
use super::walk::Forward;
use super::{checksum, ids};
use crate::statement::{self, Contents, XapiVersion};
use crate::store::{Db, HoldReason, Millis, Page, StoreError, UpstreamId, WaitReason};

/// A statement that waits aside and comes back by itself.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WaitingStatement {
    /// Position in capture order; [`Page::after`] takes it.
    pub seq: i64,
    /// Statement id.
    pub id: Uuid,
    /// Time of recording by the device's clock, unix milliseconds.
    pub recorded_at: Millis,
    /// Reason for waiting.
    pub reason: WaitReason,
    /// Start of the wait, unix milliseconds.
    pub since: Millis,
    /// End of the wait, if known; unix milliseconds.
    pub until: Option<Millis>,
    /// The LRS's message about it, if any; where it waits for a version, what in it needs that.
    pub words: Option<String>,
    /// The statement's JSON, as it is sent.
    pub statement: String,
    /// Number of bytes that the contents of its attachments take here; 0 where it has none.
    pub content_bytes: u64,
}

impl std::fmt::Debug for WaitingStatement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "WaitingStatement({} {} {})",
            self.seq, self.id, self.reason
        )
    }
}

/// A statement that is held until the app retries, replaces or discards it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct HeldStatement {
    /// Position in capture order; [`Page::after`] takes it.
    pub seq: i64,
    /// Statement id.
    pub id: Uuid,
    /// Time of recording by the device's clock, unix milliseconds.
    pub recorded_at: Millis,
    /// Reason for holding it.
    pub reason: HoldReason,
    /// Time at which it was held, unix milliseconds.
    pub since: Millis,
    /// The HTTP status of the refusal.
    pub status: Option<u16>,
    /// The LRS's message.
    pub words: String,
    /// The statement's JSON, as it is sent.
    pub statement: String,
    /// Number of bytes that the contents of its attachments take here; 0 where it has none.
    pub content_bytes: u64,
    /// Statement that the LRS has under this id, for a conflict.
    pub theirs: Option<String>,
}

impl std::fmt::Debug for HeldStatement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeldStatement({} {} {})", self.seq, self.id, self.reason)
    }
}

/// Holds a statement for a reason found on the device, whatever the LRS said of it before. `sent` says whether
/// it may have left, and counts only if it was not aside yet.
pub(crate) fn hold_for_us(
    tx: &Connection,
    (seq, upstream): (i64, UpstreamId),
    (reason, words): (HoldReason, &str),
    sent: bool,
    now: Millis,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO aside (seq, upstream, held, reason, since, sent, words)
         VALUES (?1, ?6, 1, ?2, ?3, ?4, ?5)
         ON CONFLICT (seq, upstream) DO UPDATE SET held = 1, reason = excluded.reason, since = excluded.since,
            due = NULL, status = NULL, words = excluded.words, theirs = NULL",
    )?
    .execute(params![seq, reason, now, sent, words, upstream])?;
    Ok(())
}

/// Statements that wait aside for the same reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WaitingAside {
    /// Reason for waiting.
    pub reason: WaitReason,
    /// Number of statements.
    pub statements: u64,
    /// Time at which the first of them comes back, if known; unix milliseconds.
    pub next_due: Option<Millis>,
}

const HELD: &str = concat!(
    "SELECT s.seq, s.id, a.reason, a.since, a.status, a.words, s.body, a.theirs, s.recorded_at, ",
    contents_length!(),
    " FROM aside a JOIN statement s USING (seq) WHERE a.upstream = ?1 AND a.held = 1"
);

impl Db {
    /// Lists the statements that wait aside, in capture order.
    pub fn waiting(
        &self,
        upstream: UpstreamId,
        page: Page,
    ) -> Result<Vec<WaitingStatement>, StoreError> {
        let rows: Vec<WaitingStatement> = self
            .conn
            .prepare_cached(&format!(
                "SELECT s.seq, s.id, a.reason, a.since, a.due, a.words, s.body, s.recorded_at, {CONTENTS_LENGTH}
                 FROM aside a JOIN statement s USING (seq)
                 WHERE +a.upstream = ?1 AND a.held = 0 AND a.seq > ?2 ORDER BY a.seq LIMIT ?3",
            ))?
            .query_map(params![upstream, page.after, page.limit as i64], |row| {
                let (reason, statement) = (row.get(2)?, body::text(row, 6)?);
                let said: Option<String> = row.get(5)?;
                let said = said.filter(|said| !said.is_empty());
                Ok(WaitingStatement {
                    seq: row.get(0)?,
                    id: Uuid::from_bytes(row.get(1)?),
                    recorded_at: row.get(7)?,
                    reason,
                    since: row.get(3)?,
                    until: row.get(4)?,
                    words: said.or_else(|| needs_2_0(reason, &statement)),
                    statement,
                    content_bytes: row.get::<_, i64>(8)? as u64,
                })
            })?
            .collect::<Result<_, _>>()?;
        let mut forward = Forward::after(page.after);
        rows.iter().try_for_each(|row| forward.step(row.seq))?;
        Ok(rows)
    }

    /// Lists the held statements, in capture order.
    pub fn held(&self, upstream: UpstreamId, page: Page) -> Result<Vec<HeldStatement>, StoreError> {
        let rows: Vec<HeldStatement> = self
            .conn
            .prepare_cached(&format!("{HELD} AND a.seq > ?2 ORDER BY a.seq LIMIT ?3"))?
            .query_map(params![upstream, page.after, page.limit as i64], held_row)?
            .collect::<Result<_, _>>()?;
        let mut forward = Forward::after(page.after);
        rows.iter().try_for_each(|row| forward.step(row.seq))?;
        Ok(rows)
    }

    /// Returns a held statement by its id.
    pub fn held_one(
        &self,
        upstream: UpstreamId,
        id: Uuid,
    ) -> Result<Option<HeldStatement>, StoreError> {
        let Some(seq) = ids::find(&self.conn, id)? else {
            return Ok(None);
        };
        Ok(self
            .conn
            .prepare_cached(&format!("{HELD} AND a.seq = ?2"))?
            .query_row(params![upstream, seq], held_row)
            .optional()?)
    }

    /// Returns the contents of the statement with this id; none if it is not in the file, or they are no longer those that
    /// were recorded.
    pub fn contents(&self, id: Uuid) -> Result<Option<Contents>, StoreError> {
        let seq = ids::find(&self.conn, id)?;
        let found = seq.map(|seq| checksum::read(&self.conn, seq)).transpose()?;
        Ok(found.flatten().map(|found| found.contents))
    }

    /// Tells whether the statement with this id is in the file, unchanged since it was recorded.
    pub fn is_intact(&self, id: Uuid) -> Result<bool, StoreError> {
        match ids::find(&self.conn, id)? {
            Some(seq) => Ok(checksum::read(&self.conn, seq)?.is_some()),
            None => Ok(false),
        }
    }

    /// Counts the statements that wait aside, by reason.
    pub fn waiting_aside(&self, upstream: UpstreamId) -> Result<Vec<WaitingAside>, StoreError> {
        let rows = self
            .conn
            .prepare_cached(
                "SELECT a.reason, count(*), CASE WHEN a.reason = 'no_attachments'
                    THEN nullif(max(min(ifnull(a.due, 0)), ifnull(u.contents_until, 0)), 0)
                    ELSE min(a.due) END
                 FROM aside a JOIN upstream u ON u.id = a.upstream
                 WHERE a.upstream = ?1 AND a.held = 0 GROUP BY a.reason",
            )?
            .query_map([upstream], |row| {
                Ok(WaitingAside {
                    reason: row.get(0)?,
                    statements: row.get::<_, i64>(1)? as u64,
                    next_due: row.get(2)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }

    /// Tells whether at least so many wait because the upstream itself refused them.
    pub fn refuses_many(&self, upstream: UpstreamId, many: u32) -> Result<bool, StoreError> {
        let found: u32 = self
            .conn
            .prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM aside WHERE upstream = ?1 AND held = 0
                 AND reason = 'suspect' AND taken IS NOT NULL LIMIT ?2)",
            )?
            .query_row(params![upstream, many], |row| row.get(0))?;
        Ok(found >= many)
    }

    /// Tells whether a statement waits until the upstream speaks another version.
    pub fn waits_for_version(&self, upstream: UpstreamId) -> Result<bool, StoreError> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM aside
                 WHERE upstream = ?1 AND held = 0 AND reason = 'version')",
            )?
            .query_row([upstream], |row| row.get(0))?)
    }

    /// Returns the earliest time at which a statement that waits aside comes back, unix milliseconds.
    pub fn next_due(&self, upstream: UpstreamId) -> Result<Option<Millis>, StoreError> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT min(due) FROM (
                    SELECT min(due) AS due FROM aside
                    WHERE upstream = ?1 AND held = 0 AND due IS NOT NULL AND reason <> 'no_attachments'
                    UNION ALL
                    SELECT max(min(ifnull(a.due, 0)), ifnull(u.contents_until, 0)) FROM aside a
                    JOIN upstream u ON u.id = a.upstream
                    WHERE a.upstream = ?1 AND a.held = 0 AND a.reason = 'no_attachments')",
            )?
            .query_row([upstream], |row| row.get(0))?)
    }
}

/// Returns what in a statement that waits for the version needs 2.0.0: the first fault by the rules of 1.0.3.
fn needs_2_0(reason: WaitReason, statement: &str) -> Option<String> {
    if reason != WaitReason::Version {
        return None;
    }
    let refused = statement::check(statement.as_bytes(), XapiVersion::V1_0_3).err()?;
    Some(refused.faults.first()?.to_string())
}

fn held_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<HeldStatement> {
    Ok(HeldStatement {
        seq: row.get(0)?,
        id: Uuid::from_bytes(row.get(1)?),
        recorded_at: row.get(8)?,
        reason: row.get(2)?,
        since: row.get(3)?,
        status: row.get(4)?,
        words: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
        statement: body::text(row, 6)?,
        content_bytes: row.get::<_, i64>(9)? as u64,
        theirs: match row.get_ref(7)? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(body::text(row, 7)?),
        },
    })
}
