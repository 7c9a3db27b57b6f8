//! Makes every walk along the log end, even in a damaged file.
//!
//! Where a page was overwritten by another one, SQLite finds the rows of that one twice and out of order, and a
//! walk that resumes after the last row it saw would never end.

use crate::store::StoreError;

/// A check that rows come in capture order, each once.
pub(crate) struct Forward(i64);

impl Forward {
    /// Expects only rows after this one.
    pub(crate) fn after(seq: i64) -> Self {
        Self(seq)
    }

    /// Accepts the next row; an error (damage) if it is not after the last one.
    pub(crate) fn step(&mut self, seq: i64) -> Result<(), StoreError> {
        if seq <= self.0 {
            return Err(StoreError::Damaged(format!(
                "statement {seq} comes after {}",
                self.0
            )));
        }
        self.0 = seq;
        Ok(())
    }
}
