//! Changes that an LRS may make to a number.
//!
//! It has to keep no more than the precision of a 32-bit float (Data 2.2; IEEE 9274.1.1, 4.2.4.2), which
//! applies to a number written with a fraction or an exponent: it may return that float, and no other number near it.
//! Counts, identifiers and instants are written as integers, and no LRS is known to change one up to 2^53; beyond that
//! some keep a double.

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
            let kept = |kept: f64| (kept - theirs).abs() <= theirs.abs() * SLACK;
            kept(ours) || as_float(ours).is_some_and(|floats| floats.into_iter().any(kept))
        }
        _ => false,
    }
}

/// Relative difference by which two texts of one number may differ: some round to a few digits less than a double has.
const SLACK: f64 = 1e-9;

/// Returns what an LRS returns of this number that keeps it as a 32-bit float: that float as a double, or in the fewest
/// digits that identify it. None where it has no such float.
fn as_float(number: f64) -> Option<[f64; 2]> {
    let float = number as f32;
    let shortest = format!("{float}").parse().ok()?;
    float.is_finite().then_some([f64::from(float), shortest])
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
            ("0.12123434", "0.12123434", true),
            ("0.123456789", "0.12345679", true),
            ("123456.78", "123456.78125", true),
            ("1790000000.123", "1790000000", true),
            ("1790000000.123", "1790000128", false),
            ("1790000000.123", "1790000128.9", false),
            ("123456.78", "123456.79", false),
            ("85.5", "85.50001", false),
            ("1.1", "1.1000001", false),
            ("1.1", "1.100000023841858", true),
            ("0.1", "0.1000001", false),
            ("1e39", "1.0000001e39", false),
            ("0.30000000000000004", "0.3", true),
            ("1e5", "100000", true),
            ("1.5", "2", false),
        ] {
            assert_eq!(may_become(ours, theirs), may, "{ours} and {theirs}");
        }
    }
}
