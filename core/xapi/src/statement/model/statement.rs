//! The statement itself, and the statement inside a statement.

use std::time::SystemTime;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::reading;
use super::written::{self, is_silent};
use super::{Actor, Attachment, StatementObject, StatementRef, Verb, XapiContext, XapiResult};
use crate::statement::fault::Invalid;
use crate::statement::vocabulary::verbs;

/// One experience: an actor did something to an object (Data 2.4).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statement {
    /// Its id. Assigned on recording, unless the app sets one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The actor, unless it is left to the [defaults](crate::statement::StatementDefaults); one of the two must
    /// name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// The verb: what they did.
    pub verb: Verb,
    /// The object they did it to.
    pub object: StatementObject,
    /// The result.
    #[serde(skip_serializing_if = "is_silent")]
    pub result: Option<XapiResult>,
    /// The context it was part of.
    #[serde(skip_serializing_if = "is_silent")]
    pub context: Option<XapiContext>,
    /// Time when it happened, kept to the millisecond. The time of recording, unless the app sets another.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "written::timestamp"
    )]
    pub timestamp: Option<SystemTime>,
    /// Files that belong to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

impl Statement {
    /// Creates the statement that `actor` did `verb` to `object`.
    pub fn new(
        actor: impl Into<Actor>,
        verb: impl Into<Verb>,
        object: impl Into<StatementObject>,
    ) -> Self {
        Self {
            actor: Some(actor.into()),
            ..Self::without_actor(verb, object)
        }
    }

    /// Creates the statement that the default actor did `verb` to `object`. Without a default actor it is not
    /// valid.
    pub fn without_actor(verb: impl Into<Verb>, object: impl Into<StatementObject>) -> Self {
        Self {
            id: None,
            actor: None,
            verb: verb.into(),
            object: object.into(),
            result: None,
            context: None,
            timestamp: None,
            attachments: Vec::new(),
        }
    }

    /// Creates the statement by which `actor` voids the statement with the id `target` (Data 2.3.2).
    ///
    /// An LRS then answers as if it no longer had the target. A voiding statement cannot itself be voided; to
    /// undo it, record the voided statement again, under a new id.
    pub fn void(target: Uuid, actor: impl Into<Actor>) -> Self {
        Self::new(actor, verbs::VOIDED, StatementRef::new(target))
    }

    /// Sets the id.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the actor.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<Actor>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Sets the result.
    #[must_use]
    pub fn result(mut self, result: XapiResult) -> Self {
        self.result = Some(result);
        self
    }

    /// Sets the context it was part of.
    #[must_use]
    pub fn context(mut self, context: XapiContext) -> Self {
        self.context = Some(context);
        self
    }

    /// Sets the time when it happened.
    #[must_use]
    pub fn timestamp(mut self, time: SystemTime) -> Self {
        self.timestamp = Some(time);
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn attachment(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self
    }

    /// Reads JSON text that is a single statement.
    ///
    /// It reads what the types here can hold and silently drops nothing: [`Invalid`] says where there is
    /// something they have no place for. Besides what is not in the shape of a statement, that is `stored`,
    /// `authority` and `version`, which an LRS sets; a duration in years or months, or of more than 292 years;
    /// an instant in a leap second or outside the calendar; an integer that its type, a double or 64 bits, does
    /// not hold; and an empty list that is not the same as none. Precision beyond a millisecond, or in a
    /// duration beyond what is written of one, may be lost, and a number with a fraction becomes the nearest
    /// double.
    ///
    /// It does not check whether the statement is valid; [`check`](crate::statement::check) does.
    ///
    /// ```
    /// use pannier_xapi::statement::Statement;
    ///
    /// let statement = Statement::from_json(
    ///     r#"{"actor": {"mbox": "mailto:ada@example.com"},
    ///         "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
    ///         "object": {"id": "https://example.com/courses/leadership"},
    ///         "result": {"duration": "PT1H30M", "completion": true}}"#,
    /// )?;
    /// assert_eq!(statement.result.unwrap().duration.unwrap().as_secs(), 5_400);
    ///
    /// let error = Statement::from_json(r#"{"stored": "2024-05-04T17:00:00Z"}"#).unwrap_err();
    /// assert!(error.faults.iter().any(|fault| fault.path == "$.stored"));
    /// # Ok::<(), pannier_xapi::statement::Invalid>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Self, Invalid> {
        reading::statement(text)
    }

    /// Returns the statement as JSON text, not yet validated.
    ///
    /// A number that JSON cannot write (NaN, an infinity) becomes `null`, and `prepare` refuses it.
    #[expect(
        clippy::missing_panics_doc,
        reason = "serde_json fails on maps with keys other than strings, of which there are none"
    )]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("every key is a string")
    }
}

/// Reads like [`Statement::from_json`], for an app's own type that contains a statement. Works only with
/// `serde_json`, from text or a [`Value`](serde_json::Value): other formats do not give the text, which keeps
/// numbers as they are and shows properties that are there twice.
impl<'de> Deserialize<'de> for Statement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(text.get()).map_err(D::Error::custom)
    }
}

/// A statement inside a statement, such as what somebody plans or recommends (Data 2.4.4.3).
///
/// It is built as a [`Statement`] and turned into this:
///
/// ```
/// use pannier_xapi::statement::model::{XapiActivity, Agent, Statement, SubStatement};
/// use pannier_xapi::statement::vocabulary::verbs;
///
/// let visit = Statement::new(
///     Agent::mbox("mailto:ben@example.com"),
///     verbs::ATTENDED,
///     XapiActivity::new("https://example.com/webinars/advanced-crm"),
/// );
/// let planned = Statement::new(
///     Agent::mbox("mailto:ada@example.com"),
///     verbs::PREFERRED,
///     SubStatement::from(visit),
/// );
/// # assert!(planned.to_json().contains(r#""objectType":"SubStatement""#));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "objectType")]
pub struct SubStatement {
    /// The actor, without which it is not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// The verb: what they do.
    pub verb: Verb,
    /// The object they do it to. Not another `SubStatement`.
    pub object: StatementObject,
    /// The result.
    #[serde(skip_serializing_if = "is_silent")]
    pub result: Option<XapiResult>,
    /// The context it is part of.
    #[serde(skip_serializing_if = "is_silent")]
    pub context: Option<XapiContext>,
    /// Time when it happens, which here may be in the future.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "written::timestamp"
    )]
    pub timestamp: Option<SystemTime>,
    /// Files that belong to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// Takes everything but the id, which a `SubStatement` must not have.
impl From<Statement> for SubStatement {
    fn from(statement: Statement) -> Self {
        Self {
            actor: statement.actor,
            verb: statement.verb,
            object: statement.object,
            result: statement.result,
            context: statement.context,
            timestamp: statement.timestamp,
            attachments: statement.attachments,
        }
    }
}
