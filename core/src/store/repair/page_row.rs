//! Rows as they lie in a page (<https://www.sqlite.org/fileformat2.html>, section 2.1).

use uuid::Uuid;

use crate::clock::Steady;
use crate::statement::Contents;
use crate::store::queue::body;
use crate::store::queue::checksum::Found;

/// Number of columns in a statement's row. They are in the order of the schema.
const COLUMNS: usize = 16;

/// Value of a record (section 2.1).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Null,
    Number(i64),
    Bytes(&'a [u8]),
    /// The record ends before it.
    Cut,
}

impl<'a> Value<'a> {
    fn number(self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn uuid(self) -> Option<Uuid> {
        Uuid::from_slice(self.bytes()?).ok()
    }
}

/// Returns the values of a record.
pub(crate) fn columns(record: &[u8]) -> Option<Vec<Value<'_>>> {
    let (header, mut at) = varint(record, 0)?;
    let mut value = usize::try_from(header).ok()?;
    let end = value.min(record.len());
    let mut values = Vec::with_capacity(COLUMNS);
    while at < end {
        let (kind, next) = varint(record, at)?;
        at = next;
        let begin = value;
        value = value.saturating_add(length_of(kind)?);
        let Some(bytes) = record.get(begin..value) else {
            values.push(Value::Cut);
            continue;
        };
        values.push(match kind {
            0 => Value::Null,
            8 => Value::Number(0),
            9 => Value::Number(1),
            1..=6 => Value::Number(
                bytes
                    .iter()
                    .fold(if bytes[0] >= 0x80 { -1 } else { 0 }, |number, byte| {
                        number << 8 | i64::from(*byte)
                    }),
            ),
            7 => return None,
            _ => Value::Bytes(bytes),
        });
    }
    Some(values)
}

/// Returns the number of bytes of a value of this kind.
fn length_of(kind: i64) -> Option<usize> {
    match kind {
        0 | 8 | 9 => Some(0),
        1..=4 => Some(kind as usize),
        5 => Some(6),
        6 | 7 => Some(8),
        12.. => usize::try_from((kind - 12) / 2).ok(),
        _ => None,
    }
}

/// Returns the number of bytes of a record, as its header says.
pub(crate) fn length(record: &[u8]) -> Option<usize> {
    let (header, mut at) = varint(record, 0)?;
    let mut all = usize::try_from(header).ok()?;
    let end = all;
    while at < end {
        let (kind, next) = varint(record, at)?;
        at = next;
        all = all.checked_add(length_of(kind)?)?;
    }
    Some(all)
}

/// Tells whether a row that fits no checksum looks like a statement's at all.
pub(crate) fn is_like_a_statement(columns: &[Value<'_>]) -> bool {
    let mark = |at: usize| columns[at].number().is_some();
    columns.len() >= COLUMNS && columns[1].uuid().is_some() && mark(2) && mark(3) && mark(4)
}

/// Returns the number of bytes of all statements up to this one, as its row has it. No checksum covers that.
pub(crate) fn ends_at(columns: &[Value<'_>]) -> Option<i64> {
    columns.get(6)?.number()
}

/// Returns the statement that these columns hold, if they fit its checksum.
pub(crate) fn statement(columns: &[Value<'_>]) -> Option<Found> {
    if columns.len() < COLUMNS {
        return None;
    }
    let found = Found {
        id: columns[1].uuid()?,
        recorded_at: columns[4].number()?,
        happened_at: columns[5].number()?,
        steady: match (columns[7].number(), columns[8].number()) {
            (Some(ms), Some(boot)) => Some(Steady { ms, boot }),
            _ => None,
        },
        traits: columns[9].number()?,
        voids: columns[10].uuid(),
        not_for: columns[11].number()?,
        delivered_at: columns[12].number(),
        body: body::decode(columns[14].bytes()?).into_owned(),
        contents: match columns[15] {
            Value::Null => Contents::default(),
            contents => Contents::from_bytes(contents.bytes()?),
        },
    };
    found.fitting(columns[13].number()?)
}

/// Reads a number of one to nine bytes. Returns it, and the offset of what comes after it.
pub(crate) fn varint(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let mut number: u64 = 0;
    for (place, byte) in bytes.get(at..)?.iter().take(9).enumerate() {
        if place == 8 {
            return Some(((number << 8 | u64::from(*byte)) as i64, at + 9));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number as i64, at + place + 1));
        }
    }
    None
}
