//! Ids and positions in the batch that the body of a refusal names.
//!
//! Each LRS has its own way, and most have none. A hint saves requests in the search for the culprit; nothing is
//! concluded from it.

use serde_json::Value;
use uuid::Uuid;

/// Maximum number of hints: as many as a batch may reasonably hold; more would be noise.
const MOST: usize = 1000;

/// Returns every UUID in hyphenated form, in order, each once.
pub(super) fn ids_named(body: &[u8]) -> Vec<Uuid> {
    const LENGTH: usize = 36;
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(window) = body.get(at..at + LENGTH) {
        let id = (window[8] == b'-')
            .then(|| Uuid::try_parse_ascii(window).ok())
            .flatten();
        match id {
            Some(id) => {
                if !found.contains(&id) {
                    found.push(id);
                }
                if found.len() == MOST {
                    break;
                }
                at += LENGTH;
            }
            None => at += 1,
        }
    }
    found
}

/// Returns every position in the batch that the body names, in ascending order, each once. Forms: Learning Locker's
/// `statements.1.verb`, `FastAPI`'s `"loc": ["body", 1, "verb"]`, and `"index": 1`.
pub(super) fn indexes(body: &[u8], json: Option<&Value>) -> Vec<usize> {
    let mut found = in_text(&String::from_utf8_lossy(body));
    if let Some(json) = json {
        in_json(json, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(MOST);
    found
}

fn in_text(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for mark in ["statements.", "statements["] {
        for (at, _) in text.match_indices(mark) {
            let rest = &text[at + mark.len()..];
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            found.extend(rest[..digits].parse::<usize>());
        }
    }
    found
}

fn in_json(value: &Value, found: &mut Vec<usize>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match name.as_str() {
                    "index" => found.extend(position(value)),
                    "loc" => found.extend(in_location(value)),
                    _ => in_json(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| in_json(item, found)),
        _ => {}
    }
}

/// Returns the position in `["body", 1, "verb"]`, or in `["body", "list[…]", 1, "verb"]` where one statement is allowed
/// too. A number further on is a position within a statement.
fn in_location(value: &Value) -> Option<usize> {
    let steps = value.as_array()?;
    let (first, rest) = steps.split_first()?;
    if first != "body" {
        return None;
    }
    match rest {
        [Value::String(kind), at, ..] if kind.starts_with("list") => position(at),
        [at, ..] => position(at),
        [] => None,
    }
}

fn position(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|at| usize::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &str) -> Vec<usize> {
        indexes(body.as_bytes(), serde_json::from_str(body).ok().as_ref())
    }

    #[test]
    fn finds_each_styles_positions() {
        for (body, expected) in [
            (
                r#"{"detail":[{"loc":["body",1,"verb"],"msg":"field required"}]}"#,
                vec![1],
            ),
            (
                r#"{"detail":[{"loc":["body","LaxStatement","verb"]},{"loc":["body","list[LaxStatement]",4,"verb"]}]}"#,
                vec![4],
            ),
            (
                r#"{"detail":[{"loc":["body","context","parent",0,"id"]}]}"#,
                vec![],
            ),
            (
                r#"{"detail":[{"loc":["query",3]},{"loc":"body"},{"loc":["body"]}]}"#,
                vec![],
            ),
            (
                r#"{"warnings":["Missing required value in 'statements.1.verb'"]}"#,
                vec![1],
            ),
            (
                "problem in statements[12].actor and statements.3, not statements.x",
                vec![3, 12],
            ),
            (
                r#"{"errors":[{"index":7},{"index":2},{"index":7}]}"#,
                vec![2, 7],
            ),
            (r#"{"errors":[{"index":-1},{"index":"2"}]}"#, vec![]),
            ("statements.99999999999999999999999", vec![]),
            ("statements.", vec![]),
        ] {
            assert_eq!(found(body), expected, "{body}");
        }
    }

    #[test]
    fn finds_ids_in_any_text_and_letter_case() {
        let one = "6690e6c9-3ef0-4ed3-8b37-7f3964730bee";
        let two = "0B5A7F3E-88C7-4F4C-9D26-0D4B6A0C3C11";
        let text = format!(
            "é Statement {one} conflicts ({one}); also [{two}] not {}",
            &one[..35]
        );
        let ids: Vec<String> = ids_named(text.as_bytes())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(ids, [one.to_owned(), two.to_lowercase()]);
        assert!(ids_named(b"").is_empty());
    }
}
