//! The one door between a statement's bytes and what the file has of them, an LRS's copy of it included. They stand
//! there as they are: a file that packed or encrypted them would do it here and nowhere else.

use std::borrow::Cow;

use rusqlite::{Row, RowIndex};

/// How many bytes a statement has, in SQL where its row is `s`.
pub(crate) const LENGTH: &str = "length(s.body)";

/// Returns what the file has of them.
pub(crate) fn encode(body: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(body)
}

/// Returns them, of what the file has.
pub(crate) fn decode(stored: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(stored)
}

/// Reads them from a row, without copying what stands there as it is.
pub(crate) fn read<'a>(row: &'a Row<'_>, at: impl RowIndex) -> rusqlite::Result<Cow<'a, [u8]>> {
    Ok(decode(row.get_ref(at)?.as_blob()?))
}

/// Reads them as text: it was checked to be UTF-8 when it was recorded.
pub(crate) fn text(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<String> {
    let text = String::from_utf8(read(row, at)?.into_owned());
    Ok(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
