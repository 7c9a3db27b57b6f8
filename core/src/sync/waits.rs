//! Waiting before anything more is sent, and for what.

use std::time::Duration;

use super::backoff;
use super::report::{Ended, Step};
use super::session::Session;
use crate::event::Event;
use crate::lrs::requests;
use crate::store::{Db, Learned, Millis, StoreError, UnderWay, WaitKind};

/// After a kill, an LRS that is known to be quick is left alone for so long at least.
const QUICK: Duration = Duration::from_secs(15);

/// An LRS may take so many times as long as it ever took.
const SLOWER_THAN_EVER: u32 = 4;

impl Session {
    /// A wait that is not over; a time that no wait could have set came from another clock.
    pub(super) fn must_wait(
        &mut self,
        db: &mut Db,
        now: Millis,
    ) -> Result<Option<Step>, StoreError> {
        let skip = std::mem::take(&mut self.may_skip_wait);
        let by_hand = |why| skip && matches!(why, WaitKind::Backoff | WaitKind::App);
        self.learned
            .waits
            .retain(|why, until| until > now && is_possible(until, why, now) && !by_hand(why));
        let Some((until, why)) = self.learned.waits.last() else {
            return Ok(None);
        };
        // What they are about may have changed by then.
        self.forget_tasks();
        let trouble = self.learned.trouble.clone();
        if let (WaitKind::App, Some(trouble)) = (why, trouble.clone()) {
            self.events.push(Event::NeedsApp {
                trouble: trouble.clone(),
            });
            return self.end(db, Ended::NeedsApp { trouble }).map(Some);
        }
        self.events.push(Event::WaitingUntil {
            until,
            why,
            trouble,
        });
        self.end(db, Ended::Interrupted)?;
        Ok(Some(Step::Wait { until, why }))
    }
}

/// Until when what was under way when the device was switched off, or the app ended the sync, may be at
/// work at the LRS.
pub(crate) fn cut_off_until(request: UnderWay, learned: &Learned, now: Millis) -> Millis {
    ended_at(request, now) + patience(learned, request.timeout_ms)
}

/// The same where it failed by itself, and that could not be written down.
pub(super) fn failed_until(request: UnderWay, now: Millis) -> Millis {
    ended_at(request, now) + request.timeout_ms
}

/// Our side of the connection ended then at the latest: by now, and with its time-out.
fn ended_at(request: UnderWay, now: Millis) -> Millis {
    if request.since > now {
        // The clock was put back meanwhile.
        now
    } else {
        now.min(request.since + request.timeout_ms)
    }
}

/// How long an LRS may be at a request whose connection was cut by us. Of one that has shown how quick it
/// is that is known well enough; of another one nothing is known but the time-out.
fn patience(learned: &Learned, timeout_ms: Millis) -> Millis {
    learned.slowest_ms.map_or(timeout_ms, |slowest| {
        let slow = slowest.saturating_mul(i64::from(SLOWER_THAN_EVER));
        slow.max(QUICK.as_millis() as Millis).min(timeout_ms)
    })
}

/// Could such a wait have been set by now? Otherwise the clock has jumped since.
fn is_possible(until: Millis, why: WaitKind, now: Millis) -> bool {
    let longest = match why {
        WaitKind::Backoff => backoff::LONGEST,
        WaitKind::OutcomeUnknown => backoff::LONGEST + requests::timeout(usize::MAX, usize::MAX),
        WaitKind::RetryAfter => backoff::LONGEST_RETRY_AFTER + backoff::LONGEST,
        WaitKind::App => backoff::WITHOUT_THE_APP,
    };
    until <= now + longest.as_millis() as Millis
}
