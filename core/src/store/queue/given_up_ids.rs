//! Ids of statements that the app gave up at an upstream, and that have left the file since.
//!
//! Whatever the upstream has under such an id came from elsewhere. What is recorded later to void it would void that; so
//! it is held, and the app decides. Only a checksum of the id is kept, which many share: an erased statement is not told
//! by it. A voiding of another id with the same checksum is held for nothing, which the app sees.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::ids;
use super::ledger::Moves;
use super::locate::{State, locate};
use super::voidings::hold_voiding;
use crate::store::{Millis, UpstreamId};

fn sum(id: Uuid) -> u32 {
    crc32fast::hash(id.as_bytes())
}

/// Remembers that this one is given up there.
pub(crate) fn remember(tx: &Connection, upstream: UpstreamId, id: Uuid) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT OR IGNORE INTO given_up (sum, upstream) VALUES (?1, ?2)")?
        .execute(params![sum(id), upstream])?;
    Ok(())
}

/// Tells whether there are any.
pub(crate) fn are_there(tx: &Connection) -> rusqlite::Result<bool> {
    tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM given_up)")?
        .query_row([], |row| row.get(0))
}

/// Returns the upstreams at which this one was given up.
pub(crate) fn upstreams(tx: &Connection, id: Uuid) -> rusqlite::Result<Vec<UpstreamId>> {
    tx.prepare_cached("SELECT upstream FROM given_up WHERE sum = ?1")?
        .query_map([sum(id)], |row| row.get(0))?
        .collect()
}

/// Forgets this one, as it is to be delivered there again.
pub(crate) fn forget(tx: &Connection, upstream: UpstreamId, id: Uuid) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM given_up WHERE sum = ?1 AND upstream = ?2")?
        .execute(params![sum(id), upstream])?;
    Ok(())
}

/// Forgets those of an upstream that is removed.
pub(crate) fn forget_all(tx: &Connection, upstream: UpstreamId) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM given_up WHERE upstream = ?1", [upstream])?;
    Ok(())
}

/// Holds a voiding that was just recorded, for those of the upstreams `at` where its target was given up. Where the target
/// is to be delivered, or was, its own end decides.
pub(crate) fn hold_what_voids(
    tx: &Connection,
    at: &[UpstreamId],
    target: Uuid,
    voiding: i64,
    now: Millis,
) -> rusqlite::Result<()> {
    if at.is_empty() {
        return Ok(());
    }
    let target = ids::find(tx, target)?;
    for &upstream in at {
        let target = target.map(|seq| locate(tx, upstream, seq)).transpose()?;
        if target
            .flatten()
            .is_some_and(|target| target.state != State::NotDue)
        {
            continue;
        }
        if let Some(found) = locate(tx, upstream, voiding)? {
            let mut moves = Moves::of(upstream);
            hold_voiding(tx, &mut moves, &found, now)?;
            moves.write(tx)?;
        }
    }
    Ok(())
}
