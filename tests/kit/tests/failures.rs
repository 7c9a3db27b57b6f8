//! Each failure of the kit, met by a collector as an app sets it up.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pannier::clock::Clock as _;
use pannier::statement::model::Agent;
use pannier::{Collector, Config, Credentials, Ended, Problem, Uuid};
use pannier_testing::{Failure, MemoryLrs, TestClock};

/// An app on a device, and the LRS that it delivers to.
struct App {
    lrs: MemoryLrs,
    clock: TestClock,
    collector: Collector,
    _folder: tempfile::TempDir,
}

fn credentials(password: &str) -> Credentials {
    Credentials::Basic {
        user: "app".to_owned(),
        password: password.to_owned(),
    }
}

fn app() -> App {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let lrs = MemoryLrs::with_clock(Arc::new(clock.clone()));
    let mut config = Config::new(MemoryLrs::ENDPOINT, Some(credentials("secret")));
    config.transport = Some(Arc::new(lrs.clone()));
    config.clock = Arc::new(clock.clone());
    let collector = Collector::open(folder.path().join("queue.db"), config).unwrap();
    App {
        lrs,
        clock,
        collector,
        _folder: folder,
    }
}

fn lesson(n: u32) -> String {
    format!(
        r#"{{"actor":{{"mbox":"mailto:ada@example.com"}},
            "verb":{{"id":"http://adlnet.gov/expapi/verbs/completed"}},
            "object":{{"id":"https://example.com/lessons/{n}"}}}}"#
    )
}

impl App {
    fn record(&self, n: u32) -> Uuid {
        self.collector.record(lesson(n)).unwrap().id
    }

    fn problem(&self) -> Option<Problem> {
        let trouble = self.collector.status().unwrap().trouble;
        trouble.map(|trouble| trouble.problem)
    }

    /// Syncs, and lets time pass, until nothing is left.
    fn drain(&self) {
        self.clock.advance_until(|| {
            let report = self.collector.sync().unwrap();
            report.ended == Ended::Emptied
        });
    }
}

#[test]
fn nothing_is_lost_by_a_failure_and_nothing_is_stored_twice() {
    let ask = Duration::from_secs(90);
    for (failure, problem) in [
        (Failure::Status(500), Problem::ServerError),
        (Failure::Status(401), Problem::Credentials),
        (Failure::TooManyRequests(ask), Problem::Busy),
        (Failure::Unavailable(ask), Problem::Busy),
        (Failure::Gateway(502), Problem::ServerError),
        (Failure::Portal, Problem::NotAnLrs),
        (Failure::Unreachable, Problem::Unreachable),
        (Failure::TimedOut, Problem::TimedOut),
        (Failure::LostAnswer, Problem::Broken),
    ] {
        let app = app();
        let ids: Vec<Uuid> = (1..=3).map(|n| app.record(n)).collect();
        app.lrs.fail_always(failure.clone());
        let report = app.collector.sync().unwrap();
        assert_eq!(
            (report.delivered, app.problem()),
            (0, Some(problem)),
            "{failure:?}"
        );
        app.lrs.recover();
        if failure == Failure::Status(401) {
            app.collector
                .set_credentials(Some(&credentials("secret")))
                .unwrap();
        }
        app.drain();
        assert_eq!(app.lrs.len(), 3, "{failure:?}");
        assert!(ids.iter().all(|id| app.lrs.times_stored(*id) == 1));
    }
}

#[test]
fn who_asks_for_time_gets_it() {
    let app = app();
    app.record(1);
    app.lrs
        .fail_next(Failure::TooManyRequests(Duration::from_secs(90)));
    let Ended::Waiting { until, .. } = app.collector.sync().unwrap().ended else {
        panic!("it waits");
    };
    let asked = app.lrs.requests();
    app.clock.advance(Duration::from_secs(89));
    app.collector.sync().unwrap();
    assert_eq!(app.lrs.requests(), asked);
    let left = until - app.clock.now_ms();
    app.clock
        .advance(Duration::from_millis(left.unsigned_abs()));
    assert_eq!(app.collector.sync().unwrap().delivered, 1);
}

#[test]
fn what_is_refused_is_held_and_the_others_arrive() {
    let app = app();
    let bad = app.record(13);
    for n in 1..=3 {
        app.record(n);
    }
    app.lrs.refuse("lessons/13\"", 400);
    app.clock.advance_until(|| {
        app.record(4);
        app.collector.sync().unwrap();
        app.collector.status().unwrap().ledger.held == 1
    });
    assert_eq!(app.lrs.statement(bad), None);
    assert!(app.lrs.len() > 3);
}

#[test]
fn another_statement_under_the_same_id_is_a_conflict() {
    let app = app();
    let id = app.record(1);
    let theirs = lesson(2).replacen('{', &format!(r#"{{"id":"{id}","#), 1);
    app.lrs.put(id, theirs.clone());
    app.clock.advance_until(|| {
        app.collector.sync().unwrap();
        app.collector.conflict(id).is_ok()
    });
    assert_eq!(app.lrs.statement(id), Some(theirs));
}

#[test]
fn a_batch_that_is_too_large_goes_in_parts() {
    let app = app();
    for n in 1..=20 {
        app.record(n);
    }
    app.lrs.limit_bytes(1_000);
    app.drain();
    assert_eq!(app.lrs.len(), 20);
}

#[test]
fn who_it_does_not_know_delivers_nothing() {
    let app = app();
    app.lrs.expect(&credentials("new"));
    app.record(1);
    app.collector.sync().unwrap();
    assert_eq!(
        (app.lrs.len(), app.problem()),
        (0, Some(Problem::Credentials))
    );
    app.collector
        .set_credentials(Some(&credentials("new")))
        .unwrap();
    app.drain();
    assert_eq!(app.lrs.len(), 1);
}

#[test]
fn a_script_decides_and_who_listens_is_told_before_the_answer() {
    let app = app();
    let told = Arc::new(Mutex::new(Vec::new()));
    let ids = Arc::clone(&told);
    app.lrs
        .on_stored(move |stored| ids.lock().unwrap().extend_from_slice(stored));
    app.lrs
        .script(|post| (post == 1).then_some(Failure::LostAnswer));
    let id = app.record(1);
    assert_eq!(app.collector.sync().unwrap().delivered, 0);
    assert_eq!(*told.lock().unwrap(), [id]);
    app.drain();
    assert_eq!(app.lrs.times_stored(id), 1);
}

#[test]
fn what_voids_another_voids_it() {
    let app = app();
    let id = app.record(1);
    app.drain();
    let ada = Agent::mbox("mailto:ada@example.com");
    app.collector.void(id, ada).unwrap();
    app.drain();
    assert!(app.lrs.is_voided(id));
    assert_eq!(app.lrs.len(), 2);
}

#[test]
fn a_clock_that_was_set_back_is_seen_by_the_steady_one() {
    let app = app();
    app.clock.set(0);
    let id = app.record(1);
    app.lrs.set_ahead(1_767_225_600_000);
    app.drain();
    let statement = app.lrs.statement(id).unwrap();
    assert!(
        statement.contains(r#""timestamp":"2026-01-01T"#),
        "{statement}"
    );
}
