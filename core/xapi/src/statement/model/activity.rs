//! Something to do or to learn from.

use serde::Serialize;

use super::written::is_silent;
use super::{ActivityDefinition, InteractionComponent, InteractionType};

/// Something to do or to learn from: a course, a video, a question, a simulation (Data 2.4.4.1).
///
/// ```
/// use pannier_xapi::statement::model::{XapiActivity, InteractionComponent, InteractionType};
///
/// let question = XapiActivity::new("https://example.com/words/zug")
///     .description("en", "What does 'der Zug' mean?")
///     .interaction(InteractionType::Choice)
///     .choices([
///         InteractionComponent::new("train").description("en", "the train"),
///         InteractionComponent::new("tram").description("en", "the tram"),
///     ])
///     .correct_responses(["train"]);
/// # assert_eq!(question.definition.unwrap().choices.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct XapiActivity {
    /// The IRI that identifies it.
    pub id: String,
    /// The name, type and other facts known about it.
    #[serde(skip_serializing_if = "is_silent")]
    pub definition: Option<ActivityDefinition>,
}

impl XapiActivity {
    /// Creates the activity with this IRI.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            definition: None,
        }
    }

    fn define(mut self, change: impl FnOnce(&mut ActivityDefinition)) -> Self {
        change(self.definition.get_or_insert_default());
        self
    }

    /// Adds the name in `language` (an RFC 5646 tag).
    #[must_use]
    pub fn name(self, language: impl Into<String>, text: impl Into<String>) -> Self {
        self.define(|definition| {
            definition.name.insert(language.into(), text.into());
        })
    }

    /// Adds the description in `language` (an RFC 5646 tag).
    #[must_use]
    pub fn description(self, language: impl Into<String>, text: impl Into<String>) -> Self {
        self.define(|definition| {
            definition.description.insert(language.into(), text.into());
        })
    }

    /// Sets the IRI of its type. The usual types are in
    /// [`vocabulary::activity_types`](crate::statement::vocabulary::activity_types).
    #[must_use]
    pub fn activity_type(self, iri: impl Into<String>) -> Self {
        self.define(|definition| definition.activity_type = Some(iri.into()))
    }

    /// Sets the URL where people can read more.
    #[must_use]
    pub fn more_info(self, url: impl Into<String>) -> Self {
        self.define(|definition| definition.more_info = Some(url.into()))
    }

    /// Adds an extension.
    #[must_use]
    pub fn extension(self, iri: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.define(|definition| {
            definition.extensions.insert(iri.into(), value.into());
        })
    }

    /// Makes it a question of this form.
    #[must_use]
    pub fn interaction(self, form: InteractionType) -> Self {
        self.define(|definition| definition.interaction_type = Some(form))
    }

    /// Sets the right answers; an empty list means that no answer is right.
    #[must_use]
    pub fn correct_responses(self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.define(|definition| {
            definition.correct_responses_pattern =
                Some(patterns.into_iter().map(Into::into).collect());
        })
    }

    /// Sets the choices to choose from or to order (choice, sequencing).
    #[must_use]
    pub fn choices(self, components: impl IntoIterator<Item = InteractionComponent>) -> Self {
        self.define(|definition| definition.choices = components.into_iter().collect())
    }

    /// Sets the points of a scale (likert).
    #[must_use]
    pub fn scale(self, components: impl IntoIterator<Item = InteractionComponent>) -> Self {
        self.define(|definition| definition.scale = components.into_iter().collect())
    }

    /// Sets the items to match (matching).
    #[must_use]
    pub fn source(self, components: impl IntoIterator<Item = InteractionComponent>) -> Self {
        self.define(|definition| definition.source = components.into_iter().collect())
    }

    /// Sets the items to match them with (matching).
    #[must_use]
    pub fn target(self, components: impl IntoIterator<Item = InteractionComponent>) -> Self {
        self.define(|definition| definition.target = components.into_iter().collect())
    }

    /// Sets the steps to perform (performance).
    #[must_use]
    pub fn steps(self, components: impl IntoIterator<Item = InteractionComponent>) -> Self {
        self.define(|definition| definition.steps = components.into_iter().collect())
    }
}
