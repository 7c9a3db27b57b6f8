//! Activities, as the object of a statement and in its context.

use super::interaction::Interaction;
use super::{extensions::extensions, language_map::language_map};
use crate::statement::formats::iri;
use crate::statement::reader::Step;
use crate::statement::rule::{ACTIVITY, Rule, rule};
use crate::statement::walk::Walk;

const TYPE: Rule = rule("\"Activity\", or to leave it out", ACTIVITY);
const ID: Rule = rule(
    "an IRI with a scheme, such as \"https://example.com/courses/crm\"",
    ACTIVITY,
);
const PROPERTIES: Rule = rule(
    "only objectType, id and definition in an Activity (an object of another kind must say its objectType)",
    ACTIVITY,
);
const DEFINITION: Rule = rule("a definition: an object", ACTIVITY);
const DEFINITION_TYPE: Rule = rule(
    "an IRI with a scheme, such as \"http://adlnet.gov/expapi/activities/course\"",
    ACTIVITY,
);
const MORE_INFO: Rule = rule(
    "an address with a scheme, such as \"https://example.com/about\"",
    ACTIVITY,
);
const DEFINITION_PROPERTIES: Rule = rule(
    "only name, description, type, moreInfo, extensions and the interaction properties in a definition",
    ACTIVITY,
);

/// Reads an Activity. Returns false if it is not even an object, which is noted under `rule`.
pub(crate) fn activity(walk: &mut Walk<'_>, rule: Rule) -> Step<bool> {
    let Some(mut members) = walk.object(rule)? else {
        return Ok(false);
    };
    let mut has_id = false;
    while let Some(key) = walk.key(&mut members)? {
        match &*key.decoded() {
            "objectType" => walk.formatted(TYPE, |text| text == "Activity")?,
            "id" => {
                has_id = true;
                walk.formatted(ID, iri::is_iri)?;
            }
            "definition" => definition(walk)?,
            _ => walk.unknown(&key, PROPERTIES)?,
        }
    }
    if !has_id {
        walk.missing(members.at, "id", ID);
    }
    Ok(true)
}

fn definition(walk: &mut Walk<'_>) -> Step<()> {
    let Some(mut members) = walk.object(DEFINITION)? else {
        return Ok(());
    };
    let mut interaction = Interaction::default();
    while let Some(key) = walk.key(&mut members)? {
        match &*key.decoded() {
            "name" | "description" => language_map(walk)?,
            "type" => walk.formatted(DEFINITION_TYPE, iri::is_iri)?,
            "moreInfo" => walk.formatted(MORE_INFO, iri::is_iri)?,
            "extensions" => extensions(walk)?,
            name if interaction.property(walk, name, &key)? => {}
            _ => walk.unknown(&key, DEFINITION_PROPERTIES)?,
        }
    }
    interaction.check(walk, members.at);
    Ok(())
}
