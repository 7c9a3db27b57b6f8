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

/// Holds what voids a statement that is about to leave the file, found like that for this upstream; not where
/// the LRS may have got it: then that is what takes it back there.
pub(crate) fn hold_voidings_of(
    tx: &Connection,
    moves: &mut Moves,
    target: &Located,
    now: Millis,
) -> rusqlite::Result<()> {
    if let State::Queued { sent: true } | State::Waiting { sent: true } = target.state {
        return Ok(());
    }
    let id: [u8; 16] = tx
        .prepare_cached("SELECT id FROM statement WHERE seq = ?1")?
        .query_row([target.seq], |row| row.get(0))?;
    hold_voidings(tx, moves, Uuid::from_bytes(id), now)
}

/// Holds what voids `target` and has not left for this upstream.
pub(crate) fn hold_voidings(
    tx: &Connection,
    moves: &mut Moves,
    target: Uuid,
    now: Millis,
) -> rusqlite::Result<()> {
    let voidings: Vec<i64> = tx
        .prepare_cached("SELECT seq FROM statement WHERE voids = ?1 AND voids IS NOT NULL")?
        .query_map([target.as_bytes()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for seq in voidings {
        let Some(found) = locate(tx, moves.upstream, seq)? else {
            continue;
        };
        match found.state {
            State::Queued { sent: false } => moves.leave_queue(Counter::Held, found.bytes),
            State::Waiting { sent: false } => moves.between(Counter::Waiting, Counter::Held),
            State::Queued { sent: true }
            | State::Waiting { sent: true }
            | State::Held
            | State::Delivered
            | State::NotDue => continue,
        }
        let why = (HoldReason::TargetGivenUp, WORDS);
        hold_for_us(tx, (seq, moves.upstream), why, false, now)?;
    }
    Ok(())
}
