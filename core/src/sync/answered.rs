//! What follows from an answer, or from none: measured at once, judged at once or after the others.

use std::time::Duration;

use tracing::Span;

use super::flights::{Flying, Ticket};
use super::judge::{self, Negotiated, Pause, Stop, Verdict};
use super::policy;
use super::posted::Sent;
use super::session::Session;
use super::work::{Item, Task};
use super::{time, trace, waits};
use crate::clock::Now;
use crate::lrs::reading::{AskedAs, read_about, read_post, sender};
use crate::lrs::{Answer, Failure, Sender, headers};
use crate::statement::XapiVersion;
use crate::store::{Db, LrsClock, Millis, Problem, StoreError};

/// A batch whose answer asks for something else than the next batch, while others are under way.
pub(super) struct Landed {
    batch: Vec<Item>,
    verdict: Verdict,
    sent: Sent,
    span: Span,
}

impl Session {
    /// Takes in the outcome of a request. Everything that follows is in the database when this returns, or
    /// would be found out again. Nothing follows from a request that is no longer in flight.
    pub fn answered(
        &mut self,
        db: &mut Db,
        ticket: Ticket,
        outcome: Result<Answer, Failure>,
        now: impl Into<Now>,
    ) -> Result<(), StoreError> {
        let now = self.read(now.into());
        let Some(flying) = self.flights.land(ticket) else {
            return Ok(());
        };
        if self.is_over(db)? {
            // It is another LRS's by now, and of ours it says nothing.
            return Ok(());
        }
        let (was_quick, signed) = (waits::is_quick(&self.learned), self.learned.signs);
        self.follow_up(db, flying, outcome, now)?;
        if was_quick && !waits::is_quick(&self.learned) || signed != self.learned.signs {
            // After a kill too this has to be known.
            self.settle(db, Vec::new(), now)?;
        }
        Ok(())
    }

    fn follow_up(
        &mut self,
        db: &mut Db,
        flying: Flying,
        outcome: Result<Answer, Failure>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let here = self.both_clocks(now);
        self.judging = flying.span.clone();
        self.judging
            .record("duration_ms", trace::between(flying.asked, here));
        let answer = match outcome {
            Ok(answer) => answer,
            Err(failure) => {
                let waited = trace::between(flying.asked, here) as Millis;
                waits::took(&mut self.learned, waited, false);
                return self.failed(db, flying, &failure, now);
            }
        };
        self.judging.record("status", answer.status);
        let from = self.sender(&answer);
        if from == Sender::Lrs {
            self.learn_to_know(from);
        }
        if from.is_lrs() {
            self.hear(&answer, &flying, now);
        }
        if flying.outdated && matches!(answer.status, 400..=428 | 430..=499) {
            // With the credentials that the app has set since it is another question. Who asks for time
            // asks whoever comes.
            self.judged("outdated");
            self.flights.close();
            return match &flying.task {
                // Whoever refused it says nothing of the LRS, which may be at it.
                Task::Post(batch) if !judge::has_ended(answer.status, from) => {
                    self.stay_quiet(batch, flying.timeout, now);
                    self.wait_for_what_is_under_way(db, now, None)
                }
                _ => Ok(()),
            };
        }
        let retry_after = headers::retry_after(&answer, now);
        match flying.task {
            Task::Negotiate => self.negotiated(db, &answer, retry_after, now),
            Task::Post(_) => self.landed(db, flying, &answer, retry_after, now),
            Task::Look(look) => self.looked(db, look, &answer, retry_after, now),
        }
    }

    /// Whom this session asks, and as whom.
    pub(super) fn asked(&self) -> AskedAs<'_> {
        let asked: AskedAs = (&self.config.endpoint, self.config.authorization.as_ref()).into();
        asked.after(&self.former)
    }

    /// Returns who gave this answer. An LRS that has given its version header so far always gives it, and one
    /// that has taken statements without it never does.
    pub(super) fn sender(&self, answer: &Answer) -> Sender {
        match (sender(answer), self.learned.signs) {
            (Sender::Perhaps, Some(true)) => Sender::Stranger,
            (Sender::Perhaps, Some(false)) => Sender::Likely,
            (from, _) => from,
        }
    }

    /// Learns whether the LRS gives its version header, from an answer that proved to be its own.
    pub(super) fn learn_to_know(&mut self, from: Sender) {
        match from {
            Sender::Lrs => self.learned.signs = Some(true),
            Sender::Perhaps => self.learned.signs = Some(false),
            Sender::Likely | Sender::Stranger => {}
        }
    }

    /// Measures what an answer of the LRS tells beside the content: its clock, and how quick it is.
    fn hear(&mut self, answer: &Answer, flying: &Flying, now: Millis) {
        let here = self.both_clocks(now);
        let took = trace::between(flying.asked, here) as Millis;
        // Who only may be the LRS is no measure of it.
        let measures = matches!(flying.task, Task::Post(_)) && self.sender(answer) == Sender::Lrs;
        waits::took(&mut self.learned, took, measures);
        if let Some(date) = time::told(answer) {
            self.skew = Some(date - now);
            self.learned.skew_ms = self.skew;
            if let Some(clock) = self.measured(date, flying.asked.steady) {
                // One answer alone may say anything.
                let agrees = |known: Option<LrsClock>| known.is_some_and(|it| it.agrees(clock));
                if agrees(self.heard) || agrees(self.learned.clock) {
                    self.learned.clock = Some(clock);
                }
                self.heard = Some(clock);
            }
        }
    }

    fn negotiated(
        &mut self,
        db: &mut Db,
        answer: &Answer,
        retry_after: Option<Duration>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let about = read_about(answer, self.asked());
        let found = judge::about(&about, self.sender(answer), retry_after);
        self.judged(found.word());
        if !matches!(found, Negotiated::Stop(_)) {
            self.learned.about_unanswered = 0;
        }
        match found {
            Negotiated::Version(version) => {
                self.learned.version = Some(self.config.version.unwrap_or(version));
                self.speaks_others = None;
            }
            // Its header may tell. Five of six LRSs take 1.0.3; should this one not, its 400
            // will tell.
            Negotiated::Silent | Negotiated::NoneOfOurs(_) => {
                if let Negotiated::NoneOfOurs(versions) = found {
                    self.speaks_others = Some(versions);
                }
                self.says_nothing_of_itself(headers::xapi_version(answer), now);
                return self.settle(db, Vec::new(), now);
            }
            Negotiated::Stop(stop) => return self.about_stopped(db, stop, now),
        }
        self.learned.version_at = Some(now);
        self.settle(db, Vec::new(), now)
    }

    fn says_nothing_of_itself(&mut self, speaks: Option<XapiVersion>, now: Millis) {
        let version = speaks.or(self.learned.version);
        self.learned.version = Some(version.unwrap_or(XapiVersion::V1_0_3));
        self.learned.version_at = Some(now);
    }

    /// Goes on after a `GET /about` without an answer, or with a request to wait. After several in a row
    /// statements are sent all the same: perhaps this question alone is not answered.
    pub(super) fn about_stopped(
        &mut self,
        db: &mut Db,
        stop: Stop,
        now: Millis,
    ) -> Result<(), StoreError> {
        if stop.problem != Problem::Unreachable {
            self.learned.about_unanswered += 1;
        }
        if self.learned.about_unanswered >= policy::UNANSWERED {
            self.says_nothing_of_itself(None, now);
        }
        if self.understands_neither && !matches!(stop.pause, Pause::RetryAfter(_)) {
            // It was there a moment ago: what is said to statements must do.
            return self.settle(db, Vec::new(), now);
        }
        self.stop(db, stop, Duration::ZERO, now)
    }

    /// The answer to a batch. One that was taken whole is settled at once, and a failure of the
    /// upstream is written down at once. What else has to be done waits until no other batch is under
    /// way.
    fn landed(
        &mut self,
        db: &mut Db,
        flying: Flying,
        answer: &Answer,
        retry_after: Option<Duration>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let sent = Sent::of(&flying);
        let Flying {
            task: Task::Post(batch),
            plain,
            span,
            ..
        } = flying
        else {
            return Ok(());
        };
        let from = self.sender(answer);
        if !(judge::has_ended(answer.status, from) && answer.status >= 400) {
            self.may_be_there(&batch);
        }
        let read = read_post(answer, self.asked());
        let verdict = judge::posted(&read, from, &batch, retry_after);
        if let Verdict::Stored { delivered, .. } | Verdict::Sorted { delivered, .. } = &verdict
            && !delivered.is_empty()
        {
            self.learn_to_know(from);
        }
        let open = match &verdict {
            Verdict::Stored { look, .. } => !look.is_empty(),
            Verdict::Unproved { .. } | Verdict::Sorted { .. } => true,
            _ => false,
        };
        if open && !judge::has_ended(answer.status, from) {
            // Whoever says so may have given up on the LRS, which is at it still.
            self.stay_quiet(&batch, sent.timeout, now);
        }
        match &verdict {
            _ if verdict.is_whole() => {
                if plain {
                    let most = self.most_in_flight();
                    self.flights.widen(most, &mut self.learned);
                }
            }
            Verdict::Stop(_) => {}
            // It stays queued: after the wait it is looked up.
            _ if !self.learned.waits.is_empty() => {
                return self.wait_for_what_is_under_way(db, now, None);
            }
            _ => {
                self.flights.close();
                if !self.flights.is_empty() || !self.landed.is_empty() {
                    self.landed.push_back(Landed {
                        batch,
                        verdict,
                        sent,
                        span,
                    });
                    return Ok(());
                }
            }
        }
        self.posted(db, batch, verdict, sent, now)
    }

    /// Judges an answer that had to wait for the other requests in flight.
    pub(super) fn judge_landed(
        &mut self,
        db: &mut Db,
        landed: Landed,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.judging = landed.span;
        self.posted(db, landed.batch, landed.verdict, landed.sent, now)
    }
}
