//! What the runs did, in numbers.

use std::collections::BTreeMap;

/// Counts by what was counted.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Tally {
    /// Runs.
    pub seeds: u64,
    /// Things that happened: an answer, a record, a kill.
    pub steps: u64,
    /// Statements recorded.
    pub statements: u64,
    /// Requests that the sessions made.
    pub requests: u64,
    /// Look-ups of single statements among them.
    pub looks: u64,
    /// Those among them that left while others of the same session were under way.
    pub beside: u64,
    /// Checks of every invariant against the whole database.
    pub checks: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Runs by the LRS's character.
    pub characters: BTreeMap<&'static str, u64>,
    /// Where statements ended.
    pub ends: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// One more of these faults.
    pub fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.steps += other.steps;
        self.statements += other.statements;
        self.requests += other.requests;
        self.looks += other.looks;
        self.beside += other.beside;
        self.checks += other.checks;
        for (mine, theirs) in [
            (&mut self.faults, &other.faults),
            (&mut self.characters, &other.characters),
            (&mut self.ends, &other.ends),
        ] {
            for (kind, count) in theirs {
                *mine.entry(kind).or_default() += count;
            }
        }
    }
}
