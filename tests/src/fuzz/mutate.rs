//! Inputs to begin with, and how they are changed.

use fastrand::Rng;

use super::checks;
use crate::sample;

/// Pieces that mean something to a reader of statements.
const PIECES: [&str; 58] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "\\ud83d",
    "\\ude00",
    "null",
    "true",
    "{}",
    "[]",
    "-0",
    "1e400",
    "0.1",
    "9007199254740993",
    "12345678901234567890",
    "1714842000123",
    "PT90S",
    "P1Y2M",
    "PT0.29S",
    "P1W",
    "2024-05-04T17:00:00Z",
    "20240504T170000Z",
    "2569-01-01T00:00:00Z",
    "+02:00",
    "\"id\":",
    "\"actor\":",
    "\"verb\":",
    "\"object\":",
    "\"objectType\":",
    "\"SubStatement\"",
    "\"StatementRef\"",
    "\"Group\"",
    "\"member\":",
    "\"mbox\":",
    "\"account\":",
    "\"result\":",
    "\"context\":",
    "\"contextActivities\":",
    "\"parent\":",
    "\"extensions\":",
    "\"attachments\":",
    "\"sha2\":",
    "\"timestamp\":",
    "\"version\":\"2.0.0\"",
    "\"statements\":",
    "\"more\":",
    "-variant",
    "http://a.example/",
    "http://[::1]:x/",
    "mailto:a.@b",
    "en-x-a",
    "é",
    "\u{feff}",
];

/// Statements, valid and not.
pub(super) fn statements() -> Vec<Vec<u8>> {
    let full = include_str!("../../../core/xapi/tests/vectors/model.json");
    let voiding = r#"{"id":"7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c","actor":{"objectType":"Group","member":[{"mbox":"mailto:a@example.com"}]},"verb":{"id":"http://adlnet.gov/expapi/verbs/voided"},"object":{"objectType":"StatementRef","id":"8f87ccde-bb56-4c2e-ab83-44982ef22df0"}}"#;
    let attached = r#"{"actor":{"account":{"homePage":"http://a.example","name":"a"}},"verb":{"id":"http://a.example/v","display":{"en-x-a":"x"}},"object":{"objectType":"SubStatement","actor":{"mbox":"mailto:a@example.com"},"verb":{"id":"http://a.example/v"},"object":{"id":"http://a.example/o"},"result":{"duration":"PT90S"}},"attachments":[{"usageType":"http://a.example/u","display":{"en":"x"},"contentType":"text/plain; a=b","length":3,"sha2":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","fileUrl":"http://a.example/f"}],"timestamp":"2024-05-04T17:00:00.000Z"}"#;
    let mut all: Vec<Vec<u8>> = [full, voiding, attached, "{}", "[1", ""]
        .map(|text| text.as_bytes().to_vec())
        .into();
    all.push(sample::text(0, 1));
    all
}

/// Statements twice, with a NUL between.
pub(super) fn pairs() -> Vec<Vec<u8>> {
    let twice = |text: Vec<u8>| [text.clone(), vec![0], text].concat();
    statements().into_iter().map(twice).collect()
}

/// A byte for the form, and signatures: as they are, in their parts, and their certificates.
pub(super) fn signatures() -> Vec<Vec<u8>> {
    let with = |way: u8, rest: &[u8]| [&[way], rest].concat();
    let payload = checks::SIGNED;
    let mut all = Vec::new();
    for header in [
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"RS512","kid":"1","x5c":["MIIC"]}"#,
        r#"{"alg":"ES256","crit":["b64"]}"#,
    ] {
        all.push(with(
            1,
            format!("{header}\0{payload}\0signature").as_bytes(),
        ));
    }
    for jws in checks::SIGNATURES {
        all.push(with(0, jws.as_bytes()));
        all.push(with(2, &checks::der(jws)));
        all.push(with(0x82, &checks::der(jws)));
    }
    all
}

/// A byte for status and type, and what LRSs and strangers say.
pub(super) fn answers() -> Vec<Vec<u8>> {
    let bodies = [
        r#"["7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c"]"#,
        r#"{"statements":[{"id":"00000000-0000-0000-0000-000000000001"}],"more":""}"#,
        r#"{"inserted":2,"rejected":1,"ids":[],"errors":[{"index":1,"reason":"missing object"}]}"#,
        r#"{"version":["1.0.3","2.0.0"],"extensions":{}}"#,
        r#"{"detail":[{"loc":["body",1,"verb"],"msg":"field required"}]}"#,
        r#"{"warnings":["statements.1.verb"],"message":"no"}"#,
        "<!doctype html><title>Log in</title><p>Welcome</p>",
        "null",
    ];
    let all = bodies.iter().flat_map(|body| {
        [0x04, 0x24, 0x44, 0x11, 0x80].map(|first| [&[first], body.as_bytes()].concat())
    });
    all.collect()
}

/// Bodies of several parts, to be read a byte at a time, some at once, and many.
pub(super) fn multiparts() -> Vec<Vec<u8>> {
    let bodies = [
        "--b\r\nContent-Type: application/json\r\n\r\n[]\r\n--b\r\nContent-Type: a/b;\r\n c=d\r\n\r\n\r\none\r\n--b--\r\n",
        "preamble\r\n--b \r\n\r\n--b\r\nX: 1\r\n\r\n\r\n--b--\r\nepilogue",
        "--b\r\n\r\n\r\n--\r\n-b\r--b\r\n--b--",
    ];
    let long = format!("--b\r\nX: {}\r\n\r\none\r\n--b--", "x".repeat(40_000));
    let bodies = bodies.into_iter().chain([long.as_str()]);
    let all = bodies.flat_map(|body| [1, 7, 255].map(|first| [&[first], body.as_bytes()].concat()));
    all.collect()
}

/// One of the corpus, changed in one to eight places.
pub(super) fn changed(rng: &mut Rng, corpus: &[Vec<u8>], longest: usize) -> Vec<u8> {
    let mut input = rng.choice(corpus).cloned().unwrap_or_default();
    for _ in 0..rng.u32(1..=8) {
        let at = rng.usize(0..=input.len());
        let end = at + rng.usize(0..=(input.len() - at).min(200));
        match rng.u32(0..9) {
            0 if at < input.len() => input[at] ^= 1 << rng.u32(0..8),
            1 if at < input.len() => input[at] = rng.u8(..),
            2 => drop(input.drain(at..end)),
            3 => input.truncate(at),
            // The same again and again: what grows faster than the text shows itself there.
            4 => {
                let piece = input[at..end].repeat(1 << rng.u32(0..10));
                drop(input.splice(at..at, piece));
            }
            5 => {
                let other = rng.choice(corpus).cloned().unwrap_or_default();
                let from = rng.usize(0..=other.len());
                drop(input.splice(at..end, other[from..].iter().copied()));
            }
            6 if end > at => input[at..end].reverse(),
            _ => {
                let piece = rng.choice(PIECES).unwrap_or_default();
                let end = if rng.bool() { at } else { end };
                drop(input.splice(at..end, piece.bytes()));
            }
        }
        input.truncate(longest);
    }
    input
}
