//! Errors of the queue's file.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use uuid::Uuid;

use super::Erased;
use crate::store::queue::append::Refused;

/// An error of the device's storage. Statements accepted earlier are not lost by it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No room on the disk.
    #[error(
        "the disk is full, or can hold no more files: free some space and call again; what was recorded before is safe"
    )]
    DiskFull,
    /// Another process kept the file locked for longer than Pannier waits.
    #[error("another process keeps the queue locked: let it go on, or end it, and call again")]
    Busy,
    /// The file was written by a newer Pannier. It is left as it is.
    #[error(
        "{path} has schema {found}, this Pannier knows up to {known}: update the app; the file was left untouched"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest schema version this Pannier knows.
        known: i64,
    },
    /// There is no queue, and the call was not to create one.
    #[error("there is no queue at {0}: check the path, or record something to make one")]
    Missing(PathBuf),
    /// The file belongs to another program. It is left as it is.
    #[error("{0} is not a Pannier queue: choose another path; the file was left untouched")]
    Foreign(PathBuf),
    /// The file is damaged.
    #[error(
        "the queue's file is damaged ({0}): call again, then its readable statements are in a new one"
    )]
    Damaged(String),
    /// The file cannot be written.
    #[error("the queue's file cannot be written ({0}): check its permissions")]
    ReadOnly(String),
    /// The file cannot be opened.
    #[error("cannot open {path}: {reason}")]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// The system's message.
        reason: String,
    },
    /// The statements were taken in, but then the file was taken away and could not be put back: they are
    /// delivered as long as this process lives, and kept only if a later call can put the file back.
    #[error(
        "recorded, but the queue's file was taken away meanwhile ({reason}): do not record the same again; make room or a folder for it, and call again to put it back"
    )]
    Unplaced {
        /// The statements that were taken in.
        ids: Vec<Uuid>,
        /// Reason why it could not be put back.
        reason: String,
    },
    /// Some of a person's statements were erased, but the others could not be.
    #[error(
        "{} undelivered statements and {} of the history were erased ({} of them are or may be at the LRS), and then no more could be: {reason}; what is left of this person is erased by the next call",
        erased.undelivered, erased.history, erased.maybe_sent + erased.history
    )]
    PartlyErased {
        /// Counts of what was erased. No later call reports them again.
        erased: Box<Erased>,
        /// Reason why the others could not be.
        reason: String,
    },
    /// The queue already has the greatest number of upstreams.
    #[error("a queue can have 32 upstreams, and has them: deliver to one of those, or remove one")]
    TooManyUpstreams,
    /// The upstream does not exist, or no longer does.
    #[error("the queue has no such upstream: add it, or see which ones it has")]
    NoUpstream,
    /// The upstream cannot be removed: it is the first one, which every queue has.
    #[error("the first upstream stays: set another endpoint for it instead")]
    MainStays,
    /// The upstream has statements that are not delivered to it yet.
    #[error(
        "this upstream is still to get {left}: deliver first, or remove it and discard what it has not got"
    )]
    UpstreamNotEmpty {
        /// Number of them: queued, waiting and held.
        left: u64,
    },
    /// The collector is paused and its file closed: only recording works.
    #[error("the collector is paused: resume it first")]
    Paused,
    /// Any other error of SQLite or the system.
    #[error(
        "storage failed ({0}): what was recorded before is safe; call again, and if it goes on failing look after the disk"
    )]
    Other(String),
}

impl StoreError {
    pub(super) fn from_sqlite(error: &rusqlite::Error) -> Self {
        let words = error.to_string();
        // The tables are strict and we know what we wrote, so another type is damage, and so is the lack of a
        // row that must exist.
        if let rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::QueryReturnedNoRows = error
        {
            return Self::Damaged(words);
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            // Part of the file is gone, or what is there is not what was written.
            _ if error
                .sqlite_error()
                .is_some_and(|it| DAMAGE.contains(&it.extended_code)) =>
            {
                Self::Damaged(words)
            }
            // Shared memory is the first thing that opening needs room for.
            _ if error
                .sqlite_error()
                .is_some_and(|it| it.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE) =>
            {
                Self::DiskFull
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(words),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly(words),
            _ => Self::Other(words),
        }
    }
}

/// Read errors that indicate damage to the file rather than a failure of the device or a lack of permission
/// (<https://www.sqlite.org/rescode.html>).
const DAMAGE: [i32; 3] = [
    rusqlite::ffi::SQLITE_IOERR_SHORT_READ,
    rusqlite::ffi::SQLITE_IOERR_DATA,
    rusqlite::ffi::SQLITE_IOERR_CORRUPTFS,
];

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::from_sqlite(&error)
    }
}

/// Reason why a call about one statement changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unchanged {
    /// The queue has no statement with this id.
    Unknown,
    /// The statement is not held.
    NotHeld,
    /// The statement is held, but not as a conflict.
    NotInConflict,
    /// The statement may have reached the LRS: only voiding takes it back.
    MayHaveBeenSent,
    /// The new statement was not taken in.
    Refused(Refused),
}

impl<E> From<E> for Unchanged
where
    StoreError: From<E>,
{
    fn from(error: E) -> Self {
        Self::Refused(Refused::Store(error.into()))
    }
}
