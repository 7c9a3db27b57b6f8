//! The lease: one sync at a time delivers to an upstream, and that of a process that died expires.

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::{Db, Millis, StoreError, UpstreamId};

/// Longest lease; one that ends later was made under another clock and is free.
const LONGEST_LEASE_MS: Millis = 10 * 60 * 1000;

/// Identity of a collector that syncs, made anew each time it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder(pub [u8; 16]);

/// Result of claiming the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The lease is ours.
    Granted {
        /// Tells whether it was ours before: the last session of this collector could not write down its end.
        again: bool,
    },
    /// Another process syncs; if it died, its lease ends at this time.
    Busy {
        /// Unix milliseconds.
        until: Millis,
    },
}

impl Db {
    /// Takes the lease, or tells until when another has it. `alone`: the operating system says that nobody else
    /// syncs, so a former holder is gone.
    pub fn claim(
        &mut self,
        upstream: UpstreamId,
        holder: Holder,
        alone: bool,
        now: Millis,
        until: Millis,
    ) -> Result<Claim, StoreError> {
        self.write(|tx| {
            let known: Option<(Vec<u8>, Millis)> = tx
                .query_row(
                    "SELECT lease_holder, lease_until FROM upstream
                     WHERE id = ?1 AND lease_holder IS NOT NULL",
                    [upstream],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let again = known.as_ref().is_some_and(|(had, _)| *had == holder.0);
            if let Some((_, lease)) = known
                && !again
                && !alone
                && lease > now
                && lease <= now + LONGEST_LEASE_MS
            {
                return Ok(Claim::Busy { until: lease });
            }
            tx.execute(
                "UPDATE upstream SET lease_holder = ?2, lease_until = ?3 WHERE id = ?1",
                params![upstream, holder.0, until],
            )?;
            Ok(Claim::Granted { again })
        })
    }

    /// Extends the lease; false if it is no longer ours.
    pub fn renew(
        &mut self,
        upstream: UpstreamId,
        holder: Holder,
        until: Millis,
    ) -> Result<bool, StoreError> {
        self.write(|tx| Ok(renew(tx, upstream, holder, until)?))
    }

    /// Gives the lease back, if it is ours.
    pub fn release(&mut self, upstream: UpstreamId, holder: Holder) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "UPDATE upstream SET lease_holder = NULL, lease_until = NULL
                 WHERE id = ?1 AND lease_holder = ?2",
                params![upstream, holder.0],
            )?;
            Ok(())
        })
    }
}

/// Tells whether this holder has the lease on the upstream, with the endpoint that it knows.
pub(crate) fn is_held_by(
    conn: &Connection,
    upstream: UpstreamId,
    holder: Holder,
    generation: i64,
) -> rusqlite::Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM upstream WHERE id = ?1 AND lease_holder = ?2 AND generation = ?3)",
    )?
    .query_row(params![upstream, holder.0, generation], |row| row.get(0))
}

/// Extends the lease; false if it is no longer ours.
pub(crate) fn renew(
    conn: &Connection,
    upstream: UpstreamId,
    holder: Holder,
    until: Millis,
) -> rusqlite::Result<bool> {
    let changed = conn
        .prepare_cached("UPDATE upstream SET lease_until = ?3 WHERE id = ?1 AND lease_holder = ?2")?
        .execute(params![upstream, holder.0, until])?;
    Ok(changed == 1)
}
