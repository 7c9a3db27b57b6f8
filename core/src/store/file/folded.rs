//! What became of an attempt to fold the write-ahead log into the database.

use rusqlite::Connection;

/// What became of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folded {
    /// False where another folds, or somebody still reads what the log would lose.
    pub(crate) is_whole: bool,
    /// So many pages of the log are in the database by now.
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

    /// By a connection that is told of no more than that.
    pub(crate) fn whole() -> Self {
        Self {
            is_whole: true,
            pages: 0,
        }
    }
}
