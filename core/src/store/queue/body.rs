//! The only place where statement bytes, an LRS's copy and contents of attachments included, are converted to and from
//! what the file stores. They are stored as they are; packing or encryption would be added here and nowhere else.

use std::borrow::Cow;

use rusqlite::{Row, RowIndex};

use crate::statement::Contents;

/// [`CONTENTS_LENGTH`], for constants that are made of it.
macro_rules! contents_length {
    () => {
        "ifnull(length(s.contents), 0)"
    };
}
pub(crate) use contents_length;

/// Number of bytes of a statement with its contents, as SQL over its row `s`. SQLite reads neither for it.
pub(crate) const LENGTH: &str = concat!("(length(s.body) + ", contents_length!(), ")");

/// Number of bytes of a statement's contents, as SQL over its row `s`.
pub(crate) const CONTENTS_LENGTH: &str = contents_length!();

/// Returns the same as [`LENGTH`] of what is in memory.
pub(crate) fn length(body: &[u8], contents: &Contents) -> i64 {
    (body.len() + contents.len()) as i64
}

/// Returns the bytes to store.
pub(crate) fn encode(body: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(body)
}

/// Returns the statement's bytes from the stored ones.
pub(crate) fn decode(stored: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(stored)
}

/// Reads a statement's bytes from a row, without a copy where they are stored as they are.
pub(crate) fn read<'a>(row: &'a Row<'_>, at: impl RowIndex) -> rusqlite::Result<Cow<'a, [u8]>> {
    Ok(decode(row.get_ref(at)?.as_blob()?))
}

/// Reads a statement as text; it was checked to be UTF-8 when recorded.
pub(crate) fn text(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<String> {
    let text = String::from_utf8(read(row, at)?.into_owned());
    Ok(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Returns the contents to store; none if there are none.
pub(crate) fn encode_contents(contents: &Contents) -> Option<&[u8]> {
    (!contents.is_empty()).then(|| contents.as_bytes())
}

/// Reads a statement's contents from a row.
pub(crate) fn contents(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<Contents> {
    let stored = row.get_ref(at)?.as_blob_or_null()?;
    Ok(stored.map_or_else(Contents::default, Contents::from_bytes))
}
