//! Report of what became of a damaged file.

use std::fmt::Display;
use std::path::PathBuf;

use crate::store::file::kept;

use serde::Serialize;

/// Report of what became of a damaged file, or of one that has gone back in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Salvaged {
    /// Description of what was wrong.
    pub damage: String,
    /// Path of the damaged file, which is kept whole; none where nothing was left to keep.
    pub kept_at: Option<PathBuf>,
    /// Number of statements that were saved into the new file.
    pub saved: u64,
    /// Number of rows that were found but could not be read, or are no longer the statement they were.
    pub unreadable: u64,
    /// Least number of lost statements: of those that the file should have had and that were not at an LRS yet.
    pub lost: u64,
    /// True if it can no longer be told how many are lost, or have come back though they were retracted or erased.
    pub uncertain: bool,
}

impl Salvaged {
    /// Returns the path of each file that was kept, including those from beside the damaged one.
    pub fn kept(&self) -> Vec<PathBuf> {
        self.kept_at
            .as_deref()
            .map_or_else(Vec::new, kept::kept_with)
    }

    /// Adds what further upstreams lost: how many of them are forgotten, and the least number of statements lost for
    /// one.
    pub(crate) fn add_lost_elsewhere(&mut self, (forgotten, lost): (u64, u64)) {
        self.lost = self.lost.max(lost);
        if forgotten > 0 {
            // What is recorded from now on is not for them.
            self.uncertain = true;
            self.also(format_args!(
                "LRSs that it delivered to, and that have to be added again: {forgotten}"
            ));
        }
    }

    /// Adds to the description of what was wrong.
    pub(crate) fn also(&mut self, what: impl Display) {
        self.damage = format!("{}; {what}", self.damage);
    }
}
