//! One connection for many threads, with concurrent records in one commit.
//!
//! No thread of its own: one of those who wait commits for all of them (`line`). A
//! lone caller pays no hand-over to another thread, and a crowd pays for one disk sync instead of one
//! each.

use std::path::PathBuf;
use std::sync::Mutex;

use super::append::Refused;
use super::line::{AppendOutcome, Line};
use super::log::LogLength;
use super::{Candidate, Db, Durability, Millis, Opened, Salvaged, StoreError};
use crate::lock::lock;

/// A queue's file, usable from any thread. Every call blocks for one transaction at most, plus
/// those already under way.
pub struct Shared {
    pub(super) path: PathBuf,
    pub(super) durability: Durability,
    /// None while paused.
    pub(super) db: Mutex<Option<Db>>,
    /// A second connection: lists and counts do not wait for a commit. Opened when first needed.
    reader: Mutex<Option<Db>>,
    line: Line,
    pub(super) log: LogLength,
    salvaged: Mutex<Vec<Salvaged>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({})", self.path.display())
    }
}

impl Shared {
    /// Opens the file; see [`Db::open`].
    pub fn open(path: PathBuf, durability: Durability, now: Millis) -> Result<Self, StoreError> {
        let Opened { mut db, salvaged } = Db::open(&path, durability, now)?;
        let log = LogLength::default();
        log.watch(&mut db.conn)?;
        Ok(Self {
            path,
            durability,
            db: Mutex::new(Some(db)),
            reader: Mutex::default(),
            line: Line::default(),
            log,
            salvaged: Mutex::new(salvaged.into_iter().collect()),
        })
    }

    /// The file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Takes in all of a candidate's statements or none.
    pub fn append(&self, candidate: Candidate, now: Millis) -> AppendOutcome {
        self.line.stand(candidate, |leader| {
            let mut db = lock(&self.db);
            let candidates = leader.everybody();
            let outcomes = match db.as_mut() {
                Some(db) => db.append(&candidates, now),
                None => candidates
                    .iter()
                    .map(|_| Err(Refused::Store(StoreError::Paused)))
                    .collect(),
            };
            if let Some(Err(Refused::Store(StoreError::Damaged(why)))) = outcomes.first() {
                self.salvage(&mut db, why, now);
            }
            leader.tell(outcomes);
        })
    }

    /// Works on the file with nobody else in between.
    pub fn with<T, E>(
        &self,
        now: Millis,
        work: impl FnOnce(&mut Db) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError> + AsStoreError,
    {
        let mut slot = lock(&self.db);
        let outcome = match slot.as_mut() {
            Some(db) => work(db),
            None => return Err(StoreError::Paused.into()),
        };
        if let Err(error) = &outcome
            && let Some(StoreError::Damaged(why)) = error.as_store_error()
        {
            let why = why.clone();
            self.salvage(&mut slot, &why, now);
        }
        outcome
    }

    /// Reads without waiting for who writes.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut reader = lock(&self.reader);
        if reader.is_none() {
            if lock(&self.db).is_none() {
                return Err(StoreError::Paused);
            }
            *reader = Some(Db::open_reader(&self.path)?);
        }
        match reader.as_ref() {
            Some(db) => work(db),
            None => Err(StoreError::Paused),
        }
    }

    /// Folds the write-ahead log into the file and closes it. Calls fail until [`Shared::resume`].
    pub fn pause(&self) -> Result<(), StoreError> {
        *lock(&self.reader) = None;
        match lock(&self.db).take() {
            Some(mut db) => db.tidy(),
            None => Ok(()),
        }
    }

    /// Opens the file again.
    pub fn resume(&self, now: Millis) -> Result<(), StoreError> {
        let mut slot = lock(&self.db);
        if slot.is_none() {
            let opened = Db::open(&self.path, self.durability, now)?;
            self.put(&mut slot, opened)?;
        }
        Ok(())
    }

    /// What was salvaged since the last call.
    pub fn take_salvaged(&self) -> Vec<Salvaged> {
        std::mem::take(&mut *lock(&self.salvaged))
    }

    /// The file turned out to be damaged while open: the call that met it fails, the next finds a
    /// new file with all that could be read.
    fn salvage(&self, slot: &mut Option<Db>, why: &str, now: Millis) {
        *slot = None;
        *lock(&self.reader) = None;
        if let Ok(opened) = Db::salvage(&self.path, self.durability, why, now) {
            // Without a connection calls fail, as while paused, and nothing is lost.
            let _ = self.put(slot, opened);
        }
    }

    fn put(&self, slot: &mut Option<Db>, opened: Opened) -> Result<(), StoreError> {
        let Opened { mut db, salvaged } = opened;
        lock(&self.salvaged).extend(salvaged);
        self.log.watch(&mut db.conn)?;
        *slot = Some(db);
        Ok(())
    }
}

/// Errors that may tell of a damaged file.
pub trait AsStoreError {
    /// The store's part of this error.
    fn as_store_error(&self) -> Option<&StoreError>;
}

impl AsStoreError for StoreError {
    fn as_store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl AsStoreError for super::Unchanged {
    fn as_store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Refused(Refused::Store(error)) => Some(error),
            _ => None,
        }
    }
}
