//! Clocks that are wrong, and that jump.

use super::device::{Device, START};
use super::lrs::{Fault, answer};
use crate::lrs::{Method, Response, TransportError};
use crate::store::{Millis, Page, UpstreamId, WaitReason};
use crate::sync::{Ended, Step};

const MONTH: i64 = 30 * 86_400_000;

#[test]
fn what_lies_in_the_lrss_future_is_sent_all_the_same() {
    // An LRS should not refuse it (Data 2.4.7), and one whose clock is a month behind would get nothing.
    for (ahead, timestamp) in [
        (0, START + 3_600_000),
        (-MONTH, START),
        (-MONTH, START + MONTH),
    ] {
        let mut device = Device::new();
        device.lrs.ahead = ahead;
        device.record_one(1, "", timestamp);
        assert_eq!(device.sync(), Ended::Emptied);
        assert_eq!(device.delivered(), 1);
    }
}

#[test]
fn what_an_lrs_refuses_for_its_timestamp_waits_for_its_time_and_no_longer_than_a_day() {
    for (ahead, timestamp, waits) in [
        (0, START + 3_600_000, 3_600_000),
        (-MONTH, START, 24 * 3_600_000),
        (-3_600_000, START, 3_600_000),
    ] {
        let mut device = Device::new();
        device.lrs.ahead = ahead;
        let early = device.record_one(1, "", timestamp);
        device.record_one(2, "", START - MONTH - 1_000);
        device.lrs.dislikes.insert(early, 400);
        assert_eq!(device.sync(), Ended::Emptied);
        device.record_one(3, "", START - MONTH - 1_000);
        device.now = device.db.next_due(UpstreamId::MAIN).unwrap().unwrap();
        assert_eq!(device.sync(), Ended::Emptied);
        let waiting = device
            .db
            .waiting(UpstreamId::MAIN, Page::default())
            .unwrap();
        assert_eq!(waiting[0].reason, WaitReason::Future);
        let until = waiting[0].until.unwrap();
        assert!(
            (START..=START + 60_000).contains(&(until - waits)),
            "{}",
            until - START
        );
        // Its clock was put right meanwhile, or the time has come.
        device.lrs.dislikes.clear();
        device.sync_to_the_last();
        assert_eq!(device.delivered(), 3);
    }
}

#[test]
fn many_that_lie_in_the_lrss_future_are_left_alone_until_their_time_has_come() {
    const DAY: i64 = 86_400_000;
    let mut device = Device::new();
    device.lrs.ahead = -DAY;
    let early: Vec<_> = (1..=60)
        .map(|n| device.record_one(n, "", START).to_string())
        .collect();
    device.lrs.instead = Box::new(move |request, now| {
        let body = String::from_utf8_lossy(request.body_bytes().unwrap_or_default());
        let too_early = now < START + DAY && early.iter().any(|id| body.contains(id));
        too_early.then(|| answer(400, &[], "timestamp".into()))
    });
    // Somebody goes on, with the clock put right.
    device.record_one(61, "", START - MONTH);
    device.go_on_for(20 * 60_000);
    assert_eq!(device.delivered(), 1);
    let page = Page {
        after: 0,
        limit: 100,
    };
    let waiting = device.db.waiting(UpstreamId::MAIN, page).unwrap();
    assert_eq!(waiting.len(), 60);
    assert!(waiting.iter().all(|one| one.reason == WaitReason::Future));
    device.go_on_for(2 * DAY);
    assert_eq!((device.delivered(), device.held()), (61, vec![]));
}

#[test]
fn what_was_refused_before_its_time_is_not_held_once_that_has_come() {
    // The LRS's clock is 90 s behind, and it refuses what lies in its future.
    let mut device = Device::new();
    device.lrs.ahead = -90_000;
    let early = device.record_one(1, "", START);
    let other = device.record_one(2, "", START);
    device.lrs.dislikes.extend([(early, 400), (other, 400)]);
    device.record_one(3, "", START - MONTH);
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 1);
    // Once more both are refused too early, and another one is taken. When the LRS is asked whether it
    // takes us for who we are, the answer comes late.
    device.now = START + 60_000;
    device.record_one(4, "", START - MONTH);
    let mut session = device.session();
    let mut posts = 0;
    while let Step::Send { ticket, request } = session.next(&mut device.db, device.now).unwrap() {
        posts += usize::from(request.body.is_some());
        let outcome = device.lrs.perform(&request, device.now);
        device.now += 20;
        if posts >= 3 && request.body.is_none() {
            // By then their time has come.
            device.now = START + 95_000;
            device.lrs.dislikes.clear();
        }
        session
            .answered(&mut device.db, ticket, outcome, device.now)
            .unwrap();
    }
    assert!(posts >= 3 && device.now >= START + 95_000);
    assert_eq!(device.held(), []);
    device.sync_to_the_last();
    assert_eq!(device.delivered(), 4);
}

#[test]
fn no_jump_of_the_clock_stops_the_sync() {
    for jump in [
        -40 * 365 * 24 * 3_600_000_i64,
        -86_400_000,
        -1_000,
        86_400_000,
        10 * 365 * 24 * 3_600_000,
    ] {
        let mut device = Device::new();
        device.record(5);
        let broken = || Fault::Fail(TransportError::Broken("reset".into()));
        device.lrs.faults.extend([Fault::None, broken()]);
        let Ended::Waiting { until, .. } = device.sync() else {
            panic!("no wait")
        };
        device.now = until + jump;
        device.lrs.ahead = -jump;
        device.sync_all();
        assert_eq!(device.delivered(), 5, "{jump}");
        assert!(device.held().is_empty());
    }
}

#[test]
fn what_is_waited_for_ends_when_it_would_have_ended_whatever_the_clock_is_set_to() {
    const HOUR: i64 = 60 * 60 * 1000;
    let busy = || Fault::Response(503, vec![("Retry-After", "600".into())], "");
    let lost = || Fault::Fail(TransportError::Broken("reset".into()));
    for fault in [busy as fn() -> Fault, lost] {
        for set_by in [0, 2 * HOUR, -2 * HOUR, 400 * 24 * HOUR, -START] {
            let mut device = Device::new();
            device.booted_at = Some(START - 60_000);
            device.by_hand = true;
            device.record(1);
            device.lrs.faults.extend([Fault::None, fault()]);
            let Ended::Waiting { until, .. } = device.sync() else {
                panic!("it has to wait");
            };
            let wait = until - device.now;
            device.set_the_clock(set_by);
            // Another process, a little later, and just before the end.
            for pause in [wait / 3, wait / 3, wait / 3 - 100] {
                device.restart();
                device.now += pause;
                let before = device.lrs.requests;
                assert!(matches!(device.sync(), Ended::Waiting { .. }), "{set_by}");
                assert_eq!(device.lrs.requests, before, "{set_by}");
            }
            device.restart();
            device.now += 1_000;
            assert_eq!(device.sync(), Ended::Emptied, "{set_by}");
            assert_eq!(device.delivered(), 1);
        }
    }
}

/// The first three batches are lost behind a page. Then it is synced once a day.
fn days_until_all_is_there(behind: Option<Millis>) -> u32 {
    let mut device = Device::new();
    device.record(30);
    device.lrs.behind = behind;
    let mut posts = 0;
    device.lrs.instead = Box::new(move |request, _| {
        let is_post = request.method == Method::Post;
        posts += u32::from(is_post);
        let page = Response {
            headers: Vec::new(),
            ..answer(504, &[], "<html>".to_owned())
        };
        (is_post && posts <= 3).then_some(page)
    });
    for day in 1..100 {
        device.sync();
        if device.delivered() == 30 {
            return day;
        }
        device.now += 24 * 60 * 60 * 1000;
    }
    panic!("it never is: {behind:?}");
}

#[test]
fn an_lrs_that_shows_things_later_is_believed_about_what_was_sent_long_before() {
    let without = days_until_all_is_there(None);
    for behind in [0, 2_000, 120_000, 5_400_000, 100 * 24 * 60 * 60 * 1000] {
        let days = days_until_all_is_there(Some(behind));
        assert_eq!(days, without, "{behind} ms behind");
    }
}

#[test]
fn what_an_lrs_may_not_show_yet_is_not_sent_again() {
    for behind in [5_000, 600_000, 5_400_000] {
        let mut device = Device::new();
        device.record(5);
        device.lrs.behind = Some(behind);
        let begun = device.now;
        let mut sent = Vec::new();
        device.lrs.instead = Box::new(move |request, now| {
            if request.method == Method::Post {
                let body = String::from_utf8_lossy(request.body_bytes().unwrap()).into_owned();
                for n in 1..=5 {
                    if body.contains(&format!("http://example.com/{n}\"")) {
                        let after = (now - begun) / 1_000;
                        assert!(
                            !sent.contains(&n),
                            "{behind} ms behind: {n} after {after} s"
                        );
                        sent.push(n);
                    }
                }
                let lost = Response {
                    headers: Vec::new(),
                    ..answer(504, &[], "<html>".to_owned())
                };
                return Some(lost);
            }
            // It has stored them, and its index is behind.
            (request.url.contains("statementId") && now - begun < behind)
                .then(|| answer(404, &[], String::new()))
        });
        device.go_on_for(behind - 1_000);
    }
}
