//! Contents of attachments.

use std::collections::HashMap;
use std::fmt;

use pannier::Content;

use crate::Attachment;

/// A content that the device keeps for an attachment. Printing it shows its size and not the content.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct KeptContent {
    /// Its hash, as the attachment's `sha2` says it.
    pub sha2: String,
    /// Its media type, as the attachment's `contentType` says it.
    pub content_type: String,
    /// The content.
    pub content: Vec<u8>,
}

impl From<pannier::KeptContent> for KeptContent {
    fn from(kept: pannier::KeptContent) -> Self {
        Self {
            sha2: kept.sha2,
            content_type: kept.content_type,
            content: kept.content.octets().to_vec(),
        }
    }
}

impl fmt::Debug for KeptContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptContent({} bytes)", self.content.len())
    }
}

impl fmt::Display for KeptContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Describes a content that is sent with its statement (`record_with`): its length and its hash are those of the content.
/// `content_type` is its media type, such as `image/png`, and `display` has a title in one language at least.
#[uniffi::export]
#[allow(
    clippy::implicit_hasher,
    reason = "uniffi takes no parameters of types"
)]
pub fn attachment_of(
    content: Vec<u8>,
    usage_type: String,
    content_type: String,
    display: HashMap<String, String>,
) -> Attachment {
    let content = Content::bytes(content);
    Attachment {
        usage_type,
        display,
        content_type,
        length: content.length(),
        sha2: content.sha2(),
        file_url: None,
        description: HashMap::new(),
    }
}

/// Turns what an app gives into contents.
pub(crate) fn octets(contents: Vec<Vec<u8>>) -> impl Iterator<Item = Content> {
    contents.into_iter().map(Content::bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachment_is_described_by_its_content() {
        let display = HashMap::from([("en".to_owned(), "Log".to_owned())]);
        let described = attachment_of(b"abc".to_vec(), "a:b".into(), "a/b".into(), display);
        assert_eq!(described.length, 3);
        assert!(described.sha2.starts_with("ba7816bf"));
        assert_eq!(described.file_url, None);
        let kept = KeptContent {
            sha2: String::new(),
            content_type: String::new(),
            content: b"s3cret".to_vec(),
        };
        assert_eq!(kept.to_string(), "KeptContent(6 bytes)");
    }
}
