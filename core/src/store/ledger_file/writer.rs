//! Keeps the numbers and the notes in the `.ledger` file up to date (`counts`, `notes`).

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::accounts::Others;
use super::counts::Numbers;
use super::layout::NUMBERS_END;
use super::notes::{self, Withdrawn};
use crate::store::Durability;
use crate::store::file::beside;
use crate::store::file::folder::sync_folder;
use crate::store::file::identity::FileId;
use crate::store::file::names::{LEDGER_SUFFIX, with_suffix};
use crate::store::file::reserve::is_full;

/// Writer of the `.ledger` file of an open queue.
#[derive(Debug)]
pub(crate) struct Keeper {
    queue: PathBuf,
    path: PathBuf,
    durability: Durability,
    file: Option<File>,
    /// Identity of the open `.ledger` file.
    opened: Option<FileId>,
    /// True once its name is on the disk.
    is_named: bool,
    last: Numbers,
    others: Others,
    /// Count of this connection's changes, and `data_version`, when the numbers were last read.
    changes: Option<(u64, i64)>,
    /// Last seen `PRAGMA data_version`, which changes with each commit of another connection.
    version: i64,
}

impl Keeper {
    pub(crate) fn new(path: &Path, durability: Durability) -> Self {
        Self {
            queue: path.to_path_buf(),
            path: with_suffix(path, LEDGER_SUFFIX),
            durability,
            file: None,
            opened: None,
            is_named: false,
            last: Numbers::default(),
            others: Others::default(),
            changes: None,
            version: 0,
        }
    }

    /// Tells whether there may be something new to keep, by the count of this connection's changes and `data_version`.
    pub(crate) fn has_changed(&mut self, changes: u64, version: i64) -> bool {
        self.version = version;
        let now = Some((changes, version));
        std::mem::replace(&mut self.changes, now) != now
    }

    /// Sets the current `data_version`.
    pub(crate) fn meet(&mut self, version: i64) {
        self.version = version;
    }

    /// Tells whether others have written since the numbers were last read.
    pub(crate) fn is_behind(&self) -> bool {
        self.changes.is_none_or(|(_, then)| then != self.version)
    }

    /// Tells whether the effect of recording on the numbers is known without reading the database, which alone says for
    /// which further upstreams a statement is.
    pub(crate) fn can_add(&self) -> bool {
        !self.is_behind() && self.others.is_empty()
    }

    /// Opens the file before something is recorded that has to be counted there.
    pub(crate) fn make_ready(&mut self) -> io::Result<()> {
        unless_full(self.file().map(drop))
    }

    /// Counts statements that were recorded.
    pub(crate) fn add(&mut self, count: u64) -> io::Result<()> {
        if count == 0 {
            return Ok(());
        }
        let numbers = Numbers {
            last_seq: self.last.last_seq + count,
            ..self.last
        };
        self.keep(numbers, Others::default())
    }

    /// Writes what has changed of the numbers and accounts. A full disk, on which nothing is kept, is no error.
    pub(crate) fn keep(&mut self, numbers: Numbers, others: Others) -> io::Result<()> {
        let is_open = self.file.is_some();
        let are_new = others != self.others;
        if numbers == self.last && is_open && !are_new {
            return Ok(());
        }
        (self.last, self.others) = (numbers, others);
        let written = self.write_numbers().and_then(|()| {
            // Accounts in a file that was here before are not this queue's.
            let may_be_old = !is_open && self.file()?.metadata()?.len() > NUMBERS_END as u64;
            if are_new || may_be_old {
                self.write_others()?;
            }
            Ok(())
        });
        if written.is_err() {
            self.file = None;
        }
        let kept = unless_full(written);
        if kept.is_err() {
            // What was to be counted may be undone: the numbers are read anew.
            self.changes = None;
        }
        kept
    }

    /// Writes the numbers, within one sector of any disk, so that a power cut leaves either the old or the new ones.
    fn write_numbers(&mut self) -> io::Result<()> {
        let numbers = self.last.bytes();
        let file = self.file()?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&numbers)
    }

    fn write_others(&mut self) -> io::Result<()> {
        let others = self.others.bytes();
        let file = self.file()?;
        file.seek(SeekFrom::Start(NUMBERS_END as u64))?;
        file.write_all(&others)
    }

    /// Takes the right to write from it, as if the device failed.
    #[cfg(test)]
    pub(crate) fn fail_to_write(&mut self) {
        self.file = File::open(&self.path).ok();
    }

    /// Makes sure that the file is on the disk, under its name, up to where notes begin: otherwise a gap before them
    /// could hold older content of the disk after a power cut.
    pub(crate) fn make_lasting(&mut self) -> io::Result<()> {
        self.file()?.sync_data()?;
        self.write_others()?;
        self.file()?.sync_data()?;
        sync_folder(&self.path)?;
        self.is_named = true;
        Ok(())
    }

    /// Writes notes of what is about to be taken out, as durably as the commit will be.
    pub(crate) fn withdraw(
        &mut self,
        family: &[u8; 16],
        first: u64,
        notes: &[Withdrawn],
    ) -> io::Result<()> {
        if self.opened != FileId::of(&self.path) {
            // Somebody has removed or replaced the file: nobody would find a note in the old one.
            self.file = None;
            self.is_named = false;
            self.write_numbers()?;
            self.write_others()?;
        }
        notes::write(self.file()?, family, first, notes)?;
        self.sync()
    }

    /// Wipes these notes out.
    pub(crate) fn unwithdraw(&mut self, numbers: std::ops::Range<u64>) -> io::Result<()> {
        notes::wipe(self.file()?, numbers)?;
        self.sync()
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.durability == Durability::ProcessCrash {
            return Ok(());
        }
        self.file()?.sync_data()?;
        if !self.is_named {
            sync_folder(&self.path)?;
            self.is_named = true;
        }
        Ok(())
    }

    fn file(&mut self) -> io::Result<&mut File> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => {
                let file = beside::open(&self.queue, &self.path)?;
                self.opened = FileId::of(&self.path);
                Ok(none.insert(file))
            }
        }
    }
}

/// Ignores a lack of room: what is delivered makes some, and until then only the count of a loss would be less exact.
fn unless_full(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if is_full(&error) => {
            tracing::debug!(%error, "the numbers beside the queue's file could not be written");
            Ok(())
        }
        other => other,
    }
}
