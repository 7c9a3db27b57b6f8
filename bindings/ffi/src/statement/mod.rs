//! A statement as typed values. The names and their meanings are the standard's.
//!
//! Nothing is validated here: a typed statement becomes JSON text and takes the same way in as text that an app
//! wrote itself. Only extensions, which cross the language border as JSON text, have to be JSON, and scores finite
//! numbers, to become part of it.

mod activity;
mod actor;
mod attachment;
mod context;
mod defaults;
mod extensions;
mod object;
mod result;
mod templates;
mod verb;

use std::collections::HashMap;

use pannier::collector::Recordable;
use pannier::statement::{Fault, model};

use crate::{PannierError, Timestamp, Uuid, Warnings, XapiVersion};

pub use activity::{ActivityDefinition, InteractionComponent, InteractionType, XapiActivity};
pub use actor::{Actor, Agent, Ifi, XapiAccount, XapiGroup};
pub use attachment::Attachment;
pub use context::{ContextActivities, ContextAgent, ContextGroup, XapiContext};
pub use defaults::StatementDefaults;
pub use object::{StatementObject, StatementRef, SubStatement};
pub use result::{Score, XapiResult};
pub use verb::Verb;

/// The same text in several languages: RFC 5646 language tag to plain text.
pub type LanguageMap = HashMap<String, String>;

/// Values for which the standard has no property: IRI to JSON text, such as `3`, `"a"` or `{"b":[1,2]}`.
pub type Extensions = HashMap<String, String>;

/// One experience: an actor did something to an object (xAPI 1.0.3 Data 2.4).
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Statement {
    /// Its actor. Default: the actor of the defaults it is recorded with; without any it is no valid statement.
    #[uniffi(default)]
    pub actor: Option<Actor>,
    /// Its verb.
    pub verb: Verb,
    /// Its object.
    pub object: StatementObject,
    /// Its result.
    #[uniffi(default)]
    pub result: Option<XapiResult>,
    /// Its context.
    #[uniffi(default)]
    pub context: Option<XapiContext>,
    /// Time at which it happened, to the millisecond. Default: when it is recorded.
    #[uniffi(default)]
    pub timestamp: Option<Timestamp>,
    /// Files that belong to it.
    #[uniffi(default)]
    pub attachments: Vec<Attachment>,
    /// Its identity. Default: chosen when it is recorded.
    #[uniffi(default)]
    pub id: Option<Uuid>,
}

#[uniffi::export]
impl Statement {
    /// Returns the statement as JSON text, which nobody has validated yet.
    pub fn to_json(&self) -> Result<String, PannierError> {
        Ok(typed(self.clone())?.to_json())
    }
}

/// Reads a statement's JSON without validating it: `check_statement` does that. Content for which the types here
/// have no place is a fault with its path, and never left out: `stored`, `authority` and `version`, which an LRS
/// sets, a duration in years or months, an integer of more digits than a number keeps.
#[uniffi::export]
pub fn statement_from_json(json: &str) -> Result<Statement, PannierError> {
    let read = model::Statement::from_json(json).map_err(pannier::Error::Invalid)?;
    Ok(read.into())
}

/// Checks a statement without recording it, and returns what is valid but better avoided. Refuses what `record`
/// refuses, with the same error, except for what only a queue knows.
#[uniffi::export]
pub fn check_statement(json: &str, version: XapiVersion) -> Result<Warnings, PannierError> {
    let known = Recordable::check(json.as_bytes(), version.into())?.with_contents(&[])?;
    Ok(known.prepared().warnings.clone().into())
}

impl From<model::Statement> for Statement {
    fn from(statement: model::Statement) -> Self {
        Self {
            actor: statement.actor.map(Into::into),
            verb: statement.verb.into(),
            object: statement.object.into(),
            result: statement.result.map(Into::into),
            context: statement.context.map(Into::into),
            timestamp: statement.timestamp.map(Into::into),
            attachments: all(statement.attachments),
            id: statement.id,
        }
    }
}

/// Converts into the core's own type.
pub(crate) fn typed(statement: Statement) -> Result<model::Statement, PannierError> {
    let mut faults = Vec::new();
    let statement = core(statement, "$", &mut faults);
    if faults.is_empty() {
        Ok(statement)
    } else {
        Err(PannierError::invalid(faults))
    }
}

/// Converts all or none, with the faults of all.
pub(crate) fn all_typed(statements: Vec<Statement>) -> Result<Vec<model::Statement>, PannierError> {
    let mut faults = Vec::new();
    let statements = statements
        .into_iter()
        .enumerate()
        .map(|(at, statement)| {
            let mut own = Vec::new();
            let statement = core(statement, "$", &mut own);
            faults.extend(own.into_iter().map(|fault| Fault {
                index: Some(at),
                ..fault
            }));
            statement
        })
        .collect();
    if faults.is_empty() {
        Ok(statements)
    } else {
        Err(PannierError::invalid(faults))
    }
}

fn core(statement: Statement, at: &str, faults: &mut Vec<Fault>) -> model::Statement {
    model::Statement {
        id: statement.id,
        actor: statement.actor.map(Into::into),
        verb: statement.verb.into(),
        object: statement.object.core(&format!("{at}.object"), faults),
        result: statement
            .result
            .map(|result| result.core(&format!("{at}.result"), faults)),
        context: statement
            .context
            .map(|context| context.core(&format!("{at}.context"), faults)),
        timestamp: statement.timestamp.map(Into::into),
        attachments: all(statement.attachments),
    }
}

fn all<A, B: From<A>>(some: Vec<A>) -> Vec<B> {
    some.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests;
