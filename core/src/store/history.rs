//! Delivered statements, kept for as long as the app asked.

use rusqlite::Connection;

use super::{Millis, StoreError};

/// How long delivered statements stay on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistoryPolicy {
    /// Not at all.
    #[default]
    None,
    /// For so many milliseconds after delivery.
    For(Millis),
    /// Until the app erases them.
    Forever,
}

/// Most statements forgotten in one transaction.
const FORGET_AT_ONCE: i64 = 1_000;

/// Deletes history that is too old; true if there may be more.
pub(super) fn forget(
    tx: &Connection,
    policy: HistoryPolicy,
    now: Millis,
) -> Result<bool, StoreError> {
    let before = match policy {
        HistoryPolicy::None => Millis::MAX,
        HistoryPolicy::For(age) => now - age,
        HistoryPolicy::Forever => return Ok(false),
    };
    // A flipped bit makes a 0 of what is not there.
    let any: bool = tx
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM statement WHERE delivered_at > 0 AND delivered_at < ?1)",
        )?
        .query_row([before], |row| row.get(0))?;
    if !any {
        return Ok(false);
    }
    super::append::Tail::remember(tx)?;
    let deleted = tx
        .prepare_cached(
            "DELETE FROM statement WHERE seq IN
             (SELECT seq FROM statement WHERE delivered_at > 0 AND delivered_at < ?1 ORDER BY delivered_at LIMIT ?2)",
        )?
        .execute([before, FORGET_AT_ONCE])?;
    Ok(deleted as i64 == FORGET_AT_ONCE)
}
