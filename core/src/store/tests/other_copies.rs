//! Two copies of a file that both went on: by what stands beside it, each tells that the other was in use meanwhile.

use std::fs;

use super::older_copy::{FILES, erase, files, put, put_back, record};
use super::two_upstreams::damage_schema;
use super::voidings::{copy_of, put as put_damaged};
use crate::store::tests::{MAIN, append, file, open};

fn is_uncertain(db: &crate::store::Db) -> bool {
    db.loss().unwrap().is_some_and(|loss| loss.uncertain)
}

#[test]
fn what_another_copy_took_in_or_erased_meanwhile_is_no_secret() {
    // How many are recorded in the copy that is put back first, and whether somebody is erased in it.
    for (recorded, erases) in [(2, false), (5, false), (1, true), (0, true)] {
        let (folder, path) = file();
        let mut db = open(&path);
        record(&mut db, 1..=3);
        db.checkpoint().unwrap();
        let first = files(folder.path());
        record(&mut db, 4..=5);
        db.checkpoint().unwrap();
        let second = files(folder.path());
        db = put_back(db, folder.path(), &first);
        assert_eq!(db.loss().unwrap().map(|loss| loss.lost), Some(2));
        assert!(!is_uncertain(&db));
        db.acknowledge_loss().unwrap();
        if recorded > 0 {
            record(&mut db, 11..=10 + recorded);
        }
        if erases {
            erase(&mut db, 2);
        }
        db.keep_numbers();
        db = put_back(db, folder.path(), &second);
        assert!(is_uncertain(&db), "{recorded}, {erases}");
        // And it is told once.
        db.acknowledge_loss().unwrap();
        drop(db);
        assert_eq!(open(&path).loss().unwrap(), None);
    }
}

#[test]
fn an_endpoint_of_another_copy_is_not_believed() {
    let (folder, path) = file();
    let mut db = open(&path);
    db.set_endpoint(MAIN, "https://a.example/xAPI").unwrap();
    record(&mut db, 1..=1);
    db.checkpoint().unwrap();
    let first = files(folder.path());
    db.set_endpoint(MAIN, "https://b.example/xAPI").unwrap();
    db.keep_numbers();
    db.checkpoint().unwrap();
    let second = files(folder.path());
    // With what stands beside it, the copy is believed as it is.
    drop(db);
    put(folder.path(), &first);
    let mut db = open(&path);
    assert_eq!(db.loss().unwrap(), None);
    db = put_back(db, folder.path(), &first);
    db.set_endpoint(MAIN, "https://b.example/xAPI").unwrap();
    db.keep_numbers();
    db = put_back(db, folder.path(), &first);
    assert_eq!(db.upstream(MAIN).unwrap().endpoint, None);
    db.set_endpoint(MAIN, "https://c.example/xAPI").unwrap();
    db.keep_numbers();
    let db = put_back(db, folder.path(), &second);
    assert_eq!(db.upstream(MAIN).unwrap().endpoint, None);
    assert!(is_uncertain(&db));
}

#[test]
fn a_kill_before_what_stands_beside_it_is_written_anew_tells_nothing_twice() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=2);
    db.checkpoint().unwrap();
    let older = files(folder.path());
    record(&mut db, 3..=4);
    drop(db);
    let beside = fs::read(folder.path().join(FILES[2])).unwrap();
    put(
        folder.path(),
        &[older[0].clone(), None, Some(beside.clone())],
    );
    let mut db = open(&path);
    let told = db.loss().unwrap().unwrap();
    assert_eq!((told.lost, told.uncertain), (2, false));
    db.acknowledge_loss().unwrap();
    record(&mut db, 5..=5);
    drop(db);
    // As it was when it had gone back.
    fs::write(folder.path().join(FILES[2]), beside).unwrap();
    let db = open(&path);
    assert_eq!(db.loss().unwrap(), None);
    assert_eq!(db.ledger(MAIN).unwrap().queued, 3);
}

#[test]
fn a_copy_from_before_the_damage_is_another_one() {
    let (folder, path) = file();
    let mut db = open(&path);
    for n in 1..=20 {
        append(&mut db, n).unwrap();
    }
    db.set_endpoint(MAIN, "https://a.example/xAPI").unwrap();
    let mut bytes = copy_of(&mut db, &path);
    let older = files(folder.path());
    drop(db);
    damage_schema(&mut bytes);
    let mut db = put_damaged(&path, &bytes);
    db.acknowledge_loss().unwrap();
    record(&mut db, 31..=32);
    let db = put_back(db, folder.path(), &older);
    assert!(is_uncertain(&db));
    assert_eq!(db.upstream(MAIN).unwrap().endpoint, None);
}
