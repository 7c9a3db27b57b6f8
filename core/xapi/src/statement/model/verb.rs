//! Verbs.

use serde::Serialize;

use super::LanguageMap;

/// The action of the actor (Data 2.4.3). The usual verbs are in
/// [`vocabulary::verbs`](crate::statement::vocabulary::verbs).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verb {
    /// The IRI that gives the verb its meaning.
    pub id: String,
    /// Words to show for it; they do not affect its meaning.
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    pub display: LanguageMap,
}

impl Verb {
    /// Creates the verb with this IRI.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            display: LanguageMap::new(),
        }
    }

    /// Adds the word to show for it in `language` (an RFC 5646 tag).
    #[must_use]
    pub fn display(mut self, language: impl Into<String>, text: impl Into<String>) -> Self {
        self.display.insert(language.into(), text.into());
        self
    }
}
