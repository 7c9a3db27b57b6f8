//! Attachments, in and out.

use ring::digest::{SHA256, SHA384, SHA512, digest};
use serde_json::{Value, json};

use crate::client::{Answer, Lrs, id, statement};

fn hex(algorithm: &'static ring::digest::Algorithm, content: &[u8]) -> String {
    let bytes = digest(algorithm, content);
    bytes
        .as_ref()
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

pub fn sha2(content: &[u8]) -> String {
    hex(&SHA256, content)
}

pub fn sha512(content: &[u8]) -> String {
    hex(&SHA512, content)
}

pub fn described(content: &[u8], sha2: &str) -> Value {
    json!({
        "usageType": "http://u.example/", "display": {"en": "a file"},
        "contentType": "application/octet-stream", "length": content.len(), "sha2": sha2,
    })
}

fn with(attachments: &Value) -> Value {
    let mut with = statement(&id());
    with["attachments"] = attachments.clone();
    with
}

pub const JSON: &str = "Content-Type: application/json";

/// The headers of a part with this hash.
pub fn part(sha2: &str) -> String {
    format!(
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {sha2}"
    )
}

pub fn body(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (headers, content) in parts {
        body.extend_from_slice(format!("--b o\r\n{headers}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b o--\r\n");
    body
}

pub fn send(lrs: &Lrs, body: Vec<u8>) -> Answer {
    lrs.send(
        "POST",
        "/statements",
        &[("content-type", "multipart/mixed; boundary=\"b o\"")],
        body,
    )
}

const CONTENT: &[u8] = b"\x00\xff\r\n--b\r\n";

#[test]
fn contents_come_back_byte_for_byte() {
    let lrs = Lrs::start();
    let hash = sha2(CONTENT);
    let one = with(&json!([
        described(CONTENT, &hash),
        described(b"", &sha2(b""))
    ]));
    let two = with(&json!([described(CONTENT, &hash.to_uppercase())]));
    let text = json!([one, two]).to_string();
    let answer = send(
        &lrs,
        body(&[
            (JSON, text.as_bytes()),
            (&part(&hash), CONTENT),
            (&part(&sha2(b"")), b""),
        ]),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());

    let plain = lrs.get(&[("statementId", one["id"].as_str().unwrap())]);
    assert_eq!(plain.header("content-type"), "application/json");
    assert_eq!(plain.json()["attachments"], one["attachments"]);

    let full = lrs.get(&[("attachments", "true")]);
    let content_type = full.header("content-type").to_owned();
    let boundary = content_type
        .strip_prefix("multipart/mixed; boundary=")
        .unwrap();
    let delimiter = format!("--{boundary}");
    let at = |needle: &[u8]| {
        full.body
            .windows(needle.len())
            .filter(|window| window == &needle)
            .count()
    };
    assert_eq!(
        at(delimiter.as_bytes()),
        4,
        "statements, two contents, the end"
    );
    let whole = [b"\r\n\r\n", CONTENT, b"\r\n", delimiter.as_bytes()].concat();
    assert_eq!(at(&whole), 1, "each content once");
    for header in [
        "Content-Transfer-Encoding: binary",
        "X-Experience-API-Hash: ",
        "Content-Length: ",
    ] {
        assert_eq!(at(header.as_bytes()), 2, "{header}");
    }
    let single = lrs.get(&[
        ("statementId", two["id"].as_str().unwrap()),
        ("attachments", "true"),
    ]);
    assert!(single.header("content-type").starts_with("multipart/mixed"));
    assert_eq!(
        lrs.get(&[("attachments", "false")]).header("content-type"),
        "application/json"
    );
}

#[test]
fn all_three_hashes_are_checked() {
    let lrs = Lrs::start();
    for algorithm in [&SHA256, &SHA384, &SHA512] {
        let hash = hex(algorithm, CONTENT);
        let text = with(&json!([described(CONTENT, &hash)])).to_string();
        assert_eq!(
            send(
                &lrs,
                body(&[(JSON, text.as_bytes()), (&part(&hash), CONTENT)])
            )
            .status,
            200
        );
        let mut false_content = CONTENT.to_vec();
        false_content[0] ^= 1;
        let text = with(&json!([described(CONTENT, &hash)])).to_string();
        send(
            &lrs,
            body(&[(JSON, text.as_bytes()), (&part(&hash), &false_content)]),
        )
        .refused(400);
    }
}

#[test]
fn content_is_needed_unless_there_is_a_url() {
    let lrs = Lrs::start();
    let hash = sha2(CONTENT);
    let needs = with(&json!([described(CONTENT, &hash)]));
    lrs.post(&needs).refused(400);
    send(&lrs, body(&[(JSON, needs.to_string().as_bytes())])).refused(400);
    let mut elsewhere = described(CONTENT, &hash);
    elsewhere["fileUrl"] = json!("http://files.example/1");
    let elsewhere = with(&json!([elsewhere]));
    assert_eq!(lrs.post(&elsewhere).status, 200);
    assert_eq!(
        send(
            &lrs,
            body(&[(JSON, with(&elsewhere["attachments"]).to_string().as_bytes())])
        )
        .status,
        200
    );
    let both = with(&elsewhere["attachments"]).to_string();
    assert_eq!(
        send(
            &lrs,
            body(&[(JSON, both.as_bytes()), (&part(&hash), CONTENT)])
        )
        .status,
        200
    );
    assert_eq!(
        send(
            &lrs,
            body(&[(JSON, statement(&id()).to_string().as_bytes())])
        )
        .status,
        200,
        "nothing attached"
    );
}

/// Multiparts of these statements and this part that each break a rule.
fn wrong(text: &[u8], good: &str) -> Vec<(&'static str, Vec<u8>)> {
    let without = |header: &str| {
        good.lines()
            .filter(|line| !line.starts_with(header))
            .collect::<Vec<_>>()
            .join("\r\n")
    };
    vec![
        ("no part", body(&[])),
        ("statements last", body(&[(good, CONTENT), (JSON, text)])),
        (
            "statements in two parts",
            body(&[(JSON, text), (JSON, text), (good, CONTENT)]),
        ),
        (
            "first part is text",
            body(&[("Content-Type: text/plain", text), (good, CONTENT)]),
        ),
        (
            "no hash",
            body(&[(JSON, text), (&without("X-Experience"), CONTENT)]),
        ),
        (
            "no encoding",
            body(&[(JSON, text), (&without("Content-Transfer"), CONTENT)]),
        ),
        (
            "base64",
            body(&[(JSON, text), (&good.replace("binary", "base64"), CONTENT)]),
        ),
        (
            "nobody's part",
            body(&[(JSON, text), (good, CONTENT), (&part(&sha2(b"x")), b"x")]),
        ),
        (
            "wrong length",
            body(&[
                (JSON, text),
                (&format!("{good}\r\nContent-Length: 3"), CONTENT),
            ]),
        ),
        (
            "another type",
            body(&[
                (JSON, text),
                (&good.replace("octet-stream", "pdf"), CONTENT),
            ]),
        ),
        (
            "no end",
            [&b"--b o\r\n"[..], JSON.as_bytes(), b"\r\n\r\n", text].concat(),
        ),
        ("no boundary", text.to_vec()),
    ]
}

#[test]
fn a_multipart_that_breaks_a_rule_is_refused() {
    let lrs = Lrs::start();
    let hash = sha2(CONTENT);
    let text = with(&json!([described(CONTENT, &hash)])).to_string();
    let text = text.as_bytes();
    let good = part(&hash);
    for (name, body) in wrong(text, &good) {
        let refusal = send(&lrs, body).refused(400);
        assert!(refusal["error"].as_str().unwrap().len() > 20, "{name}");
    }
    for content_type in [
        "multipart/mixed",
        "multipart/mixed;",
        "multipart/form-data; boundary=\"b o\"",
    ] {
        let body = body(&[(JSON, text), (&good, CONTENT)]);
        lrs.send(
            "POST",
            "/statements",
            &[("content-type", content_type)],
            body,
        )
        .refused(400);
    }
    assert!(lrs.ids(&[]).is_empty());
}

/// As `@xapi/xapi` 3.0.3 sends two attachments.
#[test]
fn a_delimiter_without_its_line_break_is_named_as_the_cause() {
    let lrs = Lrs::start();
    let (one, two) = (b"one".as_slice(), b"two".as_slice());
    let described = [one, two].map(|content| described(content, &sha2(content)));
    let text = with(&json!(described)).to_string();
    let body = body(&[
        (JSON, text.as_bytes()),
        (&part(&sha2(one)), one),
        (&part(&sha2(two)), two),
    ]);
    let at = body.windows(8).position(|window| window == b"one\r\n--b");
    let at = at.unwrap() + one.len();
    let glued = [&body[..at], &body[at + 2..]].concat();
    let refusal = send(&lrs, glued).refused(400);
    let error = refusal["error"].as_str().unwrap();
    assert!(error.contains("CRLF must come before"), "{error}");
    assert_eq!(send(&lrs, body).status, 200);
}

/// By its hash alone is a content found; what its headers say has to be what the attachment says.
#[test]
fn the_headers_of_a_part_agree_with_its_attachment() {
    let lrs = Lrs::start();
    let hash = sha2(CONTENT);
    let sent = |content_type: &str, length: &Value, headers: &str| {
        let mut described = described(CONTENT, &hash);
        described["contentType"] = json!(content_type);
        described["length"] = length.clone();
        let headers =
            format!("Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {hash}{headers}");
        let text = with(&json!([described])).to_string();
        send(&lrs, body(&[(JSON, text.as_bytes()), (&headers, CONTENT)]))
    };
    let right = json!(CONTENT.len());
    for (content_type, length, headers) in [
        ("text/plain", &right, ""),
        // The example of the standard (1.0.3 Communication 1.5.2).
        (
            "text/plain; charset=ascii",
            &right,
            "\r\nContent-Type:text/plain",
        ),
        ("text/plain", &right, "\r\nContent-Type: Text/Plain"),
    ] {
        let answer = sent(content_type, length, headers);
        assert_eq!(answer.status, 200, "{headers:?}: {}", answer.text());
    }
    for (content_type, length, headers) in [
        ("text/plain", &right, "\r\nContent-Type: text/html"),
        (
            "text/plain; charset=ascii",
            &right,
            "\r\nContent-Type: text/plain; charset=utf-8",
        ),
        ("text/plain", &json!(1), "\r\nContent-Length: 9"),
        ("text/plain", &json!(1), "\r\nContent-Length: 1"),
    ] {
        sent(content_type, length, headers).refused(400);
    }
    assert_eq!(CONTENT.len(), 9, "as the Content-Length says");
}

/// What an attachment says of its content is what readers go by, also where two attachments say it of one content.
#[test]
fn the_length_of_an_attachment_is_that_of_its_content() {
    let lrs = Lrs::start();
    let hash = sha2(CONTENT);
    let sent = |lengths: &[Value]| {
        let attachments = lengths.iter().map(|length| {
            let mut described = described(CONTENT, &hash);
            described["length"] = length.clone();
            described
        });
        let text = with(&attachments.collect()).to_string();
        send(
            &lrs,
            body(&[(JSON, text.as_bytes()), (&part(&hash), CONTENT)]),
        )
    };
    let right = json!(CONTENT.len());
    assert_eq!(sent(&[right.clone(), right.clone()]).status, 200);
    for (lengths, said) in [
        (vec![json!(10)], "is 10"),
        (vec![json!(0)], "is 0"),
        (vec![right.clone(), json!(8)], "is 8"),
        (
            vec![json!(u128::MAX.to_string().parse::<f64>().unwrap())],
            "",
        ),
    ] {
        let refusal = sent(&lengths).refused(400);
        let error = refusal["error"].as_str().unwrap();
        let is_named = error.contains("has 9 bytes") && error.contains(&hash);
        assert!(
            said.is_empty() || is_named && error.ends_with(said),
            "{error}"
        );
    }
    assert_eq!(lrs.ids(&[]).len(), 1);
}
