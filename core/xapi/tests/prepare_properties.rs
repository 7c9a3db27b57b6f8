//! What holds for every text that `prepare` is given, not only for those one thinks of.

use pannier_xapi::statement::{Fill, XapiVersion, check, prepare};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use uuid::{Uuid, uuid};

const FILL: Fill = Fill {
    id: uuid!("0190b7a2-1111-4222-8333-444455556666"),
    now_ms: 1_714_842_000_007,
};

fn any_version() -> impl Strategy<Value = XapiVersion> {
    select(vec![XapiVersion::V1_0_3, XapiVersion::V2_0_0])
}

fn any_text() -> impl Strategy<Value = String> {
    "[^\0]{0,12}"
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any_text(), inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

/// Pieces of JSON in any order, inside an extension.
fn near_json() -> impl Strategy<Value = Vec<&'static str>> {
    let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"a\":", "\\", "\\u", "00e9", "\\ud83d",
        "\\ude00", "0", "12", "-", "+", ".", "e", "E", "true", "false", "null", "nul", " ", "\n",
        "\t", "é", "\u{1}",
    ];
    vec(select(pieces.to_vec()), 0..12).prop_map(|mut pieces| {
        pieces.insert(0, r#"{"context":{"extensions":{"http://e.example/x":"#);
        pieces.push("}}}");
        pieces
    })
}

fn iri() -> impl Strategy<Value = Value> {
    prop_oneof![
        "https?://[a-zä]{1,8}(:[0-9]{0,4})?(/[a-zA-Z0-9äß/._~-]{0,20})?",
        "(https?|urn|tag):[a-zA-Z0-9äß._~-][a-zA-Z0-9äß/._~-]{0,20}",
    ]
    .prop_map(Value::from)
}

fn language_map() -> impl Strategy<Value = Value> {
    btree_map(
        select(vec!["en", "de-CH", "zh-Hans-CN", "x-own"]),
        any_text(),
        0..3,
    )
    .prop_map(|map| json!(map))
}

fn extensions() -> impl Strategy<Value = Value> {
    btree_map("https://[a-z]{1,8}/[a-z]{0,8}", any_json(), 0..3).prop_map(|map| json!(map))
}

/// An object of those members that are there.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let there = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect::<Map<_, _>>())
}

fn agent() -> impl Strategy<Value = Value> {
    (option::of(any_text()), "[a-z]{1,8}").prop_map(|(name, user)| {
        object([
            ("name", name.map(Value::from)),
            ("mbox", Some(json!(format!("mailto:{user}@example.com")))),
        ])
    })
}

fn activity() -> impl Strategy<Value = Value> {
    let definition = (
        option::of(language_map()),
        option::of(iri()),
        option::of(extensions()),
    )
        .prop_map(|(name, kind, extensions)| {
            object([("name", name), ("type", kind), ("extensions", extensions)])
        });
    (iri(), option::of(definition))
        .prop_map(|(id, definition)| object([("id", Some(id)), ("definition", definition)]))
}

fn result() -> impl Strategy<Value = Value> {
    (
        option::of(-1.0..=1.0),
        option::of(any::<bool>()),
        option::of(any_text()),
        option::of(extensions()),
    )
        .prop_map(|(scaled, success, response, extensions)| {
            object([
                ("score", scaled.map(|scaled| json!({ "scaled": scaled }))),
                ("success", success.map(Value::from)),
                ("response", response.map(Value::from)),
                ("extensions", extensions),
            ])
        })
}

/// A valid statement, with or without what Pannier fills in.
fn statement() -> impl Strategy<Value = Value> {
    let verb = (iri(), option::of(language_map()))
        .prop_map(|(id, display)| object([("id", Some(id)), ("display", display)]));
    let context =
        option::of(extensions().prop_map(|extensions| json!({ "extensions": extensions })));
    let id = option::of((any::<u128>(), any::<bool>()));
    let timestamp = option::of(0..4_000_000_000_i64);
    (
        agent(),
        verb,
        activity(),
        option::of(result()),
        context,
        id,
        timestamp,
    )
        .prop_map(|(actor, verb, activity, result, context, id, timestamp)| {
            let id = id.map(|(bits, capitals)| {
                let text = Uuid::from_u128(bits).to_string();
                json!(if capitals { text.to_uppercase() } else { text })
            });
            let timestamp = timestamp.map(|s| {
                json!(format!(
                    "{:.0}",
                    jiff::Timestamp::new(s, 0).expect("in range")
                ))
            });
            object([
                ("actor", Some(actor)),
                ("verb", Some(verb)),
                ("object", Some(activity)),
                ("result", result),
                ("context", context),
                ("id", id),
                ("timestamp", timestamp),
            ])
        })
}

/// The value that a completed statement must have.
fn completed(mut statement: Value) -> Value {
    let members = statement.as_object_mut().expect("an object");
    let id = members
        .get("id")
        .and_then(Value::as_str)
        .map_or(FILL.id.to_string(), str::to_lowercase);
    members.insert("id".to_owned(), id.into());
    members
        .entry("timestamp")
        .or_insert_with(|| "2024-05-04T17:00:00.007Z".into());
    statement
}

proptest! {
    #[test]
    fn valid_statements_only_gain_id_and_timestamp(
        statement in statement(),
        pretty in any::<bool>(),
        version in any_version(),
    ) {
        let text = if pretty { serde_json::to_vec_pretty(&statement) } else { serde_json::to_vec(&statement) };
        let text = text.expect("JSON");
        let prepared = match prepare(&text, version, &FILL) {
            Ok(prepared) => prepared,
            Err(invalid) => return Err(TestCaseError::fail(format!("{statement}\n{invalid}"))),
        };
        let other = Fill { id: Uuid::from_u128(9), now_ms: i64::MAX };
        let mut refilled = prepare(&text, version, &other).expect("valid still");
        refilled.refill(&other, &FILL);
        prop_assert_eq!(&refilled, &prepared);

        let value: Value = serde_json::from_slice(&prepared.body).expect("JSON");
        prop_assert_eq!(&value["id"], &json!(prepared.id.to_string()));
        // Read from the text, since reading may round a number.
        let before = serde_json::from_slice(&text).expect("JSON");
        prop_assert_eq!(value, completed(before));

        let again = prepare(&prepared.body, version, &Fill { id: Uuid::nil(), now_ms: 0 }).expect("still valid");
        prop_assert_eq!(&again.body, &prepared.body);
        prop_assert_eq!(again.id, prepared.id);
        prop_assert_eq!(again.timestamp_ms, prepared.timestamp_ms);
        prop_assert!(!again.timestamp_is_ours);
    }

    /// What goes to an LRS of 1.0.3 is what the check by its rules takes.
    #[test]
    fn what_1_0_3_does_not_take_needs_2_0(
        statement in statement(),
        version in option::of(select(vec!["1.0.0", "1.0.3", "1.0", "2.0.0"])),
        context in option::of(select(vec!["contextAgents", "contextGroups"])),
        small in 0..4_u8,
        inside in any::<bool>(),
    ) {
        let mut statement = statement;
        if let Some(name) = context {
            statement["context"] = json!({ name: [] });
        }
        if let Some(timestamp) = statement["timestamp"].as_str() {
            let mut text = timestamp.to_owned();
            if small & 1 != 0 {
                text = text.replace('T', "t");
            }
            if small & 2 != 0 {
                text = text.replace('Z', "z");
            }
            statement["timestamp"] = text.into();
        }
        if inside {
            let mut inner = statement.clone();
            inner.as_object_mut().expect("an object").remove("id");
            inner["objectType"] = "SubStatement".into();
            statement = json!({"actor": inner["actor"], "verb": inner["verb"], "object": inner});
        }
        if let Some(version) = version {
            statement["version"] = version.into();
        }
        let text = statement.to_string();
        let prepared = match prepare(text.as_bytes(), XapiVersion::V2_0_0, &FILL) {
            Ok(prepared) => prepared,
            Err(invalid) => return Err(TestCaseError::fail(format!("{statement}\n{invalid}"))),
        };
        let goes = check(text.as_bytes(), XapiVersion::V1_0_3).is_ok();
        prop_assert_eq!(prepared.needs_2_0, !goes, "{}", statement);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..300), version in any_version()) {
        judged(&bytes, version)?;
    }

    #[test]
    fn no_json_makes_it_panic(value in any_json(), version in any_version()) {
        judged(value.to_string().as_bytes(), version)?;
    }

    #[test]
    fn no_near_json_makes_it_panic(pieces in near_json(), version in any_version()) {
        judged(pieces.concat().as_bytes(), version)?;
    }

    /// Valid statements with a few bytes changed, removed or repeated.
    #[test]
    fn no_damage_makes_it_panic(
        statement in statement(),
        damage in vec((any::<Index>(), select(b"{}[]\",:\\u0tn-eE.\xC3\xFF \x00".to_vec()), 0..4_u8), 1..5),
        version in any_version(),
    ) {
        let mut text = statement.to_string().into_bytes();
        for (place, byte, kind) in damage {
            let at = place.index(text.len());
            match kind {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                2 => text.truncate(at.max(1)),
                _ => {
                    let piece = text[at..].to_vec();
                    text.splice(at..at, piece);
                }
            }
        }
        judged(&text, version)?;
    }
}

/// Any text gets a verdict: a statement that reads the same, or faults with paths, among them one about JSON
/// exactly when another reader does not take the text for JSON.
fn judged(text: &[u8], version: XapiVersion) -> Result<(), TestCaseError> {
    let faults = match prepare(text, version, &FILL) {
        Ok(prepared) => {
            let before = serde_json::from_slice(text).expect("accepted text is JSON");
            let after: Value = serde_json::from_slice(&prepared.body).expect("and stays it");
            prop_assert_eq!(after, completed(before));
            Vec::new()
        }
        Err(invalid) => {
            prop_assert!(!invalid.faults.is_empty());
            prop_assert!(
                invalid
                    .faults
                    .iter()
                    .all(|fault| fault.path.starts_with('$'))
            );
            invalid.faults
        }
    };
    let about_json = ["xAPI 1.0.3 About 3.0", "xAPI 2.0.0 4.1.2"];
    let is_json = !faults
        .iter()
        .any(|fault| about_json.contains(&fault.section));
    let is_read =
        str::from_utf8(text).is_ok() && serde_json::from_slice::<IgnoredAny>(text).is_ok();
    prop_assert_eq!(is_json, is_read);
    Ok(())
}
