//! The upstream in trouble, and what is learned about it.

use super::device::{Device, START};
use super::lrs::{Fault, OnKnown, answer};
use crate::event::Event;
use crate::lrs::{Method, Response, TransportError};
use crate::store::{
    Claim, HoldReason, Holder, Learned, Page, Problem, UpstreamId, WaitKind, WaitReason,
};
use crate::sync::{Ended, Step};

#[test]
fn an_upstream_that_is_down_is_asked_little() {
    let mut device = Device::new();
    device.record(500);
    for _ in 0..20 {
        device.lrs.faults = vec![Fault::Response(500, vec![], "down"); 100].into();
        let before = device.lrs.requests;
        let Ended::Waiting { until, .. } = device.sync() else {
            panic!("no wait")
        };
        device.now = until;
        assert!(
            device.lrs.requests - before <= 10,
            "{}",
            device.lrs.requests - before
        );
    }
    device.lrs.faults.clear();
    device.sync_all();
    assert_eq!(device.delivered(), 500);
    assert!(device.held().is_empty());
}

#[test]
fn a_wrong_password_pauses_and_keeps_everything_until_there_is_another() {
    let mut device = Device::new();
    device.record(10);
    device.lrs.password = "changed".into();
    let ended = device.sync();
    assert!(
        matches!(&ended, Ended::NeedsApp { trouble } if trouble.problem == Problem::Credentials),
        "{ended:?}"
    );
    assert!(
        device
            .events
            .iter()
            .any(|event| matches!(event, Event::NeedsApp { .. }))
    );
    let requests = device.lrs.requests;
    device.now += 59 * 60_000;
    assert!(matches!(device.sync(), Ended::NeedsApp { .. }));
    assert_eq!(
        device.lrs.requests, requests,
        "no login is tried again by itself"
    );
    // But an account that was locked by mistake may be unlocked at the LRS.
    device.now += 60_000;
    assert!(matches!(device.sync(), Ended::NeedsApp { .. }));
    assert!(device.lrs.requests - requests <= 3);
    assert_eq!(device.db.ledger(UpstreamId::MAIN).unwrap().queued, 10);
    device.password = "changed".into();
    device.by_hand = true;
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 10);
}

#[test]
fn what_is_not_an_lrs_gets_nothing_delivered_and_nothing_held() {
    let portals = [
        Fault::Stranger(200, "<html><title>Login</title></html>"),
        Fault::Stranger(302, ""),
        Fault::Stranger(511, ""),
        Fault::Stranger(204, ""),
        Fault::Stranger(200, "{}"),
        Fault::Stranger(200, "[]"),
        Fault::Stranger(401, "<html>Log in</html>"),
        Fault::Stranger(403, ""),
    ];
    for portal in portals {
        let mut device = Device::new();
        device.record(5);
        // The LRS is known from before; then the portal answers everything for a day.
        assert_eq!(device.sync(), Ended::Emptied);
        device.record(5);
        for _ in 0..20 {
            device.lrs.faults.extend(vec![portal.clone(); 20]);
            match device.sync() {
                Ended::Waiting { until, .. } => device.now = until,
                other => panic!("{other:?}"),
            }
            device.lrs.faults.clear();
        }
        assert_eq!(device.delivered(), 5);
        assert_eq!(device.problem(), Some(Problem::NotAnLrs));
        device.sync_all();
        assert_eq!(device.delivered(), 10);
        assert!(device.held().is_empty());
        assert_eq!(device.problem(), None);
    }
}

#[test]
fn waits_as_long_as_the_lrs_asks_even_by_hand_and_not_for_ever() {
    for (asked, waits) in [("120", 120_000), ("99999999", 24 * 3_600_000)] {
        let mut device = Device::new();
        device.by_hand = true;
        device.record(1);
        device.lrs.faults.push_back(Fault::Response(
            503,
            vec![("Retry-After", asked.into())],
            "",
        ));
        let sent = device.now;
        match device.sync() {
            Ended::Waiting {
                until,
                why: WaitKind::RetryAfter,
                ..
            } => {
                assert!(
                    // Later by chance, since it asks everybody for the same.
                    (waits..waits + 900_000).contains(&(until - sent)),
                    "{}",
                    until - sent
                );
                device.now = until - 1;
            }
            other => panic!("{other:?}"),
        }
        let requests = device.lrs.requests;
        assert!(matches!(
            device.sync(),
            Ended::Waiting {
                why: WaitKind::RetryAfter,
                ..
            }
        ));
        assert_eq!(device.lrs.requests, requests);
        device.now += 1;
        assert_eq!(device.sync(), Ended::Emptied);
    }
}

#[test]
fn by_hand_skips_the_backoff_but_not_an_unknown_outcome() {
    let mut device = Device::new();
    device.record(1);
    device
        .lrs
        .faults
        .push_back(Fault::Fail(TransportError::Unreachable("no route".into())));
    assert!(matches!(
        device.sync(),
        Ended::Waiting {
            why: WaitKind::Backoff,
            ..
        }
    ));
    device.by_hand = true;
    device.lrs.faults.extend([
        Fault::Response(404, vec![], ""),
        Fault::Fail(TransportError::TimedOut),
    ]);
    let timed_out_at = device.now;
    match device.sync() {
        Ended::Waiting {
            until,
            why: WaitKind::OutcomeUnknown,
            ..
        } => {
            assert!(until - timed_out_at >= 30_000, "longer than the time-out");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        device.sync(),
        Ended::Waiting {
            why: WaitKind::OutcomeUnknown,
            ..
        }
    ));
}

#[test]
fn what_only_2_0_has_waits_for_an_upstream_that_speaks_it() {
    let mut device = Device::new();
    device.lrs.versions = vec!["1.0.3"];
    let context = r#","context":{"contextAgents":[{"objectType":"contextAgent","agent":{"mbox":"mailto:c@example.com"}}]}"#;
    let waits = device.record_one(1, context, START - 1_000);
    device.record(3);
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 3);
    let waiting = device
        .db
        .waiting(UpstreamId::MAIN, Page::default())
        .unwrap();
    assert_eq!(
        waiting.iter().map(|w| (w.id, w.reason)).collect::<Vec<_>>(),
        [(waits, WaitReason::Version)]
    );
    device.lrs.versions = vec!["1.0.3", "2.0.0"];
    device.now += 25 * 3_600_000;
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 4);
}

#[test]
fn one_wrong_word_about_its_versions_does_not_stop_what_needs_2_0_for_a_day() {
    let mut device = Device::new();
    let context = r#","context":{"contextAgents":[{"objectType":"contextAgent","agent":{"mbox":"mailto:c@example.com"}}]}"#;
    device.record_one(1, context, START - 1_000);
    device
        .lrs
        .faults
        .push_back(Fault::Response(200, vec![], r#"{"version":["1.0.3"]}"#));
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 0);
    device.now += 2 * 3_600_000;
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 1);
    // And where nothing waits for it, nobody asks before the day is over.
    let requests = device.lrs.requests;
    device.record(1);
    device.now += 2 * 3_600_000;
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.lrs.requests, requests + 1);
}

#[test]
fn a_silent_lrs_is_asked_about_its_versions_once_an_hour_also_where_2_0_is_waited_for() {
    let mut device = Device::new();
    let context = r#","context":{"contextAgents":[{"objectType":"contextAgent","agent":{"mbox":"mailto:c@example.com"}}]}"#;
    device.record_one(1, context, START - 1_000);
    device.lrs.versions = vec!["1.0.3"];
    device
        .lrs
        .faults
        .push_back(Fault::Response(404, vec![], "no such page"));
    assert_eq!(device.sync(), Ended::Emptied);
    for _ in 0..5 {
        let requests = device.lrs.requests;
        device.now += 3_600_000 + 1;
        device
            .lrs
            .faults
            .push_back(Fault::Response(404, vec![], "no such page"));
        assert_eq!(device.sync(), Ended::Emptied);
        assert_eq!(device.lrs.requests, requests + 1);
    }
}

#[test]
fn finds_the_version_of_an_lrs_that_does_not_tell() {
    for versions in [vec!["1.0.3"], vec!["2.0.0"]] {
        let mut device = Device::new();
        device.lrs.versions = versions;
        device.record(20);
        device
            .lrs
            .faults
            .push_back(Fault::Response(404, vec![], ""));
        assert_eq!(device.sync(), Ended::Emptied);
        assert_eq!(device.delivered(), 20);
        assert!(device.held().is_empty());
    }
}

#[test]
fn what_was_refused_in_the_wrong_version_is_sent_in_the_right_one() {
    let mut device = Device::new();
    device.lrs.versions = vec!["2.0.0"];
    device.record(2);
    // It does not tell its versions, the first batch is lost, and after that it is being deployed.
    let broken = Fault::Fail(TransportError::Broken("reset".into()));
    let faults = [Fault::Response(404, vec![], ""), broken];
    device.lrs.faults.extend(faults);
    let Ended::Waiting { until, .. } = device.sync() else {
        panic!("the first batch was not lost");
    };
    device.now = until;
    device
        .lrs
        .faults
        .push_back(Fault::Response(404, vec![], ""));
    device.sync_all();
    assert_eq!(device.delivered(), 2);
    assert!(device.held().is_empty());
}

#[test]
fn after_a_wait_the_same_session_tries_both_versions_again() {
    for count in 1..=6 {
        let mut device = Device::new();
        device.lrs.versions = vec!["1.0.3"];
        device.record(count);
        // It does not tell its version, and then something answers 400 to everything.
        device.lrs.faults = vec![Fault::Response(400, vec![], "Bad Request"); 100].into();
        device
            .lrs
            .faults
            .push_front(Fault::Response(404, vec![], ""));
        let mut session = device.session();
        let Ended::Waiting { until, .. } = device.run(&mut session) else {
            panic!("no wait");
        };
        device.now = until;
        device.lrs.faults.clear();
        assert_eq!(device.run(&mut session), Ended::Emptied);
        assert_eq!(device.held(), []);
        assert_eq!(device.delivered(), count as usize);
    }
}

#[test]
fn who_ends_while_it_looks_into_a_failure_leaves_the_wait_to_the_next() {
    let mut device = Device::new();
    device.record(1);
    for _ in 0..2 {
        device.lrs.faults = [
            Fault::Response(404, vec![], ""),
            Fault::Response(500, vec![], ""),
        ]
        .into();
        match device.sync() {
            Ended::Waiting { until, .. } => device.now = until,
            other => panic!("{other:?}"),
        }
    }
    device.lrs.faults.clear();
    let mut session = device.session();
    let timeout = loop {
        let Step::Send { ticket, request } = session.next(&mut device.db, device.now).unwrap()
        else {
            panic!("nothing is sent");
        };
        let posts = request.method == Method::Post;
        let outcome = if posts {
            Err(TransportError::TimedOut)
        } else {
            device.lrs.perform(&request, device.now)
        };
        session
            .answered(&mut device.db, ticket, outcome, device.now)
            .unwrap();
        if posts {
            break request.timeout.as_millis() as i64;
        }
    };
    drop(session);
    let next = device.session().next(&mut device.db, device.now).unwrap();
    assert!(
        matches!(
            next,
            Step::Wait { until, why: WaitKind::OutcomeUnknown } if until >= device.now + timeout
        ),
        "{next:?}"
    );
}

#[test]
fn learns_how_much_the_lrs_bears_and_grows_again() {
    let mut device = Device::new();
    device.lrs.max_bytes = 40_000;
    let long = format!(r#","result":{{"response":"{}"}}"#, "x".repeat(5_000));
    for n in 1..=100 {
        device.record_one(n, &long, START - 1_000);
    }
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 100);
    assert!(device.held().is_empty());
    let learned = device.db.upstream(UpstreamId::MAIN).unwrap().learned;
    assert!(
        learned.max_bytes.is_some_and(|max| max <= 60_000),
        "{learned:?}"
    );
    assert!(device.lrs.posts.len() < 60, "{:?}", device.lrs.posts);
}

#[test]
fn two_holders_never_sync_at_once_and_a_dead_ones_lease_ends() {
    let mut device = Device::new();
    device.record(5);
    let other = Holder([9; 16]);
    device
        .db
        .claim(
            UpstreamId::MAIN,
            other,
            false,
            device.now,
            device.now + 60_000,
        )
        .unwrap();
    assert!(matches!(device.sync(), Ended::Busy { until } if until == device.now + 60_000));
    assert_eq!(device.lrs.requests, 0);
    device.now += 60_001;
    assert_eq!(device.sync(), Ended::Emptied);
    // A lease from a clock that ran ahead is no lease.
    device.record(1);
    device
        .db
        .claim(
            UpstreamId::MAIN,
            other,
            false,
            device.now,
            device.now + 365 * 24 * 3_600_000,
        )
        .unwrap();
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 6);
}

#[test]
fn what_is_under_way_at_one_lrs_is_not_waited_for_at_another() {
    for (other, waits) in [
        ("https://other.example/xAPI", false),
        ("https://lrs.example:8443/xAPI", false),
        // Somebody has put the scheme or the path right.
        ("http://lrs.example/xAPI", true),
        ("https://lrs.example/other", true),
    ] {
        let mut device = Device::new();
        device
            .db
            .set_endpoint(UpstreamId::MAIN, "https://lrs.example/xAPI")
            .unwrap();
        device.record(3);
        let lost = || Fault::Fail(TransportError::Broken("reset".into()));
        device.lrs.faults.extend([Fault::None, lost()]);
        device.sync();
        device.db.set_endpoint(UpstreamId::MAIN, other).unwrap();
        let learned = device.db.upstream(UpstreamId::MAIN).unwrap().learned;
        assert_eq!(learned.waits.outcome_unknown.is_some(), waits, "{other}");
        assert_eq!((learned.waits.backoff, learned.trouble), (None, None));
    }
}

#[test]
fn what_an_old_lrs_answers_says_nothing_once_there_is_another() {
    let mut device = Device::new();
    device
        .db
        .set_endpoint(UpstreamId::MAIN, "https://lrs.example/xAPI")
        .unwrap();
    let ids = device.record(3);
    let mut session = device.session();
    let mut step = session.next(&mut device.db, device.now).unwrap();
    // About first, and then the batch.
    for _ in 0..2 {
        let Step::Send { ticket, request } = step else {
            panic!("{step:?}")
        };
        if request.body.is_some() {
            device
                .db
                .set_endpoint(UpstreamId::MAIN, "https://other.example/xAPI")
                .unwrap();
        }
        let outcome = device.lrs.perform(&request, device.now);
        session
            .answered(&mut device.db, ticket, outcome, device.now)
            .unwrap();
        step = session.next(&mut device.db, device.now).unwrap();
    }
    assert_eq!(step, Step::Done(Ended::Interrupted));
    assert!(
        device.lrs.stored.contains_key(&ids[0]),
        "the old one has it"
    );
    assert_eq!(device.delivered(), 0, "and the new one has not");
    assert_eq!(
        device
            .db
            .upstream(UpstreamId::MAIN)
            .unwrap()
            .learned
            .last_success,
        None
    );
}

#[test]
fn a_401_that_nobody_explains_is_obeyed_however_many_sessions_ask() {
    let mut device = Device::new();
    let ids = device.record(7);
    for id in &ids[..6] {
        device.lrs.dislikes.insert(*id, 401);
    }
    // One is taken, the others wait: it may be the statements.
    device.sync_all();
    assert_eq!((device.delivered(), device.held()), (1, vec![]));
    let before = device.lrs.posts.len();
    for _ in 0..5 {
        device.now += 60 * 60 * 1000;
        if let Ended::NeedsApp { trouble } = device.sync() {
            assert_eq!(trouble.problem, Problem::Credentials);
            let asked = device.lrs.posts.len() - before;
            assert!((6..=12).contains(&asked), "{asked}");
            return;
        }
    }
    panic!("it knocks on and on: {:?}", device.lrs.posts);
}

#[test]
fn an_lrs_that_answers_no_look_up_is_spoken_to_in_the_version_that_it_told() {
    let mut device = Device::new();
    device.lrs.versions = vec!["2.0.0"];
    device.lrs.knows_no_looking = true;
    device.record(3);
    let broken = || Fault::Fail(TransportError::Broken("reset".into()));
    device.lrs.faults.extend([Fault::None, broken()]);
    device.sync_all();
    assert_eq!(device.delivered(), 3);
    // It told its version, broke, was asked in both and told again; and then all was said.
    assert!(device.lrs.requests <= 6, "{}", device.lrs.requests);
}

#[test]
fn what_was_looked_up_is_not_looked_up_again_because_the_lrs_asks_for_time() {
    let mut device = Device::new();
    device.lrs.on_known = OnKnown::Refuse { naming: false };
    device.record(2);
    device.lrs.faults.extend([Fault::None, Fault::LoseAnswer]);
    device.sync_all();
    // Now it is known to refuse what it has; and these were sent, and did not arrive.
    device.record(5);
    let broken = Fault::Fail(TransportError::Broken("reset".into()));
    device.lrs.faults.push_back(broken);
    let mut session = device.session();
    let Ended::Waiting { until, .. } = device.run(&mut session) else {
        panic!("the connection broke");
    };
    device.now = until;
    // They are tried together again: all are looked up, and then the LRS has no time.
    let together = |learned: &mut Learned| {
        learned.max_statements = None;
        learned.failed_statements = None;
        learned.failures = 0;
        learned.trouble = None;
    };
    device.db.relearn(UpstreamId::MAIN, together).unwrap();
    let busy = || Fault::Response(429, vec![], "");
    let five = std::iter::repeat_n(Fault::None, 5);
    device
        .lrs
        .faults
        .extend(five.chain([busy(), busy(), busy()]));
    let before = device.lrs.gets;
    for _ in 0..4 {
        if let Ended::Waiting { until, .. } = device.run(&mut session) {
            device.now = until;
        }
    }
    assert!(
        device
            .db
            .upstream(UpstreamId::MAIN)
            .unwrap()
            .learned
            .refuses_known
    );
    assert_eq!(device.delivered(), 7);
    assert_eq!(device.lrs.gets - before, 5);
}

#[test]
fn the_lease_outlasts_each_request() {
    let mut device = Device::new();
    let ids = device.record(40);
    device.lrs.dislikes.insert(ids[17], 400);
    device.lrs.dislikes.insert(ids[30], 500);
    let mut session = device.session();
    let mut requests = 0;
    while let Step::Send { ticket, request } = session.next(&mut device.db, device.now).unwrap() {
        requests += 1;
        device.now += request.timeout.as_millis() as i64;
        let another = device
            .db
            .claim(
                UpstreamId::MAIN,
                Holder([99; 16]),
                false,
                device.now,
                device.now + 1_000,
            )
            .unwrap();
        assert!(matches!(another, Claim::Busy { .. }), "{request:?}");
        let outcome = device.lrs.perform(&request, device.now);
        session
            .answered(&mut device.db, ticket, outcome, device.now)
            .unwrap();
    }
    assert!(requests > 10, "{requests}");
}

#[test]
fn who_records_has_a_turn_while_very_many_step_aside() {
    let mut device = Device::new();
    device.lrs.versions = vec!["1.0.3"];
    let needs_2_0 = r#","context":{"contextAgents":[{"objectType":"contextAgent",
        "agent":{"mbox":"mailto:b@example.com"}}]}"#;
    for n in 1..=1_300 {
        device.record_one(n, needs_2_0, START - 1_000);
    }
    let mut session = device.session();
    let (mut turns, mut waiting) = (0, 0);
    let mut ended = None;
    while ended.is_none() {
        match session.next(&mut device.db, device.now).unwrap() {
            Step::Send { ticket, request } => {
                let outcome = device.lrs.perform(&request, device.now);
                session
                    .answered(&mut device.db, ticket, outcome, device.now)
                    .unwrap();
            }
            Step::Again => turns += 1,
            Step::Done(done) => ended = Some(done),
            other => panic!("{other:?}"),
        }
        let now = device.db.ledger(UpstreamId::MAIN).unwrap().waiting;
        assert!(
            now - waiting <= 500,
            "{waiting} to {now} in one transaction"
        );
        waiting = now;
    }
    assert_eq!((turns, waiting, ended), (2, 1_300, Some(Ended::Emptied)));
}

#[test]
fn who_may_only_write_believes_the_lrs_and_no_portal() {
    // It names nothing, and lets nobody read.
    let says_200 = || Fault::Response(200, vec![], r#"{"ok":true}"#);
    for write_only in [false, true] {
        let mut device = Device::new();
        (device.write_only, device.lrs.may_read) = (write_only, false);
        device.record(3);
        device.lrs.faults.extend([Fault::None, says_200()]);
        device.sync();
        assert_eq!(device.delivered(), if write_only { 3 } else { 0 });
    }
    // An LRS that is known to give its version header, and then a portal that says 204 to everything.
    let mut device = Device::new();
    (device.write_only, device.lrs.may_read) = (true, false);
    device.record(3);
    assert_eq!(device.sync(), Ended::Emptied);
    device.record(3);
    for _ in 0..10 {
        device.lrs.faults.extend(vec![Fault::Stranger(204, ""); 20]);
        if let Ended::Waiting { until, .. } = device.sync() {
            device.now = until;
        }
        device.lrs.faults.clear();
    }
    assert_eq!(device.delivered(), 3);
    device.sync_all();
    assert_eq!(device.delivered(), 6);
}

/// A 204 names nothing and shows nothing: only where the LRS itself lets nobody read must it do.
#[test]
fn nobody_but_the_lrs_says_that_nobody_may_read() {
    let unshown = [
        Fault::Stranger(401, ""),
        Fault::Stranger(403, "<html>Forbidden</html>"),
        Fault::Stranger(405, ""),
        Fault::Stranger(501, ""),
        Fault::Response(500, vec![], "more than one"),
        Fault::Response(200, vec![], "no statement"),
    ];
    for looked in unshown {
        let mut device = Device::new();
        device.record(1);
        device.sync_all();
        for _ in 0..5 {
            device.record(1);
            // It says so, and has not stored it.
            let said = Fault::Response(204, vec![], "");
            device.lrs.faults.push_back(said);
            device.lrs.faults.extend(vec![looked.clone(); 20]);
            if let Ended::Waiting { until, .. } = device.sync() {
                device.now = until;
            }
            device.lrs.faults.clear();
            assert_eq!(device.delivered(), device.lrs.stored.len());
        }
        device.sync_all();
        assert_eq!((device.delivered(), device.lrs.stored.len()), (6, 6));
    }
}

#[test]
fn a_401_to_who_may_only_write_stops_nothing() {
    for fault in [
        Fault::LoseAnswer,
        Fault::Fail(TransportError::TimedOut),
        Fault::Response(500, vec![], "failed"),
        Fault::Stranger(502, "<html>Bad gateway</html>"),
        Fault::Response(503, vec![], "busy"),
        Fault::Response(400, vec![], "bad"),
    ] {
        for taken_before in [0, 2] {
            let mut device = Device::new();
            (device.lrs.may_read, device.lrs.forbids_by) = (false, 401);
            if taken_before > 0 {
                device.record(taken_before);
                device.sync_all();
            } else if matches!(fault, Fault::Response(400, ..)) {
                // Of one that has taken nothing so far, that is what it says to whom it does not know.
                continue;
            }
            device.record(3);
            let about = if taken_before > 0 {
                None
            } else {
                Some(Fault::None)
            };
            device
                .lrs
                .faults
                .extend(about.into_iter().chain([fault.clone()]));
            for _ in 0..20 {
                match device.sync() {
                    Ended::Waiting { until, .. } => device.now = until,
                    Ended::Emptied | Ended::NeedsApp { .. } => device.now += 60 * 60 * 1000,
                    other => panic!("{other:?}"),
                }
                device.record(u128::from(device.delivered() < 3));
            }
            let ledger = device.db.ledger(UpstreamId::MAIN).unwrap();
            assert_eq!(ledger.delivered, ledger.recorded, "{ledger:?}");
        }
    }
}

#[test]
fn an_address_that_has_moved_on_its_host_is_told_as_such_however_often_it_is_tried() {
    let mut device = Device::new();
    device.record(20);
    device.lrs.instead = Box::new(|request, _| {
        let moved = [("Location", format!("{}/", request.url))];
        let mut answer = answer(308, &moved, String::new());
        answer.headers.retain(|(name, _)| name == "Location");
        Some(answer)
    });
    for _ in 0..20 {
        if let Ended::Waiting { until, .. } = device.sync() {
            device.now = until.max(device.now);
        }
        assert_eq!(device.problem(), Some(Problem::WrongEndpoint));
    }
}

#[test]
fn an_lrs_that_changes_its_version_in_the_middle_is_spoken_to_in_the_new_one() {
    for (status, only_posts) in [
        (400, true),
        (400, false),
        (406, true),
        (406, false),
        (415, false),
    ] {
        let mut device = Device::new();
        device.record(130);
        let (begun, mut posts) = (device.now, 0);
        device.lrs.instead = Box::new(move |request, _| {
            let sent = |name| request.headers.iter().find(|(n, _)| *n == name);
            let new = |status, body: &str| {
                let mut answer = answer(status, &[], body.to_owned());
                answer.headers[0].1 = "2.0.0".to_owned();
                answer
            };
            let is_post = request.method == Method::Post;
            posts += u32::from(is_post);
            let is_old = posts < 2;
            if request.url.ends_with("/about") {
                let versions = if is_old { "1.0.3" } else { "2.0.0" };
                return Some(new(200, &format!(r#"{{"version":["{versions}"]}}"#)));
            }
            let version = sent("X-Experience-API-Version").map(|(_, value)| value.as_str());
            let is_refused = !is_old && version != Some("2.0.0") && (is_post || !only_posts);
            is_refused.then(|| new(status, "version"))
        });
        device.sync_to_the_last();
        assert_eq!(
            (device.delivered(), device.held()),
            (130, vec![]),
            "{status} {only_posts}"
        );
        assert!(
            device.now - begun < 60_000,
            "{status} {only_posts}: after {}",
            device.now - begun
        );
    }
}

#[test]
fn an_lrs_that_is_read_in_one_version_and_written_in_another_gets_everything() {
    let mut device = Device::new();
    device.record(60);
    device.lrs.instead = Box::new(|request, _| {
        if request.url.ends_with("/about") {
            return Some(answer(200, &[], r#"{"version":["2.0.0"]}"#.to_owned()));
        }
        let version = request
            .headers
            .iter()
            .find(|(name, _)| *name == "X-Experience-API-Version");
        let is_refused =
            request.method == Method::Post && version.is_none_or(|(_, it)| it != "1.0.3");
        is_refused.then(|| {
            let mut answer = answer(400, &[], "2.0.0 is not supported; use 1.0.3".to_owned());
            answer.headers[0].1 = "1.0.3".to_owned();
            answer
        })
    });
    device.sync_to_the_last();
    assert_eq!((device.delivered(), device.held()), (60, vec![]));
    // Its word is asked for again each day.
    for day in 0..3_u128 {
        device.now += 25 * 60 * 60 * 1000;
        let before = device.lrs.requests;
        device.record_one(1_000 + day, "", device.now);
        device.sync_to_the_last();
        assert_eq!(device.delivered(), 61 + usize::try_from(day).unwrap());
        assert!(
            device.lrs.requests - before < 20,
            "{}",
            device.lrs.requests - before
        );
    }
}

#[test]
fn what_a_node_of_the_older_version_cannot_show_is_no_conflict() {
    let agents = r#","context":{"contextAgents":[{"objectType":"contextAgent","agent":{"mbox":"mailto:b@example.com"}}],"platform":"p"}"#;
    for shows_context in [true, false] {
        let mut device = Device::new();
        let more = if shows_context {
            agents.to_owned()
        } else {
            agents.replace(r#","platform":"p""#, "")
        };
        let timestamp = r#","timestamp":"2026-03-01T09:00:00Z""#;
        let id = device.record_one(1_000, &format!("{timestamp}{more}"), START);
        let others = device.record(3).len();
        let (begun, mut posts) = (device.now, 0);
        let hour = 60 * 60 * 1000;
        device.lrs.instead = Box::new(move |request, now| {
            if request.method == Method::Post {
                posts += 1;
                // The first is stored, and the answer lost.
                return None;
            }
            let asked = request.url.contains(&format!("statementId={id}"));
            let is_old = posts > 0 && now - begun < 3 * hour;
            (asked && is_old).then(|| {
                let context = if shows_context { r#","context":{"platform":"p"}"# } else { "" };
                let copy = format!(
                    r#"{{"id":"{id}","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},
                    "object":{{"id":"http://example.com/1000"}}{timestamp}{context},"version":"1.0.3","stored":"2026-01-01T00:00:00.000Z"}}"#
                );
                let mut answer = answer(200, &[], copy);
                answer.headers[0].1 = "1.0.3".to_owned();
                answer
            })
        });
        device.lrs.faults.extend([Fault::None, Fault::LoseAnswer]);
        device.sync();
        device.sync_to_the_last();
        assert_eq!(device.held(), vec![], "{shows_context}");
        assert_eq!(device.delivered(), others + 1, "{shows_context}");
        assert!(device.now - begun < 6 * hour);
    }
}

#[test]
fn an_lrs_is_asked_for_its_versions_before_something_waits_for_another() {
    let mut device = Device::new();
    device.lrs.versions = vec!["1.0.3"];
    device.record(1);
    device.sync();
    device.lrs.versions = vec!["1.0.3", "2.0.0"];
    device.now += 61 * 60 * 1000;
    let agents = r#","context":{"contextAgents":[{"objectType":"contextAgent","agent":{"mbox":"mailto:b@example.com"}}]}"#;
    device.record_one(2, agents, device.now);
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 2);
}

/// Returns the version that a request is made in.
fn asked_in(request: &crate::lrs::Request) -> &str {
    let mut headers = request.headers.iter();
    let version = headers.find(|(name, _)| *name == "X-Experience-API-Version");
    version.map_or("", |(_, value)| value)
}

#[test]
fn an_lrs_that_is_written_in_2_0_and_read_in_1_0_gets_everything() {
    for known in [OnKnown::AllIds, OnKnown::Refuse { naming: false }] {
        let mut device = Device::new();
        let ids = device.record(60);
        device.lrs.on_known = known;
        device.lrs.dislikes.insert(ids[33], 400);
        // The answer to the first batch is lost.
        let lost = Fault::LoseAnswer;
        device.lrs.faults.push_back(lost);
        device.lrs.instead = Box::new(|request, _| {
            if request.url.ends_with("/about") {
                return Some(answer(
                    200,
                    &[],
                    r#"{"version":["1.0.3","2.0.0"]}"#.to_owned(),
                ));
            }
            let wanted = match request.method {
                Method::Post => "2.0.0",
                _ => "1.0.3",
            };
            let refusal = || answer(400, &[], "not this version".to_owned());
            (asked_in(request) != wanted).then(refusal)
        });
        for hour in 0..4 {
            device.sync_to_the_last();
            device.now += 60 * 60 * 1000;
            device.record_one(1_000 + hour, "", device.now);
            // An answer is lost again, and the LRS says only that it knows it.
            device.lrs.faults.push_back(Fault::LoseAnswer);
            device.sync();
        }
        device.sync_to_the_last();
        assert_eq!(device.held(), [(ids[33], HoldReason::Refused)], "{known:?}");
        assert_eq!(device.delivered(), 63, "{known:?}");
        assert!(
            device.lrs.requests < 90,
            "{known:?}: {}",
            device.lrs.requests
        );
    }
}

/// Returns what an LRS that has not understood the version answers with this status; its header tells nothing.
fn unsupported(status: u16, by_itself: bool) -> Response {
    let mut answer = answer(status, &[], "Unsupported version".to_owned());
    answer.headers[0].1 = "2.0.0".to_owned();
    answer.headers.retain(|_| by_itself);
    answer
}

#[test]
fn an_lrs_that_refuses_one_of_the_versions_that_it_lists_is_spoken_to_in_the_other() {
    // All that an LRS, or something before it, can answer but what says itself what it is about.
    let all = (400..=431).chain([451, 499]).chain(500..=511).chain([524]);
    let says_another_thing = |status: &u16| matches!(status, 401 | 413 | 511);
    for status in all.filter(|status| !says_another_thing(status)) {
        for (by_itself, gets_too) in [(true, true), (true, false), (false, true), (false, false)] {
            let what = format!("{status}, by itself: {by_itself}, look-ups too: {gets_too}");
            let mut device = Device::new();
            device.record(60);
            device.lrs.instead = Box::new(move |request, _| {
                let is_asked = request.url.ends_with("/about");
                let is_refused = asked_in(request) == "2.0.0"
                    && !is_asked
                    && (gets_too || request.method == Method::Post);
                is_refused.then(|| unsupported(status, by_itself))
            });
            let begun = device.now;
            device.sync_to_the_last();
            assert_eq!((device.delivered(), device.held()), (60, vec![]), "{what}");
            let requests = device.lrs.requests;
            assert!(requests < 160, "{what}: {requests} requests");
            assert!(device.now - begun < 2 * 60_000, "{what}");
            if by_itself && matches!(status, 400 | 402..=406 | 410 | 415 | 422 | 426 | 501) {
                assert!(device.now - begun < 2_000, "{what}: in the first session");
                assert!(requests < 40, "{what}: {requests} requests");
            }
            // From now on it begins so, and asks no more than others would.
            device.record(60);
            device.sync_to_the_last();
            assert_eq!(device.delivered(), 120, "{what}");
            assert!(device.lrs.requests - requests < 70, "{what}");
        }
    }
}

#[test]
fn an_lrs_that_tells_nothing_of_its_versions_is_written_to_in_both() {
    for status in [400, 404, 409, 415, 429, 500, 502, 503, 505] {
        for gets_too in [true, false] {
            let mut device = Device::new();
            device.record(3);
            device.lrs.instead = Box::new(move |request, _| {
                let unmarked = |status| {
                    let mut answer = answer(status, &[], "no".to_owned());
                    answer.headers.clear();
                    answer
                };
                if request.url.ends_with("/about") {
                    return Some(unmarked(404));
                }
                let is_refused =
                    asked_in(request) == "1.0.3" && (gets_too || request.method == Method::Post);
                is_refused.then(|| unmarked(status))
            });
            device.go_on_for(5 * 60_000);
            assert_eq!(
                (device.delivered(), device.held()),
                (3, vec![]),
                "{status}, look-ups too: {gets_too}"
            );
        }
    }
}

#[test]
fn an_lrs_that_merely_fails_is_asked_no_more_because_it_lists_two_versions() {
    let asked = |status: u16, by_itself: bool, versions: Vec<&'static str>| {
        let mut device = Device::new();
        device.lrs.versions = versions;
        device.record(60);
        device.lrs.instead = Box::new(move |request, _| {
            let is_asked = request.url.ends_with("/about");
            (!is_asked).then(|| unsupported(status, by_itself))
        });
        device.go_on_for(3 * 60 * 60 * 1000);
        assert_eq!((device.delivered(), device.held()), (0, vec![]));
        device.lrs.requests
    };
    for status in [408, 413, 425, 429, 500, 502, 503, 504] {
        for by_itself in [true, false] {
            let (one, both) = (
                asked(status, by_itself, vec!["1.0.3"]),
                asked(status, by_itself, vec!["1.0.3", "2.0.0"]),
            );
            assert_eq!(both, one, "{status}, by itself: {by_itself}");
        }
    }
}

#[test]
fn what_only_2_0_can_say_waits_for_no_try_in_the_other_version() {
    let agents = r#","context":{"contextAgents":[{"objectType":"contextAgent","agent":{"mbox":"mailto:b@example.com"}}]}"#;
    for failures in 1..8 {
        let mut device = Device::new();
        for n in 1..=3 {
            device.record_one(n, agents, START);
        }
        let mut posts = 0;
        device.lrs.instead = Box::new(move |request, _| {
            posts += u32::from(request.method == Method::Post);
            let fails = request.method == Method::Post && posts <= failures;
            fails.then(|| answer(503, &[], "in a moment".to_owned()))
        });
        device.go_on_for(30 * 60_000);
        assert_eq!(
            (device.delivered(), device.held()),
            (3, vec![]),
            "{failures} failures"
        );
    }
}
