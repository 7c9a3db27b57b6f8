//! The file or its disk is taken away: deleted, replaced, made read-only, closed to us. Nothing that was
//! accepted is lost where anything is left of it, and the error says what to do.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use pannier::{Config, Durability};
use pannier_tests::device::{Device, SkippingClock, queue};
use pannier_tests::mounted::only_on_a_disk;
use pannier_tests::recorder::{Recorder, command, ids};
use pannier_tests::sample;
use tempfile::TempDir;

const RECORDER: &str = env!("CARGO_BIN_EXE_recorder");
const BOTH: [Durability; 2] = [Durability::PowerCut, Durability::ProcessCrash];

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn open(folder: &Path, durability: Durability) -> Device {
    let mut config = Config::default();
    config.durability = durability;
    Device::at(&queue(folder), SkippingClock::default(), config)
}

fn remove(folder: &Path, names: &[&str]) {
    for name in names {
        fs::remove_file(folder.join(name)).expect("it is there");
    }
}

/// Just these are in the queue, whoever opens it: also after a kill, which leaves the files as they are.
fn has(folder: &Path, runs: &[(u32, u32)]) {
    let copy = self::folder();
    for name in ["queue.db", "queue.db-wal"] {
        if folder.join(name).exists() {
            fs::copy(folder.join(name), copy.path().join(name)).expect("it can be copied");
        }
    }
    let found = open(copy.path(), Durability::PowerCut).queued();
    let expected = runs
        .iter()
        .flat_map(|(run, count)| (0..*count).map(move |n| (*run, n)));
    let expected: Vec<_> = expected.collect();
    assert_eq!(found.len(), expected.len());
    for (run, n) in expected {
        assert_eq!(found[&sample::id(run, n)].as_bytes(), sample::text(run, n));
    }
}

const DELETED: [&[&str]; 4] = [
    &["queue.db"],
    &["queue.db-wal"],
    &["queue.db", "queue.db-wal"],
    &["queue.db", "queue.db-wal", "queue.db-shm"],
];

#[test]
fn a_file_that_is_deleted_while_open_is_put_back_by_the_next_call() {
    for durability in BOTH {
        for names in DELETED {
            let folder = folder();
            let device = open(folder.path(), durability);
            device.record_samples(1, 50);
            device.status();
            for run in 2..4 {
                remove(folder.path(), names);
                device.record_samples(run, 10);
            }
            has(folder.path(), &[(1, 50), (2, 10), (3, 10)]);
            assert_eq!(device.status().ledger.queued, 70, "{names:?}");
            drop(device);
            has(folder.path(), &[(1, 50), (2, 10), (3, 10)]);
            let left = fs::read_dir(folder.path()).expect("it is there").count();
            assert_eq!(
                left, 4,
                "beside the file are its numbers, who has it open and the room for a full disk, and nothing else"
            );
        }
    }
}

#[test]
fn a_file_that_is_deleted_while_open_is_put_back_when_it_is_closed() {
    for names in DELETED {
        for pauses in [false, true] {
            let folder = folder();
            let device = open(folder.path(), Durability::PowerCut);
            device.record_samples(1, 50);
            remove(folder.path(), names);
            if pauses {
                device.collector.pause().expect("it can be closed");
                has(folder.path(), &[(1, 50)]);
            }
            drop(device);
            has(folder.path(), &[(1, 50)]);
        }
    }
}

#[test]
fn two_collectors_put_a_deleted_file_back_once() {
    let folder = folder();
    let [one, other] = BOTH.map(|durability| open(folder.path(), durability));
    one.record_samples(1, 20);
    other.record_samples(2, 20);
    remove(folder.path(), &["queue.db", "queue.db-wal", "queue.db-shm"]);
    other.record_samples(3, 20);
    one.record_samples(4, 20);
    other.record_samples(5, 20);
    let all = [(1, 20), (2, 20), (3, 20), (4, 20), (5, 20)];
    assert_eq!(one.status().ledger.queued, 100);
    assert_eq!(other.status().ledger.queued, 100);
    has(folder.path(), &all);
    drop((one, other));
    has(folder.path(), &all);
}

#[test]
fn a_file_that_is_replaced_while_open_gets_what_the_old_one_had() {
    let [folder, elsewhere] = [folder(), folder()];
    open(elsewhere.path(), Durability::PowerCut).record_samples(1, 30);
    let device = open(folder.path(), Durability::PowerCut);
    device.record_samples(2, 40);
    for name in ["queue.db-wal", "queue.db-shm"] {
        fs::remove_file(folder.path().join(name)).expect("it is there");
    }
    fs::rename(queue(elsewhere.path()), queue(folder.path())).expect("the same disk");
    device.record_samples(3, 1);
    assert_eq!(device.status().ledger.queued, 71);
    has(folder.path(), &[(1, 30), (2, 40), (3, 1)]);
}

#[test]
fn what_cannot_be_taken_over_from_a_replaced_file_is_kept_and_told() {
    let [folder, elsewhere] = [folder(), folder()];
    // The same id, and another statement.
    let mut other = sample::statement(2, 0);
    other["result"] = serde_json::json!({"response": "another one"});
    open(elsewhere.path(), Durability::PowerCut)
        .collector
        .record(other.to_string().into_bytes())
        .expect("it is valid");
    let device = open(folder.path(), Durability::PowerCut);
    device.record_samples(2, 3);
    for name in ["queue.db-wal", "queue.db-shm"] {
        fs::remove_file(folder.path().join(name)).expect("it is there");
    }
    fs::rename(queue(elsewhere.path()), queue(folder.path())).expect("the same disk");
    device.record_samples(3, 1);
    assert_eq!(device.status().ledger.queued, 4, "theirs and three of ours");
    let loss = device.status().loss.expect("it is told");
    assert_eq!(loss.lost, 1);
    let copy = self::folder();
    fs::copy(&loss.kept_at[0], queue(copy.path())).expect("it is there");
    let found = open(copy.path(), Durability::PowerCut).queued();
    let ours = found.get(&sample::id(2, 0)).expect("it is in there");
    assert!(!ours.contains("another one"), "{ours}");
}

/// Writes an older file over the one that is there.
fn copy_over(older: &Path, folder: &Path, name: &str) {
    fs::copy(older.join(name), folder.join(name)).expect("it is there");
}

/// Puts an older file in the place of the one that is there.
fn rename_over(older: &Path, folder: &Path, name: &str) {
    let new = folder.join("new");
    fs::copy(older.join(name), &new).expect("it is there");
    fs::rename(&new, folder.join(name)).expect("it is there");
}

type Deed = fn(&Path, &Path);

/// What is done to the files of a queue that is open, with those of an older copy of it: whether anything is lost
/// by it that has to be told.
const DEEDS: [(&str, bool, Deed); 14] = [
    ("the memory is deleted", false, |folder, _| {
        remove(folder, &["queue.db-shm"]);
    }),
    (
        "the memory is deleted, and so is who has it open",
        false,
        |folder, _| {
            remove(folder, &["queue.db-shm", "queue.db.open"]);
        },
    ),
    ("the memory is replaced by its copy", false, |folder, _| {
        rename_over(folder, folder, "queue.db-shm");
    }),
    ("the log is replaced by its copy", false, |folder, _| {
        rename_over(folder, folder, "queue.db-wal");
    }),
    ("the log and the memory are deleted", false, |folder, _| {
        remove(folder, &["queue.db-wal", "queue.db-shm"]);
    }),
    (
        "the log, the memory and who has it open are deleted",
        false,
        |folder, _| {
            remove(folder, &["queue.db-wal", "queue.db-shm", "queue.db.open"]);
        },
    ),
    (
        "the log and who has it open are deleted",
        false,
        |folder, _| {
            remove(folder, &["queue.db-wal", "queue.db.open"]);
        },
    ),
    (
        "an older file takes its place beside its log",
        false,
        |folder, older| {
            rename_over(older, folder, "queue.db");
        },
    ),
    (
        "an older file takes its place alone",
        false,
        |folder, older| {
            remove(folder, &["queue.db-wal", "queue.db-shm"]);
            rename_over(older, folder, "queue.db");
        },
    ),
    (
        "older files take the places of both beside the log",
        false,
        |folder, older| {
            rename_over(older, folder, "queue.db");
            rename_over(older, folder, "queue.db.ledger");
        },
    ),
    (
        "older files take its place and that of who has it open",
        false,
        |folder, older| {
            rename_over(older, folder, "queue.db");
            rename_over(older, folder, "queue.db.open");
        },
    ),
    (
        "older files take all places beside the log",
        false,
        |folder, older| {
            rename_over(older, folder, "queue.db.ledger");
            rename_over(older, folder, "queue.db.open");
            rename_over(older, folder, "queue.db");
        },
    ),
    (
        "it is written over, and the others are deleted",
        true,
        |folder, older| {
            remove(folder, &["queue.db-wal", "queue.db-shm"]);
            copy_over(older, folder, "queue.db");
        },
    ),
    (
        "both are written over, and the others are deleted",
        true,
        |folder, older| {
            remove(folder, &["queue.db-wal", "queue.db-shm"]);
            copy_over(older, folder, "queue.db");
            copy_over(older, folder, "queue.db.ledger");
        },
    ),
];

/// A queue that is open, with what was recorded since its files were copied: so many of it since it is open.
fn open_with_an_older_copy(since: u32) -> (TempDir, TempDir, Device) {
    let [folder, older] = [folder(), folder()];
    open(folder.path(), Durability::PowerCut).record_samples(1, 30);
    for name in ["queue.db", "queue.db.ledger", "queue.db.open"] {
        fs::copy(folder.path().join(name), older.path().join(name)).expect("it is there");
    }
    // What is folded into the file is in no log any more.
    open(folder.path(), Durability::PowerCut).record_samples(5, 20);
    let device = open(folder.path(), Durability::PowerCut);
    device.record_samples(2, since);
    device.status();
    (folder, older, device)
}

#[test]
fn another_process_waits_until_what_was_exchanged_is_put_back_and_loses_nothing() {
    let deeds = DEEDS
        .iter()
        .flat_map(|deed| [20, 0].map(|since| (deed, since)));
    for ((what, loses, deed), since) in deeds {
        let (folder, older, device) = open_with_an_older_copy(since);
        deed(folder.path(), older.path());
        let other = Recorder::start(&mut command(RECORDER, &["some", "3", "10"], folder.path()));
        let recorded = std::thread::scope(|scope| {
            let recorded = scope.spawn(|| other.finish());
            while !recorded.is_finished() {
                std::thread::sleep(std::time::Duration::from_millis(300));
                device.status();
            }
            recorded.join().expect("it ended")
        });
        assert_eq!(recorded.len(), 10, "{what}");
        device.record_samples(4, 5);
        let told = device.status().loss.is_some();
        assert_eq!(told, *loses, "{what}, {since}");
        drop(device);
        if !loses {
            has(
                folder.path(),
                &[(1, 30), (5, 20), (2, since), (3, 10), (4, 5)],
            );
        }
        let found = open(folder.path(), Durability::PowerCut).queued();
        for (run, count) in [(3, 10), (4, 5)] {
            for n in 0..count {
                assert!(found.contains_key(&sample::id(run, n)), "{what}: {run} {n}");
            }
        }
    }
}

#[test]
fn whoever_closes_it_lets_nobody_in_beside_files_that_another_has_lost() {
    let deleted: [&[&str]; 3] = [
        &["queue.db-wal", "queue.db-shm"],
        &["queue.db-wal"],
        &["queue.db-shm"],
    ];
    for names in deleted {
        let folder = folder();
        let device = open(folder.path(), Durability::PowerCut);
        device.record_samples(1, 20);
        let other = open(folder.path(), Durability::PowerCut);
        other.record_samples(2, 5);
        remove(folder.path(), names);
        drop(other);
        let recorder = Recorder::start(&mut command(RECORDER, &["some", "3", "10"], folder.path()));
        // The first is idle for a moment.
        std::thread::sleep(std::time::Duration::from_millis(700));
        device.record_samples(4, 5);
        assert_eq!(recorder.finish().len(), 10, "{names:?}");
        device.record_samples(5, 5);
        assert!(device.status().loss.is_none(), "{names:?}");
        drop(device);
        has(folder.path(), &[(1, 20), (2, 5), (3, 10), (4, 5), (5, 5)]);
    }
}

#[test]
fn another_process_is_refused_where_nobody_puts_back_what_was_exchanged() {
    let (folder, older, device) = open_with_an_older_copy(20);
    rename_over(older.path(), folder.path(), "queue.db");
    let refused = Command::new(RECORDER)
        .args(["list", queue(folder.path()).to_str().expect("text")])
        .output()
        .expect("it can be started");
    let words = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{words}");
    assert!(words.contains("another process has it open"), "{words}");
    device.record_samples(3, 5);
    drop(device);
    has(folder.path(), &[(1, 30), (5, 20), (2, 20), (3, 5)]);
}

#[test]
fn an_older_file_beside_the_log_that_a_killed_process_left_is_told() {
    for rename in [false, true] {
        let [folder, older] = [folder(), folder()];
        open(folder.path(), Durability::PowerCut).record_samples(1, 30);
        copy_over(folder.path(), older.path(), "queue.db");
        // What is folded into the file is in no log any more.
        open(folder.path(), Durability::PowerCut).record_samples(2, 20);
        let killed = Recorder::start(&mut command(
            RECORDER,
            &["trickle", "3", "10"],
            folder.path(),
        ));
        killed.kill_after(std::time::Duration::from_secs(1));
        if rename {
            rename_over(older.path(), folder.path(), "queue.db");
        } else {
            copy_over(older.path(), folder.path(), "queue.db");
        }
        let found = open(folder.path(), Durability::PowerCut);
        let loss = found.status().loss.expect("it is told");
        assert!(loss.uncertain || loss.lost >= 20, "{loss:?}");
        found.record_samples(4, 5);
        assert!(found.queued().len() >= 35);
    }
}

#[test]
fn where_there_is_no_folder_any_more_the_call_says_so_until_there_is() {
    let home = folder();
    let folder = home.path().join("app");
    fs::create_dir(&folder).expect("there is room");
    let device = open(&folder, Durability::PowerCut);
    device.record_samples(1, 20);
    fs::remove_dir_all(&folder).expect("it is there");
    for n in 0..2 {
        // What is refused is not there afterwards.
        let refused = device.collector.record(sample::text(9, n));
        let words = refused.expect_err("it would be lost").to_string();
        assert!(
            words.contains("deleted or replaced while it was open"),
            "{words}"
        );
    }
    fs::create_dir(&folder).expect("there is room");
    device.record_samples(2, 1);
    drop(device);
    has(&folder, &[(1, 20), (2, 1)]);
}

/// What a recorder says in a folder in which others may do everything, but for the rights that these modes leave:
/// of the folder itself, which has no name here, or of what is in it.
fn says(folder: &Path, modes: &[(&str, u32)], words: &[&str]) -> Vec<String> {
    let mode = |path: &Path, mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(path, mode).expect("it is ours");
    };
    let everything = || {
        mode(folder, 0o777);
        for entry in fs::read_dir(folder).expect("it is there") {
            mode(&entry.expect("it is there").path(), 0o666);
        }
    };
    everything();
    for (name, bits) in modes {
        mode(&folder.join(name), *bits);
    }
    // Where the tests run as root, who may do everything, the recorder runs as nobody.
    let program = folder.parent().expect("a home").join("recorder");
    let mut command = command(program.to_str().expect("text"), words, folder);
    if is_root(folder) {
        command.uid(65_534).gid(65_534);
    }
    let said = Recorder::start(&mut command).finish();
    everything();
    said
}

/// A home with a recorder that everybody can run, and a folder in it for the queue.
fn with_a_recorder() -> (TempDir, PathBuf) {
    let home = folder();
    fs::copy(RECORDER, home.path().join("recorder")).expect("there is room");
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let folder = home.path().join("app");
    fs::create_dir(&folder).expect("there is room");
    (home, folder)
}

fn is_root(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(folder).expect("it is there").uid() == 0
}

#[test]
fn permissions_that_are_taken_away_are_named_and_cost_nothing() {
    let (_home, folder) = with_a_recorder();
    open(&folder, Durability::PowerCut).record_samples(1, 20);

    for (name, mode) in [
        ("queue.db", 0o000),
        ("queue.db", 0o444),
        ("", 0o555),
        ("", 0o000),
    ] {
        let said = says(&folder, &[(name, mode)], &["some", "2", "1"]);
        assert!(
            said.len() == 1 && said[0].starts_with("refused") && said[0].contains("permission"),
            "{name} {mode:o}: {said:?}"
        );
    }
    let said = says(&folder, &[], &["some", "2", "1"]);
    assert_eq!(said, [sample::id(2, 0).to_string()]);
    has(&folder, &[(1, 20), (2, 1)]);
}

/// All that is in a folder, by its name.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("it is there");
    let names = entries.map(|entry| entry.expect("it is there").file_name());
    let names = names.map(|name| name.into_string().expect("text"));
    names
        .map(|name| {
            let bytes = fs::read(folder.join(&name)).expect("it is ours");
            (name, bytes)
        })
        .collect()
}

/// Refused by name, once and again, and not a byte in the folder is another one than before.
#[track_caller]
fn is_refused_and_untouched(folder: &Path, name: &str, mode: u32) {
    let before = contents(folder);
    for _ in 0..2 {
        let said = says(folder, &[(name, mode)], &["some", "2", "1"]);
        let expected = ["refused", name, "ermission denied", "check its permissions"];
        assert!(
            said.len() == 1 && expected.iter().all(|words| said[0].contains(words)),
            "{name} {mode:o}: {said:?}"
        );
        assert!(contents(folder) == before, "{name} {mode:o}");
    }
}

#[test]
fn what_stands_beside_the_queue_and_is_closed_to_us_is_not_taken_for_damaged() {
    let (_home, folder) = with_a_recorder();
    let elsewhere = self::folder();
    let device = open(elsewhere.path(), Durability::PowerCut);
    device.record_samples(1, 20);
    // As a kill leaves it.
    let left = ["queue.db", "queue.db-wal", "queue.db.ledger"];
    for missing in [&[][..], &["queue.db"], &["queue.db", "queue.db.ledger"]] {
        for name in left {
            let _ = fs::remove_file(folder.join(name));
        }
        for name in left.iter().filter(|name| !missing.contains(*name)) {
            fs::copy(elsewhere.path().join(name), folder.join(name)).expect("there is room");
        }
        for name in ["queue.db-wal", "queue.db.ledger"] {
            if !missing.contains(&name) {
                is_refused_and_untouched(&folder, name, 0o000);
                // Of what was recorded then nobody could tell that it is lost.
                is_refused_and_untouched(&folder, name, 0o444);
            }
        }
    }
    fs::copy(queue(elsewhere.path()), queue(&folder)).expect("there is room");
    let said = says(&folder, &[], &["some", "2", "1"]);
    assert_eq!(said, [sample::id(2, 0).to_string()]);
    has(&folder, &[(1, 20), (2, 1)]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_read_only_disk_is_named_and_costs_nothing() {
    let folder = folder();
    let some = |run: u32, count: u32| format!(r#"{RECORDER} some "$0/queue.db" {run} {count}"#);
    let script = format!(
        r#"{} && mount -o remount,ro "$0" && {} && mount -o remount,rw "$0" && {} && echo list && {RECORDER} list "$0/queue.db""#,
        some(1, 20),
        some(2, 1),
        some(3, 1),
    );
    let Some(mut command) = only_on_a_disk("size=9m", folder.path(), &script) else {
        return;
    };
    let said = Recorder::start(&mut command).finish();
    assert!(
        said[20].starts_with("refused") && said[20].contains("read-only"),
        "{}",
        said[20]
    );
    let list = said
        .iter()
        .position(|line| line == "list")
        .expect("it goes on");
    let mut expected: Vec<_> = (0..20).map(|n| sample::id(1, n)).collect();
    expected.push(sample::id(3, 0));
    assert_eq!(ids(&said[list + 1..]), expected);
}

/// What happens to a queue of somebody's before root opens it, or while.
type Harm = fn(&Path);

/// What root makes in the place of somebody's files, or beside them, is theirs: otherwise they could record no more.
/// Only root gives files away, so nothing is shown where the tests run as somebody else.
#[test]
fn what_root_puts_in_the_place_of_somebodys_files_is_theirs() {
    let overwrite: Harm = |folder| {
        let file = fs::File::options().write(true).open(queue(folder));
        let file = file.expect("it is there");
        std::os::unix::fs::FileExt::write_all_at(&file, &[0xa5; 200], 0).expect("there is room");
    };
    let empty: Harm = |folder| fs::write(queue(folder), "").expect("it is there");
    let without: Harm = |folder| remove(folder, &["queue.db"]);
    let alone: Harm = |folder| {
        remove(
            folder,
            &["queue.db.ledger", "queue.db.open", "queue.db.reserve"],
        );
    };
    for harm in [overwrite, empty, without, alone] {
        for is_open in [false, true] {
            let (_home, folder) = with_a_recorder();
            if !is_root(&folder) {
                return;
            }
            std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).expect("root may");
            assert_eq!(as_nobody(&folder, &["some", "1", "20"]).len(), 20);
            if is_open {
                let device = open(&folder, Durability::PowerCut);
                device.status();
                harm(&folder);
                // Where it meets damage it fails, and the next one makes that good.
                let _ = device.collector.record(sample::text(2, 0));
            } else {
                harm(&folder);
            }
            open(&folder, Durability::PowerCut).status();
            for (name, owner) in owners(&folder) {
                assert_eq!(owner, (NOBODY, NOBODY, 0o600), "{name}");
            }
            let said = as_nobody(&folder, &["some", "3", "1"]);
            assert_eq!(said, [sample::id(3, 0).to_string()]);
        }
    }
}

const NOBODY: u32 = 65_534;

/// What a recorder says that runs as nobody, in a folder as it is.
fn as_nobody(folder: &Path, words: &[&str]) -> Vec<String> {
    let program = folder.parent().expect("a home").join("recorder");
    let mut command = command(program.to_str().expect("text"), words, folder);
    Recorder::start(command.uid(NOBODY).gid(NOBODY)).finish()
}

/// Whose each file of a folder is, and who may use it.
fn owners(folder: &Path) -> BTreeMap<String, (u32, u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let entries = fs::read_dir(folder).expect("it is there");
    entries
        .map(|entry| {
            let entry = entry.expect("it is there");
            let found = entry.metadata().expect("it is there");
            let name = entry.file_name().into_string().expect("text");
            (name, (found.uid(), found.gid(), found.mode() & 0o777))
        })
        .collect()
}

/// Whoever may use a queue by its group may use what is made beside it, and what takes its place.
#[test]
fn what_takes_the_place_of_a_queue_of_a_group_is_the_groups() {
    let folder = folder();
    open(folder.path(), Durability::PowerCut).record_samples(1, 20);
    let mode = fs::Permissions::from_mode(0o660);
    fs::set_permissions(queue(folder.path()), mode).expect("it is ours");
    remove(
        folder.path(),
        &["queue.db.ledger", "queue.db.open", "queue.db.reserve"],
    );
    open(folder.path(), Durability::PowerCut).record_samples(2, 1);
    fs::write(queue(folder.path()), "").expect("it is ours");
    open(folder.path(), Durability::PowerCut).record_samples(3, 1);
    for (name, (_, _, mode)) in owners(folder.path()) {
        assert_eq!(mode, 0o660, "{name}");
    }
}
