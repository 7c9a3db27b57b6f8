//! What is recorded again after the app gave it up at one upstream is to be delivered there again, and only there.

use super::two_upstreams::{
    damage_schema, deliver, go_back, id, ids, purge, queued, rows, seqs, two,
};
use super::voidings::{conflict, held_for_it, voiding};
use super::{ALL, MAIN, NOW, append, check, file, held, open, settle_for, statement, take_for};
use crate::store::{Appended, Db, HistoryPolicy, Outcome, UpstreamId};
use uuid::Uuid;

fn waiting(db: &Db, upstream: UpstreamId) -> Vec<Uuid> {
    let waiting = db.waiting(upstream, ALL).unwrap();
    waiting.iter().map(|one| one.id).collect()
}

/// Has the next one refused there, and gives it up.
fn give_up(db: &mut Db, upstream: UpstreamId, n: u128, outcome: &Outcome) {
    let taken = seqs(db, upstream, 1);
    settle_for(db, upstream, &taken, outcome, HistoryPolicy::None);
    if *outcome == conflict() {
        db.keep_theirs(upstream, id(n), NOW).unwrap();
    } else {
        db.discard(upstream, id(n), NOW).unwrap();
    }
    check(db);
}

#[test]
fn it_goes_where_it_was_given_up_and_nowhere_else() {
    for outcome in [held(), conflict()] {
        for other_has_it in [false, true] {
            for history in [HistoryPolicy::None, HistoryPolicy::Forever] {
                let (_folder, mut db, second) = two(1);
                if other_has_it {
                    deliver(&mut db, second, 1, history);
                }
                give_up(&mut db, MAIN, 1, &outcome);
                assert_eq!(append(&mut db, 1), Ok(vec![Appended::Again]));
                check(&db);
                assert_eq!(waiting(&db, MAIN), ids([1]));
                let due = if other_has_it { vec![] } else { ids([1]) };
                assert_eq!(queued(&db, second), due);
                assert_eq!(append(&mut db, 1), Ok(vec![Appended::Known]));
                let ledger = db.ledger(MAIN).unwrap();
                assert_eq!((ledger.recorded, ledger.discarded), (2, 1));
                assert_eq!(db.ledger(second).unwrap().recorded, 1);
                // It may have been sent there before, and is looked up first.
                let rows_again = take_for(&mut db, MAIN, 5);
                assert!(rows_again.iter().all(|row| row.sent_before));
                let taken: Vec<i64> = rows_again.iter().map(|row| row.seq).collect();
                settle_for(&mut db, MAIN, &taken, &Outcome::Delivered, history);
                check(&db);
                if !other_has_it {
                    deliver(&mut db, second, 1, history);
                }
                append(&mut db, 2).unwrap();
                deliver(&mut db, MAIN, 1, history);
                deliver(&mut db, second, 1, history);
                purge(&mut db, history);
                let kept = if history == HistoryPolicy::None { 0 } else { 2 };
                assert_eq!(rows(&db), kept);
                for upstream in [MAIN, second] {
                    assert_eq!(db.ledger(upstream).unwrap().delivered, 2);
                }
            }
        }
    }
}

#[test]
fn of_several_it_goes_to_each_that_it_was_given_up_at() {
    let (_folder, path) = file();
    let mut db = open(&path);
    let second = db.add_upstream("second").unwrap();
    let third = db.add_upstream("third").unwrap();
    append(&mut db, 1).unwrap();
    deliver(&mut db, third, 1, HistoryPolicy::None);
    give_up(&mut db, MAIN, 1, &held());
    give_up(&mut db, second, 1, &held());
    // Together with one that is new, and again in the same call.
    let three = vec![statement(2), statement(1), statement(1)];
    let appended = db.append(&[&three], NOW).remove(0).unwrap();
    assert_eq!(appended, [Appended::New, Appended::Again, Appended::Known]);
    check(&db);
    for upstream in [MAIN, second] {
        assert_eq!(waiting(&db, upstream), ids([1]));
        assert_eq!(queued(&db, upstream), ids([2]));
    }
    assert!(waiting(&db, third).is_empty());
    assert_eq!(queued(&db, third), ids([2]));
    // The place that it took stays empty.
    append(&mut db, 3).unwrap();
    assert_eq!(db.last_seq().unwrap(), 4);
    assert_eq!(seqs(&mut db, third, 5), [2, 4]);
}

#[test]
fn what_is_refused_with_others_is_queued_nowhere() {
    let (folder, mut db, second) = two(2);
    give_up(&mut db, MAIN, 1, &held());
    let mut other = statement(2);
    other.body = statement(7).body;
    let both = vec![statement(1), other];
    assert!(db.append(&[&both], NOW).remove(0).is_err());
    check(&db);
    assert!(waiting(&db, MAIN).is_empty());
    assert_eq!(db.last_seq().unwrap(), 2);
    let db = open(&folder.path().join("queue.db"));
    assert_eq!(db.loss().unwrap(), None);
    assert_eq!(queued(&db, second), ids([1, 2]));
}

#[test]
fn an_older_or_a_damaged_copy_gives_it_up_no_more() {
    for damage in [false, true] {
        for is_older in [false, true] {
            let (folder, mut db, second) = two(2);
            let path = folder.path().join("queue.db");
            let taken = seqs(&mut db, MAIN, 1);
            settle_for(&mut db, MAIN, &taken, &held(), HistoryPolicy::None);
            let copy = |db: &mut Db| {
                db.keep_numbers();
                db.checkpoint().unwrap();
                std::fs::read(&path).unwrap()
            };
            let mut older = copy(&mut db);
            db.discard(MAIN, id(1), NOW).unwrap();
            append(&mut db, 1).unwrap();
            if !is_older {
                older = copy(&mut db);
            }
            if damage {
                damage_schema(&mut older);
            }
            let db = go_back(db, &folder, &older);
            let mut due = queued(&db, MAIN);
            due.extend(waiting(&db, MAIN));
            due.extend(db.held(MAIN, ALL).unwrap().iter().map(|one| one.id));
            due.sort_unstable();
            assert_eq!(due, ids([1, 2]), "damaged: {damage}, older: {is_older}");
            assert_eq!(queued(&db, second), ids([1, 2]));
        }
    }
}

#[test]
fn what_voids_it_waits_for_it_again() {
    for upstreams in [1, 2] {
        let (_folder, path) = file();
        let mut db = open(&path);
        let second = (upstreams == 2).then(|| db.add_upstream("second").unwrap());
        append(&mut db, 1).unwrap();
        db.append(&[&vec![voiding(2, 1)]], NOW).remove(0).unwrap();
        give_up(&mut db, MAIN, 1, &held());
        assert_eq!(held_for_it(&db, MAIN), [2]);
        append(&mut db, 1).unwrap();
        check(&db);
        assert!(held_for_it(&db, MAIN).is_empty());
        assert_eq!(waiting(&db, MAIN).last(), Some(&id(2)));
        // First the one, then what voids it.
        for n in [1, 2] {
            let rows = take_for(&mut db, MAIN, 5);
            let taken: Vec<i64> = rows.iter().map(|row| row.seq).collect();
            assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), ids([n]));
            settle_for(
                &mut db,
                MAIN,
                &taken,
                &Outcome::Delivered,
                HistoryPolicy::None,
            );
            check(&db);
        }
        if let Some(second) = second {
            assert_eq!(queued(&db, second), ids([1, 2]));
        }
    }
}

/// It is to go to another LRS alone: at the first one the id is still somebody else's.
#[test]
fn what_voids_it_stays_held_where_it_does_not_go_again() {
    let (_folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    db.append(&[&vec![voiding(2, 1)]], NOW).remove(0).unwrap();
    give_up(&mut db, MAIN, 1, &conflict());
    let second = db.add_upstream("second").unwrap();
    append(&mut db, 3).unwrap();
    let taken = seqs(&mut db, second, 1);
    settle_for(&mut db, second, &taken, &held(), HistoryPolicy::None);
    db.replace(second, id(3), &statement(1), NOW).unwrap();
    check(&db);
    assert_eq!(held_for_it(&db, MAIN), [2]);
}

#[test]
fn what_was_recorded_to_void_it_later_waits_for_it_too() {
    for other_has_it in [false, true] {
        let (_folder, mut db, second) = two(1);
        if other_has_it {
            deliver(&mut db, second, 1, HistoryPolicy::None);
        }
        give_up(&mut db, MAIN, 1, &held());
        db.append(&[&vec![voiding(2, 1)]], NOW).remove(0).unwrap();
        check(&db);
        assert_eq!(held_for_it(&db, MAIN), [2]);
        append(&mut db, 1).unwrap();
        check(&db);
        assert_eq!(waiting(&db, MAIN), ids([1, 2]));
    }
}

#[test]
fn one_that_voids_what_was_given_up_there_is_held_again() {
    let (_folder, mut db, second) = two(1);
    give_up(&mut db, MAIN, 1, &conflict());
    db.append(&[&vec![voiding(2, 1)]], NOW).remove(0).unwrap();
    db.discard(MAIN, id(2), NOW).unwrap();
    let appended = db.append(&[&vec![voiding(2, 1)]], NOW).remove(0);
    assert_eq!(appended, Ok(vec![Appended::Again]));
    check(&db);
    assert_eq!(held_for_it(&db, MAIN), [2]);
    assert_eq!(queued(&db, second), ids([1, 2]));
}
