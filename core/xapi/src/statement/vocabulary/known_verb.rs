//! A verb that is known when the app is built.

use crate::statement::model::Verb;

/// A published verb with its English word; converts into a [`Verb`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownVerb {
    /// Its IRI.
    pub id: &'static str,
    /// The word to show for it in English.
    pub display: &'static str,
}

impl From<KnownVerb> for Verb {
    fn from(known: KnownVerb) -> Self {
        Verb::new(known.id).display("en", known.display)
    }
}
