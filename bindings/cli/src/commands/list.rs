//! Lists of statements as they are printed.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Unix milliseconds as a person reads them: `2026-03-01T10:00:00Z`.
pub fn time(milliseconds: i64) -> impl fmt::Display {
    Timestamp::from_millisecond(milliseconds).map_or_else(
        |_| "?".to_owned(),
        |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// A recorded statement as JSON within JSON: its own text, on one line.
pub fn json(statement: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(line(statement)).ok()
}

/// The same JSON on one line. A line break in JSON is never part of a value.
pub fn line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}

/// What a statement says, in a few words: verb and object.
pub fn brief(statement: &str) -> String {
    #[derive(Deserialize)]
    struct Statement {
        verb: Id,
        object: Id,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Id {
        id: Option<String>,
        object_type: Option<String>,
    }
    let Ok(Statement { verb, object }) = serde_json::from_str(statement) else {
        return String::new();
    };
    let verb = verb.id.unwrap_or_default();
    let verb = verb
        .rsplit(['/', '#'])
        .find(|part| !part.is_empty())
        .unwrap_or_default();
    let object = object.id.or(object.object_type).unwrap_or_default();
    format!("{verb} {object}")
}

/// All entries of a list that is given out a page at a time; `page` gives those after a place.
pub fn all<T, E>(
    limit: Option<usize>,
    mut page: impl FnMut(pannier::Page) -> Result<Vec<T>, pannier::Error>,
    place: impl Fn(&T) -> i64,
    mut each: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E>
where
    E: From<pannier::Error>,
{
    let mut left = limit.unwrap_or(usize::MAX);
    let mut after = 0;
    while left > 0 {
        let entries = page(pannier::Page {
            after,
            limit: left.min(500),
        })?;
        let Some(last) = entries.last() else { break };
        after = place(last);
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
        let words = |verb: &str, object: &str| {
            brief(&format!(
                r#"{{"verb":{{"id":"{verb}"}},"object":{object},"x":1e999}}"#
            ))
        };
        assert_eq!(
            words(
                "http://v.example/verbs/did",
                r#"{"id":"http://o.example/1"}"#
            ),
            "did http://o.example/1"
        );
        assert_eq!(words("tag:v#did", r#"{"objectType":"Agent"}"#), "did Agent");
        assert_eq!(brief("{}"), "");
    }
}
