//! Fuzzing with what a stable Rust has: inputs are made by changing inputs that led to something new before.
//!
//! All of it is drawn from a seed, so a run with the same seed and target makes the same inputs in the same
//! order. What counts as new is what the check says came of it; there is no view into the code.

mod checks;
mod hub;
mod mutate;
mod queue;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;

/// Inputs that led to something new, beyond which none is kept.
const MOST_KEPT: usize = 2_000;

/// The longest input, in bytes.
const LONGEST: usize = 64 << 10;

/// What is fuzzed.
#[derive(Clone, Copy)]
pub struct Target {
    /// How it is called.
    pub name: &'static str,
    check: fn(&[u8]) -> String,
    seeds: fn() -> Vec<Vec<u8>>,
}

/// All that is fuzzed.
pub const TARGETS: [Target; 8] = [
    Target {
        name: "prepare",
        check: checks::prepare,
        seeds: mutate::statements,
    },
    Target {
        name: "typed",
        check: checks::typed,
        seeds: mutate::statements,
    },
    Target {
        name: "compare",
        check: checks::compare,
        seeds: mutate::pairs,
    },
    Target {
        name: "answers",
        check: checks::answers,
        seeds: mutate::answers,
    },
    Target {
        name: "multipart",
        check: checks::multipart,
        seeds: mutate::multiparts,
    },
    Target {
        name: "signature",
        check: checks::signature,
        seeds: mutate::signatures,
    },
    Target {
        name: "queue",
        check: queue::opened,
        seeds: queue::files,
    },
    Target {
        name: "hub",
        check: hub::answered,
        seeds: hub::requests,
    },
];

/// An input that something went wrong with, and what.
pub struct Failure {
    /// The input.
    pub input: Vec<u8>,
    /// What the check said.
    pub said: String,
}

impl Target {
    /// The target of this name.
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Checks one input.
    pub fn check(&self, input: &[u8]) -> Result<String, Failure> {
        catch_unwind(AssertUnwindSafe(|| (self.check)(input))).map_err(|panic| {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|&said| said.to_owned()));
            Failure {
                input: input.to_vec(),
                said: said.unwrap_or_else(|| "a panic without words".to_owned()),
            }
        })
    }
}

/// Makes inputs for a target and checks them.
pub struct Fuzzer {
    target: Target,
    rng: Rng,
    corpus: Vec<Vec<u8>>,
    seen: BTreeSet<String>,
    /// How many inputs have been checked.
    pub executions: u64,
}

impl Fuzzer {
    /// All that it makes follows from the seed.
    pub fn new(target: Target, seed: u64) -> Self {
        Self {
            target,
            rng: Rng::with_seed(seed),
            corpus: (target.seeds)(),
            seen: BTreeSet::new(),
            executions: 0,
        }
    }

    /// The inputs it began with and those that led to something new.
    pub fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    /// Checks the next input: those it begins with as they are, then changed ones.
    pub fn step(&mut self) -> Result<(), Failure> {
        let fresh = usize::try_from(self.executions).ok();
        let input = match fresh.and_then(|at| self.corpus.get(at)) {
            Some(seed) if self.seen.len() < self.corpus.len() => seed.clone(),
            _ => mutate::changed(&mut self.rng, &self.corpus, LONGEST),
        };
        self.executions += 1;
        let said = self.target.check(&input)?;
        if self.corpus.len() < MOST_KEPT && self.seen.insert(said) {
            self.corpus.push(input);
        }
        Ok(())
    }
}
