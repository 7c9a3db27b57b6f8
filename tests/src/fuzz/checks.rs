//! What has to hold for any bytes, one function for each of Pannier's readers. Each gives what came of it in
//! a few words, by which new inputs are told from more of the same.
//!
//! `core/fuzz` has the same checks under a fuzzer that sees which code an input reaches.

use pannier::lrs::reading::{read_about, read_get, read_post};
use pannier::lrs::{Endpoint, Response};
use pannier::statement::{Comparison, Fill, XapiVersion};
use pannier::{Uuid, statement, steps};
use serde::de::IgnoredAny;

/// Steps that a byte may cost, and those that a short text may cost beyond. The paths of a hundred faults in
/// deep and long names cost most; whatever grows with the square of the text is beyond it at some kilobytes.
const STEPS_A_BYTE: u64 = 1_000;
const STEPS: u64 = 200_000;

const FILL: Fill = Fill {
    id: Uuid::from_u128(1),
    now_ms: 0,
};

/// Any bytes get a verdict, and what is accepted is JSON that is accepted again and not changed any more.
pub fn prepare(text: &[u8]) -> String {
    let mut said = String::new();
    for version in [XapiVersion::V1_0_3, XapiVersion::V2_0_0] {
        let verdict = bounded(text.len(), || statement::prepare(text, version, &FILL));
        assert_eq!(statement::check(text, version).is_ok(), verdict.is_ok());
        match verdict {
            Ok(prepared) => {
                serde_json::from_slice::<IgnoredAny>(&prepared.body).expect("JSON");
                let again =
                    statement::prepare(&prepared.body, version, &FILL).expect("still valid");
                assert_eq!(again.body, prepared.body);
                assert_eq!(again.timestamp_ms, prepared.timestamp_ms);
                let copy = statement::compare(&prepared.body, &prepared.body);
                assert_eq!(copy, Comparison::Same, "a statement is the same as itself");
                for warning in &prepared.warnings.listed {
                    said += &warning.problem;
                }
            }
            Err(invalid) => {
                assert!((1..=100).contains(&invalid.faults.len()));
                for fault in &invalid.faults {
                    assert!(fault.path.starts_with('$') && fault.path.len() < 1_000);
                    assert!(fault.problem.len() < 1_000);
                    let words = fault.problem.split('"').next().unwrap_or_default();
                    said += words.trim_end_matches(|c: char| c.is_ascii_digit());
                    said += fault.section;
                }
            }
        }
    }
    said
}

/// Two texts with a NUL between them are compared without an end to it, either way round; and one text is
/// never another one than itself.
pub fn compare(texts: &[u8]) -> String {
    let middle = texts.iter().position(|byte| *byte == 0);
    let (ours, theirs) = middle.map_or((texts, texts), |at| (&texts[..at], &texts[at + 1..]));
    let own = statement::compare(ours, ours);
    assert!(matches!(own, Comparison::Same | Comparison::Unreadable));
    let mut said = String::new();
    for (ours, theirs) in [(ours, theirs), (theirs, ours)] {
        match bounded(texts.len(), || statement::compare(ours, theirs)) {
            Comparison::Same => said += "same",
            Comparison::Unreadable => said += "unreadable",
            Comparison::Different(found) => {
                assert!((1..=100).contains(&found.listed.len()));
                for difference in found.listed {
                    assert!(difference.path.len() < 1_000 && difference.ours != difference.theirs);
                    said.extend(difference.path.chars().filter(|c| c.is_alphabetic()));
                }
            }
        }
    }
    said
}

/// An answer of any status, type and body is read as something. The first byte says which of each.
pub fn answers(bytes: &[u8]) -> String {
    const STATUSES: [u16; 12] = [200, 204, 207, 301, 400, 401, 403, 404, 409, 413, 500, 511];
    const TYPES: [&str; 4] = [
        "application/json",
        "text/html",
        "multipart/mixed; boundary=b",
        "",
    ];
    let (first, body) = bytes.split_first().unwrap_or((&0, &[]));
    let endpoint = Endpoint::parse("https://lrs.example/xAPI").expect("an endpoint");
    let mut headers = vec![(
        "content-type".to_owned(),
        TYPES[usize::from(first % 4)].to_owned(),
    )];
    if first & 4 != 0 {
        headers.push(("x-experience-api-version".to_owned(), "1.0.3".to_owned()));
    }
    let answer = Response {
        status: STATUSES[usize::from(first >> 3) % STATUSES.len()],
        headers,
        body: body.to_vec(),
        cut: first & 0x80 != 0,
    };
    let posted = read_post(&answer, &endpoint);
    let found = read_get(&answer, &endpoint, FILL.id);
    let about = read_about(&answer, &endpoint);
    let said = format!("{posted:?} {found:?} {about:?}");
    // What an LRS said is for people to read and for logs, neither of which is to be flooded; what it named is
    // a part of what it sent.
    assert!(
        said.len() <= 20_000 + 20 * body.len(),
        "{} bytes",
        said.len()
    );
    said.chars()
        .filter(|c| c.is_alphabetic())
        .take(200)
        .collect()
}

fn bounded<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let (done, steps) = steps::during(work);
    let most = STEPS + STEPS_A_BYTE * bytes as u64;
    assert!(steps <= most, "{steps} steps for {bytes} bytes");
    done
}
