//! The hub's log of answered requests: a line for each, with nothing of a statement's content and no credentials.

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use jiff::Timestamp;

use super::bound::{ENTRY, cut};
use super::problem::FirstFault;
use crate::terminal::{one_line, safe};

/// Observer of every request. It is called on the hub's own thread and must not wait.
pub type Watch = Arc<dyn Fn(&Served) + Send + Sync>;

/// Hearer of what happens to the hub's store beside the requests. It must not wait.
pub type Notice = Arc<dyn Fn(&str) + Send + Sync>;

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct Served {
    method: Method,
    /// Path, with the names of the parameters but not their values, which may be somebody's address.
    path: String,
    status: u16,
    reason: &'static str,
    statements: Option<usize>,
    first_fault: Option<String>,
    lost: Option<Lost>,
    took: Duration,
}

/// Number of statements that a request brought or an answer gives, attached to the answer.
#[derive(Clone, Copy, Debug)]
pub struct Count(pub usize);

/// Contents of attachments that an answer lacks, attached to the answer.
#[derive(Clone, Debug)]
pub struct Lost {
    pub contents: usize,
    /// Hashes of the first of them.
    pub named: String,
}

impl Lost {
    /// Most that are named.
    const NAMED: usize = 10;

    /// Returns the loss of the contents with these hashes, if there are any.
    pub fn of(hashes: &[String]) -> Option<Self> {
        let named = &hashes[..hashes.len().min(Self::NAMED)];
        (!hashes.is_empty()).then(|| Self {
            contents: hashes.len(),
            named: named.join(", "),
        })
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contents, named } = self;
        write!(f, "contents lost or damaged: {contents} ({named})")
    }
}

impl Served {
    /// Returns what the log needs of a request, before it is answered.
    pub fn begin(request: &Request) -> (Method, String) {
        let uri = request.uri();
        let names: Vec<&str> = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split('=').next())
            .filter(|name| !name.is_empty())
            .collect();
        let path = match &names[..] {
            [] => uri.path().to_owned(),
            names => format!("{}?{}", uri.path(), names.join("&")),
        };
        (request.method().clone(), cut(path, ENTRY))
    }

    /// Returns the complete record, once it is answered.
    pub fn end((method, path): (Method, String), response: &Response, took: Duration) -> Self {
        let extensions = response.extensions();
        let fault = extensions.get();
        Self {
            method,
            path,
            status: response.status().as_u16(),
            reason: response.status().canonical_reason().unwrap_or_default(),
            statements: extensions.get().map(|Count(count)| *count),
            first_fault: fault.map(|FirstFault(place)| place.clone()),
            lost: extensions.get().cloned(),
            took,
        }
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            path,
            status,
            reason,
            ..
        } = self;
        write!(f, "{method} {path} {status} {reason}")?;
        match self.statements {
            Some(1) => f.write_str(", 1 statement")?,
            Some(count) => write!(f, ", {count} statements")?,
            None => {}
        }
        if let Some(place) = &self.first_fault {
            write!(f, ", first fault in {place}")?;
        }
        if let Some(lost) = &self.lost {
            write!(f, ", {lost}")?;
        }
        write!(f, ", {} ms", self.took.as_millis())
    }
}

/// Most lines that wait to be written.
const WAITING: usize = 1000;

/// Time in which the last lines must be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Log of every request, a line each on standard error. A thread of its own writes them: nobody may be reading, and
/// an LRS that hangs because of that would be worse than one that is silent.
pub struct Lines {
    lines: SyncSender<String>,
    done: Receiver<()>,
}

impl Lines {
    /// Starts the writing thread.
    pub fn start() -> std::io::Result<Self> {
        let (lines, waiting) = mpsc::sync_channel::<String>(WAITING);
        let (end, done) = mpsc::channel();
        thread::Builder::new()
            .name("pannier-hub-log".into())
            .spawn(move || {
                for line in waiting {
                    // An error of standard error cannot be reported anywhere.
                    let _ = writeln!(std::io::stderr(), "{}", safe(line));
                }
                drop(end);
            })?;
        Ok(Self { lines, done })
    }

    /// Returns an observer for [`super::Options::watch`].
    pub fn watch(&self) -> Watch {
        let lines = self.lines.clone();
        Arc::new(move |served| {
            let now = Timestamp::now().strftime("%H:%M:%SZ");
            // When a thousand lines are waiting unread, another one is not missed.
            let _ = lines.try_send(format!("{now} {served}"));
        })
    }

    /// Returns a hearer for [`super::Options::notice`].
    pub fn notice(&self) -> Notice {
        let lines = self.lines.clone();
        Arc::new(move |what| {
            let now = Timestamp::now().strftime("%H:%M:%SZ");
            let _ = lines.try_send(format!("{now} {}", one_line(what)));
        })
    }

    /// Waits for the last lines, once the hub is gone.
    pub fn end(self) {
        drop(self.lines);
        // Either all is written, or nobody reads.
        let _ = self.done.recv_timeout(LAST_LINES);
    }
}
