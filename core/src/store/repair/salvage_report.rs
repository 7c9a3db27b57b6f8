//! What became of a damaged file.

use crate::store::file::kept;
use std::path::PathBuf;

use serde::Serialize;

/// What became of a damaged file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Salvaged {
    /// What was wrong.
    pub damage: String,
    /// Where the damaged file is kept, whole; none where nothing was left to keep.
    pub kept_at: Option<PathBuf>,
    /// Statements that were saved into the new file.
    pub saved: u64,
    /// Rows that were met but could not be read, or are no longer the statement they were.
    pub unreadable: u64,
    /// Statements that are lost, at least: of those that the file should have had and that were not at an
    /// LRS yet.
    pub lost: u64,
    /// How many are lost, or have come back though they were retracted or erased, can no longer be told.
    pub uncertain: bool,
}

impl Salvaged {
    /// Each file that was kept, what stood beside the damaged one included.
    pub fn kept(&self) -> Vec<PathBuf> {
        self.kept_at
            .as_deref()
            .map_or_else(Vec::new, kept::kept_with)
    }
}
