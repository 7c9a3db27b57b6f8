//! One run that delivers what is due.
//!
//! A session holds the lease on the upstream, does one task after another, and forgets its tasks
//! whenever it has to wait: the truth is in the database, and the next try starts from there. Only
//! batches fresh from the log may be under way beside each other (`flights`).

use std::collections::VecDeque;
use std::time::Duration;

use tracing::Span;

use super::answered::Landed;
use super::due::{Due, still_there};
use super::flights::{Flights, Flying, MOST_IN_FLIGHT, Ticket};
use super::judge;
use super::limits::Ceiling;
use super::report::{Ended, SessionConfig, Step, SyncReport};
use super::suspects::Suspects;
use super::work::Task;
use super::{trace, waits};
use crate::clock::{Now, Steady};
use crate::event::Event;
use crate::lrs::{Authorization, Request, requests};
use crate::store::{
    Claim, Db, Holder, Learned, LrsClock, Millis, StoreError, Trouble, Unsent, WaitKind,
};

/// The lease outlasts the requests that it protects by this much.
pub(super) const LEASE_MARGIN_MS: Millis = 15_000;

/// One run; see the module. Not shared between threads.
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own; together they are no state.
pub struct Session {
    pub(super) config: SessionConfig,
    pub(super) ceiling: Ceiling,
    pub(super) holder: Holder,
    pub(super) rng: fastrand::Rng,
    pub(super) learned: Learned,
    /// The LRS's clock minus ours, measured in this session: an old measure may be from before a
    /// jump of our clock.
    pub(super) skew: Option<Millis>,
    /// What the steady clock says.
    pub(super) steady: Option<Steady>,
    /// What the answer says of the LRS's clock, should it prove to be an LRS's.
    pub(super) heard: Option<LrsClock>,
    /// We have the lease until then; none: not begun, or waiting.
    pub(super) lease_until: Option<Millis>,
    pub(super) may_skip_wait: bool,
    pub(super) tasks: VecDeque<Task>,
    pub(super) flights: Flights,
    /// Answers that are judged when nothing else is under way, and no task is left of the one before.
    pub(super) landed: VecDeque<Landed>,
    /// Of the request whose answer is judged.
    pub(super) judging: Span,
    /// A wait that the session before this one could not write down.
    owed: Option<(Millis, WaitKind)>,
    /// To be written with the next settlement.
    pub(super) unsent: Option<Unsent>,
    pub(super) suspects: Suspects,
    /// The upstream has taken a statement in this session.
    pub(super) accepted: bool,
    /// Credentials and version were seen to hold since the last trouble.
    pub(super) checked: bool,
    /// The other version has been tried since then.
    pub(super) flipped: bool,
    /// The app has set other credentials, and nothing was sent with them yet.
    authorized_anew: bool,
    /// A request that failed, and was looked into, may be under way until then.
    pub(super) quiet_until: Option<Millis>,
    /// The smallest batch that was refused for one of its statements, which is not found yet.
    pub(super) refused: Option<usize>,
    pub(super) delivered: u64,
    pub(super) held: u64,
    requests: u64,
    bytes_sent: u64,
    pub(super) events: Vec<Event>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("tasks", &self.tasks.len())
            .field("in_flight", &self.flights.len())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session for one holder of the lease. `rng` spreads the waits.
    pub fn new(config: SessionConfig, holder: Holder, rng: fastrand::Rng) -> Self {
        let ceiling = Ceiling {
            statements: config.max_statements.max(1),
            bytes: config.max_bytes.max(1),
        };
        Self {
            may_skip_wait: config.by_hand,
            config,
            ceiling,
            holder,
            rng,
            learned: Learned::default(),
            skew: None,
            steady: None,
            heard: None,
            lease_until: None,
            tasks: VecDeque::new(),
            flights: Flights::default(),
            landed: VecDeque::new(),
            judging: Span::none(),
            owed: None,
            unsent: None,
            suspects: Suspects::default(),
            accepted: false,
            checked: false,
            flipped: false,
            authorized_anew: false,
            quiet_until: None,
            refused: None,
            delivered: 0,
            held: 0,
            requests: 0,
            bytes_sent: 0,
            events: Vec::new(),
        }
    }

    /// For `tracing`: the span of a request under way.
    pub fn span(&self, ticket: Ticket) -> Span {
        self.flights.span(ticket)
    }

    pub(super) fn judged(&self, word: &'static str) {
        self.judging.record("judgement", word);
    }

    /// What has happened since the last call, for the app.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// What was done so far, and how it ended.
    pub fn report(&self, ended: Ended) -> SyncReport {
        SyncReport {
            delivered: self.delivered,
            held: self.held,
            requests: self.requests,
            bytes_sent: self.bytes_sent,
            waiting: Vec::new(),
            ended,
        }
    }

    /// Statements that an LRS proved to have, so far.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// What is the matter with the upstream, if anything is.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.learned.trouble.as_ref()
    }

    /// The credentials to use from now on. With other ones than before nothing counts that was refused
    /// until now, or will be of what is under way.
    pub fn authorize(&mut self, authorization: Option<&Authorization>) {
        if self.config.authorization.as_ref() != authorization {
            self.config.authorization = authorization.cloned();
            self.flights.outdate();
            self.forget_tasks();
            self.suspects.acquit_refused();
            self.doubt_upstream();
            self.refused = None;
            self.learned.credentials_are_right();
            self.authorized_anew = true;
        }
    }

    /// Nothing can be sent before one of the requests under way has come back: [`Session::next`] would
    /// say [`Step::Await`], without a look at the database.
    pub fn must_await(&self) -> bool {
        !self.flights.is_empty()
            && (!self.flights.have_room(self.most_in_flight())
                || !self.tasks.is_empty()
                || self.lease_until.is_none())
    }

    /// Most requests under way at once.
    pub(super) fn most_in_flight(&self) -> u32 {
        let allowed = self.config.requests_in_flight.clamp(1, MOST_IN_FLIGHT);
        self.learned
            .max_in_flight
            .map_or(allowed, |bears| bears.clamp(1, allowed))
    }

    /// What to do next. Without a steady clock (an integer, the wall clock's unix milliseconds, is
    /// enough for `now`) no timestamp is corrected.
    pub fn next(&mut self, db: &mut Db, now: impl Into<Now>) -> Result<Step, StoreError> {
        let now = self.read(now.into());
        if !self.flights.is_empty() {
            return self.next_beside(db, now);
        }
        if self.lease_until.is_none()
            && let Some(step) = self.begin(db, now)?
        {
            return Ok(step);
        }
        if std::mem::take(&mut self.authorized_anew) {
            self.wait_for_what_is_under_way(db, now, Duration::ZERO)?;
        }
        loop {
            if let Some(step) = self.must_wait(db, now)? {
                return Ok(step);
            }
            let (task, mark) = match self.tasks.pop_front() {
                Some(Task::Post(batch)) => match still_there(db, batch)? {
                    batch if batch.is_empty() => continue,
                    batch => (Task::Post(batch), None),
                },
                Some(task) => (task, None),
                None => {
                    if let Some(landed) = self.landed.pop_front() {
                        self.judge_landed(db, landed, now)?;
                        continue;
                    }
                    if self.version_is_stale(now) {
                        (Task::Negotiate, None)
                    } else {
                        match self.take(db, now)? {
                            Due::Task(task, mark) => (task, Some(mark)),
                            Due::Busy => return self.end(db, busy(now)),
                            Due::Nothing if self.conclude_suspects(db, now)? => continue,
                            Due::Nothing => {
                                db.purge(self.config.history, now)?;
                                return self.end(db, Ended::Emptied);
                            }
                        }
                    }
                }
            };
            if matches!(task, Task::Post(_)) && mark.is_none() {
                // Taken some time ago: the lease may have been lost to a jump of the clock and back.
                self.lease_until = None;
            }
            let request = self.request(&task);
            if !self.keep_lease(db, &request, now)? {
                return Ok(Step::Done(busy(now)));
            }
            return Ok(self.launch(task, request, mark, now));
        }
    }

    /// One more beside those that are under way, if there may be one.
    fn next_beside(&mut self, db: &mut Db, now: Millis) -> Result<Step, StoreError> {
        if self.must_await() || self.version_is_stale(now) {
            return Ok(Step::Await);
        }
        match self.take(db, now)? {
            Due::Task(Task::Post(batch), mark) if !self.flights.have_any_of(&batch) => {
                let task = Task::Post(batch);
                let request = self.request(&task);
                if self.keep_lease(db, &request, now)? {
                    return Ok(self.launch(task, request, Some(mark), now));
                }
            }
            // Its turn comes when it is alone.
            Due::Task(task, _) => self.tasks.push_back(task),
            Due::Busy => self.lease_until = None,
            Due::Nothing => {}
        }
        Ok(Step::Await)
    }

    /// The lease outlasts this request. False: it is another's.
    fn keep_lease(
        &mut self,
        db: &mut Db,
        request: &Request,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let until = now + request.timeout.as_millis() as Millis + LEASE_MARGIN_MS;
        // A lease that ends much later was made before our clock jumped: others take it for free.
        let fits = until..until + requests::timeout(usize::MAX, usize::MAX).as_millis() as Millis;
        if self.lease_until.is_none_or(|lease| !fits.contains(&lease)) {
            let renewed = db.renew(self.holder, until)?;
            self.lease_until = renewed.then_some(until);
        }
        Ok(self.lease_until.is_some())
    }

    fn launch(&mut self, task: Task, request: Request, mark: Option<Unsent>, now: Millis) -> Step {
        let bytes = request.body.as_ref().map_or(0, Vec::len);
        let span = trace::span(&task, bytes);
        self.requests += 1;
        self.bytes_sent += bytes as u64;
        let ticket = self.flights.ticket();
        let plain = match &task {
            Task::Post(batch) => {
                mark.is_some()
                    && batch
                        .iter()
                        .all(|item| item.row.aside_since.is_none() && !item.row.sent_before)
            }
            _ => false,
        };
        self.flights.launch(Flying {
            ticket,
            task,
            timeout: request.timeout,
            bytes,
            mark,
            plain,
            outdated: false,
            asked: Now {
                wall_ms: now,
                steady: self.steady,
            },
            span,
        });
        Step::Send { ticket, request }
    }

    /// Waits first as the session before this one would have had to: what [`Session::owed`] said after
    /// its end could not be written down.
    #[must_use]
    pub fn after(mut self, owed: Option<(Millis, WaitKind)>) -> Self {
        self.owed = owed;
        self
    }

    /// What the next session has to wait for, and until when, which could not be written down.
    pub fn owed(&self) -> Option<(Millis, WaitKind)> {
        self.owed
    }

    /// The requests under way were given up from our side: they may be under way at the LRS still.
    /// Where this fails, the next session has to begin [`Session::after`] it.
    pub fn interrupted(&mut self, db: &mut Db, now: Millis) -> Result<(), StoreError> {
        let done = self.give_up(db, now);
        if done.is_err() {
            self.owed = self.learned.not_before.or(self.owed);
        }
        done
    }

    fn give_up(&mut self, db: &mut Db, now: Millis) -> Result<(), StoreError> {
        let posts = self.flights.give_up();
        let least = if posts {
            judge::UNDER_WAY
        } else {
            Duration::ZERO
        };
        self.wait_for_what_is_under_way(db, now, least)?;
        self.forget_tasks();
        self.lease_until = None;
        db.release(self.holder)
    }

    /// All tasks are forgotten, also what was to be looked into: it may be under way at the LRS still.
    fn wait_for_what_is_under_way(
        &mut self,
        db: &mut Db,
        now: Millis,
        least: Duration,
    ) -> Result<(), StoreError> {
        let wait = self.under_way(now).max(least);
        if wait > Duration::ZERO {
            let until = now + wait.as_millis() as Millis;
            self.wait_also(until, WaitKind::OutcomeUnknown);
            self.settle(db, Vec::new(), now)?;
        }
        Ok(())
    }

    /// The statements of all that was to be done stay where they are.
    pub(super) fn forget_tasks(&mut self) {
        self.tasks.clear();
        self.landed.clear();
        self.flights.close();
    }

    fn begin(&mut self, db: &mut Db, now: Millis) -> Result<Option<Step>, StoreError> {
        let until = now + LEASE_MARGIN_MS;
        if let Claim::Busy { until } = db.claim(self.holder, now, until)? {
            return Ok(Some(Step::Done(Ended::Busy { until })));
        }
        self.lease_until = Some(until);
        self.learned = db.upstream()?.learned;
        // One that is over for a jump of the clock must not take another one with it.
        if let Some((until, why)) = self.owed.take()
            && waits::is_possible(until, why, now)
        {
            self.wait_also(until, why);
        }
        // Our clock may have jumped while we waited.
        self.skew = None;
        if let Some(version) = self.config.version {
            self.learned.version = Some(version);
        }
        self.ask_the_time(db, now)?;
        Ok(None)
    }

    pub(super) fn end(&mut self, db: &mut Db, ended: Ended) -> Result<Step, StoreError> {
        self.lease_until = None;
        db.release(self.holder)?;
        Ok(Step::Done(ended))
    }
}

/// Another process syncs.
fn busy(now: Millis) -> Ended {
    Ended::Busy {
        until: now + LEASE_MARGIN_MS,
    }
}
