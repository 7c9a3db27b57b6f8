//! A session step by step: what it asks for is carried out, and what comes back is told to it.

use pannier::lrs::{Request, TransportError};
use pannier::store::{Millis, StoreError};
use pannier::sync::{Ended, Session, Step, Ticket};
use uuid::Uuid;

use super::disk::Before;
use super::model::Model;
use super::process::{Flight, State};
use super::world::{Servers, World, fail};

/// A thread never sleeps longer; as the collector's own.
pub const LONGEST_SLEEP: Millis = 60 * 60 * 1000;

/// How long a process waits that another one keeps from syncing.
const ASK_AGAIN: Millis = 15_000;

impl<S: Servers> World<S> {
    /// Lets the next thing happen that is planned, if anything is.
    pub fn advance(&mut self) -> Result<(), String> {
        let next = (0..self.processes.len())
            .filter_map(|at| Some((self.processes[at].next_at()?, at)))
            .min();
        if let Some((at, upstream)) = self.next_elsewhere()
            && next.is_none_or(|(here, _)| at < here)
        {
            self.turn_to(upstream);
            return self.advance();
        }
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

    /// A new session, unless somebody else's keeps it from beginning: then it is asked again a little
    /// later, as the collector has it.
    pub fn start(&mut self, which: usize, by_hand: bool) {
        let Some(alone) = S::alone(self, which) else {
            self.processes[which].state = State::Idle(Some(self.now + ASK_AGAIN));
            return;
        };
        let config = S::config(self, by_hand);
        if by_hand {
            S::unlock(self);
        }
        let rng = fastrand::Rng::with_seed(self.rng.u64(..));
        let process = &mut self.processes[which];
        let session = Session::new(config, process.holder, rng).alone(alone);
        process.state = State::Ready(Box::new(session), Vec::new());
    }

    fn next(
        &mut self,
        which: usize,
        mut session: Box<Session>,
        flights: Vec<Flight<S::Behind>>,
        kill: Option<&Before>,
    ) -> Result<(), String> {
        session.authorize(self.authorization().as_ref());
        let (clocks, device_now) = (self.clocks(), self.device_now());
        let process = &mut self.processes[which];
        let step = match session.next(&mut process.db, clocks) {
            Ok(step) => step,
            Err(error) => return self.broke_off(which, &mut session, &flights, error),
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
            Step::Again => self.processes[which].state = State::Ready(session, flights),
            Step::Await if flights.is_empty() => {
                return Err("a session waits for nothing".to_owned());
            }
            Step::Await => self.processes[which].state = State::Flying(session, flights),
            // Another LRS is meant, or was for a while: what is under way at this one is given up.
            Step::Done(Ended::Interrupted) if flights.iter().any(|one| S::is_left(self, one)) => {
                self.tell(|_| format!("{name}: goes over to another LRS"));
                S::hang_up(self, flights);
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
                S::ended(self, which, &ended)?;
            }
        }
        self.check()
    }

    /// When a process syncs by itself again; as the collector's driver has it.
    fn planned(&self, which: usize, ended: &Ended) -> Result<Option<Millis>, String> {
        let until = match ended {
            Ended::Waiting { until, .. } | Ended::Busy { until } => Some(*until),
            Ended::Emptied => self.processes[which]
                .db
                .next_due(self.upstream)
                .map_err(fail)?,
            Ended::NeedsApp { .. } => S::without_the_app(self),
            Ended::Interrupted => None,
        };
        let wait = |until: Millis| (until - self.device_now()).clamp(0, LONGEST_SLEEP);
        Ok(until.map(|until| self.now + wait(until)))
    }

    fn send(
        &mut self,
        which: usize,
        session: Box<Session>,
        mut flights: Vec<Flight<S::Behind>>,
        ticket: Ticket,
        request: Request,
    ) -> Result<(), String> {
        self.tally.requests += 1;
        self.requests += 1;
        self.tally.looks += u64::from(request.url.contains('?'));
        self.tally.beside += u64::from(!flights.is_empty());
        let flight = S::carry(self, which, &flights, ticket, request)?;
        let unreachable = matches!(flight.outcome, Err(TransportError::Unreachable(_)));
        for id in &flight.ids {
            if let Some(known) = self.model.get_mut(*id) {
                // Otherwise provably nothing was sent.
                known.sent |= !unreachable;
                known.times_sent += 1;
                known.last_sent = Some(self.now);
            }
        }
        flights.push(flight);
        self.processes[which].state = after_flight(session, flights);
        Ok(())
    }

    fn land(
        &mut self,
        which: usize,
        mut session: Box<Session>,
        mut flights: Vec<Flight<S::Behind>>,
        kill: Option<&Before>,
    ) -> Result<(), String> {
        let clocks = self.clocks();
        let first = (0..flights.len()).min_by_key(|at| flights[*at].lands);
        let flight = flights.remove(first.ok_or("a session waits for nothing")?);
        session.authorize(self.authorization().as_ref());
        let process = &mut self.processes[which];
        let outcome = flight.outcome.clone();
        if let Err(error) = session.answered(&mut process.db, flight.ticket, outcome, clocks) {
            flights.push(flight);
            return self.broke_off(which, &mut session, &flights, error);
        }
        session.take_events();
        if let Some(before) = kill {
            S::learn_and_die(self, &flight);
            flights.push(flight);
            self.processes[which].state = State::Flying(session, flights);
            return self.killed_in(before);
        }
        S::learn(self, &flight, &mut flights);
        self.processes[which].state = after_flight(session, flights);
        self.check()
    }

    /// A session ended with an error; as the collector's driver has it.
    pub fn broke_off(
        &mut self,
        which: usize,
        session: &mut Session,
        flights: &[Flight<S::Behind>],
        error: StoreError,
    ) -> Result<(), String> {
        self.may_fail(error)?;
        self.unsure = true;
        S::lose_sight(self, flights);
        let device_now = self.device_now();
        let process = &mut self.processes[which];
        // Where it cannot be written down, what was written when the requests left tells.
        let _ = session.interrupted(&mut process.db, device_now);
        process.state = State::Idle(Some(self.now + LONGEST_SLEEP));
        self.check()
    }
}

/// What a session does that has requests under way or has just had.
fn after_flight<B>(session: Box<Session>, flights: Vec<Flight<B>>) -> State<B> {
    if session.must_await() {
        State::Flying(session, flights)
    } else {
        State::Ready(session, flights)
    }
}

/// For the trace: the places of these in capture order.
pub fn places(model: &Model, ids: &[Uuid]) -> Vec<i64> {
    ids.iter()
        .map(|id| model.place(*id).map_or(-1, |at| at as i64))
        .collect()
}
