//! A sync that is killed, interrupted or not alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Scenario, until};
use crate::device::{Device, Running, contents, number, sample};
use crate::http::{Response, Server};

pub const ALL: &[Scenario] = &[
    Scenario::slow("a_killed_sync_is_gone_on_with_soon_at_a_quick_lrs", || {
        is_gone_on_with(true, "KILL", Duration::from_secs(20));
    }),
    Scenario::slow(
        "an_interrupted_sync_is_gone_on_with_soon_at_a_quick_lrs",
        || {
            is_gone_on_with(true, "INT", Duration::from_secs(20));
        },
    ),
    Scenario::slow(
        "a_terminated_sync_is_gone_on_with_soon_at_a_quick_lrs",
        || {
            is_gone_on_with(true, "TERM", Duration::from_secs(20));
        },
    ),
    Scenario::slow("a_killed_sync_is_waited_out_at_an_unknown_lrs", || {
        is_gone_on_with(false, "KILL", Duration::from_mins(1));
    }),
    Scenario::slow(
        "an_interrupted_sync_is_waited_out_at_an_unknown_lrs",
        || {
            is_gone_on_with(false, "INT", Duration::from_mins(1));
        },
    ),
    Scenario::slow(
        "a_sync_killed_with_four_in_flight_doubles_nothing",
        killed_with_four_in_flight,
    ),
    Scenario::new(
        "a_sync_that_is_killed_before_it_sends_costs_no_wait",
        killed_before_it_sends,
    ),
    Scenario::new("one_syncs_at_a_time_and_both_record", one_syncs_at_a_time),
    Scenario::new(
        "a_sync_goes_on_after_it_has_put_back_its_files",
        goes_on_after_putting_back,
    ),
    Scenario::slow(
        "killed_again_and_again_each_is_there_once",
        killed_again_and_again,
    ),
];

/// The LRS has a request when the sync ends by a signal, and stores it some seconds later; it has no
/// unique key. `known` is whether it has answered before, quickly.
fn is_gone_on_with(known: bool, signal: &str, within: Duration) {
    let works = Duration::from_secs(if known { 4 } else { 20 });
    let slow = Arc::new(AtomicUsize::new(usize::MAX));
    let server = Server::start({
        let slow = slow.clone();
        move |request, lrs| {
            if lrs.posts() == slow.load(Ordering::Relaxed) {
                return lrs.without_key(request, works);
            }
            lrs.without_key(request, Duration::from_millis(50))
        }
    });
    let device = Device::new();
    if known {
        device.record((1000..1200).map(sample));
        device.sync(&server).ended(0);
    }
    device.record((0..40).map(sample));
    let at = server.lrs.posts() + 1;
    slow.store(at, Ordering::Relaxed);
    let sync = device.start(&["sync", "--lrs", &server.url()]);
    until(|| server.lrs.posts() >= at);
    std::thread::sleep(Duration::from_millis(300));
    let killed = Instant::now();
    sync.signal(signal);
    let ran = sync.wait();
    assert!(killed.elapsed() < Duration::from_secs(2), "{ran}");
    // An end in good order says how things stand: not all is delivered yet.
    let ends = if signal == "KILL" { None } else { Some(4) };
    assert_eq!(ran.code, ends, "{ran}");
    let status = device.status();
    assert_eq!(status["waiting_for"], "outcome_unknown", "{status}");
    assert!(!status["waiting_until"].is_null(), "{status}");
    let next = device.sync(&server).last();
    assert_ne!(next["ended"], "busy", "{next}");
    assert_eq!(
        server.lrs.posts(),
        at,
        "it is sent again while it may be at work"
    );
    let ran = device.sync_wait(&server, 120);
    let took = killed.elapsed();
    std::thread::sleep((killed + works).saturating_duration_since(Instant::now()));
    device.all_delivered(&server);
    ran.ended(0);
    assert!(took < within, "it took {took:?}");
}

/// It asks for `/about` when it is killed: no statement has left.
fn killed_before_it_sends() {
    let server = Server::start(|request, lrs| {
        if request.is_about() && lrs.seen().len() == 1 {
            std::thread::sleep(Duration::from_secs(3));
        }
        lrs.plain(request)
    });
    let device = Device::with(10);
    let sync = device.start(&["sync", "--lrs", &server.url()]);
    until(|| !server.lrs.seen().is_empty());
    sync.signal("KILL");
    sync.wait();
    assert_eq!(server.lrs.posts(), 0);
    device.sync_wait(&server, 5).ended(0);
    device.all_delivered(&server);
}

fn one_syncs_at_a_time() {
    let server = Server::start(|request, lrs| {
        if request.is_post() {
            std::thread::sleep(Duration::from_secs(2));
        }
        lrs.plain(request)
    });
    let device = Device::with(60);
    let one = device.start(&["sync", "--lrs", &server.url()]);
    until(|| server.lrs.posts() > 0);
    let other = device.sync(&server).ended(4);
    assert_eq!(other.last()["ended"], "busy", "{other}");
    device.record((100..110).map(sample));
    one.wait();
    device.sync(&server).ended(0);
    device.all_delivered(&server);
}

/// Files of the queue are deleted, and it is recorded at once, while a sync waits as the LRS asks.
fn goes_on_after_putting_back() {
    let left: [&[&str]; 3] = [&[], &["-wal", "-shm", ".ledger"], &[".ledger"]];
    for left in left {
        let server = Server::start(|request, lrs| {
            if request.is_post() && lrs.posts() == 1 {
                return Response::status(503).by_an_lrs().with("Retry-After", "3");
            }
            lrs.plain(request)
        });
        let device = Device::with(120);
        let sync = device.start(&["sync", "--lrs", &server.url(), "--wait", "60"]);
        until(|| server.lrs.posts() > 0);
        let names = contents(device.folder()).into_keys();
        for name in names.filter(|name| !left.iter().any(|suffix| name.ends_with(suffix))) {
            std::fs::remove_file(device.folder().join(name)).expect("it is deleted");
        }
        device.record((200..210).map(sample));
        sync.wait_for(Duration::from_mins(1)).ended(0);
        device.all_delivered(&server);
        assert_eq!(device.status()["loss"], serde_json::Value::Null);
    }
}

/// An LRS with no unique key, which finishes what it has begun.
fn killed_again_and_again() {
    let server = Server::start(|request, lrs| lrs.without_key(request, Duration::from_millis(400)));
    let device = Device::with(150);
    for round in 0..3_u64 {
        let posts = server.lrs.posts();
        let sync: Running = device.start(&["sync", "--lrs", &server.url(), "--wait", "60"]);
        until(|| server.lrs.posts() > posts || device.status()["queued"] == 0);
        std::thread::sleep(Duration::from_millis(150 * round));
        sync.signal("KILL");
        sync.wait();
    }
    device.drain(&server, Duration::from_secs(100)).ended(0);
    std::thread::sleep(Duration::from_millis(500));
    device.all_delivered(&server);
    assert_eq!(number(&device.status()["delivered"]), 150);
}

/// Four requests are at work at an LRS without a unique key when the sync is killed.
fn killed_with_four_in_flight() {
    let slow = Arc::new(AtomicUsize::new(usize::MAX));
    let server = Server::start({
        let slow = slow.clone();
        move |request, lrs| {
            let works = if lrs.posts() > slow.load(Ordering::Relaxed) {
                5000
            } else {
                30
            };
            lrs.without_key(request, Duration::from_millis(works))
        }
    });
    let device = Device::with(800);
    slow.store(8, Ordering::Relaxed);
    let sync = device.start(&["sync", "--lrs", &server.url(), "--in-flight", "4"]);
    until(|| server.lrs.posts() >= 11);
    sync.signal("KILL");
    sync.wait();
    let killed = Instant::now();
    slow.store(usize::MAX, Ordering::Relaxed);
    device.drain(&server, Duration::from_mins(2)).ended(0);
    std::thread::sleep((killed + Duration::from_secs(6)).saturating_duration_since(Instant::now()));
    device.all_delivered(&server);
}
