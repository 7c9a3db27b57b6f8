//! What has to hold for any bytes, one function for each of Pannier's readers. Each gives what came of it in
//! a few words, by which new inputs are told from more of the same.
//!
//! `core/fuzz` has the same checks under a fuzzer that sees which code an input reaches.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pannier::lrs::multipart::{Boundary, Found, Head, Malformed, Part, Reader, parts};
use pannier::lrs::reading::{read_about, read_get, read_post};
use pannier::lrs::{Endpoint, Response};
use pannier::statement::{Comparison, Fill, Statement, StatementDefaults, XapiVersion};
use pannier::{Uuid, statement, steps};
use pannier_signature::{Algorithm, Hashes, SIGNATURE, Trust, Verdict, verify};
use serde::de::IgnoredAny;
use serde_json::Value;

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
                let goes_to_older = statement::check(text, XapiVersion::V1_0_3).is_ok();
                assert_eq!(prepared.needs_2_0, !goes_to_older);
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

/// What is read into the types is written and read as the same, and what is added to a statement takes nothing
/// from it.
pub fn typed(text: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(text) else {
        return "no text".to_owned();
    };
    let defaults = bounded(text.len(), || StatementDefaults::from_json(text));
    let defaults = defaults.map(|defaults| defaults.prepared());
    let known = StatementDefaults::from_json(DEFAULTS).expect("good defaults");
    let known = known.prepared();
    let mut said = String::new();
    for defaults in [Some(&known), defaults.as_ref().ok()].into_iter().flatten() {
        let whole = defaults.add_to(text.as_bytes());
        let again = defaults.add_to(&whole);
        assert_eq!(again, whole, "what was added is added again");
        let read = |text: &[u8]| serde_json::from_slice::<Value>(text).ok();
        match (read(text.as_bytes()), read(&whole)) {
            (None, whole) => assert_eq!(whole, None, "it was no JSON"),
            (Some(own), whole) => keeps(&own, &whole.expect("still JSON")),
        }
        said += if *whole == *text.as_bytes() {
            "same"
        } else {
            "more"
        };
    }
    match bounded(text.len(), || Statement::from_json(text)) {
        Ok(statement) => {
            let written = statement.to_json();
            let again = Statement::from_json(&written).expect("what was written is read");
            assert_eq!(again, statement);
            assert_eq!(again.to_json(), written);
            said += "read";
        }
        Err(invalid) => {
            assert!((1..=100).contains(&invalid.faults.len()));
            for fault in &invalid.faults {
                let words = fault.problem.split('"').next().unwrap_or_default();
                said += words.trim_end_matches(|c: char| c.is_ascii_digit());
            }
        }
    }
    said
}

const DEFAULTS: &str = r#"{"actor":{"mbox":"mailto:ada@example.com"},"context":{"registration":"16fd2706-8baf-433b-82eb-8c7fada847da",
    "platform":"Quest","language":"de","contextActivities":{"grouping":[{"id":"http://example.com/course"}]},
    "extensions":{"http://example.com/e":{"a":[1,2]}}}}"#;

/// Whatever stands in the one stands in the other.
fn keeps(own: &Value, whole: &Value) {
    match (own, whole) {
        (Value::Object(own), Value::Object(whole)) => {
            for (name, value) in own {
                keeps(value, whole.get(name).expect("every member stays"));
            }
        }
        _ => assert_eq!(own, whole, "what is said stays"),
    }
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

/// A body of several parts is read as the same, however it comes. The first byte says in pieces of how many bytes.
pub fn multipart(bytes: &[u8]) -> String {
    let (first, body) = bytes.split_first().unwrap_or((&0, &[]));
    let boundary = Boundary::new("b").expect("a boundary");
    let whole = bounded(body.len(), || parts(body, &boundary));
    let at_once = usize::from(*first).max(1);
    let in_pieces = bounded(body.len(), || in_pieces(body, &boundary, at_once));
    match (&whole, &in_pieces) {
        (Ok(whole), Ok(in_pieces)) => {
            let whole = whole.iter().map(|part| (&part.head, part.content));
            let in_pieces = in_pieces.iter().map(|(head, content)| (head, &content[..]));
            assert!(whole.eq(in_pieces), "other parts by {at_once} bytes");
        }
        (Err(whole), Err(in_pieces)) => assert_eq!(whole, in_pieces),
        _ => panic!("{whole:?} as a whole, and {in_pieces:?} by {at_once} bytes"),
    }
    match whole {
        Ok(parts) => {
            let has_no_delimiter = |part: &Part<'_>| {
                let line = [b"\r\n", part.content].concat();
                !line.windows(5).any(|window| window == b"\r\n--b")
            };
            assert!(parts.iter().all(has_no_delimiter));
            let typed = parts
                .iter()
                .filter(|part| part.head.get("content-type").is_some());
            format!("{} {}", parts.len(), typed.count())
        }
        Err(wrong) => wrong.to_string(),
    }
}

fn in_pieces(
    body: &[u8],
    boundary: &Boundary,
    at_once: usize,
) -> Result<Vec<(Head, Vec<u8>)>, Malformed> {
    let mut reader = Reader::new(boundary);
    let mut parts = Vec::new();
    let mut open: Option<(Head, Vec<u8>)> = None;
    for piece in body.chunks(at_once) {
        reader.put(piece);
        while let Some(found) = reader.find_next()? {
            match found {
                Found::Part(head) => open = Some((head, Vec::new())),
                Found::Content(bytes) => open.as_mut().expect("a part").1.extend_from_slice(bytes),
                Found::End => parts.push(open.take().expect("a part")),
            }
        }
    }
    reader.finish()?;
    Ok(parts)
}

/// A statement, signatures of it, and the certificate of one.
pub const SIGNED: &str = include_str!("../../../core/signature/tests/signed/statement.json");
pub const SIGNATURES: [&str; 3] = [
    include_str!("../../../core/signature/tests/signed/rs256.jws"),
    include_str!("../../../core/signature/tests/signed/rs384.jws"),
    include_str!("../../../core/signature/tests/signed/curve.jws"),
];

/// Whatever is attached as a signature is reported on, in bounded words, and no signature is made by chance. The first
/// byte says how the rest becomes a JWS: as it is; or its parts, between NULs, are header, payload and signature, or a
/// certificate; its highest bit, whether trust is asked for.
pub fn signature(bytes: &[u8]) -> String {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let jws = match first % 0x80 % 3 {
        0 => rest.to_vec(),
        1 => {
            let parts = rest.splitn(3, |byte| *byte == 0);
            let parts: Vec<_> = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
            parts.join(".").into_bytes()
        }
        _ => {
            let header = format!(r#"{{"alg":"RS256","x5c":["{}"]}}"#, STANDARD.encode(rest));
            let [header, payload] = [&header, SIGNED].map(|text| URL_SAFE_NO_PAD.encode(text));
            format!("{header}.{payload}.AAAA").into_bytes()
        }
    };
    let [sha2, ..] = Hashes::of(&jws[..]).expect("memory").sha2;
    let entry = format!(
        r#"{{"usageType":"{SIGNATURE}","display":{{"en":"x"}},"contentType":"application/octet-stream","length":{},"sha2":"{sha2}"}}"#,
        jws.len()
    );
    let (open, _) = SIGNED.rsplit_once('}').expect("an object");
    let statement = format!(r#"{open},"attachments":[{entry}]}}"#);
    let contents = BTreeMap::from([(sha2, &jws)]);
    let trust = match first & 0x80 {
        0 => Trust::none(),
        _ => Trust::from_pem(certificate(SIGNATURES[0]).as_bytes()).expect("a root"),
    };
    let reports = bounded(statement.len() + jws.len(), || {
        verify(statement.as_bytes(), XapiVersion::V1_0_3, &contents, &trust)
    });
    let [report] = &reports[..] else {
        panic!("{} reports", reports.len());
    };
    assert_eq!(report.findings.len(), 9);
    assert!(report.differences.len() <= 100);
    let mut said = String::new();
    for finding in &report.findings {
        assert!(finding.words.len() < 2_000, "{}", finding.words);
        let words = finding.words.split('"').next().unwrap_or_default();
        said.extend(words.chars().filter(|c| c.is_alphabetic()).take(80));
    }
    let signed = |jws: &[u8]| {
        jws.rsplitn(2, |byte| *byte == b'.')
            .last()
            .map(<[u8]>::to_vec)
    };
    let is_made = SIGNATURES[..2].iter().any(|good| good.as_bytes() == jws);
    let is_verified = report.verdict() == Verdict::Verified;
    assert!(
        is_verified || !is_made || !trust.is_none(),
        "a good signature"
    );
    if is_verified {
        let mut all = SIGNATURES.iter();
        assert!(
            all.any(|good| signed(good.as_bytes()) == signed(&jws)),
            "a forged one"
        );
    }
    let name = report.algorithm.map_or("", Algorithm::name);
    said + name
}

/// Returns the first certificate of a signature, in PEM.
fn certificate(jws: &str) -> String {
    let header = jws.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).expect("a header");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    let lines = header["x5c"][0].as_str().expect("a certificate");
    format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
}

/// Returns the certificate in DER.
pub fn der(jws: &str) -> Vec<u8> {
    let pem = certificate(jws);
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(lines).expect("base64")
}

fn bounded<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let (done, steps) = steps::during(work);
    let most = STEPS + STEPS_A_BYTE * bytes as u64;
    assert!(steps <= most, "{steps} steps for {bytes} bytes");
    done
}
