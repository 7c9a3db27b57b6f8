//! When do we try again?
//!
//! Exponential backoff with full jitter: a hall full of devices that lost the LRS at the same moment must not
//! come back at the same moment. The delays come from backon's iterator without sleeping: the number of
//! failures and the end of the wait are in the database.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::sync::policy;

/// A growing series of waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Longest first wait.
    pub first: Duration,
    /// Factor by which each wait is longer than the previous one.
    pub factor: f32,
    /// Longest wait of all.
    pub longest: Duration,
}

/// The backoff of every collector after failures of the LRS as a whole.
pub const BACKOFF: Backoff = Backoff {
    first: policy::FIRST_BACKOFF,
    factor: policy::BACKOFF_FACTOR,
    longest: policy::LONGEST_BACKOFF,
};

/// The backoff for one refused statement.
const SUSPICION: Backoff = Backoff {
    first: policy::FIRST_SUSPICION,
    factor: policy::BACKOFF_FACTOR,
    longest: policy::LONGEST_SUSPICION,
};

/// The backoff for contents of attachments.
const WITHOUT_CONTENTS: Backoff = Backoff {
    first: policy::FIRST_WITHOUT_CONTENTS,
    factor: policy::WITHOUT_CONTENTS_FACTOR,
    longest: policy::LONGEST_WITHOUT_CONTENTS,
};

impl Backoff {
    /// Returns the wait after this many consecutive failures (1 for the first), drawn from the whole range.
    pub fn delay(&self, failures: u32, rng: &mut fastrand::Rng) -> Duration {
        policy::SHORTEST_BACKOFF
            + self
                .ceiling(failures)
                .saturating_sub(policy::SHORTEST_BACKOFF)
                .mul_f64(rng.f64())
    }

    /// Returns the wait if the LRS asks for one: never shorter than asked, and longer by a random amount, since
    /// it asks everybody for the same. The amount is at most the wait asked for or the backoff, whichever is
    /// longer: an LRS that asks for a second may have work for an hour.
    pub fn after(&self, asked: Duration, failures: u32, rng: &mut fastrand::Rng) -> Duration {
        let asked = asked.min(policy::LONGEST_RETRY_AFTER);
        let spread = self.ceiling(failures).max(asked.min(self.longest));
        asked + spread.mul_f64(rng.f64())
    }

    /// Returns the longest wait after this many consecutive failures.
    fn ceiling(&self, failures: u32) -> Duration {
        ExponentialBuilder::default()
            .with_factor(self.factor)
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_max_times(usize::MAX)
            .build()
            // From this many failures on, it is the longest anyway.
            .nth(failures.saturating_sub(1).min(32) as usize)
            .unwrap_or(self.longest)
    }
}

/// Returns the wait after this many consecutive failures (1 for the first), by [`BACKOFF`].
pub fn delay(failures: u32, rng: &mut fastrand::Rng) -> Duration {
    BACKOFF.delay(failures, rng)
}

/// Returns the wait before one more statement with contents is tried at an LRS that bore none so many times in a row: half
/// of it at least, so that soon it is asked rarely.
pub fn without_contents(failures: u32, rng: &mut fastrand::Rng) -> Duration {
    let half = WITHOUT_CONTENTS.ceiling(failures) / 2;
    half + half.mul_f64(rng.f64())
}

/// Returns the wait before a statement that was refused this many times before is tried again. Each try costs
/// three requests, perhaps for ever: a gateway that blocks it may never let it pass.
pub fn suspicion(refused: u32, rng: &mut fastrand::Rng) -> Duration {
    SUSPICION.delay(refused + 1, rng)
}

/// Returns the wait if the LRS asks for one, by [`BACKOFF`].
pub fn after(asked: Duration, failures: u32, rng: &mut fastrand::Rng) -> Duration {
    BACKOFF.after(asked, failures, rng)
}

/// Returns the wait before the first request once the network is back. It is drawn from a range that grows with
/// the time without network, since a hall full of devices gets it back at the same moment: at most 30 seconds
/// after half an hour, at most two after a tunnel.
pub fn network_back(away: Duration, rng: &mut fastrand::Rng) -> Duration {
    (away / 60)
        .clamp(policy::NETWORK_BACK_AT_LEAST, policy::NETWORK_BACK_WITHIN)
        .mul_f64(rng.f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_the_longest_and_is_spread_over_the_whole_range() {
        let mut rng = fastrand::Rng::with_seed(7);
        for (failures, ceiling) in [
            (0, 2),
            (1, 2),
            (2, 4),
            (5, 32),
            (9, 512),
            (10, 900),
            (u32::MAX, 900),
        ] {
            let delays: Vec<_> = (0..2_000).map(|_| delay(failures, &mut rng)).collect();
            let (at_once, ceiling) = (Duration::from_millis(250), Duration::from_secs(ceiling));
            let (low, high) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
            assert!(
                *low >= at_once && *low < at_once + ceiling / 20,
                "{failures}: {low:?}"
            );
            assert!(
                *high <= ceiling && *high > ceiling.mul_f64(0.95),
                "{failures}: {high:?}"
            );
        }
    }

    #[test]
    fn never_comes_earlier_than_told_and_never_with_all_the_others() {
        let mut rng = fastrand::Rng::with_seed(7);
        for (asked, failures, spread) in [
            (30, 1, 30),
            (1, 5, 32),
            (1, 1, 2),
            (7_200, 1, 900),
            (100 * 86_400, 1, 900),
        ] {
            let waits: Vec<_> = (0..2_000)
                .map(|_| after(Duration::from_secs(asked), failures, &mut rng))
                .collect();
            let told = Duration::from_secs(asked).min(Duration::from_hours(24));
            let spread = Duration::from_secs(spread);
            let (low, high) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(
                *low >= told && *low < told + spread / 20,
                "{asked}: {low:?}"
            );
            assert!(
                *high <= told + spread && *high > told + spread.mul_f64(0.95),
                "{asked}: {high:?}"
            );
        }
    }

    #[test]
    fn who_was_away_for_long_comes_back_less_hurriedly() {
        let mut rng = fastrand::Rng::with_seed(7);
        for (away, within) in [(0, 2), (60, 2), (600, 10), (86_400, 30)] {
            let waits: Vec<_> = (0..2_000)
                .map(|_| network_back(Duration::from_secs(away), &mut rng))
                .collect();
            let within = Duration::from_secs(within);
            let (low, high) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(*low < within / 20, "{away}: {low:?}");
            assert!(
                *high <= within && *high > within.mul_f64(0.95),
                "{away}: {high:?}"
            );
        }
    }
}
