//! Several requests under way at once.

use uuid::Uuid;

use super::device::{Device, START};
use super::lrs::Fault;
use crate::lrs::{Credentials, Method, Request, Response, TransportError};
use crate::store::{Claim, Holder, Page, Problem, UpstreamId, WaitKind, WaitReason};
use crate::sync::{Ended, Session, Step, Ticket};

/// A device whose requests come back when the test says so.
struct Air {
    device: Device,
    session: Session,
    flying: Vec<(Ticket, Request)>,
}

impl Air {
    fn new(in_flight: u32, statements: u128) -> Self {
        let mut device = Device::new();
        device.in_flight = in_flight;
        device.record(statements);
        let session = device.session();
        Self {
            device,
            session,
            flying: Vec::new(),
        }
    }

    /// With the window wide open.
    fn open(in_flight: u32, statements: u128) -> Self {
        let mut air = Self::new(in_flight, statements);
        while air.flying.len() < in_flight as usize {
            assert_eq!(air.send(), Step::Await);
            if air.flying.len() < in_flight as usize {
                air.land(0);
            }
        }
        air
    }

    /// Sends all that may be sent; what the session says then.
    fn send(&mut self) -> Step {
        loop {
            let step = self
                .session
                .next(&mut self.device.db, self.device.now)
                .unwrap();
            self.device.check();
            match step {
                Step::Send { ticket, request } => self.flying.push((ticket, request)),
                Step::Again => {}
                Step::Await => {
                    assert!(!self.flying.is_empty());
                    return Step::Await;
                }
                step => {
                    assert!(self.flying.is_empty(), "{step:?}");
                    return step;
                }
            }
        }
    }

    /// The LRS answers one.
    fn land(&mut self, at: usize) {
        let outcome = self.device.lrs.perform(&self.flying[at].1, self.device.now);
        self.land_as(at, outcome);
    }

    fn land_as(&mut self, at: usize, outcome: Result<Response, TransportError>) {
        let (ticket, _) = self.flying.remove(at);
        self.device.now += 20;
        self.session
            .answered(&mut self.device.db, ticket, outcome, self.device.now)
            .unwrap();
        self.device.check();
    }

    /// One after another, to the end.
    fn finish(&mut self) -> Step {
        loop {
            match self.send() {
                Step::Await => self.land(0),
                step => return step,
            }
        }
    }

    fn ids(&self, at: usize) -> Vec<Uuid> {
        let batch: Vec<serde_json::Value> =
            serde_json::from_slice(self.flying[at].1.body_bytes().unwrap()).unwrap();
        batch
            .iter()
            .map(|one| one["id"].as_str().unwrap().parse().unwrap())
            .collect()
    }

    fn wait(&self) -> Option<(i64, WaitKind)> {
        self.device
            .db
            .upstream(UpstreamId::MAIN)
            .unwrap()
            .learned
            .waits
            .last()
    }
}

fn status(status: u16, headers: &[(&str, &str)]) -> Response {
    Response {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: Vec::new(),
        cut: false,
    }
}

/// By the LRS itself.
fn refused() -> Response {
    status(401, &[("X-Experience-API-Version", "2.0.0")])
}

#[test]
fn one_at_a_time_unless_the_app_allows_more() {
    let mut air = Air::new(1, 200);
    loop {
        match air.send() {
            Step::Await => assert_eq!(air.flying.len(), 1),
            step => break assert_eq!(step, Step::Done(Ended::Emptied)),
        }
        air.land(0);
    }
    assert_eq!(air.device.lrs.posts, [50; 4]);
}

#[test]
fn the_window_opens_by_one_with_each_batch_taken_whole() {
    let mut air = Air::new(4, 1_000);
    let mut widths = Vec::new();
    for _ in 0..8 {
        air.send();
        widths.push(air.flying.len());
        air.land(0);
    }
    // The first asks for the version.
    assert_eq!(widths, [1, 1, 2, 3, 4, 4, 4, 4]);
    assert_eq!(air.finish(), Step::Done(Ended::Emptied));
    assert_eq!(air.device.lrs.posts, [50; 20]);
    assert_eq!((air.device.delivered(), air.device.lrs.gets), (1_000, 0));
}

#[test]
fn answers_come_in_any_order_and_a_kill_between_them_loses_nothing() {
    let mut air = Air::open(4, 600);
    let before = air.device.delivered();
    for (delivered, at) in [(1, 3), (2, 1), (3, 1)] {
        air.land(at);
        assert_eq!(air.device.delivered(), before + 50 * delivered);
    }
    // The first one arrives, but the device is killed before it hears of it.
    let (_, request) = air.flying.remove(0);
    air.device.lrs.perform(&request, air.device.now).unwrap();
    let posted = air.device.lrs.posts.len();
    air.device.now += 10 * 60 * 1000;
    air.device.in_flight = 4;
    air.device.restart();
    air.session = air.device.session();
    assert_eq!(air.finish(), Step::Done(Ended::Emptied));
    assert_eq!(
        (air.device.delivered(), air.device.lrs.stored.len()),
        (600, 600)
    );
    // It was looked up first, and 49 others of its batch were sent again: nobody knew.
    assert_eq!(air.device.lrs.gets, 1);
    assert_eq!(air.device.lrs.posts[posted], 49);
}

#[test]
fn that_the_lrs_was_slow_once_is_known_after_a_kill() {
    let mut air = Air::new(1, 200);
    air.send();
    air.land(0);
    air.send();
    air.land(0);
    // Quick so far. Now a refusal that takes long, and nothing else of it is written down.
    air.send();
    air.device.now += 17_000;
    let header = ("X-Experience-API-Version", "2.0.0");
    air.land_as(0, Ok(status(400, &[header])));
    air.device.restart();
    air.session = air.device.session().alone(true);
    let timeout = loop {
        match air.send() {
            Step::Wait { until, .. } => air.device.now = until,
            _ if air.flying[0].1.body.is_some() => break air.flying.remove(0).1.timeout,
            _ => air.land(0),
        }
    };
    air.device.now += 100;
    air.device.restart();
    air.session = air.device.session().alone(true);
    let Step::Wait { until, .. } = air.send() else {
        panic!("it may be at work still");
    };
    let waits = until - air.device.now;
    assert!(waits >= timeout.as_millis() as i64, "{waits} ms");
}

#[test]
fn a_bad_statement_is_looked_for_when_all_others_have_come_back() {
    let mut air = Air::open(3, 600);
    let bad = air.ids(1)[7];
    air.device.lrs.dislikes.insert(bad, 400);
    air.land(1);
    assert_eq!(air.send(), Step::Await);
    assert_eq!(air.flying.len(), 2, "nothing is sent beside a trouble");
    air.land(1);
    assert_eq!(air.send(), Step::Await);
    air.land(0);
    // Then it is searched for alone, one request after the other.
    while air.device.db.ledger(UpstreamId::MAIN).unwrap().waiting == 0 {
        assert_eq!(air.send(), Step::Await);
        assert_eq!(air.flying.len(), 1);
        air.land(0);
    }
    let mut widest = 0;
    while air.send() == Step::Await {
        widest = widest.max(air.flying.len());
        air.land(0);
    }
    assert_eq!(widest, 3, "the window opens again");
    assert_eq!(air.device.delivered(), 599);
    air.device.sync_to_the_last();
    assert_eq!(air.device.held()[0].0, bad);
}

#[test]
fn several_troubles_are_done_one_after_another() {
    let mut air = Air::open(4, 400);
    let bad: Vec<_> = (0..4).map(|at| air.ids(at)[at * 9]).collect();
    for id in &bad {
        air.device.lrs.dislikes.insert(*id, 400);
    }
    for at in [2, 0, 1, 0] {
        assert_eq!(air.send(), Step::Await);
        air.land(at);
    }
    while air.send() == Step::Await {
        let found = air.device.db.ledger(UpstreamId::MAIN).unwrap().waiting == 4;
        assert!(air.flying.len() == 1 || found);
        air.land(0);
    }
    air.device.sync_to_the_last();
    let mut held: Vec<_> = air.device.held().iter().map(|(id, _)| *id).collect();
    held.sort_unstable();
    assert_eq!(held, bad);
    assert_eq!(air.device.delivered(), 396);
}

#[test]
fn after_a_failure_all_others_are_awaited_and_the_longest_wait_holds() {
    let mut air = Air::open(4, 600);
    let timeout = air.flying[0].1.timeout.as_millis() as i64;
    air.land_as(0, Err(TransportError::TimedOut));
    let timed_out = air.device.now;
    assert_eq!(air.send(), Step::Await);
    air.land_as(0, Ok(status(503, &[("Retry-After", "10")])));
    assert_eq!(air.send(), Step::Await);
    // That others are taken ends neither wait, nor is it a second failure.
    let before = air.device.delivered();
    air.land(0);
    assert_eq!(air.send(), Step::Await);
    air.land(0);
    assert_eq!(air.device.delivered(), before + 100);
    let learned = air.device.db.upstream(UpstreamId::MAIN).unwrap().learned;
    assert_eq!(learned.failures, 1);
    assert_eq!(
        learned.trouble.map(|trouble| trouble.problem),
        Some(Problem::Busy)
    );
    let Step::Wait { until, why } = air.send() else {
        panic!("it waits")
    };
    assert_eq!(why, WaitKind::OutcomeUnknown);
    assert!(until >= timed_out + timeout, "{}", until - timed_out);
    air.device.now = until;
    air.finish();
    assert_eq!(air.device.delivered(), 600);
}

#[test]
fn a_wait_for_the_app_hides_no_other() {
    let mut device = Device::new();
    device.record(3);
    let asked = device.now + 600_000;
    device
        .db
        .relearn(UpstreamId::MAIN, |learned| {
            learned.waits.app = Some(device.now + 900_000);
            learned.waits.retry_after = Some(asked);
        })
        .unwrap();
    device
        .db
        .relearn(
            UpstreamId::MAIN,
            crate::store::Learned::credentials_are_right,
        )
        .unwrap();
    device.by_hand = true;
    assert!(matches!(
        device.sync(),
        Ended::Waiting { until, why: WaitKind::RetryAfter, .. } if until == asked
    ));
}

/// Whoever forgets it knocks on and on, and locks an account.
#[test]
fn a_401_that_is_not_judged_yet_is_obeyed_where_another_answer_ends_the_session() {
    let mut air = Air::open(2, 400);
    air.land_as(0, Ok(refused()));
    assert_eq!(air.send(), Step::Await);
    air.land_as(0, Ok(status(503, &[("X-Experience-API-Version", "2.0.0")])));
    air.send();
    let (until, why) = air.wait().expect("it is waited for");
    let wait = until - air.device.now;
    assert_eq!(why, WaitKind::App);
    assert!(wait > 59 * 60 * 1000, "{wait}");
}

#[test]
fn a_refusal_of_credentials_that_were_replaced_meanwhile_is_asked_again() {
    let mut air = Air::open(3, 600);
    let credentials = Credentials::Basic {
        user: "app".into(),
        password: "changed".into(),
    };
    air.session
        .authorize(Some(&credentials.authorization().unwrap()));
    air.land_as(1, Ok(refused()));
    air.land(0);
    assert_eq!(air.send(), Step::Await);
    assert_eq!(air.flying.len(), 1, "nothing is sent beside a trouble");
    air.device.lrs.password = "changed".into();
    air.land_as(0, Ok(refused()));
    assert_eq!(air.finish(), Step::Done(Ended::Emptied));
    assert_eq!(air.device.delivered(), 600);
    assert_eq!(air.device.problem(), None);
}

#[test]
fn a_gateways_refusal_of_replaced_credentials_ends_nothing_at_the_lrs() {
    let mut air = Air::new(1, 3);
    assert_eq!(air.send(), Step::Await);
    air.land(0);
    assert_eq!(air.send(), Step::Await);
    let batch = air.ids(0);
    let timeout = air.flying[0].1.timeout.as_millis() as i64;
    let credentials = Credentials::Basic {
        user: "app".into(),
        password: "changed".into(),
    };
    air.session
        .authorize(Some(&credentials.authorization().unwrap()));
    air.device.lrs.password = "changed".into();
    // It gave up on the LRS, which may be at the batch for as long as the request may take.
    air.land_as(0, Ok(status(425, &[])));
    let landed = air.device.now;
    let Step::Wait {
        until,
        why: WaitKind::OutcomeUnknown,
    } = air.finish()
    else {
        panic!("sent again at once: {batch:?}")
    };
    assert!(until >= landed + timeout, "{}", until - landed);
}

#[test]
fn a_voiding_waits_for_a_target_that_is_under_way() {
    let mut air = Air::new(4, 170);
    air.send();
    air.land(0);
    air.send();
    let targets = air.ids(0);
    air.land(0);
    air.send();
    let under_way = air.ids(0)[0];
    let delivered = air.device.void(targets[0]);
    let waits = air.device.void(under_way);
    air.device.record(50);
    air.land(1);
    assert_eq!(air.send(), Step::Await);
    let sent: Vec<_> = (0..air.flying.len()).flat_map(|at| air.ids(at)).collect();
    assert!(sent.contains(&delivered) && !sent.contains(&waits));
    let waiting = air
        .device
        .db
        .waiting(UpstreamId::MAIN, Page::default())
        .unwrap();
    assert_eq!(
        waiting
            .iter()
            .map(|one| (one.id, one.reason))
            .collect::<Vec<_>>(),
        [(waits, WaitReason::Target)]
    );
    assert_eq!(air.finish(), Step::Done(Ended::Emptied));
    assert_eq!(air.device.delivered(), 222);
    assert!(air.device.lrs.voided.contains(&under_way));
}

#[test]
fn what_provably_never_left_may_be_retracted_and_what_may_have_arrived_may_not() {
    // The order in which three come back of which one may have arrived.
    for order in [[0, 0, 0], [2, 1, 0], [1, 0, 0]] {
        for arrived in 0..4 {
            let mut air = Air::open(3, 250);
            let batches: Vec<_> = (0..3).map(|at| air.ids(at)).collect();
            for at in order {
                let ids = air.ids(at);
                let failure = if arrived < 3 && ids == batches[arrived] {
                    TransportError::Broken("reset".into())
                } else {
                    TransportError::Unreachable("no route".into())
                };
                air.land_as(at, Err(failure));
            }
            for (at, ids) in batches.iter().enumerate() {
                // Everything up to what may have arrived counts as sent.
                let expected = arrived == 3 || at > arrived;
                let retracted = air.device.db.retract(ids[0], 0).is_ok();
                assert_eq!(retracted, expected, "{order:?} {arrived} {at}");
            }
            air.device.check();
        }
    }
}

#[test]
fn an_upstream_that_fails_on_several_at_once_gets_fewer() {
    let mut air = Air::open(4, 5_000);
    air.land_as(0, Ok(status(500, &[])));
    for _ in 0..3 {
        air.land(0);
    }
    let bears = |air: &Air| {
        air.device
            .db
            .upstream(UpstreamId::MAIN)
            .unwrap()
            .learned
            .max_in_flight
    };
    assert_eq!(bears(&air), Some(2));
    let mut widths = Vec::new();
    loop {
        match air.send() {
            Step::Wait { until, .. } => air.device.now = until,
            Step::Await => {
                widths.push(air.flying.len());
                air.land(0);
            }
            step => break assert_eq!(step, Step::Done(Ended::Emptied)),
        }
    }
    assert!(
        widths.iter().take(16).all(|width| *width <= 2),
        "{widths:?}"
    );
    assert_eq!(widths.iter().max(), Some(&4), "and more again later");
    assert_eq!(bears(&air), None);
    assert_eq!(air.device.delivered(), 5_000);
}

#[test]
fn an_id_that_is_erased_and_recorded_anew_is_not_under_way_twice() {
    let mut air = Air::open(2, 150);
    let ids = air.ids(0);
    let text = air
        .device
        .db
        .queued(UpstreamId::MAIN, Page::default())
        .unwrap();
    let again = text.iter().find(|one| one.id == ids[3]).unwrap();
    let again = again.statement.clone();
    let erased = ids[3].to_string();
    air.device
        .db
        .erase(0, &|body| String::from_utf8_lossy(body).contains(&erased))
        .unwrap();
    air.device.record_text(&again, START - 1_000);
    air.land(1);
    assert_eq!(air.send(), Step::Await);
    assert_eq!(air.flying.len(), 1, "the new one waits for the old one");
    assert_eq!(air.finish(), Step::Done(Ended::Emptied));
    assert_eq!(air.device.lrs.stored.len(), 150);
}

#[test]
fn a_pause_gives_all_up_and_nothing_is_sent_for_a_while() {
    let mut air = Air::open(3, 600);
    let before = air.device.lrs.requests;
    air.session
        .interrupted(&mut air.device.db, air.device.now)
        .unwrap();
    let (until, why) = air.wait().unwrap();
    assert_eq!(why, WaitKind::OutcomeUnknown);
    assert!(until >= air.device.now + 5_000);
    air.flying.clear();
    let mut other = air.device.session();
    assert!(matches!(
        other.next(&mut air.device.db, air.device.now).unwrap(),
        Step::Wait { .. }
    ));
    assert_eq!(air.device.lrs.requests, before);
}

#[test]
fn who_lost_the_lease_overwrites_nothing() {
    let mut air = Air::open(3, 600);
    // Our clock jumps, and with it the lease goes to another one, whom the LRS asks to wait.
    air.device.now += 365 * 24 * 3_600_000;
    let other = Holder([9; 16]);
    let now = air.device.now;
    let claimed = air
        .device
        .db
        .claim(UpstreamId::MAIN, other, false, now, now + 60_000)
        .unwrap();
    assert!(matches!(claimed, Claim::Granted { .. }));
    let asked = (now + 600_000, WaitKind::RetryAfter);
    air.device
        .db
        .relearn(UpstreamId::MAIN, |learned| {
            learned.waits.retry_after = Some(asked.0);
        })
        .unwrap();
    let delivered = air.device.delivered();
    air.land(0);
    assert_eq!(
        air.device.delivered(),
        delivered + 50,
        "a fact stays a fact"
    );
    assert_eq!(air.wait(), Some(asked));
    air.land_as(0, Err(TransportError::Unreachable("no route".into())));
    air.land(0);
    assert_eq!(air.wait(), Some(asked));
    let Step::Wait { until, .. } = air.send() else {
        panic!("it failed itself")
    };
    air.device.now = until;
    assert!(matches!(air.send(), Step::Done(Ended::Busy { .. })));
}

#[test]
fn nothing_but_batches_is_sent_beside_batches() {
    let mut air = Air::open(3, 600);
    // A day later the version has to be asked for again.
    air.device.now += 25 * 3_600_000;
    while air.flying.len() > 1 {
        air.land(0);
        assert_eq!(air.send(), Step::Await);
        assert!(air.flying.iter().all(|(_, one)| one.method == Method::Post));
    }
    air.land(0);
    air.send();
    assert_eq!(air.flying.len(), 1);
    assert!(air.flying[0].1.url.ends_with("/about"));
    air.device.lrs.faults.push_back(Fault::None);
    assert_eq!(air.finish(), Step::Done(Ended::Emptied));
}
