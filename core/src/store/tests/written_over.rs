//! A queue's file that another one is copied over while it is open: it stays the same file, and nothing has what it had.

use super::{ALL, MAIN, NOW, append, file, open, sized};
use crate::store::{Db, Durability, Refused, Shared, StoreError};

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
