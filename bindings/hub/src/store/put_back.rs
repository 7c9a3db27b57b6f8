//! Puts an open database back that somebody deleted: its clients were told that it has their statements.
//!
//! What is deleted while it is open lives on without a name, as long as the hub runs. No file of somebody else's is ever
//! written over.

use std::error::Error;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, params};
use uuid::Uuid;

use super::folder::sync_folder;
use super::in_place::{FileId, OpenFiles, State};
use super::{BUSY, Database, be_private, begin_the_log, connect};

type Failure = Box<dyn Error + Send + Sync>;

/// Puts a database back whose files are in this state. Returns what was done, for the log.
pub fn put_back(database: &mut Database, state: &State) -> Result<&'static str, Failure> {
    match state {
        State::InPlace => Ok("is in place"),
        State::WithoutLog => {
            get_a_log(database)?;
            Ok(
                "lost its log or the memory beside it while the hub had it open, and has them again; no statement is lost",
            )
        }
        State::Gone => {
            write_again(database)?;
            Ok("was deleted while the hub had it open, and is written again, with every statement")
        }
        State::Replaced(_) => Err("another file has its name".into()),
    }
}

/// Returns the sentence that says why files in this state were not put back, and what to do.
pub fn why_not(path: &Path, state: &State, error: &(dyn Error + Send + Sync)) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().display().to_string();
    let of = name(path);
    match state {
        State::Replaced(other) => format!(
            "another file is in the place of {}, which the hub has open; put back the one that was there, or start the hub again with the one that is there now",
            name(other)
        ),
        State::WithoutLog => format!(
            "the log of {of} was deleted while the hub has it open, and cannot be begun again: {error}; see to that, or start the hub again"
        ),
        State::Gone | State::InPlace => format!(
            "{of} was deleted while the hub has it open, and cannot be put back: {error}; see to that before the hub stops, or its statements are gone"
        ),
    }
}

/// Brings all that the log has into the database, whatever their names are now, and leaves the log empty.
pub fn empty_the_log(connection: &Connection) -> Result<(), Failure> {
    let is_busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if is_busy {
        return Err("another program is reading it".into());
    }
    Ok(())
}

/// Brings all that the nameless log has into the database, and begins another log. That needs the database for itself.
fn get_a_log(database: &mut Database) -> Result<(), Failure> {
    database.connection.busy_timeout(Duration::ZERO)?;
    let begun = begin_another_log(&database.connection);
    database.connection.busy_timeout(BUSY)?;
    begun?;
    database.files = database
        .files
        .take()
        .map(|files| OpenFiles::of(&files.path));
    Ok(())
}

fn begin_another_log(connection: &Connection) -> Result<(), Failure> {
    empty_the_log(connection)?;
    for mode in ["delete", "wal"] {
        let set = |row: &rusqlite::Row| row.get::<_, String>(0);
        let now = connection
            .pragma_update_and_check(None, "journal_mode", mode, set)
            .map_err(|error| match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy) => "another program has it open".into(),
                _ => Failure::from(error),
            })?;
        if now != mode {
            return Err(format!("its journal mode stays {now}").into());
        }
    }
    Ok(begin_the_log(connection)?)
}

/// Writes the whole database to its path.
fn write_again(database: &mut Database) -> Result<(), Failure> {
    let Some(files) = &database.files else {
        return Ok(());
    };
    let path = &files.path;
    let folder = path.parent().unwrap_or(Path::new(""));
    make_folder(folder)?;
    let copy = Copy::beside(path);
    be_private(&copy.0);
    database.connection.execute(
        "VACUUM INTO CAST(? AS TEXT)",
        params![copy.0.as_os_str().as_encoded_bytes()],
    )?;
    File::open(&copy.0)?.sync_all()?;
    let id = FileId::of(&copy.0);
    if let (Some(lost), Some(copy)) = (files.file, id)
        && !copy.is_on_the_disk_of(lost)
    {
        return Err("its folder is on another disk now".into());
    }
    // A log beside a database that it does not belong to would be read into it.
    files.remove_what_is_beside()?;
    give_name(&copy.0, path)?;
    drop(copy);
    let opened = sync_folder(folder)
        .map_err(Failure::from)
        .and_then(|()| Ok(connect(path)?));
    match opened {
        Ok((connection, files)) => {
            // The other one closes without a look at the path, as its file is not there.
            database.connection = connection;
            database.files = Some(files);
            Ok(())
        }
        Err(error) => {
            // It is tried again with the next request, which must not take this for somebody else's.
            if FileId::of(path) == id {
                let _ = fs::remove_file(path);
            }
            Err(error)
        }
    }
}

/// A copy that has no name of its own yet. It is removed when this is dropped.
struct Copy(std::path::PathBuf);

impl Copy {
    fn beside(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".again-{}", Uuid::new_v4().simple()));
        Self(name.into())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // It is gone already if it was renamed, or never made.
        let _ = fs::remove_file(&self.0);
    }
}

/// Gives a file another name, unless there is a file of that name.
fn give_name(file: &Path, name: &Path) -> io::Result<()> {
    match fs::hard_link(file, name) {
        // Some disks know no second name.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            if fs::symlink_metadata(name).is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            fs::rename(file, name)
        }
        done => done,
    }
}

/// Makes the folder if it is gone, its owner's alone.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}
