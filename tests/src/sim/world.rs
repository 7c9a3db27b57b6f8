//! The whole of one run: a device, its app, a network and an LRS, in virtual time.
//!
//! Everything that happens is one step of this loop, chosen by the seed. After each step everything
//! that always holds is checked.

use std::collections::BTreeMap;

use pannier::lrs::{Credentials, Endpoint, Request};
use pannier::store::{Db, Holder, Millis, StoreError};
use pannier::sync::{Ended, Session, SessionConfig, Step};
use uuid::Uuid;

use super::check::{Snapshot, check};
use super::disk::{Before, Disk};
use super::lrs::Lrs;
use super::model::Model;
use super::network::{self, Fault};
use super::plan::Plan;
use super::process::{Flight, Process, State};
use super::promises::Promises;
use super::tally::Tally;
use super::weather::Weather;

/// A thread never sleeps longer; as the collector's own.
const LONGEST_SLEEP: Millis = 60 * 60 * 1000;

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
    /// When the clock last jumped; true time.
    pub jumped_at: Option<Millis>,
    /// The LRS.
    pub lrs: Lrs,
    /// What stands before it.
    pub weather: Weather,
    /// Which password the app knows.
    pub password: u32,
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
            State::Ready(session) | State::Sleeping(session, _) => self.next(which, session, kill),
            State::Flying(session, flight) => self.land(which, session, &flight, kill),
        }
    }

    /// A new session.
    pub fn start(&mut self, which: usize, by_hand: bool) {
        let credentials = Credentials::Basic {
            user: "app".to_owned(),
            password: format!("secret-{}", self.password),
        };
        let config = SessionConfig {
            endpoint: Endpoint::parse(&self.base).expect("an endpoint of our own"),
            authorization: credentials.authorization().ok(),
            version: self.plan.version,
            max_statements: self.plan.max_statements,
            max_bytes: self.plan.max_bytes,
            history: self.plan.history,
            by_hand,
        };
        if by_hand {
            self.unlock();
        }
        let rng = fastrand::Rng::with_seed(self.rng.u64(..));
        let process = &mut self.processes[which];
        process.state = State::Ready(Box::new(Session::new(config, process.holder, rng)));
    }

    fn next(
        &mut self,
        which: usize,
        mut session: Box<Session>,
        kill: Option<&Before>,
    ) -> Result<(), String> {
        let device_now = self.device_now();
        let process = &mut self.processes[which];
        let step = session.next(&mut process.db, device_now).map_err(fail)?;
        session.take_events();
        if let Some(before) = kill {
            return self.killed_in(before);
        }
        let name = process.name;
        match step {
            Step::Send(request) => self.send(which, session, request)?,
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
        request: Request,
    ) -> Result<(), String> {
        self.tally.requests += 1;
        self.tally.looks += u64::from(request.url.contains('?'));
        let ids = self.sendable(which, &request)?;
        let fault = if self.rng.u32(..1000) < self.plan.network {
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
                known.sent = true;
                known.times_sent += 1;
                known.last_sent = Some(self.now);
            }
        }
        self.processes[which].state = State::Flying(
            session,
            Flight {
                request,
                ids,
                left: self.now,
                lands: exchange.at,
                outcome: exchange.outcome,
            },
        );
        Ok(())
    }

    /// I2, I6 and I7 for a request that is about to leave; returns the statements in it.
    fn sendable(&mut self, which: usize, request: &Request) -> Result<Vec<Uuid>, String> {
        let ids = match &request.body {
            Some(body) => super::order::posted(body, &self.model)?,
            None => Vec::new(),
        };
        if let Some(broken) = self.promises.broken_by(request, &ids, self.now) {
            return Err(broken);
        }
        for (at, other) in self.processes.iter().enumerate() {
            if let State::Flying(_, flight) = &other.state
                && at != which
                && let Some(id) = flight.ids.iter().find(|id| ids.contains(id))
                && self.jumped_at.is_none_or(|jump| jump < flight.left)
            {
                return Err(format!("I6: {id} is in two requests at once"));
            }
        }
        Ok(ids)
    }

    fn land(
        &mut self,
        which: usize,
        mut session: Box<Session>,
        flight: &Flight,
        kill: Option<&Before>,
    ) -> Result<(), String> {
        let device_now = self.device_now();
        let process = &mut self.processes[which];
        session
            .answered(&mut process.db, flight.outcome.clone(), device_now)
            .map_err(fail)?;
        session.take_events();
        if let Some(before) = kill {
            return self.killed_in(before);
        }
        if self.jumped_at.is_none_or(|jump| jump < flight.left) {
            self.promises.learn(flight, device_now, self.now);
        } else {
            // The lease was lost with the jump: what this one writes may hide what another learned.
            self.promises.forget();
        }
        self.processes[which].state = State::Ready(session);
        self.check()
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

    fn boot(&mut self) -> Result<(), String> {
        self.now += self.rng.i64(50..60_000);
        let device_now = self.device_now();
        let mut names = Vec::new();
        for process in self.processes.drain(..) {
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
        self.check()
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
        if let State::Flying(_, flight) = &state {
            // After a pause nothing is sent for five seconds; an LRS that hangs for longer has it
            // twice. To wait for a whole time-out each time is more than an app would bear.
            for id in &flight.ids {
                if let Some(stored) = self.lrs.stored.get(id)
                    && stored.visible_from > self.now + 5_000
                {
                    self.model.excused.insert(*id);
                }
            }
        }
        if let State::Ready(mut session)
        | State::Sleeping(mut session, _)
        | State::Flying(mut session, _) = state
        {
            session
                .interrupted(&mut process.db, device_now)
                .map_err(fail)?;
        }
        process.db.tidy().map_err(fail)?;
        process.state = State::Idle(Some(self.now + self.rng.i64(0..10_000)));
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
        let history = self.plan.history;
        check(&snapshot, &mut self.model, &self.lrs, history, self.now)
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

/// No call on a healthy disk may fail.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
pub fn fail(error: StoreError) -> String {
    format!("the store failed: {error}")
}
