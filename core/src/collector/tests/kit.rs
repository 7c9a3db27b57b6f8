//! What the collector's tests share: an LRS that answers from memory, and does what it is told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::{Clock, Steady};
use crate::collector::{Collector, Config};
use crate::lrs::{Credentials, Method, Request, Response, TransportError};
use crate::statement::model::{Agent, XapiActivity};
use crate::statement::{Statement, vocabulary::verbs};
use crate::transport::{Exchange, Transport};

/// Answers a request in the LRS's place, or leaves it to it.
type Instead = Box<dyn Fn(&Request) -> Option<Result<Response, TransportError>> + Send>;

/// A clock that stands still until it is moved.
pub struct TestClock {
    truth: AtomicI64,
    /// How wrong the device's wall clock is.
    error: AtomicI64,
    boot: AtomicI64,
    started: AtomicI64,
}

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            truth: AtomicI64::new(1_800_000_000_000),
            error: AtomicI64::new(0),
            boot: AtomicI64::new(1),
            started: AtomicI64::new(1_799_999_000_000),
        })
    }

    pub fn truth_ms(&self) -> i64 {
        self.truth.load(Ordering::Relaxed)
    }

    pub fn pass(&self, time: Duration) {
        self.truth
            .fetch_add(time.as_millis() as i64, Ordering::Relaxed);
    }

    /// For an LRS's clock: it says that now.
    pub fn set_to(&self, truth_ms: i64) {
        self.truth.store(truth_ms, Ordering::Relaxed);
    }

    /// Sets the wall clock wrong by so much; it jumps.
    pub fn set_wrong_by(&self, error_ms: i64) {
        self.error.store(error_ms, Ordering::Relaxed);
    }

    pub fn reboot(&self) {
        self.boot.fetch_add(1, Ordering::Relaxed);
        self.started.store(self.truth_ms(), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.truth_ms() + self.error.load(Ordering::Relaxed)
    }

    fn steady(&self) -> Option<Steady> {
        Some(Steady {
            ms: self.truth_ms() - self.started.load(Ordering::Relaxed),
            boot: self.boot.load(Ordering::Relaxed),
        })
    }
}

/// A well-behaved LRS.
#[derive(Default)]
pub struct FakeLrs {
    pub stored: Mutex<BTreeMap<Uuid, Value>>,
    pub down: Mutex<bool>,
    /// While true, no POST is answered.
    pub hangs: Mutex<bool>,
    asked: Condvar,
    pub posts: Mutex<usize>,
    /// Tells the time in its answers, if it has one.
    pub clock: Mutex<Option<Arc<TestClock>>>,
    instead: Mutex<Option<Instead>>,
}

impl FakeLrs {
    /// Waits until it has been sent something.
    pub fn wait_until_asked(&self) {
        let posts = self.posts.lock().unwrap();
        drop(self.asked.wait_while(posts, |posts| *posts == 0).unwrap());
    }

    /// From now on these answers come first.
    pub fn instead(
        &self,
        answer: impl Fn(&Request) -> Option<Result<Response, TransportError>> + Send + 'static,
    ) {
        *self.instead.lock().unwrap() = Some(Box::new(answer));
    }

    /// From now on it is itself again.
    pub fn behave(&self) {
        *self.instead.lock().unwrap() = None;
    }

    fn dated(&self, request: &Request) -> Result<Response, TransportError> {
        let mut answer = self.answer(request)?;
        if let Some(clock) = self.clock.lock().unwrap().as_ref() {
            let date = jiff::Timestamp::from_millisecond(clock.truth_ms()).unwrap();
            answer.headers.push((
                "Date".into(),
                date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            ));
        }
        Ok(answer)
    }

    fn answer(&self, request: &Request) -> Result<Response, TransportError> {
        if *self.down.lock().unwrap() {
            return Err(TransportError::Unreachable("no network".into()));
        }
        if let Some(instead) = self.instead.lock().unwrap().as_ref()
            && let Some(outcome) = instead(request)
        {
            return outcome;
        }
        let (status, body) = match request.method {
            Method::Get if request.url.ends_with("/about") => (200, json!({"version": ["2.0.0"]})),
            Method::Get => {
                // It shows no contents, whatever it is asked for.
                let asked = request.url.strip_suffix("&attachments=true");
                let asked = asked.unwrap_or(&request.url);
                let id = asked.rsplit('=').next().unwrap().parse().unwrap();
                match self.stored.lock().unwrap().get(&id) {
                    Some(found) => (200, found.clone()),
                    None => (404, Value::Null),
                }
            }
            Method::Post => self.store(sent(request)),
            other => panic!("{other:?} is not for statements"),
        };
        Ok(answer(status, &body.to_string()))
    }

    fn store(&self, batch: Vec<(Uuid, Value)>) -> (u16, Value) {
        let mut stored = self.stored.lock().unwrap();
        if batch
            .iter()
            .any(|(id, one)| stored.get(id).is_some_and(|known| known != one))
        {
            return (409, json!("another statement has this id"));
        }
        let ids: Vec<Uuid> = batch.iter().map(|(id, _)| *id).collect();
        stored.extend(batch);
        (200, json!(ids))
    }
}

impl Transport for FakeLrs {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        Box::pin(async move {
            if request.method == Method::Post {
                *self.posts.lock().unwrap() += 1;
                self.asked.notify_all();
                while *self.hangs.lock().unwrap() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            self.dated(&request)
        })
    }
}

/// The statements of a POST.
pub fn sent(request: &Request) -> Vec<(Uuid, Value)> {
    let batch = match serde_json::from_slice(request.body_bytes().unwrap()).unwrap() {
        Value::Array(batch) => batch,
        one => vec![one],
    };
    batch
        .into_iter()
        .map(|one| (one["id"].as_str().unwrap().parse().unwrap(), one))
        .collect()
}

/// An LRS's own.
pub fn answer(status: u16, body: &str) -> Response {
    let version = ("X-Experience-API-Version".into(), "1.0.3".into());
    Response {
        headers: vec![version],
        ..strangers(status, body)
    }
}

/// Of something before the LRS, or in its place.
pub fn strangers(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
        cut: false,
    }
}

/// Whether it is a POST, and one with this text in it.
pub fn posts(request: &Request, text: &str) -> bool {
    request
        .body_bytes()
        .is_some_and(|body| String::from_utf8_lossy(body).contains(text))
}

pub fn config(lrs: &Arc<FakeLrs>) -> Config {
    let credentials = Credentials::Basic {
        user: "app".into(),
        password: "secret".into(),
    };
    Config {
        transport: Some(Arc::clone(lrs) as Arc<dyn Transport>),
        ..Config::new("https://lrs.example/xAPI", Some(credentials))
    }
}

pub fn open(folder: &Path, config: Config) -> Collector {
    Collector::open(folder.join("queue.db"), config).unwrap()
}

pub fn statement(n: usize) -> Statement {
    Statement::new(
        Agent::mbox("mailto:ada@example.com"),
        verbs::COMPLETED,
        XapiActivity::new(format!("https://example.com/lessons/{n}")),
    )
}
