//! Walks along the log end, whatever the file has become.
//!
//! Where a page was overwritten by another one SQLite finds the rows of that one twice, out of order, and
//! a walk that begins anew after the last row it saw never comes to an end.

use crate::store::StoreError;

/// Rows come in capture order, each once.
pub(crate) struct Forward(i64);

impl Forward {
    /// All come after this one.
    pub(crate) fn after(seq: i64) -> Self {
        Self(seq)
    }

    /// The next one; damage where it does not follow.
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
