//! What was taken back stays out of a file that has gone back in time, and what is lost with it is counted.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use uuid::Uuid;

use super::taken_out::queued;
use super::two_upstreams;
use crate::store::tests::{
    ALL, MAIN, NOW, append, check, file, held, open, settle, sized, statement, take,
};
use crate::store::{Db, Durability, HistoryPolicy, Outcome, Shared, StoreError};

pub(crate) const FILES: [&str; 3] = ["queue.db", "queue.db-wal", "queue.db.ledger"];

/// The files as they are.
pub(crate) fn files(folder: &Path) -> Vec<Option<Vec<u8>>> {
    let read = |name: &&str| fs::read(folder.join(name)).ok();
    FILES.iter().map(read).collect()
}

/// Puts these in their place.
pub(crate) fn put(folder: &Path, files: &[Option<Vec<u8>>]) {
    for (name, bytes) in FILES.iter().zip(files) {
        match bytes {
            Some(bytes) => fs::write(folder.join(name), bytes).unwrap(),
            None => drop(fs::remove_file(folder.join(name))),
        }
    }
}

/// Closes it, puts this older database in its place, and opens it again.
pub(crate) fn put_back(db: Db, folder: &Path, older: &[Option<Vec<u8>>]) -> Db {
    drop(db);
    let beside = files(folder)[2].clone();
    put(folder, &[older[0].clone(), None, beside]);
    let db = open(&folder.join(FILES[0]));
    check(&db);
    db
}

pub(crate) fn ids(numbers: impl IntoIterator<Item = u128>) -> BTreeSet<Uuid> {
    numbers.into_iter().map(|n| statement(n).id).collect()
}

pub(crate) fn record(db: &mut Db, numbers: std::ops::RangeInclusive<u128>) {
    for n in numbers {
        append(db, n).unwrap();
    }
    db.keep_numbers();
}

fn deliver(db: &mut Db, statements: usize) {
    let seqs: Vec<i64> = take(db, statements).iter().map(|row| row.seq).collect();
    assert_eq!(seqs.len(), statements);
    settle(db, &seqs, &Outcome::Delivered, HistoryPolicy::None);
    while db.purge(HistoryPolicy::None, NOW).unwrap() {}
    db.keep_numbers();
}

pub(crate) fn erase(db: &mut Db, n: u128) {
    let word = format!("http://example.com/{n}\"");
    let names = |body: &[u8]| String::from_utf8_lossy(body).contains(&word);
    assert_eq!(db.erase(NOW, &names).unwrap().undelivered, 1);
}

/// Returns how many are (recorded, queued, delivered, retracted, erased).
pub(crate) fn counts(db: &Db) -> [u64; 5] {
    let it = db.ledger(MAIN).unwrap();
    [
        it.recorded,
        it.queued,
        it.delivered,
        it.retracted,
        it.erased,
    ]
}

pub(crate) fn lost(db: &Db) -> Option<(u64, u64)> {
    db.loss().unwrap().map(|loss| (loss.saved, loss.lost))
}

#[test]
fn what_was_withdrawn_stays_out_of_an_older_copy() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=10);
    db.checkpoint().unwrap();
    let older = files(folder.path());
    db.retract(statement(3).id, NOW).unwrap();
    db.retract(statement(10).id, NOW).unwrap();
    erase(&mut db, 5);
    let seqs: Vec<i64> = take(&mut db, 1).iter().map(|row| row.seq).collect();
    settle(&mut db, &seqs, &held(), HistoryPolicy::None);
    db.discard(MAIN, statement(1).id, NOW).unwrap();
    db.keep_numbers();
    let before = counts(&db);
    assert_eq!(before, [10, 6, 0, 2, 1]);
    // Twice: the same copy may be put back again.
    for _ in 0..2 {
        db = put_back(db, folder.path(), &older);
        assert_eq!(queued(&db), ids([2, 4, 6, 7, 8, 9]));
        assert_eq!(counts(&db), before);
        assert_eq!(db.ledger(MAIN).unwrap().discarded, 1);
        assert_eq!(lost(&db), None);
    }
    drop(db);
    let word = b"http://example.com/5\"";
    let database = fs::read(&path).unwrap();
    assert!(!database.windows(word.len()).any(|part| part == word));
}

#[test]
fn an_older_copy_waits_for_what_was_under_way_when_it_was_put_back() {
    for (is_answered, is_damaged) in [(false, false), (false, true), (true, false)] {
        let (folder, path) = file();
        let mut db = open(&path);
        record(&mut db, 1..=7);
        db.checkpoint().unwrap();
        let older = files(folder.path());
        if is_answered {
            deliver(&mut db, 3);
        } else {
            take(&mut db, 3);
        }
        db.keep_numbers();
        let mut db = if is_damaged {
            db.checkpoint().unwrap();
            let beside = files(folder.path())[2].clone();
            drop(db);
            put(folder.path(), &[Some(vec![0; 8_192]), None, beside]);
            open(&path)
        } else {
            put_back(db, folder.path(), &older)
        };
        // It is told again, as to a damaged queue, which does not know it any more.
        db.set_endpoint(MAIN, "https://lrs.example/xAPI").unwrap();
        let waits = db.upstream(MAIN).unwrap().learned.waits;
        let is_waited_for = waits
            .outcome_unknown
            .is_some_and(|until| until >= NOW + 30_000);
        assert_eq!(is_waited_for, !is_answered, "{is_answered} {is_damaged}");
    }
}

#[test]
fn an_older_copy_tells_what_is_lost_and_what_is_delivered_again() {
    // How many were delivered after the copy was made of 5, then 4 more, of which one was taken back.
    for (delivered, lost_now) in [(0, 3), (2, 3), (5, 3), (6, 2), (8, 0)] {
        let (folder, path) = file();
        let mut db = open(&path);
        record(&mut db, 1..=7);
        deliver(&mut db, 2);
        db.checkpoint().unwrap();
        let older = files(folder.path());
        record(&mut db, 8..=11);
        db.retract(statement(9).id, NOW).unwrap();
        if delivered > 0 {
            deliver(&mut db, delivered);
        }
        db.keep_numbers();
        let before = counts(&db);
        let mut db = put_back(db, folder.path(), &older);
        let text = format!("{delivered} delivered");
        assert_eq!(lost(&db), Some((0, lost_now)), "{text}");
        assert_eq!(queued(&db), ids(3..=7), "{text}");
        let back = delivered.min(5) as u64;
        let now = counts(&db);
        assert_eq!(now[0], before[0] - lost_now, "{text}: recorded");
        assert_eq!(now[2], before[2] - back, "{text}: delivered");
        assert_eq!(now[3..], before[3..], "{text}: taken back");
        // They may be at the LRS.
        assert!(db.retract(statement(3).id, NOW).is_err());
        // It shows them.
        deliver(&mut db, 5);
        let at_last = db.ledger(MAIN).unwrap();
        assert_eq!(at_last.delivered, before[2] - back + 5, "{text}");
        assert_eq!(at_last.queued, 0);
        // Their places are not given out again.
        append(&mut db, 12).unwrap();
        assert_eq!(take(&mut db, 1)[0].seq, 12);
    }
}

#[test]
fn what_was_lost_before_is_told_until_it_is_acknowledged() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=2);
    db.checkpoint().unwrap();
    let older = files(folder.path());
    record(&mut db, 3..=6);
    db = put_back(db, folder.path(), &older);
    assert_eq!(lost(&db), Some((0, 4)));
    record(&mut db, 7..=8);
    db = put_back(db, folder.path(), &older);
    assert_eq!(lost(&db), Some((0, 6)));
    db.acknowledge_loss().unwrap();
    db.keep_numbers();
    record(&mut db, 9..=9);
    let db = put_back(db, folder.path(), &older);
    assert_eq!(lost(&db), Some((0, 1)));
}

/// No note tells of it, since it is not given up: what took its place has to be recorded with it, or not at all.
#[test]
fn what_was_replaced_since_is_told_of() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=2);
    let seqs: Vec<i64> = take(&mut db, 1).iter().map(|row| row.seq).collect();
    settle(&mut db, &seqs, &held(), HistoryPolicy::None);
    db.checkpoint().unwrap();
    let older = files(folder.path());
    db.replace(MAIN, statement(1).id, &statement(9), NOW)
        .unwrap();
    deliver(&mut db, 2);
    let db = put_back(db, folder.path(), &older);
    let told = db.loss().unwrap().unwrap();
    assert!(
        told.damage
            .contains("here again as they were: discard them before they are sent, too: 1"),
        "{}",
        told.damage
    );
    assert_eq!(told.lost, 0);
}

/// What is delivered meanwhile was in the copy, and is not what the copy lacks.
#[test]
fn what_is_lost_with_a_copy_that_is_put_back_again_is_told() {
    // Of 4 in the copy; how many were lost first, were delivered then, were recorded after that, and of those
    // delivered too.
    for (first, delivered, later, of_them) in [
        (3, 4, 2, 0),
        (3, 4, 2, 1),
        (3, 4, 2, 2),
        (1, 4, 4, 0),
        (1, 4, 4, 3),
        (5, 2, 3, 0),
        (5, 0, 3, 0),
        (0, 4, 2, 1),
        (2, 4, 0, 0),
    ] {
        for acknowledged in [true, false] {
            let (folder, path) = file();
            let mut db = open(&path);
            record(&mut db, 1..=4);
            db.checkpoint().unwrap();
            let older = files(folder.path());
            record(&mut db, 5..=4 + first);
            db = put_back(db, folder.path(), &older);
            assert_eq!(lost(&db).map_or(0, |it| it.1), first as u64);
            if acknowledged {
                db.acknowledge_loss().unwrap();
                db.keep_numbers();
            }
            if delivered > 0 {
                deliver(&mut db, delivered);
            }
            record(&mut db, 20..=19 + later);
            if of_them > 0 {
                deliver(&mut db, of_them);
            }
            let db = put_back(db, folder.path(), &older);
            let before = if acknowledged { 0 } else { first as u64 };
            let all = before + (later as u64 - of_them as u64);
            let text = format!("{first}, {delivered}, {later}, {of_them}, {acknowledged}");
            assert_eq!(lost(&db).map_or(0, |it| it.1), all, "{text}");
            assert_eq!(queued(&db), ids(1..=4), "{text}");
        }
    }
}

#[test]
fn the_end_of_a_log_brings_nothing_back_wherever_it_breaks_off() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=8);
    db.checkpoint().unwrap();
    record(&mut db, 9..=12);
    let begins = fs::metadata(folder.path().join(FILES[1])).unwrap().len() as usize;
    for n in [2, 4, 9] {
        db.retract(statement(n).id, NOW).unwrap();
    }
    erase_in_place(&mut db, 6);
    record(&mut db, 13..=15);
    db.keep_numbers();
    let left = files(folder.path());
    let log = left[1].clone().unwrap();
    let gone = ids([2, 4, 6, 9]);
    let all = ids(1..=15);
    drop(db);
    let frames = (32..log.len()).step_by(24 + 1024);
    let mut told = 0;
    for at in frames {
        for cut in [true, false] {
            let copy = tempfile::tempdir().unwrap();
            let mut log = log.clone();
            if cut {
                log.truncate(at + 100);
            } else {
                log[at + 500] ^= 4;
            }
            put(copy.path(), &[left[0].clone(), Some(log), left[2].clone()]);
            let db = open(&copy.path().join(FILES[0]));
            check(&db);
            let there = queued(&db);
            let back: Vec<_> = there.intersection(&gone).collect();
            assert!(back.is_empty(), "frame at {at}, cut {cut}: {back:?}");
            let missing = all.difference(&there).count() - gone.len();
            let loss = lost(&db).map_or(0, |(_, lost)| lost);
            assert_eq!(missing as u64, loss, "frame at {at}, cut {cut}");
            let [recorded, queued, _, retracted, erased] = counts(&db);
            assert_eq!((retracted, erased), (3, 1), "frame at {at}, cut {cut}");
            assert_eq!(recorded, queued + 4);
            told += usize::from(loss > 0 && at > begins);
        }
    }
    assert!(told > 0);
}

/// Without writing the file anew, which would fold the log.
fn erase_in_place(db: &mut Db, n: u128) {
    let word = format!("http://example.com/{n}\"");
    let names = |body: &[u8]| String::from_utf8_lossy(body).contains(&word);
    let mut erasing = crate::store::queue::erase::Erasing::begin(NOW);
    while db.erase_some(&mut erasing, &names).unwrap() {}
}

#[test]
fn what_was_noted_and_not_committed_is_taken_out_after_a_kill() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=4);
    let before = files(folder.path());
    db.retract(statement(2).id, NOW).unwrap();
    // The numbers are those of before: they are written after the commit.
    let noted = files(folder.path());
    drop(db);
    put(
        folder.path(),
        &[before[0].clone(), before[1].clone(), noted[2].clone()],
    );
    let mut db = open(&path);
    check(&db);
    assert_eq!(queued(&db), ids([1, 3, 4]));
    assert_eq!(counts(&db), [4, 3, 0, 1, 0]);
    assert_eq!(lost(&db), None);
    // It has not been sent.
    db.retract(statement(3).id, NOW).unwrap();
}

#[test]
fn what_could_not_be_taken_back_stays_whatever_happens() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=4);
    db.checkpoint().unwrap();
    let older = files(folder.path());
    db.conn
        .execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TEMP TABLE fails (
                 id INTEGER PRIMARY KEY,
                 parent REFERENCES fails (id) DEFERRABLE INITIALLY DEFERRED
             );",
        )
        .unwrap();
    let failed: Result<(), crate::store::Unchanged> = db.together(|db| {
        db.retract(statement(2).id, NOW)?;
        // It is the commit that fails.
        db.conn.execute_batch("INSERT INTO fails VALUES (1, 2)")?;
        Ok(())
    });
    assert!(failed.is_err());
    assert_eq!(queued(&db), ids(1..=4));
    // What is noted next takes its place.
    db.retract(statement(3).id, NOW).unwrap();
    db.keep_numbers();
    drop(db);
    let db = open(&path);
    assert_eq!(queued(&db), ids([1, 2, 4]));
    let db = put_back(db, folder.path(), &older);
    assert_eq!(queued(&db), ids([1, 2, 4]));
}

#[test]
fn two_that_have_it_open_note_one_after_the_other() {
    let (folder, path) = file();
    let (mut one, mut two) = (open(&path), open(&path));
    record(&mut one, 1..=6);
    one.checkpoint().unwrap();
    let older = files(folder.path());
    let retract = |db: &mut Db, n| {
        db.retract(statement(n).id, NOW).unwrap();
        db.keep_numbers();
    };
    retract(&mut one, 1);
    retract(&mut two, 3);
    retract(&mut one, 5);
    drop(two);
    let db = put_back(one, folder.path(), &older);
    assert_eq!(queued(&db), ids([2, 4, 6]));
    assert_eq!(counts(&db), [6, 3, 0, 3, 0]);
}

/// One records while another delivers: what is kept beside the file is the sum of both.
#[test]
fn a_loss_is_counted_though_another_has_delivered() {
    let (folder, path) = file();
    let (mut one, mut two) = (open(&path), open(&path));
    record(&mut one, 1..=6);
    deliver(&mut two, 4);
    let outcomes = one.append(&[&vec![statement(7)]], NOW);
    one.count_appended(&outcomes).unwrap();
    let beside = files(folder.path())[2].clone();
    drop((one, two));
    put(folder.path(), &[None, None, beside]);
    let db = open(&path);
    assert_eq!(lost(&db), Some((0, 3)));
}

/// What was delivered and is found in it as well makes up for nothing that is lost.
#[test]
fn what_was_recorded_since_a_damaged_older_copy_is_told_though_much_was_delivered() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=60);
    db.checkpoint().unwrap();
    let mut older = files(folder.path());
    deliver(&mut db, 20);
    record(&mut db, 61..=66);
    db.retract(statement(63).id, NOW).unwrap();
    db.keep_numbers();
    drop(db);
    if let Some(bytes) = &mut older[0] {
        bytes[..1024].fill(0);
    }
    let beside = files(folder.path())[2].clone();
    put(folder.path(), &[older[0].clone(), None, beside]);
    let db = open(&path);
    check(&db);
    assert_eq!(lost(&db), Some((60, 5)));
}

/// Its log was written over with an older one, say: what stands beside it is not made older, too.
#[test]
fn what_is_lost_under_an_open_file_is_told() {
    let (folder, path) = file();
    let store = Shared::open(&path, Durability::PowerCut, NOW).unwrap();
    for n in 1..=8 {
        store.append(vec![statement(n)], NOW).unwrap();
    }
    let before = files(folder.path())[2].clone();
    store
        .with(NOW, |db| -> Result<(), StoreError> {
            db.conn.execute("DELETE FROM statement WHERE seq > 5", [])?;
            Ok(())
        })
        .unwrap();
    let told = store.read(NOW, |db| Ok(lost(db))).unwrap();
    assert_eq!(told, Some((0, 3)));
    assert_ne!(
        files(folder.path())[2],
        before,
        "it is the account of this one again"
    );
    store.append(vec![statement(9)], NOW).unwrap();
    let queued = store.read(NOW, |db| Ok(queued(db))).unwrap();
    assert_eq!(queued, ids([1, 2, 3, 4, 5, 9]));
}

#[test]
fn what_was_withdrawn_is_not_salvaged() {
    let (folder, path) = file();
    let mut db = open(&path);
    for n in 1..=60 {
        db.append(&[&vec![sized(n, 200)]], NOW).remove(0).unwrap();
    }
    db.checkpoint().unwrap();
    let older = files(folder.path());
    for n in [3, 20, 60] {
        db.retract(statement(n).id, NOW).unwrap();
    }
    db.keep_numbers();
    drop(db);
    // An older copy, and a damaged one.
    let mut damaged = older.clone();
    if let Some(bytes) = &mut damaged[0] {
        bytes[..1024].fill(0);
    }
    let beside = files(folder.path())[2].clone();
    put(folder.path(), &[damaged[0].clone(), None, beside]);
    let db = open(&path);
    check(&db);
    let gone = ids([3, 20, 60]);
    assert_eq!(queued(&db), &ids(1..=60) - &gone);
    assert_eq!(lost(&db), Some((57, 0)));
    assert_eq!(db.ledger(MAIN).unwrap().recorded, 57);
    // The one that was not damaged, put in the place of what was saved.
    let db = put_back(db, folder.path(), &older);
    assert_eq!(queued(&db), &ids(1..=60) - &gone);
}

#[test]
fn an_older_copy_put_in_its_place_while_it_is_open_brings_nothing_back() {
    let besides: [&[&str]; 3] = [&[], &["queue.db-wal"], &["queue.db-wal", "queue.db-shm"]];
    for besides in besides {
        let (folder, path) = file();
        let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
        let record = |n| drop(shared.append(vec![statement(n)], NOW).unwrap());
        (1..=6).for_each(record);
        shared.with(NOW, Db::checkpoint).unwrap();
        let older = files(folder.path());
        let retract = |n| {
            let retracted = shared.with(NOW, |db| db.retract(statement(n).id, NOW));
            retracted.unwrap();
        };
        retract(2);
        (7..=9).for_each(record);
        retract(8);
        // Another file, and not one that happens to get the same place on the disk.
        let copy = folder.path().join("copy");
        fs::write(&copy, older[0].as_ref().unwrap()).unwrap();
        fs::rename(&copy, &path).unwrap();
        for beside in besides {
            fs::remove_file(folder.path().join(beside)).unwrap();
        }
        record(10);
        let there = shared.with(NOW, |db| Ok::<_, StoreError>(queued(db)));
        let text = format!("without {besides:?}");
        assert_eq!(there.unwrap(), ids([1, 3, 4, 5, 6, 7, 9, 10]), "{text}");
        let told = shared.with(NOW, |db| Ok::<_, StoreError>((counts(db), lost(db))));
        assert_eq!(told.unwrap(), ([10, 8, 0, 2, 0], None), "{text}");
    }
}

/// Notes of what was withdrawn in between are not there: those after them hold all the same.
#[test]
fn an_older_ledger_that_goes_on_says_what_it_knows() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=6);
    db.checkpoint().unwrap();
    let older = files(folder.path());
    db.retract(statement(1).id, NOW).unwrap();
    db.keep_numbers();
    drop(db);
    fs::write(folder.path().join(FILES[2]), older[2].as_ref().unwrap()).unwrap();
    let mut db = open(&path);
    db.retract(statement(2).id, NOW).unwrap();
    db.keep_numbers();
    let db = put_back(db, folder.path(), &older);
    assert_eq!(queued(&db), ids([1, 3, 4, 5, 6]));
}

#[test]
fn what_is_kept_beside_it_may_be_behind() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=4);
    db.retract(statement(2).id, NOW).unwrap();
    db.keep_numbers();
    drop(db);
    let beside = folder.path().join(FILES[2]);
    let whole = fs::read(&beside).unwrap();
    record(&mut open(&path), 5..=6);
    fs::write(&beside, &whole).unwrap();
    let db = open(&path);
    assert_eq!((counts(&db), lost(&db)), ([6, 5, 0, 1, 0], None));
}

/// Two have it open, one upstream is added after the copy, and each upstream is as far as it is.
#[test]
fn an_older_copy_put_in_its_place_while_it_is_open_loses_nothing_of_any_upstream() {
    for delivered in [
        [0, 0, 0],
        [2, 0, 0],
        [4, 1, 3],
        [6, 6, 2],
        [9, 2, 0],
        [0, 9, 0],
        [9, 9, 3],
    ] {
        let (folder, path) = file();
        let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
        let another = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
        let add = |name| shared.with(NOW, |db| db.add_upstream(name)).unwrap();
        let record = |n| drop(shared.append(vec![statement(n)], NOW).unwrap());
        let second = add("second");
        (1..=4).for_each(record);
        shared.with(NOW, Db::checkpoint).unwrap();
        let older = files(folder.path());
        let upstreams = [MAIN, second, add("third")];
        (5..=9).for_each(record);
        for (upstream, count) in upstreams.into_iter().zip(delivered) {
            let deliver = |db: &mut Db| {
                two_upstreams::deliver(db, upstream, count, HistoryPolicy::None);
                Ok::<_, StoreError>(())
            };
            if count > 0 {
                shared.with(NOW, deliver).unwrap();
            }
        }
        let copy = folder.path().join("copy");
        fs::write(&copy, older[0].as_ref().unwrap()).unwrap();
        fs::rename(&copy, &path).unwrap();
        record(10);
        another.append(vec![statement(11)], NOW).unwrap();
        let (losses, due) = shared
            .with(NOW, |db| {
                check(db);
                let due = |upstream| db.queued(upstream, ALL).unwrap().len();
                let due: Vec<_> = db.upstreams()?.into_iter().map(due).collect();
                Ok::<_, StoreError>((lost(db), due))
            })
            .unwrap();
        assert_eq!(losses, None, "{delivered:?}");
        let [main, second, third] = delivered;
        // The copy does not know what was delivered of its own: the LRS is asked for that.
        let expected = [
            11 - main.saturating_sub(4),
            11 - second.saturating_sub(4),
            7 - third,
        ];
        assert_eq!(due, expected, "{delivered:?}");
    }
}
