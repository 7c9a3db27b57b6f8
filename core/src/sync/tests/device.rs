//! A device in virtual time, with its queue and its LRS.

use std::path::PathBuf;

use uuid::Uuid;

use super::lrs::{Lrs, endpoint};
use crate::clock::{Now, Steady};
use crate::event::Event;
use crate::lrs::Credentials;
use crate::statement::{Content, Fill, XapiVersion, prepare};
use crate::store::{
    Db, Durability, HistoryPolicy, HoldReason, Holder, Millis, Page, Problem, UpstreamId,
    WaitReason,
};
use crate::sync::{Ended, Session, SessionConfig, Step};

pub(super) const START: Millis = 1_800_000_000_000;

pub(super) struct Device {
    pub(super) db: Db,
    pub(super) lrs: Lrs,
    pub(super) now: Millis,
    /// What the wall clock said when the steady one was at zero; none: there is no steady one.
    pub(super) booted_at: Option<Millis>,
    pub(super) password: String,
    pub(super) by_hand: bool,
    pub(super) in_flight: u32,
    pub(super) write_only: bool,
    process: u8,
    /// Seed of what a session leaves to chance.
    pub(super) chance: u64,
    pub(super) events: Vec<Event>,
    pub(super) _folder: tempfile::TempDir,
}

impl Device {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("queue.db");
        let db = Db::open(&path, Durability::ProcessCrash, START).unwrap().db;
        Self {
            db,
            lrs: Lrs::new(),
            now: START,
            booted_at: None,
            password: "secret".into(),
            by_hand: false,
            in_flight: 1,
            write_only: false,
            process: 1,
            chance: 1,
            events: Vec::new(),
            _folder: folder,
        }
    }

    pub(super) fn record(&mut self, count: u128) -> Vec<Uuid> {
        let from = u128::from(self.db.ledger(UpstreamId::MAIN).unwrap().recorded) + 1;
        (from..from + count)
            .map(|n| self.record_one(n, "", START - 1_000))
            .collect()
    }

    pub(super) fn record_one(&mut self, n: u128, more: &str, timestamp_ms: Millis) -> Uuid {
        let id = Uuid::from_u128(n | 0x4000_8000_0000_0000_0000);
        let text = format!(
            r#"{{"id":"{id}","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},
            "object":{{"id":"http://example.com/{n}"}}{more}}}"#
        );
        self.record_text(&text, timestamp_ms)
    }

    pub(super) fn record_text(&mut self, text: &str, timestamp_ms: Millis) -> Uuid {
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

    /// A statement with this content.
    pub(super) fn record_with(&mut self, n: u128, octets: &[u8]) -> Uuid {
        let id = Uuid::from_u128(n | 0x4000_8000_0000_0000_0000);
        let content = Content::bytes(octets);
        let text = format!(
            r#"{{"id":"{id}","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},
            "object":{{"id":"http://example.com/{n}"}},"attachments":[{{"usageType":"http://example.com/u",
            "display":{{"en":"x"}},"contentType":"text/plain","length":{},"sha2":"{}"}}]}}"#,
            octets.len(),
            content.sha2()
        );
        let fill = Fill {
            id,
            now_ms: START - 1_000,
        };
        let prepared = prepare(text.as_bytes(), XapiVersion::V1_0_3, &fill).unwrap();
        let prepared = prepared.with_contents(&[content]).unwrap();
        let recorded = self.db.append(&[&vec![prepared]], self.now).remove(0);
        recorded.unwrap();
        id
    }

    /// Why each statement waits aside.
    pub(super) fn waiting(&self) -> Vec<(Uuid, WaitReason)> {
        let waiting = self.db.waiting(UpstreamId::MAIN, Page::default()).unwrap();
        waiting.iter().map(|one| (one.id, one.reason)).collect()
    }

    pub(super) fn void(&mut self, target: Uuid) -> Uuid {
        self.record_text(
            &format!(
                r#"{{"actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://adlnet.gov/expapi/verbs/voided"}},
                "object":{{"objectType":"StatementRef","id":"{target}"}}}}"#
            ),
            START - 1_000,
        )
    }

    pub(super) fn session(&self) -> Session {
        let config = SessionConfig {
            upstream: UpstreamId::MAIN,
            name: "main".to_owned(),
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
            requests_in_flight: self.in_flight,
            write_only: self.write_only,
            trust_lrs_clock: false,
            history: HistoryPolicy::None,
            by_hand: self.by_hand,
        };
        Session::new(
            config,
            Holder([self.process; 16]),
            fastrand::Rng::with_seed(self.chance),
        )
    }

    /// What the clocks say.
    pub(super) fn clocks(&self) -> Now {
        Now {
            wall_ms: self.now,
            steady: self.booted_at.map(|at_zero| Steady {
                ms: self.now - at_zero,
                boot: 1,
            }),
        }
    }

    /// The wall clock is set, and no time goes by.
    pub(super) fn set_the_clock(&mut self, by: Millis) {
        self.now += by;
        self.booted_at = self.booted_at.map(|at_zero| at_zero + by);
    }

    /// The next process.
    pub(super) fn restart(&mut self) {
        self.process += 1;
    }

    /// One session, without waiting.
    pub(super) fn sync(&mut self) -> Ended {
        let mut session = self.session();
        self.run(&mut session)
    }

    /// That session, to its end or until it has to wait.
    pub(super) fn run(&mut self, session: &mut Session) -> Ended {
        for _ in 0..10_000 {
            let clocks = self.clocks();
            let step = session.next(&mut self.db, clocks).unwrap();
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
                Step::Send { ticket, request } => {
                    let outcome = self.lrs.perform(&request, self.now);
                    self.now += 20;
                    let clocks = self.clocks();
                    session
                        .answered(&mut self.db, ticket, outcome, clocks)
                        .unwrap();
                    self.check();
                }
                Step::Again => {}
                Step::Await => panic!("nothing is under way"),
            }
        }
        panic!("the session does not end");
    }

    /// Sessions until nothing is due, going to the end of each wait.
    pub(super) fn sync_all(&mut self) -> usize {
        for sessions in 1..100 {
            match self.sync() {
                Ended::Emptied => return sessions,
                Ended::Waiting { until, .. } => self.now = until.max(self.now),
                other => panic!("{other:?}"),
            }
        }
        panic!(
            "does not come to an end: {:?}",
            self.db.ledger(UpstreamId::MAIN)
        );
    }

    /// The time passes until one that waits aside is due, of which there is one.
    pub(super) fn go_to_the_next_due(&mut self) {
        let due = self.db.next_due(UpstreamId::MAIN).unwrap().unwrap();
        self.now = due.max(self.now);
    }

    /// Until nothing waits for its time any more: what is refused is tried again, each time later.
    pub(super) fn sync_to_the_last(&mut self) {
        for _ in 0..1_000 {
            self.sync_all();
            match self.db.next_due(UpstreamId::MAIN).unwrap() {
                Some(due) => self.now = due.max(self.now),
                None => return,
            }
        }
        panic!(
            "does not come to an end: {:?}",
            self.db.ledger(UpstreamId::MAIN)
        );
    }

    /// As an app would that syncs when something is due, until all is delivered or so much time has passed.
    pub(super) fn go_on_for(&mut self, long: Millis) {
        let end = self.now + long;
        while self.now < end {
            self.chance += 1;
            let next = match self.sync() {
                Ended::Waiting { until, .. } => Some(until),
                _ => self.db.next_due(UpstreamId::MAIN).unwrap(),
            };
            match next {
                Some(next) => self.now = next.max(self.now + 50),
                None => return,
            }
        }
    }

    /// Every statement is in exactly one place, and the counters say where.
    pub(super) fn check(&self) {
        let ledger = self.db.ledger(UpstreamId::MAIN).unwrap();
        let all = Page {
            after: 0,
            limit: usize::MAX >> 1,
        };
        assert_eq!(
            ledger.queued as usize,
            self.db.queued(UpstreamId::MAIN, all).unwrap().len(),
            "{ledger:?}"
        );
        assert_eq!(
            ledger.waiting as usize,
            self.db.waiting(UpstreamId::MAIN, all).unwrap().len(),
            "{ledger:?}"
        );
        assert_eq!(
            ledger.held as usize,
            self.db.held(UpstreamId::MAIN, all).unwrap().len(),
            "{ledger:?}"
        );
        let bytes: usize = self
            .db
            .queued(UpstreamId::MAIN, all)
            .unwrap()
            .iter()
            .map(|s| s.statement.len() + s.content_bytes as usize)
            .sum();
        assert_eq!(ledger.queued_bytes as usize, bytes);
    }

    pub(super) fn delivered(&self) -> usize {
        self.db.ledger(UpstreamId::MAIN).unwrap().delivered as usize
    }

    pub(super) fn held(&self) -> Vec<(Uuid, HoldReason)> {
        self.db
            .held(UpstreamId::MAIN, Page::default())
            .unwrap()
            .iter()
            .map(|held| (held.id, held.reason))
            .collect()
    }

    pub(super) fn problem(&self) -> Option<Problem> {
        self.db
            .upstream(UpstreamId::MAIN)
            .unwrap()
            .learned
            .trouble
            .map(|trouble| trouble.problem)
    }
}
