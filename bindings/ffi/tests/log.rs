//! The app's logger behind the border. One test in a process of its own, since there is one logger and it listens to
//! all threads.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pannier_ffi::{
    BlockingCollector, Config, Credentials, Header, ListenerError, LogEntry, LogLevel,
    PannierLogger, Request, Response, Transport, TransportError, Url, set_logger,
};
use tracing::Level;

/// Number of entries that wait for a logger at most.
const MOST: usize = 1_024;

const PATIENCE: Duration = Duration::from_mins(1);

type Does = Box<dyn Fn() + Send>;

struct Tells {
    entries: Mutex<Sender<LogEntry>>,
    does: Mutex<Does>,
}

impl PannierLogger for Tells {
    fn log(&self, entry: LogEntry) -> Result<(), ListenerError> {
        // Whoever does not listen any more is not told.
        let _ = self.entries.lock().unwrap().send(entry);
        (self.does.lock().unwrap_or_else(PoisonError::into_inner))();
        let reason = "the entry was told all the same".to_owned();
        Err(ListenerError::Failed { reason })
    }
}

fn listen(level: LogLevel, does: Does) -> Receiver<LogEntry> {
    let (entries, heard) = channel();
    let (entries, does) = (Mutex::new(entries), Mutex::new(does));
    set_logger(level, Some(Arc::new(Tells { entries, does })));
    heard
}

fn next(heard: &Receiver<LogEntry>) -> LogEntry {
    heard.recv_timeout(PATIENCE).unwrap()
}

struct Refuses;

impl Transport for Refuses {
    fn exchange(&self, _: Request) -> Result<Response, TransportError> {
        Ok(Response {
            status: 401,
            headers: vec![Header {
                name: "X-Experience-API-Version".to_owned(),
                value: "2.0.0".to_owned(),
            }],
            body: b"SECRET".to_vec(),
            cut: false,
        })
    }
}

const STATEMENT: &str = r#"{"actor":{"mbox":"mailto:SECRET@example.com"},"verb":{"id":"https://example.com/did"},"object":{"id":"https://example.com/it"}}"#;

fn opened(folder: &std::path::Path) -> Arc<BlockingCollector> {
    let config = Config {
        endpoint: Some(Url("https://SECRET.example/xAPI".to_owned())),
        credentials: Some(Credentials::Bearer {
            token: "SECRET".to_owned(),
        }),
        ..Config::default()
    };
    let path = folder.join("queue.db").display().to_string();
    let collector = BlockingCollector::open(path, config, Some(Arc::new(Refuses)), None).unwrap();
    collector.record_json(STATEMENT.to_owned()).unwrap();
    collector
}

fn is_on(level: Level) -> bool {
    match level {
        Level::WARN => tracing::enabled!(target: "pannier::some", Level::WARN),
        Level::INFO => tracing::enabled!(target: "pannier::some", Level::INFO),
        _ => tracing::enabled!(target: "pannier::some", Level::DEBUG),
    }
}

#[test]
fn the_apps_logger_is_told_what_the_core_tells() {
    let folder = tempfile::tempdir().unwrap();
    let collector = opened(folder.path());
    assert!(!is_on(Level::WARN), "nobody has asked yet");
    a_warning_has_the_fields_of_the_sync_and_less_is_off(&collector);
    one_that_panics_is_told_all_and_no_secret(&collector);
    one_may_call_the_collector(&collector);
    one_that_is_slow_hears_how_much_it_missed();

    let heard = listen(LogLevel::Off, Box::new(|| {}));
    assert!(!is_on(Level::WARN));
    tracing::warn!(target: "pannier::some", "to nobody");
    assert!(heard.try_recv().is_err());
}

fn a_warning_has_the_fields_of_the_sync_and_less_is_off(collector: &BlockingCollector) {
    let heard = listen(LogLevel::Warn, Box::new(|| {}));
    assert!(is_on(Level::WARN) && !is_on(Level::INFO) && !is_on(Level::DEBUG));
    collector.sync(None).unwrap();
    let warning = next(&heard);
    assert_eq!(warning.level, LogLevel::Warn);
    assert_eq!(
        warning.to_string(),
        "nothing is sent until the app has acted (by_hand=true, problem=credentials)"
    );
    assert_eq!(warning.fields["by_hand"], "true");
}

fn one_that_panics_is_told_all_and_no_secret(collector: &BlockingCollector) {
    let heard = listen(LogLevel::Debug, Box::new(|| panic!("a logger's own")));
    assert!(is_on(Level::DEBUG));
    tracing::debug!(target: "hyper", "of somebody else");
    collector.sync(None).unwrap();
    let mut all = vec![next(&heard)];
    while all.last().unwrap().level != LogLevel::Warn {
        all.push(next(&heard));
    }
    let (requests, end) = all.split_at(all.len() - 2);
    assert_eq!((end[0].level, &*end[0].text), (LogLevel::Info, "synced"));
    for judged in requests {
        assert_eq!(judged.level, LogLevel::Debug);
        assert_eq!(judged.text, "the request was judged");
        assert_eq!(judged.fields["by_hand"], "true");
        assert_eq!(judged.fields["status"], "401");
    }
    let mut judgements = requests.iter().map(|judged| &judged.fields["judgement"]);
    assert!(judgements.any(|judgement| judgement == "credentials"));
    assert!(!format!("{all:?}").contains("SECRET"));
}

fn one_may_call_the_collector(collector: &Arc<BlockingCollector>) {
    let (calls, called) = channel();
    let calling = Arc::clone(collector);
    let call: Does = Box::new(move || calls.send(calling.status().unwrap().queued).unwrap());
    let _heard = listen(LogLevel::Warn, call);
    collector.sync(None).unwrap();
    assert_eq!(called.recv_timeout(PATIENCE), Ok(1));
}

fn one_that_is_slow_hears_how_much_it_missed() {
    let (go, may_go) = channel::<()>();
    let wait: Does = Box::new(move || {
        let _ = may_go.recv();
    });
    let heard = listen(LogLevel::Warn, wait);
    tracing::warn!(target: "pannier::some", "the first");
    assert_eq!(next(&heard).text, "the first");
    for _ in 0..MOST + 3 {
        tracing::warn!(target: "pannier::some", "one of many");
    }
    drop(go);
    let many: Vec<LogEntry> = (0..=MOST).map(|_| next(&heard)).collect();
    assert!(many[..MOST].iter().all(|entry| entry.text == "one of many"));
    assert_eq!(many[MOST].fields["count"], "3");
}
