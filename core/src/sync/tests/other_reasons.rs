//! Refusals for what no statement says: limits, quotas, nodes of several. And one node that says it stored them.

use super::device::{Device, START};
use super::lrs::{Fault, Instead, OnKnown, answer};
use crate::lrs::{Method, Request, Response};
use crate::store::{HoldReason, Millis, UpstreamId, WaitKind};
use crate::sync::Ended;

fn statements(request: &Request) -> usize {
    let body: serde_json::Value =
        serde_json::from_slice(request.body_bytes().unwrap_or_default()).unwrap_or_default();
    body.as_array().map_or(1, Vec::len)
}

/// An LRS that takes so many statements in each window of this length, and then answers a POST like that.
fn limited(to: usize, each: Millis, told: impl Fn(Millis) -> Response + 'static) -> Instead {
    let (mut window, mut taken) = (0, 0);
    Box::new(move |request, now| {
        if request.method != Method::Post {
            return None;
        }
        if now / each != window {
            (window, taken) = (now / each, 0);
        }
        let has_room = taken + statements(request) <= to;
        taken += if has_room { statements(request) } else { 0 };
        (!has_room).then(|| told(now))
    })
}

const HOUR: Millis = 3_600_000;

#[test]
fn a_limit_that_is_told_as_a_refusal_holds_nothing() {
    for status in [400, 402, 403, 413, 507] {
        for retry_after in [None, Some("20")] {
            let mut device = Device::new();
            device.record(200);
            device.lrs.instead = limited(40, 20_000, move |_| {
                let headers = retry_after.map(|seconds| ("Retry-After", seconds.to_owned()));
                let headers: Vec<_> = headers.into_iter().collect();
                answer(status, &headers, "slow down".into())
            });
            device.go_on_for(2 * HOUR);
            assert_eq!(device.held(), [], "{status} {retry_after:?}");
            assert_eq!(device.delivered(), 200, "{status} {retry_after:?}");
            if retry_after.is_some() {
                assert!(device.lrs.requests < 500, "{}", device.lrs.requests);
            }
        }
    }
}

#[test]
fn a_limit_that_is_spent_is_not_asked_for_each_statement() {
    for status in [400, 507] {
        let mut device = Device::new();
        device.record(500);
        let (begun, mut taken) = (device.now, 0);
        // Fifty in this hour, and then all.
        device.lrs.instead = Box::new(move |request, now| {
            let is_spent = now < begun + HOUR && taken + statements(request) > 50;
            if request.method == Method::Post && !is_spent {
                taken += statements(request);
            }
            (request.method == Method::Post && is_spent)
                .then(|| answer(status, &[], "limit reached".into()))
        });
        device.go_on_for(HOUR);
        // Whoever asks for each one that is due asks more than eight thousand times.
        assert!(device.lrs.requests < 3_000, "{}", device.lrs.requests);
        assert_eq!(device.held(), [], "{status}");
        let before = device.lrs.requests;
        device.go_on_for(HOUR);
        assert_eq!(
            (device.held(), device.delivered()),
            (vec![], 500),
            "{status}"
        );
        let since = device.lrs.requests - before;
        assert!(since < 300, "{since}");
    }
}

#[test]
fn a_limit_by_the_hour_that_new_ones_spend_first_holds_nothing() {
    for (status, chance) in [(400, 1), (507, 1), (507, 20), (507, 300)] {
        let mut device = Device::new();
        device.chance = chance;
        device.record(250);
        device.lrs.instead = limited(20, HOUR, move |_| {
            answer(status, &[], "hourly limit".into())
        });
        for _ in 0..30 {
            device.record(1);
            let next = device.now + 5 * 60_000;
            device.go_on_for(5 * 60_000);
            device.now = device.now.max(next);
        }
        device.go_on_for(48 * HOUR);
        assert_eq!(
            (device.held(), device.delivered()),
            (vec![], 280),
            "{status}"
        );
    }
}

#[test]
fn an_lrs_with_room_for_one_request_at_a_time_gets_statements_in_it() {
    for retry_after in [true, false] {
        let mut device = Device::new();
        device.record(130);
        let (begun, mut window) = (device.now, -1);
        device.lrs.instead = Box::new(move |_, now| {
            let this = now / 5_000;
            if this != window {
                window = this;
                return None;
            }
            let wait = (5_000 - now % 5_000 + 999) / 1_000;
            let headers = retry_after.then(|| ("Retry-After", wait.to_string()));
            let headers: Vec<_> = headers.into_iter().collect();
            Some(answer(429, &headers, "one at a time".into()))
        });
        while device.delivered() < 130 {
            match device.sync() {
                Ended::Waiting { until, .. } => device.now = until.max(device.now),
                Ended::Emptied => {}
                other => panic!("{retry_after}: {other:?}"),
            }
            assert!(device.now - begun < 10 * 60_000, "{retry_after}: stuck");
        }
        assert_eq!(device.held(), []);
    }
}

#[test]
fn what_it_lacks_goes_to_an_lrs_that_shows_nothing_and_refuses_batches_with_one_that_it_has() {
    for (status, retry_after) in [(429, Some("2")), (429, None), (503, Some("2")), (503, None)] {
        for naming in [true, false] {
            let mut device = Device::new();
            let ids = device.record(20);
            // All of them were sent; then it is restored from a backup.
            device.lrs.faults = [Fault::None, Fault::LoseAnswer].into();
            device.sync();
            device.lrs.stored.retain(|id, _| ids[..7].contains(id));
            device.lrs.on_known = OnKnown::Refuse { naming };
            device.lrs.instead = Box::new(move |request, _| {
                let is_look = request.url.contains("tatementId=");
                let headers = retry_after.map(|seconds| ("Retry-After", seconds.to_owned()));
                let headers: Vec<_> = headers.into_iter().collect();
                is_look.then(|| answer(status, &headers, "no questions".into()))
            });
            device.go_on_for(HOUR);
            let lacks: Vec<_> = ids
                .iter()
                .filter(|id| !device.lrs.stored.contains_key(id))
                .collect();
            assert_eq!(
                lacks,
                [] as [&uuid::Uuid; 0],
                "{status} {retry_after:?} {naming}"
            );
            assert!(
                device.delivered() >= 13,
                "{status} {retry_after:?} {naming}"
            );
        }
    }
}

#[test]
fn a_login_page_that_asks_for_a_day_gets_an_hour() {
    for status in [429, 503] {
        for is_lrss in [true, false] {
            let mut device = Device::new();
            device.record(3);
            let begun = device.now;
            let mut asked = false;
            device.lrs.instead = Box::new(move |_, _| {
                if std::mem::replace(&mut asked, true) {
                    return None;
                }
                let headers = [("Retry-After", "86400".to_owned())];
                let mut page = answer(status, &headers, "<html>Log in</html>".into());
                if !is_lrss {
                    page.headers.retain(|(name, _)| name == "Retry-After");
                }
                Some(page)
            });
            let Ended::Waiting { until, .. } = device.sync() else {
                panic!("{status} {is_lrss}: asked on")
            };
            let waits = until - begun;
            assert!(waits >= HOUR, "{status} {is_lrss}: {waits}");
            assert_eq!(waits < 2 * HOUR, !is_lrss, "{status} {is_lrss}: {waits}");
            device.now = until;
            device.sync_all();
            assert_eq!(device.delivered(), 3);
        }
    }
}

#[test]
fn a_limit_that_says_when_to_come_again_is_asked_once() {
    for status in [400, 403, 422] {
        let mut device = Device::new();
        let bad = device.record(200)[120];
        device.lrs.dislikes.insert(bad, status);
        device.lrs.instead = limited(60, 60_000, move |now| {
            let wait = (60_000 - now % 60_000) / 1_000 + 1;
            let headers = [("Retry-After", wait.to_string())];
            answer(status, &headers, "limit reached".into())
        });
        let Ended::Waiting { until, why, .. } = device.sync() else {
            panic!("{status}: asked on")
        };
        assert_eq!(why, WaitKind::RetryAfter, "{status}");
        assert!(until > device.now, "{status}");
        let posts = device.lrs.requests;
        assert!(posts <= 4, "{status}: {posts}");
        device.go_on_for(2 * HOUR);
        // What is at fault besides is found out all the same.
        let held: Vec<_> = device.held().into_iter().map(|(id, _)| id).collect();
        assert_eq!((held, device.delivered()), (vec![bad], 199), "{status}");
    }
}

#[test]
fn a_quota_that_is_full_for_ten_minutes_holds_nothing() {
    for status in [400, 403, 413] {
        let mut device = Device::new();
        device.record(100);
        let begun = device.now;
        let mut bytes = 0;
        device.lrs.instead = Box::new(move |request, now| {
            let long = request.body_bytes().map_or(0, <[u8]>::len);
            if now > begun + 600_000 || bytes + long <= 10_000 {
                bytes += long;
                return None;
            }
            Some(answer(status, &[], "quota exceeded".into()))
        });
        device.go_on_for(6 * HOUR);
        assert_eq!(
            (device.held(), device.delivered()),
            (vec![], 100),
            "{status}"
        );
    }
}

#[test]
fn what_is_too_large_for_a_few_minutes_is_not_held_while_smaller_ones_are_taken() {
    for status in [400, 403, 413] {
        let mut device = Device::new();
        let long = format!(r#","result":{{"response":"{}"}}"#, "x".repeat(1_000));
        for n in 1..=10 {
            device.record_one(n, &long, START);
        }
        let begun = device.now;
        device.lrs.instead = Box::new(move |request, now| {
            let large = request.body_bytes().is_some_and(|body| body.len() > 600);
            let refused = large && now < begun + 200_000;
            refused.then(|| answer(status, &[], "no room".into()))
        });
        // All that wait come together.
        for _ in 0..60 {
            device.record(1);
            let _ = device.sync();
            device.now += 60_000;
        }
        device.go_on_for(24 * HOUR);
        assert_eq!(
            (device.held(), device.delivered()),
            (vec![], 70),
            "{status}"
        );
    }
}

#[test]
fn an_lrs_that_opens_for_a_moment_amid_maintenance_holds_nothing() {
    for (status, count) in [(400, 3), (402, 20), (403, 60), (413, 20), (422, 60)] {
        let mut device = Device::new();
        device.record(count);
        let begun = device.now;
        device.lrs.instead = Box::new(move |request, now| {
            let passed = now - begun;
            let opens = (2_400..5_400).contains(&passed) || passed > 30_000;
            let refused = request.method == Method::Post && !opens;
            refused.then(|| answer(status, &[], "read-only: maintenance".into()))
        });
        device.go_on_for(24 * HOUR);
        assert_eq!(
            (device.held(), device.delivered()),
            (vec![], count as usize),
            "{status}"
        );
    }
}

#[test]
fn one_node_of_two_that_refuses_holds_nothing_and_what_both_refuse_is_held() {
    for status in [400, 403] {
        let mut device = Device::new();
        let bad = device.record(60)[30];
        device.lrs.dislikes.insert(bad, status);
        let mut posts = 0;
        device.lrs.instead = Box::new(move |request, _| {
            posts += u32::from(request.method == Method::Post);
            let refuses = request.method == Method::Post && posts % 2 == 0;
            refuses.then(|| answer(status, &[], "read-only node".into()))
        });
        for _ in 0..30 {
            device.go_on_for(2 * HOUR);
            device.record(1);
        }
        device.go_on_for(24 * HOUR);
        let held: Vec<_> = device.held().into_iter().map(|(id, _)| id).collect();
        assert_eq!((held, device.delivered()), (vec![bad], 89), "{status}");
    }
}

#[test]
fn a_statement_refused_with_retry_after_each_time_waits_and_stops_no_other() {
    let mut device = Device::new();
    let bad = device.record(20)[0];
    device.lrs.instead = Box::new(move |request, _| {
        let body = String::from_utf8_lossy(request.body_bytes().unwrap_or_default()).into_owned();
        let headers = [("Retry-After", "86400".to_owned())];
        body.contains(&bad.to_string())
            .then(|| answer(400, &headers, "no".into()))
    });
    for more in 0..12 {
        device.go_on_for(2 * HOUR);
        let ledger = device.db.ledger(UpstreamId::MAIN).unwrap();
        let places = (ledger.delivered, ledger.waiting, ledger.held);
        assert_eq!(places, (19 + more, 1, 0));
        device.record(1);
    }
}

#[test]
fn a_204_of_an_lrs_that_names_what_it_stores_or_shows_it_is_no_proof() {
    for status in [401, 403, 405, 501] {
        for (names, reads) in [(true, false), (true, true), (false, true)] {
            let mut device = Device::new();
            let ids = device.record(150);
            device.lrs.may_read = reads;
            if !names {
                device.lrs.on_known = OnKnown::Nothing;
                if status == 401 {
                    // About that the app is asked.
                    continue;
                }
            }
            let mut requests = 0_i32;
            // From the second batch on, for a while, something with the LRS's header answers in its place.
            device.lrs.instead = Box::new(move |request, _| {
                requests += i32::from(!request.url.ends_with("/about"));
                let post = request.method == Method::Post;
                let code = if post { 204 } else { status };
                // Where nothing is named, each of the first batch is looked up before.
                let before = if names { 1 } else { 51 };
                (1..=6)
                    .contains(&(requests - before))
                    .then(|| answer(code, &[], String::new()))
            });
            device.go_on_for(24 * HOUR);
            let stored = ids.iter().filter(|id| device.lrs.stored.contains_key(id));
            assert_eq!(
                (stored.count(), device.delivered()),
                (150, 150),
                "{status} {names} {reads}"
            );
        }
    }
}

#[test]
fn an_lrs_that_names_what_is_new_to_it_and_lets_nobody_read_is_believed_in_the_end() {
    let mut device = Device::new();
    (device.lrs.may_read, device.lrs.on_known) = (false, OnKnown::NoContent);
    device.record(10);
    device.lrs.faults = [Fault::None, Fault::LoseAnswer].into();
    device.go_on_for(24 * HOUR);
    assert_eq!((device.held(), device.delivered()), (vec![], 10));
}

#[test]
fn what_is_at_fault_is_held_though_the_lrs_has_taken_what_it_refused() {
    let mut device = Device::new();
    let ids = device.record(60);
    for id in &ids[..6] {
        device.lrs.dislikes.insert(*id, 400);
    }
    device.go_on_for(5_000);
    // It was mended for some of them.
    for id in &ids[..5] {
        device.lrs.dislikes.remove(id);
    }
    for _ in 0..24 {
        device.record(1);
        device.go_on_for(HOUR);
    }
    assert_eq!(device.held(), [(ids[5], HoldReason::Refused)]);
}

#[test]
fn a_quota_that_says_when_it_ends_is_waited_for() {
    let hour = 60 * 60 * 1000;
    let mut device = Device::new();
    device.record(100);
    let (begun, mut posts) = (device.now, 0);
    device.lrs.instead = Box::new(move |request, now| {
        let is_post = request.method == Method::Post;
        posts += u32::from(is_post);
        let is_spent = is_post && posts > 1 && now - begun < hour;
        is_spent.then(|| answer(403, &[("Retry-After", "3600".to_owned())], String::new()))
    });
    device.go_on_for(hour);
    assert!(device.lrs.requests < 40, "{}", device.lrs.requests);
    device.go_on_for(2 * hour);
    assert_eq!((device.delivered(), device.held()), (100, vec![]));
}
