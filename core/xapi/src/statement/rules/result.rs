//! The result of an experience.

use super::{extensions::extensions, score};
use crate::statement::formats::duration;
use crate::statement::reader::Step;
use crate::statement::rule::{self, RESULT, Rule, rule};
use crate::statement::walk::Walk;

const WHOLE: Rule = rule("a result: an object", RESULT);
const FLAG: Rule = rule("true or false", RESULT);
const RESPONSE: Rule = rule("a string", RESULT);
const DURATION: Rule = rule(
    "a duration of ISO 8601, such as \"PT12M30.5S\" or \"P2W\"",
    rule::DURATION,
);
const PROPERTIES: Rule = rule(
    "only score, success, completion, response, duration and extensions in a result",
    RESULT,
);

/// Reads a result.
pub(crate) fn result(walk: &mut Walk<'_>) -> Step<()> {
    let Some(mut members) = walk.object(WHOLE)? else {
        return Ok(());
    };
    while let Some(key) = walk.key(&mut members)? {
        match &*key.decoded() {
            "score" => score::score(walk)?,
            "success" | "completion" => walk.boolean(FLAG)?,
            "response" => {
                walk.string(RESPONSE)?;
            }
            "duration" => walk.formatted(DURATION, duration::is_duration)?,
            "extensions" => extensions(walk)?,
            _ => walk.unknown(&key, PROPERTIES)?,
        }
    }
    Ok(())
}
