//! The two maps of the standard. Ordered by key, so that equal values are written as equal text.

use std::collections::BTreeMap;

/// The same text in several languages: RFC 5646 language tag to plain text (Data 4.2).
pub type LanguageMap = BTreeMap<String, String>;

/// Values that the standard has no property for: IRI to any JSON (Data 4.1).
///
/// A value is a [`serde_json::Value`], which numbers, strings and `serde_json::json!` convert to. It crosses
/// into other languages as JSON text.
pub type Extensions = BTreeMap<String, serde_json::Value>;
