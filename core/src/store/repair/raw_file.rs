//! Reading a database's file past SQLite.
//!
//! On Unix a process that closes a file loses all of its locks on it, whoever in it has them: also those
//! of another connection to the same file (POSIX, `fcntl`). So a file that was read here stays open until
//! the process ends, once for each file. That happens with damaged files alone.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::lock::lock;
use crate::store::file::replace::FileId;

static NEVER_CLOSED: Mutex<Vec<(FileId, Arc<Mutex<File>>)>> = Mutex::new(Vec::new());

/// A file that is looked into.
#[derive(Debug)]
pub(crate) struct Looked {
    file: Arc<Mutex<File>>,
    len: u64,
}

impl Looked {
    /// None where it cannot be opened.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        if !path.metadata().is_ok_and(|found| found.is_file()) {
            return None;
        }
        let file = open(path).ok()?;
        let len = lock(&file).metadata().ok()?.len();
        Some(Self { file, len })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Reads from that place on; false where there is not as much.
    pub(crate) fn read(&self, at: u64, into: &mut [u8]) -> bool {
        if at + into.len() as u64 > self.len {
            return false;
        }
        let mut file = lock(&self.file);
        file.seek(SeekFrom::Start(at)).is_ok() && file.read_exact(into).is_ok()
    }
}

fn open(path: &Path) -> io::Result<Arc<Mutex<File>>> {
    let Some(id) = FileId::of(path) else {
        // Windows: locks belong to who took them.
        return Ok(Arc::new(Mutex::new(File::open(path)?)));
    };
    let mut known = lock(&NEVER_CLOSED);
    if let Some((_, file)) = known.iter().find(|(known, _)| *known == id) {
        return Ok(Arc::clone(file));
    }
    let file = Arc::new(Mutex::new(File::open(path)?));
    known.push((id, Arc::clone(&file)));
    Ok(file)
}
