//! The attachments that a statement describes, and what the payload of one of its signatures has to say of them.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The `usageType` of a signature (1.0.3 Data 2.6; IEEE 9274.1.1, 4.2.6).
pub const SIGNATURE: &str = "http://adlnet.gov/expapi/attachments/signature";

/// An attachment as a statement describes it, but for its texts for people.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attachment {
    usage_type: String,
    content_type: String,
    length: Length,
    pub(crate) sha2: String,
    file_url: Option<String>,
}

/// Length that an attachment states: digits, any number of them.
#[derive(Deserialize)]
struct Length(Box<RawValue>);

#[derive(Deserialize)]
struct Described {
    #[serde(default)]
    attachments: Vec<Attachment>,
}

#[derive(Deserialize)]
struct Placed<'a> {
    #[serde(borrow)]
    attachments: Option<&'a RawValue>,
}

impl Attachment {
    /// Reads the attachments of a valid statement, without those of a SubStatement, which it does not sign for.
    pub(crate) fn all(statement: &[u8]) -> serde_json::Result<Vec<Self>> {
        if !may_be_there(statement) {
            return Ok(Vec::new());
        }
        let described: Described = serde_json::from_slice(statement)?;
        Ok(described.attachments)
    }

    pub(crate) fn is_signature(&self) -> bool {
        self.usage_type == SIGNATURE
    }

    /// Returns the number of octets that it states; `None` if there cannot be so many.
    pub(crate) fn octets(&self) -> Option<u64> {
        self.length.0.get().parse().ok()
    }

    /// Tells whether both describe the same content for the same use. Titles and descriptions are texts for people, of
    /// which an LRS may give one language alone.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.usage_type == other.usage_type
            && self.content_type.eq_ignore_ascii_case(&other.content_type)
            && self.octets() == other.octets()
            && self.sha2.eq_ignore_ascii_case(&other.sha2)
            && self.file_url == other.file_url
    }
}

/// Tells whether there can be attachments, whose name may be written with escapes, without reading the statement.
fn may_be_there(statement: &[u8]) -> bool {
    let has = |text: &[u8]| statement.windows(text.len()).any(|part| part == text);
    has(b"attachments") || has(b"\\u")
}

/// Returns where the list of a statement's own attachments stands in its text, brackets included.
pub(crate) fn attachments_at(statement: &[u8]) -> Option<Range<usize>> {
    let placed: Placed<'_> = serde_json::from_slice(statement).ok()?;
    let list = placed.attachments?.get();
    // The list is a part of the statement's text.
    let start = list.as_ptr().addr() - statement.as_ptr().addr();
    Some(start..start + list.len())
}

/// Returns the statement with no attachments, whichever it had.
pub(crate) fn without_attachments(statement: &[u8]) -> Cow<'_, [u8]> {
    match attachments_at(statement) {
        Some(list) => {
            let (before, after) = (&statement[..list.start], &statement[list.end..]);
            Cow::Owned([before, b"[]", after].concat())
        }
        None => Cow::Borrowed(statement),
    }
}

/// What the attachments of a payload say about those of the statement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// The same, in the same order.
    Same,
    /// The payload has none, the statement this many.
    None(usize),
    /// They differ at this one of the payload's or the statement's, counted from 0 without signatures.
    Differs(usize),
}

/// Compares all attachments but signatures.
pub(crate) fn others(payload: &[Attachment], statement: &[Attachment]) -> Agreement {
    let others = |all: &[Attachment]| all.iter().filter(|one| !one.is_signature()).count();
    if others(payload) == 0 && others(statement) > 0 {
        return Agreement::None(others(statement));
    }
    let mut ours = payload.iter().filter(|one| !one.is_signature());
    let mut theirs = statement.iter().filter(|one| !one.is_signature());
    for place in 0.. {
        match (ours.next(), theirs.next()) {
            (None, None) => break,
            (Some(ours), Some(theirs)) if ours.agrees(theirs) => {}
            _ => return Agreement::Differs(place),
        }
    }
    Agreement::Same
}

/// Returns the first signature in the payload that is not, in its order, among those before the one that signs: who
/// countersigns can only sign what is there already.
pub(crate) fn unknown_signature<'p>(
    payload: &'p [Attachment],
    before: &[Attachment],
) -> Option<&'p Attachment> {
    let mut before = before.iter().filter(|one| one.is_signature());
    payload
        .iter()
        .filter(|one| one.is_signature())
        .find(|one| !before.by_ref().any(|known| known.agrees(one)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attachment(usage_type: &str, digit: char) -> Attachment {
        let text = format!(
            r#"{{"usageType":"{usage_type}","contentType":"a/b","length":1,"sha2":"{}","display":{{"en":"x"}}}}"#,
            digit.to_string().repeat(64)
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn attachments_agree_one_by_one_without_the_signatures() {
        let list = |text: &str| -> Vec<Attachment> {
            let usage = |it: char| {
                if it < 'a' {
                    SIGNATURE
                } else {
                    "http://u.example/"
                }
            };
            text.chars().map(|it| attachment(usage(it), it)).collect()
        };
        for (payload, statement, outcome) in [
            ("", "", Agreement::Same),
            ("", "1", Agreement::Same),
            ("ab", "a1b2", Agreement::Same),
            ("1a", "a1", Agreement::Same),
            ("", "ab", Agreement::None(2)),
            ("1", "1ab", Agreement::None(2)),
            ("a", "", Agreement::Differs(0)),
            ("ab", "ba", Agreement::Differs(0)),
            ("ab", "a", Agreement::Differs(1)),
            ("a", "ab", Agreement::Differs(1)),
        ] {
            let said = others(&list(payload), &list(statement));
            assert_eq!(said, outcome, "{payload} {statement}");
        }
        for (payload, before, unknown) in [
            ("ab", "", false),
            ("1", "a1", false),
            ("2", "12", false),
            ("12", "1a2", false),
            ("21", "12", true),
            ("11", "1", true),
            ("1", "", true),
        ] {
            let (payload, before) = (list(payload), list(before));
            assert_eq!(unknown_signature(&payload, &before).is_some(), unknown);
        }
    }

    #[test]
    fn what_describes_a_content_counts_and_texts_for_people_do_not() {
        const ONE: &str = r#"{"usageType":"http://u.example/","contentType":"a/b","length":1,"sha2":"ab","fileUrl":"http://f.example/","display":{"en":"x"}}"#;
        let read = |text: &str| serde_json::from_str::<Attachment>(text).unwrap();
        let one = read(ONE);
        for (from, to, agrees) in [
            ("ab", "AB", true),
            ("a/b", "A/B", true),
            (r#"{"en":"x"}"#, r#"{"de":"y"}"#, true),
            ("http://u.", "http://v.", false),
            ("a/b", "a/c", false),
            (":1,", ":2,", false),
            ("ab", "ac", false),
            ("http://f.", "http://g.", false),
            (r#""fileUrl":"http://f.example/","#, "", false),
        ] {
            let other = read(&ONE.replace(from, to));
            assert_eq!(one.agrees(&other), agrees, "{from} {to}");
            assert_eq!(other.agrees(&one), agrees, "{from} {to}");
        }
    }

    #[test]
    fn a_statement_loses_its_own_attachments_alone() {
        for (text, without) in [
            (
                r#"{"a":{"attachments":[1]}}"#,
                r#"{"a":{"attachments":[1]}}"#,
            ),
            (
                r#"{"a":{"attachments":[1]}, "attachments" : [ {"b":[2]} ] ,"c":3}"#,
                r#"{"a":{"attachments":[1]}, "attachments" : [] ,"c":3}"#,
            ),
            (r#"{"attachm\u0065nts":[1]}"#, r#"{"attachm\u0065nts":[]}"#),
            ("no JSON", "no JSON"),
        ] {
            assert_eq!(*without_attachments(text.as_bytes()), *without.as_bytes());
        }
    }
}
