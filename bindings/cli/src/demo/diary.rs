//! What a device experiences on the day of the demo: the same things at every run, under new ids.

use std::time::{Duration, SystemTime};

use pannier::statement::Statement;
use uuid::Uuid;

/// Every device has put its last statement down by the time the demo begins.
const MORNING: Duration = Duration::from_hours(6);

/// One run of the demo.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    /// What the ids are made from.
    pub seed: u64,
    /// When the demo began, in unix milliseconds.
    pub began_ms: u64,
}

impl Day {
    /// Today.
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

/// Statements in the order in which they come about.
pub struct Diary {
    ids: fastrand::Rng,
    clock: SystemTime,
    statements: Vec<Statement>,
}

impl Diary {
    /// The diary of the `device`th device.
    pub fn new(day: Day, device: u64) -> Self {
        let began = SystemTime::UNIX_EPOCH + Duration::from_millis(day.began_ms);
        Self {
            ids: fastrand::Rng::with_seed(day.seed.wrapping_mul(4).wrapping_add(device)),
            clock: began - MORNING,
            statements: Vec::new(),
        }
    }

    /// An id that no other run has.
    pub fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.ids.u128(..).to_be_bytes()).into_uuid()
    }

    /// Time passes.
    pub fn pass(&mut self, time: Duration) {
        self.clock += time;
    }

    /// Something happens now.
    pub fn note(&mut self, statement: Statement) -> Uuid {
        let id = self.id();
        self.statements.push(statement.id(id).timestamp(self.clock));
        id
    }

    /// All that happened.
    pub fn close(self) -> Vec<Statement> {
        self.statements
    }
}
