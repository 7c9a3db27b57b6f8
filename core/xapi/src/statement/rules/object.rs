//! The object of a statement. Its `objectType`, wherever in the object it stands, decides how the rest is read.

use uuid::Uuid;

use super::statement::{Nesting, statement};
use super::{activity, actor, statement_ref};
use crate::statement::reader::Step;
use crate::statement::rule::{OBJECT, Rule, STATEMENT_OBJECT, rule};
use crate::statement::walk::Walk;

const TYPE: Rule = rule(
    "Activity, Agent, Group, StatementRef or SubStatement, or to leave it out for an Activity",
    OBJECT,
);
const NO_NESTING: Rule = rule(
    "another kind of object: a SubStatement cannot hold a SubStatement",
    STATEMENT_OBJECT,
);

/// Kind of the object of a statement.
pub(crate) enum Object {
    Activity,
    Agent,
    Group,
    /// A reference, with the offset and the value of its id, if that is well-formed.
    StatementRef(Option<(usize, Uuid)>),
    SubStatement,
    /// No known kind, which has been noted.
    Faulty,
}

impl Object {
    /// Returns the kind in words, with its article.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Activity => "an Activity",
            Self::Agent => "an Agent",
            Self::Group => "a Group",
            Self::StatementRef(_) => "a StatementRef",
            Self::SubStatement => "a SubStatement",
            Self::Faulty => "no known kind of object",
        }
    }
}

/// Reads the object of a statement at `place`.
pub(crate) fn object(walk: &mut Walk<'_>, place: Nesting, rule: Rule) -> Step<Object> {
    let Some(kind) = walk.look_ahead("objectType") else {
        return Ok(if activity::activity(walk, rule)? {
            Object::Activity
        } else {
            Object::Faulty
        });
    };
    match &*kind.decoded() {
        "Activity" => {
            activity::activity(walk, rule)?;
            Ok(Object::Activity)
        }
        "Agent" => {
            actor::actor(walk, actor::Wanted::Either, rule)?;
            Ok(Object::Agent)
        }
        "Group" => {
            actor::actor(walk, actor::Wanted::Either, rule)?;
            Ok(Object::Group)
        }
        "StatementRef" => Ok(Object::StatementRef(statement_ref::statement_ref(
            walk, rule,
        )?)),
        "SubStatement" if place == Nesting::Whole => {
            statement(walk, Nesting::Sub)?;
            Ok(Object::SubStatement)
        }
        "SubStatement" => {
            walk.note(
                kind.at,
                "is \"SubStatement\" inside a SubStatement",
                NO_NESTING,
            );
            walk.skip()?;
            Ok(Object::SubStatement)
        }
        other => {
            walk.note_value(kind.at, other, TYPE);
            walk.skip()?;
            Ok(Object::Faulty)
        }
    }
}
