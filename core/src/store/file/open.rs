//! Opening the queue's file: settings, schema, and what to do with a file that is not as it should be.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::failing;
use super::folder::{self, FolderLock};
use super::identity::{self, FileId, FileState, OpenFile};
use super::kind::{self, Nature};
use super::names;
use super::path;
use super::replace::{self, LockedOut};
use super::schema::{self, SCHEMA_VERSION};
use super::settings::APPLICATION_ID;
use super::settings::BUSY;
use super::settings::PAGE_BYTES;
use super::users::{Found, Newcomer};
use super::wal::fold_nothing_when_closed;
use super::wal_length::{FULL_BYTES, LogLength};
use super::{beside, one_name, reserve};
use crate::lock::lock;
use crate::store::db::{A_LITTLE, Leaving};
use crate::store::ledger_file::reading;
use crate::store::ledger_file::writer::Keeper;
use crate::store::queue::end::Tail;
use crate::store::repair::loss;
use crate::store::repair::salvage;
use crate::store::repair::salvage_report::Salvaged;
use crate::store::{Db, Millis, StoreError};

/// Events that a statement survives once `record` has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A power cut: every commit is synced to the disk (`synchronous=FULL`, `fullfsync` on Apple).
    #[default]
    PowerCut,
    /// The death of the process, but not a power cut, which may take the last commits with it
    /// (`synchronous=NORMAL`). Several times as fast.
    ProcessCrash,
}

/// Options for opening a queue's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Events that a recorded statement survives.
    pub durability: Durability,
    /// True to make the file where there is none.
    pub create: bool,
}

impl From<Durability> for Opening {
    /// Returns options with this durability that make the file where there is none.
    fn from(durability: Durability) -> Self {
        Self {
            durability,
            create: true,
        }
    }
}

/// Result of opening a queue.
#[derive(Debug)]
pub struct Opened {
    /// The connection.
    pub db: Db,
    /// Report of what was saved and lost, if the file was damaged or had gone back in time.
    pub salvaged: Option<Salvaged>,
}

impl Opened {
    /// Lets others join this one from now on.
    fn by(mut self, newcomer: Option<Newcomer>) -> Result<Self, StoreError> {
        let open = newcomer.zip(self.db.open_file);
        self.db.user = open.and_then(|(newcomer, open)| newcomer.enter(&open));
        LogLength::default().watch(&mut self.db.conn, self.db.user.as_ref())?;
        Ok(self)
    }
}

impl Db {
    /// Opens the queue at `path`. Where there is none it is made, if `opening` says so. The folder must exist.
    ///
    /// A file of a newer schema or of another program is refused and left untouched. The readable statements of a
    /// damaged file are saved into a new one, and the damaged one is kept whole under another name.
    pub fn open(
        path: &Path,
        opening: impl Into<Opening>,
        now: Millis,
    ) -> Result<Opened, StoreError> {
        let Opening { durability, create } = opening.into();
        let path = &path::absolute(path)?;
        path::must_be_short(path)?;
        path::must_be_no_companion(path)?;
        beside::must_be_ours(path)?;
        one_name::must_have_one_name(path)?;
        reading::must_be_usable(path)?;
        let newcomer = Newcomer::come(path, create)?;
        let files = newcomer.as_ref().map_or(Found::AsLeft, |it| it.found);
        let mut kept_at = None;
        if replace::is_ready(path) {
            let _turn = FolderLock::wait(path);
            kept_at = replace::finish(path, now)?;
        }
        let found = FileId::of(path);
        match Nature::of(path)? {
            Nature::Absent if !create => return Err(failing::missing(path)),
            Nature::Absent => {
                folder::must_have_folder(path)?;
                beside::must_be_of_a_queue(path)?;
            }
            Nature::Foreign => return Err(StoreError::Foreign(path.clone())),
            Nature::Lost => {
                let why = "it is empty or gone, and was not before";
                return Self::salvage_as(newcomer, path, found, durability, why, now);
            }
            Nature::ForSqlite if identity::size_of(path) == 0 => {
                beside::must_be_of_a_queue(path)?;
            }
            Nature::ForSqlite => {}
        }
        let opened = look_into(path, durability).and_then(|mut db| {
            schema::must_be_whole(&db.conn)?;
            if db.has_the_log_of_another()? {
                return Err(StoreError::Damaged(LOG_OF_ANOTHER.to_owned()));
            }
            let salvaged = db.found_sound(kept_at.as_deref(), files, now)?;
            Ok(Opened { db, salvaged })
        });
        match opened {
            Ok(opened) => opened.by(newcomer),
            Err(StoreError::Damaged(why)) => {
                if !kind::was_a_queue(path)? {
                    return Err(StoreError::Foreign(path.clone()));
                }
                Self::salvage_as(newcomer, path, found, durability, &why, now)
            }
            Err(other) => Err(other),
        }
    }

    /// Tells what is missing of a file that is whole, and from then on lets its log be folded into it.
    fn found_sound(
        &mut self,
        kept_at: Option<&Path>,
        files: Found,
        now: Millis,
    ) -> Result<Option<Salvaged>, StoreError> {
        if let Some(kept_at) = kept_at {
            loss::write_kept_at(self, kept_at)?;
        }
        // Every use needs these: damage in them shows now.
        self.losses()?;
        for upstream in self.upstreams()? {
            self.upstream(upstream)?;
        }
        if files != Found::AsLeft {
            self.must_be_of_one_age()?;
        }
        // What it counts is written beside it next.
        Tail::must_be_right(&self.conn)?;
        let salvaged = self.compare_numbers(files == Found::Mixed, now)?;
        self.fold_when_closed()?;
        Ok(salvaged)
    }

    /// Tells whether the database at `path`, with its log, is whole, though it was written while it was open: only its
    /// times may have changed, or it was put back as it was.
    pub(crate) fn is_whole_all_the_same(path: &Path) -> bool {
        let whole = || {
            let fresh = Self::open_reader(path)?;
            fresh.fold_nothing_when_closed()?;
            fresh.must_be_of_one_age()?;
            fresh.has_the_log_of_another().map(|is_another| !is_another)
        };
        whole().unwrap_or(false)
    }

    /// Hands what is in `ours`, a copy of this file, over to the file that has its name now.
    fn hand_over(
        &self,
        ours: &Path,
        durability: Durability,
        now: Millis,
    ) -> Result<(), StoreError> {
        let ours = Self::open_reader(ours)?;
        // The file may have to be kept, which writes another copy.
        ours.conn.execute_batch("PRAGMA query_only = OFF")?;
        let mut theirs = connect(&self.path, durability)?;
        salvage::take_over(&mut theirs, &ours, now)?;
        let is_there = theirs.file_state() == FileState::InPlace;
        is_there.then_some(()).ok_or(StoreError::Busy)
    }

    /// Opens a second connection, for reading only, to a file that is open already.
    pub(crate) fn open_reader(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let conn =
            Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, &error))?;
        conn.busy_timeout(BUSY)?;
        keep_prepared(&conn)?;
        conn.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;")?;
        Ok(Self {
            conn,
            path: path.to_path_buf(),
            open_file: None,
            keeper: None,
            appended_after: i64::MAX,
            leaving: Leaving::default(),
            walks: Vec::new(),
            has_little_room: false,
            little: A_LITTLE,
            is_alone: false,
            has_gone_back: false,
            user: None,
        })
    }

    /// Opens a further connection, used only for folding the write-ahead log into the file.
    pub(crate) fn open_folder(beside: &Self, durability: Durability) -> Result<Self, StoreError> {
        let mut db = Self::open_reader(&beside.path)?;
        sync_as(&db.conn, durability)?;
        // If it is closed last, it knows of the log only what it has read.
        db.fold_nothing_when_closed()?;
        db.user.clone_from(&beside.user);
        Ok(db)
    }

    /// Saves what can be read of a damaged file into a new one, which takes its place. Nobody else in this process may
    /// have the file open.
    pub(crate) fn salvage(
        path: &Path,
        damaged: Option<FileId>,
        durability: Durability,
        why: &str,
        now: Millis,
    ) -> Result<Opened, StoreError> {
        let newcomer = Newcomer::come(path, true)?;
        Self::salvage_as(newcomer, path, damaged, durability, why, now)
    }

    fn salvage_as(
        newcomer: Option<Newcomer>,
        path: &Path,
        damaged: Option<FileId>,
        durability: Durability,
        why: &str,
        now: Millis,
    ) -> Result<Opened, StoreError> {
        let _turn = FolderLock::wait(path);
        if FileId::of(path) != damaged {
            // Another process has done it.
            let db = connect(path, durability)?;
            return Opened { db, salvaged: None }.by(newcomer);
        }
        let owner = identity::owner_of(path);
        let mut new = connect(&replace::begin(path, owner, LockedOut::Refuse)?, durability)?;
        new.keeper = None;
        let is_mixed = newcomer
            .as_ref()
            .is_some_and(|it| it.found != Found::AsLeft);
        let mut salvaged = salvage::rescue(&mut new, path, why, is_mixed, now)?;
        new.checkpoint()?;
        drop(new);
        replace::ready(path)?;
        salvaged.kept_at = replace::finish(path, now)?;
        let mut db = connect(path, durability)?;
        if let Some(kept_at) = &salvaged.kept_at {
            loss::write_kept_at(&mut db, kept_at)?;
        }
        // The `.ledger` file may be damaged as well.
        if let Some(beside) = db.compare_numbers(false, now)? {
            salvaged.also(&beside.damage);
            salvaged.uncertain |= beside.uncertain;
        }
        let salvaged = Some(salvaged);
        Opened { db, salvaged }.by(newcomer)
    }

    /// Makes sure that what was committed is in the file that has the queue's name, or will be at the next open:
    /// somebody may have deleted or replaced the file while it was open, and then only this connection still has its
    /// content. [`StoreError::Damaged`]: what it has is not whole, as the file was written over, too; what has the
    /// queue's name is all that there is.
    pub(crate) fn put_back(
        &mut self,
        durability: Durability,
        now: Millis,
    ) -> Result<(), StoreError> {
        let path = self.path.clone();
        let _turn = FolderLock::wait(&path);
        let mut is_in_doubt = false;
        let state = self.file_state();
        let mut put_back = || match state {
            // It was written over, or all is in the log, which the next to open it reads anew. Folding by what this
            // connection knows of the log would overwrite what others have folded.
            FileState::InPlace | FileState::WithoutMemory => self.fold_nothing_when_closed(),
            FileState::WithoutLog => {
                is_in_doubt = self.looks_written_over();
                if is_in_doubt && self.has_the_log_of_another().unwrap_or(false) {
                    return self.fold_nothing_when_closed();
                }
                if self.fold_all_the_same()? {
                    Ok(())
                } else {
                    Err(StoreError::Busy)
                }
            }
            FileState::Gone => {
                if !names::with_suffix(&path, names::LEDGER_SUFFIX).exists() {
                    // The `.ledger` file went with the queue's, which is as new as it ever was.
                    self.conn
                        .execute("UPDATE ledger SET notes_from = NULL", [])?;
                }
                self.put_in_its_place(durability, now)
            }
            FileState::Replaced => self.put_in_its_place(durability, now),
        };
        put_back().map_err(|error| {
            let is_gone = self.file_state() == FileState::Gone;
            not_put_back(&self.path, is_gone, error)
        })?;
        if let Some(user) = &self.user {
            user.needs_no_waiting();
            if is_in_doubt {
                user.is_in_doubt();
            } else if state.was_taken_away() {
                user.has_put_another_in_place();
            } else {
                user.has_put_back();
            }
        }
        Ok(())
    }

    /// Puts a copy of what is open where the file was, or hands it over to another file that stands there.
    fn put_in_its_place(&self, durability: Durability, now: Millis) -> Result<(), StoreError> {
        let owner = self.open_file.and_then(|open| open.owner);
        // Before another file is opened: the shared memory of both has the same name.
        let ours = replace::begin(&self.path, owner, LockedOut::GoOn)?;
        let is_placed = self.copy_to(&ours).and_then(|()| {
            self.forget_its_log()?;
            replace::place(&self.path)
        });
        if is_placed == Ok(true) {
            return Ok(());
        }
        let taken_over = is_placed.and_then(|_| {
            self.hand_over(&ours, durability, now)
                .map_err(|error| not_taken(&self.path, error))
        });
        // Also where there was no room for all of it.
        replace::discard(&ours)?;
        taken_over
    }

    /// Removes the log and the shared memory that have lost their file: all of it is in a copy, and another file would take
    /// them for its own.
    fn forget_its_log(&self) -> Result<(), StoreError> {
        self.open_file
            .map_or(Ok(()), |open| open.forget_log(&self.path))
            .map_err(|error| failing::failed(&self.path, &error))
    }
}

/// Returns the error for a file that takes nothing over. Damage of that one is none of the file that was open, which keeps
/// what it has until the other is whole: perhaps it is just being written, or the next to open it saves what is.
fn not_taken(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Damaged(why) => StoreError::CannotOpen {
            path: path.to_path_buf(),
            reason: format!("the file in its place is not whole ({why})"),
        },
        other => other,
    }
}

const LOG_OF_ANOTHER: &str =
    "the log beside it is not its own, or older, and would cut off statements";

fn not_put_back(path: &Path, is_gone: bool, error: StoreError) -> StoreError {
    let why = match error {
        StoreError::DiskFull => return error,
        StoreError::Damaged(why) if is_gone => {
            return StoreError::CannotOpen {
                path: path.to_path_buf(),
                reason: format!(
                    "it was written over and deleted while it was open, and what is left of it is not whole ({why}), so that \
                     it cannot be put back: put a copy of it there, and call again"
                ),
            };
        }
        StoreError::Damaged(why) => {
            return StoreError::Damaged(format!("it was written over while it was open, {why}"));
        }
        StoreError::CannotOpen { reason, .. } => reason,
        other => other.to_string(),
    };
    StoreError::CannotOpen {
        path: path.to_path_buf(),
        reason: format!(
            "it was deleted or replaced while it was open, and could not be put back: {why}; all of it is kept \
             as long as this process runs: remove what is in the way, and call again"
        ),
    }
}

fn connect(path: &Path, durability: Durability) -> Result<Db, StoreError> {
    let db = look_into(path, durability)?;
    db.fold_when_closed()?;
    Ok(db)
}

/// Opens a file that may turn out to be damaged: its log is not folded into it when it is closed, as that would write over
/// what can be saved.
fn look_into(path: &Path, durability: Durability) -> Result<Db, StoreError> {
    let since = Instant::now();
    let mut connected = connect_to(path, durability, Beside::Others);
    // Where several processes make one file at once, SQLite does not wait for each lock.
    while let Err(StoreError::Busy) = connected
        && since.elapsed() < BUSY
    {
        std::thread::sleep(Duration::from_millis(20));
        connected = connect_to(path, durability, Beside::Others);
    }
    while let Err(StoreError::DiskFull) = connected
        && reserve::give_up_little(path)
    {
        connected = connect_to(path, durability, Beside::Others);
    }
    if let Err(StoreError::DiskFull) = connected {
        // Alone, it needs no shared memory; if others have the file open, that exists already.
        connected = connect_to(path, durability, Beside::Nobody).or(connected);
    }
    connected.map_err(|error| match error {
        StoreError::Other(_) | StoreError::CannotOpen { .. } | StoreError::ReadOnly(_) => {
            // SQLite says only that it failed.
            match failing::obstacle(path) {
                Some(why) => StoreError::ReadOnly(why),
                None if failing::holds_no_more_files(path) => StoreError::DiskFull,
                None => error,
            }
        }
        known => known,
    })
}

static OPENING: Mutex<()> = Mutex::new(());

/// Others that may have the file open at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Others,
    /// Nobody else: no shared memory is needed, for which there may be no room.
    Nobody,
}

/// Keeps all statements prepared. One with a bound LIMIT would be planned anew for each value of it otherwise.
fn keep_prepared(conn: &Connection) -> Result<(), StoreError> {
    conn.set_prepared_statement_cache_capacity(64);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn connect_to(path: &Path, durability: Durability, beside: Beside) -> Result<Db, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    // Nobody else in this process may open a file that is made here: closing it would drop their locks.
    let _alone = lock(&OPENING);
    if !path.exists() {
        // SQLite's own attempt shows what is in the way.
        let _ = beside::make_private(path);
    }
    let mut conn =
        Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, &error))?;
    // Before anything is read: reading would make a log beside it, which could not be written either.
    if conn.is_readonly("main")? {
        return Err(StoreError::ReadOnly("it is read-only".to_owned()));
    }
    if identity::size_of(&names::with_suffix(path, "-wal")) > 0 {
        // One that is made here holds nothing of anybody else, and goes when it is closed.
        fold_nothing_when_closed(&conn)?;
    }
    conn.busy_timeout(BUSY)?;
    keep_prepared(&conn)?;
    if beside == Beside::Nobody {
        conn.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
    }
    let tables = recognise(&conn, path)?;
    if tables == 0 {
        // These count only before the first table is made, and setting the second one again writes.
        conn.execute_batch(&format!(
            "PRAGMA page_size = {PAGE_BYTES};
             PRAGMA auto_vacuum = INCREMENTAL;"
        ))?;
    }
    use_log(&conn, path)?;
    // These are per connection. temp_store: Android has no temporary folder that SQLite knows of.
    conn.execute_batch(&format!(
        "PRAGMA journal_size_limit = {FULL_BYTES};
         PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;"
    ))?;
    sync_as(&conn, durability)?;
    LogLength::default().watch(&mut conn, None)?;
    let mut db = Db {
        conn,
        path: path.to_path_buf(),
        open_file: None,
        keeper: Some(Box::new(Keeper::new(path, durability))),
        appended_after: i64::MAX,
        leaving: Leaving::default(),
        walks: Vec::new(),
        has_little_room: false,
        little: A_LITTLE,
        is_alone: beside == Beside::Nobody,
        has_gone_back: false,
        user: None,
    };
    schema::migrate(&mut db.conn)?;
    // The log exists only once the file has been read through it, which `migrate` has done.
    db.open_file = Some(OpenFile::of(path));
    Ok(db)
}

/// Turns the write-ahead log on, or fails: SQLite goes on without one where it must, and says so only if asked.
pub(crate) fn use_log(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    Err(StoreError::CannotOpen {
        path: path.to_path_buf(),
        reason: format!(
            "its file system gives processes no shared memory, as those of networks may not, so it can have no write-ahead log (SQLite uses \"{mode}\" instead): put the queue on a disk of the device"
        ),
    })
}

fn sync_as(conn: &Connection, durability: Durability) -> rusqlite::Result<()> {
    conn.execute_batch(match durability {
        // On Apple's systems fsync leaves the data in the drive's own cache; elsewhere fullfsync does nothing.
        Durability::PowerCut => {
            "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;"
        }
        Durability::ProcessCrash => "PRAGMA synchronous = NORMAL;",
    })
}

fn cannot_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    match StoreError::from_sqlite(error) {
        StoreError::Other(_) => match folder::must_have_folder(path) {
            Err(no_folder) => no_folder,
            Ok(()) => StoreError::CannotOpen {
                path: path.to_path_buf(),
                reason: format!(
                    "{error}: name a file in a folder where this program may make files"
                ),
            },
        },
        known => known,
    }
}

/// Checks, by reading alone, that the file is ours: one that is not ours to write stays as it is. Returns the number of
/// its tables and indexes.
fn recognise(conn: &Connection, path: &Path) -> Result<i64, StoreError> {
    let found: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // In this order: whoever is just making the queue commits the tables and their mark at once.
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application: i64 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(StoreError::Foreign(path.to_path_buf()));
    }
    if found > SCHEMA_VERSION {
        return Err(StoreError::Newer {
            path: path.to_path_buf(),
            found,
            known: SCHEMA_VERSION,
        });
    }
    Ok(tables)
}
