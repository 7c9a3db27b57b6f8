//! The device: processes that have the queue open, their sessions, and what ends them.

use pannier::lrs::{Endpoint, Failure, Request};
use pannier::store::{Db, Holder, Millis, StoreError};
use pannier::sync::{Ended, Session, SessionConfig, Step, Ticket};
use uuid::Uuid;

use super::exchange::Exchange;
use super::world::{World, fail};
use crate::sim::disk::Before;
use crate::sim::lrs::header;

/// A thread never sleeps longer; as the collector's own.
const LONGEST_SLEEP: Millis = 60 * 60 * 1000;

/// How long a process waits that another one keeps from syncing.
const ASK_AGAIN: Millis = 15_000;

/// How long an LRS that answered everything within a second so far goes on at most with a request when the
/// device is gone.
const QUICKLY: Millis = 15_000;

/// A process. Its times are true times: a sleeping thread does not see the clock jump.
#[derive(Debug)]
pub struct Process {
    /// What the trace calls it.
    pub name: char,
    /// Who it is to the lease.
    pub holder: Holder,
    /// Its connection.
    pub db: Db,
    /// What it does.
    pub state: State,
}

/// What a process does.
#[derive(Debug)]
pub enum State {
    /// It syncs by itself at that time, if at all.
    Idle(Option<Millis>),
    /// The session's next step is due; these are under way.
    Ready(Box<Session>, Vec<Flight>),
    /// The session waits until then.
    Sleeping(Box<Session>, Millis),
    /// The session waits for one of these.
    Flying(Box<Session>, Vec<Flight>),
}

/// A request under way.
#[derive(Debug)]
pub struct Flight {
    /// What the session calls it.
    pub ticket: Ticket,
    /// What was sent.
    pub request: Request,
    /// To which LRS.
    pub to: usize,
    /// The statements in it.
    pub ids: Vec<Uuid>,
    /// When it left; true time.
    pub left: Millis,
    /// What comes of it.
    pub exchange: Exchange,
}

impl Flight {
    /// As whom it was sent.
    pub fn authorization(&self) -> Option<&str> {
        header(&self.request, "Authorization")
    }
}

impl Process {
    /// When it acts next.
    pub fn next_at(&self) -> Option<Millis> {
        match &self.state {
            State::Idle(at) => *at,
            State::Ready(..) => Some(Millis::MIN),
            State::Sleeping(_, until) => Some(*until),
            State::Flying(_, flights) => flights.iter().map(|one| one.exchange.lands).min(),
        }
    }

    /// What it has under way.
    pub fn flights(&self) -> &[Flight] {
        match &self.state {
            State::Ready(_, flights) | State::Flying(_, flights) => flights,
            State::Idle(_) | State::Sleeping(..) => &[],
        }
    }

    /// It would sync at that time; earlier if that was planned.
    pub fn plan(&mut self, at: Millis) {
        if let State::Idle(planned) = &mut self.state {
            *planned = Some(planned.map_or(at, |planned| planned.min(at)));
        }
    }
}

impl World {
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
        let before = std::mem::take(&mut self.doomed).then(|| self.disk.before());
        let state = std::mem::replace(&mut self.processes[which].state, State::Idle(None));
        match state {
            State::Idle(_) => {
                self.start(which, false);
                Ok(())
            }
            State::Ready(session, flights) => self.next(which, session, flights, before.as_ref()),
            State::Sleeping(session, _) => self.next(which, session, Vec::new(), before.as_ref()),
            State::Flying(session, flights) => self.land(which, session, flights, before.as_ref()),
        }
    }

    /// A new session, unless the system's lock tells that another process has one: then it is asked again
    /// a little later, as the collector has it.
    pub fn start(&mut self, which: usize, by_hand: bool) {
        let syncs = |process: &Process| !matches!(process.state, State::Idle(_));
        let others = (0..self.processes.len()).filter(|at| *at != which);
        if self.plan.lock && others.into_iter().any(|at| syncs(&self.processes[at])) {
            self.processes[which].state = State::Idle(Some(self.now + ASK_AGAIN));
            return;
        }
        let config = SessionConfig {
            endpoint: Endpoint::parse(&self.meant().base).expect("an endpoint of our own"),
            authorization: self.authorization(),
            version: None,
            write_only: false,
            trust_lrs_clock: false,
            max_statements: self.plan.max_statements,
            max_bytes: self.plan.max_bytes,
            requests_in_flight: self.plan.in_flight,
            history: self.plan.history,
            by_hand,
        };
        if by_hand {
            self.patience.unlock();
        }
        let rng = fastrand::Rng::with_seed(self.rng.u64(..));
        let process = &mut self.processes[which];
        let session = Session::new(config, process.holder, rng).alone(self.plan.lock);
        process.state = State::Ready(Box::new(session), Vec::new());
    }

    fn next(
        &mut self,
        which: usize,
        mut session: Box<Session>,
        flights: Vec<Flight>,
        kill: Option<&Before>,
    ) -> Result<(), String> {
        session.authorize(self.authorization().as_ref());
        let (clocks, device_now) = (self.clocks(), self.device_now());
        let process = &mut self.processes[which];
        let step = match session.next(&mut process.db, clocks) {
            Ok(step) => step,
            Err(error) => return self.broke_off(which, session, flights, error),
        };
        session.take_events();
        if let Some(before) = kill {
            self.processes[which].state = State::Flying(session, flights);
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
            // Another LRS is meant, or was for a while: what is under way at this one is given up.
            Step::Done(Ended::Interrupted)
                if flights.iter().any(|one| one.left <= self.meant_since) =>
            {
                self.tell(|_| format!("{name}: goes over to another LRS"));
                self.processes[which].state = State::Flying(session, flights);
                self.hang_up(which);
                self.processes[which].state = State::Idle(Some(self.now));
            }
            step @ (Step::Wait { .. } | Step::Done(_)) if !flights.is_empty() => {
                return Err(format!(
                    "a session ends while a request is under way: {step:?}"
                ));
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
            }
        }
        Ok(())
    }

    /// When a process syncs by itself again; as the collector's driver has it.
    fn planned(&self, which: usize, ended: &Ended) -> Result<Option<Millis>, String> {
        let until = match ended {
            Ended::Waiting { until, .. } | Ended::Busy { until } => Some(*until),
            Ended::Emptied => self.processes[which].db.next_due().map_err(fail)?,
            // Nobody may act: it is tried again, but seldom.
            Ended::NeedsApp { .. } => Some(self.device_now() + LONGEST_SLEEP),
            Ended::Interrupted => None,
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
        let (to, ids) = self.may_leave(&request)?;
        if flights.len() >= self.plan.in_flight as usize {
            return Err(format!("I6: {} requests at once", flights.len() + 1));
        }
        let exchange = self.exchange(to, &request);
        let name = self.processes[which].name;
        self.tell(|world| told(world, name, &request, to, &ids, &exchange));
        if let Some(work) = exchange.work {
            self.not_twice_at_work(to, work)?;
        }
        let unreachable = matches!(exchange.outcome, Err(Failure::Unreachable(_)));
        for id in &ids {
            if let Some(known) = self.model.get_mut(*id) {
                // Otherwise provably nothing was sent.
                known.sent |= !unreachable;
                known.times_sent += 1;
                known.last_sent = Some(self.now);
            }
        }
        flights.push(Flight {
            ticket,
            request,
            to,
            ids,
            left: self.now,
            exchange,
        });
        self.processes[which].state = after_flight(session, flights);
        Ok(())
    }

    /// No id is at work twice at once at one LRS.
    fn not_twice_at_work(&self, to: usize, work: usize) -> Result<(), String> {
        let lrs = &self.lrss[to];
        let this = &lrs.works[work];
        for earlier in &lrs.works[..work] {
            let meets = earlier.until > this.from && earlier.from < this.until;
            let jumped = self.jumped_at.is_some_and(|at| at >= earlier.left);
            let both = earlier.ids.iter().find(|id| this.ids.contains(id));
            if let (true, false, Some(id)) = (meets, jumped, both) {
                return Err(format!(
                    "I6: {id} was sent {} ms after an earlier request with it, and the LRS is at that one for {} ms more",
                    this.left - earlier.left,
                    earlier.until - this.from
                ));
            }
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
        let clocks = self.clocks();
        let first = (0..flights.len()).min_by_key(|at| flights[*at].exchange.lands);
        let flight = flights.remove(first.ok_or("a session waits for nothing")?);
        session.authorize(self.authorization().as_ref());
        let process = &mut self.processes[which];
        let outcome = flight.exchange.outcome.clone();
        if let Err(error) = session.answered(&mut process.db, flight.ticket, outcome, clocks) {
            flights.push(flight);
            return self.broke_off(which, session, flights, error);
        }
        session.take_events();
        if let Some(before) = kill {
            // It may have come to nothing: to the LRS it is as if the device had gone before.
            let patience = std::mem::take(&mut self.patience);
            self.learn(&flight);
            self.patience = patience;
            flights.push(flight);
            self.processes[which].state = State::Flying(session, flights);
            return self.killed_in(before);
        }
        self.learn(&flight);
        self.processes[which].state = after_flight(session, flights);
        self.check()
    }

    /// Nobody waits any more for what this process has under way.
    fn hang_up(&mut self, which: usize) {
        let now = self.now;
        let state = std::mem::replace(&mut self.processes[which].state, State::Idle(None));
        let (State::Ready(_, flights) | State::Flying(_, flights)) = state else {
            return;
        };
        for flight in flights {
            let Some(work) = flight.exchange.work else {
                continue;
            };
            let lrs = &mut self.lrss[flight.to];
            let longest = match lrs.quick {
                Some(true) => QUICKLY,
                _ => flight.request.timeout.as_millis() as Millis,
            };
            lrs.hurry(work, now + longest);
        }
    }

    /// The device dies somewhere in the step that was just made, and starts again.
    fn killed_in(&mut self, before: &Before) -> Result<(), String> {
        let whole = self.disk.kill_since(before, &mut self.rng);
        self.unsure = true;
        self.tally.fault(if whole {
            "device: killed after a step"
        } else {
            "device: killed within a step"
        });
        self.tell(|_| format!("killed (the last step is whole: {whole})"));
        self.boot()
    }

    /// Everything that may happen to a process.
    pub fn die(&mut self) -> Result<(), String> {
        let which = self.rng.usize(..self.processes.len());
        match self.rng.u32(..6) {
            0 => {
                self.tally.fault("device: killed");
                self.tell(|_| "killed".to_owned());
                self.disk.kill();
                self.boot()
            }
            1 => self.kill_one(which),
            2 => self.interrupt(which, false),
            3 => self.interrupt(which, true),
            4 => self.die_in_a_call(which),
            // In the midst of what happens next.
            _ => {
                self.doomed = true;
                self.advance()
            }
        }
    }

    /// The device dies within a call of the app.
    fn die_in_a_call(&mut self, which: usize) -> Result<(), String> {
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
        for which in 0..self.processes.len() {
            self.hang_up(which);
        }
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
            });
        }
        self.fill_disk(self.full)
    }

    /// One process dies; the others go on.
    fn kill_one(&mut self, which: usize) -> Result<(), String> {
        self.tally.fault("device: one process killed");
        let name = self.processes[which].name;
        self.tell(|_| format!("{name}: killed"));
        self.hang_up(which);
        self.open_anew(which)?;
        self.fill_disk(self.full)?;
        self.check()
    }

    fn open_anew(&mut self, which: usize) -> Result<(), String> {
        let device_now = self.device_now();
        let process = &mut self.processes[which];
        process.holder = Holder(self.rng.u128(..).to_be_bytes());
        process.db = self.disk.open(device_now)?;
        process.state = State::Idle(Some(self.now + self.rng.i64(50..60_000)));
        Ok(())
    }

    /// The app pauses a process and resumes it, or somebody ends it in order (`Ctrl-C`).
    fn interrupt(&mut self, which: usize, ends: bool) -> Result<(), String> {
        self.tally.fault(if ends {
            "device: one process ended in order"
        } else {
            "device: paused"
        });
        let name = self.processes[which].name;
        self.tell(|_| format!("{name}: interrupted; it ends: {ends}"));
        let device_now = self.device_now();
        let state = std::mem::replace(&mut self.processes[which].state, State::Idle(None));
        let (mut session, flights) = match state {
            State::Idle(at) => {
                self.processes[which].state = State::Idle(at);
                return Ok(());
            }
            State::Ready(session, flights) | State::Flying(session, flights) => (session, flights),
            State::Sleeping(session, _) => (session, Vec::new()),
        };
        let process = &mut self.processes[which];
        let paused = session
            .interrupted(&mut process.db, device_now)
            .and_then(|()| process.db.tidy());
        if let Err(error) = paused {
            // It waits for its file; the lease stays for a while.
            return self.broke_off(which, session, flights, error);
        }
        process.state = State::Flying(session, flights);
        self.hang_up(which);
        if ends {
            self.open_anew(which)?;
            self.fill_disk(self.full)?;
        } else {
            self.processes[which].state = State::Idle(Some(self.now + self.rng.i64(0..10_000)));
        }
        self.check()
    }

    /// A session ended with an error; as the collector's driver has it.
    #[allow(clippy::needless_pass_by_value, reason = "they are over")]
    fn broke_off(
        &mut self,
        which: usize,
        mut session: Box<Session>,
        flights: Vec<Flight>,
        error: StoreError,
    ) -> Result<(), String> {
        self.may_fail(error)?;
        self.unsure = true;
        // What is under way comes to its end; what came of it is known to nobody.
        let lands = flights.iter().map(|flight| flight.exchange.lands).max();
        self.now = self.now.max(lands.unwrap_or(self.now));
        let device_now = self.device_now();
        let process = &mut self.processes[which];
        // What was written when the requests left tells the next session.
        let _ = session.interrupted(&mut process.db, device_now);
        process.state = State::Idle(Some(self.now + LONGEST_SLEEP));
        self.check()
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
}

/// What a session does that has requests under way or has just had.
fn after_flight(session: Box<Session>, flights: Vec<Flight>) -> State {
    if session.must_await() {
        State::Flying(session, flights)
    } else {
        State::Ready(session, flights)
    }
}

/// For the trace.
fn told(
    world: &World,
    name: char,
    request: &Request,
    to: usize,
    ids: &[Uuid],
    exchange: &Exchange,
) -> String {
    let short: Vec<_> = ids
        .iter()
        .map(|id| world.model.place(*id).map_or(-1, |at| at as i64))
        .collect();
    let said = match &exchange.outcome {
        Ok(answer) => {
            let headers: Vec<_> = answer
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            format!(
                "{} {} [{}]",
                answer.status,
                String::from_utf8_lossy(&answer.body[..answer.body.len().min(160)]),
                headers.join("; ")
            )
        }
        Err(failure) => failure.to_string(),
    };
    let work = exchange.work.map(|work| &world.lrss[to].works[work]);
    format!(
        "{name}: {} {} ({}) {short:?} → {said} in {} ms, by {}{}; at work for {:?} ms",
        request.method.as_str(),
        request.url,
        header(request, super::served::MARK).unwrap_or("-"),
        exchange.lands - world.now,
        exchange.who,
        if exchange.own { ", marked" } else { "" },
        work.map(|work| work.until - world.now),
    )
}
