//! Times at the language border: whole milliseconds and nanoseconds, from which the platform's own instants and
//! durations are made. A platform that keeps times as fractions of seconds, as Swift does with dates, rounds them
//! itself: truncated here, 0.29 s would become 0.28.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An instant, kept to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(pub i64);

uniffi::custom_newtype!(
    /// An instant, kept to the millisecond.
    Timestamp, i64
);

impl From<Timestamp> for SystemTime {
    /// Converts times before 1970, too: a device without a clock battery may report one.
    fn from(Timestamp(millis): Timestamp) -> Self {
        let distance = Duration::from_millis(millis.unsigned_abs());
        if millis < 0 {
            UNIX_EPOCH - distance
        } else {
            UNIX_EPOCH + distance
        }
    }
}

impl From<SystemTime> for Timestamp {
    /// Rounds down to the millisecond; a time out of range becomes the furthest one.
    fn from(time: SystemTime) -> Self {
        let millis = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => {
                let millis = before.duration().as_nanos().div_ceil(1_000_000);
                i64::try_from(millis).map_or(i64::MIN, |millis| -millis)
            }
        };
        Self(millis)
    }
}

/// A length of time in nanoseconds, at most some 292 years. What fits no number crosses as the longest or the shortest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan(pub i64);

uniffi::custom_newtype!(
    /// A length of time, at most some 292 years.
    TimeSpan, i64
);

impl From<Duration> for TimeSpan {
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl From<TimeSpan> for Duration {
    /// Takes a negative wait or age for none.
    fn from(TimeSpan(nanos): TimeSpan) -> Self {
        Self::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }
}

impl TimeSpan {
    /// Returns the length for a statement, where nothing else may be written than was meant; `None` for one that is
    /// negative or fits no number.
    pub(crate) fn exact(self) -> Option<Duration> {
        let nanos = u64::try_from(self.0).ok();
        nanos
            .filter(|_| self.0 != i64::MAX)
            .map(Duration::from_nanos)
    }
}

/// Expectation of a length in a statement.
pub(crate) const EXPECTED_LENGTH: &str =
    "a length of time from 0 to 292 years, taken by a clock that nobody sets";

/// Returns the whole milliseconds; of a negative length a negative number.
pub(crate) fn millis(span: TimeSpan) -> i64 {
    span.0.div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_lie_on_both_sides_of_1970() {
        let distance = Duration::from_millis(1_500);
        assert_eq!(SystemTime::from(Timestamp(1_500)), UNIX_EPOCH + distance);
        assert_eq!(SystemTime::from(Timestamp(-1_500)), UNIX_EPOCH - distance);
        let finer = Duration::from_nanos(1_500_000_001);
        assert_eq!(Timestamp::from(UNIX_EPOCH + finer), Timestamp(1_500));
        assert_eq!(Timestamp::from(UNIX_EPOCH - finer), Timestamp(-1_501));
    }

    #[test]
    fn what_fits_no_number_is_the_longest_or_nothing() {
        let millis_of = |duration: Duration| millis(duration.into());
        assert_eq!(millis_of(Duration::from_millis(1_500)), 1_500);
        assert_eq!(TimeSpan::from(Duration::MAX), TimeSpan(i64::MAX));
        assert_eq!(Duration::from(TimeSpan(1_500)), Duration::from_nanos(1_500));
        assert_eq!(Duration::from(TimeSpan(-1)), Duration::ZERO);
        assert_eq!(TimeSpan(1_500).exact(), Some(Duration::from_nanos(1_500)));
        for inexact in [-1, i64::MIN, i64::MAX] {
            assert_eq!(TimeSpan(inexact).exact(), None);
        }
    }
}
