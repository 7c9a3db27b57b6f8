//! What `check` says of signatures, and of contents that are given along.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::process::{Desk, Ended};

const JWS: &str = include_str!("../../../../core/signature/tests/signed/rs256.jws");
const OTHER: &str = include_str!("../../../../core/signature/tests/signed/other.jws");
const STATEMENT: &str = include_str!("../../../../core/signature/tests/signed/statement.json");

fn sha256(content: &[u8]) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, content);
    let digits = hash.as_ref().iter();
    digits.fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn described(usage_type: &str, content: &[u8]) -> Value {
    json!({
        "usageType": usage_type, "display": {"en": "x"}, "contentType": "application/octet-stream",
        "length": content.len(), "sha2": sha256(content),
    })
}

fn signature(jws: &str) -> Value {
    described(pannier_signature::SIGNATURE, jws.as_bytes())
}

fn with(attachments: &Value) -> String {
    let mut statement: Value = serde_json::from_str(STATEMENT).unwrap();
    statement["attachments"] = attachments.clone();
    statement.to_string()
}

fn report(ended: &Ended) -> Value {
    let mut lines = ended.json();
    assert_eq!(lines.len(), 1, "{ended:?}");
    lines.remove(0)
}

#[test]
fn a_signature_is_told_for_people_and_for_programs() {
    let desk = Desk::new();
    let signed = desk.file("signed.json", &with(&json!([signature(JWS)])));
    let jws = desk.file("signature.jws", JWS);
    let ended = desk.run(&["check", &signed, "--content", &jws, "--require-signature"]);
    ended.is(0, "$.attachments[0]: signature verified\n    RS256, CN=");
    ended.is(0, "a key of 2048 bits\n1 of 1 valid by xAPI 2.0.0; signatures: 1 verified, 0 unverified, 0 failed\n");

    let ended = desk.run(&["check", "--json", &signed, "--content", &jws]);
    let line = report(&ended);
    assert_eq!(
        (&line["valid"], &line["verified"]),
        (&json!(true), &json!(true))
    );
    let signature = &line["signatures"][0];
    assert_eq!(signature["verdict"], "verified");
    assert_eq!(signature["algorithm"], "RS256");
    assert_eq!(signature["certificate"]["key_bits"], 2048);
    assert_eq!(signature["findings"].as_array().unwrap().len(), 9);
    assert_eq!(
        signature["findings"][7],
        json!({"check": "signature", "outcome": "passed", "words": ""})
    );

    // From a folder as well, by its hash alone.
    fs::create_dir(desk.path("contents")).unwrap();
    fs::create_dir(desk.path("contents/another")).unwrap();
    desk.file("contents/some", JWS);
    desk.file("contents/more", "x");
    desk.run(&["check", &signed, "--contents", "contents"])
        .is(0, "1 verified");
}

#[test]
fn a_signature_that_fails_ends_with_1() {
    let desk = Desk::new();
    let signed = desk.file("signed.json", &with(&json!([signature(OTHER)])));
    let jws = desk.file("other.jws", OTHER);
    let ended = desk.run(&["check", &signed, "--content", &jws]);
    ended.is(1, "signature failed\n");
    ended.is(
        1,
        "failed: the signature was not made, by RS256, of this payload",
    );
    let ended = desk.run(&["check", "--json", &signed, "--content", &jws]);
    assert_eq!(ended.code, 1);
    let line = report(&ended);
    assert_eq!(
        (&line["valid"], &line["verified"]),
        (&json!(true), &json!(false))
    );

    let changed = with(&json!([signature(JWS)])).replace("experienced", "passed");
    let changed = desk.file("changed.json", &changed);
    let jws = desk.file("signature.jws", JWS);
    let ended = desk.run(&["check", &changed, "--content", &jws]);
    ended.is(1, "they differ at $.verb.id\n");
    ended.is(1, "$.verb.id: \"http://adlnet.gov/expapi/verbs/experienced\" in the signature, \"http://adlnet.gov/expapi/verbs/passed\" in the statement");
}

#[test]
fn one_that_is_not_verified_fails_where_that_is_required() {
    let desk = Desk::new();
    let unsigned = desk.file("unsigned.json", STATEMENT);
    desk.run(&["check", &unsigned])
        .is(0, "1 of 1 valid by xAPI 2.0.0\n");
    let ended = desk.run(&["check", &unsigned, "--require-signature"]);
    ended.is(1, "unsigned.json:1: has no signature");
    ended.is(
        1,
        "1 of 1 valid by xAPI 2.0.0; 1 without a verified signature\n",
    );

    let mut elsewhere = signature(JWS);
    elsewhere["fileUrl"] = json!("https://files.example/1");
    let elsewhere = desk.file("elsewhere.json", &with(&json!([elsewhere])));
    let ended = desk.run(&["check", &elsewhere]);
    ended.is(
        0,
        "signature unverified\n    unverified: the content of the signature is not at hand",
    );
    desk.run(&["check", &elsewhere, "--require-signature"])
        .is(1, "0 verified, 1 unverified, 0 failed");
    for nothing in ["", "[]"] {
        let empty = desk.file("empty.json", nothing);
        desk.run(&["check", &empty, "--require-signature"])
            .is(1, "there is no statement, and so no signature");
    }
}

#[test]
fn whom_to_trust_is_in_a_file() {
    let desk = Desk::new();
    let signed = desk.file("signed.json", &with(&json!([signature(JWS)])));
    let jws = desk.file("signature.jws", JWS);
    let key = rcgen::KeyPair::generate().unwrap();
    let stranger = rcgen::CertificateParams::default()
        .self_signed(&key)
        .unwrap();
    let stranger = desk.file("stranger.pem", &stranger.pem());
    let ended = desk.run(&["check", &signed, "--content", &jws, "--trust", &stranger]);
    ended.is(1, "signature failed");
    // The certificate stands in the header.
    let header: String = JWS.split('.').next().unwrap().into();
    let header = {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(header)
            .unwrap()
    };
    let header: Value = serde_json::from_slice(&header).unwrap();
    let own = header["x5c"][0].as_str().unwrap();
    let own = format!("-----BEGIN CERTIFICATE-----\n{own}\n-----END CERTIFICATE-----\n");
    let own = desk.file("own.pem", &own);
    // It was made after the statement.
    let told = desk.run(&[
        "check",
        "--json",
        &signed,
        "--content",
        &jws,
        "--trust",
        &own,
    ]);
    let trust = &report(&told)["signatures"][0]["findings"][8];
    assert_eq!((told.code, &trust["outcome"]), (1, &json!("failed")));
    assert!(trust["words"].as_str().unwrap().contains("not valid yet"));
    for wrong in [&jws, &signed, "nowhere.pem"] {
        desk.run(&["check", &signed, "--trust", wrong]).is(2, "");
    }
}

#[test]
fn contents_are_what_their_attachments_say() {
    let desk = Desk::new();
    let photo = described("http://example.org/photo", b"abc");
    let file = desk.file("photo.json", &with(&json!([photo])));
    let content = desk.file("photo.png", "abc");
    desk.run(&["check", &file]).is(1, "by --content FILE");
    desk.run(&["check", &file, "--content", &content])
        .is(0, "1 of 1 valid");
    // A folder that does not have it.
    fs::create_dir(desk.path("empty")).unwrap();
    let ended = desk.run(&["check", &file, "--contents", "empty"]);
    ended.is(
        1,
        "$.attachments[0] has no fileUrl, and no content with its sha2 was given",
    );
    let other = desk.file("other.png", "abcd");
    let ended = desk.run(&["check", &file, "--content", &content, "--content", &other]);
    ended.is(1, "other.png is not the content of any attachment");

    let mut long = photo.clone();
    long["length"] = json!(4);
    let mut within: Value = serde_json::from_str(STATEMENT).unwrap();
    within["object"] = json!({
        "objectType": "SubStatement", "actor": within["actor"], "verb": within["verb"],
        "object": within["object"], "attachments": [photo, long],
    });
    let within = desk.file("within.json", &within.to_string());
    let ended = desk.run(&["check", &within, "--content", &content]);
    ended.is(
        1,
        "$.object.attachments[1].length is 4, and the content has 3 octets",
    );
    desk.run(&["check", &file, "--content", "nowhere"])
        .is(2, "nowhere");
    desk.run(&["check", &file, "--contents", "nowhere"])
        .is(2, "nowhere");
}

#[test]
fn statements_with_contents_are_compared_with_each_other() {
    let desk = Desk::new();
    let content = desk.file("photo.png", "abc");
    let one = with(&json!([described("http://example.org/photo", b"abc")]));
    let two = one.replace("experienced", "passed");
    let both = desk.file("both.jsonl", &format!("{one}\n{one}\n{two}\n"));
    let ended = desk.run(&["check", &both, "--content", &content]);
    ended.is(1, "2 of 3 valid");
    ended.is(1, "another statement stands at");
}

/// The body of a request with these statements and contents.
fn body(statements: &str, contents: &[&str]) -> String {
    let mut body = format!("--b\r\nContent-Type: application/json\r\n\r\n{statements}");
    for content in contents {
        let head = format!(
            "Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {}",
            sha256(content.as_bytes())
        );
        body = format!("{body}\r\n--b\r\n{head}\r\n\r\n{content}");
    }
    body + "\r\n--b--\r\n"
}

#[test]
fn the_body_of_a_request_has_its_contents_along() {
    let desk = Desk::new();
    let photo = described("http://example.org/photo", b"abc");
    let signed = with(&json!([signature(JWS)]));
    let other = with(&json!([photo])).replace("5f1e2d3c", "6f1e2d3c");
    let both = format!("[{signed},\n{other}]");
    let file = desk.file("request", &body(&both, &[JWS, "abc"]));
    desk.run(&["check", &file])
        .is(0, "2 of 2 valid by xAPI 2.0.0; signatures: 1 verified");
    desk.run_with(&["check", "-"], &body(&both, &[JWS, "abc"]))
        .is(0, "1 verified");
    let file = desk.file("short", &body(&both, &[JWS]));
    desk.run(&["check", &file])
        .is(1, "short:5[1]: $.attachments[0] has no fileUrl");
    let file = desk.file("long", &body(&signed, &[JWS, "abc", "x"]));
    let ended = desk.run(&["check", &file]);
    ended.is(1, "part 4 of ");
    ended.is(1, "is not the content of any attachment");

    // Nothing is recorded without its contents.
    let file = desk.file("request", &body(&both, &[JWS]));
    desk.run(&["record", &file])
        .is(1, "$.attachments[0] has no fileUrl");
    let file = desk.file("request", &body(&signed, &[JWS]));
    desk.run(&["record", &file]).is(0, "1 recorded");
    assert!(desk.json(&["queue"])[0]["content_bytes"].as_u64() > Some(JWS.len() as u64));
    let plain = desk.file(
        "plain",
        &body(&STATEMENT.replace("5f1e2d3c", "7f1e2d3c"), &[]),
    );
    desk.run(&["record", &plain]).is(0, "1 recorded");
    for wrong in [
        "--",
        "--b\r\n",
        &body(STATEMENT, &[])[..40],
        &body("{}", &["x"]).replace("binary", "8bit"),
    ] {
        for command in ["check", "record"] {
            let file = desk.file("wrong", wrong);
            desk.run(&[command, &file])
                .is(2, "is a multipart body that cannot be read");
        }
    }
    let huge = format!("--b\r\n{}", " ".repeat(65 << 20));
    let file = desk.file("huge", &huge);
    desk.run(&["check", &file]).is(2, "longer than 64 MiB");
}

/// The example in docs/signatures.md.
#[test]
#[ignore = "left out: run tests/run signatures"]
fn the_example_of_the_page_works() {
    let page = include_str!("../../../../docs/signatures.md");
    let (_, rest) = page.split_once("```bash\n").unwrap();
    let (script, rest) = rest.split_once("```\n").unwrap();
    let (_, rest) = rest.split_once("```text\n").unwrap();
    let (told, _) = rest.split_once("```\n").unwrap();

    let desk = Desk::new();
    let pannier = format!(
        "pannier() {{ '{}' \"$@\"; }}\n",
        env!("CARGO_BIN_EXE_pannier")
    );
    let output = Command::new("bash")
        .args(["-euc", &(pannier + script)])
        .current_dir(desk.folder.path())
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{out}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let (before, after) = told.split_once('…').unwrap();
    assert!(out.starts_with(before) && out.ends_with(after), "{out}");
}
