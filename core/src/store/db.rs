//! One connection to the file, and how it is written to.

use crate::store::file::failing;
use crate::store::file::identity;
use crate::store::file::names;
use crate::store::ledger_file::reading;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::{StoreError, UpstreamId};
use crate::store::file::folded::Folded;
use crate::store::file::identity::FileId;
use crate::store::file::identity::FileState;
use crate::store::file::identity::OpenFile;
use crate::store::file::settings::{BUSY, PAGE_BYTES};
use crate::store::file::users::User;
use crate::store::file::wal;
use crate::store::ledger_file::accounts::Others;
use crate::store::ledger_file::counts::Numbers;
use crate::store::ledger_file::notes::Withdrawn;
use crate::store::ledger_file::writer::Keeper;
use crate::store::queue::balance;
use crate::store::queue::next_batch::Walk;

/// One connection to a queue's file. Blocking; used by one thread at a time.
#[derive(Debug)]
pub struct Db {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
    /// None for a second connection, which writes nothing.
    pub(super) open_file: Option<OpenFile>,
    /// What is kept beside the file; none for a second connection and for a successor in the making.
    pub(super) keeper: Option<Box<Keeper>>,
    /// What is taken out with the next commit.
    pub(super) leaving: Leaving,
    pub(super) walks: Vec<(UpstreamId, Walk)>,
    /// The disk is nearly full: a little at a time.
    pub(super) has_little_room: bool,
    /// So many statements or pages are that little; fewer each time that there was no room for so many.
    pub(super) little: i64,
    /// No other connection can be opened while this one is.
    pub(super) is_alone: bool,
    /// It says less than what is kept beside it, which nobody has written but for what was in it.
    pub(super) has_gone_back: bool,
    /// None for a second connection, and where nobody is told from anybody. It ends after the connection.
    pub(super) user: Option<Arc<User>>,
}

impl Db {
    /// The file.
    #[cfg(feature = "internals")]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All that is written is written in here.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.together(|db| work(&db.conn))
    }

    /// What several calls write is committed at once, or not at all: an error undoes all of it.
    pub fn together<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if !self.conn.is_autocommit() {
            return work(self);
        }
        // IMMEDIATE: a second process is waited for at the start and not in the middle.
        self.run("BEGIN IMMEDIATE")?;
        let open = Uncommitted(self);
        // A damaged file may be out of balance before.
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

    /// Notes beside the file what this transaction takes out, before it does.
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
            // Without a note an older copy would bring back, and send, what nobody was told stays.
            Err(error) => Err(StoreError::ReadOnly(format!(
                "what is kept beside it, in its .ledger: {error}"
            ))),
            Ok(()) => Ok(()),
        }
    }

    /// It was not taken out after all.
    fn unnote_leaving(&mut self) {
        if let (Some(noted), Some(keeper)) = (self.leaving.noted.take(), &mut self.keeper)
            && let Err(error) = keeper.unwithdraw(noted)
        {
            tracing::error!(%error, "the note of what was not taken back could not be wiped out");
        }
        self.leaving = Leaving::default();
    }

    /// What several calls read is of one moment, whoever writes meanwhile.
    pub fn at_once<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if !self.conn.is_autocommit() {
            return work(self);
        }
        self.run("BEGIN")?;
        let value = work(self);
        // It has read only: there is nothing that this could fail to undo.
        let ended = self.run("COMMIT");
        let value = value?;
        ended?;
        Ok(value)
    }

    /// Keeps beside the file what it says of itself now, after what is done whether that succeeds or not.
    pub(super) fn keep_numbers(&mut self) {
        if let Err(error) = self.try_to_keep_numbers() {
            // Recording refuses to go on without them.
            tracing::warn!(%error, "what is kept beside the queue's file is behind it");
        }
    }

    /// The same; an error where that fails for anything but want of room.
    pub(super) fn try_to_keep_numbers(&mut self) -> Result<(), StoreError> {
        self.keep(MayBeOlder::No)
    }

    /// The same, whatever stands beside it: that is told by now.
    pub(super) fn keep_numbers_anew(&mut self) -> Result<(), StoreError> {
        self.keep(MayBeOlder::Yes)
    }

    fn keep(&mut self, may_be_older: MayBeOlder) -> Result<(), StoreError> {
        let version = self.version();
        if let Some(keeper) = &mut self.keeper
            && keeper.has_changed(self.conn.total_changes(), version)
        {
            // In this order: what another process writes beside the file is in the file by then.
            let beside = reading::head(&self.path);
            let (Ok(numbers), Ok(others)) = (Numbers::of(&self.conn), Others::to_keep(&self.conn))
            else {
                return Ok(());
            };
            if may_be_older == MayBeOlder::No
                && beside.is_some_and(|beside| beside.is_newer_than(&numbers))
            {
                // Its log was written over with an older one, say. What is beside it is all that tells.
                self.has_gone_back = true;
                return Ok(());
            }
            let kept = keeper.keep(numbers, others);
            return kept.map_err(|error| self.not_kept(&error));
        }
        Ok(())
    }

    /// The numbers beside the file could not be written.
    pub(super) fn not_kept(&self, error: &std::io::Error) -> StoreError {
        let beside = names::with_suffix(&self.path, names::LEDGER_SUFFIX);
        failing::unusable(&self.path, &beside, error)
    }

    /// Changes with each commit of others.
    pub(super) fn version(&self) -> i64 {
        let mut version = self.conn.prepare_cached("PRAGMA data_version").ok();
        version
            .as_mut()
            .and_then(|version| version.query_row([], |row| row.get(0)).ok())
            .unwrap_or_default()
    }

    /// From the cache: to read these few words anew costs as much as a tenth of a commit.
    fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// The file grows no further, as on a full disk, or as far as it likes again. For tests of that.
    #[doc(hidden)]
    #[cfg(feature = "internals")]
    pub fn fill_disk(&mut self, full: bool) -> Result<(), StoreError> {
        // Fewer pages than there are means as many as there are.
        let most = if full { 1 } else { u32::MAX - 1 };
        let set = format!("PRAGMA max_page_count = {most}");
        Ok(self.conn.query_row(&set, [], |_| Ok(()))?)
    }

    /// Gives some of the freed pages back to the file system; true if there are more. In slices, so
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

    /// Gives all freed pages back and folds the write-ahead log into the file. For quiet moments:
    /// before a pause.
    pub fn tidy(&mut self) -> Result<(), StoreError> {
        while self.shrink()? {}
        self.checkpoint()
    }

    /// Leaves no trace of what was deleted: pages that were split or joined keep copies of rows that
    /// were moved, which overwriting deleted rows does not reach. False if somebody reads the log, which
    /// then holds some still.
    pub(super) fn expunge(&mut self) -> Result<bool, StoreError> {
        let (live, _) = self.pages()?;
        if live <= REBUILT_IN_MEMORY || self.rebuild_through_a_file().is_err() {
            self.rebuild()?;
        }
        self.fold()
    }

    /// Tells whether the file is still where it was opened.
    pub(super) fn file_state(&self) -> FileState {
        match &self.open_file {
            Some(place) => place.file_state(&self.path),
            None => FileState::InPlace,
        }
    }

    /// Tells whether its log is still where it was opened.
    pub(super) fn has_its_log(&self) -> bool {
        let place = self.open_file.as_ref();
        place.is_some_and(|place| place.has_its_log(&self.path))
    }

    /// Returns which file it is.
    pub(super) fn id(&self) -> Option<FileId> {
        self.open_file.and_then(|place| place.file)
    }

    /// Writes all that is there into a new file.
    pub(super) fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let name = path.to_str().ok_or_else(|| StoreError::CannotOpen {
            path: path.to_path_buf(),
            reason: "its name is not Unicode".to_owned(),
        })?;
        self.conn.execute("VACUUM INTO ?1", [name])?;
        Ok(())
    }

    /// Pages that hold something, and free ones.
    fn pages(&self) -> Result<(i64, i64), StoreError> {
        let count = |name| {
            self.conn
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
        };
        let free = count("freelist_count")?;
        Ok((count("page_count")? - free, free))
    }

    /// Writes all that is there anew, without the free pages; it passes through memory.
    fn rebuild(&mut self) -> Result<(), StoreError> {
        Ok(self.conn.execute_batch("VACUUM")?)
    }

    /// The same, through a temporary file. It fails where the system has no folder for those, as Android
    /// may not.
    fn rebuild_through_a_file(&mut self) -> Result<(), StoreError> {
        self.conn.execute_batch("PRAGMA temp_store = FILE")?;
        let rebuilt = self.rebuild();
        self.conn.execute_batch("PRAGMA temp_store = MEMORY")?;
        rebuilt
    }

    /// Folds the write-ahead log into the file and cuts it to nothing, unless somebody reads it.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.fold().map(drop)
    }

    /// The same; false if somebody reads it.
    pub(super) fn fold(&self) -> Result<bool, StoreError> {
        let folded =
            User::while_folding(self.user.as_ref(), || Folded::by(&self.conn, "TRUNCATE"))?;
        Ok(folded.is_whole)
    }

    /// The same, without waiting long for who reads it.
    pub(super) fn fold_now(&self) -> Result<bool, StoreError> {
        self.conn.busy_timeout(BRIEFLY)?;
        let folded = self.fold();
        self.conn.busy_timeout(BUSY)?;
        folded
    }

    /// Leaves the log as it is when this is closed.
    pub(super) fn fold_nothing_when_closed(&self) -> Result<(), StoreError> {
        Ok(wal::fold_nothing_when_closed(&self.conn)?)
    }

    /// Refuses a database whose pages or numbers do not fit each other.
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

    /// Returns by how many bytes the file grows once all that is committed, or is about to be, is folded into
    /// it.
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

    /// At most so many pages; 0 for all.
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
        if let (Some(user), Some(_)) = (&self.user, &self.open_file) {
            user.folds();
        }
    }
}

/// Whether what is beside the queue may get older than it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MayBeOlder {
    Yes,
    No,
}

/// What a transaction takes out.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    pub(super) notes: Vec<Withdrawn>,
    /// Under these numbers they stand beside the file already.
    noted: Option<Range<u64>>,
}

/// A transaction that is undone unless it was committed, also by a panic.
struct Uncommitted<'a>(&'a mut Db);

impl Drop for Uncommitted<'_> {
    fn drop(&mut self) {
        // Before others may write: whoever opens the file next believes what is noted.
        self.0.unnote_leaving();
        if !self.0.conn.is_autocommit() {
            // Where this fails SQLite has undone it, or does so before the next one.
            let _ = self.0.conn.execute_batch("ROLLBACK");
        }
    }
}

/// Up to so many pages, half a megabyte, are sooner written anew than others are freed.
const REBUILT_IN_NO_TIME: i64 = 512;

/// More than so many pages, 64 MiB, are not taken through memory if there is another way.
const REBUILT_IN_MEMORY: i64 = 64 * 1024;

/// Pages freed in one transaction: a megabyte.
const SHRINK_AT_ONCE: i64 = 1_024;

/// The same where there is little room, and statements deleted in one transaction there.
pub(super) const A_LITTLE: i64 = SHRINK_AT_ONCE / 8;

/// How long whoever is short of room waits for those who read.
const BRIEFLY: Duration = Duration::from_millis(200);

/// Fewer free pages are kept for what is recorded next.
const WORTH_SHRINKING: i64 = 256;
