//! The LRS itself has said 401: to our credentials, or to one statement?
//!
//! A look-up tells, where it is answered; where these credentials may not read, only another statement
//! that is taken does. A few requests may find out, in this session or the next, and then the 401 is
//! obeyed: who knocks on and on at a door that was shut locks an account.

use super::Link;
use crate::store::{Millis, Problem, WaitKind};
use crate::sync::meaning::{Pause, Stop};
use crate::sync::policy;

/// A 401 of the LRS itself that is not explained yet.
#[derive(Debug)]
pub struct Unauthorized {
    /// Words of the LRS.
    words: String,
    /// Requests since that did not explain it.
    asked: u32,
}

impl Unauthorized {
    /// The last session has asked so often, and has not found out.
    pub fn left_open(asked: u32) -> Self {
        Self {
            words: "it refuses the credentials".to_owned(),
            asked,
        }
    }

    /// Requests since the 401 that did not explain it.
    pub fn asked(&self) -> u32 {
        self.asked
    }
}

impl Link {
    /// The LRS has answered 401 to a batch.
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

    /// The LRS has answered a look-up: it lets us in, at least to read. That is no proof that we may
    /// write, but no knocking either.
    pub fn discount_request(&mut self) {
        if let Some(unauthorized) = &mut self.unauthorized {
            unauthorized.asked = unauthorized.asked.saturating_sub(1);
        }
    }

    /// Returns the stop to obey once it was asked often enough without an answer.
    pub fn obey_401(&mut self) -> Option<Stop> {
        let enough = |held: &mut Unauthorized| held.asked >= policy::QUESTIONS_AFTER_401;
        Some(stop_for_credentials(
            self.unauthorized.take_if(enough)?.words,
        ))
    }

    /// Obeys the 401 where the session stops before anybody found out what it meant.
    pub fn or_obey_401(&mut self, stop: Stop, now: Millis) -> Stop {
        let Some(unauthorized) = self.unauthorized.take() else {
            return stop;
        };
        let until = now + policy::WITHOUT_THE_APP.as_millis() as Millis;
        self.learned.waits.add(WaitKind::App, until);
        stop_for_credentials(unauthorized.words)
    }
}

/// Stop until the app has acted.
fn stop_for_credentials(words: String) -> Stop {
    Stop {
        problem: Problem::Credentials,
        status: Some(401),
        words,
        pause: Pause::App,
        doubt: false,
    }
}
