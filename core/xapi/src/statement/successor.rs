//! Rewrites a statement under a new id, with a link to the original.
//!
//! This resolves a conflict: the LRS has another statement under the id, and nothing in the standard allows
//! overwriting it (Data 2.3.1; IEEE 9274.1.1, 4.2). What was recorded can still be sent under a new id. The
//! link is `context.statement` (Data 2.4.6; 4.2.2.5), whose target the LRS need not know. If the statement
//! already has one, that stays, and the link becomes an extension of the context.

use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::model::StatementRef;
use super::vocabulary::extensions::TAKES_THE_PLACE_OF;

/// Members with the text of their values, which is kept as it is.
type Members = BTreeMap<String, Box<RawValue>>;

/// Returns the text of a statement that says the same under the id `new` and links to `old`. Its members are in
/// alphabetical order; a `timestamp` is kept, since that is when it happened.
pub fn successor(statement: &[u8], old: Uuid, new: Uuid) -> serde_json::Result<Vec<u8>> {
    let mut members: Members = serde_json::from_slice(statement)?;
    members.insert("id".to_owned(), to_raw_value(&new)?);
    let context = linked(members.get("context").map(AsRef::as_ref), old)?;
    members.insert("context".to_owned(), context);
    serde_json::to_vec(&members)
}

fn linked(context: Option<&RawValue>, old: Uuid) -> serde_json::Result<Box<RawValue>> {
    let mut context = members(context)?;
    let link = to_raw_value(&StatementRef::new(old))?;
    if context.contains_key("statement") {
        let mut extensions = members(context.get("extensions").map(AsRef::as_ref))?;
        extensions.insert(TAKES_THE_PLACE_OF.to_owned(), link);
        context.insert("extensions".to_owned(), to_raw_value(&extensions)?);
    } else {
        context.insert("statement".to_owned(), link);
    }
    to_raw_value(&context)
}

fn members(object: Option<&RawValue>) -> serde_json::Result<Members> {
    object.map_or_else(|| Ok(Members::new()), |raw| serde_json::from_str(raw.get()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::statement::{Fill, XapiVersion, prepare};

    const OLD: Uuid = Uuid::from_u128(0x1111_4000_8000_0000_0000_0000);
    const NEW: Uuid = Uuid::from_u128(0x2222_4000_8000_0000_0000_0000);

    fn after(context: &str) -> Value {
        let text = format!(
            r#"{{"id":"{OLD}","timestamp":"2026-03-01T10:00:00Z","actor":{{"mbox":"mailto:a@example.com"}},
            "verb":{{"id":"http://example.com/did"}},"object":{{"id":"http://example.com/it"}}{context}}}"#
        );
        let new = successor(text.as_bytes(), OLD, NEW).unwrap();
        let fill = Fill {
            id: Uuid::from_u128(7),
            now_ms: 0,
        };
        for version in [XapiVersion::V1_0_3, XapiVersion::V2_0_0] {
            let prepared = prepare(&new, version, &fill).unwrap();
            assert_eq!((prepared.id, prepared.timestamp_is_ours), (NEW, false));
        }
        let mut expected: Value = serde_json::from_str(&text).unwrap();
        let mut new: Value = serde_json::from_slice(&new).unwrap();
        let context = new.as_object_mut().unwrap().remove("context").unwrap();
        let members = expected.as_object_mut().unwrap();
        members.remove("context");
        members.insert("id".to_owned(), json!(NEW));
        assert_eq!(new, expected);
        context
    }

    #[test]
    fn the_link_is_the_contexts_statement_where_that_is_free() {
        let link = json!({"objectType": "StatementRef", "id": OLD});
        assert_eq!(after(""), json!({"statement": link}));
        assert_eq!(
            after(r#","context":{"platform":"VR"}"#),
            json!({"platform": "VR", "statement": link})
        );
        let other = json!({"objectType": "StatementRef", "id": Uuid::from_u128(9)});
        assert_eq!(
            after(&format!(r#","context":{{"statement":{other}}}"#)),
            json!({"statement": other, "extensions": {TAKES_THE_PLACE_OF: link}})
        );
        assert_eq!(
            after(&format!(
                r#","context":{{"statement":{other},"extensions":{{"http://example.com/e":null}}}}"#
            )),
            json!({"statement": other, "extensions": {TAKES_THE_PLACE_OF: link, "http://example.com/e": null}})
        );
    }

    #[test]
    fn values_keep_their_text() {
        let text = br#"{"id":"x","result":{"score":{"raw":1.50000000000000000001}},"object":{"id":"\u00e9"}}"#;
        let new = String::from_utf8(successor(text, OLD, NEW).unwrap()).unwrap();
        assert!(
            new.contains("1.50000000000000000001") && new.contains(r"\u00e9"),
            "{new}"
        );
        assert!(successor(b"[]", OLD, NEW).is_err());
    }
}
