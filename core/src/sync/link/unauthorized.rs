//! The LRS itself has said 401: to our credentials, or to one statement?
//!
//! A look-up tells, if it is answered; if these credentials may not read, only another statement that is taken
//! does. A few requests may find out, in this session or the next, and then the 401 is obeyed: persistent
//! attempts would lock the account.

use super::Link;
use crate::store::{Millis, Problem, WaitKind};
use crate::sync::meaning::{Pause, Stop};
use crate::sync::policy;

/// A 401 of the LRS itself that is not explained yet.
#[derive(Debug)]
pub struct Unauthorized {
    /// Words of the LRS.
    words: String,
    /// Number of requests since then that did not explain it.
    asked: u32,
}

impl Unauthorized {
    /// Continues a 401 that the last session asked about this often without finding out.
    pub fn left_open(asked: u32) -> Self {
        Self {
            words: "it refuses the credentials".to_owned(),
            asked,
        }
    }

    /// Returns the number of requests since the 401 that did not explain it.
    pub fn asked(&self) -> u32 {
        self.asked
    }
}

impl Link {
    /// Notes that the LRS has answered 401.
    pub fn note_401(&mut self, words: &str) {
        self.unauthorized.get_or_insert_with(|| Unauthorized {
            words: words.to_owned(),
            asked: 0,
        });
    }

    /// Counts a request that leaves.
    pub fn count_request(&mut self) {
        if let Some(unauthorized) = &mut self.unauthorized {
            unauthorized.asked += 1;
        }
    }

    /// Takes a request off the count because the LRS has answered a look-up: it lets us in, at least to read.
    /// That does not prove that we may write, but it is no failed attempt either.
    pub fn discount_request(&mut self) {
        if let Some(unauthorized) = &mut self.unauthorized {
            unauthorized.asked = unauthorized.asked.saturating_sub(1);
        }
    }

    /// Returns the stop to obey once enough requests have failed to explain it.
    pub fn obey_401(&mut self) -> Option<Stop> {
        let enough = |held: &mut Unauthorized| held.asked >= policy::QUESTIONS_AFTER_401;
        Some(stop_for_credentials(
            self.unauthorized.take_if(enough)?.words,
        ))
    }

    /// Obeys the 401 if the session stops before it was explained.
    pub fn or_obey_401(&mut self, stop: Stop, now: Millis) -> Stop {
        let Some(unauthorized) = self.unauthorized.take() else {
            return stop;
        };
        let until = now + policy::WITHOUT_THE_APP.as_millis() as Millis;
        self.learned.waits.add(WaitKind::App, until);
        stop_for_credentials(unauthorized.words)
    }
}

/// Returns the stop until the app has acted.
fn stop_for_credentials(words: String) -> Stop {
    Stop {
        problem: Problem::Credentials,
        status: Some(401),
        words,
        pause: Pause::App,
        doubt: false,
    }
}
