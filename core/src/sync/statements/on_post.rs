//! Consequences of sending a batch, with an answer or without one.

use std::time::Duration;

use super::in_flight::Flight;
use super::task::{AfterLookup, Lookup, Pending, Sent, Task, split};
use super::with_contents::has_contents;
use crate::lrs::TransportError;
use crate::store::{Db, HoldReason, Millis, Outcome, Problem, StoreError};
use crate::sync::judge;
use crate::sync::link::Ceiling;
use crate::sync::meaning::{Blame, Pause, Stop, Verdict};
use crate::sync::policy;
use crate::sync::session::Session;

impl Session {
    pub(crate) fn failed(
        &mut self,
        db: &mut Db,
        flight: Flight,
        failure: &TransportError,
        now: Millis,
    ) -> Result<(), StoreError> {
        let stop = judge::failed(failure);
        self.judged(stop.problem.code());
        self.flights.close();
        let sent = Sent::of(&flight);
        let batch = match flight.task {
            Task::Post(batch) => batch,
            Task::Lookup(look) => return self.look_failed(db, look, stop, now),
            Task::Negotiate => return self.about_stopped(db, stop, now),
        };
        self.may_be_there(&batch);
        match failure {
            TransportError::Unreachable(_) | TransportError::Unreadable(_) => {
                self.unsent = self.flights.take_back(flight.mark);
            }
            _ if has_contents(&batch) => return self.contents_stopped(db, batch, stop, sent, now),
            TransportError::Broken(_) if sent.bytes >= policy::BIG_BODY => {
                self.link
                    .ceiling
                    .shrink_bytes(&mut self.link.learned, sent.bytes);
            }
            // One LRS breaks the connection on every batch above some size, another one just once.
            TransportError::Broken(_) if self.link.learned.failures == 0 => {}
            TransportError::TimedOut | TransportError::Broken(_) => {
                self.link
                    .ceiling
                    .shrink_statements(&mut self.link.learned, batch.len());
            }
        }
        self.post_stopped(db, batch, stop, sent, now)
    }

    /// Stops after nothing was taken, for a reason that may be the upstream's or the statement's. Once the
    /// session is cautious, a statement that was sent alone is looked up and others are tried.
    fn post_stopped(
        &mut self,
        db: &mut Db,
        mut batch: Vec<Pending>,
        stop: Stop,
        sent: Sent,
        now: Millis,
    ) -> Result<(), StoreError> {
        let doubt = if stop.doubt {
            sent.timeout
        } else {
            Duration::ZERO
        };
        let alone = batch.len() == 1 && (self.link.is_cautious() || batch[0].row.alone);
        if !alone || matches!(stop.problem, Problem::Unreachable) {
            return self.stop(db, stop, doubt, now);
        }
        if let Pause::RetryAfter(_) = stop.pause {
            // The wait that it asks for is kept; this statement steps aside, so that another one is tried next.
            if let Some(item) = batch.pop() {
                let blame = blame_of(&stop);
                let outcome = self.later(&item, &blame, now);
                self.settle(db, vec![(item, outcome)], now)?;
            }
            return self.stop(db, stop, doubt, now);
        }
        self.stay_quiet(&batch, doubt, now);
        let blame = blame_of(&stop);
        self.tasks
            .push_front(Task::Lookup(Lookup::new(batch, AfterLookup::Blame(blame))));
        // If this session ends before the look-up, the next one waits.
        self.settle(db, Vec::new(), now)
    }

    pub(crate) fn posted(
        &mut self,
        db: &mut Db,
        mut batch: Vec<Pending>,
        mut verdict: Verdict,
        sent: Sent,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.judged(verdict.word());
        if has_contents(&batch) {
            match self.posted_contents(db, &mut batch, verdict, sent, now)? {
                Some(other) => verdict = other,
                None => return Ok(()),
            }
        }
        if let Verdict::Suspicious { .. } | Verdict::Known { .. } = verdict
            && !has_contents(&batch)
        {
            self.refused = Some(self.refused.map_or(batch.len(), |n| n.min(batch.len())));
        }
        match verdict {
            Verdict::Stored { delivered, look } => self.stored(db, batch, &delivered, &look, now),
            Verdict::Unproved { vouched, own } => {
                let then = AfterLookup::Proves { vouched, own };
                self.tasks
                    .push_front(Task::Lookup(Lookup::new(batch, then)));
                Ok(())
            }
            Verdict::Sorted {
                delivered,
                refused,
                look,
                stranger,
            } => self.sorted(
                db,
                &batch,
                &delivered,
                as_blames(refused, stranger),
                &look,
                now,
            ),
            Verdict::Suspicious { blame, culprits } => {
                if sent.bytes >= policy::BIG_BODY && batch.len() > 1 {
                    // One LRS answers 400 to a batch that is too large.
                    self.link
                        .ceiling
                        .shrink_bytes(&mut self.link.learned, sent.bytes);
                }
                if blame.reason == HoldReason::ServerError {
                    Ceiling::failed_on(&mut self.link.learned, batch.len());
                }
                self.suspicious(db, batch, blame, culprits, now)
            }
            Verdict::Known { named } => {
                self.known(batch, &named);
                Ok(())
            }
            Verdict::TooLarge { blame } => {
                self.link
                    .ceiling
                    .shrink_bytes(&mut self.link.learned, sent.bytes);
                if batch.len() > 1 {
                    self.post_in_parts(split(batch, &[]));
                    return Ok(());
                }
                self.blame_all(db, batch, &blame, now)
            }
            Verdict::Stop(stop) => {
                self.takes_less(batch.len(), stop.problem);
                self.post_stopped(db, batch, stop, sent, now)
            }
        }
    }

    /// Learns from a stop how much the upstream may bear at once.
    fn takes_less(&mut self, tried: usize, problem: Problem) {
        let learned = &mut self.link.learned;
        match problem {
            Problem::ServerError => Ceiling::failed_on(learned, tried),
            // It may bear fewer at once: not only one now, but fewer from now on.
            Problem::Busy if learned.failures + 1 == policy::BUSY_BEFORE_SINGLES => {
                self.link.ceiling.shrink_statements(learned, tried);
            }
            Problem::Busy | Problem::Credentials => {}
            // A page or a redirect may be caused by one of these: the search for it continues from here.
            _ if tried > 1 => self.link.ceiling.shrink_statements(learned, tried),
            _ => {}
        }
    }

    fn stored(
        &mut self,
        db: &mut Db,
        batch: Vec<Pending>,
        delivered: &[usize],
        look: &[usize],
        now: Millis,
    ) -> Result<(), StoreError> {
        let look = pick(&batch, look);
        self.link.learned.names = true;
        let settled = take(batch, delivered)
            .map(|item| (item, Outcome::Delivered))
            .collect();
        if !look.is_empty() {
            let then = AfterLookup::Proves {
                vouched: false,
                own: true,
            };
            self.tasks.push_front(Task::Lookup(Lookup::new(look, then)));
        }
        self.accepted(db, settled, now)
    }

    fn sorted(
        &mut self,
        db: &mut Db,
        batch: &[Pending],
        delivered: &[usize],
        refused: Vec<(usize, Blame)>,
        look: &[usize],
        now: Millis,
    ) -> Result<(), StoreError> {
        // These were looked up and not found, then sent, and are still not mentioned.
        let (lost, look): (Vec<_>, Vec<_>) =
            pick(batch, look).into_iter().partition(|item| item.looked);
        if !look.is_empty() {
            self.tasks.push_front(Task::Lookup(Lookup::new(
                look,
                AfterLookup::Send(Vec::new()),
            )));
        }
        if !delivered.is_empty() {
            let settled = delivered
                .iter()
                .map(|&at| (batch[at].clone(), Outcome::Delivered))
                .collect();
            self.accepted(db, settled, now)?;
        }
        for (at, blame) in refused {
            // If it took some, it took those in the same answer.
            let taken = self.taken_like(&batch[at]) - u64::from(!delivered.is_empty());
            self.blame_since(db, vec![batch[at].clone()], &blame, taken, now)?;
        }
        let words = "it neither stored nor refused the statement".to_owned();
        self.blame_all(
            db,
            lost,
            &Blame {
                reason: HoldReason::ServerError,
                problem: Problem::ServerError,
                status: None,
                words,
                stranger: false,
                retry_after: None,
            },
            now,
        )
    }

    /// Finds out who is at fault for a 400, 422, 403 or an LRS's own 500.
    pub(crate) fn suspicious(
        &mut self,
        db: &mut Db,
        mut batch: Vec<Pending>,
        blame: Blame,
        culprits: Vec<usize>,
        now: Millis,
    ) -> Result<(), StoreError> {
        if std::mem::take(&mut self.link.version_in_doubt) && !blame.is_401() {
            // It says first which versions it speaks; then these are sent again.
            self.link.asked_again = true;
            self.link.learned.version_at = None;
            self.forget_tasks();
            return self.settle(db, Vec::new(), now);
        }
        if blame.is_401() {
            // The credentials are in question again, whatever it took before.
            self.link.auth_verified = false;
            self.link.note_401(&blame.words);
        }
        if let Some(asked) = blame.retry_after
            && batch.len() > 1
            && self.link.accepted_any
        {
            // It took others just now, and says when to come again: a limit is used up. If it says so once more
            // then, before it takes any, the culprit is looked for.
            self.forget_tasks();
            let stop = Stop {
                problem: Problem::Busy,
                pause: Pause::RetryAfter(policy::asked_by_a_refusal(
                    asked,
                    self.link.learned.failures,
                )),
                ..blame.stop()
            };
            return self.stop(db, stop, Duration::ZERO, now);
        }
        if batch.len() > 1 {
            let may_be_there = blame.reason == HoldReason::ServerError && !self.undoes_failures;
            if self.link.auth_verified && !may_be_there {
                self.post_in_parts(split(batch, &culprits));
            } else if let Some(first) = batch.first().cloned() {
                self.tasks.push_front(Task::Lookup(Lookup::new(
                    [first],
                    AfterLookup::Split {
                        batch,
                        culprits,
                        blame,
                    },
                )));
            }
            return Ok(());
        }
        let Some(item) = batch.pop() else {
            return Ok(());
        };
        // It may be there from before, or in spite of the answer: one LRS says 400 to what it has, and some say
        // 500 to what they have just stored.
        let may_be_there = item.row.sent_before || blame.reason == HoldReason::ServerError;
        if !self.link.auth_verified
            || ((may_be_there || item.has_contents()) && !item.looked)
            || blame.reason == HoldReason::ServerError
        {
            self.tasks
                .push_front(Task::Lookup(Lookup::new([item], AfterLookup::Blame(blame))));
            return Ok(());
        }
        self.blame_all(db, vec![item], &blame, now)
    }

    /// Handles a 409: the LRS knows at least one of them, identical or not.
    fn known(&mut self, mut batch: Vec<Pending>, named: &[usize]) {
        if batch.len() > 1 {
            // It does not say that it knows each of these: not finding one now proves nothing against it.
            for item in &mut batch {
                item.looked = false;
            }
        }
        let alone = batch.len() == 1;
        let all_sent_before = batch.iter().all(|item| item.row.sent_before);
        if alone || all_sent_before {
            self.tasks.push_front(Task::Lookup(Lookup::new(
                batch,
                AfterLookup::Known { each: alone },
            )));
        } else if named.is_empty() {
            self.post_in_parts(split(batch, &[]));
        } else {
            let ask = pick(&batch, named);
            let rest: Vec<_> = batch
                .into_iter()
                .enumerate()
                .filter(|(at, _)| !named.contains(at))
                .map(|(_, item)| item)
                .collect();
            if !rest.is_empty() {
                self.tasks.push_front(Task::Post(rest));
            }
            self.tasks.push_front(Task::Lookup(Lookup::new(
                ask,
                AfterLookup::Known { each: true },
            )));
        }
    }

    pub(crate) fn post_in_parts(&mut self, parts: Vec<Vec<Pending>>) {
        for part in parts.into_iter().rev().filter(|part| !part.is_empty()) {
            self.tasks.push_front(Task::Post(part));
        }
    }
}

/// Turns what an answer under 200 says of some statements into blames.
fn as_blames(refused: Vec<(usize, String)>, stranger: bool) -> Vec<(usize, Blame)> {
    let blame = |words| Blame {
        reason: HoldReason::Refused,
        problem: if stranger {
            Problem::NotAnLrs
        } else {
            Problem::RefusesEverything
        },
        status: Some(200),
        words,
        stranger,
        retry_after: None,
    };
    let refused = refused.into_iter();
    refused.map(|(at, words)| (at, blame(words))).collect()
}

/// Returns the reason for which to hold a statement that made the upstream stop repeatedly when it was sent
/// alone.
pub(super) fn blame_of(stop: &Stop) -> Blame {
    let (reason, problem, stranger) = match stop.problem {
        // Whoever broke the connection, or gave up on the LRS, need not be the LRS.
        Problem::ServerError | Problem::TimedOut | Problem::Broken | Problem::Busy => {
            (HoldReason::ServerError, Problem::ServerError, stop.doubt)
        }
        problem => (
            HoldReason::Refused,
            problem,
            stop.doubt || problem == Problem::NotAnLrs,
        ),
    };
    Blame {
        reason,
        problem,
        status: stop.status,
        words: stop.words.clone(),
        stranger,
        retry_after: None,
    }
}

/// Takes the statements at these positions, in ascending order, without copying their bytes.
fn take(batch: Vec<Pending>, at: &[usize]) -> impl Iterator<Item = Pending> {
    let mut at = at.iter().copied().peekable();
    batch
        .into_iter()
        .enumerate()
        .filter_map(move |(place, item)| at.next_if_eq(&place).map(|_| item))
}

fn pick(batch: &[Pending], at: &[usize]) -> Vec<Pending> {
    at.iter().filter_map(|&at| batch.get(at).cloned()).collect()
}
