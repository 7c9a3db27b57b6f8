//! One connection for many threads, with concurrent records in one commit.
//!
//! No thread of its own: one of those who wait commits for all of them (`group_commit`). A
//! lone caller pays no hand-over to another thread, and a crowd pays for one disk sync instead of one
//! each.

use crate::store::file::path;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use uuid::Uuid;

use super::{Appended, Candidate, Db, Durability, Millis, Opened, Opening, Salvaged, StoreError};
use crate::lock::lock;
use crate::store::file::identity::FileState;
use crate::store::file::reserve::Reserve;
use crate::store::file::wal_length::LogLength;
use crate::store::group_commit::{AppendOutcome, GroupCommit};
use crate::store::queue::append::Refused;

/// A queue's file, usable from any thread. Every call blocks for one transaction at most, plus
/// those already under way.
pub struct Shared {
    pub(super) path: PathBuf,
    pub(super) durability: Durability,
    /// The process that opened it. A fork's child has neither its locks nor its threads.
    pub(super) process: u32,
    db: Mutex<Slot>,
    /// How often it was opened: by this who met damage knows whether that is mended.
    openings: AtomicU64,
    /// A second connection: lists and counts do not wait for a commit. Opened when first needed.
    reader: Mutex<Option<Db>>,
    pub(super) line: GroupCommit,
    pub(super) log: LogLength,
    reserve: Reserve,
    salvaged: Mutex<Vec<Salvaged>>,
}

pub(super) enum Slot {
    Open(Box<Db>),
    Paused,
    /// It was damaged or had lost its place, and that could not be mended yet: each call tries again.
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
                // Told again and again, until it is acknowledged.
                let told = db.losses()?.into_iter().map(|(_, loss)| loss);
                *lock(&shared.salvaged) = told.collect();
            }
        }
        Ok(shared)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes in all of a candidate's statements or none. An error means that nothing was taken in, but
    /// for [`StoreError::Unplaced`], which names what was. A file that is paused is open for as long as that takes.
    pub fn append(&self, candidate: Candidate, now: Millis) -> AppendOutcome {
        self.is_ours().map_err(Refused::Store)?;
        self.line.join(candidate, |leader| {
            // Asked a moment ago, before the line.
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
        // Before anything is written to a file that nobody would find again.
        if let Err(error) = self.mend(slot, None, now) {
            return refuse(error);
        }
        let (outcomes, before) = match self.db(slot, now) {
            Ok(db) => {
                let before = db.last_seq().unwrap_or(i64::MAX);
                (self.append_where_room_is(db, candidates, now), before)
            }
            Err(error) => return refuse(error),
        };
        let met = match outcomes.first() {
            Some(Err(Refused::Store(error))) => Some(error),
            _ => None,
        };
        let counted = self.mend(slot, met, now).and_then(|()| match slot {
            Slot::Open(db) => db.count_appended(&outcomes),
            Slot::Paused | Slot::Broken => Ok(()),
        });
        let Err(error) = counted else {
            return outcomes;
        };
        // It was taken away during the commit, and could not be put back; or its loss could not be told.
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

    /// Takes them in if delivery keeps its room. Where there is none for the log as it is, it may be there
    /// with an empty one.
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

    /// Works on the file with nobody else in between. Nothing is begun on a file that was taken away and
    /// cannot be put back; where that happens meanwhile, the next call tells.
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
            // What fails is met by the work itself.
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
            // There is room for others again.
            self.close(&mut slot);
        }
        if let Err(error) = self.mend(&mut slot, met, now) {
            if outcome.is_err() {
                return Err(error.into());
            }
            // What was done is done.
            tracing::error!(%error, "the queue's file was taken away, and could not be put back yet");
        }
        outcome
    }

    /// The last of these works found little room.
    pub fn has_little_room(&self) -> bool {
        matches!(self.slot().as_deref(), Ok(Slot::Open(db)) if db.has_little_room)
    }

    /// Reads without waiting for who writes.
    pub fn read<T>(
        &self,
        now: Millis,
        work: impl FnOnce(&Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.is_ours()?;
        self.look_after_files(now)?;
        let (outcome, opening) = self.read_only(now, work)?;
        if let Err(error @ StoreError::Damaged(_)) = &outcome {
            // Without the reader's lock: whoever mends takes it after the other.
            let mut slot = self.slot()?;
            // Unless somebody who met it too has mended it meanwhile.
            if self.opening() == opening {
                self.mend(&mut slot, Some(error), now)?;
            }
        }
        outcome
    }

    /// The same; of a file that is paused, too, which is open for as long as that takes.
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

    /// Lets this open a file that is paused, and closes it again: an app records when it comes and when it goes, and
    /// nothing of that is lost.
    fn visit<T>(&self, slot: &mut Slot, now: Millis, work: impl FnOnce(&mut Slot) -> T) -> T {
        let is_paused = matches!(slot, Slot::Paused);
        if is_paused {
            *slot = Slot::Broken;
        }
        let outcome = work(slot);
        if is_paused && let Err(error) = self.close_for_pause(slot, now) {
            // It stays open until the next pause: nobody else has what is in it.
            tracing::error!(%error, "the queue's file was taken away, and could not be put back yet");
        }
        outcome
    }

    /// Puts back what was deleted or replaced. Whoever writes just now does it instead.
    fn look_after_files(&self, now: Millis) -> Result<(), StoreError> {
        match self.db.try_lock() {
            Ok(mut slot) => self.mend(&mut slot, None, now),
            Err(TryLockError::Poisoned(slot)) => self.mend(&mut slot.into_inner(), None, now),
            Err(TryLockError::WouldBlock) => Ok(()),
        }
    }

    /// Returns what came of it, and in which opening of the file.
    fn read_only<T>(
        &self,
        now: Millis,
        work: impl FnOnce(&Db) -> Result<T, StoreError>,
    ) -> Result<(Result<T, StoreError>, u64), StoreError> {
        let mut reader = lock(&self.reader);
        if reader.is_none() {
            drop(reader);
            // In the order in which everybody takes them; and a file that is broken is tried again.
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
            // Nobody opens it anew without taking the reader away.
            Some(db) => Ok((db.at_once(work), self.opening())),
            None => Err(StoreError::Paused),
        }
    }

    /// Folds the write-ahead log into the file and closes it. Until [`Shared::resume`] all calls fail but those that
    /// take statements in, which open it for as long as they need it. An error means that it is open still.
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
                    // It is closed all the same, and all that is in the log holds.
                    tracing::warn!(%error, "the write-ahead log could not be folded before the pause");
                }
            }
            Slot::Paused | Slot::Broken => {}
        }
        self.reserve.give_back();
        Ok(())
    }

    /// Opens the file again.
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

    /// Returns what was salvaged since the last call.
    pub fn take_salvaged(&self) -> Vec<Salvaged> {
        if self.is_ours().is_err() {
            return Vec::new();
        }
        std::mem::take(&mut *lock(&self.salvaged))
    }

    /// Asked before any lock is taken: in a fork's child one may be held by a thread that is not there.
    pub fn is_ours(&self) -> Result<(), StoreError> {
        if self.process == std::process::id() {
            return Ok(());
        }
        Err(StoreError::CannotOpen {
            path: self.path.clone(),
            reason: "it was opened before this process was forked; open it anew here".to_owned(),
        })
    }

    /// The one door to the file.
    pub(super) fn slot(&self) -> Result<MutexGuard<'_, Slot>, StoreError> {
        self.is_ours()?;
        Ok(lock(&self.db))
    }

    fn opening(&self) -> u64 {
        self.openings.load(Ordering::Relaxed)
    }

    /// The open file.
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

    /// After each call that may have written: a file that turned out to be damaged is salvaged (the
    /// call that met it has failed, the next finds a new file with all that could be read), and one
    /// that was deleted or replaced under us is put back. What cannot be mended is an error: then
    /// nothing that was committed in this call is sure to stay.
    fn mend(
        &self,
        slot: &mut Slot,
        met: Option<&StoreError>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let Slot::Open(db) = slot else {
            return Ok(());
        };
        // What is met in files that do not belong to each other is no damage of any.
        if db.file_state() != FileState::InPlace || db.has_gone_back {
            tracing::warn!(
                "the queue's file was deleted, replaced or written over while it was open: putting it back"
            );
            // Until this is done it stays open: nobody else has what is in it.
            db.put_back(self.durability, now)?;
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

    fn close(&self, slot: &mut Slot) {
        *lock(&self.reader) = None;
        *slot = Slot::Broken;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Ok(mut slot) = self.slot() else { return };
        // The time names a file only if another damaged one is met on the way.
        if let Err(error) = self.mend(&mut slot, None, 0) {
            tracing::error!(%error, "the queue's file was deleted or replaced, and could not be put back");
            return;
        }
        // Closed first: that gives back what the log and the shared memory have taken.
        self.close(&mut slot);
        self.reserve.give_back();
    }
}

/// The statements that these outcomes have taken in.
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
