//! Decides about statements that were refused when they were sent alone.
//!
//! The cause may be the statement, the LRS, or something in front of the LRS today, and only trying again can
//! tell. A statement is held if the LRS itself has refused it twice, some time apart, has taken others in
//! between, and refuses it a few times more at once: one node of several may refuse what the next one takes.
//! If the LRS refuses many in a row, as one whose quota is full, or has taken what it refused before, as one
//! that counts statements per minute, several more refusals are needed; and a refusal that says when to come
//! again does not count. Of refusals between which it took nothing, as until the next hour of a limit, one
//! counts. Until then the statement is a suspect. In a session that has not seen the LRS take anything,
//! suspects are known to the session only and stay queued, so an outage, a broken deployment or a misled
//! proxy leaves no trace; the session goes on after them: the next few, then ever further ahead, so that a
//! run of bad statements ends no sync. Once another statement is taken, they step aside and are tried again
//! later. What a stranger refuses (a page, an answer without any mark of an LRS) steps aside in the same way,
//! but is never held for it. What lies in the LRS's future waits for its time instead.

use std::time::Duration;

use super::suspects::Suspect;
use super::task::{AfterLookup, Lookup, Pending, Task};
use super::with_contents::has_contents;
use crate::store::{Db, HoldReason, LONGEST_FUTURE_MS, Millis, Outcome, StoreError, WaitReason};
use crate::sync::backoff;
use crate::sync::link::Ceiling;
use crate::sync::meaning::{Blame, Pause, Stop};
use crate::sync::policy;
use crate::sync::session::Session;

impl Session {
    /// Suspects each of these statements, which was refused or failed on when it was sent alone.
    pub(crate) fn blame_all(
        &mut self,
        db: &mut Db,
        items: Vec<Pending>,
        blame: &Blame,
        now: Millis,
    ) -> Result<(), StoreError> {
        let taken = items.first().map_or(0, |item| self.taken_like(item));
        self.blame_since(db, items, blame, taken, now)
    }

    /// Does the same for a refusal at which the upstream had taken statements of this many requests.
    pub(crate) fn blame_since(
        &mut self,
        db: &mut Db,
        items: Vec<Pending>,
        blame: &Blame,
        taken: u64,
        now: Millis,
    ) -> Result<(), StoreError> {
        let of_contents = has_contents(&items) && !blame.is_401();
        if !of_contents && self.was_for_the_version(blame) {
            self.suspects.clear_refused();
            self.post_in_parts(items.into_iter().map(|item| vec![item]).collect());
            return Ok(());
        }
        for mut item in items {
            if blame.is_a_refusal() {
                self.refused_alone.insert(item.row.seq);
            }
            if of_contents {
                self.blame_contents(db, item, blame, now)?;
                continue;
            }
            let confirmed = self.confirms(&item, blame);
            if confirmed && self.may_appeal(&item, blame) {
                item.appeals += 1;
                self.tasks.push_front(Task::Post(vec![item]));
                continue;
            }
            let suspect = Suspect {
                confirmed,
                taken,
                blame: blame.clone(),
                at: now,
                skew: self.link.skew,
                item,
            };
            // One that is already aside would be due again at once.
            if suspect.item.row.aside_since.is_some() {
                let outcome = self.later_since(&suspect.item, blame, taken, now);
                self.settle(db, vec![(suspect.item.clone(), outcome)], now)?;
            }
            if blame.reason == HoldReason::ServerError && blame.status.is_some() {
                Ceiling::failed_on_one(&mut self.link.learned);
            }
            self.suspects.list.push(suspect);
        }
        if self.suspects.is_probing() {
            // The rest of the batch stays queued until the upstream has shown that it is well.
            self.forget_tasks();
            if let Some(asked) = blame.retry_after {
                // It refuses everything, and says until when.
                let stop = Stop {
                    pause: Pause::RetryAfter(policy::asked_by_a_refusal(
                        asked,
                        self.link.learned.failures,
                    )),
                    ..blame.clone().stop()
                };
                return self.stop(db, stop, Duration::ZERO, now);
            }
            // One leap is allowed all the same: perhaps it fails on these statements only, and merely answers
            // no look-ups.
            if self.suspects.ill && self.suspects.list.len() > policy::SUSPECTS_BEFORE_PROBING {
                return self.resolve_suspects(db, now).map(drop);
            }
        }
        Ok(())
    }

    /// Changes to another version where the refusal may be for this one, whatever its status: one of the LRS itself, or of
    /// who is read in the other. What it fails on may be at work still; of that, and of what others refuse, the next
    /// sessions tell (`Link::take_turns`).
    fn was_for_the_version(&mut self, blame: &Blame) -> bool {
        // A 501 says that nothing was begun.
        let is_refused = matches!(blame.reason, HoldReason::Refused | HoldReason::Forbidden)
            || blame.status == Some(501);
        is_refused
            && (blame.is_a_refusal() || self.link.reads_in == Some(self.link.version().other()))
            && !blame.is_401()
            && (!self.link.accepted_any || self.link.tries.is_some())
            && self.link.try_the_other_version()
    }

    /// Tells whether the LRS itself has refused it often enough before in the same way, each time after it had
    /// taken others, and has taken others since.
    pub(crate) fn confirms(&self, item: &Pending, blame: &Blame) -> bool {
        let taken = self.taken_like(item);
        let same = blame.reason == HoldReason::ServerError || item.row.status == blame.status;
        blame.is_a_refusal()
            && same
            && self.is_apart(item)
            && item.row.refusals >= self.refusals_before(blame)
            && item.row.taken.is_some_and(|then| taken > then)
    }

    /// Returns the number of refusals that count before the one that holds a statement at this LRS.
    fn refusals_before(&self, blame: &Blame) -> u32 {
        let usual = policy::refusals_before(blame.reason, blame.status);
        usual + policy::REFUSALS_IN_DOUBT * self.link.learned.acquitted
    }

    /// Tells whether to send it again at once before it is held for this: successive requests may reach
    /// different nodes. What a server fails on has been tried often enough, as has what was tried at other
    /// times.
    pub(crate) fn may_appeal(&self, item: &Pending, blame: &Blame) -> bool {
        let tried = item.row.tries.saturating_sub(self.refusals_before(blame)) + item.appeals;
        // A report under 200 is about this statement, and comes from no limit or node.
        let is_reported = blame.status == Some(200);
        policy::refusals_before(blame.reason, blame.status) == 1
            && !is_reported
            && tried < policy::APPEALS
            && self.suspects.list.len() < policy::MANY_IN_A_ROW
    }

    /// Tells whether it was refused often enough to be held, with this many refused in a row just now.
    fn is_enough(&self, suspect: &Suspect, in_a_row: usize) -> bool {
        let often = self.refusals_before(&suspect.blame) + policy::REFUSALS_IN_DOUBT;
        in_a_row <= policy::MANY_IN_A_ROW || suspect.item.row.refusals >= often
    }

    /// Tells whether the previous refusal is long enough ago for this one to count, whatever the wall clock did
    /// since.
    fn is_apart(&self, item: &Pending) -> bool {
        match (self.link.steady, item.row.refused_at) {
            (Some(now), Some(then)) if now.boot == then.boot => {
                now.ms - then.ms >= policy::REFUSALS_APART.as_millis() as Millis
            }
            _ => true,
        }
    }

    /// Takes all suspects and returns their outcomes: held, or tried again later.
    pub(crate) fn hold_confirmed(&mut self, now: Millis) -> Vec<(Pending, Outcome)> {
        let in_a_row = self.suspects.list.len();
        let list = std::mem::take(&mut self.suspects).list;
        let mut outcomes = Vec::new();
        for suspect in list {
            let is_guilty = suspect.confirmed && self.is_enough(&suspect, in_a_row);
            if is_guilty {
                self.link.learned.acquitted = self.link.learned.acquitted.saturating_sub(1);
            }
            // A wait ends by itself, so one refusal before suffices for it.
            let was_refused = suspect.blame.is_a_refusal() && suspect.item.row.refusals > 0;
            let outcome = if let Some(wait) = self
                .awaits_its_time(&suspect, LONGEST_FUTURE_MS, now)
                .filter(|_| is_guilty || was_refused)
            {
                wait
            } else if is_guilty {
                suspect.blame.clone().held()
            } else if suspect.item.row.aside_since.is_none() {
                self.later_since(&suspect.item, &suspect.blame, suspect.taken, now)
            } else {
                // It has been put off already.
                continue;
            };
            outcomes.push((suspect.item, outcome));
        }
        outcomes
    }

    /// Returns the wait, of so long at most, for a statement that the LRS may have refused for its timestamp, which lay in
    /// its future. The time of the refusal counts, which may be a while ago and before our clock jumped.
    fn awaits_its_time(&self, suspect: &Suspect, longest: Millis, now: Millis) -> Option<Outcome> {
        let then = suspect.skew?;
        let may_have_lain_ahead = suspect.lay_ahead_by()? > -policy::CLOCKS_AGREE_WITHIN_MS;
        if !may_have_lain_ahead || suspect.blame.reason == HoldReason::TooLarge {
            return None;
        }
        let due = match suspect.item.row.happened_at - self.link.skew.unwrap_or(then) {
            due if due > now => due,
            // Not at once and repeatedly while the clocks may disagree.
            due => due + policy::CLOCKS_AGREE_WITHIN_MS,
        };
        Some(Outcome::Waiting {
            reason: WaitReason::Future,
            due: Some(due.min(now + longest)),
            status: suspect.blame.status,
            words: suspect.blame.words.clone(),
            taken: Some(self.link.learned.taken),
        })
    }

    /// Puts those suspects aside that certainly lie in the LRS's future, where it has taken nothing: others may not. If that
    /// is not why it refused them, they wait as long as a suspect does, and no longer.
    fn leave_until_their_time(&mut self, db: &mut Db, now: Millis) -> Result<(), StoreError> {
        let longest = policy::LONGEST_SUSPICION.as_millis() as Millis;
        let settled = self
            .suspects
            .list
            .iter()
            .filter(|suspect| suspect.blame.is_a_refusal())
            .filter(|suspect| suspect.lay_ahead_by() > Some(policy::CLOCKS_AGREE_WITHIN_MS))
            .filter_map(|suspect| {
                let wait = self.awaits_its_time(suspect, longest, now)?;
                Some((suspect.item.clone(), wait))
            })
            .collect();
        self.settle(db, settled, now)
    }

    /// Decides about the suspects once nothing else is due. Returns whether there is something to do again.
    pub(crate) fn resolve_suspects(
        &mut self,
        db: &mut Db,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let Some(last) = self.suspects.list.last().cloned() else {
            return Ok(false);
        };
        let taken_others = self.link.accepted_any;
        let in_a_row = self.suspects.list.len();
        let confirmed = self
            .suspects
            .list
            .iter()
            .any(|one| one.confirmed && self.is_enough(one, in_a_row));
        let all_aside = self
            .suspects
            .list
            .iter()
            .all(|one| one.item.row.aside_since.is_some());
        if confirmed && (taken_others || all_aside) {
            // Does it still accept us? One LRS answers 400 to a password that has changed in the meantime, and
            // only a look-up tells.
            let seq = last.item.row.seq;
            if self.suspects.verified != Some(seq) {
                self.suspects.verified = Some(seq);
                self.tasks
                    .push_front(Task::Lookup(Lookup::new([last.item], AfterLookup::Hold)));
                return Ok(true);
            }
        }
        if taken_others || all_aside {
            // No more of them in one session: an outage may have begun in the meantime.
            self.link.wary = false;
            // So many in a row, up to the end of the log, may mean that a limit is used up: if the next few are
            // refused as well, it is left alone for a while, and not asked for each queued statement.
            self.link.accepted_any &= !self.suspects.is_probing();
            let settled = self.hold_confirmed(now);
            self.settle(db, settled, now)?;
            return Ok(true);
        }
        self.leave_until_their_time(db, now)?;
        self.stop(db, last.blame.stop(), Duration::ZERO, now)?;
        Ok(true)
    }

    pub(crate) fn later(&mut self, item: &Pending, blame: &Blame, now: Millis) -> Outcome {
        self.later_since(item, blame, self.taken_like(item), now)
    }

    /// Puts a statement off, longer each time. `taken` is the number of requests that the upstream had taken
    /// statements of when it refused this one.
    pub(crate) fn later_since(
        &mut self,
        item: &Pending,
        blame: &Blame,
        taken: u64,
        now: Millis,
    ) -> Outcome {
        let asked = blame.retry_after.unwrap_or_default();
        let wait = backoff::suspicion(item.row.tries, &mut self.rng)
            .max(policy::REFUSALS_APART)
            .max(asked.min(policy::LONGEST_SUSPICION))
            .max(if item.has_contents() {
                self.contents_at_work.left(now)
            } else {
                self.under_way(now)
            });
        Outcome::Waiting {
            reason: WaitReason::Suspect,
            due: Some(now + wait.as_millis() as Millis),
            status: blame.status,
            words: blame.words.clone(),
            // Only a previous refusal by the LRS itself makes its next one hold the statement.
            taken: blame.is_a_refusal().then_some(taken),
        }
    }
}
