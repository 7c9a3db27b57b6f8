//! Which file is a queue, and which is not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::{Scenario, until};
use crate::device::{Device, Ran, contents, lines, number, sample};
use crate::http::{Response, Server};

pub const ALL: &[Scenario] = &[
    Scenario::new("looking_at_a_mistyped_queue_makes_none", looking_makes_none),
    Scenario::new("a_text_file_is_no_queue_and_stays_as_it_is", || {
        stays_as_it_is(b"Dear diary,\nthis is no queue.\n".repeat(200));
    }),
    Scenario::new("an_export_is_no_queue_and_stays_as_it_is", || {
        stays_as_it_is(lines(&[sample(0), sample(1)]));
    }),
    Scenario::new("a_picture_is_no_queue_and_stays_as_it_is", || {
        stays_as_it_is([b"\x89PNG\r\n\x1a\n", &[7; 9000][..]].concat());
    }),
    Scenario::new("a_short_note_is_no_queue_and_stays_as_it_is", || {
        stays_as_it_is(b"x".to_vec());
    }),
    Scenario::new(
        "what_record_took_is_on_a_disk_whatever_the_name",
        on_a_disk_whatever_the_name,
    ),
    Scenario::new("a_queue_is_nobody_elses_to_read", nobody_elses_to_read),
    Scenario::new("a_queue_is_named_by_a_relative_path", a_relative_path),
    Scenario::new(
        "a_queue_pulled_by_cable_is_delivered_once",
        a_queue_pulled_by_cable,
    ),
    Scenario::new(
        "a_queue_pulled_by_cable_is_delivered_once_where_a_409_meets_all",
        where_a_409_meets_all,
    ),
    Scenario::slow(
        "a_newer_pull_is_copied_over_one_that_is_being_delivered",
        || pulled_again(&["", ".ledger"]),
    ),
    Scenario::slow(
        "a_newer_pull_without_its_ledger_is_copied_over_one_that_is_being_delivered",
        || pulled_again(&[""]),
    ),
    Scenario::new(
        "eight_processes_record_at_once",
        eight_processes_record_at_once,
    ),
    Scenario::new("a_folder_is_no_queue", a_folder_is_no_queue),
    Scenario::new("a_queue_with_two_names_is_refused_by_both", two_names),
    Scenario::new("what_a_link_beside_a_queue_leads_to_stays_as_it_is", || {
        beside_a_queue_stays(|theirs, beside| {
            std::os::unix::fs::symlink(theirs, beside).expect("a link");
        });
    }),
    Scenario::new(
        "a_file_with_a_second_name_beside_a_queue_stays_as_it_is",
        || {
            beside_a_queue_stays(|theirs, beside| {
                fs::hard_link(theirs, beside).expect("a second name");
            });
        },
    ),
    Scenario::new(
        "a_table_with_the_name_of_what_stands_beside_a_queue_stays_as_it_is",
        || {
            beside_a_queue_stays(|theirs, beside| {
                fs::copy(theirs, beside).expect("a copy");
            });
        },
    ),
];

const LOOKS: [&[&str]; 4] = [&["status"], &["queue"], &["history"], &["held", "list"]];

fn run_on(device: &Device, queue: &str, args: &[&str]) -> Ran {
    let mut command = device.command(args);
    command.env("PANNIER_QUEUE", queue).arg("--json");
    Device::run_it(command)
}

fn looking_makes_none() {
    let server = Server::good();
    let device = Device::new();
    let queue = device.folder().join("mistyped.db");
    let queue = queue.to_string_lossy();
    for args in LOOKS {
        run_on(&device, &queue, args).ended(3);
    }
    run_on(&device, &queue, &["sync", "--lrs", &server.url()]).ended(3);
    assert!(
        contents(device.folder()).is_empty(),
        "{:?}",
        contents(device.folder()).keys()
    );
}

fn stays_as_it_is(bytes: Vec<u8>) {
    let server = Server::good();
    let device = Device::new();
    let file = device.file("victim.jsonl", bytes);
    let input = Device::new();
    let one = input.file("one.json", sample(0).to_string());
    let before = contents(device.folder());
    for args in LOOKS {
        run_on(&device, &file, args).ended(3);
        assert!(contents(device.folder()) == before, "{args:?} touched it");
    }
    run_on(&device, &file, &["sync", "--lrs", &server.url()]).ended(3);
    run_on(&device, &file, &["record", &one]).ended(3);
    assert!(contents(device.folder()) == before, "it was touched");
}

/// Either it is refused, or the next process finds it.
fn on_a_disk_whatever_the_name() {
    for name in [
        ":memory:",
        "file::memory:",
        "file:queue.db?mode=memory",
        "file:queue.db?mode=memory&cache=shared",
        "file:queue.db",
        "",
        " ",
        "-q.db",
        "ü/queue.db",
        "%41.db",
        "queue.db?mode=ro",
        "queue.db#1",
    ] {
        let device = Device::new();
        fs::create_dir(device.folder().join("ü")).expect("a folder");
        let one = device.file("one.json", sample(0).to_string());
        let ran = run_on(&device, name, &["record", &one]);
        if ["ü/queue.db", "%41.db", "queue.db#1"].contains(&name) {
            // Names of files like any other.
            assert_eq!(ran.code, Some(0), "{name:?}: {ran}");
            assert!(device.folder().join(name).is_file(), "{name:?}");
        }
        if ran.code == Some(0) {
            let status = run_on(&device, name, &["status"]).ended(0).last();
            assert_eq!(number(&status["queued"]), 1, "{name:?}: {status}");
        }
        let queue = device.folder().join(name);
        if name.starts_with("file:") && ran.code == Some(0) {
            assert!(queue.is_file(), "{name:?} is a file's name");
        }
    }
}

/// Also while it is in use, when there are a log and shared memory beside it.
fn nobody_elses_to_read() {
    let server = Server::start(|request, lrs| {
        if request.is_post() {
            std::thread::sleep(Duration::from_secs(2));
        }
        lrs.plain(request)
    });
    let device = Device::with(3);
    let sync = device.start(&["sync", "--lrs", &server.url()]);
    until(|| server.lrs.posts() > 0);
    let files = contents(device.folder());
    for name in files.keys() {
        let path = device.folder().join(name);
        let mode = fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{name} is {mode:o}");
    }
    assert!(files.len() > 1, "a log is beside it: {:?}", files.keys());
    sync.wait().ended(0);
}

fn a_relative_path() {
    let device = Device::new();
    let one = device.file("one.json", sample(0).to_string());
    fs::create_dir(device.folder().join("there")).expect("a folder");
    run_on(&device, "there/../field.db", &["record", &one]).ended(0);
    let status = run_on(&device, "field.db", &["status"]).ended(0).last();
    assert_eq!(number(&status["queued"]), 1);
    assert!(device.folder().join("field.db").is_file());
}

/// As `docs/command.md` says: the queue, and what is kept beside it.
fn pull(from: &Device, to: &Device) {
    copy(from, to, &["", ".ledger"]);
}

fn copy(from: &Device, to: &Device, files: &[&str]) {
    for beside in files {
        let (from, to) = (from.queue(), to.queue());
        let name = |queue: &Path| PathBuf::from(format!("{}{beside}", queue.display()));
        fs::copy(name(from), name(to)).expect("it can be copied");
    }
}

/// A headset never sees a network; a laptop delivers a copy of its queue. Later the headset does see
/// one and delivers, too.
fn a_queue_pulled_by_cable() {
    let server = Server::good();
    let headset = Device::with(120);
    let laptop = Device::new();
    pull(&headset, &laptop);
    laptop.sync(&server).ended(0);
    assert_eq!(headset.stored_right(&server), 120);
    headset.record((200..210).map(sample));
    headset.sync_wait(&server, 10).ended(0);
    headset.all_delivered(&server);
}

/// The laptop waits for an LRS that is busy when somebody copies the headset's queue over the one that it has open.
fn pulled_again(files: &[&str]) {
    let is_busy = Arc::new(AtomicBool::new(true));
    let server = Server::start({
        let is_busy = is_busy.clone();
        move |request, lrs| {
            if request.is_post() && is_busy.load(Ordering::Relaxed) {
                return Response::json(503, &json!({"error": "busy"})).with("Retry-After", "3");
            }
            lrs.plain(request)
        }
    });
    let headset = Device::with(30);
    let laptop = Device::new();
    pull(&headset, &laptop);
    let sync = laptop.start(&["sync", "--lrs", &server.url(), "--wait", "100"]);
    until(|| server.lrs.posts() > 0);
    headset.record((100..400).map(sample));
    copy(&headset, &laptop, files);
    is_busy.store(false, Ordering::Relaxed);
    sync.wait();
    laptop.drain(&server, Duration::from_mins(1));
    assert_eq!(headset.stored_right(&server), 330);
}

/// The LRS refuses a whole batch for any id that it knows.
fn where_a_409_meets_all() {
    let server = Server::start(|request, lrs| {
        if request.is_post() && request.ids().iter().any(|id| lrs.has(id)) {
            return Response::json(409, &json!({"error": "known"})).by_an_lrs();
        }
        lrs.plain(request)
    });
    let headset = Device::with(30);
    let laptop = Device::new();
    pull(&headset, &laptop);
    laptop.sync(&server).ended(0);
    headset.record((200..205).map(sample));
    headset.drain(&server, Duration::from_mins(1)).ended(0);
    headset.all_delivered(&server);
}

fn eight_processes_record_at_once() {
    let server = Server::good();
    let device = Device::new();
    std::thread::scope(|scope| {
        for process in 0..8 {
            let device = &device;
            scope.spawn(move || device.record((process * 10..process * 10 + 10).map(sample)));
        }
    });
    device.sync(&server).ended(0);
    assert_eq!(device.ids().len(), 80);
    device.all_delivered(&server);
}

fn a_folder_is_no_queue() {
    let device = Device::new();
    let folder = device.folder().join("folder");
    fs::create_dir(&folder).expect("a folder");
    let one = device.file("one.json", sample(0).to_string());
    let name = folder.to_string_lossy();
    run_on(&device, &name, &["record", &one]).ended(3);
    for args in LOOKS {
        run_on(&device, &name, args).ended(3);
    }
    assert!(contents(&folder).is_empty());
}

/// Its log stands beside one name alone.
fn two_names() {
    let server = Server::good();
    let device = Device::with(5);
    let one = device.file("one.json", sample(7).to_string());
    let other = device.folder().join("other.db");
    fs::hard_link(device.queue(), &other).expect("a second name");
    run_on(&device, &other.to_string_lossy(), &["record", &one]).ended(3);
    device.run(&["record", &one]).ended(3);
    fs::remove_file(&other).expect("it is there");
    device.record([sample(7)]);
    device.sync(&server).ended(0);
    assert_eq!(device.stored_right(&server), 6);
}

/// Whatever is put there of somebody's, before there is a queue, is refused by its name until it is moved away.
fn beside_a_queue_stays(put: impl Fn(&Path, &Path)) {
    let server = Server::good();
    for suffix in [".open", ".ledger", ".reserve", "-wal", "-shm", "-journal"] {
        let device = Device::new();
        device.file("table.csv", b"2026-01-01,opening balance\n".repeat(400));
        let one = device.file("one.json", sample(0).to_string());
        let beside = PathBuf::from(format!("{}{suffix}", device.queue().display()));
        put(&device.folder().join("table.csv"), &beside);
        let before = contents(device.folder());
        let looks = LOOKS.iter().copied();
        for args in looks.chain([
            &["record", one.as_str()][..],
            &["sync", "--lrs", &server.url()],
        ]) {
            let ran = device.run(args);
            ran.ended(3);
            assert!(
                contents(device.folder()) == before,
                "{suffix}: {args:?} touched it"
            );
        }
        fs::remove_file(&beside).expect("it is there");
        device.record([sample(0)]);
        device.sync(&server).ended(0);
    }
}
