//! Attachments and their content: how the two must match
//! (1.0.3 Data 2.4.11, Communication 1.5.2; 2.0.0 4.1.3).
//!
//! A statement describes an attachment, a part of the request brings its content, and the SHA-2 alone joins them.
//! The hub computes it, so that what it gives out is what the statement describes. Where a header of the part and a
//! property of the attachment state the same thing, they must agree.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use pannier_xapi::lrs::multipart::Head;

use super::facts::Attachment;
use super::hash::Hasher;
use super::media_type::MediaType;
use super::parts::Parts;
use super::problem::Problem;
use super::store::{Content, Spool};

/// Contents by their hash in lower case.
#[derive(Default)]
pub struct Contents(pub BTreeMap<String, Content>);

impl pannier_signature::Contents for Contents {
    fn content(&self, sha2: &str) -> Option<Cow<'_, [u8]>> {
        // What cannot be read any more is not at hand.
        self.0.get(sha2)?.read().ok()
    }
}

/// Claims of the attachments with one hash about their content, each different one once.
#[derive(Default)]
struct Described<'a> {
    types: Vec<&'a str>,
    lengths: Vec<Option<u64>>,
}

/// Most different claims about one content.
const OPINIONS: usize = 20;

/// Takes in the parts after the first, and checks each against the attachments of the statements, which are read once
/// however many parts there are.
pub fn contents<'a>(
    parts: &mut Parts,
    spool: &mut Spool,
    attachments: impl IntoIterator<Item = &'a Attachment>,
) -> Result<Contents, Problem> {
    let mut contents = Contents::default();
    let Some(mut head) = parts.next_head()? else {
        return Ok(contents);
    };
    let mut described: HashMap<String, Described> = HashMap::new();
    for attachment in attachments {
        let known = described
            .entry(attachment.sha2.to_ascii_lowercase())
            .or_default();
        learn(&mut known.types, attachment.content_type.as_str())?;
        learn(&mut known.lengths, attachment.length.octets())?;
    }
    for index in 1.. {
        let wrong = |wrong: String| Problem::bad_request(format!("part {index} {wrong}"));
        let expected = Expected::by(&head, &described).map_err(wrong)?;
        let mut incoming = spool.begin(expected.hasher);
        parts.content(|bytes| {
            incoming
                .put(bytes)
                .map_err(|error| Problem::of_disk(&error))
        })?;
        let (content, sha2) = incoming
            .finish()
            .map_err(|error| Problem::of_disk(&error))?;
        if sha2 != expected.sha2 {
            let sha2 = expected.sha2;
            let hint = if swallows(&content, &parts.delimiter()) {
                "; a delimiter is within it: CRLF must come before each"
            } else {
                ""
            };
            return Err(wrong(format!(
                "has another content than its hash {sha2} says{hint}"
            )));
        }
        let octets = content.octets;
        if expected.length.is_some_and(|length| length != octets) {
            return Err(wrong(format!(
                "has {octets} bytes, but its Content-Length says otherwise"
            )));
        }
        let mut lengths = described[&sha2].lengths.iter();
        if let Some(said) = lengths.find(|said| **said != Some(octets)) {
            let said = said.map_or("more than there can be".to_owned(), |said| said.to_string());
            return Err(wrong(format!(
                "has {octets} bytes, but the length of the attachment with sha2 {sha2} is {said}"
            )));
        }
        contents.0.insert(sha2, content);
        match parts.next_head()? {
            Some(next) => head = next,
            None => break,
        }
    }
    Ok(contents)
}

/// Bytes of a content in which a delimiter is looked for.
const LOOKED_AT: u64 = 1024 * 1024;

/// Tells whether a content has the text of a delimiter in it: then its sender forgot the line break before it, as one
/// client does that is in use.
fn swallows(content: &Content, delimiter: &str) -> bool {
    let beginning = content.beginning(LOOKED_AT).unwrap_or_default();
    let mut windows = beginning.windows(delimiter.len());
    windows.any(|window| window == delimiter.as_bytes())
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

/// What a part says of its content before it comes.
struct Expected {
    /// In lower case.
    sha2: String,
    hasher: Hasher,
    length: Option<u64>,
}

impl Expected {
    /// Returns what the headers of a part say, or what is wrong with them.
    fn by(head: &Head, described: &HashMap<String, Described>) -> Result<Self, String> {
        match head.get("content-transfer-encoding") {
            Some(encoding) if encoding.eq_ignore_ascii_case("binary") => {}
            _ => return Err("must say Content-Transfer-Encoding: binary".into()),
        }
        let Some(sha2) = head.get("x-experience-api-hash") else {
            return Err("has no X-Experience-API-Hash".into());
        };
        let lower = sha2.to_ascii_lowercase();
        let Some(Described { types, lengths }) = described.get(&lower) else {
            return Err(format!(
                "belongs to no attachment: no statement has the sha2 {sha2:?}"
            ));
        };
        if let Some(text) = head.get("content-type") {
            let here = MediaType::of(text);
            if !types.iter().any(|said| here.agrees(&MediaType::of(said))) {
                return Err(format!(
                    "is {text:?}, but its attachment has the contentType {:?}",
                    types.first().copied().unwrap_or_default()
                ));
            }
        }
        let length = head.get("content-length").map(str::parse).transpose();
        let length = length.map_err(|_| "has a Content-Length that is no number")?;
        if length.is_some() && !lengths.contains(&length) {
            return Err("has a Content-Length, but its attachment says another length".into());
        }
        let hasher = Hasher::like(&lower)
            .ok_or("has a hash that is no SHA-256, SHA-384 or SHA-512 in hex")?;
        Ok(Self {
            sha2: lower,
            hasher,
            length,
        })
    }
}

/// Checks that every attachment without a `fileUrl` came with its content.
pub fn complete<'a>(
    attachments: impl IntoIterator<Item = &'a Attachment>,
    contents: &Contents,
) -> Result<(), Problem> {
    let missing = attachments.into_iter().find(|attachment| {
        attachment.file_url.is_none()
            && !contents
                .0
                .contains_key(&attachment.sha2.to_ascii_lowercase())
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
    use crate::store::Folder;

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
        let (send, coming) = tokio::sync::mpsc::channel(2);
        send.try_send(Some(body.into())).unwrap();
        send.try_send(None).unwrap();
        let mut parts = Parts::new("multipart/mixed; boundary=b", coming).unwrap();
        let folder = Folder::temporary();
        let mut read = 0;
        let counted = attachments.iter().inspect(|_| read += 1);
        let contents = contents(&mut parts, &mut Spool::new(&folder), counted).unwrap();
        assert_eq!((contents.0.len(), read), (1, 500));
    }
}
