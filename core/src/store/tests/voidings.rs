//! What voids a statement that the app gives up does not leave by itself: what the LRS has under that id, if
//! anything, is somebody else's.

use std::path::Path;

use super::two_upstreams::damage_schema;
use crate::statement::Prepared;
use crate::store::file::names::with_suffix;
use crate::store::ledger_file::layout::HEADER;
use crate::store::tests::{
    ALL, MAIN, NOW, append, check, file, held, open, settle, settle_for, statement, take, take_for,
};
use crate::store::{
    Db, Durability, HistoryPolicy, HoldReason, Outcome, Remainder, Route, Shared, Unchanged,
    UpstreamId,
};

/// The statement `n`, which voids that one.
pub(super) fn voiding(n: u128, target: u128) -> Prepared {
    let mut voiding = statement(n);
    voiding.voids = Some(statement(target).id);
    voiding
}

pub(super) fn conflict() -> Outcome {
    Outcome::Held {
        reason: HoldReason::Conflict,
        status: Some(409),
        words: "another".to_owned(),
        theirs: Some(b"{}".to_vec()),
    }
}

/// 1 is held as that, and 2 and 3 void it: one that has met its turn and one that has not.
fn with_two_voidings(outcome: &Outcome) -> (tempfile::TempDir, Db) {
    let (folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    let taken: Vec<i64> = take(&mut db, 1).iter().map(|row| row.seq).collect();
    settle(&mut db, &taken, outcome, HistoryPolicy::None);
    db.append(&[&vec![voiding(2, 1)]], NOW).remove(0).unwrap();
    assert!(take(&mut db, 10).is_empty());
    db.append(&[&vec![voiding(3, 1)]], NOW).remove(0).unwrap();
    check(&db);
    (folder, db)
}

pub(super) fn held_for_it(db: &Db, upstream: UpstreamId) -> Vec<u128> {
    let held = db.held(upstream, ALL).unwrap().into_iter();
    let held = held.filter(|one| one.reason == HoldReason::TargetGivenUp);
    (0..10)
        .filter(|n| held.clone().any(|one| one.id == statement(*n).id))
        .collect()
}

#[test]
fn they_are_held_however_the_target_is_given_up() {
    type GiveUp = fn(&mut Db);
    let ways: [(&str, Outcome, GiveUp); 5] = [
        ("discard", held(), |db| {
            db.discard(MAIN, statement(1).id, NOW).unwrap();
        }),
        ("discard of a conflict", conflict(), |db| {
            db.discard(MAIN, statement(1).id, NOW).unwrap();
        }),
        ("keep theirs", conflict(), |db| {
            db.keep_theirs(MAIN, statement(1).id, NOW).unwrap();
        }),
        ("replace", held(), |db| {
            db.replace(MAIN, statement(1).id, &statement(9), NOW)
                .unwrap();
        }),
        ("erase", conflict(), |db| {
            let names = |body: &[u8]| {
                let text = String::from_utf8_lossy(body);
                text.contains("http://example.com/1\"")
            };
            assert_eq!(db.erase(NOW, &names).unwrap().undelivered, 1);
        }),
    ];
    for (way, outcome, give_up) in ways {
        let (_folder, mut db) = with_two_voidings(&outcome);
        give_up(&mut db);
        check(&db);
        assert_eq!(held_for_it(&db, MAIN), [2, 3], "{way}");
        let sent = take(&mut db, 10);
        let ids: Vec<_> = sent.iter().map(|row| row.id).collect();
        let new = if way == "replace" {
            vec![statement(9).id]
        } else {
            Vec::new()
        };
        assert_eq!(ids, new, "{way}");
        let sent: Vec<i64> = sent.iter().map(|row| row.seq).collect();
        settle(&mut db, &sent, &Outcome::Delivered, HistoryPolicy::None);
        // The app may mean what the LRS has.
        db.retry(MAIN, statement(2).id, NOW).unwrap();
        db.discard(MAIN, statement(3).id, NOW).unwrap();
        let sent: Vec<_> = take(&mut db, 10).iter().map(|row| row.id).collect();
        assert!(sent.contains(&statement(2).id), "{way}");
        check(&db);
    }
}

#[test]
fn one_that_is_recorded_after_its_target_was_given_up_is_held() {
    type Settle = fn(&mut Db);
    let ways: [(&str, Outcome, bool, Settle); 9] = [
        ("discard", conflict(), true, |db| {
            db.discard(MAIN, statement(1).id, NOW).unwrap();
        }),
        ("keep theirs", conflict(), true, |db| {
            db.keep_theirs(MAIN, statement(1).id, NOW).unwrap();
        }),
        ("replace", conflict(), true, |db| {
            db.replace(MAIN, statement(1).id, &statement(9), NOW)
                .unwrap();
        }),
        ("erase", conflict(), true, |db| {
            db.erase(NOW, &|body: &[u8]| {
                String::from_utf8_lossy(body).contains("http://example.com/1\"")
            })
            .unwrap();
        }),
        ("discard of what was refused", held(), true, |db| {
            db.discard(MAIN, statement(1).id, NOW).unwrap();
        }),
        ("retract of another", Outcome::Delivered, false, |db| {
            append(db, 7).unwrap();
            db.retract(statement(7).id, NOW).unwrap();
            db.append(&[&vec![voiding(6, 7)]], NOW).remove(0).unwrap();
            assert_eq!(held_for_it(db, MAIN), [6]);
            db.discard(MAIN, statement(6).id, NOW).unwrap();
        }),
        ("recorded again", held(), false, |db| {
            db.discard(MAIN, statement(1).id, NOW).unwrap();
            append(db, 1).unwrap();
            let again: Vec<i64> = take(db, 1).iter().map(|row| row.seq).collect();
            settle(db, &again, &Outcome::Delivered, HistoryPolicy::None);
        }),
        ("replace under the same id", conflict(), false, |db| {
            db.replace(MAIN, statement(1).id, &statement(1), NOW)
                .unwrap();
            let again: Vec<i64> = take(db, 1).iter().map(|row| row.seq).collect();
            settle(db, &again, &Outcome::Delivered, HistoryPolicy::None);
        }),
        ("another LRS", conflict(), true, |db| {
            db.keep_theirs(MAIN, statement(1).id, NOW).unwrap();
            db.set_endpoint(MAIN, "https://other.example/xapi").unwrap();
        }),
    ];
    for (way, outcome, is_held, settle_it) in ways {
        let (_folder, path) = file();
        let mut db = open(&path);
        append(&mut db, 1).unwrap();
        let taken: Vec<i64> = take(&mut db, 1).iter().map(|row| row.seq).collect();
        settle(&mut db, &taken, &outcome, HistoryPolicy::None);
        settle_it(&mut db);
        db.append(&[&vec![voiding(4, 1), voiding(5, 8)]], NOW)
            .remove(0)
            .unwrap();
        check(&db);
        let held = if is_held { vec![4] } else { Vec::new() };
        assert_eq!(held_for_it(&db, MAIN), held, "{way}");
        let sent = take(&mut db, 10);
        let ids: Vec<_> = sent.iter().map(|row| row.id).collect();
        assert_eq!(ids.contains(&statement(4).id), !is_held, "{way}");
        assert!(ids.contains(&statement(5).id), "{way}");
        if is_held {
            let sent: Vec<i64> = sent.iter().map(|row| row.seq).collect();
            settle(&mut db, &sent, &Outcome::Delivered, HistoryPolicy::None);
            assert_goes_if_tried_again(&mut db, 4);
        }
    }
}

fn assert_goes_if_tried_again(db: &mut Db, n: u128) {
    db.retry(MAIN, statement(n).id, NOW).unwrap();
    let sent: Vec<_> = take(db, 10).iter().map(|row| row.id).collect();
    assert!(sent.contains(&statement(n).id));
    check(db);
}

#[test]
fn what_voids_a_retracted_one_is_held() {
    let (_folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    db.append(&[&vec![voiding(2, 1)]], NOW).remove(0).unwrap();
    db.retract(statement(1).id, NOW).unwrap();
    check(&db);
    assert_eq!(held_for_it(&db, MAIN), [2]);
    assert!(take(&mut db, 10).is_empty());
}

#[test]
fn what_a_kill_left_half_done_is_done_with_its_voidings() {
    let (folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    db.append(&[&vec![voiding(2, 1)]], NOW).remove(0).unwrap();
    drop(db);
    let copy = folder.path().join("before");
    std::fs::copy(&path, &copy).unwrap();
    open(&path).retract(statement(1).id, NOW).unwrap();
    // Noted beside the queue, and not in it.
    std::fs::rename(&copy, &path).unwrap();
    let mut db = open(&path);
    check(&db);
    assert_eq!(db.ledger(MAIN).unwrap().retracted, 1);
    assert_eq!(held_for_it(&db, MAIN), [2]);
    assert!(take(&mut db, 10).is_empty());
}

#[test]
fn the_target_that_is_corrected_under_its_own_id_is_waited_for() {
    let (_folder, mut db) = with_two_voidings(&held());
    db.replace(MAIN, statement(1).id, &statement(1), NOW)
        .unwrap();
    assert!(held_for_it(&db, MAIN).is_empty());
    let sent: Vec<_> = take(&mut db, 10).iter().map(|row| row.id).collect();
    assert_eq!(sent, [statement(1).id]);
    check(&db);
}

#[test]
fn what_may_have_left_stays_where_it_is_and_so_does_what_voids_an_erased_one_that_may_be_there() {
    let (_folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    // It has left, and nobody knows what came of it.
    assert_eq!(take(&mut db, 1).len(), 1);
    db.append(&[&vec![voiding(2, 1)]], NOW).remove(0).unwrap();
    let names = |body: &[u8]| String::from_utf8_lossy(body).contains("http://example.com/1\"");
    assert_eq!(db.erase(NOW, &names).unwrap().maybe_sent, 1);
    assert!(held_for_it(&db, MAIN).is_empty());
    let sent: Vec<_> = take(&mut db, 10).iter().map(|row| row.id).collect();
    assert_eq!(sent, [statement(2).id]);
    check(&db);
}

#[test]
fn each_upstream_has_its_own_target() {
    let (_folder, path) = file();
    let mut db = open(&path);
    let second = db.add_upstream("second").unwrap();
    append(&mut db, 1).unwrap();
    let taken: Vec<i64> = take(&mut db, 1).iter().map(|row| row.seq).collect();
    settle(&mut db, &taken, &Outcome::Delivered, HistoryPolicy::Forever);
    let taken: Vec<i64> = take_for(&mut db, second, 1)
        .iter()
        .map(|row| row.seq)
        .collect();
    settle_for(&mut db, second, &taken, &conflict(), HistoryPolicy::Forever);
    db.append(&[&vec![voiding(2, 1)]], NOW).remove(0).unwrap();
    db.discard(second, statement(1).id, NOW).unwrap();
    check(&db);
    assert_eq!(held_for_it(&db, second), [2]);
    // One that comes later is not for the one that has somebody else's.
    db.append(&[&vec![voiding(3, 1)]], NOW).remove(0).unwrap();
    check(&db);
    let sent: Vec<_> = take_for(&mut db, second, 10)
        .iter()
        .map(|row| row.id)
        .collect();
    assert!(sent.is_empty());
    let sent: Vec<_> = take(&mut db, 10).iter().map(|row| row.id).collect();
    assert_eq!(sent, [2, 3].map(|n| statement(n).id));
}

/// The file, without a write-ahead log, as it is now.
pub(crate) fn copy_of(db: &mut Db, path: &Path) -> Vec<u8> {
    db.keep_numbers();
    db.checkpoint().unwrap();
    std::fs::read(path).unwrap()
}

pub(crate) fn put(path: &Path, bytes: &[u8]) -> Db {
    std::fs::write(path, bytes).unwrap();
    let wal = path.with_extension("db-wal");
    let _ = std::fs::remove_file(wal);
    // Who meets the damage mends it.
    let shared = Shared::open(path, Durability::ProcessCrash, NOW).unwrap();
    let _ = shared.with(NOW, |db| db.queued(MAIN, ALL));
    drop(shared);
    let db = open(path);
    check(&db);
    db
}

/// Where all count as sent, since what has left since is not known.
#[test]
fn they_are_held_in_an_older_copy_too() {
    for way in ["discard there", "discard", "retract", "erase"] {
        let (folder, mut db) = match way {
            "retract" => {
                let (folder, path) = file();
                let mut db = open(&path);
                append(&mut db, 1).unwrap();
                for n in [2, 3] {
                    db.append(&[&vec![voiding(n, 1)]], NOW).remove(0).unwrap();
                }
                (folder, db)
            }
            _ => with_two_voidings(&conflict()),
        };
        let path = folder.path().join("queue.db");
        let older = copy_of(&mut db, &path);
        let erase = |db: &mut Db| {
            let names =
                |body: &[u8]| String::from_utf8_lossy(body).contains("http://example.com/1\"");
            assert_eq!(db.erase(NOW, &names).unwrap().undelivered, 1);
        };
        match way {
            "discard there" => {}
            "discard" => db.discard(MAIN, statement(1).id, NOW).unwrap(),
            "retract" => db.retract(statement(1).id, NOW).unwrap(),
            _ => erase(&mut db),
        }
        // One that is lost with the copy: all in it may have left.
        append(&mut db, 7).unwrap();
        db.keep_numbers();
        drop(db);
        let mut db = put(&path, &older);
        assert!(db.loss().unwrap().is_some(), "{way}");
        if way == "discard there" {
            db.discard(MAIN, statement(1).id, NOW).unwrap();
            check(&db);
        }
        assert_eq!(held_for_it(&db, MAIN), [2, 3], "{way}");
        assert!(take(&mut db, 10).is_empty(), "{way}");
    }
}

/// They were recorded after the copy was made, and what is left of the log has them.
#[test]
fn they_are_held_where_the_log_alone_has_them() {
    let (folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    append(&mut db, 8).unwrap();
    let older = copy_of(&mut db, &path);
    db.append(&[&vec![voiding(2, 1)]], NOW).remove(0).unwrap();
    let wal = folder.path().join("queue.db-wal");
    let log = std::fs::read(&wal).unwrap();
    db.retract(statement(1).id, NOW).unwrap();
    db.keep_numbers();
    drop(db);
    // Its first frame is damaged, so that nothing behind that counts by itself.
    let mut log = log;
    log[32 + 16] ^= 1;
    std::fs::write(&path, &older).unwrap();
    std::fs::write(&wal, log).unwrap();
    let mut db = open(&path);
    check(&db);
    assert_eq!(db.loss().unwrap().unwrap().saved, 1);
    assert_eq!(held_for_it(&db, MAIN), [2]);
    let sent: Vec<_> = take(&mut db, 10).iter().map(|row| row.id).collect();
    assert_eq!(sent, [statement(8).id]);
}

#[test]
fn they_are_held_where_they_are_saved_from_a_damaged_file() {
    // By what the file says, and where that cannot be read by the notes beside it.
    for (readable, comes_again) in [(true, true), (true, false), (false, true)] {
        let (folder, mut db) = with_two_voidings(&conflict());
        let path = folder.path().join("queue.db");
        for n in 10..60 {
            append(&mut db, n).unwrap();
        }
        db.discard(MAIN, statement(1).id, NOW).unwrap();
        if comes_again {
            append(&mut db, 1).unwrap();
        }
        let mut bytes = copy_of(&mut db, &path);
        drop(db);
        if readable {
            let word = b"http://example.com/30\"";
            let at = bytes.windows(word.len()).position(|part| part == word);
            let page = at.unwrap() / 4096 * 4096;
            bytes[page..page + 8].fill(0xff);
        } else {
            damage_schema(&mut bytes);
        }
        let mut db = put(&path, &bytes);
        assert!(db.loss().unwrap().is_some(), "{readable}");
        if readable {
            let held = if comes_again { vec![] } else { vec![2, 3] };
            assert_eq!(held_for_it(&db, MAIN), held);
        }
        let sent: Vec<_> = take(&mut db, 100).iter().map(|row| row.id).collect();
        assert_eq!(sent.contains(&statement(1).id), comes_again, "{readable}");
        assert!(!sent.contains(&statement(2).id), "{readable}");
    }
    let (folder, mut db) = with_two_voidings(&conflict());
    let path = folder.path().join("queue.db");
    db.discard(MAIN, statement(1).id, NOW).unwrap();
    let mut bytes = copy_of(&mut db, &path);
    drop(db);
    damage_schema(&mut bytes);
    let mut db = put(&path, &bytes);
    assert_eq!(held_for_it(&db, MAIN), [2, 3]);
    assert!(take(&mut db, 10).is_empty());
}

#[test]
fn an_upstream_that_is_added_does_not_get_them() {
    let (_folder, mut db) = with_two_voidings(&conflict());
    append(&mut db, 5).unwrap();
    db.discard(MAIN, statement(1).id, NOW).unwrap();
    let all = (&Route::all(), HistoryPolicy::None);
    let new = db
        .add_upstream_with_backlog("new", "https://new.example", all.0, all.1, NOW)
        .unwrap();
    check(&db);
    let sent: Vec<_> = take_for(&mut db, new, 10)
        .iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(sent, [statement(5).id]);
}

/// What is given up at one LRS without having been sent there, as what voids a statement that was never sent, may be
/// taken back, and is not told as one that an LRS may have.
#[test]
fn what_was_given_up_unsent_was_sent_nowhere() {
    for takes_back in [true, false] {
        let (_folder, path) = file();
        let mut db = open(&path);
        let second = db.add_upstream("second").unwrap();
        append(&mut db, 1).unwrap();
        db.append(&[&vec![voiding(2, 1)]], NOW).remove(0).unwrap();
        append(&mut db, 3).unwrap();
        db.retract(statement(1).id, NOW).unwrap();
        assert_eq!(held_for_it(&db, second), [2]);
        db.discard(second, statement(2).id, NOW).unwrap();
        // The numbers pass it over.
        deliver(&mut db, second, 3);
        check(&db);
        if takes_back {
            assert_eq!(db.retract(statement(2).id, NOW), Ok(()));
            assert_eq!(db.ledger(MAIN).unwrap().retracted, 2);
        } else {
            let names = |body: &[u8]| String::from_utf8_lossy(body).contains("example.com/2");
            let erased = db.erase(NOW, &names).unwrap();
            assert_eq!((erased.undelivered, erased.maybe_sent), (1, 0));
        }
        check(&db);
        let again = db.retract(statement(3).id, NOW);
        assert_eq!(again, Err(Unchanged::MayHaveBeenSent));
    }
}

/// What was sent there before it was given up stays so.
#[test]
fn what_was_given_up_after_it_was_sent_may_be_there() {
    let (_folder, path) = file();
    let mut db = open(&path);
    let second = db.add_upstream("second").unwrap();
    for n in 1..=3 {
        append(&mut db, n).unwrap();
    }
    let seqs: Vec<i64> = take_for(&mut db, second, 1)
        .iter()
        .map(|row| row.seq)
        .collect();
    settle_for(&mut db, second, &seqs, &conflict(), HistoryPolicy::None);
    db.discard(second, statement(1).id, NOW).unwrap();
    for n in 2..=3 {
        deliver(&mut db, second, n);
        while db.purge(HistoryPolicy::None, NOW).unwrap() {}
        let refused = db.retract(statement(1).id, NOW);
        assert_eq!(refused, Err(Unchanged::MayHaveBeenSent));
        check(&db);
    }
    let names = |body: &[u8]| String::from_utf8_lossy(body).contains("example.com/1\"");
    let erased = db.erase(NOW, &names).unwrap();
    assert_eq!((erased.undelivered, erased.maybe_sent), (1, 1));
    check(&db);
}

/// An upstream that is removed in parts has had nothing of what was given up there.
#[test]
fn what_is_given_up_with_an_lrs_that_had_nothing_was_sent_nowhere() {
    let (_folder, path) = file();
    let mut db = open(&path);
    db.add_upstream("second").unwrap();
    for n in 1..=600 {
        append(&mut db, n).unwrap();
    }
    db.remove_some("second", Remainder::Discard, NOW).unwrap();
    assert_eq!(db.retract(statement(1).id, NOW), Ok(()));
    db.remove_upstream("second", Remainder::Discard, NOW)
        .unwrap();
    assert_eq!(db.retract(statement(600).id, NOW), Ok(()));
    check(&db);
}

/// Nor where a kill came after it was noted, and before it was so: the next opening does it.
#[test]
fn what_a_kill_left_half_given_up_was_sent_nowhere() {
    let (_folder, path) = file();
    let mut db = open(&path);
    db.add_upstream("second").unwrap();
    for n in 1..=600 {
        append(&mut db, n).unwrap();
    }
    db.keep_numbers();
    drop(db);
    let beside = with_suffix(&path, ".ledger");
    let read = |path: &Path| std::fs::read(path).unwrap();
    let (file, numbers) = (read(&path), read(&beside));
    let mut db = open(&path);
    db.remove_some("second", Remainder::Discard, NOW).unwrap();
    drop(db);
    let mut noted = read(&beside);
    assert!(noted.len() > HEADER as usize);
    noted[..HEADER as usize].copy_from_slice(&numbers[..HEADER as usize]);
    std::fs::write(&path, file).unwrap();
    std::fs::write(&beside, noted).unwrap();
    let mut db = open(&path);
    let second = *db.upstreams().unwrap().last().unwrap();
    assert_eq!(db.ledger(second).unwrap().discarded, 500);
    assert_eq!(db.retract(statement(1).id, NOW), Ok(()));
    check(&db);
}

/// Delivers the statement `n` to that upstream, which takes nothing else.
fn deliver(db: &mut Db, upstream: UpstreamId, n: u128) {
    let rows = take_for(db, upstream, 1);
    let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    assert_eq!(rows[0].id, statement(n).id);
    settle_for(
        db,
        upstream,
        &seqs,
        &Outcome::Delivered,
        HistoryPolicy::None,
    );
}
