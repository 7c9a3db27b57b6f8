//! What a log shows of a sync: every batch with its counts and its judgement, and nothing that
//! anybody would want to keep to themselves. One test in a process of its own, since it listens to
//! all threads.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pannier::clock::Clock;
use pannier::lrs::{Method, Request, Response, TransportError};
use pannier::transport::{Exchange, Transport};
use pannier::{Collector, Config, Credentials};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Everything that is logged, at every level: spans by their number, and the text of it all.
#[derive(Default)]
struct Log {
    next: AtomicU64,
    spans: Mutex<BTreeMap<u64, BTreeMap<String, String>>>,
    text: Mutex<String>,
}

struct Ears(Arc<Log>);

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Log {
    fn note(&self, what: &str, fields: &BTreeMap<String, String>) {
        writeln!(self.text.lock().unwrap(), "{what} {fields:?}").unwrap();
    }

    fn named(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        let spans = self.spans.lock().unwrap();
        let named = spans.values().filter(|span| span["span"] == name);
        named.cloned().collect()
    }
}

impl Subscriber for Ears {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        let name = span.metadata().name();
        self.0.note(name, &fields);
        fields.insert("span".to_owned(), name.to_owned());
        self.0.spans.lock().unwrap().insert(id, fields);
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut spans = self.0.spans.lock().unwrap();
        let fields = spans.get_mut(&span.into_u64()).unwrap();
        values.record(&mut Fields(fields));
        self.0.note("record", fields);
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        self.0.note(event.metadata().target(), &fields);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A clock that counts hours.
#[derive(Default)]
struct Hours(AtomicUsize);

impl Clock for Hours {
    fn now_ms(&self) -> i64 {
        1_800_000_000_000 + self.0.load(Ordering::Relaxed) as i64 * 3_600_000
    }
}

/// Answers as the script says, then takes everything.
struct Scripted {
    script: Vec<Result<Response, TransportError>>,
    at: AtomicUsize,
}

impl Transport for Scripted {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        Box::pin(async move {
            if request.url.ends_with("/about") {
                return Ok(answer(200, &json!({"version": ["2.0.0"]}).to_string()));
            }
            if request.method == Method::Get {
                return Ok(answer(404, "SECRETWORDS"));
            }
            if let Some(said) = self.script.get(self.at.fetch_add(1, Ordering::Relaxed)) {
                return said.clone();
            }
            let body = request.body_bytes().unwrap();
            if String::from_utf8_lossy(body).contains("refused") {
                return Ok(answer(400, "SECRETWORDS"));
            }
            let batch = match serde_json::from_slice(body).unwrap() {
                Value::Array(batch) => batch,
                one => vec![one],
            };
            let ids: Vec<&Value> = batch.iter().map(|one| &one["id"]).collect();
            Ok(answer(200, &json!(ids).to_string()))
        })
    }
}

fn answer(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: vec![
            (
                "Location".into(),
                "https://lrs.example/login?token=SECRETQUERY".into(),
            ),
            ("X-Experience-API-Version".into(), "2.0.0".into()),
        ],
        body: body.as_bytes().to_vec(),
        cut: false,
    }
}

/// Enough for all that is tried again later.
const SYNCS: usize = 12;

/// Each request is a span, with its counts and its judgement.
fn every_batch_is_in(log: &Log) {
    let requests = log.named("request");
    let batches: Vec<_> = requests
        .iter()
        .filter(|span| span["kind"] == "\"batch\"")
        .collect();
    let told = |span: &BTreeMap<String, String>| {
        let status = span.get("status").map_or("none", String::as_str);
        format!("{} {status} {}", span["statements"], span["judgement"])
    };
    let said: Vec<String> = batches.iter().map(|span| told(span)).collect();
    assert_eq!(said[0], "3 302 \"wrong_endpoint\"");
    for line in [
        "401 \"suspicious\"",
        "none \"unreachable\"",
        "1 400 \"suspicious\"",
    ] {
        assert!(said.iter().any(|said| said.ends_with(line)), "{said:?}");
    }
    assert!(said.contains(&"1 200 \"stored\"".to_owned()), "{said:?}");
    for span in &requests {
        assert!(
            span.contains_key("duration_ms") && span.contains_key("judgement"),
            "{span:?}"
        );
        assert_eq!(
            span["kind"] == "\"batch\"",
            span["bytes"] != "0",
            "{span:?}"
        );
    }
    assert!(requests.iter().any(|span| span["kind"] == "\"look\""));
    assert_eq!(log.named("sync").len(), SYNCS + 1);
}

/// Each sync is told with its counts, and nothing secret in any line.
fn no_secret_is_in(log: &Log) {
    let text = log.text.lock().unwrap();
    let synced: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("synced"))
        .collect();
    assert_eq!(synced.len(), SYNCS + 1);
    for line in [r#""delivered": "2""#, r#""held": "1""#, "emptied"] {
        assert!(synced.iter().any(|said| said.contains(line)), "{synced:?}");
    }
    let asks_the_app = text
        .lines()
        .find(|line| line.contains("until the app has acted"));
    assert!(asks_the_app.is_some_and(|line| line.contains("credentials")));
    let base64_of_user = "U0VDUkVUVVNFU";
    for secret in ["SECRET", "secret", base64_of_user] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "a secret is in the log");
    }
}

#[test]
fn every_batch_is_told_and_no_secret() {
    let log = Arc::new(Log::default());
    tracing::subscriber::set_global_default(Ears(Arc::clone(&log))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let credentials = || Credentials::Basic {
        user: "SECRETUSER".into(),
        password: "SECRETPASSWORD".into(),
    };
    let script = vec![
        Ok(answer(302, "SECRETWORDS")),
        Ok(answer(401, "SECRETWORDS")),
        Ok(answer(418, "SECRETWORDS")),
        Err(TransportError::Unreachable("SECRETWORDS".into())),
    ];
    let hours = Arc::new(Hours::default());
    let mut config = Config::new("https://lrs.example/SECRETPATH", Some(credentials()));
    config.transport = Some(Arc::new(Scripted {
        script,
        at: AtomicUsize::new(0),
    }));
    config.clock = Arc::clone(&hours) as Arc<dyn Clock>;
    let collector = Collector::open(folder.path().join("queue.db"), config).unwrap();
    for object in ["one", "refused", "three"] {
        let statement = json!({
            "actor": {"name": "SECRETNAME", "mbox": "mailto:SECRETNAME@example.com"},
            "verb": {"id": "http://example.com/SECRETVERB"},
            "object": {"id": format!("http://example.com/SECRETOBJECT/{object}")},
        });
        collector.record(statement.to_string()).unwrap();
    }
    for _ in 0..SYNCS {
        collector.sync().unwrap();
        collector.set_credentials(Some(&credentials())).unwrap();
        hours.0.fetch_add(1, Ordering::Relaxed);
    }
    let bytes_sent = collector.sync().unwrap().bytes_sent;
    assert_eq!(bytes_sent, 0);
    let ledger = collector.status().unwrap().ledger;
    assert_eq!((ledger.delivered, ledger.held), (2, 1));
    drop(collector);

    every_batch_is_in(&log);
    no_secret_is_in(&log);
}
