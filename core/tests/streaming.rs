//! A body with files in it goes as it lies there, with its length, and not by way of the memory.
//!
//! A program of its own, since it measures what the process has had in memory at most.
#![cfg(all(target_os = "linux", feature = "http"))]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use pannier::lrs::{Body, BodyPiece, FilePiece, Method, Request, Response, TransportError};
use pannier::transport::{HttpOptions, HttpTransport, Transport as _};

const LARGE: u64 = 256 << 20;
const OK: &[u8] = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";

/// What came of one request: its head, and how many bytes of which checksum its body had.
struct Came {
    head: String,
    bytes: u64,
    sum: u32,
}

/// Reads one request with `Content-Length`, keeps nothing of it, and answers.
fn serve(mut stream: TcpStream) -> Came {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: u64 = length.map_or(0, |length| length.parse().unwrap());
    let mut sum = crc32fast::Hasher::new();
    let mut bytes = 0;
    let mut buffer = vec![0; 64 * 1024];
    while bytes < length {
        let read = stream.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        sum.update(&buffer[..read]);
        bytes += read as u64;
    }
    // Who was cut off does not hear it.
    let _ = stream.write_all(OK);
    Came {
        head,
        bytes,
        sum: sum.finalize(),
    }
}

fn send(method: Method, body: Option<Body>) -> (Result<Response, TransportError>, Came) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/xAPI/statements", listener.local_addr().unwrap());
    let server = thread::spawn(move || serve(listener.accept().unwrap().0));
    let outcome = exchange(method, url, body);
    (outcome, server.join().unwrap())
}

fn exchange(method: Method, url: String, body: Option<Body>) -> Result<Response, TransportError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let transport = HttpTransport::new(&HttpOptions::default()).unwrap();
    let request = Request {
        method,
        url,
        headers: Vec::new(),
        body,
        timeout: Duration::from_mins(2),
        longest_answer: 1_000,
    };
    runtime.block_on(transport.exchange(request))
}

/// Of a repeating pattern that no two neighbouring pages share.
fn large_file(path: &Path) -> u32 {
    let mut file = File::create(path).unwrap();
    let mut sum = crc32fast::Hasher::new();
    for at in 0..LARGE / (1 << 20) {
        let chunk: Vec<u8> = (0..1 << 20).map(|n: u64| (n * 7 + at * 13) as u8).collect();
        sum.update(&chunk);
        file.write_all(&chunk).unwrap();
    }
    sum.finalize()
}

/// The most memory that the process has had since [`forget_peak`], in bytes (proc(5)).
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

#[test]
fn a_file_is_sent_as_it_lies_there_and_not_by_way_of_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    let of_the_file = large_file(&path);
    let (first, last) = (b"--x\r\n".to_vec(), b"\r\n--x--".to_vec());
    let mut sum = crc32fast::Hasher::new();
    sum.update(&first);
    let mut rest = crc32fast::Hasher::new_with_initial_len(of_the_file, LARGE);
    rest.update(&last);
    sum.combine(&rest);
    let body = Body::new([
        BodyPiece::Bytes(first),
        BodyPiece::File(FilePiece::new(&path, 0, LARGE)),
        BodyPiece::Bytes(last),
    ]);
    let length = LARGE + 5 + 7;
    assert_eq!(body.len(), length);
    forget_peak();
    let before = peak();
    let (outcome, came) = send(Method::Put, Some(body));
    assert_eq!(outcome.unwrap().status, 204);
    assert_eq!((came.bytes, came.sum), (length, sum.finalize()));
    assert!(
        came.head.starts_with("put /xapi/statements http/1.1\r\n"),
        "{}",
        came.head
    );
    assert!(!came.head.contains("transfer-encoding"), "{}", came.head);
    let more = peak() - before;
    assert!(more < LARGE / 16, "{more} bytes more were in memory");
}

#[test]
fn a_part_of_a_file_is_sent_from_where_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, b"0123456789").unwrap();
    let piece = |offset, length| BodyPiece::File(FilePiece::new(&path, offset, length));
    let body = Body::new([
        piece(7, 3),
        BodyPiece::Bytes(b"-".to_vec()),
        piece(0, 2),
        piece(4, 0),
    ]);
    let (outcome, came) = send(Method::Post, Some(body));
    assert_eq!(outcome.unwrap().status, 204);
    assert_eq!((came.bytes, came.sum), (6, crc32fast::hash(b"789-01")));
}

#[test]
fn what_cannot_be_read_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, b"0123456789").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/xAPI/statements", listener.local_addr().unwrap());
    for piece in [
        FilePiece::new(&path, 8, 3),
        FilePiece::new(&path, u64::MAX, 2),
        FilePiece::new(folder.path().join("none"), 0, 1),
        FilePiece::new(folder.path(), 0, 1),
    ] {
        let body = Body::new([BodyPiece::Bytes(b"{}".to_vec()), BodyPiece::File(piece)]);
        let failure = exchange(Method::Post, url.clone(), Some(body)).unwrap_err();
        assert!(
            matches!(failure, TransportError::Unreadable(_)),
            "{failure:?}"
        );
        assert!(!failure.may_have_arrived());
    }
    let came = listener.accept().unwrap_err();
    assert_eq!(
        came.kind(),
        std::io::ErrorKind::WouldBlock,
        "nobody has come"
    );
}

#[test]
fn a_document_is_asked_for_and_deleted_by_its_method() {
    for (method, line) in [
        (Method::Head, "head /xapi/statements http/1.1\r\n"),
        (Method::Delete, "delete /xapi/statements http/1.1\r\n"),
    ] {
        let (outcome, came) = send(method, None);
        assert_eq!(outcome.unwrap().status, 204, "{method:?}");
        assert!(came.head.starts_with(line), "{}", came.head);
    }
}
