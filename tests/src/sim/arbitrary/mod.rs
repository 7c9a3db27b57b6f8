//! Arbitrary servers: what a server does, says and shows is drawn from a grammar, for each request anew,
//! or for good, and who answers is drawn as well.
//!
//! The truth is the world's: what is stored where and since when, what is at work when, where each secret
//! went, who refused what and when. `docs/simulation.md` says what a server may do and what a device may
//! rely on. No expectation here comes from a constant of the product: a request carries its own time-out.

mod app;
mod copies;
mod device;
mod exchange;
mod gate;
mod habit;
mod lrs;
mod obey;
mod patience;
mod plan;
mod served;
mod settle;
mod truth;
mod wild;
mod world;

use std::collections::BTreeMap;

use pannier::store::Holder;

use super::START;
use super::disk::Disk;
use super::model::Model;
use super::tally::Tally;
use super::times::Times;

use device::{Process, State};
use habit::Habit;
use lrs::Lrs;
use patience::Patience;
use plan::Plan;

pub use world::World;

impl World {
    /// A run that has not begun.
    pub fn draw(seed: u64, disk: Disk, trace: bool) -> Result<Self, String> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let plan = Plan::draw(&mut rng);
        let mut times = Times::default();
        let boot = 1;
        times.device(START, boot, plan.clock);
        let lrss: Vec<Lrs> = (0..plan.lrss)
            .map(|number| {
                let ahead = plan::draw_clock(&mut rng);
                times.lrs(ahead);
                Lrs::new(number, Habit::draw(&mut rng), ahead)
            })
            .collect();
        let mut processes = Vec::new();
        for at in 0..plan.processes {
            let mut db = disk.open(START + plan.clock)?;
            db.set_endpoint(&lrss[0].base).map_err(world::fail)?;
            processes.push(Process {
                name: char::from(b'A' + at as u8),
                holder: Holder(rng.u128(..).to_be_bytes()),
                db,
                state: State::Idle(Some(START)),
            });
        }
        let tally = Tally {
            seeds: 1,
            ..Tally::default()
        };
        let mut world = Self {
            now: START,
            clock: plan.clock,
            times,
            jumped_at: None,
            gates: vec![None; lrss.len()],
            target: 0,
            meant_since: START,
            login: world::Login::Password(0, lrss[0].password),
            lrss,
            started: (START - 3_600_000, boot),
            full: false,
            disk,
            processes,
            model: Model::default(),
            patience: Patience::default(),
            tally,
            trace: trace.then(Vec::new),
            told: BTreeMap::new(),
            doomed: false,
            unsure: false,
            made: 0,
            settled: false,
            rng,
            plan,
        };
        world.tell(|world| format!("{:#?}", world.plan));
        for at in 0..world.lrss.len() {
            world.tell(|world| {
                let lrs = &world.lrss[at];
                format!(
                    "LRS {at}, its clock off by {} ms: {:#?}",
                    lrs.ahead, lrs.habit
                )
            });
        }
        Ok(world)
    }

    /// All of it.
    pub fn run(&mut self) -> Result<(), String> {
        for _ in 0..self.plan.steps {
            self.step()?;
        }
        self.settle()
    }
}
