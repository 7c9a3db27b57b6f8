//! What the app may do with one statement: take it back, try it again, replace it, give it up.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::append::{Refused, Tail, append_one};
use super::ledger::{Moves, Place};
use super::settle::delete;
use super::states::MAY_HAVE_LEFT;
use super::withdrawn::Withdrawn;
use super::{Db, HoldReason, Millis, StoreError, ids};
use crate::statement::Prepared;

/// Why a call about one statement changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unchanged {
    /// No statement with this id is there.
    Unknown,
    /// It is not held.
    NotHeld,
    /// It is held, but not as a conflict.
    NotInConflict,
    /// It may have reached the LRS: only voiding takes it back.
    MayHaveBeenSent,
    /// The new statement was not taken in.
    Refused(Refused),
}

impl<E> From<E> for Unchanged
where
    StoreError: From<E>,
{
    fn from(error: E) -> Self {
        Self::Refused(Refused::Store(error.into()))
    }
}

/// Where one statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// In the log; `sent`: a request with it may have reached the LRS.
    Queued { sent: bool },
    /// Aside, coming back by itself.
    Waiting { sent: bool },
    /// Aside, for the app.
    Held,
    /// At the LRS.
    Delivered,
}

/// A statement, where it is, and how large.
#[derive(Debug, Clone, Copy)]
pub(super) struct Located {
    pub(super) seq: i64,
    pub(super) bytes: i64,
    pub(super) state: State,
}

impl Db {
    /// Takes back a statement that was never sent.
    pub fn retract(&mut self, id: Uuid) -> Result<(), Unchanged> {
        self.take_out(id, Place::Retracted, |_, moves, found| {
            match found.state {
                State::Queued { sent: false } => moves.leave_queue(Place::Retracted, found.bytes),
                State::Waiting { sent: false } => moves.between(Place::Waiting, Place::Retracted),
                _ => return Err(Unchanged::MayHaveBeenSent),
            }
            Ok(())
        })
    }

    /// Lets a held statement be tried again.
    pub fn retry(&mut self, id: Uuid, now: Millis) -> Result<(), Unchanged> {
        self.change(id, |tx, moves, found| {
            found.must_be_held()?;
            moves.between(Place::Held, Place::Waiting);
            tx.execute(
                "UPDATE aside SET held = 0, reason = 'retry', since = ?2, due = ?2, tries = 0, taken = NULL WHERE seq = ?1",
                params![found.seq, now],
            )?;
            Ok(())
        })
    }

    /// Gives a held statement up.
    pub fn discard(&mut self, id: Uuid) -> Result<(), Unchanged> {
        self.take_out(id, Place::Discarded, |_, moves, found| {
            found.must_be_held()?;
            moves.between(Place::Held, Place::Discarded);
            Ok(())
        })
    }

    /// Gives a statement up for the one that the LRS has under its id.
    pub fn keep_theirs(&mut self, id: Uuid) -> Result<(), Unchanged> {
        self.take_out(id, Place::Discarded, |tx, moves, found| {
            found.must_be_held()?;
            let reason: HoldReason = tx
                .prepare_cached("SELECT reason FROM aside WHERE seq = ?1")?
                .query_row([found.seq], |row| row.get(0))?;
            if !reason.is_conflict() {
                return Err(Unchanged::NotInConflict);
            }
            moves.between(Place::Held, Place::Discarded);
            Ok(())
        })
    }

    /// Puts a new statement in the place of a held one, at the end of the queue. It may have the
    /// id of the old one.
    pub fn replace(&mut self, id: Uuid, new: &Prepared, now: Millis) -> Result<(), Unchanged> {
        self.change(id, |tx, moves, found| {
            found.must_be_held()?;
            moves.between(Place::Held, Place::Replaced);
            delete(tx, found.seq)?;
            let mut tail = Tail::read(tx)?;
            append_one(tx, &mut tail, new, now)
                .map(drop)
                .map_err(Unchanged::Refused)
        })
    }

    /// Whether a statement that is here, or was delivered and is still known, voids another one.
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

    /// One transaction that takes a statement out for good.
    fn take_out(
        &mut self,
        id: Uuid,
        to: Place,
        work: impl FnOnce(&Connection, &mut Moves, Located) -> Result<(), Unchanged>,
    ) -> Result<(), Unchanged> {
        self.together(|db| {
            let mut taken = None;
            db.change(id, |tx, moves, found| {
                work(tx, moves, found)?;
                taken = Some(Withdrawn::new(found.seq, id, to));
                Ok(delete(tx, found.seq)?)
            })?;
            db.leaving.notes.extend(taken);
            Ok(())
        })
    }

    /// One transaction about one statement; an error undoes it.
    fn change(
        &mut self,
        id: Uuid,
        work: impl FnOnce(&Connection, &mut Moves, Located) -> Result<(), Unchanged>,
    ) -> Result<(), Unchanged> {
        self.together(|db| {
            let tx = &db.conn;
            let seq = ids::find(tx, id)?.ok_or(Unchanged::Unknown)?;
            let found = locate(tx, seq)?.ok_or(Unchanged::Unknown)?;
            let mut moves = Moves::default();
            work(tx, &mut moves, found)?;
            Ok(moves.write(tx)?)
        })
    }
}

impl Located {
    fn must_be_held(&self) -> Result<(), Unchanged> {
        if self.state == State::Held {
            Ok(())
        } else {
            Err(Unchanged::NotHeld)
        }
    }
}

/// What is known of the statement in that place.
pub(super) fn locate(conn: &Connection, seq: i64) -> rusqlite::Result<Option<Located>> {
    conn.prepare_cached(&format!(
        "SELECT s.seq, length(s.body), s.delivered_at IS NOT NULL, a.held, a.sent,
                s.seq <= u.delivered_through, {MAY_HAVE_LEFT}
         FROM upstream u, statement s LEFT JOIN aside a USING (seq) WHERE s.seq = ?1",
    ))?
    .query_row([seq], |row| {
        let kept: bool = row.get(2)?;
        let held: Option<bool> = row.get(3)?;
        let state = match held {
            _ if kept => State::Delivered,
            Some(true) => State::Held,
            Some(false) => State::Waiting { sent: row.get(4)? },
            None if row.get(5)? => State::Delivered,
            None => State::Queued { sent: row.get(6)? },
        };
        Ok(Located {
            seq: row.get(0)?,
            bytes: row.get(1)?,
            state,
        })
    })
    .optional()
}
