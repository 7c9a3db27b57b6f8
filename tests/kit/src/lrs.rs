//! The LRS.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pannier::Uuid;
use pannier::clock::{Clock, SystemClock};
use pannier::lrs::{Credentials, Method, Request, Response, TransportError};
use pannier::transport::{Exchange, Transport};

use crate::failure::{Failure, Fate, answer};
use crate::store::Statements;

/// Decides about a request of statements, given its number, from 1 on.
type Script = Box<dyn FnMut(u64) -> Option<Failure> + Send>;

/// Told of what was stored, before it is answered.
type Told = Arc<dyn Fn(&[Uuid]) + Send + Sync>;

/// An LRS in memory, and the way to it: a [`Transport`]. Clones are the same LRS. It stores a batch whole or not at all,
/// knows what it has by its id, and gives xAPI's headers with its answers, as a good one does.
#[derive(Clone)]
pub struct MemoryLrs {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    statements: Statements,
    authorization: Option<String>,
    most_bytes: Option<usize>,
    refused: Vec<(String, u16)>,
    next: VecDeque<Failure>,
    always: Option<Failure>,
    script: Option<Script>,
    told: Option<Told>,
    ahead_ms: i64,
    requests: u64,
    posts: u64,
}

impl std::fmt::Debug for MemoryLrs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryLrs({} statements)", self.len())
    }
}

impl Default for MemoryLrs {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLrs {
    /// A base URL to set up a collector with; no request leaves the process.
    pub const ENDPOINT: &str = "https://lrs.example/xAPI";

    /// An empty one that takes everything from everybody.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// One whose answers are dated by this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Arc::default(),
            clock,
        }
    }

    /// From now on only these credentials are taken; anything else is answered by 401.
    pub fn expect(&self, credentials: &Credentials) {
        // Made here, by RFC 7617 and RFC 6750: Pannier's own would agree with whatever Pannier sends.
        let expected = match credentials {
            Credentials::Basic { user, password } => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }
            Credentials::Basic64(value) => format!("Basic {value}"),
            Credentials::Bearer(token) => format!("Bearer {token}"),
        };
        self.lock().authorization = Some(expected);
    }

    /// From now on a batch of more bytes is answered by 413.
    pub fn limit_bytes(&self, most: usize) {
        self.lock().most_bytes = Some(most);
    }

    /// From now on a batch in which this text stands is answered by this status.
    pub fn refuse(&self, text: impl Into<String>, status: u16) {
        self.lock().refused.push((text.into(), status));
    }

    /// It has this statement already, from elsewhere: with another one under the same id there is a conflict.
    pub fn put(&self, id: Uuid, statement: impl Into<String>) {
        self.lock().statements.put(id, statement.into());
    }

    /// Its clock is ahead by so many milliseconds, or behind.
    pub fn set_ahead(&self, ms: i64) {
        self.lock().ahead_ms = ms;
    }

    /// Happens to the next request that brings statements; several calls, to as many.
    pub fn fail_next(&self, failure: Failure) {
        self.lock().next.push_back(failure);
    }

    /// Happens to every request, look-ups too, until [`MemoryLrs::recover`].
    pub fn fail_always(&self, failure: Failure) {
        self.lock().always = Some(failure);
    }

    /// Nothing goes wrong any more. What it refuses, and its limits, stay.
    pub fn recover(&self) {
        let mut state = self.lock();
        (state.always, state.script) = (None, None);
        state.next.clear();
    }

    /// Decides what happens to each request that brings statements, given its number from 1 on.
    pub fn script(&self, decide: impl FnMut(u64) -> Option<Failure> + Send + 'static) {
        self.lock().script = Some(Box::new(decide));
    }

    /// Called with the ids of what is stored, or was, before that is answered.
    pub fn on_stored(&self, tell: impl Fn(&[Uuid]) + Send + Sync + 'static) {
        self.lock().told = Some(Arc::new(tell));
    }

    /// The statement under this id, as it came.
    pub fn statement(&self, id: Uuid) -> Option<String> {
        self.lock().statements.get(id).map(str::to_owned)
    }

    /// The ids of all that it has, in their order.
    pub fn ids(&self) -> Vec<Uuid> {
        self.lock().statements.ids()
    }

    /// How many it has.
    pub fn len(&self) -> usize {
        self.lock().statements.ids().len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is voided.
    pub fn is_voided(&self, id: Uuid) -> bool {
        self.lock().statements.is_voided(id)
    }

    /// How often it was taken in as one that is new: once, if it was delivered, however often it was sent.
    pub fn times_stored(&self, id: Uuid) -> u64 {
        self.lock().statements.times(id)
    }

    /// How many requests there were.
    pub fn requests(&self) -> u64 {
        self.lock().requests
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn perform(&self, request: &Request) -> Result<Response, TransportError> {
        let mut state = self.lock();
        state.requests += 1;
        let fate = state.failure(request.method).map(Failure::fate);
        let ahead_ms = state.ahead_ms;
        let outcome = match fate {
            Some(Fate::Instead(outcome)) => outcome,
            Some(Fate::Unheard) => {
                let (_, stored) = state.obey(request);
                let told = state.told.clone();
                drop(state);
                tell(told, &stored);
                Err(TransportError::Broken("the answer is lost".to_owned()))
            }
            None => {
                let (answer, stored) = state.obey(request);
                let told = state.told.clone();
                drop(state);
                tell(told, &stored);
                Ok(answer)
            }
        };
        outcome.map(|answer| self.dated(answer, ahead_ms))
    }

    /// With the time, in RFC 9110's form.
    fn dated(&self, mut answer: Response, ahead_ms: i64) -> Response {
        let now = jiff::Timestamp::from_millisecond(self.clock.now_ms() + ahead_ms);
        let date = now
            .ok()
            .and_then(|now| jiff::fmt::strtime::format("%a, %d %b %Y %H:%M:%S GMT", now).ok());
        answer
            .headers
            .extend(date.map(|date| ("Date".to_owned(), date)));
        answer
    }
}

fn tell(told: Option<Told>, stored: &[Uuid]) {
    if let Some(told) = told
        && !stored.is_empty()
    {
        told(stored);
    }
}

fn header(request: &Request, name: &str) -> Option<String> {
    let mut all = request.headers.iter();
    let found = all.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone())
}

impl State {
    fn failure(&mut self, method: Method) -> Option<Failure> {
        if method != Method::Post {
            return self.always.clone();
        }
        self.posts += 1;
        let scripted = self.script.as_mut().and_then(|script| script(self.posts));
        scripted
            .or_else(|| self.next.pop_front())
            .or_else(|| self.always.clone())
    }

    /// Does what is asked for; with the ids of what it has by that.
    fn obey(&mut self, request: &Request) -> (Response, Vec<Uuid>) {
        let unchanged = |answer| (answer, Vec::new());
        let (path, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
        if path.ends_with("/about") {
            return unchanged(answer(200, true, r#"{"version":["1.0.3","2.0.0"]}"#));
        }
        if self.authorization.is_some() && self.authorization != header(request, "Authorization") {
            return unchanged(answer(401, true, "not with these credentials"));
        }
        match request.method {
            Method::Get => unchanged(self.statements.get_by(query)),
            Method::Post => self.post(request),
            _ => unchanged(answer(405, true, "statements are posted")),
        }
    }

    fn post(&mut self, request: &Request) -> (Response, Vec<Uuid>) {
        let unchanged = |status, words| (answer(status, true, words), Vec::new());
        let Some(body) = request.body_bytes() else {
            return unchanged(415, "statements alone are taken");
        };
        if self.most_bytes.is_some_and(|most| body.len() > most) {
            return unchanged(413, "too large");
        }
        let text = String::from_utf8_lossy(body);
        match self.refused.iter().find(|(part, _)| text.contains(part)) {
            Some((_, status)) => unchanged(*status, "one of them is refused"),
            None => self.statements.post(body),
        }
    }
}

impl Transport for MemoryLrs {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        let outcome = self.perform(&request);
        Box::pin(async move { outcome })
    }
}
