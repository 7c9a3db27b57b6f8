//! An upstream that gets what is on the device already.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use uuid::Uuid;

use super::two_upstreams::damage_schema;
use crate::store::tests::{
    ALL, MAIN, NOW, append, check, file, held, open, settle_for, statement, take_for, waiting,
};
use crate::store::{
    Db, Durability, HistoryPolicy, Ledger, Outcome, Remainder, Route, StoreError, Unchanged,
    UpstreamId,
};

fn id(n: u128) -> Uuid {
    statement(n).id
}

fn ids(numbers: impl IntoIterator<Item = u128>) -> Vec<Uuid> {
    numbers.into_iter().map(id).collect()
}

fn queued(db: &Db, upstream: UpstreamId) -> Vec<Uuid> {
    let queued = db.queued(upstream, ALL).unwrap();
    queued.iter().map(|one| one.id).collect()
}

fn rows(db: &Db) -> i64 {
    let count = "SELECT count(*) FROM statement";
    db.conn.query_row(count, [], |row| row.get(0)).unwrap()
}

fn add(db: &mut Db, name: &str, route: &Route, history: HistoryPolicy) -> UpstreamId {
    let new = db
        .add_upstream_with_backlog(name, "https://new.example", route, history, NOW)
        .unwrap();
    check(db);
    new
}

/// Sends a batch, and has these outcomes of it; what was delivered.
fn sync(
    db: &mut Db,
    upstream: UpstreamId,
    history: HistoryPolicy,
    mut outcome: impl FnMut(Uuid) -> Option<Outcome>,
) -> Vec<Uuid> {
    let mut delivered = Vec::new();
    for row in take_for(db, upstream, 1_000) {
        if let Some(outcome) = outcome(row.id) {
            if outcome == Outcome::Delivered {
                delivered.push(row.id);
            }
            settle_for(db, upstream, &[row.seq], &outcome, history);
            check(db);
        }
    }
    delivered
}

/// Delivers all that is due.
fn drain(db: &mut Db, upstream: UpstreamId, history: HistoryPolicy) -> Vec<Uuid> {
    let mut delivered = Vec::new();
    loop {
        let more = sync(db, upstream, history, |_| Some(Outcome::Delivered));
        if more.is_empty() {
            return delivered;
        }
        delivered.extend(more);
    }
}

fn purge(db: &mut Db, history: HistoryPolicy) {
    while db.purge(history, NOW).unwrap() {}
}

#[test]
fn it_gets_what_others_are_to_get_still_and_nothing_else() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in 1..=8 {
        append(&mut db, n).unwrap();
    }
    // 1 and 3 are there, 2 is held, 4 waits, 5 is given up; the others are queued.
    sync(&mut db, MAIN, HistoryPolicy::None, |one| {
        let n = (1..=8).find(|n| id(*n) == one).unwrap();
        match n {
            1 | 3 => Some(Outcome::Delivered),
            2 | 5 => Some(held()),
            4 => Some(waiting(NOW + 50_000)),
            _ => None,
        }
    });
    db.discard(MAIN, id(5), NOW).unwrap();
    let new = add(&mut db, "new", &Route::all(), HistoryPolicy::None);
    assert_eq!(queued(&db, new), ids([2, 4, 6, 7, 8]));
    append(&mut db, 9).unwrap();
    let got = drain(&mut db, new, HistoryPolicy::None);
    assert_eq!(got, ids([2, 4, 6, 7, 8, 9]));
    // Asked for once more, as an app does each time that it opens its queue, it stays what it is.
    assert_eq!(add(&mut db, "new", &Route::all(), HistoryPolicy::None), new);
    assert!(queued(&db, new).is_empty());
    db.retry(MAIN, id(2), NOW).unwrap();
    drain(&mut db, MAIN, HistoryPolicy::None);
    purge(&mut db, HistoryPolicy::None);
    assert_eq!(rows(&db), 1, "4 waits there still");
    let ledger = db.ledger(new).unwrap();
    assert_eq!((ledger.recorded, ledger.delivered), (6, 6));
}

#[test]
fn where_there_is_nothing_it_begins_at_the_end() {
    let (_folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    drain(&mut db, MAIN, HistoryPolicy::None);
    let new = add(&mut db, "new", &Route::all(), HistoryPolicy::None);
    assert_eq!(db.ledger(new).unwrap().recorded, 0);
    append(&mut db, 2).unwrap();
    assert_eq!(queued(&db, new), ids([2]));
}

#[test]
fn its_route_takes_what_was_recorded_before_as_what_comes_after() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in [1, 20, 3, 21] {
        append(&mut db, n).unwrap();
    }
    let route = Route::all().of_activities(["http://example.com/2"]);
    let new = add(&mut db, "new", &route, HistoryPolicy::None);
    assert_eq!(queued(&db, new), ids([20, 21]));
    for n in [4, 22] {
        append(&mut db, n).unwrap();
    }
    assert_eq!(queued(&db, new), ids([20, 21, 22]));
    // What is not for it is sound all the same, also in the eyes of whoever opens the file.
    drop(db);
    let mut db = open(&path);
    check(&db);
    let got = drain(&mut db, MAIN, HistoryPolicy::None);
    assert_eq!(got, ids([1, 20, 3, 21, 4, 22]));
    purge(&mut db, HistoryPolicy::None);
    assert_eq!(rows(&db), 3);
    assert_eq!(drain(&mut db, new, HistoryPolicy::None).len(), 3);
    purge(&mut db, HistoryPolicy::None);
    assert_eq!(rows(&db), 0);
}

#[test]
fn history_goes_there_and_nowhere_again_and_is_history_afterwards() {
    let (_folder, path) = file();
    let mut db = open(&path);
    let forever = HistoryPolicy::Forever;
    for n in 1..=5 {
        append(&mut db, n).unwrap();
    }
    // The last ones before the others: the number does not tell of them.
    sync(&mut db, MAIN, forever, |one| {
        ids([1, 4, 5]).contains(&one).then_some(Outcome::Delivered)
    });
    let new = add(&mut db, "new", &Route::all(), forever);
    assert_eq!(queued(&db, new), ids(1..=5));
    assert_eq!(queued(&db, MAIN), ids([2, 3]));
    assert!(db.history(ALL).unwrap().is_empty());
    assert_eq!(db.retract(id(4), NOW), Err(Unchanged::MayHaveBeenSent));
    drop(db);
    let mut db = open(&path);
    assert_eq!(drain(&mut db, MAIN, forever), ids([2, 3]));
    assert!(db.history(ALL).unwrap().is_empty());
    assert_eq!(drain(&mut db, new, forever), ids(1..=5));
    let history = db.history(ALL).unwrap();
    assert_eq!(
        history.iter().map(|one| one.id).collect::<Vec<_>>(),
        ids(1..=5)
    );
    for upstream in [MAIN, new] {
        assert_eq!(db.ledger(upstream).unwrap().delivered, 5);
    }
    // For who keeps none there is none that could go anywhere, and it stays for who does.
    let other = add(&mut db, "other", &Route::all(), HistoryPolicy::None);
    assert_eq!(db.ledger(other).unwrap().recorded, 0);
    assert_eq!(rows(&db), 5);
}

#[test]
fn what_was_given_up_somewhere_stays_there_and_what_it_was_replaced_with_goes() {
    let (_folder, path) = file();
    let mut db = open(&path);
    let second = db.add_upstream("second").unwrap();
    for n in 1..=3 {
        append(&mut db, n).unwrap();
    }
    sync(&mut db, MAIN, HistoryPolicy::None, |_| Some(held()));
    db.discard(MAIN, id(1), NOW).unwrap();
    db.replace(MAIN, id(2), &statement(20), NOW).unwrap();
    assert_eq!(queued(&db, second), ids([1, 2, 3]));
    let new = add(&mut db, "new", &Route::all(), HistoryPolicy::None);
    assert_eq!(queued(&db, new), ids([3, 20]));
    // One that is removed has given up nothing that others would not get.
    db.remove_upstream("second", Remainder::Discard, NOW)
        .unwrap();
    check(&db);
    assert_eq!(queued(&db, new), ids([3, 20]));
}

#[test]
fn a_spoilt_one_is_not_made_whole_by_it() {
    for route in [
        Route::all(),
        Route::all().of_activities(["http://example.com/1"]),
    ] {
        let (_folder, path) = file();
        let mut db = open(&path);
        for n in [1, 2] {
            append(&mut db, n).unwrap();
        }
        let flip =
            "UPDATE statement SET body = CAST(replace(body, 'mailto:a@', 'mailto:b@') AS BLOB)";
        assert_eq!(db.conn.execute(flip, []).unwrap(), 2);
        let new = add(&mut db, "new", &route, HistoryPolicy::None);
        for n in [1, 2] {
            assert!(!db.is_intact(id(n)).unwrap());
        }
        // It is for it, where nobody can tell any more whether it was.
        assert_eq!(queued(&db, new), ids([1, 2]));
    }
}

#[test]
fn a_damaged_file_gives_up_what_was_for_it() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in [10, 2, 11, 3] {
        append(&mut db, n).unwrap();
    }
    let route = Route::all().of_activities(["http://example.com/1"]);
    let new = add(&mut db, "new", &route, HistoryPolicy::None);
    db.checkpoint().unwrap();
    drop(db);
    let mut bytes = std::fs::read(&path).unwrap();
    damage_schema(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    let opened = Db::open(&path, Durability::ProcessCrash, NOW).unwrap();
    assert_eq!(opened.salvaged.unwrap().saved, 4);
    let db = opened.db;
    check(&db);
    assert_eq!(queued(&db, MAIN), ids([10, 2, 11, 3]));
    assert_eq!(queued(&db, new), ids([10, 11]));
}

/// It knows nothing of the new one, and has what was there for it.
#[test]
fn an_older_copy_has_lost_nothing_of_it() {
    let (_folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    append(&mut db, 2).unwrap();
    db.checkpoint().unwrap();
    let older = std::fs::read(&path).unwrap();
    let new = add(&mut db, "new", &Route::all(), HistoryPolicy::None);
    db.keep_numbers();
    drop(db);
    std::fs::write(&path, older).unwrap();
    let mut db = open(&path);
    check(&db);
    let loss = db.loss().unwrap().unwrap();
    assert_eq!((loss.lost, loss.uncertain), (0, true), "{loss:?}");
    assert!(loss.damage.contains("added again: 1"), "{loss:?}");
    assert_eq!(add(&mut db, "new", &Route::all(), HistoryPolicy::None), new);
    assert_eq!(queued(&db, new), ids([1, 2]));
}

#[test]
fn a_person_is_erased_from_what_was_history_and_what_was_never_sent_is_taken_back() {
    let (_folder, path) = file();
    let mut db = open(&path);
    let forever = HistoryPolicy::Forever;
    append(&mut db, 1).unwrap();
    drain(&mut db, MAIN, forever);
    append(&mut db, 2).unwrap();
    append(&mut db, 3).unwrap();
    let new = add(&mut db, "new", &Route::all(), forever);
    db.retract(id(3), NOW).unwrap();
    check(&db);
    assert_eq!(queued(&db, new), ids([1, 2]));
    db.erase(NOW, &|body| body.windows(8).any(|part| part == b"mailto:a"))
        .unwrap();
    check(&db);
    assert_eq!(rows(&db), 0);
    let (ours, theirs) = (db.ledger(MAIN).unwrap(), db.ledger(new).unwrap());
    assert_eq!((ours.delivered, ours.erased, ours.retracted), (1, 1, 1));
    assert_eq!(
        (theirs.delivered, theirs.erased, theirs.retracted),
        (0, 2, 1)
    );
}

#[test]
fn a_delivery_that_never_was_is_damage() {
    for history in [HistoryPolicy::Forever, HistoryPolicy::None] {
        let (_folder, path) = file();
        let mut db = open(&path);
        append(&mut db, 1).unwrap();
        append(&mut db, 2).unwrap();
        db.conn
            .execute("UPDATE statement SET delivered_at = 4711 WHERE seq = 2", [])
            .unwrap();
        let url = "https://new.example";
        let added = db.add_upstream_with_backlog("new", url, &Route::all(), history, NOW);
        assert!(matches!(added, Err(StoreError::Damaged(_))), "{added:?}");
        assert_eq!(db.upstreams().unwrap(), [MAIN]);
    }
}

/// Whatever is where: each upstream gets what it was to get, once, and the new one what any of them was to get.
#[test]
fn at_any_moment() {
    let seed =
        std::env::var("PANNIER_SEED").map_or_else(|_| fastrand::u64(..), |it| it.parse().unwrap());
    println!("PANNIER_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    for round in 0..30 {
        let history = [HistoryPolicy::None, HistoryPolicy::Forever][round % 2];
        let (_folder, path) = file();
        let mut db = open(&path);
        let mut upstreams = vec![MAIN, db.add_upstream("second").unwrap()];
        // Who has got what, and what was given up by the app somewhere.
        let mut got: BTreeMap<UpstreamId, Vec<Uuid>> = BTreeMap::new();
        let mut given_up = BTreeSet::new();
        let mut next = 0;
        for added in 0..4 {
            for _ in 0..rng.usize(1..25) {
                let upstream = *rng.choice(&upstreams).unwrap();
                match rng.u8(..10) {
                    0..=4 => {
                        next += 1;
                        append(&mut db, next).unwrap();
                    }
                    5 => {
                        let held = db.held(upstream, ALL).unwrap();
                        if let Some(one) = rng.choice(&held) {
                            db.discard(upstream, one.id, NOW).unwrap();
                            given_up.insert(one.id);
                        }
                    }
                    6 if rng.bool() => {
                        drop(db);
                        db = open(&path);
                    }
                    6 => purge(&mut db, history),
                    _ => {
                        let now = sync(&mut db, upstream, history, |_| match rng.u8(..6) {
                            0 => Some(held()),
                            1 => Some(waiting(NOW + 50_000)),
                            2 => None,
                            _ => Some(Outcome::Delivered),
                        });
                        got.entry(upstream).or_default().extend(now);
                    }
                }
                check(&db);
            }
            let mut wanted = all_that_are_there(&db, &upstreams, history);
            wanted.retain(|one| !given_up.contains(one));
            let route = draw_route(&mut rng, &mut wanted, next);
            let before = ledgers(&db, &upstreams);
            let new = add(&mut db, &format!("new-{added}"), &route, history);
            assert_eq!(queued(&db, new), wanted.iter().copied().collect::<Vec<_>>());
            assert_eq!(before, ledgers(&db, &upstreams));
            upstreams.push(new);
        }
        deliver_all(&mut db, &upstreams, history, &mut got);
        for (upstream, got) in got {
            let once: BTreeSet<_> = got.iter().collect();
            assert_eq!(once.len(), got.len(), "{upstream} got one twice");
        }
        purge(&mut db, history);
        let kept = db.history(ALL).unwrap().len() as i64;
        assert_eq!(rows(&db), kept);
        assert_eq!(kept > 0, history == HistoryPolicy::Forever);
    }
}

fn ledgers(db: &Db, upstreams: &[UpstreamId]) -> Vec<Ledger> {
    let ledgers = upstreams.iter().map(|one| db.ledger(*one).unwrap());
    ledgers.collect()
}

/// What is to be delivered still to one of these, and what is history where all of it is kept.
fn all_that_are_there(db: &Db, upstreams: &[UpstreamId], history: HistoryPolicy) -> BTreeSet<Uuid> {
    let mut wanted = BTreeSet::new();
    for &upstream in upstreams {
        wanted.extend(queued(db, upstream));
        wanted.extend(db.waiting(upstream, ALL).unwrap().iter().map(|one| one.id));
        wanted.extend(db.held(upstream, ALL).unwrap().iter().map(|one| one.id));
    }
    wanted.extend(
        db.history(ALL)
            .unwrap()
            .iter()
            .filter_map(|one| (history == HistoryPolicy::Forever).then_some(one.id)),
    );
    wanted
}

/// All, or only those of so many whose numbers begin with a one; of the wanted ones those stay that it takes.
fn draw_route(rng: &mut Rng, wanted: &mut BTreeSet<Uuid>, next: u128) -> Route {
    if rng.bool() {
        Route::all()
    } else {
        wanted.retain(|one| (1..=next).any(|n| id(n) == *one && n.to_string().starts_with('1')));
        Route::all().of_activities(["http://example.com/1"])
    }
}

/// Also what is held and what waits.
fn deliver_all(
    db: &mut Db,
    upstreams: &[UpstreamId],
    history: HistoryPolicy,
    got: &mut BTreeMap<UpstreamId, Vec<Uuid>>,
) {
    for &upstream in upstreams {
        for one in db.held(upstream, ALL).unwrap() {
            db.retry(upstream, one.id, NOW).unwrap();
        }
        got.entry(upstream).or_default();
        let now = drain(db, upstream, history);
        got.get_mut(&upstream).unwrap().extend(now);
        let over = "UPDATE aside SET due = ?1 WHERE due > ?1";
        db.conn.execute(over, [NOW]).unwrap();
        let now = drain(db, upstream, history);
        got.get_mut(&upstream).unwrap().extend(now);
        let ledger = db.ledger(upstream).unwrap();
        assert_eq!((ledger.queued, ledger.waiting, ledger.held), (0, 0, 0));
        assert_eq!(ledger.delivered as usize, got[&upstream].len());
    }
}
