//! One bad statement neither blocks nor sinks another, and no trouble is a statement's fault.

use super::device::{Device, START};
use super::lrs::{Fault, answer};
use crate::lrs::{Credentials, Method, TransportError};
use crate::store::{HoldReason, UpstreamId, WaitKind};
use crate::sync::{Ended, Step};

#[test]
fn one_bad_statement_is_held_with_the_lrss_words_and_the_others_pass() {
    for (status, reason) in [
        (400, HoldReason::Refused),
        (422, HoldReason::Refused),
        (403, HoldReason::Forbidden),
        (413, HoldReason::TooLarge),
    ] {
        for names_culprit in [true, false] {
            for at in [0, 25, 49] {
                let mut device = Device::new();
                let ids = device.record(50);
                device.lrs.dislikes.insert(ids[at], status);
                device.lrs.names_culprit = names_culprit;
                assert_eq!(device.sync(), Ended::Emptied, "{status} {at}");
                // Refused once: it may still be a deployment that is being replaced.
                assert_eq!((device.held(), device.delivered()), (vec![], 49));
                let refused_at = device.now;
                device.record(1);
                device.sync_to_the_last();
                assert_eq!(device.held(), [(ids[at], reason)]);
                assert!(device.now - refused_at >= 10_000, "twice, some time apart");
                let held = device
                    .db
                    .held_one(UpstreamId::MAIN, ids[at])
                    .unwrap()
                    .unwrap();
                assert_eq!(held.status, Some(status));
                assert!(!held.words.is_empty());
                // With another one, and the second try: a look, a send, three more, and whether it understands us
                // still.
                let most = if names_culprit && reason == HoldReason::Refused {
                    6 + 4 + 3
                } else {
                    18 + 4 + 3
                };
                assert!(
                    device.lrs.requests <= most,
                    "{status} {at}: {}",
                    device.lrs.requests
                );
            }
        }
    }
}

#[test]
fn a_statement_the_lrs_fails_on_neither_blocks_nor_sinks_the_others() {
    let mut device = Device::new();
    let ids = device.record(60);
    device.lrs.dislikes.insert(ids[7], 500);
    for _ in 0..40 {
        match device.sync() {
            Ended::Waiting { until, .. } => device.now = until,
            Ended::Emptied => device.now += 30 * 60 * 1000,
            other => panic!("{other:?}"),
        }
        // Others keep coming, so that the LRS can show that it is well.
        device.record(1);
    }
    assert_eq!(device.held(), [(ids[7], HoldReason::ServerError)]);
    let ledger = device.db.ledger(UpstreamId::MAIN).unwrap();
    assert!(ledger.queued <= 1, "{ledger:?}");
}

#[test]
fn an_lrs_that_refuses_everything_gets_nothing_held() {
    for status in [400, 403, 422, 500, 502, 413] {
        let mut device = Device::new();
        let ids = device.record(200);
        for id in &ids {
            device.lrs.dislikes.insert(*id, status);
        }
        for _ in 0..30 {
            let before = device.lrs.requests;
            match device.sync() {
                Ended::Waiting { until, .. } => device.now = until,
                other => panic!("{other:?}"),
            }
            assert!(
                device.lrs.requests - before < 90,
                "{status}: {}",
                device.lrs.requests - before
            );
        }
        assert!(device.held().is_empty(), "{status}");
        assert_eq!(device.db.ledger(UpstreamId::MAIN).unwrap().queued, 200);
        device.lrs.dislikes.clear();
        device.sync_all();
        assert_eq!(
            (device.delivered(), device.lrs.stored.len()),
            (200, 200),
            "{status}"
        );
    }
}

#[test]
fn a_statement_that_the_lrs_has_twice_and_cannot_show_blocks_nobody() {
    let mut device = Device::new();
    let ids = device.record(20);
    // As one LRS does for ever after a quick second try: 409 to the POST, 500 to the GET.
    device.lrs.dislikes.insert(ids[0], 409);
    device.lrs.cannot_show.insert(ids[0]);
    device.sync_all();
    assert_eq!((device.held().len(), device.delivered()), (0, 19));
    // It may have been at fault itself; others keep coming and show that it is well.
    for n in 0..20 {
        device.now += 30 * 60 * 1000;
        device.record(1);
        device.sync_all();
        assert_eq!(device.delivered(), 20 + n);
    }
    assert_eq!(device.held(), [(ids[0], HoldReason::ConflictUnseen)]);
}

#[test]
fn a_long_run_of_bad_statements_blocks_nobody() {
    let mut device = Device::new();
    let bad = device.record(100);
    let good = device.record(30);
    for id in &bad {
        device.lrs.dislikes.insert(*id, 400);
    }
    device.sync_all();
    assert_eq!(device.delivered(), 30);
    assert!(good.iter().all(|id| device.lrs.stored.contains_key(id)));
    // So many in a row may be the LRS's fault: only what it takes meanwhile tells.
    for more in 1..=10 {
        device.record(1);
        device.now += 2 * 3_600_000;
        device.sync_all();
        assert_eq!(device.delivered(), 30 + more);
    }
    assert_eq!(device.db.ledger(UpstreamId::MAIN).unwrap().held, 100);
}

#[test]
fn what_was_refused_for_the_version_it_was_sent_in_is_no_suspect_any_more_when_that_is_put_right() {
    let mut device = Device::new();
    let broken = || Fault::Fail(TransportError::Broken("reset".into()));
    let missing = || Fault::Response(404, vec![], "no such application");
    // It does not tell its version, and breaks twice: one statement at a time, each looked up first.
    device.lrs.versions = vec!["2.0.0"];
    device.record(2);
    for faults in [vec![missing(), broken()], vec![broken()]] {
        device.lrs.faults = faults.into();
        match device.sync() {
            Ended::Waiting { until, .. } => device.now = until,
            other => panic!("{other:?}"),
        }
    }
    // A broken deployment answers the first look-up, and is mended.
    device.lrs.faults = [missing()].into();
    device.sync_all();
    assert_eq!(device.held(), []);
    assert_eq!(device.delivered(), 2);
}

#[test]
fn what_is_refused_for_a_password_that_changed_in_between_is_not_at_fault() {
    let mut device = Device::new();
    let ids = device.record(51);
    // As one real LRS: 400 to a POST, 401 to a GET. It took the fifty before.
    device.lrs.faults = [
        Fault::None,
        Fault::None,
        Fault::Response(400, vec![], "who are you?"),
    ]
    .into();
    assert_eq!(device.sync(), Ended::Emptied);
    device.record(1);
    assert_eq!(device.sync(), Ended::Emptied);
    // And again, when its second try comes, as often as it is sent.
    device.now = device.db.next_due(UpstreamId::MAIN).unwrap().unwrap();
    let refused = || Fault::Response(400, vec![], "who are you?");
    device.lrs.faults = [
        Fault::None,
        refused(),
        refused(),
        refused(),
        refused(),
        Fault::Response(401, vec![], "who are you?"),
    ]
    .into();
    assert!(matches!(device.sync(), Ended::NeedsApp { .. }));
    assert_eq!((device.delivered(), device.held()), (51, vec![]));
    device.by_hand = true;
    device.sync_to_the_last();
    assert_eq!((device.delivered(), device.held()), (52, vec![]));
    assert!(device.lrs.stored.contains_key(&ids[50]));
}

#[test]
fn what_comes_and_goes_between_two_requests_convicts_nobody_at_once() {
    // A gateway that answers like an LRS, to two of three requests, for a minute.
    let mut device = Device::new();
    device.record(20);
    for _ in 0..10 {
        let mut faults = vec![Fault::None];
        for _ in 0..40 {
            let no = || Fault::Response(403, vec![], "not from this network");
            faults.extend([no(), no(), Fault::None]);
        }
        device.lrs.faults = faults.into();
        match device.sync() {
            Ended::Waiting { until, .. } => device.now = until.max(device.now),
            Ended::Emptied => break,
            other => panic!("{other:?}"),
        }
        assert_eq!(device.held(), []);
    }
    device.lrs.faults.clear();
    device.sync_to_the_last();
    assert_eq!((device.delivered(), device.held()), (20, vec![]));
}

#[test]
fn whatever_is_answered_to_one_statement_stops_no_other() {
    let statuses = [
        200, 301, 302, 400, 401, 402, 404, 405, 406, 407, 410, 412, 413, 415, 418, 451, 500, 502,
        504, 511,
    ];
    for status in statuses {
        for stranger in [true, false] {
            let mut device = Device::new();
            let ids = device.record(40);
            device.lrs.dislikes.insert(ids[0], status);
            device.lrs.before_it = stranger;
            let start = device.now;
            for _ in 0..10 {
                match device.sync() {
                    Ended::Waiting { until, .. } => device.now = until,
                    Ended::Emptied => break,
                    other => panic!("{status}: {other:?}"),
                }
            }
            assert_eq!(device.delivered(), 39, "{status} {stranger}");
            assert!(device.now - start < 3_600_000, "{status} {stranger}");
            // A day later it waits, or is held for what the LRS itself said, and nothing is lost.
            let evening = device.now + 24 * 3_600_000;
            while device.now < evening {
                device.record(1);
                device.now += 3 * 60 * 60 * 1000;
                while let Ended::Waiting { until, .. } = device.sync() {
                    device.now = until;
                }
            }
            let ledger = device.db.ledger(UpstreamId::MAIN).unwrap();
            assert_eq!(
                (ledger.queued, ledger.waiting + ledger.held),
                (0, 1),
                "{status} {stranger}"
            );
            assert!(
                !stranger || ledger.held == 0,
                "{status}: held for what a stranger says"
            );
            assert!(
                // These no LRS says for itself.
                stranger || ledger.held == 1 || matches!(status, 300..=399 | 407 | 502 | 504 | 511),
                "{status}: the LRS says so again and again"
            );
        }
    }
}

/// A report as one LRS gives it, that names none but the last of three.
const REPORT: &str = r#"{"ids":[],"errors":[{"index":2,"reason":"no"}]}"#;

#[test]
fn what_a_report_passes_over_may_be_at_work_where_a_stranger_gives_it() {
    for status in [200, 400] {
        let mut device = Device::new();
        device.record(3);
        device
            .lrs
            .faults
            .extend([Fault::None, Fault::Stranger(status, REPORT)]);
        let sent = device.now;
        let Ended::Waiting { until, why, .. } = device.sync() else {
            panic!("sent again at once")
        };
        assert_eq!(why, WaitKind::OutcomeUnknown);
        // A request may take half a minute at least, and an LRS as long after that.
        assert!(until >= sent + 30_000, "{}", until - sent);
        assert!(device.lrs.posts.is_empty(), "{:?}", device.lrs.posts);
        device.now = until;
        device.sync_to_the_last();
        assert_eq!((device.delivered(), device.held()), (3, vec![]));
    }
}

#[test]
fn nothing_is_held_for_what_a_stranger_reports() {
    let mut device = Device::new();
    let blocked = device.record(2)[0];
    device.lrs.dislikes.insert(blocked, 200);
    (device.lrs.before_it, device.lrs.reports) = (true, true);
    for _ in 0..20 {
        while let Ended::Waiting { until, .. } = device.sync() {
            device.now = until;
        }
        assert_eq!(device.held(), []);
        // What is refused comes back, and others are taken in between.
        if let Some(due) = device.db.next_due(UpstreamId::MAIN).unwrap() {
            device.now = due.max(device.now);
        }
        device.record(1);
    }
    device.lrs.dislikes.clear();
    device.sync_to_the_last();
    assert_eq!((device.delivered(), device.held()), (22, vec![]));
}

#[test]
fn one_statement_that_is_answered_by_401_stops_no_other_where_nobody_may_read() {
    for bad in [1, 4, 20] {
        let mut device = Device::new();
        device.lrs.may_read = false;
        let ids = device.record(40);
        for id in &ids[7..7 + bad] {
            device.lrs.dislikes.insert(*id, 401);
        }
        let start = device.now;
        while device.delivered() < 40 - bad {
            let before = device.lrs.requests;
            let ended = device.sync();
            // Whether it is the credentials, a few requests may find out between two that are taken.
            assert!(device.lrs.requests - before < 200);
            match ended {
                Ended::Waiting { until, .. } => device.now = until,
                Ended::NeedsApp { .. } => device.now += 3_600_000,
                Ended::Emptied => {
                    device.now = device.db.next_due(UpstreamId::MAIN).unwrap().unwrap();
                }
                other => panic!("{other:?}"),
            }
            assert!(device.now - start < 24 * 3_600_000, "{bad}: stuck");
        }
        assert_eq!(device.delivered(), 40 - bad);
    }
}

#[test]
fn credentials_that_are_refused_are_not_tried_on_and_on() {
    for may_read in [true, false] {
        let mut device = Device::new();
        device.lrs.may_read = may_read;
        let ids = device.record(500);
        // Whatever it is sent, though it answers look-ups, or those by nobody in particular.
        device.lrs.dislikes.extend(ids.iter().map(|id| (*id, 401)));
        for _ in 0..3 {
            let before = device.lrs.posts.len();
            let ended = device.sync();
            assert!(matches!(ended, Ended::NeedsApp { .. }), "{ended:?}");
            let posts = device.lrs.posts.len() - before;
            assert!(posts <= 13, "{posts} with credentials that are refused");
            device.now += 3_600_000;
        }
        device.lrs.dislikes.clear();
        device.sync_to_the_last();
        assert_eq!((device.delivered(), device.held()), (500, vec![]));
    }
}

#[test]
fn a_statement_that_something_blocks_for_good_is_tried_ever_less_often() {
    let mut device = Device::new();
    let ids = device.record(2);
    device.lrs.dislikes.insert(ids[0], 403);
    device.lrs.before_it = true;
    device.sync_all();
    let day = 24 * 3_600_000;
    let (mut requests, evening) = (device.lrs.requests, device.now + day);
    while device.now < evening {
        device.go_to_the_next_due();
        device.sync_all();
    }
    requests = device.lrs.requests - requests;
    // Once in half an hour on the average, with a look-up before and after, at the end of which it is
    // still not held.
    assert!(requests <= 3 * 24 * 3, "{requests} in a day");
    assert_eq!(device.held(), []);
}

#[test]
fn what_a_stranger_refused_first_is_not_held_for_the_lrss_first_refusal() {
    let mut device = Device::new();
    let bad = device.record(2)[0];
    device.lrs.dislikes.insert(bad, 405);
    let mut an_hour_later_beside_a_good_one = |before_it| {
        device.lrs.before_it = before_it;
        device.now += 60 * 60 * 1000;
        device.record(1);
        device.sync_all();
        device.held()
    };
    for before_it in [true, true, false, true, false] {
        assert_eq!(an_hour_later_beside_a_good_one(before_it), []);
    }
    let held = an_hour_later_beside_a_good_one(false);
    assert_eq!(held, [(bad, HoldReason::Refused)]);
}

#[test]
fn what_one_lrs_refused_is_not_held_for_the_first_refusal_of_another() {
    let mut device = Device::new();
    let bad = device.record(2)[0];
    device.lrs.dislikes.insert(bad, 400);
    let an_hour_later_beside_a_good_one = |device: &mut Device| {
        device.now += 60 * 60 * 1000;
        device.record(1);
        device.sync_all();
        device.held()
    };
    assert_eq!(an_hour_later_beside_a_good_one(&mut device), []);
    // Another one, and back: nothing of what was refused before counts.
    for endpoint in [
        "https://other.example/xAPI",
        super::lrs::endpoint().as_str(),
    ] {
        device.db.set_endpoint(UpstreamId::MAIN, endpoint).unwrap();
    }
    assert_eq!(an_hour_later_beside_a_good_one(&mut device), []);
    let held = an_hour_later_beside_a_good_one(&mut device);
    assert_eq!(held, [(bad, HoldReason::Refused)]);
}

#[test]
fn two_refusals_in_one_moment_are_one_whatever_the_wall_clock_says() {
    let mut device = Device::new();
    device.booted_at = Some(START - 60_000);
    let bad = device.record(2)[0];
    device.lrs.dislikes.insert(bad, 400);
    device.sync_all();
    device.set_the_clock(2 * 60 * 60 * 1000);
    device.record(1);
    device.sync_all();
    assert_eq!(device.held(), [], "refused twice within a second");
    device.now += 2 * 60 * 60 * 1000;
    device.record(1);
    device.sync_all();
    assert_eq!(device.held(), [(bad, HoldReason::Refused)]);
}

#[test]
fn nothing_is_held_for_failures_while_nothing_else_is_taken() {
    let mut device = Device::new();
    let bad = device.record(2)[0];
    device.lrs.dislikes.insert(bad, 500);
    device.sync_all();
    for _ in 0..12 {
        let before = device.lrs.posts.len();
        while device.lrs.posts.len() == before {
            device.now += 60 * 60 * 1000;
            device.sync();
        }
        assert_eq!((device.held(), device.delivered()), (vec![], 1));
    }
}

#[test]
fn two_refusals_that_differ_hold_nothing() {
    let mut device = Device::new();
    let bad = device.record(2)[0];
    for (status, held) in [(400, 0), (422, 0), (403, 0), (400, 0), (400, 1)] {
        device.lrs.dislikes.insert(bad, status);
        device.now += 2 * 60 * 60 * 1000;
        device.record(1);
        device.sync_all();
        assert_eq!(device.held().len(), held, "{status}");
    }
}

#[test]
fn what_was_refused_with_the_old_credentials_is_sent_with_the_new_ones() {
    let mut device = Device::new();
    let ids = device.record(3);
    device.lrs.dislikes.insert(ids[0], 403);
    let mut session = device.session();
    while !device.lrs.posts.ends_with(&[1]) {
        let Step::Send { ticket, request } = session.next(&mut device.db, device.now).unwrap()
        else {
            panic!("it ends before the statement was alone");
        };
        let outcome = device.lrs.perform(&request, device.now);
        session
            .answered(&mut device.db, ticket, outcome, device.now)
            .unwrap();
    }
    // The operator gives the app a user with more rights.
    device.lrs.dislikes.clear();
    device.lrs.password = "another".into();
    device.password = "another".into();
    let credentials = Credentials::Basic {
        user: "app".into(),
        password: "another".into(),
    };
    session.authorize(Some(&credentials.authorization().unwrap()));
    assert_eq!(device.run(&mut session), Ended::Emptied);
    assert_eq!(device.delivered(), 3);
}

#[test]
fn what_was_there_before_is_not_taken_now() {
    let mut device = Device::new();
    let ids = device.record(2);
    device.lrs.faults.extend([Fault::None, Fault::LoseAnswer]);
    let Ended::Waiting { until, .. } = device.sync() else {
        panic!("the answer was lost");
    };
    device.now = until;
    // From now on it refuses whatever comes, and shows what it has.
    device.lrs.dislikes.insert(ids[1], 400);
    device.sync_all();
    let learned = device.db.upstream(UpstreamId::MAIN).unwrap().learned;
    assert_eq!((device.delivered(), learned.taken), (2, 0));
}

/// Days on which others come and are taken.
fn go_on(device: &mut Device, hours: i64) {
    let evening = device.now + hours * 3_600_000;
    while device.now < evening {
        device.record(1);
        device.now += 20 * 60 * 1000;
        while let Ended::Waiting { until, .. } = device.sync() {
            device.now = until.max(device.now);
        }
    }
}

/// Each success ends the trouble, and the next session would begin with all of them again.
#[test]
fn those_in_front_that_it_fails_on_step_aside_though_it_answers_no_question() {
    let mut device = Device::new();
    for id in device.record(12) {
        device.lrs.dislikes.insert(id, 500);
    }
    (device.lrs.may_read, device.lrs.forbids_by) = (false, 302);
    for _ in 1..=8 {
        device.record(1);
        let tomorrow = device.now + 24 * 3_600_000;
        while device.now < tomorrow {
            device.chance += 1;
            device.now = match device.sync() {
                Ended::Waiting { until, .. } => until.max(device.now),
                _ => device.now + 20 * 60 * 1000,
            };
        }
    }
    let ledger = device.db.ledger(UpstreamId::MAIN).unwrap();
    assert_eq!((ledger.queued, ledger.delivered), (0, 8), "{ledger:?}");
    // Each of twelve about every half hour for eight days, with two requests.
    assert!(
        device.lrs.requests < 12 * 8 * 48 * 2,
        "{}",
        device.lrs.requests
    );
}

#[test]
fn a_statement_under_which_the_connection_breaks_waits_and_is_never_held() {
    // A firewall that cuts what has a certain word in it says nothing, least of all in the LRS's name.
    let mut device = Device::new();
    let ids = device.record(40);
    device.lrs.cuts.insert(ids[3]);
    go_on(&mut device, 48);
    let ledger = device.db.ledger(UpstreamId::MAIN).unwrap();
    assert_eq!((ledger.held, ledger.waiting), (0, 1), "{ledger:?}");
    assert!(ledger.delivered >= 39 + 48, "{ledger:?}");
    device.lrs.cuts.clear();
    go_on(&mut device, 3);
    assert!(device.lrs.stored.contains_key(&ids[3]));
}

#[test]
fn a_look_up_of_one_statement_that_is_answered_by_401_stops_no_other() {
    for first in [true, false] {
        let mut device = Device::new();
        // It has shown another one before, or nothing yet.
        if first {
            device.record(3);
            device.lrs.faults = [Fault::None, Fault::LoseAnswer].into();
            device.sync_all();
        }
        let ids = device.record(30);
        device.lrs.hides.insert(ids[0]);
        device.lrs.faults = [Fault::LoseAnswer].into();
        let start = device.now;
        while device.delivered() < 30 {
            match device.sync() {
                Ended::Waiting { until, .. } => device.now = until.max(device.now),
                Ended::Emptied => {}
                other => panic!("{first}: {other:?}"),
            }
            assert!(device.now - start < 600_000, "{first}: stuck");
        }
        assert_eq!(device.held(), []);
    }
}

#[test]
fn one_node_of_several_that_does_not_know_the_password_sinks_no_statement() {
    let mut device = Device::new();
    let ids = device.record(20);
    // Three times in a row this one met that node, and others were taken in between.
    device.lrs.dislikes.insert(ids[5], 401);
    device.sync_all();
    for _ in 0..2 {
        device.record(1);
        device.go_to_the_next_due();
        device.sync_all();
        assert_eq!(device.held(), []);
    }
    device.lrs.dislikes.clear();
    device.record(1);
    device.sync_to_the_last();
    assert_eq!((device.held(), device.delivered()), (vec![], 23));
    // One that it always refuses is held in the end.
    let bad = device.record(1)[0];
    device.lrs.dislikes.insert(bad, 401);
    go_on(&mut device, 6);
    assert_eq!(device.held(), [(bad, HoldReason::Forbidden)]);
}

/// Requests go to two nodes in turn, one of which is broken: nobody is at the LRS but this device. A gateway's page
/// may mean that the LRS has too much to do, so that it takes longer.
#[test]
fn a_broken_node_that_gets_every_second_request_keeps_nothing_back() {
    let broken = [
        (Fault::Fail(TransportError::Broken("reset".into())), 15),
        (Fault::Fail(TransportError::TimedOut), 15),
        (Fault::Stranger(502, "<html>Bad Gateway</html>"), 120),
    ];
    for (which, (fault, minutes)) in broken.into_iter().enumerate() {
        for is_first in [true, false] {
            let mut device = Device::new();
            device.record(20);
            for n in 0..1_000 {
                let fails = (n % 2 == 0) == is_first;
                let next = if fails { fault.clone() } else { Fault::None };
                device.lrs.faults.push_back(next);
            }
            while device.delivered() < 20 {
                let passed = (device.now - START) / 60_000;
                let delivered = device.delivered();
                assert!(passed < minutes, "{which} {is_first}: {delivered}");
                match device.sync() {
                    Ended::Waiting { until, .. } => device.now = until,
                    _ => device.now += 60_000,
                }
            }
            assert_eq!(device.held(), []);
        }
    }
}

#[test]
fn what_an_lrs_has_stored_although_it_failed_is_looked_up_once_it_can_be_seen() {
    // Its index is five seconds behind, and it says so.
    for behind in [None, Some(5_000)] {
        let mut device = Device::new();
        device.record(60);
        device.sync_to_the_last();
        let begun = device.now;
        device.lrs.behind = behind;
        let mut failed_at = None;
        let posts = device.lrs.posts.len();
        device.lrs.fails_after_storing = true;
        device.lrs.instead = Box::new(move |request, now| {
            if request.method == Method::Post {
                failed_at.get_or_insert(now);
                return None;
            }
            let is_shown = behind.is_none_or(|ms| failed_at.is_none_or(|at| now - ms > at));
            (!is_shown && request.url.contains("statementId"))
                .then(|| answer(404, &[], "none".to_owned()))
        });
        for n in 0..40 {
            device.record_one(1_000 + n, "", begun);
        }
        device.sync_to_the_last();
        assert_eq!(
            (device.delivered(), device.held()),
            (100, vec![]),
            "{behind:?}"
        );
        // After a wait the first is looked up, and the others are sent once more as they are.
        let most = posts + 1 + usize::from(behind.is_some());
        assert!(device.lrs.posts.len() <= most, "{behind:?}");
        assert!(device.now - begun < 60_000, "{behind:?}");
    }
}

#[test]
fn of_an_lrs_that_undoes_what_it_fails_on_little_is_asked() {
    let mut device = Device::new();
    let ids = device.record(300);
    for bad in [20, 150, 280] {
        device.lrs.dislikes.insert(ids[bad], 500);
    }
    device.sync();
    assert_eq!(device.delivered(), 297);
    assert!(device.lrs.requests < 60, "{}", device.lrs.requests);
}
