//! Attachments, as a statement describes them. Their content is not part of the statement.

use super::language_map::language_map;
use crate::statement::contents::Attached;
use crate::statement::formats::{decimal, hash, iri, media_type};
use crate::statement::reader::Step;
use crate::statement::rule::{ATTACHMENT, Rule, SIGNATURE, rule};
use crate::statement::walk::Walk;

const WHOLE: Rule = rule("an attachment: an object", ATTACHMENT);
const USAGE_TYPE: Rule = rule(
    "an IRI with a scheme that says what the attachment is for",
    ATTACHMENT,
);
const DISPLAY: Rule = rule("a language map with a title", ATTACHMENT);
const CONTENT_TYPE: Rule = rule("a media type, such as \"image/png\"", ATTACHMENT);
const LENGTH: Rule = rule("the length in octets: a whole number", ATTACHMENT);
const SHA2: Rule = rule(
    "the SHA-2 of the content in hexadecimal digits: 64 of them for SHA-256",
    ATTACHMENT,
);
const FILE_URL: Rule = rule("an address with a scheme, or to leave it out", ATTACHMENT);
const SIGNATURE_TYPE: Rule = rule("\"application/octet-stream\" for a signature", SIGNATURE);
const PROPERTIES: Rule = rule(
    "only usageType, display, description, contentType, length, sha2 and fileUrl in an attachment",
    ATTACHMENT,
);

/// The `usageType` of a statement's signature.
const SIGNS: &str = "http://adlnet.gov/expapi/attachments/signature";

/// The properties an attachment must have, in the order of the flags that say which were met.
const REQUIRED: [(&str, Rule); 5] = [
    ("usageType", USAGE_TYPE),
    ("display", DISPLAY),
    ("contentType", CONTENT_TYPE),
    ("length", LENGTH),
    ("sha2", SHA2),
];

/// Reads an attachment.
pub(crate) fn attachment(walk: &mut Walk<'_>) -> Step<()> {
    let Some(mut members) = walk.object(WHOLE)? else {
        return Ok(());
    };
    let mut met = [false; REQUIRED.len()];
    let mut has_file_url = false;
    let (mut content_type, mut octets, mut sha2) = (None, None, None);
    let mut is_signature = false;
    // Offset of a content type that a signature cannot have.
    let mut other_content = None;
    while let Some(key) = walk.key(&mut members)? {
        let name = key.decoded();
        if let Some(index) = REQUIRED.iter().position(|(required, _)| *required == name) {
            met[index] = true;
        }
        match &*name {
            "usageType" => {
                let signs =
                    walk.parsed(USAGE_TYPE, |text| iri::is_iri(text).then(|| text == SIGNS))?;
                is_signature = signs == Some(true);
            }
            "display" | "description" => language_map(walk)?,
            "contentType" => {
                let at = walk.next_at()?;
                content_type = walk.parsed(CONTENT_TYPE, |text| {
                    media_type::is_media_type(text).then(|| text.to_owned())
                })?;
                let mut said = content_type.iter();
                if said.any(|text| !text.eq_ignore_ascii_case("application/octet-stream")) {
                    other_content = Some(at);
                }
            }
            "length" => octets = length(walk)?,
            "sha2" => {
                let read = |text: &str| hash::is_sha2(text).then(|| text.to_owned());
                sha2 = walk.parsed(SHA2, read)?;
            }
            "fileUrl" => {
                has_file_url = true;
                walk.formatted(FILE_URL, iri::is_iri)?;
            }
            _ => walk.unknown(&key, PROPERTIES)?,
        }
    }
    for ((name, rule), met) in REQUIRED.into_iter().zip(met) {
        if !met {
            walk.missing(members.at, name, rule);
        }
    }
    if let (true, Some(at)) = (is_signature, other_content) {
        walk.note(at, "is the content type of a signature", SIGNATURE_TYPE);
    }
    // Where one is left out the statement is refused.
    if let (false, Some(content_type), Some(length), Some(sha2)) =
        (has_file_url, content_type, octets, sha2)
    {
        let attached = Attached {
            path: String::new(),
            content_type,
            length,
            sha2,
        };
        walk.attached.push((members.at, attached));
    }
    Ok(())
}

/// Checks the length of a content, and returns it.
fn length(walk: &mut Walk<'_>) -> Step<Option<u64>> {
    let Some(length) = walk.number(LENGTH)? else {
        return Ok(None);
    };
    if !decimal::is_count(length.text) {
        walk.note_number(length, LENGTH);
        return Ok(None);
    }
    let Ok(octets) = length.text.parse::<i64>() else {
        let problem = "is longer than any content can be";
        let expected = "a length below 2^63, which every LRS can read";
        walk.limit(length.at, problem, expected);
        return Ok(None);
    };
    Ok(u64::try_from(octets).ok())
}
