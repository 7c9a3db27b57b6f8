//! One bit of a queue's file is another one: what is whole is there afterwards, nothing that was taken out is, and what is
//! told agrees with what is listed.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;

use uuid::Uuid;

use super::older_copy::FILES;
use super::taken_out::{delivered, queued};
use super::{ALL, MAIN, NOW, file, open, sized, statement};
use crate::store::repair::pages::Pages;
use crate::store::repair::survey::Survey;
use crate::store::{Db, Durability, Shared};

const PAGE: usize = 1_024;

/// Type of a page that holds rows.
const LEAF: u8 = 13;

/// Files of a queue, and what it has.
struct Left {
    files: Vec<(&'static str, Vec<u8>)>,
    there: BTreeSet<Uuid>,
    delivered: BTreeSet<Uuid>,
}

impl Left {
    fn bytes(&self, name: &str) -> &[u8] {
        let mut files = self.files.iter();
        files.find(|(of, _)| *of == name).map_or(&[], |it| &it.1)
    }
}

/// Leaves rows side by side, gaps that delivered and retracted ones have left, and rows that go on in pages of their own.
/// It is closed, or all since a moment in between is in the log that a kill leaves.
fn left(is_closed: bool) -> Left {
    let (folder, path) = file();
    let mut db = open(&path);
    for n in 1..=40 {
        let more = if n % 10 == 0 { 1_500 } else { 20 };
        db.append(&[&vec![sized(n, more)]], NOW).remove(0).unwrap();
        if n == 20 {
            db.checkpoint().unwrap();
        }
    }
    delivered(&mut db, 7);
    let retracted = [12, 17, 18, 25, 29, 36];
    for n in retracted {
        db.retract(statement(n).id, NOW).unwrap();
    }
    let there = (8..=40).filter(|n| !retracted.contains(n));
    let there: BTreeSet<_> = there.map(|n| statement(n).id).collect();
    assert_eq!(there.len(), 27);
    assert_eq!(queued(&db), there);
    db.keep_numbers();
    if is_closed {
        db.checkpoint().unwrap();
    }
    let read = |name| Some((name, fs::read(folder.path().join(name)).ok()?));
    let files = FILES.iter().filter_map(|name| read(*name));
    let files: Vec<_> = files.filter(|(_, bytes)| !bytes.is_empty()).collect();
    assert_eq!(files.len(), if is_closed { 2 } else { 3 });
    Left {
        files,
        there,
        delivered: (1..=7).map(|n| statement(n).id).collect(),
    }
}

/// What there is once the damage was met.
struct Met {
    there: BTreeSet<Uuid>,
    /// Statements saved and lost, as it is told.
    told: Option<(u64, u64)>,
    counted: u64,
    listed: u64,
}

/// Opens the queue with one bit of one of its files flipped, and reads all of it.
fn met(left: &Left, name: &str, at: usize, bit: usize) -> Met {
    met_with(left, name, |bytes| bytes[at] ^= 1 << bit)
}

/// Opens the queue with one of its files damaged, and reads all of it.
fn met_with(left: &Left, name: &str, damage: impl FnOnce(&mut Vec<u8>)) -> Met {
    let folder = tempfile::tempdir().unwrap();
    let mut damage = Some(damage);
    for (of, bytes) in &left.files {
        let mut bytes = bytes.clone();
        if *of == name
            && let Some(damage) = damage.take()
        {
            damage(&mut bytes);
        }
        fs::write(folder.path().join(of), bytes).unwrap();
    }
    let path = folder.path().join(FILES[0]);
    let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    let list = || shared.read(NOW, |db| db.queued(MAIN, ALL));
    // The call that meets the damage fails, and the next does not.
    let listed = list().or_else(|_| list()).unwrap();
    let ledger = shared.read(NOW, |db| db.ledger(MAIN)).unwrap();
    let loss = shared.read(NOW, Db::loss).unwrap();
    Met {
        there: listed.iter().map(|one| one.id).collect(),
        told: loss.map(|loss| (loss.saved, loss.lost)),
        counted: ledger.queued,
        listed: listed.len() as u64,
    }
}

/// Place of a row in its page, but for its number, which says nothing of what it is.
struct Row {
    bytes: Range<usize>,
    number: Range<usize>,
}

fn varint(page: &[u8], at: usize) -> (usize, usize) {
    let mut number = 0;
    for (place, byte) in page[at..].iter().enumerate() {
        number = number << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return (number, at + place + 1);
        }
    }
    panic!("no number");
}

fn rows(page: &[u8]) -> Vec<Row> {
    let two = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
    let rows = (0..two(3)).map(|row| {
        let begin = two(8 + 2 * row);
        let (length, number) = varint(page, begin);
        let (_, content) = varint(page, number);
        Row {
            bytes: begin..(content + length).min(PAGE),
            number: number..content,
        }
    });
    rows.collect()
}

/// Pages whose rows are statements.
fn leaves(file: &[u8]) -> Vec<usize> {
    let is_leaf = |page: &usize| {
        let page = &file[page * PAGE..][..PAGE];
        page[0] == LEAF && page.windows(19).any(|part| part == b"mailto:a@example.co")
    };
    (1..file.len() / PAGE).filter(is_leaf).collect()
}

/// What one bit may do.
struct Cost<'a> {
    lost: u64,
    /// Statements that may be there again.
    back: &'a BTreeSet<Uuid>,
}

/// Panics unless what there is is what the queue had, but for that, and what is told is that.
fn check(left: &Left, met: &Met, cost: &Cost<'_>, place: &str) {
    let lost = left.there.difference(&met.there).count() as u64;
    let back: Vec<_> = met.there.difference(&left.there).collect();
    let shown = format!(
        "{place}: {lost} are lost, {back:?} are back, {} are listed, {:?} are told",
        met.listed, met.told
    );
    assert_eq!(met.counted, met.listed, "{shown}");
    // One whose id was hit is another one, until its checksum is looked at.
    let is_another = cost.lost > 0 && lost == 1 && met.listed == left.there.len() as u64;
    if met.told.is_none() && is_another {
        return;
    }
    assert!(lost <= cost.lost, "{shown}");
    assert!(back.iter().all(|one| cost.back.contains(one)), "{shown}");
    let (saved, told) = met.told.unwrap_or((met.listed, 0));
    assert!(saved <= met.listed && told == lost, "{shown}");
}

#[test]
fn a_bit_of_a_page_costs_the_row_that_it_is_in() {
    let left = left(true);
    let file = left.bytes(FILES[0]);
    let leaves = leaves(file);
    let none = BTreeSet::new();
    let flip_each = |page: usize| {
        let rows = rows(&file[page * PAGE..][..PAGE]);
        let pointers = 8 + 2 * rows.len();
        for at in 0..PAGE {
            let hit = rows.iter().find(|row| row.bytes.contains(&at));
            let is_structure = at < pointers || hit.is_some_and(|row| at < row.number.end + 20);
            let bits = if is_structure {
                0..8
            } else {
                at % 8..at % 8 + 1
            };
            let spares = hit.is_none_or(|row| row.number.contains(&at));
            let cost = Cost {
                lost: u64::from(!spares),
                back: &none,
            };
            for bit in bits {
                let met = met(&left, FILES[0], page * PAGE + at, bit);
                let place = format!("page {page}, {at}, bit {bit}");
                check(&left, &met, &cost, &place);
                let saved = met.told.map(|(saved, _)| saved);
                assert!(saved.is_none_or(|saved| saved == met.listed), "{place}");
            }
        }
    };
    std::thread::scope(|threads| {
        for page in [leaves[0], leaves[2], leaves[leaves.len() - 1]] {
            threads.spawn(move || flip_each(page));
        }
    });
}

#[test]
fn a_file_that_is_cut_keeps_each_row_before_the_cut() {
    let left = left(true);
    let file = left.bytes(FILES[0]);
    let mut cuts = 0;
    for page in leaves(file) {
        let rows = rows(&file[page * PAGE..][..PAGE]);
        for row in rows.iter().filter(|row| row.bytes.end < PAGE) {
            let cut = page * PAGE + row.bytes.end;
            let met = met_with(&left, FILES[0], |bytes| bytes.truncate(cut));
            let before = rows.iter().filter(|it| it.bytes.end <= row.bytes.end);
            for row in before {
                let bytes = &file[page * PAGE..][row.bytes.clone()];
                let is_in = |id: &&Uuid| bytes.windows(16).any(|part| part == id.as_bytes());
                let id = left.there.iter().find(is_in);
                assert!(
                    id.is_none_or(|id| met.there.contains(id)),
                    "{id:?}, cut at {cut}"
                );
                cuts += u32::from(id.is_some());
            }
            let lost = left.there.difference(&met.there).count() as u64;
            assert_eq!(met.told.map(|(_, lost)| lost), Some(lost), "cut at {cut}");
        }
    }
    assert!(cuts > 10, "{cuts}");
}

/// Index pages, tables of other things, the log, and what stands beside. Where the log ends earlier the LRS is asked for what
/// it has already.
#[test]
fn a_bit_anywhere_costs_one_statement_at_most_and_none_untold() {
    let none = BTreeSet::new();
    for is_closed in [true, false] {
        let left = left(is_closed);
        for (name, bytes) in &left.files {
            let cost = Cost {
                lost: 1,
                back: if is_closed { &none } else { &left.delivered },
            };
            let places = (0..bytes.len()).filter(|at| at % 149 == 0 || at % PAGE == 0);
            for (n, at) in places.enumerate() {
                let met = met(&left, name, at, n % 8);
                check(&left, &met, &cost, &format!("{name}, {at}, bit {}", n % 8));
            }
        }
    }
}

/// Offsets of what says where the rows of a page are.
fn structure(page: &[u8]) -> Vec<usize> {
    let two = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
    let mut all: Vec<usize> = (0..8 + 2 * two(3)).collect();
    let mut free = two(1);
    while free > 0 {
        all.extend(free..free + 4);
        free = two(free);
    }
    all
}

/// What was deleted lies in its page still. Here no note beside the file keeps it away.
#[test]
fn no_bit_of_a_page_brings_back_what_was_deleted() {
    let left = left(true);
    let file = left.bytes(FILES[0]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILES[0]);
    let mut frees = 0;
    for page in leaves(file) {
        let places = structure(&file[page * PAGE..][..PAGE]);
        frees += usize::from(places.len() > 8 + 2 * rows(&file[page * PAGE..][..PAGE]).len());
        for (at, bit) in places
            .iter()
            .flat_map(|at| (0..8).map(move |bit| (at, bit)))
        {
            let mut bytes = file.to_vec();
            bytes[page * PAGE + at] ^= 1 << bit;
            fs::write(&path, &bytes).unwrap();
            let pages = Pages::of(&path).unwrap();
            let whole = Survey::of(&pages).whole.into_iter();
            let found: BTreeSet<Uuid> = whole.map(|spot| pages.read(spot).unwrap().id).collect();
            assert_eq!(found, left.there, "page {page}, {at}, bit {bit}");
        }
    }
    assert!(frees >= 3, "{frees} pages have gaps");
}
