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

    /// Puts the write-ahead log back into the file and gives freed pages back to the file system.
    /// For quiet moments: before a pause, after a sync.
    pub fn tidy(&mut self) -> Result<(), StoreError> {
        self.conn.execute_batch("PRAGMA incremental_vacuum")?;
        self.conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}
