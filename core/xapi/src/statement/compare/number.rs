//! Changes that an LRS may make to a number.
//!
//! It has to keep no more than the precision of a 32-bit float (Data 2.2; IEEE 9274.1.1, 4.2.4.2), which
//! applies to a number written with a fraction or an exponent. Counts, identifiers and instants are written as
//! integers, and no LRS is known to change one up to 2^53; beyond that some keep a double.

use std::cmp::Ordering::{Equal, Greater};

use crate::statement::formats::decimal::compare;
use crate::steps;

/// 2^53: up to here a double holds every integer.
const EXACT: &str = "9007199254740992";

/// Tells whether an LRS that was sent `ours` may return `theirs`. Both are JSON numbers, as written.
pub(super) fn may_become(ours: &str, theirs: &str) -> bool {
    steps::add(ours.len() + theirs.len());
    if ours == theirs {
        return true;
    }
    if is_integer(ours) && is_integer(theirs) {
        return compare(ours, theirs) == Equal || is_rounded(ours, theirs);
    }
    match (ours.parse::<f64>(), theirs.parse::<f64>()) {
        (Ok(ours), Ok(theirs)) => {
            (ours - theirs).abs() <= ours.abs().max(theirs.abs()) * f64::from(f32::EPSILON)
        }
        _ => false,
    }
}

fn is_integer(text: &str) -> bool {
    !text.contains(['.', 'e', 'E'])
}

/// Tells whether `theirs` is the integer `ours` rounded to a double: written out in full, or in the fewest
/// digits that identify the double, followed by zeros.
fn is_rounded(ours: &str, theirs: &str) -> bool {
    if compare(ours.trim_start_matches('-'), EXACT) != Greater {
        return false;
    }
    ours.parse::<f64>().is_ok_and(|double| {
        [format!("{double:.0}"), format!("{double}")]
            .iter()
            .any(|written| compare(written, theirs) == Equal)
    })
}

#[cfg(test)]
mod tests {
    use super::may_become;

    #[test]
    fn integers_are_exact_up_to_2_to_the_53rd_and_doubles_beyond() {
        for (ours, theirs, may) in [
            ("7", "7", true),
            ("0", "-0", true),
            ("1714842000123", "1714842000124", false),
            ("1714842000123", "1714847400123", false),
            ("9007199254740991", "9007199254740992", false),
            ("9007199254740992", "9007199254740993", false),
            ("9007199254740992", "9007199254740994", false),
            ("9007199254740993", "9007199254740992", true),
            ("9007199254740993", "9007199254740994", false),
            ("-9007199254740993", "-9007199254740992", true),
            ("12345678901234567890", "12345678901234567000", true),
            ("12345678901234567890", "12345678901234567168", true),
            ("12345678901234567890", "12345678901234567891", false),
            ("12345678901234567890", "12345678901234569000", false),
            ("12345678901234567890", "1.2345678901234567e+19", true),
            (
                "123456789012345678901234567890",
                "123456789012345680000000000000",
                true,
            ),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567891",
                false,
            ),
        ] {
            assert_eq!(may_become(ours, theirs), may, "{ours} and {theirs}");
        }
    }

    #[test]
    fn fractions_have_the_precision_of_32_bits() {
        for (ours, theirs, may) in [
            ("0.50", "0.5", true),
            ("5", "5.0", true),
            ("0.12123434", "0.12123434245586395", true),
            ("0.1", "0.1000001", false),
            ("1e5", "100000", true),
            ("1.5", "2", false),
        ] {
            assert_eq!(may_become(ours, theirs), may, "{ours} and {theirs}");
        }
    }
}
