//! The object of a statement.

use pannier::statement::{Fault, model};

use super::{
    Actor, Agent, Attachment, Verb, XapiActivity, XapiContext, XapiGroup, XapiResult, all,
};
use crate::{Timestamp, Uuid};

/// Target of the actor's action (Data 2.4.4): the standard's Object, a name that Java has given away.
#[derive(Debug, Clone, PartialEq, uniffi::Enum)]
#[allow(
    clippy::large_enum_variant, // where pointers have 64 bits
    reason = "most objects are activities, and none is kept for long"
)]
pub enum StatementObject {
    /// Something to do or to learn from.
    Activity {
        /// The activity.
        activity: XapiActivity,
    },
    /// A person or system.
    Agent {
        /// The agent.
        agent: Agent,
    },
    /// Several people or systems.
    Group {
        /// The group.
        group: XapiGroup,
    },
    /// Another statement, by its id.
    StatementRef {
        /// The reference.
        reference: StatementRef,
    },
    /// A statement inside this one, which is not itself claimed to have happened. Not named like its type, because
    /// the Kotlin generator would mix the two up.
    Sub {
        /// The SubStatement.
        statement: Box<SubStatement>,
    },
}

impl StatementObject {
    pub(super) fn core(self, at: &str, faults: &mut Vec<Fault>) -> model::StatementObject {
        match self {
            Self::Activity { activity } => activity.core(at, faults).into(),
            Self::Agent { agent } => model::Agent::from(agent).into(),
            Self::Group { group } => model::XapiGroup::from(group).into(),
            Self::StatementRef { reference } => model::StatementRef::new(reference.id).into(),
            Self::Sub { statement } => statement.core(at, faults).into(),
        }
    }
}

impl From<model::StatementObject> for StatementObject {
    fn from(object: model::StatementObject) -> Self {
        match object {
            model::StatementObject::Activity(activity) => Self::Activity {
                activity: activity.into(),
            },
            model::StatementObject::Agent(agent) => Self::Agent {
                agent: agent.into(),
            },
            model::StatementObject::Group(group) => Self::Group {
                group: group.into(),
            },
            model::StatementObject::StatementRef(reference) => Self::StatementRef {
                reference: reference.into(),
            },
            model::StatementObject::SubStatement(statement) => Self::Sub {
                statement: Box::new((*statement).into()),
            },
        }
    }
}

/// Another statement, by its id (Data 2.4.4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct StatementRef {
    /// The id of that statement, which need not be known to anyone yet.
    pub id: Uuid,
}

impl From<model::StatementRef> for StatementRef {
    fn from(reference: model::StatementRef) -> Self {
        Self { id: reference.id }
    }
}

/// A statement inside a statement, such as what somebody plans or recommends (Data 2.4.4.3).
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct SubStatement {
    /// Its actor; without one it is no valid statement.
    #[uniffi(default)]
    pub actor: Option<Actor>,
    /// Its verb.
    pub verb: Verb,
    /// Its object. Not another `SubStatement`.
    pub object: StatementObject,
    /// Its result.
    #[uniffi(default)]
    pub result: Option<XapiResult>,
    /// Its context.
    #[uniffi(default)]
    pub context: Option<XapiContext>,
    /// Time at which it happens, which here may be in the future.
    #[uniffi(default)]
    pub timestamp: Option<Timestamp>,
    /// Files that belong to it.
    #[uniffi(default)]
    pub attachments: Vec<Attachment>,
}

impl SubStatement {
    fn core(self, at: &str, faults: &mut Vec<Fault>) -> model::SubStatement {
        model::SubStatement {
            actor: self.actor.map(Into::into),
            verb: self.verb.into(),
            object: self.object.core(&format!("{at}.object"), faults),
            result: self
                .result
                .map(|result| result.core(&format!("{at}.result"), faults)),
            context: self
                .context
                .map(|context| context.core(&format!("{at}.context"), faults)),
            timestamp: self.timestamp.map(Into::into),
            attachments: all(self.attachments),
        }
    }
}

impl From<model::SubStatement> for SubStatement {
    fn from(statement: model::SubStatement) -> Self {
        Self {
            actor: statement.actor.map(Into::into),
            verb: statement.verb.into(),
            object: statement.object.into(),
            result: statement.result.map(Into::into),
            context: statement.context.map(Into::into),
            timestamp: statement.timestamp.map(Into::into),
            attachments: all(statement.attachments),
        }
    }
}
