//! Writes down findings: statements settled, the upstream well or in trouble.

use std::time::Duration;

use crate::store::{
    Db, Learned, Millis, Outcome, Problem, Settled, Settlement, StoreError, WaitKind,
};
use crate::sync::event::Event;
use crate::sync::link::{Ceiling, Unauthorized};
use crate::sync::meaning::{Pause, Stop};
use crate::sync::policy;
use crate::sync::session::Session;
use crate::sync::statements::task::Pending;
use crate::sync::statements::with_contents::has_contents;

impl Session {
    /// Settles after the upstream took statements: it is well, and those that it failed on were at fault
    /// themselves, unless it has failed on something else since this request left: then that counts.
    pub(crate) fn accepted(
        &mut self,
        db: &mut Db,
        mut settled: Vec<(Pending, Outcome)>,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.link.learned.last_success = Some(now);
        self.link.learned.taken += 1;
        self.unexplained = None;
        let longest = longest_contents(&settled);
        if longest > 0 {
            self.link.took_contents(longest);
        }
        let is_plain = longest == 0;
        if self.link.learned.waits.is_empty() {
            if is_plain && settled.len() == 1 && self.link.is_cautious() && !self.link.is_busy() {
                Ceiling::takes_one(&mut self.link.learned);
            }
            self.link.accepted_any = true;
            self.acquit(&settled);
            // The next statement lies in front of it or behind, and need not be like this one.
            self.link.wary = self.link.is_in_long_trouble();
            self.link.auth_verified = true;
            self.refused = None;
            self.link.unauthorized = None;
            self.link.learned.reads.get_or_insert(false);
            self.link.learned.failures = 0;
            self.link.learned.trouble = None;
            if is_plain {
                self.link.ceiling.grow(&mut self.link.learned);
            }
            settled.extend(self.hold_confirmed(now));
        }
        self.settle(db, settled, now)?;
        if db.unpurged()? >= policy::PURGE_FROM {
            db.purge_beside(self.link.config.history, now)?;
        }
        Ok(())
    }

    /// Notes that the LRS takes statements that it has refused before.
    fn acquit(&mut self, settled: &[(Pending, Outcome)]) {
        let acquitted = settled
            .iter()
            .filter(|(item, outcome)| {
                let was_refused =
                    self.refused_alone.remove(&item.row.seq) || item.was_refused_before();
                *outcome == Outcome::Delivered && was_refused
            })
            .count() as u32;
        let learned = &mut self.link.learned;
        learned.acquitted = (learned.acquitted + acquitted).min(policy::MOST_ACQUITTED);
    }

    /// Returns how long a failed request may still be running at the LRS.
    pub(crate) fn under_way(&self, now: Millis) -> Duration {
        self.quiet.left(now)
    }

    /// Notes that a batch may be running at the LRS for this long while it is investigated.
    pub(crate) fn stay_quiet(&mut self, batch: &[Pending], doubt: Duration, now: Millis) {
        if has_contents(batch) {
            self.contents_at_work.add(batch, doubt, now);
        } else {
            self.quiet.add(batch, doubt, now);
        }
        let until = now + doubt.as_millis() as Millis;
        self.link.was_at_work_until(until);
    }

    /// Forgets that look-ups did not find these, as they were sent again.
    pub(crate) fn may_be_there(&mut self, batch: &[Pending]) {
        for item in batch {
            self.not_there.remove(&item.row.seq);
        }
    }

    /// Stops for now. Tasks are forgotten and statements stay where they are. Nothing is sent while the last
    /// request may be running, which is as long as `doubt`. Failures of several requests in flight count as one
    /// failure, with the longest of their waits.
    pub(crate) fn stop(
        &mut self,
        db: &mut Db,
        stop: Stop,
        doubt: Duration,
        now: Millis,
    ) -> Result<(), StoreError> {
        let under_way = self.under_way(now).max(doubt);
        if self.link.accepted_any && !self.suspects.is_empty() {
            // It has taken others, so these step aside: otherwise they would be first again.
            let settled = self.hold_confirmed(now);
            self.settle(db, settled, now)?;
        }
        self.leave_contents_at_work(db, now)?;
        self.forget_tasks();
        self.unexplained = None;
        self.suspects.clear();
        self.link.doubt_upstream();
        if let Some(tried) = self.refused.take() {
            // The search for the culprit continues from here, and does not start anew each time.
            self.link
                .ceiling
                .shrink_statements(&mut self.link.learned, tried);
        }
        let is_failure = !matches!(stop.pause, Pause::UntilShown(_));
        if is_failure && self.link.learned.waits.is_empty() {
            self.link.learned.failures = self.link.learned.failures.saturating_add(1);
        }
        if let Problem::ServerError | Problem::Busy | Problem::TimedOut | Problem::Broken =
            stop.problem
        {
            self.flights.too_many(&mut self.link.learned);
        }
        self.link.leave_alone(stop, under_way, &mut self.rng, now);
        self.settle(db, Vec::new(), now)
    }

    /// Returns the state that another session needs if this one dies: what is in flight, and what is being
    /// investigated.
    fn learned_for_others(&self, now: Millis) -> Learned {
        let mut learned = self.link.learned.clone();
        learned.under_way = self.flights.under_way();
        learned.written = self.link.written(now);
        learned.asked_since_401 = self.link.unauthorized.as_ref().map(Unauthorized::asked);
        // What is aside by then has its own time to wait for.
        let contents = if self.asks_about_contents() {
            self.contents_at_work.left(now)
        } else {
            Duration::ZERO
        };
        let wait = self.under_way(now).max(contents);
        let looking = !self.tasks.is_empty() || !self.suspects.is_empty();
        if wait > Duration::ZERO && looking {
            let until = now + wait.as_millis() as Millis;
            learned.waits.add(WaitKind::OutcomeUnknown, until);
        }
        learned
    }

    pub(crate) fn settle(
        &mut self,
        db: &mut Db,
        settled: Vec<(Pending, Outcome)>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let (all, settled) = settled
            .into_iter()
            .map(|(item, outcome)| {
                let seq = item.row.seq;
                (item.row.id, Settled { seq, outcome })
            })
            .unzip::<_, _, Vec<_>, Vec<_>>();
        let settlement = Settlement {
            settled,
            learned: Some((self.link.lease(), self.learned_for_others(now))),
            unsent: self.unsent.take(),
            steady: self.link.steady,
        };
        let changed = db.settle(
            self.link.config.upstream,
            &settlement,
            self.link.config.history,
            now,
        )?;
        // In the order in which they were passed in.
        let mut changed = changed.into_iter().peekable();
        let mut ids = Vec::new();
        for (id, Settled { seq, outcome }) in all.into_iter().zip(settlement.settled) {
            if changed.next_if_eq(&seq).is_none() {
                continue;
            }
            match outcome {
                Outcome::Delivered => ids.push(id),
                Outcome::Held { reason, words, .. } => {
                    self.held += 1;
                    self.events.push(Event::Held {
                        id,
                        reason,
                        words,
                        upstream: self.link.config.name.clone(),
                    });
                }
                Outcome::Waiting { .. } | Outcome::Bare { .. } => {}
            }
        }
        if !ids.is_empty() {
            self.delivered += ids.len() as u64;
            self.events.push(Event::Delivered {
                ids,
                upstream: self.link.config.name.clone(),
            });
        }
        Ok(())
    }
}

/// Returns the number of bytes of the longest contents of one statement that was delivered; 0 if none had any.
fn longest_contents(settled: &[(Pending, Outcome)]) -> u64 {
    let delivered = settled
        .iter()
        .filter(|(_, outcome)| *outcome == Outcome::Delivered);
    delivered
        .map(|(item, _)| item.row.contents.len() as u64)
        .max()
        .unwrap_or(0)
}
