//! Widely agreed verbs, types and keys, so that statements of different apps can be read together.
//!
//! They come from the ADL vocabulary, the cmi5 profile, the xAPI video profile, and, where none of these has a
//! word, from the Tin Can registry and Activity Streams. An IRI is never derived from another: `http` or
//! `https`, and hyphens or none, are as their authors published them.

pub mod activity_types;
pub mod categories;
pub mod extensions;
mod known_verb;
pub mod verbs;

pub use known_verb::KnownVerb;
