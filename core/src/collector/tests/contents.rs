//! Contents of attachments, as an app gives them and gets them back.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{FakeLrs, TestClock, answer, config, open, statement};
use crate::collector::{Config, NewUpstream, Recordable, WithContents};
use crate::error::Error;
use crate::lrs::multipart::{Boundary, parts};
use crate::lrs::{Method, Request, Response, TransportError};
use crate::statement::model::Attachment;
use crate::statement::{Content, LONGEST_CONTENTS, Statement, XapiVersion};
use crate::store::{HoldReason, Page, WaitReason};
use crate::transport::{Exchange, Transport};

const SUPPORTING: &str = "http://id.tincanapi.com/attachment/supporting_media";

fn described(content: &Content) -> Attachment {
    Attachment::of(content, SUPPORTING, "text/plain", ("en", "Log"))
}

fn with(n: usize, content: &Content) -> Statement {
    statement(n).attachment(described(content))
}

/// An LRS's answer that takes all that a request with contents brings, which is told to `taken`.
fn takes_contents(lrs: &FakeLrs, taken: impl Fn(Value, Vec<Vec<u8>>) + Send + 'static) {
    lrs.instead(move |request| {
        if request.method != Method::Post {
            return None;
        }
        let mut headers = request.headers.iter();
        let (_, content_type) = headers.find(|(name, _)| *name == "Content-Type").unwrap();
        let boundary = Boundary::of(content_type).ok()?;
        let found = parts(request.body_bytes().unwrap(), &boundary).unwrap();
        let statements: Value = serde_json::from_slice(found[0].content).unwrap();
        let ids: Vec<_> = statements
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["id"])
            .collect();
        let ids = json!(ids).to_string();
        let contents = found[1..]
            .iter()
            .map(|part| part.content.to_vec())
            .collect();
        taken(statements, contents);
        Some(Ok(answer(200, &ids)))
    });
}

#[test]
fn what_is_recorded_with_its_content_arrives_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(folder.path(), config(&lrs));
    let content = Content::bytes("knot tied in 41 s");
    let recorded = collector
        .record_with(with(1, &content), [content.clone()])
        .unwrap();
    assert!(recorded.is_new);
    let again = with(1, &content).id(recorded.id);
    let again = collector.record_with(again, [content.clone()]).unwrap();
    assert!(!again.is_new);
    let kept = collector.contents(recorded.id).unwrap();
    assert_eq!((kept.len(), &kept[0].content), (1, &content));
    assert_eq!(
        (kept[0].content_type.as_str(), &kept[0].sha2),
        ("text/plain", &content.sha2())
    );
    let (tell, told) = std::sync::mpsc::channel();
    takes_contents(&lrs, move |statements, contents| {
        tell.send((statements, contents)).unwrap();
    });
    assert_eq!(collector.sync().unwrap().delivered, 1);
    let (statements, contents) = told.try_recv().unwrap();
    assert_eq!(contents, [b"knot tied in 41 s"]);
    let attachment = &statements[0]["attachments"][0];
    assert_eq!(attachment["sha2"], content.sha2());
    assert_eq!(
        (&attachment["length"], &attachment["contentType"]),
        (&json!(17), &json!("text/plain"))
    );
    assert!(matches!(
        collector.contents(recorded.id),
        Err(Error::Unknown { .. })
    ));
}

#[test]
fn what_does_not_go_together_is_refused_and_nothing_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let collector = open(folder.path(), Config::default());
    let (one, other) = (Content::bytes("one"), Content::bytes("other"));
    let missing = collector.record(with(1, &one)).unwrap_err();
    let Error::ContentMissing { path, sha2, .. } = &missing else {
        panic!("{missing:?}")
    };
    assert_eq!((path.as_str(), sha2), ("$.attachments[0]", &one.sha2()));
    assert!(missing.to_string().contains("fileUrl"), "{missing}");
    let mismatch = collector
        .record_with(with(1, &one), [other.clone()])
        .unwrap_err();
    let Error::ContentMismatch {
        path, said, found, ..
    } = &mismatch
    else {
        panic!("{mismatch:?}")
    };
    assert_eq!(
        (path.as_str(), said, found),
        ("$.attachments[0].sha2", &one.sha2(), &other.sha2())
    );
    let unused = collector.record_with(with(1, &one), [one.clone(), other.clone()]);
    assert!(matches!(unused, Err(Error::ContentUnused { sha2, .. }) if sha2 == other.sha2()));
    let without = collector.record_with(statement(1), [one.clone()]);
    assert!(matches!(without, Err(Error::ContentUnused { .. })));
    let large = Content::bytes(vec![0; LONGEST_CONTENTS + 1]);
    let too_large = collector.record_with(with(1, &large), [large]).unwrap_err();
    let text = too_large.to_string();
    assert!(
        matches!(too_large, Error::Invalid(_)) && text.contains("fileUrl"),
        "{text}"
    );
    assert_eq!(collector.status().unwrap().ledger.recorded, 0);
    // With a fileUrl it needs none, and may have none.
    let linked = Attachment {
        file_url: Some("https://example.com/log".to_owned()),
        ..described(&one)
    };
    let linked = statement(1).attachment(linked);
    let unused = collector.record_with(&linked, [one]);
    assert!(matches!(unused, Err(Error::ContentUnused { .. })));
    collector.record(&linked).unwrap();
}

#[test]
fn all_of_several_are_recorded_with_theirs_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let collector = open(folder.path(), Config::default());
    let contents = ["one", "two"].map(Content::bytes);
    let both = |second: &Content| {
        let given = [contents[0].clone(), second.clone()]
            .into_iter()
            .enumerate();
        let with = given.map(|(at, given)| WithContents::new(with(at, &contents[at]), [given]));
        collector.record_all(with.collect::<Vec<_>>())
    };
    assert!(matches!(
        both(&contents[0]),
        Err(Error::ContentMismatch { .. })
    ));
    assert_eq!(collector.status().unwrap().ledger.recorded, 0);
    assert_eq!(both(&contents[1]).unwrap().len(), 2);
    let listed = collector.queued(Page::default()).unwrap();
    assert!(listed.iter().all(|one| one.content_bytes > 3));
}

#[test]
fn what_was_checked_before_may_have_its_contents_from_then() {
    let folder = tempfile::tempdir().unwrap();
    let collector = open(folder.path(), Config::default());
    let content = Content::bytes("one");
    let text = with(1, &content).to_json();
    let check = || Recordable::check(text.as_bytes(), XapiVersion::V2_0_0).unwrap();
    assert!(matches!(
        collector.record(check()),
        Err(Error::ContentMissing { .. })
    ));
    collector.record_with(check(), [content.clone()]).unwrap();
    let whole = check().with_contents(&[content]).unwrap();
    let recorded = collector.record(whole).unwrap();
    assert_eq!(collector.contents(recorded.id).unwrap().len(), 1);
}

#[test]
fn a_replacement_keeps_the_contents_unless_others_are_given() {
    for is_given in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let lrs = Arc::new(FakeLrs::default());
        let clock = TestClock::new();
        let collector = open(
            folder.path(),
            Config {
                clock: clock.clone(),
                ..config(&lrs)
            },
        );
        let (old, new) = (Content::bytes("old"), Content::bytes("new"));
        // One that the LRS has without its content is held.
        let id = collector
            .record_with(with(1, &old), [old.clone()])
            .unwrap()
            .id;
        lrs.instead(|request| {
            (request.method == Method::Post).then_some(Err(TransportError::TimedOut))
        });
        let stored = serde_json::from_str(&collector.queued(Page::default()).unwrap()[0].statement);
        lrs.stored.lock().unwrap().insert(id, stored.unwrap());
        for _ in 0..5 {
            collector.sync().unwrap();
            clock.pass(Duration::from_hours(25));
        }
        assert_eq!(
            collector.held_one(id).unwrap().reason,
            HoldReason::ContentMissing
        );
        assert_eq!(collector.contents(id).unwrap()[0].content, old);
        let replaced = if is_given {
            collector.replace(id, WithContents::new(with(2, &new), [new.clone()]))
        } else {
            collector.replace(id, with(2, &old))
        };
        let replaced = replaced.unwrap();
        let kept = collector.contents(replaced).unwrap();
        let expected = if is_given { &new } else { &old };
        assert_eq!(&kept[0].content, expected);
        assert!(matches!(collector.contents(id), Err(Error::Unknown { .. })));
    }
}

/// A statement, and the contents that came with it.
type Kept = (String, Vec<Vec<u8>>);

/// LRSs that keep what a request with contents brings, of which those named so take none.
#[derive(Default)]
struct Keepers {
    /// What each has, by host and id.
    kept: Mutex<BTreeMap<(String, Uuid), Kept>>,
    posts: Mutex<Vec<String>>,
    takes_none: Mutex<Option<&'static str>>,
}

impl Keepers {
    fn has(&self, host: &str) -> Vec<Vec<Vec<u8>>> {
        let kept = self.kept.lock().unwrap();
        let here = kept.iter().filter(|((at, _), _)| at == host);
        here.map(|(_, (_, contents))| contents.clone()).collect()
    }

    fn posts(&self, host: &str) -> usize {
        let posts = self.posts.lock().unwrap();
        posts.iter().filter(|to| *to == host).count()
    }

    fn respond(&self, request: &Request) -> Response {
        let host = request.url.split('/').nth(2).unwrap();
        if request.url.ends_with("/about") {
            return answer(200, r#"{"version":["2.0.0"]}"#);
        }
        if request.method == Method::Post {
            self.posts.lock().unwrap().push(host.to_owned());
            return self.take(host, request);
        }
        let asked = request.url.split_once("tatementId=").unwrap().1;
        let (id, rest) = asked.split_at(36);
        let kept = self.kept.lock().unwrap();
        match kept.get(&(host.to_owned(), id.parse().unwrap())) {
            Some((statement, contents)) if rest == "&attachments=true" => {
                let mut body = format!("--b\r\n\r\n{statement}").into_bytes();
                for content in contents {
                    body.extend_from_slice(b"\r\n--b\r\n\r\n");
                    body.extend_from_slice(content);
                }
                body.extend_from_slice(b"\r\n--b--");
                let mut shown = answer(200, "");
                let content_type = "multipart/mixed; boundary=b".to_owned();
                shown
                    .headers
                    .push(("Content-Type".to_owned(), content_type));
                Response { body, ..shown }
            }
            Some((statement, _)) => answer(200, statement),
            None => answer(404, "null"),
        }
    }

    fn take(&self, host: &str, request: &Request) -> Response {
        let mut headers = request.headers.iter();
        let (_, content_type) = headers.find(|(name, _)| *name == "Content-Type").unwrap();
        let Ok(boundary) = Boundary::of(content_type) else {
            return answer(400, "no contents came");
        };
        if *self.takes_none.lock().unwrap() == Some(host) {
            return answer(415, "no multipart here");
        }
        let found = parts(request.body_bytes().unwrap(), &boundary).unwrap();
        let statements: Vec<Value> = serde_json::from_slice(found[0].content).unwrap();
        let contents: Vec<_> = found[1..].iter().map(|one| one.content.to_vec()).collect();
        let mut kept = self.kept.lock().unwrap();
        let mut ids = Vec::new();
        for one in statements {
            let id: Uuid = one["id"].as_str().unwrap().parse().unwrap();
            ids.push(id);
            let here = (host.to_owned(), id);
            kept.insert(here, (one.to_string(), contents.clone()));
        }
        answer(200, &json!(ids).to_string())
    }
}

impl Transport for Keepers {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        Box::pin(async move { Ok(self.respond(&request)) })
    }
}

fn kept_by(keepers: &Arc<Keepers>, clock: &Arc<TestClock>) -> Config {
    Config {
        transport: Some(Arc::clone(keepers) as Arc<dyn Transport>),
        clock: Arc::clone(clock) as _,
        ..Config::new("https://main.example/xAPI", None)
    }
}

#[test]
fn an_lrs_that_takes_none_keeps_them_from_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (keepers, clock) = (Arc::new(Keepers::default()), TestClock::new());
    let collector = open(folder.path(), kept_by(&keepers, &clock));
    let second = NewUpstream::new("second", "https://second.example/xAPI", None);
    let second = collector.add_upstream(second).unwrap();
    *keepers.takes_none.lock().unwrap() = Some("second.example");
    let content = Content::bytes(&b"--b\r\n\r\n--b--"[..]);
    let recorded = collector
        .record_with(with(1, &content), [content.clone()])
        .unwrap();
    collector.sync().unwrap();
    assert_eq!(keepers.has("main.example"), [[content.octets()]]);
    let waiting = second.waiting(Page::default()).unwrap();
    assert_eq!(
        (waiting.len(), waiting[0].reason),
        (1, WaitReason::NoAttachments)
    );
    // It stays on the device for the other one, which has none of it yet.
    let kept = collector.contents(recorded.id).unwrap();
    assert_eq!(kept[0].content, content);
    assert!(keepers.has("second.example").is_empty());
    *keepers.takes_none.lock().unwrap() = None;
    second.retry(recorded.id).unwrap();
    assert_eq!(collector.sync().unwrap().delivered, 1);
    assert_eq!(keepers.has("second.example"), [[content.octets()]]);
    assert_eq!(keepers.posts("main.example"), 1);
    assert!(collector.contents(recorded.id).is_err());
}

#[test]
fn an_older_copy_looks_for_them_before_it_sends_them_again() {
    let folder = tempfile::tempdir().unwrap();
    let (keepers, clock) = (Arc::new(Keepers::default()), TestClock::new());
    let contents = ["", "two"].map(Content::bytes);
    let collector = open(folder.path(), kept_by(&keepers, &clock));
    for (n, content) in contents.iter().enumerate() {
        collector
            .record_with(with(n, content), [content.clone()])
            .unwrap();
    }
    drop(collector);
    let queue = folder.path().join("queue.db");
    let older = fs::read(&queue).unwrap();
    let collector = open(folder.path(), kept_by(&keepers, &clock));
    assert_eq!(collector.sync().unwrap().delivered, 2);
    let posts = keepers.posts("main.example");
    drop(collector);
    fs::write(&queue, older).unwrap();
    // One of them the LRS has without its content now.
    let mut kept = keepers.kept.lock().unwrap();
    let (_, bare) = kept
        .values_mut()
        .find(|(_, with)| with[0] == b"two")
        .unwrap();
    bare.clear();
    drop(kept);
    let collector = open(folder.path(), kept_by(&keepers, &clock));
    for _ in 0..5 {
        collector.sync().unwrap();
        clock.pass(Duration::from_hours(25));
    }
    assert_eq!(keepers.posts("main.example"), posts, "none is sent again");
    let held = collector.held(Page::default()).unwrap();
    assert_eq!(
        (held.len(), held[0].reason),
        (1, HoldReason::ContentMissing)
    );
    let kept = collector.contents(held[0].id).unwrap();
    assert_eq!(kept[0].content, contents[1]);
    assert!(collector.waiting(Page::default()).unwrap().is_empty());
}
