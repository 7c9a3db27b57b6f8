//! What is on the device already goes to an upstream that is added, too: what another one is to get still, and
//! the history where one is kept.
//!
//! The upstream begins before the first of these. What lies behind that and is not for it says so, as if it had
//! been there when that was recorded; places that are empty by now do not count.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use serde_json::Value;
use uuid::Uuid;

use crate::store::queue::body;
use crate::store::queue::checksum::{self, Frozen, mark};
use crate::store::queue::conditions::NEEDED;
use crate::store::queue::end::Tail;
use crate::store::queue::ids;
use crate::store::{Route, StoreError, UpstreamId};

/// A statement that may be for the new upstream.
struct Candidate {
    seq: i64,
    bytes: i64,
    is_history: bool,
    voids: Option<Uuid>,
}

/// Gives an upstream, which was added in this transaction and begins at the end of the log, what is there
/// already and its route takes. What the app gave up at some upstream stays where it is, and so does what voids
/// that; what it was replaced with is for the new one as well.
pub(crate) fn backfill(
    tx: &Connection,
    new: UpstreamId,
    route: &Route,
    with_history: bool,
) -> Result<(), StoreError> {
    let mut taken = BTreeSet::new();
    let mut bytes = 0;
    for one in candidates(tx, new, with_history)? {
        if is_for_it(tx, route, &one, &taken)? {
            if one.is_history {
                be_no_history(tx, new, one.seq)?;
            }
            bytes += one.bytes;
            taken.insert(one.seq);
        }
    }
    let Some(begins_after) = taken.first().map(|first| first - 1) else {
        return Ok(());
    };
    leave_out(tx, new, begins_after, &taken)?;
    let tail = Tail::read(tx)?;
    let places = tail.seq - begins_after;
    tx.execute(
        "UPDATE upstream SET begins_after = ?2, delivered_through = ?2, sent_through = ?2,
            begins_at_end = ?3, excluded = ?4
         WHERE id = ?1",
        params![
            new,
            begins_after,
            tail.end - bytes,
            places - taken.len() as i64
        ],
    )?;
    // They are deleted by their place once all have them, this one too.
    tx.execute(
        "UPDATE ledger SET purged_through = min(purged_through, ?1)",
        [begins_after],
    )?;
    Ok(())
}

/// All that is to be delivered to another one still, in the order of the log, and with it the history.
fn candidates(
    tx: &Connection,
    new: UpstreamId,
    with_history: bool,
) -> rusqlite::Result<Vec<Candidate>> {
    tx.prepare(&format!(
        "SELECT s.seq, {}, s.delivered_at IS NOT NULL, s.voids FROM statement s
         WHERE s.not_for & {} = 0 AND (?1 AND s.delivered_at IS NOT NULL OR {NEEDED})
            AND NOT EXISTS (SELECT 1 FROM done_with d WHERE d.seq = s.seq AND NOT d.delivered)
            AND NOT EXISTS (SELECT 1 FROM aside a WHERE a.seq = s.seq AND a.reason = 'target_given_up')
         ORDER BY s.seq",
        body::LENGTH,
        new.bit()
    ))?
    .query_map([with_history], |row| {
        Ok(Candidate {
            seq: row.get(0)?,
            bytes: row.get(1)?,
            is_history: row.get(2)?,
            voids: row.get::<_, Option<_>>(3)?.map(Uuid::from_bytes),
        })
    })?
    .collect()
}

/// Tells whether the route takes it. A voiding goes where its target goes, and everywhere where that is not on
/// the device any more. What is spoilt is for it and is held there, so that somebody hears of it; but not as
/// history, which it stays.
fn is_for_it(
    tx: &Connection,
    route: &Route,
    one: &Candidate,
    taken: &BTreeSet<i64>,
) -> Result<bool, StoreError> {
    if one.is_history {
        checksum::must_be_delivered(tx, one.seq)?;
    }
    if let Some(target) = one.voids {
        let target = ids::find(tx, target)?;
        return Ok(target.is_none_or(|target| taken.contains(&target)));
    }
    if route.is_all() && !one.is_history {
        return Ok(true);
    }
    let Some(found) = checksum::read(tx, one.seq)? else {
        return Ok(!one.is_history);
    };
    // What is recorded is an object that was read before.
    let statement: Value = serde_json::from_slice(&found.body)
        .map_err(|error| StoreError::Other(format!("a statement cannot be read: {error}")))?;
    Ok(route.takes(&statement))
}

/// It is to be delivered again, to the new upstream alone: all that had it are done with it, also those whose
/// number has not come so far.
fn be_no_history(tx: &Connection, new: UpstreamId, seq: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO done_with (seq, upstream, delivered)
         SELECT s.seq, n.id, 1 FROM statement s, upstream n
         WHERE s.seq = ?1 AND n.id <> ?2 AND s.not_for & (1 << (n.id - 1)) = 0
            AND s.seq > n.begins_after AND s.seq > n.delivered_through
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![seq, new])?;
    let delivered_at = tx
        .prepare_cached("SELECT delivered_at FROM statement WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))?;
    // SQLite has no exclusive or.
    tx.prepare_cached(
        "UPDATE statement SET delivered_at = NULL, sum = (sum | ?2) - (sum & ?2) WHERE seq = ?1",
    )?
    .execute([seq, mark(delivered_at)])?;
    Ok(())
}

/// Says of what lies behind that place, and is not among these, that it is not for the new upstream.
fn leave_out(
    tx: &Connection,
    new: UpstreamId,
    begins_after: i64,
    taken: &BTreeSet<i64>,
) -> Result<(), StoreError> {
    let there: Vec<(i64, bool)> = tx
        .prepare(&format!(
            "SELECT seq, delivered_at IS NOT NULL FROM statement WHERE seq > ?1 AND not_for & {} = 0",
            new.bit()
        ))?
        .query_map([begins_after], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (seq, is_history) in there {
        if taken.contains(&seq) {
            continue;
        }
        if is_history {
            checksum::must_be_delivered(tx, seq)?;
        }
        // Of what is spoilt the checksum stays as it is: it must not fit by this.
        let sum = checksum::read(tx, seq)?.map(|found| {
            let frozen = Frozen {
                id: found.id,
                recorded_at: found.recorded_at,
                happened_at: found.happened_at,
                steady: found.steady,
                traits: found.traits,
                voids: found.voids,
                not_for: found.not_for | new.bit(),
                body: &found.body,
            };
            frozen.sum() ^ mark(found.delivered_at)
        });
        tx.prepare_cached(
            "UPDATE statement SET not_for = not_for | ?2, sum = ifnull(?3, sum) WHERE seq = ?1",
        )?
        .execute(params![seq, new.bit(), sum])?;
    }
    Ok(())
}
