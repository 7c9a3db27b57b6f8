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

/// A length of time, at most some 292 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan(pub Duration);

uniffi::custom_type!(
    /// A length of time, at most some 292 years.
    TimeSpan, i64, {
    lower: |span| i64::try_from(span.0.as_nanos()).unwrap_or(i64::MAX),
    // A negative length counts as zero.
    try_lift: |nanos| Ok(Self(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))),
});

impl From<TimeSpan> for Duration {
    fn from(TimeSpan(duration): TimeSpan) -> Self {
        duration
    }
}

/// Returns the whole milliseconds, or the most that fit where a duration does not.
pub(crate) fn millis(TimeSpan(duration): TimeSpan) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
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
        use uniffi::{Lift, Lower};
        assert_eq!(millis(TimeSpan(Duration::from_millis(1_500))), 1_500);
        assert_eq!(millis(TimeSpan(Duration::MAX)), i64::MAX);
        let lower = <TimeSpan as Lower<crate::UniFfiTag>>::lower;
        let lift = |nanos| <TimeSpan as Lift<crate::UniFfiTag>>::try_lift(nanos).unwrap();
        assert_eq!(lower(TimeSpan(Duration::MAX)), i64::MAX);
        assert_eq!(lift(1_500), TimeSpan(Duration::from_nanos(1_500)));
        assert_eq!(lift(-1), TimeSpan(Duration::ZERO));
    }
}
