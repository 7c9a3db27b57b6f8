//! The hub's data: one SQLite database, one connection, one request in it at a time; and beside it a folder with the
//! contents of attachments.
//!
//! Everything that an answer reports as stored is committed to the disk (`synchronous=FULL`), in the file that has the
//! store's name then: somebody may have deleted or replaced it while it is open.

mod canon;
mod complete;
mod content;
mod folder;
mod in_place;
mod list;
mod put_back;
mod spool;
mod write;

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

use complete::Complete;
pub use content::Kept;
pub use folder::Folder;
use in_place::{OpenFiles, State};
pub use list::Page;
pub use spool::{Content, Spool};

use crate::log::Notice;
use crate::problem::Problem;

/// Mark of a hub's database, `PnHb`, so that no other file is taken for one.
const APPLICATION_ID: i32 = 0x506e_4862;
const SCHEMA_VERSION: i32 = MIGRATIONS.len() as i32;

/// Time to wait for another program that has the database locked.
const BUSY: Duration = Duration::from_secs(5);

/// What makes each version of the schema of the one before.
const MIGRATIONS: [&str; 2] = [include_str!("schema.sql"), include_str!("contents.sql")];

/// Place of a hub's statements.
#[derive(Clone, Debug)]
pub enum Storage {
    /// Memory, and temporary files for long contents of attachments; all go when the hub stops.
    Memory,
    /// This file, which is created if it does not exist, and a folder beside it, `FILE.content`, for long contents of
    /// attachments.
    File(PathBuf),
}

/// Reason why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is another program's, or no database at all.
    #[error("{0} is not the store of a hub; name another file")]
    Foreign(PathBuf),
    /// A newer version of this program made it.
    #[error(
        "{path} was made by a newer pannier (schema {found}, this one knows {SCHEMA_VERSION}); update pannier"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i32,
    },
    /// SQLite could not open it.
    #[error("cannot open the hub's store: {0}; check that its folder is there and may be written")]
    Sqlite(#[from] rusqlite::Error),
    /// The folder of contents cannot be tidied.
    #[error("cannot open the hub's folder of contents: {0}; check that it may be written")]
    Folder(#[from] std::io::Error),
}

/// A stored statement.
pub struct Stored {
    /// Its `stored` in Unix microseconds.
    pub at: i64,
    pub voided: bool,
    pub body: String,
}

/// The database behind a lock.
pub struct Store {
    database: Mutex<Database>,
    complete: Complete,
    /// Contents of attachments.
    folder: Folder,
    notice: Option<Notice>,
}

/// An open database.
struct Database {
    connection: Connection,
    /// Its files; none for a hub in memory.
    files: Option<OpenFiles>,
    /// Tells whether everything is refused, since the files are not in place.
    is_out_of_place: bool,
}

impl Deref for Database {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Database {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// Creates an empty file that only this user may read, if there is none. An obstacle is reported when the file is
/// opened.
fn be_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let _ = options.open(path);
}

impl Store {
    /// Opens or creates the database.
    pub fn open(place: &Storage, notice: Option<Notice>) -> Result<Self, OpenError> {
        let (connection, files, folder) = match place {
            Storage::Memory => {
                let mut connection = Connection::open_in_memory()?;
                migrate(&mut connection, Path::new("memory"))?;
                (connection, None, Folder::temporary())
            }
            Storage::File(path) => {
                be_private(path);
                let (connection, files) = connect(path)?;
                (connection, Some(files), Folder::beside(path))
            }
        };
        folder.sweep(|sha256| Ok::<_, OpenError>(content::is_named(&connection, sha256)?))?;
        let database = Database {
            connection,
            files,
            is_out_of_place: false,
        };
        Ok(Self {
            database: Mutex::new(database),
            complete: Complete::new(),
            folder,
            notice,
        })
    }

    /// Returns the statement of this id, voided or not.
    pub fn get(&self, id: Uuid) -> Result<Option<Stored>, Problem> {
        let connection = self.lock()?;
        let mut query =
            connection.prepare_cached("SELECT stored, voided, body FROM statement WHERE id = ?")?;
        let row = query.query_row(params![id.as_bytes()], |row| {
            Ok(Stored {
                at: row.get(0)?,
                voided: row.get(1)?,
                body: row.get(2)?,
            })
        });
        Ok(row.optional()?)
    }

    /// Returns an instant in Unix microseconds: everything stored before it can be read from now on.
    pub fn consistent_through(&self) -> i64 {
        self.complete.through()
    }

    /// Locks the database, once it is in its place, even if the lock is poisoned: a panic in a request rolls its
    /// transaction back.
    fn lock(&self) -> Result<MutexGuard<'_, Database>, Problem> {
        let locked = self.database.lock();
        let mut database = locked.unwrap_or_else(PoisonError::into_inner);
        self.see_to(&mut database)?;
        Ok(database)
    }

    /// Puts the database back if its files are not in place, or else refuses the request, since a restart would not find
    /// what it stores. What happens is told once.
    fn see_to(&self, database: &mut Database) -> Result<(), Problem> {
        let Some(files) = &database.files else {
            return Ok(());
        };
        let (path, state) = (files.path.clone(), files.state());
        let was_out_of_place = database.is_out_of_place;
        if state == State::InPlace && !was_out_of_place {
            return Ok(());
        }
        match put_back::put_back(database, &state) {
            Ok(done) => {
                database.is_out_of_place = false;
                let lost = self.lost(database)?;
                let lost = lost.map(|lost| format!("; {lost}")).unwrap_or_default();
                self.tell(&format!("the store {} {done}{lost}", path.display()));
                Ok(())
            }
            Err(error) => {
                database.is_out_of_place = true;
                // A log beside another file would be read into that by whoever opens it next.
                let _ = put_back::empty_the_log(database);
                let files = database.files.as_ref();
                let after = files.map_or(state, OpenFiles::state);
                let sentence = put_back::why_not(&path, &after, &*error);
                if !was_out_of_place {
                    self.tell(&format!("{sentence}; until then every request is refused"));
                }
                Err(Problem::out_of_place(&sentence))
            }
        }
    }

    fn tell(&self, what: &str) {
        if let Some(notice) = &self.notice {
            notice(what);
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let database = self.database.get_mut();
        let database = database.unwrap_or_else(PoisonError::into_inner);
        let files = database.files.as_ref();
        if files.is_some_and(|files| files.state() != State::InPlace) {
            // SQLite leaves the log of a file that has another name now, and it would be read into that file.
            let _ = put_back::empty_the_log(database);
        }
    }
}

/// Opens a database file, and brings its schema up to date.
fn connect(path: &Path) -> Result<(Connection, OpenFiles), OpenError> {
    let mut connection = Connection::open(path)?;
    migrate(&mut connection, path).map_err(|error| match error {
        OpenError::Sqlite(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) =>
        {
            OpenError::Foreign(path.to_owned())
        }
        other => other,
    })?;
    begin_the_log(&connection)?;
    Ok((connection, OpenFiles::of(path)))
}

/// Reads something: the log and the shared memory are made with the first use.
fn begin_the_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, found) = (pragma("application_id")?, pragma("user_version")?);
    let empty: bool =
        connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
            row.get(0)
        })?;
    if application != APPLICATION_ID && !empty {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    if found > SCHEMA_VERSION {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found,
        });
    }
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    if found < SCHEMA_VERSION {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for migration in &MIGRATIONS[found.max(0) as usize..] {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pannier_xapi::lrs::BodyPiece;

    #[test]
    fn another_programs_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other.db");
        Connection::open(&other)
            .unwrap()
            .execute_batch("CREATE TABLE t (a)")
            .unwrap();
        assert!(matches!(
            Store::open(&Storage::File(other), None),
            Err(OpenError::Foreign(_))
        ));

        let text = folder.path().join("text");
        std::fs::write(
            &text,
            "not a database, but long enough to have been one ".repeat(40),
        )
        .unwrap();
        assert!(matches!(
            Store::open(&Storage::File(text), None),
            Err(OpenError::Foreign(_))
        ));
    }

    /// What learners did is for nobody else on the machine to read; the log gets the file's rights.
    #[cfg(unix)]
    #[test]
    fn a_new_database_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        let _store = Store::open(&Storage::File(path), None).unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{:?}", file.path());
        }
    }

    #[test]
    fn contents_of_an_older_database_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        old.execute(
            "INSERT INTO attachment VALUES ('aa', ?)",
            [vec![7; 100_000]],
        )
        .unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID)
            .unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        drop(old);
        let store = Store::open(&Storage::File(path), None).unwrap();
        let Some(Kept::There(BodyPiece::Bytes(content))) = store.content("AA").unwrap() else {
            panic!("it is gone");
        };
        assert!(content == vec![7; 100_000]);
        assert!(store.content("bb").unwrap().is_none());
    }

    #[test]
    fn a_newer_database_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        drop(Store::open(&Storage::File(path.clone()), None).unwrap());
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", SCHEMA_VERSION + 1)
            .unwrap();
        assert!(matches!(
            Store::open(&Storage::File(path), None),
            Err(OpenError::Newer { .. })
        ));
    }
}
