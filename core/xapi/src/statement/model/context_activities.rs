//! Activities related to a statement.

use serde::Serialize;

use super::Activity;

/// The activities that give a statement its place (Data 2.4.6.2). They are always written as lists.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ContextActivities {
    /// Activities that the object is directly part of: the quiz of a question.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parent: Vec<Activity>,
    /// Activities that it is part of indirectly: the course of the quiz.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grouping: Vec<Activity>,
    /// Activities that classify the statement, such as the profile it follows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<Activity>,
    /// Any other activities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<Activity>,
}
