//! The list of suspects, and the place in the log where a session goes on after them. Their fate is decided in
//! `refused_alone`.

use super::task::Pending;
use crate::store::{HoldReason, Millis};
use crate::sync::meaning::Blame;
use crate::sync::policy;

/// A statement that was refused when it was sent alone.
#[derive(Debug, Clone)]
pub(crate) struct Suspect {
    pub(crate) item: Pending,
    pub(crate) blame: Blame,
    /// Number of requests that the upstream had taken statements of by then.
    pub(crate) taken: u64,
    /// Tells whether the LRS refused it before and has taken others since.
    pub(crate) confirmed: bool,
    /// Time of the refusal, by the device's clock.
    pub(crate) at: Millis,
    /// The LRS's clock minus the device's at that time.
    pub(crate) skew: Option<Millis>,
}

impl Suspect {
    /// Returns how far its timestamp lay in the LRS's future when that refused it, if the LRS's clock is known.
    pub(crate) fn lay_ahead_by(&self) -> Option<Millis> {
        Some(self.item.row.happened_at - self.skew? - self.at)
    }
}

/// Suspects since the upstream last took something.
#[derive(Debug, Default)]
pub(crate) struct Suspects {
    pub(crate) list: Vec<Suspect>,
    /// Tells whether the upstream fails on look-ups too: it is probably down, and is not asked much more.
    pub(crate) ill: bool,
    /// Place of the last suspect when the LRS was last asked whether it still accepts the credentials and the
    /// version.
    pub(crate) verified: Option<i64>,
}

impl Suspects {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Removes those that may have been refused for the version or the credentials they were sent with. Those
    /// that it failed on stay: it may still be working on them.
    pub(crate) fn clear_refused(&mut self) {
        self.list
            .retain(|one| one.blame.reason == HoldReason::ServerError);
    }

    /// Removes a statement that the LRS has after all, or has something else under its id.
    pub(crate) fn forget(&mut self, seq: i64) {
        self.list.retain(|one| one.item.row.seq != seq);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn upstream_is_ill(&mut self) {
        self.ill = true;
    }

    /// Tells whether to look for a single statement that the LRS takes, without batches.
    pub(crate) fn is_probing(&self) -> bool {
        self.list.len() >= policy::SUSPECTS_BEFORE_PROBING
    }

    /// Returns the place in the log after which to go on: after the suspects, and by leaps towards the end once
    /// there are too many. The leaps differ each time, so that one run meets what another passed over.
    pub(crate) fn after(&self, last_seq: i64, rng: &mut fastrand::Rng) -> i64 {
        let in_log = self
            .list
            .iter()
            .filter(|one| one.item.row.aside_since.is_none());
        let last = in_log.map(|one| one.item.row.seq).max().unwrap_or(0);
        if !self.is_probing() {
            return last;
        }
        let leaps = (self.list.len() - policy::SUSPECTS_BEFORE_PROBING + 1) as u32;
        match self.list.last() {
            // The number of requests is limited.
            Some(suspect) if suspect.blame.is_401() => {
                last + rng.i64(0..=(last_seq - last - 1).max(0))
            }
            _ => leap(last, last_seq, leaps, rng),
        }
    }
}

/// Returns a random place after this one, at most half-way to the end of the log; each leap may go further.
pub(crate) fn leap(from: i64, last_seq: i64, leaps: u32, rng: &mut fastrand::Rng) -> i64 {
    let farthest = 4_i64.pow(leaps.min(16)).min((last_seq - from) / 2);
    from + rng.i64(0..=farthest.max(0))
}

/// Returns a place shortly before the end of the log: as often before the last one as before the last hundred
/// or thousand, so that one recorded just now is met soon however many precede it.
pub(crate) fn near_the_end(front: i64, last_seq: i64, rng: &mut fastrand::Rng) -> i64 {
    let all = (last_seq - front).max(1);
    let most = 1_i64 << rng.u32(0..=all.ilog2());
    last_seq - rng.i64(1..=most)
}
