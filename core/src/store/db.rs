//! One connection to the queue's file, and the way it is written to.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::{StoreError, UpstreamId};
use crate::store::file::failing;
use crate::store::file::folded::Folded;
use crate::store::file::identity::{self, FileId, FileState, OpenFile};
use crate::store::file::names;
use crate::store::file::settings::{BUSY, PAGE_BYTES};
use crate::store::file::users::User;
use crate::store::file::wal;
use crate::store::ledger_file::accounts::Others;
use crate::store::ledger_file::counts::Numbers;
use crate::store::ledger_file::notes::Withdrawn;
use crate::store::ledger_file::reading;
use crate::store::ledger_file::writer::Keeper;
use crate::store::queue::balance;
use crate::store::queue::next_batch::Walk;
use crate::store::repair::pages::Pages;

/// One connection to a queue's file. Blocking; used by one thread at a time.
#[derive(Debug)]
pub struct Db {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
    /// None for a second connection, which writes nothing.
    pub(super) open_file: Option<OpenFile>,
    /// Writer of the `.ledger` file; none for a second connection and for a file that is still being prepared
    /// to replace this one.
    pub(super) keeper: Option<Box<Keeper>>,
    /// Last place in the log that was given out before the last statements were taken in.
    pub(super) appended_after: i64,
    /// Statements that the next commit takes out.
    pub(super) leaving: Leaving,
    pub(super) walks: Vec<(UpstreamId, Walk)>,
    /// Tells whether the disk is nearly full; transactions are kept small then.
    pub(super) has_little_room: bool,
    /// Number of statements or pages in such a small transaction; halved each time there was no room even for
    /// that.
    pub(super) little: i64,
    /// Tells whether this is the only connection that can be open.
    pub(super) is_alone: bool,
    /// Tells whether the database holds less than its `.ledger` file says. That is only ever written from the
    /// database, so the database has gone back to an older state.
    pub(super) has_gone_back: bool,
    /// Entry among the users of the file; none for a second connection, and where the file system knows no
    /// locks or takes no new file. It ends after the connection.
    pub(super) user: Option<Arc<User>>,
}

impl Db {
    /// Returns the file's path.
    #[cfg(feature = "internals")]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a write in one transaction, or as part of the open one.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.together(|db| work(&db.conn))
    }

    /// Commits the writes of several calls at once, or not at all: an error undoes all of them.
    pub fn together<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if !self.conn.is_autocommit() {
            return work(self);
        }
        // IMMEDIATE: waits for a second process at the start, and not in the middle.
        self.run("BEGIN IMMEDIATE")?;
        let open = Uncommitted(self);
        // A damaged file may have been out of balance before.
        let was_balanced = cfg!(debug_assertions) && balance::error(&open.0.conn).is_none();
        let value = work(open.0)?;
        if was_balanced {
            debug_assert_eq!(balance::error(&open.0.conn), None);
        }
        open.0.note_leaving()?;
        open.0.run("COMMIT")?;
        open.0.leaving = Leaving::default();
        Ok(value)
    }

    /// Notes in the `.ledger` file what this transaction takes out, before it is committed.
    fn note_leaving(&mut self) -> Result<(), StoreError> {
        let count = self.leaving.notes.len() as u64;
        let (Some(keeper), true) = (&mut self.keeper, count > 0) else {
            return Ok(());
        };
        let (family, first): ([u8; 16], i64) = self
            .conn
            .prepare_cached(
                "UPDATE ledger SET withdrawn = withdrawn + ?1 RETURNING family, withdrawn - ?1",
            )?
            .query_row([count as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let first = first as u64;
        self.leaving.noted = Some(first..first + count);
        match keeper.withdraw(&family, first, &self.leaving.notes) {
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                Err(StoreError::DiskFull)
            }
            // Without a note, an older copy would bring the statement back and send it. So nothing is taken
            // out.
            Err(error) => Err(StoreError::ReadOnly(format!(
                "what is kept beside it, in its .ledger: {error}"
            ))),
            Ok(()) => Ok(()),
        }
    }

    /// Wipes out the notes of a transaction that did not commit.
    fn unnote_leaving(&mut self) {
        if let (Some(noted), Some(keeper)) = (self.leaving.noted.take(), &mut self.keeper)
            && let Err(error) = keeper.unwithdraw(noted)
        {
            tracing::error!(%error, "the note of what was not taken back could not be wiped out");
        }
        self.leaving = Leaving::default();
    }

    /// Runs several reads on one snapshot, whatever others write in between.
    pub fn at_once<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if !self.conn.is_autocommit() {
            return work(self);
        }
        self.run("BEGIN")?;
        let value = work(self);
        // It only read, so there is nothing that a failure could leave to be undone.
        let ended = self.run("COMMIT");
        let value = value?;
        ended?;
        Ok(value)
    }

    /// Writes the file's counts to its `.ledger` file; called after each piece of work, whether that succeeded
    /// or not. Failure is only logged.
    pub(super) fn keep_numbers(&mut self) {
        if let Err(error) = self.try_to_keep_numbers() {
            // Recording refuses to continue without them.
            tracing::warn!(%error, "what is kept beside the queue's file is behind it");
        }
    }

    /// Like `keep_numbers`, but returns an error if they cannot be written for another reason than a full disk.
    pub(super) fn try_to_keep_numbers(&mut self) -> Result<(), StoreError> {
        self.keep(MayBeOlder::No)
    }

    /// Like `try_to_keep_numbers`, even if the `.ledger` file is ahead of the database: that has been reported
    /// by then.
    pub(super) fn keep_numbers_anew(&mut self) -> Result<(), StoreError> {
        self.keep(MayBeOlder::Yes)
    }

    fn keep(&mut self, may_be_older: MayBeOlder) -> Result<(), StoreError> {
        let version = self.version();
        if let Some(keeper) = &mut self.keeper
            && keeper.has_changed(self.conn.total_changes(), version)
        {
            // The order matters: whatever another process has written to the `.ledger` file is in the database
            // by then.
            let beside = reading::head(&self.path);
            let (Ok(numbers), Ok(others)) = (Numbers::of(&self.conn), Others::to_keep(&self.conn))
            else {
                return Ok(());
            };
            if may_be_older == MayBeOlder::No
                && beside.is_some_and(|beside| beside.is_newer_than(&numbers))
            {
                // For example, its log was overwritten with an older one. Only the `.ledger` file shows that.
                self.has_gone_back = true;
                return Ok(());
            }
            let kept = keeper.keep(numbers, others);
            return kept.map_err(|error| self.not_kept(&error));
        }
        Ok(())
    }

    /// Returns the error for numbers that could not be written to the `.ledger` file.
    pub(super) fn not_kept(&self, error: &std::io::Error) -> StoreError {
        let beside = names::with_suffix(&self.path, names::LEDGER_SUFFIX);
        failing::unusable(&self.path, &beside, error)
    }

    /// Returns a number that changes with each commit of another connection.
    pub(super) fn version(&self) -> i64 {
        let mut version = self.conn.prepare_cached("PRAGMA data_version").ok();
        version
            .as_mut()
            .and_then(|version| version.query_row([], |row| row.get(0)).ok())
            .unwrap_or_default()
    }

    /// Runs a cached statement: to prepare even these few words anew costs as much as a tenth of a commit.
    fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Stops the file from growing, as on a full disk, or lets it grow again. For tests.
    #[doc(hidden)]
    #[cfg(feature = "internals")]
    pub fn fill_disk(&mut self, full: bool) -> Result<(), StoreError> {
        // Fewer pages than there are means as many as there are.
        let most = if full { 1 } else { u32::MAX - 1 };
        let set = format!("PRAGMA max_page_count = {most}");
        Ok(self.conn.query_row(&set, [], |_| Ok(()))?)
    }

    /// Gives some of the freed pages back to the file system; true if there are more. Works in small steps, so
    /// that `record` never waits long for it.
    pub fn shrink(&mut self) -> Result<bool, StoreError> {
        let (live, free) = self.pages()?;
        if free < WORTH_SHRINKING {
            return Ok(false);
        }
        if self.has_little_room {
            self.vacuum(self.little)?;
        } else if live <= REBUILT_IN_NO_TIME {
            self.rebuild()?;
        } else {
            self.vacuum(SHRINK_AT_ONCE)?;
        }
        Ok(true)
    }

    /// Gives all freed pages back and folds the write-ahead log into the file. For quiet moments, such as
    /// before a pause.
    pub fn tidy(&mut self) -> Result<(), StoreError> {
        while self.shrink()? {}
        self.checkpoint()
    }

    /// Removes every trace of deleted rows: pages that were split or joined keep copies of rows that were
    /// moved, which overwriting deleted rows does not reach. False if a reader uses the log, which then still
    /// holds some.
    pub(super) fn expunge(&mut self) -> Result<bool, StoreError> {
        let (live, _) = self.pages()?;
        if live <= REBUILT_IN_MEMORY || self.rebuild_through_a_file().is_err() {
            self.rebuild()?;
        }
        self.fold()
    }

    /// Returns the state of the file: still where it was opened, or not.
    pub(super) fn file_state(&self) -> FileState {
        match &self.open_file {
            Some(place) => place.file_state(&self.path),
            None => FileState::InPlace,
        }
    }

    /// Tells whether the file has been written, since it was opened, at a time that no user knows of.
    pub(super) fn looks_written_over(&self) -> bool {
        self.user
            .as_ref()
            .is_some_and(|user| user.looks_written_over())
    }

    /// Tells whether somebody has written over the file since it was opened, so that it is not whole.
    pub(super) fn is_written_over(&self) -> bool {
        self.user
            .as_ref()
            .is_some_and(|user| user.is_written_over())
    }

    /// Returns the identity of the open file.
    pub(super) fn id(&self) -> Option<FileId> {
        self.open_file.and_then(|place| place.file)
    }

    /// Writes a copy of the whole database to a new file.
    pub(super) fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let name = path.to_str().ok_or_else(|| StoreError::CannotOpen {
            path: path.to_path_buf(),
            reason: "its name is not Unicode".to_owned(),
        })?;
        self.conn.execute("VACUUM INTO ?1", [name])?;
        Ok(())
    }

    /// Returns the number of pages in use and of free pages.
    fn pages(&self) -> Result<(i64, i64), StoreError> {
        let count = |name| {
            self.conn
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
        };
        let free = count("freelist_count")?;
        Ok((count("page_count")? - free, free))
    }

    /// Rewrites the database without the free pages, by way of memory.
    fn rebuild(&mut self) -> Result<(), StoreError> {
        Ok(self.conn.execute_batch("VACUUM")?)
    }

    /// Like `rebuild`, by way of a temporary file. Fails where the system has no folder for those, as on some
    /// Android devices.
    fn rebuild_through_a_file(&mut self) -> Result<(), StoreError> {
        self.conn.execute_batch("PRAGMA temp_store = FILE")?;
        let rebuilt = self.rebuild();
        self.conn.execute_batch("PRAGMA temp_store = MEMORY")?;
        rebuilt
    }

    /// Folds the write-ahead log into the file and truncates it, unless it is being read.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.fold().map(drop)
    }

    /// Like `checkpoint`; false if the log is being read.
    pub(super) fn fold(&self) -> Result<bool, StoreError> {
        let folded =
            User::while_folding(self.user.as_ref(), || Folded::by(&self.conn, "TRUNCATE"))?;
        Ok(folded.is_whole)
    }

    /// Like `fold`, also into a database that somebody has written over: nothing else has what the log has.
    pub(super) fn fold_all_the_same(&self) -> Result<bool, StoreError> {
        if let Some(user) = &self.user {
            user.is_as_it_should_be();
        }
        self.fold()
    }

    /// Like `fold`, without waiting long for readers.
    pub(super) fn fold_now(&self) -> Result<bool, StoreError> {
        self.conn.busy_timeout(BRIEFLY)?;
        let folded = self.fold();
        self.conn.busy_timeout(BUSY)?;
        folded
    }

    /// Keeps SQLite from folding the log when this connection closes.
    pub(super) fn fold_nothing_when_closed(&self) -> Result<(), StoreError> {
        Ok(wal::fold_nothing_when_closed(&self.conn)?)
    }

    /// Lets SQLite fold the log when this connection closes last: the database is what it should be.
    pub(super) fn fold_when_closed(&self) -> Result<(), StoreError> {
        Ok(wal::fold_when_closed(&self.conn)?)
    }

    /// Tells whether the log beside the file cannot be its own: with it the file is shorter, and what would be cut off
    /// holds statements that came after all that the database knows. Its own has a higher place in the log of statements
    /// than any that was ever taken in.
    pub(super) fn has_the_log_of_another(&self) -> Result<bool, StoreError> {
        let (live, free) = self.pages()?;
        let pages = u64::try_from(live + free).unwrap_or(0);
        if identity::size_of(&self.path) <= pages * u64::from(PAGE_BYTES) {
            return Ok(false);
        }
        // Where nothing can be read of what it knows, whatever would be cut off counts.
        let last = self.last_seq().unwrap_or(0);
        Ok(Pages::of_file(&self.path)?.has_statement_after(pages, last))
    }

    /// Returns an error if the database's pages or counts contradict each other.
    pub(super) fn must_be_of_one_age(&self) -> Result<(), StoreError> {
        let found: String = self
            .conn
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        match balance::error(&self.conn) {
            _ if found != "ok" => Err(StoreError::Damaged(found)),
            Some(out_of_balance) => Err(StoreError::Damaged(out_of_balance)),
            None => Ok(()),
        }
    }

    /// Returns the number of bytes by which the file grows once everything committed, or about to be, is folded
    /// into it.
    pub(super) fn growth(&self) -> Result<u64, StoreError> {
        let pages: u32 = self
            .conn
            .prepare_cached("PRAGMA page_count")?
            .query_row([], |row| row.get(0))?;
        Ok(
            (u64::from(pages) * u64::from(PAGE_BYTES))
                .saturating_sub(identity::size_of(&self.path)),
        )
    }

    /// Frees at most this many pages; 0 for all.
    fn vacuum(&mut self, pages: i64) -> Result<(), StoreError> {
        let mut vacuum = self
            .conn
            .prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        // Each step frees one page.
        let mut steps = vacuum.query([])?;
        while steps.next()?.is_some() {}
        Ok(())
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        if self.open_file.is_none() {
            return;
        }
        if self.file_state() != FileState::InPlace {
            // If this fails, SQLite removes the log that has the name of this one.
            let _ = self.fold_nothing_when_closed();
            return;
        }
        let Some(user) = &self.user else {
            return;
        };
        if user.is_written_over() {
            // If this fails, the log is folded into what it does not belong to.
            let _ = self.fold_nothing_when_closed();
            user.is_in_doubt();
        } else {
            user.folds();
        }
    }
}

/// Permission to replace the numbers in the `.ledger` file by older ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MayBeOlder {
    Yes,
    No,
}

/// Statements that a transaction takes out.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    pub(super) notes: Vec<Withdrawn>,
    /// Numbers of the notes that are already in the `.ledger` file.
    noted: Option<Range<u64>>,
}

/// A transaction that is undone unless it was committed, even by a panic.
struct Uncommitted<'a>(&'a mut Db);

impl Drop for Uncommitted<'_> {
    fn drop(&mut self) {
        // Before others may write: whoever opens the file next believes the notes.
        self.0.unnote_leaving();
        if !self.0.conn.is_autocommit() {
            // If this fails, SQLite has rolled back already, or does so before the next transaction.
            let _ = self.0.conn.execute_batch("ROLLBACK");
        }
    }
}

/// Number of pages in use, half a megabyte, up to which it is quicker to rewrite the file than to free pages.
const REBUILT_IN_NO_TIME: i64 = 512;

/// Number of pages in use, 64 MiB, above which the file is not rewritten by way of memory if there is another
/// way.
const REBUILT_IN_MEMORY: i64 = 64 * 1024;

/// Pages freed in one transaction: a megabyte.
const SHRINK_AT_ONCE: i64 = 1_024;

/// Pages freed, and statements deleted, in one transaction where there is little room.
pub(super) const A_LITTLE: i64 = SHRINK_AT_ONCE / 8;

/// Longest wait for readers where there is little room.
const BRIEFLY: Duration = Duration::from_millis(200);

/// Number of free pages below which they are kept for the next records.
const WORTH_SHRINKING: i64 = 256;
