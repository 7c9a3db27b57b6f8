//! The only place where statement bytes, an LRS's copy included, are converted to and from what the file
//! stores. They are stored as they are; packing or encryption would be added here and nowhere else.

use std::borrow::Cow;

use rusqlite::{Row, RowIndex};

/// Number of bytes of a statement, as SQL over its row `s`.
pub(crate) const LENGTH: &str = "length(s.body)";

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
