//! Reads the statement itself, the `SubStatement`, and other objects.

use std::time::SystemTime;

use uuid::Uuid;

use super::activities::activity;
use super::actors::actor;
use super::contexts::context;
use super::references::reference;
use super::results::{attachment, result};
use super::values::{id, instant, languages, text};
use super::{InCommon, Needed, Read, list, object};
use crate::statement::model::{
    Actor, Attachment, Statement, StatementObject, SubStatement, Verb, XapiContext, XapiResult,
};
use crate::statement::reader::Step;
use crate::statement::rule::{
    self, ATTACHMENT, ID, OBJECT, Rule, STATEMENT, STATEMENT_OBJECT, rule,
};
use crate::statement::walk::Walk;

const WHOLE: Rule = rule(
    "a statement: an object with id, actor, verb, object, result, context, timestamp and attachments",
    STATEMENT,
);
const STATEMENT_ID: Rule = rule(
    "a UUID in standard form, such as \"7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c\", or none",
    ID,
);
const DEFAULTS: Rule = rule(
    "what statements have in common: an object with actor, context or both",
    STATEMENT,
);
const SUB: Rule = rule(
    "a SubStatement: an object with objectType, actor, verb, object, result, context, timestamp and attachments",
    STATEMENT_OBJECT,
);
const WHAT: Rule = rule("a verb with an id: what was done", STATEMENT);
const TO_WHAT: Rule = rule(
    "an object: an Activity, Agent, Group, StatementRef or SubStatement",
    STATEMENT,
);
const ATTACHMENTS: Rule = rule("an array of attachments", ATTACHMENT);
const WHOLE_VERB: Rule = rule("a verb: an object with id and display", rule::VERB);
const VERB_ID: Rule = rule("a string: the IRI of the verb", rule::VERB);
const TYPE: Rule = rule(
    "Activity, Agent, Group, StatementRef or SubStatement, or to leave it out for an Activity",
    OBJECT,
);

/// Parts that a statement and a `SubStatement` both have.
#[derive(Default)]
struct Parts {
    actor: Option<Actor>,
    verb: Needed<Verb>,
    object: Needed<StatementObject>,
    result: Option<XapiResult>,
    context: Option<XapiContext>,
    timestamp: Option<SystemTime>,
    attachments: Vec<Attachment>,
}

impl Parts {
    /// Reads the value of a property that both have; returns false for others.
    fn read(&mut self, walk: &mut Walk<'_>, property: &str) -> Step<bool> {
        match property {
            "actor" => self.actor = actor(walk)?,
            "verb" => self.verb.set(verb(walk)?),
            "object" => self.object.set(acted_on(walk)?),
            "result" => self.result = Some(result(walk)?),
            "context" => self.context = Some(context(walk)?),
            "timestamp" => self.timestamp = instant(walk)?,
            "attachments" => self.attachments = list(walk, ATTACHMENTS, attachment)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Builds the statement with this id and these parts; `at` is the offset of its object.
    fn statement(self, walk: &mut Walk<'_>, at: usize, id: Option<Uuid>) -> Option<Statement> {
        let verb = self.verb.get(walk, at, "verb", WHAT);
        let object = self.object.get(walk, at, "object", TO_WHAT);
        Some(Statement {
            id,
            actor: self.actor,
            verb: verb?,
            object: object?,
            result: self.result,
            context: self.context,
            timestamp: self.timestamp,
            attachments: self.attachments,
        })
    }
}

/// Reads a statement.
pub(super) fn statement(walk: &mut Walk<'_>) -> Read<Statement> {
    let (mut parts, mut own_id) = (Parts::default(), None);
    let at = object(walk, WHOLE, |walk, property| {
        match property {
            "id" => own_id = id(walk, STATEMENT_ID)?,
            "stored" | "authority" | "version" => {
                let at = walk.next_at()?;
                walk.limit(
                    at,
                    "is what an LRS says of a statement, for which the typed model has no place",
                    "to leave it out; what JSON text says is recorded as it is",
                );
                walk.skip()?;
            }
            _ => return parts.read(walk, property),
        }
        Ok(true)
    })?;
    Ok(at.and_then(|at| parts.statement(walk, at, own_id)))
}

/// Reads the values that statements have in common.
pub(super) fn in_common(walk: &mut Walk<'_>) -> Read<InCommon> {
    let mut common = InCommon::default();
    let at = object(walk, DEFAULTS, |walk, property| {
        match property {
            "actor" => common.0 = actor(walk)?,
            "context" => common.1 = context(walk)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(at.map(|_| common))
}

fn sub_statement(walk: &mut Walk<'_>) -> Read<SubStatement> {
    let mut parts = Parts::default();
    let at = object(walk, SUB, |walk, property| match property {
        // It has been read already, to get here.
        "objectType" => walk.skip().map(|()| true),
        _ => parts.read(walk, property),
    })?;
    let statement = at.and_then(|at| parts.statement(walk, at, None));
    Ok(statement.map(Into::into))
}

fn verb(walk: &mut Walk<'_>) -> Read<Verb> {
    let (mut id, mut display) = (Needed::default(), None);
    let at = object(walk, WHOLE_VERB, |walk, property| {
        match property {
            "id" => id.set(text(walk, VERB_ID)?),
            "display" => display = Some(languages(walk)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(at) = at else { return Ok(None) };
    let id = id.get(walk, at, "id", VERB_ID);
    Ok(id.map(|id| Verb {
        id,
        display: display.unwrap_or_default(),
    }))
}

/// Reads the object of a statement, whose `objectType` may stand anywhere in it.
fn acted_on(walk: &mut Walk<'_>) -> Read<StatementObject> {
    let Some(kind) = walk.look_ahead("objectType") else {
        return Ok(activity(walk)?.map(Into::into));
    };
    Ok(match &*kind.decoded() {
        "Activity" => activity(walk)?.map(Into::into),
        "Agent" | "Group" => actor(walk)?.map(Into::into),
        "StatementRef" => reference(walk)?.map(Into::into),
        "SubStatement" => sub_statement(walk)?.map(Into::into),
        other => {
            walk.note_value(kind.at, other, TYPE);
            walk.skip()?;
            None
        }
    })
}
