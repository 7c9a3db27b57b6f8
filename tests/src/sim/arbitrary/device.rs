//! What leaves the device, and what happens behind it when nobody waits any more.

use pannier::lrs::Request;
use pannier::store::Millis;
use pannier::sync::Ticket;
use uuid::Uuid;

use super::exchange::Exchange;
use super::served::MARK;
use super::{Flight, World};
use crate::sim::lrs::header;
use crate::sim::process::State;
use crate::sim::session::places;

/// How long an LRS that answered everything within a second so far goes on at most with a request when the
/// device is gone.
const QUICKLY: Millis = 12_000;

impl World {
    /// A request leaves, if it may.
    pub fn carry(
        &mut self,
        which: usize,
        flights: &[Flight],
        ticket: Ticket,
        request: Request,
    ) -> Result<Flight, String> {
        let (to, ids) = self.may_leave(&request)?;
        if flights.len() >= self.plan.in_flight as usize {
            return Err(format!("I6: {} requests at once", flights.len() + 1));
        }
        let exchange = self.exchange(to, &request);
        let name = self.processes[which].name;
        self.tell(|world| told(world, name, &request, &ids, &exchange));
        if let Some(work) = exchange.behind.work {
            self.not_twice_at_work(to, work)?;
        }
        Ok(Flight {
            ticket,
            request,
            ids,
            left: self.now,
            lands: exchange.lands,
            outcome: exchange.outcome,
            behind: exchange.behind,
        })
    }

    /// No id is at work twice at once at one LRS.
    fn not_twice_at_work(&self, to: usize, work: usize) -> Result<(), String> {
        let lrs = &self.servers.lrss[to];
        let this = &lrs.works[work];
        for earlier in &lrs.works[..work] {
            let meets = earlier.until > this.from && earlier.from < this.until;
            let jumped = self.jumped_at().is_some_and(|at| at >= earlier.left);
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

    /// Nobody waits any more for these.
    pub fn hang_up_on(&mut self, flights: Vec<Flight>) {
        let now = self.now;
        for flight in flights {
            let Some(work) = flight.behind.work else {
                continue;
            };
            let lrs = &mut self.servers.lrss[flight.behind.to];
            let longest = match lrs.quick {
                Some(true) => QUICKLY,
                _ => flight.request.timeout.as_millis() as Millis,
            };
            lrs.hurry(work, now + longest);
        }
    }

    /// One thing that ends a process, a session or a call.
    pub fn die(&mut self) -> Result<(), String> {
        let which = self.rng.usize(..self.processes.len());
        match self.rng.u32(..6) {
            0 => self.kill(),
            1 => self.kill_one(which),
            2 => self.interrupt(which, false),
            3 => self.interrupt(which, true),
            4 => self.die_in_a_call(which),
            _ => self.die_in_the_next_step(),
        }
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
            return self.broke_off(which, &mut session, &flights, error);
        }
        self.hang_up_on(flights);
        if ends {
            self.open_anew(which)?;
        } else {
            self.processes[which].state = State::Idle(Some(self.now + self.rng.i64(0..10_000)));
        }
        self.check()
    }
}

/// For the trace.
fn told(world: &World, name: char, request: &Request, ids: &[Uuid], exchange: &Exchange) -> String {
    let short = places(&world.model, ids);
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
    let work = exchange
        .behind
        .work
        .map(|work| &world.servers.lrss[exchange.behind.to].works[work]);
    format!(
        "{name}: {} {} ({}) {short:?} → {said} in {} ms, by {}{}; at work for {:?} ms",
        request.method.as_str(),
        request.url,
        header(request, MARK).unwrap_or("-"),
        exchange.lands - world.now,
        exchange.behind.who,
        if exchange.behind.own { ", marked" } else { "" },
        work.map(|work| work.until - world.now),
    )
}
