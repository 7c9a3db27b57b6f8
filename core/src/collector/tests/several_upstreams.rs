//! A collector that delivers to more than one LRS.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::spawn;
use std::time::Duration;

use uuid::Uuid;

use super::kit::{FakeLrs, TestClock, answer, posts, statement, strangers};
use crate::clock::Clock;
use crate::collector::{Collector, Config, CredentialsProvider, NewUpstream, SyncPolicy, Upstream};
use crate::error::Error;
use crate::event::Event;
use crate::lrs::{Credentials, Method, Request, Response};
use crate::statement::Statement;
use crate::statement::model::Ifi;
use crate::store::{HistoryPolicy, Page, Problem, Remainder, Route};
use crate::sync::{Ended, SyncReport};
use crate::transport::{Exchange, Transport};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

const DAY: Duration = Duration::from_hours(24);

/// LRSs by the names of their hosts, each with the password that it takes.
#[derive(Default)]
struct World {
    lrss: Mutex<BTreeMap<String, Arc<FakeLrs>>>,
    /// What was sent with credentials that are meant for another host.
    strange: AtomicUsize,
    asked: AtomicUsize,
}

impl World {
    fn lrs(&self, host: &str) -> Arc<FakeLrs> {
        let mut lrss = self.lrss.lock().unwrap();
        Arc::clone(lrss.entry(host.to_owned()).or_default())
    }

    fn has(&self, host: &str) -> Vec<Uuid> {
        let lrs = self.lrs(host);
        let stored = lrs.stored.lock().unwrap();
        stored.keys().copied().collect()
    }
}

impl Transport for World {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let host = request.url.split('/').nth(2).unwrap().to_owned();
            let headers = request.headers.iter();
            for (_, sent) in headers.filter(|(name, _)| *name == "Authorization") {
                if *sent != format!("Bearer of-{host}") {
                    self.strange.fetch_add(1, Ordering::Relaxed);
                }
            }
            self.lrs(&host).exchange(request).await
        })
    }
}

/// What an LRS answers to everything.
type Instead = Box<dyn Fn(&Request) -> Response + Send>;

struct Stage {
    world: Arc<World>,
    clock: Arc<TestClock>,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        Self {
            world: Arc::default(),
            clock: TestClock::new(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("queue.db")
    }

    fn config(&self) -> Config {
        Config {
            transport: Some(Arc::clone(&self.world) as Arc<dyn Transport>),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            ..Config::new("https://main.example/xAPI", Some(token("main.example")))
        }
    }

    fn open(&self) -> Collector {
        Collector::open(self.path(), self.config()).unwrap()
    }

    /// With one upstream more, which gets all.
    fn two(&self) -> (Collector, Upstream) {
        let collector = self.open();
        let second = collector.add_upstream(at("second")).unwrap();
        (collector, second)
    }
}

fn token(host: &str) -> Credentials {
    Credentials::Bearer(format!("of-{host}"))
}

/// An LRS of its own, by the name of the upstream.
fn at(name: &str) -> NewUpstream {
    let host = format!("{name}.example");
    NewUpstream::new(name, format!("https://{host}/xAPI"), Some(token(&host)))
}

fn record(collector: &Collector, numbers: impl IntoIterator<Item = usize>) -> Vec<Uuid> {
    let recorded = numbers.into_iter().map(statement);
    let mut ids = record_all(collector, recorded);
    ids.sort_unstable();
    ids
}

fn record_all(collector: &Collector, statements: impl Iterator<Item = Statement>) -> Vec<Uuid> {
    let recorded = collector.record_all(statements).unwrap();
    recorded.into_iter().map(|one| one.id).collect()
}

fn of<'a>(report: &'a SyncReport, name: &str) -> &'a SyncReport {
    let mut found = report.upstreams.iter();
    &found.find(|one| one.name == name).unwrap().report
}

/// Statements in the file, wherever they are.
fn rows(path: &Path) -> i64 {
    let file = rusqlite::Connection::open(path).unwrap();
    let count = "SELECT count(*) FROM statement";
    file.query_row(count, [], |row| row.get(0)).unwrap()
}

#[test]
fn each_has_its_own_and_a_statement_leaves_when_both_have_it() {
    let stage = Stage::new();
    let collector = stage.open();
    let first = record(&collector, 0..3);
    let second = collector.add_upstream(at("second")).unwrap();
    let later = record(&collector, 3..70);
    *stage.world.lrs("second.example").down.lock().unwrap() = true;
    let events = collector.events();
    let report = collector.sync().unwrap();
    assert_eq!(report.delivered, 70);
    assert!(matches!(report.ended, Ended::Waiting { .. }), "{report:?}");
    assert_eq!(of(&report, "main").ended, Ended::Emptied);
    assert_eq!(of(&report, "main").delivered, 70);
    assert_eq!(of(&report, "second").delivered, 0);
    assert_eq!(of(&report, "second").ended, report.ended);
    let mut told = std::iter::from_fn(|| events.try_next());
    assert!(told.any(|event| matches!(event,
        Event::WaitingUntil { upstream, .. } if upstream == "second")));
    // What only the first one was to get is gone.
    assert_eq!(rows(&stage.path()), 67);
    let status = collector.status().unwrap();
    assert_eq!((status.ledger.delivered, status.trouble), (70, None));
    let status = second.status().unwrap();
    assert_eq!((status.ledger.queued, status.ledger.recorded), (67, 67));
    assert_eq!(status.trouble.unwrap().problem, Problem::Unreachable);
    *stage.world.lrs("second.example").down.lock().unwrap() = false;
    let events = collector.events();
    let report = second.sync().unwrap();
    assert_eq!((report.delivered, report.ended), (67, Ended::Emptied));
    assert!(report.upstreams.is_empty());
    for event in std::iter::from_fn(|| events.try_next()) {
        let told = serde_json::to_value(&event).unwrap();
        assert_eq!(told["upstream"], "second", "{event:?}");
    }
    assert_eq!(rows(&stage.path()), 0);
    assert_eq!(stage.world.has("second.example"), later);
    let mut all = [first, later].concat();
    all.sort_unstable();
    assert_eq!(stage.world.has("main.example"), all);
    assert_eq!(stage.world.strange.load(Ordering::Relaxed), 0);
}

#[test]
fn with_one_upstream_nothing_is_said_of_it() {
    let stage = Stage::new();
    let collector = stage.open();
    let events = collector.events();
    record(&collector, 0..2);
    let report = collector.sync().unwrap();
    assert!(report.upstreams.is_empty());
    let told = serde_json::to_string(&report).unwrap();
    assert!(!told.contains("upstream"), "{told}");
    for event in std::iter::from_fn(|| events.try_next()) {
        let told = serde_json::to_string(&event).unwrap();
        assert!(!told.contains("upstream"), "{told}");
    }
    let listed = collector.upstreams().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].name.as_str(), listed[0].opened), ("main", true));
    assert_eq!(
        listed[0].status.endpoint.as_deref(),
        Some("https://main.example/xAPI")
    );
    let main = collector.upstream("main").unwrap();
    assert_eq!(main.status().unwrap(), collector.status().unwrap());
}

/// One hangs, for as long as its request may take; the others are done meanwhile.
#[test]
fn one_that_hangs_delays_no_other() {
    let stage = Stage::new();
    for hanging in ["main", "second"] {
        let stage = Stage {
            world: Arc::clone(&stage.world),
            clock: Arc::clone(&stage.clock),
            folder: tempfile::tempdir().unwrap(),
        };
        let (collector, _) = stage.two();
        let collector = Arc::new(collector);
        let third = collector.add_upstream(at("third")).unwrap();
        record(&collector, 0..3);
        let lrs = stage.world.lrs(&format!("{hanging}.example"));
        *lrs.posts.lock().unwrap() = 0;
        *lrs.hangs.lock().unwrap() = true;
        let events = collector.events();
        let syncing = Arc::clone(&collector);
        let all = spawn(move || syncing.sync());
        lrs.wait_until_asked();
        let mut done = Vec::new();
        while done.len() < 2 {
            let event = events.next_within(LONG).unwrap().expect("nothing happens");
            if let Event::Synced { upstream, report } = event {
                assert_eq!((report.delivered, report.ended), (3, Ended::Emptied));
                done.push(upstream);
            }
        }
        assert!(!done.contains(&hanging.to_owned()));
        assert!(
            collector
                .upstream(hanging)
                .unwrap()
                .status()
                .unwrap()
                .syncing
        );
        assert!(!third.status().unwrap().syncing);
        // What is recorded meanwhile goes there as well.
        record(&collector, 3..5);
        done.clear();
        while done.len() < 2 {
            let event = events.next_within(LONG).unwrap().expect("nothing happens");
            if let Event::Synced { upstream, report } = event {
                assert_eq!((report.delivered, report.ended), (2, Ended::Emptied));
                done.push(upstream);
            }
        }
        assert!(!done.contains(&hanging.to_owned()));
        *lrs.hangs.lock().unwrap() = false;
        let report = all.join().unwrap().unwrap();
        for name in ["main", "second", "third"] {
            assert_eq!(of(&report, name).delivered, 5, "{name}");
        }
    }
}

#[test]
fn one_that_refuses_is_slow_or_asks_for_time_delays_no_other() {
    let stage = Stage::new();
    let (collector, second) = stage.two();
    let lrs = stage.world.lrs("second.example");
    let asking = || {
        let mut busy = answer(503, "busy");
        busy.headers.push(("Retry-After".into(), "3600".into()));
        busy
    };
    let troubles: [(&str, Instead); 3] = [
        ("waiting", Box::new(move |_| asking())),
        ("needs_app", Box::new(|_| answer(401, "who are you"))),
        (
            "waiting",
            Box::new(|_| strangers(200, "<html>sign in</html>")),
        ),
    ];
    for (round, (ended, trouble)) in troubles.into_iter().enumerate() {
        lrs.instead(move |request| Some(Ok(trouble(request))));
        record(&collector, round * 10..round * 10 + 5);
        let report = collector.sync().unwrap();
        assert_eq!(of(&report, "main").delivered, 5);
        assert_eq!(of(&report, "main").ended, Ended::Emptied);
        assert_eq!(of(&report, "second").ended.code(), ended, "{report:?}");
        assert_eq!(report.ended.code(), ended);
        let status = collector.status().unwrap();
        assert_eq!((status.trouble, status.waiting_until), (None, None));
        assert_eq!(second.status().unwrap().ledger.held, 0);
        stage.clock.pass(DAY);
    }
    lrs.behave();
    second
        .set_credentials(Some(&token("second.example")))
        .unwrap();
    assert_eq!(second.sync().unwrap().delivered, 15);
    assert_eq!(rows(&stage.path()), 0);
}

/// Nothing goes without the credentials that are meant for it.
#[test]
fn one_whose_credentials_are_wrong_gets_nothing() {
    let stage = Stage::new();
    let collector = stage.open();
    let mut new = NewUpstream::new("second", "http://second.example/xAPI", None);
    new.backfill = true;
    drop(collector);
    Collector::open(stage.path(), stage.config())
        .unwrap()
        .add_upstream(new)
        .unwrap();
    let collector = stage.open();
    record(&collector, 0..3);
    let second = collector.upstream("second").unwrap();
    for wrong in [
        Credentials::Bearer("a b".into()),
        // Not over a connection that is not encrypted.
        token("second.example"),
    ] {
        assert!(second.set_credentials(Some(&wrong)).is_err());
        assert!(
            second
                .set_target("http://second.example/x", &wrong)
                .is_err()
        );
        assert!(second.set_endpoint("nowhere").is_err());
        let report = collector.sync().unwrap();
        let Ended::NeedsApp { .. } = of(&report, "second").ended else {
            panic!("{report:?}");
        };
    }
    assert_eq!(stage.world.has("second.example"), [] as [Uuid; 0]);
    assert_eq!(*stage.world.lrs("second.example").posts.lock().unwrap(), 0);
    assert_eq!(stage.world.has("main.example").len(), 3);
}

#[test]
fn one_refusal_is_held_there_and_decided_there() {
    let stage = Stage::new();
    let (collector, second) = stage.two();
    let lrs = stage.world.lrs("second.example");
    lrs.instead(|request| {
        let bad = ["lessons/1\"", "lessons/2\"", "lessons/3\""];
        let is_bad = bad.iter().any(|bad| posts(request, bad));
        is_bad.then(|| Ok(answer(400, "no such lesson")))
    });
    let recorded = record_all(&collector, (0..5).map(statement));
    for _ in 0..4 {
        collector.sync().unwrap();
        collector.record(statement(9)).unwrap();
        stage.clock.pass(Duration::from_hours(1));
    }
    collector.sync().unwrap();
    let held = |of: &Upstream| -> Vec<Uuid> {
        let held = of.held(Page::default()).unwrap();
        held.iter().map(|one| one.id).collect()
    };
    assert_eq!(held(&second), recorded[1..4]);
    assert!(collector.held(Page::default()).unwrap().is_empty());
    for outcome in [
        collector.retry(recorded[1]),
        collector.discard(recorded[2]),
        collector.held_one(recorded[1]).map(drop),
        collector.replace(recorded[3], statement(33)).map(drop),
    ] {
        let not_there = matches!(outcome, Err(Error::NotHeld { .. } | Error::Unknown { .. }));
        assert!(not_there, "{outcome:?}");
    }
    let words = second.held_one(recorded[1]).unwrap().words;
    assert_eq!(words, "no such lesson");
    lrs.behave();
    second.retry(recorded[1]).unwrap();
    second.discard(recorded[2]).unwrap();
    let new = second.replace(recorded[3], statement(33)).unwrap();
    stage.clock.pass(Duration::from_hours(1));
    assert_eq!(collector.sync().unwrap().delivered, 2);
    let (main, others) = (
        stage.world.has("main.example"),
        stage.world.has("second.example"),
    );
    assert!(recorded.iter().all(|id| main.contains(id)) && !main.contains(&new));
    assert!(others.contains(&recorded[1]) && others.contains(&new));
    assert!(!others.contains(&recorded[2]) && !others.contains(&recorded[3]));
    let ledger = second.status().unwrap().ledger;
    assert_eq!((ledger.discarded, ledger.replaced, ledger.held), (1, 1, 0));
    assert_eq!(rows(&stage.path()), 0);
}

#[test]
fn each_gets_what_its_route_takes_whoever_records() {
    let stage = Stage::new();
    let (collector, _) = stage.two();
    let lessons = Route::all().of_activities(["https://example.com/lessons/1"]);
    let some = collector
        .add_upstream(NewUpstream {
            route: lessons.clone(),
            ..at("some")
        })
        .unwrap();
    // Another process that knows nothing of them, and has nothing for them.
    let other = stage.open();
    let recorded = record_all(&other, (0..13).map(statement));
    let voiding = other
        .void(
            recorded[2],
            crate::statement::model::Agent::mbox("mailto:ada@example.com"),
        )
        .unwrap();
    let listed = other.upstreams().unwrap();
    let names: Vec<_> = listed.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["main", "second", "some"]);
    assert_eq!(listed[2].route, lessons);
    assert!(listed.iter().skip(1).all(|one| !one.opened));
    // 1, 10, 11 and 12.
    assert_eq!(some.status().unwrap().ledger.recorded, 4);
    let report = other.sync().unwrap();
    assert_eq!((report.delivered, &report.ended), (14, &Ended::Emptied));
    for name in ["second", "some"] {
        let Ended::NeedsApp { trouble } = &of(&report, name).ended else {
            panic!("{report:?}")
        };
        assert_eq!(trouble.problem, Problem::Credentials);
        assert_eq!(of(&report, name).requests, 0);
    }
    assert!(stage.world.has("second.example").is_empty());
    let alone = other.upstream("some").unwrap().sync().unwrap();
    assert_eq!(alone.ended.code(), "needs_app");
    let report = collector.sync().unwrap();
    assert_eq!(of(&report, "second").delivered, 14);
    assert_eq!(of(&report, "some").delivered, 4);
    assert!(!stage.world.has("some.example").contains(&voiding));
    assert_eq!(rows(&stage.path()), 0);
    // Now that there is nothing to deliver nobody need do anything.
    let report = other.sync().unwrap();
    assert_eq!(of(&report, "some").ended, Ended::Emptied);
    // One that gets credentials delivers, too.
    record(&other, [1]);
    let here = other.upstream("some").unwrap();
    here.set_credentials(Some(&token("some.example"))).unwrap();
    assert_eq!(here.sync().unwrap().delivered, 1);
    assert_eq!(stage.world.strange.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_there_is_opened_and_never_changed_by_the_way() {
    let stage = Stage::new();
    {
        let (collector, second) = stage.two();
        record(&collector, 0..2);
        assert_eq!(second.name(), "second");
    }
    let collector = stage.open();
    let again = collector.add_upstream(at("second")).unwrap();
    let other_place = NewUpstream {
        endpoint: "https://third.example/xAPI".to_owned(),
        ..at("second")
    };
    let other_route = NewUpstream {
        route: Route::all().of_verbs(["http://example.com/did"]),
        ..at("second")
    };
    for other in [other_place, other_route] {
        let refused = collector.add_upstream(other).unwrap_err();
        assert!(matches!(&refused, Error::OtherUpstream { name } if name == "second"));
        let told = refused.to_string();
        assert!(told.contains("set the endpoint or the route"), "{told}");
    }
    for name in ["main", "", "Second", "2nd", "a_b", "a/b", &"a".repeat(41)] {
        let refused = collector.add_upstream(at(name)).unwrap_err();
        assert!(matches!(refused, Error::UpstreamName { .. }), "{name}");
    }
    let nowhere = NewUpstream {
        endpoint: "second".to_owned(),
        ..at("fourth")
    };
    assert!(collector.add_upstream(nowhere).is_err());
    assert_eq!(collector.upstreams().unwrap().len(), 2);
    assert!(matches!(
        collector.upstream("fourth").unwrap_err(),
        Error::NoUpstream { .. }
    ));
    assert_eq!(again.sync().unwrap().delivered, 2);
    // Elsewhere from now on, with credentials of that one's.
    again.set_endpoint("https://third.example/xAPI").unwrap();
    again
        .set_route(&Route::all().of_activities(["https://example.com/lessons/7"]))
        .unwrap();
    again
        .set_credentials(Some(&token("third.example")))
        .unwrap();
    record(&collector, 6..8);
    assert_eq!(again.sync().unwrap().delivered, 1);
    assert_eq!(stage.world.has("third.example").len(), 1);
    assert_eq!(stage.world.strange.load(Ordering::Relaxed), 0);
    let refused = collector.upstream("main").unwrap().set_route(&Route::all());
    assert!(matches!(refused, Err(Error::MainStays)));
    drop(collector);
    assert!(matches!(again.status(), Err(Error::Closing)));
    assert!(matches!(again.sync(), Err(Error::Closing)));
}

#[test]
fn another_process_may_move_it_and_credentials_do_not_follow() {
    let stage = Stage::new();
    let (collector, second) = stage.two();
    let other = stage.open();
    let there = other.upstream("second").unwrap();
    there.set_endpoint("https://third.example/xAPI").unwrap();
    record(&collector, 0..2);
    stage.world.lrs("third.example").instead(|request| {
        let mut headers = request.headers.iter();
        let known = headers.any(|(_, value)| value == "Bearer of-third.example");
        (!known).then(|| Ok(answer(401, "who are you")))
    });
    let report = collector.sync().unwrap();
    assert_eq!(of(&report, "main").delivered, 2);
    assert_eq!(of(&report, "second").ended.code(), "needs_app");
    assert!(stage.world.has("second.example").is_empty());
    second
        .set_credentials(Some(&token("third.example")))
        .unwrap();
    assert_eq!(second.sync().unwrap().delivered, 2);
    assert_eq!(stage.world.strange.load(Ordering::Relaxed), 0);
}

#[test]
fn one_is_removed_with_or_without_what_is_left() {
    let stage = Stage::new();
    let (collector, second) = stage.two();
    let other = stage.open();
    let there = other.add_upstream(at("second")).unwrap();
    *stage.world.lrs("second.example").down.lock().unwrap() = true;
    record(&collector, 0..3);
    assert_eq!(collector.sync().unwrap().delivered, 3);
    assert_eq!(rows(&stage.path()), 3);
    for name in ["main", "second", "third"] {
        let refused = other.remove_upstream(name, Remainder::MustBeEmpty);
        match (name, refused.unwrap_err()) {
            ("main", Error::MainStays) | ("third", Error::NoUpstream { .. }) => {}
            ("second", Error::UpstreamNotEmpty { name, left: 3 }) => assert_eq!(name, "second"),
            (_, error) => panic!("{name}: {error}"),
        }
    }
    assert_eq!(
        other.remove_upstream("second", Remainder::Discard).unwrap(),
        3
    );
    // Whoever had it open finds it gone, and all else goes on.
    for of in [&second, &there] {
        for outcome in [
            of.status().map(drop),
            of.sync().map(drop),
            of.held(Page::default()).map(drop),
            of.retry(Uuid::nil()),
            of.set_credentials(None),
            of.set_endpoint("https://x.example"),
            of.set_route(&Route::all()),
        ] {
            let told = outcome.unwrap_err();
            assert!(
                matches!(&told, Error::NoUpstream { name } if name == "second"),
                "{told}"
            );
        }
    }
    record(&collector, 3..5);
    for collector in [&collector, &other] {
        let report = collector.sync().unwrap();
        assert_eq!(report.ended, Ended::Emptied);
        assert!(report.upstreams.is_empty());
        assert!(collector.status().unwrap().loss.is_none());
        assert_eq!(collector.upstreams().unwrap().len(), 1);
    }
    assert_eq!(rows(&stage.path()), 0);
    assert_eq!(stage.world.has("main.example").len(), 5);
    // One of that name again is another one: nothing of the old one goes there.
    *stage.world.lrs("second.example").down.lock().unwrap() = false;
    stage.clock.pass(DAY);
    let again = other.add_upstream(at("second")).unwrap();
    let new = record(&collector, 5..6);
    assert_eq!(again.sync().unwrap().delivered, 1);
    assert_eq!(stage.world.has("second.example"), new);
    assert!(!collector.upstreams().unwrap()[1].opened);
    assert_eq!(
        other
            .remove_upstream("second", Remainder::MustBeEmpty)
            .unwrap(),
        0
    );
}

/// In the middle of a request: nothing more is sent there, and nothing is taken for damage.
#[test]
fn one_that_is_removed_while_it_is_delivered_to_is_gone() {
    let stage = Stage::new();
    let (collector, second) = stage.two();
    let other = stage.open();
    record(&collector, 0..3);
    let lrs = stage.world.lrs("second.example");
    *lrs.hangs.lock().unwrap() = true;
    let handle = second.clone();
    let syncing = spawn(move || handle.sync());
    lrs.wait_until_asked();
    assert_eq!(
        other.remove_upstream("second", Remainder::Discard).unwrap(),
        3
    );
    *lrs.hangs.lock().unwrap() = false;
    let ended = syncing.join().unwrap();
    assert!(matches!(ended, Err(Error::NoUpstream { .. })), "{ended:?}");
    assert_eq!(collector.sync().unwrap().delivered, 3);
    assert!(collector.status().unwrap().loss.is_none());
    assert_eq!(rows(&stage.path()), 0);
}

#[test]
fn a_person_is_erased_and_a_statement_taken_back_for_all() {
    let stage = Stage::new();
    let (collector, second) = stage.two();
    let recorded = record_all(&collector, (0..3).map(statement));
    collector.retract(recorded[0]).unwrap();
    assert_eq!(second.sync().unwrap().delivered, 2);
    assert!(matches!(
        collector.retract(recorded[1]),
        Err(Error::MayHaveBeenSent { .. })
    ));
    let erased = collector
        .erase(&Ifi::Mbox("mailto:ada@example.com".into()))
        .unwrap();
    assert_eq!((erased.undelivered, erased.maybe_sent), (2, 2));
    let ours = collector.status().unwrap().ledger;
    let theirs = second.status().unwrap().ledger;
    assert_eq!((ours.erased, ours.retracted, ours.delivered), (2, 1, 0));
    assert_eq!(
        (theirs.erased, theirs.retracted, theirs.delivered),
        (0, 1, 2)
    );
    assert_eq!(collector.sync().unwrap().delivered, 0);
    assert!(stage.world.has("main.example").is_empty());
    assert_eq!(rows(&stage.path()), 0);
}

#[test]
fn history_is_what_all_of_them_have() {
    let stage = Stage::new();
    let config = Config {
        history: HistoryPolicy::Forever,
        ..stage.config()
    };
    let collector = Collector::open(stage.path(), config).unwrap();
    let second = collector.add_upstream(at("second")).unwrap();
    record(&collector, 0..2);
    let history = || collector.history(Page::default()).unwrap().len();
    collector.upstream("main").unwrap().sync().unwrap();
    assert_eq!(history(), 0);
    second.sync().unwrap();
    assert_eq!(history(), 2);
    collector
        .remove_upstream("second", Remainder::MustBeEmpty)
        .unwrap();
    assert_eq!(history(), 2);
}

/// By hand, and by itself: nothing that is recorded later need wake it.
#[test]
fn what_is_there_already_goes_to_one_that_asks_for_it() {
    let stage = Stage::new();
    let config = Config {
        history: HistoryPolicy::Forever,
        ..stage.config()
    };
    let collector = Collector::open(stage.path(), config).unwrap();
    let first = record(&collector, 0..3);
    collector.sync().unwrap();
    *stage.world.lrs("main.example").down.lock().unwrap() = true;
    let queued = record(&collector, 3..5);
    let later = |name: &str, backfill| NewUpstream {
        backfill,
        ..at(name)
    };
    let with = collector.add_upstream(later("with", true)).unwrap();
    let without = collector.add_upstream(later("without", false)).unwrap();
    assert_eq!(without.status().unwrap().ledger.recorded, 0);
    assert_eq!(with.sync().unwrap().delivered, 5);
    let mut all = [first, queued].concat();
    all.sort_unstable();
    assert_eq!(stage.world.has("with.example"), all);
    drop(collector);
    let config = Config {
        sync: SyncPolicy::AUTOMATIC,
        history: HistoryPolicy::Forever,
        ..stage.config()
    };
    let collector = Collector::open(stage.path(), config).unwrap();
    let events = collector.events();
    // It is there and has them: nothing goes there again.
    collector.add_upstream(later("with", true)).unwrap();
    stage.clock.pass(Duration::from_mins(1));
    collector.add_upstream(later("new", true)).unwrap();
    let mut delivered = 0;
    while delivered < 5 {
        match events.next_within(LONG).unwrap().expect("nothing is sent") {
            Event::Delivered { ids, upstream } if upstream == "new" => delivered += ids.len(),
            Event::Delivered { upstream, .. } => panic!("{upstream} got some again"),
            _ => {}
        }
    }
    assert_eq!(stage.world.has("new.example"), all);
}

/// Never comes back, or panics.
enum Bad {
    Hangs(Mutex<std::sync::mpsc::Receiver<()>>),
    Panics,
}

impl CredentialsProvider for Bad {
    fn credentials(&self) -> Option<Credentials> {
        match self {
            Self::Hangs(until) => {
                let _ = until.lock().unwrap().recv();
                None
            }
            Self::Panics => panic!("the provider does what it must not"),
        }
    }
}

#[test]
fn a_provider_that_hangs_or_panics_concerns_its_own_upstream_alone() {
    let (end, until) = std::sync::mpsc::channel();
    for bad in [Bad::Hangs(Mutex::new(until)), Bad::Panics] {
        let hangs = matches!(bad, Bad::Hangs(_));
        let stage = Stage::new();
        let collector = Arc::new(stage.open());
        let second = collector
            .add_upstream(NewUpstream {
                credentials: None,
                credentials_provider: Some(Arc::new(bad)),
                ..at("second")
            })
            .unwrap();
        let lrs = stage.world.lrs("second.example");
        lrs.instead(|_| Some(Ok(answer(401, "who are you"))));
        record(&collector, 0..2);
        let events = collector.events();
        let syncing = Arc::clone(&collector);
        let all = spawn(move || syncing.sync());
        let done = loop {
            let event = events.next_within(LONG).unwrap().expect("nothing happens");
            if let Event::Synced { report, upstream } = event
                && upstream == "main"
            {
                break report;
            }
        };
        assert_eq!((done.delivered, done.ended), (2, Ended::Emptied));
        if hangs {
            assert!(second.status().unwrap().syncing);
            end.send(()).unwrap();
        }
        let report = all.join().unwrap().unwrap();
        assert_eq!(of(&report, "second").ended.code(), "needs_app");
    }
}

#[test]
fn one_that_is_to_get_something_and_that_nobody_delivers_to_here_is_not_healthy() {
    let stage = Stage::new();
    stage.open().add_upstream(at("second")).unwrap();
    let collector = stage.open();
    let second = || collector.upstreams().unwrap().remove(1);
    assert!(!second().opened && second().is_healthy());
    record(&collector, 0..2);
    assert!(!second().is_healthy() && second().status.is_healthy());
    assert!(collector.upstreams().unwrap()[0].is_healthy());
    collector.add_upstream(at("second")).unwrap();
    assert!(second().is_healthy());
    assert_eq!(second().status.undelivered(), 2);
}

/// Gives what no header can hold.
struct Nonsense;

impl CredentialsProvider for Nonsense {
    fn credentials(&self) -> Option<Credentials> {
        Some(Credentials::Basic {
            user: "two\nlines".to_owned(),
            password: "s3cret".to_owned(),
        })
    }
}

#[test]
fn a_provider_that_gives_nonsense_hides_nothing_of_other_upstreams() {
    let stage = Stage::new();
    let config = Config {
        credentials_provider: Some(Arc::new(Nonsense)),
        ..stage.config()
    };
    let collector = Collector::open(stage.path(), config).unwrap();
    collector.add_upstream(at("second")).unwrap();
    let lrs = stage.world.lrs("main.example");
    lrs.instead(|_| Some(Ok(answer(401, "who are you"))));
    record(&collector, 0..5);
    let report = collector.sync().unwrap();
    assert_eq!(of(&report, "second").delivered, 5);
    let Ended::NeedsApp { trouble } = &of(&report, "main").ended else {
        panic!("{report:?}")
    };
    assert_eq!(trouble.problem, Problem::Credentials);
    assert!(trouble.words.contains("provider"), "{}", trouble.words);
    assert!(!trouble.words.contains("s3cret"), "{}", trouble.words);
}

#[test]
fn each_syncs_by_itself_and_all_stop_with_a_pause() {
    let stage = Stage::new();
    let config = Config {
        sync: SyncPolicy::Automatic {
            count: 1,
            age: Duration::ZERO,
        },
        ..stage.config()
    };
    let collector = Collector::open(stage.path(), config).unwrap();
    let second = collector.add_upstream(at("second")).unwrap();
    // The first one asks for an hour.
    stage.world.lrs("main.example").instead(|_| {
        let mut busy = answer(503, "busy");
        busy.headers.push(("Retry-After".into(), "3600".into()));
        Some(Ok(busy))
    });
    let events = collector.events();
    let delivered = |wanted: &str, mut count: usize| {
        while count > 0 {
            let event = events.next_within(LONG).unwrap().expect("nothing is sent");
            if let Event::Delivered { ids, upstream } = event {
                assert_eq!(upstream, wanted);
                count -= ids.len();
            }
        }
    };
    record(&collector, 0..3);
    delivered("second", 3);
    record(&collector, 3..4);
    delivered("second", 1);
    collector.pause().unwrap();
    let asked = stage.world.asked.load(Ordering::Relaxed);
    assert!(matches!(second.sync(), Err(Error::Store(_))));
    assert_eq!(stage.world.asked.load(Ordering::Relaxed), asked);
    collector.resume().unwrap();
    record(&collector, 4..5);
    delivered("second", 1);
    stage.world.lrs("main.example").behave();
    stage.clock.pass(DAY);
    collector
        .upstream("main")
        .unwrap()
        .set_credentials(Some(&token("main.example")))
        .unwrap();
    delivered("main", 5);
    drop(collector);
    assert_eq!(rows(&stage.path()), 0);
}

/// Whatever was under way when the process died is known for each by itself.
#[test]
fn after_a_kill_each_goes_on_where_it_was() {
    let stage = Stage::new();
    let (collector, _) = stage.two();
    let recorded = record(&collector, 0..4);
    collector.upstream("main").unwrap().sync().unwrap();
    let lrs = stage.world.lrs("second.example");
    *lrs.hangs.lock().unwrap() = true;
    let collector = Arc::new(collector);
    let syncing = Arc::clone(&collector);
    spawn(move || syncing.sync());
    lrs.wait_until_asked();
    // As the file is when the process dies now.
    let copy = stage.folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(stage.folder.path()).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
    }
    *lrs.hangs.lock().unwrap() = false;
    let after = Collector::open(copy.join("queue.db"), stage.config()).unwrap();
    let second = after.add_upstream(at("second")).unwrap();
    let main = after.status().unwrap();
    assert_eq!((main.ledger.queued, main.waiting_until), (0, None));
    let status = second.status().unwrap();
    assert_eq!(status.ledger.queued, 4);
    assert!(status.waiting_until.is_some(), "{status:?}");
    stage.clock.pass(Duration::from_hours(1));
    record(&after, 4..5);
    let report = after.sync().unwrap();
    assert_eq!(of(&report, "main").delivered, 1);
    assert_eq!(of(&report, "second").delivered, 5);
    assert!(
        recorded
            .iter()
            .all(|id| stage.world.has("second.example").contains(id))
    );
}

/// Who reads that all is delivered may delete the queue.
#[test]
fn one_that_another_process_adds_during_a_sync_is_told_of() {
    let stage = Stage::new();
    let collector = stage.open();
    record(&collector, 1..=1);
    let (path, config) = (stage.path(), stage.config());
    let is_added = AtomicUsize::new(0);
    stage.world.lrs("main.example").instead(move |request| {
        if request.method == Method::Post && is_added.fetch_add(1, Ordering::Relaxed) == 0 {
            let another = Collector::open(&path, config.clone()).unwrap();
            let mut new = at("second");
            new.backfill = true;
            another.add_upstream(new).unwrap();
        }
        None
    });
    let report = collector.sync().unwrap();
    assert_eq!(of(&report, "main").ended, Ended::Emptied);
    let Ended::NeedsApp { trouble, .. } = &of(&report, "second").ended else {
        panic!("{report:?}");
    };
    assert_eq!(trouble.problem, Problem::Credentials);
}
