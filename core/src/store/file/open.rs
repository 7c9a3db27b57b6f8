//! Opening the file: settings, schema, and what to do with a file that is not as it should be.

use super::failing;
use super::folder;
use super::identity;
use super::names;
use super::path;
use super::replace;
use crate::store::ledger_file::reading;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::folder::FolderLock;
use super::identity::FileId;
use super::identity::FileState;
use super::identity::OpenFile;
use super::kind::{self, Nature};
use super::replace::LockedOut;
use super::schema::{self, SCHEMA_VERSION};
use super::settings::APPLICATION_ID;
use super::settings::BUSY;
use super::settings::PAGE_BYTES;
use super::users::Newcomer;
use super::wal_length::{FULL_BYTES, LogLength};
use super::{beside, one_name, reserve};
use crate::lock::lock;
use crate::store::db::{A_LITTLE, Leaving};
use crate::store::ledger_file::writer::Keeper;
use crate::store::repair::loss;
use crate::store::repair::salvage;
use crate::store::repair::salvage_report::Salvaged;
use crate::store::{Db, Millis, StoreError};

/// What a statement survives once `record` has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A power cut: every commit is synced to the disk (`synchronous=FULL`, `fullfsync` on Apple).
    #[default]
    PowerCut,
    /// The death of the process, but not a power cut, which may take the last commits with it
    /// (`synchronous=NORMAL`). Several times as fast.
    ProcessCrash,
}

/// How a queue's file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// What a recorded statement survives.
    pub durability: Durability,
    /// Whether the file is made where there is none.
    pub create: bool,
}

impl From<Durability> for Opening {
    /// Made where there is none.
    fn from(durability: Durability) -> Self {
        Self {
            durability,
            create: true,
        }
    }
}

/// How opening went.
#[derive(Debug)]
pub struct Opened {
    /// The connection.
    pub db: Db,
    /// Set when the file was damaged: what became of it.
    pub salvaged: Option<Salvaged>,
}

impl Opened {
    /// From now on others may join this one.
    fn by(mut self, newcomer: Option<Newcomer>) -> Self {
        let open = newcomer.zip(self.db.open_file);
        self.db.user = open.and_then(|(newcomer, open)| newcomer.enter(&open));
        self
    }
}

impl Db {
    /// Opens the queue at `path`, making it where there is none. The folder must exist.
    ///
    /// A file of a newer schema or of another program is refused and left untouched. Of a damaged file
    /// the readable statements are saved into a new one, and it is renamed whole.
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
        let is_mixed = newcomer.as_ref().is_some_and(|it| it.is_mixed);
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
        let opened = connect(path, durability).and_then(|mut db| {
            if let Some(kept_at) = kept_at {
                loss::write_kept_at(&mut db, &kept_at)?;
            }
            schema::must_be_whole(&db.conn)?;
            // What every use needs: where it is damaged, that shows now.
            db.losses()?;
            for upstream in db.upstreams()? {
                db.upstream(upstream)?;
            }
            if is_mixed {
                db.must_be_of_one_age()?;
            }
            let salvaged = db.compare_numbers(is_mixed, now)?;
            Ok(Opened { db, salvaged })
        });
        match opened {
            Ok(opened) => Ok(opened.by(newcomer)),
            Err(StoreError::Damaged(why)) => {
                if !kind::was_a_queue(path)? {
                    return Err(StoreError::Foreign(path.clone()));
                }
                Self::salvage_as(newcomer, path, found, durability, &why, now)
            }
            Err(other) => Err(other),
        }
    }

    /// A second connection to a file that is open already, for reading alone.
    pub(crate) fn open_reader(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let conn =
            Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, &error))?;
        conn.busy_timeout(BUSY)?;
        conn.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;")?;
        Ok(Self {
            conn,
            path: path.to_path_buf(),
            open_file: None,
            keeper: None,
            leaving: Leaving::default(),
            walks: Vec::new(),
            has_little_room: false,
            little: A_LITTLE,
            is_alone: false,
            has_gone_back: false,
            user: None,
        })
    }

    /// A further connection, for folding the write-ahead log into the file alone.
    pub(crate) fn open_folder(beside: &Self, durability: Durability) -> Result<Self, StoreError> {
        let mut db = Self::open_reader(&beside.path)?;
        sync_as(&db.conn, durability)?;
        // Should it be the last to be closed, it knows of the log only what it has read.
        db.fold_nothing_when_closed()?;
        db.user.clone_from(&beside.user);
        Ok(db)
    }

    /// Saves what can be read of a damaged file into a new one, which takes its place. Nobody else in
    /// this process has the file open.
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
            return Ok(Opened { db, salvaged: None }.by(newcomer));
        }
        let owner = identity::owner_of(path);
        let mut new = connect(&replace::begin(path, owner, LockedOut::Refuse)?, durability)?;
        new.keeper = None;
        let is_mixed = newcomer.as_ref().is_some_and(|it| it.is_mixed);
        let mut salvaged = salvage::rescue(&mut new, path, why, is_mixed, now)?;
        new.checkpoint()?;
        drop(new);
        replace::ready(path)?;
        salvaged.kept_at = replace::finish(path, now)?;
        let mut db = connect(path, durability)?;
        if let Some(kept_at) = &salvaged.kept_at {
            loss::write_kept_at(&mut db, kept_at)?;
        }
        // What is kept beside it may be damaged as well.
        if let Some(beside) = db.compare_numbers(false, now)? {
            salvaged.damage = format!("{}; {}", salvaged.damage, beside.damage);
            salvaged.uncertain |= beside.uncertain;
        }
        let salvaged = Some(salvaged);
        Ok(Opened { db, salvaged }.by(newcomer))
    }

    /// Makes sure that what was committed is in the file that has the queue's name, or will get it at
    /// the next open: somebody may have deleted or replaced it while it was open, and then only this
    /// connection still has its content.
    pub(crate) fn put_back(
        &mut self,
        durability: Durability,
        now: Millis,
    ) -> Result<(), StoreError> {
        let path = self.path.clone();
        let _turn = FolderLock::wait(&path);
        let mut is_in_doubt = false;
        let owner = self.open_file.and_then(|open| open.owner);
        let mut put_back = || match self.file_state() {
            // It was written over, or all is in the log, and whoever opens that reads it anew. To fold it by what this
            // connection knows of it would write over what others have folded.
            FileState::InPlace | FileState::WithoutMemory => self.fold_nothing_when_closed(),
            FileState::WithoutLog => {
                is_in_doubt = self
                    .user
                    .as_ref()
                    .is_some_and(|user| user.is_written_over());
                if self.fold()? {
                    Ok(())
                } else {
                    Err(StoreError::Busy)
                }
            }
            FileState::Gone => {
                if !names::with_suffix(&path, names::LEDGER_SUFFIX).exists() {
                    // It went with the file, which is as new as it ever was.
                    self.conn
                        .execute("UPDATE ledger SET notes_from = NULL", [])?;
                }
                self.copy_to(&replace::begin(&path, owner, LockedOut::GoOn)?)?;
                replace::ready(&path)?;
                replace::forget_log(&path)
            }
            FileState::Replaced => {
                // Before the other one is opened: the memory that both share has one name.
                let ours = replace::begin(&path, owner, LockedOut::GoOn)?;
                let taken_over = self.copy_to(&ours).and_then(|()| {
                    if self.has_its_log() {
                        // All of it is in the copy, and the other one would take it for its own.
                        replace::forget_log(&path)?;
                    }
                    let ours = Self::open_reader(&ours)?;
                    // It may have to be kept, which is to write another copy.
                    ours.conn.execute_batch("PRAGMA query_only = OFF")?;
                    salvage::take_over(&mut connect(&path, durability)?, &ours, now)
                });
                replace::discard(&ours)?;
                taken_over
            }
        };
        put_back().map_err(|error| not_put_back(&self.path, error))?;
        match &self.user {
            Some(user) if is_in_doubt => user.has_put_back_in_doubt(),
            Some(user) => user.has_put_back(),
            None => {}
        }
        Ok(())
    }
}

fn not_put_back(path: &Path, error: StoreError) -> StoreError {
    let why = match error {
        StoreError::DiskFull => return error,
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
    let since = Instant::now();
    let mut connected = connect_to(path, durability, Beside::Others);
    // Where several make one file at once, SQLite does not wait for each lock.
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
        // If others have it open, there is the memory that they share.
        connected = connect_to(path, durability, Beside::Nobody).or(connected);
    }
    connected.map_err(|error| match error {
        StoreError::Other(_) | StoreError::CannotOpen { .. } | StoreError::ReadOnly(_) => {
            // SQLite says no more than that it could not.
            failing::obstacle(path).map_or(error, StoreError::ReadOnly)
        }
        known => known,
    })
}

static OPENING: Mutex<()> = Mutex::new(());

/// Who may have the file open meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Others,
    /// Then it needs no memory that is shared, for which there may be no room.
    Nobody,
}

fn connect_to(path: &Path, durability: Durability, beside: Beside) -> Result<Db, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    // Nobody else in this process opens a file that is made here, and loses its locks when that is closed.
    let _alone = lock(&OPENING);
    if !path.exists() {
        // What is in the way is told by SQLite's own attempt.
        let _ = beside::make_private(path);
    }
    let mut conn =
        Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, &error))?;
    // Before anything is read: that would make a log beside it, which could not be written either.
    if conn.is_readonly("main")? {
        return Err(StoreError::ReadOnly("it is read-only".to_owned()));
    }
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(64);
    // A cached statement with a bound LIMIT would be planned anew for each value of it.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if beside == Beside::Nobody {
        conn.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
    }
    let tables = recognise(&conn, path)?;
    if tables == 0 {
        // They count only before the first table is made, and setting the second one again writes.
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
        leaving: Leaving::default(),
        walks: Vec::new(),
        has_little_room: false,
        little: A_LITTLE,
        is_alone: beside == Beside::Nobody,
        has_gone_back: false,
        user: None,
    };
    schema::migrate(&mut db.conn)?;
    // The log is there only once the file has been read through it, which `migrate` has done.
    db.open_file = Some(OpenFile::of(path));
    Ok(db)
}

/// SQLite goes on without a write-ahead log where there can be none, and says so only if it is asked.
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
                reason: error.to_string(),
            },
        },
        known => known,
    }
}

/// Reads, and only reads, whose file this is: a file that is not ours to write stays as it is. How many
/// tables and indexes it has.
fn recognise(conn: &Connection, path: &Path) -> Result<i64, StoreError> {
    let found: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // In this order: who makes the queue just now makes the tables and says whose they are at once.
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
