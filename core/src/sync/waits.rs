//! Waiting before anything more is sent, and for what.

use super::backoff;
use super::report::{Ended, Step};
use super::session::Session;
use crate::event::Event;
use crate::lrs::requests;
use crate::store::{Db, Millis, StoreError, WaitKind};

impl Session {
    /// A wait that is not over; a time that no wait could have set came from another clock.
    pub(super) fn must_wait(
        &mut self,
        db: &mut Db,
        now: Millis,
    ) -> Result<Option<Step>, StoreError> {
        let skip = std::mem::take(&mut self.may_skip_wait);
        if skip {
            self.learned.app_has_acted();
        }
        let Some((until, why)) = self.learned.not_before else {
            return Ok(None);
        };
        let over = match why {
            WaitKind::App => false,
            _ => until <= now || !is_possible(until, why, now),
        };
        if over || (skip && why == WaitKind::Backoff) {
            self.learned.not_before = None;
            return Ok(None);
        }
        let trouble = self.learned.trouble.clone();
        match (why, trouble) {
            (WaitKind::App, Some(trouble)) => {
                self.events.push(Event::NeedsApp {
                    trouble: trouble.clone(),
                });
                self.end(db, Ended::NeedsApp { trouble }).map(Some)
            }
            (why, trouble) => {
                self.events.push(Event::WaitingUntil {
                    until,
                    why,
                    trouble,
                });
                // What they are about may have changed by then.
                self.forget_tasks();
                self.end(db, Ended::Interrupted)?;
                Ok(Some(Step::Wait { until, why }))
            }
        }
    }

    /// Nothing is sent before then, nor before what is waited for already: of several requests under
    /// way each may ask for a wait of its own. True: this is the one to name.
    pub(super) fn wait_also(&mut self, until: Millis, why: WaitKind) -> bool {
        let (until, why, named) = match self.learned.not_before {
            Some((known, kind)) if weight(kind) >= weight(why) => (known.max(until), kind, false),
            Some((known, _)) => (known.max(until), why, true),
            None => (until, why, true),
        };
        self.learned.not_before = Some((until, why));
        named
    }
}

/// Could such a wait have been set by now? Otherwise the clock has jumped since.
pub(super) fn is_possible(until: Millis, why: WaitKind, now: Millis) -> bool {
    let longest = match why {
        WaitKind::Backoff => backoff::LONGEST,
        WaitKind::OutcomeUnknown => backoff::LONGEST + requests::timeout(usize::MAX, usize::MAX),
        WaitKind::RetryAfter | WaitKind::App => backoff::LONGEST_RETRY_AFTER + backoff::LONGEST,
    };
    until <= now + longest.as_millis() as Millis
}

/// What is skipped by nothing outweighs what is skipped by hand.
fn weight(why: WaitKind) -> u8 {
    match why {
        WaitKind::Backoff => 0,
        WaitKind::OutcomeUnknown => 1,
        WaitKind::RetryAfter => 2,
        WaitKind::App => 3,
    }
}
