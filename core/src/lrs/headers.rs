//! Headers of an answer that Pannier reads. A value that cannot be read counts as absent: three of
//! six LRSs write dates that are no HTTP dates.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, tz::Offset};

use super::Answer;
use super::reading::common;
use crate::statement::XapiVersion;

/// How long the LRS asks us to wait (`Retry-After`, RFC 9110 section 10.2.3): seconds, or a date.
///
/// A date is held against the answer's own `Date`, since our clock may be wrong, and only without
/// one against `now_ms` (unix milliseconds). One that has passed is no wait at all. The value is
/// not bounded.
pub fn retry_after(answer: &Answer, now_ms: i64) -> Option<Duration> {
    let value = answer.header("Retry-After")?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = read_date(value)?;
    let now = date(answer).unwrap_or(now_ms);
    Some(Duration::from_millis(
        until.saturating_sub(now).max(0) as u64
    ))
}

/// The LRS's clock when it answered (`Date`), in unix milliseconds, to the second.
pub fn date(answer: &Answer) -> Option<i64> {
    read_date(answer.header("Date")?)
}

/// What the LRS can show for certain (`X-Experience-API-Consistent-Through`, C 2.1.3; 9274
/// 4.1.6.1), in unix milliseconds: a statement stored before is found by a GET, if it is there.
pub fn consistent_through(answer: &Answer) -> Option<i64> {
    read_date(answer.header("X-Experience-API-Consistent-Through")?)
}

/// The version the LRS answers in (`X-Experience-API-Version`), as far as we speak it. It may be
/// missing (Ralph), and need not be the one that was asked for (`ADL_LRS` says 2.0.0 to 1.0.3).
pub fn xapi_version(answer: &Answer) -> Option<XapiVersion> {
    common(answer.header("X-Experience-API-Version")?)
}

/// Reads a date in any of the forms met, to unix milliseconds.
fn read_date(text: &str) -> Option<i64> {
    let text = text.trim();
    let read = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| rfc2822::parse(text).ok().map(|zoned| zoned.timestamp()))
        .or_else(|| read_old_date(text))?;
    Some(read.as_millisecond())
}

/// The two obsolete forms of RFC 9110, section 5.6.7, and Django's `Mon, 23-Nov-2026 10:00:00 UTC`.
fn read_old_date(text: &str) -> Option<Timestamp> {
    // Weekdays say nothing new, may be written out, and are wrong on some servers.
    let (_, rest) = text.split_once([',', ' '])?;
    let rest = rest
        .trim()
        .trim_end_matches(|c: char| c.is_ascii_alphabetic())
        .trim_end();
    [
        "%d-%b-%Y %H:%M:%S",
        "%d-%b-%y %H:%M:%S",
        "%b %d %H:%M:%S %Y",
    ]
    .iter()
    .find_map(|form| {
        let read: DateTime = strtime::parse(form, rest).ok()?.to_datetime().ok()?;
        TimeZone::fixed(Offset::UTC).to_timestamp(read).ok()
    })
}
