//! Users of an open queue: all of them have the same files, and the files belong to each other.
//!
//! A queue is several files under one name: the database, its write-ahead log, and the memory that its users share
//! (`-shm`). Somebody may delete or replace one of them while a process has the queue open: an older copy is put back,
//! a folder is tidied up. That process goes on with those it had, and whoever opened the queue then would go on with
//! others: each overwrites what the other has committed, and neither can know. Or a process was killed and has left a
//! log, and the database beside it is replaced alone: `SQLite` joins the pages of two ages.
//!
//! So whoever opens the queue takes a lock in a file beside it, `.open`, which is released when the process dies, and
//! writes into it which files it has. A newcomer enters at once where the same files are in place. Where they are not,
//! it waits for the other process to put them back. After a while it enters where none of them is in place: that is
//! another queue, and the other process finds it when it checks its own files. Where only some are, it is refused. A
//! newcomer that is alone, and finds a log that was not left beside this database, knows that nothing of it is certain.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::beside;
use super::elsewhere::{self, Mark};
use super::folded::Folded;
use super::identity::{OpenFile, is_device};
use super::names::{USERS_SUFFIX, with_suffix};
use super::user_files::{Files, There, changed_at};
use crate::lock::lock;
use crate::store::{Db, StoreError};

/// Longest wait for another process to put its files back. While a command waits, it checks them once a second.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest wait for another process to open the queue: it may have to salvage it.
const LONG_PATIENCE: Duration = Duration::from_secs(30);

/// User that is about to open the queue. If it was alone, nobody else enters before it has.
#[derive(Debug)]
pub(crate) struct Newcomer {
    user: Option<User>,
    /// True if nobody had the queue open.
    is_alone: bool,
    /// True if there was no `.open` before.
    made: bool,
    pub(crate) found: Found,
}

/// Database and log that a newcomer finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// As the last user left them, or nothing is known of that.
    AsLeft,
    /// The same files, but somebody who is no user has written the database since. Perhaps it was only touched.
    WrittenOver,
    /// A log that does not belong to the database beside it, or may not.
    Mixed,
}

/// User that has the queue open.
#[derive(Debug)]
pub(crate) struct User {
    queue: PathBuf,
    file: File,
    /// Process that took the lock: a fork's child has the same lock, and may not give it up.
    process: u32,
    /// True once the files noted in `.open` are this one's, too.
    has_entered: bool,
    /// Time when the database was last written, as `.open` last said; 0 before that is read.
    changed_at: AtomicU64,
    /// Files to note once it has left, and nobody else has the queue open.
    last_word: Mutex<Option<Files>>,
    /// What tells others of it that have another `.open`.
    mark: Option<Mark>,
}

/// Time at which no database was ever written, so that other users find theirs written over.
const NEVER: u64 = 1;

const WRITTEN_OVER: &str = "it was written over while it was open";

/// Reason why one cannot enter yet.
enum Obstacle {
    /// Another user is just opening the queue.
    Opening,
    /// Another user has it open, with other files than there are now.
    OtherFiles,
}

impl Newcomer {
    /// Waits until the queue may be opened. None where the file system has no locks or takes no new file: then no user
    /// knows of another. Makes nothing where there is no queue and none is to be made.
    pub(crate) fn come(queue: &Path, create: bool) -> Result<Option<Self>, StoreError> {
        Self::come_within(queue, create, PATIENCE)
    }

    fn come_within(
        queue: &Path,
        create: bool,
        patience: Duration,
    ) -> Result<Option<Self>, StoreError> {
        let since = Instant::now();
        let mut pause = Duration::from_millis(1);
        let Some(mut newcomer) = Self::of(queue, create) else {
            return Ok(None);
        };
        loop {
            let passed = since.elapsed();
            match newcomer.try_to_enter(passed >= patience) {
                Ok(None) => {
                    if let Some(user) = &mut newcomer.user {
                        user.mark = Mark::of(queue);
                    }
                    return Ok(Some(newcomer));
                }
                Ok(Some(Obstacle::OtherFiles)) if passed >= patience => {
                    return Err(other_files(queue));
                }
                Ok(Some(Obstacle::Opening)) if passed >= LONG_PATIENCE => {
                    return Err(StoreError::Busy);
                }
                Ok(Some(_)) => {}
                Err(_) => return Ok(None),
            }
            std::thread::sleep(pause);
            pause = (2 * pause).min(Duration::from_millis(50));
        }
    }

    fn of(queue: &Path, create: bool) -> Option<Self> {
        let path = with_suffix(queue, USERS_SUFFIX);
        let made = !path.exists();
        if is_device(&path) || made && !create && !queue.exists() {
            return None;
        }
        let file = beside::open(queue, &path).ok()?;
        let user = User {
            queue: queue.to_path_buf(),
            file,
            process: std::process::id(),
            has_entered: false,
            changed_at: AtomicU64::new(0),
            last_word: Mutex::default(),
            mark: None,
        };
        Some(Self {
            user: Some(user),
            is_alone: false,
            made,
            found: Found::AsLeft,
        })
    }

    fn try_to_enter(&mut self, is_patience_over: bool) -> io::Result<Option<Obstacle>> {
        let Some(user) = &self.user else {
            return Ok(None);
        };
        match user.file.try_lock() {
            Ok(()) => {
                let said = user.said()?;
                if user.may_be_open_elsewhere(&said, is_patience_over)
                    && elsewhere::has_other_files(&user.queue)
                {
                    user.file.unlock()?;
                    return Ok(Some(Obstacle::OtherFiles));
                }
                self.is_alone = true;
                self.found = user.found(&said);
                return Ok(None);
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        match user.file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Some(Obstacle::Opening)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let said = user.said()?;
        let there = said.there(&user.queue);
        if there == There::All || there == There::None && is_patience_over {
            self.found = user.found(&said);
            return Ok(None);
        }
        // Not kept while waiting: nobody could open the queue alone.
        user.file.unlock()?;
        Ok(Some(Obstacle::OtherFiles))
    }

    /// Notes that these files are open now, and lets others in.
    pub(crate) fn enter(mut self, open: &OpenFile) -> Option<Arc<User>> {
        let mut user = self.user.take()?;
        user.has_entered = true;
        user.say(&Files::of(&user.queue, open));
        if self.is_alone
            && let Err(error) = user.file.lock_shared()
        {
            tracing::debug!(%error, "nobody else can open the queue as long as it is open here");
        }
        Some(Arc::new(user))
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        if let Some(user) = &self.user
            && self.made
            && self.is_alone
        {
            // It was no queue.
            let _ = std::fs::remove_file(with_suffix(&user.queue, USERS_SUFFIX));
        }
    }
}

impl User {
    /// Tells whether somebody may have the queue open who has no lock in this `.open`: it was just made, or the queue is
    /// not there, or is there with memory. Once one has waited long enough, one goes on where nothing is there that both
    /// would share.
    fn may_be_open_elsewhere(&self, said: &Files, is_patience_over: bool) -> bool {
        if with_suffix(&self.queue, "-shm").exists() {
            return true;
        }
        if self.queue.exists() {
            *said == Files::Anew
        } else {
            !is_patience_over
        }
    }

    /// Folds the log into the database, so that it does not count as another database after a kill in between. Folds
    /// nothing into a database that somebody else has written over: the log belongs to what it was.
    pub(crate) fn while_folding<E>(
        user: Option<&Arc<Self>>,
        fold: impl FnOnce() -> Result<Folded, E>,
    ) -> Result<Folded, StoreError>
    where
        StoreError: From<E>,
    {
        let Some(user) = user else {
            return Ok(fold()?);
        };
        if user.is_written_over() {
            return Err(StoreError::Damaged(WRITTEN_OVER.to_owned()));
        }
        user.folds();
        let folded = fold();
        // Otherwise another may still be folding.
        if folded.as_ref().is_ok_and(|it| it.is_whole) {
            user.is_as_it_should_be();
        }
        Ok(folded?)
    }

    /// Notes that the database is what its users have made of it.
    pub(crate) fn is_as_it_should_be(&self) {
        self.note_change(changed_at(&self.queue));
    }

    /// Notes that the database is about to be written, also should this process die: closing it folds the log.
    pub(crate) fn folds(&self) {
        self.note_change(None);
    }

    fn note_change(&self, changed_at: Option<u64>) {
        if let Ok(Files::Known { ids, .. }) = self.said() {
            self.say(&Files::Known { ids, changed_at });
        }
    }

    /// Tells whether somebody who does not know of the log has written over the database, so that it is not whole. Where
    /// it only looks so, as while two users fold the log one after the other, that is put right.
    pub(crate) fn is_written_over(&self) -> bool {
        if !self.looks_written_over() {
            return false;
        }
        let is_whole = Db::is_whole_all_the_same(&self.queue);
        if is_whole {
            self.is_as_it_should_be();
        }
        !is_whole
    }

    /// Tells whether the database has been written at a time that no user knows of.
    pub(crate) fn looks_written_over(&self) -> bool {
        let found = changed_at(&self.queue).unwrap_or(0);
        if found == self.changed_at.load(Ordering::Relaxed) {
            return false;
        }
        let Ok(said) = self.said() else {
            return false;
        };
        if said.is_written_over(&self.queue) {
            // Unless another user has begun to fold, or folded, in between.
            return self.said().is_ok_and(|again| again == said);
        }
        if let Files::Known {
            changed_at: Some(then),
            ..
        } = said
        {
            self.changed_at.store(then, Ordering::Relaxed);
        }
        false
    }

    /// Tells what the files are that a newcomer finds, by what the last user has said.
    fn found(&self, said: &Files) -> Found {
        if said.are_mixed(&self.queue) {
            Found::Mixed
        } else if self.looks_written_over() {
            Found::WrittenOver
        } else {
            Found::AsLeft
        }
    }

    /// Notes that another file is in the database's place: newcomers use that, whoever still has the former one.
    pub(crate) fn has_put_another_in_place(&self) {
        self.say(&Files::Unknown);
    }

    /// Lets newcomers in that do not find it by its lock: what it has is put back, and it goes on with what is there.
    pub(crate) fn needs_no_waiting(&self) {
        if let Some(mark) = &self.mark {
            mark.take_away();
        }
    }

    /// Notes, for when this user has left, that what it had is in the file that is there.
    pub(crate) fn has_put_back(&self) {
        *lock(&self.last_word) = Some(Files::Unknown);
    }

    /// Notes, for when this user has left, that its files may not belong to each other.
    pub(crate) fn is_in_doubt(&self) {
        *lock(&self.last_word) = Some(Files::Doubtful);
    }

    /// Notes what it leaves behind. As long as others have the same files, newcomers have to find those: whoever came in
    /// beside a log that has lost its name would make another.
    fn leave(&self) -> io::Result<()> {
        let last_word = *lock(&self.last_word);
        match last_word {
            Some(Files::Doubtful) => self.note_change(Some(NEVER)),
            _ => self.is_as_it_should_be(),
        }
        // A lock is not exchanged for another at once, in any case.
        self.file.unlock()?;
        if self.file.try_lock().is_err() {
            return Ok(());
        }
        if let Some(last_word) = last_word {
            self.say(&last_word);
        } else if let Ok(Files::Known { .. }) = self.said()
            && !with_suffix(&self.queue, "-wal").exists()
        {
            // SQLite removed it with the last connection.
            self.say(&Files::Unknown);
        }
        self.file.unlock()
    }

    fn said(&self) -> io::Result<Files> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        file.take(Files::BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(Files::read(&bytes))
    }

    fn say(&self, files: &Files) {
        let bytes = files.bytes();
        let mut file = &self.file;
        let written = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&bytes))
            .and_then(|()| file.set_len(bytes.len() as u64));
        if let Err(error) = written {
            tracing::debug!(%error, "which files of the queue are open could not be written");
        }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            return;
        }
        self.needs_no_waiting();
        // Not by closing the file: a fork's child would keep the lock.
        let left = if self.has_entered {
            self.leave()
        } else {
            self.file.unlock()
        };
        if let Err(error) = left {
            tracing::debug!(%error, "what is left of the queue could not be noted");
        }
    }
}

fn other_files(queue: &Path) -> StoreError {
    StoreError::CannotOpen {
        path: queue.to_path_buf(),
        reason: "another process has it open, with other files than are there now: they were deleted or replaced \
                 meanwhile, or that process was stopped while it opened or closed the queue; let it go on, which puts \
                 back what it had, or end it, and try again"
            .to_owned(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::time::SystemTime;

    use super::*;
    use crate::store::tests::{MAIN, NOW, append, file, open};
    use crate::store::{Db, Durability};

    const BRIEFLY: Duration = Duration::from_millis(30);

    fn come(queue: &Path) -> Result<Option<Newcomer>, StoreError> {
        Newcomer::come_within(queue, true, BRIEFLY)
    }

    fn is_mixed(queue: &Path) -> bool {
        let newcomer = come(queue).ok().flatten();
        newcomer.is_some_and(|it| it.is_alone && it.found == Found::Mixed)
    }

    /// Makes it a file that was written so many seconds after 1970 began.
    fn written_at(path: &Path, seconds: u64) {
        let file = File::options()
            .append(true)
            .open(path)
            .expect("it is there");
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        file.set_modified(time).expect("its time can be set");
    }

    fn beside(queue: &Path, suffix: &str) -> PathBuf {
        with_suffix(queue, suffix)
    }

    #[test]
    fn one_enters_beside_others_where_their_files_are_there_or_none_of_them() {
        let (_folder, path) = file();
        let mut first = open(&path);
        append(&mut first, 1).unwrap();
        let newcomer = come(&path).unwrap().unwrap();
        assert!(!newcomer.is_alone && newcomer.found == Found::AsLeft);
        drop(newcomer);
        for one in ["-wal", "-shm"] {
            let away = beside(&path, ".away");
            fs::rename(beside(&path, one), &away).unwrap();
            let refused = come(&path).unwrap_err();
            assert!(refused.to_string().contains("another process has it open"));
            fs::rename(&away, beside(&path, one)).unwrap();
            assert!(come(&path).is_ok());
        }
        for one in ["", "-wal", "-shm"] {
            fs::remove_file(beside(&path, one)).unwrap();
        }
        let newcomer = come(&path).unwrap().unwrap();
        assert!(!newcomer.is_alone && newcomer.found == Found::AsLeft);
    }

    #[test]
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn one_waits_for_who_has_the_deleted_database_and_makes_another_if_it_does_not_come_back() {
        let (_folder, path) = file();
        let mut first = open(&path);
        append(&mut first, 1).unwrap();
        for one in ["", USERS_SUFFIX] {
            fs::remove_file(beside(&path, one)).unwrap();
        }
        // Its memory would be that of both.
        assert!(come(&path).is_err());
        for one in ["-wal", "-shm"] {
            fs::remove_file(beside(&path, one)).unwrap();
        }
        let mut newcomer = Newcomer::of(&path, true).unwrap();
        for _ in 0..2 {
            assert!(matches!(
                newcomer.try_to_enter(false),
                Ok(Some(Obstacle::OtherFiles))
            ));
            newcomer = Newcomer::of(&path, true).unwrap();
        }
        assert!(matches!(newcomer.try_to_enter(true), Ok(None)));
        drop(newcomer);
        first.put_back(Durability::PowerCut, NOW).unwrap();
        drop(first);
        let mut newcomer = Newcomer::of(&path, true).unwrap();
        assert!(matches!(newcomer.try_to_enter(false), Ok(None)));
    }

    #[test]
    fn while_one_opens_nobody_enters() {
        let (_folder, path) = file();
        let opening = come(&path).unwrap().unwrap();
        let mut other = Newcomer::of(&path, true).unwrap();
        assert!(matches!(
            other.try_to_enter(true),
            Ok(Some(Obstacle::Opening))
        ));
        drop(opening);
        assert!(matches!(other.try_to_enter(true), Ok(None)));
    }

    #[test]
    fn nothing_is_left_beside_what_is_no_queue_or_is_not_there() {
        let (folder, path) = file();
        assert!(
            Newcomer::come_within(&path, false, BRIEFLY)
                .unwrap()
                .is_none()
        );
        drop(come(&path).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_log_that_was_not_left_beside_this_database_is_told() {
        let (folder, path) = file();
        append(&mut open(&path), 1).unwrap();
        let older = folder.path().join("older.db");
        fs::copy(&path, &older).unwrap();
        let killed = || {
            let mut db = open(&path);
            append(&mut db, 2).unwrap();
            let said = fs::read(beside(&path, USERS_SUFFIX)).unwrap();
            let log = fs::read(beside(&path, "-wal")).unwrap();
            drop(db);
            fs::write(beside(&path, USERS_SUFFIX), said).unwrap();
            log
        };
        // The database as it was left: nothing was folded into it after this was written.
        let log = killed();
        let left = |log: &[u8]| fs::write(beside(&path, "-wal"), log).unwrap();
        assert!(!is_mixed(&path), "there is no log");
        left(&log);
        fs::copy(&older, &path).unwrap();
        let written_over = come(&path).unwrap().unwrap().found;
        // The log may have got its inode again.
        assert_ne!(written_over, Found::AsLeft);
        fs::copy(&older, beside(&path, ".new")).unwrap();
        fs::rename(beside(&path, ".new"), &path).unwrap();
        left(&[]);
        assert!(!is_mixed(&path), "the log is empty");
    }

    #[test]
    fn a_log_that_was_left_beside_its_database_is_believed_whatever_folded_it() {
        let (_folder, path) = file();
        let mut db = open(&path);
        append(&mut db, 1).unwrap();
        assert!(!db.user.as_ref().unwrap().looks_written_over());
        db.fold().unwrap();
        append(&mut db, 2).unwrap();
        assert!(!db.user.as_ref().unwrap().looks_written_over());
        let user = db.user.clone();
        User::while_folding(user.as_ref(), || {
            fs::write(beside(&path, ".ledger-copy"), "").unwrap();
            // A kill here is no other database.
            written_at(&path, 0);
            assert!(!user.as_ref().unwrap().looks_written_over());
            Ok::<_, StoreError>(Folded::whole())
        })
        .unwrap();
        assert!(!user.as_ref().unwrap().looks_written_over());
    }

    #[test]
    fn who_folds_only_in_part_does_not_say_when_the_database_was_written() {
        let (_folder, path) = file();
        let mut db = open(&path);
        append(&mut db, 1).unwrap();
        let passively = || Folded::by(&db.conn, "PASSIVE");
        let mut folded = User::while_folding(db.user.as_ref(), passively).unwrap();
        for (is_whole, seconds) in [(false, 1), (true, 2)] {
            folded.is_whole = is_whole;
            User::while_folding(db.user.as_ref(), || Ok::<_, StoreError>(folded)).unwrap();
            // Another goes on folding.
            written_at(&path, seconds);
            assert_eq!(db.user.as_ref().unwrap().looks_written_over(), is_whole);
        }
    }

    #[test]
    fn a_whole_database_that_was_written_at_a_time_nobody_knows_is_no_other() {
        let (_folder, path) = file();
        let mut db = open(&path);
        append(&mut db, 1).unwrap();
        let other = open(&path);
        let user = db.user.clone().unwrap();
        written_at(&path, 1);
        assert!(user.looks_written_over());
        assert!(!user.is_written_over());
        assert!(!user.looks_written_over());
        written_at(&path, 2);
        drop((user, db, other));
        let opened = Db::open(&path, Durability::PowerCut, NOW).unwrap();
        assert!(opened.salvaged.is_none());
    }

    #[test]
    fn who_has_lost_its_log_leaves_that_of_another_alone() {
        let (_folder, path) = file();
        let mut db = open(&path);
        append(&mut db, 1).unwrap();
        for name in ["-wal", "-shm"] {
            fs::remove_file(beside(&path, name)).unwrap();
        }
        fs::write(beside(&path, "-wal"), "theirs").unwrap();
        drop(db);
        assert_eq!(fs::read(beside(&path, "-wal")).unwrap(), b"theirs");
    }

    #[test]
    fn who_was_in_doubt_says_so_to_whoever_opens_next() {
        let (_folder, path) = file();
        let mut db = open(&path);
        append(&mut db, 1).unwrap();
        db.user.as_ref().unwrap().is_in_doubt();
        drop(db);
        let opened = Db::open(&path, Durability::PowerCut, NOW).unwrap();
        assert!(opened.salvaged.as_ref().is_some_and(|told| told.uncertain));
        assert_eq!(opened.db.ledger(MAIN).unwrap().queued, 1);
        drop(opened);
        let again = Db::open(&path, Durability::PowerCut, NOW).unwrap();
        assert!(again.salvaged.is_none());
    }
}
