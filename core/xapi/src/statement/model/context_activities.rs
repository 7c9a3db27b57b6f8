//! The activities around a statement.

use serde::Serialize;

use super::Activity;

/// The activities that give a statement its place (Data 2.4.6.2). Always written as lists.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ContextActivities {
    /// What the object is directly part of: the quiz of a question.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parent: Vec<Activity>,
    /// What it is part of further up: the course of the quiz.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grouping: Vec<Activity>,
    /// What kind of statement this is, such as the profile it follows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<Activity>,
    /// Any other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<Activity>,
}
