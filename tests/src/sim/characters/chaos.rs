//! Everything that goes wrong beside the network: weather, kills, clocks, and the LRS's operators.

use super::World;
use super::weather::Weather;
use crate::sim::process::State;
use crate::sim::world::Login;
use crate::sim::{DAY, START};

impl World {
    /// What stands before the LRS comes or passes.
    pub fn change_weather(&mut self) {
        let next = if self.servers.weather == Weather::Fine || self.rng.u32(..4) == 0 {
            Weather::BAD[self.rng.usize(..Weather::BAD.len())]
        } else {
            Weather::Fine
        };
        if self.is_syncing()
            && (self.servers.weather.looks_like_a_refusal() || next.looks_like_a_refusal())
        {
            return;
        }
        self.servers.weather = next;
        self.tally.fault(self.servers.weather.name());
        self.tell(|world| world.servers.weather.name().to_owned());
    }

    /// A session is in the midst of something.
    fn is_syncing(&self) -> bool {
        self.processes
            .iter()
            .any(|process| matches!(process.state, State::Ready(..) | State::Flying(..)))
    }

    /// One thing that ends a process, a session or a call.
    pub fn die(&mut self) -> Result<(), String> {
        let which = self.rng.usize(..self.processes.len());
        match self.rng.u32(..5) {
            0 => self.kill(),
            1 => self.kill_one(which),
            2 => self.pause(which),
            3 => self.die_in_a_call(which),
            // In the midst of what happens next.
            _ => self.die_in_the_next_step(),
        }
    }

    /// The device's clock jumps.
    pub fn jump(&mut self) {
        let by = match self.rng.u32(..6) {
            0 => -START - self.clock,
            1 => -self.clock,
            2 => self.rng.i64(-30 * 365..30 * 365) * DAY,
            3 => self.rng.i64(-3..=3) * DAY,
            _ => self.rng.i64(-60_000..60_000),
        };
        self.clock += by;
        self.jumps.push(self.now);
        self.times.device(self.now, self.started.1, self.clock);
        // What the LRS is still at may be sent again: the wait for that is void.
        let under_way = self
            .servers
            .lrs
            .stored
            .iter()
            .filter(|(_, one)| one.visible_from > self.now);
        self.model.excused.extend(under_way.map(|(id, _)| *id));
        self.servers.promises.forget();
        self.tally.fault("device: the clock jumps");
        self.tell(|world| format!("the clock jumps by {by} ms to {}", world.device_now()));
    }

    /// One thing that operators do.
    pub fn operate(&mut self) {
        let done = match self.rng.u32(..6) {
            0 => {
                self.servers.lrs.lose(self.now);
                "lrs: loses its data"
            }
            1 => {
                self.servers.lrs.password += 1;
                "lrs: another password"
            }
            2 => {
                let n = self.rng.u32(..1000);
                self.servers.lrs.moved = [301, 308, 404, 410][self.rng.usize(..4)];
                self.servers.lrs.base = format!("https://lrs-{n}.example/xAPI");
                "lrs: moves"
            }
            3 => {
                self.login = [Login::Nothing, Login::Garbled][self.rng.usize(..2)];
                self.unlock();
                "app: other credentials"
            }
            4 => {
                let ahead = [0, DAY, -DAY, 30_000][self.rng.usize(..4)];
                self.set_lrs_clock(ahead);
                "lrs: its clock is set"
            }
            _ => {
                self.servers.lrs.worn_out = false;
                "lrs: is repaired"
            }
        };
        self.tally.fault(done);
        self.tell(|_| done.to_owned());
    }

    /// All faults end.
    pub fn heal(&mut self) -> Result<(), String> {
        while self.servers.weather.looks_like_a_refusal() && self.is_syncing() {
            self.advance()?;
        }
        self.tell(|_| "all faults end".to_owned());
        self.fill_disk(false)?;
        self.servers.weather = Weather::Fine;
        self.plan.network = 0;
        self.servers.lrs.worn_out = false;
        self.servers.lrs.character.writes_once = false;
        self.put_right(0)
    }
}
