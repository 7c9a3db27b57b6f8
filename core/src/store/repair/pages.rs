//! Statements of a damaged file, read page by page, without the tree above them.
//!
//! SQLite finds a row through the pages above it: with one of those gone, all below is out of its reach. Here each page
//! that can hold statements is read by itself, from the file and from the write-ahead log beside it
//! ([`super::wal_frames`]). A checksum ([`crate::store::queue::checksum`]) tells whether what it holds is a statement,
//! so nothing else is taken for one, whatever the page has become. [`super::survey`] tells which of them are still
//! there, and which were taken out since. The format is that of SQLite 3 (<https://www.sqlite.org/fileformat2.html>):
//! section 1.6 describes the pages.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

use super::leaf;
use super::page_row::{self, columns, is_like_a_statement, statement, varint};
use super::raw_file::Looked;
use super::wal_frames::{self, At, Frame, PAGE, part};
use crate::store::StoreError;
use crate::store::file::names::with_suffix;
use crate::store::ledger_file::reading;
use crate::store::queue::checksum::Found;

/// Number of pages, 64 MiB, that are searched for a first statement: a film is no queue.
const LOOKED_THROUGH: usize = 64 * 1024;

/// Most bytes before a row's record: its length and its number.
const BEFORE_RECORD: usize = 12;

/// Number of pages whose types one map page gives (section 1.8), in five bytes each.
const MAPPED: u64 = PAGE as u64 / 5;

/// Type that a map gives to a page that holds nothing.
const FREE: u8 = 2;

/// Place of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    pub(crate) seq: i64,
    /// Number of its page; `at` is where the bytes of that are.
    pub(crate) page: u64,
    pub(crate) at: At,
    /// Offset of its row in the page.
    pub(crate) cell: usize,
    /// Number of frames of the log that had been written: its other pages are read as they were then.
    pub(crate) then: usize,
}

/// Row as it lies in a page.
struct Cell {
    seq: i64,
    /// Offset of its record, and the number of bytes of that, including those on other pages.
    record: usize,
    length: usize,
}

/// Statement that its checksum has proved.
pub(crate) struct Proved {
    pub(crate) found: Found,
    /// Number of bytes of all statements up to it, as its row has it.
    pub(crate) ends_at: Option<i64>,
}

/// Raw content of a damaged file and its log.
pub(crate) struct Pages {
    file: Option<Looked>,
    log: Option<Looked>,
    /// Number of pages in the file.
    pub(crate) count: u64,
    pub(crate) frames: Vec<Frame>,
    /// Frames of each page, oldest first.
    versions: HashMap<u64, Vec<usize>>,
    /// Last place that was given out in the log of statements, as far as that is known.
    pub(crate) last_given_out: Option<i64>,
}

impl Pages {
    pub(crate) fn of(path: &Path) -> Result<Self, StoreError> {
        let log = Looked::at(path, &with_suffix(path, "-wal"))?;
        Self::of_both(path, log)
    }

    /// Reads the file by itself, as the log beside it is not its own.
    pub(crate) fn of_file(path: &Path) -> Result<Self, StoreError> {
        Self::of_both(path, None)
    }

    fn of_both(path: &Path, log: Option<Looked>) -> Result<Self, StoreError> {
        let file = Looked::at(path, path)?;
        let frames = wal_frames::read(log.as_ref(), file.as_ref());
        let mut versions: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, frame) in frames.iter().enumerate() {
            versions.entry(frame.page).or_default().push(at);
        }
        Ok(Self {
            count: file.as_ref().map_or(0, Looked::len).div_ceil(PAGE as u64),
            file,
            log,
            frames,
            versions,
            last_given_out: reading::numbers(path)?.map(|numbers| numbers.last_seq as i64),
        })
    }

    /// Tells whether there is a single statement in it: then the file is a queue, whatever else it has become.
    pub(crate) fn has_any(&self) -> bool {
        let file = (1..=self.count).map(At::file);
        let mut pages = self.frames.iter().map(|frame| frame.at).chain(file);
        pages.by_ref().take(LOOKED_THROUGH).any(|page| {
            self.rows(page).is_some_and(|(bytes, rows)| {
                let mut rows = rows.iter();
                rows.any(|row| self.proved(&bytes, row.start, usize::MAX).is_some())
            })
        })
    }

    /// Returns the number of pages that the file has with its log.
    pub(crate) fn cut_to(&self) -> Option<u64> {
        let mut frames = self.frames.iter().rev().filter(|frame| frame.whole);
        frames.find_map(|frame| frame.pages_after)
    }

    /// Tells whether the file has a statement after that page whose place in the log of statements is after this one.
    pub(crate) fn has_statement_after(&self, page: u64, seq: i64) -> bool {
        (page + 1..=self.count).any(|page| {
            let at = At::file(page);
            let mut later = self.listed(at).into_iter().filter(|(own, _)| *own > seq);
            later.any(|(seq, cell)| {
                self.read(Spot {
                    seq,
                    page,
                    at,
                    cell,
                    then: 0,
                })
                .is_some()
            })
        })
    }

    /// Returns the statement in that place; none where it is no longer the one it was.
    pub(crate) fn read(&self, spot: Spot) -> Option<Found> {
        self.read_row(spot).map(|proved| proved.found)
    }

    /// Returns the same with what its row says of its place.
    pub(crate) fn read_row(&self, spot: Spot) -> Option<Proved> {
        let bytes = self.bytes(spot.at)?;
        // The other pages may be newer in the file than the page that leads there.
        let proved = |then| self.proved(&bytes, spot.cell, then);
        let (_, proved) = proved(spot.then).or_else(|| proved(usize::MAX))?;
        Some(proved)
    }

    /// Returns the statements that this page lists: their places in the log of statements, and where their rows are.
    pub(crate) fn listed(&self, page: At) -> Vec<(i64, usize)> {
        let Some((bytes, rows)) = self.rows(page) else {
            return Vec::new();
        };
        let rows = rows.into_iter().map(|row| row.start);
        rows.filter_map(|at| Some((self.like_a_statement(&bytes, at)?.seq, at)))
            .collect()
    }

    /// Returns the pages that hold nothing any more, by the file alone.
    pub(crate) fn free_in_file(&self) -> HashSet<u64> {
        let mut free = HashSet::new();
        let mut by_list = None;
        for map in (2..=self.count).step_by(MAPPED as usize + 1) {
            if let Some(said) = self.freed_by(map, At::file(map)) {
                free.extend(said);
                continue;
            }
            let list = by_list.get_or_insert_with(|| self.free_list());
            free.extend(
                list.iter()
                    .filter(|page| (map..=map + MAPPED).contains(page)),
            );
        }
        free
    }

    /// Returns the pages that this version of a map of pages calls free; none where it is no map.
    pub(crate) fn freed_by(&self, map: u64, at: At) -> Option<Vec<u64>> {
        if map < 2 || !(map - 2).is_multiple_of(MAPPED + 1) {
            return None;
        }
        let bytes = self.bytes(at)?;
        let mut free = Vec::new();
        for (page, entry) in (map + 1..=map + MAPPED).zip(bytes.chunks_exact(5)) {
            match entry[0] {
                FREE if entry[1..] == [0; 4] => free.push(page),
                1 | 3..=5 => {}
                // The file ends here.
                0 if entry == [0; 5] => {}
                _ => return None,
            }
        }
        // A map of nothing is a page that was wiped out.
        (bytes[0] != 0).then_some(free)
    }

    /// Returns the list of free pages, as far as it can be read (section 1.5).
    fn free_list(&self) -> HashSet<u64> {
        let mut free = HashSet::new();
        let Some(first) = self.bytes(At::file(1)) else {
            return free;
        };
        if !first.starts_with(b"SQLite format 3\0") {
            return free;
        }
        let number = |bytes: &[u8], at: usize| u64::from(u32::from_be_bytes(part(&bytes[at..])));
        let mut trunk = number(&first, 32);
        while trunk != 0 && free.insert(trunk) {
            let Some(bytes) = self.bytes(At::file(trunk)) else {
                break;
            };
            let leaves = number(&bytes, 4).min((PAGE as u64 - 8) / 4);
            free.extend((0..leaves).map(|leaf| number(&bytes, 8 + 4 * leaf as usize)));
            trunk = number(&bytes, 0);
        }
        free
    }

    /// Returns the version of a page that was the newest then.
    fn page(&self, number: u64, then: usize) -> Option<[u8; PAGE]> {
        let frames = self.versions.get(&number).map_or(&[][..], Vec::as_slice);
        match frames.partition_point(|frame| *frame < then) {
            0 if number == 0 => None,
            0 => self.bytes(At::file(number)),
            known => self.bytes(self.frames[frames[known - 1]].at),
        }
    }

    /// Returns a page, of the one in which the file is cut what is there.
    fn bytes(&self, page: At) -> Option<[u8; PAGE]> {
        let mut bytes = [0; PAGE];
        let (from, at, there) = match page {
            At::File(at) => {
                let file = self.file.as_ref()?;
                let there = file.len().checked_sub(at)?.min(PAGE as u64);
                (file, at, there as usize)
            }
            At::Log(at) => (self.log.as_ref()?, at, PAGE),
        };
        let is_read = there > 0 && from.read(at, &mut bytes[..there]);
        is_read.then_some(bytes)
    }

    /// Returns a page that may hold statements, and the bytes of each of its rows.
    fn rows(&self, page: At) -> Option<([u8; PAGE], Vec<Range<usize>>)> {
        let bytes = self.bytes(page)?;
        let of = |at: usize, cell: &Cell| at..cell.end();
        let rows = leaf::rows(
            &bytes,
            &|at| Some(of(at, &self.like_a_statement(&bytes, at)?)),
            &|at| {
                let cell = Cell::at(&bytes, at)?;
                self.statement_of(&bytes, &cell, usize::MAX)?;
                Some(of(at, &cell))
            },
        );
        Some((bytes, rows))
    }

    /// Returns the row at this offset, if it looks like a statement's.
    fn like_a_statement(&self, page: &[u8; PAGE], at: usize) -> Option<Cell> {
        let is_like = |cell: &Cell| {
            let here = page.get(cell.record..cell.here().end);
            let columns = here.and_then(columns);
            columns.is_some_and(|columns| is_like_a_statement(&columns))
        };
        let plain = Cell::at(page, at).filter(is_like);
        plain.or_else(|| Some(self.mended(page, at, usize::MAX)?.0))
    }

    /// Returns the statement at this offset; none where it is spoilt, the row of another table, or rubbish.
    fn proved(&self, page: &[u8; PAGE], at: usize, then: usize) -> Option<(Cell, Proved)> {
        let plain = Cell::at(page, at)
            .and_then(|cell| self.statement_of(page, &cell, then).map(|it| (cell, it)));
        plain.or_else(|| self.mended(page, at, then))
    }

    /// Returns the statement at this offset whose record is whole, and what is before that is not: its length, or its
    /// number.
    fn mended(&self, page: &[u8; PAGE], at: usize, then: usize) -> Option<(Cell, Proved)> {
        let (_, number) = varint(page, at)?;
        (at + 2..=at + BEFORE_RECORD).find_map(|record| {
            let number = page.get(number.min(record - 1)..record)?;
            let bits = number.iter().map(|byte| i64::from(byte & 0x7f));
            let cell = Cell {
                seq: bits.fold(0, |seq, bits| seq << 7 | bits),
                record,
                length: page_row::length(page.get(record..)?)?,
            };
            let proved = self.statement_of(page, &cell, then)?;
            Some((cell, proved))
        })
    }

    fn statement_of(&self, page: &[u8; PAGE], cell: &Cell, then: usize) -> Option<Proved> {
        let here = columns(page.get(cell.record..cell.here().end)?)?;
        if !is_like_a_statement(&here) {
            return None;
        }
        let payload = self.payload(page, cell, then)?;
        let columns = columns(&payload)?;
        Some(Proved {
            found: statement(&columns)?,
            ends_at: page_row::ends_at(&columns),
        })
    }

    /// Returns the record of a row, including what is on other pages (section 1.6).
    fn payload(&self, page: &[u8; PAGE], cell: &Cell, then: usize) -> Option<Vec<u8>> {
        // No row is longer than all that there is.
        let all =
            self.file.as_ref().map_or(0, Looked::len) + self.log.as_ref().map_or(0, Looked::len);
        if cell.length as u64 > all {
            return None;
        }
        let here = cell.here();
        let mut payload = page.get(here.clone())?.to_vec();
        if payload.len() == cell.length {
            return Some(payload);
        }
        let mut next = u32::from_be_bytes(part(page.get(here.end..here.end + 4)?));
        while payload.len() < cell.length {
            // A chain that breaks off leaves a row whose checksum cannot fit.
            let Some(bytes) = self.page(u64::from(next), then) else {
                break;
            };
            let more = (cell.length - payload.len()).min(PAGE - 4);
            payload.extend_from_slice(&bytes[4..4 + more]);
            next = u32::from_be_bytes(part(&bytes));
        }
        Some(payload)
    }
}

impl Cell {
    fn at(page: &[u8; PAGE], at: usize) -> Option<Self> {
        let (length, at) = varint(page, at)?;
        let (seq, record) = varint(page, at)?;
        let length = usize::try_from(length).ok()?;
        Some(Self {
            seq,
            record,
            length,
        })
    }

    /// Returns the part of its record that is on its own page (section 1.6).
    fn here(&self) -> Range<usize> {
        let most = PAGE - 35;
        if self.length <= most {
            return self.record..self.record + self.length;
        }
        let least = (PAGE - 12) * 32 / 255 - 23;
        let local = least + (self.length - least) % (PAGE - 4);
        let local = if local <= most { local } else { least };
        self.record..self.record + local
    }

    /// Returns the offset after its bytes on its own page.
    fn end(&self) -> usize {
        let here = self.here();
        let goes_on = here.len() < self.length;
        here.end + if goes_on { 4 } else { 0 }
    }
}
