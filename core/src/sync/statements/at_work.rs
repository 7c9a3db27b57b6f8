//! Statements that the LRS may still be working on although somebody has answered: they are investigated in the
//! meantime, and not sent again too early.

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::task::Pending;
use crate::lrs::requests;
use crate::store::{Millis, Problem};
use crate::sync::meaning::{Pause, Stop};

/// Statements that may still be running, and the end of that.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    until: Option<Millis>,
    /// Ids, and not places in the log: a replacement has another place.
    ids: BTreeSet<Uuid>,
}

impl Quiet {
    /// Adds statements that may be running at the LRS for this long from now on.
    pub(crate) fn add(&mut self, batch: &[Pending], doubt: Duration, now: Millis) {
        if doubt.is_zero() {
            return;
        }
        if self.left(now).is_zero() {
            *self = Self::default();
        }
        self.until = self.until.max(Some(now + doubt.as_millis() as Millis));
        self.ids.extend(batch.iter().map(|item| item.row.id));
    }

    /// Returns how long any of them may still be running: never longer than a request can take, as the clock
    /// may have jumped.
    pub(crate) fn left(&self, now: Millis) -> Duration {
        let longest = requests::timeout(usize::MAX, usize::MAX);
        let left = self.until.map_or(0, |until| (until - now).max(0));
        Duration::from_millis(left as u64).min(longest)
    }

    /// Tells whether one of these may still be running: then it must not leave yet, whatever it was
    /// investigated for.
    pub(crate) fn has_any_of(&self, batch: &[Pending], now: Millis) -> bool {
        !self.left(now).is_zero() && batch.iter().any(|item| self.ids.contains(&item.row.id))
    }

    /// Tells whether there ever was such a statement.
    pub(crate) fn was_needed(&self) -> bool {
        self.until.is_some()
    }
}

/// Returns the stop for a batch that would be sent while it may still be running.
pub(crate) fn still_at_work() -> Stop {
    Stop {
        problem: Problem::Unexpected,
        status: None,
        words:
            "it may be at work still on what was sent, and neither says nor shows that it has it"
                .to_owned(),
        pause: Pause::Backoff,
        doubt: false,
    }
}
