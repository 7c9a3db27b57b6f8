//! Activities related to a statement.

use serde::Serialize;

use super::XapiActivity;

/// The activities that give a statement its place (Data 2.4.6.2). They are always written as lists.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ContextActivities {
    /// Activities that the object is directly part of: the quiz of a question.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parent: Vec<XapiActivity>,
    /// Activities that it is part of indirectly: the course of the quiz.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grouping: Vec<XapiActivity>,
    /// Activities that classify the statement, such as the profile it follows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<XapiActivity>,
    /// Any other activities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<XapiActivity>,
}
