//! Every reason that an app can be shown: it arises, the app sees it with the LRS's own words, what
//! `docs/troubles.md` says can be done about it helps, and that page has a row for it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::kit::{FakeLrs, TestClock, answer, config, open, posts, statement, strangers};
use crate::clock::Clock;
use crate::collector::{Collector, Config, EventStream};
use crate::event::Event;
use crate::lrs::{Credentials, Request, Response, TransportError};
use crate::statement::Statement;
use crate::statement::model::{Agent, ContextAgent, XapiContext};
use crate::store::{HoldReason, Page, Problem, WaitKind, WaitReason};
use crate::sync::Ended;

const DAY: Duration = Duration::from_hours(24);

struct Stage {
    lrs: Arc<FakeLrs>,
    clock: Arc<TestClock>,
    collector: Collector,
    events: EventStream,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::new();
        let lrs = Arc::new(FakeLrs::default());
        *lrs.clock.lock().unwrap() = Some(Arc::clone(&clock));
        let config = Config {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..config(&lrs)
        };
        let collector = open(folder.path(), config);
        Self {
            events: collector.events(),
            lrs,
            clock,
            collector,
            folder,
        }
    }

    fn record(&self, n: usize) -> Uuid {
        self.collector.record(statement(n)).unwrap().id
    }

    /// Records one whose id the LRS has for another one.
    fn record_in_conflict(&self) -> Uuid {
        let id = Uuid::new_v4();
        let mut theirs: serde_json::Value = serde_json::from_str(&statement(1).to_json()).unwrap();
        theirs["id"] = json!(id);
        self.lrs.stored.lock().unwrap().insert(id, theirs);
        self.collector.record(statement(13).id(id)).unwrap().id
    }

    /// What the LRS says to a request with statement 13 in it.
    fn to_13(&self, status: u16, words: &'static str) {
        self.lrs.instead(move |request| {
            posts(request, "lessons/13").then(|| Ok(answer(status, words)))
        });
    }

    /// More than a day passes, and all that was waited for is over.
    fn next_day(&self) -> Ended {
        self.clock.pass(DAY + Duration::from_mins(1));
        self.collector.sync().unwrap().ended
    }

    /// What stands in the queue is refused twice, and another one is taken in between.
    fn refused_for_good(&self) {
        self.record(1);
        self.collector.sync().unwrap();
        self.clock.pass(Duration::from_mins(1));
        self.collector.sync().unwrap();
        assert_eq!(self.collector.status().unwrap().ledger.held, 1);
    }

    fn delivered(&self) -> u64 {
        self.collector.status().unwrap().ledger.delivered
    }

    /// The one that waits aside.
    fn waits(&self) -> (Uuid, WaitReason, Option<i64>, Option<String>) {
        let mut waiting = self.collector.waiting(Page::default()).unwrap();
        assert_eq!(
            (
                waiting.len(),
                self.collector.status().unwrap().ledger.waiting
            ),
            (1, 1)
        );
        let one = waiting.remove(0);
        (one.id, one.reason, one.until, one.words)
    }

    /// Records one that happens at this moment; its id, and the moment as it is written.
    fn record_at(&self, moment: i64) -> (Uuid, String) {
        let mut text: serde_json::Value = serde_json::from_str(&statement(1).to_json()).unwrap();
        let instant = jiff::Timestamp::from_millisecond(moment)
            .unwrap()
            .to_string();
        text["timestamp"] = json!(instant);
        (self.collector.record(text.to_string()).unwrap().id, instant)
    }

    /// When it comes back: then its time has come by any clock that counts whole seconds.
    fn waits_from(&self, moment: i64) -> i64 {
        let until = self.waits().2.unwrap();
        assert!((moment..moment + 5_000).contains(&until), "{until}");
        until
    }
}

/// How one comes to wait aside.
impl Stage {
    /// Leaves one that needs 2.0.0, and says what in it does.
    fn leave_for_a_version(&self) -> (Uuid, Option<i64>, Option<String>) {
        self.lrs.instead(|request| {
            let old = || Ok(answer(200, r#"{"version":["1.0.3"]}"#));
            request.url.ends_with("/about").then(old)
        });
        let tutor = ContextAgent::new(Agent::mbox("mailto:tutor@example.com"));
        let needs = statement(1).context(XapiContext::new().context_agent(tutor));
        let id = self.collector.record(needs).unwrap().id;
        self.collector.sync().unwrap();
        self.lrs.behave();
        let waiting = self.collector.waiting(Page::default()).unwrap();
        let words = waiting[0].words.clone();
        let named = words
            .as_ref()
            .is_some_and(|it| it.contains("$.context.contextAgents"));
        assert!(named, "{words:?}");
        (id, None, words)
    }

    /// One of tomorrow, until when it waits and by what words.
    fn leave_for_the_future(&self) -> (Uuid, Option<i64>, Option<String>) {
        let tomorrow = self.clock.now_ms() + DAY.as_millis() as i64;
        let (id, future) = self.record_at(tomorrow);
        self.lrs
            .instead(move |request| posts(request, &future).then(|| Ok(answer(400, "not yet"))));
        for n in 2..4 {
            self.record(n);
            self.collector.sync().unwrap();
            self.clock.pass(Duration::from_mins(1));
        }
        self.collector.sync().unwrap();
        self.lrs.behave();
        (
            id,
            Some(self.waits_from(tomorrow)),
            Some("not yet".to_owned()),
        )
    }

    /// A voiding statement waits for the one it voids, and leaves after it.
    fn leave_for_its_target(&self) {
        self.to_13(400, "no such lesson");
        let target = self.record(13);
        self.refused_for_good();
        let voiding = Statement::void(target, Agent::mbox("mailto:ada@example.com"));
        let id = self.collector.record(voiding).unwrap().id;
        self.collector.sync().unwrap();
        assert_eq!(self.waits().0, id);
        self.lrs.behave();
        self.collector.retry(target).unwrap();
        // The target itself waits for its try until then.
        let waiting = self.collector.waiting(Page::default()).unwrap();
        assert_eq!(
            waiting.iter().map(|one| one.reason).collect::<Vec<_>>(),
            [WaitReason::Retry, WaitReason::Target]
        );
        self.collector.sync().unwrap();
        assert_eq!(self.delivered(), 3);
    }
}

type Script = fn(&Request) -> Option<Result<Response, TransportError>>;

#[allow(clippy::unnecessary_wraps, reason = "a script")]
fn hotel(_: &Request) -> Option<Result<Response, TransportError>> {
    let page = "<html><title>Hotel Wi-Fi</title></html>";
    Some(Ok(strangers(200, page)))
}

#[allow(clippy::unnecessary_wraps, reason = "a script")]
fn old(request: &Request) -> Option<Result<Response, TransportError>> {
    Some(Ok(if request.url.ends_with("/about") {
        answer(200, r#"{"version":["0.95"]}"#)
    } else {
        answer(400, "not in this version")
    }))
}

fn busy(request: &Request) -> Option<Result<Response, TransportError>> {
    let mut busy = answer(503, "closed for maintenance");
    busy.headers.push(("Retry-After".into(), "30".into()));
    posts(request, "").then_some(Ok(busy))
}

#[allow(clippy::unnecessary_wraps, reason = "a script")]
fn wordless(request: &Request) -> Option<Result<Response, TransportError>> {
    Some(Ok(if posts(request, "") {
        strangers(204, "")
    } else {
        strangers(403, "")
    }))
}

/// What the LRS does, its words, and what is waited for.
fn scene(problem: Problem) -> (Script, &'static str, WaitKind) {
    match problem {
        Problem::Unreachable => (
            |_| Some(Err(TransportError::Unreachable("no route to host".into()))),
            "no route to host",
            WaitKind::Backoff,
        ),
        Problem::TimedOut => (
            |request| posts(request, "").then_some(Err(TransportError::TimedOut)),
            "did not answer in time",
            WaitKind::OutcomeUnknown,
        ),
        Problem::Broken => (
            |request| {
                posts(request, "").then(|| Err(TransportError::Broken("reset by peer".into())))
            },
            "reset by peer",
            WaitKind::OutcomeUnknown,
        ),
        Problem::NotAnLrs => (hotel, "Hotel Wi-Fi", WaitKind::OutcomeUnknown),
        Problem::Credentials => (
            |_| Some(Ok(answer(401, "token expired"))),
            "token expired",
            WaitKind::App,
        ),
        Problem::WrongEndpoint => (
            |request| posts(request, "").then(|| Ok(answer(404, "no such resource"))),
            "no such resource",
            WaitKind::Backoff,
        ),
        Problem::NoCommonVersion => (old, "it speaks 0.95", WaitKind::Backoff),
        Problem::Busy => (busy, "closed for maintenance", WaitKind::RetryAfter),
        Problem::ServerError => (
            |request| posts(request, "").then(|| Ok(answer(500, "database is locked"))),
            "database is locked",
            WaitKind::Backoff,
        ),
        Problem::RefusesEverything => (
            |request| posts(request, "").then(|| Ok(answer(400, "quota used up"))),
            "quota used up",
            WaitKind::Backoff,
        ),
        Problem::Unexpected => (
            wordless,
            "neither names nor shows them",
            WaitKind::OutcomeUnknown,
        ),
        Problem::OtherEndpoint => (|_| None, "https://other.example/xAPI", WaitKind::App),
    }
}

#[test]
fn every_problem_of_the_upstream_is_seen_and_holds_nothing() {
    for &problem in Problem::ALL {
        if problem == Problem::OtherEndpoint {
            // Not the upstream's: see below.
            continue;
        }
        let (script, words, waits_for) = scene(problem);
        let stage = Stage::new();
        for n in 0..4 {
            stage.record(n);
        }
        stage.lrs.instead(script);
        let ended = stage.collector.sync().unwrap().ended;

        let status = stage.collector.status().unwrap();
        let trouble = status.trouble.clone().unwrap();
        assert_eq!(trouble.problem, problem);
        assert!(trouble.words.contains(words), "{trouble:?}");
        assert_eq!(trouble.since, stage.clock.now_ms(), "{problem}");
        assert_eq!(status.waiting_for, Some(waits_for), "{problem}");
        assert_eq!(
            (status.ledger.queued, status.ledger.held),
            (4, 0),
            "{problem}"
        );
        let told: Vec<Event> = std::iter::from_fn(|| stage.events.try_next()).collect();
        let told_of_it = told.iter().any(|event| match event {
            Event::WaitingUntil {
                until,
                why,
                trouble,
                ..
            } => {
                (Some(*until), Some(*why), trouble)
                    == (status.waiting_until, status.waiting_for, &status.trouble)
            }
            Event::NeedsApp { trouble, .. } => Some(trouble) == status.trouble.as_ref(),
            _ => false,
        });
        assert!(told_of_it, "{problem}: {told:?}");
        match ended {
            Ended::Waiting { until, why, .. } => assert_eq!(
                (Some(until), why),
                (status.waiting_until, waits_for),
                "{problem}"
            ),
            Ended::NeedsApp { .. } => assert_eq!(waits_for, WaitKind::App, "{problem}"),
            other => panic!("{problem}: {other:?}"),
        }

        stage.lrs.behave();
        if problem == Problem::Credentials {
            let fresh = Credentials::Bearer("fresh".into());
            stage.collector.set_credentials(Some(&fresh)).unwrap();
        }
        assert_eq!(stage.next_day(), Ended::Emptied, "{problem}");
        let status = stage.collector.status().unwrap();
        assert_eq!(
            (status.trouble, status.waiting_for),
            (None, None),
            "{problem}"
        );
        assert_eq!(
            (status.ledger.delivered, status.last_success),
            (4, Some(stage.clock.now_ms())),
            "{problem}"
        );
    }
}

#[test]
fn two_collectors_with_different_endpoints_are_told_so_and_keep_to_their_own() {
    let stage = Stage::new();
    stage.record(1);
    let lrs = Arc::new(FakeLrs::default());
    let other = Config {
        endpoint: Some("https://other.example/xAPI".into()),
        ..config(&lrs)
    };
    let other = open(stage.folder.path(), other);
    // The first one keeps its credentials to its own address, and says what is the matter.
    let ended = stage.collector.sync().unwrap().ended;
    let Ended::NeedsApp { trouble } = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(trouble.problem, Problem::OtherEndpoint);
    assert_eq!(trouble.words, "https://other.example/xAPI");
    assert_eq!(*stage.lrs.posts.lock().unwrap(), 0);
    assert_eq!(other.sync().unwrap().delivered, 1);
    // Once it says the same, it goes on.
    stage.record(2);
    stage
        .collector
        .set_endpoint("https://lrs.example/xAPI")
        .unwrap();
    assert_eq!(stage.collector.sync().unwrap().delivered, 1);
}

#[test]
fn every_kind_of_wait_ends_by_what_ends_it() {
    for &kind in WaitKind::ALL {
        let stage = Stage::new();
        stage.record(1);
        // What a device may do at once, it does after a moment; the request's own time-out is at least 30 s.
        let seconds = match kind {
            WaitKind::Backoff => 2,
            WaitKind::OutcomeUnknown | WaitKind::RetryAfter => 30,
            WaitKind::App => 3_600,
        };
        stage.lrs.instead(move |request| {
            let stop = match kind {
                WaitKind::Backoff => answer(418, "not now"),
                WaitKind::OutcomeUnknown => strangers(504, "not now"),
                WaitKind::RetryAfter => {
                    let mut stop = answer(503, "not now");
                    stop.headers.push(("Retry-After".into(), "30".into()));
                    stop
                }
                WaitKind::App => return Some(Ok(answer(401, "not now"))),
            };
            posts(request, "").then_some(Ok(stop))
        });
        stage.collector.sync().unwrap();
        stage.lrs.behave();
        let now = stage.clock.now_ms();
        let status = stage.collector.status().unwrap();
        assert_eq!(status.waiting_for, Some(kind));
        match kind {
            // A sync by hand does not wait for these two.
            WaitKind::Backoff => {
                let until = status.waiting_until.unwrap();
                assert!(until > now && until <= now + seconds * 1000, "{until}");
            }
            WaitKind::App => assert_eq!(status.waiting_until, Some(now + seconds * 1000)),
            WaitKind::OutcomeUnknown | WaitKind::RetryAfter => {
                let until = status.waiting_until.unwrap();
                // What the LRS asks of everybody is kept, and more by chance.
                let spread = if kind == WaitKind::RetryAfter {
                    30_000
                } else {
                    1_000
                };
                let told = now + seconds * 1000;
                assert!((told..=told + spread).contains(&until), "{kind}: {until}");
                let report = stage.collector.sync().unwrap();
                assert!(matches!(report.ended, Ended::Waiting { why, .. } if why == kind));
                assert_eq!(report.requests, 0, "{kind}");
                stage
                    .clock
                    .pass(Duration::from_millis((until - now) as u64));
                let status = stage.collector.status().unwrap();
                assert_eq!((status.waiting_for, status.waiting_until), (None, None));
            }
        }
        assert_eq!(
            stage.collector.sync().unwrap().ended,
            Ended::Emptied,
            "{kind}"
        );
        assert_eq!(stage.delivered(), 1);
    }
}

/// The status and the words by which the LRS has one held for this reason.
fn refusal(reason: HoldReason) -> Option<(u16, &'static str)> {
    match reason {
        HoldReason::Refused => Some((400, "no such lesson")),
        HoldReason::Forbidden => Some((403, "not your lesson")),
        HoldReason::TooLarge => Some((413, "at most 1 kB")),
        HoldReason::Conflict => Some((409, "another statement under this id")),
        HoldReason::ConflictUnseen => Some((409, "does not show its statement")),
        HoldReason::ServerError => Some((500, "stack overflow")),
        // What is seen of it, the disk's fault and the app's own word: see sync/tests/contents.rs and store/tests.
        HoldReason::ContentMissing | HoldReason::Damaged | HoldReason::TargetGivenUp => None,
    }
}

#[test]
fn every_reason_to_hold_is_seen_with_the_lrss_words_and_the_others_pass() {
    for &reason in HoldReason::ALL {
        let stage = Stage::new();
        let Some((status, words)) = refusal(reason) else {
            continue;
        };
        let bad = if reason == HoldReason::Conflict {
            stage.record_in_conflict()
        } else {
            stage.to_13(status, words);
            stage.record(13)
        };
        // 5xx is never blamed at once.
        let mut days = 0;
        while stage.collector.status().unwrap().ledger.held == 0 {
            stage.record(days);
            stage.next_day();
            days += 1;
            assert!(days < 20, "{reason}");
        }
        match reason {
            HoldReason::Conflict => assert_eq!(days, 1, "its other copy is shown"),
            HoldReason::ServerError | HoldReason::ConflictUnseen => assert!(days > 2, "{reason}"),
            _ => assert_eq!(
                days, 2,
                "{reason}: refused twice, and another taken in between"
            ),
        }

        let held = stage.collector.held(Page::default()).unwrap().remove(0);
        assert_eq!((held.id, held.reason), (bad, reason));
        assert_eq!(held.status, Some(status), "{reason}");
        assert!(held.words.contains(words), "{reason}: {}", held.words);
        assert_eq!(held.theirs.is_some(), reason == HoldReason::Conflict);
        let told: Vec<Event> = std::iter::from_fn(|| stage.events.try_next()).collect();
        let words = held.words;
        assert!(
            told.contains(&Event::Held {
                id: bad,
                reason,
                words,
                upstream: "main".to_owned(),
            }),
            "{reason}: {told:?}"
        );
        stage.next_day();
        let status = stage.collector.status().unwrap();
        assert_eq!(
            (
                status.ledger.queued,
                status.ledger.delivered,
                status.trouble
            ),
            (0, days as u64, None),
            "{reason}"
        );

        // Once the LRS has changed its mind, another try helps.
        stage.lrs.behave();
        if reason == HoldReason::Conflict {
            stage.lrs.stored.lock().unwrap().remove(&bad);
        }
        stage.collector.retry(bad).unwrap();
        stage.next_day();
        assert_eq!(stage.delivered(), days as u64 + 1, "{reason}");
    }
}

#[test]
fn every_reason_to_wait_aside_is_seen_and_ends_by_itself() {
    for &reason in WaitReason::ALL {
        let stage = Stage::new();
        let (waits, until, words) = match reason {
            WaitReason::Future => stage.leave_for_the_future(),
            WaitReason::Version => stage.leave_for_a_version(),
            WaitReason::Target => {
                stage.leave_for_its_target();
                continue;
            }
            // See sync/tests/contents.rs.
            WaitReason::NoAttachments => continue,
            WaitReason::Suspect => {
                stage.to_13(500, "stack overflow");
                let id = stage.record(13);
                stage.record(1);
                for _ in 0..3 {
                    stage.clock.pass(Duration::from_mins(1));
                    stage.collector.sync().unwrap();
                }
                stage.lrs.behave();
                (
                    id,
                    stage.collector.status().unwrap().next_due,
                    Some("stack overflow".to_owned()),
                )
            }
            WaitReason::Retry => {
                stage.to_13(400, "no such lesson");
                let id = stage.record(13);
                stage.refused_for_good();
                stage.lrs.behave();
                stage.collector.retry(id).unwrap();
                (
                    id,
                    Some(stage.clock.now_ms()),
                    Some("no such lesson".to_owned()),
                )
            }
        };
        assert_eq!(stage.waits(), (waits, reason, until, words), "{reason}");
        let status = stage.collector.status().unwrap();
        assert_eq!(status.next_due, until, "{reason}");
        assert_eq!(
            (status.ledger.queued, status.ledger.held),
            (0, 0),
            "{reason}"
        );
        stage.next_day();
        let ledger = stage.collector.status().unwrap().ledger;
        assert_eq!(
            (ledger.waiting, ledger.delivered),
            (0, ledger.recorded),
            "{reason}"
        );
    }
}

#[test]
fn status_tells_ages_and_what_the_app_said_of_the_network() {
    let stage = Stage::new();
    let status = stage.collector.status().unwrap();
    assert_eq!((status.oldest_age_ms, status.network), (None, true));
    stage.record(1);
    stage.clock.pass(Duration::from_mins(5));
    stage.record(2);
    stage.collector.set_network(false);
    let status = stage.collector.status().unwrap();
    assert_eq!(
        (status.oldest_age_ms, status.network),
        (Some(300_000), false)
    );
    assert!(status.ledger.queued_bytes > 200);
}

#[test]
fn the_page_has_a_row_for_every_reason_and_no_other() {
    const PAGE: &str = include_str!("../../../../docs/troubles.md");
    fn codes<T: std::fmt::Display>(all: &[T]) -> Vec<String> {
        all.iter().map(|code| format!("`{code}`")).collect()
    }
    for (title, codes) in [
        ("What is the matter with the LRS", codes(Problem::ALL)),
        ("Why nothing is sent now", codes(WaitKind::ALL)),
        ("Why one statement waits aside", codes(WaitReason::ALL)),
        ("Why one statement is held", codes(HoldReason::ALL)),
    ] {
        let section = PAGE
            .split("\n## ")
            .find(|section| section.starts_with(title))
            .unwrap_or_else(|| panic!("no section {title:?}"));
        let rows: Vec<Vec<&str>> = section
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        let first: Vec<&str> = rows.iter().map(|row| row[0]).collect();
        assert_eq!(first, codes, "{title}");
        assert!(
            rows.iter()
                .all(|row| row.len() == 4 && row.iter().all(|cell| !cell.is_empty())),
            "{title}: a row says what it means, what to show and what to do"
        );
    }
}

#[test]
fn credentials_that_an_lrs_repeats_are_not_repeated() {
    // RFC 7617, section 2, of the credentials in the config.
    let value = "YXBwOnNlY3JldA==";
    let echo = |request: &Request| {
        let given = request.headers.iter();
        let mut given = given.filter(|(name, _)| name.eq_ignore_ascii_case("Authorization"));
        let header = given.next().map_or("none", |(_, value)| value);
        let words = format!(r#"{{"error":"{header} is for app:secret","password":"s\u0065cret"}}"#);
        Some(Ok(answer(
            if posts(request, "") { 500 } else { 503 },
            &words,
        )))
    };
    let stage = Stage::new();
    stage.record(0);
    stage.lrs.instead(echo);
    stage.collector.sync().unwrap();
    let shown = format!(
        "{:?} {:?}",
        stage.collector.status().unwrap(),
        stage.collector.probe().unwrap()
    );
    assert!(shown.contains("is for"), "{shown}");
    for secret in [value, "secret", "s\\u0065cret"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let kept = std::fs::read_dir(stage.folder.path()).unwrap();
    for file in kept {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(value) && !text.contains("secret"));
    }
}

#[test]
fn credentials_that_were_changed_meanwhile_are_not_repeated_either() {
    for status in [429, 500, 503] {
        let stage = Stage::new();
        stage.record(0);
        stage.lrs.instead(move |request| {
            let words = r#"{"error":"app:secret, by YXBwOnNlY3JldA==, is not served"}"#;
            posts(request, "").then(|| Ok(answer(status, words)))
        });
        *stage.lrs.hangs.lock().unwrap() = true;
        std::thread::scope(|scope| {
            let syncing = scope.spawn(|| stage.collector.sync().unwrap());
            stage.lrs.wait_until_asked();
            let others = Credentials::Basic {
                user: "other".into(),
                password: "another-word".into(),
            };
            stage.collector.set_credentials(Some(&others)).unwrap();
            *stage.lrs.hangs.lock().unwrap() = false;
            syncing.join().unwrap();
        });
        let shown = format!("{:?}", stage.collector.status().unwrap());
        assert!(shown.contains("is not served"), "{status}: {shown}");
        for secret in ["secret", "YXBwOnNlY3JldA"] {
            assert!(!shown.contains(secret), "{status}: {shown}");
        }
    }
}
