//! A file that belongs to a statement.

use std::collections::HashMap;

use pannier::statement::model;

/// The description of a file, not its content (Data 2.4.11).
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Attachment {
    /// IRI of the file's purpose.
    pub usage_type: String,
    /// Name to show, by language; at least one.
    pub display: HashMap<String, String>,
    /// Its media type.
    pub content_type: String,
    /// Its length in bytes.
    pub length: u64,
    /// Its SHA-2 hash as hex digits; best SHA-256. Needed even with `file_url`.
    pub sha2: String,
    /// URL of the content. Without it the content has to be given with the statement (`record_with`).
    pub file_url: Option<String>,
    /// Description, by language.
    #[uniffi(default)]
    pub description: HashMap<String, String>,
}

impl From<Attachment> for model::Attachment {
    fn from(attachment: Attachment) -> Self {
        Self {
            usage_type: attachment.usage_type,
            display: attachment.display.into_iter().collect(),
            description: attachment.description.into_iter().collect(),
            content_type: attachment.content_type,
            length: attachment.length,
            sha2: attachment.sha2,
            file_url: attachment.file_url,
        }
    }
}

impl From<model::Attachment> for Attachment {
    fn from(attachment: model::Attachment) -> Self {
        Self {
            usage_type: attachment.usage_type,
            display: attachment.display.into_iter().collect(),
            content_type: attachment.content_type,
            length: attachment.length,
            sha2: attachment.sha2,
            file_url: attachment.file_url,
            description: attachment.description.into_iter().collect(),
        }
    }
}
