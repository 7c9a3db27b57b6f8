//! The context of an experience.

use serde::Serialize;
use uuid::Uuid;

use super::written::is_silent;
use super::{Actor, Agent, ContextActivities, Extensions, StatementRef, XapiActivity, XapiGroup};

/// Context that adds meaning to a statement's actor, verb and object (Data 2.4.6).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct XapiContext {
    /// The registration (one learner taking one course once) it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<Uuid>,
    /// The instructor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructor: Option<Actor>,
    /// The team with which it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<XapiGroup>,
    /// The related activities.
    #[serde(skip_serializing_if = "is_silent")]
    pub context_activities: Option<ContextActivities>,
    /// The revision of the activity. Allowed only if the object is an Activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The platform it was done on. Allowed only if the object is an Activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The language it was done in, as an RFC 5646 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Another statement that gives this one context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<StatementRef>,
    /// Agents involved in it. Needs an LRS that speaks 2.0 (IEEE 9274.1.1, 4.2.2.5).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context_agents: Vec<ContextAgent>,
    /// Groups involved in it. Needs an LRS that speaks 2.0 (IEEE 9274.1.1, 4.2.2.5).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context_groups: Vec<ContextGroup>,
    /// Anything else.
    #[serde(skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

impl XapiContext {
    /// Creates an empty context.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the registration.
    #[must_use]
    pub fn registration(mut self, registration: Uuid) -> Self {
        self.registration = Some(registration);
        self
    }

    /// Sets the instructor.
    #[must_use]
    pub fn instructor(mut self, instructor: impl Into<Actor>) -> Self {
        self.instructor = Some(instructor.into());
        self
    }

    /// Sets the team with which it was done.
    #[must_use]
    pub fn team(mut self, team: XapiGroup) -> Self {
        self.team = Some(team);
        self
    }

    /// Adds an activity that the object is directly part of.
    #[must_use]
    pub fn parent(mut self, activity: XapiActivity) -> Self {
        self.activities().parent.push(activity);
        self
    }

    /// Adds an activity of which the object is an indirect part.
    #[must_use]
    pub fn grouping(mut self, activity: XapiActivity) -> Self {
        self.activities().grouping.push(activity);
        self
    }

    /// Adds an activity that classifies the statement.
    #[must_use]
    pub fn category(mut self, activity: XapiActivity) -> Self {
        self.activities().category.push(activity);
        self
    }

    /// Adds any other activity.
    #[must_use]
    pub fn other(mut self, activity: XapiActivity) -> Self {
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

    /// Sets the platform it was done on.
    #[must_use]
    pub fn platform(mut self, platform: impl Into<String>) -> Self {
        self.platform = Some(platform.into());
        self
    }

    /// Sets the language it was done in (an RFC 5646 tag).
    #[must_use]
    pub fn language(mut self, tag: impl Into<String>) -> Self {
        self.language = Some(tag.into());
        self
    }

    /// Sets another statement that gives this one context.
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

/// An agent involved in an experience, and the roles they had (IEEE 9274.1.1, 4.2.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "objectType", rename = "contextAgent", rename_all = "camelCase")]
pub struct ContextAgent {
    /// The agent.
    pub agent: Agent,
    /// IRIs of the roles they had. Optional by the standard, but some LRSs demand one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relevant_types: Vec<String>,
}

impl ContextAgent {
    /// Creates an entry without roles.
    pub fn new(agent: Agent) -> Self {
        Self {
            agent,
            relevant_types: Vec::new(),
        }
    }

    /// Adds the IRI of a role they had.
    #[must_use]
    pub fn relevant_type(mut self, iri: impl Into<String>) -> Self {
        self.relevant_types.push(iri.into());
        self
    }
}

/// A group involved in an experience, and the roles they had (IEEE 9274.1.1, 4.2.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "objectType", rename = "contextGroup", rename_all = "camelCase")]
pub struct ContextGroup {
    /// The group.
    pub group: XapiGroup,
    /// IRIs of the roles they had. Optional by the standard, but some LRSs demand one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relevant_types: Vec<String>,
}

impl ContextGroup {
    /// Creates an entry without roles.
    pub fn new(group: XapiGroup) -> Self {
        Self {
            group,
            relevant_types: Vec::new(),
        }
    }

    /// Adds the IRI of a role they had.
    #[must_use]
    pub fn relevant_type(mut self, iri: impl Into<String>) -> Self {
        self.relevant_types.push(iri.into());
        self
    }
}
