//! A device as far as an LRS can tell that takes everything or refuses for want of room.
//!
//! It asks for the versions if it must, sends batch after batch, looks up what may have been taken all
//! the same before it sends it again, and after each refusal waits as the session does: with the same
//! backoff, drawn from the same seed.

use std::time::Duration;

use pannier::store::Millis;

use super::{Action, Herd, Overload, Scenario, Seen};

/// Most statements of a request; as [`pannier::Config`] has it.
const BATCH: u32 = 50;

/// Refusals in a row after which the next request has one statement.
const SINGLES_FROM: u32 = 6;

/// Refusals of a question in a row after which it is left out, and then every other time.
const UNANSWERED: u32 = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    About,
    LooksUp,
    Posts,
}

pub(super) struct Light {
    seed: u64,
    asks: Asks,
    statements_left: u32,
    /// In a row.
    failures: u32,
    /// The same of look-ups alone, less those that were left out, and of `GET /about`.
    looks_refused: u32,
    abouts_refused: u32,
    sessions: u32,
}

impl Light {
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Self {
        Self {
            seed,
            asks: if scenario.new {
                Asks::About
            } else {
                Asks::Posts
            },
            statements_left: scenario.statements,
            failures: 0,
            looks_refused: 0,
            abouts_refused: 0,
            sessions: 0,
        }
    }

    pub(super) fn step(&mut self, scenario: &Scenario, now: Millis, seen: Option<Seen>) -> Action {
        match (seen, self.asks) {
            (None, _) => {}
            (Some(Seen::Answered), Asks::About | Asks::LooksUp) => {
                self.looks_refused = 0;
                self.asks = Asks::Posts;
            }
            (Some(Seen::Answered), Asks::Posts) => {
                if self.failures >= SINGLES_FROM {
                    // What was sent beside the one is still to be looked up.
                    self.statements_left -= 1;
                    self.asks = Asks::LooksUp;
                } else {
                    self.statements_left = self.statements_left.saturating_sub(BATCH);
                }
                self.failures = 0;
            }
            (Some(Seen::Refused | Seen::TimedOut), asked) => {
                match asked {
                    Asks::Posts => self.asks = Asks::LooksUp,
                    Asks::LooksUp => self.looks_refused += 1,
                    Asks::About => {
                        self.abouts_refused += 1;
                        if self.abouts_refused == UNANSWERED {
                            self.asks = Asks::Posts;
                        }
                    }
                }
                return Action::Wait(now + self.wait(scenario).as_millis() as Millis);
            }
        }
        if self.asks == Asks::LooksUp && self.looks_refused >= UNANSWERED {
            self.looks_refused -= 1;
            self.asks = Asks::Posts;
        }
        if self.statements_left == 0 {
            Action::Done
        } else {
            Action::Ask
        }
    }

    fn wait(&mut self, scenario: &Scenario) -> Duration {
        let mut rng = session_rng(self.seed, self.sessions);
        self.failures += 1;
        self.sessions += 1;
        let backoff = scenario.backoff.delay(self.failures, &mut rng);
        let Overload::RetryAfter(seconds) = scenario.overload else {
            return backoff;
        };
        let asked = Duration::from_secs(u64::from(seconds));
        match scenario.herd {
            Herd::AsBuilt => scenario.backoff.after(asked, self.failures, &mut rng),
            Herd::Exact => asked,
            Herd::Share(share) => asked + asked.mul_f64(share * rng.f64()),
            Herd::Backoff => asked + backoff,
        }
    }
}

/// The least batches by which a device delivers everything.
fn batches(scenario: &Scenario) -> u32 {
    scenario.statements.div_ceil(BATCH)
}

/// The least requests by which a device delivers everything.
pub(super) fn least_requests(scenario: &Scenario) -> u32 {
    batches(scenario) + u32::from(scenario.new)
}

/// A session's chance: each wait ends one, and the next one has its own.
pub(super) fn session_rng(seed: u64, sessions: u32) -> fastrand::Rng {
    fastrand::Rng::with_seed(seed ^ u64::from(sessions) << 40)
}
