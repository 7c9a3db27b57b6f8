//! Files that a bad disk has changed. What was lost is told, what is whole is delivered, and nothing is
//! delivered that was never recorded.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::{Scenario, until};
use crate::device::{Device, id, number, sample};
use crate::http::Server;

pub const ALL: &[Scenario] = &[
    Scenario::new("a_zeroed_page_costs_what_is_on_it_and_is_told", || {
        goes_on(300, 296, |file| zero_leaf(file, 0));
    }),
    Scenario::new(
        "eight_zeroed_kilobytes_cost_what_is_on_them_and_are_told",
        || {
            goes_on(300, 270, |file| {
                let at = leaf(file, 20) * page_size(file);
                file[at..][..8192].fill(0);
            });
        },
    ),
    Scenario::new("a_zeroed_first_page_costs_little", || {
        goes_on(300, 290, |file| zero(file, 0));
    }),
    Scenario::new("a_zeroed_third_page_costs_little", || {
        goes_on(300, 290, |file| zero(file, 2));
    }),
    Scenario::new("a_zeroed_eleventh_page_costs_little", || {
        goes_on(300, 290, |file| zero(file, 10));
    }),
    Scenario::new("a_zeroed_fourteenth_page_costs_little", || {
        goes_on(300, 290, |file| zero(file, 13));
    }),
    Scenario::new("a_file_cut_to_80_percent_costs_what_was_cut", || {
        goes_on(300, 200, |file| file.truncate(file.len() * 4 / 5));
    }),
    Scenario::new("a_page_copied_over_another_ends_nowhere_in_circles", || {
        goes_on(300, 290, |file| {
            let (from, to, size) = (leaf(file, 1), leaf(file, 3), page_size(file));
            let page = file[from * size..][..size].to_vec();
            file[to * size..][..size].copy_from_slice(&page);
        });
    }),
    Scenario::new("a_file_cut_to_nothing_is_not_new", || {
        goes_on(20, 0, Vec::clear);
    }),
    Scenario::new("a_file_cut_to_a_byte_is_not_new", || {
        goes_on(20, 0, |file| file.truncate(1));
    }),
    Scenario::new(
        "a_flipped_bit_in_a_statement_is_never_sent",
        a_flipped_bit_is_never_sent,
    ),
    Scenario::new("a_missing_log_is_told", || {
        a_log_is(|path| fs::remove_file(path).expect("it is there"));
    }),
    Scenario::new("a_zeroed_log_is_told", || {
        a_log_is(|path| {
            let length = fs::metadata(path).expect("it is there").len() as usize;
            fs::write(path, vec![0; length]).expect("it can be written");
        });
    }),
    Scenario::new(
        "a_loss_is_told_until_it_is_acknowledged",
        told_until_acknowledged,
    ),
];

/// As SQLite's file format has it: two bytes, 16 after the beginning.
fn page_size(file: &[u8]) -> usize {
    match u16::from_be_bytes([file[16], file[17]]) {
        1 => 65536,
        size => usize::from(size),
    }
}

/// The `n`th page, counted from 0, that has whole statements on it.
fn leaf(file: &[u8], n: usize) -> usize {
    let size = page_size(file);
    let mut pages = (0..file.len() / size).filter(|page| {
        let page = &file[page * size..][..size];
        let needle = b"https://quiz.example.com/questions/";
        page.windows(needle.len())
            .filter(|part| part == needle)
            .count()
            > 0
    });
    pages
        .nth(n)
        .expect("there are enough pages with statements")
}

fn zero(file: &mut [u8], page: usize) {
    let size = page_size(file);
    file[page * size..][..size].fill(0);
}

fn zero_leaf(file: &mut [u8], n: usize) {
    zero(file, leaf(file, n));
}

/// Whether a status tells of a loss.
fn tells(status: &Value) -> bool {
    let loss = &status["loss"];
    !loss.is_null() && *loss != Value::Bool(false)
}

/// Damages a queue of so many; at least so many are delivered all the same, and the rest is told.
fn goes_on(count: usize, least: usize, damage: impl FnOnce(&mut Vec<u8>)) {
    let server = Server::good();
    let device = Device::with(count);
    let mut bytes = fs::read(device.queue()).expect("it is there");
    damage(&mut bytes);
    fs::write(device.queue(), &bytes).expect("it can be written");
    // The command that meets the damage may fail and ask to be called again.
    for _ in 0..3 {
        device.sync(&server);
    }
    let listed = device.run(&["queue"]).lines().len();
    assert!(listed <= count, "{listed} are listed");
    let stored = device.stored_right(&server);
    assert!(stored >= least, "{stored} of {count} are delivered");
    // What is gone is told and is a failure; damage that cost nothing is told.
    let ran = device.run(&["status"]);
    let lost = ran.last()["loss"]["lost"].as_u64().unwrap_or(0);
    let ran = ran.ended(if lost > 0 { 5 } else { 0 });
    assert!(
        stored == count || lost > 0,
        "{} of {count} are gone without a word: {ran}",
        count - stored
    );
    // It is a queue again.
    device.record([sample(5000)]);
    device.sync(&server);
    assert_eq!(device.stored_right(&server), stored + 1);
}

/// Another address, and still well-formed JSON: `user30@fxample.com`.
fn a_flipped_bit_is_never_sent() {
    let server = Server::good();
    let device = Device::with(40);
    let mut bytes = fs::read(device.queue()).expect("it is there");
    let needle = b"learner3@example.com";
    let at = bytes.windows(needle.len()).position(|part| part == needle);
    bytes[at.expect("the file holds the statements' bytes") + 9] ^= 3;
    fs::write(device.queue(), &bytes).expect("it can be written");
    let mut codes = Vec::new();
    for _ in 0..2 {
        codes.push(device.sync(&server).code);
    }
    // Panics if one was sent otherwise than it was recorded.
    assert_eq!(device.stored_right(&server), 39);
    let status = device.status();
    assert!(
        tells(&status) || number(&status["held"]) == 1,
        "nobody is told: {codes:?} {status}"
    );
}

/// A process is killed and leaves a log beside the queue, in which there are statements. They are all
/// there, or their loss is told, and the queue goes on.
fn a_log_is(damaged: impl FnOnce(&std::path::Path)) {
    let server = Server::start(|request, lrs| {
        if request.is_post() && lrs.posts() == 1 {
            std::thread::sleep(Duration::from_secs(2));
        }
        lrs.plain(request)
    });
    let device = Device::with(5);
    let sync = device.start(&["sync", "--lrs", &server.url()]);
    until(|| server.lrs.posts() > 0);
    // The one that syncs has the file open, so what this one records stays in the log.
    device.record((100..130).map(sample));
    sync.signal("KILL");
    sync.wait();
    let mut log = device.queue().as_os_str().to_owned();
    log.push("-wal");
    damaged(std::path::Path::new(&log));
    let ran = device.run(&["status"]);
    let status = ran.last();
    let there = number(&status["recorded"]);
    if there == 35 {
        ran.ended(0);
    } else {
        assert!(tells(&status), "30 are gone without a word: {ran}");
        ran.ended(5);
    }
    let again = device.run(&["status"]);
    assert!(there == 35 || tells(&again.last()), "{again}");
    // It is a queue again, and what is left of it is delivered once each.
    device.record([sample(5000)]);
    device.sync_wait(&server, 120);
    assert_eq!(device.stored_right(&server) as u64, there + 1);
    assert!(server.lrs.has(&id(5000)));
}

fn told_until_acknowledged() {
    let server = Server::good();
    let device = Device::with(300);
    let mut bytes = fs::read(device.queue()).expect("it is there");
    zero_leaf(&mut bytes, 2);
    fs::write(device.queue(), &bytes).expect("it can be written");
    for _ in 0..3 {
        device.sync(&server);
    }
    assert!(device.stored_right(&server) < 300);
    for _ in 0..3 {
        let ran = device.run(&["status"]).ended(5);
        assert!(tells(&ran.last()), "{ran}");
    }
    device.run(&["status", "--acknowledge"]).ended(0);
    let ran = device.run(&["status"]).ended(0);
    assert!(!tells(&ran.last()), "{ran}");
}
