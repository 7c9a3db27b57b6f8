//! What an app goes through with an LRS, each told once and run against every one of them.

use std::collections::BTreeMap;

use pannier::statement::model::{Agent, XapiActivity};
use pannier::statement::{Statement, vocabulary::verbs};
use pannier::store::{HeldStatement, HoldReason, Problem, WaitKind};
use pannier::{Credentials, Ended, Page, Uuid};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::device::Device;
use crate::lrs::{Kind, Lrs, credentials};
use crate::proxy::{Fault, Proxy, Seen};
use crate::sample;

/// A device, its LRS, and the network in between.
struct World {
    device: Device,
    proxy: Proxy,
    lrs: Lrs,
}

impl World {
    fn connected(kind: Kind) -> Self {
        let lrs = Lrs::start(kind);
        let proxy = Proxy::unreachable();
        proxy.connect(lrs.url());
        Self {
            device: Device::new(&proxy.url(lrs.url())),
            proxy,
            lrs,
        }
    }

    fn held(&self) -> Vec<HeldStatement> {
        let held = self.device.collector.held(Page::default());
        held.expect("it can be read")
    }

    /// All was delivered that was recorded, each once and as it was recorded.
    fn is_at_peace(&self, recorded: &BTreeMap<Uuid, String>) {
        self.lrs.has_exactly(recorded);
        self.sent_nothing_but(recorded);
        let ledger = self.device.status().ledger;
        assert_eq!(ledger.delivered, recorded.len() as u64);
        assert_eq!((ledger.queued, ledger.waiting, ledger.held), (0, 0, 0));
    }

    /// Whatever went over the wire, however often: the bytes that were recorded, never one id in
    /// two requests at a time, never one id twice in a request.
    fn sent_nothing_but(&self, recorded: &BTreeMap<Uuid, String>) {
        for post in posts(&self.proxy) {
            let mut ids = Vec::new();
            for (id, text) in statements(&post) {
                assert_eq!(
                    recorded.get(&id),
                    Some(&text),
                    "what was sent is not what was recorded"
                );
                ids.push(id);
            }
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), count, "an id twice in one request");
        }
        assert_eq!(
            self.proxy.overlaps(),
            [""; 0],
            "an id in two requests at a time"
        );
    }
}

fn posts(proxy: &Proxy) -> Vec<Seen> {
    proxy
        .seen()
        .into_iter()
        .filter(|seen| seen.method == "POST")
        .collect()
}

/// The statements of a request, as they stand in its body.
fn statements(post: &Seen) -> Vec<(Uuid, String)> {
    let texts: Vec<&RawValue> = match serde_json::from_slice(&post.body) {
        Ok(texts) => texts,
        Err(_) => vec![serde_json::from_slice(&post.body).expect("a POST has JSON in it")],
    };
    let id = |text: &RawValue| {
        serde_json::from_str::<Value>(text.get()).ok()?["id"]
            .as_str()?
            .parse()
            .ok()
    };
    texts
        .into_iter()
        .map(|text| {
            (
                id(text).expect("every statement is sent with an id"),
                text.get().to_owned(),
            )
        })
        .collect()
}

/// Nobody is there; later the LRS is.
pub fn recorded_offline_then_delivered(kind: Kind) {
    let proxy = Proxy::unreachable();
    let device = Device::new(&proxy.url("http://nowhere/xAPI"));
    device.record_samples(1, 120);
    let typed = Statement::new(
        Agent::mbox("mailto:ada@example.com"),
        verbs::COMPLETED,
        XapiActivity::new("https://example.com/videos/leadership-basics"),
    );
    device.collector.record(typed).expect("it is valid");
    let recorded = device.queued();
    assert_eq!(recorded.len(), 121);
    for _ in 0..3 {
        match device.sync().ended {
            Ended::Waiting {
                trouble: Some(trouble),
                ..
            } => assert_eq!(trouble.problem, Problem::Unreachable),
            other => panic!("nobody is there, and yet: {other:?}"),
        }
    }
    assert_eq!(device.status().ledger.queued, 121);

    let lrs = Lrs::start(kind);
    proxy.connect(lrs.url());
    assert_eq!(device.sync_through(), Ended::Emptied);
    World { device, proxy, lrs }.is_at_peace(&recorded);
}

/// The LRS stores a batch, and the answer is lost, or cut; or the batch never arrives.
pub fn sent_again_after_a_lost_answer(kind: Kind) {
    let world = World::connected(kind);
    let mut recorded = BTreeMap::new();
    for (run, (fault, arrives)) in [
        (Fault::LoseAnswer, true),
        (Fault::CutAnswer, true),
        (Fault::Reset, false),
    ]
    .into_iter()
    .enumerate()
    {
        world.device.record_samples(run as u32, 60);
        recorded.extend(world.device.queued());
        world.proxy.next_post(fault.clone());
        let report = world.device.sync();
        assert_eq!(
            report.delivered, 0,
            "{fault:?}: nothing proves that anything arrived"
        );
        let Ended::Waiting { why, .. } = report.ended else {
            panic!(
                "{fault:?}: nothing may be sent now, and yet: {:?}",
                report.ended
            )
        };
        assert_eq!(why, WaitKind::OutcomeUnknown, "{fault:?}");
        let first = world.lrs.ask().get(sample::id(run as u32, 0));
        assert_eq!(first.is_some(), arrives, "{fault:?}");
        assert_eq!(world.device.sync_through(), Ended::Emptied, "{fault:?}");
    }
    world.is_at_peace(&recorded);
}

/// Somebody else has stored another statement under one of the ids.
pub fn a_conflict_is_held_and_stops_nobody(kind: Kind) {
    let world = World::connected(kind);
    let mut theirs = sample::statement(1, 7);
    theirs["verb"] = json!({"id": "http://adlnet.gov/expapi/verbs/experienced"});
    world.lrs.ask().post(&json!([theirs]));
    world.device.record_samples(1, 20);
    let mut recorded = world.device.queued();

    assert_eq!(world.device.sync_through(), Ended::Emptied);
    let held = world.held();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(
        (held[0].id, held[0].reason),
        (sample::id(1, 7), HoldReason::Conflict)
    );
    let shown: Value =
        serde_json::from_str(held[0].theirs.as_deref().expect("their copy")).expect("JSON");
    assert_eq!(shown["verb"]["id"], theirs["verb"]["id"]);
    assert_eq!(world.device.status().ledger.delivered, 19);
    world.sent_nothing_but(&recorded);

    world
        .device
        .collector
        .discard(sample::id(1, 7))
        .expect("it is held");
    recorded.insert(sample::id(1, 7), theirs.to_string());
    world.lrs.has_exactly(&recorded);
    assert_eq!(world.device.status().ledger.held, 0);
}

/// The LRS refuses a statement that the standard allows; the app corrects it.
pub fn a_refusal_is_held_and_stops_nobody(kind: Kind) {
    let world = World::connected(kind);
    if kind == Kind::Hub {
        world.proxy.refuse("@schoolserver");
    }
    // Both real LRSs take a mail address without a dot for a mistake.
    let mut refused = sample::statement(1, 10);
    refused["actor"] = json!({"mbox": "mailto:pupil@schoolserver"});
    world.device.record_samples(1, 10);
    world
        .device
        .collector
        .record(refused.to_string())
        .expect("it is valid");
    world.device.record_samples(2, 10);
    let mut recorded = world.device.queued();

    assert_eq!(world.device.sync_through(), Ended::Emptied);
    let held = world.held();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(
        (held[0].id, held[0].reason),
        (sample::id(1, 10), HoldReason::Refused)
    );
    assert!(!held[0].words.is_empty(), "the LRS said why");
    assert_eq!(world.device.status().ledger.delivered, 20);
    world.sent_nothing_but(&recorded);

    let corrected = sample::statement(1, 10).to_string();
    world
        .device
        .collector
        .replace(sample::id(1, 10), corrected.as_str())
        .expect("it is held");
    assert_eq!(world.device.sync_through(), Ended::Emptied);
    recorded.insert(sample::id(1, 10), corrected);
    world.lrs.has_exactly(&recorded);
    assert_eq!(world.device.status().ledger.delivered, 21);
}

/// The password is wrong, until the app sets the right one.
pub fn a_wrong_password_keeps_everything(kind: Kind) {
    let lrs = Lrs::start(kind);
    let proxy = Proxy::unreachable();
    proxy.connect(lrs.url());
    let wrong = Credentials::Basic {
        user: "tester".into(),
        password: "expired".into(),
    };
    let device = Device::with_credentials(&proxy.url(lrs.url()), wrong);
    device.record_samples(1, 60);
    let recorded = device.queued();
    for _ in 0..3 {
        match device.sync_through() {
            Ended::NeedsApp { trouble } => assert_eq!(trouble.problem, Problem::Credentials),
            other => panic!("the password is wrong, and yet: {other:?}"),
        }
    }
    let ledger = device.status().ledger;
    assert_eq!((ledger.queued, ledger.held), (60, 0));

    device
        .collector
        .set_credentials(Some(&credentials()))
        .expect("they can be used");
    assert_eq!(device.sync_through(), Ended::Emptied);
    World { device, proxy, lrs }.is_at_peace(&recorded);
}

/// A workshop's week.
pub fn two_thousand_at_once(kind: Kind) {
    let world = World::connected(kind);
    world.device.record_samples(1, 2_000);
    let recorded = world.device.queued();
    assert_eq!(world.device.sync_through(), Ended::Emptied);
    world.is_at_peace(&recorded);

    let posts = posts(&world.proxy);
    let sent: Vec<Uuid> = posts
        .iter()
        .flat_map(statements)
        .map(|(id, _)| id)
        .collect();
    let captured: Vec<Uuid> = (0..2_000).map(|n| sample::id(1, n)).collect();
    assert!(sent == captured, "in capture order, each once");
    assert!(
        posts
            .iter()
            .all(|post| post.body.len() <= 512 * 1024 && statements(post).len() <= 50)
    );
}

/// A long queue, with four requests in flight; one of its statements is refused.
pub fn a_thousand_with_four_requests_in_flight(kind: Kind) {
    let lrs = Lrs::start(kind);
    let proxy = Proxy::unreachable();
    proxy.connect(lrs.url());
    let world = World {
        device: Device::with_in_flight(&proxy.url(lrs.url()), 4),
        proxy,
        lrs,
    };
    if kind == Kind::Hub {
        world.proxy.refuse("@schoolserver");
    }
    let mut refused = sample::statement(3, 0);
    refused["actor"] = json!({"mbox": "mailto:pupil@schoolserver"});
    world.device.record_samples(1, 500);
    let refused = world.device.collector.record(refused.to_string());
    let refused = refused.expect("it is valid").id;
    world.device.record_samples(2, 500);
    let mut recorded = world.device.queued();

    assert_eq!(world.device.sync_through(), Ended::Emptied);
    let held = world.held();
    assert_eq!(held.iter().map(|one| one.id).collect::<Vec<_>>(), [refused]);
    assert_eq!(world.device.status().ledger.delivered, 1_000);
    let at_once = world.proxy.most_at_once();
    assert!((2..=4).contains(&at_once), "{at_once} in flight");
    world.sent_nothing_but(&recorded);
    recorded.remove(&refused);
    world.lrs.has_exactly(&recorded);
}

/// A statement and its voiding, recorded one after the other.
pub fn a_voiding_follows_its_target(kind: Kind) {
    let world = World::connected(kind);
    world.device.record_samples(1, 3);
    let target = sample::id(1, 1);
    let voiding = world
        .device
        .collector
        .void(target, Agent::mbox("mailto:ada@example.com"));
    let voiding = voiding.expect("it is valid");
    world.device.record_samples(2, 3);
    let mut recorded = world.device.queued();
    recorded.extend(waiting(&world.device));
    assert_eq!(recorded.len(), 7);
    assert_eq!(world.device.sync_through(), Ended::Emptied);

    let request_of = |wanted: Uuid| {
        let has = |post: &Seen| statements(post).iter().any(|(id, _)| *id == wanted);
        posts(&world.proxy)
            .iter()
            .position(has)
            .expect("it was sent")
    };
    assert!(request_of(voiding) > request_of(target));
    assert_eq!(world.device.status().ledger.delivered, 7);
    // Ralph knows no voiding; elsewhere the target is gone from sight.
    let voided = world.lrs.ask().get(target).is_none();
    assert_eq!(voided, matches!(kind, Kind::Hub | Kind::LearningLocker));
    if voided {
        recorded.remove(&target);
    }
    world.lrs.has_exactly(&recorded);
}

fn waiting(device: &Device) -> BTreeMap<Uuid, String> {
    let page = Page {
        after: 0,
        limit: 500,
    };
    let waiting = device.collector.waiting(page).expect("it can be read");
    waiting
        .into_iter()
        .map(|one| (one.id, one.statement))
        .collect()
}

/// A hotel's login page, a redirect to one, and an LRS that asks for patience.
pub fn a_bad_network_holds_nothing(kind: Kind) {
    let world = World::connected(kind);
    world.device.record_samples(1, 60);
    let recorded = world.device.queued();
    let portals = [
        Fault::say(
            200,
            &["Content-Type: text/html"],
            "<html>Welcome! Please log in.</html>",
        ),
        Fault::say(
            200,
            &["Content-Type: application/json"],
            r#"{"login": "required"}"#,
        ),
        Fault::say(302, &["Location: http://portal.example/login"], ""),
        Fault::say(
            511,
            &["Content-Type: text/html"],
            "<html>Please log in.</html>",
        ),
    ];
    for portal in portals {
        world.proxy.everything(Some(portal.clone()));
        for _ in 0..3 {
            let ended = world.device.sync_rounds(1).expect_err("it waits");
            let Ended::Waiting {
                trouble: Some(trouble),
                ..
            } = &ended
            else {
                panic!("{portal:?}: {ended:?}")
            };
            assert_eq!(trouble.problem, Problem::NotAnLrs, "{portal:?}");
        }
    }
    world
        .proxy
        .everything(Some(Fault::say(503, &["Retry-After: 120"], "restarting")));
    let is_patient = |ended| {
        matches!(
            ended,
            Ended::Waiting {
                why: WaitKind::RetryAfter,
                ..
            }
        )
    };
    assert!(is_patient(world.device.sync().ended));
    let asked = world.proxy.seen().len();
    world.proxy.everything(None);
    assert!(is_patient(world.device.sync().ended));
    assert_eq!(
        world.proxy.seen().len(),
        asked,
        "two minutes were asked for"
    );

    assert_eq!(world.device.sync_through(), Ended::Emptied);
    assert_eq!(world.device.status().ledger.held, 0);
    world.is_at_peace(&recorded);
}

/// An LRS takes the first batch and fails for good from then on: no statement is at fault.
pub fn an_lrs_that_breaks_keeps_everything(kind: Kind) {
    let world = World::connected(kind);
    world.device.record_samples(1, 120);
    let recorded = world.device.queued();
    let last = world
        .device
        .sync_rounds(12)
        .expect_err("it waits for the LRS to be mended");
    let Ended::Waiting {
        trouble: Some(trouble),
        ..
    } = last
    else {
        panic!("{last:?}")
    };
    assert_eq!(trouble.problem, Problem::ServerError);

    world.sent_nothing_but(&recorded);
    let ledger = world.device.status().ledger;
    let theirs = world.lrs.ask().all_statements();
    assert_eq!((ledger.delivered, ledger.held), (theirs.len() as u64, 0));
    assert_eq!(ledger.queued + ledger.waiting, 120 - ledger.delivered);
}

/// One test for each scenario that an LRS in working order must pass; with an attribute on each.
#[macro_export]
macro_rules! every_scenario {
    ($kind:expr $(, $attribute:meta)?) => {
        $crate::every_scenario! { @ $kind, [$(#[$attribute])?],
            recorded_offline_then_delivered
            sent_again_after_a_lost_answer
            a_conflict_is_held_and_stops_nobody
            a_refusal_is_held_and_stops_nobody
            a_wrong_password_keeps_everything
            two_thousand_at_once
            a_thousand_with_four_requests_in_flight
            a_voiding_follows_its_target
            a_bad_network_holds_nothing
        }
    };
    (@ $kind:expr, $attributes:tt, $($scenario:ident)*) => {
        $( $crate::every_scenario! { @@ $kind, $attributes, $scenario } )*
    };
    (@@ $kind:expr, [$(#[$attribute:meta])?], $scenario:ident) => {
        #[test]
        $(#[$attribute])?
        fn $scenario() {
            $crate::scenarios::$scenario($kind);
        }
    };
}
