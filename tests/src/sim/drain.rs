//! When all faults have ended everything comes to where it belongs, within a bounded number of
//! requests.

use pannier::store::{Millis, UpstreamId};

use super::check::{Snapshot, Whereabouts};
use super::model::Known;
use super::world::{SECRET, SECRET_IN_BASE64, Servers, World};

/// How often one more statement is recorded: a bad one is held only after the LRS has taken others.
const ROUNDS: u64 = 60;

/// The time between the first two of them; it grows.
const FIRST_PAUSE: Millis = 5 * 60 * 1000;

/// Requests to one upstream until then.
const MOST_REQUESTS: u64 = 7_500;

/// Things that may happen until then, at all of them: one may be asked ten times as often as another.
const MOST_STEPS: u32 = 100_000;

/// What it took until everything was where it belongs.
#[derive(Debug, Clone, Copy)]
pub struct Drained {
    /// When the faults ended; true time.
    pub began: Millis,
    /// Statements that were not delivered then.
    pub undelivered: u64,
    /// Statements recorded since.
    pub fresh: u64,
    /// Requests since.
    pub requests: u64,
}

impl<S: Servers> World<S> {
    /// Syncs until everything is where it belongs.
    pub fn drain(&mut self) -> Result<(), String> {
        for upstream in self.upstreams() {
            self.turn_to(upstream);
            self.drain_this(upstream)?;
        }
        self.check()
    }

    /// The others go on meanwhile.
    fn drain_this(&mut self, upstream: UpstreamId) -> Result<(), String> {
        let undelivered = self.snapshot()?.places.len() as u64;
        let (before, began) = (self.requests, self.now);
        let (mut rounds, mut fresh_at, mut pause) = (0, self.now, FIRST_PAUSE);
        for _ in 0..MOST_STEPS {
            if self.requests - before > MOST_REQUESTS {
                break;
            }
            if S::is_at_rest(self) {
                let snapshot = self.snapshot()?;
                if self.stuck(&snapshot).is_none() {
                    let drained = Drained {
                        began,
                        undelivered,
                        fresh: rounds,
                        requests: self.requests - before,
                    };
                    self.take_leave(&snapshot)?;
                    return S::judge(self, drained);
                }
                let soon = S::soon(self, fresh_at);
                let planned = |at: Millis| at <= soon;
                let elsewhere = self.next_elsewhere().map(|(at, _)| at);
                if !elsewhere.is_some_and(planned)
                    && !self
                        .processes
                        .iter()
                        .any(|one| one.next_at().is_some_and(planned))
                {
                    self.now = self.now.max(fresh_at);
                }
                if self.now >= fresh_at {
                    if rounds == ROUNDS {
                        break;
                    }
                    rounds += 1;
                    fresh_at = self.now + pause;
                    pause += pause / 4;
                    S::refresh(self)?;
                    self.processes[0].plan(self.now);
                }
            }
            self.tally.steps += 1;
            self.advance()?;
            self.turn_to(upstream);
        }
        let snapshot = self.snapshot()?;
        let stuck = self.stuck(&snapshot).map(|known| {
            format!(
                "{} ({}) is {:?}; {}",
                known.recipe.id,
                known.recipe.kind.word(),
                snapshot.place(known.recipe.id),
                S::why_not_there(self, known, &snapshot)
            )
        });
        Err(format!(
            "K2: stuck, {} requests and {rounds} more statements after the faults had ended: {}",
            self.requests - before,
            stuck.unwrap_or_default()
        ))
    }

    fn stuck(&self, snapshot: &Snapshot) -> Option<&Known> {
        let stuck = |known: &&Known| !S::belongs(self, known, snapshot);
        self.model.alive().find(stuck)
    }

    /// No secret is left behind, and where everything is is counted.
    fn take_leave(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        if [SECRET, SECRET_IN_BASE64]
            .iter()
            .any(|it| self.disk.has(it.as_bytes()))
        {
            return Err("I11: the password stands in the file".to_owned());
        }
        for known in self.model.alive() {
            let end = match snapshot.place(known.recipe.id) {
                Whereabouts::Delivered => "delivered",
                Whereabouts::Held(reason, _) => reason.code(),
                Whereabouts::Waiting(reason) => reason.code(),
                Whereabouts::Queued => "queued",
            };
            *self.tally.ends.entry(end).or_default() += 1;
        }
        Ok(())
    }
}
