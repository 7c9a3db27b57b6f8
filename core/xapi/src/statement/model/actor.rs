//! Who did it.

use serde::Serialize;

use super::Ifi;

/// Who a statement is about: one person or system, or several (Data 2.4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Actor {
    /// One person or system.
    Agent(Agent),
    /// Several.
    Group(Group),
}

impl From<Agent> for Actor {
    fn from(agent: Agent) -> Self {
        Self::Agent(agent)
    }
}

impl From<Group> for Actor {
    fn from(group: Group) -> Self {
        Self::Group(group)
    }
}

/// One person or system (Data 2.4.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "objectType")]
pub struct Agent {
    /// What to call them; means nothing for who they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who they are.
    #[serde(flatten)]
    pub ifi: Ifi,
}

impl Agent {
    /// An agent known by any kind of identifier.
    pub fn new(ifi: Ifi) -> Self {
        Self { name: None, ifi }
    }

    /// An agent known by a mail address, with its `mailto:`.
    pub fn mbox(iri: impl Into<String>) -> Self {
        Self::new(Ifi::mbox(iri))
    }

    /// An agent known by the account `name` on the system whose home page is `home_page`.
    pub fn account(home_page: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new(Ifi::account(home_page, name))
    }

    /// Says what to call them.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// Several people or systems (Data 2.4.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "objectType")]
pub struct Group {
    /// What to call them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who they are together. Without it the group is anonymous and must list its members.
    #[serde(flatten)]
    pub ifi: Option<Ifi>,
    /// Who belongs to it; for an identified group not necessarily all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub member: Vec<Agent>,
}

impl Group {
    /// A group with an identifier of its own.
    pub fn identified(ifi: Ifi) -> Self {
        Self {
            name: None,
            ifi: Some(ifi),
            member: Vec::new(),
        }
    }

    /// A group that is nothing but its members.
    pub fn anonymous(members: impl IntoIterator<Item = Agent>) -> Self {
        Self {
            name: None,
            ifi: None,
            member: members.into_iter().collect(),
        }
    }

    /// Says what to call them.
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
