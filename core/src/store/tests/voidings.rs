//! What voids a statement that the app gives up does not leave by itself: what the LRS has under that id, if
//! anything, is somebody else's.

use crate::statement::Prepared;
use crate::store::tests::{
    ALL, MAIN, NOW, append, check, file, held, open, settle, settle_for, statement, take, take_for,
};
use crate::store::{Db, HistoryPolicy, HoldReason, Outcome, UpstreamId};

/// The statement `n`, which voids that one.
fn voiding(n: u128, target: u128) -> Prepared {
    let mut voiding = statement(n);
    voiding.voids = Some(statement(target).id);
    voiding
}

fn conflict() -> Outcome {
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

fn held_for_it(db: &Db, upstream: UpstreamId) -> Vec<u128> {
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
