//! The hub's data: one SQLite database, one connection, one request in it at a time.
//!
//! Everything that an answer reports as stored is committed to the disk (`synchronous=FULL`).

mod canon;
mod complete;
mod list;
mod write;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

use complete::Complete;
pub use list::Page;

/// Mark of a hub's database, `PnHb`, so that no other file is taken for one.
const APPLICATION_ID: i32 = 0x506e_4862;
const SCHEMA_VERSION: i32 = 1;
const SCHEMA: &str = include_str!("schema.sql");

/// Place of a hub's statements.
#[derive(Clone, Debug)]
pub enum Storage {
    /// Memory; the statements go when the hub stops.
    Memory,
    /// This file, which is created if it does not exist.
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
    connection: Mutex<Connection>,
    complete: Complete,
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
    pub fn open(place: &Storage) -> Result<Self, OpenError> {
        let (mut connection, path) = match place {
            Storage::Memory => (Connection::open_in_memory()?, Path::new("memory")),
            Storage::File(path) => {
                be_private(path);
                (Connection::open(path)?, path.as_path())
            }
        };
        migrate(&mut connection, path).map_err(|error| match error {
            OpenError::Sqlite(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) =>
            {
                OpenError::Foreign(path.to_owned())
            }
            other => other,
        })?;
        Ok(Self {
            connection: Mutex::new(connection),
            complete: Complete::new(),
        })
    }

    /// Returns the statement of this id, voided or not.
    pub fn get(&self, id: Uuid) -> rusqlite::Result<Option<Stored>> {
        let connection = self.lock();
        let mut query =
            connection.prepare_cached("SELECT stored, voided, body FROM statement WHERE id = ?")?;
        let row = query.query_row(params![id.as_bytes()], |row| {
            Ok(Stored {
                at: row.get(0)?,
                voided: row.get(1)?,
                body: row.get(2)?,
            })
        });
        row.optional()
    }

    /// Returns the content of an attachment by its hash in either letter case.
    pub fn content(&self, sha2: &str) -> rusqlite::Result<Option<Vec<u8>>> {
        let connection = self.lock();
        let mut query =
            connection.prepare_cached("SELECT content FROM attachment WHERE sha2 = ?")?;
        query
            .query_row([sha2.to_ascii_lowercase()], |row| row.get(0))
            .optional()
    }

    /// Returns the length of that content in bytes.
    pub fn content_length(&self, sha2: &str) -> rusqlite::Result<Option<usize>> {
        let connection = self.lock();
        let mut query =
            connection.prepare_cached("SELECT length(content) FROM attachment WHERE sha2 = ?")?;
        query
            .query_row([sha2.to_ascii_lowercase()], |row| row.get::<_, i64>(0))
            .optional()
            .map(|length| length.map(|length| length as usize))
    }

    /// Returns an instant in Unix microseconds: everything stored before it can be read from now on.
    pub fn consistent_through(&self) -> i64 {
        self.complete.through()
    }

    /// Locks the connection even if the lock is poisoned: a panic in a request rolls its transaction back.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
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
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_programs_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other.db");
        Connection::open(&other)
            .unwrap()
            .execute_batch("CREATE TABLE t (a)")
            .unwrap();
        assert!(matches!(
            Store::open(&Storage::File(other)),
            Err(OpenError::Foreign(_))
        ));

        let text = folder.path().join("text");
        std::fs::write(
            &text,
            "not a database, but long enough to have been one ".repeat(40),
        )
        .unwrap();
        assert!(matches!(
            Store::open(&Storage::File(text)),
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
        let _store = Store::open(&Storage::File(path)).unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{:?}", file.path());
        }
    }

    #[test]
    fn a_newer_database_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        drop(Store::open(&Storage::File(path.clone())).unwrap());
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", SCHEMA_VERSION + 1)
            .unwrap();
        assert!(matches!(
            Store::open(&Storage::File(path)),
            Err(OpenError::Newer { .. })
        ));
    }
}
