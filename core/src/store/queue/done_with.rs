//! Statements that an upstream is done with: marked if another upstream needs them, deleted if none does.

use rusqlite::{Connection, params};

use super::conditions::{self, needed_elsewhere};
use super::end::Tail;
use crate::store::UpstreamId;

/// Deletes a statement and everything known of it.
pub(crate) fn delete(tx: &Connection, seq: i64) -> rusqlite::Result<()> {
    Tail::remember(tx)?;
    delete_row(tx, seq)
}

/// Like `delete`, where the end of the log is already remembered.
pub(crate) fn delete_row(tx: &Connection, seq: i64) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM aside WHERE seq = ?1",
        "DELETE FROM sent_ahead WHERE seq = ?1",
        "DELETE FROM done_with WHERE seq = ?1",
        "DELETE FROM statement WHERE seq = ?1",
    ] {
        tx.prepare_cached(sql)?.execute([seq])?;
    }
    Ok(())
}

/// Tells whether another upstream is still to get it.
pub(crate) fn is_needed_elsewhere(
    conn: &Connection,
    upstream: UpstreamId,
    seq: i64,
) -> rusqlite::Result<bool> {
    conditions::is(conn, &needed_elsewhere(upstream), seq)
}

/// Notes that an upstream is done with a statement that another one needs.
pub(crate) fn mark_done(
    tx: &Connection,
    upstream: UpstreamId,
    seq: i64,
    delivered: bool,
) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO done_with (seq, upstream, delivered) VALUES (?1, ?2, ?3)")?
        .execute(params![seq, upstream, delivered])?;
    Ok(())
}

/// Notes that a statement may have been sent to an upstream that is done with it without having it.
pub(crate) fn mark_sent(tx: &Connection, upstream: UpstreamId, seq: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO sent_ahead VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![seq, upstream])?;
    Ok(())
}
