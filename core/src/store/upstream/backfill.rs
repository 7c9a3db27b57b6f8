//! Gives an added upstream what is already on the device: all that another upstream is still to get, and the
//! history if one is kept.
//!
//! The upstream begins before the first of these statements. Later ones that are not for it are marked so, as
//! if it had existed when they were recorded; places that are empty by now do not count.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use serde_json::Value;
use uuid::Uuid;

use crate::store::queue::body;
use crate::store::queue::checksum::{self, Frozen, mark};
use crate::store::queue::conditions::NEEDED;
use crate::store::queue::end::Tail;
use crate::store::queue::ids;
use crate::store::{Millis, Route, StoreError, UpstreamId};

/// A statement that may be for the new upstream.
struct Candidate {
    seq: i64,
    bytes: i64,
    is_history: bool,
    voids: Option<Uuid>,
}

/// Assigns to an upstream, added in this transaction at the end of the log, the existing statements that its
/// route takes. Statements that the app gave up at some upstream are left out, and so are their voidings; the
/// replacements are included.
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
    // They are deleted by place once all upstreams have them, including this one.
    tx.execute(
        "UPDATE ledger SET purged_through = min(purged_through, ?1)",
        [begins_after],
    )?;
    Ok(())
}

/// Returns everything still to be delivered to another upstream, in log order, and the history if wanted.
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

/// Tells whether the statement is for the new upstream. A voiding follows its target, and is for it if the
/// target is no longer on the device. A damaged statement is for it and is held there, so that somebody
/// notices; damaged history stays history.
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
    // The body was read as an object when it was recorded.
    let statement: Value = serde_json::from_slice(&found.body)
        .map_err(|error| StoreError::Other(format!("a statement cannot be read: {error}")))?;
    Ok(route.takes(&statement))
}

/// Turns history into a statement to be delivered to this upstream alone: all others that had it are
/// marked as done, including those whose cursor is not that far. What is no history stays as it is.
pub(crate) fn be_no_history(tx: &Connection, new: UpstreamId, seq: i64) -> rusqlite::Result<()> {
    let delivered_at: Option<Millis> = tx
        .prepare_cached("SELECT delivered_at FROM statement WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))?;
    if delivered_at.is_none() {
        return Ok(());
    }
    tx.prepare_cached(
        "INSERT INTO done_with (seq, upstream, delivered)
         SELECT s.seq, n.id, 1 FROM statement s, upstream n
         WHERE s.seq = ?1 AND n.id <> ?2 AND s.not_for & (1 << (n.id - 1)) = 0
            AND s.seq > n.begins_after AND s.seq > n.delivered_through
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![seq, new])?;
    // SQLite has no exclusive or.
    tx.prepare_cached(
        "UPDATE statement SET delivered_at = NULL, sum = (sum | ?2) - (sum & ?2) WHERE seq = ?1",
    )?
    .execute([seq, mark(delivered_at)])?;
    Ok(())
}

/// Marks all statements after that place that are not among those taken as not for the new upstream.
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
        // A damaged statement keeps its checksum, which must not come to match.
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
                contents: &found.contents,
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
