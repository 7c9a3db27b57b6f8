//! A queue's file that another one is copied over while it is open: it stays the same file, and nothing has what it had.

use std::collections::BTreeSet;

use super::{ALL, MAIN, NOW, append, file, open, sized};
use crate::store::{Db, Durability, Refused, Shared, StoreError};

/// Uses of an open queue, the last of which closes it.
type Use = (&'static str, fn(Shared) -> Option<Shared>);

const USES: [Use; 5] = [
    ("record", |shared| {
        // Refused or not.
        let _ = shared.append(vec![sized(5_000, 0)], NOW);
        Some(shared)
    }),
    ("a list", |shared| {
        let _ = shared.read(NOW, |db| db.queued(MAIN, ALL));
        Some(shared)
    }),
    ("a sync", |shared| {
        let _ = shared.with(NOW, |db| db.ledger(MAIN));
        Some(shared)
    }),
    ("folding", |shared| {
        let _ = shared.fold();
        Some(shared)
    }),
    ("closing", |shared| {
        drop(shared);
        None
    }),
];

#[test]
fn a_bigger_copy_is_not_cut_off_by_the_log_of_what_was_open() {
    for (what, use_it) in USES {
        for durability in [Durability::PowerCut, Durability::ProcessCrash] {
            let (_newer, from) = file();
            let mut newer = open(&from);
            for n in 1..=330 {
                append(&mut newer, n).unwrap();
            }
            drop(newer);
            let bytes = std::fs::read(&from).unwrap();
            let (_folder, path) = file();
            let shared = Shared::open(&path, durability, NOW).unwrap();
            for n in 1..=30 {
                shared.append(vec![sized(n, 0)], NOW).unwrap();
            }
            std::fs::write(&path, &bytes).unwrap();
            let shared =
                use_it(shared).unwrap_or_else(|| Shared::open(&path, durability, NOW).unwrap());
            let queued = shared.read(NOW, |db| db.queued(MAIN, ALL)).unwrap();
            let ids: BTreeSet<_> = queued.iter().map(|one| one.id).collect();
            let missing = (1..=330)
                .filter(|n| !ids.contains(&sized(*n, 0).id))
                .count();
            assert_eq!(missing, 0, "{what}, {durability:?}");
        }
    }
}

/// Changes its time, and nothing else.
fn touch(path: &std::path::Path) {
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
}

#[test]
fn a_file_whose_time_alone_was_changed_goes_on_and_nothing_is_told() {
    for (what, use_it) in USES {
        let (_folder, path) = file();
        let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
        shared.append(vec![sized(1, 0)], NOW).unwrap();
        touch(&path);
        let shared = use_it(shared)
            .unwrap_or_else(|| Shared::open(&path, Durability::ProcessCrash, NOW).unwrap());
        shared.append(vec![sized(2, 0)], NOW).unwrap();
        assert_eq!(shared.read(NOW, Db::loss), Ok(None), "{what}");
        let queued = shared.read(NOW, |db| db.queued(MAIN, ALL)).unwrap();
        assert!(queued.len() >= 2, "{what}");
    }
}

#[test]
fn a_newcomer_beside_a_file_whose_time_was_changed_finds_no_damage() {
    let (_folder, path) = file();
    let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    shared.append(vec![sized(1, 0)], NOW).unwrap();
    let set = |db: &mut Db| db.set_endpoint(MAIN, "https://a.example/xAPI");
    shared.with(NOW, set).unwrap();
    touch(&path);
    let other = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
    other.append(vec![sized(2, 0)], NOW).unwrap();
    for one in [other, shared] {
        assert_eq!(one.read(NOW, Db::loss), Ok(None));
        let main = one.read(NOW, |db| db.upstream(MAIN)).unwrap();
        assert_eq!(main.endpoint.as_deref(), Some("https://a.example/xAPI"));
        assert_eq!(one.read(NOW, |db| db.queued(MAIN, ALL)).unwrap().len(), 2);
    }
}

/// It was written over, and then another one took its place, as another process makes one that has noticed it.
#[test]
fn what_is_not_whole_any_more_is_not_said_to_be_kept() {
    for is_replaced in [true, false] {
        let (folder, path) = file();
        let mut db = open(&path);
        append(&mut db, 1).unwrap();
        db.keep_numbers();
        db.checkpoint().unwrap();
        drop(db);
        let older = std::fs::read(&path).unwrap();
        let shared = Shared::open(&path, Durability::ProcessCrash, NOW).unwrap();
        // More than it keeps in memory.
        let many = (2..=3_000).map(|n| sized(n, 1_500)).collect();
        shared.append(many, NOW).unwrap();
        shared.with(NOW, Db::checkpoint).unwrap();
        shared.append(vec![sized(4_000, 0)], NOW).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4096..].fill(0xaa);
        std::fs::write(&path, bytes).unwrap();
        if is_replaced {
            let copy = folder.path().join("copy");
            std::fs::write(&copy, &older).unwrap();
            std::fs::rename(&copy, &path).unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
        }
        let record = || shared.append(vec![sized(4_001, 0)], NOW);
        match record() {
            Err(Refused::Store(StoreError::Damaged(why))) if is_replaced => {
                assert!(
                    why.starts_with("it was written over while it was open"),
                    "{why}"
                );
            }
            Err(Refused::Store(StoreError::CannotOpen { reason, .. })) if !is_replaced => {
                assert!(reason.contains("put a copy of it there"), "{reason}");
                std::fs::write(&path, &older).unwrap();
                assert!(matches!(
                    record(),
                    Err(Refused::Store(StoreError::Damaged(_)))
                ));
            }
            other => panic!("{is_replaced}: {other:?}"),
        }
        // As it says: another call finds what there is.
        record().unwrap();
        let queued = shared.read(NOW, |db| db.queued(MAIN, ALL)).unwrap();
        let ids: Vec<_> = queued.iter().map(|one| one.id).collect();
        assert!(ids.contains(&sized(1, 0).id) && ids.contains(&sized(4_001, 0).id));
        let loss = shared.read(NOW, Db::loss).unwrap();
        assert_eq!(loss.map(|loss| loss.lost as usize), Some(3_002 - ids.len()));
    }
}

#[test]
fn those_who_fold_and_close_at_the_same_time_write_nothing_over() {
    let (_folder, path) = file();
    let users: Vec<_> = (0..6)
        .map(|_| Shared::open(&path, Durability::ProcessCrash, NOW).unwrap())
        .collect();
    std::thread::scope(|threads| {
        for (user, store) in users.iter().enumerate() {
            threads.spawn(move || {
                for n in 0..300 {
                    let id = (user * 1_000 + n + 1) as u128;
                    store.append(vec![sized(id, 20)], NOW).unwrap();
                    if n % 5 == 0 {
                        store.pause(NOW).unwrap();
                        store.resume(NOW).unwrap();
                    }
                    if n % 7 == 0 {
                        store.fold().unwrap();
                    }
                }
            });
        }
    });
    let told: Vec<_> = users.iter().flat_map(Shared::take_salvaged).collect();
    assert_eq!(
        users[0].read(NOW, |db| db.ledger(MAIN)).unwrap().queued,
        1_800
    );
    assert_eq!(told, []);
    assert_eq!(users[0].read(NOW, Db::loss), Ok(None));
}
