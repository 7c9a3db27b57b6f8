//! Result of folding the write-ahead log into the database (SQLite's checkpoint).

use rusqlite::Connection;

/// Result of an attempt to fold the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folded {
    /// False where another process folds, or a reader still needs what the log would lose.
    pub(crate) is_whole: bool,
    /// Number of the log's pages that are in the database by now.
    pub(super) pages: u32,
}

impl Folded {
    pub(crate) fn by(conn: &Connection, mode: &str) -> rusqlite::Result<Self> {
        conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
            let (is_busy, pages): (bool, i64) = (row.get(0)?, row.get(2)?);
            Ok(Self {
                is_whole: !is_busy,
                pages: u32::try_from(pages).unwrap_or(0),
            })
        })
    }

    /// Returns the result of a checkpoint that reports no more than its success.
    pub(crate) fn whole() -> Self {
        Self {
            is_whole: true,
            pages: 0,
        }
    }
}
