//! The requests of the conformance suite, as far as they go to a resource the hub has.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::client::{Lrs, USUAL};

#[derive(Deserialize)]
struct Vector {
    name: String,
    method: String,
    path: String,
    headers: std::collections::BTreeMap<String, String>,
    body_b64: Option<String>,
    expect: Option<u16>,
}

/// Those that the hub answers otherwise, by a part of the name, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[];

#[test]
fn requests_of_1_0_3() {
    replay("request-vectors-1.0.3.jsonl");
}

#[test]
fn requests_of_2_0_0() {
    replay("request-vectors-2.0.0.jsonl");
}

fn replay(file: &str) {
    let Ok(folder) = std::env::var("PANNIER_VECTORS") else {
        assert!(std::env::var("CI").is_err(), "PANNIER_VECTORS is not set");
        eprintln!("skipped: PANNIER_VECTORS is not set, so {file} cannot be found");
        return;
    };
    let text = std::fs::read_to_string(PathBuf::from(folder).join(file)).unwrap();
    let lrs = Lrs::start();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in text.lines() {
        let vector: Vector = serde_json::from_str(line).unwrap();
        let resource = vector.path.split('?').next();
        if !matches!(resource, Some("/statements" | "/about")) {
            continue;
        }
        count += 1;
        let body = vector
            .body_b64
            .map(|body| STANDARD.decode(body).unwrap())
            .unwrap_or_default();
        let mut headers: Vec<(&str, &str)> = vector
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            && vector.expect != Some(401)
        {
            headers.push(USUAL[0]);
        }
        let answer = lrs
            .raw(&vector.method, &vector.path, &headers, body)
            .unwrap();
        let excepted = EXCEPTIONS
            .iter()
            .any(|(name, _)| vector.name.contains(name));
        let fits = match vector.expect {
            Some(expected) => answer.status == expected,
            // Any answer, so long as the hub did not fail.
            None => answer.status < 500,
        };
        if fits == excepted {
            wrong.push(format!(
                "{}\n  expected {:?}, got {} {}",
                vector.name,
                vector.expect,
                answer.status,
                answer.text()
            ));
        }
    }
    assert!(count > 50, "{file} has only {count} requests for the hub");
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
