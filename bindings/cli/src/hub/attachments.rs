//! Attachments and their content: what the two must be to each other
//! (1.0.3 Data 2.4.11, Communication 1.5.2; 2.0.0 4.1.3).
//!
//! A statement describes an attachment, a part of the request brings its content, and the SHA-2 joins
//! them. The hub computes it, so what it gives out is what the statement speaks of.

use std::collections::BTreeMap;

use super::facts::Attachment;
use super::hash;
use super::multipart::Part;
use super::problem::Problem;

/// Contents by their hash in lower case.
pub type Contents = BTreeMap<String, Vec<u8>>;

/// Checks the parts after the first against the attachments of the statements.
pub fn contents(parts: &[Part], attachments: &[&Attachment]) -> Result<Contents, Problem> {
    let mut contents = Contents::new();
    for (index, part) in parts.iter().enumerate() {
        let index = index + 1;
        let wrong = |text: String| Problem::bad_request(format!("part {index} {text}"));
        match part.header("content-transfer-encoding") {
            Some(encoding) if encoding.eq_ignore_ascii_case("binary") => {}
            _ => return Err(wrong("must say Content-Transfer-Encoding: binary".into())),
        }
        let Some(sha2) = part.header("x-experience-api-hash") else {
            return Err(wrong("has no X-Experience-API-Hash".into()));
        };
        let described = attachments
            .iter()
            .filter(|attachment| attachment.sha2.eq_ignore_ascii_case(sha2));
        let mut described = described.peekable();
        if described.peek().is_none() {
            return Err(wrong(format!(
                "belongs to no attachment: no statement has the sha2 {sha2:?}"
            )));
        }
        let length = part.content.len() as u64;
        if let Some(attachment) = described.find(|attachment| attachment.length != length) {
            return Err(wrong(format!(
                "has {length} bytes, but its attachment says {}",
                attachment.length
            )));
        }
        if part
            .header("content-length")
            .is_some_and(|header| header.parse() != Ok(length))
        {
            return Err(wrong(format!(
                "has {length} bytes, but its Content-Length says otherwise"
            )));
        }
        match hash::fits(part.content, sha2) {
            Some(true) => {}
            Some(false) => {
                return Err(wrong(format!(
                    "has another content than its hash {sha2} says"
                )));
            }
            None => {
                return Err(wrong(
                    "has a hash that is no SHA-256, SHA-384 or SHA-512 in hex".into(),
                ));
            }
        }
        contents.insert(sha2.to_ascii_lowercase(), part.content.to_vec());
    }
    Ok(contents)
}

/// Every attachment without a `fileUrl` must have come with its content.
pub fn complete(attachments: &[&Attachment], contents: &Contents) -> Result<(), Problem> {
    let missing = attachments.iter().find(|attachment| {
        attachment.file_url.is_none()
            && !contents.contains_key(&attachment.sha2.to_ascii_lowercase())
    });
    match missing {
        None => Ok(()),
        Some(attachment) => Err(Problem::bad_request(format!(
            "the attachment with sha2 {} has neither a fileUrl nor a part with its content; send multipart/mixed with the content in a part",
            attachment.sha2
        ))),
    }
}
