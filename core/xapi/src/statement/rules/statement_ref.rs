//! References to other statements by id.

use ::uuid::Uuid;

use crate::statement::formats::uuid;
use crate::statement::reader::Step;
use crate::statement::rule::{Rule, STATEMENT_OBJECT, rule};
use crate::statement::walk::Walk;

const TYPE: Rule = rule("\"StatementRef\"", STATEMENT_OBJECT);
const ID: Rule = rule(
    "the id of a statement: a UUID in standard form",
    STATEMENT_OBJECT,
);
const PROPERTIES: Rule = rule("only objectType and id in a StatementRef", STATEMENT_OBJECT);

/// Reads a `StatementRef`; returns the offset and the value of the id it refers to, if that is well-formed.
pub(crate) fn statement_ref(walk: &mut Walk<'_>, rule: Rule) -> Step<Option<(usize, Uuid)>> {
    let Some(mut members) = walk.object(rule)? else {
        return Ok(None);
    };
    let (mut has_type, mut has_id) = (false, false);
    let mut target = None;
    while let Some(key) = walk.key(&mut members)? {
        match &*key.decoded() {
            "objectType" => {
                has_type = true;
                walk.formatted(TYPE, |text| text == "StatementRef")?;
            }
            "id" => {
                has_id = true;
                let id = walk.parsed_text(ID, uuid::parse)?;
                target = id.map(|(text, id)| (text.at, id));
            }
            _ => walk.unknown(&key, PROPERTIES)?,
        }
    }
    if !has_type {
        walk.missing(members.at, "objectType", TYPE);
    }
    if !has_id {
        walk.missing(members.at, "id", ID);
    }
    Ok(target)
}
