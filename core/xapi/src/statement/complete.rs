//! Completes statements: fills in what the caller left out, and freezes the bytes.

use std::fmt;

use uuid::Uuid;

use crate::Steady;

use super::contents::{Attached, Contents};
use super::fault::{Fault, Invalid, Warnings};
use super::formats::timestamp;
use super::locate;
use super::reader::Step;
use super::rule::JSON;
use super::rules::statement::{self, Nesting, Statement};
use super::version::XapiVersion;
use super::walk::{Purpose, Walk};

/// Values for what a statement leaves out.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    /// The `id` for a statement that has none.
    pub id: Uuid,
    /// The instant for a statement without `timestamp`, in Unix milliseconds.
    pub now_ms: i64,
}

/// A valid, complete statement whose bytes are frozen.
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The statement's id.
    pub id: Uuid,
    /// The frozen bytes: one JSON object, UTF-8, no white space around it.
    pub body: Vec<u8>,
    /// The instant of `timestamp`, in Unix milliseconds. A 1.0.3 timestamp without a zone is taken as UTC.
    pub timestamp_ms: i64,
    /// Tells whether `timestamp` was filled in here rather than given by the caller.
    pub timestamp_is_ours: bool,
    /// Reading of the steady clock at that time, set by a caller that has one. Without it the timestamp stays
    /// as it is.
    pub steady: Option<Steady>,
    /// Tells whether only an LRS of version 2 can take it, since [`check`] refuses it by the rules of 1.0.3: it uses
    /// `contextAgents` or `contextGroups`, says that it is of version 2, or has a timestamp with a small `t` or `z`.
    pub needs_2_0: bool,
    /// The statement this one voids, if it is a voiding statement.
    pub voids: Option<Uuid>,
    /// Its attachments without `fileUrl`, and those of its `SubStatement`: their contents must be sent with it.
    pub attached: Vec<Attached>,
    /// Contents that are sent with it ([`Prepared::with_contents`]).
    pub contents: Contents,
    /// Warnings, which are no reason to refuse.
    pub warnings: Warnings,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("id", &self.id)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("timestamp_ms", &self.timestamp_ms)
            .field("timestamp_is_ours", &self.timestamp_is_ours)
            .field("steady", &self.steady)
            .field("needs_2_0", &self.needs_2_0)
            .field("voids", &self.voids)
            .field("attached", &self.attached.len())
            .field("contents", &self.contents)
            .finish_non_exhaustive()
    }
}

/// Checks a statement against `version` and completes it.
///
/// A statement without `id` gets `fill.id`, one without `timestamp` gets `fill.now_ms` as
/// `YYYY-MM-DDTHH:MM:SS.mmmZ`; both are put right after the opening brace, `id` before `timestamp`. An `id` in
/// upper-case letters is made lower-case, since some LRSs take the two for different statements. White space
/// around the object is left out. All other bytes stay as they are.
///
/// A timestamp in the future is not refused here, since that takes a clock; see also [`prepare_for_recording`].
///
/// Allocates, for a valid statement without warnings, the frozen body, the text of a timestamp that it adds,
/// and room for keys and formatted strings with escapes, for percent-encoded mail addresses, for attachments, and for
/// objects or component lists of more than twelve entries.
pub fn prepare(text: &[u8], version: XapiVersion, fill: &Fill) -> Result<Prepared, Invalid> {
    complete(text, version, fill, Purpose::Verdict)
}

/// Like [`prepare`], but also refuses what is valid but would wait in a queue for good: a statement that voids
/// itself, and a timestamp from the year 2200 on, which no clock error explains but another calendar does: 2026
/// is 2569 in Thailand. [`prepare`] and [`check`] only warn of these, since what others have sent or stored
/// cannot be changed.
pub fn prepare_for_recording(
    text: &[u8],
    version: XapiVersion,
    fill: &Fill,
) -> Result<Prepared, Invalid> {
    complete(text, version, fill, Purpose::Recording)
}

fn complete(
    text: &[u8],
    version: XapiVersion,
    fill: &Fill,
    purpose: Purpose,
) -> Result<Prepared, Invalid> {
    let Checked {
        text,
        statement,
        needs_2_0,
        attached,
        warnings,
    } = validate(text, version, purpose)?;
    let id = statement.id.map_or(fill.id, |(_, id)| id);
    let mut canonical = Uuid::encode_buffer();
    let canonical = id.hyphenated().encode_lower(&mut canonical);

    let mut body = String::with_capacity(statement.end - statement.start + LONGEST_ADDITION);
    body.push('{');
    if statement.id.is_none() {
        add(&mut body, "id", canonical);
    }
    let timestamp_is_ours = statement.timestamp_ms.is_none();
    let timestamp_ms = statement.timestamp_ms.unwrap_or_else(|| {
        let (timestamp, ms) = timestamp::write(fill.now_ms);
        add(&mut body, "timestamp", &timestamp);
        ms
    });
    // A valid statement has members, so what follows the brace can follow a comma.
    let mut rest = statement.start + 1;
    if let Some((written, _)) = &statement.id
        && written.decoded() != *canonical
    {
        let span = written.span();
        body.push_str(&text[rest..span.start]);
        body.push_str(canonical);
        rest = span.end;
    }
    body.push_str(&text[rest..statement.end]);
    Ok(Prepared {
        id,
        body: body.into_bytes(),
        timestamp_ms,
        timestamp_is_ours,
        steady: None,
        needs_2_0,
        voids: statement.voids,
        attached,
        contents: Contents::default(),
        warnings,
    })
}

impl Prepared {
    /// Replaces the values that were filled in, as if it had been prepared with `fill`. It must have been
    /// prepared with `before`, whose id no statement has of its own.
    pub fn refill(&mut self, before: &Fill, fill: &Fill) {
        if self.id == before.id {
            let mut canonical = Uuid::encode_buffer();
            let canonical = fill.id.hyphenated().encode_lower(&mut canonical);
            let start = ID.len() + 1;
            self.body[start..start + UUID_LENGTH].copy_from_slice(canonical.as_bytes());
            self.id = fill.id;
        }
        if self.timestamp_is_ours && retime(&mut self.body, fill.now_ms) {
            self.timestamp_ms = timestamp::write(fill.now_ms).1;
        }
    }
}

/// Checks a statement against `version` without completing it: `id` and `timestamp` may be missing. Returns the
/// warnings about a valid one; those about an invalid one are in [`Invalid`].
pub fn check(text: &[u8], version: XapiVersion) -> Result<Warnings, Invalid> {
    validate(text, version, Purpose::Verdict).map(|checked| checked.warnings)
}

/// Like [`check`], but also refuses what [`prepare_for_recording`] refuses.
pub fn check_for_recording(text: &[u8], version: XapiVersion) -> Result<Warnings, Invalid> {
    validate(text, version, Purpose::Recording).map(|checked| checked.warnings)
}

/// Length of the longest addition, in bytes: both members with their quotes and commas.
const LONGEST_ADDITION: usize = r#""id":"","timestamp":"","#.len() + UUID_LENGTH + 24;

/// Text before an id that was filled in.
const ID: &[u8] = br#""id":""#;

/// Length of an id as text, in bytes.
const UUID_LENGTH: usize = 36;

/// Sets the timestamp that [`prepare`] filled in to another instant. The length stays the same. Returns false
/// and changes nothing if there is none where [`prepare`] puts it.
pub fn retime(body: &mut [u8], unix_ms: i64) -> bool {
    const TIMESTAMP: &[u8] = br#""timestamp":""#;
    let mut at = 1;
    if body[at..].starts_with(ID) {
        at += ID.len() + UUID_LENGTH + r#"","#.len();
    }
    if !body
        .get(at..)
        .is_some_and(|rest| rest.starts_with(TIMESTAMP))
    {
        return false;
    }
    at += TIMESTAMP.len();
    let (text, _) = timestamp::write(unix_ms);
    match body.get_mut(at..at + text.len()) {
        Some(place) => place.copy_from_slice(text.as_bytes()),
        None => return false,
    }
    true
}

/// Writes a member and the comma after it.
fn add(body: &mut String, name: &str, value: &str) {
    for piece in ["\"", name, "\":\"", value, "\","] {
        body.push_str(piece);
    }
}

/// A valid statement.
struct Checked<'a> {
    text: &'a str,
    statement: Statement<'a>,
    needs_2_0: bool,
    attached: Vec<Attached>,
    warnings: Warnings,
}

fn validate(text: &[u8], version: XapiVersion, purpose: Purpose) -> Result<Checked<'_>, Invalid> {
    let text = readable(text, version).map_err(|fault| Invalid::from(vec![fault]))?;
    let mut walk = Walk::new(text, version, purpose);
    let statement = whole(&mut walk).ok().flatten();
    let (needs_2_0, attached) = (walk.needs_2_0, std::mem::take(&mut walk.attached));
    let (statement, warnings) = walk.verdict(statement)?;
    Ok(Checked {
        text,
        statement,
        needs_2_0,
        attached: located(text, attached),
        warnings,
    })
}

/// Returns the attachments with their paths.
fn located(text: &str, mut attached: Vec<(usize, Attached)>) -> Vec<Attached> {
    if attached.is_empty() {
        return Vec::new();
    }
    attached.sort_by_key(|(at, _)| *at);
    let offsets: Vec<usize> = attached.iter().map(|(at, _)| *at).collect();
    let paths = locate::paths(text, &offsets);
    let with_paths = attached.into_iter().zip(paths);
    with_paths
        .map(|((_, attached), path)| Attached { path, ..attached })
        .collect()
}

fn whole<'a>(walk: &mut Walk<'a>) -> Step<Option<Statement<'a>>> {
    let statement = statement::statement(walk, Nesting::Whole)?;
    walk.end()?;
    Ok(statement)
}

/// Reads the text as UTF-8 without byte order mark, with which JSON must not begin.
fn readable(text: &[u8], version: XapiVersion) -> Result<&str, Fault> {
    let fault = |problem: String, expected: &str| Fault {
        index: None,
        path: "$".to_owned(),
        problem,
        expected: expected.to_owned(),
        section: JSON.of(version),
    };
    let text = str::from_utf8(text).map_err(|error| {
        fault(
            format!("is not UTF-8, at byte {}", error.valid_up_to()),
            "JSON in UTF-8",
        )
    })?;
    if text.starts_with('\u{feff}') {
        return Err(fault(
            "begins with a byte order mark".to_owned(),
            "JSON in UTF-8 without byte order mark",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_that_was_filled_in_can_be_set_and_no_other() {
        let id = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9";
        let rest = r#""actor":{"mbox":"mailto:a@example.com"},"verb":{"id":"http://example.com/did"},
            "object":{"id":"http://example.com/it"}"#;
        let now_ms = 1_800_000_000_123;
        let fill = Fill {
            id: Uuid::from_u128(7),
            now_ms,
        };
        for text in [
            format!("{{{rest}}}"),
            format!(r#"{{"id":"{id}",{rest}}}"#),
            format!(r#" {{ "id" : "{}",{rest}}}"#, id.to_uppercase()),
        ] {
            let fresh = |now_ms| {
                prepare(
                    text.as_bytes(),
                    XapiVersion::V2_0_0,
                    &Fill { now_ms, ..fill },
                )
                .unwrap()
            };
            for other in [0, -1, now_ms + 1, i64::MAX] {
                let mut body = fresh(now_ms).body;
                assert!(retime(&mut body, other));
                assert_eq!(body, fresh(other).body);
            }
        }
        for text in [
            format!(r#"{{{rest},"timestamp":"2026-03-01T10:00:00.000Z"}}"#),
            r#"{"id":"","timestamp":""#.to_owned(),
            r#"{"timestamp":""}"#.to_owned(),
            "{".to_owned(),
        ] {
            let mut body = text.clone().into_bytes();
            assert!(!retime(&mut body, 0), "{text}");
            assert_eq!(body, text.as_bytes());
        }
    }
}
