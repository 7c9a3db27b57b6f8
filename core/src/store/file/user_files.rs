//! Content of `.open`: the files, by their inodes, that those who have the queue open use.

use std::path::Path;
use std::time::SystemTime;

use super::identity::{FileId, OpenFile, size_of};
use super::names::with_suffix;

/// Presence of the files that somebody has open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum There {
    All,
    Some,
    None,
}

/// Files that somebody has, or had, open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    Known {
        /// Identities of the database, its log, and the memory that its users share.
        ids: [Option<FileId>; 3],
        /// Time when the database was last written; none while the log is folded into it, and where it is unknown.
        changed_at: Option<u64>,
    },
    /// No known files: whatever is there is the queue.
    Unknown,
    /// Nothing was said yet, or nothing that is whole: `.open` was just made.
    Anew,
    /// The same, but nobody knows whether the files are of one age.
    Doubtful,
}

/// Lengths that the content may have, whatever was torn.
pub(super) const LENGTHS: [usize; 3] = [0, Files::DOUBTFUL.len(), LONGEST];

pub(super) const LONGEST: usize = Files::BYTES;

impl Files {
    const IDS: usize = 3 * FileId::BYTES;
    pub(super) const BYTES: usize = Self::IDS + 8 + 4;
    const UNKNOWN: &[u8] = b"-";
    const DOUBTFUL: &[u8] = b"?";

    pub(super) fn of(queue: &Path, open: &OpenFile) -> Self {
        Self::Known {
            ids: open.all(),
            changed_at: changed_at(queue),
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Known { ids, changed_at } => {
                let mut bytes = ids
                    .map(|id| id.map_or([0; FileId::BYTES], FileId::bytes))
                    .concat();
                bytes.extend(changed_at.unwrap_or(0).to_le_bytes());
                bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
                bytes
            }
            Self::Unknown => Self::UNKNOWN.to_vec(),
            Self::Anew => Vec::new(),
            Self::Doubtful => Self::DOUBTFUL.to_vec(),
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Self {
        match bytes {
            Self::UNKNOWN => return Self::Unknown,
            Self::DOUBTFUL => return Self::Doubtful,
            _ => {}
        }
        let known = || {
            let (said, sum) = bytes.split_last_chunk::<4>()?;
            let (ids, changed_at) = said.split_last_chunk::<8>()?;
            let ids: [[u8; FileId::BYTES]; 3] = ids.as_chunks().0.try_into().ok()?;
            let changed_at = u64::from_le_bytes(*changed_at);
            (*sum == crc32fast::hash(said).to_le_bytes()).then_some(Self::Known {
                ids: ids.map(FileId::read),
                changed_at: (changed_at != 0).then_some(changed_at),
            })
        };
        known().unwrap_or(Self::Anew)
    }

    pub(super) fn there(&self, queue: &Path) -> There {
        let Self::Known { ids, .. } = self else {
            return There::All;
        };
        let now = OpenFile::of(queue).all();
        let mut pairs = ids.iter().zip(&now);
        if *ids == now {
            There::All
        } else if pairs.all(|(then, now)| then.is_none() || then != now) {
            There::None
        } else {
            There::Some
        }
    }

    /// Tells whether there is a log that was not left beside this database.
    pub(super) fn are_mixed(&self, queue: &Path) -> bool {
        match self {
            Self::Unknown | Self::Anew => false,
            Self::Doubtful => true,
            Self::Known { ids, .. } => {
                let [database, log, _] = OpenFile::of(queue).all();
                let is_same = [database == ids[0], log == ids[1]];
                size_of(&with_suffix(queue, "-wal")) > 0
                    && database.is_some()
                    && is_same[0] != is_same[1]
            }
        }
    }

    pub(super) fn is_written_over(&self, queue: &Path) -> bool {
        match self {
            Self::Known {
                changed_at: Some(then),
                ..
            } => changed_at(queue) != Some(*then),
            _ => false,
        }
    }
}

/// Returns the time when the database was last written, nanoseconds since 1970. The database is not synced with each
/// commit, as its log is, so reading this costs nothing later.
pub(super) fn changed_at(queue: &Path) -> Option<u64> {
    let changed = queue.metadata().ok()?.modified().ok()?;
    let since = changed.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}
