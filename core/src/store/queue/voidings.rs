//! What becomes of what voids a statement, once the app has given that up.
//!
//! The upstream never gets the target from here. What it has under that id, if anything, is somebody else's: the
//! copy that the app has just decided to keep, or another device's. So a voiding that was recorded before does not
//! leave by itself any more, and the app says what it meant. One that has left already is where it is.

use rusqlite::Connection;
use uuid::Uuid;

use super::aside::hold_for_us;
use super::ledger::{Counter, Moves};
use super::locate::{Located, State, locate};
use crate::store::{HoldReason, Millis};

/// What the app reads of a voiding that is held for it.
const WORDS: &str = "the statement that it voids was given up on this device: discard this one, or retry it to void what \
     the LRS has under that id";

/// Holds what voids an erased statement, which is about to leave the file and was found like that for this
/// upstream; not where the LRS may have got it: then that is what takes it back there.
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

/// Holds what voids a statement that is about to leave the file.
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

/// Holds what voids the statement that had this place and id, and has not left for this upstream. What was recorded
/// after its target has not, whatever its mark says: it waited for that. In a file that has gone back in time all
/// are marked.
pub(crate) fn hold_voidings(
    tx: &Connection,
    moves: &mut Moves,
    (place, id): (i64, Uuid),
    now: Millis,
) -> rusqlite::Result<()> {
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

/// Holds this one, if it is on its way.
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
