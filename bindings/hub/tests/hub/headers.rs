//! Credentials, versions, and what stands on every answer.

use serde_json::json;

use crate::client::{Lrs, USUAL, id, statement};

#[test]
fn only_the_user_with_the_password_gets_in() {
    let lrs = Lrs::start();
    let version = USUAL[1];
    let body = statement(&id()).to_string();
    for wrong in [
        "Basic bWU6d3Jvbmc=",
        "Basic eW91OnNlY3JldA==",
        "Basic %%%",
        "Basic",
        "Bearer bWU6c2VjcmV0",
        "Basic bWU=",
    ] {
        for method in ["GET", "POST", "PUT"] {
            let answer = lrs
                .raw(
                    method,
                    "/statements",
                    &[version, ("authorization", wrong)],
                    body.clone(),
                )
                .unwrap();
            answer.refused(401);
            assert!(
                answer.header("www-authenticate").starts_with("Basic "),
                "{wrong}"
            );
        }
    }
    lrs.raw("GET", "/statements", &[version], "")
        .unwrap()
        .refused(401);
    assert_eq!(
        lrs.send(
            "GET",
            "/statements",
            &[("authorization", "basic bWU6c2VjcmV0")],
            ""
        )
        .status,
        200
    );
}

#[test]
fn a_large_body_without_credentials_gets_its_answer() {
    let lrs = Lrs::start();
    lrs.raw("POST", "/statements", &[], vec![b' '; 8 << 20])
        .unwrap()
        .refused(401);
}

#[test]
fn a_version_is_asked_for_and_answered() {
    let lrs = Lrs::start();
    for (asked, answered) in [
        ("1.0", "1.0.3"),
        ("1.0.0", "1.0.3"),
        ("1.0.3", "1.0.3"),
        ("1.0.9", "1.0.3"),
        ("2.0", "2.0.0"),
        ("2.0.0", "2.0.0"),
    ] {
        let answer = lrs.send(
            "GET",
            "/statements",
            &[("x-experience-api-version", asked)],
            "",
        );
        assert_eq!(
            (answer.status, answer.header("x-experience-api-version")),
            (200, answered),
            "{asked}"
        );
    }
    for unknown in ["0.9", "0.95", "1.1.0", "2.1.0", "3.0.0", "latest", ""] {
        let answer = lrs.send(
            "GET",
            "/statements",
            &[("x-experience-api-version", unknown)],
            "",
        );
        answer.refused(400);
        assert_eq!(
            answer.header("x-experience-api-version"),
            "2.0.0",
            "{unknown}"
        );
    }
    lrs.raw("GET", "/statements", &USUAL[..1], "")
        .unwrap()
        .refused(400);
}

/// Also where there is nothing: what a request says of itself is looked at first.
#[test]
fn a_version_is_needed_for_what_is_absent_too() {
    let lrs = Lrs::start();
    for (method, path) in [
        ("GET", "/nothing"),
        ("GET", "/activities/state?stateId=1"),
        ("PUT", "/agents/profile"),
        ("DELETE", "/statements"),
    ] {
        for version in ["0.9", "1.1.0", "3.0.0"] {
            let headers = [("x-experience-api-version", version)];
            lrs.send(method, path, &headers, "").refused(400);
        }
        lrs.raw(method, path, &USUAL[..1], "").unwrap().refused(400);
        lrs.raw(method, path, &USUAL[1..2], "")
            .unwrap()
            .refused(401);
    }
    lrs.send("GET", "/nothing", &[], "").refused(404);
    lrs.send("DELETE", "/statements", &[], "").refused(405);
}

#[test]
fn about_is_open_to_anybody() {
    let lrs = Lrs::start();
    for version in [
        &[][..],
        &[("x-experience-api-version", "1.0.3")],
        &[("x-experience-api-version", "9.9")],
    ] {
        let answer = lrs.raw("GET", "/about", version, "").unwrap();
        assert_eq!(answer.json(), json!({"version": ["2.0.0", "1.0.3"]}));
        assert!(!answer.header("x-experience-api-version").is_empty());
    }
    let head = lrs.raw("HEAD", "/about", &[], "").unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    lrs.raw("POST", "/about", &[], "").unwrap().refused(405);
}

#[test]
fn every_answer_says_version_date_and_consistency() {
    let lrs = Lrs::start();
    let known = id();
    let body = statement(&known).to_string();
    let answers = [
        lrs.send("POST", "/statements", &[], body.clone()),
        lrs.send(
            "PUT",
            &format!("/statements?statementId={known}"),
            &[],
            body,
        ),
        lrs.send("POST", "/statements", &[], "nonsense"),
        lrs.get(&[]),
        lrs.get(&[("unknown", "1")]),
        lrs.get(&[("statementId", &known)]),
        lrs.get(&[("statementId", &id())]),
        lrs.raw("GET", "/statements", &[], "").unwrap(),
        lrs.send("DELETE", "/statements", &[], ""),
    ];
    for answer in &answers[..8] {
        let through = answer.header("x-experience-api-consistent-through");
        assert!(
            through.parse::<jiff::Timestamp>().is_ok(),
            "{through:?} in {answer:?}"
        );
    }
    answers[8].refused(405);
    for answer in answers.iter().chain([
        &lrs.send("GET", "/activities", &[], ""),
        &lrs.raw("GET", "/xAPI", &[], "").unwrap(),
    ]) {
        assert_eq!(
            answer.header("x-experience-api-version"),
            "2.0.0",
            "{answer:?}"
        );
        assert!(answer.header("date").ends_with(" GMT"));
    }
}

#[test]
fn consistent_through_is_never_later_than_what_is_stored_next() {
    let lrs = Lrs::start();
    let mut through = String::new();
    for _ in 0..20 {
        let known = lrs.stored(&statement(&id())).remove(0);
        let answer = lrs.get(&[("statementId", &known)]);
        let stored = answer.json()["stored"].as_str().unwrap().to_owned();
        assert!(stored >= through, "{stored} {through}");
        answer
            .header("x-experience-api-consistent-through")
            .clone_into(&mut through);
        assert!(stored < through, "{stored} {through}");
    }
}

#[test]
fn last_modified_is_the_latest_stored() {
    let lrs = Lrs::start();
    let known = lrs
        .stored(&json!([statement(&id()), statement(&id())]))
        .remove(1);
    let one = lrs.get(&[("statementId", &known)]);
    let stored: jiff::Timestamp = one.json()["stored"].as_str().unwrap().parse().unwrap();
    let date = stored.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    assert_eq!(one.header("last-modified"), date);
    assert_eq!(lrs.get(&[]).header("last-modified"), date);
}

#[test]
fn an_unknown_path_says_what_there_is() {
    let lrs = Lrs::start();
    for path in [
        "/nothing",
        "/statements/",
        "/Statements",
        "/activities/state?stateId=1",
    ] {
        let refusal = lrs.send("GET", path, &[], "").refused(404);
        assert!(
            refusal["error"]
                .as_str()
                .unwrap()
                .contains("/xAPI/statements"),
            "{path}"
        );
    }
}
