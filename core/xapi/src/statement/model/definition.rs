//! Definitions of activities.

use serde::Serialize;

use super::{Extensions, InteractionComponent, InteractionType, LanguageMap};

/// Definition of an [`XapiActivity`](super::XapiActivity), filled by that type's builders (Data 2.4.4.1).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivityDefinition {
    /// Its name.
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    pub name: LanguageMap,
    /// Description of the activity; the wording of a question.
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    pub description: LanguageMap,
    /// IRI of the kind of activity: `type` in JSON.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub activity_type: Option<String>,
    /// URL where people can read more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_info: Option<String>,
    /// Form of the question. Needed with any of the six fields that follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interaction_type: Option<InteractionType>,
    /// Right answers: absent if every answer is right, empty if none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correct_responses_pattern: Option<Vec<String>>,
    /// Choices to choose from or to order (choice, sequencing).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<InteractionComponent>,
    /// The points of a scale (likert).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scale: Vec<InteractionComponent>,
    /// Items to match (matching).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<InteractionComponent>,
    /// Items to match them with (matching).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<InteractionComponent>,
    /// Steps to perform (performance).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<InteractionComponent>,
    /// Anything else.
    #[serde(skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}
