//! Waits: how long the LRS is left alone, and how long it may be working on a request that was cut off.

use super::Link;
use crate::lrs::requests;
use crate::store::{Learned, Millis, UnderWay, WaitKind};
use crate::sync::policy;

impl Link {
    /// Returns the wait that is not over, if any. One longer than any wait can be came from another clock and
    /// is dropped; with `skip`, the backoff and the wait for the app are dropped too.
    pub fn must_wait(&mut self, skip: bool, now: Millis) -> Option<(Millis, WaitKind)> {
        let by_hand = |why| skip && matches!(why, WaitKind::Backoff | WaitKind::App);
        if let Some(until) = self.learned.waits.outcome_unknown
            && until <= now
        {
            self.was_at_work_until(until);
        }
        self.learned
            .waits
            .retain(|why, until| until > now && is_possible(until, why, now) && !by_hand(why));
        if self.config.by_hand {
            self.learned.waits.first_to_tell()
        } else {
            self.learned.waits.last()
        }
    }

    /// Notes that a request of an unknown outcome may be at work until then.
    pub fn was_at_work_until(&mut self, until: Millis) {
        self.learned.at_work_until = self.learned.at_work_until.max(Some(until));
    }
}

/// Notes how long the LRS was waited for. Answering questions, or breaking off soon, does not make it quick;
/// being slow at that makes it slow.
pub fn took(learned: &mut Learned, ms: Millis, answered_a_batch: bool) {
    if answered_a_batch || learned.slowest_ms.is_some() || ms > policy::QUICK_MS {
        learned.slowest_ms = learned.slowest_ms.max(Some(ms));
    }
}

/// Returns the time until which the LRS may be working on a request that was cut off by a power cut, a kill or
/// the end of the sync.
pub fn cut_off_until(request: UnderWay, learned: &Learned, now: Millis) -> Millis {
    let ended = ended_at(request, now);
    if ended == request.since + request.timeout_ms {
        // It may have timed out just before, and then the LRS is no longer quick.
        return ended + request.timeout_ms;
    }
    ended + patience(learned, request.timeout_ms)
}

/// Returns the same for a request that failed by itself, which could not be written down.
pub fn failed_until(request: UnderWay, now: Millis) -> Millis {
    ended_at(request, now) + request.timeout_ms
}

/// Returns the latest time at which our side of the connection ended: now, or its time-out.
fn ended_at(request: UnderWay, now: Millis) -> Millis {
    if request.since > now {
        // The clock was set back in between.
        now
    } else {
        now.min(request.since + request.timeout_ms)
    }
}

/// Returns how long an LRS may be working on a request that we cut off. For one that was quick so far a short
/// time is enough; of any other only the time-out is known.
fn patience(learned: &Learned, timeout_ms: Millis) -> Millis {
    if is_quick(learned) {
        timeout_ms.min(policy::QUICK_IS_AT_WORK_MS)
    } else {
        timeout_ms
    }
}

pub fn is_quick(learned: &Learned) -> bool {
    learned
        .slowest_ms
        .is_some_and(|slowest| slowest <= policy::QUICK_MS)
}

/// Tells whether such a wait can have been set by now. If not, the clock has jumped since.
fn is_possible(until: Millis, why: WaitKind, now: Millis) -> bool {
    let longest = match why {
        WaitKind::Backoff => policy::LONGEST_BACKOFF,
        WaitKind::OutcomeUnknown => {
            policy::LONGEST_BACKOFF + requests::timeout(usize::MAX, usize::MAX)
        }
        WaitKind::RetryAfter => policy::LONGEST_RETRY_AFTER + policy::LONGEST_BACKOFF,
        WaitKind::App => policy::WITHOUT_THE_APP,
    };
    until <= now + longest.as_millis() as Millis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_kill_only_a_quick_lrs_is_gone_on_with_soon() {
        let request = UnderWay {
            since: 1_000_000,
            timeout_ms: 30_000,
        };
        for (slowest, killed_after, waits_until) in [
            (Some(50), 100, 15_100),
            (Some(1_000), 100, 15_100),
            (Some(1_001), 100, 30_100),
            (Some(2_900), 100, 30_100),
            (None, 100, 30_100),
            (Some(50), 29_000, 44_000),
            // It may have timed out just before the kill, or long ago.
            (Some(50), 30_000, 60_000),
            (Some(50), 45_000, 60_000),
            (None, 45_000, 60_000),
            (Some(50), 500_000, 60_000),
        ] {
            let learned = Learned {
                slowest_ms: slowest,
                ..Learned::default()
            };
            let until = cut_off_until(request, &learned, request.since + killed_after);
            assert_eq!(
                until - request.since,
                waits_until,
                "{slowest:?}, {killed_after}"
            );
        }
    }

    #[test]
    fn nobody_is_quick_for_answering_questions() {
        let mut learned = Learned::default();
        took(&mut learned, 50, false);
        assert_eq!(learned.slowest_ms, None);
        took(&mut learned, 3_000, false);
        took(&mut learned, 50, true);
        assert_eq!(learned.slowest_ms, Some(3_000));
    }
}
