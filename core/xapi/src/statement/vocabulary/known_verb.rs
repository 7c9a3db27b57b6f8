//! A verb that is known when the app is built.

use crate::statement::model::Verb;

/// A published verb with its English word; a [`Verb`] wherever one is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownVerb {
    /// Its IRI.
    pub id: &'static str,
    /// What to show for it in English.
    pub display: &'static str,
}

impl From<KnownVerb> for Verb {
    fn from(known: KnownVerb) -> Self {
        Verb::new(known.id).display("en", known.display)
    }
}
