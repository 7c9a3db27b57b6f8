//! A file that belongs to a statement.

use serde::Serialize;

use super::LanguageMap;

/// Description of a file, without its content (Data 2.4.11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// IRI of the file's purpose.
    pub usage_type: String,
    /// Title to show, in at least one language.
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    pub display: LanguageMap,
    /// Description of the file.
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    pub description: LanguageMap,
    /// Its media type.
    pub content_type: String,
    /// Its length in bytes.
    pub length: u64,
    /// Its SHA-2 hash as hex digits, preferably SHA-256. Needed even with `file_url`.
    pub sha2: String,
    /// URL from which it can be fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_url: Option<String>,
}
