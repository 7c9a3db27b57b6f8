//! Trouble of the LRS as a whole, and how long it is left alone for it.

use std::time::Duration;

use super::Link;
use crate::store::{Millis, Problem, Trouble, WaitKind};
use crate::sync::meaning::{Pause, Stop};
use crate::sync::{backoff, policy};

impl Link {
    /// Tells whether to send one statement at a time and look each up first. Something was reached repeatedly
    /// but took nothing: the first statement may be the cause.
    pub fn is_cautious(&self) -> bool {
        let from = match self
            .learned
            .trouble
            .as_ref()
            .map(|trouble| &trouble.problem)
        {
            None | Some(Problem::Unreachable) => return self.wary,
            Some(Problem::Busy) => policy::BUSY_BEFORE_SINGLES,
            Some(_) => policy::CAUTIOUS_FROM,
        };
        self.wary || self.learned.failures >= from
    }

    /// Tells whether nothing was taken for long, for another reason than that the LRS asks to wait.
    pub fn is_in_long_trouble(&self) -> bool {
        self.is_cautious() && !self.is_busy() && self.learned.failures >= policy::LONG_TROUBLE
    }

    /// Tells whether the LRS asks to wait, which it asks of everybody.
    pub fn is_busy(&self) -> bool {
        let trouble = self.learned.trouble.as_ref();
        trouble.is_some_and(|trouble| trouble.problem == Problem::Busy)
    }

    /// Replaces trouble with `GET /about`, once that has repeatedly gone unanswered, by the trouble already
    /// known: an LRS may treat questions about itself differently from statements.
    pub fn as_known(&self, stop: Stop) -> Stop {
        match &self.learned.trouble {
            Some(known) if self.learned.about_unanswered >= policy::UNANSWERED => Stop {
                problem: known.problem,
                status: known.status,
                words: known.words.clone(),
                ..stop
            },
            _ => stop,
        }
    }

    /// Tells whether to leave out the next look-up, and counts it: after several unanswered ones every other
    /// one is left out, as after a 429.
    pub fn leaves_out_look(&mut self) -> bool {
        self.has_room_for_one() || leave_out(&mut self.learned.looks_unanswered)
    }

    /// Tells whether look-ups are answered, as far as is known. One that is left out takes one off the count.
    pub fn answers_looks(&self) -> bool {
        self.learned.looks_unanswered + 1 < policy::UNANSWERED
    }

    /// Tells whether an LRS that counts requests may take a single one now, which a look-up would use up. Every other
    /// time it is looked up all the same, as it may have stored what it answered so. One that is overloaded (503) is
    /// looked up each time: a fleet is served sooner so.
    fn has_room_for_one(&self) -> bool {
        let trouble = self.learned.trouble.as_ref();
        let counts_requests = trouble.is_some_and(|trouble| trouble.status == Some(429));
        counts_requests && self.learned.failures % 2 == 1
    }

    /// Does the same for `GET /about`.
    pub fn leaves_out_about(&mut self) -> bool {
        leave_out(&mut self.learned.about_unanswered)
    }

    /// Leaves the LRS alone: it took nothing, and may be working on what it was sent for as long as
    /// `under_way`. Failures of several requests in flight count as one failure, with the longest of their
    /// waits.
    pub fn leave_alone(
        &mut self,
        stop: Stop,
        under_way: Duration,
        rng: &mut fastrand::Rng,
        now: Millis,
    ) {
        let (wait, why) = self.wait(stop.pause, rng);
        if under_way > Duration::ZERO {
            let until = now + under_way.as_millis() as Millis;
            self.learned.waits.add(WaitKind::OutcomeUnknown, until);
        }
        // Of several simultaneous failures the one that asks for more is reported.
        let named = matches!(
            self.learned.waits.last(),
            Some((_, WaitKind::App | WaitKind::RetryAfter))
        );
        self.learned
            .waits
            .add(why, now + wait.as_millis() as Millis);
        let stop = self.or_obey_401(stop, now);
        if !named {
            self.name_trouble(stop, now);
        }
    }

    fn wait(&self, pause: Pause, rng: &mut fastrand::Rng) -> (Duration, WaitKind) {
        let failures = self.learned.failures;
        // Drawn in any case, so that later draws do not depend on the pause.
        let backoff = backoff::delay(failures, rng);
        match pause {
            Pause::Backoff => (backoff, WaitKind::Backoff),
            // A longer one would pass for one of another clock.
            Pause::UntilShown(wait) => (wait.min(policy::LONGEST_BACKOFF), WaitKind::Backoff),
            // Something in front of the LRS may say so about one statement.
            Pause::Long if failures < policy::LONG_TROUBLE => (backoff, WaitKind::Backoff),
            Pause::Long => (backoff::delay(u32::MAX, rng), WaitKind::Backoff),
            Pause::RetryAfter(asked) => {
                (backoff::after(asked, failures, rng), WaitKind::RetryAfter)
            }
            Pause::App => (policy::WITHOUT_THE_APP, WaitKind::App),
        }
    }

    /// Names what is the matter, and since when.
    pub fn name_trouble(&mut self, stop: Stop, now: Millis) {
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
    }
}

/// Tells whether to leave this question out, and counts it.
fn leave_out(unanswered: &mut u32) -> bool {
    let out = *unanswered >= policy::UNANSWERED;
    *unanswered -= u32::from(out);
    out
}
