//! The list of suspects, and where in the log a session goes on behind them. What becomes of them is decided in
//! `conviction`.

use super::task::Pending;
use crate::store::{HoldReason, Millis};
use crate::sync::meaning::Blame;
use crate::sync::policy;

/// A statement that was refused when it was alone.
#[derive(Debug, Clone)]
pub(crate) struct Suspect {
    pub(crate) item: Pending,
    pub(crate) blame: Blame,
    /// How many batches the upstream had taken by then.
    pub(crate) taken: u64,
    /// The LRS refused it before, and took others since.
    pub(crate) confirmed: bool,
    /// Time of the refusal, by the device's clock.
    pub(crate) at: Millis,
    /// The LRS's clock minus the device's then.
    pub(crate) skew: Option<Millis>,
}

/// The suspects since the upstream last took something.
#[derive(Debug, Default)]
pub(crate) struct Suspects {
    pub(crate) list: Vec<Suspect>,
    /// The upstream fails on look-ups too: it is probably down, and is not asked much more.
    pub(crate) ill: bool,
    /// The last one when the upstream was last asked whether it still takes us for who we are.
    pub(crate) verified: Option<i64>,
}

impl Suspects {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// They may have been refused for the version or the credentials that they were sent with. What it
    /// failed on stays: it may be at that still.
    pub(crate) fn clear_refused(&mut self) {
        self.list
            .retain(|one| one.blame.reason == HoldReason::ServerError);
    }

    /// The LRS has it after all, or something else under its id.
    pub(crate) fn forget(&mut self, seq: i64) {
        self.list.retain(|one| one.item.row.seq != seq);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn upstream_is_ill(&mut self) {
        self.ill = true;
    }

    /// Looking for one statement that the LRS takes: no batches.
    pub(crate) fn is_probing(&self) -> bool {
        self.list.len() >= policy::SUSPECTS_BEFORE_PROBING
    }

    /// Returns where in the log to go on: behind the suspects, and by leaps towards its end once there are
    /// too many. The leaps differ each time, so that one run meets what another passed over.
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
            // There are only a few questions.
            Some(suspect) if suspect.blame.is_401() => {
                last + rng.i64(0..=(last_seq - last - 1).max(0))
            }
            _ => leap(last, last_seq, leaps, rng),
        }
    }
}

/// From one place in the log towards its end, each time farther at most.
pub(crate) fn leap(from: i64, last_seq: i64, leaps: u32, rng: &mut fastrand::Rng) -> i64 {
    let farthest = 4_i64.pow(leaps.min(16)).min((last_seq - from) / 2);
    from + rng.i64(0..=farthest.max(0))
}

/// Before the last few of the log: as often before the last one as before the last hundred or thousand, so that one
/// that was recorded just now is met soon however many are in front of it.
pub(crate) fn near_the_end(front: i64, last_seq: i64, rng: &mut fastrand::Rng) -> i64 {
    let all = (last_seq - front).max(1);
    let most = 1_i64 << rng.u32(0..=all.ilog2());
    last_seq - rng.i64(1..=most)
}
