//! Writes values for which JSON has no type.
#![expect(clippy::ref_option, reason = "serde passes a reference to the field")]

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::Serializer;

/// Tells whether an optional part may be left out: absent, or present but empty.
pub(super) fn is_silent<T: Default + PartialEq>(part: &Option<T>) -> bool {
    part.as_ref().is_none_or(|part| *part == T::default())
}

/// Writes an instant as `YYYY-MM-DDTHH:MM:SS.mmmZ`, the one form that every LRS keeps as it is.
///
/// The system's clock reaches further than the standard's calendar. An instant outside it is written as a text
/// that says so, which `prepare` then refuses like any other text that is no timestamp.
pub(super) fn timestamp<S: Serializer>(
    time: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let Some(time) = time else {
        return serializer.serialize_none();
    };
    match Timestamp::try_from(*time) {
        Ok(instant) => serializer.collect_str(&format_args!("{instant:.3}")),
        Err(_) => serializer.serialize_str("outside the calendar"),
    }
}

/// Writes a length of time as an ISO 8601 duration in hours, minutes and seconds.
///
/// Anything finer than 0.01 s is cut off: the standard asks for no more precision (Data 4.6), and LRSs may cut
/// the rest themselves.
pub(super) fn duration<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_str(&iso_duration(*duration)),
        None => serializer.serialize_none(),
    }
}

fn iso_duration(duration: Duration) -> String {
    let unit = |amount: u64, letter: char| match amount {
        0 => String::new(),
        _ => format!("{amount}{letter}"),
    };
    let hours = unit(duration.as_secs() / 3600, 'H');
    let minutes = unit(duration.as_secs() / 60 % 60, 'M');
    let whole = duration.as_secs() % 60;
    let seconds = match duration.subsec_millis() / 10 {
        0 if whole == 0 && !(hours.is_empty() && minutes.is_empty()) => String::new(),
        0 => format!("{whole}S"),
        hundredths if hundredths % 10 == 0 => format!("{whole}.{}S", hundredths / 10),
        hundredths => format!("{whole}.{hundredths:02}S"),
    };
    format!("PT{hours}{minutes}{seconds}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_cut_to_hundredths_and_never_empty() {
        for (duration, text) in [
            (Duration::ZERO, "PT0S"),
            (Duration::from_millis(9), "PT0S"),
            (Duration::from_millis(61_239), "PT1M1.23S"),
            (Duration::from_millis(2_500), "PT2.5S"),
            (Duration::from_millis(2_050), "PT2.05S"),
            (Duration::from_mins(1), "PT1M"),
            (Duration::from_mins(12), "PT12M"),
            (Duration::from_hours(1), "PT1H"),
            (
                Duration::from_hours(100) + Duration::from_secs(1),
                "PT100H1S",
            ),
        ] {
            assert_eq!(iso_duration(duration), text);
        }
    }
}
