//! What somebody has put beside a queue: links, files of other programs', and what was torn of our own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::older_copy::record;
use crate::store::file::names::with_suffix;
use crate::store::tests::{MAIN, NOW, append, file, open};
use crate::store::{Db, Durability, StoreError};

/// All names that something of ours may have beside a queue.
const ALL: [&str; 13] = [
    ".ledger",
    ".open",
    ".reserve",
    ".sync",
    ".reserve-probe",
    "-wal",
    "-shm",
    "-journal",
    "-rescued",
    "-rescue",
    "-rescue-wal",
    "-rescue-shm",
    "-rescue-journal",
];

/// All files of a folder, by name. A link is what it leads to.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap_or_default())
        })
        .collect()
}

/// Refused with these words, again and again, and not a byte in the folder is another one than before.
#[track_caller]
fn is_refused_and_untouched(queue: &Path, words: &[&str], what: &str) {
    let folder = queue.parent().unwrap();
    let before = contents(folder);
    for _ in 0..2 {
        match Db::open(queue, Durability::ProcessCrash, NOW) {
            Err(StoreError::CannotOpen { reason, .. }) => {
                let has_all = words.iter().all(|word| reason.contains(word));
                assert!(has_all, "{what}: {reason}");
            }
            other => panic!("{what}: {other:?}"),
        }
        assert!(contents(folder) == before, "{what}: something was changed");
    }
}

fn queue_of_three(path: &Path) {
    let mut db = open(path);
    record(&mut db, 1..=3);
    db.keep_numbers();
}

#[cfg(unix)]
#[test]
fn a_link_beside_a_queue_is_refused_and_what_it_leads_to_stays() {
    for suffix in ALL {
        for (is_hard, words) in [(false, "is a link"), (true, "has another name too")] {
            for is_there in [true, false] {
                let (folder, path) = file();
                if is_there {
                    queue_of_three(&path);
                }
                let precious = folder.path().join("precious.txt");
                fs::write(&precious, "somebody's\n".repeat(1000)).unwrap();
                let beside = with_suffix(&path, suffix);
                let _ = fs::remove_file(&beside);
                if is_hard {
                    fs::hard_link(&precious, &beside).unwrap();
                } else {
                    std::os::unix::fs::symlink(&precious, &beside).unwrap();
                }
                let words = [suffix, words, "move it away"];
                is_refused_and_untouched(&path, &words, suffix);
                fs::remove_file(&beside).unwrap();
                let mut db = open(&path);
                append(&mut db, 4).unwrap();
                let queued = if is_there { 4 } else { 1 };
                assert_eq!(db.ledger(MAIN).unwrap().queued, queued, "{suffix}");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_makes_nothing_there() {
    for suffix in ALL {
        let (folder, path) = file();
        let nowhere = folder.path().join("nowhere");
        std::os::unix::fs::symlink(&nowhere, with_suffix(&path, suffix)).unwrap();
        is_refused_and_untouched(&path, &[suffix, "is a link"], suffix);
        assert!(!nowhere.exists());
    }
}

/// What is put there once a queue is open is not followed either.
#[cfg(unix)]
#[test]
fn a_link_that_is_put_beside_an_open_queue_is_not_followed() {
    for suffix in [".ledger", ".reserve"] {
        let (folder, path) = file();
        let mut db = open(&path);
        let precious = folder.path().join("precious.txt");
        fs::write(&precious, "somebody's\n".repeat(1000)).unwrap();
        let beside = with_suffix(&path, suffix);
        let _ = fs::remove_file(&beside);
        std::os::unix::fs::symlink(&precious, &beside).unwrap();
        let _ = append(&mut db, 1);
        let _ = crate::store::file::reserve::Reserve::of(&path).keep();
        let _ = db.retract(super::statement(1).id, NOW);
        drop(db);
        let now = fs::read_to_string(&precious).unwrap();
        assert!(now == "somebody's\n".repeat(1000), "{suffix}");
    }
}

/// Not one of them is what is in a file of ours.
fn others() -> Vec<Vec<u8>> {
    let table = "2026-01-01 opening balance\n".repeat(400);
    let line = &table.as_bytes()[..60];
    let binary: Vec<u8> = b"\x7fELF\x02\x01\x01"
        .iter()
        .copied()
        .chain((0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 | 1))
        .collect();
    vec![
        table.as_bytes().to_vec(),
        b"hello\n".to_vec(),
        line.to_vec(),
        binary[..4096].to_vec(),
        binary,
    ]
}

#[test]
fn a_file_of_another_program_with_the_name_of_one_of_ours_stays_as_it_is() {
    let beside_a_queue = |suffix| !matches!(suffix, ".ledger" | "-wal");
    for suffix in ALL.into_iter().filter(|suffix| *suffix != ".sync") {
        for theirs in others() {
            if suffix.starts_with("-rescue") && suffix != "-rescued" && theirs[0] == 0x7f {
                // It may be a torn one of ours, and is thrown away.
                continue;
            }
            let (_folder, path) = file();
            fs::write(with_suffix(&path, suffix), &theirs).unwrap();
            // Memory that processes share is thrown away where it is as long as ours, and there is a database.
            let words = [suffix, "is not a file of Pannier's", "move it away"];
            is_refused_and_untouched(&path, &words, &format!("{suffix} {}", theirs.len()));
            if beside_a_queue(suffix) && !(suffix.ends_with("-shm") && theirs.len() == 4096) {
                fs::remove_file(with_suffix(&path, suffix)).unwrap();
                queue_of_three(&path);
                fs::write(with_suffix(&path, suffix), &theirs).unwrap();
                is_refused_and_untouched(&path, &words, &format!("{suffix} {}", theirs.len()));
            }
        }
    }
}

/// The files of a queue that a kill has left, and those of one that was being put in its place.
fn left_by_a_kill() -> BTreeMap<String, Vec<u8>> {
    let (folder, path) = file();
    let mut db = open(&path);
    record(&mut db, 1..=3);
    db.keep_numbers();
    crate::store::file::reserve::Reserve::of(&path)
        .keep()
        .unwrap();
    let mut all = contents(folder.path());
    let successor: Vec<_> = ["", "-wal", "-shm"]
        .map(|suffix| {
            let name = format!("queue.db{suffix}");
            (format!("queue.db-rescue{suffix}"), all[&name].clone())
        })
        .into_iter()
        .collect();
    all.extend(successor);
    all.insert("queue.db.sync".to_owned(), Vec::new());
    all.insert("queue.db.reserve-probe".to_owned(), vec![0; 64 << 10]);
    all
}

/// Whatever is torn or damaged of one file beside a queue, also one that is gone, opens as it always did.
#[test]
fn what_was_torn_of_ours_is_no_file_of_anothers() {
    let all = left_by_a_kill();
    for (name, bytes) in &all {
        let suffix = name.strip_prefix("queue.db").unwrap();
        if suffix.is_empty() {
            continue;
        }
        let whole = bytes.len();
        let lengths: &[usize] = match suffix {
            ".open" => &[0, 1, 60],
            "-shm" | "-rescue-shm" => &[0, 1, 3, 8, 60, 4096, 5000, 32768],
            _ => &[0, 1, 3, 8, 31, 60, 512, 1024, 5000, whole / 2, whole],
        };
        let torn = lengths.iter().filter(|length| **length <= whole);
        let torn = torn.flat_map(|length| [bytes[..*length].to_vec(), vec![0; *length]]);
        for torn in torn {
            for (is_there, is_alone) in [(true, false), (false, false), (false, true)] {
                let (_folder, path) = file();
                for (other, bytes) in &all {
                    let is_database = other == "queue.db";
                    if other != name && !is_alone && (is_there || !is_database) {
                        fs::write(path.with_file_name(other), bytes).unwrap();
                    }
                }
                fs::write(path.with_file_name(name), &torn).unwrap();
                let opened = Db::open(&path, Durability::ProcessCrash, NOW);
                assert!(
                    opened.is_ok(),
                    "{suffix}, {} of {whole} bytes, database {is_there}: {opened:?}",
                    torn.len()
                );
            }
        }
    }
}

/// A power cut has left the length of the journal, and not its first sector, while the queue was being made.
#[test]
fn what_was_torn_of_a_journal_is_no_file_of_anothers_while_the_queue_is_made() {
    let all = left_by_a_kill();
    let page = &all["queue.db"][..1024];
    let journal = [&[b't'; 516], page, &[b't'; 4]].concat();
    for begun in [&b""[..], &page[..512], page] {
        let (_folder, path) = file();
        fs::write(&path, begun).unwrap();
        fs::write(with_suffix(&path, "-journal"), &journal).unwrap();
        let opened = Db::open(&path, Durability::ProcessCrash, NOW);
        assert!(opened.is_ok(), "{} bytes: {opened:?}", begun.len());
    }
}

/// Damage of one sector, wherever it is, with the database there.
#[test]
fn what_is_damaged_of_ours_is_no_file_of_anothers() {
    let all = left_by_a_kill();
    let noise = |n: usize| (n.wrapping_mul(2_654_435_761) >> 8) as u8 | 1;
    for suffix in [".ledger", ".open", ".reserve", "-wal", "-shm"] {
        let name = format!("queue.db{suffix}");
        let whole = all[&name].len();
        for at in [0, whole / 2 / 512 * 512, whole.saturating_sub(512)] {
            for length in [1, 512, 4096] {
                let (_folder, path) = file();
                for (other, bytes) in &all {
                    if !other.contains("-rescue") {
                        fs::write(path.with_file_name(other), bytes).unwrap();
                    }
                }
                let mut bytes = all[&name].clone();
                let end = whole.min(at + length);
                bytes[at..end]
                    .iter_mut()
                    .enumerate()
                    .for_each(|(n, byte)| *byte ^= noise(n + at + 1));
                fs::write(path.with_file_name(&name), &bytes).unwrap();
                let opened = Db::open(&path, Durability::ProcessCrash, NOW);
                assert!(opened.is_ok(), "{suffix} at {at}, {length}: {opened:?}");
            }
        }
    }
}
