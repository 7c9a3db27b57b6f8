//! Ids under which an upstream has a statement that is not of this queue, as the app has settled a conflict about one.
//!
//! The statement of ours has left the file by then. What is recorded later to void its id would void the other one; so
//! it is held, and the app decides. Only a checksum of the id is kept, which many share: an erased statement is not told
//! by it. A voiding of another id with the same checksum is held for nothing, which the app sees.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::ids;
use super::ledger::Moves;
use super::locate::locate;
use super::voidings::hold_voiding;
use crate::store::{HoldReason, Millis, UpstreamId};

fn sum(id: Uuid) -> u32 {
    crc32fast::hash(id.as_bytes())
}

/// Remembers the id of this statement, which is about to be given up, if it is held as a conflict.
pub(crate) fn remember(
    tx: &Connection,
    upstream: UpstreamId,
    (seq, id): (i64, Uuid),
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR IGNORE INTO others_id (sum, upstream)
         SELECT ?3, upstream FROM aside
         WHERE seq = ?1 AND upstream = ?2 AND held = 1 AND reason IN (?4, ?5)",
    )?
    .execute(params![
        seq,
        upstream,
        sum(id),
        HoldReason::Conflict,
        HoldReason::ConflictUnseen
    ])?;
    Ok(())
}

/// Forgets the ids that an upstream has: it is another LRS now, or is removed.
pub(crate) fn forget(tx: &Connection, upstream: UpstreamId) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM others_id WHERE upstream = ?1", [upstream])?;
    Ok(())
}

/// Holds a voiding that was just recorded, for those upstreams that have another's statement under its target's id. Where
/// a statement with that id is in the file, its own end decides.
pub(crate) fn hold_what_voids(
    tx: &Connection,
    target: Uuid,
    voiding: i64,
    now: Millis,
) -> rusqlite::Result<()> {
    let upstreams: Vec<UpstreamId> = tx
        .prepare_cached("SELECT upstream FROM others_id WHERE sum = ?1")?
        .query_map([sum(target)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if upstreams.is_empty() || ids::find(tx, target)?.is_some() {
        return Ok(());
    }
    for upstream in upstreams {
        if let Some(found) = locate(tx, upstream, voiding)? {
            let mut moves = Moves::of(upstream);
            hold_voiding(tx, &mut moves, &found, now)?;
            moves.write(tx)?;
        }
    }
    Ok(())
}
