//! What was taken back, erased or delivered does not come back with a damaged file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::store::file::identity::FileId;
use crate::store::repair::pages::Pages;
use crate::store::repair::survey::Survey;
use crate::store::tests::{ALL, MAIN, NOW, append, file, open, settle, sized, statement, take};
use crate::store::{Db, Durability, HistoryPolicy, Outcome};

const FILES: [&str; 3] = ["queue.db", "queue.db-wal", "queue.db.ledger"];

/// What a kill leaves of a queue, and what is in it.
struct Left {
    folder: tempfile::TempDir,
    there: BTreeSet<Uuid>,
    /// How long the log was when all was recorded.
    recorded: usize,
}

impl Left {
    fn path(&self) -> PathBuf {
        self.folder.path().join(FILES[0])
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap()
    }

    /// A copy of it with this file changed.
    fn with(&self, name: &str, damage: impl FnOnce(&mut Vec<u8>)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in FILES {
            fs::write(folder.path().join(name), self.bytes(name)).unwrap();
        }
        let mut bytes = self.bytes(name);
        damage(&mut bytes);
        fs::write(folder.path().join(name), bytes).unwrap();
        let there = self.there.clone();
        Self {
            folder,
            there,
            recorded: self.recorded,
        }
    }

    /// Returns what a salvage would find.
    fn surveyed(&self) -> BTreeSet<Uuid> {
        let pages = Pages::of(&self.path()).unwrap();
        let whole = Survey::of(&pages).whole.into_iter();
        whole
            .map(|spot| pages.read(spot).expect("it was whole").id)
            .collect()
    }

    /// Returns what is to be sent once the file was salvaged.
    fn salvaged(&self) -> BTreeSet<Uuid> {
        let path = self.path();
        let found = FileId::of(&path);
        let opened = Db::salvage(&path, found, Durability::ProcessCrash, "a test", NOW).unwrap();
        queued(&opened.db)
    }
}

pub(crate) fn queued(db: &Db) -> BTreeSet<Uuid> {
    db.queued(MAIN, ALL)
        .unwrap()
        .iter()
        .map(|one| one.id)
        .collect()
}

pub(crate) fn delivered(db: &mut Db, statements: usize) {
    let seqs: Vec<i64> = take(db, statements).iter().map(|row| row.seq).collect();
    settle(db, &seqs, &Outcome::Delivered, HistoryPolicy::None);
    while db.purge(HistoryPolicy::None, NOW).unwrap() {}
}

/// Sixty statements, of which some were delivered, some taken back, some erased; each after or before
/// the log was folded.
fn left_by_a_kill(fold: bool) -> Left {
    let (folder, path) = file();
    let mut db = open(&path);
    for n in 1..=60 {
        // Some go on in pages of their own.
        let more = if n % 10 == 0 { 3_000 } else { 100 };
        db.append(&[&vec![sized(n, more)]], NOW).remove(0).unwrap();
    }
    if fold {
        db.checkpoint().unwrap();
    }
    let recorded = fs::read(folder.path().join(FILES[1])).unwrap().len();
    delivered(&mut db, 8);
    for n in [60, 59, 30, 20, 21, 22, 23, 24, 25, 26, 27] {
        db.retract(statement(n).id, NOW).unwrap();
    }
    append(&mut db, 61).unwrap();
    db.retract(statement(61).id, NOW).unwrap();
    append(&mut db, 62).unwrap();
    let there = queued(&db);
    assert_eq!(there.len(), 42);
    db.keep_numbers();
    let copy = tempfile::tempdir().unwrap();
    for name in FILES {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    Left {
        folder: copy,
        there,
        recorded,
    }
}

fn pages(bytes: &[u8]) -> std::ops::Range<usize> {
    0..bytes.len() / 1024
}

fn wipe(page: usize) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| bytes[page * 1024..(page + 1) * 1024].fill(0)
}

#[test]
fn no_damaged_page_of_the_file_brings_back_what_was_taken_out() {
    for fold in [false, true] {
        let left = left_by_a_kill(fold);
        assert_eq!(left.salvaged(), left.there, "fold {fold}: sound");
        let left = left_by_a_kill(fold);
        for page in pages(&left.bytes(FILES[0])) {
            let found = left.with(FILES[0], wipe(page)).surveyed();
            let back: Vec<_> = found.difference(&left.there).collect();
            assert!(back.is_empty(), "fold {fold}, page {page}: {back:?}");
            let lost = left.there.difference(&found).count();
            assert!(lost < 8, "fold {fold}, page {page}: {lost} are lost");
        }
    }
}

#[test]
fn what_was_taken_out_before_the_log_was_folded_stays_out() {
    for shrink in [false, true] {
        let left = left_by_a_kill(false);
        let mut db = open(&left.path());
        if shrink {
            db.tidy().unwrap();
        } else {
            db.checkpoint().unwrap();
        }
        drop(db);
        fs::write(left.folder.path().join(FILES[1]), "").unwrap();
        for page in pages(&left.bytes(FILES[0])) {
            let found = left.with(FILES[0], wipe(page)).surveyed();
            let back: Vec<_> = found.difference(&left.there).collect();
            assert!(back.is_empty(), "page {page}: {back:?}");
            let lost = left.there.difference(&found).count();
            assert!(lost < 8, "page {page}: {lost} are lost");
        }
    }
}

/// Where each frame of the log begins, and whether it is the last of its transaction.
fn frames(log: &[u8]) -> Vec<(usize, bool)> {
    let begin = (32..log.len()).step_by(24 + 1024);
    begin
        .filter(|at| log[at + 8..at + 16] == log[16..24])
        .map(|at| (at, log[at + 4..at + 8] != [0; 4]))
        .collect()
}

/// A row that left its page at the frame that is damaged may have gone there. What was taken back or erased is
/// noted beside the file, and stays out; what was delivered is asked for once more.
#[test]
fn a_damaged_frame_brings_back_nothing_but_what_the_lrs_is_asked_for() {
    let delivered: BTreeSet<Uuid> = (1..=8).map(|n| statement(n).id).collect();
    for fold in [false, true] {
        let left = left_by_a_kill(fold);
        let mut frames = frames(&left.bytes(FILES[1]));
        frames.retain(|(at, _)| *at >= left.recorded);
        assert!(frames.len() > 60, "{}", frames.len());
        // In its header, in the salt of its turn, at the beginning of its page, and in the middle.
        for place in [3, 9, 24, 500] {
            for (n, (at, _)) in frames.iter().enumerate() {
                let damaged = left.with(FILES[1], |log| log[at + place] ^= 4);
                let found = damaged.surveyed();
                let back = found.difference(&left.there).count();
                // Its turn alone is damaged, which nobody needs.
                assert!(place != 9 || back == 0, "fold {fold}, {at}: {back}");
                let lost = left.there.difference(&found).count();
                assert!(lost < 8, "fold {fold}, {at} + {place}: {lost} are lost");
                if n % 5 == 0 {
                    let salvaged = damaged.salvaged();
                    let mut back = salvaged.difference(&left.there);
                    let is_delivered = |id| delivered.contains(id);
                    assert!(back.all(is_delivered), "fold {fold}, {at} + {place}");
                }
            }
        }
    }
}

/// SQLite reads the log up to what is damaged, and takes the file for sound.
#[test]
fn the_end_of_a_log_takes_out_what_it_can_though_sqlite_does_not_believe_it() {
    let left = left_by_a_kill(true);
    let log = left.bytes(FILES[1]);
    let frames = frames(&log);
    // A frame of what was delivered first.
    let damaged = left.with(FILES[1], |log| log[frames[1].0 + 500] ^= 4);
    let db = open(&damaged.path());
    let found = queued(&db);
    let back: Vec<_> = found.difference(&left.there).collect();
    assert!(back.len() <= 8, "{back:?}");
    for n in [60, 59, 30, 20, 21, 27] {
        assert!(!found.contains(&statement(n).id), "{n} is back");
    }
    crate::store::tests::check(&db);
}

/// A transaction that was undone stands in the log until it is written over.
#[test]
fn what_was_never_recorded_does_not_come_back_from_the_log() {
    let (folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    db.keep_numbers();
    // Too much for the memory of SQLite, so that it writes before the commit.
    db.conn.execute_batch("PRAGMA cache_size = 10").unwrap();
    let undone: Result<(), crate::store::StoreError> = db.together(|db| {
        for n in 2..=40 {
            db.append(&[&vec![sized(n, 2_000)]], NOW).remove(0).unwrap();
        }
        Err(crate::store::StoreError::DiskFull)
    });
    assert!(undone.is_err());
    let log = fs::read(folder.path().join(FILES[1])).unwrap();
    assert!(log.len() > 30_000, "nothing of it is in the log");
    let found = FileId::of(&path);
    drop(copy_over(db, folder.path()));
    let opened = Db::salvage(&path, found, Durability::ProcessCrash, "a test", NOW);
    let there = queued(&opened.unwrap().db);
    assert_eq!(there, BTreeSet::from([statement(1).id]));
}

/// Closes it as a kill does: the files stay as they are.
fn copy_over(db: Db, folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let kept = FILES.map(|name| (folder.join(name), fs::read(folder.join(name)).unwrap()));
    drop(db);
    for (path, bytes) in &kept {
        fs::write(path, bytes).unwrap();
    }
    kept.into()
}
