//! One connection to the file, and how it is written to.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::StoreError;

/// One connection to a queue's file. Blocking; used by one thread at a time.
#[derive(Debug)]
pub struct Db {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
}

impl Db {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All that is written is written in here: IMMEDIATE, so that a second process is waited for at
    /// the start and not in the middle.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&tx)?;
        tx.commit()?;
        Ok(value)
    }

    /// Gives some of the freed pages back to the file system; true if there are more. In slices, so
    /// that `record` never waits long for it.
    pub fn shrink(&mut self) -> Result<bool, StoreError> {
        let free: i64 = self
            .conn
            .pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        if free < WORTH_SHRINKING {
            return Ok(false);
        }
        self.vacuum(SHRINK_AT_ONCE)?;
        Ok(free > SHRINK_AT_ONCE)
    }

    /// Gives all freed pages back and folds the write-ahead log into the file. For quiet moments:
    /// before a pause, after erasing.
    pub fn tidy(&mut self) -> Result<(), StoreError> {
        self.vacuum(0)?;
        self.checkpoint()
    }

    /// Folds the write-ahead log into the file and cuts it to nothing.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// At most so many pages; 0 for all.
    fn vacuum(&mut self, pages: i64) -> Result<(), StoreError> {
        let mut vacuum = self
            .conn
            .prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        // Each step frees one page.
        let mut steps = vacuum.query([])?;
        while steps.next()?.is_some() {}
        Ok(())
    }
}

/// Pages freed in one transaction: a megabyte.
const SHRINK_AT_ONCE: i64 = 256;

/// Fewer free pages are kept for what is recorded next.
const WORTH_SHRINKING: i64 = 64;
