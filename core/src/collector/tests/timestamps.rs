//! Timestamps under clocks that are wrong: what is corrected, what never is, and that the bytes stand
//! still once they may have been sent. In virtual time; `docs/clock.md` says the same in words.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{FakeLrs, TestClock, answer, config, open, posts, statement, strangers};
use crate::clock::Clock;
use crate::collector::{Collector, Config};
use crate::lrs::TransportError;
use crate::statement::model::{Agent, ContextAgent, XapiContext};
use crate::store::Page;

const HOUR: Duration = Duration::from_hours(1);
const DAY_MS: i64 = 86_400_000;

/// Recorded an hour before the sync, unless a test says otherwise.
struct Stage {
    folder: tempfile::TempDir,
    lrs: Arc<FakeLrs>,
    clock: Arc<TestClock>,
    collector: Collector,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::new();
        let lrs = Arc::new(FakeLrs::default());
        *lrs.clock.lock().unwrap() = Some(Arc::clone(&clock));
        let collector = started(folder.path(), &lrs, &clock);
        Self {
            folder,
            lrs,
            clock,
            collector,
        }
    }

    fn trust_lrs(&mut self) {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        self.collector = open(
            self.folder.path(),
            Config {
                clock,
                trust_lrs_clock: true,
                ..config(&self.lrs)
            },
        );
    }

    fn record(&self, n: usize) -> Uuid {
        self.collector.record(statement(n)).unwrap().id
    }

    fn sync(&self) {
        self.collector.sync().unwrap();
    }

    /// The process ends, and another one opens the file.
    fn restart(&mut self) {
        let other = tempfile::tempdir().unwrap();
        // Two collectors may be open on one file; the old one is closed all the same.
        self.collector = open(other.path(), Config::default());
        self.collector = started(self.folder.path(), &self.lrs, &self.clock);
    }

    /// The timestamp of what the LRS has, unix milliseconds.
    fn timestamp(&self, id: Uuid) -> i64 {
        milliseconds(&self.lrs.stored.lock().unwrap()[&id])
    }

    fn has(&self, id: Uuid) -> bool {
        self.lrs.stored.lock().unwrap().contains_key(&id)
    }

    /// The queue's first statement as it stands.
    fn queued(&self) -> String {
        let mut queued = self.collector.queued(Page::default()).unwrap();
        queued.remove(0).statement
    }
}

fn started(folder: &Path, lrs: &Arc<FakeLrs>, clock: &Arc<TestClock>) -> Collector {
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    open(
        folder,
        Config {
            clock,
            ..config(lrs)
        },
    )
}

fn milliseconds(statement: &Value) -> i64 {
    let timestamp = statement["timestamp"].as_str().unwrap();
    assert_eq!(timestamp.len(), "2026-03-01T10:00:00.000Z".len());
    timestamp
        .parse::<jiff::Timestamp>()
        .unwrap()
        .as_millisecond()
}

/// `Date` counts whole seconds.
#[track_caller]
fn assert_about(found: i64, right: i64) {
    assert!((found - right).abs() <= 1_000, "{} ms off", found - right);
}

#[test]
fn a_jump_of_the_devices_clock_corrects_what_was_recorded_before_it() {
    let truth = TestClock::new().truth_ms();
    for error in [DAY_MS, -DAY_MS, -truth, 50 * 365 * DAY_MS, 61_500, -62_500] {
        let stage = Stage::new();
        stage.clock.set_wrong_by(error);
        let recorded_at = stage.clock.truth_ms();
        let id = stage.record(1);
        stage.clock.pass(HOUR);
        // The network's time arrives.
        stage.clock.set_wrong_by(0);
        stage.sync();
        assert_eq!(stage.timestamp(id), recorded_at);
        assert_eq!(stage.collector.status().unwrap().ledger.delivered, 1);
    }
}

#[test]
fn no_lrss_clock_spoils_a_timestamp_of_a_device_that_may_be_right() {
    let year = 365 * DAY_MS;
    for ahead in [73 * year, year, DAY_MS, -DAY_MS, -30 * DAY_MS, -57 * year] {
        let stage = Stage::new();
        let stamped = stage.clock.now_ms();
        let id = stage.record(1);
        stage.clock.pass(HOUR);
        let theirs = TestClock::new();
        theirs.pass(HOUR);
        theirs.set_to(theirs.truth_ms() + ahead);
        *stage.lrs.clock.lock().unwrap() = Some(theirs);
        stage.sync();
        assert_eq!(stage.timestamp(id), stamped);
        // The difference is shown, and the app decides.
        let status = stage.collector.status().unwrap();
        assert_about(status.clock_skew_ms.unwrap(), ahead);
    }
}

#[test]
fn a_clock_that_says_what_cannot_be_is_corrected_by_the_lrss() {
    let truth = TestClock::new().truth_ms();
    let thai_calendar = 543 * 365 * DAY_MS;
    for error in [
        -truth,
        86_400_000 - truth,
        -10 * 365 * DAY_MS,
        thai_calendar,
    ] {
        let stage = Stage::new();
        stage.clock.set_wrong_by(error);
        let recorded_at = stage.clock.truth_ms();
        let id = stage.record(1);
        stage.clock.pass(HOUR);
        stage.sync();
        assert_about(stage.timestamp(id), recorded_at);
    }
}

#[test]
fn an_app_that_says_so_goes_by_the_lrss_clock() {
    for error in [DAY_MS, -DAY_MS] {
        let mut stage = Stage::new();
        stage.trust_lrs();
        stage.clock.set_wrong_by(error);
        let recorded_at = stage.clock.truth_ms();
        let id = stage.record(1);
        stage.clock.pass(HOUR);
        stage.sync();
        assert_about(stage.timestamp(id), recorded_at);
    }
}

#[test]
fn a_clock_that_is_nearly_right_is_left_alone() {
    for error in [0, 58_000, -58_000] {
        let stage = Stage::new();
        stage.clock.set_wrong_by(error);
        let stamped = stage.clock.now_ms();
        let id = stage.record(1);
        stage.clock.pass(HOUR);
        stage.clock.set_wrong_by(0);
        stage.sync();
        assert_eq!(stage.timestamp(id), stamped);
    }
}

#[test]
fn a_clock_set_to_a_time_that_cannot_be_corrects_nothing() {
    let truth = TestClock::new().truth_ms();
    for error in [-truth, -10 * 365 * DAY_MS, 73 * 365 * DAY_MS] {
        let stage = Stage::new();
        let stamped = stage.clock.now_ms();
        let id = stage.record(1);
        stage.clock.pass(HOUR);
        stage.clock.set_wrong_by(error);
        stage.sync();
        assert_eq!(stage.timestamp(id), stamped);
    }
}

#[test]
fn after_a_reboot_nobody_knows_and_nothing_is_corrected() {
    let mut stage = Stage::new();
    stage.clock.set_wrong_by(-DAY_MS);
    let stamped = stage.clock.now_ms();
    let before = stage.record(1);
    stage.clock.pass(HOUR);
    stage.clock.reboot();
    stage.restart();
    let recorded_at = stage.clock.truth_ms();
    let after = stage.record(2);
    stage.clock.pass(HOUR);
    stage.clock.set_wrong_by(0);
    stage.sync();
    assert_eq!(stage.timestamp(before), stamped);
    assert_eq!(stage.timestamp(after), recorded_at);
}

#[test]
fn a_restart_of_the_process_is_no_reboot() {
    let mut stage = Stage::new();
    stage.clock.set_wrong_by(DAY_MS);
    let recorded_at = stage.clock.truth_ms();
    let id = stage.record(1);
    stage.clock.pass(HOUR);
    stage.restart();
    stage.clock.set_wrong_by(0);
    stage.sync();
    assert_eq!(stage.timestamp(id), recorded_at);
}

#[test]
fn a_timestamp_that_the_app_gave_is_never_touched() {
    let stage = Stage::new();
    stage.clock.set_wrong_by(-DAY_MS);
    let mut given: Value = serde_json::from_str(&statement(1).to_json()).unwrap();
    given["timestamp"] = json!("2026-12-31T10:00:00.000Z");
    let id = stage.collector.record(given.to_string()).unwrap().id;
    let ours = stage.record(2);
    let recorded_at = stage.clock.truth_ms();
    stage.clock.set_wrong_by(0);
    stage.sync();
    let stored = stage.lrs.stored.lock().unwrap()[&id].clone();
    assert_eq!(stored["timestamp"], given["timestamp"]);
    assert_eq!(stage.timestamp(ours), recorded_at);
}

#[test]
fn what_may_have_been_sent_keeps_its_bytes() {
    let stage = Stage::new();
    stage.lrs.instead(|request| {
        posts(request, "").then(|| Err(TransportError::Broken("reset by peer".into())))
    });
    stage.clock.set_wrong_by(-DAY_MS);
    let id = stage.record(1);
    stage.sync();
    let sent = stage.queued();
    stage.lrs.behave();
    stage.clock.set_wrong_by(0);
    stage.clock.pass(25 * HOUR);
    stage.sync();
    let stored = stage.lrs.stored.lock().unwrap()[&id].clone();
    assert_eq!(stored, serde_json::from_str::<Value>(&sent).unwrap());
}

#[test]
fn a_correction_stands_after_a_crash_before_the_send() {
    let mut stage = Stage::new();
    stage.clock.set_wrong_by(-DAY_MS);
    let recorded_at = stage.clock.truth_ms();
    let id = stage.record(1);
    stage.clock.set_wrong_by(0);
    // The process dies when the request has been made and before it is answered.
    *stage.lrs.hangs.lock().unwrap() = true;
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| stage.collector.sync());
        stage.lrs.wait_until_asked();
        stage.collector.pause().unwrap();
        sync.join().unwrap().unwrap();
    });
    stage.restart();
    let corrected = stage.queued();
    assert_eq!(
        milliseconds(&serde_json::from_str(&corrected).unwrap()),
        recorded_at,
    );
    // From here on not even another jump changes a byte.
    *stage.lrs.hangs.lock().unwrap() = false;
    stage.clock.set_wrong_by(7 * DAY_MS);
    stage.clock.pass(25 * HOUR);
    stage.sync();
    let stored = stage.lrs.stored.lock().unwrap()[&id].clone();
    assert_eq!(stored, serde_json::from_str::<Value>(&corrected).unwrap());
}

#[test]
fn what_waits_aside_is_corrected_when_the_time_is_known() {
    let stage = Stage::new();
    // An LRS of 1.0.3.
    stage.lrs.instead(|request| {
        let old = || Ok(answer(200, r#"{"version":["1.0.3"]}"#));
        request.url.ends_with("/about").then(old)
    });
    stage.clock.set_wrong_by(DAY_MS);
    let recorded_at = stage.clock.truth_ms();
    let tutor = ContextAgent::new(Agent::mbox("mailto:tutor@example.com"));
    let needs = statement(1).context(XapiContext::new().context_agent(tutor));
    let id = stage.collector.record(needs).unwrap().id;
    stage.sync();
    assert_eq!(stage.collector.status().unwrap().ledger.waiting, 1);
    stage.lrs.behave();
    stage.clock.pass(50 * HOUR);
    stage.clock.set_wrong_by(0);
    stage.sync();
    assert_eq!(stage.timestamp(id), recorded_at);
}

#[test]
fn a_stranger_and_a_cache_and_a_slow_answer_are_not_asked_the_time() {
    for case in ["stranger", "cache", "slow", "1970"] {
        let stage = Stage::new();
        // So wrong that the LRS's clock would be believed.
        stage.clock.set_wrong_by(-stage.clock.truth_ms());
        let recorded_at = stage.clock.now_ms();
        let id = stage.record(1);
        let clock = Arc::clone(&stage.clock);
        stage.lrs.instead(move |request| {
            let date = match case {
                "1970" => "Thu, 01 Jan 1970 00:00:10 GMT",
                _ => "Fri, 15 Jan 2027 23:00:00 GMT",
            };
            let mut said = match case {
                "stranger" => strangers(200, "<html><title>Hotel Wi-Fi</title></html>"),
                _ => answer(200, r#"{"version":["2.0.0"]}"#),
            };
            said.headers.push(("Date".into(), date.into()));
            if case == "cache" {
                said.headers.push(("Age".into(), "3600".into()));
            }
            let about = request.url.ends_with("/about");
            if case == "slow" && about {
                clock.pass(Duration::from_secs(11));
            }
            about.then_some(Ok(said))
        });
        *stage.lrs.clock.lock().unwrap() = None;
        stage.sync();
        stage.lrs.behave();
        stage.clock.pass(HOUR);
        stage.sync();
        assert!(stage.has(id), "{case}");
        assert_eq!(stage.timestamp(id), recorded_at, "{case}");
    }
}

#[test]
fn an_lrs_that_does_not_tell_the_time_is_not_asked_for_it_again() {
    for (tells, asked) in [(true, 2), (false, 1)] {
        let stage = Stage::new();
        // So wrong that the LRS's clock would be believed.
        stage.clock.set_wrong_by(-stage.clock.truth_ms());
        if !tells {
            *stage.lrs.clock.lock().unwrap() = None;
        }
        let questions = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&questions);
        stage.lrs.instead(move |request| {
            if request.url.ends_with("/about") {
                counted.fetch_add(1, Ordering::Relaxed);
            }
            None
        });
        stage.record(1);
        stage.sync();
        assert_eq!(questions.load(Ordering::Relaxed), asked, "tells: {tells}");
    }
}

#[test]
fn what_waits_aside_after_it_was_sent_keeps_its_bytes() {
    let stage = Stage::new();
    stage
        .lrs
        .instead(|request| posts(request, "lessons/13").then(|| Ok(answer(500, "stack overflow"))));
    stage.clock.set_wrong_by(-DAY_MS);
    let id = stage.record(13);
    stage.record(1);
    stage.sync();
    let mut waiting = stage.collector.waiting(Page::default()).unwrap();
    assert_eq!((waiting.len(), waiting[0].id), (1, id));
    let sent: Value = serde_json::from_str(&waiting.remove(0).statement).unwrap();
    stage.lrs.behave();
    stage.clock.set_wrong_by(0);
    stage.clock.pass(25 * HOUR);
    stage.sync();
    assert_eq!(stage.lrs.stored.lock().unwrap()[&id], sent);
}
