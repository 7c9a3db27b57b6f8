//! Durations of ISO 8601:2004 section 4.4.3.2: `PnYnMnDTnHnMnS`, any part of which may be left out but not all,
//! or weeks alone, `PnW`. The last number may have a fraction, after a point or a comma. The alternative format
//! (`P0003-06-04T12:30:05`) and signs are not allowed.

use crate::steps;

/// Tells whether `text` is such a duration.
pub(crate) fn is_duration(text: &str) -> bool {
    steps::add(text.len());
    let Some(rest) = text.strip_prefix('P') else {
        return false;
    };
    if let Some(weeks) = rest.strip_suffix('W') {
        return matches!(number(weeks), Some((_, "")));
    }
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return false,
        Some(parts) => parts,
        None => (rest, ""),
    };
    match (components(date, "YMD"), components(time, "HMS")) {
        (Some(Last::Whole | Last::None), Some(last @ (Last::Whole | Last::Fraction))) => {
            last != Last::None
        }
        (Some(last), Some(Last::None)) => last != Last::None,
        _ => false,
    }
}

/// Kind of the last number in a run of components.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    None,
    Whole,
    Fraction,
}

/// Reads components whose units come in the order of `units`, each at most once; returns the kind of the last
/// number. `None` if malformed.
fn components(mut rest: &str, units: &str) -> Option<Last> {
    let mut units = units.chars();
    let mut last = Last::None;
    while !rest.is_empty() {
        let (kind, after) = number(rest)?;
        let unit = after.chars().next()?;
        if last == Last::Fraction || !units.any(|allowed| allowed == unit) {
            return None;
        }
        rest = &after[1..];
        last = kind;
    }
    Some(last)
}

/// Reads a number; returns its kind and what follows it.
fn number(text: &str) -> Option<(Last, &str)> {
    let after = digits(text)?;
    match after.strip_prefix(['.', ',']) {
        Some(fraction) => Some((Last::Fraction, digits(fraction)?)),
        None => Some((Last::Whole, after)),
    }
}

/// Returns what follows the digits at the start of `text`, of which there must be at least one.
fn digits(text: &str) -> Option<&str> {
    let after = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (after.len() < text.len()).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for good in [
            "PT0S",
            "P0D",
            "PT1,5S",
            "PT0.001S",
            "P1Y2M3DT4H5M6S",
            "P4W",
            "P1.5W",
            "P1M",
            "PT1M",
            "PT0.5H",
            "P1.5D",
            "P3Y",
            "PT16559.14S",
            "P1YT1S",
            "PT100H",
        ] {
            assert!(is_duration(good), "{good}");
        }
    }

    #[test]
    fn not_durations() {
        for bad in [
            "",
            "P",
            "PT",
            "P1YT",
            "1D",
            "pt1h",
            "PT1D",
            "P1H",
            "P1S",
            "P4W1D",
            "P1D4W",
            "P1.5DT4H",
            "PT1.5H3M",
            "PT-5S",
            "-PT5S",
            "+PT5S",
            "P0003-06-04T12:30:05",
            "PA1H",
            "PT1S1S",
            "PT1S1M",
            "P1D1Y",
            "PT.5S",
            "PT5.S",
            "PT5",
            "PT1S ",
            "PTT1S",
            "P1DT1ST1S",
            "PT1Sé",
            "PT1é",
        ] {
            assert!(!is_duration(bad), "{bad}");
        }
    }
}
