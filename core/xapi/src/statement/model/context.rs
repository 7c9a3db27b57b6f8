//! What it was part of.

use serde::Serialize;
use uuid::Uuid;

use super::written::is_silent;
use super::{Activity, Actor, Agent, ContextActivities, Extensions, Group, StatementRef};

/// What gives a statement its meaning beside its three parts (Data 2.4.6).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// The registration (one learner taking one course once) it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<Uuid>,
    /// Who taught.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructor: Option<Actor>,
    /// With whom it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<Group>,
    /// The activities around it.
    #[serde(skip_serializing_if = "is_silent")]
    pub context_activities: Option<ContextActivities>,
    /// The revision of the activity. Only where the object is an Activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// What it was done on. Only where the object is an Activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The language it was done in, as an RFC 5646 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Another statement to read it with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<StatementRef>,
    /// Agents around it. Needs an LRS that speaks 2.0 (IEEE 9274.1.1, 4.2.2.5).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context_agents: Vec<ContextAgent>,
    /// Groups around it. Needs an LRS that speaks 2.0 (IEEE 9274.1.1, 4.2.2.5).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context_groups: Vec<ContextGroup>,
    /// Anything else.
    #[serde(skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

impl Context {
    /// A context that says nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the registration.
    #[must_use]
    pub fn registration(mut self, registration: Uuid) -> Self {
        self.registration = Some(registration);
        self
    }

    /// Says who taught.
    #[must_use]
    pub fn instructor(mut self, instructor: impl Into<Actor>) -> Self {
        self.instructor = Some(instructor.into());
        self
    }

    /// Says with whom it was done.
    #[must_use]
    pub fn team(mut self, team: Group) -> Self {
        self.team = Some(team);
        self
    }

    /// Adds an activity that the object is directly part of.
    #[must_use]
    pub fn parent(mut self, activity: Activity) -> Self {
        self.activities().parent.push(activity);
        self
    }

    /// Adds an activity that the object is part of further up.
    #[must_use]
    pub fn grouping(mut self, activity: Activity) -> Self {
        self.activities().grouping.push(activity);
        self
    }

    /// Adds an activity that says what kind of statement this is.
    #[must_use]
    pub fn category(mut self, activity: Activity) -> Self {
        self.activities().category.push(activity);
        self
    }

    /// Adds any other activity.
    #[must_use]
    pub fn other(mut self, activity: Activity) -> Self {
        self.activities().other.push(activity);
        self
    }

    fn activities(&mut self) -> &mut ContextActivities {
        self.context_activities.get_or_insert_default()
    }

    /// Sets the revision of the activity.
    #[must_use]
    pub fn revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = Some(revision.into());
        self
    }

    /// Says what it was done on.
    #[must_use]
    pub fn platform(mut self, platform: impl Into<String>) -> Self {
        self.platform = Some(platform.into());
        self
    }

    /// Says which language it was done in (an RFC 5646 tag).
    #[must_use]
    pub fn language(mut self, tag: impl Into<String>) -> Self {
        self.language = Some(tag.into());
        self
    }

    /// Names another statement to read this one with.
    #[must_use]
    pub fn statement(mut self, id: Uuid) -> Self {
        self.statement = Some(StatementRef::new(id));
        self
    }

    /// Adds an agent. Needs an LRS that speaks 2.0.
    #[must_use]
    pub fn context_agent(mut self, agent: ContextAgent) -> Self {
        self.context_agents.push(agent);
        self
    }

    /// Adds a group. Needs an LRS that speaks 2.0.
    #[must_use]
    pub fn context_group(mut self, group: ContextGroup) -> Self {
        self.context_groups.push(group);
        self
    }

    /// Adds an extension.
    #[must_use]
    pub fn extension(
        mut self,
        iri: impl Into<String>,
        value: impl Into<serde_json::Value>,
    ) -> Self {
        self.extensions.insert(iri.into(), value.into());
        self
    }
}

/// An agent with a part in it, and which (IEEE 9274.1.1, 4.2.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "objectType", rename = "contextAgent", rename_all = "camelCase")]
pub struct ContextAgent {
    /// The agent.
    pub agent: Agent,
    /// IRIs of the parts they had. Optional by the standard, but some LRSs demand one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relevant_types: Vec<String>,
}

impl ContextAgent {
    /// An agent, with no part named yet.
    pub fn new(agent: Agent) -> Self {
        Self {
            agent,
            relevant_types: Vec::new(),
        }
    }

    /// Adds the IRI of a part they had.
    #[must_use]
    pub fn relevant_type(mut self, iri: impl Into<String>) -> Self {
        self.relevant_types.push(iri.into());
        self
    }
}

/// A group with a part in it, and which (IEEE 9274.1.1, 4.2.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "objectType", rename = "contextGroup", rename_all = "camelCase")]
pub struct ContextGroup {
    /// The group.
    pub group: Group,
    /// IRIs of the parts they had. Optional by the standard, but some LRSs demand one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relevant_types: Vec<String>,
}

impl ContextGroup {
    /// A group, with no part named yet.
    pub fn new(group: Group) -> Self {
        Self {
            group,
            relevant_types: Vec::new(),
        }
    }

    /// Adds the IRI of a part they had.
    #[must_use]
    pub fn relevant_type(mut self, iri: impl Into<String>) -> Self {
        self.relevant_types.push(iri.into());
        self
    }
}
