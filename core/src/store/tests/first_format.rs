//! A file of the first format, as phones will have it, with a statement in every state: each later Pannier has to
//! read it. It was made once, by the test that is ignored here, and is never made anew after the first release; a
//! change of the schema is a second migration then, with a file of its own beside this one.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use uuid::Uuid;

use crate::clock::Steady;
use crate::statement::{Contents, ContentsPart, Fill, Prepared, XapiVersion, prepare};
use crate::store::repair::loss;
use crate::store::tests::{
    ALL, MAIN, NOW, append, check, file, held, open, settle_for, statement, take_for,
};
use crate::store::{
    Db, HistoryPolicy, HoldReason, Outcome, Remainder, Route, Salvaged, UpstreamId, WaitReason,
};

const KEPT: HistoryPolicy = HistoryPolicy::For(365 * 24 * 60 * 60 * 1000);

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures")
        .join(name)
}

fn id(n: u128) -> Uuid {
    statement(n).id
}

/// Records this one, sends it alone to that upstream, and settles it.
fn settled(db: &mut Db, n: u128, upstream: UpstreamId, outcome: &Outcome, history: HistoryPolicy) {
    append(db, n).unwrap();
    settle_last(db, upstream, outcome, history);
}

fn settle_last(db: &mut Db, upstream: UpstreamId, outcome: &Outcome, history: HistoryPolicy) {
    let rows = take_for(db, upstream, usize::MAX);
    let (last, before) = rows.split_last().expect("there is one");
    let seqs: Vec<i64> = before.iter().map(|row| row.seq).collect();
    // What lies before it goes there, too.
    settle_for(db, upstream, &seqs, &Outcome::Delivered, history);
    settle_for(db, upstream, &[last.seq], outcome, history);
}

fn odd(n: u128, more: &str, steady: Option<Steady>) -> Prepared {
    let id = id(n);
    let text = format!(
        r#"{{"id":"{id}","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://adlnet.gov/expapi/verbs/voided"}}{more}}}"#
    );
    let fill = Fill {
        id,
        now_ms: NOW - 1_000,
    };
    let mut prepared = prepare(text.as_bytes(), XapiVersion::V2_0_0, &fill).unwrap();
    prepared.steady = steady;
    prepared
}

fn record(db: &mut Db, prepared: Prepared) {
    db.append(&[&vec![prepared]], NOW).remove(0).unwrap();
}

/// Makes it, with all that a file can have.
fn make(path: &Path) {
    let mut db = open(path);
    db.set_endpoint(MAIN, "https://lrs.example/xAPI").unwrap();
    append(&mut db, 1).unwrap();
    append(&mut db, 2).unwrap();
    settle_last(&mut db, MAIN, &Outcome::Delivered, KEPT);
    let route = Route::all().of_activities(["http://example.com/"]);
    let second = db
        .add_upstream_at("second", "https://second.example/xAPI", &route)
        .unwrap();
    db.add_upstream("third").unwrap();
    append(&mut db, 3).unwrap();
    db.remove_upstream("third", Remainder::Discard, NOW)
        .unwrap();
    db.relearn(MAIN, |learned| {
        learned.version = Some(XapiVersion::V1_0_3);
        learned.max_statements = Some(25);
    })
    .unwrap();
    // What the LRS said of others is erased with it.
    append(&mut db, 402).unwrap();
    db.erase(NOW, &|body: &[u8]| {
        String::from_utf8_lossy(body).contains("http://example.com/402\"")
    })
    .unwrap();
    put_aside(&mut db);
    settle_some_at_the_second(&mut db, second);
    // Retracted and replaced; one with an id that is not in order.
    for n in [401, 400] {
        append(&mut db, n).unwrap();
    }
    db.retract(id(401), NOW).unwrap();
    db.replace(MAIN, id(150), &statement(500), NOW).unwrap();
    // One that may be at the LRS, and then what was never sent.
    take_oldest(&mut db);
    let boot = Steady {
        ms: 12_345,
        boot: 1,
    };
    record(
        &mut db,
        odd(
            600,
            r#","object":{"objectType":"StatementRef","id":"00000000-0000-4000-8000-000000000001"}"#,
            Some(boot),
        ),
    );
    let since_2_0 = statement_2_0(601);
    record(&mut db, since_2_0);
    append(&mut db, 602).unwrap();
    record(&mut db, with_contents(603));
    note_a_loss(&mut db);
    check(&db);
    db.keep_numbers();
    db.checkpoint().unwrap();
}

/// The second one has had some of it, and has given some up.
fn settle_some_at_the_second(db: &mut Db, second: UpstreamId) {
    let seqs: Vec<i64> = take_for(db, second, 6).iter().map(|row| row.seq).collect();
    settle_for(db, second, &seqs[..4], &Outcome::Delivered, KEPT);
    let held = Outcome::Held {
        reason: HoldReason::Forbidden,
        status: Some(403),
        words: "not here".to_owned(),
        theirs: None,
    };
    settle_for(db, second, &seqs[4..], &held, KEPT);
    let given_up = db.held(second, ALL).unwrap()[0].id;
    db.discard(second, given_up, NOW).unwrap();
}

/// Some of the file was lost once.
fn note_a_loss(db: &mut Db) {
    db.write(|tx| {
        let holes = Salvaged {
            damage: "the disk was full of holes".to_owned(),
            kept_at: None,
            saved: 3,
            unreadable: 2,
            lost: 1,
            uncertain: false,
        };
        Ok(loss::write(tx, NOW, &holes)?)
    })
    .unwrap();
}

/// A statement for each reason to be held and to wait.
fn put_aside(db: &mut Db) {
    for (n, reason) in (100..).zip(HoldReason::ALL.iter().copied()) {
        let outcome = Outcome::Held {
            reason,
            status: Some(400),
            words: format!("no: {reason}"),
            theirs: (reason == HoldReason::Conflict).then(|| statement(900).body),
        };
        settled(db, n, MAIN, &outcome, KEPT);
    }
    // Delivered there, and still to be delivered to the second one.
    for n in [300, 301] {
        settled(db, n, MAIN, &Outcome::Delivered, KEPT);
    }
    settled(db, 150, MAIN, &held(), KEPT);
    // What waits for another version is due at once for one that speaks it: the last.
    let (waits, last) = WaitReason::ALL
        .iter()
        .partition::<Vec<_>, _>(|it| **it != WaitReason::Version);
    for (n, reason) in (200..).zip(waits.into_iter().chain(last).copied()) {
        let outcome = Outcome::Waiting {
            reason,
            due: (![WaitReason::Version, WaitReason::Target].contains(&reason))
                .then_some(NOW + 60_000),
            status: Some(403),
            words: format!("not now: {reason}"),
            taken: (reason == WaitReason::Suspect).then_some(7),
        };
        if reason == WaitReason::Target {
            let held = id(101);
            let voids = format!(r#","object":{{"objectType":"StatementRef","id":"{held}"}}"#);
            record(db, odd(n, &voids, None));
            // It is put aside where it would be sent.
            assert!(take_for(db, MAIN, usize::MAX).is_empty());
        } else {
            settled(db, n, MAIN, &outcome, KEPT);
        }
    }
}

/// Sends the oldest that is queued, and hears nothing.
fn take_oldest(db: &mut Db) {
    let rows = take_for(db, MAIN, 1);
    assert_eq!(rows.len(), 1);
}

fn statement_2_0(n: u128) -> Prepared {
    let id = id(n);
    let text = format!(
        r#"{{"id":"{id}","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},"object":{{"id":"http://example.com/{n}"}},"timestamp":"2026-11-28T20:00:00.000Z","context":{{"contextAgents":[{{"objectType":"contextAgent","agent":{{"mbox":"mailto:b@example.com"}}}}]}}}}"#
    );
    let fill = Fill { id, now_ms: NOW };
    prepare(text.as_bytes(), XapiVersion::V2_0_0, &fill).unwrap()
}

fn with_contents(n: u128) -> Prepared {
    let parts = [("ab", &b"one"[..]), ("cd", &[0; 3_000])].map(|(sha2, octets)| ContentsPart {
        sha2,
        content_type: "text/plain",
        octets,
    });
    Prepared {
        contents: Contents::of(parts).unwrap(),
        ..statement(n)
    }
}

/// All that it says, a line each.
fn said(db: &Db) -> String {
    let mut text = String::new();
    for upstream in db.upstreams().unwrap() {
        let known = db.upstream(upstream).unwrap();
        let _ = writeln!(
            text,
            "{}: {:?}, {:?}, {:?}, {:?}",
            known.name,
            known.endpoint,
            known.route,
            known.learned.version,
            known.learned.max_statements
        );
        let _ = writeln!(text, "{:?}", db.ledger(upstream).unwrap());
        for one in db.queued(upstream, ALL).unwrap() {
            let _ = writeln!(
                text,
                "queued {} with {}: {}",
                one.seq, one.content_bytes, one.statement
            );
        }
        for one in db.waiting(upstream, ALL).unwrap() {
            let _ = writeln!(
                text,
                "waiting {} for {} until {:?}, {:?}: {}",
                one.seq, one.reason, one.until, one.words, one.statement
            );
        }
        for one in db.held(upstream, ALL).unwrap() {
            let _ = writeln!(
                text,
                "held {} for {} ({:?}, {}), theirs {:?}: {}",
                one.seq, one.reason, one.status, one.words, one.theirs, one.statement
            );
        }
    }
    for one in db.history(ALL).unwrap() {
        let _ = writeln!(
            text,
            "history {} {:?} {}",
            one.seq, one.delivered_at, one.statement
        );
    }
    let _ = writeln!(text, "{:?}", db.loss().unwrap());
    text
}

/// The schema, statement by statement.
fn schema(conn: &Connection) -> String {
    let mut query = conn
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name")
        .unwrap();
    let all = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let version: i64 = conn
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    let mut text = format!("-- user_version {version}\n");
    for sql in all {
        let _ = writeln!(text, "{};", sql.unwrap());
    }
    text
}

#[test]
#[ignore = "left out: makes the files that the others read, never again after the first release"]
fn make_the_file() {
    let (folder, path) = file();
    make(&path);
    let db = open(&path);
    fs::create_dir_all(fixture("")).unwrap();
    fs::write(fixture("queue-v1.txt"), said(&db)).unwrap();
    fs::write(fixture("schema-v1.sql"), schema(&db.conn)).unwrap();
    drop(db);
    for name in ["queue.db", "queue.db.ledger"] {
        let kept = name.replace("queue.db", "queue-v1.db");
        fs::copy(folder.path().join(name), fixture(&kept)).unwrap();
    }
}

/// A copy of it, with what stands beside it.
fn copy() -> (tempfile::TempDir, Db) {
    let (folder, path) = file();
    for name in ["queue-v1.db", "queue-v1.db.ledger"] {
        let here = name.replace("queue-v1.db", "queue.db");
        fs::copy(fixture(name), folder.path().join(here)).unwrap();
    }
    let db = open(&path);
    (folder, db)
}

#[test]
fn it_says_what_it_said_when_it_was_made() {
    let (_folder, db) = copy();
    check(&db);
    let then = fs::read_to_string(fixture("queue-v1.txt")).unwrap();
    assert_eq!(said(&db), then);
    for reason in HoldReason::ALL.iter().map(|it| it.code()) {
        assert!(then.contains(&format!("for {reason} (")), "{reason}");
    }
    for reason in WaitReason::ALL.iter().map(|it| it.code()) {
        assert!(then.contains(&format!("for {reason} until")), "{reason}");
    }
}

#[test]
fn a_new_file_has_the_schema_that_is_written_down() {
    let golden = fs::read_to_string(fixture("schema-v1.sql")).unwrap();
    let (_folder, path) = file();
    let new = open(&path);
    assert_eq!(
        schema(&new.conn),
        golden,
        "a change of the schema: before the first release, make the files anew (make_the_file); after it, add a migration"
    );
    let (_folder, old) = copy();
    assert_eq!(schema(&old.conn), golden);
}

#[test]
fn all_that_it_has_goes_where_it_belongs() {
    let (_folder, mut db) = copy();
    let then = fs::read_to_string(fixture("queue-v1.txt")).unwrap();
    let second = db.named("second").unwrap();
    for upstream in [MAIN, second] {
        for one in db.held(upstream, ALL).unwrap() {
            db.retry(upstream, one.id, NOW).unwrap();
        }
        let before = db.ledger(upstream).unwrap();
        loop {
            // An hour later, when nothing waits any more.
            let rows = crate::store::tests::take_at(&mut db, upstream, NOW + 3_600_000);
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let text = String::from_utf8(row.body.clone()).unwrap();
                assert!(then.contains(&text), "{text}");
                let has_contents = row.id == id(603);
                let contents = with_contents(603).contents;
                assert_eq!(row.contents == contents, has_contents, "{text}");
            }
            let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
            settle_for(
                &mut db,
                upstream,
                &seqs,
                &Outcome::Delivered,
                HistoryPolicy::None,
            );
        }
        let after = db.ledger(upstream).unwrap();
        assert_eq!(
            (after.queued, after.waiting, after.held),
            (0, 0, 0),
            "{after:?} {:?}",
            db.waiting(upstream, ALL).unwrap()
        );
        assert_eq!(
            after.delivered,
            before.delivered + before.queued + before.waiting + before.held
        );
        check(&db);
    }
    db.acknowledge_loss().unwrap();
}
