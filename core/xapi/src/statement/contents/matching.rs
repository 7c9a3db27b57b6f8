//! Matches contents with the attachments that say what they are, by their hash and in no other way (C 1.5.2; 9274 4.1.3).

use std::collections::BTreeMap;

use super::content::Content;
use super::kept::{Contents, ContentsPart};
use crate::statement::{Fault, Invalid, PANNIER_LIMIT, Prepared};

/// Most bytes that the contents of one statement have together: they are kept in its row of the queue's file, written
/// three times there, and in memory while they are sent.
pub const LONGEST_CONTENTS: usize = 1024 * 1024;

/// An attachment without `fileUrl`: its content has to go with the statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Its JSON path: `$.attachments[0]`.
    pub path: String,
    /// Its `contentType`.
    pub content_type: String,
    /// Its `length`.
    pub length: u64,
    /// Its `sha2`, as written.
    pub sha2: String,
}

/// Reason why contents do not go with a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// No request could carry them: they are too long, or a header cannot say what the statement says of them.
    Invalid(Invalid),
    /// No content is there for an attachment.
    Missing {
        /// JSON path of the attachment.
        path: String,
        /// Its `sha2`.
        sha2: String,
    },
    /// The only content that is left is another than the only attachment that is left says.
    Mismatch {
        /// JSON path of what the attachment says of it.
        path: String,
        /// What the attachment says.
        said: String,
        /// What it is.
        found: String,
    },
    /// No attachment says anything of a content, or it is there twice.
    Unused {
        /// SHA-256 of the content.
        sha2: String,
    },
}

impl Prepared {
    /// Lets these contents go with it: one for each attachment without `fileUrl`, and none besides. Contents that it has
    /// already, in the place of another statement, are taken where an attachment has none among these.
    pub fn with_contents(mut self, given: &[Content]) -> Result<Self, Unmatched> {
        self.attached.iter().try_for_each(may_be_sent)?;
        // By what they say, so that nobody has to read a film to be told; a content of two media types goes twice.
        let said: BTreeMap<_, _> = self
            .attached
            .iter()
            .map(|it| ((&it.sha2, &it.content_type), it.length))
            .collect();
        let long = said
            .values()
            .fold(0_u64, |sum, length| sum.saturating_add(*length));
        if long > LONGEST_CONTENTS as u64 {
            return Err(too_long(long));
        }
        let mut used = vec![false; given.len()];
        let mut parts: Vec<ContentsPart<'_>> = Vec::new();
        let mut missing = Vec::new();
        for attached in &self.attached {
            let among_given = given.iter().position(|content| attached.is_of(content));
            if let Some(at) = among_given {
                used[at] = true;
            }
            let octets = among_given
                .map(|at| given[at].octets())
                .or_else(|| attached.among(&self.contents));
            let Some(octets) = octets else {
                missing.push(attached);
                continue;
            };
            let part = attached.part(octets)?;
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        let unused: Vec<&Content> = given
            .iter()
            .zip(used)
            .filter_map(|(content, used)| (!used).then_some(content))
            .collect();
        matched(&missing, &unused)?;
        self.contents = Contents::of(parts).ok_or_else(|| too_long(long))?;
        Ok(self)
    }
}

impl Attached {
    /// Returns the content that it had in another statement.
    fn among<'a>(&self, kept: &'a Contents) -> Option<&'a [u8]> {
        let mut kept = kept.parts();
        let its = kept.find(|part| part.sha2.eq_ignore_ascii_case(&self.sha2))?;
        Some(its.octets)
    }

    /// Returns the part of a request that brings this content, which must have the length that is said.
    fn part<'a>(&'a self, octets: &'a [u8]) -> Result<ContentsPart<'a>, Unmatched> {
        if octets.len() as u64 != self.length {
            return Err(Unmatched::Mismatch {
                path: format!("{}.length", self.path),
                said: self.length.to_string(),
                found: octets.len().to_string(),
            });
        }
        Ok(ContentsPart {
            sha2: &self.sha2,
            content_type: &self.content_type,
            octets,
        })
    }

    fn is_of(&self, content: &Content) -> bool {
        content
            .sha2_of(self.sha2.len())
            .is_some_and(|hash| hash.eq_ignore_ascii_case(&self.sha2))
    }
}

/// Returns an error unless all attachments and contents have each other.
fn matched(missing: &[&Attached], unused: &[&Content]) -> Result<(), Unmatched> {
    match (missing, unused) {
        ([], []) => Ok(()),
        ([attached], [content]) => Err(Unmatched::Mismatch {
            path: format!("{}.sha2", attached.path),
            said: attached.sha2.clone(),
            found: content
                .sha2_of(attached.sha2.len())
                .unwrap_or_else(|| content.sha2()),
        }),
        ([attached, ..], _) => Err(Unmatched::Missing {
            path: attached.path.clone(),
            sha2: attached.sha2.clone(),
        }),
        ([], [content, ..]) => Err(Unmatched::Unused {
            sha2: content.sha2(),
        }),
    }
}

/// Returns an error unless the headers of a part can say what the attachment says.
fn may_be_sent(attached: &Attached) -> Result<(), Unmatched> {
    let is_visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if attached.sha2.len() == 56 {
        return Err(refused(
            format!("{}.sha2", attached.path),
            "is a SHA-224",
            "SHA-256, SHA-384 or SHA-512 of a content that is sent: LRSs know no other",
        ));
    }
    if !attached.content_type.bytes().all(is_visible) {
        return Err(refused(
            format!("{}.contentType", attached.path),
            "has a character that no header takes",
            "visible ASCII characters and spaces in the media type of a content that is sent",
        ));
    }
    Ok(())
}

fn too_long(long: u64) -> Unmatched {
    refused(
        "$.attachments".to_owned(),
        &format!("have contents of {long} bytes"),
        &format!(
            "at most {LONGEST_CONTENTS} bytes of contents in one statement: what is larger belongs \
             where it can be fetched, named by the attachment's fileUrl"
        ),
    )
}

fn refused(path: String, problem: &str, expected: &str) -> Unmatched {
    Unmatched::Invalid(Invalid::from(vec![Fault {
        index: None,
        path,
        problem: problem.to_owned(),
        expected: expected.to_owned(),
        section: PANNIER_LIMIT,
    }]))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::statement::{Fill, XapiVersion, prepare};

    /// A statement whose attachments say this of their contents: type, length, hash.
    fn saying(attachments: &[(&str, usize, &str)]) -> Prepared {
        let list: Vec<String> = attachments
            .iter()
            .map(|(content_type, length, sha2)| {
                let content_type = serde_json::to_string(content_type).unwrap();
                format!(
                    r#"{{"usageType":"http://example.com/u","display":{{"en":"x"}},"contentType":{content_type},"length":{length},"sha2":"{sha2}"}}"#
                )
            })
            .collect();
        let text = format!(
            r#"{{"actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},"object":{{"id":"http://example.com/a"}},"attachments":[{}]}}"#,
            list.join(",")
        );
        let fill = Fill {
            id: Uuid::from_u128(7),
            now_ms: 0,
        };
        prepare(text.as_bytes(), XapiVersion::V1_0_3, &fill).unwrap()
    }

    fn of(content: &Content) -> (&'static str, usize, String) {
        ("text/plain", content.octets().len(), content.sha2())
    }

    fn matched_with(
        said: &[(&str, usize, String)],
        given: &[Content],
    ) -> Result<Prepared, Unmatched> {
        let said: Vec<_> = said.iter().map(|(a, b, c)| (*a, *b, c.as_str())).collect();
        saying(&said).with_contents(given)
    }

    #[test]
    fn each_attachment_gets_its_content_once() {
        let (one, two) = (Content::bytes("one"), Content::bytes(""));
        let longer = one.sha2_of(128).unwrap().to_ascii_uppercase();
        let said = [
            of(&two),
            of(&one),
            of(&two),
            ("text/plain", 3, longer.clone()),
        ];
        let found = matched_with(&said, &[one.clone(), two.clone()]).unwrap();
        let parts: Vec<_> = found.contents.parts().collect();
        let hashes: Vec<_> = parts.iter().map(|part| part.sha2).collect();
        assert_eq!(hashes, [two.sha2(), one.sha2(), longer]);
        assert_eq!(parts[1].octets, b"one");
        assert_eq!(parts[1].content_type, "text/plain");
        assert!(matched_with(&[], &[]).unwrap().contents.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let (one, two, three) = (
            Content::bytes("one"),
            Content::bytes("two"),
            Content::bytes("3"),
        );
        let path = |at: usize, of: &str| format!("$.attachments[{at}]{of}");
        let missing = matched_with(&[of(&one), of(&two)], std::slice::from_ref(&one));
        assert_eq!(
            missing,
            Err(Unmatched::Missing {
                path: path(1, ""),
                sha2: two.sha2()
            })
        );
        let other = matched_with(&[of(&one), of(&two)], &[one.clone(), three.clone()]);
        assert_eq!(
            other,
            Err(Unmatched::Mismatch {
                path: path(1, ".sha2"),
                said: two.sha2(),
                found: three.sha2()
            })
        );
        for given in [
            vec![one.clone(), three.clone()],
            vec![three.clone(), one.clone()],
        ] {
            let unused = matched_with(&[of(&one)], &given);
            assert_eq!(unused, Err(Unmatched::Unused { sha2: three.sha2() }));
        }
        let twice = matched_with(&[of(&one)], &[one.clone(), one.clone()]);
        assert_eq!(twice, Err(Unmatched::Unused { sha2: one.sha2() }));
        let length = matched_with(&[("text/plain", 4, one.sha2())], &[one]);
        assert_eq!(
            length,
            Err(Unmatched::Mismatch {
                path: path(0, ".length"),
                said: "4".into(),
                found: "3".into()
            })
        );
    }

    #[test]
    fn what_no_request_can_carry_is_refused() {
        let refused =
            |said: &[(&str, usize, String)], given: &[Content]| match matched_with(said, given) {
                Err(Unmatched::Invalid(invalid)) => invalid.faults[0].clone(),
                other => panic!("{other:?}"),
            };
        let one = Content::bytes("one");
        let tab = ("text/plain; a=\"\t\"", 3, one.sha2());
        let letter = ("text/plain; a=\"é\"", 3, one.sha2());
        for said in [tab, letter] {
            let fault = refused(&[said], std::slice::from_ref(&one));
            assert_eq!(fault.path, "$.attachments[0].contentType");
        }
        let short = ("text/plain", 3, "0".repeat(56));
        assert_eq!(refused(&[short], &[one]).path, "$.attachments[0].sha2");
        let longest = Content::bytes(vec![0; LONGEST_CONTENTS]);
        let said = [of(&longest)];
        assert!(matched_with(&said, std::slice::from_ref(&longest)).is_ok());
        let more = Content::bytes("1");
        let fault = refused(&[of(&longest), of(&more)], &[longest, more]);
        assert!(fault.expected.contains("fileUrl") && fault.expected.contains("1048576"));
        // One part cannot say two media types, so it is there twice.
        let half = Content::bytes(vec![0; LONGEST_CONTENTS / 2]);
        let one = of(&half);
        let said = ["a/b", "c/d", "e/f"].map(|content_type| (content_type, one.1, one.2.clone()));
        let found = matched_with(&said[..2], std::slice::from_ref(&half)).unwrap();
        assert_eq!(found.contents.parts().count(), 2);
        refused(&said, std::slice::from_ref(&half));
    }

    #[test]
    fn what_another_statement_had_is_taken_where_nothing_is_given() {
        let (one, two) = (Content::bytes("one"), Content::bytes("two"));
        let before = matched_with(&[of(&one), of(&two)], &[one.clone(), two.clone()]).unwrap();
        let new = Content::bytes("new");
        let said = [of(&two), of(&new)].map(|(a, b, c)| (a, b, c));
        let said: Vec<_> = said.iter().map(|(a, b, c)| (*a, *b, c.as_str())).collect();
        let mut after = saying(&said);
        after.contents = before.contents;
        let after = after.with_contents(&[new]).unwrap();
        let octets: Vec<_> = after.contents.parts().map(|part| part.octets).collect();
        assert_eq!(octets, [b"two", b"new"]);
    }
}
