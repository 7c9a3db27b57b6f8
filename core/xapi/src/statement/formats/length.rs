//! Length of an ISO 8601 duration.

use super::duration::is_duration;

pub(crate) const SECOND: i128 = 1_000_000_000;
pub(crate) const DAY: i128 = 24 * 3600 * SECOND;

/// A duration taken apart. A fraction of a year (365 days) or a month (30 days) goes to `rest`.
pub(crate) struct Length {
    pub(crate) years: i128,
    pub(crate) months: i128,
    /// Everything else, in nanoseconds.
    pub(crate) rest: i128,
    /// Tells whether a part larger than a second has a fraction.
    pub(crate) is_coarse: bool,
    /// Tells whether a part in years or months is not zero.
    pub(crate) has_calendar_units: bool,
}

impl Length {
    /// Reads a duration. `None` if it is none, or if a number in it is 10^15 or more.
    pub(crate) fn of(text: &str) -> Option<Self> {
        if !is_duration(text) {
            return None;
        }
        let mut length = Self {
            years: 0,
            months: 0,
            rest: 0,
            is_coarse: false,
            has_calendar_units: false,
        };
        let (date, time) = text[1..].split_once('T').unwrap_or((&text[1..], ""));
        for part in date.split_inclusive(|c: char| c.is_ascii_alphabetic()) {
            let (number, unit) = part.split_at(part.len() - 1);
            length.has_calendar_units |=
                matches!(unit, "Y" | "M") && number.contains(|c| matches!(c, '1'..='9'));
            match unit {
                "Y" => length.years = length.add(number, 365 * DAY)?,
                "M" => length.months = length.add(number, 30 * DAY)?,
                "W" => length.rest += 7 * DAY * length.add(number, 7 * DAY)?,
                _ => length.rest += DAY * length.add(number, DAY)?,
            }
        }
        for part in time.split_inclusive(|c: char| c.is_ascii_alphabetic()) {
            let (number, unit) = part.split_at(part.len() - 1);
            let ns = match unit {
                "H" => 3600 * SECOND,
                "M" => 60 * SECOND,
                _ => SECOND,
            };
            length.rest += ns * length.add(number, ns)?;
        }
        Some(length)
    }

    /// Adds the fraction of a number of units, each `unit` nanoseconds long, to `rest`, and returns its whole
    /// part.
    fn add(&mut self, number: &str, unit: i128) -> Option<i128> {
        let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, ""));
        if !fraction.is_empty() {
            let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
            let billionths = digits.fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'));
            self.rest += unit * billionths / SECOND;
            self.is_coarse |= unit > SECOND;
        }
        let whole = whole.trim_start_matches('0');
        match whole {
            "" => Some(0),
            _ if whole.len() <= 15 => whole.parse().ok(),
            _ => None,
        }
    }
}
