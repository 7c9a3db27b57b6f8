//! When do we try again?
//!
//! Exponential with full jitter: a hall full of devices that lost the LRS at the same moment must
//! not come back at the same moment. The delays come from backon's iterator, which is never slept
//! on: the number of failures lies in the database, and the wait is written there too.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// Longest first wait.
const FIRST: Duration = Duration::from_secs(2);

/// Longest wait of all. A device that was away for a day is late by a quarter of an hour at most.
pub const LONGEST: Duration = Duration::from_mins(15);

/// Longest wait that an LRS may ask for; a longer one is a mistake or an attack.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Shortest wait: even full jitter must not mean at once.
const SHORTEST: Duration = Duration::from_millis(250);

/// The wait after so many failures in a row (1 for the first), somewhere in the whole range.
pub fn delay(failures: u32, rng: &mut fastrand::Rng) -> Duration {
    let ceiling = ExponentialBuilder::default()
        .with_factor(2.0)
        .with_min_delay(FIRST)
        .with_max_delay(LONGEST)
        .with_max_times(usize::MAX)
        .build()
        // Beyond the tenth doubling it is the longest anyway.
        .nth(failures.saturating_sub(1).min(16) as usize)
        .unwrap_or(LONGEST);
    SHORTEST + ceiling.saturating_sub(SHORTEST).mul_f64(rng.f64())
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
            let ceiling = Duration::from_secs(ceiling);
            let (low, high) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
            assert!(
                *low >= SHORTEST && *low < SHORTEST + ceiling / 20,
                "{failures}: {low:?}"
            );
            assert!(
                *high <= ceiling && *high > ceiling.mul_f64(0.95),
                "{failures}: {high:?}"
            );
        }
    }
}
