//! What ends a device, its processes or a call, how they begin again, and a disk that is full.

use pannier::store::Holder;

use super::disk::Before;
use super::process::{Process, State};
use super::world::{Servers, World, fail};

impl<S: Servers> World<S> {
    /// The device dies between two steps.
    pub fn kill(&mut self) -> Result<(), String> {
        self.tally.fault("device: killed");
        self.tell(|_| "killed".to_owned());
        self.disk.kill();
        self.boot()
    }

    /// The device dies somewhere in the step that was just made, and starts again.
    pub fn killed_in(&mut self, before: &Before) -> Result<(), String> {
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

    /// The device dies in the midst of what happens next.
    pub fn die_in_the_next_step(&mut self) -> Result<(), String> {
        self.doomed = true;
        self.advance()
    }

    /// The device dies within a call of the app.
    pub fn die_in_a_call(&mut self, which: usize) -> Result<(), String> {
        let (disk, models) = (self.disk.before(), self.models());
        self.act_once(which)?;
        let whole = self.disk.kill_since(&disk, &mut self.rng);
        self.tally.fault("device: killed within a call");
        self.tell(|_| format!("killed within that call (it is whole: {whole})"));
        self.reopen()?;
        let done = self.check();
        if !whole && done.is_err() {
            // Nothing of it was done.
            self.restore(models);
            return self.check();
        }
        done
    }

    /// One process dies; the others go on.
    pub fn kill_one(&mut self, which: usize) -> Result<(), String> {
        self.tally.fault("device: one process killed");
        let name = self.processes[which].name;
        self.tell(|_| format!("{name}: killed"));
        self.open_anew(which)?;
        self.check()
    }

    /// Another process in the place of this one.
    pub fn open_anew(&mut self, which: usize) -> Result<(), String> {
        self.hang_up(which)?;
        let device_now = self.device_now();
        let process = &mut self.processes[which];
        process.holder = Holder(self.rng.u128(..).to_be_bytes());
        process.db = self.disk.open(device_now)?;
        let at = self.now + self.rng.i64(50..60_000);
        process.state = State::Idle(Some(at));
        self.begin_elsewhere(which, at);
        self.fill_disk(self.full)
    }

    fn boot(&mut self) -> Result<(), String> {
        self.reopen()?;
        self.check()
    }

    fn reopen(&mut self) -> Result<(), String> {
        for which in 0..self.processes.len() {
            self.hang_up(which)?;
        }
        self.now += self.rng.i64(50..60_000);
        if self.rng.bool() {
            // Not the processes alone, but the device.
            self.started = (self.now, self.rng.i64(..));
            self.times.device(self.now, self.started.1, self.clock);
        }
        let device_now = self.device_now();
        for (which, Process { name, .. }) in
            std::mem::take(&mut self.processes).into_iter().enumerate()
        {
            let holder = Holder(self.rng.u128(..).to_be_bytes());
            let db = self.disk.open(device_now)?;
            let at = self.now + self.rng.i64(0..5_000);
            self.processes.push(Process {
                name,
                holder,
                db,
                state: State::Idle(Some(at)),
            });
            self.begin_elsewhere(which, at);
        }
        self.fill_disk(self.full)
    }

    fn hang_up(&mut self, which: usize) -> Result<(), String> {
        self.for_each_upstream(|world| {
            let state = std::mem::replace(&mut world.processes[which].state, State::Idle(None));
            if let State::Ready(_, flights) | State::Flying(_, flights) = state {
                S::hang_up(world, flights);
            }
            Ok(())
        })
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
