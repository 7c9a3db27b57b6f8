//! The session against a scripted LRS, in virtual time.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::PathBuf;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Ended, Session, SessionConfig, Step};
use crate::event::Event;
use crate::lrs::{Answer, Credentials, Endpoint, Failure, Method, Request};
use crate::statement::{Fill, XapiVersion, prepare};
use crate::store::{
    Db, Durability, HistoryPolicy, HoldReason, Holder, Millis, Page, Problem, WaitKind, WaitReason,
};

/// What an LRS does with what it has already.
#[derive(Clone, Copy, PartialEq)]
enum OnKnown {
    AllIds,
    NewIds,
    NoContent,
    Refuse { naming: bool },
}

/// What goes wrong with one request; afterwards all is well.
#[derive(Clone)]
enum Fault {
    Answer(u16, Vec<(&'static str, String)>, &'static str),
    LoseAnswer,
    Fail(Failure),
}

struct Lrs {
    stored: BTreeMap<Uuid, Value>,
    voided: HashSet<Uuid>,
    on_known: OnKnown,
    /// POSTs with one of these are answered by this status.
    dislikes: BTreeMap<Uuid, u16>,
    names_culprit: bool,
    /// GETs of these are answered by 500.
    cannot_show: HashSet<Uuid>,
    max_bytes: usize,
    versions: Vec<&'static str>,
    password: String,
    may_read: bool,
    /// Its clock minus the device's.
    ahead: Millis,
    faults: VecDeque<Fault>,
    posts: Vec<usize>,
    gets: usize,
    requests: usize,
}

impl Lrs {
    fn new() -> Self {
        Self {
            stored: BTreeMap::new(),
            voided: HashSet::new(),
            on_known: OnKnown::AllIds,
            dislikes: BTreeMap::new(),
            names_culprit: false,
            cannot_show: HashSet::new(),
            max_bytes: usize::MAX,
            versions: vec!["1.0.3", "2.0.0"],
            password: "secret".into(),
            may_read: true,
            ahead: 0,
            faults: VecDeque::new(),
            posts: Vec::new(),
            gets: 0,
            requests: 0,
        }
    }

    fn perform(&mut self, request: &Request, now: Millis) -> Result<Answer, Failure> {
        self.requests += 1;
        let date = jiff::Timestamp::from_millisecond(now + self.ahead).unwrap();
        let date = jiff::fmt::strtime::format("%a, %d %b %Y %H:%M:%S GMT", date).unwrap();
        let mut outcome = self.answer(request);
        if let Ok(answer) = &mut outcome {
            answer.headers.push(("Date".into(), date));
        }
        outcome
    }

    fn answer(&mut self, request: &Request) -> Result<Answer, Failure> {
        match self.faults.pop_front() {
            Some(Fault::Fail(failure)) => Err(failure),
            Some(Fault::Answer(status, headers, body)) => {
                Ok(answer(status, &headers, body.to_owned()))
            }
            Some(Fault::LoseAnswer) => {
                self.obey(request);
                Err(Failure::Broken("reset".into()))
            }
            None => Ok(self.obey(request)),
        }
    }

    fn obey(&mut self, request: &Request) -> Answer {
        let header = |name| {
            request
                .headers
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| v.clone())
        };
        if request.url.ends_with("/about") {
            return answer(200, &[], json!({ "version": self.versions }).to_string());
        }
        let expected = Credentials::Basic {
            user: "app".into(),
            password: self.password.clone(),
        };
        let expected = expected.authorization().unwrap();
        let shown = crate::lrs::requests::about(&endpoint(), Some(&expected));
        let expected = shown
            .headers
            .iter()
            .find(|(n, _)| *n == "Authorization")
            .map(|(_, v)| v.clone());
        if header("Authorization") != expected {
            // As one real LRS: 400 to a POST, 401 to a GET.
            let status = if request.method == Method::Post {
                400
            } else {
                401
            };
            return answer(status, &[], "no".into());
        }
        let version = header("X-Experience-API-Version").unwrap();
        if !self.versions.contains(&version.as_str()) {
            return answer(400, &[], "version".into());
        }
        match request.method {
            Method::Post => self.post(request.body.as_deref().unwrap()),
            Method::Get => self.get(&request.url),
        }
    }

    fn post(&mut self, body: &[u8]) -> Answer {
        let batch: Vec<Value> = match serde_json::from_slice(body).unwrap() {
            Value::Array(batch) => batch,
            one => vec![one],
        };
        self.posts.push(batch.len());
        if body.len() > self.max_bytes {
            return answer(413, &[], "too large".into());
        }
        let ids: Vec<Uuid> = batch
            .iter()
            .map(|s| s["id"].as_str().unwrap().parse().unwrap())
            .collect();
        for (at, id) in ids.iter().enumerate() {
            if let Some(status) = self.dislikes.get(id) {
                let words = if self.names_culprit {
                    format!("statements.{at}.verb")
                } else {
                    "bad".into()
                };
                return answer(*status, &[], words);
            }
        }
        let other = ids
            .iter()
            .zip(&batch)
            .find(|(id, s)| self.stored.get(id).is_some_and(|had| had != *s));
        if other.is_some() {
            return answer(409, &[], String::new());
        }
        let new: Vec<_> = ids
            .iter()
            .filter(|id| !self.stored.contains_key(id))
            .copied()
            .collect();
        if let (OnKnown::Refuse { naming }, true) = (self.on_known, new.len() < ids.len()) {
            let known = ids.iter().find(|id| self.stored.contains_key(id)).unwrap();
            return answer(
                409,
                &[],
                if naming {
                    known.to_string()
                } else {
                    String::new()
                },
            );
        }
        for (id, statement) in ids.iter().zip(&batch) {
            if statement["verb"]["id"] == "http://adlnet.gov/expapi/verbs/voided" {
                let target = statement["object"]["id"].as_str().unwrap().parse().unwrap();
                // Only what came in an earlier request is voided, as on two real LRSs.
                if self.stored.contains_key(&target) && !ids.contains(&target) {
                    self.voided.insert(target);
                }
            }
            self.stored.insert(*id, statement.clone());
        }
        match self.on_known {
            OnKnown::NoContent if new.is_empty() => answer(204, &[], String::new()),
            OnKnown::NewIds => answer(200, &[], json!(new).to_string()),
            _ => answer(200, &[], json!(ids).to_string()),
        }
    }

    fn get(&mut self, url: &str) -> Answer {
        self.gets += 1;
        if !self.may_read {
            return answer(403, &[], "write only".into());
        }
        let (name, id) = url.split_once('?').unwrap().1.split_once('=').unwrap();
        let id: Uuid = id.parse().unwrap();
        if self.cannot_show.contains(&id) {
            return answer(500, &[], "more than one".into());
        }
        let voided = self.voided.contains(&id);
        match self.stored.get(&id) {
            Some(found) if voided == (name == "voidedStatementId") => {
                answer(200, &[], found.to_string())
            }
            _ => answer(404, &[], "none".into()),
        }
    }
}

fn answer(status: u16, headers: &[(&str, String)], body: String) -> Answer {
    let headers = headers
        .iter()
        .map(|(n, v)| ((*n).to_owned(), v.clone()))
        .collect();
    Answer {
        status,
        headers,
        body: body.into_bytes(),
    }
}

fn endpoint() -> Endpoint {
    Endpoint::parse("https://lrs.example/xAPI").unwrap()
}

const START: Millis = 1_800_000_000_000;

struct Device {
    db: Db,
    lrs: Lrs,
    now: Millis,
    password: String,
    by_hand: bool,
    events: Vec<Event>,
    _folder: tempfile::TempDir,
}

impl Device {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("queue.db");
        let db = Db::open(&path, Durability::ProcessCrash, START).unwrap().db;
        Self {
            db,
            lrs: Lrs::new(),
            now: START,
            password: "secret".into(),
            by_hand: false,
            events: Vec::new(),
            _folder: folder,
        }
    }

    fn record(&mut self, count: u128) -> Vec<Uuid> {
        let from = u128::from(self.db.ledger().unwrap().recorded) + 1;
        (from..from + count)
            .map(|n| self.record_one(n, "", START - 1_000))
            .collect()
    }

    fn record_one(&mut self, n: u128, more: &str, timestamp_ms: Millis) -> Uuid {
        let id = Uuid::from_u128(n | 0x4000_8000_0000_0000_0000);
        let text = format!(
            r#"{{"id":"{id}","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},
            "object":{{"id":"http://example.com/{n}"}}{more}}}"#
        );
        self.record_text(&text, timestamp_ms)
    }

    fn record_text(&mut self, text: &str, timestamp_ms: Millis) -> Uuid {
        let fill = Fill {
            id: Uuid::new_v4(),
            now_ms: timestamp_ms,
        };
        let prepared = prepare(text.as_bytes(), XapiVersion::V2_0_0, &fill).unwrap();
        let id = prepared.id;
        self.db
            .append(&[&vec![prepared]], self.now)
            .remove(0)
            .unwrap();
        id
    }

    fn void(&mut self, target: Uuid) -> Uuid {
        self.record_text(
            &format!(
                r#"{{"actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://adlnet.gov/expapi/verbs/voided"}},
                "object":{{"objectType":"StatementRef","id":"{target}"}}}}"#
            ),
            START - 1_000,
        )
    }

    /// One session, without waiting.
    fn sync(&mut self) -> Ended {
        let config = SessionConfig {
            endpoint: endpoint(),
            authorization: Some(
                Credentials::Basic {
                    user: "app".into(),
                    password: self.password.clone(),
                }
                .authorization()
                .unwrap(),
            ),
            version: None,
            max_statements: 50,
            max_bytes: 512 * 1024,
            history: HistoryPolicy::None,
            by_hand: self.by_hand,
        };
        let mut session = Session::new(config, Holder([1; 16]), fastrand::Rng::with_seed(1));
        for _ in 0..10_000 {
            let step = session.next(&mut self.db, self.now).unwrap();
            self.check();
            self.events.extend(session.take_events());
            match step {
                Step::Done(ended) => return ended,
                Step::Wait { until, why } => {
                    let trouble = session.trouble().cloned();
                    return Ended::Waiting {
                        until,
                        why,
                        trouble,
                    };
                }
                Step::Send(request) => {
                    let outcome = self.lrs.perform(&request, self.now);
                    self.now += 20;
                    session.answered(&mut self.db, outcome, self.now).unwrap();
                    self.check();
                }
            }
        }
        panic!("the session does not end");
    }

    /// Sessions until nothing is due, going to the end of each wait.
    fn sync_all(&mut self) -> usize {
        for sessions in 1..100 {
            match self.sync() {
                Ended::Emptied => return sessions,
                Ended::Waiting { until, .. } => self.now = until.max(self.now),
                other => panic!("{other:?}"),
            }
        }
        panic!("does not come to an end: {:?}", self.db.ledger());
    }

    /// Every statement is in exactly one place, and the counters say where.
    fn check(&self) {
        let ledger = self.db.ledger().unwrap();
        let all = Page {
            after: 0,
            limit: usize::MAX >> 1,
        };
        assert_eq!(
            ledger.queued as usize,
            self.db.queued(all).unwrap().len(),
            "{ledger:?}"
        );
        assert_eq!(
            ledger.waiting as usize,
            self.db.waiting(all).unwrap().len(),
            "{ledger:?}"
        );
        assert_eq!(
            ledger.held as usize,
            self.db.held(all).unwrap().len(),
            "{ledger:?}"
        );
        let bytes: usize = self
            .db
            .queued(all)
            .unwrap()
            .iter()
            .map(|s| s.statement.len())
            .sum();
        assert_eq!(ledger.queued_bytes as usize, bytes);
    }

    fn delivered(&self) -> usize {
        self.db.ledger().unwrap().delivered as usize
    }

    fn held(&self) -> Vec<(Uuid, HoldReason)> {
        self.db
            .held(Page::default())
            .unwrap()
            .iter()
            .map(|held| (held.id, held.reason))
            .collect()
    }

    fn problem(&self) -> Option<Problem> {
        self.db
            .upstream()
            .unwrap()
            .learned
            .trouble
            .map(|trouble| trouble.problem)
    }
}

#[test]
fn delivers_everything_in_as_few_requests_as_there_can_be() {
    let mut device = Device::new();
    let ids = device.record(120);
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.lrs.posts, [50, 50, 20]);
    assert_eq!(device.lrs.requests, 4, "one /about and three batches");
    assert_eq!(device.delivered(), 120);
    assert!(ids.iter().all(|id| device.lrs.stored.contains_key(id)));
    let told: usize = device
        .events
        .iter()
        .map(|event| {
            if let Event::Delivered { ids } = event {
                ids.len()
            } else {
                0
            }
        })
        .sum();
    assert_eq!(told, 120);
    // The version is remembered, and nothing is sent when nothing is due.
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.lrs.requests, 4);
}

#[test]
fn an_answer_lost_after_storing_counts_nothing_twice() {
    for on_known in [
        OnKnown::AllIds,
        OnKnown::NewIds,
        OnKnown::NoContent,
        OnKnown::Refuse { naming: true },
        OnKnown::Refuse { naming: false },
    ] {
        let mut device = Device::new();
        device.lrs.on_known = on_known;
        device.record(60);
        device
            .lrs
            .faults
            .extend([Fault::Answer(404, vec![], ""), Fault::LoseAnswer]);
        let ended = device.sync();
        assert!(
            matches!(
                ended,
                Ended::Waiting {
                    why: WaitKind::OutcomeUnknown,
                    ..
                }
            ),
            "{ended:?}"
        );
        assert_eq!(device.lrs.stored.len(), 50);
        assert_eq!(device.delivered(), 0);
        device.sync_all();
        assert_eq!((device.delivered(), device.lrs.stored.len()), (60, 60));
        assert!(device.held().is_empty());
    }
}

#[test]
fn one_bad_statement_is_held_with_the_lrss_words_and_the_others_pass() {
    for (status, reason) in [
        (400, HoldReason::Refused),
        (422, HoldReason::Refused),
        (403, HoldReason::Forbidden),
        (413, HoldReason::TooLarge),
    ] {
        for names_culprit in [true, false] {
            for at in [0, 25, 49] {
                let mut device = Device::new();
                let ids = device.record(50);
                device.lrs.dislikes.insert(ids[at], status);
                device.lrs.names_culprit = names_culprit;
                assert_eq!(device.sync(), Ended::Emptied, "{status} {at}");
                assert_eq!(device.held(), [(ids[at], reason)]);
                assert_eq!(device.delivered(), 49);
                let held = device.db.held_one(ids[at]).unwrap().unwrap();
                assert_eq!(held.status, Some(status));
                assert!(!held.words.is_empty());
                let most = if names_culprit && reason == HoldReason::Refused {
                    6
                } else {
                    18
                };
                assert!(
                    device.lrs.requests <= most,
                    "{status} {at}: {}",
                    device.lrs.requests
                );
            }
        }
    }
}

#[test]
fn a_statement_the_lrs_fails_on_neither_blocks_nor_sinks_the_others() {
    let mut device = Device::new();
    let ids = device.record(60);
    device.lrs.dislikes.insert(ids[7], 500);
    for _ in 0..40 {
        match device.sync() {
            Ended::Waiting { until, .. } => device.now = until,
            Ended::Emptied => device.now += 30 * 60 * 1000,
            other => panic!("{other:?}"),
        }
        // Others keep coming, so that the LRS can show that it is well.
        device.record(1);
    }
    assert_eq!(device.held(), [(ids[7], HoldReason::ServerError)]);
    let ledger = device.db.ledger().unwrap();
    assert!(ledger.queued <= 1, "{ledger:?}");
}

#[test]
fn an_lrs_that_refuses_everything_gets_nothing_held() {
    for status in [400, 403, 422, 500, 502, 413] {
        let mut device = Device::new();
        let ids = device.record(200);
        for id in &ids {
            device.lrs.dislikes.insert(*id, status);
        }
        for _ in 0..30 {
            let before = device.lrs.requests;
            match device.sync() {
                Ended::Waiting { until, .. } => device.now = until,
                other => panic!("{other:?}"),
            }
            assert!(
                device.lrs.requests - before < 90,
                "{status}: {}",
                device.lrs.requests - before
            );
        }
        assert!(device.held().is_empty(), "{status}");
        assert_eq!(device.db.ledger().unwrap().queued, 200);
        device.lrs.dislikes.clear();
        device.sync_all();
        assert_eq!(
            (device.delivered(), device.lrs.stored.len()),
            (200, 200),
            "{status}"
        );
    }
}

#[test]
fn a_statement_that_the_lrs_has_twice_and_cannot_show_blocks_nobody() {
    let mut device = Device::new();
    let ids = device.record(20);
    // As one LRS does for ever after a quick second try: 409 to the POST, 500 to the GET.
    device.lrs.dislikes.insert(ids[0], 409);
    device.lrs.cannot_show.insert(ids[0]);
    device.sync_all();
    assert_eq!(device.held(), [(ids[0], HoldReason::ConflictUnseen)]);
    assert_eq!(device.delivered(), 19);
}

#[test]
fn an_upstream_that_is_down_is_asked_little() {
    let mut device = Device::new();
    device.record(500);
    for _ in 0..20 {
        device.lrs.faults = vec![Fault::Answer(500, vec![], "down"); 100].into();
        let before = device.lrs.requests;
        let Ended::Waiting { until, .. } = device.sync() else {
            panic!("no wait")
        };
        device.now = until;
        assert!(
            device.lrs.requests - before <= 9,
            "{}",
            device.lrs.requests - before
        );
    }
    device.lrs.faults.clear();
    device.sync_all();
    assert_eq!(device.delivered(), 500);
    assert!(device.held().is_empty());
}

#[test]
fn a_long_run_of_bad_statements_blocks_nobody() {
    let mut device = Device::new();
    let bad = device.record(100);
    let good = device.record(30);
    for id in &bad {
        device.lrs.dislikes.insert(*id, 400);
    }
    device.sync_all();
    assert_eq!(device.delivered(), 30);
    assert!(good.iter().all(|id| device.lrs.stored.contains_key(id)));
    assert_eq!(device.db.ledger().unwrap().held, 100);
}

#[test]
fn a_wrong_password_pauses_and_keeps_everything_until_there_is_another() {
    let mut device = Device::new();
    device.record(10);
    device.lrs.password = "changed".into();
    let ended = device.sync();
    assert!(
        matches!(&ended, Ended::NeedsApp { trouble } if trouble.problem == Problem::Credentials),
        "{ended:?}"
    );
    assert!(
        device
            .events
            .iter()
            .any(|event| matches!(event, Event::NeedsApp { .. }))
    );
    let requests = device.lrs.requests;
    device.now += 365 * 24 * 3_600_000;
    assert!(matches!(device.sync(), Ended::NeedsApp { .. }));
    assert_eq!(
        device.lrs.requests, requests,
        "no login is tried again by itself"
    );
    assert_eq!(device.db.ledger().unwrap().queued, 10);
    device.password = "changed".into();
    device.by_hand = true;
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 10);
}

#[test]
fn what_is_not_an_lrs_gets_nothing_delivered_and_nothing_held() {
    let portals = [
        Fault::Answer(
            200,
            vec![("Content-Type", "text/html".into())],
            "<html><title>Login</title></html>",
        ),
        Fault::Answer(
            302,
            vec![("Location", "https://portal.example/login".into())],
            "",
        ),
        Fault::Answer(511, vec![], ""),
        Fault::Answer(204, vec![], ""),
        Fault::Answer(200, vec![], "{}"),
        Fault::Answer(200, vec![], "[]"),
    ];
    for portal in portals {
        let mut device = Device::new();
        device.record(5);
        // The LRS is known from before; then the portal answers everything for a day.
        assert_eq!(device.sync(), Ended::Emptied);
        device.record(5);
        for _ in 0..20 {
            device.lrs.faults.extend(vec![portal.clone(); 20]);
            match device.sync() {
                Ended::Waiting { until, .. } => device.now = until,
                other => panic!("{other:?}"),
            }
            device.lrs.faults.clear();
        }
        assert_eq!(device.delivered(), 5);
        assert_eq!(device.problem(), Some(Problem::NotAnLrs));
        device.sync_all();
        assert_eq!(device.delivered(), 10);
        assert!(device.held().is_empty());
        assert_eq!(device.problem(), None);
    }
}

#[test]
fn waits_as_long_as_the_lrs_asks_even_by_hand_and_not_for_ever() {
    for (asked, waits) in [("120", 120_000), ("99999999", 24 * 3_600_000)] {
        let mut device = Device::new();
        device.by_hand = true;
        device.record(1);
        device
            .lrs
            .faults
            .push_back(Fault::Answer(503, vec![("Retry-After", asked.into())], ""));
        let sent = device.now;
        match device.sync() {
            Ended::Waiting {
                until,
                why: WaitKind::RetryAfter,
                ..
            } => {
                assert!(
                    (waits..waits + 1_000).contains(&(until - sent)),
                    "{}",
                    until - sent
                );
                device.now = until - 1;
            }
            other => panic!("{other:?}"),
        }
        let requests = device.lrs.requests;
        assert!(matches!(
            device.sync(),
            Ended::Waiting {
                why: WaitKind::RetryAfter,
                ..
            }
        ));
        assert_eq!(device.lrs.requests, requests);
        device.now += 1;
        assert_eq!(device.sync(), Ended::Emptied);
    }
}

#[test]
fn by_hand_skips_the_backoff_but_not_an_unknown_outcome() {
    let mut device = Device::new();
    device.record(1);
    device
        .lrs
        .faults
        .push_back(Fault::Fail(Failure::Unreachable("no route".into())));
    assert!(matches!(
        device.sync(),
        Ended::Waiting {
            why: WaitKind::Backoff,
            ..
        }
    ));
    device.by_hand = true;
    device.lrs.faults.extend([
        Fault::Answer(404, vec![], ""),
        Fault::Fail(Failure::TimedOut),
    ]);
    let timed_out_at = device.now;
    match device.sync() {
        Ended::Waiting {
            until,
            why: WaitKind::OutcomeUnknown,
            ..
        } => {
            assert!(until - timed_out_at >= 30_000, "longer than the time-out");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        device.sync(),
        Ended::Waiting {
            why: WaitKind::OutcomeUnknown,
            ..
        }
    ));
}

#[test]
fn what_was_never_sent_can_still_be_retracted_after_an_outage() {
    let mut device = Device::new();
    let ids = device.record(3);
    assert_eq!(device.sync(), Ended::Emptied);
    let late = device.record(2);
    device
        .lrs
        .faults
        .push_back(Fault::Fail(Failure::Unreachable("no route".into())));
    device.sync();
    device.db.retract(late[0]).unwrap();
    device.check();
    assert!(device.db.retract(ids[0]).is_err());
    device
        .lrs
        .faults
        .push_back(Fault::Fail(Failure::Broken("reset".into())));
    device.by_hand = true;
    device.sync();
    assert!(
        device.db.retract(late[1]).is_err(),
        "it may have reached the LRS"
    );
}

#[test]
fn another_statement_under_the_same_id_is_a_conflict_with_both_copies() {
    for on_known in [
        OnKnown::AllIds,
        OnKnown::Refuse { naming: true },
        OnKnown::Refuse { naming: false },
    ] {
        let mut device = Device::new();
        device.lrs.on_known = on_known;
        let ids = device.record(20);
        let theirs = json!({"id": ids[3], "actor": {"mbox": "mailto:b@example.com"},
            "verb": {"id": "http://example.com/did"}, "object": {"id": "http://example.com/else"}});
        device.lrs.stored.insert(ids[3], theirs.clone());
        assert_eq!(device.sync(), Ended::Emptied);
        assert_eq!(device.held(), [(ids[3], HoldReason::Conflict)]);
        let held = device.db.held_one(ids[3]).unwrap().unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&held.theirs.unwrap()).unwrap(),
            theirs
        );
        assert_eq!(device.delivered(), 19);
    }
}

#[test]
fn a_voiding_goes_after_its_target_is_delivered_and_not_with_it() {
    let mut device = Device::new();
    let ids = device.record(3);
    let voiding = device.void(ids[1]);
    // And one that was recorded before its target.
    let later = Uuid::from_u128(0x6000_4000_8000_0000_0000_0000);
    let early = device.void(later);
    device.record(1);
    device.record_text(
        &format!(
            r#"{{"id":"{later}","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},
            "object":{{"id":"http://example.com/later"}}}}"#
        ),
        START - 1_000,
    );
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 7);
    assert_eq!(device.lrs.voided, HashSet::from([ids[1], later]));
    assert!(device.lrs.stored.contains_key(&voiding) && device.lrs.stored.contains_key(&early));
}

#[test]
fn a_voiding_waits_for_a_held_target() {
    let mut device = Device::new();
    let ids = device.record(3);
    device.void(ids[1]);
    device.lrs.dislikes.insert(ids[1], 400);
    assert_eq!(device.sync(), Ended::Emptied);
    let waiting = device.db.waiting(Page::default()).unwrap();
    assert_eq!(
        waiting.iter().map(|w| w.reason).collect::<Vec<_>>(),
        [WaitReason::Target]
    );
    device.lrs.dislikes.clear();
    device.db.retry(ids[1], device.now).unwrap();
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 4);
    assert!(device.lrs.voided.contains(&ids[1]));
}

#[test]
fn a_future_timestamp_waits_by_the_lrss_clock() {
    let mut device = Device::new();
    device.record_one(1, "", START + 3_600_000);
    device.record_one(2, "", START - 1_000);
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(
        (device.delivered(), device.db.ledger().unwrap().waiting),
        (1, 1)
    );
    device.now = device.db.next_due().unwrap().unwrap();
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 2);
    // A device an hour slow sends what lies in its own future and not in the LRS's.
    let mut slow = Device::new();
    slow.lrs.ahead = 3_600_000;
    slow.record_one(1, "", START + 3_000_000);
    assert_eq!(slow.sync(), Ended::Emptied);
    assert_eq!(slow.delivered(), 1);
}

#[test]
fn a_clock_put_right_frees_what_waits_for_its_time() {
    let mut device = Device::new();
    // The device's clock is a year ahead, and so are its timestamps.
    let year = 365 * 86_400_000;
    device.lrs.ahead = -year;
    device.record_one(1, "", START);
    assert_eq!(device.sync(), Ended::Emptied);
    let about = |due: Option<Millis>, expected: Millis| {
        due.is_some_and(|due| (due - expected).abs() < 1_000)
    };
    assert!(about(device.db.next_due().unwrap(), START + year));
    // It is put right: by the new clock the time to wait until is another.
    device.now -= year;
    device.lrs.ahead = 0;
    assert_eq!(device.sync(), Ended::Emptied);
    assert!(about(device.db.next_due().unwrap(), START));
    device.now = START + 1_000;
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 1);
}

#[test]
fn what_only_2_0_has_waits_for_an_upstream_that_speaks_it() {
    let mut device = Device::new();
    device.lrs.versions = vec!["1.0.3"];
    let context = r#","context":{"contextAgents":[{"objectType":"contextAgent","agent":{"mbox":"mailto:c@example.com"}}]}"#;
    let waits = device.record_one(1, context, START - 1_000);
    device.record(3);
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 3);
    let waiting = device.db.waiting(Page::default()).unwrap();
    assert_eq!(
        waiting.iter().map(|w| (w.id, w.reason)).collect::<Vec<_>>(),
        [(waits, WaitReason::Version)]
    );
    device.lrs.versions = vec!["1.0.3", "2.0.0"];
    device.now += 25 * 3_600_000;
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 4);
}

#[test]
fn finds_the_version_of_an_lrs_that_does_not_tell() {
    for versions in [vec!["1.0.3"], vec!["2.0.0"]] {
        let mut device = Device::new();
        device.lrs.versions = versions;
        device.record(20);
        device.lrs.faults.push_back(Fault::Answer(404, vec![], ""));
        assert_eq!(device.sync(), Ended::Emptied);
        assert_eq!(device.delivered(), 20);
        assert!(device.held().is_empty());
    }
}

#[test]
fn learns_how_much_the_lrs_bears_and_grows_again() {
    let mut device = Device::new();
    device.lrs.max_bytes = 40_000;
    let long = format!(r#","result":{{"response":"{}"}}"#, "x".repeat(5_000));
    for n in 1..=100 {
        device.record_one(n, &long, START - 1_000);
    }
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 100);
    assert!(device.held().is_empty());
    let learned = device.db.upstream().unwrap().learned;
    assert!(
        learned.max_bytes.is_some_and(|max| max <= 60_000),
        "{learned:?}"
    );
    assert!(device.lrs.posts.len() < 60, "{:?}", device.lrs.posts);
}

#[test]
fn a_credential_that_may_not_read_delivers_all_the_same() {
    for on_known in [OnKnown::AllIds, OnKnown::NoContent] {
        let mut device = Device::new();
        device.lrs.may_read = false;
        device.lrs.on_known = on_known;
        device.record(60);
        device
            .lrs
            .faults
            .extend([Fault::Answer(404, vec![], ""), Fault::LoseAnswer]);
        device.sync();
        device.sync_all();
        assert_eq!((device.delivered(), device.lrs.stored.len()), (60, 60));
    }
}

#[test]
fn two_holders_never_sync_at_once_and_a_dead_ones_lease_ends() {
    let mut device = Device::new();
    device.record(5);
    let other = Holder([9; 16]);
    device
        .db
        .claim(other, device.now, device.now + 60_000)
        .unwrap();
    assert!(matches!(device.sync(), Ended::Busy { until } if until == device.now + 60_000));
    assert_eq!(device.lrs.requests, 0);
    device.now += 60_001;
    assert_eq!(device.sync(), Ended::Emptied);
    // A lease from a clock that ran ahead is no lease.
    device.record(1);
    device
        .db
        .claim(other, device.now, device.now + 365 * 24 * 3_600_000)
        .unwrap();
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 6);
}

#[test]
fn no_jump_of_the_clock_stops_the_sync() {
    for jump in [
        -40 * 365 * 24 * 3_600_000_i64,
        -86_400_000,
        -1_000,
        86_400_000,
        10 * 365 * 24 * 3_600_000,
    ] {
        let mut device = Device::new();
        device.record(5);
        device.lrs.faults.push_back(Fault::Answer(500, vec![], ""));
        device.lrs.faults.push_back(Fault::Answer(500, vec![], ""));
        let Ended::Waiting { until, .. } = device.sync() else {
            panic!("no wait")
        };
        device.now = until + jump;
        device.lrs.ahead = -jump;
        device.sync_all();
        assert_eq!(device.delivered(), 5, "{jump}");
        assert!(device.held().is_empty());
    }
}

#[test]
fn history_is_kept_only_as_long_as_asked() {
    let mut device = Device::new();
    let ids = device.record(5);
    device
        .db
        .settle(
            &crate::store::Settlement {
                settled: (1..=5)
                    .map(|seq| crate::store::Settled {
                        seq,
                        outcome: crate::store::Outcome::Delivered,
                    })
                    .collect(),
                ..Default::default()
            },
            HistoryPolicy::For(1_000),
            device.now,
        )
        .unwrap();
    let kept = device.db.history(Page::default()).unwrap();
    assert_eq!(kept.iter().map(|one| one.id).collect::<Vec<_>>(), ids);
    assert_eq!(kept[0].delivered_at, Some(device.now));
    while device
        .db
        .purge(HistoryPolicy::For(1_000), device.now + 500)
        .unwrap()
    {}
    assert_eq!(device.db.history(Page::default()).unwrap().len(), 5);
    while device
        .db
        .purge(HistoryPolicy::For(1_000), device.now + 1_001)
        .unwrap()
    {}
    assert!(device.db.history(Page::default()).unwrap().is_empty());
    assert_eq!(device.delivered(), 5);
}
