//! Delivered statements, kept for as long as the app asked.

use rusqlite::Connection;

use super::checksum;
use super::done_with::delete_row;
use super::end::Tail;
use crate::store::{Millis, StoreError};

/// Retention of delivered statements on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistoryPolicy {
    /// Deleted after delivery.
    #[default]
    None,
    /// Kept for this many milliseconds after delivery.
    For(Millis),
    /// Kept until the app erases them.
    Forever,
}

/// Most history deleted in one transaction.
const FORGET_AT_ONCE: i64 = 500;

/// Keeps a delivered statement as history. Its checksum covers the delivery mark too.
pub(crate) fn keep(tx: &Connection, seq: i64, delivered_at: Millis) -> rusqlite::Result<()> {
    // SQLite has no exclusive or.
    tx.prepare_cached(
        "UPDATE statement SET delivered_at = ?2, sum = (sum | ?3) - (sum & ?3)
         WHERE seq = ?1 AND delivered_at IS NULL",
    )?
    .execute([seq, delivered_at, checksum::mark(Some(delivered_at))])?;
    Ok(())
}

/// Deletes history that is too old, at most `at_once` statements; true if there may be more.
pub(crate) fn forget(
    tx: &Connection,
    policy: HistoryPolicy,
    now: Millis,
    at_once: i64,
) -> Result<bool, StoreError> {
    let at_once = at_once.min(FORGET_AT_ONCE);
    let before = match policy {
        HistoryPolicy::None => Millis::MAX,
        HistoryPolicy::For(age) => now - age,
        HistoryPolicy::Forever => return Ok(false),
    };
    let old: Vec<i64> = tx
        .prepare_cached(
            "SELECT seq FROM statement WHERE delivered_at < ?1 ORDER BY delivered_at LIMIT ?2",
        )?
        .query_map([before, at_once], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if old.is_empty() {
        return Ok(false);
    }
    Tail::remember(tx)?;
    for &seq in &old {
        checksum::must_be_delivered(tx, seq)?;
        delete_row(tx, seq)?;
    }
    Ok(old.len() as i64 == at_once)
}
