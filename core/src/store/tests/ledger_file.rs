//! The file beside the queue is damaged or gone, and an older copy of the queue is there: what is whole of it
//! counts, and the rest is told.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use uuid::Uuid;

use super::older_copy::{FILES, counts, erase, files, ids, put, record};
use super::taken_out::queued;
use crate::store::ledger_file::reading::Raw;
use crate::store::tests::{NOW, append, check, file, open, statement};
use crate::store::{Appended, Db, Durability, LossReport, Refused, Shared, StoreError};

type Files = Vec<Option<Vec<u8>>>;

/// Ten statements, of which four were withdrawn since the older copy was made.
const GONE: [u128; 4] = [3, 10, 5, 6];
/// Bytes of numbers, by decision 0008.
const HEADER: usize = 1408;
/// With four notes of 32 bytes each.
const WHOLE: usize = HEADER + 4 * 32;

struct Then {
    older: Files,
    newer: Files,
}

fn then() -> Then {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=10);
    db.checkpoint().unwrap();
    let older = files(folder.path());
    db.retract(statement(GONE[0]).id, NOW).unwrap();
    db.retract(statement(GONE[1]).id, NOW).unwrap();
    erase(&mut db, GONE[2]);
    erase(&mut db, GONE[3]);
    db.keep_numbers();
    db.checkpoint().unwrap();
    let newer = files(folder.path());
    assert_eq!(newer[2].as_ref().unwrap().len(), WHOLE);
    Then { older, newer }
}

fn with(database: &Files, beside: Option<Vec<u8>>) -> (tempfile::TempDir, Db) {
    let (folder, path) = file();
    put(folder.path(), &[database[0].clone(), None, beside]);
    let db = open(&path);
    check(&db);
    (folder, db)
}

fn told(db: &Db) -> LossReport {
    db.loss().unwrap().expect("it is told")
}

/// It is told at each look until it is acknowledged, and then no more: a sound file stands there.
fn is_told_until_acknowledged(mut db: Db, folder: &Path) {
    let path = folder.join(FILES[0]);
    let first = told(&db);
    drop(db);
    db = open(&path);
    assert_eq!(told(&db), first);
    db.acknowledge_loss().unwrap();
    drop(db);
    for _ in 0..2 {
        assert_eq!(open(&path).loss().unwrap(), None, "{first:?}");
    }
}

fn all_but(gone: &[u128]) -> BTreeSet<Uuid> {
    &ids(1..=10) - &ids(gone.iter().copied())
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1 << (at % 8);
    bytes
}

#[test]
fn where_the_numbers_are_damaged_the_notes_count() {
    let then = then();
    let whole = then.newer[2].clone().unwrap();
    // Eight bytes of a mark, two names, eleven numbers, a checksum.
    for at in 0..8 + 2 * 16 + 11 * 8 + 4 {
        let damaged = flipped(&whole, at);
        let (folder, db) = with(&then.older, Some(damaged.clone()));
        assert_eq!(queued(&db), all_but(&GONE), "byte {at}");
        assert_eq!(counts(&db), [10, 6, 0, 2, 2], "byte {at}");
        let loss = told(&db);
        assert!(loss.uncertain, "byte {at}: {loss:?}");
        assert!(loss.damage.contains("the numbers are damaged"), "{loss:?}");
        assert_eq!(fs::read(&loss.kept_at[0]).unwrap(), damaged);
        is_told_until_acknowledged(db, folder.path());
        // What was erased is not in the file.
        let word = b"http://example.com/5\"";
        let database = fs::read(folder.path().join(FILES[0])).unwrap();
        assert!(!database.windows(word.len()).any(|part| part == word));
    }
}

#[test]
fn a_flipped_bit_in_a_note_costs_that_one() {
    let then = then();
    let whole = then.newer[2].clone().unwrap();
    for at in (HEADER..WHOLE).step_by(3) {
        let (folder, db) = with(&then.older, Some(flipped(&whole, at)));
        let hit = (at - HEADER) / 32;
        let gone: Vec<u128> = GONE.iter().copied().filter(|n| *n != GONE[hit]).collect();
        assert_eq!(queued(&db), all_but(&gone), "byte {at}");
        let loss = told(&db);
        assert!(loss.uncertain && loss.damage.contains("1 note"), "{loss:?}");
        // It may have been sent.
        let mut db = db;
        assert!(db.retract(statement(1).id, NOW).is_err());
        is_told_until_acknowledged(db, folder.path());
        // The copy is put back once more: the others hold, and that one is missing still.
        let beside = files(folder.path())[2].clone();
        let (_folder, db) = with(&then.older, beside);
        assert_eq!(queued(&db), all_but(&gone), "byte {at}");
        assert!(told(&db).uncertain);
    }
}

#[test]
fn a_file_cut_short_is_told_and_what_is_left_of_it_counts() {
    let then = then();
    let whole = then.newer[2].clone().unwrap();
    for len in (0..WHOLE).step_by(7).chain([
        156,
        160,
        HEADER,
        HEADER + 32,
        HEADER + 64,
        HEADER + 96,
        WHOLE - 1,
    ]) {
        let (folder, db) = with(&then.older, Some(whole[..len].to_vec()));
        let left = len.saturating_sub(HEADER) / 32;
        assert_eq!(queued(&db), all_but(&GONE[..left]), "{len} bytes");
        let loss = told(&db);
        assert!(loss.uncertain, "{len} bytes: {loss:?}");
        is_told_until_acknowledged(db, folder.path());
    }
}

#[test]
fn whatever_else_stands_there_is_told_and_kept() {
    let then = then();
    let other = {
        let (folder, path) = file();
        let mut db = open(&path);
        record(&mut db, 1..=3);
        db.retract(statement(3).id, NOW).unwrap();
        db.keep_numbers();
        drop(db);
        files(folder.path())[2].clone().unwrap()
    };
    let mut too_long = then.newer[2].clone().unwrap();
    too_long.resize(3 * 1024 * 1024, 0x5a);
    let others: [(&str, Vec<u8>); 5] = [
        ("another queue's", other),
        ("rubbish", vec![0x5a; 700]),
        ("short rubbish", b"hello".to_vec()),
        ("zeros", vec![0; 300]),
        ("rubbish behind it", too_long),
    ];
    for (what, bytes) in others {
        for database in [&then.older, &then.newer] {
            let (folder, mut db) = with(database, Some(bytes.clone()));
            let loss = told(&db);
            // The numbers are whole there, and say that no note is missing.
            assert_eq!(
                loss.uncertain,
                what != "rubbish behind it",
                "{what}: {loss:?}"
            );
            assert_eq!(fs::read(&loss.kept_at[0]).unwrap(), bytes, "{what}");
            // Nothing is stuck.
            append(&mut db, 11).unwrap();
            assert!(queued(&db).is_superset(&all_but(&GONE)), "{what}");
            db.keep_numbers();
            is_told_until_acknowledged(db, folder.path());
        }
    }
}

/// What cannot be read tells nothing: whoever takes it for damaged puts an empty one in its place.
#[track_caller]
fn is_refused_and_left_alone(folder: &Path, words: &str) {
    let path = folder.join(FILES[0]);
    let names = || {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (before, there) = (names(), fs::read(&path).ok());
    for _ in 0..2 {
        let refused = Db::open(&path, Durability::ProcessCrash, NOW).unwrap_err();
        let StoreError::CannotOpen { reason, .. } = &refused else {
            panic!("{refused:?}");
        };
        assert!(
            reason.contains("queue.db.ledger") && reason.contains(words),
            "{reason}"
        );
        let mut after = names();
        // SQLite's own, which go when the queue is closed in good order.
        after.retain(|name| {
            !["queue.db-wal", "queue.db-shm"]
                .iter()
                .any(|own| name == own)
        });
        assert_eq!(after, before);
        assert_eq!(fs::read(&path).ok(), there);
    }
}

#[test]
fn a_folder_in_its_place_is_named_and_left_alone() {
    let then = then();
    for database in [then.older[0].clone(), Some(Vec::new()), None] {
        let (folder, path) = file();
        put(folder.path(), &[database, None, None]);
        let beside = folder.path().join(FILES[2]);
        fs::create_dir(&beside).unwrap();
        fs::write(beside.join("note"), "mine").unwrap();
        is_refused_and_left_alone(folder.path(), "is a folder: move it away");
        assert_eq!(fs::read(beside.join("note")).unwrap(), b"mine");
        fs::rename(&beside, folder.path().join("moved")).unwrap();
        open(&path);
    }
}

/// It is there, and to read it is an error of the device: Linux says so of a process's memory.
#[test]
#[cfg(target_os = "linux")]
fn one_that_the_disk_does_not_give_back_is_no_damage() {
    let then = then();
    for database in [then.older[0].clone(), Some(Vec::new()), None] {
        let (folder, path) = file();
        put(folder.path(), &[database, None, None]);
        let beside = folder.path().join(FILES[2]);
        std::os::unix::fs::symlink("/proc/self/mem", &beside).unwrap();
        // To open the queue refuses the link before anything is read through it.
        let refused = Raw::of(&path).err().unwrap().to_string();
        let words = ["queue.db.ledger", "os error 5"];
        assert!(
            words.iter().all(|words| refused.contains(words)),
            "{refused}"
        );
        is_refused_and_left_alone(folder.path(), "is a link: move it away");
    }
}

/// Otherwise its loss could not be told. What was taken in is taken back, and may be recorded again.
#[test]
#[cfg(unix)]
fn nothing_is_recorded_that_cannot_be_counted_beside_the_queue() {
    let (_folder, path) = file();
    let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    let queued_now = || shared.with(NOW, |db| Ok::<_, StoreError>(queued(db)));
    for n in 1..=2 {
        let _ = shared.append(vec![statement(n)], NOW).unwrap();
    }
    for n in 3..=4 {
        shared
            .with(NOW, |db| {
                db.keeper.as_mut().unwrap().fail_to_write();
                Ok::<_, StoreError>(())
            })
            .unwrap();
        let refused = shared.append(vec![statement(n)], NOW);
        let Err(Refused::Store(StoreError::CannotOpen { reason, .. })) = refused else {
            panic!("{refused:?}");
        };
        assert!(reason.contains("queue.db.ledger"), "{reason}");
        assert_eq!(queued_now().unwrap(), ids(1..n));
        let again = shared.append(vec![statement(n)], NOW).unwrap();
        assert_eq!(again, [Appended::New]);
    }
    drop(shared);
    let db = open(&path);
    check(&db);
    assert_eq!(queued(&db), ids(1..=4));
    assert_eq!(db.loss().unwrap(), None);
}

#[test]
fn a_missing_one_is_told_once() {
    let then = then();
    for database in [&then.older, &then.newer] {
        let (folder, db) = with(database, None);
        let loss = told(&db);
        assert!(
            loss.uncertain && loss.damage.contains("missing"),
            "{loss:?}"
        );
        assert_eq!((loss.lost, loss.kept_at.len()), (0, 0));
        is_told_until_acknowledged(db, folder.path());
    }
}

#[test]
fn the_log_and_what_is_beside_it_may_be_missing_both() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=4);
    db.checkpoint().unwrap();
    record(&mut db, 5..=6);
    let left = files(folder.path());
    drop(db);
    put(folder.path(), &[left[0].clone(), None, None]);
    let db = open(&path);
    assert_eq!(queued(&db), ids(1..=4));
    assert!(told(&db).uncertain);
}

/// The log is damaged as well, and says of itself what it has beyond that.
#[test]
fn what_the_log_has_is_saved_without_the_numbers() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=4);
    db.checkpoint().unwrap();
    let begins = 32 + 500;
    record(&mut db, 5..=9);
    let mut left = files(folder.path());
    drop(db);
    left[1].as_mut().unwrap()[begins] ^= 4;
    left[2].as_mut().unwrap()[60] ^= 4;
    put(folder.path(), &left);
    let db = open(&path);
    check(&db);
    let loss = told(&db);
    let there = queued(&db);
    assert!(there.len() >= 8 && there.is_subset(&ids(1..=9)), "{loss:?}");
    assert_eq!(loss.kept_at.len(), 2, "{loss:?}");
}

#[test]
fn what_damages_no_note_that_it_needs_is_told_and_nothing_is_lost() {
    let then = then();
    let whole = then.newer[2].clone().unwrap();
    let (folder, mut db) = with(&then.newer, Some(flipped(&whole, HEADER + 40)));
    let loss = told(&db);
    assert_eq!((loss.lost, loss.uncertain), (0, false), "{loss:?}");
    // The file is not older than they are.
    db.retract(statement(1).id, NOW).unwrap();
    db.keep_numbers();
    is_told_until_acknowledged(db, folder.path());
}

#[test]
fn nothing_is_told_of_a_sound_one_or_of_none_that_was_ever_there() {
    let (folder, path) = file();
    for n in 1..=3 {
        let mut db = open(&path);
        append(&mut db, n).unwrap();
        db.keep_numbers();
        assert_eq!(db.loss().unwrap(), None);
    }
    let beside = folder.path().join(FILES[2]);
    // Whoever made the queue died before it was on the disk.
    for remains in [None, Some(Vec::new()), Some(vec![0; 156])] {
        let db = open(&path);
        db.conn
            .execute("UPDATE ledger SET notes_from = NULL", [])
            .unwrap();
        drop(db);
        match remains {
            None => fs::remove_file(&beside).unwrap(),
            Some(bytes) => fs::write(&beside, bytes).unwrap(),
        }
        assert_eq!(open(&path).loss().unwrap(), None);
    }
    // All is delivered, and the queue is deleted without what is beside it: a new one begins there.
    let mut db = open(&path);
    for n in 1..=3 {
        db.retract(statement(n).id, NOW).unwrap();
    }
    db.keep_numbers();
    drop(db);
    fs::remove_file(&path).unwrap();
    let mut db = open(&path);
    record(&mut db, 4..=6);
    db.checkpoint().unwrap();
    let older = files(folder.path());
    db.retract(statement(4).id, NOW).unwrap();
    db.keep_numbers();
    assert_eq!(db.loss().unwrap(), None);
    drop(db);
    let beside = files(folder.path())[2].clone();
    let (_folder, db) = with(&older, beside);
    assert_eq!(queued(&db), ids(5..=6));
    assert_eq!(db.loss().unwrap(), None);
}

/// The power fails while notes are written: of each sector the disk has the old bytes or the new ones, and where
/// the file has grown whatever lay there before. Their transaction was not committed.
#[test]
fn notes_that_were_being_written_when_the_power_failed_are_not_taken_for_damaged() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=9);
    db.retract(statement(1).id, NOW).unwrap();
    db.keep_numbers();
    db.checkpoint().unwrap();
    let before = files(folder.path());
    for n in 2..=5 {
        erase(&mut db, n);
    }
    drop(db);
    let noted = files(folder.path())[2].clone().unwrap();
    // Which of the four is whole: the first stands behind the one that was told.
    for whole in 0..16_u8 {
        let is_whole = |n: u128| whole & (1 << (n - 2)) != 0;
        let mut beside = before[2].clone().unwrap();
        let end = beside.len();
        beside.resize(end + 4 * 32 + 100, 0xa7);
        for n in (2..=5).filter(|n| is_whole(*n)) {
            let at = end + (n as usize - 2) * 32;
            beside[at..at + 32].copy_from_slice(&noted[at..at + 32]);
        }
        let (folder, mut db) = with(&before, Some(beside));
        let gone: Vec<u128> = (2..=5).filter(|n| is_whole(*n)).collect();
        assert_eq!(
            queued(&db),
            &ids(2..=9) - &ids(gone.iter().copied()),
            "{whole:b}"
        );
        assert_eq!(db.loss().unwrap(), None, "{whole:b}");
        // Notes go on behind them, and no place between them is missed.
        db.retract(statement(9).id, NOW).unwrap();
        db.keep_numbers();
        db.checkpoint().unwrap();
        drop(db);
        let then = files(folder.path());
        let db = open(&folder.path().join(FILES[0]));
        assert_eq!(db.loss().unwrap(), None, "{whole:b}");
        drop(db);
        let (_folder, db) = with(&before, then[2].clone());
        let left = &ids(2..=8) - &ids(gone);
        assert_eq!(queued(&db), left, "{whole:b}: an older copy is put back");
    }
}

/// Nothing was promised of a file whose making was broken off.
#[test]
fn what_lay_on_the_disk_behind_new_numbers_is_not_taken_for_damaged() {
    let (folder, path) = file();
    let db = open(&path);
    db.conn
        .execute("UPDATE ledger SET notes_from = NULL", [])
        .unwrap();
    drop(db);
    let beside = folder.path().join(FILES[2]);
    let mut bytes = fs::read(&beside).unwrap();
    bytes[512..].fill(0xa7);
    fs::write(&beside, bytes).unwrap();
    for _ in 0..2 {
        assert_eq!(open(&path).loss().unwrap(), None);
    }
}

#[test]
fn what_was_withdrawn_is_not_salvaged_though_both_are_damaged() {
    let then = then();
    let mut damaged = then.older.clone();
    // The first page has the tables' names, those behind it the queue's own account.
    for page in [0..1024, 1024..4096] {
        damaged[0].as_mut().unwrap()[page.clone()].fill(0);
        let beside = flipped(&then.newer[2].clone().unwrap(), 100);
        let (folder, db) = with(&damaged, Some(beside));
        let back = &queued(&db) & &ids(GONE);
        assert!(back.is_empty(), "{page:?}: {back:?}");
        let loss = told(&db);
        assert!(
            loss.uncertain && loss.damage.contains(".ledger"),
            "{loss:?}"
        );
        assert_eq!(loss.kept_at.len(), 2, "{loss:?}");
        is_told_until_acknowledged(db, folder.path());
    }
}

#[test]
fn a_queue_that_is_gone_beside_a_damaged_one_is_told() {
    let then = then();
    for database in [None, Some(Vec::new())] {
        let beside = flipped(&then.newer[2].clone().unwrap(), 100);
        let (folder, db) = with(&vec![database, None, None], Some(beside));
        assert!(told(&db).uncertain);
        is_told_until_acknowledged(db, folder.path());
        // The notes hold for an older copy that is put there.
        let beside = files(folder.path())[2].clone();
        let (_folder, db) = with(&then.older, beside);
        assert_eq!(queued(&db), all_but(&GONE));
    }
}

/// The process that has the queue open knows what it has no more, whatever is noted.
#[test]
fn an_older_copy_put_in_its_place_while_it_is_open_needs_no_note() {
    for damage in 0..2 {
        let (folder, path) = file();
        let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
        for n in 1..=6 {
            let _ = shared.append(vec![statement(n)], NOW).unwrap();
        }
        shared.with(NOW, Db::checkpoint).unwrap();
        let older = files(folder.path())[0].clone().unwrap();
        for n in [2, 5] {
            shared
                .with(NOW, |db| db.retract(statement(n).id, NOW))
                .unwrap();
        }
        let beside = folder.path().join(FILES[2]);
        if damage == 0 {
            fs::remove_file(&beside).unwrap();
        } else {
            let whole = fs::read(&beside).unwrap();
            fs::write(&beside, flipped(&whole, 170)).unwrap();
        }
        let copy = folder.path().join("copy");
        fs::write(&copy, older).unwrap();
        fs::rename(&copy, &path).unwrap();
        for end in ["-wal", "-shm"] {
            fs::remove_file(folder.path().join(format!("queue.db{end}"))).unwrap();
        }
        let _ = shared.append(vec![statement(7)], NOW).unwrap();
        let there = shared.with(NOW, |db| {
            check(db);
            Ok::<_, StoreError>((queued(db), counts(db), db.loss().unwrap()))
        });
        let (there, counts, loss) = there.unwrap();
        assert_eq!(there, ids([1, 3, 4, 6, 7]));
        assert_eq!(counts, [7, 5, 0, 2, 0]);
        assert!(loss.is_some(), "what is damaged is told");
    }
}

/// A note in a file that nobody finds any more would be none.
#[test]
fn one_that_is_taken_away_while_it_is_open_is_made_again_for_the_next_note() {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=4);
    db.checkpoint().unwrap();
    let older = files(folder.path());
    fs::remove_file(folder.path().join(FILES[2])).unwrap();
    db.retract(statement(2).id, NOW).unwrap();
    db.keep_numbers();
    drop(db);
    let beside = files(folder.path())[2].clone();
    let (_folder, db) = with(&older, beside);
    assert_eq!(queued(&db), ids([1, 3, 4]));
}

#[test]
fn each_file_that_was_kept_is_named() {
    let then = then();
    for has_database in [true, false] {
        let (folder, path) = file();
        let mut db = open(&path);
        record(&mut db, 1..=4);
        db.checkpoint().unwrap();
        record(&mut db, 5..=9);
        let mut left = files(folder.path());
        drop(db);
        match &mut left[0] {
            Some(bytes) if has_database => bytes.truncate(100),
            database => *database = None,
        }
        left[2].clone_from(&then.newer[2]);
        left[2].as_mut().unwrap()[70] ^= 1;
        for name in FILES {
            let _ = fs::remove_file(folder.path().join(name));
        }
        put(folder.path(), &left);
        let loss = told(&open(&path));
        let named: BTreeSet<_> = loss.kept_at.iter().cloned().collect();
        let kept: BTreeSet<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().contains(".damaged-"))
            .collect();
        assert_eq!(named, kept, "{has_database}");
        assert_eq!(kept.len(), if has_database { 3 } else { 2 }, "{kept:?}");
    }
}
