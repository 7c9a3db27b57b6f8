//! What must be true, kept beside the database: every statement ever recorded and what the app did
//! to it since.

use std::collections::{BTreeMap, BTreeSet};

use pannier::store::Millis;
use uuid::Uuid;

use super::statement::{Kind, Recipe};

/// A statement that `record` accepted.
#[derive(Debug, Clone)]
pub struct Known {
    /// What it was made of.
    pub recipe: Recipe,
    /// Its frozen bytes.
    pub body: Vec<u8>,
    /// The instant of its timestamp.
    pub timestamp: Millis,
    /// It was in a request that may have reached something.
    pub sent: bool,
    /// How many such requests there were.
    pub times_sent: u32,
    /// When the last such request left; true time.
    pub last_sent: Option<Millis>,
    /// It left by the app's own word.
    pub gone: Option<Gone>,
    /// It was seen to have left the queue as delivered; true time.
    pub delivered_at: Option<Millis>,
}

/// The app's own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gone {
    /// Taken back unsent.
    Retracted,
    /// Given up.
    Discarded,
    /// Replaced by another.
    Replaced,
    /// Forgotten with its learner.
    Erased,
}

/// Everything recorded, in capture order.
#[derive(Debug, Default)]
pub struct Model {
    /// The statements.
    pub all: Vec<Known>,
    latest: BTreeMap<Uuid, usize>,
    /// Ids that the LRS may have twice by a fault that nothing can guard against.
    pub excused: BTreeSet<Uuid>,
}

impl Model {
    /// One more was recorded.
    pub fn record(&mut self, recipe: Recipe, body: Vec<u8>, timestamp: Millis) {
        self.latest.insert(recipe.id, self.all.len());
        self.all.push(Known {
            recipe,
            body,
            timestamp,
            sent: false,
            times_sent: 0,
            last_sent: None,
            gone: None,
            delivered_at: None,
        });
    }

    /// The latest statement with this id.
    pub fn get(&self, id: Uuid) -> Option<&Known> {
        self.latest.get(&id).map(|at| &self.all[*at])
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, id: Uuid) -> Option<&mut Known> {
        self.latest.get(&id).map(|at| &mut self.all[*at])
    }

    /// Its place in capture order.
    pub fn place(&self, id: Uuid) -> Option<usize> {
        self.latest.get(&id).copied()
    }

    /// Those that the app has not removed.
    pub fn alive(&self) -> impl Iterator<Item = &Known> {
        self.all.iter().filter(|known| known.gone.is_none())
    }

    /// How many left by this word.
    pub fn gone(&self, how: Gone) -> u64 {
        self.all
            .iter()
            .filter(|known| known.gone == Some(how))
            .count() as u64
    }

    /// The statement that this one voids.
    pub fn target(&self, known: &Known) -> Option<&Known> {
        match known.recipe.kind {
            Kind::Voiding(target) => self.get(target),
            _ => None,
        }
    }
}
