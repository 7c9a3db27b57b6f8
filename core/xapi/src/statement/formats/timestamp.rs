//! Timestamps: the forms that are accepted, the instant they mean, and how Pannier writes one.
//!
//! Version 2.0.0 requires RFC 3339. Version 1.0.3 requires a date and a time of day by ISO 8601, which is
//! wider. Of that, only a calendar date with the time of day is accepted, both in extended format
//! (`2024-05-04T17:00:00Z`) or both in basic format (`20240504T170000Z`). They may lack the seconds and the
//! zone and may have a decimal comma. Week and ordinal dates, dates without time and `24:00` are refused:
//! servers differ on them. Offsets other than UTC are accepted in both versions, since an LRS has to convert
//! them. The offset `-00:00`, which means that none is known, is refused in both.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time, date};

use crate::statement::version::XapiVersion;
use crate::steps;

const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// Reads a timestamp that `version` allows; returns its instant in Unix milliseconds, cut after the third
/// decimal of the second. Without a zone it is taken as UTC.
pub(crate) fn parse(text: &str, version: XapiVersion) -> Option<i64> {
    steps::add(text.len());
    let strict = version == XapiVersion::V2_0_0;
    let mut rest = Rest(text.as_bytes());
    let year = rest.digits(4)?;
    let basic = !strict && !rest.starts_with(b"-");
    rest.separator(b"-", basic)?;
    let month = rest.digits(2)?;
    rest.separator(b"-", basic)?;
    let day = rest.digits(2)?;
    rest.one_of(if strict { b"Tt" } else { b"T" })?;
    let hour = rest.digits(2)?;
    rest.separator(b":", basic)?;
    let minute = rest.digits(2)?;
    let mut second = 0;
    let mut millisecond = 0;
    let has_seconds = if basic {
        rest.starts_with_digit()
    } else {
        rest.starts_with(b":")
    };
    if strict || has_seconds {
        rest.separator(b":", basic)?;
        second = rest.digits(2)?;
        if rest.one_of(if strict { b"." } else { b".," }).is_some() {
            millisecond = rest.fraction()?;
        }
    }
    let offset = match rest.0 {
        [] if !strict => 0,
        [b'Z'] => 0,
        [b'z'] if strict => 0,
        _ => rest.offset(strict, basic)?,
    };

    let leap = second == 60;
    let date = Date::new(year as i16, month as i8, day as i8).ok()?;
    let time = Time::new(
        hour as i8,
        minute as i8,
        if leap { 59 } else { second as i8 },
        0,
    )
    .ok()?;
    let seconds = DateTime::from_parts(date, time)
        .duration_since(EPOCH)
        .as_secs()
        - i64::from(offset) * 60;
    if leap {
        ends_a_month(seconds)?;
    }
    Some((seconds + i64::from(leap)) * 1000 + i64::from(millisecond))
}

/// Writes an instant as `YYYY-MM-DDTHH:MM:SS.mmmZ`, which no LRS needs to rewrite. An instant outside the years
/// 0 to 9999 is moved to the nearest one inside, which is returned too.
pub(crate) fn write(unix_ms: i64) -> (String, i64) {
    // 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
    let ms = unix_ms.clamp(-62_167_219_200_000, 253_402_300_799_999);
    (
        format!(
            "{:.3}Z",
            EPOCH.saturating_add(SignedDuration::from_millis(ms))
        ),
        ms,
    )
}

/// Returns the year of an instant in UTC.
pub(crate) fn year(unix_ms: i64) -> i16 {
    EPOCH
        .saturating_add(SignedDuration::from_millis(unix_ms))
        .year()
}

/// Tells whether a timestamp's seconds, which have a fixed place in each of its formats, are 60.
pub(crate) fn is_leap_second(timestamp: &str) -> bool {
    let is_extended = timestamp.as_bytes().get(4) == Some(&b'-');
    let seconds = if is_extended { 17..19 } else { 13..15 };
    timestamp.get(seconds) == Some("60")
}

/// Returns `Some` if the next second begins a month in UTC: only then can there be a leap second.
fn ends_a_month(seconds: i64) -> Option<()> {
    let next = EPOCH
        .checked_add(SignedDuration::from_secs(seconds + 1))
        .ok()?;
    (next.day() == 1 && next.time() == Time::midnight()).then_some(())
}

/// The bytes still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn starts_with(&self, prefix: &[u8]) -> bool {
        self.0.starts_with(prefix)
    }

    fn starts_with_digit(&self) -> bool {
        self.0.first().is_some_and(u8::is_ascii_digit)
    }

    /// Takes the separator of two numbers, which is absent in basic format.
    fn separator(&mut self, mark: &[u8], basic: bool) -> Option<()> {
        if basic {
            return Some(());
        }
        self.one_of(mark).map(drop)
    }

    /// Takes one of the given bytes.
    fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !allowed.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }

    fn digit(&mut self) -> Option<u32> {
        self.one_of(b"0123456789")
            .map(|digit| u32::from(digit - b'0'))
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        (0..count).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    /// Takes the digits of a fraction, at least one, and returns the first three as thousandths.
    fn fraction(&mut self) -> Option<u32> {
        let mut thousandths = self.digit()? * 100;
        let mut worth = 10;
        while let Some(digit) = self.digit() {
            thousandths += digit * worth;
            worth /= 10;
        }
        Some(thousandths)
    }

    /// Takes an offset up to the end of the text, and returns it in minutes.
    fn offset(&mut self, strict: bool, basic: bool) -> Option<i32> {
        let sign = if self.one_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.digits(2)?;
        let colon = self.one_of(b":").is_some();
        let minutes = match strict {
            true if !colon => return None,
            _ if basic && colon => return None,
            false if !colon && self.0.is_empty() => 0,
            _ => self.digits(2)?,
        };
        let known = sign > 0 || hours + minutes > 0;
        (self.0.is_empty() && hours < 24 && minutes < 60 && known)
            .then_some(sign * (hours * 60 + minutes) as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use XapiVersion::{V1_0_3, V2_0_0};

    #[test]
    fn both_versions() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00.5Z", 500),
            ("1970-01-01T00:00:00.123456789Z", 123),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1970-01-01T00:00:00+00:00", 0),
            ("1969-12-31T18:30:00-05:30", 0),
            ("2024-05-04T17:00:00.000Z", 1_714_842_000_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("2017-01-01T00:59:60.25+01:00", 1_483_228_800_250),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000),
            ("9999-12-31T23:59:59.999-23:59", 253_402_387_139_999),
        ] {
            assert_eq!(parse(text, V1_0_3), Some(ms), "{text}");
            assert_eq!(parse(text, V2_0_0), Some(ms), "{text}");
        }
    }

    #[test]
    fn iso_8601_is_wider() {
        for (text, ms) in [
            ("1970-01-01T00:01Z", 60_000),
            ("1970-01-01T00:00:01", 1000),
            ("1970-01-01T00:01", 60_000),
            ("1970-01-01T00:00:00,25Z", 250),
            ("1970-01-01T01:00:00+01", 0),
            ("1970-01-01T01:30:00+0130", 0),
            ("19700101T000001Z", 1000),
            ("20240504T170000Z", 1_714_842_000_000),
            ("20240504T190000.250+0200", 1_714_842_000_250),
            ("20240504T190000,25+02", 1_714_842_000_250),
            ("20240504T1700Z", 1_714_842_000_000),
            ("20240504T170000", 1_714_842_000_000),
            ("20161231T235960Z", 1_483_228_800_000),
        ] {
            assert_eq!(parse(text, V1_0_3), Some(ms), "{text}");
            assert_eq!(parse(text, V2_0_0), None, "{text}");
        }
        assert_eq!(parse("1970-01-01t00:00:00z", V2_0_0), Some(0));
        assert_eq!(parse("1970-01-01t00:00:00z", V1_0_3), None);
    }

    #[test]
    fn neither_version() {
        for text in [
            "",
            "yesterday",
            "05/04/2024",
            "1714842000",
            "2024-05-04",
            "2024-125T17:00:00Z",
            "2024-W18-6T17:00:00Z",
            "20240504T17:00:00Z",
            "2024-05-04T170000Z",
            "202405-04T170000Z",
            "2024-0504T170000Z",
            "20240504T1700:00Z",
            "20240504T170000+02:00",
            "20240504170000Z",
            "20240504T17Z",
            "20240504",
            "2024W186T170000Z",
            "2024125T170000Z",
            "20240230T170000Z",
            "20240504T170000-0000",
            "2024-05-04 17:00:00Z",
            "2024-05-04T17Z",
            "2024-05-04T24:00:00Z",
            "2024-05-04T25:00:00Z",
            "2024-05-04T17:60:00Z",
            "2024-05-04T17:00:61Z",
            "2024-05-04T17:00:60Z",
            "2024-02-30T17:00:00Z",
            "2023-02-29T17:00:00Z",
            "2024-13-01T17:00:00Z",
            "2024-00-01T17:00:00Z",
            "2024-05-04T17:00:00.Z",
            "2024-05-04T17:00:00ZZ",
            "2024-05-04T17:00:00Z ",
            "2024-05-04T17:00:00-00",
            "2024-05-04T17:00:00-0000",
            "2024-05-04T17:00:00-00:00",
            "2024-05-04T17:00:00+24:00",
            "2024-05-04T17:00:00+01:60",
            "2024-05-04T17:00:00+1:00",
            "+2024-05-04T17:00:00Z",
            "2024-05-04T17:00:00é",
        ] {
            assert_eq!(parse(text, V1_0_3), None, "{text}");
            assert_eq!(parse(text, V2_0_0), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        assert_eq!(write(0).0, "1970-01-01T00:00:00.000Z");
        assert_eq!(write(1_714_842_000_007).0, "2024-05-04T17:00:00.007Z");
        assert_eq!(write(-1).0, "1969-12-31T23:59:59.999Z");
        for ms in [
            i64::MIN,
            -62_167_219_200_000,
            -1,
            0,
            1,
            1_714_842_000_007,
            i64::MAX,
        ] {
            let (text, ms) = write(ms);
            assert_eq!(text.len(), 24, "{text}");
            assert_eq!(parse(&text, V2_0_0), Some(ms), "{text}");
        }
    }
}
