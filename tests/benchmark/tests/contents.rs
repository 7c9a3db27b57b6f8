//! A content of half a gigabyte through the hub, in and out, in the memory that a short one takes.

mod counting;

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;

use counting::most_bytes_during;
use pannier_hub::{Hub, Options, Running};
use pannier_xapi::lrs::multipart::{Boundary, Content, write};
use pannier_xapi::lrs::{BodyPiece, FilePiece};
use ring::digest::{Context, SHA256};

/// As much of it as there is in memory here at once.
const PIECE: usize = 64 * 1024;

/// Number of such pieces: 511 MiB, since the statement has to fit into 512 MiB, too.
const PIECES: u64 = 511 * 16;

/// What the hub, the connection and this test may have in memory at once.
const MOST: usize = 2 << 20;

/// One of the pieces, each another one, with many line breaks and no delimiter.
fn fill(piece: &mut [u8], number: u64) {
    piece[..8].copy_from_slice(&number.to_le_bytes());
    for (at, line) in piece[8..].chunks_mut(128).enumerate() {
        line.fill(at as u8 | 0x80);
        line[..4].copy_from_slice(b"\r\n--");
    }
}

fn sha2() -> String {
    let mut context = Context::new(&SHA256);
    let mut piece = vec![0; PIECE];
    for number in 0..PIECES {
        fill(&mut piece, number);
        context.update(&piece);
    }
    let digest = context.finish();
    let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    hex.collect::<Vec<_>>().concat()
}

fn connect(hub: &Running, method: &str, query: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(hub.addr()).expect("the hub listens");
    let head = format!(
        "{method} /xAPI/statements{query} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\
         Authorization: Basic bWU6c2VjcmV0\r\nX-Experience-API-Version: 2.0.0\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

/// The first line of an answer, and its body, which is to be read.
fn answer(stream: TcpStream) -> (String, impl Read) {
    let mut reader = BufReader::with_capacity(PIECE, stream);
    let mut first = String::new();
    reader.read_line(&mut first).expect("an answer");
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).expect("a header");
    }
    (first, reader)
}

fn send(hub: &Running, sha2: &str) {
    let length = PIECES * PIECE as u64;
    let statement = format!(
        r#"{{"actor":{{"mbox":"mailto:ada@example.com"}},"verb":{{"id":"http://v.example/"}},"object":{{"id":"http://o.example/"}},"attachments":[{{"usageType":"http://u.example/","display":{{"en":"a film"}},"contentType":"video/mp4","length":{length},"sha2":"{sha2}"}}]}}"#
    );
    let boundary = Boundary::new("b").expect("a boundary");
    let content = Content {
        content_type: "video/mp4",
        sha2,
        octets: BodyPiece::File(FilePiece::new("", 0, length)),
    };
    let body = write(&boundary, statement.as_bytes(), [content]).expect("a body");
    let headers = format!(
        "Content-Type: {}\r\nContent-Length: {}\r\n",
        boundary.content_type(),
        body.len()
    );
    let mut stream = connect(hub, "POST", "", &headers);
    let mut piece = vec![0; PIECE];
    for part in body.into_pieces() {
        let BodyPiece::Bytes(bytes) = part else {
            for number in 0..PIECES {
                fill(&mut piece, number);
                stream.write_all(&piece).expect("sent");
            }
            continue;
        };
        stream.write_all(&bytes).expect("sent");
    }
    let (status, mut body) = answer(stream);
    let mut said = String::new();
    body.read_to_string(&mut said).expect("an answer");
    assert_eq!(status, "HTTP/1.1 200 OK\r\n", "{said}");
}

fn read_back(hub: &Running) {
    let stream = connect(hub, "GET", "?attachments=true", "");
    let (status, mut body) = answer(stream);
    assert_eq!(status, "HTTP/1.1 200 OK\r\n");
    // What precedes the content ends with the empty line after its headers.
    let mut before = Vec::new();
    while !before.ends_with(b"\r\n\r\n\0\0\0\0\0\0\0\0") {
        let mut byte = [0];
        body.read_exact(&mut byte).expect("a content");
        before.push(byte[0]);
    }
    let (mut piece, mut wanted) = (vec![0; PIECE], vec![0; PIECE]);
    for number in 0..PIECES {
        fill(&mut wanted, number);
        let begun = if number == 0 { 8 } else { 0 };
        piece[..begun].fill(0);
        body.read_exact(&mut piece[begun..]).expect("all of it");
        assert!(piece == wanted, "piece {number}");
    }
    let mut after = String::new();
    body.read_to_string(&mut after).expect("the end");
    assert!(
        after.starts_with("\r\n--") && after.ends_with("--\r\n"),
        "{after}"
    );
}

#[test]
fn half_a_gigabyte_passes_through_two_megabytes() {
    let hub = Hub::start(&Options::new("me", "secret")).expect("a hub");
    let sha2 = sha2();
    let ((), most) = most_bytes_during(|| send(&hub, &sha2));
    assert!(most < MOST, "{most} bytes to take it");
    let ((), most) = most_bytes_during(|| read_back(&hub));
    assert!(most < MOST, "{most} bytes to give it");
}
