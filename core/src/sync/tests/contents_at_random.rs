//! Statements with contents and without, at an LRS that changes what it does with contents and what it shows of them, on
//! lines that break, with devices that are killed: each seed is a run of its own.
//!
//! That nothing is sent without its parts is asked by the LRS here, with each request.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::device::{Device, START};
use super::lrs::{Fault, OnContents, OnKnown, ShowsContents};
use crate::lrs::TransportError;
use crate::store::{HoldReason, Page, UpstreamId};
use crate::sync::{Ended, Step};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// A run, and what was recorded in it.
struct Run {
    device: Device,
    rng: fastrand::Rng,
    plain: u64,
    /// Statements with contents, and the content of each.
    with_contents: BTreeMap<Uuid, Vec<u8>>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut device = Device::new();
        device.booted_at = Some(START - 3_600_000);
        device.chance = seed;
        Self {
            device,
            rng: fastrand::Rng::with_seed(seed),
            plain: 0,
            with_contents: BTreeMap::new(),
        }
    }

    fn record(&mut self) {
        let n = 1 + u128::from(self.plain) + self.with_contents.len() as u128;
        if self.rng.bool() {
            self.plain += 1;
            self.device.record_one(n, "", self.device.now);
        } else {
            let long = [0, 1, 50, 500, 5_000][self.rng.usize(..5)];
            let mut octets = vec![0; long];
            self.rng.fill(&mut octets);
            let id = self.device.record_with(n, &octets);
            self.with_contents.insert(id, octets);
        }
    }

    fn change_the_lrs(&mut self) {
        let status = [400, 403, 404, 413, 415, 422, 500, 501][self.rng.usize(..8)];
        let lrs = &mut self.device.lrs;
        match self.rng.u32(..10) {
            8 => lrs.on_contents = OnContents::FailAndKeep(status),
            9 => lrs.on_contents = OnContents::Change,
            0 => lrs.on_contents = OnContents::Refuse(status),
            1 => lrs.on_contents = OnContents::HangFrom([0, 100, 1_000][self.rng.usize(..3)]),
            2 => lrs.shows_contents = ShowsContents::None,
            3 => lrs.shows_contents = ShowsContents::Fails(status),
            4 => lrs.shows_contents = ShowsContents::All,
            5 => {
                let naming = self.rng.bool();
                let known = [OnKnown::NewIds, OnKnown::NoContent, OnKnown::Nothing];
                lrs.on_known = *self.rng.choice(&known).unwrap();
                if self.rng.u32(..4) == 0 {
                    lrs.on_known = OnKnown::Refuse { naming };
                }
            }
            _ => lrs.on_contents = OnContents::Take,
        }
    }

    fn fault(&mut self) -> Fault {
        match self.rng.u32(..6) {
            0 => Fault::LoseAnswer,
            1 => Fault::Fail(TransportError::TimedOut),
            2 => Fault::Fail(TransportError::Broken("cut".into())),
            3 => Fault::Stranger(200, "<html>log in</html>"),
            4 => Fault::Response(503, vec![("Retry-After", "30".into())], "busy"),
            _ => Fault::Response(500, vec![], "failed"),
        }
    }

    /// A request leaves, reaches the LRS or not, and the process is killed.
    fn killed(&mut self) {
        let mut session = self.device.session();
        for _ in 0..self.rng.u32(1..4) {
            let clocks = self.device.clocks();
            let step = session.next(&mut self.device.db, clocks).unwrap();
            let Step::Send { ticket, request } = step else {
                return;
            };
            let outcome = self.device.lrs.perform(&request, self.device.now);
            self.device.now += 20;
            if self.rng.bool() {
                break;
            }
            let clocks = self.device.clocks();
            session
                .answered(&mut self.device.db, ticket, outcome, clocks)
                .unwrap();
        }
        self.device.restart();
        self.device.now += self.rng.i64(16_000..6 * MINUTE);
    }

    fn step(&mut self) {
        match self.rng.u32(..10) {
            0..4 => self.record(),
            4 => self.change_the_lrs(),
            5 => {
                let fault = self.fault();
                let before = self.rng.usize(..3);
                let faults = &mut self.device.lrs.faults;
                faults.extend(std::iter::repeat_n(Fault::None, before));
                faults.push_back(fault);
            }
            6 => self.killed(),
            7 => self.device.now += self.rng.i64(0..2 * 60 * MINUTE),
            8 => self.ask_again(),
            _ => {
                self.device.chance += 1;
                if let Ended::Waiting { until, .. } = self.device.sync() {
                    self.device.now = until.max(self.device.now);
                }
            }
        }
    }

    /// The app asks for another try of what waits or is held.
    fn ask_again(&mut self) {
        let db = &mut self.device.db;
        let waiting = db.waiting(UpstreamId::MAIN, Page::default()).unwrap();
        let held = db.held(UpstreamId::MAIN, Page::default()).unwrap();
        let waiting = waiting.iter().map(|one| one.id);
        let ids: Vec<Uuid> = waiting.chain(held.iter().map(|one| one.id)).collect();
        if let Some(id) = self.rng.choice(&ids) {
            let _ = db.retry(UpstreamId::MAIN, *id, self.device.now);
        }
    }

    /// What the device has still to deliver.
    fn left(&self) -> BTreeSet<Uuid> {
        let all = Page {
            after: 0,
            limit: 1_000,
        };
        let db = &self.device.db;
        let queued = db.queued(UpstreamId::MAIN, all).unwrap();
        let waiting = db.waiting(UpstreamId::MAIN, all).unwrap();
        let held = db.held(UpstreamId::MAIN, all).unwrap();
        let queued = queued.iter().map(|one| one.id);
        let waiting = waiting.iter().map(|one| one.id);
        let held = held.iter().map(|one| one.id);
        queued.chain(waiting).chain(held).collect()
    }

    /// Tells whether the LRS has the content of this statement as it was recorded.
    fn is_there_whole(&self, id: Uuid) -> bool {
        let there = self.device.lrs.contents.get(&id);
        there.is_some_and(|there| there.contains(&self.with_contents[&id]))
    }

    /// What has left the device with contents is at the LRS with them, or the LRS has said so itself.
    fn check(&self, seed: u64) {
        self.device.check();
        let left = self.left();
        for id in self.with_contents.keys().filter(|id| !left.contains(id)) {
            let has = self.is_there_whole(*id) || self.device.lrs.vouched.contains(id);
            assert!(
                has,
                "seed {seed}: {id} counts as delivered without its contents"
            );
        }
        for (id, reason) in self.device.held() {
            assert!(
                self.with_contents.contains_key(&id),
                "seed {seed}: {id} is held for {reason}"
            );
        }
    }

    /// The LRS is well from now on: all arrives, but for what it has without its contents.
    fn settle(&mut self, seed: u64) {
        let lrs = &mut self.device.lrs;
        lrs.on_contents = OnContents::Take;
        lrs.shows_contents = ShowsContents::All;
        lrs.on_known = OnKnown::AllIds;
        lrs.faults.clear();
        // Whoever was killed held the lease until now at the latest.
        self.device.now += 10 * MINUTE;
        for (id, _) in self.device.held() {
            self.device
                .db
                .retry(UpstreamId::MAIN, id, self.device.now)
                .unwrap();
        }
        let requests = self.device.lrs.requests;
        self.device.go_on_for(4 * DAY);
        for id in self.left() {
            let lrs = &self.device.lrs;
            let is_there_without = lrs.stored.contains_key(&id) && !self.is_there_whole(id);
            assert!(
                is_there_without,
                "seed {seed}: {id} is left: {:?}, {:?}, {:?}, {:?}",
                self.device.db.waiting(UpstreamId::MAIN, Page::default()),
                self.device.held(),
                self.device.db.upstream(UpstreamId::MAIN).unwrap().learned,
                self.device.db.ledger(UpstreamId::MAIN)
            );
            assert!(
                self.device
                    .held()
                    .contains(&(id, HoldReason::ContentMissing)),
                "seed {seed}: {id} is {:?}",
                self.device.waiting()
            );
        }
        let all = self.plain as usize + self.with_contents.len();
        let asked = self.device.lrs.requests - requests;
        assert!(
            asked <= 30 + 8 * all,
            "seed {seed}: {asked} requests for {all}"
        );
    }
}

#[test]
fn nothing_arrives_without_its_contents_and_all_arrives_in_the_end() {
    for seed in 0..250 {
        let mut run = Run::new(seed);
        for _ in 0..40 {
            run.step();
            run.check(seed);
        }
        run.settle(seed);
        run.check(seed);
    }
}
