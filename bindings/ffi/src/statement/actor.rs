//! The actor of a statement.

use pannier::statement::model;

use super::all;

/// Actor of a statement: one person or system, or several (Data 2.4.2).
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Actor {
    /// One person or system.
    Agent {
        /// The agent.
        agent: Agent,
    },
    /// Several people or systems.
    Group {
        /// The group.
        group: XapiGroup,
    },
}

impl From<Actor> for model::Actor {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::Agent { agent } => Self::Agent(agent.into()),
            Actor::Group { group } => Self::Group(group.into()),
        }
    }
}

impl From<model::Actor> for Actor {
    fn from(actor: model::Actor) -> Self {
        match actor {
            model::Actor::Agent(agent) => Self::Agent {
                agent: agent.into(),
            },
            model::Actor::Group(group) => Self::Group {
                group: group.into(),
            },
        }
    }
}

/// One person or system (Data 2.4.2.1).
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Agent {
    /// Identifier.
    pub ifi: Ifi,
    /// Name to show; it identifies nobody.
    #[uniffi(default)]
    pub name: Option<String>,
}

impl From<Agent> for model::Agent {
    fn from(agent: Agent) -> Self {
        Self {
            name: agent.name,
            ifi: agent.ifi.into(),
        }
    }
}

impl From<model::Agent> for Agent {
    fn from(agent: model::Agent) -> Self {
        Self {
            ifi: agent.ifi.into(),
            name: agent.name,
        }
    }
}

/// Several people or systems (Data 2.4.2.2).
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct XapiGroup {
    /// Members; for an identified group not necessarily all.
    #[uniffi(default)]
    pub member: Vec<Agent>,
    /// Name to show.
    #[uniffi(default)]
    pub name: Option<String>,
    /// Identifier of the group as such. Without it the group is anonymous and must list its members.
    #[uniffi(default)]
    pub ifi: Option<Ifi>,
}

impl From<XapiGroup> for model::XapiGroup {
    fn from(group: XapiGroup) -> Self {
        Self {
            name: group.name,
            ifi: group.ifi.map(Into::into),
            member: all(group.member),
        }
    }
}

impl From<model::XapiGroup> for XapiGroup {
    fn from(group: model::XapiGroup) -> Self {
        Self {
            member: all(group.member),
            name: group.name,
            ifi: group.ifi.map(Into::into),
        }
    }
}

/// An Inverse Functional Identifier: the one property that says who an Agent or Group is
/// (Data 2.4.2.3).
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Ifi {
    /// A mail address as an IRI.
    Mbox {
        /// The IRI, with its `mailto:`.
        iri: String,
    },
    /// The SHA-1 of such an IRI.
    MboxSha1sum {
        /// 40 hex digits.
        hex: String,
    },
    /// An `OpenID`.
    Openid {
        /// A URI.
        uri: String,
    },
    /// An account on some system: best for privacy, as the name may be opaque.
    Account {
        /// The account.
        account: XapiAccount,
    },
}

impl From<Ifi> for model::Ifi {
    fn from(ifi: Ifi) -> Self {
        match ifi {
            Ifi::Mbox { iri } => Self::Mbox(iri),
            Ifi::MboxSha1sum { hex } => Self::MboxSha1sum(hex),
            Ifi::Openid { uri } => Self::Openid(uri),
            Ifi::Account { account } => Self::account(account.home_page, account.name),
        }
    }
}

impl From<model::Ifi> for Ifi {
    fn from(ifi: model::Ifi) -> Self {
        match ifi {
            model::Ifi::Mbox(iri) => Self::Mbox { iri },
            model::Ifi::MboxSha1sum(hex) => Self::MboxSha1sum { hex },
            model::Ifi::Openid(uri) => Self::Openid { uri },
            model::Ifi::Account(model::XapiAccount { home_page, name }) => Self::Account {
                account: XapiAccount { home_page, name },
            },
        }
    }
}

/// An account on a system (Data 2.4.2.4).
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct XapiAccount {
    /// The home page of the system the account is on.
    pub home_page: String,
    /// The unique name or number of the account there.
    pub name: String,
}
