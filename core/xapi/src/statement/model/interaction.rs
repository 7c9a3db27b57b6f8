//! Questions whose answers have one of the standard's forms.

use serde::Serialize;

use super::LanguageMap;

/// The form of a question and of its answers (Data 2.4.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InteractionType {
    /// Two possible answers.
    TrueFalse,
    /// One or more of several `choices`.
    Choice,
    /// A short text.
    FillIn,
    /// A long text.
    LongFillIn,
    /// Pairs of a `source` and a `target` each.
    Matching,
    /// A series of `steps`.
    Performance,
    /// The order of `choices`.
    Sequencing,
    /// One point on a `scale`.
    Likert,
    /// A number.
    Numeric,
    /// Anything else.
    Other,
}

/// One thing to choose, match, order or do (Data 2.4.4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InteractionComponent {
    /// Id by which answers refer to it; different from the others in its list, preferably without spaces.
    pub id: String,
    /// Text that the learner sees.
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    pub description: LanguageMap,
}

impl InteractionComponent {
    /// Creates the component that answers refer to as `id`.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            description: LanguageMap::new(),
        }
    }

    /// Adds the text that the learner sees in `language` (an RFC 5646 tag).
    #[must_use]
    pub fn description(mut self, language: impl Into<String>, text: impl Into<String>) -> Self {
        self.description.insert(language.into(), text.into());
        self
    }
}
