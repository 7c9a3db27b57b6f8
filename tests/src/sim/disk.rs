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

/// An empty database, and what is kept beside it.
#[derive(Debug)]
pub struct Empty {
    file: Vec<u8>,
    beside: Vec<u8>,
}

/// The file as it was before a step, and what was kept beside it.
#[derive(Debug)]
pub struct Before {
    file: Vec<u8>,
    beside: Vec<u8>,
    commits: Vec<Commit>,
}

/// Where the notes begin in the file beside a database. The numbers stand before them.
const NUMBERS: usize = 1408;

impl Disk {
    /// An empty database in a folder of its own; the files of the run before are overwritten.
    pub fn new(folder: &Path, empty: &Empty) -> Self {
        let disk = Self {
            folder: folder.to_path_buf(),
            generation: 0,
        };
        write(&disk.file(), &empty.file);
        write(&beside(&disk.file()), &empty.beside);
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
            beside: read(&beside(&self.file())),
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
        let mut beside = read(&beside(&self.file()));
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
            if !is_last {
                // The numbers are written after a commit, and the notes before it.
                let numbers = before.beside.len().min(NUMBERS);
                beside[..numbers].copy_from_slice(&before.beside[..numbers]);
            }
        }
        self.leave(&file, &log, &beside);
        is_last
    }

    /// The kill between two steps.
    pub fn kill(&mut self) {
        let path = self.file();
        self.leave(
            &read(&path),
            &read(&wal::log_of(&path)),
            &read(&beside(&path)),
        );
    }

    fn leave(&mut self, file: &[u8], log: &[u8], beside: &[u8]) {
        self.generation += 1;
        let path = self.file();
        write(&path, file);
        write(&wal::log_of(&path), log);
        write(&self::beside(&path), beside);
    }

    /// Do these bytes stand anywhere on it?
    pub fn has(&self, bytes: &[u8]) -> bool {
        [self.file(), wal::log_of(&self.file()), beside(&self.file())]
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
pub fn empty(folder: &Path) -> Empty {
    let path = folder.join("empty.db");
    let opened = Db::open(&path, Durability::ProcessCrash, super::START);
    drop(opened.expect("the folder for databases can be written"));
    let (file, beside) = (read(&path), read(&beside(&path)));
    let _ = (fs::remove_file(&path), fs::remove_file(self::beside(&path)));
    Empty { file, beside }
}

/// The file beside a database: numbers, and notes of what was taken out (decision 0008).
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".ledger");
    name.into()
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("the folder for databases can be written");
}
