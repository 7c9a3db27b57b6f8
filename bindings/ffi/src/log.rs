//! The log: what the core tells `tracing`, handed to a logger of the app.
//!
//! There is one logger for the process, as `tracing` has one subscriber. It is called on a thread of its own, since events
//! come from calls that hold the queue's locks, where a logger that calls the collector would wait for itself. The thread
//! begins with an entry and ends when none has come for a while; a logger that is slow delays nobody, and misses entries.

mod subscriber;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ListenerError;

/// Weight of an entry in the log, and the least that a logger is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum LogLevel {
    /// Nothing is told.
    Off,
    /// Recorded statements are at risk, as the file was taken away, say.
    Error,
    /// Something failed, or the app has to act.
    Warn,
    /// The end of each sync.
    Info,
    /// Each request, and failures that do no harm.
    Debug,
}

/// An entry in the log. It has no part of a statement, no id, no credential, no URL and none of the LRS's words.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct LogEntry {
    /// Weight of the entry.
    pub level: LogLevel,
    /// What happened, in English for developers.
    pub text: String,
    /// Details by their names, with those of the sync and the request that it happened in: `upstream`, `judgement`.
    pub fields: HashMap<String, String>,
}

impl fmt::Display for LogEntry {
    /// The text, and the fields by their names in parentheses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self
            .fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let mut told: Vec<String> = told.collect();
        if told.is_empty() {
            return f.write_str(&self.text);
        }
        told.sort_unstable();
        write!(f, "{} ({})", self.text, told.join(", "))
    }
}

/// Receiver of the log.
#[uniffi::export(with_foreign)]
pub trait PannierLogger: Send + Sync {
    /// Receives an entry. Called on a thread of its own, one entry after another, and may call the collector. An
    /// exception changes nothing. Whoever is so slow that more than 1,024 entries wait is told how many were missed.
    fn log(&self, entry: LogEntry) -> Result<(), ListenerError>;
}

/// Tells this logger, and no other one any more, what happens in the process from `level` on; without one nothing is
/// told. Where Rust code of the app has set a subscriber of `tracing`, that is left alone, and the logger is told nothing.
#[uniffi::export]
pub fn set_logger(level: LogLevel, logger: Option<Arc<dyn PannierLogger>>) {
    let level = if logger.is_some() {
        level
    } else {
        LogLevel::Off
    };
    LOG.lock().logger = logger;
    subscriber::tell_from(level);
}

static LOG: Log = Log {
    inner: Mutex::new(Inner {
        logger: None,
        entries: VecDeque::new(),
        missed: 0,
        is_told: false,
    }),
    came: Condvar::new(),
};

/// Number of entries that wait for the logger at most.
const MOST: usize = 1_024;

/// Time for which the thread waits for another entry.
const PATIENCE: Duration = Duration::from_secs(1);

struct Log {
    inner: Mutex<Inner>,
    came: Condvar,
}

struct Inner {
    logger: Option<Arc<dyn PannierLogger>>,
    entries: VecDeque<LogEntry>,
    /// Number of entries that found no room.
    missed: u64,
    /// Tells whether the thread is there.
    is_told: bool,
}

impl Inner {
    fn next(&mut self) -> Option<LogEntry> {
        let entry = self.entries.pop_front();
        if entry.is_some() || self.missed == 0 {
            return entry;
        }
        let missed = std::mem::take(&mut self.missed);
        Some(LogEntry {
            level: LogLevel::Warn,
            text: "the logger was too slow, and entries were missed".to_owned(),
            fields: HashMap::from([("count".to_owned(), missed.to_string())]),
        })
    }
}

impl Log {
    /// Takes an entry in, and never waits for the logger.
    fn add(&'static self, entry: LogEntry) {
        let mut inner = self.lock();
        if inner.entries.len() == MOST {
            inner.missed += 1;
            return;
        }
        inner.entries.push_back(entry);
        if inner.is_told {
            self.came.notify_one();
            return;
        }
        let thread = std::thread::Builder::new().name("pannier-log".to_owned());
        // Without a thread it waits for the next entry.
        inner.is_told = thread.spawn(|| self.tell()).is_ok();
    }

    fn tell(&self) {
        let mut inner = self.lock();
        loop {
            if let Some(entry) = inner.next() {
                let logger = inner.logger.clone();
                drop(inner);
                // Whoever throws or panics is told the next one all the same.
                let _ = catch_unwind(AssertUnwindSafe(|| logger.map(|logger| logger.log(entry))));
                inner = self.lock();
                continue;
            }
            let waited = self
                .came
                .wait_timeout_while(inner, PATIENCE, |inner| inner.entries.is_empty());
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
            if inner.entries.is_empty() {
                inner.is_told = false;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
