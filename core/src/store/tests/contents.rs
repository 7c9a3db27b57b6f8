//! Contents of attachments, in the rows of their statements: they are there as long as the statement is, and no longer.

use std::fs;
use std::path::Path;

use super::{
    ALL, MAIN, NOW, append, check, file, held, open, settle, settle_for, statement, take, take_for,
    waiting,
};
use crate::statement::{Contents, ContentsPart, Prepared};
use crate::store::repair::pages::Pages;
use crate::store::repair::survey::Survey;
use crate::store::{Appended, Db, Durability, HistoryPolicy, HoldReason, Outcome, Shared};

/// A content that nothing else in a file looks like.
fn octets(n: u128, long: usize) -> Vec<u8> {
    let text = format!("the content of statement {n}; ").into_bytes();
    text.into_iter().cycle().take(long).collect()
}

/// A statement with a content of so many bytes.
fn with(n: u128, long: usize) -> Prepared {
    let octets = octets(n, long);
    let part = ContentsPart {
        sha2: "ab",
        content_type: "text/plain",
        octets: &octets,
    };
    Prepared {
        contents: Contents::of([part]).unwrap(),
        ..statement(n)
    }
}

fn record(db: &mut Db, prepared: Prepared) -> Appended {
    db.append(&[&vec![prepared]], NOW).remove(0).unwrap()[0]
}

/// Tells whether a content is in any file of the queue.
fn is_anywhere(folder: &Path, n: u128) -> bool {
    let wanted = octets(n, 40);
    fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(wanted.len()).any(|found| found == wanted)
    })
}

#[test]
fn they_come_out_as_they_went_in_and_are_counted() {
    let (_folder, path) = file();
    let mut db = open(&path);
    let long = 200_000;
    assert_eq!(record(&mut db, with(1, long)), Appended::New);
    append(&mut db, 2).unwrap();
    check(&db);
    let contents = with(1, long).contents;
    let listed = db.queued(MAIN, ALL).unwrap();
    let bytes: Vec<_> = listed.iter().map(|one| one.content_bytes).collect();
    assert_eq!(bytes, [contents.len() as u64, 0]);
    assert!(!listed[0].statement.contains("the content of"));
    // The same once more, and without them: nothing changes.
    assert_eq!(record(&mut db, with(1, long)), Appended::Known);
    drop(db);
    let mut db = open(&path);
    let rows = take(&mut db, 10);
    assert_eq!(rows[0].contents, contents);
    assert_eq!(rows[0].body, statement(1).body);
    assert_eq!(rows.len(), 1, "what has none is not in its request");
    settle(&mut db, &[1], &held(), HistoryPolicy::None);
    assert!(take(&mut db, 10)[0].contents.is_empty());
    settle(&mut db, &[2], &waiting(NOW), HistoryPolicy::None);
    check(&db);
    let held = db.held_one(MAIN, statement(1).id).unwrap().unwrap();
    assert_eq!(held.content_bytes, contents.len() as u64);
    assert_eq!(db.waiting(MAIN, ALL).unwrap()[0].content_bytes, 0);
}

#[test]
fn they_go_with_their_statement() {
    for way in ["deliver", "retract", "discard", "erase"] {
        let (folder, path) = file();
        let mut db = open(&path);
        record(&mut db, with(1, 5_000));
        record(&mut db, with(2, 5_000));
        let id = statement(1).id;
        match way {
            "deliver" => {
                let first = take(&mut db, 1)[0].seq;
                settle(&mut db, &[first], &Outcome::Delivered, HistoryPolicy::None);
                while db.purge(HistoryPolicy::None, NOW).unwrap() {}
            }
            "retract" => db.retract(id, NOW).unwrap(),
            "discard" => {
                let first = take(&mut db, 1)[0].seq;
                settle(&mut db, &[first], &held(), HistoryPolicy::None);
                db.discard(MAIN, id, NOW).unwrap();
            }
            _ => {
                drop(db);
                let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
                let first = statement(1).body;
                shared.erase(NOW, &|body| body == first).unwrap();
                drop(shared);
                assert!(!is_anywhere(folder.path(), 1), "{way}");
                db = open(&path);
            }
        }
        check(&db);
        let left = db.queued(MAIN, ALL).unwrap();
        assert_eq!(left.len(), 1, "{way}");
        let rows = take(&mut db, 10);
        assert_eq!(rows[0].contents, with(2, 5_000).contents, "{way}");
    }
}

#[test]
fn they_stay_until_every_upstream_has_them() {
    let (_folder, path) = file();
    let mut db = open(&path);
    let other = db.add_upstream("other").unwrap();
    record(&mut db, with(1, 3_000));
    let first = take(&mut db, 1)[0].seq;
    settle(&mut db, &[first], &Outcome::Delivered, HistoryPolicy::None);
    while db.purge(HistoryPolicy::None, NOW).unwrap() {}
    let rows = take_for(&mut db, other, 10);
    assert_eq!(rows[0].contents, with(1, 3_000).contents);
    settle_for(
        &mut db,
        other,
        &[first],
        &Outcome::Delivered,
        HistoryPolicy::None,
    );
    while db.purge(HistoryPolicy::None, NOW).unwrap() {}
    let left: i64 = db
        .conn
        .query_row("SELECT count(*) FROM statement", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn a_changed_content_is_not_sent() {
    let (_folder, path) = file();
    let mut db = open(&path);
    record(&mut db, with(1, 3_000));
    append(&mut db, 2).unwrap();
    for change in [
        "contents = CAST(replace(CAST(contents AS TEXT), 'content of', 'Content of') AS BLOB)",
        "contents = NULL",
    ] {
        db.conn.execute_batch("SAVEPOINT before").unwrap();
        db.conn
            .execute(&format!("UPDATE statement SET {change} WHERE seq = 1"), [])
            .unwrap();
        assert!(!db.is_intact(statement(1).id).unwrap(), "{change}");
        db.conn
            .execute_batch("ROLLBACK TO before; RELEASE before")
            .unwrap();
    }
    assert!(db.is_intact(statement(1).id).unwrap());
    db.conn
        .execute(
            "UPDATE statement SET contents = substr(contents, 1, 2999) WHERE seq = 1",
            [],
        )
        .unwrap();
    let rows = take(&mut db, 10);
    let held = db.held(MAIN, ALL).unwrap();
    assert_eq!((held.len(), held[0].reason), (1, HoldReason::Damaged));
    assert!(rows.iter().all(|row| row.id != statement(1).id));
}

#[test]
fn they_are_saved_of_a_damaged_file() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in 1..=20 {
        append(&mut db, n).unwrap();
    }
    let contents = with(21, 30_000).contents;
    record(&mut db, with(21, 30_000));
    db.checkpoint().unwrap();
    db.keep_numbers();
    drop(db);
    let pages = Pages::of(&path).unwrap();
    let survey = Survey::of(&pages);
    let found = survey.whole.iter().filter_map(|spot| pages.read(*spot));
    let found: Vec<_> = found.collect();
    assert_eq!(found.len(), 21);
    assert_eq!(found[20].contents, contents);
    drop(pages);
    // The header is gone, and with it all that SQLite would find.
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..200].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    let listed = shared.read(NOW, |db| db.queued(MAIN, ALL));
    let listed = listed.or_else(|_| shared.read(NOW, |db| db.queued(MAIN, ALL)));
    let listed = listed.unwrap();
    let last = listed
        .iter()
        .find(|one| one.id == statement(21).id)
        .unwrap();
    assert_eq!(last.content_bytes, contents.len() as u64);
    assert!(
        shared
            .read(NOW, |db| db.is_intact(statement(21).id))
            .unwrap()
    );
}

/// Waiting or held: what one LRS shows without its contents says nothing of another.
#[test]
fn how_often_one_lrs_showed_it_without_its_contents_is_forgotten_with_that_lrs() {
    for is_held in [false, true] {
        let (_folder, path) = file();
        let mut db = open(&path);
        db.set_endpoint(MAIN, "https://one.example/xAPI").unwrap();
        record(&mut db, with(1, 50));
        take(&mut db, 1);
        settle(
            &mut db,
            &[1],
            &Outcome::Bare { due: NOW },
            HistoryPolicy::None,
        );
        assert_eq!(take(&mut db, 1)[0].bare, 1);
        if is_held {
            let outcome = Outcome::Held {
                reason: HoldReason::ContentMissing,
                status: None,
                words: String::new(),
                theirs: None,
            };
            settle(&mut db, &[1], &outcome, HistoryPolicy::None);
        }
        db.set_endpoint(MAIN, "https://other.example/xAPI").unwrap();
        assert_eq!(take(&mut db, 1)[0].bare, 0, "held {is_held}");
    }
}
