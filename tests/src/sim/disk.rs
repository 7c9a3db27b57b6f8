//! The device's disk: one database file, and what kills leave of it.

use std::fs;
use std::path::{Path, PathBuf};

use pannier::store::{Db, Durability, Millis};

use super::wal::{self, Commit};

/// Where the file is. A kill leaves a copy under another name; nobody closes the old one in order.
#[derive(Debug, Clone)]
pub struct Disk {
    folder: PathBuf,
    generation: u32,
}

/// The file as it was before a step.
#[derive(Debug)]
pub struct Before {
    file: Vec<u8>,
    commits: Vec<Commit>,
}

impl Disk {
    /// An empty database in a folder of its own; the files of the run before are overwritten.
    pub fn new(folder: &Path, empty: &[u8]) -> Self {
        let disk = Self {
            folder: folder.to_path_buf(),
            generation: 0,
        };
        write(&disk.file(), empty);
        disk
    }

    fn file(&self) -> PathBuf {
        self.folder.join(format!("queue-{}.db", self.generation))
    }

    /// Opens the database.
    pub fn open(&self, now: Millis) -> Result<Db, String> {
        let opened = Db::open(&self.file(), Durability::ProcessCrash, now)
            .map_err(|error| format!("I9: the file cannot be opened again: {error}"))?;
        match opened.salvaged {
            Some(salvaged) => Err(format!("I9: the file is damaged: {salvaged:?}")),
            None => Ok(opened.db),
        }
    }

    /// Remembers the file before a step in which a kill comes.
    pub fn before(&self) -> Before {
        Before {
            file: read(&self.file()),
            commits: wal::commits(&read(&wal::log_of(&self.file()))),
        }
    }

    /// The kill: the file as it was after one of the commits since then, drawn from `rng`. True:
    /// after the last one.
    pub fn kill_since(&mut self, before: &Before, rng: &mut fastrand::Rng) -> bool {
        let (file, mut log) = (read(&self.file()), read(&wal::log_of(&self.file())));
        let commits = wal::commits(&log);
        // After a checkpoint the file itself is newer than the earlier commits.
        let known = before.commits.len();
        let same_log =
            file == before.file && commits.len() >= known && commits[..known] == before.commits[..];
        let mut is_last = true;
        if same_log && commits.len() > known {
            let keep = rng.usize(known..=commits.len());
            is_last = keep == commits.len();
            let end = keep.checked_sub(1).map_or(0, |last| commits[last].end);
            // Of the next commit some may have been written: it counts only when it is there whole.
            let torn = match commits.get(keep) {
                Some(next) if rng.bool() => rng.u64(end..next.end),
                _ => end,
            };
            log.truncate(torn as usize);
        }
        self.generation += 1;
        write(&self.file(), &file);
        write(&wal::log_of(&self.file()), &log);
        expect_nothing_beside(&self.file());
        is_last
    }

    /// The kill between two steps.
    pub fn kill(&mut self) {
        let (file, log) = (read(&self.file()), read(&wal::log_of(&self.file())));
        self.generation += 1;
        write(&self.file(), &file);
        write(&wal::log_of(&self.file()), &log);
        expect_nothing_beside(&self.file());
    }

    /// Do these bytes stand anywhere on it?
    pub fn has(&self, bytes: &[u8]) -> bool {
        [self.file(), wal::log_of(&self.file())]
            .iter()
            .any(|file| read(file).windows(bytes.len()).any(|there| there == bytes))
    }

    /// Removes what the run left, so that the next one may use the folder.
    pub fn clear(&self) {
        for file in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            // One that cannot be removed is overwritten by the next run.
            let _ = fs::remove_file(file.path());
        }
    }
}

/// An empty database, made once and copied for each run.
pub fn empty(folder: &Path) -> Vec<u8> {
    let path = folder.join("empty.db");
    let opened = Db::open(&path, Durability::ProcessCrash, super::START);
    drop(opened.expect("the folder for databases can be written"));
    expect_nothing_beside(&path);
    let bytes = read(&path);
    let _ = fs::remove_file(&path);
    bytes
}

/// What is kept beside the queue is not of this world: the file is as one beside which nothing has been yet.
fn expect_nothing_beside(path: &Path) {
    let conn = rusqlite::Connection::open(path).expect("it was written just now");
    // What a kill leaves in the log stays there; an empty one has none.
    let has_log = !read(&wal::log_of(path)).is_empty();
    conn.set_db_config(
        rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
        has_log,
    )
    .expect("SQLite knows it");
    conn.execute("UPDATE ledger SET notes_from = NULL", [])
        .expect("it can be written");
    drop(conn);
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("the folder for databases can be written");
}
