//! Rewriting of the `.ledger` file with what is whole of it.

use std::fs;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::Account;
use super::layout::NUMBERS_END;
use super::notes::{self, Withdrawn};
use crate::store::file::beside;
use crate::store::file::folder::sync_folder;
use crate::store::file::names::{LEDGER_SUFFIX, with_suffix};

/// Writes a sound file with what is whole. An existing one is overwritten in place: others may have it open.
pub(crate) fn write_anew(
    queue: &Path,
    account: &Account,
    notes: &[(u64, Withdrawn)],
) -> io::Result<()> {
    let path = with_suffix(queue, LEDGER_SUFFIX);
    let open = || beside::open(queue, &path);
    let mut file = open().or_else(|_| fs::remove_file(&path).and_then(|()| open()))?;
    file.set_len(0)?;
    file.write_all(&account.numbers.bytes())?;
    if !account.others.is_empty() {
        file.seek(SeekFrom::Start(NUMBERS_END as u64))?;
        file.write_all(&account.others.bytes())?;
    }
    for (number, note) in notes {
        notes::write(
            &mut file,
            &account.numbers.family,
            *number,
            std::slice::from_ref(note),
        )?;
    }
    file.sync_all()?;
    sync_folder(&path)
}

/// Moves the notes of an interrupted transaction together, so that none seems to be gone.
pub(crate) fn close_up(
    queue: &Path,
    family: &[u8; 16],
    (first, notes): (u64, &[(u64, Withdrawn)]),
) -> io::Result<()> {
    let mut file = beside::open(queue, &with_suffix(queue, LEDGER_SUFFIX))?;
    let together: Vec<Withdrawn> = notes.iter().map(|(_, note)| *note).collect();
    notes::write(&mut file, family, first, &together)?;
    let end = notes.last().map_or(first, |(number, _)| number + 1);
    notes::wipe(&mut file, first + notes.len() as u64..end)?;
    file.sync_data()
}
