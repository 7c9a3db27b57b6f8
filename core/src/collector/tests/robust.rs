//! The app's own code gone wrong, and waits that nobody should have to start anew.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use super::kit::{FakeLrs, TestClock, answer, config, open, statement};
use crate::clock::{Clock, Steady, SystemClock};
use crate::collector::{Collector, Config, CredentialsProvider, SyncPolicy};
use crate::error::Error;
use crate::event::Event;
use crate::lrs::{Credentials, InvalidEndpoint, Method, Request, TransportError};
use crate::statement::PANNIER_LIMIT;
use crate::store::{Problem, WaitReason};
use crate::sync::{Ended, SyncReport};
use crate::transport::{Exchange, Transport};

/// Longer than anything here takes, and not for ever.
const LONG: Duration = Duration::from_secs(30);

/// What a sync comes to, or nothing if it never ends.
fn sync(collector: &Arc<Collector>) -> Result<SyncReport, Error> {
    let (say, hear) = channel();
    let collector = Arc::clone(collector);
    std::thread::spawn(move || {
        let _ = say.send(collector.sync());
    });
    hear.recv_timeout(LONG).expect("the sync never ended")
}

/// A provider that asks for a sync itself, here or on another thread, and has no credentials.
#[derive(Default)]
struct CallsBack {
    collector: OnceLock<Weak<Collector>>,
    elsewhere: bool,
    heard: Mutex<Option<Result<SyncReport, Error>>>,
}

impl CredentialsProvider for CallsBack {
    fn credentials(&self) -> Option<Credentials> {
        let collector = self.collector.get()?.upgrade()?;
        let outcome = if self.elsewhere {
            std::thread::spawn(move || collector.sync()).join().unwrap()
        } else {
            collector.sync()
        };
        *self.heard.lock().unwrap() = Some(outcome);
        None
    }
}

#[test]
fn a_provider_that_asks_for_a_sync_is_answered() {
    for elsewhere in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let lrs = Arc::new(FakeLrs::default());
        lrs.instead(|_| Some(Ok(marked(401))));
        let provider = Arc::new(CallsBack {
            elsewhere,
            ..CallsBack::default()
        });
        let config = Config {
            credentials_provider: Some(Arc::clone(&provider) as _),
            ..config(&lrs)
        };
        let collector = Arc::new(open(folder.path(), config));
        provider.collector.set(Arc::downgrade(&collector)).unwrap();
        collector.record(statement(1)).unwrap();
        let report = sync(&collector).unwrap();
        assert!(matches!(report.ended, Ended::NeedsApp { .. }), "{report:?}");
        match provider.heard.lock().unwrap().take() {
            Some(Err(Error::Reentrant)) if !elsewhere => {}
            Some(Ok(told)) if elsewhere => {
                assert!(matches!(told.ended, Ended::NeedsApp { .. }), "{told:?}");
                assert_eq!(told.requests, 0, "it made none itself");
            }
            other => panic!("{elsewhere}: {other:?}"),
        }
        assert!(!collector.status().unwrap().syncing);
    }
}

/// A transport that does something else with its first batch.
struct First<F> {
    lrs: Arc<FakeLrs>,
    done: AtomicBool,
    instead: F,
}

impl<F: Fn() + Send + Sync> Transport for First<F> {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        if request.method == Method::Post && !self.done.swap(true, Ordering::Relaxed) {
            (self.instead)();
        }
        self.lrs.exchange(request)
    }
}

#[test]
fn a_transport_that_asks_for_a_sync_or_a_pause_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let held: Arc<OnceLock<Weak<Collector>>> = Arc::default();
    let heard: Arc<Mutex<Vec<Error>>> = Arc::default();
    let (theirs, say) = (Arc::clone(&held), Arc::clone(&heard));
    let transport = First {
        lrs: Arc::clone(&lrs),
        done: AtomicBool::new(false),
        instead: move || {
            let collector = theirs.get().unwrap().upgrade().unwrap();
            let sync = collector.sync_within(LONG).unwrap_err();
            say.lock()
                .unwrap()
                .extend([sync, collector.pause().unwrap_err()]);
        },
    };
    let config = Config {
        transport: Some(Arc::new(transport)),
        ..config(&lrs)
    };
    let collector = Arc::new(open(folder.path(), config));
    held.set(Arc::downgrade(&collector)).unwrap();
    collector.record(statement(1)).unwrap();
    assert_eq!(sync(&collector).unwrap().delivered, 1);
    let heard = heard.lock().unwrap();
    assert!(
        matches!(heard[..], [Error::Reentrant, Error::Reentrant]),
        "{heard:?}"
    );
}

#[test]
fn a_transport_that_panics_is_a_broken_connection() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let clock = TestClock::new();
    let transport = First {
        lrs: Arc::clone(&lrs),
        done: AtomicBool::new(false),
        instead: || panic!("the test's transport panics"),
    };
    let config = Config {
        transport: Some(Arc::new(transport)),
        clock: Arc::clone(&clock) as _,
        ..config(&lrs)
    };
    let collector = Arc::new(open(folder.path(), config));
    collector.record(statement(1)).unwrap();
    let report = sync(&collector).unwrap();
    let Ended::Waiting {
        trouble: Some(trouble),
        ..
    } = &report.ended
    else {
        panic!("{report:?}");
    };
    assert_eq!(trouble.problem, Problem::Broken);
    assert!(trouble.words.contains("panicked"), "{trouble:?}");
    assert!(!collector.status().unwrap().syncing);
    clock.pass(Duration::from_hours(1));
    assert_eq!(sync(&collector).unwrap().delivered, 1);
}

/// A clock that panics where syncs are driven, while it is armed.
#[derive(Default)]
struct Panics {
    armed: AtomicBool,
}

impl Clock for Panics {
    fn now_ms(&self) -> i64 {
        let here = std::thread::current();
        assert!(
            here.name() != Some("pannier-sync") || !self.armed.load(Ordering::Relaxed),
            "the test's clock panics"
        );
        SystemClock.now_ms()
    }

    fn steady(&self) -> Option<Steady> {
        SystemClock.steady()
    }
}

#[test]
fn a_panic_ends_the_sync_that_it_happened_in_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let clock = Arc::new(Panics::default());
    let config = Config {
        clock: Arc::clone(&clock) as _,
        ..config(&lrs)
    };
    let collector = Arc::new(open(folder.path(), config));
    let events = collector.events();
    collector.record(statement(1)).unwrap();
    for _ in 0..2 {
        clock.armed.store(true, Ordering::Relaxed);
        let error = sync(&collector).unwrap_err();
        assert!(matches!(error, Error::Panicked), "{error:?}");
        clock.armed.store(false, Ordering::Relaxed);
        assert!(!collector.status().unwrap().syncing);
        let told = events.next_within(LONG).unwrap();
        let told = match told {
            Some(Event::Recorded { .. }) => events.next_within(LONG).unwrap(),
            told => told,
        };
        assert!(matches!(told, Some(Event::SyncFailed { .. })), "{told:?}");
    }
    assert_eq!(sync(&collector).unwrap().delivered, 1);
}

#[test]
fn patience_without_end_ends_when_nothing_is_due() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(folder.path(), config(&lrs));
    collector.record(statement(1)).unwrap();
    let report = collector.sync_within(Duration::MAX).unwrap();
    assert_eq!((report.delivered, report.ended), (1, Ended::Emptied));
}

/// Has no credentials to give the first time.
/// Never comes back, and says when it is asked.
struct Hangs {
    asked: Mutex<Sender<()>>,
    until: Mutex<Receiver<()>>,
}

impl CredentialsProvider for Hangs {
    fn credentials(&self) -> Option<Credentials> {
        self.asked.lock().unwrap().send(()).unwrap();
        let _ = self.until.lock().unwrap().recv();
        None
    }
}

#[test]
fn credentials_that_the_app_sets_end_the_wait_for_its_provider() {
    for moves in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let lrs = Arc::new(FakeLrs::default());
        let good = ("Authorization", "Bearer good".to_owned());
        lrs.instead(move |request| (!request.headers.contains(&good)).then(|| Ok(marked(401))));
        let ((say, asked), (_hold, until)) = (channel(), channel());
        let provider = Hangs {
            asked: Mutex::new(say),
            until: Mutex::new(until),
        };
        let config = Config {
            credentials_provider: Some(Arc::new(provider)),
            ..config(&lrs)
        };
        let collector = Arc::new(open(folder.path(), config));
        collector.record(statement(1)).unwrap();
        let syncing = Arc::clone(&collector);
        let (say, first) = channel();
        std::thread::spawn(move || {
            let _ = say.send(syncing.sync());
        });
        asked.recv_timeout(LONG).unwrap();
        let right = Credentials::Bearer("good".to_owned());
        if moves {
            let other = "https://lrs.example/other";
            collector.set_target(other, &right).unwrap();
        } else {
            collector.set_credentials(Some(&right)).unwrap();
        }
        let report = first.recv_timeout(LONG).expect("it still waits").unwrap();
        assert_eq!((report.delivered, report.ended), (1, Ended::Emptied));
        collector.record(statement(2)).unwrap();
        assert_eq!(sync(&collector).unwrap().delivered, 1);
        assert!(!collector.status().unwrap().syncing);
    }
}

struct Later(AtomicUsize);

impl CredentialsProvider for Later {
    fn credentials(&self) -> Option<Credentials> {
        let asked = self.0.fetch_add(1, Ordering::Relaxed);
        (asked > 0).then(|| Credentials::Bearer("good".to_owned()))
    }
}

#[test]
fn an_automatic_sync_asks_again_for_credentials_that_were_not_to_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let good = ("Authorization", "Bearer good".to_owned());
    lrs.instead(move |request| (!request.headers.contains(&good)).then(|| Ok(marked(401))));
    let config = Config {
        credentials_provider: Some(Arc::new(Later(AtomicUsize::new(0)))),
        sync: SyncPolicy::Automatic {
            count: 1,
            age: Duration::ZERO,
        },
        ..config(&lrs)
    };
    let collector = open(folder.path(), config);
    let events = collector.events();
    collector.record(statement(1)).unwrap();
    loop {
        let event = events.next_within(LONG).unwrap();
        let event = event.expect("it was never asked again");
        if matches!(event, Event::Delivered { .. }) {
            break;
        }
    }
}

#[test]
fn a_new_statement_starts_no_sync_that_could_send_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    lrs.instead(|_| {
        let mut busy = marked(503);
        busy.headers.push(("Retry-After".into(), "3600".into()));
        Some(Ok(busy))
    });
    let config = Config {
        sync: SyncPolicy::Automatic {
            count: 1,
            age: Duration::ZERO,
        },
        ..config(&lrs)
    };
    let collector = open(folder.path(), config);
    let events = collector.events();
    collector.record(statement(0)).unwrap();
    let next_sync = || loop {
        let event = events.next_within(LONG).unwrap();
        if let Event::Synced { report, .. } = event.expect("no sync") {
            return report;
        }
    };
    while !matches!(next_sync().ended, Ended::Waiting { .. }) {}
    for n in 1..=20 {
        collector.record(statement(n)).unwrap();
    }
    // The app may try by hand, after all of these.
    let by_hand = collector.sync().unwrap();
    assert!(
        matches!(by_hand.ended, Ended::Waiting { .. }),
        "{by_hand:?}"
    );
    next_sync();
    drop(collector);
    let more = events.filter(|event| matches!(event, Event::Synced { .. }));
    assert_eq!(more.count(), 0, "syncs beside the one by hand");
}

/// It waits for an hour, or for the app: whatever that does is heard.
#[test]
fn a_patient_sync_goes_on_as_soon_as_the_app_has_acted() {
    for network in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let lrs = Arc::new(FakeLrs::default());
        let (asked, hears) = channel();
        lrs.instead(move |request| {
            let here = request.url.starts_with("https://lrs.example/");
            let refuses = here && request.method == Method::Post && asked.send(()).is_ok();
            refuses.then(|| {
                if network {
                    return Err(TransportError::Unreachable("no network".to_owned()));
                }
                let mut busy = marked(503);
                busy.headers.push(("Retry-After".into(), "3600".into()));
                Ok(busy)
            })
        });
        let collector = open(folder.path(), config(&lrs));
        let events = collector.events();
        collector.record(statement(1)).unwrap();
        std::thread::scope(|scope| {
            let sync = scope.spawn(|| collector.sync_within(Duration::MAX).unwrap());
            hears.recv_timeout(LONG).unwrap();
            while !matches!(
                events.next_within(LONG).unwrap(),
                Some(Event::WaitingUntil { .. })
            ) {}
            // From now on the first LRS takes it, too.
            drop(hears);
            if network {
                collector.set_network(false);
                collector.set_network(true);
            } else {
                collector
                    .set_endpoint("https://another.example/xAPI")
                    .unwrap();
            }
            let report = sync.join().unwrap();
            assert_eq!(report.delivered, 1, "{network}: {report:?}");
            assert!(report.requests > 1, "of both: {report:?}");
        });
        let app = events.filter(|event| matches!(event, Event::NeedsApp { .. }));
        assert_eq!(
            {
                drop(collector);
                app.count()
            },
            0,
            "nobody is asked for anything"
        );
    }
}

/// Sets a queued statement aside, as a session does, until so much later.
fn set_aside(folder: &std::path::Path, seq: i64, due: i64) {
    let file = rusqlite::Connection::open(folder.join("queue.db")).unwrap();
    file.execute(
        "INSERT INTO aside (seq, upstream, held, reason, since, due) VALUES (?1, 1, 0, 'retry', ?2, ?2)",
        [seq, due],
    )
    .unwrap();
    file.execute(
        "UPDATE upstream SET waiting = waiting + 1, settled_bytes = settled_bytes
            + (SELECT ends_at FROM statement WHERE seq = ?1)
            - (SELECT coalesce(max(ends_at), 0) FROM statement WHERE seq < ?1)",
        [seq],
    )
    .unwrap();
}

#[test]
fn a_report_says_what_waits_aside_and_patience_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(folder.path(), config(&lrs));
    collector.record(statement(1)).unwrap();
    collector.record(statement(2)).unwrap();
    let due = SystemClock.now_ms() + 3_600_000;
    set_aside(folder.path(), 1, due);
    let report = collector.sync().unwrap();
    assert_eq!((report.delivered, &report.ended), (1, &Ended::Emptied));
    let [aside] = report.waiting[..] else {
        panic!("{report:?}");
    };
    assert_eq!(
        (aside.reason, aside.statements, aside.next_due),
        (WaitReason::Retry, 1, Some(due))
    );
    assert_eq!(
        (report.waiting_statements(), report.next_due()),
        (1, Some(due))
    );
    let told = serde_json::to_value(&report).unwrap();
    assert_eq!(told["waiting"][0]["reason"], "retry");

    // Its time comes while somebody waits.
    let file = rusqlite::Connection::open(folder.path().join("queue.db")).unwrap();
    let soon = SystemClock.now_ms() + 150;
    file.execute("UPDATE aside SET due = ?1", [soon]).unwrap();
    drop(file);
    let report = collector.sync_within(LONG).unwrap();
    assert_eq!((report.delivered, &report.ended), (1, &Ended::Emptied));
    assert_eq!(report.waiting, []);
}

#[test]
fn interrupt_ends_patience_too() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(folder.path(), config(&lrs));
    let events = collector.events();
    collector.record(statement(1)).unwrap();
    collector.record(statement(2)).unwrap();
    set_aside(folder.path(), 2, SystemClock.now_ms() + 3_600_000);
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| collector.sync_within(Duration::MAX).unwrap());
        while !matches!(
            events.next_within(LONG).unwrap(),
            Some(Event::Delivered { .. })
        ) {}
        collector.interrupt();
        let report = sync.join().unwrap();
        assert_eq!((report.delivered, &report.ended), (1, &Ended::Interrupted));
        assert_eq!(report.waiting_statements(), 1);
    });
}

#[test]
fn what_another_process_records_does_not_wait_for_what_waits_aside() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(folder.path(), config(&lrs));
    let events = collector.events();
    collector.record(statement(1)).unwrap();
    set_aside(folder.path(), 1, SystemClock.now_ms() + 3_600_000);
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| collector.sync_within(Duration::MAX).unwrap());
        // It has nothing to do, and waits for what waits aside.
        std::thread::sleep(Duration::from_millis(100));
        let another = open(folder.path(), Config::default());
        another.record(statement(2)).unwrap();
        // None if it is not delivered; then the report says so.
        while let Some(event) = events.next_within(LONG).unwrap()
            && !matches!(event, Event::Delivered { .. })
        {}
        collector.interrupt();
        let report = sync.join().unwrap();
        assert_eq!((report.delivered, &report.ended), (1, &Ended::Interrupted));
    });
}

#[test]
fn a_statement_whose_copy_could_not_be_read_back_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let collector = open(folder.path(), Config::default());
    let long = |bytes: usize| {
        let mut long: serde_json::Value = serde_json::from_str(&statement(1).to_json()).unwrap();
        long["result"] = serde_json::json!({"response": "x".repeat(bytes)});
        long.to_string()
    };
    let (small, large) = (long(4_000_000), long(4 << 20));
    let Err(Error::Invalid(invalid)) = collector.record_all([&small, &large]) else {
        panic!("accepted");
    };
    let [fault] = &invalid.faults[..] else {
        panic!("{invalid}");
    };
    assert_eq!(
        (fault.index, fault.path.as_str(), fault.section),
        (Some(1), "$", PANNIER_LIMIT)
    );
    assert!(fault.expected.contains("4194304"), "{fault}");
    assert!(fault.to_string().len() < 300, "{fault}");
    collector.record(small).unwrap();
}

#[test]
fn a_packed_answer_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let packing = Packing(Arc::clone(&lrs));
    let config = Config {
        transport: Some(Arc::new(packing)),
        ..config(&lrs)
    };
    let collector = open(folder.path(), config);
    collector.record(statement(1)).unwrap();
    let report = collector.sync().unwrap();
    assert_eq!((report.delivered, report.ended), (1, Ended::Emptied));
}

/// A proxy that packs whatever comes by.
struct Packing(Arc<FakeLrs>);

impl Transport for Packing {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        assert!(
            request
                .headers
                .contains(&("Accept-Encoding", "identity".to_owned()))
        );
        Box::pin(async move {
            let mut answer = self.0.exchange(request).await?;
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut packed, &answer.body).unwrap();
            answer.body = packed.finish().unwrap();
            answer
                .headers
                .push(("Content-Encoding".to_owned(), "gzip".to_owned()));
            Ok(answer)
        })
    }
}

const CLEARTEXT: &str = "http://lrs.example/xAPI";

fn is_cleartext(error: &Error) -> bool {
    let told = error.to_string();
    assert!(
        told.contains("https://") && told.contains("allow_cleartext"),
        "{told}"
    );
    matches!(error, Error::Endpoint(InvalidEndpoint::Cleartext))
}

#[test]
fn credentials_are_for_the_origin_they_were_set_for_and_before_any_for_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    lrs.instead(move |request| {
        let secret = request
            .headers
            .iter()
            .find(|(name, _)| *name == "Authorization");
        heard
            .lock()
            .unwrap()
            .push(secret.map(|(_, value)| value.clone()));
        None
    });
    let mut config = config(&lrs);
    (config.endpoint, config.credentials) = (None, None);
    let collector = Collector::open(folder.path().join("queue.db"), config).unwrap();
    let token = Credentials::Bearer("token".to_owned());
    collector.set_credentials(Some(&token)).unwrap();
    for (number, (endpoint, secret)) in [
        ("https://lrs.example/xAPI", Some("Bearer token")),
        ("https://lrs.example/other/xAPI", Some("Bearer token")),
        ("https://another.example/xAPI", None),
        ("https://lrs.example/xAPI", None),
    ]
    .into_iter()
    .enumerate()
    {
        collector.set_endpoint(endpoint).unwrap();
        collector.record(statement(number)).unwrap();
        assert_eq!(collector.sync().unwrap().delivered, 1, "{endpoint}");
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        assert!(
            asked.len() > 1 && asked.iter().all(|was| was.as_deref() == secret),
            "{endpoint}: {asked:?}"
        );
    }
}

#[test]
fn credentials_do_not_travel_where_everybody_can_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let with = |change: fn(&mut Config)| {
        let mut config = config(&lrs);
        change(&mut config);
        Collector::open(folder.path().join("queue.db"), config)
    };
    let over_http = |config: &mut Config| config.endpoint = Some(CLEARTEXT.into());
    assert!(is_cleartext(&with(over_http).unwrap_err()));
    assert!(!folder.path().join("queue.db").exists(), "nothing was made");

    let encrypted = with(|_| {}).unwrap();
    assert!(is_cleartext(
        &encrypted.set_endpoint(CLEARTEXT).unwrap_err()
    ));
    let status = encrypted.status().unwrap();
    assert_eq!(status.endpoint.as_deref(), Some("https://lrs.example/xAPI"));
    drop(encrypted);

    let nobody = with(|config| {
        config.endpoint = Some(CLEARTEXT.into());
        config.credentials = None;
    })
    .unwrap();
    let token = Credentials::Bearer("token".to_owned());
    assert!(is_cleartext(
        &nobody.set_credentials(Some(&token)).unwrap_err()
    ));
    nobody.record(statement(1)).unwrap();
    drop(nobody);
    // The file remembers the endpoint.
    assert!(is_cleartext(
        &with(|config| config.endpoint = None).unwrap_err()
    ));
    assert_eq!(*lrs.posts.lock().unwrap(), 0);

    for endpoint in [
        "http://127.0.0.1:8080",
        "http://localhost/xAPI",
        "http://[::1]/",
    ] {
        let here = Config {
            endpoint: Some(endpoint.to_owned()),
            ..config(&lrs)
        };
        open(folder.path(), here);
    }
    let allowed = with(|config| {
        config.endpoint = Some(CLEARTEXT.into());
        config.allow_cleartext = true;
    });
    assert_eq!(allowed.unwrap().sync().unwrap().delivered, 1);
}

/// A refusal of an LRS's own.
fn marked(status: u16) -> crate::lrs::Response {
    let mut answer = answer(status, "");
    let mark = ("X-Experience-API-Version".to_owned(), "2.0.0".to_owned());
    answer.headers.push(mark);
    answer
}
