//! Headers of an answer that Pannier reads. A value that cannot be read counts as absent: three of
//! six LRSs write dates that are no HTTP dates.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::Response;
use super::reading::common;
use crate::statement::XapiVersion;

/// Returns how long the LRS asks us to wait (`Retry-After`, RFC 9110 section 10.2.3): seconds, or a date.
///
/// A date is compared with the answer's own `Date`, since our clock may be wrong, or with `now_ms` (unix milliseconds)
/// where there is none. One that has passed is no wait at all. The value is not bounded.
pub fn retry_after(answer: &Response, now_ms: i64) -> Option<Duration> {
    let value = answer.header("Retry-After")?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // With more digits than a number can have, the longest wait counts (RFC 9110, 10.2.3; RFC 9111, 1.2.2).
        return Some(Duration::from_secs(
            value.parse::<u32>().unwrap_or(u32::MAX).into(),
        ));
    }
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = read_date(value)?;
    let now = date(answer).unwrap_or(now_ms);
    Some(Duration::from_millis(
        until.saturating_sub(now).max(0) as u64
    ))
}

/// Returns the LRS's clock when it answered (`Date`), in unix milliseconds, to the second.
pub fn date(answer: &Response) -> Option<i64> {
    read_date(answer.header("Date")?)
}

/// Returns the time up to which the LRS shows all it has (`X-Experience-API-Consistent-Through`, C 2.1.3; 9274
/// 4.1.6.1), in unix milliseconds: a statement stored before is found by a GET, if it is there.
pub fn consistent_through(answer: &Response) -> Option<i64> {
    read_date(answer.header("X-Experience-API-Consistent-Through")?)
}

/// Returns the version the LRS answers in (`X-Experience-API-Version`), if it is one of ours. It may be missing
/// (Ralph), and need not be the one that was asked for (`ADL_LRS` says 2.0.0 to 1.0.3).
pub fn xapi_version(answer: &Response) -> Option<XapiVersion> {
    common(answer.header("X-Experience-API-Version")?)
}

/// Reads a date in any of the forms met in the wild, as unix milliseconds.
fn read_date(text: &str) -> Option<i64> {
    let text = text.trim();
    let read = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| read_http_date(text))?;
    Some(read.as_millisecond())
}

/// Reads the three forms of RFC 9110, section 5.6.7, and Django's `Mon, 23-Nov-2026 10:00:00 UTC`: a weekday, then day,
/// month, year and time in one order or the other.
fn read_http_date(text: &str) -> Option<Timestamp> {
    let mut words = text.split([' ', ',', '-']).filter(|word| !word.is_empty());
    // The weekday says nothing new, may be written out, and is wrong on some servers.
    words.next()?;
    let (mut month, mut time, mut numbers) = (None, None, Vec::new());
    for word in words {
        if let Some(at) = MONTHS.iter().position(|name| *name == word) {
            month = Some(at as i8 + 1);
        } else if word.contains(':') {
            time = Some(read_time(word)?);
        } else if !matches!(word, "GMT" | "UTC" | "+0000") {
            numbers.push(word.parse::<u16>().ok()?);
        }
    }
    let [day, year] = numbers[..] else {
        return None;
    };
    // The turn of the century lies where C's `%y` puts it.
    let year = match year {
        0..69 => 2000 + year,
        69..100 => 1900 + year,
        _ => year,
    };
    let date = Date::new(year.try_into().ok()?, month?, day.try_into().ok()?).ok()?;
    let read = DateTime::from_parts(date, time?);
    TimeZone::UTC.to_timestamp(read).ok()
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn read_time(text: &str) -> Option<Time> {
    let mut parts = text.split(':').map(|part| part.parse::<i8>().ok());
    let mut part = || parts.next().flatten();
    let time = Time::new(part()?, part()?, part()?, 0).ok()?;
    parts.next().is_none().then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T10:00:00Z, a Monday.
    const TEN: i64 = 1_795_428_000_000;

    fn answer(headers: &[(&str, &str)]) -> Response {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Response {
            status: 503,
            headers: headers.iter().map(owned).collect(),
            body: Vec::new(),
            cut: false,
        }
    }

    #[test]
    fn dates_are_read_in_every_form_met() {
        for text in [
            "Mon, 23 Nov 2026 10:00:00 GMT",
            "Mon, 23 Nov 2026 10:00:00 +0000",
            "Tue, 23 Nov 2026 10:00:00 GMT",
            "Monday, 23-Nov-26 10:00:00 GMT",
            "Mon Nov 23 10:00:00 2026",
            "Mon, 23-Nov-2026 10:00:00 UTC",
            "2026-11-23T10:00:00Z",
            "2026-11-23T12:00:00.000+02:00",
        ] {
            assert_eq!(date(&answer(&[("date", text)])), Some(TEN), "{text}");
        }
        assert_eq!(
            consistent_through(&answer(&[(
                "X-Experience-API-Consistent-Through",
                "2026-11-23T10:00:00.123456Z"
            )])),
            Some(TEN + 123)
        );
    }

    #[test]
    fn the_first_day_of_a_month_may_be_padded_with_a_space() {
        let padded = answer(&[("Date", "Sun Nov  1 10:00:00 2026")]);
        let day = 24 * 60 * 60 * 1000;
        assert_eq!(date(&padded), Some(TEN - 22 * day));
    }

    #[test]
    fn a_year_of_two_digits_is_near() {
        let of_1994 = answer(&[("Date", "Sunday, 06-Nov-94 08:49:37 GMT")]);
        assert_eq!(date(&of_1994), Some(784_111_777_000));
    }

    #[test]
    fn what_is_no_date_counts_as_absent() {
        for text in [
            "Mon, 23 Nov 2026 10:00:00 EST",
            "Mon, 23 Nov 2026 10:00 GMT",
            "Mon, 23 Nov 2026 10:00:00:00 GMT",
            "Mon, 23 Nov 99999 10:00:00 GMT",
            "Mon, 23 Nov 2026 25:00:00 GMT",
            "Mon, 23 Nov GMT",
            "Mon, Nov 10:00:00 2026",
            "",
            "soon",
            "Mon, ",
            "Mon, 31 Feb 2026 10:00:00 GMT",
            "23/11/2026",
            "é, é",
        ] {
            assert_eq!(date(&answer(&[("Date", text)])), None, "{text}");
        }
        assert_eq!(date(&answer(&[])), None);
    }

    #[test]
    fn retry_after_takes_seconds() {
        let wait = |text| retry_after(&answer(&[("Retry-After", text)]), TEN);
        assert_eq!(wait("120"), Some(Duration::from_mins(2)));
        assert_eq!(wait(" 0 "), Some(Duration::ZERO));
        assert_eq!(wait("1.5"), Some(Duration::from_millis(1500)));
        for garbage in ["-1", "NaN", "inf", "1e300", "", "5 minutes"] {
            assert_eq!(wait(garbage), None, "{garbage}");
        }
        let year = Some(Duration::from_hours(366 * 24));
        assert!(wait("99999999999999999999") > year);
        assert_eq!(retry_after(&answer(&[]), TEN), None);
    }

    #[test]
    fn retry_after_takes_a_date_by_the_clock_of_the_lrs() {
        let at = ("Retry-After", "Mon, 23 Nov 2026 10:01:00 GMT");
        let minute = Some(Duration::from_mins(1));
        assert_eq!(retry_after(&answer(&[at]), TEN), minute);
        // Our clock stands in 1970; the answer's own Date does not.
        let dated = answer(&[at, ("Date", "Mon, 23 Nov 2026 10:00:00 GMT")]);
        assert_eq!(retry_after(&dated, 0), minute);
        let passed = retry_after(&answer(&[at]), TEN + 120_000);
        assert_eq!(passed, Some(Duration::ZERO));
    }

    #[test]
    fn the_version_is_read_as_far_as_we_speak_it() {
        let said = |text| xapi_version(&answer(&[("x-experience-api-version", text)]));
        assert_eq!(said("1.0.1"), Some(XapiVersion::V1_0_3));
        assert_eq!(said("2.0.0"), Some(XapiVersion::V2_0_0));
        assert_eq!(said("0.95"), None);
        assert_eq!(xapi_version(&answer(&[])), None);
    }
}
