//! The app's changes to a single statement: retract, retry, replace, discard.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::again::release;
use super::append::append_one;
use super::conditions::{self, REFUSED_EACH_TIME, delivered_elsewhere};
use super::done_with::{delete, is_needed_elsewhere, mark_done, mark_sent};
use super::end::Tail;
use super::ledger::{Counter, Moves};
use super::locate::Located;
use super::locate::State;
use super::locate::locate;
use super::seal::may_have_left;
use super::voidings::hold_voidings;
use super::{given_up_ids, history, ids};
use crate::statement::Prepared;
use crate::store::Unchanged;
use crate::store::ledger_file::notes::Withdrawn;
use crate::store::upstream::list;
use crate::store::{Appended, Db, HoldReason, Millis, Refused, StoreError, UpstreamId};

impl Db {
    /// Takes back a statement that no upstream can have, and holds the statements that void it: one that was never sent,
    /// or that the LRS itself refused each time that it was.
    pub fn retract(&mut self, id: Uuid, now: Millis) -> Result<(), Unchanged> {
        self.together(|db| {
            let tx = &db.conn;
            let seq = ids::find(tx, id)?.ok_or(Unchanged::Unknown)?;
            if may_have_left(tx, seq)? && !conditions::is(tx, REFUSED_EACH_TIME, seq)? {
                return Err(Unchanged::MayHaveBeenSent);
            }
            let mut is_due = false;
            for upstream in list::all(tx)? {
                let found = locate(tx, upstream, seq)?.ok_or(Unchanged::Unknown)?;
                let mut moves = Moves::of(upstream);
                match found.state {
                    State::Queued { .. } => moves.leave_queue(Counter::Retracted, found.bytes),
                    State::Waiting { .. } => moves.between(Counter::Waiting, Counter::Retracted),
                    // Treated like a voiding of a statement that was given up.
                    State::Held => moves.between(Counter::Held, Counter::Retracted),
                    State::NotDue => {
                        given_up_ids::remember(tx, upstream, id)?;
                        continue;
                    }
                    State::Delivered => return Err(Unchanged::MayHaveBeenSent),
                }
                is_due = true;
                hold_voidings(tx, &mut moves, (seq, id), now)?;
                moves.write(tx)?;
            }
            if !is_due {
                return Err(Unchanged::MayHaveBeenSent);
            }
            delete(tx, seq)?;
            let note = Withdrawn::new(seq, id, Counter::Retracted);
            db.leaving.notes.push(note);
            Ok(())
        })
    }

    /// Queues for another try a held statement, or one that waits as the upstream took no contents of attachments: not
    /// before what was sent of it must have ended there.
    pub fn retry(&mut self, upstream: UpstreamId, id: Uuid, now: Millis) -> Result<(), Unchanged> {
        self.change(upstream, id, |tx, moves, found| {
            let asked_for = tx.execute(
                "UPDATE aside SET reason = 'retry', since = ?2, due = max(ifnull(due, ?2), ?2)
                 WHERE seq = ?1 AND upstream = ?3 AND held = 0 AND reason = 'no_attachments'",
                params![found.seq, now, upstream],
            )?;
            if asked_for > 0 {
                return Ok(());
            }
            found.must_be_held()?;
            moves.between(Counter::Held, Counter::Waiting);
            tx.execute(
                "UPDATE aside SET held = 0, reason = 'retry', since = ?2, due = ?2, tries = 0, refusals = 0,
                    bare = 0, taken = NULL
                 WHERE seq = ?1 AND upstream = ?3",
                params![found.seq, now, upstream],
            )?;
            Ok(())
        })
    }

    /// Gives a held statement up at this upstream and holds there what voids it. Other upstreams still get it.
    pub fn discard(
        &mut self,
        upstream: UpstreamId,
        id: Uuid,
        now: Millis,
    ) -> Result<(), Unchanged> {
        self.give_up(upstream, id, now, |_, _| Ok(()))
    }

    /// Gives a held statement up in favour of the one that the LRS has under its id, and holds what voids it.
    pub fn keep_theirs(
        &mut self,
        upstream: UpstreamId,
        id: Uuid,
        now: Millis,
    ) -> Result<(), Unchanged> {
        self.give_up(upstream, id, now, |tx, seq| {
            let reason: HoldReason = tx
                .prepare_cached("SELECT reason FROM aside WHERE seq = ?1 AND upstream = ?2")?
                .query_row(params![seq, upstream], |row| row.get(0))?;
            if reason.is_conflict() {
                Ok(())
            } else {
                Err(Unchanged::NotInConflict)
            }
        })
    }

    /// Replaces a held statement with a new one, at the end of the queue and for this upstream alone: the
    /// others get the old one. The new statement may have the old one's id, unless another upstream has the old
    /// one or is to get it. A statement that is already in the queue is accepted as the replacement only if
    /// this upstream has it or is to get it: one that is held, or is for others, would never arrive. What voids
    /// the old statement is held here, unless the new one has the same id.
    pub fn replace(
        &mut self,
        upstream: UpstreamId,
        id: Uuid,
        new: &Prepared,
        now: Millis,
    ) -> Result<(), Unchanged> {
        self.change(upstream, id, |tx, moves, found| {
            found.must_be_held()?;
            moves.between(Counter::Held, Counter::Replaced);
            if new.id != id {
                hold_voidings(tx, moves, (found.seq, id), now)?;
            }
            give_up(tx, upstream, found.seq, now)?;
            let others = list::all(tx)?.into_iter();
            let others = others.filter(|other| *other != upstream);
            let not_for = others.fold(0, |bits, other| bits | other.bit());
            let mut tail = Tail::read(tx)?;
            let appended = append_one(tx, &mut tail, new, not_for, now);
            match appended.map_err(Unchanged::Refused)? {
                Appended::Known => must_arrive(tx, upstream, new.id),
                Appended::New | Appended::Again => Ok(release(tx, moves, new.id, now)?),
            }
        })
    }

    /// Tells whether a statement that is here, or was delivered and is still known, voids another.
    pub fn is_voiding(&self, id: Uuid) -> Result<bool, StoreError> {
        let Some(seq) = ids::find(&self.conn, id)? else {
            return Ok(false);
        };
        let voids = self
            .conn
            .prepare_cached("SELECT voids IS NOT NULL FROM statement WHERE seq = ?1")?
            .query_row([seq], |row| row.get(0))
            .optional()?;
        Ok(voids.unwrap_or(false))
    }

    /// Gives a held statement up for good in one transaction, if `may` permits it.
    fn give_up(
        &mut self,
        upstream: UpstreamId,
        id: Uuid,
        now: Millis,
        may: impl FnOnce(&Connection, i64) -> Result<(), Unchanged>,
    ) -> Result<(), Unchanged> {
        self.together(|db| {
            let mut note = None;
            db.change(upstream, id, |tx, moves, found| {
                found.must_be_held()?;
                may(tx, found.seq)?;
                moves.between(Counter::Held, Counter::Discarded);
                hold_voidings(tx, moves, (found.seq, id), now)?;
                let is_gone = give_up(tx, upstream, found.seq, now)?;
                let at = (!is_gone).then_some(upstream);
                note = Some(Withdrawn::new(found.seq, id, Counter::Discarded).at(at));
                Ok(())
            })?;
            db.leaving.notes.extend(note);
            Ok(())
        })
    }

    /// Runs one transaction about one statement; an error undoes it.
    fn change(
        &mut self,
        upstream: UpstreamId,
        id: Uuid,
        work: impl FnOnce(&Connection, &mut Moves, Located) -> Result<(), Unchanged>,
    ) -> Result<(), Unchanged> {
        self.together(|db| {
            let tx = &db.conn;
            let seq = ids::find(tx, id)?.ok_or(Unchanged::Unknown)?;
            let found = locate(tx, upstream, seq)?.ok_or(Unchanged::Unknown)?;
            let mut moves = Moves::of(upstream);
            work(tx, &mut moves, found)?;
            Ok(moves.write(tx)?)
        })
    }
}

/// Returns an error if this upstream neither has the statement nor will get it without the app's help.
fn must_arrive(tx: &Connection, upstream: UpstreamId, id: Uuid) -> Result<(), Unchanged> {
    let seq = ids::find(tx, id)?.ok_or(Unchanged::Unknown)?;
    let found = locate(tx, upstream, seq)?.ok_or(Unchanged::Unknown)?;
    match found.state {
        State::Queued { .. } | State::Waiting { .. } | State::Delivered => Ok(()),
        State::Held | State::NotDue => Err(Unchanged::Refused(Refused::OtherContent(id))),
    }
}

/// Ends a statement's delivery to this upstream; true if that deleted it. It is deleted if no upstream has it
/// or needs it. If another upstream has it and none needs it, it becomes history, which the next purge deletes
/// if none is kept. A mark that it may have been sent there stays.
pub(crate) fn give_up(
    tx: &Connection,
    upstream: UpstreamId,
    seq: i64,
    now: Millis,
) -> rusqlite::Result<bool> {
    let is_needed = is_needed_elsewhere(tx, upstream, seq)?;
    if !is_needed && !conditions::is(tx, &delivered_elsewhere(upstream), seq)? {
        delete(tx, seq)?;
        return Ok(true);
    }
    if conditions::is(tx, &conditions::may_have_left_for(upstream), seq)? {
        mark_sent(tx, upstream, seq)?;
    }
    tx.prepare_cached("DELETE FROM aside WHERE seq = ?1 AND upstream = ?2")?
        .execute(params![seq, upstream])?;
    mark_done(tx, upstream, seq, false)?;
    if !is_needed {
        history::keep(tx, seq, now)?;
    }
    Ok(false)
}
