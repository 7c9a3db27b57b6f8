//! Reads values: texts, numbers, times, and any JSON.

use std::time::{Duration, SystemTime};

use ::uuid::Uuid;
use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use super::{Read, object};
use crate::statement::formats::length::Length;
use crate::statement::formats::{decimal, duration, timestamp, uuid};
use crate::statement::model::{Extensions, LanguageMap};
use crate::statement::reader::{Kind, Reader, Step};
use crate::statement::rule::{self, EXTENSIONS, LANGUAGE_MAP, Rule, rule};
use crate::statement::version::XapiVersion;
use crate::statement::walk::Walk;

const LANGUAGES: Rule = rule(
    "a language map, such as {\"en\": \"completed\"}",
    LANGUAGE_MAP,
);
const IN_A_LANGUAGE: Rule = rule("a string: the text in that language", LANGUAGE_MAP);
const ALL_EXTENSIONS: Rule = rule("an object of extensions", EXTENSIONS);
const DURATION: Rule = rule(
    "a duration of ISO 8601, such as \"PT12M30.5S\" or \"P2W\"",
    rule::DURATION,
);
const TIMESTAMP: Rule = rule(
    "a timestamp with date and time, such as \"2024-05-04T17:00:00.000Z\"",
    rule::TIMESTAMP,
);

/// The first instant of the standard's calendar, in Unix milliseconds: 0000-01-01T00:00:00Z.
const FIRST_MS: i64 = -62_167_219_200_000;

/// Reads a string.
pub(super) fn text(walk: &mut Walk<'_>, rule: Rule) -> Read<String> {
    let text = walk.string(rule)?;
    Ok(text.map(|text| text.decoded().into_owned()))
}

/// Reads `true` or `false`.
pub(super) fn flag(walk: &mut Walk<'_>, rule: Rule) -> Read<bool> {
    let start = walk.next_at()?;
    walk.boolean(rule)?;
    // Any other value has been noted, so its result does not matter.
    Ok(Some(walk.passed(start) == "true"))
}

/// Reads a UUID.
pub(super) fn id(walk: &mut Walk<'_>, rule: Rule) -> Read<Uuid> {
    walk.parsed(rule, uuid::parse)
}

/// Reads a number as a double.
pub(super) fn double(walk: &mut Walk<'_>, rule: Rule) -> Read<f64> {
    let Some(number) = walk.number(rule)? else {
        return Ok(None);
    };
    let double = as_double(number.text);
    if double.is_none() {
        too_many_digits(walk, number.at);
    }
    Ok(double)
}

/// Returns the double that a JSON number is read as. With a fraction or an exponent it has no more digits than
/// a float by the standard (Data 2.2); an integer may be the number of something, and is exact or `None`.
fn as_double(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok()?;
    let is_same = text.contains(['.', 'e', 'E'])
        || decimal::compare(text, &format!("{double:.0}")) == std::cmp::Ordering::Equal;
    is_same.then_some(double)
}

fn too_many_digits(walk: &mut Walk<'_>, at: usize) {
    walk.limit(
        at,
        "is an integer of more digits than a number of the typed model keeps",
        "a smaller number, or a string; what JSON text says is recorded as it is",
    );
}

/// Reads an instant; anything finer than a millisecond is cut off.
pub(super) fn instant(walk: &mut Walk<'_>) -> Read<SystemTime> {
    let read = walk.parsed_text(TIMESTAMP, |text| {
        let ms = [XapiVersion::V2_0_0, XapiVersion::V1_0_3]
            .into_iter()
            .find_map(|version| timestamp::parse(text, version))?;
        Some((ms, timestamp::is_leap_second(text)))
    })?;
    let Some((text, (ms, is_leap_second))) = read else {
        return Ok(None);
    };
    if is_leap_second {
        walk.limit(
            text.at,
            "is in a leap second",
            "the second before or after: the typed model counts none",
        );
        return Ok(None);
    }
    let time = system_time(ms);
    if time.is_none() {
        walk.limit(
            text.at,
            "is outside the calendar of the typed model",
            "an instant that is in the years 0 to 9999 in UTC too",
        );
    }
    Ok(time)
}

/// Converts Unix milliseconds; `None` if the model would not write the instant as a timestamp.
fn system_time(ms: i64) -> Option<SystemTime> {
    if ms < FIRST_MS || Timestamp::from_millisecond(ms).is_err() {
        return None;
    }
    let distance = Duration::from_millis(ms.unsigned_abs());
    if ms < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    }
}

/// Reads a length of time.
pub(super) fn length(walk: &mut Walk<'_>) -> Read<Duration> {
    let read = walk.parsed_text(DURATION, |text| {
        duration::is_duration(text).then(|| Length::of(text))
    })?;
    let Some((text, length)) = read else {
        return Ok(None);
    };
    if length
        .as_ref()
        .is_some_and(|length| length.has_calendar_units)
    {
        walk.limit(
            text.at,
            "is in years or months, which are not all of one length",
            "weeks, days, hours, minutes and seconds: the typed model has no others",
        );
        return Ok(None);
    }
    // Every language that has the model can count as many nanoseconds as an `i64` holds.
    let nanos = length.and_then(|length| i64::try_from(length.rest).ok());
    if nanos.is_none() {
        walk.limit(
            text.at,
            "is too long a time",
            "at most 292 years: the typed model keeps no longer times",
        );
    }
    Ok(nanos.map(|nanos| Duration::from_nanos(nanos.unsigned_abs())))
}

/// Reads a text in several languages.
pub(super) fn languages(walk: &mut Walk<'_>) -> Step<LanguageMap> {
    let mut map = LanguageMap::new();
    object(walk, LANGUAGES, |walk, tag| {
        if let Some(text) = text(walk, IN_A_LANGUAGE)? {
            map.insert(tag.to_owned(), text);
        }
        Ok(true)
    })?;
    Ok(map)
}

/// Reads extensions.
pub(super) fn extensions(walk: &mut Walk<'_>) -> Step<Extensions> {
    let mut extensions = Extensions::new();
    object(walk, ALL_EXTENSIONS, |walk, iri| {
        extensions.insert(iri.to_owned(), any(walk)?);
        Ok(true)
    })?;
    Ok(extensions)
}

/// Reads any JSON. The walk first checks it as it does whatever it skips; then its text is read.
fn any(walk: &mut Walk<'_>) -> Step<Value> {
    let start = walk.next_at()?;
    walk.skip()?;
    let mut reader = Reader::new(walk.passed(start));
    value(&mut reader, &mut |at| too_many_digits(walk, start + at))
}

/// Reads the next value, and calls `unkept` for a number that a [`Value`] cannot keep. The reader bounds the
/// depth, and so the recursion.
fn value(reader: &mut Reader<'_>, unkept: &mut dyn FnMut(usize)) -> Step<Value> {
    Ok(match reader.kind()? {
        Kind::Object => {
            reader.enter()?;
            let mut object = Map::new();
            let mut first = true;
            while let Some(key) = reader.key(first)? {
                first = false;
                object.insert(key.decoded().into_owned(), value(reader, unkept)?);
            }
            Value::Object(object)
        }
        Kind::Array => {
            reader.enter()?;
            let mut array = Vec::new();
            while reader.element(array.is_empty())? {
                array.push(value(reader, unkept)?);
            }
            Value::Array(array)
        }
        Kind::String => Value::String(reader.string()?.decoded().into_owned()),
        Kind::Number => {
            let at = reader.at();
            let number = number(reader.number()?);
            if number.is_none() {
                unkept(at);
            }
            number.map_or(Value::Null, Value::Number)
        }
        Kind::Boolean => Value::Bool(reader.literal()? == "true"),
        Kind::Null => reader.literal().map(|_| Value::Null)?,
    })
}

/// Returns an integer as one if it fits 64 bits, otherwise a double.
fn number(text: &str) -> Option<Number> {
    let whole = text.parse::<u64>().map(Number::from).ok();
    let whole = whole.or_else(|| text.parse::<i64>().map(Number::from).ok());
    // An integer would lose the sign of `-0`.
    let whole = whole.filter(|_| text != "-0");
    whole.or_else(|| Number::from_f64(as_double(text)?))
}
