//! One session before one LRS of a character: what may leave, and what is expected of what comes back.

use pannier::lrs::{Request, Response};
use pannier::store::Millis;
use pannier::sync::Ticket;
use uuid::Uuid;

use super::World;
use super::network::{self, Fault};
use crate::sim::order;
use crate::sim::process::{self, Process, State};
use crate::sim::session::places;

/// What the device does not know of a request under way.
#[derive(Debug, Default)]
pub struct Behind {
    /// Something else than a batch taken whole has come back since it left.
    pub troubled: bool,
}

/// A request under way.
pub type Flight = process::Flight<Behind>;

impl Flight {
    /// It brought statements, and the LRS took all of them and says so.
    pub fn was_taken_whole(&self) -> bool {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Named {
            All(Vec<Uuid>),
            Stored { ids: Vec<Uuid> },
        }
        let Ok(Response {
            status: 200, body, ..
        }) = &self.outcome
        else {
            return false;
        };
        let Ok(Named::All(named) | Named::Stored { ids: named }) = serde_json::from_slice(body)
        else {
            return false;
        };
        self.is_post() && self.ids.iter().all(|id| named.contains(id))
    }
}

impl World {
    /// A request leaves, if it may.
    pub fn carry(
        &mut self,
        which: usize,
        flights: &[Flight],
        ticket: Ticket,
        request: Request,
    ) -> Result<Flight, String> {
        let ids = self.sendable(flights, &request)?;
        let fault = self.draw_fault(flights);
        let name = self.processes[which].name;
        let exchange = network::exchange(
            &mut self.servers.lrs,
            self.servers.weather,
            fault,
            &request,
            self.now,
            &mut self.rng,
        );
        self.tell(|world| {
            let short = places(&world.model, &ids);
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
                world.servers.weather
            )
        });
        for id in &exchange.overlapping {
            let known = self.model.get(*id);
            let sent_at = known.and_then(|known| known.last_sent).unwrap_or(self.now);
            if self.jumped_at().is_some_and(|at| at >= sent_at) {
                self.model.excused.insert(*id);
            } else if !self.model.excused.contains(id) {
                return Err(format!(
                    "I6: {id} was sent while the LRS was still at an earlier request with it"
                ));
            }
        }
        Ok(Flight {
            ticket,
            request,
            ids,
            left: self.now,
            lands: exchange.at,
            outcome: exchange.outcome,
            behind: Behind::default(),
        })
    }

    /// What happens on its way to a request that leaves beside these.
    fn draw_fault(&mut self, flights: &[Flight]) -> Fault {
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
        fault
    }

    /// I2, I6 and I7 for a request that is about to leave; returns the statements in it.
    fn sendable(&mut self, flights: &[Flight], request: &Request) -> Result<Vec<Uuid>, String> {
        let ids = order::posted(request, &mut self.model, &self.times)?;
        if let Some(broken) = self.servers.promises.broken_by(request, &ids, self.now) {
            return Err(broken);
        }
        let others = self.processes.iter().flat_map(Process::flights);
        let others = others.filter(|flight| self.jumped_at().is_none_or(|jump| jump < flight.left));
        for flight in others.chain(flights) {
            if let Some(id) = flight.ids.iter().find(|id| ids.contains(id)) {
                return Err(format!("I6: {id} is in two requests at once"));
            }
        }
        self.may_leave_beside(flights, &ids)?;
        Ok(ids)
    }

    /// Beside others only batches leave, as many as the app allows, and none after any answer but a
    /// batch taken whole.
    fn may_leave_beside(&self, flights: &[Flight], ids: &[Uuid]) -> Result<(), String> {
        if flights.is_empty() {
            return Ok(());
        }
        if flights.len() >= self.plan.in_flight as usize {
            return Err(format!("I6: {} requests at once", flights.len() + 1));
        }
        if ids.is_empty() || !flights.iter().all(Flight::is_post) {
            return Err("I6: something else than a batch is under way beside another".to_owned());
        }
        if flights.iter().any(|flight| flight.behind.troubled) {
            return Err("I6: sent on before all that was under way had come back".to_owned());
        }
        Ok(())
    }

    /// The device took notice of what came of this one.
    pub fn learn(&mut self, flight: &Flight, others: &mut [Flight]) {
        if !flight.was_taken_whole() {
            for other in others {
                other.behind.troubled = true;
            }
        }
        // With a jump of the clock the lease may have been lost, and then this one changes nothing.
        // Of an LRS that is not meant any more nothing is expected.
        if self.is_meant(flight) && self.jumped_at().is_none_or(|jump| jump < flight.left) {
            let knew = self.login.header();
            let now = self.now;
            self.servers.promises.learn(flight, knew.as_deref(), now);
        }
    }

    /// It went where the app means it to go now.
    pub fn is_meant(&self, flight: &Flight) -> bool {
        flight.request.url.starts_with(&self.servers.base)
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
                if let Some(stored) = self.servers.lrs.stored.get(id)
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
                return self.broke_off(which, &mut session, &[], error);
            }
        }
        let process = &mut self.processes[which];
        process.state = State::Idle(Some(self.now + self.rng.i64(0..10_000)));
        self.check()
    }

    /// The clock of the LRS is off by so much from now on.
    pub fn set_lrs_clock(&mut self, ahead: Millis) {
        self.servers.lrs.ahead = ahead;
        self.times.lrs(ahead);
    }

    /// The app has acted.
    pub fn unlock(&mut self) {
        self.model.excused.extend(self.servers.promises.unlock());
    }
}
