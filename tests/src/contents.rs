//! Statements with contents of attachments: sent to a hub and read back over a bare connection, and sent to LRSs by
//! Pannier's own transport.

use std::cell::Cell;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pannier::lrs::multipart::{Boundary, Content, parts, write};
use pannier::lrs::reading::without_contents;
use pannier::lrs::{BodyPiece, FilePiece, Method, Request, TransportError};
use pannier::transport::{HttpOptions, HttpTransport, Transport as _};
use pannier::{HoldReason, Uuid, WaitReason};
use pannier_hub::{Options, Running};
use pannier_signature::Hashes;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::device::Device;
use crate::lrs::{Lrs, PASSWORD, USER};
use crate::sample;

const MEDIA_TYPE: &str = "application/octet-stream";

/// Lengths of contents: none, those that a hub keeps in its database, and those that are files.
const LENGTHS: [usize; 6] = [0, 300, 16 * 1024, 16 * 1024 + 1, 70_000, 300_000];

/// The user of a hub of these tests.
#[must_use]
pub fn options() -> Options {
    Options::new("me", "secret")
}

/// The `n`th content. Two in a row are the same, so that one is known already.
#[must_use]
pub fn content(n: u32) -> Vec<u8> {
    let n = n / 2;
    let length = LENGTHS[n as usize % LENGTHS.len()];
    (0..length).map(|at| (at as u32 ^ n) as u8).collect()
}

fn sha2(content: &[u8]) -> String {
    let hashes = Hashes::of(content).expect("it is in memory");
    let [sha256, ..] = hashes.sha2;
    sha256
}

/// The `n`th statement with attachments that have these contents, by their hashes.
fn statement(n: u32, contents: &[(&[u8], String)]) -> Value {
    let mut statement = sample::statement(1, n);
    let attachments = contents.iter().map(|(content, sha2)| {
        json!({
            "usageType": "http://id.tincanapi.com/attachment/supporting_media", "display": {"en": "a recording"},
            "contentType": MEDIA_TYPE, "length": content.len(), "sha2": sha2,
        })
    });
    statement["attachments"] = attachments.collect();
    statement
}

/// The `n`th statement of a run with a short content, and the content.
#[must_use]
pub fn short(run: u32, n: u32) -> (String, Vec<u8>) {
    let mut octets = content(n);
    octets.truncate(2_000);
    octets.extend_from_slice(&n.to_be_bytes());
    let mut one = statement(n, &[(&octets, sha2(&octets))]);
    let attachments = one["attachments"].take();
    one = sample::statement(run, n);
    one["attachments"] = attachments;
    (one.to_string(), octets)
}

/// Sends the `n`th statement with this content. Returns the answer with its status.
#[must_use]
pub fn send(hub: &Running, n: u32, content: &[u8]) -> String {
    let sha2 = sha2(content);
    let text = statement(n, &[(content, sha2.clone())]).to_string();
    let boundary = Boundary::random(sample::id(2, n));
    let content = Content {
        content_type: MEDIA_TYPE,
        sha2: &sha2,
        octets: BodyPiece::Bytes(content.to_vec()),
    };
    let body = write(&boundary, text.as_bytes(), [content]).expect("nothing ends a header");
    let headers = format!("Content-Type: {}\r\n", boundary.content_type());
    let answer = ask(
        hub,
        "POST",
        "",
        &headers,
        body.as_bytes().unwrap_or_default(),
    );
    String::from_utf8_lossy(&answer).into_owned()
}

impl Device {
    /// Records the `n`th statement with these contents, whatever they are.
    pub fn record_with(&self, n: u32, contents: &[&[u8]]) -> Uuid {
        let hashed: Vec<_> = contents
            .iter()
            .map(|content| (*content, sha2(content)))
            .collect();
        let text = statement(n, &hashed).to_string();
        let contents = contents
            .iter()
            .map(|content| pannier::Content::bytes(*content));
        let recorded = self.collector.record_with(text, contents);
        recorded.expect("they go together").id
    }

    /// Why each waits aside, or is held.
    pub fn aside(&self) -> (Vec<Waiting>, Vec<Held>) {
        let page = pannier::Page::default();
        let waiting = self.collector.waiting(page).expect("the queue can be read");
        let held = self.collector.held(page).expect("the queue can be read");
        (
            waiting.iter().map(|one| (one.id, one.reason)).collect(),
            held.iter().map(|one| (one.id, one.reason)).collect(),
        )
    }
}

/// A statement that waits aside, and one that is held.
pub type Waiting = (Uuid, WaitReason);
/// See [`Waiting`].
pub type Held = (Uuid, HoldReason);

/// Sends contents from files to an LRS, by Pannier's own transport.
pub struct Sender {
    url: String,
    transport: HttpTransport,
    runtime: Runtime,
    /// Number of statements that were sent.
    sent: Cell<u32>,
}

impl Sender {
    /// One that sends to this LRS.
    #[must_use]
    pub fn to(lrs: &Lrs) -> Self {
        let transport = HttpTransport::new(&HttpOptions::default()).expect("a transport");
        let mut runtime = Builder::new_current_thread();
        Self {
            url: format!("{}/statements", lrs.url()),
            transport,
            runtime: runtime.enable_all().build().expect("a runtime"),
            sent: Cell::new(0),
        }
    }

    /// Sends a new statement with these contents; the status of the answer.
    pub fn send(&self, contents: &[&[u8]], timeout: Duration) -> Result<u16, TransportError> {
        let n = self.sent.replace(self.sent.get() + 1);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let hashed: Vec<_> = contents
            .iter()
            .map(|content| (*content, sha2(content)))
            .collect();
        let pieces = hashed.iter().map(|(content, sha2)| {
            let path = folder.path().join(sha2);
            fs::write(&path, content).expect("it can be written");
            Content {
                content_type: MEDIA_TYPE,
                sha2,
                octets: BodyPiece::File(FilePiece::new(path, 0, content.len() as u64)),
            }
        });
        let boundary = Boundary::random(sample::id(2, n));
        let text = format!("[{}]", statement(n, &hashed));
        let body = write(&boundary, text.as_bytes(), pieces).expect("nothing ends a header");
        let mut request = self.request(Method::Post, "");
        request
            .headers
            .push(("Content-Type", boundary.content_type()));
        request.body = Some(body);
        request.timeout = timeout;
        let answer = self.runtime.block_on(self.transport.exchange(request))?;
        Ok(answer.status)
    }

    /// Contents of the `n`th statement, in the order in which the LRS shows them.
    pub fn contents_of(&self, n: u32) -> Vec<Vec<u8>> {
        self.contents_by_id(sample::id(1, n))
    }

    /// The same of any statement.
    pub fn contents_by_id(&self, id: Uuid) -> Vec<Vec<u8>> {
        let query = format!("?statementId={id}&attachments=true");
        let request = self.request(Method::Get, &query);
        let answer = self.runtime.block_on(self.transport.exchange(request));
        let (_, contents) = without_contents(answer.expect("an answer"));
        contents.expect("an answer of several parts")
    }

    /// Asks for the `n`th statement that was sent, with its contents or without; the status of the answer.
    pub fn read_back(&self, n: u32, attachments: bool) -> Result<u16, TransportError> {
        let id = sample::id(1, n);
        let query = format!("?statementId={id}&attachments={attachments}");
        let request = self.request(Method::Get, &query);
        let answer = self.runtime.block_on(self.transport.exchange(request))?;
        Ok(answer.status)
    }

    fn request(&self, method: Method, query: &str) -> Request {
        let authorization = STANDARD.encode(format!("{USER}:{PASSWORD}"));
        Request {
            method,
            url: self.url.clone() + query,
            headers: vec![
                ("Authorization", format!("Basic {authorization}")),
                ("X-Experience-API-Version", "1.0.3".to_owned()),
            ],
            body: None,
            timeout: Duration::from_mins(1),
            longest_answer: 1 << 20,
        }
    }
}

/// The parts of an answer with contents: the statements, and each content by its hash.
type Answer = (Value, Vec<(String, Vec<u8>)>);

/// Asks for statements and their contents, or says why there are none.
fn read(hub: &Running, query: &str) -> Result<Answer, String> {
    let answer = ask(hub, "GET", &format!("attachments=true&{query}"), "", b"");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.ok_or("no answer")? + 4);
    let head = String::from_utf8_lossy(head);
    let content_type = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type: "));
    let content_type = content_type.ok_or_else(|| head.to_string())?;
    let boundary = Boundary::of(content_type).map_err(|wrong| format!("{wrong}: {head}"))?;
    let parts = parts(body, &boundary).map_err(|wrong| wrong.to_string())?;
    let (first, contents) = parts.split_first().ok_or("no statements")?;
    let json = serde_json::from_slice(first.content).map_err(|wrong| wrong.to_string())?;
    let contents = contents.iter().map(|part| {
        let sha2 = part.head.get("x-experience-api-hash").unwrap_or_default();
        (sha2.to_owned(), part.content.to_vec())
    });
    Ok((json, contents.collect()))
}

/// Reads the contents of one statement, in the order of the answer.
pub fn contents_of(hub: &Running, id: Uuid) -> Result<Vec<Vec<u8>>, String> {
    let (_, contents) = read(hub, &format!("statementId={id}"))?;
    Ok(contents.into_iter().map(|(_, content)| content).collect())
}

/// Reads all statements and their contents. Returns the ids of those whose content is what it should be, or which one is
/// not, or that the hub does not answer.
pub fn stored(hub: &Running) -> Result<Vec<Uuid>, String> {
    let (result, contents) = read(hub, "")?;
    let mut ids = Vec::new();
    for statement in result["statements"].as_array().into_iter().flatten() {
        let id = statement["id"].as_str().unwrap_or_default();
        let id: Uuid = id.parse().map_err(|_| "no id")?;
        let sha2 = statement["attachments"][0]["sha2"].as_str();
        let content = contents.iter().find(|(its, _)| Some(its.as_str()) == sha2);
        let wanted = self::content(sample::place(id).1);
        match content {
            Some((_, content)) if *content == wanted => ids.push(id),
            Some((_, content)) => {
                return Err(format!(
                    "{id} has another content, of {} bytes",
                    content.len()
                ));
            }
            None => {
                let long = wanted.len();
                return Err(format!(
                    "{id} is stored, and its content of {long} bytes is not"
                ));
            }
        }
    }
    Ok(ids)
}

/// Asks the Statement Resource on a connection of its own; the answer with its head.
fn ask(hub: &Running, method: &str, query: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(hub.addr()).expect("the hub listens");
    let head = format!(
        "{method} /xAPI/statements?{query} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\
         Authorization: Basic bWU6c2VjcmV0\r\nX-Experience-API-Version: 1.0.3\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(body).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    answer
}
