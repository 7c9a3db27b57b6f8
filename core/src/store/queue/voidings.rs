//! Holds the voidings of a statement that the app has given up.
//!
//! The upstream never gets the target from this device. Whatever it has under that id came from elsewhere: the
//! copy that the app has just decided to keep, or another device's. So a voiding recorded before no longer
//! leaves by itself; the app decides. One that has already left is not affected.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::aside::hold_for_us;
use super::given_up_ids;
use super::ledger::{Counter, Moves};
use super::locate::{Located, State, locate};
use crate::store::{HoldReason, Millis};

/// Explanation for the app of why such a voiding is held.
const WORDS: &str = "the statement that it voids was given up on this device: discard this one, or retry it to void what \
     the LRS has under that id";

/// Holds the voidings of an erased statement, which is about to leave the file from the place given, unless the
/// LRS may have the statement: then they are what retracts it there.
pub(crate) fn hold_voidings_of_erased(
    tx: &Connection,
    moves: &mut Moves,
    target: &Located,
    now: Millis,
) -> rusqlite::Result<()> {
    match target.state {
        State::Queued { sent: true } | State::Waiting { sent: true } => Ok(()),
        _ => hold_voidings_of(tx, moves, target, now),
    }
}

/// Holds the voidings of a statement that is about to leave the file.
pub(crate) fn hold_voidings_of(
    tx: &Connection,
    moves: &mut Moves,
    target: &Located,
    now: Millis,
) -> rusqlite::Result<()> {
    let id: [u8; 16] = tx
        .prepare_cached("SELECT id FROM statement WHERE seq = ?1")?
        .query_row([target.seq], |row| row.get(0))?;
    hold_voidings(tx, moves, (target.seq, Uuid::from_bytes(id)), now)
}

/// Holds those voidings of the statement with this place and id, which is given up, that have not left for this
/// upstream, and those that are recorded later. One recorded after its target cannot have left, whatever its mark says, as it waits for the target: in a file
/// that has gone back in time all statements are marked as sent.
pub(crate) fn hold_voidings(
    tx: &Connection,
    moves: &mut Moves,
    (place, id): (i64, Uuid),
    now: Millis,
) -> rusqlite::Result<()> {
    given_up_ids::remember(tx, moves.upstream, id)?;
    let voidings: Vec<i64> = tx
        .prepare_cached("SELECT seq FROM statement WHERE voids = ?1 AND voids IS NOT NULL")?
        .query_map([id.as_bytes()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for seq in voidings {
        let Some(found) = locate(tx, moves.upstream, seq)? else {
            continue;
        };
        if found.state.may_have_left() && seq < place {
            continue;
        }
        hold_voiding(tx, moves, &found, now)?;
    }
    Ok(())
}

/// Lets those voidings of the statement with this id that are held here only as it was given up wait for it, as it is to
/// be delivered after all.
pub(crate) fn release_voidings(
    tx: &Connection,
    moves: &mut Moves,
    id: Uuid,
    now: Millis,
) -> rusqlite::Result<()> {
    let released = tx
        .prepare_cached(
            "UPDATE aside SET held = 0, reason = 'target', since = ?3, due = NULL, words = NULL
             WHERE upstream = ?2 AND held = 1 AND reason = 'target_given_up'
                AND seq IN (SELECT seq FROM statement WHERE voids = ?1 AND voids IS NOT NULL)",
        )?
        .execute(params![id.as_bytes(), moves.upstream, now])?;
    moves.release(released as u64);
    Ok(())
}

/// Holds this voiding if it is still to be delivered.
pub(crate) fn hold_voiding(
    tx: &Connection,
    moves: &mut Moves,
    voiding: &Located,
    now: Millis,
) -> rusqlite::Result<()> {
    match voiding.state {
        State::Queued { .. } => moves.leave_queue(Counter::Held, voiding.bytes),
        State::Waiting { .. } => moves.between(Counter::Waiting, Counter::Held),
        State::Held | State::Delivered | State::NotDue => return Ok(()),
    }
    let why = (HoldReason::TargetGivenUp, WORDS);
    let sent = voiding.state.may_have_left();
    hold_for_us(tx, (voiding.seq, moves.upstream), why, sent, now)
}
