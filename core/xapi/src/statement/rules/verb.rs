//! The verb.

use super::language_map::language_map;
use crate::statement::formats::iri;
use crate::statement::reader::Step;
use crate::statement::rule::{Rule, VERB, rule};
use crate::statement::walk::Walk;

/// The one verb to which the standard gives a meaning. Only this very IRI has it, not others that end alike.
const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";

const WHOLE: Rule = rule("a verb: an object with an id and perhaps a display", VERB);
const ID: Rule = rule(
    "an IRI with a scheme, such as \"http://adlnet.gov/expapi/verbs/completed\"",
    VERB,
);
const PROPERTIES: Rule = rule("only id and display in a verb", VERB);

/// Kind of a verb.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Verb {
    Voided,
    Other,
}

/// Reads a verb.
pub(crate) fn verb(walk: &mut Walk<'_>) -> Step<Verb> {
    let mut verb = Verb::Other;
    let Some(mut members) = walk.object(WHOLE)? else {
        return Ok(verb);
    };
    let mut has_id = false;
    while let Some(key) = walk.key(&mut members)? {
        match &*key.decoded() {
            "id" => {
                has_id = true;
                let kind = |text: &str| {
                    if text == VOIDED {
                        Verb::Voided
                    } else {
                        Verb::Other
                    }
                };
                let id = walk.parsed(ID, |text| iri::is_iri(text).then(|| kind(text)))?;
                verb = id.unwrap_or(verb);
            }
            "display" => language_map(walk)?,
            _ => walk.unknown(&key, PROPERTIES)?,
        }
    }
    if !has_id {
        walk.missing(members.at, "id", ID);
    }
    Ok(verb)
}
