//! Something to do or to learn from.

use std::collections::HashMap;

use pannier::statement::{Fault, model};

use super::{all, extensions};
use crate::status::mirror;

/// Something to do or to learn from: a course, a video, a question, a simulation (Data 2.4.4.1).
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct XapiActivity {
    /// The IRI that distinguishes it from all others.
    pub id: String,
    /// Its definition.
    #[uniffi(default)]
    pub definition: Option<ActivityDefinition>,
}

impl XapiActivity {
    pub(super) fn core(self, at: &str, faults: &mut Vec<Fault>) -> model::XapiActivity {
        model::XapiActivity {
            id: self.id,
            definition: self
                .definition
                .map(|definition| definition.core(&format!("{at}.definition"), faults)),
        }
    }
}

impl From<model::XapiActivity> for XapiActivity {
    fn from(activity: model::XapiActivity) -> Self {
        Self {
            id: activity.id,
            definition: activity.definition.map(Into::into),
        }
    }
}

/// Definition of an activity (Data 2.4.4.1).
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct ActivityDefinition {
    /// Its name, by language.
    #[uniffi(default)]
    pub name: HashMap<String, String>,
    /// Its description, by language; the wording of a question.
    #[uniffi(default)]
    pub description: HashMap<String, String>,
    /// IRI of the kind of activity: `type` in JSON. The usual ones are in `ActivityTypes`.
    #[uniffi(default)]
    pub activity_type: Option<String>,
    /// URL at which people can read more.
    #[uniffi(default)]
    pub more_info: Option<String>,
    /// The form of the question. Needed with any of the six fields that follow.
    #[uniffi(default)]
    pub interaction_type: Option<InteractionType>,
    /// The right answers: absent if every answer is right, empty if none is.
    #[uniffi(default)]
    pub correct_responses_pattern: Option<Vec<String>>,
    /// Items to choose from or to order (choice, sequencing).
    #[uniffi(default)]
    pub choices: Vec<InteractionComponent>,
    /// The points of a scale (likert).
    #[uniffi(default)]
    pub scale: Vec<InteractionComponent>,
    /// Items to match (matching).
    #[uniffi(default)]
    pub source: Vec<InteractionComponent>,
    /// Items to match them with (matching).
    #[uniffi(default)]
    pub target: Vec<InteractionComponent>,
    /// Steps to perform (performance).
    #[uniffi(default)]
    pub steps: Vec<InteractionComponent>,
    /// Anything else: IRI to JSON text.
    #[uniffi(default)]
    pub extensions: HashMap<String, String>,
}

impl ActivityDefinition {
    fn core(self, at: &str, faults: &mut Vec<Fault>) -> model::ActivityDefinition {
        model::ActivityDefinition {
            name: self.name.into_iter().collect(),
            description: self.description.into_iter().collect(),
            activity_type: self.activity_type,
            more_info: self.more_info,
            interaction_type: self.interaction_type.map(Into::into),
            correct_responses_pattern: self.correct_responses_pattern,
            choices: all(self.choices),
            scale: all(self.scale),
            source: all(self.source),
            target: all(self.target),
            steps: all(self.steps),
            extensions: extensions::core(self.extensions, at, faults),
        }
    }
}

impl From<model::ActivityDefinition> for ActivityDefinition {
    fn from(definition: model::ActivityDefinition) -> Self {
        Self {
            name: definition.name.into_iter().collect(),
            description: definition.description.into_iter().collect(),
            activity_type: definition.activity_type,
            more_info: definition.more_info,
            interaction_type: definition.interaction_type.map(Into::into),
            correct_responses_pattern: definition.correct_responses_pattern,
            choices: all(definition.choices),
            scale: all(definition.scale),
            source: all(definition.source),
            target: all(definition.target),
            steps: all(definition.steps),
            extensions: extensions::texts(definition.extensions),
        }
    }
}

mirror! {
    /// The form of a question and of its answers (Data 2.4.4.1).
    InteractionType of and into model::InteractionType {
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
}

/// One thing to choose, match, order or do (Data 2.4.4.1).
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct InteractionComponent {
    /// Its id in answers; unique in its list, best without spaces.
    pub id: String,
    /// Text that the learner sees, by language.
    #[uniffi(default)]
    pub description: HashMap<String, String>,
}

impl From<InteractionComponent> for model::InteractionComponent {
    fn from(component: InteractionComponent) -> Self {
        Self {
            id: component.id,
            description: component.description.into_iter().collect(),
        }
    }
}

impl From<model::InteractionComponent> for InteractionComponent {
    fn from(component: model::InteractionComponent) -> Self {
        Self {
            id: component.id,
            description: component.description.into_iter().collect(),
        }
    }
}
