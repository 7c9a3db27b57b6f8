//! Reads references to statements.

use super::values::id;
use super::{Needed, Read, object};
use crate::statement::model::StatementRef;
use crate::statement::rule::{Rule, STATEMENT_OBJECT, rule};
use crate::statement::walk::Walk;

const REFERENCE: Rule = rule(
    "a StatementRef: an object with objectType and id",
    STATEMENT_OBJECT,
);
const REFERENCE_TYPE: Rule = rule("\"StatementRef\"", STATEMENT_OBJECT);
const REFERENCE_ID: Rule = rule("the UUID of a statement", STATEMENT_OBJECT);

/// Reads a reference to a statement.
pub(super) fn reference(walk: &mut Walk<'_>) -> Read<StatementRef> {
    let (mut object_type, mut target) = (Needed::default(), Needed::default());
    let at = object(walk, REFERENCE, |walk, property| {
        match property {
            "objectType" => {
                let is_one = walk.parsed(REFERENCE_TYPE, |text| {
                    (text == "StatementRef").then_some(())
                })?;
                object_type.set(is_one);
            }
            "id" => target.set(id(walk, REFERENCE_ID)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(at) = at else { return Ok(None) };
    object_type.get(walk, at, "objectType", REFERENCE_TYPE);
    let target = target.get(walk, at, "id", REFERENCE_ID);
    Ok(target.map(StatementRef::new))
}
