//! A deterministic simulation: the real session and the real store against scripted LRSs, in virtual
//! time, everything from one seed.
//!
//! A [`World`] is a device, its app and whatever [`Servers`] there are, made by a plan that is drawn from
//! the seed. Things go wrong for some steps, all faults end, and then everything comes to where it
//! belongs. After every step the whole database is held against what must be true. No sockets, no
//! sleeping, no clock but the virtual one, no chance but the seed.

mod app;
mod arbitrary;
mod characters;
mod check;
mod device;
pub(crate) mod disk;
mod drain;
mod lanes;
mod lrs;
mod model;
mod order;
mod parts;
mod process;
mod session;
mod statement;
mod tally;
mod times;
mod wal;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use pannier::store::Millis;

use disk::Disk;
use world::{Servers, World};

pub use tally::Tally;

/// When every run begins; true time, unix milliseconds.
const START: Millis = 1_800_000_000_000;

/// A day.
const DAY: Millis = 24 * 60 * 60 * 1000;

/// So many requests may find out what a 401 is about: a look-up, and a few other statements.
pub const QUESTIONS: u32 = 12;

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
    empty: disk::Empty,
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
        let disk = Disk::new(self.folder.path(), &self.empty);
        match kind {
            Kind::Characters => carry_out(characters::draw(seed, disk, trace)),
            Kind::Arbitrary => carry_out(arbitrary::draw(seed, disk, trace)),
        }
    }
}

/// Runs a world until its end, and clears up after it.
fn carry_out<S: Servers>(world: Result<World<S>, String>) -> Outcome {
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
    let violation = match catch_unwind(AssertUnwindSafe(|| world.run())) {
        Ok(result) => result.err(),
        Err(_) => Some("I13: a panic".to_owned()),
    };
    world.disk.clear();
    Outcome {
        violation,
        tally: world.tally,
        trace: world.trace.unwrap_or_default(),
    }
}
