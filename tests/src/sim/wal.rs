//! What a kill leaves: the write-ahead log up to any of its commits.
//!
//! A process that is killed between two transactions leaves the file and the log as they are at that
//! moment. The log only grows, and marks each commit, so every such moment can be made from a later
//! one by cutting the log off behind a commit.

use std::path::Path;

/// A commit in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// Which log it is in; another one begins after a checkpoint.
    pub salt: u64,
    /// The length of the log with this commit as its last, bytes.
    pub end: u64,
}

/// The commits in a log, the oldest first. The format: sqlite.org/fileformat2.html, section 4.
pub fn commits(log: &[u8]) -> Vec<Commit> {
    const HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;
    let number = |at: usize| {
        log.get(at..at + 4).map_or(0, |bytes| {
            u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
        })
    };
    let salt_at = |at: usize| u64::from(number(at)) << 32 | u64::from(number(at + 4));
    if log.len() < HEADER {
        return Vec::new();
    }
    let (page, salt) = (number(8) as usize, salt_at(16));
    let mut found = Vec::new();
    let mut at = HEADER;
    while at + FRAME_HEADER + page <= log.len() && salt_at(at + 8) == salt {
        let pages_after_commit = number(at + 4);
        at += FRAME_HEADER + page;
        if pages_after_commit > 0 {
            found.push(Commit {
                salt,
                end: at as u64,
            });
        }
    }
    found
}

/// The log that belongs to a database.
pub fn log_of(database: &Path) -> std::path::PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
