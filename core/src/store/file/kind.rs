//! Nature of the file at the queue's path: a queue, nothing yet, a damaged queue, or something that never was one and
//! is left alone.

use std::path::Path;

use super::identity::is_device;
use super::names::with_suffix;
use super::settings::{APPLICATION_ID, PAGE_BYTES};
use crate::store::StoreError;
use crate::store::ledger_file::reading;
use crate::store::repair::pages::Pages;
use crate::store::repair::raw_file::Looked;

/// First bytes of every SQLite file.
pub(super) const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Length of the smallest page in bytes: no database is shorter.
const SHORTEST: u64 = 512;

/// Nature of the file, as far as it can be told without SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// There is no file, and none is missing.
    Absent,
    /// Only SQLite can tell: a database, or an empty file that a new queue is made of.
    ForSqlite,
    /// The queue had statements, and is gone or cut off.
    Lost,
    /// Not a queue: too short for a database, and never was one; or not a regular file.
    Foreign,
}

impl Nature {
    pub(crate) fn of(path: &Path) -> Result<Self, StoreError> {
        let len = path.metadata().map(|found| found.len());
        Ok(match len {
            _ if is_device(path) => Self::Foreign,
            Err(_) | Ok(0) if had_some(path)? => Self::Lost,
            Err(_) => Self::Absent,
            Ok(0 | SHORTEST..) => Self::ForSqlite,
            Ok(_) if is_cut_off(path)? => Self::Lost,
            Ok(_) => Self::Foreign,
        })
    }
}

/// Tells, by the companion files, whether a file that is empty or gone had statements.
fn had_some(path: &Path) -> Result<bool, StoreError> {
    let is_known = match reading::numbers(path)? {
        Some(numbers) if numbers.undelivered() > 0 => true,
        // With its file, the queue has forgotten those too.
        Some(_) => reading::others(path)?.is_none_or(|others| !others.is_empty()),
        None => reading::was_ours(path)?,
    };
    // SQLite discards the log of an empty file; it may hold statements.
    let log = Looked::at(path, &with_suffix(path, "-wal"))?;
    let has_log = log.is_some_and(|log| log.len() > 0);
    Ok(is_known || has_log && Pages::of(path)?.has_any())
}

/// Tells whether the file is the first few bytes of what was a queue.
fn is_cut_off(path: &Path) -> Result<bool, StoreError> {
    let Some(file) = Looked::at(path, path)? else {
        return Ok(false);
    };
    let mut begins = [0; 16];
    let begins = &mut begins[..file.len().min(16) as usize];
    Ok(file.read(0, begins) && MAGIC.starts_with(begins) && reading::was_ours(path)?)
}

/// Tells whether a file that SQLite cannot read was a queue: by its header, by a statement in it, or, where only its
/// beginning is gone, by its `.ledger` file.
pub(crate) fn was_a_queue(path: &Path) -> Result<bool, StoreError> {
    let Some(file) = Looked::at(path, path)? else {
        return Ok(true);
    };
    let mut header = [0; 72];
    if file.read(0, &mut header) && header.starts_with(MAGIC) {
        let mark = i64::from(u32::from_be_bytes([
            header[68], header[69], header[70], header[71],
        ]));
        if mark == APPLICATION_ID {
            return Ok(true);
        }
    }
    let page = u64::from(PAGE_BYTES);
    Ok(Pages::of(path)?.has_any()
        || reading::was_ours(path)? && file.len() >= page && file.len() % page == 0)
}
