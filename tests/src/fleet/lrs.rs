//! An LRS that takes so many requests a second, one after another, and lets so many wait.

use pannier::store::Millis;

use super::{Overload, Scenario};

/// Where a request stands.
pub(super) enum Reply {
    /// In line; it is done then.
    Done(Millis),
    /// There is no room for it. To say so costs nothing: a proxy does.
    Refused,
}

pub(super) struct Lrs {
    per_request: f64,
    /// Most work in line, milliseconds.
    most: f64,
    /// When all that is in line is done, milliseconds and fractions.
    free_at: f64,
}

impl Lrs {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let per_request = 1000.0 / scenario.rate;
        Self {
            per_request,
            most: match scenario.overload {
                Overload::Queues => f64::INFINITY,
                // One is always taken.
                Overload::Refuses | Overload::RetryAfter(_) => {
                    (scenario.queue * 1000.0).max(per_request)
                }
            },
            free_at: 0.0,
        }
    }

    pub(super) fn arrives(&mut self, now: Millis) -> Reply {
        let begins = self.free_at.max(now as f64);
        let done = begins + self.per_request;
        if done - now as f64 > self.most + 1e-6 {
            return Reply::Refused;
        }
        self.free_at = done;
        Reply::Done(done.ceil() as Millis)
    }
}
