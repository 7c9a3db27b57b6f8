//! Contents that are too long for memory: they go to the disk as they come, and from there into answers.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pannier_hub::{Hub, Options, Storage};
use pannier_xapi::lrs::multipart::{Boundary, parts};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::attachments::{JSON, body, described, part, send, sha2};
use crate::client::{Answer, Lrs, id, statement};
use crate::strangers::first_line;

/// Longer than what waits anywhere in memory.
const LONG: usize = 300_000;

pub fn long(seed: u8) -> Vec<u8> {
    (0..LONG).map(|at| (at % 251) as u8 ^ seed).collect()
}

/// A hub with its store in a folder.
struct Kept {
    lrs: Lrs,
    folder: TempDir,
}

impl Kept {
    fn start() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options {
            storage: Storage::File(folder.path().join("hub.db")),
            ..Options::new("me", "secret")
        };
        change(&mut options);
        let lrs = Lrs::of(Hub::start(&options).unwrap());
        Self { lrs, folder }
    }

    fn contents(&self) -> PathBuf {
        self.folder.path().join("hub.db.content")
    }

    /// Names of the files with contents, whole or coming.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.contents()).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != "lock").collect();
        names.sort();
        names
    }

    /// Waits until the files are these many.
    fn wait_for(&self, count: usize) {
        let begun = Instant::now();
        while self.files().len() != count {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{:?}",
                self.files()
            );
            std::thread::yield_now();
        }
    }

    /// Sends the head of a request, and the beginning of its body.
    fn begin(&self, length: usize, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.lrs.hub.addr()).unwrap();
        let head = format!(
            "POST /xAPI/statements HTTP/1.1\r\nHost: hub\r\nX-Experience-API-Version: 2.0.0\r\n\
             Authorization: Basic bWU6c2VjcmV0\r\nContent-Type: multipart/mixed; boundary=\"b o\"\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        stream
    }
}

pub fn with(contents: &[&[u8]]) -> Value {
    let described = contents
        .iter()
        .map(|content| described(content, &sha2(content)));
    let mut with = statement(&id());
    with["attachments"] = described.collect();
    with
}

/// A body with these statements and contents.
pub fn whole(statements: &Value, contents: &[&[u8]]) -> Vec<u8> {
    let text = statements.to_string();
    let heads: Vec<String> = contents
        .iter()
        .map(|content| part(&sha2(content)))
        .collect();
    let mut all = vec![(JSON, text.as_bytes())];
    all.extend(
        heads
            .iter()
            .map(String::as_str)
            .zip(contents.iter().copied()),
    );
    body(&all)
}

/// The contents of an answer, in its order.
pub fn contents_of(answer: &Answer) -> Vec<Vec<u8>> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let length = answer.header("content-length").parse();
    assert_eq!(length, Ok(answer.body.len()), "it is told beforehand");
    let boundary = Boundary::of(answer.header("content-type")).unwrap();
    let parts = parts(&answer.body, &boundary).unwrap();
    let contents = parts[1..].iter().map(|part| part.content.to_vec());
    contents.collect()
}

#[test]
fn long_contents_are_files_and_come_back() {
    let kept = Kept::start();
    let (one, two, short) = (long(1), long(2), b"short".to_vec());
    let statements = with(&[&one, &two, &short]);
    let sent = send(&kept.lrs, whole(&statements, &[&one, &two, &short]));
    assert_eq!(sent.status, 200, "{}", sent.text());
    let mut names = [sha2(&one), sha2(&two)];
    names.sort();
    assert_eq!(kept.files(), names, "the short one is in the database");
    assert_eq!(fs::read(kept.contents().join(sha2(&one))).unwrap(), one);

    // The same content again, by another hash, and in a request that brings it twice.
    let mut again = with(&[&one]);
    let sha512 = crate::attachments::sha512(&one);
    let other = described(&one, &sha512);
    again["attachments"].as_array_mut().unwrap().push(other);
    let text = again.to_string();
    let part_of_it = part(&sha2(&one));
    let twice = body(&[
        (JSON, text.as_bytes()),
        (&part_of_it, &one),
        (&part(&sha512), &one),
        (&part_of_it, &one),
    ]);
    let sent = send(&kept.lrs, twice);
    assert_eq!(sent.status, 200, "{}", sent.text());
    assert_eq!(kept.files(), names, "each is there once");

    let answer = kept.lrs.get(&[
        ("statementId", statements["id"].as_str().unwrap()),
        ("attachments", "true"),
    ]);
    assert_eq!(
        contents_of(&answer),
        [one.clone(), two.clone(), short.clone()]
    );
    // By each hash that an attachment has.
    let all = kept
        .lrs
        .get(&[("attachments", "true"), ("ascending", "true")]);
    assert_eq!(contents_of(&all), [one.clone(), two, short, one]);
}

#[test]
fn they_are_there_after_a_restart_and_what_was_left_is_gone() {
    let Kept { lrs, folder } = Kept::start();
    let content = long(1);
    let statements = with(&[&content]);
    assert_eq!(send(&lrs, whole(&statements, &[&content])).status, 200);
    lrs.hub.shutdown().unwrap();
    // As if it had been killed in the middle of a request, and before the statements of another were stored.
    let contents = folder.path().join("hub.db.content");
    fs::write(contents.join("coming-1"), "half").unwrap();
    fs::write(contents.join(sha2(b"whole")), "whole").unwrap();

    let storage = Storage::File(folder.path().join("hub.db"));
    let options = Options {
        storage,
        ..Options::new("me", "secret")
    };
    let lrs = Lrs::of(Hub::start(&options).unwrap());
    let kept = Kept { lrs, folder };
    assert_eq!(kept.files(), [sha2(&content)]);
    let answer = kept.lrs.get(&[("attachments", "true")]);
    assert_eq!(contents_of(&answer), [content]);
}

#[test]
fn a_refused_request_leaves_nothing() {
    let kept = Kept::start();
    let (content, other) = (long(1), long(2));
    let stored = statement(&id());
    kept.lrs.stored(&stored);
    let mut conflict = with(&[&content]);
    conflict["id"] = stored["id"].clone();
    let mut invalid = with(&[&content]);
    invalid["verb"] = json!({});
    let text = with(&[&content]).to_string();
    let damaged = body(&[(JSON, text.as_bytes()), (&part(&sha2(&content)), &other)]);
    let whole_one = whole(&with(&[&content]), &[&content]);
    for (body, status) in [
        (whole(&conflict, &[&content]), 409),
        (whole(&invalid, &[&content]), 400),
        (whole(&with(&[&content, &other]), &[&content]), 400),
        (whole(&with(&[&content]), &[&content, &other]), 400),
        (damaged, 400),
        (whole_one[..whole_one.len() - 20].to_vec(), 400),
    ] {
        send(&kept.lrs, body).refused(status);
        assert_eq!(kept.files(), [""; 0]);
    }
    assert_eq!(kept.lrs.ids(&[]).len(), 1);
}

#[test]
fn a_body_that_breaks_off_or_stands_still_leaves_nothing() {
    let content = long(1);
    let body = whole(&with(&[&content]), &[&content]);
    let kept = Kept::start();
    let half = kept.begin(body.len(), &body[..200_000]);
    kept.wait_for(1);
    drop(half);
    kept.wait_for(0);

    let kept = Kept::with(|options| options.patience.body = Duration::from_millis(300));
    let mut half = kept.begin(body.len(), &body[..200_000]);
    assert_eq!(first_line(&mut half), "HTTP/1.1 408 Request Timeout");
    assert_eq!(kept.files(), [""; 0]);
    assert!(kept.lrs.ids(&[]).is_empty());
}

/// What is wrong with the statements is told before gigabytes have come.
#[test]
fn statements_are_judged_before_their_contents_come() {
    let kept = Kept::start();
    let content = long(1);
    let mut invalid = with(&[&content]);
    invalid["verb"] = json!({});
    let body = whole(&invalid, &[&content]);
    let mut half = kept.begin(400_000_000, &body[..body.len() - LONG]);
    assert_eq!(first_line(&mut half), "HTTP/1.1 400 Bad Request");
    let mut large = kept.begin(600_000_000, b"");
    assert_eq!(first_line(&mut large), "HTTP/1.1 413 Payload Too Large");
}

#[test]
fn statements_and_contents_have_a_limit_each() {
    let kept = Kept::with(|options| {
        options.body_limit = 10_000;
        options.contents_limit = 500_000;
    });
    let (one, two) = (long(1), long(2));
    let sent = send(&kept.lrs, whole(&with(&[&one]), &[&one]));
    assert_eq!(sent.status, 200, "{}", sent.text());
    let refusal = send(&kept.lrs, whole(&with(&[&one, &two]), &[&one, &two])).refused(413);
    assert!(refusal["error"].as_str().unwrap().contains("500000"));
    let many: Vec<Value> = (0..100).map(|_| statement(&id())).collect();
    let refusal = send(&kept.lrs, whole(&json!(many), &[])).refused(413);
    assert!(refusal["error"].as_str().unwrap().contains("10000"));

    // An answer is no larger either, but for one statement.
    assert_eq!(send(&kept.lrs, whole(&with(&[&two]), &[&two])).status, 200);
    let page = kept
        .lrs
        .get(&[("attachments", "true"), ("ascending", "true")]);
    assert_eq!(contents_of(&page), [one]);
    assert!(page.text().contains("&after="));
}

/// Contents need no memory, so nobody waits because they come slowly.
#[test]
fn slow_contents_keep_no_statements_waiting() {
    let kept = Kept::start();
    let content = long(1);
    let body = whole(&with(&[&content]), &[&content]);
    let slow: Vec<TcpStream> = (0..20)
        .map(|_| kept.begin(400_000_000, &body[..200_000]))
        .collect();
    kept.wait_for(slow.len());
    let mut large = statement(&id());
    large["result"] = json!({"response": "x".repeat(1_000_000)});
    kept.lrs.stored(&large);
    // Large statements with contents find room, too.
    let mut described = with(&[&content]);
    described["result"] = large["result"].clone();
    let sent = send(&kept.lrs, whole(&described, &[&content]));
    assert_eq!(sent.status, 200, "{}", sent.text());
}

/// Whoever tidies the disk by hand loses contents and no statement, and is told; what is sent again is whole again.
#[test]
fn a_content_that_was_lost_is_left_out_and_mended_when_it_comes_again() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = log.clone();
    let kept = Kept::with(|options| {
        options.watch = Some(Arc::new(move |served| {
            lines.lock().unwrap().push(served.to_string());
        }));
    });
    let (content, other) = (long(1), long(2));
    let body = || whole(&with(&[&content, &other]), &[&content, &other]);
    assert_eq!(send(&kept.lrs, body()).status, 200);
    let sha2 = sha2(&content);
    let file = kept.contents().join(&sha2);
    let mut changed = content.clone();
    changed[LONG / 2] ^= 1;
    for damage in [None, Some(&b"cut"[..]), Some(&changed)] {
        fs::remove_file(&file).unwrap();
        if let Some(damage) = damage {
            fs::write(&file, damage).unwrap();
        }
        let ask = || kept.lrs.get(&[("attachments", "true")]);
        let answer = ask();
        assert_eq!(contents_of(&answer), std::slice::from_ref(&other));
        let told = format!("contents lost or damaged: 1 ({sha2})");
        assert_eq!(answer.header("warning"), format!("199 - \"{told}\""));
        let line = log.lock().unwrap().pop().unwrap();
        assert!(line.contains(&told), "{line}");
        assert_eq!(send(&kept.lrs, body()).status, 200);
        let answer = ask();
        assert_eq!(contents_of(&answer), [content.clone(), other.clone()]);
        assert_eq!(answer.header("warning"), "");
        assert!(!log.lock().unwrap().pop().unwrap().contains("lost"));
    }
}

/// Short ones are in the database, where the disk may change them as well.
#[test]
fn a_short_content_that_was_changed_is_left_out_and_mended_too() {
    let kept = Kept::start();
    let content = b"short".to_vec();
    let body = || whole(&with(&[&content]), &[&content]);
    assert_eq!(send(&kept.lrs, body()).status, 200);
    let store = rusqlite::Connection::open(kept.folder.path().join("hub.db")).unwrap();
    let changed = store.execute("UPDATE attachment SET content = x'73686f7275'", []);
    assert_eq!(changed, Ok(1));
    let answer = kept.lrs.get(&[("attachments", "true")]);
    assert!(contents_of(&answer).is_empty());
    assert!(answer.header("warning").contains(&sha2(&content)));
    assert_eq!(send(&kept.lrs, body()).status, 200);
    let answer = kept.lrs.get(&[("attachments", "true")]);
    assert_eq!(contents_of(&answer), [content]);
}

#[test]
fn a_hub_in_memory_takes_them_too() {
    let lrs = Lrs::start();
    let content = long(1);
    assert_eq!(
        send(&lrs, whole(&with(&[&content]), &[&content])).status,
        200
    );
    let answer = lrs.get(&[("attachments", "true")]);
    assert_eq!(contents_of(&answer), [content]);
}
