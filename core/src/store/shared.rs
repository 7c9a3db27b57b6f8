//! One connection for many threads, with concurrent records in one commit.
//!
//! It has no thread of its own: one of the waiting threads commits for all of them (`group_commit`). So a lone
//! caller pays for no hand-over to another thread, and a crowd shares one disk sync.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use uuid::Uuid;

use super::{Appended, Candidate, Db, Durability, Millis, Opened, Opening, Salvaged, StoreError};
use crate::lock::lock;
use crate::store::file::identity::FileState;
use crate::store::file::path;
use crate::store::file::reserve::Reserve;
use crate::store::file::wal_length::LogLength;
use crate::store::group_commit::{AppendOutcome, GroupCommit};
use crate::store::queue::append::Refused;

/// A queue's file, usable from any thread. Each call blocks for one transaction at most, plus those already
/// under way.
pub struct Shared {
    pub(super) path: PathBuf,
    pub(super) durability: Durability,
    /// Id of the process that opened it. A fork's child has neither its locks nor its threads.
    pub(super) process: u32,
    db: Mutex<Slot>,
    /// Number of times the file was opened; tells a reader that met damage whether it was repaired since.
    openings: AtomicU64,
    /// Second connection, opened when first needed, so that lists and counts do not wait for a commit.
    reader: Mutex<Option<Db>>,
    pub(super) line: GroupCommit,
    pub(super) log: LogLength,
    reserve: Reserve,
    salvaged: Mutex<Vec<Salvaged>>,
}

pub(super) enum Slot {
    Open(Box<Db>),
    Paused,
    /// The file was damaged, deleted or replaced, and that could not be repaired yet: each call tries again.
    Broken,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({})", self.path.display())
    }
}

impl Shared {
    /// Opens the file; see [`Db::open`].
    pub fn open(path: &Path, opening: impl Into<Opening>, now: Millis) -> Result<Self, StoreError> {
        let opening = opening.into();
        let path = path::absolute(path)?;
        let shared = Self {
            reserve: Reserve::of(&path),
            path,
            durability: opening.durability,
            process: std::process::id(),
            db: Mutex::new(Slot::Broken),
            openings: AtomicU64::new(0),
            reader: Mutex::default(),
            line: GroupCommit::default(),
            log: LogLength::default(),
            salvaged: Mutex::default(),
        };
        {
            let mut slot = shared.slot()?;
            *slot = shared.opened(Db::open(&shared.path, opening, now)?)?;
            if let Slot::Open(db) = &*slot {
                // Reported at each opening until acknowledged.
                let told = db.losses()?.into_iter().map(|(_, loss)| loss);
                *lock(&shared.salvaged) = told.collect();
            }
        }
        Ok(shared)
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes in all of a candidate's statements or none. An error means that nothing was taken in, except
    /// [`StoreError::Unplaced`], which names what was. A paused file is opened for the duration of the call.
    pub fn append(&self, candidate: Candidate, now: Millis) -> AppendOutcome {
        self.is_ours().map_err(Refused::Store)?;
        self.line.join(candidate, |leader| {
            // `is_ours` was checked above, before the thread joined the line.
            let mut slot = lock(&self.db);
            let candidates = leader.batch();
            let outcomes = self.visit(&mut slot, now, |slot| {
                self.append_all(slot, &candidates, now)
            });
            leader.finish(outcomes);
        })
    }

    fn append_all(
        &self,
        slot: &mut Slot,
        candidates: &[&Candidate],
        now: Millis,
    ) -> Vec<AppendOutcome> {
        let refuse = |error: StoreError| vec![Err(Refused::Store(error)); candidates.len()];
        // Before anything is written to a file that is no longer at its path.
        if let Err(error) = self.mend(slot, None, now) {
            return refuse(error);
        }
        let (outcomes, before) = match self.db(slot, now) {
            Ok(db) => {
                let outcomes = self.append_where_room_is(db, candidates, now);
                (outcomes, db.appended_after)
            }
            Err(error) => return refuse(error),
        };
        let met = match outcomes.first() {
            Some(Err(Refused::Store(error))) => Some(error),
            _ => None,
        };
        let opening = self.opening();
        let counted = self.mend(slot, met, now).and_then(|()| match slot {
            // Whoever opens it anew has counted them.
            Slot::Open(db) if self.opening() == opening => db.count_appended(&outcomes),
            Slot::Open(_) | Slot::Paused | Slot::Broken => Ok(()),
        });
        let Err(error) = counted else {
            return outcomes;
        };
        // The file was taken away during the commit and could not be put back; or its `.ledger` file could not
        // be written.
        let ids = new_ids(candidates, &outcomes);
        if ids.is_empty() {
            return refuse(error);
        }
        let taken_back = match slot {
            Slot::Open(db) => {
                let taken_back = db.take_back(before, &ids).is_ok();
                db.keep_numbers();
                taken_back
            }
            Slot::Paused | Slot::Broken => false,
        };
        refuse(if taken_back {
            error
        } else {
            StoreError::Unplaced {
                ids,
                reason: error.to_string(),
            }
        })
    }

    /// Takes the candidates in if that leaves delivery its reserve. If the disk is too full with the log as it
    /// is, tries again with an empty log.
    fn append_where_room_is(
        &self,
        db: &mut Db,
        candidates: &[&Candidate],
        now: Millis,
    ) -> Vec<AppendOutcome> {
        if candidates.iter().all(|one| one.is_empty()) {
            return db.append(candidates, now);
        }
        let mut append = || {
            let outcomes = match self.reserve.keep() {
                Ok(kept) => {
                    db.append_if(candidates, now, |db| self.reserve.cover(kept, db.growth()?))
                }
                Err(full) => vec![Err(Refused::Store(full)); candidates.len()],
            };
            let is_full = outcomes.first() == Some(&Err(Refused::Store(StoreError::DiskFull)));
            if is_full {
                self.reserve.clear(db);
            }
            (outcomes, is_full)
        };
        match append() {
            (_, true) => append().0,
            (outcomes, false) => outcomes,
        }
    }

    /// Runs work on the file under its lock. Nothing is begun on a file that was taken away and cannot be put
    /// back; if that happens during the work, the next call returns the error.
    pub fn with<T, E>(
        &self,
        now: Millis,
        work: impl FnOnce(&mut Db) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError> + AsStoreError,
    {
        let mut slot = self.slot()?;
        self.mend(&mut slot, None, now)?;
        let db = self.db(&mut slot, now)?;
        let is_low = self.reserve.make_room() || self.reserve.is_on_small_disk();
        db.has_little_room = is_low;
        if is_low {
            // If this fails, the work itself meets the error.
            let _ = db.fold_now();
        }
        let outcome = work(db);
        db.keep_numbers();
        let met = outcome
            .as_ref()
            .err()
            .and_then(AsStoreError::as_store_error);
        if let Some(error) = met {
            self.reserve.met(error);
            if is_low && *error == StoreError::DiskFull {
                db.little = (db.little / 2).max(1);
            }
        }
        if is_low && let Slot::Open(db) = &mut *slot {
            // The log begins anew, and takes no more room than this one transaction.
            let _ = db.fold_now();
        }
        if let Slot::Open(db) = &*slot
            && db.is_alone
            && !self.reserve.make_room()
        {
            // There is room for other connections again.
            self.close(&mut slot);
        }
        if let Err(error) = self.mend(&mut slot, met, now) {
            if outcome.is_err() {
                return Err(error.into());
            }
            // The work was done, so it is not reported as failed.
            tracing::error!(%error, "the queue's file was taken away, and could not be put back yet");
        }
        outcome
    }

    /// Tells whether the last work found little room.
    pub fn has_little_room(&self) -> bool {
        matches!(self.slot().as_deref(), Ok(Slot::Open(db)) if db.has_little_room)
    }

    /// Runs a read without waiting for writers.
    pub fn read<T>(
        &self,
        now: Millis,
        work: impl FnOnce(&Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.is_ours()?;
        self.look_after_files(now)?;
        let (outcome, opening) = self.read_only(now, work)?;
        if let Err(error @ StoreError::Damaged(_)) = &outcome {
            // Without the reader's lock: repair takes it after the lock on the file.
            let mut slot = self.slot()?;
            // Unless another thread that met the damage has repaired it by now.
            if self.opening() == opening {
                self.mend(&mut slot, Some(error), now)?;
            }
        }
        outcome
    }

    /// Like [`Shared::read`], but also reads a paused file, which is opened for the duration of the call.
    pub fn read_though_paused<T>(
        &self,
        now: Millis,
        work: impl Fn(&Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self.read(now, &work) {
            Err(StoreError::Paused) => {}
            other => return other,
        }
        let mut slot = self.slot()?;
        self.visit(&mut slot, now, |slot| self.db(slot, now)?.at_once(work))
    }

    /// Opens a paused file for this work and closes it again: apps record while they start and while they go
    /// into the background, and nothing of that may be lost.
    fn visit<T>(&self, slot: &mut Slot, now: Millis, work: impl FnOnce(&mut Slot) -> T) -> T {
        let is_paused = matches!(slot, Slot::Paused);
        if is_paused {
            *slot = Slot::Broken;
        }
        let outcome = work(slot);
        if is_paused && let Err(error) = self.close_for_pause(slot, now) {
            // It stays open until the next pause: only this process has what is in it.
            tracing::error!(%error, "the queue's file was taken away, and could not be put back yet");
        }
        outcome
    }

    /// Puts back a file that was deleted or replaced. If another thread is writing, that one does it instead.
    fn look_after_files(&self, now: Millis) -> Result<(), StoreError> {
        match self.db.try_lock() {
            Ok(mut slot) => self.mend(&mut slot, None, now),
            Err(TryLockError::Poisoned(slot)) => self.mend(&mut slot.into_inner(), None, now),
            Err(TryLockError::WouldBlock) => Ok(()),
        }
    }

    /// Returns the outcome, and the number of the opening that it was read in.
    fn read_only<T>(
        &self,
        now: Millis,
        work: impl FnOnce(&Db) -> Result<T, StoreError>,
    ) -> Result<(Result<T, StoreError>, u64), StoreError> {
        let mut reader = lock(&self.reader);
        if reader.is_none() {
            drop(reader);
            // The locks are taken in the usual order; a broken file is tried again.
            let mut slot = self.slot()?;
            let db = self.db(&mut slot, now)?;
            if db.is_alone {
                return Ok((db.at_once(work), self.opening()));
            }
            reader = lock(&self.reader);
            if reader.is_none() {
                *reader = Some(Db::open_reader(&self.path)?);
            }
        }
        match reader.as_ref() {
            // The file is not opened anew without dropping the reader first.
            Some(db) => Ok((db.at_once(work), self.opening())),
            None => Err(StoreError::Paused),
        }
    }

    /// Folds the write-ahead log into the file and closes it. Until [`Shared::resume`] all calls fail except
    /// [`Shared::append`] and [`Shared::read_though_paused`], which open the file for their duration. After an
    /// error the file is still open.
    pub fn pause(&self, now: Millis) -> Result<(), StoreError> {
        self.is_ours()?;
        let _nobody_folds = self.log.hold_folding();
        let mut slot = self.slot()?;
        self.close_for_pause(&mut slot, now)
    }

    fn close_for_pause(&self, slot: &mut Slot, now: Millis) -> Result<(), StoreError> {
        self.mend(slot, None, now)?;
        *lock(&self.reader) = None;
        match std::mem::replace(slot, Slot::Paused) {
            Slot::Open(mut db) => {
                if let Err(error) = db.tidy() {
                    // It is closed all the same: the commits in the log are durable.
                    tracing::warn!(%error, "the write-ahead log could not be folded before the pause");
                }
            }
            Slot::Paused | Slot::Broken => {}
        }
        self.reserve.give_back();
        Ok(())
    }

    /// Opens the file again after a pause.
    pub fn resume(&self, now: Millis) -> Result<(), StoreError> {
        let mut slot = self.slot()?;
        if matches!(*slot, Slot::Paused) {
            *slot = Slot::Broken;
            if let Err(error) = self.db(&mut slot, now) {
                *slot = Slot::Paused;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Takes what was salvaged since the last call.
    pub fn take_salvaged(&self) -> Vec<Salvaged> {
        if self.is_ours().is_err() {
            return Vec::new();
        }
        std::mem::take(&mut *lock(&self.salvaged))
    }

    /// Returns an error in a fork's child. Called before any lock is taken: a thread that the child does not
    /// have may hold it.
    pub fn is_ours(&self) -> Result<(), StoreError> {
        if self.process == std::process::id() {
            return Ok(());
        }
        Err(StoreError::CannotOpen {
            path: self.path.clone(),
            reason: "it was opened before this process was forked; open it anew here".to_owned(),
        })
    }

    /// Locks the file; every use of it goes through here.
    pub(super) fn slot(&self) -> Result<MutexGuard<'_, Slot>, StoreError> {
        self.is_ours()?;
        Ok(lock(&self.db))
    }

    fn opening(&self) -> u64 {
        self.openings.load(Ordering::Relaxed)
    }

    /// Returns the open file, and opens it first if it is broken.
    fn db<'a>(&self, slot: &'a mut Slot, now: Millis) -> Result<&'a mut Db, StoreError> {
        if let Slot::Broken = slot {
            *slot = self.opened(Db::open(&self.path, self.durability, now)?)?;
        }
        match slot {
            Slot::Open(db) => Ok(db),
            Slot::Paused | Slot::Broken => Err(StoreError::Paused),
        }
    }

    fn opened(&self, opened: Opened) -> Result<Slot, StoreError> {
        let Opened { mut db, salvaged } = opened;
        lock(&self.salvaged).extend(salvaged);
        let user = db.user.clone();
        self.log.watch(&mut db.conn, user.as_ref())?;
        self.openings.fetch_add(1, Ordering::Relaxed);
        Ok(Slot::Open(Box::new(db)))
    }

    /// Repairs the file after each call that may have written. A damaged file is salvaged: the call that met
    /// the damage has failed, and the next finds a new file with all that could be read. A file that was
    /// deleted or replaced while open is put back. An error means that it could not be repaired: then nothing
    /// committed in this call is sure to stay.
    fn mend(
        &self,
        slot: &mut Slot,
        met: Option<&StoreError>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let Slot::Open(db) = slot else {
            return Ok(());
        };
        // Asked first: a file that takes its place in between is no file that was written over.
        let looks_written_over = db.looks_written_over();
        let state = db.file_state();
        // An error met in files that do not belong together shows no damage in any of them.
        if state != FileState::InPlace || db.has_gone_back {
            tracing::warn!(
                "the queue's file was deleted, replaced or written over while it was open: putting it back"
            );
            // It stays open until this is done: only this process has what is in it.
            let put_back = db.put_back(self.durability, now);
            if let Err(StoreError::Damaged(_)) = &put_back {
                db.fold_nothing_when_closed()?;
                self.close(slot);
            }
            put_back?;
            if state.was_taken_away() {
                self.move_to_its_place(slot, now)?;
            } else {
                // The next call opens it: until the others have put back what they have, nobody can.
                self.close(slot);
            }
        } else if looks_written_over {
            if db.is_written_over() {
                tracing::warn!(
                    "the queue's file was written over while it was open: opening it anew"
                );
            }
            // What it keeps in memory may be of the former file.
            self.close(slot);
            self.db(slot, now)?;
        } else if let Some(StoreError::Damaged(why)) = met {
            let damaged = db.id();
            self.close(slot);
            let opened = Db::salvage(&self.path, damaged, self.durability, why, now)?;
            *slot = self.opened(opened)?;
        }
        Ok(())
    }

    /// Opens what was put back, and only then closes the file that has lost its place: should the other be gone again by
    /// then, this one still has everything.
    fn move_to_its_place(&self, slot: &mut Slot, now: Millis) -> Result<(), StoreError> {
        *lock(&self.reader) = None;
        let opening = Opening {
            durability: self.durability,
            create: false,
        };
        let opened = Db::open(&self.path, opening, now)?;
        if let Slot::Open(former) = slot {
            // Else closing it removes the log that has the name of its own.
            former.fold_nothing_when_closed()?;
        }
        *slot = self.opened(opened)?;
        Ok(())
    }

    fn close(&self, slot: &mut Slot) {
        *lock(&self.reader) = None;
        *slot = Slot::Broken;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Ok(mut slot) = self.slot() else { return };
        // The time is used only to name a damaged file, if one is met here.
        if let Err(error) = self.mend(&mut slot, None, 0) {
            tracing::error!(%error, "the queue's file was deleted or replaced, and could not be put back");
            return;
        }
        // Closed first, which frees what the log and the shared memory have taken.
        self.close(&mut slot);
        self.reserve.give_back();
    }
}

/// Returns the ids of the statements that these outcomes have taken in.
fn new_ids(candidates: &[&Candidate], outcomes: &[AppendOutcome]) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for (candidate, outcome) in candidates.iter().zip(outcomes) {
        let appended = outcome.as_deref().unwrap_or_default();
        let new = candidate.iter().zip(appended);
        ids.extend(
            new.filter(|(_, appended)| **appended == Appended::New)
                .map(|(one, _)| one.id),
        );
    }
    ids
}

/// An error that may tell of a damaged file.
pub trait AsStoreError {
    /// Returns the store's part of this error.
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
