//! The subscriber of `tracing` that hears for the app's logger: events as entries, with the fields of the spans around
//! them. Pannier's own alone count, as other crates say what theirs does not: URLs, headers.
//!
//! Spans are kept whatever the level, since a warning without its sync would not say which LRS it is about. There is one
//! for each sync and each request.

#![allow(
    clippy::missing_const_for_thread_local,
    reason = "Android's thread locals are made in another way, in which the lint does not see the const"
)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Subscriber;
use tracing::{Dispatch, Event, Level, Metadata};

use super::{LOG, LogEntry, LogLevel};

/// Sets the level from which on the logger is told. The first one installs the subscriber, unless there is one.
pub(super) fn tell_from(level: LogLevel) {
    static INSTALLED: Once = Once::new();
    LEVEL.store(level as usize, Ordering::Relaxed);
    if level != LogLevel::Off {
        INSTALLED.call_once(|| {
            let _ = tracing::dispatcher::set_global_default(Dispatch::new(Hears));
        });
    }
    // What is not wanted any more is not even looked at.
    tracing_core::callsite::rebuild_interest_cache();
}

/// The level from which on the logger is told.
static LEVEL: AtomicUsize = AtomicUsize::new(LogLevel::Off as usize);

/// The spans that somebody has a handle of: a few for each LRS that is synced.
static SPANS: Mutex<Vec<Handles>> = Mutex::new(Vec::new());
static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// The spans that this thread is in, the innermost one last.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

struct Hears;

struct Handles {
    id: u64,
    count: usize,
    span: Arc<Span>,
}

struct Span {
    around: Option<Arc<Span>>,
    fields: Mutex<Fields>,
}

type Fields = HashMap<String, String>;

fn wanted() -> LevelFilter {
    const OFF: usize = LogLevel::Off as usize;
    const ERROR: usize = LogLevel::Error as usize;
    const WARN: usize = LogLevel::Warn as usize;
    const INFO: usize = LogLevel::Info as usize;
    match LEVEL.load(Ordering::Relaxed) {
        OFF => LevelFilter::OFF,
        ERROR => LevelFilter::ERROR,
        WARN => LevelFilter::WARN,
        INFO => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    }
}

/// Returns the span around a new span or an event: the one it names, or else the one that the thread is in.
fn around(named: Option<&Id>, is_contextual: bool) -> Option<Arc<Span>> {
    let innermost = || {
        let entered = ENTERED.try_with(|entered| entered.borrow().last().copied());
        entered.ok().flatten().filter(|_| is_contextual)
    };
    let id = named.map(Id::into_u64).or_else(innermost)?;
    let spans = lock(&SPANS);
    let known = spans.iter().find(|known| known.id == id)?;
    Some(Arc::clone(&known.span))
}

impl Subscriber for Hears {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let wanted = wanted();
        let is_wanted = if metadata.is_span() {
            wanted != LevelFilter::OFF && *metadata.level() <= Level::INFO
        } else {
            *metadata.level() <= wanted
        };
        is_wanted && metadata.target().starts_with("pannier")
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // Spans are of the level `info`.
        match wanted() {
            LevelFilter::OFF => Some(LevelFilter::OFF),
            level => Some(level.max(LevelFilter::INFO)),
        }
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut heard = Heard::default();
        span.record(&mut heard);
        let span = Arc::new(Span {
            around: around(span.parent(), span.is_contextual()),
            fields: Mutex::new(heard.fields),
        });
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        lock(&SPANS).push(Handles { id, count: 1, span });
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let span = around(Some(id), false);
        let mut heard = Heard::default();
        values.record(&mut heard);
        if let Some(span) = span {
            lock(&span.fields).extend(heard.fields);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut heard = Heard::default();
        event.record(&mut heard);
        let Heard { text, mut fields } = heard;
        let innermost = around(event.parent(), event.is_contextual());
        let mut spans = innermost.as_ref();
        while let Some(span) = spans {
            for (name, value) in &*lock(&span.fields) {
                // What is nearer counts.
                fields.entry(name.clone()).or_insert_with(|| value.clone());
            }
            spans = span.around.as_ref();
        }
        LOG.add(LogEntry {
            level: level_of(event.metadata()),
            text,
            fields,
        });
    }

    fn enter(&self, id: &Id) {
        let _ = ENTERED.try_with(|entered| entered.borrow_mut().push(id.into_u64()));
    }

    fn exit(&self, id: &Id) {
        let _ = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            if let Some(at) = entered
                .iter()
                .rposition(|entered| *entered == id.into_u64())
            {
                entered.remove(at);
            }
        });
    }

    fn clone_span(&self, id: &Id) -> Id {
        let mut spans = lock(&SPANS);
        if let Some(known) = spans.iter_mut().find(|known| known.id == id.into_u64()) {
            known.count += 1;
        }
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut spans = lock(&SPANS);
        let Some(at) = spans.iter().position(|known| known.id == id.into_u64()) else {
            return false;
        };
        spans[at].count -= 1;
        let is_last = spans[at].count == 0;
        if is_last {
            spans.swap_remove(at);
        }
        is_last
    }
}

fn level_of(metadata: &Metadata<'_>) -> LogLevel {
    match *metadata.level() {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        _ => LogLevel::Debug,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a span or an event says.
#[derive(Default)]
struct Heard {
    text: String,
    fields: Fields,
}

impl Visit for Heard {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        if field.name() == "message" {
            self.text = value;
        } else {
            self.fields.insert(field.name().to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use super::*;
    use crate::{ListenerError, PannierLogger};

    struct Tells(Mutex<Sender<String>>);

    impl PannierLogger for Tells {
        fn log(&self, entry: LogEntry) -> Result<(), ListenerError> {
            lock(&self.0).send(entry.to_string()).unwrap();
            Ok(())
        }
    }

    #[test]
    fn an_event_has_the_fields_around_it_and_what_has_ended_is_forgotten() {
        let (tells, told) = channel();
        LOG.lock().logger = Some(Arc::new(Tells(Mutex::new(tells))));
        LEVEL.store(LogLevel::Warn as usize, Ordering::Relaxed);
        tracing::subscriber::with_default(Hears, || {
            let sync = tracing::info_span!("sync", upstream = "exams", bytes = 1);
            let request = tracing::info_span!(parent: &sync, "request", bytes = 2, status = tracing::field::Empty);
            // Its fields count as long as there is something in it.
            drop(sync);
            request.record("status", 503);
            let inner = tracing::info_span!(parent: &request, "inner", judgement = "busy");
            inner.in_scope(|| tracing::info!("not wanted"));
            inner.in_scope(|| tracing::warn!("of the innermost"));
            request.in_scope(|| tracing::warn!(bytes = 3, error = %"no room", "it failed"));
            tracing::warn!(parent: None, "alone");
        });
        assert!(lock(&SPANS).is_empty());
        ENTERED.with(|entered| assert!(entered.borrow().is_empty()));
        for said in [
            "of the innermost (bytes=2, judgement=busy, status=503, upstream=exams)",
            "it failed (bytes=3, error=no room, status=503, upstream=exams)",
            "alone",
        ] {
            assert_eq!(
                told.recv_timeout(Duration::from_mins(1)).as_deref(),
                Ok(said)
            );
        }
    }
}
