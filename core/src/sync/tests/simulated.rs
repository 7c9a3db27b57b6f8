//! What the simulation found: each was a run of `simulate` that broke a promise.

use serde_json::json;

use super::device::Device;
use super::lrs::{Fault, OnKnown};
use crate::lrs::TransportError;
use crate::store::{HoldReason, UpstreamId, WaitKind};
use crate::sync::{Ended, Step};

#[test]
fn a_search_for_the_culprit_that_is_interrupted_goes_on_where_it_was() {
    let mut device = Device::new();
    let ids = device.record(50);
    device.lrs.dislikes.insert(ids[33], 400);
    // After each four requests the LRS has had enough for a minute.
    for _ in 0..60 {
        let wait = Fault::Response(429, vec![("Retry-After", "60".into())], "");
        device.lrs.faults.clear();
        device.lrs.faults.extend(vec![Fault::None; 4]);
        device.lrs.faults.push_back(wait);
        match device.sync() {
            Ended::Waiting { until, .. } => device.now = until,
            Ended::Emptied => match device.db.next_due(UpstreamId::MAIN).unwrap() {
                Some(due) => {
                    device.record(1);
                    device.now = due;
                }
                None => break,
            },
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(device.db.ledger(UpstreamId::MAIN).unwrap().queued, 0);
    assert_eq!(device.held(), [(ids[33], HoldReason::Refused)]);
}

#[test]
fn a_conflict_in_a_batch_says_nothing_against_what_is_missing() {
    let mut device = Device::new();
    device.lrs.on_known = OnKnown::Refuse { naming: false };
    let ids = device.record(2);
    let elsewhere = json!({"id": ids[1], "actor": 1, "verb": 2, "object": 3});
    device.lrs.stored.insert(ids[1], elsewhere);
    device.lrs.faults.extend([
        Fault::Response(404, vec![], ""),
        Fault::Fail(TransportError::Broken("reset".into())),
    ]);
    device.sync_all();
    assert_eq!(device.held(), [(ids[1], HoldReason::Conflict)]);
    assert_eq!(device.delivered(), 1);
}

#[test]
fn a_forbidden_voiding_that_waited_for_its_target_is_not_tried_on_and_on() {
    let mut device = Device::new();
    let target = device.record(1)[0];
    let voiding = device.void(target);
    device.lrs.dislikes.insert(voiding, 403);
    for _ in 0..10 {
        match device.sync() {
            Ended::Waiting { until, .. } => device.now = until,
            Ended::Emptied => device.now += 60 * 60 * 1000,
            other => panic!("{other:?}"),
        }
        device.record(1);
    }
    assert_eq!(device.held(), [(voiding, HoldReason::Forbidden)]);
    assert!(device.lrs.requests < 60, "{}", device.lrs.requests);
}

#[test]
fn what_is_erased_during_a_sync_is_not_sent_any_more() {
    let mut device = Device::new();
    let ids = device.record(2);
    device
        .lrs
        .faults
        .extend([Fault::Response(404, vec![], ""), Fault::LoseAnswer]);
    device.sync();
    device.lrs.stored.clear();
    device.now += 60_000;
    let mut session = device.session();
    let Step::Send { ticket, request } = session.next(&mut device.db, device.now).unwrap() else {
        panic!("it asks first")
    };
    let outcome = device.lrs.perform(&request, device.now);
    session
        .answered(&mut device.db, ticket, outcome, device.now)
        .unwrap();
    let erased = ids[0].to_string();
    device
        .db
        .erase(0, &|body| String::from_utf8_lossy(body).contains(&erased))
        .unwrap();
    let Step::Send { request, .. } = session.next(&mut device.db, device.now).unwrap() else {
        panic!("the other one is still due")
    };
    let body = String::from_utf8(request.body_bytes().unwrap().to_vec()).unwrap();
    assert!(!body.contains(&erased) && body.contains(&ids[1].to_string()));
}

#[test]
fn a_timed_out_statement_is_not_sent_again_before_its_time_whatever_comes_between() {
    let mut device = Device::new();
    device.record(1);
    device.lrs.faults.extend([
        Fault::Response(404, vec![], ""),
        Fault::Fail(TransportError::TimedOut),
        Fault::None,
        Fault::Fail(TransportError::TimedOut),
        Fault::None,
        // Now it is cautious: after this one it looks, and finds a page of a captive portal.
        Fault::Fail(TransportError::TimedOut),
        Fault::Response(511, vec![], "log in"),
    ]);
    for _ in 0..2 {
        let Ended::Waiting { until, .. } = device.sync() else {
            panic!("a time-out")
        };
        device.now = until;
    }
    let before = device.now;
    let Ended::Waiting { until, why, .. } = device.sync() else {
        panic!("a time-out")
    };
    assert_eq!(why, WaitKind::OutcomeUnknown);
    assert!(until >= before + 30_000, "{}", until - before);
}
