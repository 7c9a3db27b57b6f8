//! Reader of the answer to `GET /about`.

use serde_json::Value;

use super::AskedAs;
use super::not_an_lrs::{NotAnLrs, by_body, by_status, json};
use super::words::Words;
use crate::lrs::Response;
use crate::statement::XapiVersion;

/// Answer of an LRS about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Versions it lists, as it spells them; see [`highest_common`].
    Versions(Vec<String>),
    /// No versions: Ralph has no such resource, `MiniXapi` wants credentials for it and xapi-rs a version header.
    /// Versions are then found by trying.
    Silent,
    /// The answer is not an LRS's.
    NotAnLrs(NotAnLrs),
    /// No answer for now: 408, 425, 429 or 500 to 599.
    Refused {
        /// The status.
        status: u16,
        /// The LRS's own words.
        words: Words,
    },
}

/// Reads the answer to `GET /about` (C 2.8; 9274 4.1.6.7).
pub fn read_about<'a>(answer: &Response, asked: impl Into<AskedAs<'a>>) -> About {
    let asked = asked.into();
    if let Some(stranger) = by_status(answer, asked) {
        return About::NotAnLrs(stranger);
    }
    match answer.status {
        200 => match versions(json(answer)) {
            Some(versions) => About::Versions(versions.iter().map(|one| asked.hide(one)).collect()),
            None => About::NotAnLrs(by_body(answer, asked, "a success that lists no versions")),
        },
        201..=299 => About::NotAnLrs(by_body(answer, asked, "a success of a kind no LRS answers")),
        408 | 425 | 429 | 500..=599 => About::Refused {
            status: answer.status,
            words: Words::of(answer, asked),
        },
        _ => About::Silent,
    }
}

fn versions(body: &[u8]) -> Option<Vec<String>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    match body.get("version")? {
        // Met in the wild: the only version as text.
        Value::String(only) => Some(vec![only.clone()]),
        Value::Array(listed) => listed
            .iter()
            .map(|version| version.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

/// Returns the highest version that both sides speak. Any 2.0 and any 1.0 will do: a patch changes nothing that is sent
/// (C 3.3; 9274 4.1.7).
pub fn highest_common(versions: &[String]) -> Option<XapiVersion> {
    versions.iter().filter_map(|text| common(text)).max()
}

/// Tells whether the LRS speaks both of our versions.
pub fn speaks_both(versions: &[String]) -> bool {
    let speaks = |version| versions.iter().any(|text| common(text) == Some(version));
    speaks(XapiVersion::V1_0_3) && speaks(XapiVersion::V2_0_0)
}

/// Returns the version of ours that an LRS means by this text.
pub(in crate::lrs) fn common(text: &str) -> Option<XapiVersion> {
    let mut numbers = text.trim().split('.');
    match (numbers.next()?, numbers.next()?) {
        ("2", "0") => Some(XapiVersion::V2_0_0),
        ("1", "0") => Some(XapiVersion::V1_0_3),
        _ => None,
    }
}
