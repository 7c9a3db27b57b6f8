//! Removes an upstream and gives up what was still to be delivered to it.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::list;
use crate::store::ledger_file::notes::Withdrawn;
use crate::store::queue::app_changes::give_up;
use crate::store::queue::conditions::{self, queued};
use crate::store::queue::end::Tail;
use crate::store::queue::given_up_ids;
use crate::store::queue::ledger::{self, Counter, Moves};
use crate::store::queue::locate::{State, locate};
use crate::store::{Db, Millis, Shared, StoreError, UpstreamId, upstream};

/// Treatment of the statements that an upstream does not have yet when it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remainder {
    /// Refuses the removal if there are any.
    MustBeEmpty,
    /// Gives them up there; they leave the device unless another upstream needs them.
    Discard,
}

/// Statements given up in one transaction, for which `record` may have to wait.
const GIVE_UP_AT_ONCE: usize = 500;

/// Result of one part of the removal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// This many were given up, and there are more.
    Some(u64),
    /// This many were given up, and the upstream is removed.
    Whole(u64),
}

impl Db {
    /// Removes an upstream and returns the number of statements given up with it. A session that is delivering
    /// to it, in any process, finds it gone.
    #[cfg(any(test, feature = "internals"))]
    pub fn remove_upstream(
        &mut self,
        name: &str,
        remainder: Remainder,
        now: Millis,
    ) -> Result<u64, StoreError> {
        let mut discarded = 0;
        loop {
            match self.remove_some(name, remainder, now)? {
                Part::Some(more) => discarded += more,
                Part::Whole(more) => return Ok(discarded + more),
            }
        }
    }

    /// Performs the next part of the removal, in one transaction.
    pub(crate) fn remove_some(
        &mut self,
        name: &str,
        remainder: Remainder,
        now: Millis,
    ) -> Result<Part, StoreError> {
        self.together(|db| {
            let tx = &db.conn;
            let upstream = list::named(tx, name)?.ok_or(StoreError::NoUpstream)?;
            if upstream == UpstreamId::MAIN {
                return Err(StoreError::MainStays);
            }
            let ledger = ledger::read(tx, upstream)?;
            let left = ledger.queued + ledger.waiting + ledger.held;
            if left > 0 && remainder == Remainder::MustBeEmpty {
                return Err(StoreError::UpstreamNotEmpty { left });
            }
            let due = due(tx, upstream)?;
            let mut moves = Moves::of(upstream);
            let mut left_through = 0;
            let may_have_left = conditions::may_have_left_for(upstream);
            for &(seq, id) in &due {
                let Some(found) = locate(tx, upstream, seq)? else {
                    continue;
                };
                match found.state {
                    State::Queued { .. } => moves.leave_queue(Counter::Discarded, found.bytes),
                    State::Waiting { .. } => moves.between(Counter::Waiting, Counter::Discarded),
                    State::Held => moves.between(Counter::Held, Counter::Discarded),
                    State::Delivered | State::NotDue => continue,
                }
                if conditions::is(tx, &may_have_left, seq)? {
                    left_through = left_through.max(seq);
                }
                let is_gone = give_up(tx, upstream, seq, now)?;
                let at = (!is_gone).then_some(upstream);
                db.leaving
                    .notes
                    .push(Withdrawn::new(seq, id, Counter::Discarded).at(at));
            }
            moves.write(tx)?;
            has_left(tx, left_through)?;
            let count = due.len() as u64;
            if due.len() == GIVE_UP_AT_ONCE {
                return Ok(Part::Some(count));
            }
            end(tx, upstream)?;
            Ok(Part::Whole(count))
        })
    }
}

impl Shared {
    /// Removes an upstream like [`Db::remove_upstream`], a part at a time: a concurrent record waits for one
    /// part at most. What was given up before an error stays given up.
    pub fn remove_upstream(
        &self,
        name: &str,
        remainder: Remainder,
        now: Millis,
    ) -> Result<u64, StoreError> {
        let mut discarded = 0;
        loop {
            match self.with(now, |db| db.remove_some(name, remainder, now))? {
                Part::Some(more) => discarded += more,
                Part::Whole(more) => return Ok(discarded + more),
            }
            // This thread would win a plain lock again and again; the line serves threads in order of arrival.
            let _ = self.append(Vec::new(), now);
        }
    }
}

/// Returns the next statements that it needs: those aside, and then the queue from its front.
fn due(tx: &Connection, upstream: UpstreamId) -> rusqlite::Result<Vec<(i64, Uuid)>> {
    let mut due = Vec::new();
    let id = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, Uuid::from_bytes(row.get(1)?)));
    let queued = queued(upstream);
    for sql in [
        "SELECT s.seq, s.id FROM aside a JOIN statement s USING (seq) WHERE a.upstream = ?1 AND a.held = 1 LIMIT ?2",
        "SELECT s.seq, s.id FROM aside a JOIN statement s USING (seq) WHERE a.upstream = ?1 AND a.held = 0 LIMIT ?2",
        &format!(
            "SELECT s.seq, s.id FROM statement s WHERE ?1 = ?1 AND {queued} ORDER BY s.seq LIMIT ?2"
        ),
    ] {
        let room = GIVE_UP_AT_ONCE - due.len();
        let mut query = tx.prepare_cached(sql)?;
        for one in query.query_map(params![upstream, room as i64], id)? {
            due.push(one?);
        }
    }
    Ok(due)
}

/// Remembers the place up to which statements may have left for it: their bytes must not change even once the
/// upstream is forgotten.
fn has_left(tx: &Connection, through: i64) -> rusqlite::Result<()> {
    if through > 0 {
        tx.prepare_cached("UPDATE ledger SET left_through = max(left_through, ?1)")?
            .execute([through])?;
    }
    Ok(())
}

/// Deletes the upstream, to which nothing is to be delivered any more.
fn end(tx: &Connection, upstream: UpstreamId) -> Result<(), StoreError> {
    let may_have_left = conditions::may_have_left_for(upstream);
    let sent_through: i64 = tx.query_row(
        &format!("SELECT ifnull(max(s.seq), 0) FROM statement s WHERE {may_have_left}"),
        [],
        |row| row.get(0),
    )?;
    has_left(tx, sent_through)?;
    upstream::leave(tx, &upstream::read(tx, upstream)?)?;
    // Its own row is part of the end of the log that it knows.
    Tail::remember(tx)?;
    tx.execute(
        "INSERT INTO removed_upstream VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at",
        params![upstream, Tail::read(tx)?.seq],
    )?;
    given_up_ids::forget_all(tx, upstream)?;
    for sql in [
        "DELETE FROM aside WHERE upstream = ?1",
        "DELETE FROM sent_ahead WHERE upstream = ?1",
        "DELETE FROM done_with WHERE upstream = ?1",
        "DELETE FROM upstream WHERE id = ?1",
    ] {
        tx.execute(sql, [upstream])?;
    }
    upstream::count_change(tx)?;
    Ok(())
}
