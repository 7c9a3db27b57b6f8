//! Formats of the strings and numbers in a statement, one per file. Each is a pure function of the decoded
//! text.

pub(crate) mod decimal;
pub(crate) mod duration;
pub(crate) mod hash;
pub(crate) mod iri;
pub(crate) mod language_tag;
pub(crate) mod length;
pub(crate) mod mailto;
pub(crate) mod media_type;
pub(crate) mod statement_version;
pub(crate) mod timestamp;
pub(crate) mod uuid;
