//! Instants: unix milliseconds in the core, the platform's own instants in Kotlin and Swift.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Before 1970, too: a device without a clock battery may say so.
pub(crate) fn instant(millis: i64) -> SystemTime {
    let distance = Duration::from_millis(millis.unsigned_abs());
    if millis < 0 {
        UNIX_EPOCH - distance
    } else {
        UNIX_EPOCH + distance
    }
}

/// The longest that fits where a duration does not.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_lie_on_both_sides_of_1970() {
        assert_eq!(instant(1_500), UNIX_EPOCH + Duration::from_millis(1_500));
        assert_eq!(instant(-1_500), UNIX_EPOCH - Duration::from_millis(1_500));
        assert_eq!(millis(Duration::from_millis(1_500)), 1_500);
        assert_eq!(millis(Duration::MAX), i64::MAX);
    }
}
