//! Somebody puts a file beside the log that another file, or an older copy of it, has left.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use uuid::Uuid;

use super::older_copy::FILES;
use super::taken_out::queued;
use crate::store::tests::{NOW, append, file, open, settle, statement, take};
use crate::store::{Db, Durability, HistoryPolicy, Opened, Outcome};

/// Makes a queue of these statements and returns its closed file.
fn closed(numbers: impl Iterator<Item = u128>) -> (tempfile::TempDir, Vec<u8>) {
    let (folder, path) = file();
    let mut db = open(&path);
    for n in numbers {
        append(&mut db, n).unwrap();
    }
    drop(db);
    let bytes = fs::read(&path).unwrap();
    (folder, bytes)
}

/// Returns the files as a killed process leaves them, by name.
fn killed(db: &Db) -> Vec<(&'static str, Vec<u8>)> {
    let folder = db.path.parent().unwrap();
    let read = |name| Some((name, fs::read(folder.join(name)).ok()?));
    FILES.into_iter().filter_map(read).collect()
}

fn opened(folder: &Path, files: &[(&str, Vec<u8>)]) -> Opened {
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
    Db::open(&folder.join("queue.db"), Durability::ProcessCrash, NOW).unwrap()
}

fn ids(numbers: std::ops::RangeInclusive<u128>) -> BTreeSet<Uuid> {
    numbers.map(|n| statement(n).id).collect()
}

#[test]
fn what_is_in_the_file_alone_is_saved_and_the_file_is_kept_whole() {
    for (what, others) in [
        ("an older copy's", 1..=30),
        ("another queue's", 1001..=1003),
    ] {
        let (_newer, bytes) = closed(1..=330);
        let (folder, path) = file();
        let mut db = open(&path);
        let first = statement(*others.start()).id;
        for n in others {
            append(&mut db, n).unwrap();
        }
        db.checkpoint().unwrap();
        // The log has a part of the file only.
        db.retract(first, NOW).unwrap();
        let mut files = killed(&db);
        drop((db, folder));
        files.retain(|(name, _)| *name == "queue.db-wal");
        assert_eq!(files.len(), 1, "{what}");
        files.push(("queue.db", bytes.clone()));
        let folder = tempfile::tempdir().unwrap();
        let found = opened(folder.path(), &files);
        let salvaged = found.salvaged.unwrap();
        let there: BTreeSet<_> = queued(&found.db).into_iter().collect();
        assert!(there.is_superset(&ids(1..=330)), "{what}: {}", there.len());
        let kept = salvaged.kept_at.unwrap();
        assert_eq!(fs::read(kept).unwrap(), bytes, "{what}");
    }
}

#[test]
fn a_log_of_its_own_makes_the_file_shorter() {
    let (_folder, path) = file();
    let mut db = open(&path);
    for n in 1..=900 {
        append(&mut db, n).unwrap();
    }
    db.checkpoint().unwrap();
    let sent: Vec<i64> = take(&mut db, 900).iter().map(|row| row.seq).collect();
    settle(&mut db, &sent, &Outcome::Delivered, HistoryPolicy::None);
    append(&mut db, 901).unwrap();
    while db.purge(HistoryPolicy::None, NOW).unwrap() {}
    while db.shrink().unwrap() {}
    let files = killed(&db);
    let folder = tempfile::tempdir().unwrap();
    let found = opened(folder.path(), &files);
    assert!(found.salvaged.is_none());
    let there: Vec<_> = queued(&found.db).into_iter().collect();
    assert_eq!(there, [statement(901).id]);
    let before = files[0].1.len() as u64;
    drop(found);
    let after = folder.path().join("queue.db").metadata().unwrap().len();
    assert!(after < before / 2, "{after} of {before}");
}
