//! Reading of a database's file without SQLite.
//!
//! On Unix a process that closes a file loses all of its locks on it, whoever in the process has them: also those of
//! another connection to the same file (POSIX, `fcntl`). So a file that was read here stays open until the process
//! ends, once for each file. That happens only where something is wrong with the queue.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::lock::lock;
use crate::store::StoreError;
use crate::store::file::failing::{is_absent, unusable};
use crate::store::file::identity::FileId;

static NEVER_CLOSED: Mutex<Vec<(FileId, Arc<Mutex<File>>)>> = Mutex::new(Vec::new());

/// File that is read without SQLite.
#[derive(Debug)]
pub(crate) struct Looked {
    file: Arc<Mutex<File>>,
    len: u64,
}

impl Looked {
    /// Opens a file for reading; none where there is none. Failing to open it is an error, and says nothing of its
    /// content. `path` is that of the queue, or of a file beside it.
    pub(crate) fn at(queue: &Path, path: &Path) -> Result<Option<Self>, StoreError> {
        let looked = || {
            if !path.metadata()?.is_file() {
                return Ok(None);
            }
            let file = open(path)?;
            let len = lock(&file).metadata()?.len();
            Ok(Some(Self { file, len }))
        };
        looked().or_else(|error: io::Error| {
            if is_absent(path, &error) {
                return Ok(None);
            }
            Err(unusable(queue, path, &error))
        })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `into` from this offset on; false where there are fewer bytes.
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
        // Windows: locks belong to those who took them.
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
