//! The time at the LRS.
//!
//! Its `Date` is a hint. It is shown with the device's clock, tells why a statement may have been refused, and
//! is believed for timestamps only if the device's own clock cannot be right.

use std::time::Duration;

use super::{Link, took};
use crate::clock::{Now, Steady};
use crate::lrs::{Response, headers};
use crate::store::{Clocks, LrsClock, Millis, Written};
use crate::sync::policy;
use crate::sync::trace;

/// Returns the time that an answer tells; none if it comes from a cache, whose time is old.
pub fn date_of(answer: &Response) -> Option<Millis> {
    headers::date(answer).filter(|_| answer.header("Age").is_none())
}

impl Link {
    /// Notes the clocks' readings, and returns the wall clock's time.
    pub fn read(&mut self, now: Now) -> Millis {
        self.steady = now.steady;
        now.wall_ms
    }

    /// Returns both clocks for this reading of the wall clock.
    pub fn both_clocks(&self, now: Millis) -> Now {
        Now {
            wall_ms: now,
            steady: self.steady,
        }
    }

    /// Returns the clocks by which statements are sealed at their first send.
    pub fn clocks(&self, now: Millis) -> Clocks {
        Clocks {
            here: self.both_clocks(now),
            lrs: self.learned.clock,
            trust_lrs: self.config.trust_lrs_clock,
        }
    }

    /// Returns both clocks, to be stored with the waits.
    pub fn written(&self, now: Millis) -> Option<Written> {
        Written::now(self.both_clocks(now))
    }

    /// Measures what an answer of the LRS tells apart from its content: the LRS's clock and speed. Only the
    /// LRS's own answer to a batch `measures` its speed.
    pub fn hear(&mut self, answer: &Response, asked: Now, measures: bool, now: Millis) {
        let here = self.both_clocks(now);
        let ms = trace::between(asked, here) as Millis;
        took(&mut self.learned, ms, measures);
        if let Some(date) = date_of(answer) {
            self.skew = Some(date - now);
            self.learned.skew_ms = self.skew;
            if let Some(clock) = self.measured(date, asked.steady) {
                // A single answer may say anything.
                let agrees = |known: Option<LrsClock>| known.is_some_and(|it| it.agrees(clock));
                if agrees(self.unconfirmed_clock) || agrees(self.learned.clock) {
                    self.learned.clock = Some(clock);
                }
                self.unconfirmed_clock = Some(clock);
            }
        }
    }

    /// Tells whether an answer has told the LRS's time in this session, believed or not.
    pub fn has_heard_the_time(&self) -> bool {
        self.unconfirmed_clock.is_some()
    }

    /// Returns what an answer with this `Date` tells of the LRS's clock.
    pub fn measured(&self, date: Millis, asked: Option<Steady>) -> Option<LrsClock> {
        LrsClock::measured(self.learned.clock, date, asked?, self.steady?)
    }

    /// Returns how long to wait for an LRS that says that it shows only what it stored until a time at which it may not
    /// have stored yet what is asked for; none if it shows that. The time is by its own clock, so what counts is how far
    /// it is behind its `Date`.
    pub fn shows_in(&mut self, answer: &Response, now: Millis) -> Option<Duration> {
        let through = headers::consistent_through(answer)?;
        let behind = headers::date(answer)? - through - policy::CONSISTENT_WITHIN_MS;
        if behind <= 0 || self.learned.failures >= policy::WAITS_FOR_CONSISTENCY {
            return None;
        }
        // Where it is not known it was another copy of the queue that sent it, perhaps a moment ago; and a later time is
        // of a clock that was ahead.
        let until = self.learned.at_work_until.map_or(now, |it| it.min(now));
        self.learned.at_work_until = Some(until);
        let since = now - until;
        if behind <= since || since >= policy::LONGEST_LAG_MS {
            return None;
        }
        if since < policy::SHOWN_AFTER_MS {
            // Each time that something was sent, and not each time that it is asked for.
            self.learned.failures = self.learned.failures.saturating_add(1);
        }
        // As long again as it took so far: it may be a second, and what the header says may be years.
        let wait = since.min(behind - since).max(policy::SHOWN_AFTER_MS);
        Some(Duration::from_millis(wait.unsigned_abs()))
    }
}
