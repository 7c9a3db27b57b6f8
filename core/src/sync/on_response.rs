//! Consequences of an answer, or of none: measured at once, and judged at once or after the others.

use std::time::Duration;

use crate::clock::Now;
use crate::lrs::reading::{read_about, read_post, speaks_both, without_contents};
use crate::lrs::{About, Response, Sender, TransportError, headers};
use crate::store::{Db, Millis, Problem, StoreError};
use crate::sync::judge;
use crate::sync::link;
use crate::sync::meaning::{Negotiated, Pause, Stop, Verdict};
use crate::sync::policy;
use crate::sync::session::Session;
use crate::sync::statements::in_flight::{Flight, Ticket};
use crate::sync::statements::task::{Returned, Sent, Task};
use crate::sync::trace;

impl Session {
    /// Takes in the outcome of a request. All its consequences are in the database when this returns, or would
    /// be found out again. A request that is no longer in flight has none.
    pub fn answered(
        &mut self,
        db: &mut Db,
        ticket: Ticket,
        outcome: Result<Response, TransportError>,
        now: impl Into<Now>,
    ) -> Result<(), StoreError> {
        let now = self.link.read(now.into());
        let Some(flight) = self.flights.finish(ticket) else {
            return Ok(());
        };
        if self.is_over(db)? {
            // The answer is about another LRS by now.
            return Ok(());
        }
        let (was_quick, signed) = (link::is_quick(&self.link.learned), self.link.learned.signs);
        self.follow_up(db, flight, outcome, now)?;
        if was_quick && !link::is_quick(&self.link.learned) || signed != self.link.learned.signs {
            // This must be known even after a kill.
            self.settle(db, Vec::new(), now)?;
        }
        Ok(())
    }

    fn follow_up(
        &mut self,
        db: &mut Db,
        flight: Flight,
        outcome: Result<Response, TransportError>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let here = self.link.both_clocks(now);
        self.judging = flight.span.clone();
        self.judging
            .record("duration_ms", trace::between(flight.asked, here));
        let (answer, shown) = match outcome {
            Ok(answer) if matches!(flight.task, Task::Lookup(_)) => without_contents(answer),
            Ok(answer) => (answer, None),
            Err(failure) => {
                let waited = trace::between(flight.asked, here) as Millis;
                link::took(&mut self.link.learned, waited, false);
                return self.failed(db, flight, &failure, now);
            }
        };
        self.judging.record("status", answer.status);
        let from = self.link.sender(&answer);
        if from == Sender::Lrs {
            self.link.learn_to_know(from);
        }
        if from.is_lrs() {
            // An answer that is only perhaps the LRS's does not measure it.
            let measures = from == Sender::Lrs && matches!(flight.task, Task::Post(_));
            self.link.hear(&answer, flight.asked, measures, now);
        }
        if flight.outdated && matches!(answer.status, 400..=428 | 430..=499) {
            // With the credentials that the app has set since, it is another question. A request to wait
            // concerns everybody.
            self.judged("outdated");
            self.flights.close();
            return match &flight.task {
                // Whoever refused it says nothing about the LRS, which may still be working on it.
                Task::Post(batch) if !judge::has_ended(answer.status, from) => {
                    self.stay_quiet(batch, flight.timeout, now);
                    self.wait_for_what_is_under_way(db, now, None)
                }
                _ => Ok(()),
            };
        }
        let retry_after = headers::retry_after(&answer, now);
        match flight.task {
            Task::Negotiate => self.negotiated(db, &answer, retry_after, now),
            Task::Post(_) => self.landed(db, flight, &answer, retry_after, now),
            Task::Lookup(look) => self.looked(db, look, (&answer, shown), retry_after, now),
        }
    }

    fn negotiated(
        &mut self,
        db: &mut Db,
        answer: &Response,
        retry_after: Option<Duration>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let about = read_about(answer, self.link.asked());
        let found = judge::about(&about, self.link.sender(answer), retry_after);
        self.judged(found.word());
        if !matches!(found, Negotiated::Stop(_)) {
            self.link.learned.about_unanswered = 0;
        }
        if let About::Versions(versions) = &about {
            self.link.lists_both = speaks_both(versions);
        }
        match found {
            Negotiated::Version(version) => {
                let speaks = self.link.config.version.unwrap_or(version);
                self.link.hears_of(Some(speaks), now);
                self.link.speaks_others = None;
            }
            // Its header may tell. Five of six LRSs take 1.0.3; if this one does not, its 400 will tell.
            Negotiated::Silent | Negotiated::NoneOfOurs(_) => {
                if let Negotiated::NoneOfOurs(versions) = found {
                    self.link.speaks_others = Some(versions);
                }
                self.link.hears_of(headers::xapi_version(answer), now);
            }
            Negotiated::Stop(stop) => return self.about_stopped(db, stop, now),
        }
        if !self.link.has_heard_the_time() {
            // A second answer would confirm nothing.
            self.tasks.retain(|task| !matches!(task, Task::Negotiate));
        }
        self.settle(db, Vec::new(), now)
    }

    /// Continues after a `GET /about` that was not answered, or was answered with a request to wait. After
    /// several in a row statements are sent all the same: perhaps only this question is not answered.
    pub(crate) fn about_stopped(
        &mut self,
        db: &mut Db,
        stop: Stop,
        now: Millis,
    ) -> Result<(), StoreError> {
        if stop.problem != Problem::Unreachable {
            self.link.learned.about_unanswered += 1;
        }
        if self.link.learned.about_unanswered >= policy::UNANSWERED {
            self.link.hears_of(None, now);
        }
        if self.link.understands_neither && !matches!(stop.pause, Pause::RetryAfter(_)) {
            // It was there a moment ago: its answers to statements must suffice.
            return self.settle(db, Vec::new(), now);
        }
        let stop = self.link.as_known(stop);
        self.stop(db, stop, Duration::ZERO, now)
    }

    /// Handles the answer to a batch. A batch taken whole is settled at once, and a failure of the upstream is
    /// written down at once. Other consequences wait until no other batch is under way.
    fn landed(
        &mut self,
        db: &mut Db,
        flight: Flight,
        answer: &Response,
        retry_after: Option<Duration>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let sent = Sent::of(&flight);
        let Flight {
            task: Task::Post(batch),
            pipelined,
            span,
            ..
        } = flight
        else {
            return Ok(());
        };
        let from = self.link.sender(answer);
        if !(judge::has_ended(answer.status, from) && answer.status >= 400) {
            self.may_be_there(&batch);
        }
        let read = read_post(answer, self.link.asked());
        let verdict = judge::posted(&read, from, &batch, retry_after);
        if answer.status == 400 && from == Sender::Lrs {
            self.link.hear_its_version(answer);
        }
        if from == Sender::Lrs {
            self.link.doubt_version(answer);
        }
        self.learn_at_once(&verdict, answer, from);
        let leaves_open = verdict.leaves_open();
        if leaves_open && judge::has_ended(answer.status, from) {
            self.link.was_at_work_until(now);
        } else if leaves_open {
            // The sender may have given up waiting for the LRS, which is still working on it.
            self.stay_quiet(&batch, sent.timeout, now);
        }
        match &verdict {
            _ if verdict.is_whole() => {
                if pipelined {
                    let most = self.link.most_in_flight();
                    self.flights.widen(most, &mut self.link.learned);
                }
            }
            Verdict::Stop(_) => {}
            // The batch stays queued, and is looked up after the wait.
            _ if !self.link.learned.waits.is_empty() => {
                return self.wait_for_what_is_under_way(db, now, None);
            }
            _ => {
                self.flights.close();
                if !self.flights.is_empty() || !self.landed.is_empty() {
                    self.landed.push_back(Returned {
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

    /// Learns what must not be lost if another answer ends the session before this one is judged.
    fn learn_at_once(&mut self, verdict: &Verdict, answer: &Response, from: Sender) {
        match verdict {
            Verdict::Suspicious { blame, .. } if blame.is_401() => self.link.note_401(&blame.words),
            Verdict::Stored { delivered, .. } | Verdict::Sorted { delivered, .. }
                if !delivered.is_empty() =>
            {
                self.link.learn_to_know(from);
                self.link.learned.speaks = headers::xapi_version(answer);
                self.link.takes_this_version();
            }
            _ => {}
        }
    }

    /// Judges an answer that had to wait for the other requests in flight.
    pub(crate) fn judge_landed(
        &mut self,
        db: &mut Db,
        landed: Returned,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.judging = landed.span;
        self.posted(db, landed.batch, landed.verdict, landed.sent, now)
    }
}
