//! The power is cut while a log is written anew from its beginning: of each sector there is what was written,
//! or what the turn before had left there, and all that was folded into the file stays.

use std::fs;

use super::taken_out::queued;
use crate::store::tests::{NOW, append, file, open, statement};
use crate::store::{Db, Durability};

const SECTOR: usize = 512;

#[test]
fn what_was_folded_into_the_file_outlives_any_torn_log_over_an_older_one() {
    let (folder, path) = file();
    let wal = folder.path().join("queue.db-wal");
    let names = ["queue.db", "queue.db-wal", "queue.db.ledger"];
    let mut db = open(&path);
    for n in 1..=300 {
        append(&mut db, n).unwrap();
    }
    let folding = "PRAGMA wal_checkpoint(PASSIVE)";
    db.conn.query_row(folding, [], |_| Ok(())).unwrap();
    let old = fs::read(&wal).unwrap();
    let in_file = queued(&db);
    for n in 301..=360 {
        append(&mut db, n).unwrap();
        // Pages are joined, and rows move.
        if n % 4 != 0 {
            db.retract(statement(n - 280).id, NOW).unwrap();
        }
    }
    db.keep_numbers();
    let new = fs::read(&wal).unwrap();
    assert_ne!(old[..32], new[..32], "the log did not begin anew");
    assert_eq!(old.len(), new.len(), "it is longer than it was");
    let recorded = queued(&db);
    let files = names.map(|name| fs::read(folder.path().join(name)).unwrap());
    drop(db);
    for seed in 0..150 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let kept = [0.02, 0.1, 0.5, 0.9, 0.98][chance.usize(..5)];
        let mut torn = old.clone();
        // The header is synced before anything is written behind it.
        torn[..32].copy_from_slice(&new[..32]);
        for begin in (0..new.len()).step_by(SECTOR) {
            if chance.f64() < kept {
                let sector = begin..(begin + SECTOR).min(new.len());
                torn[sector.clone()].copy_from_slice(&new[sector]);
            }
        }
        let cut = tempfile::tempdir().unwrap();
        for (name, bytes) in names.iter().zip(&files) {
            fs::write(cut.path().join(name), bytes).unwrap();
        }
        fs::write(cut.path().join("queue.db-wal"), torn).unwrap();
        let path = cut.path().join("queue.db");
        let opened = Db::open(&path, Durability::ProcessCrash, NOW).unwrap();
        let there = queued(&opened.db);
        let stays = in_file.intersection(&recorded);
        let lost: Vec<_> = stays.filter(|id| !there.contains(id)).collect();
        assert!(lost.is_empty(), "seed {seed}, {kept}: {lost:?} are lost");
        let made_up: Vec<_> = there.difference(&recorded).collect();
        assert!(made_up.is_empty(), "seed {seed}, {kept}: {made_up:?}");
    }
}
