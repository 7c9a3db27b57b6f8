//! What must be true, kept beside the database: every statement ever recorded and what the app did
//! to it since.

use std::collections::{BTreeMap, BTreeSet};

use pannier::statement::Prepared;
use pannier::store::Millis;
use uuid::Uuid;

use super::statement::{Kind, Recipe};
use super::times::{Made, Times};

/// A statement that `record` accepted.
#[derive(Debug, Clone)]
pub struct Known {
    /// What it was made of.
    pub recipe: Recipe,
    /// The place in capture order that it had before it was given up and recorded again.
    pub place: Option<usize>,
    /// Its frozen bytes.
    pub body: Vec<u8>,
    /// How many bytes the contents of its attachments were given as.
    pub contents: usize,
    /// The instant of its timestamp.
    pub timestamp: Millis,
    /// It was in a request that may have reached something.
    pub sent: bool,
    /// How many such requests there were.
    pub times_sent: u32,
    /// When the last such request left; true time.
    pub last_sent: Option<Millis>,
    /// For a timestamp that Pannier made while it had a steady clock: when.
    pub made: Option<Made>,
    /// That timestamp has been put right.
    pub corrected: bool,
    /// It left by the app's own word.
    pub gone: Option<Gone>,
    /// How many had been recorded when it left by the app's own word.
    pub gone_after: usize,
    /// The app has asked for another try.
    pub retried: bool,
    /// It was seen to have left the queue as delivered; true time.
    pub delivered_at: Option<Millis>,
}

impl Known {
    /// The same for another upstream. What has left once leaves as it is.
    pub fn anew(&self, sealed: bool) -> Self {
        Self {
            place: None,
            sent: false,
            times_sent: 0,
            last_sent: None,
            corrected: self.corrected || sealed,
            gone: None,
            gone_after: 0,
            retried: false,
            delivered_at: None,
            ..self.clone()
        }
    }

    /// Its object's id begins so.
    pub fn is_about(&self, prefix: &str) -> bool {
        let object = format!("\"object\":{{\"id\":\"{prefix}");
        String::from_utf8_lossy(&self.body).contains(&object)
    }

    /// It leaves by the app's own word, when so many have been recorded.
    pub fn leave(&mut self, how: Gone, recorded: usize) {
        self.gone = Some(how);
        self.gone_after = recorded;
    }
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

/// What is wrong by less is not corrected.
const CORRECTED_FROM: Millis = 60_000;

/// The timestamp in a statement, and what stands around it.
fn timestamp(body: &[u8]) -> Option<(Millis, [&str; 2])> {
    const NAME: &str = "\"timestamp\":\"";
    const LENGTH: usize = "2026-01-01T00:00:00.000Z".len();
    let text = std::str::from_utf8(body).ok()?;
    let at = text.find(NAME)? + NAME.len();
    let instant: jiff::Timestamp = text.get(at..at + LENGTH)?.parse().ok()?;
    let around = [&text[..at], &text[at + LENGTH..]];
    Some((instant.as_millisecond(), around))
}

/// Everything recorded, in capture order.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The statements.
    pub all: Vec<Known>,
    latest: BTreeMap<Uuid, usize>,
    /// Ids that the LRS may have twice by a fault that nothing can guard against.
    pub excused: BTreeSet<Uuid>,
}

impl Model {
    /// One more was recorded, while the device's clock was so far off.
    pub fn record(&mut self, recipe: Recipe, prepared: Prepared, now: Millis, offset: Millis) {
        self.latest.insert(recipe.id, self.all.len());
        self.all.push(Known {
            recipe,
            place: None,
            body: prepared.body,
            contents: prepared.contents.len(),
            timestamp: prepared.timestamp_ms,
            made: prepared.steady.map(|steady| Made {
                at: now,
                offset,
                boot: steady.boot,
            }),
            corrected: false,
            sent: false,
            times_sent: 0,
            last_sent: None,
            gone: None,
            gone_after: 0,
            retried: false,
            delivered_at: None,
        });
    }

    /// One that was given up here and is recorded again: it keeps its place.
    pub fn adopt_again(&mut self, known: Known) {
        let place = self.latest.get(&known.recipe.id).copied();
        let place = place.map(|at| self.all[at].place.unwrap_or(at));
        self.adopt(Known { place, ..known });
    }

    /// One that was recorded before.
    pub fn adopt(&mut self, known: Known) {
        self.latest.insert(known.recipe.id, self.all.len());
        self.all.push(known);
    }

    /// These bytes are the statement's, or its own with a timestamp put right, which is taken down.
    /// `times`: what it may have been put right to.
    pub fn takes(&mut self, at: usize, bytes: &[u8], times: &Times) -> bool {
        let known = &mut self.all[at];
        if known.body == bytes {
            return true;
        }
        let (Some(made), false, false) = (known.made, known.sent, known.corrected) else {
            return false;
        };
        let Some((right, rest)) = timestamp(bytes) else {
            return false;
        };
        let ours = timestamp(&known.body);
        if ours.is_none_or(|(_, ours)| ours != rest)
            || (right - known.timestamp).abs() <= CORRECTED_FROM
            || !times.allow(&made, right)
        {
            return false;
        }
        known.body = bytes.to_vec();
        known.timestamp = right;
        known.corrected = true;
        true
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

    /// The app has given up here what this one voids, once or for good.
    pub fn has_no_target(&self, known: &Known) -> bool {
        let Kind::Voiding(target) = known.recipe.kind else {
            return false;
        };
        let mut all = self.all.iter();
        all.any(|one| one.recipe.id == target && one.gone.is_some())
    }

    /// A voiding was recorded under this id, though another statement may have taken its place since.
    pub fn was_voiding(&self, id: Uuid) -> bool {
        let mut all = self.all.iter();
        all.any(|one| one.recipe.id == id && matches!(one.recipe.kind, Kind::Voiding(_)))
    }

    /// The statement that this one voids.
    pub fn target(&self, known: &Known) -> Option<&Known> {
        match known.recipe.kind {
            Kind::Voiding(target) => self.get(target),
            _ => None,
        }
    }
}
