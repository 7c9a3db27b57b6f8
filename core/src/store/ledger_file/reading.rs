//! The file beside the queue, `….ledger`, as it is read, by whoever has no database to hold it against.

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

/// The longest that it is.
pub(super) const LONGEST: u64 = HEADER + MOST * BYTES as u64;

/// What stands there.
pub(crate) enum Raw {
    Missing,
    /// No more than one byte beyond the longest.
    Bytes(Vec<u8>),
}

impl Raw {
    /// Reads it. What keeps us from that is an error, and says nothing of what stands there.
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

/// Refuses a queue beside which stands one that is not ours to read and to write: what was taken in then could
/// be lost and nobody would be told. It is neither made nor changed.
pub(crate) fn must_be_usable(queue: &Path) -> Result<(), StoreError> {
    let path = with_suffix(queue, LEDGER_SUFFIX);
    match File::options().read(true).write(true).open(&path) {
        Err(error) if !is_absent(&path, &error) => Err(unusable(queue, &path, &error)),
        _ => Ok(()),
    }
}

/// Returns the numbers that stand beside the queue; none where nothing whole does.
pub(crate) fn numbers(queue: &Path) -> Result<Option<Numbers>, StoreError> {
    Ok(Numbers::read(Raw::of(queue)?.bytes()))
}

/// Returns the same, without a look at the rest of the file; none, too, where it cannot be read.
pub(crate) fn head(queue: &Path) -> Option<Numbers> {
    let mut head = Vec::new();
    let file = File::open(with_suffix(queue, LEDGER_SUFFIX)).ok()?;
    file.take(NUMBERS_END as u64).read_to_end(&mut head).ok()?;
    Numbers::read(&head)
}

/// Returns the accounts of further upstreams that stand beside the queue; none where they are not whole.
pub(crate) fn others(queue: &Path) -> Result<Option<Others>, StoreError> {
    Ok(match Raw::of(queue)? {
        Raw::Missing => None,
        Raw::Bytes(bytes) => Others::read(&bytes),
    })
}

/// Tells whether a file stands beside the queue that Pannier made, in whatever state it is.
pub(crate) fn was_ours(queue: &Path) -> Result<bool, StoreError> {
    Ok(Raw::of(queue)?.bytes().starts_with(&MARK))
}

/// Tells whether these are the bytes of a file that Pannier made, however early it was torn.
pub(crate) fn is_marked(bytes: &[u8]) -> bool {
    bytes.starts_with(&MARK) || MARK.starts_with(bytes)
}

/// The family that a damaged file is about, where its notes prove it.
pub(crate) fn family_of(queue: &Path) -> Result<Option<[u8; 16]>, StoreError> {
    let raw = Raw::of(queue)?;
    let bytes = raw.bytes();
    let family = bytes.get(24..40).and_then(|family| family.try_into().ok());
    Ok(family.filter(|family| !notes::whole(bytes, family).is_empty()))
}

/// The notes of these files from this number on, the oldest first. What is not whole is not there.
pub(crate) fn notes_since(
    path: &Path,
    family: &[u8; 16],
    first: u64,
) -> Result<Vec<Withdrawn>, StoreError> {
    let all = notes(path, family)?.into_iter();
    let new = all.filter(|(number, _)| *number >= first);
    Ok(new.map(|(_, note)| note).collect())
}

/// All of them with their numbers.
pub(crate) fn notes(path: &Path, family: &[u8; 16]) -> Result<Vec<(u64, Withdrawn)>, StoreError> {
    Ok(notes::whole(Raw::of(path)?.bytes(), family))
}
