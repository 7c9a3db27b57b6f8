//! One run of a session, from the claim of the lease to its end.
//!
//! A session holds the lease on the upstream, performs one task after another, and forgets its tasks whenever
//! it has to wait: the database has the truth, and the next try starts from there. Only batches fresh from the
//! log may be in flight at the same time (`statements::in_flight`).

use std::time::Duration;

use crate::clock::Now;
use crate::lrs::{Request, requests};
use crate::store::{
    Claim, Db, Millis, Problem, StoreError, Trouble, UnderWay, Unsent, WaitKind, is_plausible,
};
use crate::sync::event::Event;
use crate::sync::link::{self, Unauthorized};
use crate::sync::report::{Ended, Step};
use crate::sync::session::Session;
use crate::sync::statements::at_work::still_at_work;
use crate::sync::statements::in_flight::Flight;
use crate::sync::statements::task::{Next, Pending, Task};
use crate::sync::statements::with_contents::has_contents;
use crate::sync::{policy, trace};

impl Session {
    /// Returns what to do next. An integer for `now`, the wall clock's unix milliseconds, is accepted in place
    /// of both clocks; but without a steady clock no timestamp is corrected.
    pub fn next(&mut self, db: &mut Db, now: impl Into<Now>) -> Result<Step, StoreError> {
        let now = self.link.read(now.into());
        if self.link.lease_until.is_some() && self.is_over(db)? {
            return self.over(db);
        }
        if !self.flights.is_empty() {
            return self.next_beside(db, now);
        }
        if self.link.lease_until.is_none()
            && let Some(step) = self.begin(db, now)?
        {
            return Ok(step);
        }
        if std::mem::take(&mut self.authorized_anew) {
            self.wait_for_what_is_under_way(db, now, None)?;
        }
        loop {
            if self.is_ending && (!self.tasks.is_empty() || self.landed.is_empty()) {
                self.interrupted(db, self.link.both_clocks(now))?;
                return Ok(Step::Done(Ended::Interrupted));
            }
            if let Some(step) = self.must_wait(db, now)? {
                return Ok(step);
            }
            if self.obey_401(db, now)? {
                continue;
            }
            let (task, taken) = if let Some(task) = self.tasks.pop_front() {
                (task, false)
            } else if let Some(landed) = self.landed.pop_front() {
                self.judge_landed(db, landed, now)?;
                continue;
            } else if self.link.version_is_stale(now) {
                (Task::Negotiate, false)
            } else {
                match self.take(db, now)? {
                    Next::Task(task) => (task, true),
                    Next::Busy => return self.end(db, busy(now)),
                    Next::Again => return Ok(Step::Again),
                    Next::Nothing if self.resolve_suspects(db, now)? => continue,
                    Next::Nothing if self.may_speak_another(db, now)? => continue,
                    Next::Nothing => return self.emptied(db, now),
                }
            };
            if let Some(step) = self.send(db, task, taken, now)? {
                return Ok(step);
            }
        }
    }

    /// Tells whether to go on in another version than the one that is tried, or to ask for the version again, as something
    /// has just turned out to wait for another one.
    fn may_speak_another(&mut self, db: &Db, now: Millis) -> Result<bool, StoreError> {
        if self.link.tries.take().is_some() {
            return Ok(true);
        }
        if self.link.another_is_awaited {
            return Ok(false);
        }
        self.link.another_is_awaited = db.waits_for_version(self.link.config.upstream)?;
        Ok(self.link.another_is_awaited && self.link.version_is_stale(now))
    }

    /// Ends the session once nothing is due.
    fn emptied(&mut self, db: &mut Db, now: Millis) -> Result<Step, StoreError> {
        self.name_what_is_unexplained(db, now)?;
        if std::mem::take(&mut self.quiet).was_needed() || self.link.unauthorized.is_some() {
            // Investigations have come to an end, or their statements wait aside long enough; an open 401 may
            // not be explained yet.
            self.settle(db, Vec::new(), now)?;
        }
        db.purge_beside(self.link.config.history, now)?;
        self.end(db, Ended::Emptied)
    }

    /// Sends one more request while others are in flight, if allowed.
    fn next_beside(&mut self, db: &mut Db, now: Millis) -> Result<Step, StoreError> {
        if self.must_await() || self.link.version_is_stale(now) {
            return Ok(Step::Await);
        }
        match self.take(db, now)? {
            Next::Task(Task::Post(batch)) if !self.flights.have_any_of(&batch) => {
                if let Some(step @ Step::Send { .. }) =
                    self.send(db, Task::Post(batch), true, now)?
                {
                    return Ok(step);
                }
                // The requests under way are awaited, and then the lease is claimed again.
                self.link.lease_until = None;
            }
            // Its turn comes once nothing else is in flight.
            Next::Task(task) => self.tasks.push_back(task),
            Next::Busy => self.link.lease_until = None,
            Next::Again => return Ok(Step::Again),
            Next::Nothing => {}
        }
        Ok(Step::Await)
    }

    /// Sends what a task asks for, recorded before it leaves. None if there was nothing left to send. `taken`
    /// tells whether the task was taken right now, and not left by an earlier answer.
    fn send(
        &mut self,
        db: &mut Db,
        task: Task,
        taken: bool,
        now: Millis,
    ) -> Result<Option<Step>, StoreError> {
        let task = match task {
            Task::Post(batch) => {
                let batch = self.may_leave(db, batch, now)?;
                if batch.is_empty() {
                    return Ok(None);
                }
                if self.is_left_at_work(db, &batch, now)? {
                    return Ok(None);
                }
                if self.quiet.has_any_of(&batch, now) {
                    self.stop(db, still_at_work(), Duration::ZERO, now)?;
                    return Ok(None);
                }
                Task::Post(batch)
            }
            task => task,
        };
        let request = self.request(&task);
        let mark = match &task {
            Task::Post(batch) => self.depart(db, batch, &request, now)?,
            _ => None,
        };
        let ours = match &task {
            Task::Post(_) => mark.is_some(),
            _ => self.keep_lease(db, &request, now)?,
        };
        if !ours {
            self.link.lease_until = None;
            return Ok(Some(Step::Done(busy(now))));
        }
        Ok(Some(self.start(task, request, mark, taken, now)))
    }

    fn depart(
        &mut self,
        db: &mut Db,
        batch: &[Pending],
        request: &Request,
        now: Millis,
    ) -> Result<Option<Unsent>, StoreError> {
        let this = UnderWay {
            since: now,
            timeout_ms: request.timeout.as_millis() as Millis,
        };
        let all = self
            .flights
            .under_way()
            .map_or(this, |others| this.and(others));
        let until = now + all.timeout_ms + policy::LEASE_MARGIN_MS;
        let rows: Vec<_> = batch.iter().map(|item| &item.row).collect();
        let written = self.link.written(now);
        let mark = db.depart(
            self.link.config.upstream,
            self.link.lease(),
            &rows,
            all,
            written,
            until,
        )?;
        self.link.lease_until = mark.as_ref().map(|_| until);
        Ok(mark)
    }

    /// Makes the lease outlast this request; false if it is another's.
    fn keep_lease(
        &mut self,
        db: &mut Db,
        request: &Request,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let until = now + request.timeout.as_millis() as Millis + policy::LEASE_MARGIN_MS;
        // A lease that ends much later was made before our clock jumped: others consider it free.
        let fits = until..until + requests::timeout(usize::MAX, usize::MAX).as_millis() as Millis;
        if self
            .link
            .lease_until
            .is_none_or(|lease| !fits.contains(&lease))
        {
            let renewed = db.renew(self.link.config.upstream, self.link.holder, until)?;
            self.link.lease_until = renewed.then_some(until);
        }
        Ok(self.link.lease_until.is_some())
    }

    fn start(
        &mut self,
        task: Task,
        request: Request,
        mark: Option<Unsent>,
        taken: bool,
        now: Millis,
    ) -> Step {
        let bytes = request.body_len() as usize;
        let span = trace::span(&task, bytes);
        self.requests += 1;
        if !matches!(task, Task::Negotiate) {
            self.link.count_request();
        }
        self.bytes_sent += bytes as u64;
        let ticket = self.flights.ticket();
        let pipelined = match &task {
            Task::Post(batch) => {
                taken && batch.iter().all(Pending::is_fresh) && !has_contents(batch)
            }
            _ => false,
        };
        self.flights.start(Flight {
            ticket,
            task,
            timeout: request.timeout,
            bytes,
            mark,
            pipelined,
            outdated: false,
            asked: self.link.both_clocks(now),
            span,
        });
        Step::Send { ticket, request }
    }

    /// Handles an interruption on our side: requests given up may still be running at the LRS. If this fails,
    /// what was recorded when they left informs the next session.
    pub fn interrupted(&mut self, db: &mut Db, now: impl Into<Now>) -> Result<(), StoreError> {
        // Both clocks of this moment are recorded, not the steady clock of when the request left.
        let now = self.link.read(now.into());
        self.leave_contents_at_work(db, now)?;
        let under_way = self.flights.under_way();
        self.flights.give_up();
        self.not_there.clear();
        self.wait_for_what_is_under_way(db, now, under_way)?;
        self.forget_tasks();
        self.link.lease_until = None;
        db.release(self.link.config.upstream, self.link.holder)
    }

    /// Adds a wait for what was cut off or is being investigated, as it may still be running at the LRS.
    pub(super) fn wait_for_what_is_under_way(
        &mut self,
        db: &mut Db,
        now: Millis,
        cut_off: Option<UnderWay>,
    ) -> Result<(), StoreError> {
        let looked_into = self.under_way(now);
        if let Some(request) = cut_off {
            let until = link::cut_off_until(request, &self.link.learned, now);
            self.link.learned.waits.add(WaitKind::OutcomeUnknown, until);
        }
        if looked_into > Duration::ZERO {
            let until = now + looked_into.as_millis() as Millis;
            self.link.learned.waits.add(WaitKind::OutcomeUnknown, until);
        }
        if cut_off.is_some() || looked_into > Duration::ZERO {
            self.settle(db, Vec::new(), now)?;
        }
        Ok(())
    }

    /// Forgets everything that was to be done. The statements stay where they are.
    pub(super) fn forget_tasks(&mut self) {
        self.tasks.clear();
        self.landed.clear();
        self.flights.close();
    }

    fn begin(&mut self, db: &mut Db, now: Millis) -> Result<Option<Step>, StoreError> {
        let until = now + policy::LEASE_MARGIN_MS;
        let again = match db.claim(
            self.link.config.upstream,
            self.link.holder,
            self.link.alone,
            now,
            until,
        )? {
            Claim::Busy { until } => return Ok(Some(Step::Done(Ended::Busy { until }))),
            Claim::Granted { again } => again,
        };
        self.link.lease_until = Some(until);
        self.has_begun_to_take = false;
        let upstream = db.upstream(self.link.config.upstream)?;
        if self
            .link
            .generation
            .replace(upstream.generation)
            .is_some_and(|known| known != upstream.generation)
        {
            // The endpoint has changed while this session waited.
            return self.over(db).map(Some);
        }
        self.link.learned = upstream.learned;
        self.link
            .learned
            .follow_the_clock(self.link.both_clocks(now));
        self.link.unauthorized = self
            .link
            .learned
            .asked_since_401
            .map(Unauthorized::left_open);
        if let Some(other) = upstream
            .endpoint
            .filter(|known| known != self.link.config.endpoint.as_str())
        {
            return self.elsewhere(db, &other, now).map(Some);
        }
        // It was measured before a wait; our clock may have jumped since.
        self.link.skew = None;
        if let Some(version) = self.link.config.version {
            self.link.learned.version = Some(version);
        }
        if let Some(request) = self.link.learned.under_way.take() {
            // Its end could not be written down: a kill, a power cut, or a full disk.
            let until = if again {
                link::failed_until(request, now)
            } else {
                link::cut_off_until(request, &self.link.learned, now)
            };
            self.link.learned.waits.add(WaitKind::OutcomeUnknown, until);
            self.settle(db, Vec::new(), now)?;
        }
        self.link.another_is_awaited = db.waits_for_version(self.link.config.upstream)?;
        if self.link.another_is_awaited
            && self.link.config.by_hand
            && self.link.learned.failures == 0
        {
            // Somebody who syncs by hand wants to know now. But perhaps only this question is not answered.
            self.link.learned.version_at = None;
        }
        self.link.take_turns();
        self.ask_the_time(db, now)?;
        Ok(None)
    }

    /// Ends the session because another collector has since set another LRS for this queue.
    fn elsewhere(&mut self, db: &mut Db, other: &str, now: Millis) -> Result<Step, StoreError> {
        let trouble = Trouble {
            problem: Problem::OtherEndpoint,
            status: None,
            words: other.to_owned(),
            since: now,
        };
        self.events.push(Event::NeedsApp {
            trouble: trouble.clone(),
            upstream: self.link.config.name.clone(),
        });
        self.end(db, Ended::NeedsApp { trouble })
    }

    /// Tells whether the endpoint has changed: then nothing more is sent to this one, and its answers are
    /// ignored.
    pub(super) fn is_over(&self, db: &Db) -> Result<bool, StoreError> {
        Ok(Some(db.generation(self.link.config.upstream)?) != self.link.generation)
    }

    fn over(&mut self, db: &mut Db) -> Result<Step, StoreError> {
        // What is under way was recorded when it left; the next session waits for its end.
        self.flights.give_up();
        self.forget_tasks();
        self.suspects.clear();
        self.end(db, Ended::Interrupted)
    }

    pub(super) fn end(&mut self, db: &mut Db, ended: Ended) -> Result<Step, StoreError> {
        self.link.lease_until = None;
        db.release(self.link.config.upstream, self.link.holder)?;
        Ok(Step::Done(ended))
    }

    /// Returns the wait that is not over, if any; one longer than any wait can be came from another clock.
    fn must_wait(&mut self, db: &mut Db, now: Millis) -> Result<Option<Step>, StoreError> {
        // Until something was sent by hand: a wait that cannot be skipped may come first.
        let skip = self.may_skip_wait;
        let Some((until, why)) = self.link.must_wait(skip, now) else {
            self.may_skip_wait = false;
            return Ok(None);
        };
        // The statements of the tasks may have changed by the end of the wait.
        self.forget_tasks();
        let trouble = self.link.learned.trouble.clone();
        if let (WaitKind::App, Some(trouble)) = (why, trouble.clone()) {
            self.events.push(Event::NeedsApp {
                trouble: trouble.clone(),
                upstream: self.link.config.name.clone(),
            });
            return self.end(db, Ended::NeedsApp { trouble }).map(Some);
        }
        self.events.push(Event::WaitingUntil {
            until,
            why,
            trouble,
            upstream: self.link.config.name.clone(),
        });
        self.end(db, Ended::Interrupted)?;
        Ok(Some(Step::Wait { until, why }))
    }

    /// Asks for the time at the beginning, if an answer of the LRS is needed to know its clock.
    fn ask_the_time(&mut self, db: &mut Db, now: Millis) -> Result<(), StoreError> {
        let Some(steady) = self.link.steady else {
            return Ok(());
        };
        let matters = self.link.config.trust_lrs_clock || !is_plausible(now);
        let known = self.link.learned.clock.and_then(|clock| clock.at(steady));
        if matters
            && known.is_none()
            && db.any_made_in(
                self.link.config.upstream,
                steady.boot,
                self.link.config.max_statements,
            )?
            && !self.link.leaves_out_about()
        {
            // Twice: a single answer is not believed.
            self.tasks.extend([Task::Negotiate, Task::Negotiate]);
        }
        Ok(())
    }

    /// Obeys a 401 once enough requests have failed to explain it.
    fn obey_401(&mut self, db: &mut Db, now: Millis) -> Result<bool, StoreError> {
        let Some(stop) = self.link.obey_401() else {
            return Ok(false);
        };
        self.stop(db, stop, Duration::ZERO, now)?;
        Ok(true)
    }
}

/// Returns the end for when another process syncs.
fn busy(now: Millis) -> Ended {
    Ended::Busy {
        until: now + policy::LEASE_MARGIN_MS,
    }
}
