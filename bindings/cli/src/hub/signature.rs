//! Signed statements (1.0.3 Data 2.6; 2.0.0 4.2.6): the signature is well formed and signs this very
//! statement. Whether to trust the key is left to the reader, as the standard leaves it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pannier::statement::{Comparison, compare};
use serde::Deserialize;

use super::attachments::Contents;
use super::facts::Attachment;

const SIGNATURE: &str = "http://adlnet.gov/expapi/attachments/signature";

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// Checks each signature among the attachments of a statement; the error says what is wrong.
pub fn check(
    statement: &[u8],
    attachments: &[Attachment],
    contents: &Contents,
) -> Result<(), String> {
    for attachment in attachments
        .iter()
        .filter(|attachment| attachment.usage_type == SIGNATURE)
    {
        if attachment.content_type != "application/octet-stream" {
            return Err("a signature must have the contentType application/octet-stream".into());
        }
        let content = contents.get(&attachment.sha2.to_ascii_lowercase());
        let content =
            content.ok_or("a signature must come with its content, not with a fileUrl alone")?;
        jws(statement, content)?;
    }
    Ok(())
}

fn jws(statement: &[u8], jws: &[u8]) -> Result<(), String> {
    let mut sections = jws
        .split(|byte| *byte == b'.')
        .map(|section| URL_SAFE_NO_PAD.decode(section));
    let (Some(Ok(header)), Some(Ok(payload)), Some(Ok(_)), None) = (
        sections.next(),
        sections.next(),
        sections.next(),
        sections.next(),
    ) else {
        return Err("a signature must be a JWS in compact serialization".into());
    };
    match serde_json::from_slice(&header) {
        Ok(Header { alg }) if ["RS256", "RS384", "RS512"].contains(&alg.as_str()) => {}
        _ => return Err("a signature must use the algorithm RS256, RS384 or RS512".into()),
    }
    match compare(&payload, statement) {
        Comparison::Same => Ok(()),
        _ => Err("the payload of a signature must be the statement it is attached to".into()),
    }
}
