//! Attachments and their content: how the two must match
//! (1.0.3 Data 2.4.11, Communication 1.5.2; 2.0.0 4.1.3).
//!
//! A statement describes an attachment, a part of the request brings its content, and the SHA-2 alone joins them.
//! The hub computes it, so that what it gives out is what the statement describes. Where a header of the part and a
//! property of the attachment state the same thing, they must agree.

use std::collections::{BTreeMap, HashMap};

use pannier_signature::has_sha2;

use super::facts::Attachment;
use super::media_type::MediaType;
use super::multipart::Part;
use super::problem::Problem;

/// Contents by their hash in lower case.
pub type Contents<'a> = BTreeMap<String, &'a [u8]>;

/// Claims of the attachments with one hash about their content, each different one once.
#[derive(Default)]
struct Described<'a> {
    types: Vec<&'a str>,
    lengths: Vec<Option<u64>>,
}

/// Most different claims about one content.
const OPINIONS: usize = 20;

/// Checks the parts after the first against the attachments of the statements, which are read once however many
/// parts there are.
pub fn contents<'p, 'a>(
    parts: &[Part<'p>],
    attachments: impl IntoIterator<Item = &'a Attachment>,
) -> Result<Contents<'p>, Problem> {
    let mut described: HashMap<String, Described> = HashMap::new();
    if !parts.is_empty() {
        for attachment in attachments {
            let known = described
                .entry(attachment.sha2.to_ascii_lowercase())
                .or_default();
            learn(&mut known.types, attachment.content_type.as_str())?;
            learn(&mut known.lengths, attachment.length.octets())?;
        }
    }
    let mut contents = Contents::new();
    for (index, part) in parts.iter().enumerate() {
        let (sha2, content) = checked(part, &described)
            .map_err(|wrong| Problem::bad_request(format!("part {} {wrong}", index + 1)))?;
        contents.insert(sha2, content);
    }
    Ok(contents)
}

fn learn<T: PartialEq>(known: &mut Vec<T>, news: T) -> Result<(), Problem> {
    if !known.contains(&news) {
        if known.len() == OPINIONS {
            return Err(Problem::bad_request(format!(
                "more than {OPINIONS} attachments of the same hash differ in what they say of it"
            )));
        }
        known.push(news);
    }
    Ok(())
}

/// Returns the hash and the content of a part, or what is wrong with it.
fn checked<'p>(
    part: &Part<'p>,
    described: &HashMap<String, Described>,
) -> Result<(String, &'p [u8]), String> {
    match part.header("content-transfer-encoding") {
        Some(encoding) if encoding.eq_ignore_ascii_case("binary") => {}
        _ => return Err("must say Content-Transfer-Encoding: binary".into()),
    }
    let Some(sha2) = part.header("x-experience-api-hash") else {
        return Err("has no X-Experience-API-Hash".into());
    };
    let lower = sha2.to_ascii_lowercase();
    let Some(Described { types, lengths }) = described.get(&lower) else {
        return Err(format!(
            "belongs to no attachment: no statement has the sha2 {sha2:?}"
        ));
    };
    if let Some(text) = part.header("content-type") {
        let here = MediaType::of(text);
        if !types.iter().any(|said| here.agrees(&MediaType::of(said))) {
            return Err(format!(
                "is {text:?}, but its attachment has the contentType {:?}",
                types.first().copied().unwrap_or_default()
            ));
        }
    }
    let length = part.content.len() as u64;
    if let Some(text) = part.header("content-length") {
        if text.parse() != Ok(length) {
            return Err(format!(
                "has {length} bytes, but its Content-Length says otherwise"
            ));
        }
        if !lengths.contains(&Some(length)) {
            return Err(format!(
                "has the Content-Length {length}, but its attachment says another length"
            ));
        }
    }
    match has_sha2(part.content, sha2) {
        Some(true) => Ok((lower, part.content)),
        Some(false) => Err(format!("has another content than its hash {sha2} says")),
        None => Err("has a hash that is no SHA-256, SHA-384 or SHA-512 in hex".into()),
    }
}

/// Checks that every attachment without a `fileUrl` came with its content.
pub fn complete<'a>(
    attachments: impl IntoIterator<Item = &'a Attachment>,
    contents: &Contents,
) -> Result<(), Problem> {
    let missing = attachments.into_iter().find(|attachment| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multipart;

    #[test]
    fn attachments_are_read_once_however_many_parts_there_are() {
        let sha2 = crate::hash::sha256(b"");
        let text =
            format!(r#"{{"usageType":"a:b","contentType":"x/y","length":0,"sha2":"{sha2}"}}"#);
        let attachments: Vec<Attachment> = (0..500)
            .map(|_| serde_json::from_str(&text).unwrap())
            .collect();
        let part = format!(
            "--b\r\nContent-Type: x/y\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {sha2}\r\n\r\n\r\n"
        );
        let body = format!("{}--b--", part.repeat(500));
        let parts = multipart::parse(body.as_bytes(), "b").unwrap();
        assert_eq!(parts.len(), 500);
        let mut read = 0;
        let counted = attachments.iter().inspect(|_| read += 1);
        assert_eq!(contents(&parts, counted).unwrap().len(), 1);
        assert_eq!(read, 500);
    }
}
