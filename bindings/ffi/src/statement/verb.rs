//! The verb of a statement.

use std::collections::HashMap;

use pannier::statement::model;

/// Action of the actor (Data 2.4.3). The usual ones are in `Verbs`.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Verb {
    /// The IRI that gives the verb its meaning.
    pub id: String,
    /// Words to show for it, by language; they carry no meaning.
    #[uniffi(default)]
    pub display: HashMap<String, String>,
}

impl From<Verb> for model::Verb {
    fn from(verb: Verb) -> Self {
        Self {
            id: verb.id,
            display: verb.display.into_iter().collect(),
        }
    }
}

impl From<model::Verb> for Verb {
    fn from(verb: model::Verb) -> Self {
        Self {
            id: verb.id,
            display: verb.display.into_iter().collect(),
        }
    }
}
