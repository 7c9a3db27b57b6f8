//! Records that a batch leaves before it does, so that whatever happens next is known.

use rusqlite::{Connection, params};

use crate::store::upstream::lease::{is_held_by, renew};
use crate::store::{Db, Holder, Millis, Row, StoreError, UnderWay, UpstreamId, Written};

/// The right to deliver to an upstream at a given generation of its endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    /// The holder of the lease.
    pub holder: Holder,
    /// Generation of the endpoint.
    pub generation: i64,
}

/// Statements that a departure marked as sent, kept to undo that if provably none was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unsent {
    /// Place in the log up to which statements had been sent before the batch.
    pub before: i64,
    /// Place in the log up to which statements had been sent with the batch.
    pub through: i64,
    /// Places of those marked one by one: aside, or ahead of others.
    pub alone: Vec<i64>,
}

impl Db {
    /// Notes that these statements may reach an LRS from now on, and the requests under way with them. Returns
    /// none if the lease is another's or the endpoint has changed: then nothing may leave.
    pub fn depart(
        &mut self,
        upstream: UpstreamId,
        by: Lease,
        rows: &[&Row],
        under_way: UnderWay,
        written: Option<Written>,
        lease_until: Millis,
    ) -> Result<Option<Unsent>, StoreError> {
        self.write(|tx| {
            if !is_held_by(tx, upstream, by.holder, by.generation)?
                || !renew(tx, upstream, by.holder, lease_until)?
            {
                return Ok(None);
            }
            let before: i64 = tx
                .prepare_cached("SELECT sent_through FROM upstream WHERE id = ?1")?
                .query_row([upstream], |row| row.get(0))?;
            let mut unsent = Unsent {
                before,
                through: before,
                alone: Vec::new(),
            };
            for row in rows {
                if row.aside_since.is_some() {
                    if mark_aside(tx, upstream, row.seq)? {
                        unsent.alone.push(row.seq);
                    }
                } else if row.ahead {
                    if mark_ahead(tx, upstream, row.seq)? {
                        unsent.alone.push(row.seq);
                    }
                } else {
                    unsent.through = unsent.through.max(row.seq);
                }
            }
            tx.prepare_cached(
                "UPDATE upstream SET sent_through = ?1, under_way_since = ?2, under_way_timeout = ?3,
                    written_wall = ?4, written_steady = ?5, written_boot = ?6
                 WHERE id = ?7",
            )?
            .execute(params![
                unsent.through,
                under_way.since,
                under_way.timeout_ms,
                written.map(|then| then.wall_ms),
                written.map(|then| then.steady.ms),
                written.map(|then| then.steady.boot),
                upstream,
            ])?;
            Ok(Some(unsent))
        })
    }
}

fn mark_aside(tx: &Connection, upstream: UpstreamId, seq: i64) -> rusqlite::Result<bool> {
    let marked = tx
        .prepare_cached("UPDATE aside SET sent = 1 WHERE seq = ?1 AND upstream = ?2 AND sent = 0")?
        .execute(params![seq, upstream])?;
    Ok(marked == 1)
}

fn mark_ahead(tx: &Connection, upstream: UpstreamId, seq: i64) -> rusqlite::Result<bool> {
    let marked = tx
        .prepare_cached(
            "INSERT INTO sent_ahead SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM statement WHERE seq = ?1)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![seq, upstream])?;
    Ok(marked == 1)
}

/// Removes the marks of a departure.
pub(crate) fn take_back(
    tx: &Connection,
    upstream: UpstreamId,
    unsent: &Unsent,
) -> rusqlite::Result<()> {
    // Unless a later batch has moved the mark on.
    tx.prepare_cached(
        "UPDATE upstream SET sent_through = max(delivered_through, ?1)
         WHERE id = ?3 AND sent_through = ?2 AND ?1 < ?2",
    )?
    .execute(params![unsent.before, unsent.through, upstream])?;
    for seq in &unsent.alone {
        tx.prepare_cached("UPDATE aside SET sent = 0 WHERE seq = ?1 AND upstream = ?2")?
            .execute(params![seq, upstream])?;
        tx.prepare_cached("DELETE FROM sent_ahead WHERE seq = ?1 AND upstream = ?2")?
            .execute(params![seq, upstream])?;
    }
    Ok(())
}
