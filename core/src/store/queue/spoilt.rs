//! Holds a statement whose bytes are no longer those that were recorded: it is never sent.

use rusqlite::Connection;

use super::aside::hold_for_us;
use super::checksum::{is_as_recorded, no_delivery};
use super::ledger::Counter;
use super::ledger::Moves;
use super::locate::State;
use super::locate::locate;
use super::queued_row::Row;
use crate::store::HoldReason;
use crate::store::Millis;
use crate::store::StoreError;
use crate::store::UpstreamId;
use uuid::Uuid;

/// Explanation for the app of why such a statement is held.
const WORDS: &str = "its bytes on this device are no longer the ones that were recorded: replace it with the right ones, or discard it";

/// A statement held because its bytes are no longer those that were recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoilt {
    /// Id, as the damaged row has it.
    pub id: Uuid,
    /// Explanation for the app.
    pub words: &'static str,
}

/// Removes from a batch each statement that is no longer as recorded, and holds it.
pub(crate) fn hold_spoilt(
    tx: &Connection,
    upstream: UpstreamId,
    rows: &mut Vec<Row>,
    now: Millis,
) -> Result<Vec<Spoilt>, StoreError> {
    let mut spoilt = Vec::new();
    let mut intact = Vec::with_capacity(rows.len());
    let mut moves = Moves::of(upstream);
    for row in rows.drain(..) {
        if is_as_recorded(tx, row.seq, &row.body, &row.contents)? {
            intact.push(row);
            continue;
        }
        let Some(found) = locate(tx, upstream, row.seq)? else {
            continue;
        };
        match found.state {
            State::Queued { .. } => moves.leave_queue(Counter::Held, found.bytes),
            State::Waiting { .. } => moves.between(Counter::Waiting, Counter::Held),
            State::Held | State::NotDue => continue,
            State::Delivered => return Err(no_delivery(row.seq)),
        }
        let why = (HoldReason::Damaged, WORDS);
        hold_for_us(tx, (row.seq, upstream), why, row.sent_before, now)?;
        spoilt.push(Spoilt {
            id: row.id,
            words: WORDS,
        });
    }
    moves.write(tx)?;
    *rows = intact;
    Ok(spoilt)
}
