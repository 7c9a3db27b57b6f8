//! Lengths of time in arguments and in sentences.

use std::fmt::Write as _;
use std::time::Duration;

/// Reads `90`, `90s`, `10m`, `1h30m` or `2d`; a number alone is seconds.
pub fn parse(text: &str) -> Result<Duration, String> {
    let what =
        || format!("`{text}` is no length of time: give seconds, or such as 90s, 10m, 1h30m, 2d");
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut sum: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| what())?;
        let seconds = match unit.chars().next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => 24 * 60 * 60,
            _ => return Err(what()),
        };
        sum = number
            .checked_mul(seconds)
            .and_then(|more| sum.checked_add(more))
            .ok_or_else(what)?;
        rest = &unit[1..];
    }
    if text.is_empty() {
        Err(what())
    } else {
        Ok(Duration::from_secs(sum))
    }
}

/// Returns milliseconds in a few words: `25 s`, `4 min 10 s`, `3 h 5 min`. A part of a second counts as a whole
/// one, so that a countdown ends when it says 1.
pub fn words(milliseconds: i64) -> String {
    let seconds = u64::try_from(milliseconds).unwrap_or(0).div_ceil(1000);
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let mut text = String::new();
    let telling = parts.iter().skip_while(|(count, _)| *count == 0).take(2);
    for (count, unit) in telling.filter(|(count, _)| *count > 0) {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{}{count} {unit}",
            if text.is_empty() { "" } else { " " }
        );
    }
    if text.is_empty() {
        "0 s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read() {
        for (text, seconds) in [
            ("0", 0),
            ("90", 90),
            ("90s", 90),
            ("10m", 600),
            ("1h30m", 5_400),
            ("2d", 172_800),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "s",
            "1w",
            "-1",
            "1.5h",
            "99999999999999999999",
            "9999999999999999999d",
            "5 s",
            "1ä",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_are_told() {
        for (ms, text) in [
            (-5, "0 s"),
            (0, "0 s"),
            (1, "1 s"),
            (25_000, "25 s"),
            (250_000, "4 min 10 s"),
            (11_100_000, "3 h 5 min"),
            (86_400_000, "1 d"),
            (86_460_000, "1 d"),
        ] {
            assert_eq!(words(ms), text);
        }
    }
}
