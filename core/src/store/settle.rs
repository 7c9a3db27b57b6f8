//! Writing down what became of the statements of a request.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::act::{State, locate};
use super::append::Tail;
use super::departure::{Lease, Unsent, take_back};
use super::ledger::{Moves, Place};
use super::states::{IN_LOG, MAY_HAVE_LEFT, QUEUED};
use super::upstream::{self, Learned};
use super::{Db, HistoryPolicy, HoldReason, Millis, StoreError, WaitReason, history};
use crate::clock::Steady;

/// What became of one statement.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The LRS has proved that it has it.
    Delivered,
    /// It is set aside until the app acts.
    Held {
        /// Why.
        reason: HoldReason,
        /// The HTTP status.
        status: Option<u16>,
        /// The LRS's own words.
        words: String,
        /// The LRS's copy, for a conflict.
        theirs: Option<Vec<u8>>,
    },
    /// It is set aside and comes back by itself.
    Waiting {
        /// Why.
        reason: WaitReason,
        /// When it comes back, unix milliseconds; none: when what it waits for has come.
        due: Option<Millis>,
        /// The HTTP status.
        status: Option<u16>,
        /// The LRS's own words.
        words: String,
        /// How many requests the upstream had taken statements of when it refused this one; none: it has
        /// not.
        taken: Option<u64>,
    },
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Delivered => f.write_str("Delivered"),
            Self::Held { reason, status, .. } => write!(f, "Held({reason}, {status:?})"),
            Self::Waiting { reason, due, .. } => write!(f, "Waiting({reason}, {due:?})"),
        }
    }
}

/// One statement and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The statement.
    pub seq: i64,
    /// What became of it.
    pub outcome: Outcome,
}

/// Everything that one answer changes, written in one transaction.
#[derive(Debug, Default)]
pub struct Settlement {
    /// The statements, each at most once.
    pub settled: Vec<Settled>,
    /// What is known of the upstream now, and who found it out.
    pub learned: Option<(Lease, Learned)>,
    /// Of these provably nothing was sent.
    pub unsent: Option<Unsent>,
    /// What the steady clock says.
    pub steady: Option<Steady>,
}

impl Db {
    /// Settles. What became of statements stays a fact whoever finds it. What is known of the
    /// upstream, and how far the log has been sent, is written by the holder of the lease only, and only of
    /// the upstream that it knows: another one may know better. A statement that is gone or settled meanwhile is passed over. Returns those
    /// whose place changed.
    pub fn settle(
        &mut self,
        settlement: &Settlement,
        history: HistoryPolicy,
        now: Millis,
    ) -> Result<Vec<i64>, StoreError> {
        self.write(|tx| {
            if let Some((by, learned)) = &settlement.learned
                && upstream::is_held_by(tx, by.holder, by.generation)?
            {
                upstream::write_learned(tx, learned)?;
                if let Some(unsent) = &settlement.unsent {
                    take_back(tx, unsent)?;
                }
            }
            if settlement.settled.is_empty() {
                return Ok(Vec::new());
            }
            let mut work = Settling {
                tx,
                history,
                now,
                steady: settlement.steady,
                moves: Moves::default(),
                from_log: BTreeSet::new(),
            };
            if work.settle_front(&settlement.settled)? {
                return Ok(settlement.settled.iter().map(|one| one.seq).collect());
            }
            let mut changed = Vec::with_capacity(settlement.settled.len());
            for one in &settlement.settled {
                if work.settle(one)? {
                    changed.push(one.seq);
                }
            }
            work.finish()?;
            Ok(changed)
        })
    }

    /// Deletes delivered statements, a bounded number at a time, and history that is too old.
    /// Returns whether there is more to do.
    pub fn purge(&mut self, history: HistoryPolicy, now: Millis) -> Result<bool, StoreError> {
        let at_once = if self.has_little_room {
            PURGE_A_LITTLE
        } else {
            PURGE_AT_ONCE
        };
        self.write(|tx| {
            let forgotten = history::forget(tx, history, now)?;
            let (from, cursor): (i64, i64) = tx
                .prepare_cached("SELECT purged_through, delivered_through FROM ledger, upstream")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let through = cursor.min(from + at_once);
            if through <= from {
                return Ok(forgotten);
            }
            Tail::remember(tx)?;
            tx.prepare_cached(&format!(
                "DELETE FROM statement AS s WHERE s.seq > ?1 AND s.seq <= ?2 AND {IN_LOG}"
            ))?
            .execute([from, through])?;
            tx.prepare_cached("UPDATE ledger SET purged_through = ?1")?
                .execute([through])?;
            Ok(forgotten || through < cursor)
        })
    }

    /// How many delivered statements wait for [`Db::purge`].
    pub fn unpurged(&self) -> Result<i64, StoreError> {
        Ok(self
            .conn
            .prepare_cached("SELECT delivered_through - purged_through FROM ledger, upstream")?
            .query_row([], |row| row.get(0))?)
    }
}

/// Statements deleted in one transaction: few enough that `record` does not notice.
const PURGE_AT_ONCE: i64 = 1_000;

/// The same where there is little room.
const PURGE_A_LITTLE: i64 = PURGE_AT_ONCE / 8;

struct Settling<'a> {
    tx: &'a Connection,
    history: HistoryPolicy,
    now: Millis,
    steady: Option<Steady>,
    moves: Moves,
    /// Delivered from the log: they leave with the cursor, or one by one if it cannot pass them.
    from_log: BTreeSet<i64>,
}

impl Settling<'_> {
    /// The usual case: these are delivered, and they are the front of the queue without a gap. Then the
    /// cursor moves past them, and that is all. False, and nothing done, if it is another case.
    fn settle_front(&mut self, settled: &[Settled]) -> Result<bool, StoreError> {
        let Some(last) = settled.last() else {
            return Ok(false);
        };
        if settled.iter().any(|one| one.outcome != Outcome::Delivered) {
            return Ok(false);
        }
        let mut bytes = 0;
        {
            let mut query = self.tx.prepare_cached(&format!(
                "SELECT s.seq, length(s.body) FROM statement s WHERE {QUEUED} ORDER BY s.seq"
            ))?;
            let mut queued = query.query([])?;
            for one in settled {
                match queued.next()? {
                    Some(row) if row.get::<_, i64>(0)? == one.seq => {
                        bytes += row.get::<_, i64>(1)?;
                    }
                    _ => return Ok(false),
                }
            }
        }
        if self.history != HistoryPolicy::None {
            for one in settled {
                self.keep_as_history(one.seq)?;
            }
        }
        self.moves.deliver(settled.len() as i64, bytes);
        self.pass(last.seq)?;
        std::mem::take(&mut self.moves).write(self.tx)?;
        Ok(true)
    }

    fn pass(&self, through: i64) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached("UPDATE upstream SET delivered_through = ?1")?
            .execute([through])?;
        Ok(())
    }

    fn settle(&mut self, one: &Settled) -> Result<bool, StoreError> {
        let Some(found) = locate(self.tx, one.seq)? else {
            return Ok(false);
        };
        match (&one.outcome, found.state) {
            // A held statement changes its place only by the app's word.
            (_, State::Delivered | State::Held) => return Ok(false),
            (Outcome::Delivered, State::Queued { .. }) => {
                self.moves.leave_queue(Place::Delivered, found.bytes);
                self.from_log.insert(one.seq);
                self.keep_as_history(one.seq)?;
            }
            (Outcome::Delivered, State::Waiting { .. }) => {
                self.moves.between(Place::Waiting, Place::Delivered);
                self.moves.deliver_beyond(one.seq);
                self.tx
                    .prepare_cached("DELETE FROM aside WHERE seq = ?1")?
                    .execute([one.seq])?;
                if !self.keep_as_history(one.seq)? {
                    self.delete(one.seq)?;
                }
            }
            (Outcome::Held { .. }, State::Queued { .. }) => {
                self.moves.leave_queue(Place::Held, found.bytes);
                self.write_aside(one)?;
            }
            (Outcome::Held { .. }, State::Waiting { .. }) => {
                self.moves.between(Place::Waiting, Place::Held);
                self.write_aside(one)?;
            }
            (Outcome::Waiting { .. }, State::Queued { .. }) => {
                self.moves.leave_queue(Place::Waiting, found.bytes);
                self.write_aside(one)?;
            }
            (Outcome::Waiting { .. }, State::Waiting { .. }) => self.write_aside(one)?,
        }
        Ok(true)
    }

    fn keep_as_history(&self, seq: i64) -> rusqlite::Result<bool> {
        if self.history == HistoryPolicy::None {
            return Ok(false);
        }
        history::keep(self.tx, seq, self.now)?;
        Ok(true)
    }

    fn write_aside(&self, one: &Settled) -> rusqlite::Result<()> {
        let (held, reason, due, status, words, theirs, taken) = match &one.outcome {
            Outcome::Delivered => return Ok(()),
            Outcome::Held {
                reason,
                status,
                words,
                theirs,
            } => (
                true,
                reason.code(),
                None,
                status,
                words,
                theirs.as_deref(),
                None,
            ),
            Outcome::Waiting {
                reason,
                due,
                status,
                words,
                taken,
            } => (
                false,
                reason.code(),
                *due,
                status,
                words,
                None,
                taken.map(|taken| taken as i64),
            ),
        };
        // One that waits for the version was not sent.
        let sent = reason != WaitReason::Version.code();
        self.tx
            .prepare_cached(&format!(
                "INSERT INTO aside (seq, held, reason, since, due, tries, sent, status, words, theirs, taken, steady, boot)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?9, max(?9, {MAY_HAVE_LEFT}), ?6, ?7, ?8, ?10, ?11, ?12
                 FROM statement s WHERE s.seq = ?1
                 ON CONFLICT (seq) DO UPDATE SET held = excluded.held, reason = excluded.reason,
                    since = excluded.since, due = excluded.due, tries = tries + ?9, sent = max(sent, excluded.sent),
                    status = excluded.status, words = excluded.words, theirs = excluded.theirs,
                    taken = excluded.taken, steady = excluded.steady, boot = excluded.boot",
            ))?
            .execute(params![
                one.seq, held, reason, self.now, due, status, words, theirs, sent, taken,
                self.steady.map(|at| at.ms),
                self.steady.map(|at| at.boot)
            ])?;
        Ok(())
    }

    /// Moves the cursor past all that is settled. What lies beyond a statement that is not must be
    /// marked one by one.
    fn finish(mut self) -> Result<(), StoreError> {
        if let Some(&last) = self.from_log.last() {
            let cursor: i64 =
                self.tx
                    .query_row("SELECT delivered_through FROM upstream", [], |row| {
                        row.get(0)
                    })?;
            let through = self.first_queued(cursor, last)?.map_or(last, |seq| seq - 1);
            for &seq in self.from_log.iter().filter(|&&seq| seq > through) {
                self.moves.deliver_beyond(seq);
                if self.history == HistoryPolicy::None {
                    self.delete(seq)?;
                }
            }
            self.pass(through)?;
        }
        self.moves.write(self.tx)?;
        Ok(())
    }

    /// The first statement in `(cursor, last]` that is still queued.
    fn first_queued(&self, cursor: i64, last: i64) -> rusqlite::Result<Option<i64>> {
        let mut query = self.tx.prepare_cached(&format!(
            "SELECT s.seq FROM statement s
             WHERE s.seq > ?1 AND s.seq <= ?2 AND {IN_LOG} ORDER BY s.seq"
        ))?;
        let mut rows = query.query([cursor, last])?;
        while let Some(row) = rows.next()? {
            let seq = row.get(0)?;
            if !self.from_log.contains(&seq) {
                return Ok(Some(seq));
            }
        }
        Ok(None)
    }

    fn delete(&self, seq: i64) -> rusqlite::Result<()> {
        delete(self.tx, seq)
    }
}

/// Deletes one statement and whatever is known of it.
pub(super) fn delete(tx: &Connection, seq: i64) -> rusqlite::Result<()> {
    Tail::remember(tx)?;
    tx.prepare_cached("DELETE FROM statement WHERE seq = ?1")?
        .execute([seq])?;
    Ok(())
}
