//! A deterministic simulation: the real session and the real store against scripted LRSs, in virtual
//! time, everything from one seed.
//!
//! [`run`] makes a [`World`](world::World) by a [`Plan`](plan::Plan) drawn from the seed, lets things
//! go wrong for some steps, ends all faults, and then waits until everything is delivered. After
//! every step the whole database is held against what must be true. No sockets, no sleeping, no
//! clock but the virtual one, no chance but the seed.

mod app;
mod arbitrary;
mod chaos;
mod check;
mod disk;
mod drain;
mod lrs;
mod model;
mod network;
mod order;
mod plan;
mod process;
mod promises;
mod statement;
mod tally;
mod times;
mod wal;
mod weather;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use pannier::store::{Holder, Millis};

use disk::Disk;
use lrs::Lrs;
use plan::Plan;
use process::{Process, State};
use world::World;

pub use tally::Tally;

/// When every run begins; true time, unix milliseconds.
const START: Millis = 1_800_000_000_000;

/// Which servers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The characters: what real LRSs were seen to do.
    Characters,
    /// Arbitrary ones: whatever a grammar gives.
    Arbitrary,
}

impl Kind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Characters => "characters",
            Self::Arbitrary => "arbitrary",
        }
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// What does not hold, if anything does not.
    pub violation: Option<String>,
    /// What happened, in numbers.
    pub tally: Tally,
    /// What happened, in words, if that was asked for.
    pub trace: Vec<String>,
}

/// Runs simulations one after another in a folder of its own, best in memory.
#[derive(Debug)]
pub struct Simulator {
    folder: tempfile::TempDir,
    empty: Vec<u8>,
}

impl World {
    /// All of it.
    fn run(&mut self) -> Result<(), String> {
        for _ in 0..self.plan.steps {
            self.step()?;
        }
        self.heal()?;
        self.drain()
    }
}

impl Simulator {
    /// Makes the folder, in `/dev/shm` where there is one.
    pub fn new() -> std::io::Result<Self> {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)?
        } else {
            tempfile::tempdir()?
        };
        let empty = disk::empty(folder.path());
        Ok(Self { folder, empty })
    }

    /// One run. The same seed gives the same run.
    pub fn run(&self, kind: Kind, seed: u64, trace: bool) -> Outcome {
        match kind {
            Kind::Characters => {
                let mut rng = fastrand::Rng::with_seed(seed);
                let plan = Plan::draw(&mut rng);
                let world = self.world(plan, rng, trace);
                Self::carry_out(world, World::run, |world| {
                    let told = (world.tally, world.trace.unwrap_or_default());
                    (told, world.disk)
                })
            }
            Kind::Arbitrary => {
                let disk = Disk::new(self.folder.path(), &self.empty);
                let world = arbitrary::World::draw(seed, disk, trace);
                Self::carry_out(world, arbitrary::World::run, |world| {
                    let told = (world.tally, world.trace.unwrap_or_default());
                    (told, world.disk)
                })
            }
        }
    }

    /// Runs a world until its end, and clears up after it.
    fn carry_out<W>(
        world: Result<W, String>,
        run: impl FnOnce(&mut W) -> Result<(), String>,
        end: impl FnOnce(W) -> ((Tally, Vec<String>), Disk),
    ) -> Outcome {
        let mut world = match world {
            Ok(world) => world,
            Err(violation) => {
                return Outcome {
                    violation: Some(violation),
                    tally: Tally::default(),
                    trace: Vec::new(),
                };
            }
        };
        let result = catch_unwind(AssertUnwindSafe(|| run(&mut world)));
        let violation = match result {
            Ok(result) => result.err(),
            Err(_) => Some("I13: a panic".to_owned()),
        };
        let ((tally, trace), disk) = end(world);
        disk.clear();
        Outcome {
            violation,
            tally,
            trace,
        }
    }

    fn world(&self, plan: Plan, mut rng: fastrand::Rng, trace: bool) -> Result<World, String> {
        let disk = Disk::new(self.folder.path(), &self.empty);
        let mut lrs = Lrs::new(plan.character);
        lrs.max_bytes = plan.lrs_max_bytes;
        lrs.forbids_voiding = plan.forbids_voiding;
        lrs.bears = plan.lrs_bears;
        let mut processes = Vec::new();
        for at in 0..plan.processes {
            let mut db = disk.open(START + plan.clock)?;
            db.set_endpoint(&lrs.base).map_err(world::fail)?;
            processes.push(Process {
                name: char::from(b'A' + at as u8),
                holder: Holder(rng.u128(..).to_be_bytes()),
                db,
                state: State::Idle(Some(START)),
                troubled: false,
            });
        }
        let mut tally = Tally {
            seeds: 1,
            ..Tally::default()
        };
        tally.characters.insert(plan.character.name, 1);
        let mut world = World {
            rng,
            now: START,
            clock: plan.clock,
            times: times::Times::default(),
            jumped_at: None,
            weather: weather::Weather::Fine,
            login: world::Login::Password(0),
            started: (START - 3_600_000, 1),
            full: false,
            base: lrs.base.clone(),
            lrs,
            disk,
            processes,
            model: model::Model::default(),
            promises: promises::Promises::default(),
            tally,
            trace: trace.then(Vec::new),
            told: std::collections::BTreeMap::new(),
            doomed: false,
            made: 0,
            plan,
        };
        world.times.device(START, world.started.1, world.clock);
        world.times.lrs(0);
        world.set_lrs_clock(world.plan.lrs_ahead);
        world.tell(|world| format!("{:#?}", world.plan));
        Ok(world)
    }
}
