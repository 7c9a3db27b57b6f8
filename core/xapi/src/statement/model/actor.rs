//! Actors: agents and groups.

use serde::Serialize;

use super::Ifi;

/// The actor of a statement: one person or system, or several (Data 2.4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Actor {
    /// One person or system.
    Agent(Agent),
    /// Several people or systems.
    Group(XapiGroup),
}

impl From<Agent> for Actor {
    fn from(agent: Agent) -> Self {
        Self::Agent(agent)
    }
}

impl From<XapiGroup> for Actor {
    fn from(group: XapiGroup) -> Self {
        Self::Group(group)
    }
}

/// One person or system (Data 2.4.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "objectType")]
pub struct Agent {
    /// Name to show; it does not identify them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Identifier of the person or system.
    #[serde(flatten)]
    pub ifi: Ifi,
}

impl Agent {
    /// Creates an agent known by any kind of identifier.
    pub fn new(ifi: Ifi) -> Self {
        Self { name: None, ifi }
    }

    /// Creates an agent known by a mail address, with its `mailto:`.
    pub fn mbox(iri: impl Into<String>) -> Self {
        Self::new(Ifi::mbox(iri))
    }

    /// Creates an agent known by the account `name` on the system whose home page is `home_page`.
    pub fn account(home_page: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new(Ifi::account(home_page, name))
    }

    /// Sets the name to show.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// Several people or systems (Data 2.4.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "objectType", rename = "Group")]
pub struct XapiGroup {
    /// Name to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Identifier of the group. Without it the group is anonymous and must list its members.
    #[serde(flatten)]
    pub ifi: Option<Ifi>,
    /// Members of the group; for an identified group not necessarily all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub member: Vec<Agent>,
}

impl XapiGroup {
    /// Creates a group with an identifier of its own.
    pub fn identified(ifi: Ifi) -> Self {
        Self {
            name: None,
            ifi: Some(ifi),
            member: Vec::new(),
        }
    }

    /// Creates a group that consists only of its members.
    pub fn anonymous(members: impl IntoIterator<Item = Agent>) -> Self {
        Self {
            name: None,
            ifi: None,
            member: members.into_iter().collect(),
        }
    }

    /// Sets the name to show.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds a member.
    #[must_use]
    pub fn member(mut self, agent: Agent) -> Self {
        self.member.push(agent);
        self
    }
}
