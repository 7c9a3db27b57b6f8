//! The lease: one sync at a time delivers to an upstream, and one that died gives it up by itself.

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::{Db, Millis, StoreError, UpstreamId};

/// No lease is longer than this; one that ends later was made under another clock and is free.
const LONGEST_LEASE_MS: Millis = 10 * 60 * 1000;

/// Whoever syncs: one a collector, made anew each time it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder(pub [u8; 16]);

/// What the lease said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The lease is ours.
    Granted {
        /// It was ours before: the last session of this collector could not write down its end.
        again: bool,
    },
    /// Another process syncs; if it died, its lease ends then.
    Busy {
        /// Unix milliseconds.
        until: Millis,
    },
}

impl Db {
    /// Takes the lease, or tells who has it. `alone`: the operating system says that nobody else syncs,
    /// so whoever had it is gone.
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

    /// Lengthens the lease; false when it is no longer ours.
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

/// Whether this one has the lease on the upstream that it knows.
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

/// Lengthens the lease; false when it is no longer ours.
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
