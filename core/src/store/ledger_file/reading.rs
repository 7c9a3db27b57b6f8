//! Reading of the `.ledger` file without a database to compare it with.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::accounts::Others;
use super::counts::Numbers;
use super::layout::{HEADER, MARK, NUMBERS_END};
use super::notes::{self, BYTES, MOST, Withdrawn};
use crate::store::StoreError;
use crate::store::file::failing::{is_absent, unusable};
use crate::store::file::names::{LEDGER_SUFFIX, with_suffix};

/// Greatest length of the file, in bytes.
pub(super) const LONGEST: u64 = HEADER + MOST * BYTES as u64;

/// Content of the file as it is on the disk.
pub(crate) enum Raw {
    Missing,
    /// At most one byte more than [`LONGEST`].
    Bytes(Vec<u8>),
}

impl Raw {
    /// Reads the file. A failure to read it is an error, and says nothing of its content.
    pub(crate) fn of(queue: &Path) -> Result<Self, StoreError> {
        let path = with_suffix(queue, LEDGER_SUFFIX);
        let mut bytes = Vec::new();
        let read =
            File::open(&path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
        match read {
            Ok(_) => Ok(Self::Bytes(bytes)),
            Err(error) if is_absent(&path, &error) => Ok(Self::Missing),
            Err(error) => Err(unusable(queue, &path, &error)),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Missing => &[],
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// Refuses a queue whose `.ledger` file exists and is not ours to read and write: what was recorded then could be lost
/// without notice. The file is neither made nor changed.
pub(crate) fn must_be_usable(queue: &Path) -> Result<(), StoreError> {
    let path = with_suffix(queue, LEDGER_SUFFIX);
    match File::options().read(true).write(true).open(&path) {
        Err(error) if !is_absent(&path, &error) => Err(unusable(queue, &path, &error)),
        _ => Ok(()),
    }
}

/// Returns the numbers in the `.ledger` file; none where they are not whole.
pub(crate) fn numbers(queue: &Path) -> Result<Option<Numbers>, StoreError> {
    Ok(Numbers::read(Raw::of(queue)?.bytes()))
}

/// Returns the same, without reading the rest of the file; none, too, where it cannot be read.
pub(crate) fn head(queue: &Path) -> Option<Numbers> {
    let mut head = Vec::new();
    let file = File::open(with_suffix(queue, LEDGER_SUFFIX)).ok()?;
    file.take(NUMBERS_END as u64).read_to_end(&mut head).ok()?;
    Numbers::read(&head)
}

/// Returns the accounts of further upstreams in the `.ledger` file; none where they are not whole.
pub(crate) fn others(queue: &Path) -> Result<Option<Others>, StoreError> {
    Ok(match Raw::of(queue)? {
        Raw::Missing => None,
        Raw::Bytes(bytes) => Others::read(&bytes),
    })
}

/// Tells whether there is a `.ledger` file that Pannier made, in whatever state it is.
pub(crate) fn was_ours(queue: &Path) -> Result<bool, StoreError> {
    Ok(Raw::of(queue)?.bytes().starts_with(&MARK))
}

/// Tells whether these are the bytes of a file that Pannier made, however early it was torn.
pub(crate) fn is_marked(bytes: &[u8]) -> bool {
    bytes.starts_with(&MARK) || MARK.starts_with(bytes)
}

/// Returns the family that a damaged file is about, where its notes prove it.
pub(crate) fn family_of(queue: &Path) -> Result<Option<[u8; 16]>, StoreError> {
    let raw = Raw::of(queue)?;
    let bytes = raw.bytes();
    let family = bytes.get(24..40).and_then(|family| family.try_into().ok());
    Ok(family.filter(|family| !notes::whole(bytes, family).is_empty()))
}

/// Returns the whole notes about this family from this number on, oldest first.
pub(crate) fn notes_since(
    path: &Path,
    family: &[u8; 16],
    first: u64,
) -> Result<Vec<Withdrawn>, StoreError> {
    let all = notes(path, family)?.into_iter();
    let new = all.filter(|(number, _)| *number >= first);
    Ok(new.map(|(_, note)| note).collect())
}

/// Returns all whole notes about this family, with their numbers.
pub(crate) fn notes(path: &Path, family: &[u8; 16]) -> Result<Vec<(u64, Withdrawn)>, StoreError> {
    Ok(notes::whole(Raw::of(path)?.bytes(), family))
}
