//! The experiences of a device on the day of the demo: the same at every run, under new ids.

use std::time::{Duration, SystemTime};

use pannier::statement::Statement;
use uuid::Uuid;

/// Time before the demo at which the day begins: by the demo's beginning every device has noted its last statement.
const MORNING: Duration = Duration::from_hours(6);

/// One run of the demo.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    /// Seed of the ids.
    pub seed: u64,
    /// Beginning of the demo, in unix milliseconds.
    pub began_ms: u64,
}

impl Day {
    /// Returns a run that begins now.
    pub fn today() -> Self {
        let began = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(MORNING);
        Self {
            seed: fastrand::u64(..),
            began_ms: began.as_millis() as u64,
        }
    }
}

/// Statements in the order in which they happen.
pub struct Diary {
    ids: fastrand::Rng,
    clock: SystemTime,
    statements: Vec<Statement>,
}

impl Diary {
    /// Begins the diary of the `device`th device.
    pub fn new(day: Day, device: u64) -> Self {
        let began = SystemTime::UNIX_EPOCH + Duration::from_millis(day.began_ms);
        Self {
            ids: fastrand::Rng::with_seed(day.seed.wrapping_mul(4).wrapping_add(device)),
            clock: began - MORNING,
            statements: Vec::new(),
        }
    }

    /// Returns an id that no other run has.
    pub fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.ids.u128(..).to_be_bytes()).into_uuid()
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        self.clock += time;
    }

    /// Notes something that happens now.
    pub fn note(&mut self, statement: Statement) -> Uuid {
        let id = self.id();
        self.statements.push(statement.id(id).timestamp(self.clock));
        id
    }

    /// Returns all that happened.
    pub fn close(self) -> Vec<Statement> {
        self.statements
    }
}
