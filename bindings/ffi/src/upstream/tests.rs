//! Two LRSs from one queue. What is right is what the LRSs have stored.

mod world;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use super::*;
use crate::{
    BlockingCollector, Config, CredentialsError, CredentialsProvider, Ended, Event, EventListener,
    HoldReason, ListenerError, NewUpstream, Problem, Remainder, Transport, UpstreamReport,
};
use world::World;

struct Gives(&'static str);

impl CredentialsProvider for Gives {
    fn credentials(&self) -> Result<Option<Credentials>, CredentialsError> {
        let token = self.0.to_owned();
        Ok(Some(Credentials::Bearer { token }))
    }
}

struct Hears(Mutex<Sender<Event>>);

impl EventListener for Hears {
    fn on_event(&self, event: Event) -> Result<(), ListenerError> {
        // Whoever heard enough does not mind.
        let _ = self.0.lock().unwrap().send(event);
        Ok(())
    }
}

struct Stage {
    world: Arc<World>,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        Self {
            world: Arc::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn open(&self) -> Arc<BlockingCollector> {
        let config = Config {
            endpoint: Some(url("main")),
            credentials: Some(token("of-main")),
            ..Config::default()
        };
        let path = self.folder.path().join("queue.db").display().to_string();
        let transport = Arc::clone(&self.world) as Arc<dyn Transport>;
        BlockingCollector::open(path, config, Some(transport), None).unwrap()
    }
}

fn url(host: &str) -> Url {
    Url(format!("https://{host}/xAPI"))
}

fn token(token: &str) -> Credentials {
    let token = token.to_owned();
    Credentials::Bearer { token }
}

/// An LRS of its own, whose host is called as the upstream is.
fn at(name: &str) -> NewUpstream {
    NewUpstream {
        name: name.to_owned(),
        endpoint: url(name),
        credentials: Some(token(&format!("of-{name}"))),
        route: Route::default(),
        backfill: false,
        speak: None,
        write_only: false,
        trust_lrs_clock: false,
    }
}

fn lesson(n: usize) -> String {
    format!(
        r#"{{"actor":{{"mbox":"mailto:ada@example.com"}},"verb":{{"id":"https://example.com/did"}},"object":{{"id":"https://example.com/lessons/{n}"}}}}"#
    )
}

fn of<'a>(report: &'a SyncReport, name: &str) -> &'a UpstreamReport {
    report
        .upstreams
        .iter()
        .find(|one| one.name == name)
        .unwrap()
}

fn set(ids: &[Uuid]) -> BTreeSet<Uuid> {
    ids.iter().copied().collect()
}

#[test]
fn one_that_is_down_delays_no_other_and_events_say_whose_they_are() {
    let stage = Stage::new();
    let collector = stage.open();
    let before = collector.record_json(lesson(0)).unwrap().id;
    let second = collector.add_upstream(at("second"), None).unwrap();
    assert_eq!(second.name(), "second");
    let (hear, heard) = channel();
    collector.add_listener(Arc::new(Hears(Mutex::new(hear))));
    let both = [1, 2].map(|n| collector.record_json(lesson(n)).unwrap().id);
    stage.world.with("second", |lrs| lrs.down = true);

    let report = collector.sync(None).unwrap();
    let all = set(&[before, both[0], both[1]]);
    assert_eq!(stage.world.has("main"), all);
    assert_eq!((report.delivered, of(&report, "main").delivered), (3, 3));
    assert_eq!(of(&report, "main").ended, Ended::Emptied);
    assert!(matches!(&of(&report, "second").ended,
        Ended::Waiting { trouble: Some(trouble), .. } if trouble.problem == Problem::Unreachable));
    assert_eq!(collector.status().unwrap().trouble, None);
    assert_eq!(second.status().unwrap().queued, 2);
    let queued = second.queued(0, 50).unwrap();
    assert_eq!(queued.iter().map(|one| one.id).collect::<Vec<_>>(), both);

    stage.world.with("second", |lrs| lrs.down = false);
    let report = second.sync(None).unwrap();
    assert_eq!((report.delivered, report.upstreams), (2, Vec::new()));
    // What was there before the upstream was added is for the first one alone.
    assert_eq!(stage.world.has("second"), set(&both));
    drop(collector);
    let mut delivered = Vec::new();
    let mut troubled = BTreeSet::new();
    for event in heard {
        match event {
            Event::Delivered { ids, upstream } => delivered.push((upstream, set(&ids))),
            Event::WaitingUntil { upstream, .. } => {
                troubled.insert(upstream);
            }
            Event::Synced { report, upstream } => assert!(
                report.upstreams.is_empty() && ["main", "second"].contains(&&*upstream),
                "{report:?}"
            ),
            _ => {}
        }
    }
    let wanted = [("main".to_owned(), all), ("second".to_owned(), set(&both))];
    assert_eq!(delivered, wanted);
    assert_eq!(troubled, BTreeSet::from(["second".to_owned()]));
    let closed = second.status().unwrap_err();
    assert!(matches!(closed, PannierError::Closing { .. }), "{closed}");
}

#[test]
fn each_gets_what_its_route_takes() {
    let stage = Stage::new();
    let collector = stage.open();
    let lessons = Route {
        activities: vec!["https://example.com/lessons/1".to_owned()],
        verbs: vec!["https://example.com/did".to_owned()],
    };
    let some = collector.add_upstream(
        NewUpstream {
            route: lessons.clone(),
            ..at("some")
        },
        None,
    );
    let some = some.unwrap();
    assert_eq!(some.route().unwrap(), lessons);
    let recorded: Vec<_> = [1, 2, 10]
        .map(|n| collector.record_json(lesson(n)).unwrap().id)
        .into();
    let other = Route {
        activities: Vec::new(),
        verbs: vec!["https://example.com/slept".to_owned()],
    };
    some.set_route(other.clone()).unwrap();
    let later = collector.record_json(lesson(1)).unwrap().id;
    let slept = collector
        .record_json(lesson(7).replace("/did", "/slept"))
        .unwrap()
        .id;
    collector.sync(None).unwrap();
    assert_eq!(
        stage.world.has("some"),
        set(&[recorded[0], recorded[2], slept])
    );
    assert_eq!(stage.world.has("main").len(), 5);
    assert!(stage.world.has("main").contains(&later));
    let listed = collector.upstreams().unwrap();
    let told: Vec<_> = listed
        .iter()
        .map(|one| (&*one.name, &one.route, one.opened))
        .collect();
    assert_eq!(
        told,
        [("main", &Route::default(), true), ("some", &other, true)]
    );
    assert_eq!(listed[1].status, some.status().unwrap());
    let refused = collector
        .upstream("main")
        .unwrap()
        .set_route(other)
        .unwrap_err();
    assert!(
        matches!(refused, PannierError::MainStays { .. }),
        "{refused}"
    );
}

/// Records lessons of which `second` has other copies, under the same ids.
fn in_conflict<const N: usize>(stage: &Stage, collector: &BlockingCollector) -> [Uuid; N] {
    let ids = std::array::from_fn(|n| Uuid::from_u128(4_711 + n as u128));
    for id in ids {
        let with_id = |text: String| text.replacen('{', &format!("{{\"id\":\"{id}\","), 1);
        collector.record_json(with_id(lesson(1))).unwrap();
        let theirs = serde_json::from_str(&with_id(lesson(2))).unwrap();
        stage
            .world
            .with("second", |lrs| lrs.stored.insert(id.to_string(), theirs));
    }
    ids
}

#[test]
fn what_one_refuses_is_decided_there_alone() {
    let stage = Stage::new();
    let collector = stage.open();
    let second = collector.add_upstream(at("second"), None).unwrap();
    let good = collector.record_json(lesson(0)).unwrap().id;
    let ids = in_conflict::<3>(&stage, &collector);
    collector.sync(None).unwrap();
    assert_eq!(
        stage.world.has("main"),
        set(&[good, ids[0], ids[1], ids[2]])
    );
    let held = second.held(0, 50).unwrap();
    assert_eq!(held.iter().map(|one| one.id).collect::<Vec<_>>(), ids);
    assert!(collector.held(0, 50).unwrap().is_empty());
    assert!(second.waiting(0, 50).unwrap().is_empty());
    let one = second.held_one(ids[0]).unwrap();
    assert_eq!(one.reason, HoldReason::Conflict);
    for elsewhere in [collector.discard(ids[0]), collector.retry(ids[0])] {
        let elsewhere = elsewhere.unwrap_err();
        let is_not_there = matches!(
            &elsewhere,
            PannierError::NotHeld { .. } | PannierError::Unknown { .. }
        );
        assert!(is_not_there, "{elsewhere}");
    }

    stage.world.with("second", |lrs| {
        lrs.stored.retain(|id, _| *id == good.to_string());
    });
    second.retry(ids[0]).unwrap();
    second.discard(ids[1]).unwrap();
    let new = second.replace_json(ids[2], lesson(33)).unwrap();
    second.sync(None).unwrap();
    assert_eq!(stage.world.has("second"), set(&[good, ids[0], new]));
    collector.sync(None).unwrap();
    assert_eq!(
        stage.world.has("main"),
        set(&[good, ids[0], ids[1], ids[2]])
    );
    let status = second.status().unwrap();
    assert_eq!((status.held, status.discarded, status.replaced), (0, 1, 1));
}

#[test]
fn a_conflict_at_one_is_ended_there() {
    let stage = Stage::new();
    let collector = stage.open();
    let second = collector.add_upstream(at("second"), None).unwrap();
    let ids = in_conflict::<2>(&stage, &collector);
    collector.sync(None).unwrap();
    assert_eq!(stage.world.has("main"), set(&ids));
    let conflict = second.conflict(ids[0]).unwrap();
    assert!(conflict.theirs.unwrap().contains("/lessons/2"));
    assert!(collector.conflict(ids[0]).is_err());
    second.keep_theirs(ids[0]).unwrap();
    let new = second.send_as_new(ids[1]).unwrap();
    second.sync(None).unwrap();
    assert_eq!(stage.world.has("second"), set(&[ids[0], ids[1], new]));
    let ours = stage
        .world
        .with("second", |lrs| lrs.stored[&new.to_string()].clone());
    assert_eq!(ours["object"]["id"], "https://example.com/lessons/1");
    assert_eq!(stage.world.has("main"), set(&ids));
}

#[test]
fn no_lrs_sees_anothers_credentials_and_no_provider_is_asked_for_another() {
    let stage = Stage::new();
    let collector = stage.open();
    for (name, token) in [("second", "new-second"), ("third", "of-third")] {
        stage.world.with(name, |lrs| lrs.token = Some(token));
    }
    let provider = Arc::new(Gives("new-second"));
    let second = collector
        .add_upstream(at("second"), Some(provider))
        .unwrap();
    let third = NewUpstream {
        credentials: None,
        ..at("third")
    };
    let third = collector.add_upstream(third, None).unwrap();
    let id = collector.record_json(lesson(1)).unwrap().id;
    let report = collector.sync(None).unwrap();
    assert_eq!(stage.world.has("second"), set(&[id]));
    assert!(matches!(&of(&report, "third").ended,
        Ended::NeedsApp { trouble } if trouble.problem == Problem::Credentials));
    third.set_credentials(Some(token("of-third"))).unwrap();
    assert_eq!(third.sync(None).unwrap().delivered, 1);
    assert_eq!(stage.world.seen("main"), ["Bearer of-main"]);
    assert_eq!(
        stage.world.seen("second"),
        ["Bearer new-second", "Bearer of-second"]
    );
    assert_eq!(stage.world.seen("third"), ["Bearer of-third"]);

    // To another LRS none goes along.
    second.set_endpoint(&url("fourth")).unwrap();
    let later = collector.record_json(lesson(2)).unwrap().id;
    second.sync(None).unwrap();
    second.set_target(&url("fifth"), token("of-fifth")).unwrap();
    let last = collector.record_json(lesson(3)).unwrap().id;
    second.sync(None).unwrap();
    assert_eq!(stage.world.has("fourth"), set(&[later]));
    assert_eq!(stage.world.has("fifth"), set(&[last]));
    assert!(stage.world.seen("fourth").is_empty());
    assert_eq!(stage.world.seen("fifth"), ["Bearer of-fifth"]);
}

#[test]
fn what_is_there_already_goes_to_one_that_asks_for_it() {
    let stage = Stage::new();
    let collector = stage.open();
    let before = [1, 2].map(|n| collector.record_json(lesson(n)).unwrap().id);
    let late = NewUpstream {
        backfill: true,
        ..at("late")
    };
    collector.add_upstream(late, None).unwrap();
    collector.add_upstream(at("second"), None).unwrap();
    let after = collector.record_json(lesson(3)).unwrap().id;
    collector.sync(None).unwrap();
    assert_eq!(stage.world.has("late"), set(&[before[0], before[1], after]));
    assert_eq!(stage.world.has("second"), set(&[after]));
}

#[test]
fn one_is_removed_with_what_is_left_or_not_at_all() {
    let stage = Stage::new();
    let collector = stage.open();
    let second = collector.add_upstream(at("second"), None).unwrap();
    stage.world.with("second", |lrs| lrs.down = true);
    let ids = [1, 2].map(|n| collector.record_json(lesson(n)).unwrap().id);
    collector.sync(None).unwrap();
    let refused = collector
        .remove_upstream("second", Remainder::MustBeEmpty)
        .unwrap_err();
    assert!(
        matches!(&refused, PannierError::UpstreamNotEmpty { name, left: 2, .. } if name == "second"),
        "{refused}"
    );
    assert_eq!(
        collector
            .remove_upstream("second", Remainder::Discard)
            .unwrap(),
        2
    );
    stage.world.with("second", |lrs| lrs.down = false);
    for gone in [
        second.sync(None).map(drop),
        second.status().map(drop),
        collector.upstream("second").map(drop),
        collector
            .remove_upstream("second", Remainder::Discard)
            .map(drop),
    ] {
        let gone = gone.unwrap_err();
        assert!(
            matches!(&gone, PannierError::NoUpstream { name, .. } if name == "second"),
            "{gone}"
        );
    }
    let report = collector.sync(None).unwrap();
    assert_eq!(
        (report.ended, report.upstreams),
        (Ended::Emptied, Vec::new())
    );
    assert!(stage.world.has("second").is_empty());
    assert_eq!(stage.world.has("main"), set(&ids));
    let main = collector
        .remove_upstream("main", Remainder::Discard)
        .unwrap_err();
    assert!(matches!(main, PannierError::MainStays { .. }), "{main}");
    let kind =
        |refused: Result<Arc<BlockingUpstream>, PannierError>| refused.map(drop).unwrap_err();
    let name = kind(collector.add_upstream(at("Second"), None));
    assert!(matches!(&name, PannierError::UpstreamName { name, .. } if name == "Second"));
    collector.add_upstream(at("third"), None).unwrap();
    let elsewhere = NewUpstream {
        endpoint: url("fourth"),
        ..at("third")
    };
    let other = kind(collector.add_upstream(elsewhere, None));
    assert!(matches!(&other, PannierError::OtherUpstream { name, .. } if name == "third"));
}

#[test]
fn a_probe_asks_that_upstream_with_its_credentials() {
    let stage = Stage::new();
    let collector = stage.open();
    let second = collector.add_upstream(at("second"), None).unwrap();
    let probe = second.probe().unwrap();
    assert_eq!(probe.endpoint, url("second"));
    assert_eq!(stage.world.seen("second"), ["Bearer of-second"]);
    assert!(stage.world.seen("main").is_empty());
    second
        .probe_storing(crate::statement_from_json(&lesson(1)).unwrap())
        .unwrap();
    assert_eq!(stage.world.has("second").len(), 1);
}
