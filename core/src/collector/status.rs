//! State of a collector, for the app to show.

use serde::Serialize;

use crate::clock::Now;
use crate::statement::XapiVersion;
use crate::store::{Ledger, LossReport, Millis, Problem, Trouble, Upstream, WaitKind};
use crate::sync::cut_off_until;

/// State of a queue and of one of its upstreams. Costs the same however long the queue is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// Number of statements in each state.
    #[serde(flatten)]
    pub ledger: Ledger,
    /// Age of the oldest queued statement, milliseconds; 0 where the clock was set back since.
    pub oldest_age_ms: Option<Millis>,
    /// Base URL of the LRS.
    pub endpoint: Option<String>,
    /// Tells whether this collector syncs now.
    pub syncing: bool,
    /// Tells whether the device has a network, as the app last said; true until it does. Without one an automatic sync
    /// does not try.
    pub network: bool,
    /// End of the wait before which nothing is sent, unix milliseconds.
    pub waiting_until: Option<Millis>,
    /// Reason for that wait. `None`: nothing keeps the next sync from sending.
    pub waiting_for: Option<WaitKind>,
    /// Trouble with the upstream, if there is any and there is something to deliver.
    pub trouble: Option<Trouble>,
    /// Report of what was lost with a damaged or missing file, until [`acknowledge_loss`] is called.
    ///
    /// [`acknowledge_loss`]: crate::Collector::acknowledge_loss
    pub loss: Option<LossReport>,
    /// Time when the next statement that waits aside comes back, unix milliseconds.
    pub next_due: Option<Millis>,
    /// Time when the upstream last took something, unix milliseconds.
    pub last_success: Option<Millis>,
    /// xAPI version spoken with the upstream.
    pub speaks: Option<XapiVersion>,
    /// Maximum number of statements in a request, where the upstream bears fewer than was configured.
    pub learned_max_statements: Option<u32>,
    /// Maximum number of bytes in a request, where the upstream bears fewer than was configured.
    pub learned_max_bytes: Option<u32>,
    /// Difference of the upstream's clock minus the device's, milliseconds: negative where the device is fast. As of
    /// now where the upstream has answered since the device was started, else as last measured. See `docs/clock.md`.
    pub clock_skew_ms: Option<Millis>,
}

/// State that this collector alone knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here {
    pub(super) syncing: bool,
    pub(super) network: bool,
    pub(super) now: Now,
}

impl Status {
    /// Returns the number of statements that the upstream does not have yet: queued, waiting and held.
    pub fn undelivered(&self) -> u64 {
        self.ledger.queued + self.ledger.waiting + self.ledger.held
    }

    /// Tells whether nobody has to do anything: nothing is held, no loss is to be acknowledged, and there is no trouble
    /// but one that may end by itself ([`Problem::is_transient`]). A queue that waits for a network is healthy, however
    /// long it is, and so is one that has no endpoint yet. Of several upstreams each has a status of its own, and
    /// [`UpstreamInfo::is_healthy`](crate::UpstreamInfo::is_healthy) tells of one that nobody delivers to here, too.
    pub fn is_healthy(&self) -> bool {
        let needs_somebody = |trouble: &Trouble| !trouble.problem.is_transient();
        self.ledger.held == 0
            && self.loss.is_none()
            && !self.trouble.as_ref().is_some_and(needs_somebody)
    }

    /// Makes a status; `elsewhere` tells whether another process syncs this queue now, or another collector of this
    /// one.
    pub(super) fn new(
        ledger: Ledger,
        upstream: Upstream,
        next_due: Option<Millis>,
        loss: Option<LossReport>,
        here: Here,
        elsewhere: impl FnOnce() -> bool,
    ) -> Self {
        let mut learned = upstream.learned;
        learned.follow_the_clock(here.now);
        let now = here.now.wall_ms;
        let mut waits = learned.waits;
        if let Some(request) = learned.under_way.filter(|_| !here.syncing && !elsewhere()) {
            // Its sender is gone: the next sync waits for its end.
            waits.add(
                WaitKind::OutcomeUnknown,
                cut_off_until(request, &learned, now),
            );
        }
        // With nothing to deliver nothing waits, and an earlier trouble does not matter.
        let idle = ledger.queued + ledger.waiting == 0;
        waits.retain(|_, until| until > now && !idle);
        let wait = waits.first_to_tell();
        let clock_skew_ms = match here.now.steady {
            Some(steady) => learned
                .clock
                .and_then(|clock| clock.at(steady))
                .map(|theirs| theirs - now),
            None => None,
        };
        Self {
            oldest_age_ms: ledger.oldest_queued_at.map(|at| (now - at).max(0)),
            ledger,
            endpoint: upstream.endpoint,
            syncing: here.syncing,
            network: here.network,
            waiting_until: wait.map(|(until, _)| until),
            waiting_for: wait.map(|(_, why)| why),
            trouble: learned.trouble.filter(|_| !idle),
            loss,
            next_due,
            last_success: learned.last_success,
            // One that says nothing of itself is spoken to in this.
            speaks: learned
                .version
                .or(learned.version_at.map(|_| XapiVersion::V1_0_3)),
            learned_max_statements: learned.max_statements,
            learned_max_bytes: learned.max_bytes,
            clock_skew_ms: clock_skew_ms.or(learned.skew_ms),
        }
    }
}

impl Problem {
    /// Tells whether it may end though neither the app nor a person does anything about it: a network comes back, the LRS
    /// has time again or is mended by who runs it. For everything else somebody has to sign in, to give other credentials
    /// or another endpoint, or to ask who runs the LRS.
    pub fn is_transient(self) -> bool {
        match self {
            Self::Unreachable | Self::TimedOut | Self::Broken | Self::Busy | Self::ServerError => {
                true
            }
            Self::NotAnLrs
            | Self::Credentials
            | Self::WrongEndpoint
            | Self::OtherEndpoint
            | Self::NoCommonVersion
            | Self::RefusesEverything
            | Self::Unexpected => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        let now = Now {
            wall_ms: 1,
            steady: None,
        };
        let here = Here {
            syncing: false,
            network: true,
            now,
        };
        let nothing = Ledger::default();
        Status::new(nothing, Upstream::default(), None, None, here, || false)
    }

    #[test]
    fn what_is_queued_waiting_and_held_is_undelivered() {
        let mut status = status();
        assert_eq!(status.undelivered(), 0);
        let ledger = &mut status.ledger;
        (ledger.queued, ledger.waiting, ledger.held) = (1, 20, 300);
        (ledger.recorded, ledger.delivered) = (4_321, 4_000);
        assert_eq!(status.undelivered(), 321);
    }

    #[test]
    fn a_queue_that_goes_on_by_itself_is_healthy() {
        let mut status = status();
        (status.ledger.queued, status.ledger.waiting) = (9_000, 9);
        (status.endpoint, status.network) = (None, false);
        assert!(status.is_healthy());
        status.ledger.held = 1;
        assert!(!status.is_healthy());
        status.ledger.held = 0;
        // Whether anything of it is known to be lost or not: it is to be acknowledged.
        status.loss = Some(LossReport::default());
        assert!(!status.is_healthy());
    }

    #[test]
    fn only_a_trouble_that_needs_somebody_makes_it_unhealthy() {
        let mut status = status();
        status.ledger.queued = 1;
        let mut healthy = Vec::new();
        for &problem in Problem::ALL {
            status.trouble = Some(Trouble {
                problem,
                status: None,
                words: String::new(),
                since: 0,
            });
            if status.is_healthy() {
                healthy.push(problem.code());
            }
        }
        healthy.sort_unstable();
        let by_itself = ["broken", "busy", "server_error", "timed_out", "unreachable"];
        assert_eq!(healthy, by_itself);
    }
}
