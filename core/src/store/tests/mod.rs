//! The store by itself.

mod again;
mod backfill;
mod beside;
mod contents;
mod first_format;
mod flipped;
mod foreign_log;
mod ledger_file;
mod lost_elsewhere;
mod many_aside;
mod old_endpoints;
mod older_copy;
mod other_copies;
mod taken_out;
mod torn_wal;
mod two_upstreams;
mod voidings;
mod written_over;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Steady;
use crate::statement::{Fill, Prepared, XapiVersion, prepare};
use crate::store::{
    Appended, Clocks, ContentsLimits, Db, Durability, HistoryPolicy, HoldReason, Holder, Lease,
    Limits, LrsClock, Millis, NextBatch, Outcome, Page, Refused, Row, Settled, Settlement, Shared,
    StoreError, Unchanged, UnderWay, Unsent, UpstreamId, WaitReason,
};

pub(crate) const NOW: Millis = 1_800_000_000_000;
pub(crate) const MAIN: UpstreamId = UpstreamId::MAIN;
pub(crate) const US: Holder = Holder([1; 16]);
pub(crate) const ALL: Page = Page {
    after: 0,
    limit: 1_000_000,
};

pub(crate) fn statement(n: u128) -> Prepared {
    sized(n, 0)
}

pub(crate) fn sized(n: u128, more: usize) -> Prepared {
    let id = Uuid::from_u128(n | 0x4000_8000_0000_0000_0000);
    let text = format!(
        r#"{{"id":"{id}","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},
        "object":{{"id":"http://example.com/{n}"}},"result":{{"response":"{}"}}}}"#,
        "x".repeat(more)
    );
    prepare(
        text.as_bytes(),
        XapiVersion::V2_0_0,
        &Fill {
            id,
            now_ms: NOW - 1_000,
        },
    )
    .unwrap()
}

pub(crate) fn open(path: &Path) -> Db {
    Db::open(path, Durability::ProcessCrash, NOW).unwrap().db
}

pub(crate) fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    (folder, path)
}

pub(crate) fn append(db: &mut Db, n: u128) -> Result<Vec<Appended>, Refused> {
    db.append(&[&vec![statement(n)]], NOW).remove(0)
}

pub(crate) fn clocks() -> Clocks {
    Clocks {
        here: NOW.into(),
        lrs: None,
        trust_lrs: false,
    }
}

/// Whatever has contents may leave.
pub(crate) fn any_contents() -> ContentsLimits {
    ContentsLimits {
        statements: usize::MAX,
        bytes: usize::MAX,
        from: None,
    }
}

/// What leaves in one request.
pub(crate) fn take(db: &mut Db, statements: usize) -> Vec<Row> {
    take_for(db, MAIN, statements)
}

pub(crate) fn take_for(db: &mut Db, upstream: UpstreamId, statements: usize) -> Vec<Row> {
    take_by(db, upstream, statements, NOW)
}

/// The same for all that is due then.
pub(crate) fn take_at(db: &mut Db, upstream: UpstreamId, now: Millis) -> Vec<Row> {
    take_by(db, upstream, usize::MAX, now)
}

fn take_by(db: &mut Db, upstream: UpstreamId, statements: usize, now: Millis) -> Vec<Row> {
    db.claim(upstream, US, false, now, now + 60_000).unwrap();
    let limits = Limits {
        statements,
        bytes: usize::MAX,
        speaks_2_0: true,
        contents: any_contents(),
        clocks: clocks(),
        after: 0,
        beside_others: false,
    };
    match db
        .next_batch(upstream, US, &limits, now, now + 60_000)
        .unwrap()
    {
        NextBatch::Rows { rows, .. } => {
            depart(db, upstream, &rows);
            rows
        }
        NextBatch::LeaseLost => panic!("the lease is lost"),
    }
}

fn depart(db: &mut Db, upstream: UpstreamId, rows: &[Row]) -> Unsent {
    let lease = Lease {
        holder: US,
        generation: db.generation(upstream).unwrap(),
    };
    let under_way = UnderWay {
        since: NOW,
        timeout_ms: 30_000,
    };
    let rows: Vec<_> = rows.iter().collect();
    db.depart(upstream, lease, &rows, under_way, None, NOW + 60_000)
        .unwrap()
        .unwrap()
}

pub(crate) fn settle(
    db: &mut Db,
    seqs: &[i64],
    outcome: &Outcome,
    history: HistoryPolicy,
) -> Vec<i64> {
    settle_for(db, MAIN, seqs, outcome, history)
}

pub(crate) fn settle_for(
    db: &mut Db,
    upstream: UpstreamId,
    seqs: &[i64],
    outcome: &Outcome,
    history: HistoryPolicy,
) -> Vec<i64> {
    let settled = seqs
        .iter()
        .map(|&seq| Settled {
            seq,
            outcome: outcome.clone(),
        })
        .collect();
    db.settle(
        upstream,
        &Settlement {
            settled,
            ..Settlement::default()
        },
        history,
        NOW,
    )
    .unwrap()
}

pub(crate) fn held() -> Outcome {
    Outcome::Held {
        reason: HoldReason::Refused,
        status: Some(400),
        words: "bad".into(),
        theirs: None,
    }
}

pub(crate) fn waiting(due: Millis) -> Outcome {
    Outcome::Waiting {
        reason: WaitReason::Suspect,
        due: Some(due),
        status: Some(500),
        words: "failed".into(),
        taken: None,
    }
}

/// Counters and lists agree, and no statement is counted twice or not at all.
pub(crate) fn check(db: &Db) {
    for upstream in db.upstreams().unwrap() {
        check_for(db, upstream);
    }
    for table in ["aside", "sent_ahead", "done_with"] {
        let left = format!(
            "SELECT count(*) FROM {table} LEFT JOIN statement s USING (seq) WHERE s.seq IS NULL"
        );
        let left: i64 = db.conn.query_row(&left, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "of what is gone something is left in {table}");
    }
}

fn check_for(db: &Db, upstream: UpstreamId) {
    let ledger = db.ledger(upstream).unwrap();
    let queued = db.queued(upstream, ALL).unwrap();
    assert_eq!(ledger.queued as usize, queued.len(), "{ledger:?}");
    assert_eq!(
        ledger.waiting as usize,
        db.waiting(upstream, ALL).unwrap().len(),
        "{ledger:?}"
    );
    assert_eq!(
        ledger.held as usize,
        db.held(upstream, ALL).unwrap().len(),
        "{ledger:?}"
    );
    assert_eq!(
        ledger.queued_bytes as usize,
        queued
            .iter()
            .map(|one| one.statement.len() + one.content_bytes as usize)
            .sum::<usize>()
    );
    assert_eq!(
        ledger.oldest_queued_at,
        queued.first().map(|one| one.recorded_at)
    );
    let sum = ledger.queued
        + ledger.waiting
        + ledger.held
        + ledger.delivered
        + ledger.retracted
        + ledger.discarded
        + ledger.replaced
        + ledger.erased;
    assert_eq!(sum, ledger.recorded, "{ledger:?}");
}

#[test]
fn a_candidate_is_taken_whole_or_not_at_all_beside_others() {
    let (_folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 2).unwrap();
    let mut other = statement(2);
    other.body = statement(9).body;
    let groups = [
        vec![statement(1)],
        vec![statement(3), other, statement(4)],
        vec![statement(5), statement(2)],
    ];
    let outcomes = db.append(&groups.iter().collect::<Vec<_>>(), NOW);
    assert_eq!(outcomes[0], Ok(vec![Appended::New]));
    assert_eq!(outcomes[1], Err(Refused::OtherContent(statement(2).id)));
    assert_eq!(outcomes[2], Ok(vec![Appended::New, Appended::Known]));
    let ids: Vec<_> = db
        .queued(MAIN, ALL)
        .unwrap()
        .iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(ids, [2, 1, 5].map(|n| statement(n).id));
    check(&db);
}

#[test]
fn the_place_of_a_deleted_statement_is_never_given_out_again() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in 1..=3 {
        append(&mut db, n).unwrap();
    }
    db.retract(statement(3).id, NOW).unwrap();
    db.retract(statement(2).id, NOW).unwrap();
    drop(db);
    let mut db = open(&path);
    append(&mut db, 4).unwrap();
    let seqs: Vec<_> = db
        .queued(MAIN, ALL)
        .unwrap()
        .iter()
        .map(|one| one.seq)
        .collect();
    assert_eq!(seqs, [1, 4]);
    check(&db);
    // Nor after a sync has emptied the file.
    let rows = take(&mut db, 10);
    settle(
        &mut db,
        &[rows[0].seq, rows[1].seq],
        &Outcome::Delivered,
        HistoryPolicy::None,
    );
    while db.purge(HistoryPolicy::None, NOW).unwrap() {}
    append(&mut db, 5).unwrap();
    assert_eq!(db.queued(MAIN, ALL).unwrap()[0].seq, 5);
    check(&db);
}

#[test]
fn a_batch_is_bounded_by_count_and_by_exact_bytes() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in 1..=9 {
        append(&mut db, n).unwrap();
    }
    let one = statement(1).body.len();
    db.claim(MAIN, US, false, NOW, NOW + 60_000).unwrap();
    let mut limits = Limits {
        statements: 50,
        bytes: 0,
        speaks_2_0: true,
        contents: any_contents(),
        clocks: clocks(),
        after: 0,
        beside_others: false,
    };
    for count in 1..=9 {
        // Exactly the size of the body that is sent: no statement less, and none more.
        let exact = crate::lrs::requests::batch_bytes(std::iter::repeat_n(one, count));
        for (bytes, expected) in [(exact, count), (exact - 1, (count - 1).max(1))] {
            limits.bytes = bytes;
            let NextBatch::Rows { rows, .. } =
                db.next_batch(MAIN, US, &limits, NOW, NOW + 60_000).unwrap()
            else {
                panic!()
            };
            assert_eq!(rows.len(), expected, "{bytes} bytes");
        }
    }
    assert_eq!(take(&mut db, 4).len(), 4);
}

#[test]
fn what_is_settled_out_of_order_is_not_sent_again() {
    for history in [HistoryPolicy::None, HistoryPolicy::Forever] {
        let (_folder, path) = file();
        let mut db = open(&path);
        for n in 1..=5 {
            append(&mut db, n).unwrap();
        }
        take(&mut db, 5);
        assert_eq!(
            settle(&mut db, &[3, 5], &Outcome::Delivered, history),
            [3, 5]
        );
        check(&db);
        assert_eq!(
            take(&mut db, 5)
                .iter()
                .map(|row| row.seq)
                .collect::<Vec<_>>(),
            [1, 2, 4]
        );
        settle(&mut db, &[1, 2], &held(), history);
        settle(&mut db, &[4], &Outcome::Delivered, history);
        check(&db);
        assert!(take(&mut db, 5).is_empty());
        let upstream = db.upstream(MAIN).unwrap();
        assert!(upstream.delivered_through >= 4, "{upstream:?}");
        // Settling what is settled changes nothing.
        assert!(settle(&mut db, &[1, 3, 4], &Outcome::Delivered, history).is_empty());
        check(&db);
        assert_eq!(db.ledger(MAIN).unwrap().delivered, 3);
    }
}

#[test]
fn the_history_is_read_from_its_end_too() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in 1..=9 {
        append(&mut db, n).unwrap();
    }
    take(&mut db, 8);
    settle(&mut db, &[4, 7], &held(), HistoryPolicy::Forever);
    let delivered = [1, 2, 3, 5, 6, 8];
    settle(
        &mut db,
        &delivered,
        &Outcome::Delivered,
        HistoryPolicy::Forever,
    );
    let before = |before, limit| -> Vec<i64> {
        let listed = db.history_before(before, limit).unwrap();
        listed.iter().map(|one| one.seq).collect()
    };
    assert_eq!(before(None, 50), [8, 6, 5, 3, 2, 1]);
    assert_eq!(before(None, 2), [8, 6]);
    assert_eq!(before(Some(6), 2), [5, 3]);
    assert_eq!(before(Some(3), usize::MAX), [2, 1]);
    assert!(before(Some(1), 2).is_empty() && before(None, 0).is_empty());
    let forwards = db
        .history(Page {
            after: 0,
            limit: 50,
        })
        .unwrap();
    let backwards = db.history_before(None, 50).unwrap();
    assert!(forwards.iter().rev().eq(&backwards));
}

#[test]
fn only_the_app_moves_what_is_held() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in 1..=4 {
        append(&mut db, n).unwrap();
    }
    take(&mut db, 4);
    settle(&mut db, &[1, 2, 3], &held(), HistoryPolicy::None);
    let id = |n| statement(n).id;
    assert_eq!(db.retry(MAIN, id(4), NOW), Err(Unchanged::NotHeld));
    assert_eq!(db.discard(MAIN, id(9), NOW), Err(Unchanged::Unknown));
    assert_eq!(db.retract(id(1), NOW), Err(Unchanged::MayHaveBeenSent));
    db.retry(MAIN, id(1), NOW).unwrap();
    db.discard(MAIN, id(2), NOW).unwrap();
    // Replaced under its own id, with other content.
    let mut corrected = statement(7);
    corrected.id = id(3);
    db.replace(MAIN, id(3), &corrected, NOW).unwrap();
    // A replacement that is refused leaves the held one where it is.
    settle(&mut db, &[4], &held(), HistoryPolicy::None);
    let mut clash = statement(8);
    clash.id = id(1);
    assert_eq!(
        db.replace(MAIN, id(4), &clash, NOW),
        Err(Unchanged::Refused(Refused::OtherContent(id(1))))
    );
    check(&db);
    let ledger = db.ledger(MAIN).unwrap();
    assert_eq!(
        (
            ledger.held,
            ledger.waiting,
            ledger.discarded,
            ledger.replaced,
            ledger.queued
        ),
        (1, 1, 1, 1, 1)
    );
    // The log first, then the retried one alone.
    let batches: Vec<Vec<i64>> = std::iter::from_fn(|| {
        let seqs: Vec<i64> = take(&mut db, 5).iter().map(|row| row.seq).collect();
        settle(&mut db, &seqs, &Outcome::Delivered, HistoryPolicy::None);
        (!seqs.is_empty()).then_some(seqs)
    })
    .collect();
    assert_eq!(batches, [[5], [1]]);
    check(&db);
}

#[test]
fn random_work_keeps_every_statement_in_exactly_one_place() {
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (_folder, path) = file();
        let mut db = open(&path);
        let history = if seed % 2 == 0 {
            HistoryPolicy::None
        } else {
            HistoryPolicy::Forever
        };
        let mut recorded = 0;
        for _ in 0..120 {
            let some = statement(rng.u128(1..=recorded.max(1))).id;
            match rng.u8(0..12) {
                0..4 => {
                    recorded += 1;
                    append(&mut db, recorded).unwrap();
                }
                4..7 => {
                    let rows = take(&mut db, rng.usize(1..8));
                    for row in rows {
                        let outcome = match rng.u8(0..6) {
                            0..3 => Outcome::Delivered,
                            3 => held(),
                            4 => waiting(NOW + rng.i64(-5..5)),
                            _ => continue,
                        };
                        settle(&mut db, &[row.seq], &outcome, history);
                    }
                }
                7 => drop(db.retract(some, NOW)),
                8 => drop(db.retry(MAIN, some, NOW)),
                9 => drop(db.discard(MAIN, some, NOW)),
                10 => {
                    recorded += 1;
                    drop(db.replace(MAIN, some, &statement(recorded), NOW));
                }
                _ => match rng.u8(0..3) {
                    0 => drop(db.purge(history, NOW).unwrap()),
                    1 => db = open(&path),
                    _ => {
                        let doomed =
                            format!("http://example.com/{}\"", rng.u128(1..=recorded.max(1)));
                        db.erase(NOW, &|body| String::from_utf8_lossy(body).contains(&doomed))
                            .unwrap();
                    }
                },
            }
            check(&db);
        }
    }
}

#[test]
fn erasing_drops_the_lrss_copy_of_a_conflict_and_keeps_what_names_nobody() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in 1..=2 {
        append(&mut db, n).unwrap();
    }
    take(&mut db, 2);
    let conflict = Outcome::Held {
        reason: HoldReason::Conflict,
        status: Some(409),
        words: String::new(),
        theirs: Some(b"names eve".to_vec()),
    };
    settle(&mut db, &[1], &conflict, HistoryPolicy::None);
    let erased = db
        .erase(NOW, &|body| body.windows(3).any(|w| w == b"eve"))
        .unwrap();
    assert_eq!(erased, crate::store::Erased::default());
    let held = db.held(MAIN, ALL).unwrap();
    assert_eq!(held[0].id, statement(1).id);
    assert_eq!(held[0].theirs, None);
    check(&db);
}

#[test]
fn a_full_disk_is_an_error_of_that_call_alone() {
    let (_folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    let pages: i64 = db
        .conn
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    db.conn
        .pragma_update(None, "max_page_count", pages + 2)
        .unwrap();
    let outcome = db.append(&[&vec![statement(2)], &vec![sized(3, 100_000)]], NOW);
    assert!(
        outcome
            .iter()
            .all(|one| *one == Err(Refused::Store(StoreError::DiskFull))),
        "{outcome:?}"
    );
    check(&db);
    assert_eq!(db.ledger(MAIN).unwrap().recorded, 1);
    db.conn
        .pragma_update(None, "max_page_count", 1_000_000)
        .unwrap();
    append(&mut db, 2).unwrap();
    drop(db);
    assert_eq!(open(&path).ledger(MAIN).unwrap().recorded, 2);
}

/// More than is taken through memory at once.
#[test]
fn erasing_leaves_no_trace_in_a_large_file() {
    let (_folder, path) = file();
    let mut db = open(&path);
    let text = |n: u128, who: &str, bytes: usize| {
        let mut one = sized(n, bytes);
        let body = String::from_utf8(one.body).unwrap();
        one.body = body.replacen("xxxxxxxx", who, 1).into_bytes();
        one
    };
    let mut n = 0;
    for _ in 0..70 {
        let mut some = vec![text(n, "everyone", 1_000_000)];
        some.extend((1..40).map(|small| {
            text(
                n + small,
                if small % 3 == 0 {
                    "eve-here"
                } else {
                    "somebody"
                },
                400,
            )
        }));
        n += 40;
        db.append(&[&some], NOW).remove(0).unwrap();
    }
    // Deleted before, without a thought of leaving no trace.
    db.retract(sized(3, 0).id, NOW).unwrap();
    let erased = db
        .erase(NOW, &|body| memory_has(body, b"eve-here"))
        .unwrap();
    assert_eq!(erased.undelivered, 70 * 13 - 1);
    check(&db);
    drop(db);
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() > 70_000_000);
    assert!(memory_has(&bytes, b"somebody"));
    assert!(!memory_has(&bytes, b"eve-here"), "a trace is left");
}

fn memory_has(bytes: &[u8], word: &[u8]) -> bool {
    let mut at = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == word[0]);
    at.any(|(at, _)| bytes[at..].starts_with(word))
}

#[test]
fn a_newer_file_and_another_programs_file_are_refused_and_left_untouched() {
    let (folder, path) = file();
    drop(open(&path));
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    conn.pragma_update(None, "journal_mode", "DELETE").unwrap();
    drop(conn);
    let foreign = folder.path().join("other.db");
    let conn = rusqlite::Connection::open(&foreign).unwrap();
    conn.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(conn);
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let names_before = names();
    for file in [&path, &foreign] {
        let before = std::fs::read(file).unwrap();
        match Db::open(file, Durability::PowerCut, NOW) {
            Err(StoreError::Newer { found: 99, .. } | StoreError::Foreign(_)) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(std::fs::read(file).unwrap(), before);
    }
    assert_eq!(names(), names_before, "and nothing was put beside them");
}

#[test]
fn a_missing_folder_is_named() {
    let error = Db::open(
        Path::new("/no/such/folder/queue.db"),
        Durability::PowerCut,
        NOW,
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("/no/such/folder does not exist"),
        "{error}"
    );
}

#[test]
fn what_never_was_a_queue_is_refused_and_left_untouched() {
    for text in ["a", "a shopping list", &"bread\n".repeat(500)] {
        let (folder, path) = file();
        std::fs::write(&path, text).unwrap();
        let refused = Db::open(&path, Durability::PowerCut, NOW).unwrap_err();
        assert_eq!(refused, StoreError::Foreign(path.clone()));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    // An empty file has nothing to lose: a queue is made of it, as SQLite does.
    let (_folder, path) = file();
    std::fs::write(&path, "").unwrap();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    check(&db);
}

#[test]
fn what_is_no_path_of_a_file_is_refused() {
    for path in ["", ":memory:", "file:queue.db", "file:///tmp/q?mode=memory"] {
        let refused = Db::open(Path::new(path), Durability::PowerCut, NOW).unwrap_err();
        assert!(
            matches!(refused, StoreError::CannotOpen { .. }),
            "{path}: {refused}"
        );
    }
    let memory = rusqlite::Connection::open_in_memory().unwrap();
    let refused = crate::store::file::open::use_log(&memory, Path::new("/q")).unwrap_err();
    assert!(refused.to_string().contains("shared memory"), "{refused}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_and_a_link_beside_the_queue_are_named() {
    for suffix in ["-wal", "-shm", "-journal", "-rescued", ".reserve"] {
        let (folder, path) = file();
        drop(open(&path));
        let beside = folder.path().join(format!("queue.db{suffix}"));
        let elsewhere = folder.path().join("elsewhere");
        std::fs::write(&elsewhere, "somebody's").unwrap();
        let _ = std::fs::remove_file(&beside);
        for what in ["is no file", "is a link"] {
            if what == "is a link" {
                std::os::unix::fs::symlink(&elsewhere, &beside).unwrap();
            } else {
                drop(std::os::unix::net::UnixListener::bind(&beside).unwrap());
            }
            let refused = Db::open(&path, Durability::PowerCut, NOW).unwrap_err();
            assert!(refused.to_string().contains(what), "{suffix}: {refused}");
            std::fs::remove_file(&beside).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "somebody's");
        drop(open(&path));
    }
}

#[test]
fn a_folder_in_the_way_of_what_sqlite_has_beside_the_file_is_named() {
    for suffix in ["-wal", "-shm", "-journal", "-rescued"] {
        for is_there in [false, true] {
            let (folder, path) = file();
            if is_there {
                append(&mut open(&path), 1).unwrap();
            }
            let in_the_way = folder.path().join(format!("queue.db{suffix}"));
            std::fs::create_dir(&in_the_way).unwrap();
            let before = std::fs::read_dir(folder.path()).unwrap().count();
            let refused = Db::open(&path, Durability::PowerCut, NOW).unwrap_err();
            assert_eq!(
                refused,
                StoreError::CannotOpen {
                    path: path.clone(),
                    reason: format!("{} is a folder: move it away", in_the_way.display()),
                }
            );
            assert!(in_the_way.is_dir());
            let after = std::fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(after, before, "nothing is made");
            std::fs::remove_dir(&in_the_way).unwrap();
            assert_eq!(
                open(&path).ledger(MAIN).unwrap().queued,
                u64::from(is_there)
            );
        }
    }
}

#[test]
fn a_name_of_what_stands_beside_another_queue_is_refused_and_makes_nothing() {
    let (folder, path) = file();
    for end in ["-wal", "-shm", "-journal", ".ledger", ".reserve", ".sync"] {
        let beside = folder.path().join(format!("queue.db{end}"));
        let refused = Db::open(&beside, Durability::PowerCut, NOW).unwrap_err();
        assert!(
            refused.to_string().contains("choose another one"),
            "{refused}"
        );
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    append(&mut open(&path), 1).unwrap();
}

/// File systems allow 255 bytes in a name, and SQLite 512 in a path.
#[test]
#[cfg(unix)]
fn a_name_that_leaves_no_room_for_others_beside_it_is_refused_and_makes_nothing() {
    let is_refused = |path: &Path| {
        let refused = Db::open(path, Durability::PowerCut, NOW).unwrap_err();
        assert!(
            refused.to_string().contains("choose a shorter one"),
            "{refused}"
        );
        let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 0, "{path:?}");
    };
    let (folder, path) = file();
    for bytes in [227, 240, 247, 248, 252, 255, 300] {
        is_refused(&folder.path().join("q".repeat(bytes)));
    }
    let mut deep = folder.path().to_owned();
    while deep.as_os_str().len() < 500 {
        deep.push("f".repeat(60));
    }
    std::fs::create_dir_all(&deep).unwrap();
    is_refused(&deep.join("queue.db"));
    std::fs::remove_dir_all(folder.path().join("f".repeat(60))).unwrap();
    // One that is there by such a name is still used.
    append(&mut open(&path), 1).unwrap();
    let long = folder.path().join("q".repeat(240));
    for end in ["", ".ledger"] {
        let [from, to] = [&path, &long].map(|path| format!("{}{end}", path.display()));
        std::fs::rename(from, to).unwrap();
    }
    let mut db = open(&long);
    append(&mut db, 2).unwrap();
    assert_eq!(db.ledger(MAIN).unwrap().queued, 2);
    assert_eq!(db.loss().unwrap(), None);
    drop(open(&folder.path().join("q".repeat(226))));
}

#[test]
#[cfg(unix)]
fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    let names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?}", entry.path());
            entry.file_name().into_string().unwrap()
        })
        .collect();
    for suffix in ["", "-wal", "-shm"] {
        assert!(names.contains(&format!("queue.db{suffix}")), "{names:?}");
    }
}

#[test]
fn what_was_erased_before_an_error_is_told_with_it() {
    let (_folder, path) = file();
    let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    let all: Vec<_> = (1..=1_200).map(statement).collect();
    shared.append(all, NOW).unwrap();
    // The disk fails at the last ones.
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER fails BEFORE DELETE ON statement WHEN OLD.seq > 1100
             BEGIN SELECT RAISE(ABORT, 'the disk fails'); END",
        )
        .unwrap();
    let left = |told: &str| {
        let counted = other.query_row("SELECT count(*) FROM statement", [], |row| row.get(0));
        let left: i64 = counted.unwrap();
        let left = left as u64;
        assert!(
            told.contains(&format!("{} undelivered", 1_200 - left)),
            "{told}"
        );
        left
    };
    let error = shared.erase(NOW, &|_| true).unwrap_err();
    let some = left(&error.to_string());
    assert!(some > 99 && some < 1_200, "{some}");
    let StoreError::PartlyErased { erased, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(erased.undelivered, 1_200 - some);
    // The next call tells of the others alone.
    other.execute_batch("DROP TRIGGER fails").unwrap();
    let erased = shared.erase(NOW, &|_| true).unwrap();
    assert_eq!(erased.undelivered, some);
}

#[test]
fn erasing_forgets_the_lrss_words_and_names_the_files_that_are_left() {
    let (_folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    take(&mut db, 1);
    let refused = Outcome::Held {
        reason: HoldReason::Refused,
        status: Some(400),
        words: "eve@example.com is not enrolled".into(),
        theirs: None,
    };
    settle(&mut db, &[1], &refused, HistoryPolicy::None);
    db.relearn(MAIN, |learned| {
        learned.trouble = Some(crate::store::Trouble {
            problem: crate::store::Problem::ServerError,
            status: Some(500),
            words: "no such learner: eve@example.com".into(),
            since: NOW,
        });
    })
    .unwrap();
    let kept = path.with_file_name("queue.db.damaged-1");
    std::fs::write(&kept, "eve@example.com").unwrap();
    let rescue = path.with_file_name("queue.db-rescue");
    std::fs::write(&rescue, b"SQLite format 3\0eve@example.com").unwrap();
    let erased = db.erase(NOW, &|body| memory_has(body, b"eve@")).unwrap();
    assert_eq!(erased.remaining, std::slice::from_ref(&kept));
    assert!(!rescue.exists());
    check(&db);
    // Another one reads, and keeps the log from being cleaned.
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let _: i64 = reader
        .query_row("SELECT count(*) FROM statement", [], |row| row.get(0))
        .unwrap();
    let log = path.with_file_name("queue.db-wal");
    db.conn.busy_timeout(std::time::Duration::ZERO).unwrap();
    let erased = db.erase(NOW, &|_| false).unwrap();
    assert_eq!(erased.remaining, [log, kept]);
    drop(reader);
    drop(db);
    assert!(!memory_has(&std::fs::read(&path).unwrap(), b"eve@"));
}

#[test]
fn a_page_that_another_has_overwritten_ends_no_walk_too_late() {
    let (_folder, path) = file();
    {
        let mut db = open(&path);
        for n in 1..=60 {
            db.append(&[&vec![statement(n)]], NOW).remove(0).unwrap();
        }
        db.tidy().unwrap();
    }
    let bytes = std::fs::read(&path).unwrap();
    // The leaves of tables, as SQLite's format has them, with the first and a later one in turn.
    let leaves: Vec<usize> = (0..bytes.len())
        .step_by(1024)
        .filter(|at| bytes[*at] == 13 && memory_has(&bytes[*at..*at + 1024], b"example.com/did"))
        .collect();
    assert!(leaves.len() > 10);
    for (from, to) in [(1, leaves.len() - 2), (leaves.len() - 2, 1)] {
        let (_folder, path) = file();
        let mut damaged = bytes.clone();
        damaged.copy_within(leaves[from]..leaves[from] + 1024, leaves[to]);
        std::fs::write(&path, &damaged).unwrap();
        let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
        // As a list is shown: page by page after the last one seen.
        let mut page = Page { after: 0, limit: 7 };
        let mut seen = 0;
        while let Ok(listed) = shared.read(NOW, |db| db.queued(MAIN, page)) {
            seen += listed.len();
            assert!(seen <= 60, "it goes round and round");
            let Some(last) = listed.last() else { break };
            page.after = last.seq;
        }
        // And as a sync takes them.
        let mut sent = std::collections::BTreeSet::new();
        for _ in 0..60 {
            let taken = shared.with(NOW, |db| {
                db.together(|db| {
                    let seqs: Vec<i64> = take_or_fail(db, 7)?.iter().map(|row| row.seq).collect();
                    settle(db, &seqs, &Outcome::Delivered, HistoryPolicy::None);
                    Ok::<_, StoreError>(seqs)
                })
            });
            sent.extend(taken.unwrap_or_default());
        }
        let ledger = shared.read(NOW, |db| db.ledger(MAIN)).unwrap();
        assert_eq!(ledger.queued, 0, "{ledger:?}");
        let loss = shared.read(NOW, Db::loss).unwrap().expect("it is told");
        assert!(loss.lost > 0 && loss.lost < 10, "{loss:?}");
    }
}

fn take_or_fail(db: &mut Db, statements: usize) -> Result<Vec<Row>, StoreError> {
    db.claim(MAIN, US, false, NOW, NOW + 60_000)?;
    let limits = Limits {
        statements,
        bytes: usize::MAX,
        speaks_2_0: true,
        contents: any_contents(),
        clocks: clocks(),
        after: 0,
        beside_others: false,
    };
    match db.next_batch(MAIN, US, &limits, NOW, NOW + 60_000)? {
        NextBatch::Rows { rows, .. } => Ok(rows),
        NextBatch::LeaseLost => panic!("the lease is lost"),
    }
}

/// Whoever opens a pipe waits until somebody else does.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_in_the_place_of_a_file_is_told_and_waited_for_by_nobody() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    for suffix in ["", ".ledger", ".sync", ".reserve"] {
        let (_folder, path) = file();
        let pipe = format!("{}{suffix}", path.display());
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let told = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap_err();
        let told = told.to_string();
        assert!(told.contains(&pipe), "{told}");
        assert!(
            told.contains("choose another path") || told.contains("move it away"),
            "{told}"
        );
    }
    let device = Path::new("/dev/full");
    let told = Shared::open(device, Durability::ProcessCrash, NOW).unwrap_err();
    assert_eq!(told, StoreError::Foreign(device.to_path_buf()));
}

#[test]
fn what_was_opened_before_a_fork_says_so_and_touches_nothing() {
    let (_folder, path) = file();
    let mut shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    shared.append(vec![statement(1)], NOW).unwrap();
    // A thread that is not there any more was in the middle of something.
    std::mem::forget(shared.slot().unwrap());
    let parent = shared.process;
    shared.process = parent.wrapping_add(1);
    let other = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    let answers = [
        shared.with(NOW, Db::tidy),
        shared.read(NOW, |db| db.ledger(MAIN).map(drop)),
        shared.pause(NOW),
        shared.resume(NOW),
        shared.fold(),
        shared.erase(NOW, &|_| true).map(drop),
    ];
    for answer in answers {
        let told = answer.unwrap_err().to_string();
        assert!(
            told.contains("forked") && told.contains("open it anew"),
            "{told}"
        );
    }
    assert!(shared.append(vec![statement(2)], NOW).is_err());
    assert_eq!(other.read(NOW, |db| db.ledger(MAIN)).unwrap().recorded, 1);
}

#[test]
fn a_file_damaged_in_the_middle_gives_up_all_that_can_be_read() {
    let (_folder, path) = file();
    {
        let mut db = open(&path);
        for n in 1..=300 {
            db.append(&[&vec![sized(n, 900)]], NOW).remove(0).unwrap();
        }
        db.tidy().unwrap();
    }
    // Pages in the middle of the file, well behind the first.
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20_000].fill(0xA5);
    std::fs::write(&path, &bytes).unwrap();

    let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    let mut salvaged = shared.take_salvaged();
    // Met when it is used, if not when it was opened; the call that meets it fails, the next does not.
    for n in 1_000..1_003 {
        drop(shared.append(vec![sized(n, 900)], NOW));
        drop(shared.with(NOW, |db| db.erase(NOW, &|_| false)));
        salvaged.extend(shared.take_salvaged());
    }
    let [salvaged] = salvaged.as_slice() else {
        panic!("{salvaged:?}")
    };
    assert!(
        std::fs::metadata(salvaged.kept_at.as_ref().unwrap())
            .unwrap()
            .len()
            >= bytes.len() as u64
    );
    assert!(salvaged.saved > 200 && salvaged.saved < 303, "{salvaged:?}");
    shared
        .with(NOW, |db| {
            check(db);
            let listed = db.queued(MAIN, ALL)?;
            assert!(listed.len() as u64 >= salvaged.saved);
            // Each is what was recorded, to the byte.
            for one in listed {
                let n: u128 = one.id.as_u128() & 0xFFFF_FFFF;
                assert_eq!(one.statement.as_bytes(), sized(n, 900).body);
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn two_connections_on_one_file_see_each_others_work() {
    let (_folder, path) = file();
    let (mut one, mut two) = (open(&path), open(&path));
    for n in 1..=20 {
        append(if n % 2 == 0 { &mut one } else { &mut two }, n).unwrap();
    }
    check(&one);
    check(&two);
    assert_eq!(one.ledger(MAIN).unwrap().queued, 20);
    // The lease of one keeps the other from taking.
    take(&mut one, 5);
    assert!(matches!(
        two.claim(MAIN, Holder([2; 16]), false, NOW, NOW + 60_000)
            .unwrap(),
        crate::store::Claim::Busy { .. }
    ));
    one.release(MAIN, US).unwrap();
    assert!(matches!(
        two.claim(MAIN, Holder([2; 16]), false, NOW, NOW + 60_000)
            .unwrap(),
        crate::store::Claim::Granted { .. }
    ));
    let limits = Limits {
        statements: 5,
        bytes: usize::MAX,
        speaks_2_0: true,
        contents: any_contents(),
        clocks: clocks(),
        after: 0,
        beside_others: false,
    };
    assert!(matches!(
        one.next_batch(MAIN, US, &limits, NOW, NOW + 60_000)
            .unwrap(),
        NextBatch::LeaseLost
    ));
}

#[test]
fn concurrent_records_share_the_connection() {
    let (_folder, path) = file();
    let shared = Arc::new(Shared::open(&path, Durability::PowerCut, NOW).unwrap());
    std::thread::scope(|scope| {
        for thread in 0..8_u128 {
            let shared = &shared;
            scope.spawn(move || {
                for n in 0..50 {
                    shared
                        .append(vec![statement(thread * 1_000 + n)], NOW)
                        .unwrap();
                }
            });
        }
    });
    shared
        .with(NOW, |db| {
            check(db);
            assert_eq!(db.ledger(MAIN)?.queued, 400);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn a_paused_store_says_so_and_resumes() {
    let (_folder, path) = file();
    let shared = Shared::open(&path, Durability::PowerCut, NOW).unwrap();
    shared.append(vec![statement(1)], NOW).unwrap();
    shared.pause(NOW).unwrap();
    shared.pause(NOW).unwrap();
    assert_eq!(
        shared.read(NOW, |db| db.ledger(MAIN)),
        Err(StoreError::Paused)
    );
    shared.resume(NOW).unwrap();
    shared.resume(NOW).unwrap();
    shared.append(vec![statement(2)], NOW).unwrap();
    assert_eq!(shared.read(NOW, |db| db.ledger(MAIN)).unwrap().queued, 2);
}

#[test]
fn a_paused_store_takes_statements_in_and_is_closed_again() {
    let (folder, path) = file();
    let shared = Shared::open(&path, Durability::PowerCut, NOW).unwrap();
    shared.pause(NOW).unwrap();
    let closed = || {
        let suffixes = ["-wal", "-shm"];
        suffixes.iter().all(|suffix| {
            let mut beside = path.clone().into_os_string();
            beside.push(suffix);
            !Path::new(&beside).exists()
        })
    };
    for n in 1..=3 {
        shared.append(vec![statement(n)], NOW).unwrap();
        assert!(closed());
        let queued = shared.read_though_paused(NOW, |db| Ok(db.ledger(MAIN)?.queued));
        assert_eq!(queued.map(u128::from), Ok(n));
        assert!(closed());
        assert_eq!(
            shared.read(NOW, |db| db.ledger(MAIN)),
            Err(StoreError::Paused)
        );
    }
    // Where it cannot be opened nothing is taken in, and it is paused still.
    let away = folder.path().join("away.db");
    std::fs::rename(&path, &away).unwrap();
    std::fs::create_dir(&path).unwrap();
    let refused = shared.append(vec![statement(4)], NOW).unwrap_err();
    assert!(matches!(
        refused,
        Refused::Store(StoreError::CannotOpen { .. })
    ));
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(&away, &path).unwrap();
    shared.append(vec![statement(4)], NOW).unwrap();
    assert!(closed());
    shared.resume(NOW).unwrap();
    assert_eq!(shared.read(NOW, |db| db.ledger(MAIN)).unwrap().queued, 4);
}

#[test]
fn many_threads_record_while_it_pauses_and_resumes_and_lose_nothing() {
    let (_folder, path) = file();
    let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let shared = &shared;
            scope.spawn(move || {
                for n in 0..50 {
                    shared
                        .append(vec![statement(thread * 1_000 + n)], NOW)
                        .unwrap();
                    shared.fold().unwrap();
                }
            });
        }
        for _ in 0..20 {
            shared.pause(NOW).unwrap();
            shared.resume(NOW).unwrap();
        }
    });
    assert_eq!(shared.read(NOW, |db| db.ledger(MAIN)).unwrap().queued, 200);
}

#[test]
fn the_file_shrinks_after_a_sync() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in 1..=2_000 {
        db.append(&[&vec![sized(n, 1_000)]], NOW).remove(0).unwrap();
    }
    db.tidy().unwrap();
    let full = std::fs::metadata(&path).unwrap().len();
    let seqs: Vec<i64> = take(&mut db, 5_000).iter().map(|row| row.seq).collect();
    assert_eq!(seqs.len(), 2_000);
    settle(&mut db, &seqs, &Outcome::Delivered, HistoryPolicy::None);
    while db.purge(HistoryPolicy::None, NOW).unwrap() {}
    while db.shrink().unwrap() {}
    db.checkpoint().unwrap();
    let after = std::fs::metadata(&path).unwrap().len();
    assert!(after * 20 < full, "{after} of {full} bytes");
}

#[test]
fn what_is_written_together_is_there_together_or_not_at_all() {
    let (_folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    let failed: Result<(), StoreError> = db.together(|db| {
        append(db, 2).unwrap();
        let seqs: Vec<i64> = take(db, 10).iter().map(|row| row.seq).collect();
        settle(db, &seqs, &Outcome::Delivered, HistoryPolicy::None);
        assert_eq!(db.ledger(MAIN)?.delivered, 2);
        Err(StoreError::Paused)
    });
    assert_eq!(failed, Err(StoreError::Paused));
    check(&db);
    let ledger = db.ledger(MAIN).unwrap();
    assert_eq!(
        (ledger.recorded, ledger.queued, ledger.delivered),
        (1, 1, 0)
    );
    // Nothing of it was sent, either.
    assert!(!take(&mut db, 10)[0].sent_before);

    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _: Result<(), StoreError> = db.together(|db| {
            append(db, 3).unwrap();
            panic!("in the middle");
        });
    }));
    assert!(panicked.is_err());
    assert_eq!(open(&path).ledger(MAIN).unwrap().recorded, 1);
    append(&mut db, 3).unwrap();
    assert_eq!(open(&path).ledger(MAIN).unwrap().recorded, 2);
}

/// What a flipped bit does to a column: the file stays well formed.
const SPOILS: [&str; 7] = [
    "body = CAST(replace(CAST(body AS TEXT), '@example', '@fxample') AS BLOB)",
    "id = x'00000000000040008000000000000ffe'",
    "traits = traits | 1",
    "voids = x'00000000000040008000000000000ffe'",
    "happened_at = happened_at - 4096",
    "recorded_at = recorded_at + 4096",
    "sum = sum + 1",
];

#[test]
fn what_is_no_longer_what_was_recorded_is_held_and_never_sent() {
    for spoil in SPOILS {
        let (_folder, path) = file();
        let mut db = open(&path);
        for n in 1..=3 {
            append(&mut db, n).unwrap();
        }
        db.conn
            .execute(&format!("UPDATE statement SET {spoil} WHERE seq = 2"), [])
            .unwrap();
        let bytes = |db: &Db| -> Vec<u8> {
            let text = "SELECT body FROM statement WHERE seq = 2";
            db.conn.query_row(text, [], |row| row.get(0)).unwrap()
        };
        let kept = bytes(&db);
        let sent = take(&mut db, 5);
        let seqs: Vec<i64> = sent.iter().map(|row| row.seq).collect();
        assert_eq!(seqs, [1, 3], "{spoil}");
        settle(&mut db, &seqs, &Outcome::Delivered, HistoryPolicy::None);
        check(&db);
        let held = db.held(MAIN, ALL).unwrap().remove(0);
        assert_eq!((held.seq, held.reason), (2, HoldReason::Damaged), "{spoil}");
        assert_eq!(bytes(&db), kept, "{spoil}");
        // Another try finds the same, and sends nothing.
        db.retry(MAIN, held.id, NOW).unwrap();
        assert_eq!(take(&mut db, 5), [], "{spoil}");
        assert_eq!(db.held(MAIN, ALL).unwrap()[0].reason, HoldReason::Damaged);
        check(&db);
        db.replace(MAIN, held.id, &statement(9), NOW).unwrap();
        assert_eq!(take(&mut db, 5)[0].id, statement(9).id);
        check(&db);
    }
}

#[test]
fn a_correction_of_its_timestamp_does_not_make_a_spoilt_statement_right() {
    let (_folder, path) = file();
    let mut db = open(&path);
    let made = |n: u128| {
        let id = Uuid::from_u128(n | 0x4000_8000_0000_0000_0000);
        let text = r#"{"actor":{"mbox":"mailto:a@example.com"},"verb":{"id":"http://example.com/did"},"object":{"id":"http://example.com/1"}}"#;
        let fill = Fill { id, now_ms: NOW };
        let mut one = prepare(text.as_bytes(), XapiVersion::V2_0_0, &fill).unwrap();
        one.steady = Some(Steady { ms: 5_000, boot: 7 });
        one
    };
    db.append(&[&vec![made(1), made(2)]], NOW)
        .remove(0)
        .unwrap();
    db.conn
        .execute(
            &format!("UPDATE statement SET {} WHERE seq = 1", SPOILS[0]),
            [],
        )
        .unwrap();
    // The LRS's clock was a day ahead when they were made.
    let day = 24 * 60 * 60 * 1000;
    db.claim(MAIN, US, false, NOW, NOW + 60_000).unwrap();
    let limits = Limits {
        statements: 5,
        bytes: usize::MAX,
        speaks_2_0: true,
        contents: any_contents(),
        clocks: Clocks {
            trust_lrs: true,
            lrs: Some(LrsClock {
                boot: 7,
                at_zero_ms: NOW + day - 5_000,
                from_ms: 0,
            }),
            ..clocks()
        },
        after: 0,
        beside_others: false,
    };
    let NextBatch::Rows { rows, spoilt, .. } =
        db.next_batch(MAIN, US, &limits, NOW, NOW + 60_000).unwrap()
    else {
        panic!()
    };
    assert_eq!(spoilt.len(), 1);
    let [right] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!(right.seq, 2);
    assert_eq!(right.happened_at, NOW + day);
    // The right one has its checksum made anew, and can be sent again.
    let right = right.clone();
    let NextBatch::Rows { rows, spoilt, .. } =
        db.next_batch(MAIN, US, &limits, NOW, NOW + 60_000).unwrap()
    else {
        panic!()
    };
    assert_eq!(spoilt, []);
    assert_eq!(rows, [right]);
}

#[test]
fn a_delivery_that_never_was_is_not_forgotten_as_history() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in 1..=4 {
        append(&mut db, n).unwrap();
    }
    take(&mut db, 2);
    settle(
        &mut db,
        &[1, 2],
        &Outcome::Delivered,
        HistoryPolicy::Forever,
    );
    drop(db);
    // What a flipped bit does to the row of one that waits, and to one of history.
    let flip = rusqlite::Connection::open(&path).unwrap();
    let flipped =
        "UPDATE statement SET delivered_at = ifnull(delivered_at, 0) + 1 WHERE seq IN (2, 4)";
    assert_eq!(flip.execute(flipped, []), Ok(2));
    drop(flip);
    let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    let forgotten = shared.with(NOW, |db| db.purge(HistoryPolicy::None, NOW));
    assert!(
        matches!(forgotten, Err(StoreError::Damaged(_))),
        "{forgotten:?}"
    );
    let queued = shared.read(NOW, |db| db.queued(MAIN, ALL)).unwrap();
    let ids: Vec<_> = queued.iter().map(|one| one.id).collect();
    assert_eq!(ids, [3, 4].map(|n| statement(n).id));
    let loss = shared.read(NOW, Db::loss).unwrap().expect("it is told");
    // The second fits no more; that it was delivered is all that is known of it.
    assert_eq!((loss.saved, loss.lost), (3, 0));
}

/// One is reading when the other, who has met the same damage, has the file.
#[test]
fn two_threads_that_meet_one_damage_mend_it_once() {
    let (folder, path) = file();
    let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    shared.append(vec![statement(1)], NOW).unwrap();
    let met = || StoreError::Damaged("a page".to_owned());
    let (has_it, wait_for_it) = std::sync::mpsc::channel();
    let (reads, wait_for_reader) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let shared = &shared;
        scope.spawn(move || {
            let outcome: Result<(), StoreError> = shared.read(NOW, |_| {
                reads.send(()).unwrap();
                wait_for_it.recv().unwrap();
                Err(met())
            });
            assert_eq!(outcome, Err(met()));
        });
        wait_for_reader.recv().unwrap();
        let outcome: Result<(), StoreError> = shared.with(NOW, |_| {
            has_it.send(()).unwrap();
            Err(met())
        });
        assert_eq!(outcome, Err(met()));
    });
    assert_eq!(shared.take_salvaged().len(), 1);
    let kept = std::fs::read_dir(folder.path())
        .unwrap()
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            let name = name.to_string_lossy();
            name.contains("damaged") && !name.ends_with("-wal")
        })
        .count();
    assert_eq!(kept, 1);
    assert_eq!(shared.read(NOW, |db| db.ledger(MAIN)).unwrap().queued, 1);
}

#[test]
fn who_records_does_not_wait_for_the_end_of_an_erasing() {
    let (_folder, path) = file();
    let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    let all: Vec<_> = (1..=2_000).map(statement).collect();
    shared.append(all, NOW).unwrap();
    let looked = std::sync::atomic::AtomicUsize::new(0);
    let count = || looked.load(std::sync::atomic::Ordering::SeqCst);
    let (start, begin) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let (shared, count) = (&shared, &count);
        let recorder = scope.spawn(move || {
            begin.recv().unwrap();
            shared.append(vec![statement(5_000)], NOW).unwrap();
            count()
        });
        let erased = shared.erase(NOW, &|body| {
            if looked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
                start.send(()).unwrap();
                while !shared.line.has_any() {
                    std::thread::yield_now();
                }
            }
            memory_has(body, b"example.com/7\"")
        });
        assert_eq!(erased.unwrap().undelivered, 1);
        let seen = recorder.join().unwrap();
        assert!(seen <= 1_000, "it waited for {seen} of 2000");
    });
    assert_eq!(
        shared.read(NOW, |db| db.ledger(MAIN)).unwrap().queued,
        2_000
    );
}

#[test]
fn what_is_read_is_of_one_moment_whoever_writes_meanwhile() {
    let (_folder, path) = file();
    let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    shared
        .with(NOW, |db| Ok::<_, StoreError>(append(db, 1).is_ok()))
        .unwrap();
    let mut another = open(&path);
    let id = statement(1).id;
    shared
        .read(NOW, |db| {
            let before = (db.ledger(MAIN)?, db.queued(MAIN, ALL)?.len());
            another.retract(id, NOW).unwrap();
            append(&mut another, 2).unwrap();
            assert_eq!((db.ledger(MAIN)?, db.queued(MAIN, ALL)?.len()), before);
            assert!(db.is_intact(id)?, "it was there when this began");
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert!(!shared.read(NOW, |db| db.is_intact(id)).unwrap());
}

/// Whatever is gone of a young queue's end, it is opened again, and what was recorded is found.
#[test]
fn a_young_queue_that_is_cut_short_is_salvaged() {
    let (folder, path) = file();
    append(&mut open(&path), 1).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for cut in (1..1100).step_by(61).chain([1023, 1024]) {
        let (one, copy) = file();
        std::fs::write(&copy, &whole[..whole.len() - cut]).unwrap();
        for beside in [".ledger", ".reserve"] {
            let name = format!("queue.db{beside}");
            let _ = std::fs::copy(folder.path().join(&name), one.path().join(&name));
        }
        let mut db = open(&copy);
        let told = db.loss().unwrap().expect("it is told");
        let there = db.ledger(MAIN).unwrap().queued;
        assert_eq!(there + told.lost, 1, "{cut} bytes: {told:?}");
        append(&mut db, 2).unwrap();
        check(&db);
    }
}

/// One file is opened, whatever its path looks like, and none that the system would not find.
#[cfg(unix)]
#[test]
fn the_path_is_where_the_system_finds_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, _) = file();
    let at = |name: &str| folder.path().join(name);
    let opens = |path: &Path| Db::open(path, Durability::ProcessCrash, NOW);
    std::fs::create_dir(at("there")).unwrap();
    // A way back up from nowhere, and a file's path that ends as a folder's.
    let refused = [at("nowhere/../n.db"), at("there/../n.db/"), at("no/n.db")];
    for path in refused {
        assert!(
            matches!(opens(&path), Err(StoreError::CannotOpen { .. })),
            "{path:?}"
        );
    }
    assert!(!at("n.db").exists());
    // A way back up from somewhere, and a link to a file that is not there yet.
    std::os::unix::fs::symlink("there/target.db", at("link.db")).unwrap();
    std::os::unix::fs::symlink("link.db", at("link to link.db")).unwrap();
    for (path, is) in [
        (at("there/../n.db"), at("n.db")),
        (at("link to link.db"), at("there/target.db")),
    ] {
        for n in 0..2 {
            let mut db = opens(&path).unwrap().db;
            append(&mut db, n).unwrap();
            assert_eq!(db.loss().unwrap(), None, "{path:?}");
        }
        assert!(is.is_file() && is.with_extension("db.ledger").is_file());
        assert_eq!(
            std::fs::metadata(&is).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    assert!(!at("link.db.ledger").exists() && !at("link to link.db.ledger").exists());
    std::os::unix::fs::symlink("b.db", at("a.db")).unwrap();
    std::os::unix::fs::symlink("a.db", at("b.db")).unwrap();
    assert!(matches!(
        opens(&at("a.db")),
        Err(StoreError::CannotOpen { .. })
    ));
}

/// SQLite's primary result codes, from its documentation (sqlite.org/rescode.html), that are errors.
const ERRORS: [i32; 26] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
];

#[test]
fn only_what_says_that_the_file_is_damaged_is_taken_for_damage() {
    const CORRUPT: i32 = 11;
    const NOTADB: i32 = 26;
    for code in ERRORS {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let is_damage = matches!(StoreError::from(error), StoreError::Damaged(_));
        assert_eq!(is_damage, [CORRUPT, NOTADB].contains(&code), "{code}");
    }
    // Extended codes of "disk I/O error": a short read, a checksum that does not fit, a damaged file system;
    // and a read that failed, which another try may make good.
    for (code, damage) in [(522, true), (8202, true), (8458, true), (266, false)] {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let is_damage = matches!(StoreError::from(error), StoreError::Damaged(_));
        assert_eq!(is_damage, damage, "{code}");
    }
}

/// The locks that this process has on a file, as Linux tells.
#[cfg(target_os = "linux")]
fn locks(path: &Path) -> usize {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(path).unwrap();
    let (device, inode) = (file.dev(), file.ino());
    let major = device >> 8 & 0xfff;
    let minor = device & 0xff | device >> 12 & 0xf_ff00;
    let place = format!(" {major:02x}:{minor:02x}:{inode} ");
    let ours = format!(" {} ", std::process::id());
    let mut found = std::collections::BTreeSet::new();
    // While others lock and unlock, a line may be there twice, or not at all.
    for _ in 0..20 {
        let all = std::fs::read_to_string("/proc/locks").unwrap();
        let all = all.lines().filter_map(|line| line.split_once(": "));
        let locks = all.map(|(_, lock)| lock.to_owned());
        found.extend(locks.filter(|lock| lock.contains(&place) && lock.contains(&ours)));
    }
    found.len()
}

#[cfg(target_os = "linux")]
#[test]
fn to_find_out_why_a_file_cannot_be_written_costs_no_lock() {
    let (_folder, path) = file();
    let mut db = open(&path);
    append(&mut db, 1).unwrap();
    let before = locks(&path);
    assert!(before > 0, "SQLite locks what is open");
    assert_eq!(crate::store::file::failing::obstacle(&path), None);
    assert_eq!(locks(&path), before);
    // As opening it once more and closing it again would have cost.
    drop(std::fs::File::open(&path).unwrap());
    assert_eq!(locks(&path), 0, "the test would have noticed");
}
