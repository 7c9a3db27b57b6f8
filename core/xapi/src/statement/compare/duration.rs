//! Changes that an LRS may make to a duration, and those that LRSs do make.
//!
//! By the standard it is text of which digits beyond 0.01 s may be cut (Data 4.6; IEEE 9274.1.1, 4.2.7). Real
//! LRSs keep the length, not the text: they write 90 s as 1 min 30 s, a week as 7 days, a month as 30 days, and
//! cut to hundredths in floating point, which may end one hundredth too low. So lengths are compared. No LRS is
//! known to round up.

use crate::statement::formats::length::{DAY, Length, SECOND};
use crate::steps;

const HUNDREDTH: i128 = SECOND / 100;

/// Tells whether an LRS that was sent `ours` may return `theirs`.
pub(super) fn may_become(ours: &str, theirs: &str) -> bool {
    steps::add(ours.len() + theirs.len());
    let (Some(ours), Some(theirs)) = (Length::of(ours), Length::of(theirs)) else {
        return ours == theirs;
    };
    let may = |ours_ns: i128, theirs_ns: i128| {
        let lost = ours_ns / HUNDREDTH - theirs_ns / HUNDREDTH;
        // A fraction of an hour or a day is only approximately a number of seconds.
        lost == 0 || lost == 1 || (ours.is_coarse && lost == -1)
    };
    let fixed = |length: &Length| length.months * 30 * DAY + length.years * 365 * DAY + length.rest;
    let months = |length: &Length| length.years * 12 + length.months;
    may(fixed(&ours), fixed(&theirs))
        || (months(&ours) == months(&theirs) && may(ours.rest, theirs.rest))
}

#[cfg(test)]
mod tests {
    use super::may_become;

    #[test]
    fn what_lrss_make_of_durations() {
        for (ours, theirs) in [
            ("PT0.29S", "PT0.28S"),
            ("PT61.234S", "PT61.23S"),
            ("PT61.239S", "PT61.22S"),
            ("PT05S", "PT5S"),
            ("PT90S", "PT1M30S"),
            ("PT36H", "P1DT12H"),
            ("PT5H0M", "PT5H"),
            ("P1W", "P7D"),
            ("P0D", "PT0S"),
            ("P1Y2M", "P1Y60D"),
            ("P14M", "P1Y55D"),
            ("P14M", "P1Y2M"),
            ("PT1,50S", "PT1.5S"),
            ("PT0.5H", "PT30M"),
            ("PT0.3333333333H", "PT20M"),
            ("P1.5W", "P10DT12H"),
        ] {
            assert!(may_become(ours, theirs), "{ours} and {theirs}");
        }
    }

    #[test]
    fn what_no_lrs_makes_of_durations() {
        for (ours, theirs) in [
            ("PT0.29S", "PT0.27S"),
            ("PT0.28S", "PT0.29S"),
            ("PT61.239S", "PT61.24S"),
            ("PT1M", "PT1H"),
            ("P1M", "PT1M"),
            ("P1M", "P31D"),
            ("P14M", "P1Y60D"),
            ("PT5S", "5"),
            ("PT5S", ""),
            ("PT9999999999999999S", "PT9999999999999998S"),
        ] {
            assert!(!may_become(ours, theirs), "{ours} and {theirs}");
        }
        assert!(may_become("PT9999999999999999S", "PT9999999999999999S"));
    }
}
