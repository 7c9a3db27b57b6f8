//! What time it is at the LRS.
//!
//! Two things hang on it. Whether a timestamp lies in the LRS's future is asked of the difference to
//! our wall clock, which must be fresh, since that clock jumps. What a timestamp of ours should have
//! been is asked of the difference to the steady clock, which holds for a whole boot.

use super::session::Session;
use super::work::Task;
use crate::clock::{Now, Steady};
use crate::lrs::{Answer, headers};
use crate::store::{Db, LrsClock, Millis, StoreError};

/// A change of the clocks' difference by more than this moves the times that statements wait for.
const SKEW_MATTERS_MS: Millis = 5_000;

/// A `Date` from before Pannier was made is wrong for certain: 2026-01-01.
const EARLIEST: Millis = 1_767_225_600_000;

/// The time that an answer tells. One out of a cache tells an old one.
pub(super) fn told(answer: &Answer) -> Option<Millis> {
    headers::date(answer).filter(|date| *date >= EARLIEST && answer.header("Age").is_none())
}

impl Session {
    /// Notes what the steady clock says, and gives the wall clock's time.
    pub(super) fn read(&mut self, now: Now) -> Millis {
        self.steady = now.steady;
        now.wall_ms
    }

    /// At the beginning: is an answer of the LRS needed to tell what its clock says?
    pub(super) fn ask_the_time(&mut self, db: &mut Db, now: Millis) -> Result<(), StoreError> {
        let few = self.config.max_statements;
        let told = self
            .steady
            .and_then(|steady| self.learned.clock?.at(steady));
        if let Some(told) = told {
            return self.set_skew(db, told - now);
        }
        let skew = self.learned.skew_ms.unwrap_or(0);
        let ask = db.any_future(now + skew, few)?
            || match self.steady {
                Some(steady) => db.any_made_in(steady.boot, few)?,
                None => false,
            };
        if ask {
            self.tasks.push_back(Task::Negotiate);
        }
        Ok(())
    }

    /// The LRS's clock minus ours, as its last answer shows.
    pub(super) fn set_skew(&mut self, db: &mut Db, skew: Millis) -> Result<(), StoreError> {
        if self
            .skew
            .is_none_or(|known| (known - skew).abs() > SKEW_MATTERS_MS)
        {
            db.reset_future_dues(skew)?;
        }
        self.skew = Some(skew);
        self.learned.skew_ms = Some(skew);
        Ok(())
    }

    /// What an answer with that `Date` says of the LRS's clock.
    pub(super) fn measured(&self, date: Millis, asked: Option<Steady>) -> Option<LrsClock> {
        LrsClock::measured(self.learned.clock, date, asked?, self.steady?)
    }

    /// The answer has proved to be an LRS's: from now on timestamps are corrected by its clock.
    pub(super) fn believe_clock(&mut self, db: &mut Db) -> Result<(), StoreError> {
        let Some(heard) = self.heard.take() else {
            return Ok(());
        };
        let known = self.learned.clock.replace(heard);
        if known.is_none_or(|known| known.boot != heard.boot) {
            db.retime_waiting(heard)?;
        }
        Ok(())
    }
}
