//! Counts the statements in each place without reading the log.

use std::fmt::Write as _;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

use super::conditions::queued;
use super::end::Tail;
use crate::store::upstream::list;
use crate::store::upstream::removed;
use crate::store::{Db, Millis, StoreError, UpstreamId};

/// Numbers of an upstream's statements by place. At every moment
/// `recorded = queued + waiting + held + delivered + retracted + discarded + replaced + erased`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Ledger {
    /// Taken in since the queue was made, or the upstream was added to it.
    pub recorded: u64,
    /// Statements in the queue, due to be sent.
    pub queued: u64,
    /// Aside, coming back by themselves.
    pub waiting: u64,
    /// Aside, waiting for the app.
    pub held: u64,
    /// Proved to be at the LRS.
    pub delivered: u64,
    /// Taken back by the app before they were sent.
    pub retracted: u64,
    /// Given up by the app while held.
    pub discarded: u64,
    /// Replaced by the app with a corrected statement, which counts as recorded anew.
    pub replaced: u64,
    /// Erased by the app before they were delivered.
    pub erased: u64,
    /// Bytes of the queued statements.
    pub queued_bytes: u64,
    /// Time at which the oldest queued statement was recorded, unix milliseconds.
    pub oldest_queued_at: Option<Millis>,
}

impl Db {
    /// Returns the counts; costs the same however long the queue is.
    pub fn ledger(&self, upstream: UpstreamId) -> Result<Ledger, StoreError> {
        read(&self.conn, upstream)
    }
}

pub(crate) fn read(conn: &Connection, upstream: UpstreamId) -> Result<Ledger, StoreError> {
    // One read transaction, so that the parts fit together.
    let _tx = conn
        .is_autocommit()
        .then(|| conn.unchecked_transaction())
        .transpose()?;
    let tail = Tail::read(conn)?;
    let (mut ledger, settled_bytes) = conn
        .prepare_cached(
            "SELECT delivered, waiting, held, retracted, discarded, replaced, erased,
                    begins_at_end + excluded_bytes + settled_bytes, begins_after + excluded
             FROM upstream WHERE id = ?1",
        )?
        .query_row([upstream], |row| {
            let ledger = Ledger {
                recorded: (tail.seq - row.get::<_, i64>(8)?).max(0) as u64,
                delivered: row.get::<_, i64>(0)? as u64,
                waiting: row.get::<_, i64>(1)? as u64,
                held: row.get::<_, i64>(2)? as u64,
                retracted: row.get::<_, i64>(3)? as u64,
                discarded: row.get::<_, i64>(4)? as u64,
                replaced: row.get::<_, i64>(5)? as u64,
                erased: row.get::<_, i64>(6)? as u64,
                ..Ledger::default()
            };
            Ok((ledger, row.get::<_, i64>(7)?))
        })
        .map_err(|error| removed(upstream, error))?;
    let elsewhere = ledger.delivered
        + ledger.waiting
        + ledger.held
        + ledger.retracted
        + ledger.discarded
        + ledger.replaced
        + ledger.erased;
    ledger.queued = ledger.recorded.saturating_sub(elsewhere);
    ledger.queued_bytes = (tail.end - settled_bytes).max(0) as u64;
    if ledger.queued > 0 {
        ledger.oldest_queued_at = conn
            .prepare_cached(&format!(
                "SELECT recorded_at FROM statement s WHERE {} ORDER BY seq LIMIT 1",
                queued(upstream)
            ))?
            .query_row([], |row| row.get(0))
            .optional()?;
    }
    Ok(ledger)
}

/// A place that the ledger counts, one column each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    Delivered,
    Waiting,
    Held,
    Retracted,
    Discarded,
    Replaced,
    Erased,
}

impl Counter {
    fn column(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Retracted => "retracted",
            Self::Discarded => "discarded",
            Self::Replaced => "replaced",
            Self::Erased => "erased",
        }
    }
}

/// Changes to one upstream's counters, collected during a transaction and written once at its end.
#[derive(Debug)]
pub(crate) struct Moves {
    pub(crate) upstream: UpstreamId,
    moved: Vec<(Counter, i64)>,
    /// Bytes that leave the queue.
    settled_bytes: i64,
    /// Last place that was delivered out of order.
    delivered_to: i64,
}

impl Moves {
    pub(crate) fn of(upstream: UpstreamId) -> Self {
        Self {
            upstream,
            moved: Vec::new(),
            settled_bytes: 0,
            delivered_to: 0,
        }
    }

    /// Starts with no changes, for each upstream.
    pub(crate) fn of_all(conn: &Connection) -> rusqlite::Result<Vec<Self>> {
        Ok(list::all(conn)?.into_iter().map(Self::of).collect())
    }

    /// Counts a statement of that many bytes that leaves the queue for `to`.
    pub(crate) fn leave_queue(&mut self, to: Counter, bytes: i64) {
        self.settled_bytes += bytes;
        self.count(to, 1);
    }

    /// Counts statements of that many bytes in total that leave the queue for the LRS.
    pub(crate) fn deliver(&mut self, statements: i64, bytes: i64) {
        self.settled_bytes += bytes;
        self.count(Counter::Delivered, statements);
    }

    /// Counts places that were given out but are empty by now.
    pub(crate) fn fill(&mut self, to: Counter, places: u64) {
        self.count(to, places as i64);
    }

    /// Counts held statements that come back by themselves from now on.
    pub(crate) fn release(&mut self, statements: u64) {
        if statements > 0 {
            self.count(Counter::Held, -(statements as i64));
            self.count(Counter::Waiting, statements as i64);
        }
    }

    /// Notes that the statement at that place is delivered while others before it may not be.
    pub(crate) fn deliver_beyond(&mut self, seq: i64) {
        self.delivered_to = self.delivered_to.max(seq);
    }

    /// Counts a statement that moves from one place outside the queue to another.
    pub(crate) fn between(&mut self, from: Counter, to: Counter) {
        self.count(from, -1);
        self.count(to, 1);
    }

    fn count(&mut self, place: Counter, by: i64) {
        match self.moved.iter_mut().find(|(known, _)| *known == place) {
            Some((_, sum)) => *sum += by,
            None => self.moved.push((place, by)),
        }
    }

    pub(crate) fn write(self, conn: &Connection) -> rusqlite::Result<()> {
        if self.moved.is_empty() {
            return Ok(());
        }
        let mut sql = String::from(
            "UPDATE upstream SET settled_bytes = settled_bytes + ?1, delivered_to = max(delivered_to, ?2)",
        );
        for (place, by) in &self.moved {
            let column = place.column();
            // The numbers are ours and not text from outside; writing to a String cannot fail.
            let _ = write!(sql, ", {column} = {column} + ({by})");
        }
        sql.push_str(" WHERE id = ?3");
        conn.prepare_cached(&sql)?.execute(params![
            self.settled_bytes,
            self.delivered_to,
            self.upstream
        ])?;
        Ok(())
    }
}
