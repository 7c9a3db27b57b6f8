//! Statements with contents of attachments: whose fault it is where an LRS does not take them, and what shows that it has
//! them.
//!
//! They go in requests of their own. Whatever becomes of such a request, the statements step aside at once: they stop no
//! others, are no suspects beside others, and an LRS that merely fails on them is not left alone for it. Where it has never
//! taken a request with contents, nothing is held for them; where it has, one is held for refusals between which it took
//! others *with contents*. See `link/contents.rs` for when they come again.
//!
//! That an LRS shows a statement does not prove its contents: one real LRS gives no answer to a text of 16 KiB, has the
//! statement, and does not have the text. So after anything but the LRS's own word for it, a statement is looked up with
//! its contents, and is delivered if they come.

use std::collections::BTreeMap;
use std::time::Duration;

use super::at_work::still_at_work;
use super::task::{AfterLookup, Lookup, Pending, Task, split};
use crate::store::{Db, HoldReason, Millis, Outcome, Problem, StoreError, WaitReason};
use crate::sync::backoff;
use crate::sync::meaning::{Blame, Looked, Pause, Stop, Verdict};
use crate::sync::policy;
use crate::sync::session::Session;
use crate::sync::statements::task::Sent;

impl Pending {
    /// Tells whether contents of attachments go with it.
    pub(crate) fn has_contents(&self) -> bool {
        !self.row.contents.is_empty()
    }
}

/// Tells whether contents go with this batch: with each of it or with none.
pub(crate) fn has_contents(batch: &[Pending]) -> bool {
    batch.iter().any(Pending::has_contents)
}

impl Lookup {
    /// Tells whether only contents that are shown prove that the LRS has the statement: not where the LRS itself has said
    /// that it stored it, without names, unless it may have had it before without them.
    pub(crate) fn needs_contents(&self, item: &Pending) -> bool {
        let is_its_word = matches!(self.then, AfterLookup::Proves { own: true, .. });
        item.has_contents() && (!is_its_word || item.row.sent_before)
    }

    /// Tells whether to ask for the contents, too.
    pub(crate) fn asks_for_contents(&self, item: &Pending) -> bool {
        !self.bare && self.needs_contents(item)
    }
}

/// Tells whether this result of asking for the contents, too, may be due to just that.
pub(crate) fn may_be_for_the_contents(found: &Looked) -> bool {
    match found {
        Looked::NotShown { .. } | Looked::Misunderstood => true,
        Looked::Stop(stop) => {
            matches!(stop.pause, Pause::Backoff | Pause::Long)
                && stop.problem != Problem::Unreachable
        }
        Looked::Copy(_) | Looked::Missing | Looked::NotYet(_) => false,
    }
}

/// Tells whether these contents, which the LRS has shown, are all of the statement's.
pub(crate) fn are_all(item: &Pending, shown: &[Vec<u8>]) -> bool {
    let mut parts = item.row.contents.parts();
    parts.all(|part| shown.iter().any(|one| one == part.octets))
}

impl Session {
    /// Returns how many requests the upstream has taken statements of that tell something about this one.
    pub(crate) fn taken_like(&self, item: &Pending) -> u64 {
        if item.has_contents() {
            self.link.learned.contents.taken
        } else {
            self.link.learned.taken
        }
    }

    /// Follows an answer to a batch with contents that does not take it; returns any other verdict.
    pub(crate) fn posted_contents(
        &mut self,
        db: &mut Db,
        batch: &mut Vec<Pending>,
        verdict: Verdict,
        sent: Sent,
        now: Millis,
    ) -> Result<Option<Verdict>, StoreError> {
        match verdict {
            Verdict::Suspicious { blame, culprits } => {
                if batch.len() > 1 {
                    self.link.bears_fewer_contents(sent.bytes);
                }
                self.suspicious(db, std::mem::take(batch), blame, culprits, now)?;
            }
            Verdict::TooLarge { .. } if batch.len() > 1 => {
                self.link.bears_fewer_contents(sent.bytes);
                self.post_in_parts(split(std::mem::take(batch), &[]));
            }
            Verdict::TooLarge { blame } => {
                self.blame_all(db, std::mem::take(batch), &blame, now)?;
            }
            Verdict::Stop(stop) => {
                self.contents_stopped(db, std::mem::take(batch), stop, sent, now)?;
            }
            other => return Ok(Some(other)),
        }
        Ok(None)
    }

    /// Sets a batch with contents aside that was not answered, or not by an LRS. Only what becomes of other statements
    /// tells whether the upstream as a whole is in trouble. None of it is sent again while the LRS may be at work on it.
    pub(crate) fn contents_stopped(
        &mut self,
        db: &mut Db,
        batch: Vec<Pending>,
        stop: Stop,
        sent: Sent,
        now: Millis,
    ) -> Result<(), StoreError> {
        if stop.problem == Problem::Unreachable {
            return self.stop(db, stop, Duration::ZERO, now);
        }
        let doubt = if stop.doubt {
            sent.timeout
        } else {
            Duration::ZERO
        };
        self.stay_quiet(&batch, doubt, now);
        match batch.as_slice() {
            [alone] => {
                let bytes = alone.row.contents.len() as u64;
                let from = self.link.unanswered_from(bytes, now);
                self.link.bore_no_contents(from, &mut self.rng, now);
            }
            _ => self.link.bears_fewer_contents(sent.bytes),
        }
        let outcome = Outcome::Waiting {
            reason: WaitReason::NoAttachments,
            due: Some(now + doubt.as_millis() as Millis),
            status: stop.status,
            words: stop.words.clone(),
            taken: None,
        };
        let settled = batch.into_iter().map(|item| (item, outcome.clone()));
        self.settle(db, settled.collect(), now)?;
        if matches!(stop.pause, Pause::RetryAfter(_)) {
            // It asks this of everybody.
            return self.stop(db, stop, Duration::ZERO, now);
        }
        self.unexplained = Some(stop);
        Ok(())
    }

    /// Tells whether there is something to be found out about statements with contents.
    pub(crate) fn asks_about_contents(&self) -> bool {
        let mut tasks = self.tasks.iter().chain(self.flights.tasks());
        self.contents_at_work.was_needed()
            && tasks.any(|task| task.pending().any(Pending::has_contents))
    }

    /// Leaves aside what is to be found out about statements with contents while the LRS may be at work on them: all that is
    /// to be done is about to be forgotten, and whoever comes next would send them.
    pub(crate) fn leave_contents_at_work(
        &mut self,
        db: &mut Db,
        now: Millis,
    ) -> Result<(), StoreError> {
        let landed = self.landed.iter().flat_map(|one| &one.batch);
        let tasks = self.tasks.iter().chain(self.flights.tasks());
        let all = tasks.flat_map(Task::pending).chain(landed);
        let at_work: BTreeMap<i64, Pending> = all
            .filter(|item| {
                self.contents_at_work
                    .has_any_of(std::slice::from_ref(*item), now)
            })
            .map(|item| (item.row.seq, item.clone()))
            .collect();
        let at_work: Vec<Pending> = at_work.into_values().collect();
        self.is_left_at_work(db, &at_work, now).map(drop)
    }

    /// Leaves a batch aside that would be sent while the LRS may be at work on it, as one that was split because it failed,
    /// or was recorded anew under an id that was erased; false if it may leave.
    pub(crate) fn is_left_at_work(
        &mut self,
        db: &mut Db,
        batch: &[Pending],
        now: Millis,
    ) -> Result<bool, StoreError> {
        if !self.contents_at_work.has_any_of(batch, now) {
            return Ok(false);
        }
        let left = self.contents_at_work.left(now);
        let outcome = Outcome::Waiting {
            reason: WaitReason::NoAttachments,
            due: Some(now + left.as_millis() as Millis),
            status: None,
            words: still_at_work().words,
            taken: None,
        };
        let settled = batch.iter().map(|item| (item.clone(), outcome.clone()));
        self.settle(db, settled.collect(), now)?;
        Ok(true)
    }

    /// Names the trouble with a request with contents once nothing else has told whether the upstream takes any: nobody
    /// waits for it, as the statements wait for themselves.
    pub(crate) fn name_what_is_unexplained(
        &mut self,
        db: &mut Db,
        now: Millis,
    ) -> Result<(), StoreError> {
        if let Some(stop) = self.unexplained.take()
            && !self.link.accepted_any
        {
            self.link.name_trouble(stop, now);
            self.settle(db, Vec::new(), now)?;
        }
        Ok(())
    }

    /// Decides about a statement with contents that was refused when it was sent alone: sent once more, held, or aside.
    pub(crate) fn blame_contents(
        &mut self,
        db: &mut Db,
        mut item: Pending,
        blame: &Blame,
        now: Millis,
    ) -> Result<(), StoreError> {
        let taken = self.link.learned.contents.taken;
        if taken == 0 {
            let is_too_large = blame.reason == HoldReason::TooLarge;
            let from = is_too_large.then_some(item.row.contents.len() as u64);
            self.link
                .bore_no_contents(from.unwrap_or(0), &mut self.rng, now);
            let outcome = Outcome::Waiting {
                reason: WaitReason::NoAttachments,
                due: Some(now + self.contents_at_work.left(now).as_millis() as Millis),
                status: blame.status,
                words: blame.words.clone(),
                taken: blame.is_a_refusal().then_some(taken),
            };
            return self.settle(db, vec![(item, outcome)], now);
        }
        let confirmed = self.confirms(&item, blame);
        if confirmed && self.may_appeal(&item, blame) {
            item.appeals += 1;
            self.tasks.push_front(Task::Post(vec![item]));
            return Ok(());
        }
        let outcome = if confirmed {
            blame.clone().held()
        } else {
            self.later_since(&item, blame, taken, now)
        };
        self.settle(db, vec![(item, outcome)], now)
    }

    /// Returns what becomes of a statement that the LRS shows without its contents. It may be slow to show them, or fail
    /// to today; but once it has shown the statement so several times, some time apart, it does not have them.
    pub(crate) fn shown_without_contents(&mut self, item: &Pending, now: Millis) -> Outcome {
        if item.row.bare >= policy::SHOWN_WITHOUT_CONTENTS {
            return Outcome::Held {
                reason: HoldReason::ContentMissing,
                status: None,
                words:
                    "the LRS has the statement, and does not show the contents of its attachments"
                        .to_owned(),
                theirs: None,
            };
        }
        let wait = backoff::without_contents(item.row.bare + 1, &mut self.rng);
        Outcome::Bare {
            due: now + wait.as_millis() as Millis,
        }
    }
}
