//! Python's `email` reads what Pannier writes. `tests/run attachments` runs this.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use pannier_xapi::lrs::BodyPiece;
use pannier_xapi::lrs::multipart::{Content, write};
use serde::Deserialize;

use crate::{SENT, boundary};

#[derive(Deserialize)]
struct Part {
    headers: std::collections::BTreeMap<String, String>,
    content: String,
}

fn read_by_python(body: &[u8]) -> Vec<Part> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/multipart/email_peer.py");
    let mut python = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut input = python.stdin.take().unwrap();
    let content_type = boundary().content_type();
    input.write_all(content_type.as_bytes()).unwrap();
    input.write_all(b"\n").unwrap();
    input.write_all(body).unwrap();
    drop(input);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines = str::from_utf8(&output.stdout).unwrap().lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[test]
#[ignore = "left out: run tests/run attachments"]
fn python_reads_the_same() {
    let every_octet: Vec<u8> = (0..=255).collect();
    let contents: [&[u8]; 9] = [
        b"",
        b"knot tied in 41 s",
        b"\r\n",
        b"\r\n\r\n--\r\n",
        b"\n\n",
        b"ends in CR\r",
        b"--pannier-4f1d0c2b9e8a47d6a3b1c0d2e4f6071\r\n",
        b" --pannier-4f1d0c2b9e8a47d6a3b1c0d2e4f60718--\r\n",
        &every_octet,
    ];
    let given = contents.iter().map(|octets| Content {
        content_type: "application/octet-stream",
        sha2: "AbCd",
        octets: BodyPiece::Bytes(octets.to_vec()),
    });
    let body = write(&boundary(), "[{\"é\":1}]".as_bytes(), given).unwrap();
    let read = read_by_python(body.as_bytes().unwrap());
    assert_eq!(read.len(), contents.len() + 1);
    assert_eq!(read[0].content, hex("[{\"é\":1}]".as_bytes()));
    assert_eq!(read[0].headers["content-type"], "application/json");
    for (part, octets) in read[1..].iter().zip(contents) {
        assert_eq!(part.content, hex(octets));
        assert_eq!(part.headers["x-experience-api-hash"], "AbCd");
        assert_eq!(part.headers["content-length"], octets.len().to_string());
    }

    let sent = read_by_python(SENT);
    assert_eq!(sent[1].content, hex(b"knot tied in 41 s"));
}
