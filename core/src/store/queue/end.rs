//! The end of the log: the last place that was given out, and the number of bytes up to it.

use rusqlite::{Connection, Row, params};

use crate::store::StoreError;

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

    /// Fails where the last row cannot be the end of the log: then its number is another one than it was, and places would
    /// be counted from that. Rows after the end that was remembered when rows were last deleted leave no place out.
    pub(crate) fn must_be_right(conn: &Connection) -> Result<(), StoreError> {
        let remembered: (i64, i64) =
            conn.query_row("SELECT last_seq, last_end FROM ledger", [], end)?;
        let rows: Vec<(i64, i64)> = conn
            .prepare("SELECT seq, ends_at FROM statement ORDER BY seq DESC LIMIT 2")?
            .query_map([], end)?
            .collect::<Result<_, _>>()?;
        let Some(&last) = rows.first() else {
            return Ok(());
        };
        let before = rows.get(1).map_or(remembered, |row| remembered.max(*row));
        let is_right = if last.0 <= remembered.0 {
            last.1 <= remembered.1
        } else {
            last.0 == before.0 + 1 && last.1 > before.1
        };
        if is_right {
            return Ok(());
        }
        let (last, before) = (last.0, before.0);
        Err(StoreError::Damaged(format!(
            "statement {last} comes right after {before}"
        )))
    }

    /// Remembers the end of the log. Called before any row is deleted, so that no seq is given out twice.
    pub(crate) fn remember(tx: &Connection) -> rusqlite::Result<()> {
        let tail = Self::read(tx)?;
        tx.prepare_cached("UPDATE ledger SET last_seq = ?1, last_end = ?2")?
            .execute(params![tail.seq, tail.end])?;
        Ok(())
    }
}

fn end(row: &Row<'_>) -> rusqlite::Result<(i64, i64)> {
    Ok((row.get(0)?, row.get(1)?))
}
