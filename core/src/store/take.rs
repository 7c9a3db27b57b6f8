//! What is due next: the statements of one request.

use std::borrow::Cow;

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::append::NEEDS_2_0;
use super::intact::{Spoilt, hold_spoilt};
use super::ledger::{Moves, Place};
use super::retime::retime;
use super::upstream::{is_undelivered, renew};
use super::{Db, Holder, LrsClock, Millis, StoreError, WaitReason};
use crate::clock::Steady;

/// A timestamp this far in the LRS's future is taken for now: a `Date` header counts whole seconds
/// and has been under way for a while.
pub(crate) const FUTURE_TOLERANCE_MS: Millis = 2_000;

/// Most statements that step aside in one transaction, so that `record` never waits long for it.
const MOST_ASIDE: usize = 500;

/// Bounds of one request, and what decides whether a statement may go now.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most statements.
    pub statements: usize,
    /// Most bytes of the body, brackets and commas included. One statement alone may exceed it.
    pub bytes: usize,
    /// The upstream speaks xAPI 2.0.0.
    pub speaks_2_0: bool,
    /// The LRS's clock minus ours, milliseconds; none: not known, so nothing waits for its time.
    pub skew_ms: Option<Millis>,
    /// The LRS's clock, by which timestamps of ours are corrected before the first send.
    pub clock: Option<LrsClock>,
    /// Only what comes after this place in the log; 0 for all that is queued.
    pub after: i64,
    /// Requests are under way: only the log, and nothing while something that stood aside is due,
    /// which goes alone.
    pub beside_others: bool,
}

/// A statement that is due.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place in capture order.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// Its frozen bytes.
    pub body: Vec<u8>,
    /// A request with it may have reached the LRS before.
    pub sent_before: bool,
    /// The instant of its timestamp, unix milliseconds.
    pub happened_at: Millis,
    /// How often the upstream failed on it alone.
    pub tries: u32,
    /// When it stepped aside or the upstream last failed on it, unix milliseconds; none: it is in
    /// the log.
    pub aside_since: Option<Millis>,
    /// It stood aside because the LRS failed on it, or the app asked for another try: it goes alone.
    pub alone: bool,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({} {} {} bytes)", self.seq, self.id, self.body.len())
    }
}

/// What [`Db::take`] found.
#[derive(Debug)]
pub enum Taken {
    /// These are due, in capture order. Empty: nothing is due.
    Rows {
        /// The statements.
        rows: Vec<Row>,
        /// How far the log had been sent before; to take that back if provably nothing was sent.
        sent_through: i64,
        /// These are held from now on: their bytes are no longer what was recorded.
        spoilt: Vec<Spoilt>,
        /// So many had to step aside, or are held now, that the transaction ended before the request was full.
        more: bool,
    },
    /// The lease is no longer ours: another process syncs.
    LeaseLost,
}

impl Db {
    /// Picks the statements of the next request and marks them as sent, before they are. What must
    /// not go yet steps aside, so that it blocks nobody. Order: those that waited aside, the log,
    /// then the suspects, one alone at a time.
    pub fn take(
        &mut self,
        holder: Holder,
        limits: &Limits,
        now: Millis,
        lease_until: Millis,
    ) -> Result<Taken, StoreError> {
        self.write(|tx| {
            if !renew(tx, holder, lease_until)? {
                return Ok(Taken::LeaseLost);
            }
            let (cursor, sent_through): (i64, i64) = tx
                .prepare_cached("SELECT delivered_through, sent_through FROM upstream")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut rows = Vec::new();
            let mut more = false;
            if limits.beside_others {
                if !is_any_returning(tx, limits, now)? {
                    (rows, more) = from_log(tx, limits, now, cursor, sent_through)?;
                }
            } else {
                rows = returning(tx, limits, now)?;
                if rows.is_empty() {
                    (rows, more) = from_log(tx, limits, now, cursor, sent_through)?;
                }
                if rows.is_empty() && !more {
                    rows = suspect(tx, now)?;
                }
            }
            let spoilt = hold_spoilt(tx, &mut rows, now)?;
            Ok(Taken::Rows {
                rows,
                sent_through,
                more: more || !spoilt.is_empty(),
                spoilt,
            })
        })
    }
}

impl Db {
    /// Is there a statement, waiting or among the next few, that lies after that instant (unix
    /// milliseconds)?
    pub fn any_future(&self, instant: Millis, next: u32) -> Result<bool, StoreError> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM aside WHERE held = 0 AND reason = 'future')
                     OR EXISTS (SELECT 1 FROM (
                        SELECT happened_at FROM statement
                        WHERE seq > (SELECT delivered_through FROM upstream) ORDER BY seq LIMIT ?2)
                        WHERE happened_at > ?1)",
            )?
            .query_row(params![instant + FUTURE_TOLERANCE_MS, next], |row| {
                row.get(0)
            })?)
    }

    /// The clocks differ by another amount than was thought: statements wait for other times.
    pub fn reset_future_dues(&mut self, skew_ms: Millis) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.prepare_cached(
                "UPDATE aside SET due = (SELECT happened_at FROM statement s WHERE s.seq = aside.seq) - ?1
                 WHERE held = 0 AND reason = 'future'",
            )?
            .execute([skew_ms])?;
            Ok(())
        })
    }

    /// Is there still a statement in that place?
    pub fn has(&self, seq: i64) -> Result<bool, StoreError> {
        Ok(self
            .conn
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM statement WHERE seq = ?1)")?
            .query_row([seq], |row| row.get(0))?)
    }

    /// The last place in the log that was given out.
    pub fn last_seq(&self) -> Result<i64, StoreError> {
        Ok(super::append::Tail::read(&self.conn)?.seq)
    }
}

/// Adds rows until the request is full.
struct Filling<'a> {
    rows: Vec<Row>,
    /// Brackets; each statement adds itself and a comma.
    bytes: usize,
    limits: &'a Limits,
}

impl<'a> Filling<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            rows: Vec::new(),
            bytes: 1,
            limits,
        }
    }

    fn fits(&self, more: usize) -> bool {
        self.rows.is_empty()
            || (self.rows.len() < self.limits.statements && self.bytes + more < self.limits.bytes)
    }

    fn push(&mut self, row: Row) {
        self.bytes += row.body.len() + 1;
        self.rows.push(row);
    }

    fn has(&self, id: Uuid) -> bool {
        self.rows.iter().any(|row| row.id == id)
    }
}

/// Those whose time, version or target may have come: now is `?1`, and whether 2.0 is spoken `?2`.
const RETURNING: &str = "FROM aside a JOIN statement s USING (seq)
    WHERE a.held = 0 AND (
        (a.reason = 'future' AND a.due <= ?1)
        OR (a.reason = 'version' AND ?2)
        OR a.reason = 'target')";

fn is_any_returning(tx: &Connection, limits: &Limits, now: Millis) -> Result<bool, StoreError> {
    let mut query = tx.prepare_cached(&format!("SELECT s.voids {RETURNING}"))?;
    let mut found = query.query(params![now, limits.speaks_2_0])?;
    while let Some(row) = found.next()? {
        if !waits_for_target(tx, row.get(0)?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn waits_for_target(tx: &Connection, voids: Option<[u8; 16]>) -> rusqlite::Result<bool> {
    match voids {
        Some(target) => is_undelivered(tx, Uuid::from_bytes(target)),
        None => Ok(false),
    }
}

/// Those whose time, version or target has come. Whatever a voiding waited for, its target is first.
fn returning(tx: &Connection, limits: &Limits, now: Millis) -> Result<Vec<Row>, StoreError> {
    let mut filling = Filling::new(limits);
    let mut must_wait = Vec::new();
    {
        let mut query = tx.prepare_cached(&format!(
            "SELECT s.seq, s.id, s.body, a.sent, a.tries, s.happened_at, a.since, s.voids
             {RETURNING} ORDER BY a.seq"
        ))?;
        let mut found = query.query(params![now, limits.speaks_2_0])?;
        while let Some(row) = found.next()? {
            if waits_for_target(tx, row.get(7)?)? {
                must_wait.push(row.get::<_, i64>(0)?);
                continue;
            }
            let row = aside_row(row, false)?;
            if !filling.fits(row.body.len()) {
                break;
            }
            filling.push(row);
        }
    }
    // A voiding whose time has come may have to wait for its target still.
    for seq in must_wait {
        tx.prepare_cached(
            "UPDATE aside SET reason = 'target', due = NULL WHERE seq = ?1 AND reason = 'future'",
        )?
        .execute([seq])?;
    }
    mark_sent(tx, &filling.rows)?;
    Ok(filling.rows)
}

/// No suspect waits longer than this; one that would was set aside under another clock.
const LONGEST_SUSPICION_MS: Millis = 60 * 60 * 1000;

/// One that the LRS failed on, or that the app wants tried again.
fn suspect(tx: &Connection, now: Millis) -> Result<Vec<Row>, StoreError> {
    let rows = tx
        .prepare_cached(
            "SELECT s.seq, s.id, s.body, a.sent, a.tries, s.happened_at, a.since FROM aside a JOIN statement s USING (seq)
             WHERE a.held = 0 AND a.reason IN ('suspect', 'retry')
               AND (a.due <= ?1 OR a.due > ?2)
             ORDER BY a.seq LIMIT 1",
        )?
        .query_map([now, now + LONGEST_SUSPICION_MS], |row| {
            aside_row(row, true)
        })?
        .collect::<Result<Vec<_>, _>>()?;
    mark_sent(tx, &rows)?;
    Ok(rows)
}

fn aside_row(row: &rusqlite::Row<'_>, alone: bool) -> rusqlite::Result<Row> {
    Ok(Row {
        seq: row.get(0)?,
        id: Uuid::from_bytes(row.get(1)?),
        body: row.get(2)?,
        sent_before: row.get(3)?,
        tries: row.get(4)?,
        happened_at: row.get(5)?,
        aside_since: row.get(6)?,
        alone,
    })
}

fn mark_sent(tx: &Connection, rows: &[Row]) -> Result<(), StoreError> {
    for row in rows {
        tx.prepare_cached("UPDATE aside SET sent = 1 WHERE seq = ?1")?
            .execute([row.seq])?;
    }
    Ok(())
}

fn from_log(
    tx: &Connection,
    limits: &Limits,
    now: Millis,
    cursor: i64,
    sent_through: i64,
) -> Result<(Vec<Row>, bool), StoreError> {
    let mut filling = Filling::new(limits);
    let mut stepped = 0;
    let mut moves = Moves::default();
    let mut passed = cursor;
    {
        let mut query = tx.prepare_cached(
            "SELECT s.seq, s.id, s.traits, s.happened_at, s.voids, s.body, s.steady_at, s.boot
             FROM statement s
             WHERE s.seq > ?1 AND s.delivered_at IS NULL
               AND NOT EXISTS (SELECT 1 FROM aside a WHERE a.seq = s.seq)
             ORDER BY s.seq",
        )?;
        let mut found = query.query([cursor.max(limits.after)])?;
        while let Some(row) = found.next()? {
            let seq: i64 = row.get(0)?;
            let voids: Option<[u8; 16]> = row.get(4)?;
            let voids = voids.map(Uuid::from_bytes);
            if voids.is_some_and(|target| filling.has(target)) {
                // Not in one request with its target: the next batch begins with it.
                break;
            }
            let traits: i64 = row.get(2)?;
            let mut happened_at: Millis = row.get(3)?;
            let mut body = Cow::Borrowed(row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?);
            if let Some(clock) = limits.clock
                && seq > sent_through
                && let (Some(ms), Some(boot)) = (row.get(6)?, row.get(7)?)
                && let Some(right) = clock.correction(happened_at, Steady { ms, boot })
            {
                retime(tx, seq, body.to_mut(), right)?;
                happened_at = right;
            }
            let wait = if traits & NEEDS_2_0 != 0 && !limits.speaks_2_0 {
                Some((WaitReason::Version, None))
            } else if let Some(skew) = limits.skew_ms
                && happened_at > now + skew + FUTURE_TOLERANCE_MS
            {
                Some((WaitReason::Future, Some(happened_at - skew)))
            } else if let Some(target) = voids
                && is_undelivered(tx, target)?
            {
                Some((WaitReason::Target, None))
            } else {
                None
            };
            if let Some((reason, due)) = wait {
                step_aside(tx, seq, reason, due, seq <= sent_through, now)?;
                moves.leave_queue(Place::Waiting, body.len() as i64);
                if filling.rows.is_empty() && limits.after <= cursor {
                    passed = seq;
                }
                stepped += 1;
                if stepped == MOST_ASIDE {
                    break;
                }
                continue;
            }
            if !filling.fits(body.len()) {
                break;
            }
            filling.push(Row {
                seq,
                id: Uuid::from_bytes(row.get(1)?),
                body: body.into_owned(),
                sent_before: seq <= sent_through,
                happened_at,
                tries: 0,
                aside_since: None,
                alone: false,
            });
            if filling.rows.len() == limits.statements {
                break;
            }
        }
    }
    moves.write(tx)?;
    let last = filling
        .rows
        .last()
        .map_or(sent_through, |row| row.seq.max(sent_through));
    if passed > cursor || last > sent_through {
        tx.prepare_cached("UPDATE upstream SET delivered_through = ?1, sent_through = ?2")?
            .execute([passed, last])?;
    }
    Ok((filling.rows, stepped == MOST_ASIDE))
}

fn step_aside(
    tx: &Connection,
    seq: i64,
    reason: WaitReason,
    due: Option<Millis>,
    sent: bool,
    now: Millis,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO aside (seq, held, reason, since, due, sent) VALUES (?1, 0, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![seq, reason, now, due, sent])?;
    Ok(())
}
