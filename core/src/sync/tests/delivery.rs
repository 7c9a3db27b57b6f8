//! Statements reach the LRS once, in order, whatever it answers to what it has.

use std::collections::HashSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::device::{Device, START};
use super::lrs::{Fault, OnKnown};
use crate::event::Event;
use crate::lrs::TransportError;
use crate::store::{HistoryPolicy, HoldReason, Page, UpstreamId, WaitKind, WaitReason};
use crate::sync::Ended;

#[test]
fn delivers_everything_in_as_few_requests_as_there_can_be() {
    let mut device = Device::new();
    let ids = device.record(120);
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.lrs.posts, [50, 50, 20]);
    assert_eq!(device.lrs.requests, 4, "one /about and three batches");
    assert_eq!(device.delivered(), 120);
    assert!(ids.iter().all(|id| device.lrs.stored.contains_key(id)));
    let told: usize = device
        .events
        .iter()
        .map(|event| {
            if let Event::Delivered { ids, .. } = event {
                ids.len()
            } else {
                0
            }
        })
        .sum();
    assert_eq!(told, 120);
    // The version is remembered, and nothing is sent when nothing is due.
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.lrs.requests, 4);
}

#[test]
fn an_answer_lost_after_storing_counts_nothing_twice() {
    for on_known in [
        OnKnown::AllIds,
        OnKnown::NewIds,
        OnKnown::NoContent,
        OnKnown::Refuse { naming: true },
        OnKnown::Refuse { naming: false },
    ] {
        let mut device = Device::new();
        device.lrs.on_known = on_known;
        device.record(60);
        device
            .lrs
            .faults
            .extend([Fault::Response(404, vec![], ""), Fault::LoseAnswer]);
        let ended = device.sync();
        assert!(
            matches!(
                ended,
                Ended::Waiting {
                    why: WaitKind::OutcomeUnknown,
                    ..
                }
            ),
            "{ended:?}"
        );
        assert_eq!(device.lrs.stored.len(), 50);
        assert_eq!(device.delivered(), 0);
        device.sync_all();
        assert_eq!((device.delivered(), device.lrs.stored.len()), (60, 60));
        assert!(device.held().is_empty());
    }
}

#[test]
fn what_a_copy_of_the_queue_delivered_with_a_corrected_timestamp_is_no_conflict() {
    let mut device = Device::new();
    device.lrs.on_known = OnKnown::Refuse { naming: false };
    let made_by_us = device.record(1)[0];
    let given = device.record_one(
        2,
        r#","timestamp":"2026-10-01T10:00:00.000Z""#,
        START - 1_000,
    );
    for (n, id) in [(1, made_by_us), (2, given)] {
        let theirs = json!({"id": id, "actor": {"mbox": "mailto:a@example.com"},
            "verb": {"id": "http://example.com/did"},
            "object": {"id": format!("http://example.com/{n}")},
            "timestamp": "2025-08-01T00:00:00.000Z"});
        device.lrs.stored.insert(id, theirs);
    }
    device.sync_all();
    assert_eq!(device.held(), [(given, HoldReason::Conflict)]);
    assert_eq!(device.delivered(), 1);
}

#[test]
fn another_statement_under_the_same_id_is_a_conflict_with_both_copies() {
    for on_known in [
        OnKnown::AllIds,
        OnKnown::Refuse { naming: true },
        OnKnown::Refuse { naming: false },
    ] {
        let mut device = Device::new();
        device.lrs.on_known = on_known;
        let ids = device.record(20);
        let theirs = json!({"id": ids[3], "actor": {"mbox": "mailto:b@example.com"},
            "verb": {"id": "http://example.com/did"}, "object": {"id": "http://example.com/else"}});
        device.lrs.stored.insert(ids[3], theirs.clone());
        assert_eq!(device.sync(), Ended::Emptied);
        assert_eq!(device.held(), [(ids[3], HoldReason::Conflict)]);
        let held = device
            .db
            .held_one(UpstreamId::MAIN, ids[3])
            .unwrap()
            .unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&held.theirs.unwrap()).unwrap(),
            theirs
        );
        assert_eq!(device.delivered(), 19);
    }
}

#[test]
fn a_voiding_goes_after_its_target_is_delivered_and_not_with_it() {
    let mut device = Device::new();
    let ids = device.record(3);
    let voiding = device.void(ids[1]);
    // And one that was recorded before its target.
    let later = Uuid::from_u128(0x6000_4000_8000_0000_0000_0000);
    let early = device.void(later);
    device.record(1);
    device.record_text(
        &format!(
            r#"{{"id":"{later}","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},
            "object":{{"id":"http://example.com/later"}}}}"#
        ),
        START - 1_000,
    );
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 7);
    assert_eq!(device.lrs.voided, HashSet::from([ids[1], later]));
    assert!(device.lrs.stored.contains_key(&voiding) && device.lrs.stored.contains_key(&early));
}

#[test]
fn a_voiding_waits_for_a_held_target() {
    let mut device = Device::new();
    let ids = device.record(3);
    device.void(ids[1]);
    device.lrs.dislikes.insert(ids[1], 400);
    device.sync_to_the_last();
    let waiting = device
        .db
        .waiting(UpstreamId::MAIN, Page::default())
        .unwrap();
    assert_eq!(
        waiting.iter().map(|w| w.reason).collect::<Vec<_>>(),
        [WaitReason::Target]
    );
    device.lrs.dislikes.clear();
    device
        .db
        .retry(UpstreamId::MAIN, ids[1], device.now)
        .unwrap();
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 4);
    assert!(device.lrs.voided.contains(&ids[1]));
}

#[test]
fn a_credential_that_may_not_read_delivers_all_the_same() {
    for on_known in [OnKnown::AllIds, OnKnown::NoContent] {
        let mut device = Device::new();
        device.lrs.may_read = false;
        device.lrs.on_known = on_known;
        device.record(60);
        device
            .lrs
            .faults
            .extend([Fault::Response(404, vec![], ""), Fault::LoseAnswer]);
        device.sync();
        device.sync_all();
        assert_eq!((device.delivered(), device.lrs.stored.len()), (60, 60));
    }
}

#[test]
fn what_was_never_sent_can_still_be_retracted_after_an_outage() {
    let mut device = Device::new();
    let ids = device.record(3);
    assert_eq!(device.sync(), Ended::Emptied);
    let late = device.record(2);
    device
        .lrs
        .faults
        .push_back(Fault::Fail(TransportError::Unreachable("no route".into())));
    device.sync();
    device.db.retract(late[0], 0).unwrap();
    device.check();
    assert!(device.db.retract(ids[0], 0).is_err());
    device
        .lrs
        .faults
        .push_back(Fault::Fail(TransportError::Broken("reset".into())));
    device.by_hand = true;
    device.sync();
    assert!(
        device.db.retract(late[1], 0).is_err(),
        "it may have reached the LRS"
    );
}

#[test]
fn history_is_kept_only_as_long_as_asked() {
    let mut device = Device::new();
    let ids = device.record(5);
    device
        .db
        .settle(
            UpstreamId::MAIN,
            &crate::store::Settlement {
                settled: (1..=5)
                    .map(|seq| crate::store::Settled {
                        seq,
                        outcome: crate::store::Outcome::Delivered,
                    })
                    .collect(),
                ..Default::default()
            },
            HistoryPolicy::For(1_000),
            device.now,
        )
        .unwrap();
    let kept = device.db.history(Page::default()).unwrap();
    assert_eq!(kept.iter().map(|one| one.id).collect::<Vec<_>>(), ids);
    assert_eq!(kept[0].delivered_at, Some(device.now));
    while device
        .db
        .purge(HistoryPolicy::For(1_000), device.now + 500)
        .unwrap()
    {}
    assert_eq!(device.db.history(Page::default()).unwrap().len(), 5);
    while device
        .db
        .purge(HistoryPolicy::For(1_000), device.now + 1_001)
        .unwrap()
    {}
    assert!(device.db.history(Page::default()).unwrap().is_empty());
    assert_eq!(device.delivered(), 5);
}
