//! Puts statements that were found in a damaged file, or its log, into the new one.

use std::collections::HashSet;

use rusqlite::Connection;

use super::held_voidings::HeldVoiding;
use crate::statement::Prepared;
use crate::statement::Warnings;
use crate::store::Appended;
use crate::store::Millis;
use crate::store::StoreError;
use crate::store::UpstreamId;
use crate::store::queue::append::Refused;
use crate::store::queue::append::append_one;
use crate::store::queue::body;
use crate::store::queue::checksum::Found;
use crate::store::queue::done_with::delete;
use crate::store::queue::end::Tail;
use crate::store::queue::flags::NEEDS_2_0;
use crate::store::queue::flags::TIMESTAMP_IS_OURS;
use crate::store::queue::history;
use crate::store::queue::ledger::Counter;
use crate::store::queue::ledger::Moves;
use crate::store::queue::locate::State;
use crate::store::queue::locate::locate;
use crate::store::queue::voidings::hold_voidings_of;

/// Takes these statements out. Where they went is no longer known: what was never sent can only have been retracted or
/// erased.
pub(crate) fn take_out(
    tx: &Connection,
    gone: &HashSet<i64>,
    now: Millis,
) -> Result<(), StoreError> {
    for mut moves in Moves::of_all(tx)? {
        for &seq in gone {
            let Some(found) = locate(tx, moves.upstream, seq)? else {
                continue;
            };
            match found.state {
                State::Queued { sent: true } => moves.leave_queue(Counter::Delivered, found.bytes),
                State::Queued { sent: false } => moves.leave_queue(Counter::Retracted, found.bytes),
                State::Waiting { sent: true } => {
                    moves.between(Counter::Waiting, Counter::Delivered);
                }
                State::Waiting { sent: false } => {
                    moves.between(Counter::Waiting, Counter::Retracted);
                }
                State::Held => moves.between(Counter::Held, Counter::Discarded),
                State::Delivered | State::NotDue => continue,
            }
            if !found.state.may_have_left() {
                hold_voidings_of(tx, &mut moves, &found, now)?;
            }
        }
        moves.write(tx)?;
    }
    gone.iter().try_for_each(|seq| delete(tx, *seq))?;
    Ok(())
}

/// Statements on their way into a file, marked as perhaps sent.
pub(crate) struct Saving<'a> {
    tx: &'a Connection,
    tail: Tail,
    moves: Vec<Moves>,
    pub(crate) queued: u64,
    /// The same for each upstream.
    queued_for: Vec<(UpstreamId, u64)>,
    history: u64,
    /// Voidings to hold again once all statements are here.
    voidings: Vec<HeldVoiding>,
    /// Number of statements that could not be saved: spoilt ones, or those whose ids belong to others in the file.
    pub(crate) refused: u64,
}

impl<'a> Saving<'a> {
    pub(crate) fn begin(tx: &'a Connection) -> Result<Self, StoreError> {
        let moves = Moves::of_all(tx)?;
        Ok(Self {
            tx,
            tail: Tail::read(tx)?,
            queued_for: moves.iter().map(|it| (it.upstream, 0)).collect(),
            moves,
            queued: 0,
            history: 0,
            voidings: Vec::new(),
            refused: 0,
        })
    }

    /// Saves a statement; `voiding` says for whom to hold it again, if it is a voiding.
    pub(crate) fn save(
        &mut self,
        found: Found,
        voiding: Option<HeldVoiding>,
    ) -> Result<(), StoreError> {
        self.voidings.extend(voiding);
        let bytes = body::length(&found.body, &found.contents);
        let recorded_at = found.recorded_at;
        let delivered_at = found.delivered_at;
        let not_for = found.not_for;
        match append_one(self.tx, &mut self.tail, &found.into(), not_for, recorded_at) {
            Ok(Appended::Known | Appended::Again) => self.count(not_for),
            Ok(Appended::New) => match delivered_at {
                None => self.count(not_for),
                // It is at the LRS, and stays history.
                Some(at) => {
                    self.history += 1;
                    let concerned = self.moves.iter_mut();
                    for moves in concerned.filter(|moves| !moves.upstream.is_in(not_for)) {
                        moves.leave_queue(Counter::Delivered, bytes);
                    }
                    history::keep(self.tx, self.tail.seq, at)?;
                }
            },
            Err(Refused::OtherContent(_)) => self.refused += 1,
            Err(Refused::Store(error)) => return Err(error),
        }
        Ok(())
    }

    fn count(&mut self, not_for: i64) {
        self.queued += 1;
        for (upstream, count) in &mut self.queued_for {
            *count += u64::from(!upstream.is_in(not_for));
        }
    }

    /// Returns the number of statements to be delivered to this upstream.
    pub(crate) fn queued_for(&self, upstream: UpstreamId) -> u64 {
        let mut all = self.queued_for.iter();
        all.find(|(one, _)| *one == upstream)
            .map_or(0, |(_, count)| *count)
    }

    /// Returns the number of statements that were saved.
    pub(crate) fn saved(&self) -> u64 {
        self.queued + self.history
    }

    pub(crate) fn end(mut self, now: Millis) -> Result<Self, StoreError> {
        self.tx
            .execute("UPDATE upstream SET sent_through = ?1", [self.tail.seq])?;
        for voiding in std::mem::take(&mut self.voidings) {
            voiding.hold(self.tx, &mut self.moves, now)?;
        }
        for moves in std::mem::take(&mut self.moves) {
            moves.write(self.tx)?;
        }
        Ok(self)
    }
}

impl From<Found> for Prepared {
    /// Takes the statement as it is: its checksum has proved that it is the one recorded.
    fn from(found: Found) -> Self {
        Self {
            id: found.id,
            body: found.body,
            timestamp_ms: found.happened_at,
            timestamp_is_ours: found.traits & TIMESTAMP_IS_OURS != 0,
            steady: found.steady,
            needs_2_0: found.traits & NEEDS_2_0 != 0,
            voids: found.voids,
            attached: Vec::new(),
            contents: found.contents,
            warnings: Warnings::default(),
        }
    }
}
