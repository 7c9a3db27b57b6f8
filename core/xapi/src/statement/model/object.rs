//! The object of a statement.

use serde::Serialize;
use uuid::Uuid;

use super::{Actor, Agent, SubStatement, XapiActivity, XapiGroup};

/// The object that the actor acted on (Data 2.4.4).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum StatementObject {
    /// Something to do or to learn from.
    Activity(XapiActivity),
    /// A person or system.
    Agent(Agent),
    /// Several of them.
    Group(XapiGroup),
    /// Another statement, by its id.
    StatementRef(StatementRef),
    /// A statement inside this one, which is not itself claimed to have happened.
    SubStatement(Box<SubStatement>),
}

impl From<XapiActivity> for StatementObject {
    fn from(activity: XapiActivity) -> Self {
        Self::Activity(activity)
    }
}

impl From<Agent> for StatementObject {
    fn from(agent: Agent) -> Self {
        Self::Agent(agent)
    }
}

impl From<XapiGroup> for StatementObject {
    fn from(group: XapiGroup) -> Self {
        Self::Group(group)
    }
}

impl From<Actor> for StatementObject {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::Agent(agent) => Self::Agent(agent),
            Actor::Group(group) => Self::Group(group),
        }
    }
}

impl From<StatementRef> for StatementObject {
    fn from(reference: StatementRef) -> Self {
        Self::StatementRef(reference)
    }
}

impl From<SubStatement> for StatementObject {
    fn from(statement: SubStatement) -> Self {
        Self::SubStatement(Box::new(statement))
    }
}

/// Another statement, by its id (Data 2.4.4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "objectType")]
pub struct StatementRef {
    /// The id of that statement, which need not be known to anyone yet.
    pub id: Uuid,
}

impl StatementRef {
    /// Creates a reference to the statement with this id.
    pub fn new(id: Uuid) -> Self {
        Self { id }
    }
}
