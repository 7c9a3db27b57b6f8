//! Exact comparison of JSON numbers as they are written: no digit is lost to floating point.

use std::cmp::Ordering;
use std::iter::repeat;

use crate::steps;

/// Compares two JSON numbers by value.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    steps::add(a.len() + b.len());
    let (a, b) = (Decimal::of(a), Decimal::of(b));
    match (a.sign(), b.sign()) {
        (x, y) if x != y => x.cmp(&y),
        (0, _) => Ordering::Equal,
        (1, _) => a.compare_size(&b),
        _ => b.compare_size(&a),
    }
}

/// Tells whether a JSON number is written as a whole number that is not negative: digits alone.
pub(crate) fn is_count(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number taken apart: its digits without leading zeros, and the power of ten before the first.
struct Decimal<'a> {
    negative: bool,
    /// The digits before the point; `fraction` has those after it.
    whole: &'a str,
    fraction: &'a str,
    /// The value is `0.d1d2d3… × 10^magnitude`, where `d1` is the first digit that is not zero. Exponents out
    /// of range saturate; such numbers are compared by their digits alone.
    magnitude: i64,
}

impl<'a> Decimal<'a> {
    fn of(text: &'a str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let exponent: i64 = exponent.parse().unwrap_or(if exponent.starts_with('-') {
            i64::MIN
        } else {
            i64::MAX
        });
        let whole = whole.trim_start_matches('0');
        let leading = if whole.is_empty() {
            -(leading_zeros(fraction) as i64)
        } else {
            whole.len() as i64
        };
        let fraction = if whole.is_empty() {
            fraction.trim_start_matches('0')
        } else {
            fraction
        };
        Self {
            negative,
            whole,
            fraction,
            magnitude: exponent.saturating_add(leading),
        }
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.bytes().chain(self.fraction.bytes())
    }

    fn padded(&self, length: usize) -> impl Iterator<Item = u8> {
        self.digits().chain(repeat(b'0')).take(length)
    }

    fn sign(&self) -> i8 {
        match (self.digits().all(|digit| digit == b'0'), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    fn compare_size(&self, other: &Self) -> Ordering {
        self.magnitude.cmp(&other.magnitude).then_with(|| {
            let length = self.digits().count().max(other.digits().count());
            self.padded(length).cmp(other.padded(length))
        })
    }
}

fn leading_zeros(digits: &str) -> usize {
    digits.bytes().take_while(|digit| *digit == b'0').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ordering::{Equal, Greater, Less};

    #[test]
    fn numbers_compare_by_value() {
        for (a, b, order) in [
            ("0", "-0.0e5", Equal),
            ("1", "1.000", Equal),
            ("1e1", "10", Equal),
            ("100e-2", "1", Equal),
            ("0.001", "1e-3", Equal),
            ("0.0100", "0.01", Equal),
            ("1.0000000000000000000001", "1", Greater),
            ("9007199254740993", "9007199254740992", Greater),
            ("-1.01", "-1", Less),
            ("-1", "0", Less),
            ("0.5", "0", Greater),
            ("2", "10", Less),
            ("-2", "-10", Greater),
            ("0.9", "0.11", Greater),
            ("1e400", "1e399", Greater),
            ("1e-400", "0", Greater),
            ("1e99999999999999999999", "5", Greater),
            ("1e-99999999999999999999", "5", Less),
        ] {
            assert_eq!(compare(a, b), order, "{a} and {b}");
            assert_eq!(compare(b, a), order.reverse(), "{b} and {a}");
        }
    }

    #[test]
    fn counts_are_digits_alone() {
        for (text, is) in [
            ("0", true),
            ("27", true),
            ("-1", false),
            ("3.5", false),
            ("3.0", false),
            ("1e3", false),
        ] {
            assert_eq!(is_count(text), is, "{text}");
        }
    }
}
