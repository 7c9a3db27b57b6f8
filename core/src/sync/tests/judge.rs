//! The judge's whole table, line by line.

use std::time::Duration;

use uuid::Uuid;

use crate::lrs::reading::{read_about, read_get, read_post, sender};
use crate::lrs::{Endpoint, Response, Sender, TransportError};
use crate::statement::Contents;
use crate::statement::XapiVersion;
use crate::store::{HoldReason, Problem, Row};
use crate::sync::judge::{about, failed, found, posted};
use crate::sync::meaning::{Blame, Looked, Negotiated, Pause, Stop, Verdict};
use crate::sync::statements::task::Pending;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n | 0x4000_8000_0000_0000_0000)
}

/// Three statements; those named were sent before.
fn batch(sent_before: &[usize]) -> Vec<Pending> {
    (0..3)
        .map(|at| {
            Pending::from(Row {
                seq: at as i64 + 1,
                id: id(at as u128),
                body: Vec::new(),
                contents: Contents::default(),
                sent_before: sent_before.contains(&at),
                ahead: false,
                needs_2_0: false,
                timestamp_is_ours: false,
                happened_at: 0,
                tries: 0,
                refusals: 0,
                bare: 0,
                status: None,
                taken: None,
                refused_at: None,
                aside_since: None,
                alone: false,
            })
        })
        .collect()
}

fn answer(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
        cut: false,
    }
}

fn endpoint() -> Endpoint {
    Endpoint::parse("https://lrs.example/xAPI").unwrap()
}

fn judge_post(answer: &Response, sent_before: &[usize], retry_after: Option<Duration>) -> Verdict {
    posted(
        &read_post(answer, &endpoint()),
        sender(answer),
        &batch(sent_before),
        retry_after,
    )
}

/// As the LRS itself answers: with its version header.
fn signed(status: u16, body: &str) -> Response {
    let mut answer = answer(status, body);
    let version = ("X-Experience-API-Version".into(), "1.0.3".into());
    answer.headers.push(version);
    answer
}

fn names(at: &[u128]) -> String {
    serde_json::to_string(&at.iter().map(|n| id(*n)).collect::<Vec<_>>()).unwrap()
}

/// What is the matter, how long to wait, and whether the request may be under way still.
fn stop_of(verdict: Verdict) -> (Problem, Pause, bool) {
    match verdict {
        Verdict::Stop(stop) => (stop.problem, stop.pause, stop.doubt),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_200_with_ids_delivers_the_named_and_no_others() {
    for (named, delivered, look) in [
        (&[0, 1, 2][..], &[0, 1, 2][..], &[][..]),
        (&[2, 0, 1], &[0, 1, 2], &[]),
        // Two LRSs name only what is new to them, and some keep less than they were sent.
        (&[1], &[1], &[0, 2]),
        (&[0, 1, 2, 9], &[0, 1, 2], &[]),
    ] {
        for sent_before in [&[][..], &[0, 1, 2]] {
            for answer in [answer(200, &names(named)), signed(200, &names(named))] {
                let expected = Verdict::Stored {
                    delivered: delivered.to_vec(),
                    look: look.to_vec(),
                };
                let verdict = judge_post(&answer, sent_before, None);
                assert_eq!(verdict, expected, "{named:?} {sent_before:?}");
            }
        }
    }
}

#[test]
fn a_success_that_names_nothing_of_ours_proves_nothing() {
    for (answer, vouched, own) in [
        (answer(204, ""), false, false),
        (answer(200, "[]"), false, false),
        (answer(200, &names(&[7])), false, false),
        (signed(200, &names(&[7])), false, false),
        (signed(200, r#"{"ok":true}"#), false, true),
        (signed(202, "all is well"), false, true),
        // An LRS says in as many words that it has all of them.
        (signed(204, ""), true, true),
    ] {
        for sent_before in [&[][..], &[0, 1, 2]] {
            assert_eq!(
                judge_post(&answer, sent_before, None),
                Verdict::Unproved { vouched, own },
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
            // It is believed what it took.
            stranger: false,
        }
    );
    // Without a version header, of one that is not known and took nothing: it may be a gateway's.
    let all_refused = r#"{"ids":[],"errors":[{"index":1,"reason":"no"}]}"#;
    assert!(matches!(
        judge_post(&answer(200, all_refused), &[], None),
        Verdict::Sorted { stranger: true, .. }
    ));
    assert!(matches!(
        judge_post(&signed(200, &report), &[], None),
        Verdict::Sorted {
            stranger: false,
            ..
        }
    ));
    // 400 for a batch that is there already.
    let nothing = r#"{"inserted":0,"rejected":0,"ids":[],"errors":[]}"#;
    assert_eq!(
        judge_post(&answer(400, nothing), &[], None),
        Verdict::Sorted {
            delivered: vec![],
            refused: vec![],
            look: vec![0, 1, 2],
            stranger: true,
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
            (Problem::NotAnLrs, Pause::Backoff, true),
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
        assert_eq!(
            stop_of(verdict),
            (Problem::WrongEndpoint, Pause::Long, true)
        );
    }
}

#[test]
fn a_refusal_of_the_lrs_is_not_yet_anybodys_fault() {
    let refuses = Problem::RefusesEverything;
    for (status, reason, problem) in [
        (400, HoldReason::Refused, refuses),
        (422, HoldReason::Refused, refuses),
        (402, HoldReason::Refused, refuses),
        (404, HoldReason::Refused, Problem::WrongEndpoint),
        (405, HoldReason::Refused, Problem::WrongEndpoint),
        (406, HoldReason::Refused, refuses),
        (410, HoldReason::Refused, Problem::WrongEndpoint),
        (412, HoldReason::Refused, refuses),
        (415, HoldReason::Refused, refuses),
        (451, HoldReason::Refused, refuses),
        (401, HoldReason::Forbidden, Problem::Credentials),
        (403, HoldReason::Forbidden, refuses),
        (500, HoldReason::ServerError, Problem::ServerError),
        (507, HoldReason::ServerError, Problem::ServerError),
    ] {
        let expected = Verdict::Suspicious {
            blame: Blame {
                reason,
                problem,
                status: Some(status),
                words: "no".into(),
                stranger: false,
                retry_after: None,
            },
            culprits: vec![],
        };
        assert_eq!(judge_post(&signed(status, "no"), &[], None), expected);
    }
    // A gateway may put the header on all that it answers, and only a gateway says these (RFC 9110,
    // sections 15.6.3 and 15.6.5).
    for status in [502, 504] {
        let verdict = judge_post(&signed(status, "no"), &[], None);
        assert!(
            matches!(verdict, Verdict::Stop(Stop { doubt: true, .. })),
            "{verdict:?}"
        );
    }
    // One that never gives the header is known by its JSON.
    let pointing = answer(
        422,
        r#"{"detail":[{"loc":["body",1,"verb"],"msg":"field required"}]}"#,
    );
    let read = read_post(&pointing, &endpoint());
    assert!(matches!(
        posted(&read, Sender::Likely, &batch(&[]), None),
        Verdict::Suspicious { culprits, .. } if culprits == [1]
    ));
    // Until that is known a gateway may have said so, and the LRS may be at it.
    let expected = (Problem::RefusesEverything, Pause::Backoff, true);
    assert_eq!(stop_of(judge_post(&pointing, &[], None)), expected);
    let known = signed(409, &format!("{} is there", id(2)));
    assert_eq!(
        judge_post(&known, &[], None),
        Verdict::Known { named: vec![2] }
    );
    assert_eq!(
        judge_post(&signed(409, ""), &[], None),
        Verdict::Known { named: vec![] }
    );
    assert!(matches!(
        judge_post(&signed(413, ""), &[], None),
        Verdict::TooLarge { .. }
    ));
}

#[test]
fn what_a_stranger_says_is_no_statements_fault_and_no_passwords() {
    for (status, problem, pause) in [
        (400, Problem::NotAnLrs, Pause::Backoff),
        (401, Problem::NotAnLrs, Pause::Backoff),
        (402, Problem::NotAnLrs, Pause::Backoff),
        (403, Problem::NotAnLrs, Pause::Backoff),
        (404, Problem::WrongEndpoint, Pause::Long),
        (405, Problem::WrongEndpoint, Pause::Long),
        (407, Problem::NotAnLrs, Pause::Backoff),
        (409, Problem::NotAnLrs, Pause::Backoff),
        (410, Problem::WrongEndpoint, Pause::Long),
        (418, Problem::NotAnLrs, Pause::Backoff),
        (408, Problem::ServerError, Pause::Backoff),
        (425, Problem::ServerError, Pause::Backoff),
        (500, Problem::ServerError, Pause::Backoff),
        (502, Problem::ServerError, Pause::Backoff),
        (504, Problem::ServerError, Pause::Backoff),
        (429, Problem::Busy, Pause::Backoff),
        (503, Problem::Busy, Pause::Backoff),
    ] {
        for body in ["words", "<html>words</html>", ""] {
            let verdict = judge_post(&answer(status, body), &[], None);
            assert_eq!(stop_of(verdict), (problem, pause, true), "{status}");
        }
    }
}

#[test]
fn retry_after_is_kept_whoever_says_so() {
    let wait = Duration::from_mins(2);
    for status in [429, 503] {
        for (answer, doubt) in [(answer(status, ""), true), (signed(status, ""), false)] {
            let verdict = judge_post(&answer, &[], Some(wait));
            let expected = (Problem::Busy, Pause::RetryAfter(wait), doubt);
            assert_eq!(stop_of(verdict), expected, "{status}");
        }
    }
}

#[test]
fn no_status_at_all_delivers_or_holds_by_itself() {
    for status in 0..=999 {
        match judge_post(&answer(status, ""), &[0, 1, 2], None) {
            Verdict::Stored { .. } | Verdict::Sorted { .. } => panic!("{status}"),
            Verdict::Unproved { vouched, own } => assert!(status == 204 && !vouched && !own),
            // Whoever says that it is too large has not taken it (RFC 9110, section 15.5.14), and
            // holds nothing by it.
            Verdict::TooLarge { blame } => assert!(status == 413 && blame.stranger),
            Verdict::Suspicious { .. } | Verdict::Known { .. } => {
                panic!("{status}: a stranger is believed")
            }
            Verdict::Stop(stop) => assert!(stop.doubt, "{status}"),
        }
        match judge_post(&signed(status, ""), &[0, 1, 2], None) {
            Verdict::Stored { .. } | Verdict::Sorted { .. } => panic!("{status}"),
            Verdict::Unproved { .. } => assert!(matches!(status, 200..=299)),
            Verdict::Suspicious { .. } => assert!(matches!(status, 400..=599)),
            Verdict::Known { .. } => assert_eq!(status, 409),
            Verdict::TooLarge { .. } => assert_eq!(status, 413),
            Verdict::Stop(_) => {}
        }
    }
}

#[test]
fn no_answer_is_told_apart_by_what_may_have_arrived() {
    for (failure, problem, doubt) in [
        (
            TransportError::Unreachable("no route".into()),
            Problem::Unreachable,
            false,
        ),
        (TransportError::TimedOut, Problem::TimedOut, true),
        (
            TransportError::Broken("reset".into()),
            Problem::Broken,
            true,
        ),
    ] {
        let stop = failed(&failure);
        assert_eq!(
            (stop.problem, stop.doubt, stop.status),
            (problem, doubt, None)
        );
    }
}

fn look(answer: &Response) -> Looked {
    found(&read_get(answer, &endpoint(), id(0)), sender(answer), None)
}

#[test]
fn a_look_up_has_its_lines() {
    let copy = format!(r#"{{"id":"{}"}}"#, id(0));
    for body in [copy.clone(), format!("\u{feff}{copy}")] {
        assert_eq!(
            look(&answer(200, &body)),
            Looked::Copy(copy.clone().into_bytes())
        );
    }
    assert_eq!(
        look(&answer(200, &format!(r#"{{"statements":[{copy}]}}"#))),
        Looked::Copy(copy.into_bytes())
    );
    for (status, body) in [(404, ""), (200, "null"), (200, r#"{"statements":[]}"#)] {
        assert_eq!(
            look(&answer(status, body)),
            Looked::Missing,
            "{status} {body}"
        );
    }
    // Any definite no to a look-up is no word about the statement.
    for status in [402, 403, 405, 406, 410, 412, 418, 451, 501] {
        let expected = Looked::NotShown { status };
        assert_eq!(look(&answer(status, "")), expected);
        assert_eq!(look(&signed(status, "")), expected);
    }
    for answer in [signed(400, ""), answer(400, "")] {
        assert_eq!(look(&answer), Looked::Misunderstood);
    }
    for (status, problem) in [
        (401, Problem::Credentials),
        (429, Problem::Busy),
        (500, Problem::ServerError),
        (302, Problem::NotAnLrs),
    ] {
        match look(&signed(status, "")) {
            Looked::Stop(stop) => assert_eq!(stop.problem, problem, "{status}"),
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[test]
fn a_stranger_that_answers_a_look_up_is_no_lrs() {
    for status in [401, 204, 302] {
        match look(&answer(status, "")) {
            Looked::Stop(stop) => assert_eq!(stop.problem, Problem::NotAnLrs, "{status}"),
            other => panic!("{status}: {other:?}"),
        }
    }
    // A page that says no to the look-up alone: what it says to sending must do.
    assert_eq!(
        look(&answer(405, "<html>blocked</html>")),
        Looked::NotShown { status: 405 }
    );
}

#[test]
fn what_the_lrs_says_of_itself_is_never_the_end() {
    let ask = |answer: &Response| about(&read_about(answer, &endpoint()), sender(answer), None);
    for (body, version) in [
        (r#"{"version":["2.0.0","1.0.3"]}"#, XapiVersion::V2_0_0),
        (r#"{"version":["1.0.1","1.0.9"]}"#, XapiVersion::V1_0_3),
        (r#"{"version":"1.0.3"}"#, XapiVersion::V1_0_3),
        ("\u{feff}{\"version\":[\"1.0.3\"]}", XapiVersion::V1_0_3),
    ] {
        assert_eq!(ask(&answer(200, body)), Negotiated::Version(version));
    }
    for status in [201, 204, 301, 302, 401, 403, 404, 405, 500, 502, 511] {
        assert_eq!(ask(&answer(status, "")), Negotiated::Silent, "{status}");
    }
    for body in ["<html></html>", "{}", "[]", "", r#"{"version":[1]}"#] {
        assert_eq!(ask(&answer(200, body)), Negotiated::Silent, "{body}");
    }
    assert_eq!(
        ask(&answer(200, r#"{"version":["0.9","3.0.0"]}"#)),
        Negotiated::NoneOfOurs("0.9, 3.0.0".into())
    );
    for status in [429, 503] {
        assert!(
            matches!(ask(&answer(status, "")), Negotiated::Stop(stop) if stop.problem == Problem::Busy)
        );
    }
}
