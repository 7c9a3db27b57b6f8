//! A file that is damaged, emptied or older than it was, with more than one upstream: what is lost for one of them is
//! told, whatever the first has.

use std::fs;

use super::older_copy::{FILES, files, put};
use super::two_upstreams;
use crate::store::tests::{MAIN, NOW, append, check, file, open, statement};
use crate::store::{
    Db, HistoryPolicy, LossReport, Refused, Remainder, StoreError, Unchanged, UpstreamId,
};

fn deliver(db: &mut Db, upstream: UpstreamId, statements: usize) {
    two_upstreams::deliver(db, upstream, statements, HistoryPolicy::None);
    two_upstreams::purge(db, HistoryPolicy::None);
}

fn record(db: &mut Db, numbers: std::ops::RangeInclusive<u128>) {
    for n in numbers {
        append(db, n).unwrap();
    }
}

/// Closes it, damages its database, and opens it again.
fn damaged(
    db: Db,
    folder: &std::path::Path,
    damage: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>,
) -> Db {
    drop(db);
    let [database, _, beside] = files(folder).try_into().unwrap();
    put(folder, &[damage(database.unwrap()), None, beside]);
    let db = open(&folder.join(FILES[0]));
    check(&db);
    db
}

fn told(db: &Db) -> LossReport {
    db.loss().unwrap().expect("it is told")
}

#[test]
fn an_older_copy_tells_what_the_first_alone_has() {
    // So many of the three that were recorded since, and of the two before, the second one has, too.
    for (delivered, lost) in [(0, 3), (2, 3), (4, 1), (5, 0)] {
        let (folder, path) = file();
        let mut db = open(&path);
        let second = db.add_upstream("second").unwrap();
        record(&mut db, 1..=2);
        db.checkpoint().unwrap();
        let older = files(folder.path())[0].clone();
        record(&mut db, 3..=5);
        deliver(&mut db, MAIN, 5);
        if delivered > 0 {
            deliver(&mut db, second, delivered);
        }
        db.keep_numbers();
        let db = damaged(db, folder.path(), |_| older);
        let loss = told(&db);
        assert_eq!(
            (loss.lost, loss.uncertain),
            (lost, false),
            "{delivered}: {loss:?}"
        );
        assert_eq!(loss.damage.contains("another LRS"), lost > 0, "{loss:?}");
        assert_eq!(db.ledger(second).unwrap().queued, 2);
    }
}

/// What it can still read in its log, and what the second one has, is not what is lost: that may be among the
/// others.
#[test]
fn a_damaged_log_tells_what_it_cannot_save_for_another_one() {
    for (delivered, lost) in [(0, 2), (5, 2), (8, 1), (9, 0)] {
        let (folder, path) = file();
        let mut db = open(&path);
        let second = db.add_upstream("second").unwrap();
        record(&mut db, 1..=2);
        db.checkpoint().unwrap();
        record(&mut db, 3..=12);
        deliver(&mut db, MAIN, 12);
        if delivered > 0 {
            deliver(&mut db, second, delivered);
        }
        db.keep_numbers();
        let [database, log, beside] = files(folder.path()).try_into().unwrap();
        drop(db);
        let mut log = log.unwrap();
        // SQLite ends at the first frame; of two statements no copy is whole.
        log[32 + 24 + 500] ^= 1;
        for n in [8, 9] {
            let id = statement(n).id.to_string();
            let places =
                (0..log.len() - id.len()).filter(|at| log[*at..].starts_with(id.as_bytes()));
            for place in places.collect::<Vec<_>>() {
                log[place] ^= 1;
            }
        }
        put(folder.path(), &[database, Some(log), beside]);
        let db = open(&path);
        check(&db);
        let loss = told(&db);
        let facts = (loss.lost, loss.uncertain);
        assert_eq!(facts, (lost, false), "{delivered}: {loss:?}");
    }
}

#[test]
fn what_was_taken_back_since_is_not_lost_for_anybody() {
    let (folder, path) = file();
    let mut db = open(&path);
    db.add_upstream("second").unwrap();
    record(&mut db, 1..=2);
    db.checkpoint().unwrap();
    let older = files(folder.path())[0].clone();
    record(&mut db, 3..=5);
    for n in [2, 3, 5] {
        db.retract(statement(n).id, NOW).unwrap();
    }
    db.keep_numbers();
    let db = damaged(db, folder.path(), |_| older);
    assert_eq!(told(&db).lost, 1);
}

#[test]
fn an_older_copy_tells_of_one_that_was_added_since() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=2);
    db.checkpoint().unwrap();
    let older = files(folder.path())[0].clone();
    db.add_upstream("second").unwrap();
    record(&mut db, 3..=4);
    deliver(&mut db, MAIN, 4);
    db.keep_numbers();
    let db = damaged(db, folder.path(), |_| older);
    let loss = told(&db);
    assert_eq!((loss.lost, loss.uncertain), (2, true), "{loss:?}");
    assert!(loss.damage.contains("added again: 1"), "{loss:?}");
}

#[test]
fn an_emptied_file_tells_what_another_one_was_to_get() {
    for recorded in [3, 0] {
        for is_missing in [false, true] {
            let (folder, path) = file();
            let mut db = open(&path);
            db.add_upstream("second").unwrap();
            record(&mut db, 1..=recorded);
            if recorded > 0 {
                deliver(&mut db, MAIN, recorded as usize);
            }
            db.keep_numbers();
            let db = damaged(db, folder.path(), |_| (!is_missing).then(Vec::new));
            let loss = told(&db);
            assert_eq!(
                (loss.lost, loss.uncertain),
                (recorded as u64, true),
                "{loss:?}"
            );
            assert!(loss.damage.contains("added again: 1"), "{loss:?}");
            // It is told once.
            drop(db);
            assert_eq!(told(&open(&path)), loss);
        }
    }
}

#[test]
fn a_damaged_file_tells_what_another_one_was_to_get() {
    let (folder, path) = file();
    let mut db = open(&path);
    db.add_upstream("second").unwrap();
    record(&mut db, 1..=9);
    deliver(&mut db, MAIN, 9);
    db.checkpoint().unwrap();
    db.keep_numbers();
    let db = damaged(db, folder.path(), |mut bytes| {
        let pages = bytes.len() - 4096;
        bytes[4096..].copy_from_slice(&vec![0xa5; pages]);
        Some(bytes)
    });
    let loss = told(&db);
    // Those on the first page of 4096 bytes, which are some of 1024, may have been saved.
    assert!(loss.uncertain || loss.lost == 9 - loss.saved, "{loss:?}");
    assert!(loss.lost + loss.saved >= 9, "{loss:?}");
}

#[test]
fn one_that_was_removed_is_missed_by_nobody() {
    let (folder, path) = file();
    let mut db = open(&path);
    db.add_upstream("second").unwrap();
    record(&mut db, 1..=3);
    db.keep_numbers();
    let before = fs::read(folder.path().join(FILES[2])).unwrap();
    db.remove_upstream("second", Remainder::Discard, NOW)
        .unwrap();
    drop(db);
    // The kill came before the numbers were kept beside the file; the notes are written first.
    let mut beside = fs::read(folder.path().join(FILES[2])).unwrap();
    beside[..1408].copy_from_slice(&before[..1408]);
    fs::write(folder.path().join(FILES[2]), beside).unwrap();
    let db = open(&path);
    check(&db);
    assert_eq!(db.loss().unwrap(), None);
}

#[test]
fn an_older_copy_does_not_forget_what_one_that_was_removed_may_have() {
    let (folder, path) = file();
    let mut db = open(&path);
    let second = db.add_upstream("second").unwrap();
    record(&mut db, 1..=2);
    db.checkpoint().unwrap();
    let older = files(folder.path())[0].clone();
    deliver(&mut db, second, 2);
    db.remove_upstream("second", Remainder::MustBeEmpty, NOW)
        .unwrap();
    db.keep_numbers();
    let mut db = damaged(db, folder.path(), |_| older);
    assert_eq!(
        db.retract(statement(1).id, NOW),
        Err(Unchanged::MayHaveBeenSent)
    );
}

#[test]
fn nothing_is_taken_back_that_cannot_be_noted() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=2);
    db.keep_numbers();
    let beside = folder.path().join(FILES[2]);
    fs::remove_file(&beside).unwrap();
    fs::create_dir(&beside).unwrap();
    let refused = db.retract(statement(1).id, NOW);
    assert!(
        matches!(
            refused,
            Err(Unchanged::Refused(Refused::Store(StoreError::ReadOnly(_))))
        ),
        "{refused:?}"
    );
    let everything = |_: &[u8]| true;
    assert!(matches!(
        db.erase(NOW, &everything),
        Err(StoreError::ReadOnly(_))
    ));
    assert_eq!(db.ledger(MAIN).unwrap().queued, 2);
    fs::remove_dir(&beside).unwrap();
    db.retract(statement(1).id, NOW).unwrap();
    check(&db);
}

#[test]
fn damaged_numbers_of_further_ones_are_told() {
    let (folder, path) = file();
    let mut db = open(&path);
    db.add_upstream("second").unwrap();
    record(&mut db, 1..=3);
    db.keep_numbers();
    drop(db);
    let beside = folder.path().join(FILES[2]);
    let whole = fs::read(&beside).unwrap();
    // The numbers of the first end at 132; the accounts of others are between 160 and 1408.
    for at in (160..1408).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 16;
        fs::write(&beside, bytes).unwrap();
        let mut db = open(&path);
        let loss = told(&db);
        assert!(loss.uncertain, "byte {at}: {loss:?}");
        db.acknowledge_loss().unwrap();
        drop(db);
        assert_eq!(open(&path).loss().unwrap(), None, "byte {at}");
    }
}
