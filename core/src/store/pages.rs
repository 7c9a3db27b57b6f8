//! The statements of a damaged file, page by page, without the tree above them.
//!
//! SQLite finds a row through the pages above it: with one of those gone, all below is out of its reach.
//! Here each page that can hold statements is read by itself, of the file and of the write-ahead log
//! beside it. Whether what it says is a statement tells its checksum ([`super::intact`]), so nothing
//! else is taken for one, whatever the page has become. The format is the one of SQLite 3
//! (<https://www.sqlite.org/fileformat2.html>): section 1.6 has the pages, 2.1 the records, 4 the log.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use uuid::Uuid;

use super::intact::Found;
use super::looked::Looked;
use super::open::PAGE_BYTES;
use super::place::with_suffix;
use crate::clock::Steady;

const PAGE: usize = PAGE_BYTES as usize;

/// Most pages that are looked through for a first statement, 64 MiB: a film is no queue.
const LOOKED_THROUGH: usize = 64 * 1024;

/// A leaf of a table: the only kind of page that holds rows.
const TABLE_LEAF: u8 = 13;

/// The columns of a statement's row, in the order of the schema.
const COLUMNS: usize = 14;

/// Where a statement lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) seq: i64,
    page: At,
    cell: usize,
}

/// A page, by where its bytes begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    File(u64),
    Log(u64),
}

/// A damaged file and its log.
pub(super) struct Pages {
    file: Option<Looked>,
    log: Option<Looked>,
    count: u64,
    /// The newest of each page in the log.
    newest: HashMap<u64, u64>,
    /// Every other page in the log, oldest first.
    older: Vec<u64>,
}

/// What is where in the file.
pub(super) struct Survey {
    /// Whole statements in capture order, each once.
    pub(super) whole: Vec<Spot>,
    /// Rows that are no longer the statement they were.
    pub(super) spoilt: u64,
}

impl Pages {
    pub(super) fn of(path: &Path) -> Self {
        let file = Looked::at(path);
        let log = Looked::at(&with_suffix(path, "-wal"));
        let mut pages = Self {
            count: file.as_ref().map_or(0, Looked::len).div_ceil(PAGE as u64),
            file,
            log,
            newest: HashMap::new(),
            older: Vec::new(),
        };
        pages.read_log();
        pages
    }

    /// Is there a single statement in it? Then the file is a queue, whatever else it has become.
    pub(super) fn has_any(&self) -> bool {
        self.places().take(LOOKED_THROUGH).any(|page| {
            self.cells(page).is_some_and(|(bytes, cells)| {
                cells
                    .iter()
                    .any(|cell| self.row(&bytes, *cell).is_some_and(|row| row.is_ok()))
            })
        })
    }

    /// Looks through all pages. What is newer is looked at first, and counts.
    pub(super) fn survey(&self) -> Survey {
        let free = self.free_pages();
        let mut seen = HashSet::new();
        let mut spoilt = HashSet::new();
        let mut whole = Vec::new();
        for page in self.places() {
            if is_free(page, &free) {
                continue;
            }
            let Some((bytes, cells)) = self.cells(page) else {
                continue;
            };
            for (cell, offset) in cells.into_iter().enumerate() {
                match self.row(&bytes, offset) {
                    Some(Ok(row)) if seen.insert(row.id) => whole.push(Spot {
                        seq: row.seq,
                        page,
                        cell,
                    }),
                    Some(Err(seq)) => {
                        spoilt.insert(seq);
                    }
                    Some(Ok(_)) | None => {}
                }
            }
        }
        whole.sort_by_key(|spot| spot.seq);
        for spot in &whole {
            // An older copy of it, or a newer one, was right.
            spoilt.remove(&spot.seq);
        }
        Survey {
            whole,
            spoilt: spoilt.len() as u64,
        }
    }

    /// The statement in that place.
    pub(super) fn read(&self, spot: Spot) -> Option<Found> {
        let (bytes, cells) = self.cells(spot.page)?;
        self.row(&bytes, *cells.get(spot.cell)?)?.ok()
    }

    /// Every page: of the log the newest ones first, then those of the file, then what is left of the log.
    fn places(&self) -> impl Iterator<Item = At> {
        let mut newest: Vec<u64> = self.newest.values().copied().collect();
        newest.sort_unstable();
        let file = (0..self.count).map(|page| At::File(page * PAGE as u64));
        let older = self.older.iter().rev().map(|at| At::Log(*at));
        newest
            .into_iter()
            .rev()
            .map(At::Log)
            .chain(file)
            .chain(older)
    }

    /// The frames of the log: what they hold counts only if a statement in it fits its checksum, so one
    /// that SQLite would not believe any more is looked at like the others.
    fn read_log(&mut self) {
        let Some(log) = &self.log else { return };
        let mut header = [0; 32];
        if !log.read(0, &mut header) {
            return;
        }
        let frame = PAGE as u64 + 24;
        // Where its own header is gone, those of the first frame say of which turn it is.
        let mut salts = [0; 8];
        salts.copy_from_slice(&header[16..24]);
        let mut first = [0; 24];
        if log.read(32, &mut first) && first[8..16] != salts {
            salts.copy_from_slice(&first[8..16]);
        }
        let mut at = 32;
        while at + frame <= log.len() {
            let mut head = [0; 24];
            if !log.read(at, &mut head) {
                break;
            }
            let page = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
            // Frames of an earlier turn hold what has been folded into the file long since.
            if head[8..16] == salts
                && let Some(before) = self.newest.insert(page, at + 24)
            {
                self.older.push(before);
            }
            at += frame;
        }
    }

    /// The pages that hold nothing any more, as far as the list of them can be read (section 1.5).
    fn free_pages(&self) -> HashSet<u64> {
        let mut free = HashSet::new();
        let Some(first) = self.page(1) else {
            return free;
        };
        if !first.starts_with(b"SQLite format 3\0") {
            return free;
        }
        let number = |bytes: &[u8], at: usize| {
            bytes.get(at..at + 4).map_or(0, |four| {
                u64::from(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
            })
        };
        let mut trunk = number(&first, 32);
        while trunk != 0 && free.insert(trunk) {
            let Some(bytes) = self.page(trunk) else { break };
            let leaves = number(&bytes, 4).min((PAGE as u64 - 8) / 4);
            free.extend((0..leaves).map(|leaf| number(&bytes, 8 + 4 * leaf as usize)));
            trunk = number(&bytes, 0);
        }
        free
    }

    /// The newest version of a page.
    fn page(&self, number: u64) -> Option<[u8; PAGE]> {
        match self.newest.get(&number) {
            Some(at) => self.bytes(At::Log(*at)),
            None => self.bytes(At::File(number.checked_sub(1)? * PAGE as u64)),
        }
    }

    fn bytes(&self, page: At) -> Option<[u8; PAGE]> {
        let mut bytes = [0; PAGE];
        let (from, at) = match page {
            At::File(at) => (self.file.as_ref()?, at),
            At::Log(at) => (self.log.as_ref()?, at),
        };
        from.read(at, &mut bytes).then_some(bytes)
    }

    /// A page that may hold statements, and where its rows begin.
    fn cells(&self, page: At) -> Option<([u8; PAGE], Vec<usize>)> {
        let bytes = self.bytes(page)?;
        if bytes[0] != TABLE_LEAF {
            return None;
        }
        let two = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        let count = two(3).min((PAGE - 8) / 2);
        let cells = (0..count)
            .map(|cell| two(8 + 2 * cell))
            .filter(|at| (8..PAGE).contains(at))
            .collect();
        Some((bytes, cells))
    }

    /// The row of a cell: a statement, or the number of one that is spoilt; none where it is the row of
    /// another table, or rubbish.
    fn row(&self, page: &[u8; PAGE], cell: usize) -> Option<Result<Found, i64>> {
        let (length, at) = varint(page, cell)?;
        let (seq, at) = varint(page, at)?;
        let payload = self.payload(page, at, usize::try_from(length).ok()?)?;
        let (columns, complete) = columns(&payload)?;
        if columns.len() < COLUMNS || !complete {
            return is_like_a_statement(&columns).then_some(Err(seq));
        }
        match statement(seq, &columns) {
            Some(found) => Some(Ok(found)),
            None => is_like_a_statement(&columns).then_some(Err(seq)),
        }
    }

    /// The bytes of a row, those that went on to other pages included (section 1.6).
    fn payload(&self, page: &[u8; PAGE], at: usize, length: usize) -> Option<Vec<u8>> {
        let most = PAGE - 35;
        // No row is longer than all that there is.
        let all =
            self.file.as_ref().map_or(0, Looked::len) + self.log.as_ref().map_or(0, Looked::len);
        if length as u64 > all {
            return None;
        }
        if length <= most {
            return Some(page.get(at..at + length)?.to_vec());
        }
        let least = (PAGE - 12) * 32 / 255 - 23;
        let local = least + (length - least) % (PAGE - 4);
        let local = if local <= most { local } else { least };
        let mut payload = page.get(at..at + local)?.to_vec();
        let next = page.get(at + local..at + local + 4)?;
        let mut next = u32::from_be_bytes([next[0], next[1], next[2], next[3]]);
        while payload.len() < length {
            // A chain that breaks off leaves a row whose checksum cannot fit.
            let Some(bytes) = self.page(u64::from(next)) else {
                break;
            };
            let more = (length - payload.len()).min(PAGE - 4);
            payload.extend_from_slice(&bytes[4..4 + more]);
            next = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        Some(payload)
    }
}

/// In the log a page that is free now may hold what was there before: it is looked at.
fn is_free(page: At, free: &HashSet<u64>) -> bool {
    match page {
        At::File(at) => free.contains(&(at / PAGE as u64 + 1)),
        At::Log(_) => false,
    }
}

/// A value of a record (section 2.1).
#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Null,
    Number(i64),
    Bytes(&'a [u8]),
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

/// The values of a record, and whether all of them are there.
fn columns(record: &[u8]) -> Option<(Vec<Value<'_>>, bool)> {
    let (header, mut at) = varint(record, 0)?;
    let mut value = usize::try_from(header).ok()?;
    let end = value.min(record.len());
    let mut values = Vec::with_capacity(COLUMNS);
    while at < end {
        let (kind, next) = varint(record, at)?;
        at = next;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind as usize,
            5 => 6,
            6 | 7 => 8,
            12.. => usize::try_from((kind - 12) / 2).ok()?,
            _ => return None,
        };
        let Some(bytes) = value
            .checked_add(length)
            .and_then(|end| record.get(value..end))
        else {
            return Some((values, false));
        };
        value += length;
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
    Some((values, true))
}

/// Whether a row that fits no checksum looks like a statement's at all.
fn is_like_a_statement(columns: &[Value<'_>]) -> bool {
    let id = columns.get(1).is_some_and(|id| id.uuid().is_some());
    let mark = |at: usize| {
        columns
            .get(at)
            .is_some_and(|value| value.number().is_some())
    };
    id && mark(2) && mark(3) && mark(4)
}

/// The statement that these columns hold, if they fit its checksum.
fn statement(seq: i64, columns: &[Value<'_>]) -> Option<Found> {
    let found = Found {
        seq,
        id: columns[1].uuid()?,
        recorded_at: columns[4].number()?,
        happened_at: columns[5].number()?,
        steady: match (columns[7].number(), columns[8].number()) {
            (Some(ms), Some(boot)) => Some(Steady { ms, boot }),
            _ => None,
        },
        traits: columns[9].number()?,
        voids: columns[10].uuid(),
        delivered_at: columns[11].number(),
        body: columns[13].bytes()?.to_vec(),
    };
    (found.sum() == columns[12].number()?).then_some(found)
}

/// A number of one to nine bytes, and what comes after it.
fn varint(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
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
