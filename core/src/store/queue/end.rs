//! The end of the log: the last place that was given out, and the number of bytes up to it.

use rusqlite::Connection;
use rusqlite::params;

/// The end of the log, after which the next statement goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tail {
    pub(crate) seq: i64,
    pub(crate) end: i64,
    pub(crate) ids_until: i64,
}

impl Tail {
    /// Reads the last row, or what the ledger remembers of a later one that has been deleted.
    pub(crate) fn read(conn: &Connection) -> rusqlite::Result<Self> {
        conn.prepare_cached(
            "SELECT max(last_seq, ifnull(seq, 0)), max(last_end, ifnull(ends_at, 0)), ifnull(ids_until, 0)
             FROM ledger LEFT JOIN statement ON seq = (SELECT max(seq) FROM statement)",
        )?
        .query_row([], |row| {
            Ok(Self {
                seq: row.get(0)?,
                end: row.get(1)?,
                ids_until: row.get(2)?,
            })
        })
    }

    /// Remembers the end of the log. Called before any row is deleted, so that no seq is given out twice.
    pub(crate) fn remember(tx: &Connection) -> rusqlite::Result<()> {
        let tail = Self::read(tx)?;
        tx.prepare_cached("UPDATE ledger SET last_seq = ?1, last_end = ?2")?
            .execute(params![tail.seq, tail.end])?;
        Ok(())
    }
}
