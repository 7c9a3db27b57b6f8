//! Instants as the hub writes them, from Unix microseconds.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

/// Returns an ISO 8601 instant: `2026-03-01T01:02:03.456789Z`.
pub fn iso(microseconds: i64) -> String {
    format!("{:.6}", instant(microseconds))
}

/// Returns the date of an HTTP header: `Sun, 01 Mar 2026 01:02:03 GMT`.
pub fn http(microseconds: i64) -> String {
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&instant(microseconds))
        .unwrap_or_default()
}

fn instant(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
