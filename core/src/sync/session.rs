//! One run that delivers what is due.
//!
//! A session holds the lease on the upstream, does one task after another, and forgets its tasks
//! whenever it has to wait: the truth is in the database, and the next try starts from there. Only
//! batches fresh from the log may be under way beside each other (`flights`).

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tracing::Span;

use super::answered::Landed;
use super::door::Door;
use super::due::Due;
use super::flights::{Flights, Flying, Ticket};
use super::limits::Ceiling;
use super::policy;
use super::quiet::{Quiet, still_at_work};
use super::report::{Ended, SessionConfig, Step, SyncReport};
use super::suspects::Suspects;
use super::work::{Item, Task};
use super::{trace, waits};
use crate::clock::{Now, Steady};
use crate::event::Event;
use crate::lrs::{Authorization, Request, requests};
use crate::statement::XapiVersion;
use crate::store::{
    Claim, Db, Holder, Learned, Lease, LrsClock, Millis, Problem, StoreError, Trouble, UnderWay,
    Unsent, WaitKind,
};

/// Run of a sync; see [the module](super). It is used by one thread.
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own; together they are no state.
pub struct Session {
    pub(super) config: SessionConfig,
    pub(super) ceiling: Ceiling,
    pub(super) holder: Holder,
    /// The operating system says that nobody else syncs this queue.
    alone: bool,
    /// Generation of the endpoint that it delivers to; none before it has begun.
    generation: Option<i64>,
    pub(super) rng: fastrand::Rng,
    pub(super) learned: Learned,
    /// The LRS's clock minus ours, measured in this session: an old measure may be from before a
    /// jump of our clock.
    pub(super) skew: Option<Millis>,
    /// Steady clock, as last read.
    pub(super) steady: Option<Steady>,
    /// Reading of the LRS's clock in the last answer; believed once another one agrees.
    pub(super) heard: Option<LrsClock>,
    /// The versions that the LRS says it speaks, where none is ours.
    pub(super) speaks_others: Option<String>,
    /// End of our lease; none before we begin, and while we wait.
    pub(super) lease_until: Option<Millis>,
    pub(super) may_skip_wait: bool,
    pub(super) tasks: VecDeque<Task>,
    pub(super) flights: Flights,
    /// Answers that are judged when nothing else is under way, and no task is left of the one before.
    pub(super) landed: VecDeque<Landed>,
    /// Tracing span of the request being judged.
    pub(super) judging: Span,
    /// Range of the log that proved not to be sent; written with the next settlement.
    pub(super) unsent: Option<Unsent>,
    pub(super) suspects: Suspects,
    /// The upstream has taken a statement in this session.
    pub(super) accepted: bool,
    /// The credentials and the version were seen to hold since the last trouble.
    pub(super) checked: bool,
    /// The other version has been tried since then.
    pub(super) flipped: bool,
    /// The other version was not understood either.
    pub(super) understands_neither: bool,
    /// The version that was spoken before the other one was tried, if statements were taken in it.
    pub(super) proven_version: Option<XapiVersion>,
    /// Statements wait for another version, or did when this session last began.
    pub(super) another_is_awaited: bool,
    /// The app has set other credentials, and nothing was sent with them yet.
    authorized_anew: bool,
    /// The credentials before those.
    pub(super) former: Vec<Authorization>,
    /// Statements that failed, are looked into, and may be running at the LRS still.
    pub(super) quiet: Quiet,
    /// Looked up and not found; what was sent of these since, the LRS has turned away itself.
    pub(super) not_there: BTreeSet<i64>,
    /// A 401 of the LRS itself that is not explained yet.
    pub(super) door: Option<Door>,
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
            alone: false,
            generation: None,
            rng,
            learned: Learned::default(),
            skew: None,
            steady: None,
            heard: None,
            speaks_others: None,
            lease_until: None,
            tasks: VecDeque::new(),
            flights: Flights::default(),
            landed: VecDeque::new(),
            judging: Span::none(),
            unsent: None,
            suspects: Suspects::default(),
            accepted: false,
            checked: false,
            flipped: false,
            understands_neither: false,
            proven_version: None,
            another_is_awaited: false,
            authorized_anew: false,
            former: Vec::new(),
            quiet: Quiet::default(),
            not_there: BTreeSet::new(),
            door: None,
            refused: None,
            delivered: 0,
            held: 0,
            requests: 0,
            bytes_sent: 0,
            events: Vec::new(),
        }
    }

    /// The operating system says that nobody else syncs this queue now: whoever had the lease is gone.
    #[must_use]
    pub fn alone(mut self, alone: bool) -> Self {
        self.alone = alone;
        self
    }

    pub(super) fn lease(&self) -> Lease {
        Lease {
            holder: self.holder,
            generation: self.generation.unwrap_or_default(),
        }
    }

    /// Returns the tracing span of a request in flight.
    pub fn span(&self, ticket: Ticket) -> Span {
        self.flights.span(ticket)
    }

    pub(super) fn judged(&self, word: &'static str) {
        self.judging.record("judgement", word);
    }

    /// Takes the events since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Returns what was done so far, and how it ended.
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

    /// Returns the trouble of the upstream, if there is one.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.learned.trouble.as_ref()
    }

    /// The credentials to use from now on. With other ones than before nothing counts that was refused
    /// until now, or will be of what is under way.
    pub fn authorize(&mut self, authorization: Option<&Authorization>) {
        if self.config.authorization.as_ref() != authorization {
            let former = std::mem::replace(&mut self.config.authorization, authorization.cloned());
            // Answers to them may come still.
            self.former.extend(former);
            let outlived = self.former.len().saturating_sub(policy::FORMER_CREDENTIALS);
            self.former.drain(..outlived);
            self.flights.outdate();
            self.forget_tasks();
            self.suspects.acquit_refused();
            self.doubt_upstream();
            self.refused = None;
            self.door = None;
            self.learned.credentials_are_right();
            self.authorized_anew = true;
        }
    }

    /// Tells, without a look at the database, whether [`Session::next`] would say [`Step::Await`]: nothing
    /// can be sent before one of the requests in flight has come back.
    pub fn must_await(&self) -> bool {
        !self.flights.is_empty()
            && (!self.flights.have_room(self.most_in_flight())
                || !self.tasks.is_empty()
                || self.lease_until.is_none())
    }

    /// Most requests under way at once.
    pub(super) fn most_in_flight(&self) -> u32 {
        let allowed = self
            .config
            .requests_in_flight
            .clamp(1, policy::MOST_IN_FLIGHT);
        self.learned
            .max_in_flight
            .map_or(allowed, |bears| bears.clamp(1, allowed))
    }

    /// Returns what to do next. Without a steady clock (an integer, the wall clock's unix milliseconds, is
    /// enough for `now`) no timestamp is corrected.
    pub fn next(&mut self, db: &mut Db, now: impl Into<Now>) -> Result<Step, StoreError> {
        let now = self.read(now.into());
        if self.lease_until.is_some() && self.is_over(db)? {
            return self.over(db);
        }
        if !self.flights.is_empty() {
            return self.next_beside(db, now);
        }
        if self.lease_until.is_none()
            && let Some(step) = self.begin(db, now)?
        {
            return Ok(step);
        }
        if std::mem::take(&mut self.authorized_anew) {
            self.wait_for_what_is_under_way(db, now, None)?;
        }
        loop {
            if let Some(step) = self.must_wait(db, now)? {
                return Ok(step);
            }
            if self.obey_the_door(db, now)? {
                continue;
            }
            let (task, taken) = if let Some(task) = self.tasks.pop_front() {
                (task, false)
            } else if let Some(landed) = self.landed.pop_front() {
                self.judge_landed(db, landed, now)?;
                continue;
            } else if self.version_is_stale(now) {
                (Task::Negotiate, false)
            } else {
                match self.take(db, now)? {
                    Due::Task(task) => (task, true),
                    Due::Busy => return self.end(db, busy(now)),
                    Due::Again => return Ok(Step::Again),
                    Due::Nothing if self.conclude_suspects(db, now)? => continue,
                    Due::Nothing => return self.emptied(db, now),
                }
            };
            if let Some(step) = self.send(db, task, taken, now)? {
                return Ok(step);
            }
        }
    }

    /// Ends the session when nothing is due any more.
    fn emptied(&mut self, db: &mut Db, now: Millis) -> Result<Step, StoreError> {
        if std::mem::take(&mut self.quiet).was_needed() || self.door.is_some() {
            // What it was looking into has come to an end, or waits aside for as long; what a 401 was
            // about may not be found out yet.
            self.settle(db, Vec::new(), now)?;
        }
        db.purge(self.config.history, now)?;
        self.end(db, Ended::Emptied)
    }

    /// Sends one more beside those in flight, if there may be one.
    fn next_beside(&mut self, db: &mut Db, now: Millis) -> Result<Step, StoreError> {
        if self.must_await() || self.version_is_stale(now) {
            return Ok(Step::Await);
        }
        match self.take(db, now)? {
            Due::Task(Task::Post(batch)) if !self.flights.have_any_of(&batch) => {
                if let Some(step @ Step::Send { .. }) =
                    self.send(db, Task::Post(batch), true, now)?
                {
                    return Ok(step);
                }
                // What is under way is waited for, and then the lease is asked for again.
                self.lease_until = None;
            }
            // Its turn comes when it is alone.
            Due::Task(task) => self.tasks.push_back(task),
            Due::Busy => self.lease_until = None,
            Due::Again => return Ok(Step::Again),
            Due::Nothing => {}
        }
        Ok(Step::Await)
    }

    /// Sends what a task asks for, written down before it leaves. None: there was nothing left to send.
    /// `taken`: right now, and not put off by an answer to something else.
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
            self.lease_until = None;
            return Ok(Some(Step::Done(busy(now))));
        }
        Ok(Some(self.launch(task, request, mark, taken, now)))
    }

    fn depart(
        &mut self,
        db: &mut Db,
        batch: &[Item],
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
        let written = self.written(now);
        let mark = db.depart(
            self.config.upstream,
            self.lease(),
            &rows,
            all,
            written,
            until,
        )?;
        self.lease_until = mark.as_ref().map(|_| until);
        Ok(mark)
    }

    /// The lease outlasts this request. False: it is another's.
    fn keep_lease(
        &mut self,
        db: &mut Db,
        request: &Request,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let until = now + request.timeout.as_millis() as Millis + policy::LEASE_MARGIN_MS;
        // A lease that ends much later was made before our clock jumped: others take it for free.
        let fits = until..until + requests::timeout(usize::MAX, usize::MAX).as_millis() as Millis;
        if self.lease_until.is_none_or(|lease| !fits.contains(&lease)) {
            let renewed = db.renew(self.config.upstream, self.holder, until)?;
            self.lease_until = renewed.then_some(until);
        }
        Ok(self.lease_until.is_some())
    }

    fn launch(
        &mut self,
        task: Task,
        request: Request,
        mark: Option<Unsent>,
        taken: bool,
        now: Millis,
    ) -> Step {
        let bytes = request.body.as_ref().map_or(0, Vec::len);
        let span = trace::span(&task, bytes);
        self.requests += 1;
        if !matches!(task, Task::Negotiate) {
            self.knock();
        }
        self.bytes_sent += bytes as u64;
        let ticket = self.flights.ticket();
        let plain = match &task {
            Task::Post(batch) => taken && batch.iter().all(Item::is_fresh),
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
            asked: self.both_clocks(now),
            span,
        });
        Step::Send { ticket, request }
    }

    /// The requests under way were given up from our side: they may be under way at the LRS still.
    /// Where this fails, what was written when they left tells the next session.
    pub fn interrupted(&mut self, db: &mut Db, now: impl Into<Now>) -> Result<(), StoreError> {
        // Both clocks of this moment are written down, not the steady one of when the request left.
        let now = self.read(now.into());
        let under_way = self.flights.under_way();
        self.flights.give_up();
        self.not_there.clear();
        self.wait_for_what_is_under_way(db, now, under_way)?;
        self.forget_tasks();
        self.lease_until = None;
        db.release(self.config.upstream, self.holder)
    }

    /// Forgets all tasks and waits for what is in flight or looked into: it may be running at the LRS still.
    pub(super) fn wait_for_what_is_under_way(
        &mut self,
        db: &mut Db,
        now: Millis,
        cut_off: Option<UnderWay>,
    ) -> Result<(), StoreError> {
        let looked_into = self.under_way(now);
        if let Some(request) = cut_off {
            let until = waits::cut_off_until(request, &self.learned, now);
            self.learned.waits.add(WaitKind::OutcomeUnknown, until);
        }
        if looked_into > Duration::ZERO {
            let until = now + looked_into.as_millis() as Millis;
            self.learned.waits.add(WaitKind::OutcomeUnknown, until);
        }
        if cut_off.is_some() || looked_into > Duration::ZERO {
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
        let until = now + policy::LEASE_MARGIN_MS;
        let again = match db.claim(self.config.upstream, self.holder, self.alone, now, until)? {
            Claim::Busy { until } => return Ok(Some(Step::Done(Ended::Busy { until }))),
            Claim::Granted { again } => again,
        };
        self.lease_until = Some(until);
        let upstream = db.upstream(self.config.upstream)?;
        if self
            .generation
            .replace(upstream.generation)
            .is_some_and(|known| known != upstream.generation)
        {
            // It became another one while this one waited.
            return self.over(db).map(Some);
        }
        self.learned = upstream.learned;
        self.learned.follow_the_clock(self.both_clocks(now));
        self.door = self.learned.asked_since_401.map(Door::left_open);
        if let Some(other) = upstream
            .endpoint
            .filter(|known| known != self.config.endpoint.as_str())
        {
            return self.elsewhere(db, &other, now).map(Some);
        }
        // Measured in the session before a wait; our clock may have jumped meanwhile.
        self.skew = None;
        if let Some(version) = self.config.version {
            self.learned.version = Some(version);
        }
        if let Some(request) = self.learned.under_way.take() {
            // Nobody could write down its end: a kill, a plug, or a disk that was full.
            let until = if again {
                waits::failed_until(request, now)
            } else {
                waits::cut_off_until(request, &self.learned, now)
            };
            self.learned.waits.add(WaitKind::OutcomeUnknown, until);
            self.settle(db, Vec::new(), now)?;
        }
        self.another_is_awaited = db.waits_for_version(self.config.upstream)?;
        if self.another_is_awaited && self.config.by_hand && self.learned.failures == 0 {
            // Whoever asks now wants to know now. But it may be this question alone that is not answered.
            self.learned.version_at = None;
        }
        self.ask_the_time(db, now)?;
        Ok(None)
    }

    /// Another collector delivers this queue to another LRS since.
    fn elsewhere(&mut self, db: &mut Db, other: &str, now: Millis) -> Result<Step, StoreError> {
        let trouble = Trouble {
            problem: Problem::OtherEndpoint,
            status: None,
            words: other.to_owned(),
            since: now,
        };
        self.events.push(Event::NeedsApp {
            trouble: trouble.clone(),
        });
        self.end(db, Ended::NeedsApp { trouble })
    }

    /// The endpoint has become another one: nothing more is sent to this one, and what it answers now is
    /// nobody's any more.
    pub(super) fn is_over(&self, db: &Db) -> Result<bool, StoreError> {
        Ok(Some(db.generation(self.config.upstream)?) != self.generation)
    }

    fn over(&mut self, db: &mut Db) -> Result<Step, StoreError> {
        // What is under way is written down since it left; who comes next waits for its end.
        self.flights.give_up();
        self.forget_tasks();
        self.suspects.clear();
        self.end(db, Ended::Interrupted)
    }

    pub(super) fn end(&mut self, db: &mut Db, ended: Ended) -> Result<Step, StoreError> {
        self.lease_until = None;
        db.release(self.config.upstream, self.holder)?;
        Ok(Step::Done(ended))
    }
}

/// Another process syncs.
fn busy(now: Millis) -> Ended {
    Ended::Busy {
        until: now + policy::LEASE_MARGIN_MS,
    }
}
