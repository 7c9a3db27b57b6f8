//! A queue that is delivered to more than one upstream.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::clock::Steady;
use crate::statement::{Contents, Prepared};
use crate::store::tests::{
    ALL, MAIN, NOW, US, append, check, file, held, open, settle_for, sized, statement, take_for,
    waiting,
};
use crate::store::{
    Appended, Claim, Db, HistoryPolicy, HoldReason, Holder, Outcome, Refused, Remainder, Route,
    StoreError, Unchanged, UpstreamId,
};

/// With so many statements, each for the first upstream and for a second one.
pub(super) fn two(statements: u128) -> (tempfile::TempDir, Db, UpstreamId) {
    let (folder, path) = file();
    let mut db = open(&path);
    let second = db.add_upstream("second").unwrap();
    for n in 1..=statements {
        append(&mut db, n).unwrap();
    }
    (folder, db, second)
}

pub(super) fn id(n: u128) -> Uuid {
    statement(n).id
}

pub(super) fn ids(numbers: impl IntoIterator<Item = u128>) -> Vec<Uuid> {
    numbers.into_iter().map(id).collect()
}

pub(super) fn queued(db: &Db, upstream: UpstreamId) -> Vec<Uuid> {
    let queued = db.queued(upstream, ALL).unwrap();
    queued.iter().map(|one| one.id).collect()
}

pub(super) fn seqs(db: &mut Db, upstream: UpstreamId, statements: usize) -> Vec<i64> {
    let rows = take_for(db, upstream, statements);
    rows.iter().map(|row| row.seq).collect()
}

/// Sends the next few and has them delivered.
pub(super) fn deliver(
    db: &mut Db,
    upstream: UpstreamId,
    statements: usize,
    history: HistoryPolicy,
) {
    let seqs = seqs(db, upstream, statements);
    assert_eq!(seqs.len(), statements);
    let changed = settle_for(db, upstream, &seqs, &Outcome::Delivered, history);
    assert_eq!(changed, seqs);
    check(db);
}

pub(super) fn purge(db: &mut Db, history: HistoryPolicy) {
    while db.purge(history, NOW).unwrap() {}
}

/// How many statements the file has, wherever they are.
pub(super) fn rows(db: &Db) -> i64 {
    let count = "SELECT count(*) FROM statement";
    db.conn.query_row(count, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_statement_leaves_the_file_once_every_upstream_has_it() {
    for main_is_first in [true, false] {
        let (_folder, mut db, second) = two(5);
        let (first, last) = if main_is_first {
            (MAIN, second)
        } else {
            (second, MAIN)
        };
        deliver(&mut db, first, 5, HistoryPolicy::None);
        purge(&mut db, HistoryPolicy::None);
        assert!(queued(&db, first).is_empty());
        assert_eq!(queued(&db, last), ids(1..=5));
        assert_eq!(db.unpurged().unwrap(), 0);
        // Out of turn the other way round, too: 4 and 5 before the rest.
        let taken = seqs(&mut db, last, 5);
        settle_for(
            &mut db,
            last,
            &taken[3..],
            &Outcome::Delivered,
            HistoryPolicy::None,
        );
        check(&db);
        assert_eq!(rows(&db), 3);
        deliver(&mut db, last, 3, HistoryPolicy::None);
        purge(&mut db, HistoryPolicy::None);
        assert_eq!(rows(&db), 0);
        for upstream in [MAIN, second] {
            assert_eq!(db.ledger(upstream).unwrap().delivered, 5);
        }
    }
}

#[test]
fn what_was_delivered_out_of_turn_stays_for_the_other_and_is_not_sent_again() {
    let (_folder, mut db, second) = two(5);
    let taken = seqs(&mut db, MAIN, 5);
    settle_for(
        &mut db,
        MAIN,
        &[taken[2], taken[4]],
        &Outcome::Delivered,
        HistoryPolicy::None,
    );
    check(&db);
    assert_eq!(queued(&db, MAIN), ids([1, 2, 4]));
    assert_eq!(queued(&db, second), ids(1..=5));
    // The other one passes them first: then nobody needs these two.
    deliver(&mut db, second, 5, HistoryPolicy::None);
    assert_eq!(rows(&db), 3);
    assert_eq!(seqs(&mut db, MAIN, 5), [1, 2, 4]);
    deliver(&mut db, MAIN, 3, HistoryPolicy::None);
    purge(&mut db, HistoryPolicy::None);
    assert_eq!(rows(&db), 0);
}

#[test]
fn what_one_refuses_another_has() {
    let (_folder, mut db, second) = two(4);
    let taken = seqs(&mut db, MAIN, 4);
    settle_for(&mut db, MAIN, &taken[..1], &held(), HistoryPolicy::None);
    settle_for(
        &mut db,
        MAIN,
        &taken[1..2],
        &waiting(NOW + 50_000),
        HistoryPolicy::None,
    );
    settle_for(
        &mut db,
        MAIN,
        &taken[2..],
        &Outcome::Delivered,
        HistoryPolicy::None,
    );
    check(&db);
    assert_eq!(db.held_one(second, id(1)).unwrap(), None);
    assert_eq!(db.next_due(second).unwrap(), None);
    assert_eq!(db.next_due(MAIN).unwrap(), Some(NOW + 50_000));
    deliver(&mut db, second, 4, HistoryPolicy::None);
    purge(&mut db, HistoryPolicy::None);
    assert_eq!(rows(&db), 2);
    // It is the app's to decide, where it is held.
    assert_eq!(db.retry(second, id(1), NOW), Err(Unchanged::NotHeld));
    db.retry(MAIN, id(1), NOW).unwrap();
    deliver(&mut db, MAIN, 1, HistoryPolicy::None);
    assert_eq!(rows(&db), 1);
    let (ours, theirs) = (db.ledger(MAIN).unwrap(), db.ledger(second).unwrap());
    assert_eq!((ours.delivered, ours.waiting, ours.held), (3, 1, 0));
    assert_eq!((theirs.delivered, theirs.waiting, theirs.held), (4, 0, 0));
}

#[test]
fn a_statement_is_taken_back_from_all_of_them_or_from_none() {
    let (_folder, mut db, second) = two(3);
    db.retract(id(3), NOW).unwrap();
    check(&db);
    assert_eq!(rows(&db), 2);
    for upstream in [MAIN, second] {
        assert_eq!(db.ledger(upstream).unwrap().retracted, 1);
    }
    // One of them may have it, and then has it; the other was never asked.
    let taken = seqs(&mut db, second, 1);
    assert_eq!(db.retract(id(1), NOW), Err(Unchanged::MayHaveBeenSent));
    settle_for(
        &mut db,
        second,
        &taken,
        &Outcome::Delivered,
        HistoryPolicy::None,
    );
    assert_eq!(db.retract(id(1), NOW), Err(Unchanged::MayHaveBeenSent));
    db.retract(id(2), NOW).unwrap();
    check(&db);
    assert_eq!(queued(&db, MAIN), ids([1]));
    assert!(queued(&db, second).is_empty());
}

#[test]
fn history_is_what_the_last_of_them_has() {
    let (_folder, mut db, second) = two(3);
    deliver(&mut db, second, 3, HistoryPolicy::Forever);
    assert_eq!(db.history(ALL).unwrap(), []);
    let taken = seqs(&mut db, MAIN, 3);
    settle_for(
        &mut db,
        MAIN,
        &taken[2..],
        &Outcome::Delivered,
        HistoryPolicy::Forever,
    );
    settle_for(&mut db, MAIN, &taken[..1], &held(), HistoryPolicy::Forever);
    check(&db);
    let history = |db: &Db| -> Vec<Uuid> {
        let history = db.history(ALL).unwrap();
        history.iter().map(|one| one.id).collect()
    };
    assert_eq!(history(&db), ids([3]));
    // Given up at the last, and another one has it.
    db.discard(MAIN, id(1), NOW).unwrap();
    deliver(&mut db, MAIN, 1, HistoryPolicy::Forever);
    assert_eq!(history(&db), ids([1, 2, 3]));
    purge(&mut db, HistoryPolicy::Forever);
    assert_eq!(history(&db), ids([1, 2, 3]));
    purge(&mut db, HistoryPolicy::None);
    assert_eq!(rows(&db), 0);
}

#[test]
fn what_is_given_up_at_one_goes_to_the_other() {
    let (_folder, mut db, second) = two(3);
    let taken = seqs(&mut db, MAIN, 3);
    settle_for(&mut db, MAIN, &taken, &held(), HistoryPolicy::None);
    db.discard(MAIN, id(1), NOW).unwrap();
    check(&db);
    assert_eq!(db.discard(MAIN, id(1), NOW), Err(Unchanged::NotHeld));
    assert_eq!(db.discard(second, id(2), NOW), Err(Unchanged::NotHeld));
    assert_eq!(queued(&db, second), ids(1..=3));
    // Given up at both it is gone.
    let taken = seqs(&mut db, second, 3);
    settle_for(&mut db, second, &taken[..1], &held(), HistoryPolicy::None);
    db.discard(second, id(1), NOW).unwrap();
    check(&db);
    assert_eq!(rows(&db), 2);
    assert_eq!(db.discard(second, id(1), NOW), Err(Unchanged::Unknown));
}

/// What is in the queue already takes the place of a held one only where it arrives.
#[test]
fn a_replacement_that_this_one_would_never_get_is_refused_and_the_old_one_stays() {
    let (_folder, mut db, second) = two(3);
    let all = |db: &mut Db, upstream| {
        let taken = seqs(db, upstream, 3);
        settle_for(db, upstream, &taken, &held(), HistoryPolicy::None);
    };
    all(&mut db, MAIN);
    all(&mut db, second);
    let is_refused = |db: &mut Db, upstream, old, new: Prepared| {
        let before = db.ledger(upstream).unwrap();
        let refused = Unchanged::Refused(Refused::OtherContent(new.id));
        assert_eq!(
            db.replace(upstream, id(old), &new, NOW),
            Err(refused),
            "{old}"
        );
        assert_eq!(db.ledger(upstream).unwrap(), before, "{old}");
        check(db);
    };
    // The same, which the other one is to get.
    is_refused(&mut db, second, 1, statement(1));
    // One that is held itself.
    is_refused(&mut db, second, 1, statement(2));
    // One that was corrected for the other alone, before it is delivered there and after.
    db.replace(MAIN, id(1), &statement(8), NOW).unwrap();
    is_refused(&mut db, second, 1, statement(8));
    deliver(&mut db, MAIN, 1, HistoryPolicy::For(1_000_000));
    is_refused(&mut db, second, 1, statement(8));
    // What is on its way to it takes its place, and so does what it has.
    db.retry(second, id(2), NOW).unwrap();
    db.replace(second, id(1), &statement(2), NOW).unwrap();
    check(&db);
    append(&mut db, 9).unwrap();
    db.replace(second, id(3), &statement(9), NOW).unwrap();
    check(&db);
    let left = db.ledger(second).unwrap();
    assert_eq!(
        (left.held, left.waiting, left.queued, left.replaced),
        (0, 1, 1, 2)
    );
}

#[test]
fn a_replacement_is_for_the_one_that_refused() {
    let (_folder, mut db, second) = two(2);
    let taken = seqs(&mut db, MAIN, 2);
    settle_for(&mut db, MAIN, &taken, &held(), HistoryPolicy::None);
    // Another is to get what stands under this id.
    let mut same_id = statement(7);
    same_id.id = id(1);
    let refused = Unchanged::Refused(Refused::OtherContent(id(1)));
    assert_eq!(db.replace(MAIN, id(1), &same_id, NOW), Err(refused));
    check(&db);
    db.replace(MAIN, id(1), &sized(8, 5_000), NOW).unwrap();
    check(&db);
    assert_eq!(queued(&db, MAIN), ids([8]));
    assert_eq!(queued(&db, second), ids([1, 2]));
    deliver(&mut db, second, 2, HistoryPolicy::None);
    // Where nobody else has it or is to get it, the id may be kept.
    let mut corrected = statement(9);
    corrected.id = id(8);
    let taken = seqs(&mut db, MAIN, 1);
    settle_for(&mut db, MAIN, &taken, &held(), HistoryPolicy::None);
    db.replace(MAIN, id(8), &corrected, NOW).unwrap();
    deliver(&mut db, MAIN, 1, HistoryPolicy::None);
    assert!(seqs(&mut db, second, 5).is_empty());
    let (ours, theirs) = (db.ledger(MAIN).unwrap(), db.ledger(second).unwrap());
    assert_eq!(
        (ours.recorded, ours.replaced, ours.delivered, ours.held),
        (4, 2, 1, 1)
    );
    assert_eq!((theirs.recorded, theirs.delivered), (2, 2));
    purge(&mut db, HistoryPolicy::None);
    assert_eq!(rows(&db), 1);
}

#[test]
fn erasing_counts_where_it_was_to_be_delivered_still() {
    let (_folder, mut db, second) = two(4);
    deliver(&mut db, second, 2, HistoryPolicy::Forever);
    deliver(&mut db, MAIN, 1, HistoryPolicy::Forever);
    let conflict = Outcome::Held {
        reason: HoldReason::Conflict,
        status: Some(409),
        words: "of eve".to_owned(),
        theirs: Some(b"names eve".to_vec()),
    };
    let taken = seqs(&mut db, second, 1);
    settle_for(&mut db, second, &taken, &conflict, HistoryPolicy::Forever);
    let erased = db
        .erase(NOW, &|body| {
            let text = String::from_utf8_lossy(body);
            let doomed = |n: u128| text.contains(&format!("http://example.com/{n}\""));
            text.contains("eve") || doomed(1) || doomed(2) || doomed(4)
        })
        .unwrap();
    check(&db);
    // 1 is at both, 2 at one of them, 4 at none; of 3 the copy is forgotten that one of them has.
    assert_eq!(
        (erased.undelivered, erased.maybe_sent, erased.history),
        (2, 1, 1)
    );
    let kept = db.held_one(second, id(3)).unwrap().unwrap();
    assert_eq!((kept.theirs, kept.words.as_str()), (None, ""));
    let (ours, theirs) = (db.ledger(MAIN).unwrap(), db.ledger(second).unwrap());
    assert_eq!((ours.erased, ours.delivered, ours.queued), (2, 1, 1));
    assert_eq!((theirs.erased, theirs.delivered, theirs.held), (1, 2, 1));
}

#[test]
fn a_voiding_waits_for_its_target_at_the_same_upstream() {
    let (_folder, mut db, second) = two(1);
    let mut voiding = statement(2);
    voiding.voids = Some(id(1));
    db.append(&[&vec![voiding]], NOW).remove(0).unwrap();
    let taken = seqs(&mut db, MAIN, 5);
    settle_for(&mut db, MAIN, &taken, &held(), HistoryPolicy::None);
    // Refused here it waits here, and goes there once its target has gone there.
    assert!(seqs(&mut db, MAIN, 5).is_empty());
    assert_eq!(db.ledger(MAIN).unwrap().waiting, 1);
    deliver(&mut db, second, 1, HistoryPolicy::None);
    deliver(&mut db, second, 1, HistoryPolicy::None);
    assert_eq!(db.ledger(MAIN).unwrap().waiting, 1);
    db.retry(MAIN, id(1), NOW).unwrap();
    deliver(&mut db, MAIN, 1, HistoryPolicy::None);
    deliver(&mut db, MAIN, 1, HistoryPolicy::None);
    purge(&mut db, HistoryPolicy::None);
    assert_eq!(rows(&db), 0);
}

#[test]
fn one_that_is_added_later_gets_what_is_recorded_from_then_on() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in 1..=3 {
        append(&mut db, n).unwrap();
    }
    let taken = seqs(&mut db, MAIN, 1);
    settle_for(&mut db, MAIN, &taken, &held(), HistoryPolicy::None);
    let second = db.add_upstream("second").unwrap();
    assert_eq!(db.add_upstream("second").unwrap(), second);
    assert_eq!(db.add_upstream("main").unwrap(), MAIN);
    check(&db);
    assert_eq!(db.ledger(second).unwrap(), crate::store::Ledger::default());
    append(&mut db, 4).unwrap();
    check(&db);
    assert_eq!(queued(&db, second), ids([4]));
    // What was never sent and is for the first alone can be taken back still.
    db.retract(id(3), NOW).unwrap();
    db.discard(MAIN, id(1), NOW).unwrap();
    assert_eq!(rows(&db), 2);
    deliver(&mut db, second, 1, HistoryPolicy::None);
    deliver(&mut db, MAIN, 2, HistoryPolicy::None);
    purge(&mut db, HistoryPolicy::None);
    assert_eq!(rows(&db), 0);
    for n in 0..30 {
        db.add_upstream(&format!("{n}")).unwrap();
    }
    assert_eq!(
        db.add_upstream("one more"),
        Err(StoreError::TooManyUpstreams)
    );
    assert_eq!(db.upstreams().unwrap().len(), 32);
    append(&mut db, 5).unwrap();
    check(&db);
}

#[test]
fn nothing_that_one_knows_of_itself_touches_another() {
    let (_folder, mut db, second) = two(2);
    db.set_endpoint(MAIN, "https://one.example/xAPI").unwrap();
    db.relearn(MAIN, |learned| {
        learned.waits.backoff = Some(NOW + 1_000);
        learned.max_statements = Some(7);
    })
    .unwrap();
    assert_eq!(db.generation(second).unwrap(), 0);
    let known = db.upstream(second).unwrap();
    assert_eq!(
        (known.name.as_str(), known.endpoint, known.learned),
        ("second", None, crate::store::Learned::default())
    );
    // Two sessions at once, one for each of them.
    let other = Holder([2; 16]);
    let until = NOW + 60_000;
    let granted = Ok(Claim::Granted { again: false });
    assert_eq!(db.claim(MAIN, US, false, NOW, until), granted);
    assert_eq!(db.claim(second, other, false, NOW, until), granted);
    assert!(!db.renew(second, US, until).unwrap());
    db.release(MAIN, US).unwrap();
    assert!(db.renew(second, other, until).unwrap());
    // What is under way at an LRS is so whoever goes there next.
    db.relearn(MAIN, |learned| {
        learned.waits.outcome_unknown = Some(NOW + 9_000);
    })
    .unwrap();
    db.set_endpoint(MAIN, "https://two.example/xAPI").unwrap();
    for upstream in [second, MAIN] {
        db.set_endpoint(upstream, "https://one.example/other")
            .unwrap();
        let waits = db.upstream(upstream).unwrap().learned.waits;
        assert_eq!(waits.outcome_unknown, Some(NOW + 9_000));
    }
}

/// A timestamp of ours is put right as long as nobody can have the wrong one.
#[test]
fn the_bytes_are_what_they_are_once_one_of_them_may_have_them() {
    let (_folder, path) = file();
    let mut db = open(&path);
    let second = db.add_upstream("second").unwrap();
    let boot = 7;
    let text = r#"{"actor":{"mbox":"mailto:a@example.com"},"verb":{"id":"http://example.com/did"},
        "object":{"id":"http://example.com/1"}}"#;
    let mut one = crate::statement::prepare(
        text.as_bytes(),
        crate::statement::XapiVersion::V2_0_0,
        &crate::statement::Fill {
            id: id(1),
            now_ms: NOW - 86_400_000,
        },
    )
    .unwrap();
    one.steady = Some(Steady { ms: 1_000, boot });
    db.append(&[&vec![one]], NOW).remove(0).unwrap();
    let sent = take_for(&mut db, second, 1);
    let jumped = crate::clock::Now {
        wall_ms: NOW,
        steady: Some(Steady { ms: 2_000, boot }),
    };
    db.claim(MAIN, US, false, NOW, NOW + 60_000).unwrap();
    let limits = crate::store::Limits {
        statements: 1,
        bytes: usize::MAX,
        speaks_2_0: true,
        contents: crate::store::tests::any_contents(),
        clocks: crate::store::Clocks {
            here: jumped,
            lrs: None,
            trust_lrs: false,
        },
        after: 0,
        beside_others: false,
    };
    let crate::store::NextBatch::Rows { rows, .. } =
        db.next_batch(MAIN, US, &limits, NOW, NOW + 60_000).unwrap()
    else {
        panic!("the lease is lost")
    };
    assert_eq!(rows[0].body, sent[0].body);
    assert_eq!(rows[0].happened_at, sent[0].happened_at);
    assert!(!rows[0].sent_before, "not to this one");
    assert!(db.is_intact(id(1)).unwrap());
}

/// The index of ids stands in the schema by this name: without it nothing can be read by SQLite.
pub(crate) fn damage_schema(file: &mut [u8]) {
    let name = b"statement_loose";
    let mut at = 0;
    // Pages that were split may have it as well.
    while let Some(next) = file[at..].windows(name.len()).position(|part| part == name) {
        file[at + next] ^= 1;
        at += next + name.len();
    }
    assert!(at > 0);
}

#[test]
fn a_damaged_file_gives_up_what_is_for_whom() {
    let (folder, path) = file();
    let mut db = open(&path);
    for n in 1..=3 {
        append(&mut db, n).unwrap();
    }
    db.set_endpoint(MAIN, "https://one.example/xAPI").unwrap();
    let second = db.add_upstream("second").unwrap();
    db.set_endpoint(second, "https://two.example/xAPI").unwrap();
    for n in 4..=6 {
        append(&mut db, n).unwrap();
    }
    let taken = seqs(&mut db, second, 3);
    settle_for(&mut db, second, &taken, &held(), HistoryPolicy::None);
    db.replace(second, id(4), &statement(7), NOW).unwrap();
    db.checkpoint().unwrap();
    drop(db);
    let mut bytes = std::fs::read(&path).unwrap();
    damage_schema(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    let opened = Db::open(&path, crate::store::Durability::ProcessCrash, NOW).unwrap();
    let mut db = opened.db;
    assert_eq!(opened.salvaged.unwrap().saved, 7);
    check(&db);
    assert_eq!(db.upstreams().unwrap(), [MAIN, second]);
    let endpoint = |db: &Db, upstream| db.upstream(upstream).unwrap().endpoint.unwrap();
    assert_eq!(endpoint(&db, MAIN), "https://one.example/xAPI");
    assert_eq!(endpoint(&db, second), "https://two.example/xAPI");
    assert_eq!(queued(&db, MAIN), ids(1..=6));
    assert_eq!(queued(&db, second), ids([4, 5, 6, 7]));
    // All of them may have been sent, to either.
    assert_eq!(db.retract(id(7), NOW), Err(Unchanged::MayHaveBeenSent));
    let rows = take_for(&mut db, second, 9);
    assert!(rows.iter().all(|row| row.sent_before));
    drop((db, folder));
}

/// An older copy of the file is put in its place.
pub(super) fn go_back(mut db: Db, folder: &tempfile::TempDir, older: &[u8]) -> Db {
    db.keep_numbers();
    drop(db);
    let path = folder.path().join("queue.db");
    std::fs::write(&path, older).unwrap();
    let db = open(&path);
    check(&db);
    db
}

#[test]
fn what_another_has_is_not_forgotten_with_an_older_copy() {
    let (folder, mut db, second) = two(2);
    db.keep_numbers();
    db.checkpoint().unwrap();
    let older = std::fs::read(folder.path().join("queue.db")).unwrap();
    deliver(&mut db, second, 1, HistoryPolicy::None);
    let mut db = go_back(db, &folder, &older);
    // The first upstream has never been asked, and what the second one has is not for sure any more.
    assert_eq!(db.retract(id(1), NOW), Err(Unchanged::MayHaveBeenSent));
    assert_eq!(queued(&db, second), ids([1, 2]));
    assert!(
        take_for(&mut db, second, 2)
            .iter()
            .all(|row| row.sent_before)
    );
    deliver(&mut db, MAIN, 2, HistoryPolicy::None);
}

#[test]
fn what_was_given_up_at_one_stays_so_in_an_older_or_a_damaged_copy() {
    for damage in [false, true] {
        let (folder, mut db, second) = two(3);
        let taken = seqs(&mut db, MAIN, 3);
        settle_for(&mut db, MAIN, &taken, &held(), HistoryPolicy::None);
        db.keep_numbers();
        db.checkpoint().unwrap();
        let path = folder.path().join("queue.db");
        let mut older = std::fs::read(&path).unwrap();
        if damage {
            damage_schema(&mut older);
        }
        db.discard(MAIN, id(1), NOW).unwrap();
        let db = go_back(db, &folder, &older);
        let mut due = queued(&db, MAIN);
        due.extend(db.held(MAIN, ALL).unwrap().iter().map(|one| one.id));
        assert_eq!(due, ids([2, 3]), "damaged: {damage}");
        assert_eq!(queued(&db, second), ids(1..=3));
    }
}

#[test]
fn one_that_little_is_for_keeps_nobodys_statements_in_the_file() {
    let (_folder, mut db, second) = two(1);
    deliver(&mut db, second, 1, HistoryPolicy::None);
    let taken = seqs(&mut db, MAIN, 1);
    settle_for(&mut db, MAIN, &taken, &held(), HistoryPolicy::None);
    // Each of these is for the first one alone, and delivered there.
    let mut old = id(1);
    for n in 2..=40 {
        db.replace(MAIN, old, &statement(n), NOW).unwrap();
        old = id(n);
        let taken = seqs(&mut db, MAIN, 1);
        let outcome = if n == 40 { Outcome::Delivered } else { held() };
        settle_for(&mut db, MAIN, &taken, &outcome, HistoryPolicy::None);
        check(&db);
    }
    assert_eq!(rows(&db), 1, "but for the first, which waits for a purge");
    append(&mut db, 41).unwrap();
    assert_eq!(seqs(&mut db, second, 5), [41]);
    assert!(db.upstream(second).unwrap().delivered_through >= 40);
    purge(&mut db, HistoryPolicy::None);
    assert_eq!(rows(&db), 1);
}

/// Where a statement is for an upstream, by what the test has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    Queued,
    Waiting,
    Held,
    Delivered,
    Retracted,
    Discarded,
    Replaced,
    Erased,
}

impl At {
    fn is_due(self) -> bool {
        self <= Self::Held
    }
}

/// What the test knows of one statement.
#[derive(Debug, Default)]
struct Known {
    /// For which upstreams it is, and where.
    at: BTreeMap<UpstreamId, At>,
    /// A request with it has left.
    sent: bool,
    /// It was history when an upstream that had it was removed.
    kept: bool,
}

impl Known {
    fn is_due(&self) -> bool {
        self.at.values().any(|at| at.is_due())
    }

    fn is_history(&self) -> bool {
        !self.is_due() && (self.kept || self.at.values().any(|at| *at == At::Delivered))
    }
}

#[derive(Default)]
struct Model(BTreeMap<u128, Known>, Vec<(UpstreamId, At)>);

impl Model {
    fn record(&mut self, upstreams: &[UpstreamId]) -> u128 {
        let n = self.0.len() as u128 + 1;
        let at = upstreams.iter().map(|one| (*one, At::Queued)).collect();
        let known = Known {
            at,
            ..Known::default()
        };
        self.0.insert(n, known);
        n
    }

    fn at(&self, n: u128, upstream: UpstreamId) -> Option<At> {
        self.0.get(&n)?.at.get(&upstream).copied()
    }

    fn put(&mut self, n: u128, upstream: UpstreamId, at: At) {
        self.0.get_mut(&n).unwrap().at.insert(upstream, at);
    }

    /// What is due is of no upstream's concern any more.
    fn take_out(&mut self, n: u128, to: At) {
        let known = self.0.get_mut(&n).unwrap();
        for at in known.at.values_mut().filter(|at| at.is_due()) {
            *at = to;
        }
    }

    fn remove(&mut self, upstream: UpstreamId) {
        for known in self.0.values_mut() {
            known.kept |= known.is_history();
            known.at.remove(&upstream);
        }
    }

    fn ids(&self, upstream: UpstreamId, at: At) -> BTreeSet<Uuid> {
        let there = self.0.keys().filter(|n| self.at(**n, upstream) == Some(at));
        there.map(|n| id(*n)).collect()
    }

    fn check(&self, db: &Db) {
        check(db);
        for upstream in db.upstreams().unwrap() {
            let there: BTreeSet<Uuid> = queued(db, upstream).into_iter().collect();
            assert_eq!(there, self.ids(upstream, At::Queued));
            let there: BTreeSet<Uuid> = db
                .waiting(upstream, ALL)
                .unwrap()
                .iter()
                .map(|one| one.id)
                .collect();
            assert_eq!(there, self.ids(upstream, At::Waiting));
            let there: BTreeSet<Uuid> = db
                .held(upstream, ALL)
                .unwrap()
                .iter()
                .map(|one| one.id)
                .collect();
            assert_eq!(there, self.ids(upstream, At::Held));
            let ledger = db.ledger(upstream).unwrap();
            // What was recorded again counts where it was given up, too.
            let before = |at| self.1.iter().filter(|one| **one == (upstream, at)).count();
            let count = |at| (self.ids(upstream, at).len() + before(at)) as u64;
            assert_eq!(ledger.delivered, count(At::Delivered), "{ledger:?}");
            assert_eq!(ledger.retracted, count(At::Retracted), "{ledger:?}");
            assert_eq!(ledger.discarded, count(At::Discarded), "{ledger:?}");
            assert_eq!(ledger.replaced, count(At::Replaced), "{ledger:?}");
            assert_eq!(ledger.erased, count(At::Erased), "{ledger:?}");
        }
        let due = self.0.values().filter(|known| known.is_due()).count() as i64;
        assert!(rows(db) >= due);
    }

    /// After the last purge: nothing is in the file that nobody needs.
    fn check_purged(&self, db: &Db, history: HistoryPolicy, erased: &BTreeSet<u128>) {
        let kept: BTreeSet<Uuid> = db.history(ALL).unwrap().iter().map(|one| one.id).collect();
        let mut expected = BTreeSet::new();
        if history == HistoryPolicy::Forever {
            let known = self.0.iter();
            let known = known.filter(|(n, known)| known.is_history() && !erased.contains(n));
            expected.extend(known.map(|(n, _)| id(*n)));
        }
        assert_eq!(kept, expected);
        let due = self.0.values().filter(|known| known.is_due()).count();
        assert_eq!(rows(db) as usize, due + kept.len());
    }
}

fn number(of: &Model, id_of: Uuid) -> u128 {
    *of.0.keys().find(|n| id(**n) == id_of).unwrap()
}

/// Sends the next few, and has some of them delivered and others not.
fn send(
    db: &mut Db,
    model: &mut Model,
    upstream: UpstreamId,
    history: HistoryPolicy,
    rng: &mut fastrand::Rng,
) {
    let rows = take_for(db, upstream, rng.usize(1..8));
    let due = |at| matches!(at, Some(At::Queued | At::Waiting));
    if rows.is_empty() {
        assert!(model.ids(upstream, At::Queued).is_empty());
    }
    let mut together = Vec::new();
    for row in &rows {
        let n = number(model, row.id);
        assert!(due(model.at(n, upstream)), "{row:?}");
        assert_eq!(row.body, statement(n).body);
        model.0.get_mut(&n).unwrap().sent = true;
        let (outcome, at) = match rng.u8(0..6) {
            0..3 => (Outcome::Delivered, At::Delivered),
            3 => (held(), At::Held),
            4 => (waiting(NOW + rng.i64(-5..5)), At::Waiting),
            _ => continue,
        };
        if rng.bool() && outcome == Outcome::Delivered {
            together.push(row.seq);
        } else {
            settle_for(db, upstream, &[row.seq], &outcome, history);
        }
        model.put(n, upstream, at);
    }
    let delivered = Outcome::Delivered;
    settle_for(db, upstream, &together, &delivered, history);
}

/// One that gets all, or only those whose numbers begin with a one.
fn add(db: &mut Db, name: &str, rng: &mut fastrand::Rng) -> (UpstreamId, bool) {
    let gets_all = rng.bool();
    let route = if gets_all {
        Route::all()
    } else {
        Route::all().of_activities(["http://example.com/1"])
    };
    let added = db.add_upstream_at(name, "https://one.example/xAPI", &route);
    (added.unwrap(), gets_all)
}

/// Removes it with all that it is to get still; false if it is the first one.
fn remove(db: &mut Db, model: &mut Model, upstream: UpstreamId) -> bool {
    let name = db.upstream(upstream).unwrap().name;
    let due = |n: &&u128| model.at(**n, upstream).is_some_and(At::is_due);
    let left = model.0.keys().filter(due).count() as u64;
    let removed = db.remove_upstream(&name, Remainder::MustBeEmpty, NOW);
    if upstream == MAIN {
        assert_eq!(removed, Err(StoreError::MainStays));
        return false;
    }
    if left > 0 {
        assert_eq!(removed, Err(StoreError::UpstreamNotEmpty { left }));
        let removed = db.remove_upstream(&name, Remainder::Discard, NOW);
        assert_eq!(removed, Ok(left));
    } else {
        assert_eq!(removed, Ok(0));
    }
    model.remove(upstream);
    true
}

/// Records the next one.
fn record(db: &mut Db, model: &mut Model, upstreams: &[(UpstreamId, bool)]) {
    let n = model.0.len() as u128 + 1;
    let is_one = n.to_string().starts_with('1');
    let for_it = upstreams.iter().filter(|(_, all)| *all || is_one);
    let for_it: Vec<_> = for_it.map(|(upstream, _)| *upstream).collect();
    model.record(&for_it);
    append(db, n).unwrap();
}

/// Records it once more, where it is in the file still.
fn record_again(db: &mut Db, model: &mut Model, n: u128) {
    if !db.is_intact(id(n)).unwrap() {
        return;
    }
    let known = model.0.get_mut(&n).unwrap();
    let mut appended = Appended::Known;
    for (upstream, at) in &mut known.at {
        if matches!(at, At::Discarded | At::Replaced) {
            model.1.push((*upstream, *at));
            *at = At::Waiting;
            appended = Appended::Again;
        }
    }
    if appended == Appended::Again {
        known.kept = false;
    }
    assert_eq!(append(db, n), Ok(vec![appended]));
}

/// Takes it back, if no upstream may have it; one that was removed may have those up to `left_through`.
fn retract(db: &mut Db, model: &mut Model, n: u128, left_through: u128) {
    let may = model.0.get(&n).is_some_and(|it| it.is_due() && !it.sent);
    let is_retracted = db.retract(id(n), NOW).is_ok();
    assert!(is_retracted == may || may && n <= left_through);
    if is_retracted {
        model.take_out(n, At::Retracted);
    }
}

/// Has it tried again, if it is held.
fn retry(db: &mut Db, model: &mut Model, upstream: UpstreamId, n: u128) {
    let is_held = model.at(n, upstream) == Some(At::Held);
    assert_eq!(db.retry(upstream, id(n), NOW).is_ok(), is_held);
    if is_held {
        model.put(n, upstream, At::Waiting);
    }
}

/// Gives it up, if it is held.
fn discard(db: &mut Db, model: &mut Model, upstream: UpstreamId, n: u128) {
    let is_held = model.at(n, upstream) == Some(At::Held);
    assert_eq!(db.discard(upstream, id(n), NOW).is_ok(), is_held);
    if is_held {
        model.put(n, upstream, At::Discarded);
    }
}

/// Replaces it with the next one, if it is held.
fn replace(db: &mut Db, model: &mut Model, upstream: UpstreamId, n: u128) {
    let is_held = model.at(n, upstream) == Some(At::Held);
    let new = statement(model.0.len() as u128 + 1);
    let replaced = db.replace(upstream, id(n), &new, NOW).is_ok();
    assert_eq!(replaced, is_held);
    if is_held {
        model.put(n, upstream, At::Replaced);
        model.record(&[upstream]);
    }
}

/// Erases it; whether there was one.
fn erase(db: &mut Db, model: &mut Model, n: u128, left_through: u128) -> bool {
    let doomed = format!("http://example.com/{n}\"");
    let names = |body: &[u8]| String::from_utf8_lossy(body).contains(&doomed);
    let was_due = model.0.get(&n).is_some_and(Known::is_due);
    let found = db.erase(NOW, &names).unwrap();
    assert_eq!(found.undelivered, u64::from(was_due));
    let was_sent = was_due && model.0[&n].sent;
    assert!(found.maybe_sent == u64::from(was_sent) || n <= left_through);
    let is_known = model.0.contains_key(&n);
    if is_known {
        model.take_out(n, At::Erased);
    }
    is_known
}

/// Whatever is done in whatever order, each statement is for each upstream where it must be.
#[test]
fn random_work_for_three_upstreams() {
    for seed in 0..16 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (_folder, path) = file();
        let mut db = open(&path);
        let history = if seed % 2 == 0 {
            HistoryPolicy::None
        } else {
            HistoryPolicy::Forever
        };
        let mut upstreams = vec![(MAIN, true)];
        let mut model = Model::default();
        let mut erased = BTreeSet::new();
        // Up to here one that was removed may have some.
        let mut left_through = 0;
        for step in 0..150 {
            if step == rng.usize(0..10) || step == 70 {
                upstreams.push(add(&mut db, &format!("{step}"), &mut rng));
            }
            let (upstream, _) = upstreams[rng.usize(..upstreams.len())];
            let n = rng.u128(1..=(model.0.len() as u128).max(1));
            match rng.u8(0..15) {
                0..4 => {
                    record(&mut db, &mut model, &upstreams);
                }
                4..8 => {
                    send(&mut db, &mut model, upstream, history, &mut rng);
                }
                8 => {
                    retract(&mut db, &mut model, n, left_through);
                }
                9 => {
                    retry(&mut db, &mut model, upstream, n);
                }
                10 => {
                    discard(&mut db, &mut model, upstream, n);
                }
                11 => {
                    replace(&mut db, &mut model, upstream, n);
                }
                13 => {
                    record_again(&mut db, &mut model, n);
                }
                12 => {
                    if erase(&mut db, &mut model, n, left_through) {
                        erased.insert(n);
                    }
                }
                _ if rng.u8(0..4) == 0 => {
                    if !remove(&mut db, &mut model, upstream) {
                        continue;
                    }
                    upstreams.retain(|(known, _)| *known != upstream);
                    let sent = model.0.iter().filter(|(_, known)| known.sent);
                    left_through = sent.map(|(n, _)| *n).max().unwrap_or(0);
                }
                _ => {
                    if rng.bool() {
                        db.keep_numbers();
                        db = open(&path);
                        assert_eq!(db.loss().unwrap(), None);
                    }
                    purge(&mut db, history);
                    model.check_purged(&db, history, &erased);
                }
            }
            model.check(&db);
        }
    }
}

#[test]
fn each_gets_what_its_route_takes_and_a_voiding_goes_where_its_target_went() {
    let (_folder, path) = file();
    let mut db = open(&path);
    let ones = Route::all().of_activities(["http://example.com/1"]);
    let add = |db: &mut Db, name: &str, route: &Route| {
        let added = db.add_upstream_at(name, "https://x.example/", route);
        added.unwrap()
    };
    let some = add(&mut db, "some", &ones);
    let all = add(&mut db, "all", &Route::all());
    for n in [1, 2, 10, 20] {
        append(&mut db, n).unwrap();
    }
    let void = |db: &mut Db, n: u128, target: u128| {
        let mut voiding = statement(n);
        voiding.voids = Some(id(target));
        db.append(&[&vec![voiding]], NOW).remove(0).unwrap();
    };
    // Its own number says nothing.
    void(&mut db, 11, 2);
    void(&mut db, 30, 10);
    void(&mut db, 31, 99);
    check(&db);
    for upstream in [MAIN, all] {
        assert_eq!(queued(&db, upstream), ids([1, 2, 10, 20, 11, 30, 31]));
    }
    assert_eq!(queued(&db, some), ids([1, 10, 30, 31]));
    // Its number does not wait for what is not for it.
    deliver(&mut db, some, 2, HistoryPolicy::None);
    // Opened anew, and with another route from then on.
    drop(db);
    let mut db = open(&path);
    assert_eq!(db.upstream(some).unwrap().route, ones);
    db.set_route(some, &Route::all()).unwrap();
    append(&mut db, 40).unwrap();
    // Again under the same id: it is for whom it was.
    append(&mut db, 20).unwrap();
    assert_eq!(queued(&db, some), ids([30, 31, 40]));
    // What was there before it is void where it is not for it at all.
    let late = add(&mut db, "late", &ones);
    void(&mut db, 50, 40);
    assert!(queued(&db, late).is_empty());
    assert_eq!(db.ledger(late).unwrap().recorded, 0);
    check(&db);
}

#[test]
fn what_one_that_is_removed_may_have_is_not_changed_or_taken_back() {
    let (folder, mut db, second) = two(4);
    deliver(&mut db, second, 1, HistoryPolicy::None);
    seqs(&mut db, second, 2);
    let before = crate::store::ledger_file::counts::Numbers::of(&db.conn).unwrap();
    let left = StoreError::UpstreamNotEmpty { left: 3 };
    let removed = db.remove_upstream("second", Remainder::MustBeEmpty, NOW);
    assert_eq!(removed, Err(left));
    assert_eq!(db.remove_upstream("second", Remainder::Discard, NOW), Ok(3));
    check(&db);
    for gone in [
        db.remove_upstream("second", Remainder::Discard, NOW),
        db.upstream(second).map(|_| 0),
        db.ledger(second).map(|_| 0),
        db.generation(second).map(|_| 0),
        db.set_endpoint(second, "https://x.example").map(|()| 0),
        db.relearn(second, |_| {}).map(|()| 0),
    ] {
        assert_eq!(gone, Err(StoreError::NoUpstream));
    }
    assert_eq!(db.upstreams().unwrap(), [MAIN]);
    assert_eq!(queued(&db, MAIN), ids(1..=4));
    for n in 1..=3 {
        assert_eq!(
            db.retract(id(n), NOW),
            Err(Unchanged::MayHaveBeenSent),
            "{n}"
        );
    }
    db.retract(id(4), NOW).unwrap();
    // By its account the file has not gone back in time.
    let after = crate::store::ledger_file::counts::Numbers::of(&db.conn).unwrap();
    assert!(!before.are_ahead_of(&after));
    db.keep_numbers();
    drop(db);
    let mut db = open(&folder.path().join("queue.db"));
    assert_eq!(db.loss().unwrap(), None);
    // One of that name is another one: it gets what is recorded from then on, under a bit of its own.
    let again = db.add_upstream("second").unwrap();
    assert_ne!(again, second);
    append(&mut db, 5).unwrap();
    assert_eq!(queued(&db, again), ids([5]));
    deliver(&mut db, again, 1, HistoryPolicy::None);
    deliver(&mut db, MAIN, 4, HistoryPolicy::None);
    purge(&mut db, HistoryPolicy::None);
    assert_eq!(rows(&db), 0);
}

#[test]
fn a_bit_is_given_out_again_only_when_nothing_is_left_that_has_it() {
    let (_folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    // One for each bit but the first; no more than these, as long as the statement is there.
    for n in 2..=62 {
        let new = db.add_upstream(&format!("{n}")).unwrap();
        assert_eq!(new.to_string(), format!("{n}"));
        db.remove_upstream(&format!("{n}"), Remainder::MustBeEmpty, NOW)
            .unwrap();
    }
    assert_eq!(db.add_upstream("again"), Err(StoreError::TooManyUpstreams));
    deliver(&mut db, MAIN, 1, HistoryPolicy::None);
    purge(&mut db, HistoryPolicy::None);
    let again = db.add_upstream("again").unwrap();
    assert_eq!(again.to_string(), "2");
    append(&mut db, 2).unwrap();
    deliver(&mut db, again, 1, HistoryPolicy::None);
    assert_eq!(
        db.remove_upstream("again", Remainder::MustBeEmpty, NOW),
        Ok(0)
    );
    assert_eq!(db.add_upstream("next").unwrap().to_string(), "3");
    check(&db);
}

/// More than are given up in one transaction; a kill in between leaves an upstream with fewer.
#[test]
fn a_long_queue_is_given_up_in_parts() {
    let (folder, mut db, second) = two(1_200);
    let taken = seqs(&mut db, second, 3);
    settle_for(&mut db, second, &taken[1..], &held(), HistoryPolicy::None);
    let part = db.remove_some("second", Remainder::Discard, NOW).unwrap();
    assert_eq!(part, crate::store::upstream::remove::Part::Some(500));
    drop(db);
    let mut db = open(&folder.path().join("queue.db"));
    check(&db);
    let ledger = db.ledger(second).unwrap();
    assert_eq!(
        (ledger.discarded, ledger.held, ledger.queued),
        (500, 0, 700)
    );
    let left = StoreError::UpstreamNotEmpty { left: 700 };
    let refused = db.remove_upstream("second", Remainder::MustBeEmpty, NOW);
    assert_eq!(refused, Err(left));
    // It is an upstream like any other until it is gone.
    append(&mut db, 1_201).unwrap();
    assert_eq!(seqs(&mut db, second, 1).len(), 1);
    assert_eq!(
        db.remove_upstream("second", Remainder::Discard, NOW),
        Ok(701)
    );
    check(&db);
    assert_eq!(queued(&db, MAIN).len(), 1_201);
    deliver(&mut db, MAIN, 1_201, HistoryPolicy::None);
    purge(&mut db, HistoryPolicy::None);
    assert_eq!(rows(&db), 0);
}

/// Two sessions at once: what one has in hand may be corrected by the other before it leaves.
#[test]
fn what_another_has_had_meanwhile_leaves_with_the_same_bytes() {
    let (_folder, mut db, second) = two(2);
    let mut in_hand = take_for(&mut db, second, 2);
    assert_eq!(in_hand.len(), 2);
    // As it is when the timestamp is put right for the first one.
    let mut right = statement(1).body;
    right.push(b' ');
    let tx = &db.conn;
    tx.execute(
        "UPDATE statement SET body = ?1, happened_at = happened_at + 90000 WHERE seq = 1",
        [&right],
    )
    .unwrap();
    crate::store::queue::checksum::seal(tx, 1, &right, &Contents::default()).unwrap();
    let [corrected, same] = &mut in_hand[..] else {
        panic!("{in_hand:?}")
    };
    let before = (same.body.clone(), corrected.happened_at);
    assert!(db.look_again(corrected).unwrap() && db.look_again(same).unwrap());
    assert_eq!((&corrected.body, &same.body), (&right, &before.0));
    assert_eq!(corrected.happened_at, before.1 + 90_000);
    // What the disk has changed does not leave.
    db.conn
        .execute("UPDATE statement SET happened_at = 0 WHERE seq = 2", [])
        .unwrap();
    assert!(!db.look_again(same).unwrap());
    db.conn
        .execute("DELETE FROM statement WHERE seq = 1", [])
        .unwrap();
    assert!(!db.look_again(corrected).unwrap());
}
