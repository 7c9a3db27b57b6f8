//! The judge's whole table, line by line.

use std::time::Duration;

use uuid::Uuid;

use super::judge::{
    Blame, Looked, Negotiated, Pause, Stop, UNDER_WAY, Verdict, about, failed, found, posted,
};
use super::work::Item;
use crate::lrs::reading::{read_about, read_get, read_post};
use crate::lrs::{Answer, Endpoint, Failure};
use crate::statement::XapiVersion;
use crate::store::{HoldReason, Problem, Row};

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n | 0x4000_8000_0000_0000_0000)
}

/// Three statements; those named were sent before.
fn batch(sent_before: &[usize]) -> Vec<Item> {
    (0..3)
        .map(|at| {
            Item::from(Row {
                seq: at as i64 + 1,
                id: id(at as u128),
                body: Vec::new(),
                sent_before: sent_before.contains(&at),
                happened_at: 0,
                tries: 0,
                aside_since: None,
                alone: false,
            })
        })
        .collect()
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
        cut: false,
    }
}

fn endpoint() -> Endpoint {
    Endpoint::parse("https://lrs.example/xAPI").unwrap()
}

fn judge_post(answer: &Answer, sent_before: &[usize], retry_after: Option<Duration>) -> Verdict {
    posted(
        &read_post(answer, &endpoint()),
        &batch(sent_before),
        retry_after,
    )
}

fn names(at: &[u128]) -> String {
    serde_json::to_string(&at.iter().map(|n| id(*n)).collect::<Vec<_>>()).unwrap()
}

fn stop_of(verdict: Verdict) -> (Problem, Pause) {
    match verdict {
        Verdict::Stop(stop) => (stop.problem, stop.pause),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_200_with_ids_delivers_the_named_and_what_was_sent_before() {
    for (named, sent_before, delivered, look) in [
        (&[0, 1, 2][..], &[][..], &[0, 1, 2][..], &[][..]),
        (&[2, 0, 1], &[], &[0, 1, 2], &[]),
        // Only the new ones are named: the others are old to it.
        (&[1], &[0, 2], &[0, 1, 2], &[]),
        // Not named and never sent before: nothing proves it.
        (&[1], &[0], &[0, 1], &[2]),
        (&[0, 1, 2, 9], &[], &[0, 1, 2], &[]),
    ] {
        let verdict = judge_post(&answer(200, &names(named)), sent_before, None);
        let expected = Verdict::Stored {
            delivered: delivered.to_vec(),
            look: look.to_vec(),
        };
        assert_eq!(verdict, expected, "{named:?} {sent_before:?}");
    }
}

#[test]
fn a_success_that_names_nothing_of_ours_proves_nothing() {
    for answer in [
        answer(204, ""),
        answer(200, "[]"),
        answer(200, &names(&[7])),
    ] {
        for sent_before in [&[][..], &[0, 1, 2]] {
            assert_eq!(
                judge_post(&answer, sent_before, None),
                Verdict::ProveOne,
                "{answer:?}"
            );
        }
    }
}

#[test]
fn a_partial_success_is_settled_by_its_indexes() {
    let report = format!(
        r#"{{"inserted":1,"rejected":1,"ids":{},"errors":[{{"index":1,"reason":"missing object"}},{{"index":9,"reason":"?"}}]}}"#,
        names(&[0])
    );
    assert_eq!(
        judge_post(&answer(200, &report), &[], None),
        Verdict::Sorted {
            delivered: vec![0],
            refused: vec![(1, "missing object".into())],
            look: vec![2],
        }
    );
    // 400 for a batch that is there already.
    let nothing = r#"{"inserted":0,"rejected":0,"ids":[],"errors":[]}"#;
    assert_eq!(
        judge_post(&answer(400, nothing), &[], None),
        Verdict::Sorted {
            delivered: vec![],
            refused: vec![],
            look: vec![0, 1, 2]
        }
    );
}

#[test]
fn what_is_not_an_lrs_stops_and_delivers_nothing() {
    let mut elsewhere = answer(302, "");
    elsewhere
        .headers
        .push(("Location".into(), "https://portal.example/".into()));
    let mut page = answer(200, "<html><title>Log in</title></html>");
    page.headers
        .push(("Content-Type".into(), "text/html".into()));
    for answer in [
        elsewhere,
        page,
        answer(511, ""),
        answer(200, "{}"),
        answer(200, "null"),
        answer(202, ""),
        answer(204, "with a body"),
    ] {
        let verdict = judge_post(&answer, &[0, 1, 2], None);
        assert_eq!(
            stop_of(verdict),
            (Problem::NotAnLrs, Pause::Backoff),
            "{answer:?}"
        );
    }
}

#[test]
fn a_redirect_on_the_same_host_is_a_wrong_endpoint() {
    for to in [
        "/xapi/statements",
        "https://lrs.example:8443/xAPI/statements",
    ] {
        let mut moved = answer(301, "");
        moved.headers.push(("Location".into(), to.into()));
        let verdict = judge_post(&moved, &[], None);
        assert_eq!(stop_of(verdict), (Problem::WrongEndpoint, Pause::Long));
    }
}

#[test]
fn a_refusal_is_not_yet_anybodys_fault() {
    for (status, reason) in [
        (400, HoldReason::Refused),
        (422, HoldReason::Refused),
        (403, HoldReason::Forbidden),
    ] {
        let verdict = judge_post(&answer(status, "no"), &[], None);
        let blame = Blame {
            reason,
            status: Some(status),
            words: "no".into(),
        };
        assert_eq!(
            verdict,
            Verdict::Suspicious {
                blame,
                culprits: vec![]
            }
        );
    }
    let pointing = answer(
        422,
        r#"{"detail":[{"loc":["body",1,"verb"],"msg":"field required"}]}"#,
    );
    assert!(matches!(
        judge_post(&pointing, &[], None),
        Verdict::Suspicious { culprits, .. } if culprits == [1]
    ));
}

#[test]
fn every_other_status_has_its_line() {
    for (status, problem, pause) in [
        (401, Problem::Credentials, Pause::App),
        (404, Problem::WrongEndpoint, Pause::Long),
        (405, Problem::WrongEndpoint, Pause::Long),
        (410, Problem::WrongEndpoint, Pause::Long),
        (408, Problem::ServerError, Pause::AtLeast(UNDER_WAY)),
        (425, Problem::ServerError, Pause::AtLeast(UNDER_WAY)),
        (500, Problem::ServerError, Pause::AtLeast(UNDER_WAY)),
        (502, Problem::ServerError, Pause::AtLeast(UNDER_WAY)),
        (504, Problem::ServerError, Pause::AtLeast(UNDER_WAY)),
        (429, Problem::Busy, Pause::Backoff),
        (503, Problem::Busy, Pause::Backoff),
        (402, Problem::Unexpected, Pause::Backoff),
        (407, Problem::Unexpected, Pause::Backoff),
        (418, Problem::Unexpected, Pause::Backoff),
    ] {
        let verdict = judge_post(&answer(status, "words"), &[], None);
        assert_eq!(stop_of(verdict), (problem, pause), "{status}");
    }
    let wait = Duration::from_mins(2);
    for status in [429, 503, 500] {
        let verdict = judge_post(&answer(status, ""), &[], Some(wait));
        assert_eq!(stop_of(verdict).1, Pause::RetryAfter(wait), "{status}");
    }
    let known = answer(409, &format!("{} is there", id(2)));
    assert_eq!(
        judge_post(&known, &[], None),
        Verdict::Known { named: vec![2] }
    );
    assert_eq!(
        judge_post(&answer(409, ""), &[], None),
        Verdict::Known { named: vec![] }
    );
    assert!(matches!(
        judge_post(&answer(413, ""), &[], None),
        Verdict::TooLarge { .. }
    ));
}

#[test]
fn no_status_at_all_delivers_or_holds_by_itself() {
    for status in 0..=999 {
        match judge_post(&answer(status, ""), &[0, 1, 2], None) {
            Verdict::Stored { delivered, .. } | Verdict::Sorted { delivered, .. } => {
                assert!(delivered.is_empty(), "{status}");
            }
            Verdict::ProveOne => assert_eq!(status, 204),
            Verdict::Suspicious { .. } => assert!(matches!(status, 400 | 403 | 422)),
            Verdict::Known { .. } => assert_eq!(status, 409),
            Verdict::TooLarge { .. } => assert_eq!(status, 413),
            Verdict::Stop(_) => {}
        }
    }
}

#[test]
fn no_answer_is_told_apart_by_what_may_have_arrived() {
    let timeout = Duration::from_secs(40);
    for (failure, problem, pause) in [
        (
            Failure::Unreachable("no route".into()),
            Problem::Unreachable,
            Pause::NothingSent,
        ),
        (
            Failure::TimedOut,
            Problem::TimedOut,
            Pause::AtLeast(timeout),
        ),
        (
            Failure::Broken("reset".into()),
            Problem::Broken,
            Pause::AtLeast(UNDER_WAY),
        ),
    ] {
        let Stop {
            problem: judged,
            pause: waits,
            status,
            ..
        } = failed(&failure, timeout);
        assert_eq!((judged, waits, status), (problem, pause, None));
    }
}

#[test]
fn a_look_up_has_its_lines() {
    let look =
        |status, body: &str| found(&read_get(&answer(status, body), &endpoint(), id(0)), None);
    let copy = format!(r#"{{"id":"{}"}}"#, id(0));
    assert_eq!(look(200, &copy), Looked::Copy(copy.clone().into_bytes()));
    assert_eq!(
        look(200, &format!(r#"{{"statements":[{copy}]}}"#)),
        Looked::Copy(copy.into_bytes())
    );
    for (status, body) in [(404, ""), (200, "null"), (200, r#"{"statements":[]}"#)] {
        assert_eq!(look(status, body), Looked::Missing, "{status} {body}");
    }
    assert_eq!(look(403, ""), Looked::Forbidden);
    assert_eq!(look(400, ""), Looked::Misunderstood);
    for (status, problem) in [
        (401, Problem::Credentials),
        (429, Problem::Busy),
        (500, Problem::ServerError),
        (204, Problem::NotAnLrs),
        (302, Problem::NotAnLrs),
    ] {
        match look(status, "") {
            Looked::Stop(stop) => assert_eq!(stop.problem, problem, "{status}"),
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[test]
fn the_version_is_asked_for_and_its_silence_is_not_the_end() {
    let ask = |status, body: &str| about(&read_about(&answer(status, body), &endpoint()), None);
    for (body, version) in [
        (r#"{"version":["2.0.0","1.0.3"]}"#, XapiVersion::V2_0_0),
        (r#"{"version":["1.0.1","1.0.9"]}"#, XapiVersion::V1_0_3),
    ] {
        assert_eq!(ask(200, body), Negotiated::Version(version));
    }
    for status in [401, 403, 404, 405, 500, 502] {
        assert_eq!(ask(status, ""), Negotiated::Silent, "{status}");
    }
    for (status, body, problem) in [
        (
            200,
            r#"{"version":["0.9","3.0.0"]}"#,
            Problem::NoCommonVersion,
        ),
        (200, "<html></html>", Problem::NotAnLrs),
        (503, "", Problem::Busy),
        (429, "", Problem::Busy),
    ] {
        match ask(status, body) {
            Negotiated::Stop(stop) => assert_eq!(stop.problem, problem, "{status} {body}"),
            other => panic!("{status}: {other:?}"),
        }
    }
}
