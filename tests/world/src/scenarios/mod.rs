//! The scenarios by theme. Each is one thing that the world does, and what is right then.

mod answers;
mod blame;
mod clocks;
mod command;
mod compare;
mod damage;
mod disk;
mod files;
mod hub;
mod limits;
mod paths;
mod processes;
mod proof;
mod questions;
mod target;
mod under_way;
mod upstreams;

use std::time::{Duration, Instant};

/// One scenario. It panics where it finds something wrong.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// What it shows.
    pub name: &'static str,
    /// What it does.
    pub run: fn(),
    /// Whether it waits for long, so that it is better begun early.
    pub slow: bool,
    /// Whether it takes so long that only a night has time for it.
    pub nightly: bool,
}

impl Scenario {
    const fn new(name: &'static str, run: fn()) -> Self {
        Self {
            name,
            run,
            slow: false,
            nightly: false,
        }
    }

    const fn nightly(name: &'static str, run: fn()) -> Self {
        Self {
            nightly: true,
            ..Self::slow(name, run)
        }
    }

    const fn slow(name: &'static str, run: fn()) -> Self {
        Self {
            slow: true,
            ..Self::new(name, run)
        }
    }
}

/// Waits until something is so; panics if it never is.
fn until(done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_mins(1), "it never happens");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// All scenarios.
pub fn all() -> Vec<Scenario> {
    [
        answers::ALL,
        blame::ALL,
        clocks::ALL,
        command::ALL,
        compare::ALL,
        damage::ALL,
        disk::ALL,
        files::ALL,
        hub::ALL,
        limits::ALL,
        paths::ALL,
        processes::ALL,
        proof::ALL,
        questions::ALL,
        target::ALL,
        under_way::ALL,
        upstreams::ALL,
    ]
    .concat()
}
