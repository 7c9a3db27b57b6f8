//! What time it is at the LRS.
//!
//! Its `Date` is a hint. It is shown beside the device's clock, tells why a statement may have been refused,
//! and is believed for timestamps only where the device's own clock cannot be right.

use super::due::leave_out;
use super::session::Session;
use super::work::Task;
use crate::clock::{Now, Steady};
use crate::lrs::{Answer, headers};
use crate::store::{Clocks, Db, LrsClock, Millis, StoreError, is_plausible};

/// The time that an answer tells. One out of a cache tells an old one.
pub(super) fn told(answer: &Answer) -> Option<Millis> {
    headers::date(answer).filter(|_| answer.header("Age").is_none())
}

impl Session {
    /// Notes what the clocks say, and gives the wall clock's time.
    pub(super) fn read(&mut self, now: Now) -> Millis {
        self.steady = now.steady;
        now.wall_ms
    }

    /// Returns both clocks for this reading of the wall clock.
    pub(super) fn both_clocks(&self, now: Millis) -> Now {
        Now {
            wall_ms: now,
            steady: self.steady,
        }
    }

    /// Returns what is known of the time, to seal statements at their first send.
    pub(super) fn clocks(&self, now: Millis) -> Clocks {
        Clocks {
            here: self.both_clocks(now),
            lrs: self.learned.clock,
            trust_lrs: self.config.trust_lrs_clock,
        }
    }

    /// At the beginning: is an answer of the LRS needed to tell what its clock says?
    pub(super) fn ask_the_time(&mut self, db: &mut Db, now: Millis) -> Result<(), StoreError> {
        let Some(steady) = self.steady else {
            return Ok(());
        };
        let matters = self.config.trust_lrs_clock || !is_plausible(now);
        let known = self.learned.clock.and_then(|clock| clock.at(steady));
        if matters
            && known.is_none()
            && db.any_made_in(
                self.config.upstream,
                steady.boot,
                self.config.max_statements,
            )?
            && !leave_out(&mut self.learned.about_unanswered)
        {
            // Twice: one answer alone is not believed.
            self.tasks.extend([Task::Negotiate, Task::Negotiate]);
        }
        Ok(())
    }

    /// Returns what an answer with this `Date` says of the LRS's clock.
    pub(super) fn measured(&self, date: Millis, asked: Option<Steady>) -> Option<LrsClock> {
        LrsClock::measured(self.learned.clock, date, asked?, self.steady?)
    }
}
