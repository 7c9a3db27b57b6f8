//! A file that belongs to a statement.

use serde::Serialize;

use super::LanguageMap;
use crate::statement::Content;

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

impl Attachment {
    /// Describes a content that is sent with the statement: its length and its hash are those of the content.
    /// `content_type` is its media type, such as `image/png`, and the title is in this language.
    pub fn of(
        content: &Content,
        usage_type: impl Into<String>,
        content_type: impl Into<String>,
        (language, title): (&str, &str),
    ) -> Self {
        Self {
            usage_type: usage_type.into(),
            display: LanguageMap::from([(language.to_owned(), title.to_owned())]),
            description: LanguageMap::new(),
            content_type: content_type.into(),
            length: content.length(),
            sha2: content.sha2(),
            file_url: None,
        }
    }
}
