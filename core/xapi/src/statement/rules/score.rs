//! Scores and their bounds.

use std::cmp::Ordering::{Greater, Less};

use crate::statement::formats::decimal::compare;
use crate::statement::reader::Step;
use crate::statement::rule::{Rule, SCORE, rule};
use crate::statement::walk::Walk;

const WHOLE: Rule = rule("a score: an object", SCORE);
const NUMBER: Rule = rule("a number", SCORE);
const SCALED: Rule = rule("a number from -1 to 1", SCORE);
const RAW_MIN: Rule = rule("a raw score that is not below min", SCORE);
const RAW_MAX: Rule = rule("a raw score that is not above max", SCORE);
const MIN: Rule = rule("a min that is below max", SCORE);
const PROPERTIES: Rule = rule("only scaled, raw, min and max in a score", SCORE);

/// Reads a score.
pub(crate) fn score(walk: &mut Walk<'_>) -> Step<()> {
    let Some(mut members) = walk.object(WHOLE)? else {
        return Ok(());
    };
    let (mut raw, mut min, mut max) = (None, None, None);
    while let Some(key) = walk.key(&mut members)? {
        match &*key.decoded() {
            "scaled" => scaled(walk)?,
            "raw" => raw = walk.number(NUMBER)?,
            "min" => min = walk.number(NUMBER)?,
            "max" => max = walk.number(NUMBER)?,
            _ => walk.unknown(&key, PROPERTIES)?,
        }
    }
    if let (Some(raw), Some(min)) = (raw, min)
        && compare(raw.text, min.text) == Less
    {
        walk.note_number(raw, RAW_MIN);
    }
    if let (Some(raw), Some(max)) = (raw, max)
        && compare(raw.text, max.text) == Greater
    {
        walk.note_number(raw, RAW_MAX);
    }
    if let (Some(min), Some(max)) = (min, max)
        && compare(min.text, max.text) != Less
    {
        walk.note_number(min, MIN);
    }
    Ok(())
}

fn scaled(walk: &mut Walk<'_>) -> Step<()> {
    if let Some(scaled) = walk.number(SCALED)?
        && (compare(scaled.text, "-1") == Less || compare(scaled.text, "1") == Greater)
    {
        walk.note_number(scaled, SCALED);
    }
    Ok(())
}
