//! The LRS says that it knows an id (409) and shows its copy: the same statement spelt otherwise is
//! delivered, another one is a conflict.

use std::time::Duration;

use serde_json::{Value, json};

use super::Scenario;
use crate::device::{Device, id, number, sample};
use crate::http::{Response, Server};
use crate::lrs::shown;

pub const ALL: &[Scenario] = &[
    Scenario::new("a_duration_spelt_otherwise_is_the_same", || {
        for (ours, theirs) in [
            ("PT0.29S", "PT0.28S"),
            ("PT5.57S", "PT5.56S"),
            ("PT05S", "PT5S"),
            ("PT90S", "PT1M30S"),
            ("PT36H", "P1DT12H"),
            ("PT5H0M", "PT5H"),
            ("P1W", "P7D"),
            ("P0D", "PT0S"),
            ("P1Y2M", "P1Y60D"),
        ] {
            is(
                true,
                |one| one["result"]["duration"] = json!(ours),
                |one| {
                    one["result"]["duration"] = json!(theirs);
                },
            );
        }
    }),
    Scenario::new(
        "a_duration_in_a_sub_statement_spelt_otherwise_is_the_same",
        || {
            let sub = |duration: &str| {
                json!({
                    "objectType": "SubStatement",
                    "actor": {"objectType": "Agent", "mbox": "mailto:learner@example.com"},
                    "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                    "object": {"objectType": "Activity", "id": "https://quiz.example.com/q"},
                    "result": {"duration": duration},
                })
            };
            is(
                true,
                |one| one["object"] = sub("PT90S"),
                |one| one["object"] = sub("PT1M30S"),
            );
        },
    ),
    Scenario::new(
        "timestamps_and_defaults_spelt_otherwise_are_the_same",
        || {
            is(
                true,
                |_| {},
                |one| {
                    let time = one["timestamp"]
                        .as_str()
                        .unwrap_or_default()
                        .replace('Z', "000+00:00");
                    one["timestamp"] = json!(time);
                    one["version"] = json!("1.0.0");
                    one["id"] = json!(id(0).to_uppercase());
                },
            );
        },
    ),
    Scenario::new("other_integers_make_another_statement", || {
        for (ours, theirs) in [
            (json!(1_795_828_525_840_i64), json!(1_795_828_525_841_i64)),
            (json!(1_795_828_525_840_i64), json!(1_795_833_925_840_i64)),
            (json!(4_711_000_001_i64), json!(4_711_000_002_i64)),
            (
                json!(9_007_199_254_740_990_i64),
                json!(9_007_199_254_740_991_i64),
            ),
        ] {
            let set = |one: &mut Value, value: &Value| {
                one["result"]["extensions"] = json!({"https://example.com/order": value});
            };
            is(false, |one| set(one, &ours), |one| set(one, &theirs));
        }
    }),
    Scenario::new("another_attachment_makes_another_statement", || {
        let attach = |sha2: &str| {
            json!([{
                "usageType": "https://example.com/certificate",
                "display": {"en": "certificate"},
                "contentType": "text/plain",
                "length": 5,
                "sha2": sha2.repeat(16),
                "fileUrl": "https://files.example.com/certificate",
            }])
        };
        is(
            false,
            |one| one["attachments"] = attach("0a1b"),
            |one| {
                one["attachments"] = attach("0a1c");
            },
        );
    }),
    Scenario::new("another_timestamp_makes_another_statement", || {
        is(
            false,
            |_| {},
            |one| {
                one["timestamp"] = json!("2026-03-01T11:00:00.250Z");
                one["version"] = json!("2.0.0");
            },
        );
    }),
    Scenario::new("another_score_makes_another_statement", || {
        is(
            false,
            |_| {},
            |one| one["result"]["score"] = json!({"scaled": 0.51}),
        );
    }),
    Scenario::new("another_fraction_makes_another_statement", || {
        for (ours, theirs) in [
            (json!(85.5), json!(85.50001)),
            (json!(1_790_000_000.123), json!(1_790_000_128.9)),
            (json!(123_456.78), json!(123_456.79)),
        ] {
            is(
                false,
                |one| one["result"]["score"] = json!({"raw": ours}),
                |one| one["result"]["score"] = json!({"raw": theirs}),
            );
        }
        // What is left of it in 32 bits.
        is(
            true,
            |one| one["result"]["score"] = json!({"raw": 85.1}),
            |one| one["result"]["score"] = json!({"raw": 85.099_998_474_121_1}),
        );
    }),
    Scenario::new(
        "what_voids_a_statement_that_was_retracted_is_held",
        what_voids_a_statement_that_was_retracted_is_held,
    ),
    Scenario::new(
        "a_conflict_ends_by_the_apps_word",
        a_conflict_ends_by_the_apps_word,
    ),
    Scenario::new(
        "what_voids_a_statement_that_is_given_up_is_held",
        what_voids_a_statement_that_is_given_up_is_held,
    ),
];

/// The LRS has this other form of the first statement.
fn knows(theirs: Value) -> Server {
    Server::start(move |request, lrs| {
        if request.looks_for() == Some(id(0)) {
            return Response::json(200, &shown(&theirs)).by_an_lrs();
        }
        if request.is_post() && request.brings(&id(0)) {
            return Response::json(409, &json!({"error": "known"})).by_an_lrs();
        }
        lrs.plain(request)
    })
}

/// Whether it counts as the same. The statement and the LRS's copy are made from the first sample.
fn is(same: bool, ours: impl Fn(&mut Value), theirs: impl Fn(&mut Value)) {
    let mut mine = sample(0);
    ours(&mut mine);
    let mut copy = mine.clone();
    theirs(&mut copy);
    let server = knows(copy.clone());
    let device = Device::new();
    device.record([mine.clone(), sample(1)]);
    let ran = device.drain(&server, Duration::from_mins(1));
    let status = device.status();
    let (delivered, held) = (number(&status["delivered"]), number(&status["held"]));
    let expected = if same { (2, 0) } else { (1, 1) };
    assert_eq!(
        (delivered, held),
        expected,
        "ours {mine}, theirs {copy}: {ran}"
    );
    ran.ended(i32::from(!same));
}

fn what_voids_a_statement_that_was_retracted_is_held() {
    let mut theirs = sample(0);
    theirs["verb"]["id"] = json!("http://example.com/theirs");
    let server = Server::good();
    server.lrs.keep(&[theirs]);
    let device = Device::new();
    device.record([sample(0)]);
    device.run(&["retract", &id(0)]).ended(0);
    device
        .run(&["void", &id(0), "--mbox", "teacher@example.com"])
        .ended(0);
    device.sync(&server).ended(1);
    assert_eq!(server.lrs.posts(), 0);
    assert_eq!(device.held()[0]["reason"], "target_given_up");
}

fn a_conflict_ends_by_the_apps_word() {
    let mut theirs = sample(0);
    theirs["result"]["score"] = json!({"scaled": 0.9});
    let server = knows(theirs);
    let device = Device::with(2);
    device.drain(&server, Duration::from_mins(1)).ended(1);
    let held = device.held();
    assert_eq!(held[0]["reason"], "conflict", "{held:?}");
    device.run(&["held", "send-as-new", &id(0)]).ended(0);
    device.drain(&server, Duration::from_mins(1)).ended(0);
    assert_eq!(server.lrs.all().len(), 2, "under a new id");
    assert_eq!(number(&device.status()["held"]), 0);
}

fn what_voids_a_statement_that_is_given_up_is_held() {
    for settle in ["send-as-new", "keep-theirs", "discard"] {
        let mut theirs = sample(0);
        theirs["result"]["score"] = json!({"scaled": 0.9});
        let server = knows(theirs);
        let device = Device::with(2);
        device
            .run(&["void", &id(0), "--mbox", "t@example.com"])
            .ended(0);
        // It waits for its target.
        device.sync(&server).ended(4);
        assert_eq!(device.held()[0]["reason"], "conflict", "{settle}");
        let settled = device.run(&["held", settle, &id(0)]);
        assert!(settled.stderr.contains("voids"), "{settle}: {settled}");
        device.drain(&server, Duration::from_mins(1)).ended(1);
        let held = device.held();
        assert_eq!(held.len(), 1, "{settle}: {held:?}");
        assert_eq!(held[0]["reason"], "target_given_up", "{settle}");
        // The app may mean what the LRS has.
        let voiding = held[0]["id"].as_str().unwrap_or_default().to_owned();
        assert!(!server.lrs.all().contains_key(&voiding), "{settle}");
        device.run(&["held", "retry", &voiding]).ended(0);
        device.drain(&server, Duration::from_mins(1)).ended(0);
        assert!(server.lrs.all().contains_key(&voiding), "{settle}");
    }
}
