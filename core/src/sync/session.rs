//! One run that delivers what is due.
//!
//! A session holds the lease on the upstream, does one task after another, and forgets its tasks
//! whenever it has to wait: the truth is in the database, and the next try starts from there.

use std::collections::VecDeque;
use std::time::Duration;

use tracing::Span;
use uuid::Uuid;

use super::backoff;
use super::judge::{self, Negotiated};
use super::limits::Ceiling;
use super::report::{Ended, SessionConfig, Step, SyncReport};
use super::suspects::Suspects;
use super::work::{Item, Look, Task, Then};
use super::{time, trace};
use crate::clock::{Now, Steady};
use crate::event::Event;
use crate::lrs::reading::{read_about, read_post};
use crate::lrs::{Answer, Failure, Request, headers, requests};
use crate::statement::XapiVersion;
use crate::store::{
    Claim, Db, Holder, Learned, Limits, LrsClock, Millis, Problem, StoreError, Taken, Trouble,
    WaitKind,
};

/// What a negotiated version is trusted for: LRSs are upgraded.
const VERSION_LASTS_MS: Millis = 24 * 60 * 60 * 1000;

/// So long it is not asked again when it did not tell its versions.
const SILENCE_LASTS_MS: Millis = 60 * 60 * 1000;

/// The lease outlasts the request that it protects by this much.
const LEASE_MARGIN_MS: Millis = 15_000;

/// Failures in a row after which the upstream gets one statement at a time, each looked up first.
const CAUTIOUS_FROM: u32 = 2;

/// The request under way.
pub(super) struct Flying {
    pub(super) task: Task,
    pub(super) timeout: Duration,
    pub(super) bytes: usize,
    /// For a batch from the log: how far it had been sent before.
    pub(super) unsent: Option<i64>,
    asked: Now,
    span: Span,
}

/// One run; see the module. Not shared between threads.
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own; together they are no state.
pub struct Session {
    pub(super) config: SessionConfig,
    pub(super) ceiling: Ceiling,
    holder: Holder,
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
    lease_until: Option<Millis>,
    may_skip_wait: bool,
    pub(super) tasks: VecDeque<Task>,
    flying: Option<Flying>,
    /// Of the request whose answer is judged.
    judging: Span,
    pub(super) unsent: Option<i64>,
    pub(super) suspects: Suspects,
    /// The upstream has taken a statement in this session.
    pub(super) accepted: bool,
    /// Credentials and version were seen to hold since the last trouble.
    pub(super) checked: bool,
    /// The other version has been tried.
    pub(super) flipped: bool,
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
            .field("flying", &self.flying.is_some())
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
            flying: None,
            judging: Span::none(),
            unsent: None,
            suspects: Suspects::default(),
            accepted: false,
            checked: false,
            flipped: false,
            quiet_until: None,
            refused: None,
            delivered: 0,
            held: 0,
            requests: 0,
            bytes_sent: 0,
            events: Vec::new(),
        }
    }

    /// For `tracing`: the span of the request under way.
    pub fn span(&self) -> Span {
        self.flying
            .as_ref()
            .map_or_else(Span::none, |flying| flying.span.clone())
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
            ended,
        }
    }

    /// What is the matter with the upstream, if anything is.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.learned.trouble.as_ref()
    }

    /// What to do next. Must not be called while a request is under way. Without a steady clock (an
    /// integer, the wall clock's unix milliseconds, is enough for `now`) no timestamp is corrected.
    pub fn next(&mut self, db: &mut Db, now: impl Into<Now>) -> Result<Step, StoreError> {
        debug_assert!(self.flying.is_none(), "a request is under way");
        let now = self.read(now.into());
        if self.lease_until.is_none()
            && let Some(step) = self.begin(db, now)?
        {
            return Ok(step);
        }
        loop {
            if let Some(step) = self.must_wait(db, now)? {
                return Ok(step);
            }
            let task = match self.tasks.pop_front() {
                Some(Task::Post(batch)) => match still_there(db, batch)? {
                    batch if batch.is_empty() => continue,
                    batch => Task::Post(batch),
                },
                Some(task) => task,
                None if self.version_is_stale(now) => Task::Negotiate,
                None => match self.take(db, now)? {
                    Next::Task(task) => task,
                    Next::Busy => {
                        return self.end(
                            db,
                            Ended::Busy {
                                until: now + LEASE_MARGIN_MS,
                            },
                        );
                    }
                    Next::Nothing if self.conclude_suspects(db, now)? => continue,
                    Next::Nothing => {
                        db.purge(self.config.history, now)?;
                        return self.end(db, Ended::Emptied);
                    }
                },
            };
            let request = self.request(&task);
            let until = now + request.timeout.as_millis() as Millis + LEASE_MARGIN_MS;
            // A lease that ends much later was made before our clock jumped: others take it for free.
            let fits =
                until..until + requests::timeout(usize::MAX, usize::MAX).as_millis() as Millis;
            if self.lease_until.is_none_or(|lease| !fits.contains(&lease)) {
                if !db.renew(self.holder, until)? {
                    self.lease_until = None;
                    return Ok(Step::Done(Ended::Busy {
                        until: now + LEASE_MARGIN_MS,
                    }));
                }
                self.lease_until = Some(until);
            }
            let bytes = request.body.as_ref().map_or(0, Vec::len);
            let span = trace::span(&task, bytes);
            self.requests += 1;
            self.bytes_sent += bytes as u64;
            self.flying = Some(Flying {
                task,
                timeout: request.timeout,
                bytes,
                unsent: self.unsent.take(),
                asked: Now {
                    wall_ms: now,
                    steady: self.steady,
                },
                span,
            });
            return Ok(Step::Send(request));
        }
    }

    /// What came of the request. Everything that follows is in the database when this returns.
    pub fn answered(
        &mut self,
        db: &mut Db,
        outcome: Result<Answer, Failure>,
        now: impl Into<Now>,
    ) -> Result<(), StoreError> {
        let now = self.read(now.into());
        let Some(flying) = self.flying.take() else {
            return Ok(());
        };
        let here = Now {
            wall_ms: now,
            steady: self.steady,
        };
        self.judging = flying.span.clone();
        self.judging
            .record("duration_ms", trace::between(flying.asked, here));
        let answer = match outcome {
            Ok(answer) => answer,
            Err(failure) => return self.failed(db, flying, &failure, now),
        };
        if let Some(date) = time::told(&answer) {
            self.set_skew(db, date - now)?;
            self.heard = self.measured(date, flying.asked.steady);
        }
        self.judging.record("status", answer.status);
        let retry_after = headers::retry_after(&answer, now);
        match flying.task {
            Task::Negotiate => {
                let found = judge::about(&read_about(&answer, &self.config.endpoint), retry_after);
                self.judged(found.word());
                match found {
                    Negotiated::Version(version) => {
                        self.learned.version = Some(self.config.version.unwrap_or(version));
                        self.believe_clock(db)?;
                    }
                    // Its header may tell. Five of six LRSs take 1.0.3; should this one not, its 400
                    // will tell. It is asked again soon: perhaps it was only out of order.
                    Negotiated::Silent => {
                        let version = headers::xapi_version(&answer).or(self.learned.version);
                        self.learned.version = Some(version.unwrap_or(XapiVersion::V1_0_3));
                        self.learned.version_at = Some(now - VERSION_LASTS_MS + SILENCE_LASTS_MS);
                        return self.settle(db, Vec::new(), now);
                    }
                    Negotiated::Stop(stop) => return self.stop(db, stop, now),
                }
                self.learned.version_at = Some(now);
                self.settle(db, Vec::new(), now)
            }
            Task::Post(batch) => {
                let verdict = judge::posted(
                    &read_post(&answer, &self.config.endpoint),
                    &batch,
                    retry_after,
                );
                self.posted(db, batch, verdict, flying.bytes, now)
            }
            Task::Look(look) => self.looked(db, look, &answer, retry_after, now),
        }
    }

    /// The request under way was given up from our side: it may be under way at the LRS still.
    pub fn interrupted(&mut self, db: &mut Db, now: Millis) -> Result<(), StoreError> {
        let mut under_way = self.under_way(now);
        if let Some(Task::Post(_)) = self.flying.take().map(|flying| flying.task) {
            under_way = under_way.max(judge::UNDER_WAY);
        }
        if under_way > Duration::ZERO {
            let until = now + under_way.as_millis() as Millis;
            self.learned.not_before = Some((until, WaitKind::OutcomeUnknown));
            self.settle(db, Vec::new(), now)?;
        }
        self.tasks.clear();
        self.lease_until = None;
        db.release(self.holder)
    }

    fn begin(&mut self, db: &mut Db, now: Millis) -> Result<Option<Step>, StoreError> {
        let until = now + LEASE_MARGIN_MS;
        if let Claim::Busy { until } = db.claim(self.holder, now, until)? {
            return Ok(Some(Step::Done(Ended::Busy { until })));
        }
        self.lease_until = Some(until);
        self.learned = db.upstream()?.learned;
        // Our clock may have jumped while we waited.
        self.skew = None;
        if let Some(version) = self.config.version {
            self.learned.version = Some(version);
        }
        self.ask_the_time(db, now)?;
        Ok(None)
    }

    fn end(&mut self, db: &mut Db, ended: Ended) -> Result<Step, StoreError> {
        self.lease_until = None;
        db.release(self.holder)?;
        Ok(Step::Done(ended))
    }

    /// A wait that is not over; a time that no wait could have set came from another clock.
    fn must_wait(&mut self, db: &mut Db, now: Millis) -> Result<Option<Step>, StoreError> {
        let skip = std::mem::take(&mut self.may_skip_wait);
        let Some((until, why)) = self.learned.not_before else {
            return Ok(None);
        };
        let longest = match why {
            WaitKind::Backoff => backoff::LONGEST,
            WaitKind::OutcomeUnknown => {
                backoff::LONGEST + requests::timeout(usize::MAX, usize::MAX)
            }
            WaitKind::RetryAfter | WaitKind::App => backoff::LONGEST_RETRY_AFTER + backoff::LONGEST,
        };
        let over = match why {
            WaitKind::App => false,
            _ => until <= now || until > now + longest.as_millis() as Millis,
        };
        if over || (skip && matches!(why, WaitKind::Backoff | WaitKind::App)) {
            self.learned.not_before = None;
            return Ok(None);
        }
        let trouble = self.learned.trouble.clone();
        match (why, trouble) {
            (WaitKind::App, Some(trouble)) => {
                self.events.push(Event::NeedsApp {
                    trouble: trouble.clone(),
                });
                self.end(db, Ended::NeedsApp { trouble }).map(Some)
            }
            (why, trouble) => {
                self.events.push(Event::WaitingUntil {
                    until,
                    why,
                    trouble,
                });
                self.end(db, Ended::Interrupted)?;
                Ok(Some(Step::Wait { until, why }))
            }
        }
    }

    fn version_is_stale(&self, now: Millis) -> bool {
        self.config.version.is_none()
            && (self.learned.version.is_none()
                || self
                    .learned
                    .version_at
                    .is_none_or(|at| at > now || now - at > VERSION_LASTS_MS))
    }

    fn version(&self) -> XapiVersion {
        self.learned.version.unwrap_or(XapiVersion::V1_0_3)
    }

    /// The upstream failed again and again: one statement at a time, and look before sending.
    pub(super) fn is_cautious(&self) -> bool {
        self.learned.failures >= CAUTIOUS_FROM
            && self.learned.trouble.as_ref().is_some_and(|trouble| {
                matches!(
                    trouble.problem,
                    Problem::ServerError | Problem::TimedOut | Problem::Broken
                )
            })
    }

    fn take(&mut self, db: &mut Db, now: Millis) -> Result<Next, StoreError> {
        let statements = if self.is_cautious() || self.suspects.is_probing() {
            1
        } else {
            self.ceiling.statements(&self.learned)
        };
        let limits = Limits {
            statements,
            bytes: self.ceiling.bytes(&self.learned),
            speaks_2_0: self.version() >= XapiVersion::V2_0_0,
            skew_ms: self.skew,
            clock: self.learned.clock,
            after: self.suspects.after(db.last_seq()?, &mut self.rng),
        };
        let until = now
            + requests::timeout(statements, limits.bytes).as_millis() as Millis
            + LEASE_MARGIN_MS;
        loop {
            match db.take(self.holder, &limits, now, until)? {
                Taken::LeaseLost => return Ok(Next::Busy),
                Taken::Rows {
                    rows, more: true, ..
                } if rows.is_empty() => {}
                Taken::Rows { rows, .. } if rows.is_empty() => return Ok(Next::Nothing),
                Taken::Rows {
                    rows, sent_through, ..
                } => {
                    self.lease_until = Some(until);
                    self.unsent = Some(sent_through);
                    let batch = rows.into_iter().map(Item::from).collect();
                    return Ok(Next::Task(self.first_look(batch)));
                }
            }
        }
    }

    /// What may have reached the LRS before is looked up before it is sent again.
    fn first_look(&self, batch: Vec<Item>) -> Task {
        if self.learned.refuses_known {
            let (ask, rest): (Vec<_>, Vec<_>) =
                batch.into_iter().partition(|item| item.row.sent_before);
            if ask.is_empty() {
                return Task::Post(rest);
            }
            return Task::Look(Look::new(ask, Then::Send(rest)));
        }
        let mut batch = batch.into_iter();
        match batch.next() {
            Some(first) if first.row.sent_before => {
                Task::Look(Look::new([first], Then::Send(batch.collect())))
            }
            first => Task::Post(first.into_iter().chain(batch).collect()),
        }
    }

    fn request(&self, task: &Task) -> Request {
        let (endpoint, authorization) = (&self.config.endpoint, self.config.authorization.as_ref());
        match task {
            Task::Negotiate => requests::about(endpoint, authorization),
            Task::Post(batch) => requests::post(endpoint, authorization, self.version(), batch),
            Task::Look(look) => {
                let id = look.ask.front().map_or(Uuid::nil(), |item| item.row.id);
                let ask = if look.as_voided {
                    requests::get_voided
                } else {
                    requests::get
                };
                ask(endpoint, authorization, self.version(), id)
            }
        }
    }
}

/// What the app has erased meanwhile is not sent any more.
fn still_there(db: &Db, batch: Vec<Item>) -> Result<Vec<Item>, StoreError> {
    let mut there = Vec::with_capacity(batch.len());
    for item in batch {
        if db.has(item.row.seq)? {
            there.push(item);
        }
    }
    Ok(there)
}

enum Next {
    Task(Task),
    Nothing,
    Busy,
}
