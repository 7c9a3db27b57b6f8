//! A network that misbehaves on command: an HTTP proxy on loopback, between a collector and its LRS.
//!
//! It starts out unreachable: connections are refused until [`Proxy::connect`] and again after
//! [`Proxy::cut_off`], while the port stays its own. In between it hands requests and answers
//! through as they are, one exchange a connection, except where a [`Fault`] is due. It keeps every
//! request, so that a test can ask what really went over the wire.

mod message;
mod serve;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

/// What happens to an exchange instead of the ordinary.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The LRS gets the request and answers; the answer is lost with the connection.
    LoseAnswer,
    /// Only the first half of the answer comes through.
    CutAnswer,
    /// The connection is reset before the LRS gets anything.
    Reset,
    /// The LRS gets nothing; these bytes are the answer.
    Say(String),
    /// The LRS answers, and the answer is kept back until [`Proxy::release`].
    Hold,
}

impl Fault {
    /// The answer of something that is not the LRS: a status, header lines, a body.
    pub fn say(status: u16, headers: &[&str], body: &str) -> Self {
        let mut answer = format!(
            "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n",
            body.len()
        );
        for header in headers {
            answer.push_str(header);
            answer.push_str("\r\n");
        }
        answer.push_str("Connection: close\r\n\r\n");
        answer.push_str(body);
        Self::Say(answer)
    }
}

/// One request that reached the proxy.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `POST`, `GET`, …
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// The proxy. Dropping it closes all connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    commands: Option<mpsc::UnboundedSender<serve::Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy that nobody can reach yet.
    pub fn unreachable() -> Self {
        let (commands, received) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        let (bound, when_bound) = channel();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve::run(&for_thread, received, &bound));
        let address = when_bound.recv().expect("a free port on loopback");
        Self {
            address,
            shared,
            commands: Some(commands),
            thread: Some(thread),
        }
    }

    /// The base URL of the LRS as seen through the proxy; `base` is its own.
    pub fn url(&self, base: &str) -> String {
        let path = base.splitn(4, '/').nth(3).unwrap_or_default();
        format!("http://{}/{path}", self.address)
    }

    /// From now on connections reach the LRS at this base URL.
    pub fn connect(&self, base: &str) {
        let upstream = base
            .split('/')
            .nth(2)
            .expect("http://HOST:PORT/…")
            .to_owned();
        self.command(|done| serve::Command::Connect(upstream, done));
    }

    /// From now on connections are refused.
    pub fn cut_off(&self) {
        self.command(serve::Command::CutOff);
    }

    /// What happens to the next POST; asked for several times, to the ones after it.
    pub fn next_post(&self, fault: Fault) {
        self.shared.lock().next_posts.push_back(fault);
    }

    /// What happens to every request from now on.
    pub fn everything(&self, fault: Option<Fault>) {
        self.shared.lock().everything = fault;
    }

    /// Answers every POST whose body contains this text with a 400 that names no culprit.
    pub fn refuse(&self, text: &str) {
        self.shared.lock().refused = Some(text.to_owned());
    }

    /// Lets the answers through that [`Fault::Hold`] keeps back.
    pub fn release(&self) {
        self.shared.released.notify_waiters();
    }

    /// Waits until an answer is kept back.
    pub fn wait_until_held(&self) {
        let (state, wait) = (self.shared.lock(), Duration::from_mins(1));
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, wait, |state| state.held == 0);
        assert!(
            !waited.expect("no exchange panics").1.timed_out(),
            "no answer came to be kept back"
        );
    }

    /// No fault is due any more that was asked for by [`Proxy::next_post`].
    pub fn forget_faults(&self) {
        self.shared.lock().next_posts.clear();
    }

    /// Waits until the LRS has done with every request that came through.
    pub fn wait_until_idle(&self) {
        let (state, wait) = (self.shared.lock(), Duration::from_mins(1));
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, wait, |state| !state.in_flight.is_empty());
        assert!(
            !waited.expect("no exchange panics").1.timed_out(),
            "the LRS does not come to an end"
        );
    }

    /// Every request so far, in the order in which they came in.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.lock().seen.clone()
    }

    /// The ids that were in two requests at the same time. There should be none, ever.
    pub fn overlaps(&self) -> Vec<String> {
        self.shared.lock().overlaps.clone()
    }

    /// Most requests that were on their way at the same time.
    pub fn most_at_once(&self) -> usize {
        self.shared.lock().most_at_once
    }

    fn command(&self, command: impl FnOnce(std::sync::mpsc::Sender<()>) -> serve::Command) {
        let (done, when_done): (_, Receiver<()>) = channel();
        let commands = self
            .commands
            .as_ref()
            .expect("there until the proxy is dropped");
        commands
            .send(command(done))
            .expect("the proxy's thread runs");
        when_done.recv().expect("the proxy's thread runs");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed; a second one would only hide the test's own.
            let _ = thread.join();
        }
    }
}

/// What the test's thread and the proxy's share.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: std::sync::Condvar,
    released: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no exchange panics")
    }
}

#[derive(Debug, Default)]
struct State {
    next_posts: VecDeque<Fault>,
    everything: Option<Fault>,
    refused: Option<String>,
    seen: Vec<Seen>,
    in_flight: Vec<String>,
    overlaps: Vec<String>,
    at_once: usize,
    most_at_once: usize,
    held: usize,
}
