//! The whole of one run: a device, its app, a network and an LRS, in virtual time.
//!
//! Everything that happens is one step of this loop, chosen by the seed. After each step everything
//! that always holds is checked.

use std::collections::BTreeMap;

use pannier::clock::{Now, Steady};
use pannier::lrs::{Authorization, Credentials, Endpoint, Failure, Request};
use pannier::store::{Db, Holder, Millis, Problem, StoreError};
use pannier::sync::{Ended, Session, SessionConfig, Step, Ticket};
use uuid::Uuid;

use super::check::{Snapshot, check};
use super::disk::{Before, Disk};
use super::lrs::{self, Lrs};
use super::model::Model;
use super::network::{self, Fault};
use super::plan::Plan;
use super::process::{Flight, Process, State};
use super::promises::Promises;
use super::tally::Tally;
use super::times::Times;
use super::weather::Weather;

/// A thread never sleeps longer; as the collector's own.
const LONGEST_SLEEP: Millis = 60 * 60 * 1000;

/// How every password of the app begins; nothing may tell it.
pub const SECRET: &str = "secret-";

/// The same as the header has it: `app:secret`.
pub const SECRET_IN_BASE64: &str = "YXBwOnNlY3JldC";

/// As whom the app knows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// With that password.
    Password(u32),
    /// As nobody.
    Nothing,
    /// By something that the LRS cannot read.
    Garbled,
}

impl Login {
    /// The header that it makes.
    fn header(self) -> Option<String> {
        match self {
            Self::Password(n) => Some(lrs::authorization(n)),
            Self::Garbled => Some(format!("Bearer {SECRET}token")),
            Self::Nothing => None,
        }
    }
}

/// A run under way.
#[derive(Debug)]
pub struct World {
    /// What it is made of.
    pub plan: Plan,
    /// All chance.
    pub rng: fastrand::Rng,
    /// True time, unix milliseconds.
    pub now: Millis,
    /// The device's clock minus the true time.
    pub clock: Millis,
    /// Every clock there was.
    pub times: Times,
    /// When the clock last jumped; true time.
    pub jumped_at: Option<Millis>,
    /// The LRS.
    pub lrs: Lrs,
    /// What stands before it.
    pub weather: Weather,
    /// As whom the app knows itself.
    pub login: Login,
    /// The device's start, true time, and its name.
    pub started: (Millis, i64),
    /// The disk is full.
    pub full: bool,
    /// Which base URL the app knows.
    pub base: String,
    /// The file.
    pub disk: Disk,
    /// Those who have it open.
    pub processes: Vec<Process>,
    /// What must be true.
    pub model: Model,
    /// What must not be done for a while.
    pub promises: Promises,
    /// What happened, in numbers.
    pub tally: Tally,
    /// What happened, in words, if anybody asked.
    pub trace: Option<Vec<String>>,
    /// What the trace last said of a statement.
    pub told: BTreeMap<usize, String>,
    /// The next step of a session ends in a kill.
    pub doomed: bool,
    /// How many statements of this run were made.
    pub made: u64,
}

impl World {
    /// The device's clock.
    pub fn device_now(&self) -> Millis {
        self.now + self.clock
    }

    /// What the device's clocks say.
    pub fn clocks(&self) -> Now {
        let (at, boot) = self.started;
        Now {
            wall_ms: self.device_now(),
            steady: self.plan.steady.then_some(Steady {
                ms: self.now - at,
                boot,
            }),
        }
    }

    /// One line of the trace.
    pub fn tell(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.trace.is_some() {
            let line = format!(
                "{:>12.3} s  {}",
                (self.now - super::START) as f64 / 1000.0,
                line(self)
            );
            if let Some(trace) = &mut self.trace {
                trace.push(line);
            }
        }
    }

    /// Lets the next thing happen that is planned, if anything is.
    pub fn advance(&mut self) -> Result<(), String> {
        let next = (0..self.processes.len())
            .filter_map(|at| Some((self.processes[at].next_at()?, at)))
            .min();
        let Some((at, which)) = next else {
            self.now += self.rng.i64(1_000..600_000);
            return Ok(());
        };
        self.now = self.now.max(at);
        if std::mem::take(&mut self.doomed) {
            let before = self.disk.before();
            self.act(which, Some(&before))
        } else {
            self.act(which, None)
        }
    }

    /// A process does its next step. With `kill` the device dies somewhere in it.
    fn act(&mut self, which: usize, kill: Option<&Before>) -> Result<(), String> {
        let state = std::mem::replace(&mut self.processes[which].state, State::Idle(None));
        match state {
            State::Idle(_) => {
                self.start(which, false);
                Ok(())
            }
            State::Ready(session, flights) => self.next(which, session, flights, kill),
            State::Sleeping(session, _) => self.next(which, session, Vec::new(), kill),
            State::Flying(session, flights) => self.land(which, session, flights, kill),
        }
    }

    /// A new session.
    pub fn start(&mut self, which: usize, by_hand: bool) {
        let config = SessionConfig {
            endpoint: Endpoint::parse(&self.base).expect("an endpoint of our own"),
            authorization: self.authorization(),
            version: self.plan.version,
            max_statements: self.plan.max_statements,
            max_bytes: self.plan.max_bytes,
            requests_in_flight: self.plan.in_flight,
            write_only: false,
            trust_lrs_clock: false,
            history: self.plan.history,
            by_hand,
        };
        if by_hand {
            self.unlock();
        }
        let rng = fastrand::Rng::with_seed(self.rng.u64(..));
        // What the operating system's lock tells: no other process has a session.
        let others = self.processes.iter().enumerate();
        let alone = others
            .filter(|(at, _)| *at != which)
            .all(|(_, other)| matches!(other.state, State::Idle(_)));
        let process = &mut self.processes[which];
        let session = Session::new(config, process.holder, rng).alone(alone);
        process.state = State::Ready(Box::new(session), Vec::new());
    }

    /// As whom the app knows itself.
    fn authorization(&self) -> Option<Authorization> {
        let credentials = match self.login {
            Login::Password(n) => Credentials::Basic {
                user: "app".to_owned(),
                password: format!("{SECRET}{n}"),
            },
            Login::Garbled => Credentials::Bearer(format!("{SECRET}token")),
            Login::Nothing => return None,
        };
        credentials.authorization().ok()
    }

    fn next(
        &mut self,
        which: usize,
        mut session: Box<Session>,
        flights: Vec<Flight>,
        kill: Option<&Before>,
    ) -> Result<(), String> {
        let device_now = self.device_now();
        session.authorize(self.authorization().as_ref());
        let clocks = self.clocks();
        let process = &mut self.processes[which];
        let step = match session.next(&mut process.db, clocks) {
            Ok(step) => step,
            Err(error) => {
                self.model
                    .excused
                    .extend(flights.iter().flat_map(|one| &one.ids));
                return self.broke_off(which, &mut session, error);
            }
        };
        session.take_events();
        if let Some(before) = kill {
            return self.killed_in(before);
        }
        let name = process.name;
        // It may have settled what had come back earlier.
        self.check()?;
        match step {
            Step::Send { ticket, request } => {
                self.send(which, session, flights, ticket, request)?;
            }
            Step::Await if flights.is_empty() => {
                return Err("a session waits for nothing".to_owned());
            }
            Step::Await => self.processes[which].state = State::Flying(session, flights),
            // The endpoint has become another one: what is under way is given up.
            Step::Done(Ended::Interrupted)
                if flights
                    .iter()
                    .any(|one| !one.request.url.starts_with(&self.base)) =>
            {
                self.tell(|_| format!("{name}: goes over to another endpoint"));
                self.processes[which].state = State::Idle(Some(self.now));
            }
            Step::Wait { .. } | Step::Done(_) if !flights.is_empty() => {
                return Err("a session ends while a request is under way".to_owned());
            }
            Step::Wait { until, why } => {
                let wait = (until - device_now).clamp(0, LONGEST_SLEEP);
                self.tell(|_| format!("{name}: waits {wait} ms ({why:?})"));
                let until = self.now + wait;
                self.processes[which].state = if self.rng.bool() {
                    State::Sleeping(session, until)
                } else {
                    State::Idle(Some(until))
                };
            }
            Step::Done(ended) => {
                self.tell(|_| format!("{name}: {ended:?}"));
                self.processes[which].state = State::Idle(self.planned(which, &ended)?);
                if let Ended::NeedsApp { trouble } = &ended
                    && trouble.problem == Problem::Credentials
                    && self.plan.provider
                {
                    self.put_right(which)?;
                }
            }
        }
        self.check()
    }

    /// When a process syncs by itself again; as the collector's driver has it.
    fn planned(&self, which: usize, ended: &Ended) -> Result<Option<Millis>, String> {
        let until = match ended {
            Ended::Waiting { until, .. } | Ended::Busy { until } => Some(*until),
            Ended::Emptied => self.processes[which].db.next_due().map_err(fail)?,
            _ => None,
        };
        let wait = |until: Millis| (until - self.device_now()).clamp(0, LONGEST_SLEEP);
        Ok(until.map(|until| self.now + wait(until)))
    }

    fn send(
        &mut self,
        which: usize,
        session: Box<Session>,
        mut flights: Vec<Flight>,
        ticket: Ticket,
        request: Request,
    ) -> Result<(), String> {
        self.tally.requests += 1;
        self.tally.looks += u64::from(request.url.contains('?'));
        self.tally.beside += u64::from(!flights.is_empty());
        let ids = self.sendable(which, &flights, &request)?;
        // What breaks one request often breaks those beside it.
        let beside_one = flights.iter().any(|flight| flight.outcome.is_err());
        let likely = if beside_one && self.plan.network > 0 {
            500
        } else {
            self.plan.network
        };
        let fault = if self.rng.u32(..1000) < likely {
            Fault::draw(&mut self.rng)
        } else {
            Fault::None
        };
        if fault != Fault::None {
            self.tally.fault(fault.name());
        }
        let name = self.processes[which].name;
        let exchange = network::exchange(
            &mut self.lrs,
            self.weather,
            fault,
            &request,
            self.now,
            &mut self.rng,
        );
        self.tell(|world| {
            let short: Vec<_> = ids
                .iter()
                .map(|id| world.model.place(*id).map_or(-1, |at| at as i64))
                .collect();
            format!(
                "{name}: {} {} {short:?} → {} in {} ms ({fault:?}, {:?})",
                request.method.as_str(),
                request.url,
                match &exchange.outcome {
                    Ok(answer) => format!(
                        "{} {}",
                        answer.status,
                        String::from_utf8_lossy(&answer.body[..answer.body.len().min(160)])
                    ),
                    Err(failure) => failure.to_string(),
                },
                exchange.at - world.now,
                world.weather
            )
        });
        for id in &exchange.overlapping {
            let known = self.model.get(*id);
            let sent_at = known.and_then(|known| known.last_sent).unwrap_or(self.now);
            if self.jumped_at.is_some_and(|at| at >= sent_at) {
                self.model.excused.insert(*id);
            } else if !self.model.excused.contains(id) {
                return Err(format!(
                    "I6: {id} was sent while the LRS was still at an earlier request with it"
                ));
            }
        }
        for id in &ids {
            if let Some(known) = self.model.get_mut(*id) {
                // Otherwise provably nothing was sent.
                known.sent |= !matches!(exchange.outcome, Err(Failure::Unreachable(_)));
                known.times_sent += 1;
                known.last_sent = Some(self.now);
            }
        }
        flights.push(Flight {
            ticket,
            request,
            ids,
            left: self.now,
            lands: exchange.at,
            outcome: exchange.outcome,
        });
        self.processes[which].state = after_flight(session, flights);
        Ok(())
    }

    /// I2, I6 and I7 for a request that is about to leave; returns the statements in it.
    fn sendable(
        &mut self,
        which: usize,
        flights: &[Flight],
        request: &Request,
    ) -> Result<Vec<Uuid>, String> {
        let ids = super::order::posted(request, &mut self.model, &self.times)?;
        if let Some(broken) = self.promises.broken_by(request, &ids, self.now) {
            return Err(broken);
        }
        let others = self.processes.iter().flat_map(Process::flights);
        let others = others.filter(|flight| self.jumped_at.is_none_or(|jump| jump < flight.left));
        for flight in others.chain(flights) {
            if let Some(id) = flight.ids.iter().find(|id| ids.contains(id)) {
                return Err(format!("I6: {id} is in two requests at once"));
            }
        }
        self.may_leave_beside(which, flights, &ids)?;
        Ok(ids)
    }

    /// Beside others only batches leave, as many as the app allows, and none after any answer but a
    /// batch taken whole.
    fn may_leave_beside(
        &self,
        which: usize,
        flights: &[Flight],
        ids: &[Uuid],
    ) -> Result<(), String> {
        if flights.is_empty() {
            return Ok(());
        }
        if flights.len() >= self.plan.in_flight as usize {
            return Err(format!("I6: {} requests at once", flights.len() + 1));
        }
        if ids.is_empty() || !flights.iter().all(Flight::is_post) {
            return Err("I6: something else than a batch is under way beside another".to_owned());
        }
        if self.processes[which].troubled {
            return Err("I6: sent on before all that was under way had come back".to_owned());
        }
        Ok(())
    }

    fn land(
        &mut self,
        which: usize,
        mut session: Box<Session>,
        mut flights: Vec<Flight>,
        kill: Option<&Before>,
    ) -> Result<(), String> {
        let device_now = self.device_now();
        let clocks = self.clocks();
        let first = (0..flights.len()).min_by_key(|at| flights[*at].lands);
        let flight = flights.remove(first.ok_or("a session waits for nothing")?);
        session.authorize(self.authorization().as_ref());
        let process = &mut self.processes[which];
        let outcome = flight.outcome.clone();
        if let Err(error) = session.answered(&mut process.db, flight.ticket, outcome, clocks) {
            // What came of them is known to nobody now.
            let all = flights.iter().chain([&flight]);
            self.model.excused.extend(all.flat_map(|one| &one.ids));
            return self.broke_off(which, &mut session, error);
        }
        session.take_events();
        if let Some(before) = kill {
            return self.killed_in(before);
        }
        process.troubled = !flights.is_empty() && (process.troubled || !flight.was_taken_whole());
        // With a jump of the clock the lease may have been lost, and then this one changes nothing.
        // Of an LRS that is not meant any more nothing is expected.
        let meant = flight.request.url.starts_with(&self.base);
        if meant && self.jumped_at.is_none_or(|jump| jump < flight.left) {
            let knew = self.login.header();
            self.promises
                .learn(&flight, knew.as_deref(), device_now, self.now);
        }
        self.processes[which].state = after_flight(session, flights);
        self.check()
    }

    /// The clock of the LRS is off by so much from now on.
    pub fn set_lrs_clock(&mut self, ahead: Millis) {
        self.lrs.ahead = ahead;
        self.times.lrs(ahead);
    }

    /// The device dies somewhere in the step that was just made, and starts again.
    fn killed_in(&mut self, before: &Before) -> Result<(), String> {
        let whole = self.disk.kill_since(before, &mut self.rng);
        self.tally.fault(if whole {
            "device: killed after a step"
        } else {
            "device: killed within a step"
        });
        self.tell(|_| format!("killed (the last step is whole: {whole})"));
        self.boot()
    }

    /// The device dies between two steps.
    pub fn kill(&mut self) -> Result<(), String> {
        self.tally.fault("device: killed");
        self.tell(|_| "killed".to_owned());
        self.disk.kill();
        self.boot()
    }

    /// The disk is full, or has room again.
    pub fn fill_disk(&mut self, full: bool) -> Result<(), String> {
        if self.full != full {
            self.full = full;
            self.tell(|_| format!("the disk is full: {full}"));
            if full {
                self.tally.fault("device: the disk is full");
            }
        }
        for process in &mut self.processes {
            process.db.fill_disk(full).map_err(fail)?;
        }
        Ok(())
    }

    /// A full disk is an error of that call, and changes nothing.
    #[allow(clippy::needless_pass_by_value, reason = "for map_err")]
    pub fn may_fail(&mut self, error: StoreError) -> Result<(), String> {
        if !self.full || error != StoreError::DiskFull {
            return Err(fail(error));
        }
        self.tally.fault("device: a call fails for the full disk");
        self.tell(|_| "fails: the disk is full".to_owned());
        Ok(())
    }

    /// A session ended with an error; as the collector's driver has it.
    fn broke_off(
        &mut self,
        which: usize,
        session: &mut Session,
        error: StoreError,
    ) -> Result<(), String> {
        self.may_fail(error)?;
        let device_now = self.device_now();
        let process = &mut self.processes[which];
        // Where it cannot be written down, what was written when the requests left tells.
        let _ = session.interrupted(&mut process.db, device_now);
        self.processes[which].troubled = false;
        self.processes[which].state = State::Idle(Some(self.now + LONGEST_SLEEP));
        self.check()
    }

    /// The device dies within a call of the app.
    pub fn die_in_a_call(&mut self, which: usize) -> Result<(), String> {
        let (disk, model) = (self.disk.before(), self.model.clone());
        self.act_once(which)?;
        let whole = self.disk.kill_since(&disk, &mut self.rng);
        self.tally.fault("device: killed within a call");
        self.tell(|_| format!("killed within that call (it is whole: {whole})"));
        self.reopen()?;
        let done = self.check();
        if !whole && done.is_err() {
            // Nothing of it was done.
            self.model = model;
            return self.check();
        }
        done
    }

    fn boot(&mut self) -> Result<(), String> {
        self.reopen()?;
        self.check()
    }

    fn reopen(&mut self) -> Result<(), String> {
        self.now += self.rng.i64(50..60_000);
        if self.rng.bool() {
            // Not the processes alone, but the device.
            self.started = (self.now, self.rng.i64(..));
            self.times.device(self.now, self.started.1, self.clock);
        }
        let device_now = self.device_now();
        let mut names = Vec::new();
        for process in std::mem::take(&mut self.processes) {
            names.push(process.name);
        }
        for name in names {
            self.processes.push(Process {
                name,
                holder: Holder(self.rng.u128(..).to_be_bytes()),
                db: self.disk.open(device_now)?,
                state: State::Idle(Some(self.now + self.rng.i64(0..5_000))),
                troubled: false,
            });
        }
        self.fill_disk(self.full)
    }

    /// One process dies; the others go on.
    pub fn kill_one(&mut self, which: usize) -> Result<(), String> {
        self.tally.fault("device: one process killed");
        let name = self.processes[which].name;
        self.tell(|_| format!("{name}: killed"));
        let device_now = self.device_now();
        let process = &mut self.processes[which];
        process.holder = Holder(self.rng.u128(..).to_be_bytes());
        process.db = self.disk.open(device_now)?;
        process.state = State::Idle(Some(self.now + self.rng.i64(50..60_000)));
        process.troubled = false;
        self.fill_disk(self.full)?;
        self.check()
    }

    /// The app pauses a process and resumes it.
    pub fn pause(&mut self, which: usize) -> Result<(), String> {
        self.tally.fault("device: paused");
        let name = self.processes[which].name;
        self.tell(|_| format!("{name}: paused and resumed"));
        let device_now = self.device_now();
        let process = &mut self.processes[which];
        let state = std::mem::replace(&mut process.state, State::Idle(None));
        if let State::Ready(_, flights) | State::Flying(_, flights) = &state {
            // After a pause nothing is sent for five seconds; an LRS that hangs for longer has it
            // twice. To wait for a whole time-out each time is more than an app would bear.
            for id in flights.iter().flat_map(|flight| &flight.ids) {
                if let Some(stored) = self.lrs.stored.get(id)
                    && stored.visible_from > self.now + 5_000
                {
                    self.model.excused.insert(*id);
                }
            }
        }
        if let State::Ready(mut session, _)
        | State::Sleeping(mut session, _)
        | State::Flying(mut session, _) = state
        {
            let paused = session
                .interrupted(&mut process.db, device_now)
                .and_then(|()| process.db.tidy());
            if let Err(error) = paused {
                // It waits for its file; the lease stays for a while.
                return self.broke_off(which, &mut session, error);
            }
        }
        let process = &mut self.processes[which];
        process.state = State::Idle(Some(self.now + self.rng.i64(0..10_000)));
        process.troubled = false;
        self.check()
    }

    /// The app has acted.
    pub fn unlock(&mut self) {
        self.model.excused.extend(self.promises.unlock());
    }

    /// Everything that always holds.
    pub fn check(&mut self) -> Result<(), String> {
        self.tally.checks += 1;
        let snapshot = self.snapshot()?;
        if self.trace.is_some() {
            self.tell_moves(&snapshot);
        }
        check(&snapshot, &mut self.model, &self.lrs, &self.times, self.now)
    }

    /// For the trace: what changed its place.
    fn tell_moves(&mut self, snapshot: &Snapshot) {
        for at in 0..self.model.all.len() {
            let known = &self.model.all[at];
            let place = match known.gone {
                Some(gone) => format!("{gone:?}"),
                None => format!("{:?}", snapshot.place(known.recipe.id)),
            };
            if self.told.get(&at).is_none_or(|told| *told != place) {
                let kind = known.recipe.kind.word();
                self.tell(|_| format!("    {at} ({kind}) is {place}"));
                self.told.insert(at, place);
            }
        }
    }

    /// What the database says.
    pub fn snapshot(&self) -> Result<Snapshot, String> {
        Snapshot::read(&self.processes[0].db).map_err(fail)
    }

    /// A process's connection, and the device's clock.
    pub fn db(&mut self, which: usize) -> (&mut Db, Millis) {
        let now = self.device_now();
        (&mut self.processes[which].db, now)
    }
}

/// What a session does that has requests under way or has just had.
fn after_flight(session: Box<Session>, flights: Vec<Flight>) -> State {
    if session.must_await() {
        State::Flying(session, flights)
    } else {
        State::Ready(session, flights)
    }
}

/// No call on a healthy disk may fail.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
pub fn fail(error: StoreError) -> String {
    format!("the store failed: {error}")
}
