//! What follows from sending a batch, with an answer or without one.

use super::flights::Flying;
use super::judge::{self, Blame, Pause, Stop, Verdict};
use super::limits::BIG_BODY;
use super::session::Session;
use super::work::{Item, Look, Task, Then, split};
use crate::lrs::Failure;
use crate::store::{Db, HoldReason, Millis, Outcome, Problem, StoreError};

impl Session {
    pub(super) fn failed(
        &mut self,
        db: &mut Db,
        flying: Flying,
        failure: &Failure,
        now: Millis,
    ) -> Result<(), StoreError> {
        let stop = judge::failed(failure, flying.timeout);
        self.judged(stop.problem.code());
        self.flights.close();
        if let Task::Post(batch) = flying.task {
            match failure {
                Failure::Unreachable(_) => self.unsent = self.flights.take_back(flying.mark),
                Failure::Broken(_) if flying.bytes >= BIG_BODY => {
                    self.ceiling.shrink_bytes(&mut self.learned, flying.bytes);
                }
                Failure::TimedOut => self
                    .ceiling
                    .shrink_statements(&mut self.learned, batch.len()),
                Failure::Broken(_) => self.failed_again_on(batch.len()),
            }
            return self.one_failed(db, batch, stop, now);
        }
        self.stop(db, stop, now)
    }

    /// One LRS fails on every batch, another on those above some size or with a certain statement.
    fn failed_again_on(&mut self, statements: usize) {
        if statements > 1 && self.learned.failures > 0 {
            self.ceiling
                .shrink_statements(&mut self.learned, statements);
        }
    }

    /// The upstream failed. While cautious, or for a known suspect, a failure on one statement alone is
    /// looked into before anything is concluded.
    fn one_failed(
        &mut self,
        db: &mut Db,
        batch: Vec<Item>,
        stop: Stop,
        now: Millis,
    ) -> Result<(), StoreError> {
        let failed_on_it = matches!(
            stop.problem,
            Problem::ServerError | Problem::TimedOut | Problem::Broken
        );
        let alone = batch.len() == 1 && (self.is_cautious() || batch[0].row.alone);
        let (Pause::AtLeast(under_way), true) = (stop.pause, failed_on_it && alone) else {
            return self.stop(db, stop, now);
        };
        let quiet_until = Some(now + under_way.as_millis() as Millis);
        self.quiet_until = self.quiet_until.max(quiet_until);
        let blame = Blame {
            reason: HoldReason::ServerError,
            status: stop.status,
            words: stop.words,
        };
        self.tasks
            .push_front(Task::Look(Look::new(batch, Then::Blame(blame))));
        // Should this session end before it knows, the next one waits.
        self.settle(db, Vec::new(), now)
    }

    pub(super) fn posted(
        &mut self,
        db: &mut Db,
        mut batch: Vec<Item>,
        verdict: Verdict,
        bytes: usize,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.judged(verdict.word());
        if let Verdict::Suspicious { .. } | Verdict::Known { .. } = verdict {
            self.refused = Some(self.refused.map_or(batch.len(), |n| n.min(batch.len())));
        }
        match verdict {
            Verdict::Stored { delivered, look } => {
                let look = pick(&batch, &look);
                let settled = take(batch, &delivered)
                    .map(|item| (item, Outcome::Delivered))
                    .collect();
                if !look.is_empty() {
                    self.tasks
                        .push_front(Task::Look(Look::new(look, Then::Proves(Vec::new()))));
                }
                self.accepted(db, settled, now)
            }
            Verdict::ProveOne => {
                // One that was not there before the batch was sent proves that it arrived. Without one,
                // each has to be asked for: some of them may be there from elsewhere.
                let absent = batch.iter().position(|item| item.looked);
                let ask = absent.map(|at| vec![batch.remove(at)]);
                let look = match ask {
                    Some(ask) => Look::new(ask, Then::Proves(batch)),
                    None => Look::new(batch, Then::Proves(Vec::new())),
                };
                self.tasks.push_front(Task::Look(look));
                Ok(())
            }
            Verdict::Sorted {
                delivered,
                refused,
                look,
            } => self.sorted(db, &batch, &delivered, refused, &look, now),
            Verdict::Suspicious { blame, culprits } => {
                if bytes >= BIG_BODY && batch.len() > 1 {
                    // One LRS says 400 to what is too large.
                    self.ceiling.shrink_bytes(&mut self.learned, bytes);
                }
                self.suspicious(db, batch, blame, culprits, now)
            }
            Verdict::Known { named } => {
                self.known(batch, &named);
                Ok(())
            }
            Verdict::TooLarge { blame } => {
                self.ceiling.shrink_bytes(&mut self.learned, bytes);
                if batch.len() > 1 {
                    self.post_in_parts(split(batch, &[]));
                    return Ok(());
                }
                self.blame_all(db, batch, &blame, now)
            }
            Verdict::Stop(stop) => {
                if stop.problem == Problem::ServerError {
                    self.failed_again_on(batch.len());
                }
                self.one_failed(db, batch, stop, now)
            }
        }
    }

    fn sorted(
        &mut self,
        db: &mut Db,
        batch: &[Item],
        delivered: &[usize],
        refused: Vec<(usize, String)>,
        look: &[usize],
        now: Millis,
    ) -> Result<(), StoreError> {
        // Looked up and not found, sent, and still nothing said of it.
        let (lost, look): (Vec<_>, Vec<_>) =
            pick(batch, look).into_iter().partition(|item| item.looked);
        if !look.is_empty() {
            self.tasks
                .push_front(Task::Look(Look::new(look, Then::Send(Vec::new()))));
        }
        let refused = refused.into_iter().map(|(at, words)| {
            let blame = Blame {
                reason: HoldReason::Refused,
                status: Some(200),
                words,
            };
            (batch[at].clone(), blame)
        });
        if delivered.is_empty() {
            for (item, blame) in refused {
                self.blame_all(db, vec![item], &blame, now)?;
            }
        } else {
            // It took others of the same batch: no better proof will be had.
            let settled = delivered
                .iter()
                .map(|&at| (batch[at].clone(), Outcome::Delivered))
                .chain(refused.map(|(item, blame)| (item, blame.held())))
                .collect();
            self.accepted(db, settled, now)?;
        }
        let words = "it neither stored nor refused the statement".to_owned();
        self.blame_all(
            db,
            lost,
            &Blame {
                reason: HoldReason::ServerError,
                status: None,
                words,
            },
            now,
        )
    }

    /// 400, 422, 403: whose fault is it?
    fn suspicious(
        &mut self,
        db: &mut Db,
        mut batch: Vec<Item>,
        blame: Blame,
        culprits: Vec<usize>,
        now: Millis,
    ) -> Result<(), StoreError> {
        if batch.len() > 1 {
            if self.checked {
                self.post_in_parts(split(batch, &culprits));
            } else if let Some(first) = batch.first().cloned() {
                self.tasks.push_front(Task::Look(Look::new(
                    [first],
                    Then::Split { batch, culprits },
                )));
            }
            return Ok(());
        }
        match batch.pop() {
            // It may be there from before: one LRS says 400 to what it has.
            Some(item) if !self.checked || (item.row.sent_before && !item.looked) => {
                self.tasks
                    .push_front(Task::Look(Look::new([item], Then::Blame(blame))));
                Ok(())
            }
            Some(item) => self.blame_all(db, vec![item], &blame, now),
            None => Ok(()),
        }
    }

    /// 409: it knows at least one of them, the same or another.
    fn known(&mut self, mut batch: Vec<Item>, named: &[usize]) {
        if batch.len() > 1 {
            // It does not say that it knows this one: not to find it now proves nothing against it.
            for item in &mut batch {
                item.looked = false;
            }
        }
        let all_sent_before = batch.iter().all(|item| item.row.sent_before);
        if batch.len() == 1 || all_sent_before {
            self.tasks
                .push_front(Task::Look(Look::new(batch, Then::Known)));
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
            self.tasks
                .push_front(Task::Look(Look::new(ask, Then::Known)));
        }
    }

    pub(super) fn post_in_parts(&mut self, parts: Vec<Vec<Item>>) {
        for part in parts.into_iter().rev().filter(|part| !part.is_empty()) {
            self.tasks.push_front(Task::Post(part));
        }
    }
}

/// Those at these places, in ascending order, without a copy of their bytes.
fn take(batch: Vec<Item>, at: &[usize]) -> impl Iterator<Item = Item> {
    let mut at = at.iter().copied().peekable();
    batch
        .into_iter()
        .enumerate()
        .filter_map(move |(place, item)| at.next_if_eq(&place).map(|_| item))
}

fn pick(batch: &[Item], at: &[usize]) -> Vec<Item> {
    at.iter().filter_map(|&at| batch.get(at).cloned()).collect()
}
