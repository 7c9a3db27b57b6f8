//! Requests to the hub over a socket: whatever is sent, it is answered, and never for long.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pannier_hub::{Hub, Options};
use serde::de::IgnoredAny;

use super::mutate;

/// A hub that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// The ways in, by the first byte of an input: method, what follows the path, type of the body.
const WAYS: [(&str, &str, &str); 6] = [
    ("POST", "", "application/json"),
    (
        "PUT",
        "?statementId=7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c",
        "application/json",
    ),
    ("POST", "", "multipart/mixed; boundary=b"),
    ("POST", "", "multipart/mixed; boundary=\"b"),
    ("POST", "?method=POST", "application/x-www-form-urlencoded"),
    ("GET", "?", ""),
];

/// Requests to begin with: statements, forms, queries, and bodies of several parts.
pub(super) fn requests() -> Vec<Vec<u8>> {
    let part = "--b\r\nContent-Type: application/json\r\n\r\n{\"actor\":{\"mbox\":\"mailto:a@example.com\"},\"verb\":{\"id\":\"http://a.example/v\"},\"object\":{\"id\":\"http://a.example/o\"},\"attachments\":[{\"usageType\":\"http://a.example/u\",\"display\":{\"en\":\"x\"},\"contentType\":\"text/plain\",\"length\":3,\"sha2\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}]}\r\n--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\r\n\r\nabc\r\n--b--\r\n";
    let form = "X-Experience-API-Version=1.0.3&Content-Type=application%2Fjson&content=%5B%5D";
    let query = "agent=%7B%22mbox%22%3A%22mailto%3Aa%40example.com%22%7D&limit=1&format=canonical&since=2024-05-04T17%3A00%3A00Z";
    let with = |way: u8, body: &[u8]| [&[way], body].concat();
    let mut all = vec![
        with(2, part.as_bytes()),
        with(8, part.as_bytes()),
        with(3, part.as_bytes()),
        with(4, form.as_bytes()),
        with(5, query.as_bytes()),
        with(0, b"[{},{}]"),
    ];
    for statement in mutate::statements() {
        all.extend([0, 1, 6].map(|way| with(way, &statement)));
    }
    all
}

/// Sends one request to a hub of its own.
pub(super) fn answered(input: &[u8]) -> String {
    let (first, rest) = input.split_first().unwrap_or((&0, &[]));
    let (method, query, content_type) = WAYS[usize::from(*first) % WAYS.len()];
    let version = ["1.0.3", "2.0.0"][usize::from(*first) / WAYS.len() % 2];
    let hub = Hub::start(&Options::new("me", "secret")).expect("a hub");
    let mut target = format!("/xAPI/statements{query}");
    let mut body = rest;
    if method == "GET" {
        // Nothing that would end the line.
        for byte in rest {
            match byte {
                b'!'..=b'~' => target.push(char::from(*byte)),
                _ => write!(target, "%{byte:02X}").expect("a string"),
            }
        }
        body = &[];
    }
    let secret = STANDARD.encode("me:secret");
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nAuthorization: Basic {secret}\r\n\
         X-Experience-API-Version: {version}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(hub.addr()).expect("the hub listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.write_all(head.as_bytes()).expect("sent");
    // It may refuse by the head alone, and take no more.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let most = 20_000 + 20 * rest.len();
    assert!(answer.len() <= most, "{} bytes", answer.len());

    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, said) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status");
    assert!(matches!(status.parse(), Ok(200..=499)), "{status}: {said}");
    let is_json = head
        .lines()
        .any(|line| line.eq_ignore_ascii_case("content-type: application/json"));
    if is_json && !said.is_empty() {
        serde_json::from_str::<IgnoredAny>(said).expect("JSON");
    }
    // What it says without the texts that it repeats.
    let words = said.split('"').step_by(2).flat_map(str::chars);
    let words = words.filter(|c| c.is_alphabetic()).take(200);
    [status, content_type]
        .into_iter()
        .flat_map(str::chars)
        .chain(words)
        .collect()
}
