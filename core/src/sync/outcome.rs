//! Writing down what was found out: statements settled, the upstream well or in trouble.

use std::time::Duration;

use super::backoff;
use super::door::Door;
use super::judge::{Pause, Stop};
use super::limits::Ceiling;
use super::policy;
use super::session::Session;
use super::work::Item;
use crate::event::Event;
use crate::store::{
    Db, Learned, Millis, Outcome, Problem, Settled, Settlement, StoreError, Trouble, WaitKind,
    Written,
};

impl Session {
    /// The upstream took statements: it is well, and those it failed on were at fault themselves.
    /// Unless it has failed on something else since this left: then that counts.
    pub(super) fn accepted(
        &mut self,
        db: &mut Db,
        mut settled: Vec<(Item, Outcome)>,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.learned.last_success = Some(now);
        self.learned.taken += 1;
        if self.learned.waits.is_empty() {
            if settled.len() == 1 && self.is_cautious() && !self.is_busy() {
                Ceiling::takes_one(&mut self.learned);
            }
            self.accepted = true;
            self.checked = true;
            self.refused = None;
            self.door = None;
            self.learned.reads.get_or_insert(false);
            self.learned.failures = 0;
            self.learned.trouble = None;
            self.ceiling.grow(&mut self.learned);
            settled.extend(self.convict(now));
        }
        self.settle(db, settled, now)?;
        if db.unpurged()? >= policy::PURGE_FROM {
            db.purge(self.config.history, now)?;
        }
        Ok(())
    }

    /// Returns both clocks, to be written beside the waits.
    pub(super) fn written(&self, now: Millis) -> Option<Written> {
        Written::now(self.both_clocks(now))
    }

    /// Returns how long a failed request may still be running at the LRS.
    pub(super) fn under_way(&self, now: Millis) -> Duration {
        self.quiet.left(now)
    }

    /// Marks a batch as perhaps running at the LRS for this long, while it is looked into.
    pub(super) fn stay_quiet(&mut self, batch: &[Item], doubt: Duration, now: Millis) {
        self.quiet.add(batch, doubt, now);
    }

    /// Forgets that look-ups did not find these: they were sent again.
    pub(super) fn may_be_there(&mut self, batch: &[Item]) {
        for item in batch {
            self.not_there.remove(&item.row.seq);
        }
    }

    /// Stops for now. Tasks are forgotten and statements stay where they are. Nothing is sent while the last
    /// request may be running, which is as long as `doubt`. Failures of several requests in flight are one
    /// failure, with the longest of their waits.
    pub(super) fn stop(
        &mut self,
        db: &mut Db,
        stop: Stop,
        doubt: Duration,
        now: Millis,
    ) -> Result<(), StoreError> {
        let under_way = self.under_way(now).max(doubt);
        if self.accepted && !self.suspects.is_empty() {
            // It has others, so these step aside: they would be in front of all again.
            let settled = self.convict(now);
            self.settle(db, settled, now)?;
        }
        self.forget_tasks();
        self.suspects.clear();
        self.doubt_upstream();
        if let Some(tried) = self.refused.take() {
            // The search for the culprit goes on from here, and does not begin anew each time.
            self.ceiling.shrink_statements(&mut self.learned, tried);
        }
        if self.learned.waits.is_empty() {
            self.learned.failures = self.learned.failures.saturating_add(1);
        }
        if let Problem::ServerError | Problem::Busy | Problem::TimedOut | Problem::Broken =
            stop.problem
        {
            self.flights.too_many(&mut self.learned);
        }
        let backoff = backoff::delay(self.learned.failures, &mut self.rng);
        let (wait, why) = match stop.pause {
            Pause::Backoff => (backoff, WaitKind::Backoff),
            Pause::AtLeast(least) => (backoff.max(least), WaitKind::Backoff),
            // It may be something before the LRS that says so, of one statement.
            Pause::Long if self.learned.failures < policy::LONG_TROUBLE => {
                (backoff, WaitKind::Backoff)
            }
            Pause::Long => (backoff::delay(u32::MAX, &mut self.rng), WaitKind::Backoff),
            Pause::RetryAfter(asked) => (
                backoff::after(asked, self.learned.failures, &mut self.rng),
                WaitKind::RetryAfter,
            ),
            Pause::App => (policy::WITHOUT_THE_APP, WaitKind::App),
        };
        if under_way > Duration::ZERO {
            let until = now + under_way.as_millis() as Millis;
            self.learned.waits.add(WaitKind::OutcomeUnknown, until);
        }
        // Of several that failed at once the one that asks for more is named.
        let named = matches!(
            self.learned.waits.last(),
            Some((_, WaitKind::App | WaitKind::RetryAfter))
        );
        self.learned
            .waits
            .add(why, now + wait.as_millis() as Millis);
        let stop = self.or_obey_the_door(stop, now);
        if named {
            return self.settle(db, Vec::new(), now);
        }
        let stop = match &self.speaks_others {
            // It said so before; now it is known to matter.
            Some(versions) if stop.problem == Problem::RefusesEverything => Stop {
                problem: Problem::NoCommonVersion,
                words: format!("it speaks {versions}"),
                ..stop
            },
            _ => stop,
        };
        let since = match &self.learned.trouble {
            Some(trouble) if trouble.problem == stop.problem => trouble.since,
            _ => now,
        };
        self.learned.trouble = Some(Trouble {
            problem: stop.problem,
            status: stop.status,
            words: stop.words,
            since,
        });
        self.settle(db, Vec::new(), now)
    }

    /// Forgets how far the upstream was trusted: what it took before says nothing about the time after a
    /// failure.
    pub(super) fn doubt_upstream(&mut self) {
        self.checked = false;
        self.flipped = false;
        self.understands_neither = false;
        self.accepted = false;
    }

    /// Returns what another session must know if this one dies: what is in flight, and what it is looking
    /// into.
    fn learned_for_others(&self, now: Millis) -> Learned {
        let mut learned = self.learned.clone();
        learned.under_way = self.flights.under_way();
        learned.written = self.written(now);
        learned.asked_since_401 = self.door.as_ref().map(Door::asked);
        let wait = self.under_way(now);
        let looking = !self.tasks.is_empty() || !self.suspects.is_empty();
        if wait > Duration::ZERO && looking {
            let until = now + wait.as_millis() as Millis;
            learned.waits.add(WaitKind::OutcomeUnknown, until);
        }
        learned
    }

    pub(super) fn settle(
        &mut self,
        db: &mut Db,
        settled: Vec<(Item, Outcome)>,
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
            learned: Some((self.lease(), self.learned_for_others(now))),
            unsent: self.unsent.take(),
            steady: self.steady,
        };
        let changed = db.settle(self.config.upstream, &settlement, self.config.history, now)?;
        // In the order that they were given in.
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
                    self.events.push(Event::Held { id, reason, words });
                }
                Outcome::Waiting { .. } => {}
            }
        }
        if !ids.is_empty() {
            self.delivered += ids.len() as u64;
            self.events.push(Event::Delivered { ids });
        }
        Ok(())
    }
}
