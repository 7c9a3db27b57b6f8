//! A file that belongs to a statement.

use serde::Serialize;

use super::LanguageMap;

/// The description of a file, not its content (Data 2.4.11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// The IRI of what the file is for.
    pub usage_type: String,
    /// What to call it; at least one language.
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    pub display: LanguageMap,
    /// What it is.
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    pub description: LanguageMap,
    /// Its media type.
    pub content_type: String,
    /// Its length in bytes.
    pub length: u64,
    /// Its SHA-2 hash as hex digits; best SHA-256. Needed even with `file_url`.
    pub sha2: String,
    /// Where it can be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_url: Option<String>,
}
