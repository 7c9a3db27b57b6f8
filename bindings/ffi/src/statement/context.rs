//! The context of a statement.

use std::collections::HashMap;

use pannier::statement::{Fault, model};

use super::{Actor, Agent, StatementRef, XapiActivity, XapiGroup, all, extensions};
use crate::Uuid;

/// Context that adds to the meaning of actor, verb and object (Data 2.4.6).
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct XapiContext {
    /// The registration (one learner taking one course once) it belongs to.
    #[uniffi(default)]
    pub registration: Option<Uuid>,
    /// The instructor.
    #[uniffi(default)]
    pub instructor: Option<Actor>,
    /// Team with whom it was done.
    #[uniffi(default)]
    pub team: Option<XapiGroup>,
    /// Related activities.
    #[uniffi(default)]
    pub context_activities: Option<ContextActivities>,
    /// The revision of the activity. Only where the object is an Activity.
    #[uniffi(default)]
    pub revision: Option<String>,
    /// Platform it was done on. Only where the object is an Activity.
    #[uniffi(default)]
    pub platform: Option<String>,
    /// The language it was done in, as an RFC 5646 tag.
    #[uniffi(default)]
    pub language: Option<String>,
    /// Another statement that gives it context.
    #[uniffi(default)]
    pub statement: Option<StatementRef>,
    /// Related agents. Needs an LRS that speaks 2.0 (IEEE 9274.1.1, 4.2.2.5).
    #[uniffi(default)]
    pub context_agents: Vec<ContextAgent>,
    /// Related groups. Needs an LRS that speaks 2.0 (IEEE 9274.1.1, 4.2.2.5).
    #[uniffi(default)]
    pub context_groups: Vec<ContextGroup>,
    /// Anything else: IRI to JSON text.
    #[uniffi(default)]
    pub extensions: HashMap<String, String>,
}

impl XapiContext {
    pub(super) fn core(self, at: &str, faults: &mut Vec<Fault>) -> model::XapiContext {
        model::XapiContext {
            registration: self.registration,
            instructor: self.instructor.map(Into::into),
            team: self.team.map(Into::into),
            context_activities: self
                .context_activities
                .map(|around| around.core(&format!("{at}.contextActivities"), faults)),
            revision: self.revision,
            platform: self.platform,
            language: self.language,
            statement: self
                .statement
                .map(|reference| model::StatementRef::new(reference.id)),
            context_agents: all(self.context_agents),
            context_groups: all(self.context_groups),
            extensions: extensions::core(self.extensions, at, faults),
        }
    }
}

impl From<model::XapiContext> for XapiContext {
    fn from(context: model::XapiContext) -> Self {
        Self {
            registration: context.registration,
            instructor: context.instructor.map(Into::into),
            team: context.team.map(Into::into),
            context_activities: context.context_activities.map(Into::into),
            revision: context.revision,
            platform: context.platform,
            language: context.language,
            statement: context.statement.map(Into::into),
            context_agents: all(context.context_agents),
            context_groups: all(context.context_groups),
            extensions: extensions::texts(context.extensions),
        }
    }
}

/// The activities that give a statement its place (Data 2.4.6.2).
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct ContextActivities {
    /// Activities that the object is directly part of: the quiz of a question.
    #[uniffi(default)]
    pub parent: Vec<XapiActivity>,
    /// Activities that it is part of further up: the course of the quiz.
    #[uniffi(default)]
    pub grouping: Vec<XapiActivity>,
    /// Activities that tell the kind of statement, such as the profile it follows.
    #[uniffi(default)]
    pub category: Vec<XapiActivity>,
    /// Any other activities.
    #[uniffi(default)]
    pub other: Vec<XapiActivity>,
}

impl ContextActivities {
    fn core(self, at: &str, faults: &mut Vec<Fault>) -> model::ContextActivities {
        let mut list = |activities: Vec<XapiActivity>, name: &str| {
            activities
                .into_iter()
                .enumerate()
                .map(|(n, activity)| activity.core(&format!("{at}.{name}[{n}]"), faults))
                .collect()
        };
        model::ContextActivities {
            parent: list(self.parent, "parent"),
            grouping: list(self.grouping, "grouping"),
            category: list(self.category, "category"),
            other: list(self.other, "other"),
        }
    }
}

impl From<model::ContextActivities> for ContextActivities {
    fn from(around: model::ContextActivities) -> Self {
        Self {
            parent: all(around.parent),
            grouping: all(around.grouping),
            category: all(around.category),
            other: all(around.other),
        }
    }
}

/// An agent with a role in the statement, and the role (IEEE 9274.1.1, 4.2.2.5).
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ContextAgent {
    /// The agent.
    pub agent: Agent,
    /// IRIs of the agent's roles. Optional by the standard, but some LRSs demand one.
    #[uniffi(default)]
    pub relevant_types: Vec<String>,
}

impl From<ContextAgent> for model::ContextAgent {
    fn from(part: ContextAgent) -> Self {
        Self {
            agent: part.agent.into(),
            relevant_types: part.relevant_types,
        }
    }
}

impl From<model::ContextAgent> for ContextAgent {
    fn from(part: model::ContextAgent) -> Self {
        Self {
            agent: part.agent.into(),
            relevant_types: part.relevant_types,
        }
    }
}

/// A group with a role in the statement, and the role (IEEE 9274.1.1, 4.2.2.5).
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ContextGroup {
    /// The group.
    pub group: XapiGroup,
    /// IRIs of the group's roles. Optional by the standard, but some LRSs demand one.
    #[uniffi(default)]
    pub relevant_types: Vec<String>,
}

impl From<ContextGroup> for model::ContextGroup {
    fn from(part: ContextGroup) -> Self {
        Self {
            group: part.group.into(),
            relevant_types: part.relevant_types,
        }
    }
}

impl From<model::ContextGroup> for ContextGroup {
    fn from(part: model::ContextGroup) -> Self {
        Self {
            group: part.group.into(),
            relevant_types: part.relevant_types,
        }
    }
}
