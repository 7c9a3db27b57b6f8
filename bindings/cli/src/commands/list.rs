//! Printed lists of statements.

use std::fmt;

use jiff::Timestamp;
use pannier::{Page, Uuid};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::terminal::one_line;

/// Entries asked for at a time.
const AT_ONCE: usize = 500;

/// Formats unix milliseconds for a person: `2026-03-01T10:00:00Z`.
pub fn time(milliseconds: i64) -> impl fmt::Display {
    Timestamp::from_millisecond(milliseconds).map_or_else(
        |_| "?".to_owned(),
        |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// Returns a recorded statement as JSON within JSON: its own text, on one line.
pub fn json(statement: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(line(statement)).ok()
}

/// Returns the same JSON on one line. A line break in JSON is never part of a value.
pub fn line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}

/// Returns the id of the statement that this one refers to, as a voiding does.
pub fn object_id(statement: &str) -> Option<Uuid> {
    #[derive(Deserialize)]
    struct Refers {
        object: Object,
    }
    #[derive(Deserialize)]
    struct Object {
        id: Uuid,
    }
    let refers: Refers = serde_json::from_str(statement).ok()?;
    Some(refers.object.id)
}

/// Returns words for contents of a statement's attachments, behind what it says.
pub fn with_contents(bytes: u64) -> String {
    match bytes {
        0 => String::new(),
        bytes => format!("  [with {bytes} bytes of contents]"),
    }
}

/// Returns the same JSON over several lines, its members in their order and its numbers as they are written.
pub fn pretty(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut rest = json.chars().peekable();
    while let Some(char) = rest.next() {
        if in_string {
            text.push(char);
            in_string = escaped || char != '"';
            escaped = char == '\\' && !escaped;
            continue;
        }
        let break_line = |text: &mut String, depth: usize| {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth));
        };
        match char {
            '{' | '[' => {
                text.push(char);
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = rest.next_if(|next| matches!(next, '}' | ']')) {
                    text.push(end);
                } else {
                    depth += 1;
                    break_line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut text, depth);
                text.push(char);
            }
            ',' => {
                text.push(char);
                break_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            white if white.is_ascii_whitespace() => {}
            other => {
                in_string = other == '"';
                text.push(other);
            }
        }
    }
    text
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    actor: Part,
    #[serde(default)]
    verb: Part,
    #[serde(default)]
    object: Part,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Part {
    id: Option<String>,
    object_type: Option<String>,
    name: Option<String>,
    mbox: Option<String>,
    mbox_sha1sum: Option<String>,
    openid: Option<String>,
    account: Option<Account>,
}

#[derive(Deserialize)]
struct Account {
    name: String,
}

impl Part {
    /// Names somebody in a word or two: by an identifier first, since names do not identify.
    fn person(self) -> String {
        let mbox = self.mbox.map(|mbox| {
            let plain = mbox.strip_prefix("mailto:").map(str::to_owned);
            plain.unwrap_or(mbox)
        });
        let sha1 = self.mbox_sha1sum.map(|sha1| format!("sha1:{sha1}"));
        mbox.or(self.account.map(|account| account.name))
            .or(self.openid)
            .or(sha1)
            .or(self.name)
            .or(self.object_type)
            .unwrap_or_default()
    }
}

/// Summarises a statement in a few words: who did what.
pub fn brief(statement: &str) -> String {
    let Ok(Said {
        actor,
        verb,
        object,
    }) = serde_json::from_str(statement)
    else {
        return String::new();
    };
    let verb = verb.id.unwrap_or_default();
    let verb = verb
        .rsplit(['/', '#'])
        .find(|part| !part.is_empty())
        .unwrap_or_default();
    let object = match object.id {
        Some(id) => id,
        None => object.person(),
    };
    let said = format!("{} {verb} {object}", actor.person());
    one_line(said).trim().to_owned()
}

/// Visits all entries of a list that comes a page at a time; `page` gives those after a place.
pub fn all<T, E>(
    limit: Option<usize>,
    mut page: impl FnMut(Page) -> Result<Vec<T>, pannier::Error>,
    place: impl Fn(&T) -> i64,
    mut each: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E>
where
    E: From<pannier::Error>,
{
    let mut left = limit.unwrap_or(usize::MAX);
    let mut after = 0;
    while left > 0 {
        let limit = left.min(AT_ONCE);
        let entries = page(Page { after, limit })?;
        let Some(last) = entries.last() else { break };
        after = place(last);
        left -= entries.len();
        for entry in entries {
            each(entry)?;
        }
    }
    Ok(())
}

/// Visits them from the end; `page` gives those before a place, or the last ones.
pub fn newest_first<T, E>(
    limit: Option<usize>,
    mut page: impl FnMut(Option<i64>, usize) -> Result<Vec<T>, pannier::Error>,
    place: impl Fn(&T) -> i64,
    mut each: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E>
where
    E: From<pannier::Error>,
{
    let mut left = limit.unwrap_or(usize::MAX);
    let mut before = None;
    while left > 0 {
        let entries = page(before, left.min(AT_ONCE))?;
        let Some(last) = entries.last() else { break };
        before = Some(place(last));
        left -= entries.len();
        for entry in entries {
            each(entry)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_in_a_few_words() {
        let words = |actor: &str, verb: &str, object: &str| {
            brief(&format!(
                r#"{{"actor":{actor},"verb":{{"id":"{verb}"}},"object":{object},"x":1e999}}"#
            ))
        };
        assert_eq!(
            words(
                r#"{"mbox":"mailto:ann@a.example"}"#,
                "http://v.example/verbs/did",
                r#"{"id":"http://o.example/1"}"#
            ),
            "ann@a.example did http://o.example/1"
        );
        assert_eq!(
            words(
                r#"{"account":{"homePage":"http://a.example","name":"seat\u001b 7"}}"#,
                "tag:v#did",
                r#"{"objectType":"Agent","openid":"http://b.example/bob"}"#
            ),
            "seat  7 did http://b.example/bob"
        );
        let group = r#"{"objectType":"Group","member":[]}"#;
        assert_eq!(
            words(group, "tag:v#did", r#"{"id":"tag:o"}"#),
            "Group did tag:o"
        );
        assert_eq!(brief("{}"), "");
    }

    #[test]
    fn json_over_several_lines() {
        assert_eq!(
            pretty(r#"{"a":[1.50,{ },[ ]], "b" :{"c":"x\\\"{,:\\"},"d":true}"#),
            "{\n  \"a\": [\n    1.50,\n    {},\n    []\n  ],\n  \"b\": {\n    \"c\": \"x\\\\\\\"{,:\\\\\"\n  },\n  \"d\": true\n}"
        );
    }

    #[test]
    fn the_newest_first() {
        let list: Vec<i64> = (1..=1_234).map(|place| place * 3).collect();
        for limit in [None, Some(0), Some(1), Some(734), Some(735), Some(2_000)] {
            let mut given = 0;
            let page = |before: Option<i64>, limit| {
                let rest = list.iter().copied().rev();
                let rest = rest.filter(|place| before.is_none_or(|before| *place < before));
                let rest: Vec<_> = rest.take(limit).collect();
                given += rest.len();
                Ok(rest)
            };
            let mut seen = Vec::new();
            let each = |place| {
                seen.push(place);
                Ok::<_, pannier::Error>(())
            };
            assert!(newest_first(limit, page, |place| *place, each).is_ok());
            let wanted = list.iter().rev().take(limit.unwrap_or(usize::MAX));
            assert!(seen.iter().eq(wanted), "{limit:?}");
            assert_eq!(given, seen.len(), "nothing is read that is not shown");
        }
    }
}
