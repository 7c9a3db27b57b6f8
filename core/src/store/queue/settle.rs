//! Writes what became of the statements of a request.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::body;
use super::conditions::{NEEDED, in_log, queued, sent_to};
use super::departure::{Lease, Unsent, take_back};
use super::done_with::delete;
use super::done_with::is_needed_elsewhere;
use super::done_with::mark_done;
use super::end::Tail;
use super::history;
use super::ledger::{Counter, Moves};
use super::locate::{State, locate};
use crate::clock::Steady;
use crate::store::upstream::learned::{self, Learned};
use crate::store::upstream::lease;
use crate::store::{Db, HistoryPolicy, HoldReason, Millis, StoreError, UpstreamId, WaitReason};

/// Fate of one statement.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The LRS has proved that it has it.
    Delivered,
    /// Set aside until the app acts.
    Held {
        /// Reason for holding it.
        reason: HoldReason,
        /// HTTP status, if there was an answer.
        status: Option<u16>,
        /// The LRS's message.
        words: String,
        /// The LRS's copy, for a conflict.
        theirs: Option<Vec<u8>>,
    },
    /// Set aside; comes back by itself.
    Waiting {
        /// Reason for waiting.
        reason: WaitReason,
        /// Time at which it comes back, unix milliseconds; none if it waits for something else than a time.
        due: Option<Millis>,
        /// HTTP status, if there was an answer.
        status: Option<u16>,
        /// The LRS's message.
        words: String,
        /// Number of requests that the upstream had taken statements of when it refused this one; none if the
        /// LRS itself has not refused it.
        taken: Option<u64>,
    },
    /// Set aside as the LRS shows it without the contents of its attachments; comes back by itself.
    Bare {
        /// Time at which it comes back, unix milliseconds.
        due: Millis,
    },
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Delivered => f.write_str("Delivered"),
            Self::Held { reason, status, .. } => write!(f, "Held({reason}, {status:?})"),
            Self::Waiting { reason, due, .. } => write!(f, "Waiting({reason}, {due:?})"),
            Self::Bare { due } => write!(f, "Bare({due})"),
        }
    }
}

/// What is said of a statement that the LRS shows without the contents of its attachments.
const SHOWN_BARE: &str = "the LRS shows the statement without the contents of its attachments";

/// A statement and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The statement's place in the log.
    pub seq: i64,
    /// Its outcome.
    pub outcome: Outcome,
}

/// Everything that one answer changes, written in one transaction.
#[derive(Debug, Default)]
pub struct Settlement {
    /// The statements, each at most once.
    pub settled: Vec<Settled>,
    /// Knowledge of the upstream, and the lease under which it was found.
    pub learned: Option<(Lease, Learned)>,
    /// Departure marks to undo, as provably nothing was sent.
    pub unsent: Option<Unsent>,
    /// Steady clock now.
    pub steady: Option<Steady>,
}

impl Db {
    /// Writes a settlement. Outcomes of statements count whoever found them. Knowledge of the upstream, and how
    /// far the log has been sent, is written only for the holder of the lease, and only while the endpoint is
    /// the one that it knows: otherwise another session knows better. A statement that is gone or already
    /// settled is skipped. Returns the places of those that were settled.
    pub fn settle(
        &mut self,
        upstream: UpstreamId,
        settlement: &Settlement,
        history: HistoryPolicy,
        now: Millis,
    ) -> Result<Vec<i64>, StoreError> {
        // Keeping history means rewriting the statement, and if there is no room for that, the delivery would
        // be undone.
        let history = if self.has_little_room {
            HistoryPolicy::None
        } else {
            history
        };
        self.write(|tx| {
            if let Some((by, learned)) = &settlement.learned
                && lease::is_held_by(tx, upstream, by.holder, by.generation)?
            {
                learned::write(tx, upstream, learned)?;
                if let Some(unsent) = &settlement.unsent {
                    take_back(tx, upstream, unsent)?;
                }
            }
            if settlement.settled.is_empty() {
                return Ok(Vec::new());
            }
            let mut work = Settling {
                tx,
                upstream,
                history,
                now,
                steady: settlement.steady,
                moves: Moves::of(upstream),
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

    /// Deletes statements that no upstream needs any more, a bounded number at a time, and history that is too
    /// old. Returns whether there is more to do.
    pub fn purge(&mut self, history: HistoryPolicy, now: Millis) -> Result<bool, StoreError> {
        let at_once = if self.has_little_room {
            self.little
        } else {
            PURGE_AT_ONCE
        };
        self.write(|tx| {
            let forgotten = history::forget(tx, history, now, at_once)?;
            let (from, cursor): (i64, i64) = tx
                .prepare_cached(
                    "SELECT purged_through, (SELECT min(delivered_through) FROM upstream) FROM ledger",
                )?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let through = cursor.min(from + at_once);
            if through <= from {
                return Ok(forgotten);
            }
            Tail::remember(tx)?;
            // The cursors of all upstreams are past them: whoever still needs one has it aside.
            tx.prepare_cached(
                "DELETE FROM statement AS s WHERE s.seq > ?1 AND s.seq <= ?2 AND s.delivered_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM aside a WHERE a.seq = s.seq)",
            )?
            .execute([from, through])?;
            // For those that stay the cursors tell who may have them, except where one was given up.
            tx.prepare_cached(
                "DELETE FROM sent_ahead WHERE seq > ?1 AND seq <= ?2
                 AND NOT EXISTS (SELECT 1 FROM done_with d JOIN statement s USING (seq)
                    WHERE d.seq = sent_ahead.seq AND d.upstream = sent_ahead.upstream AND NOT d.delivered)",
            )?
            .execute([from, through])?;
            tx.prepare_cached(
                "DELETE FROM done_with WHERE seq > ?1 AND seq <= ?2
                 AND NOT EXISTS (SELECT 1 FROM statement s WHERE s.seq = done_with.seq)",
            )?
            .execute([from, through])?;
            tx.prepare_cached("UPDATE ledger SET purged_through = ?1")?
                .execute([through])?;
            Ok(forgotten || through < cursor)
        })
    }

    /// Purges along with other writes, unless there is little room: then a purge that does not fit must not
    /// undo what does, and is done by itself later.
    pub(crate) fn purge_beside(
        &mut self,
        history: HistoryPolicy,
        now: Millis,
    ) -> Result<(), StoreError> {
        if !self.has_little_room {
            self.purge(history, now)?;
        }
        Ok(())
    }

    /// Returns the number of places in the log that wait for [`Db::purge`].
    pub fn unpurged(&self) -> Result<i64, StoreError> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT (SELECT min(delivered_through) FROM upstream) - purged_through FROM ledger",
            )?
            .query_row([], |row| row.get(0))?)
    }
}

/// Statements deleted in one transaction: few enough that `record` does not notice.
const PURGE_AT_ONCE: i64 = 1_000;

struct Settling<'a> {
    tx: &'a Connection,
    upstream: UpstreamId,
    history: HistoryPolicy,
    now: Millis,
    steady: Option<Steady>,
    moves: Moves,
    /// Delivered from the log: they are deleted as the cursor passes, or one by one if it cannot pass them.
    from_log: BTreeSet<i64>,
}

impl Settling<'_> {
    /// Handles the usual case: all are delivered, and are the front of the queue without a gap. Then the cursor
    /// moves past them, and that is all. In any other case does nothing and returns false.
    fn settle_front(&mut self, settled: &[Settled]) -> Result<bool, StoreError> {
        let (Some(first), Some(last)) = (settled.first(), settled.last()) else {
            return Ok(false);
        };
        if settled.iter().any(|one| one.outcome != Outcome::Delivered) {
            return Ok(false);
        }
        let mut bytes = 0;
        let mut not_for_all = Vec::new();
        {
            let mut query = self.tx.prepare_cached(&format!(
                "SELECT s.seq, {}, s.not_for FROM statement s WHERE {} ORDER BY s.seq",
                body::LENGTH,
                queued(self.upstream)
            ))?;
            let mut queued = query.query([])?;
            for one in settled {
                match queued.next()? {
                    Some(row) if row.get::<_, i64>(0)? == one.seq => {
                        bytes += row.get::<_, i64>(1)?;
                        if row.get::<_, i64>(2)? != 0 {
                            not_for_all.push(one.seq);
                        }
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
        // Before the cursor passes them, which deletes what the others are done with.
        for seq in not_for_all {
            self.leave_for_others(seq)?;
        }
        self.pass(first.seq - 1, last.seq)?;
        let mut moves = Moves::of(self.upstream);
        moves.deliver(settled.len() as i64, bytes);
        moves.write(self.tx)?;
        Ok(true)
    }

    /// Moves the cursor, and deletes what lies between and every upstream is done with.
    fn pass(&self, from: i64, through: i64) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached("UPDATE upstream SET delivered_through = ?1 WHERE id = ?2")?
            .execute(params![through, self.upstream])?;
        let done: Vec<i64> = self
            .tx
            .prepare_cached(&format!(
                "SELECT DISTINCT m.seq FROM done_with m CROSS JOIN statement s ON s.seq = m.seq
                 WHERE m.seq > ?1 AND m.seq <= ?2 AND s.delivered_at IS NULL AND NOT {NEEDED}"
            ))?
            .query_map([from, through], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        done.into_iter().try_for_each(|seq| self.delete(seq))
    }

    fn cursor(&self) -> rusqlite::Result<i64> {
        self.tx
            .prepare_cached("SELECT delivered_through FROM upstream WHERE id = ?1")?
            .query_row([self.upstream], |row| row.get(0))
    }

    fn settle(&mut self, one: &Settled) -> Result<bool, StoreError> {
        let Some(found) = locate(self.tx, self.upstream, one.seq)? else {
            return Ok(false);
        };
        match (&one.outcome, found.state) {
            // Only the app changes the place of a held statement.
            (_, State::Delivered | State::Held | State::NotDue) => return Ok(false),
            (Outcome::Delivered, State::Queued { .. }) => {
                self.moves.leave_queue(Counter::Delivered, found.bytes);
                self.keep_as_history(one.seq)?;
                if found.is_for_all || !self.leave_for_others(one.seq)? {
                    self.from_log.insert(one.seq);
                } else {
                    self.moves.deliver_beyond(one.seq);
                }
            }
            (Outcome::Delivered, State::Waiting { .. }) => {
                self.moves.between(Counter::Waiting, Counter::Delivered);
                self.moves.deliver_beyond(one.seq);
                self.tx
                    .prepare_cached("DELETE FROM aside WHERE seq = ?1 AND upstream = ?2")?
                    .execute(params![one.seq, self.upstream])?;
                self.keep_as_history(one.seq)?;
                let passed = self.cursor()?;
                self.be_done_with(one.seq, passed)?;
            }
            (Outcome::Held { .. }, State::Queued { .. }) => {
                self.moves.leave_queue(Counter::Held, found.bytes);
                self.write_aside(one)?;
            }
            (Outcome::Held { .. }, State::Waiting { .. }) => {
                self.moves.between(Counter::Waiting, Counter::Held);
                self.write_aside(one)?;
            }
            (Outcome::Waiting { .. } | Outcome::Bare { .. }, State::Queued { .. }) => {
                self.moves.leave_queue(Counter::Waiting, found.bytes);
                self.write_aside(one)?;
            }
            (Outcome::Waiting { .. } | Outcome::Bare { .. }, State::Waiting { .. }) => {
                self.write_aside(one)?;
            }
        }
        Ok(true)
    }

    /// Keeps a delivered statement as history if one is kept and no other upstream still needs it.
    fn keep_as_history(&self, seq: i64) -> rusqlite::Result<()> {
        if self.history == HistoryPolicy::None || is_needed_elsewhere(self.tx, self.upstream, seq)?
        {
            return Ok(());
        }
        history::keep(self.tx, seq, self.now)
    }

    /// Deletes a delivered statement or leaves it for other upstreams; beyond the cursor it is marked as done
    /// then.
    fn be_done_with(&self, seq: i64, passed: i64) -> rusqlite::Result<()> {
        if !self.leave_for_others(seq)? && seq > passed {
            mark_done(self.tx, self.upstream, seq, true)?;
        }
        Ok(())
    }

    /// Deletes a statement that no other upstream needs, unless it is history; false if one needs it. It does
    /// not wait for the cursors of upstreams that it is not for.
    fn leave_for_others(&self, seq: i64) -> rusqlite::Result<bool> {
        if is_needed_elsewhere(self.tx, self.upstream, seq)? {
            return Ok(false);
        }
        if self.history == HistoryPolicy::None {
            self.delete(seq)?;
        }
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
                theirs.as_deref().map(body::encode),
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
            Outcome::Bare { due } => (
                false,
                WaitReason::NoAttachments.code(),
                Some(*due),
                &None,
                &SHOWN_BARE.to_owned(),
                None,
                None,
            ),
        };
        let bare = matches!(one.outcome, Outcome::Bare { .. });
        // A statement that waits for the version was not sent.
        let sent = reason != WaitReason::Version.code();
        self.tx
            .prepare_cached(&format!(
                "INSERT INTO aside
                    (seq, upstream, held, reason, since, due, tries, refusals, sent, status, words, theirs, taken,
                     steady, boot, bare)
                 SELECT ?1, ?13, ?2, ?3, ?4, ?5, ?9, ?10 IS NOT NULL, max(?9, {}), ?6, ?7, ?8, ?10, ?11, ?12, ?14
                 FROM statement s WHERE s.seq = ?1
                 ON CONFLICT (seq, upstream) DO UPDATE SET held = excluded.held, reason = excluded.reason,
                    since = excluded.since, due = excluded.due, tries = tries + ?9,
                    refusals = CASE
                        WHEN excluded.taken IS NULL THEN refusals
                        WHEN status IS NOT excluded.status AND (status < 500 OR excluded.status < 500) THEN 1
                        ELSE refusals + ifnull(excluded.taken > taken, refusals = 0) END,
                    sent = max(sent, excluded.sent), bare = bare + excluded.bare,
                    status = excluded.status, words = excluded.words, theirs = excluded.theirs,
                    taken = excluded.taken, steady = excluded.steady, boot = excluded.boot",
                sent_to(self.upstream)
            ))?
            .execute(params![
                one.seq, held, reason, self.now, due, status, words, theirs, sent, taken,
                self.steady.map(|at| at.ms),
                self.steady.map(|at| at.boot),
                self.upstream,
                bare
            ])?;
        Ok(())
    }

    /// Moves the cursor past everything that is settled. Statements beyond one that is not are marked one by
    /// one.
    fn finish(mut self) -> Result<(), StoreError> {
        if let Some(&last) = self.from_log.last() {
            let cursor = self.cursor()?;
            let through = self.first_queued(cursor, last)?.map_or(last, |seq| seq - 1);
            for &seq in self.from_log.iter().filter(|&&seq| seq > through) {
                self.moves.deliver_beyond(seq);
                self.be_done_with(seq, through)?;
            }
            self.pass(cursor, through)?;
        }
        self.moves.write(self.tx)?;
        Ok(())
    }

    /// Returns the first statement in `(cursor, last]` that is still queued.
    fn first_queued(&self, cursor: i64, last: i64) -> rusqlite::Result<Option<i64>> {
        let mut query = self.tx.prepare_cached(&format!(
            "SELECT s.seq FROM statement s
             WHERE s.seq > ?1 AND s.seq <= ?2 AND {} ORDER BY s.seq",
            in_log(self.upstream)
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
