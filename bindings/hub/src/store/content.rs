//! Contents that are kept: short ones in the database, others as files of the folder, each once for each SHA-256.
//!
//! A file is whole on the disk and has its name before the row that names it is committed, so that there is none without
//! its content. Files get their names, and lose them when nothing comes of it, while the database is locked.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use pannier_xapi::lrs::{BodyPiece, FilePiece};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::Store;
use super::folder::Folder;
use super::spool::{Content, Place, Spool};
use crate::attachments::Contents;
use crate::hash;
use crate::log::Lost;
use crate::problem::Problem;

/// Content that was kept once.
pub enum Kept {
    /// It is there, as far as its length tells.
    There(BodyPiece),
    /// Its file is lost, or has another length.
    Lost,
}

impl Kept {
    /// Returns the content if it has this hash still: somebody may have changed its file, or the disk has. It is read for
    /// that as a whole, as an answer that has begun cannot be taken back.
    pub fn whole(self, sha2: &str) -> Option<BodyPiece> {
        let Self::There(piece) = self else {
            return None;
        };
        let is_whole = match &piece {
            BodyPiece::Bytes(bytes) => pannier_signature::has_sha2(bytes, sha2) == Some(true),
            BodyPiece::File(file) => is_named_right(file.path()).unwrap_or(false),
            _ => false,
        };
        is_whole.then_some(piece)
    }
}

/// Tells whether a file has the SHA-256 that is its name.
fn is_named_right(path: &Path) -> io::Result<bool> {
    let sha256 = hash::sha256_of(File::open(path)?)?;
    Ok(path.file_name().is_some_and(|name| name == sha256.as_str()))
}

/// Row of a content.
struct Row {
    octets: u64,
    /// A short one.
    content: Option<Vec<u8>>,
    sha256: Option<String>,
}

impl Row {
    fn of(connection: &Connection, sha2: &str) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached("SELECT octets, content, sha256 FROM attachment WHERE sha2 = ?")?
            .query_row([sha2.to_ascii_lowercase()], |row| {
                Ok(Self {
                    octets: row.get::<_, i64>(0)? as u64,
                    content: row.get(1)?,
                    sha256: row.get(2)?,
                })
            })
            .optional()
    }

    /// Returns the content; `None` if its file is lost.
    fn piece(self, folder: &Folder) -> Option<BodyPiece> {
        if let Some(content) = self.content {
            return Some(BodyPiece::Bytes(content));
        }
        let path = folder.path_of(&self.sha256?);
        let found = fs::metadata(&path).ok()?;
        let is_whole = found.is_file() && found.len() == self.octets;
        is_whole.then(|| BodyPiece::File(FilePiece::new(path, 0, self.octets)))
    }
}

impl Store {
    /// Returns a place for the contents of one request, beside the database, which has to be in its own.
    pub fn spool(&self) -> Result<Spool<'_>, Problem> {
        drop(self.lock()?);
        Ok(Spool::new(&self.folder))
    }

    /// Returns the content of an attachment by its hash in either letter case; `None` if the hub never had it.
    pub fn content(&self, sha2: &str) -> Result<Option<Kept>, Problem> {
        let row = Row::of(&*self.lock()?, sha2)?;
        Ok(row.map(|row| row.piece(&self.folder).map_or(Kept::Lost, Kept::There)))
    }

    /// Waits until contents that lie in files are on the disk, before the database is locked for them.
    pub(super) fn sync(contents: &Contents) -> Result<(), Problem> {
        for content in contents.0.values() {
            if let Place::File(coming) = &content.place {
                coming.sync().map_err(|error| Problem::of_disk(&error))?;
            }
        }
        Ok(())
    }

    /// Keeps the contents, each in the place of what is kept of it already: that may have been damaged. Returns those
    /// that are files now.
    pub(super) fn keep<'c>(
        &self,
        transaction: &Transaction,
        contents: &'c Contents,
        files: &mut Vec<&'c str>,
    ) -> Result<(), Problem> {
        for (sha2, content) in &contents.0 {
            let Content {
                octets,
                sha256,
                place,
            } = content;
            let (short, sha256) = match place {
                Place::Memory(bytes) => (Some(bytes), None),
                Place::File(coming) => {
                    files.push(sha256);
                    self.folder
                        .keep(coming, sha256)
                        .map_err(|error| Problem::of_disk(&error))?;
                    (None, Some(sha256))
                }
            };
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO attachment (sha2, octets, content, sha256) VALUES (?, ?, ?, ?)",
                )?
                .execute(params![sha2, *octets as i64, short, sha256])?;
        }
        if files.is_empty() {
            return Ok(());
        }
        self.folder.sync().map_err(|error| Problem::of_disk(&error))
    }

    /// Refuses a request of which a content that has just been kept is gone: somebody deletes the folder.
    pub(super) fn are_there(&self, files: &[&str]) -> Result<(), Problem> {
        let is_there = |sha256: &&str| self.folder.path_of(sha256).is_file();
        if files.iter().all(is_there) {
            return Ok(());
        }
        Err(Problem::out_of_place(
            "a content of the request was deleted as soon as it was kept; send the request again",
        ))
    }

    /// Returns the contents whose files are gone.
    pub(super) fn lost(&self, connection: &Connection) -> rusqlite::Result<Option<Lost>> {
        let mut named = connection
            .prepare("SELECT DISTINCT sha256 FROM attachment WHERE sha256 IS NOT NULL")?;
        let named = named.query_map([], |row| row.get::<_, String>(0))?;
        let mut lost = Vec::new();
        for sha256 in named {
            let sha256 = sha256?;
            if !self.folder.path_of(&sha256).is_file() {
                lost.push(sha256);
            }
        }
        Ok(Lost::of(&lost))
    }

    /// Removes files that have just been kept and that no row names, since what would have named them came to nothing.
    pub(super) fn forget(&self, connection: &Connection, files: &[&str]) {
        for sha256 in files {
            if matches!(is_named(connection, sha256), Ok(false)) {
                // What cannot be removed is swept when the folder is opened again.
                let _ = fs::remove_file(self.folder.path_of(sha256));
            }
        }
    }
}

/// Tells whether a row names the file with this SHA-256.
pub(super) fn is_named(connection: &Connection, sha256: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM attachment WHERE sha256 = ?)")?
        .query_row([sha256], |row| row.get(0))
}
