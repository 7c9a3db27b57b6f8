//! What a server has stored and seen, and how a good LRS behaves. Scenarios take from it what they
//! want and do the rest otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::http::{Request, Response, id_of};

/// The user and the password that good servers know.
pub const USER: &str = "app";
/// See [`USER`].
pub const PASSWORD: &str = "s3cret-of-the-app";

/// A request that came, and what was answered.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The request.
    pub request: Request,
    /// The status of its answer; none while there is none.
    pub status: Option<u16>,
}

#[derive(Debug, Default)]
struct State {
    stored: BTreeMap<String, Vec<(Value, Instant)>>,
    seen: Vec<Seen>,
}

/// What a server has.
#[derive(Debug, Default)]
pub struct Lrs(Mutex<State>);

impl Lrs {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics while holding it")
    }

    /// Notes a request and says its number.
    pub(crate) fn begins(&self, request: &Request) -> usize {
        let mut state = self.state();
        state.seen.push(Seen {
            request: request.clone(),
            status: None,
        });
        state.seen.len() - 1
    }

    /// Notes what was answered to a request.
    pub(crate) fn answers(&self, number: usize, status: Option<u16>) {
        self.state().seen[number].status = status;
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// The requests so far that brought statements, the present one included.
    pub fn posts(&self) -> usize {
        let seen = &self.state().seen;
        seen.iter().filter(|seen| seen.request.is_post()).count()
    }

    /// The user and password of each request, in the order they came.
    pub fn secrets(&self) -> Vec<String> {
        let seen = self.seen();
        seen.iter()
            .filter_map(|seen| seen.request.header("authorization").map(ToOwned::to_owned))
            .map(
                |value| match BASE64_STANDARD.decode(value.trim_start_matches("Basic ")) {
                    Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                    Err(_) => value,
                },
            )
            .collect()
    }

    /// Stores these, whatever is there.
    pub fn keep(&self, statements: &[Value]) {
        let mut state = self.state();
        for statement in statements {
            let copies = state.stored.entry(id_of(statement)).or_default();
            copies.push((statement.clone(), Instant::now()));
        }
    }

    /// Stores these some time later, but for those that are there now: as an LRS does that looks
    /// first, works, and has no unique key.
    pub fn keep_later(self: &Arc<Self>, request: &Request, after: Duration) {
        let (lrs, new) = (self.clone(), self.unknown(request));
        std::thread::spawn(move || {
            std::thread::sleep(after);
            lrs.keep(&new);
        });
    }

    /// Whether there is one with this id.
    pub fn has(&self, id: &str) -> bool {
        self.state().stored.contains_key(id)
    }

    /// The copies of a statement.
    pub fn copies(&self, id: &str) -> Vec<Value> {
        let state = self.state();
        let copies = state.stored.get(id).into_iter().flatten();
        copies.map(|(statement, _)| statement.clone()).collect()
    }

    /// How long ago a statement was stored.
    pub fn age(&self, id: &str) -> Option<Duration> {
        let state = self.state();
        let first = state.stored.get(id)?.first()?;
        Some(first.1.elapsed())
    }

    /// The statements by their ids, each with the number of its copies.
    pub fn all(&self) -> BTreeMap<String, usize> {
        let state = self.state();
        let all = state.stored.iter();
        all.map(|(id, copies)| (id.clone(), copies.len())).collect()
    }

    /// A good LRS: both versions, credentials, statements alone and in batches; what it has already
    /// it takes again without storing it again.
    pub fn plain(&self, request: &Request) -> Response {
        if request.is_about() {
            return Response::json(200, &json!({"version": ["1.0.3", "2.0.0"]})).by_an_lrs();
        }
        Self::refused(request).unwrap_or_else(|| {
            if request.is_post() {
                return self.take(request);
            }
            match request.looks_for() {
                Some(id) => self.show(&id),
                None => Response::json(200, &json!({"statements": [], "more": ""})).by_an_lrs(),
            }
        })
    }

    /// Its 401, or its 400 where the version is missing.
    pub fn refused(request: &Request) -> Option<Response> {
        let right = format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"))
        );
        if request.header("authorization") != Some(right.as_str()) {
            let words = json!({"error": "who are you?"});
            return Some(Response::json(401, &words).by_an_lrs());
        }
        if request.header("x-experience-api-version").is_none() {
            let words = json!({"error": "which version?"});
            return Some(Response::json(400, &words).by_an_lrs());
        }
        None
    }

    /// Stores the new ones and names all; all or nothing, 409 for another one under a known id.
    pub fn take(&self, request: &Request) -> Response {
        let statements = request.statements();
        let differs = |one: &Value| self.copies(&id_of(one)).iter().any(|copy| copy != one);
        if statements.iter().any(differs) {
            let words = json!({"error": "another one has this id"});
            return Response::json(409, &words).by_an_lrs();
        }
        let new = statements.iter().filter(|one| !self.has(&id_of(one)));
        let new: Vec<Value> = new.cloned().collect();
        self.keep(&new);
        Self::names(request)
    }

    /// What a request brings and the LRS has not.
    pub fn unknown(&self, request: &Request) -> Vec<Value> {
        let mut new = request.statements();
        new.retain(|statement| !self.has(&id_of(statement)));
        new
    }

    /// An LRS without a unique key: it looks which ones are new, works at them for so long, and then
    /// stores those without looking again, so that what comes meanwhile is there twice.
    pub fn without_key(&self, request: &Request, works: Duration) -> Response {
        if !request.is_post() {
            return self.plain(request);
        }
        if let Some(refused) = Self::refused(request) {
            return refused;
        }
        let new = self.unknown(request);
        std::thread::sleep(works);
        self.keep(&new);
        Self::names(request)
    }

    /// 200 with the ids of all statements of the request.
    pub fn names(request: &Request) -> Response {
        Response::json(200, &json!(request.ids())).by_an_lrs()
    }

    /// The statement with this id as an LRS shows it, or 404.
    pub fn show(&self, id: &str) -> Response {
        match self.copies(id).first() {
            Some(copy) => Response::json(200, &shown(copy)).by_an_lrs(),
            None => Response::json(404, &json!({"error": "there is none"})).by_an_lrs(),
        }
    }
}

/// A copy as an LRS shows it, with what it adds.
pub fn shown(statement: &Value) -> Value {
    let mut copy = statement.clone();
    copy["stored"] = json!("2026-11-28T00:00:00.000Z");
    copy["authority"] = json!({"objectType": "Agent", "account": {"homePage": "http://lrs.example/", "name": USER}});
    copy
}
