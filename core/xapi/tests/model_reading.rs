//! What the typed model reads, it keeps: every valid statement of the vectors comes back as the same one, but
//! for those that say what the model has no place for, and these are named and counted.
//!
//! The vectors are those of `vectors.rs`.

mod suite;

use std::collections::BTreeMap;

use pannier_xapi::statement::{
    Comparison, Statement, StatementDefaults, XapiVersion, check, compare,
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Row {
    name: String,
    #[serde(alias = "sent")]
    statement: String,
    /// Those that are compared are all valid.
    #[serde(default = "yes")]
    valid: bool,
}

fn yes() -> bool {
    true
}

/// What the model has no place for, told from the text alone.
fn unsayable(statement: &Value) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    if ["stored", "authority", "version"]
        .iter()
        .any(|name| statement.get(name).is_some())
    {
        kinds.push("set by an LRS");
    }
    everywhere("", statement, &mut |name, value| match (name, value) {
        ("duration", Value::String(text)) => {
            let date = text.split('T').next().unwrap_or_default();
            let has = |unit| {
                let number = date.split(unit).next().filter(|_| date.contains(unit));
                number.is_some_and(|it| it.ends_with(|c: char| c.is_ascii_digit()))
            };
            if has('Y') || has('M') {
                kinds.push("years or months");
            }
        }
        ("timestamp", Value::String(text)) if text.contains(":60") || text.contains("5960Z") => {
            kinds.push("a leap second");
        }
        ("member" | "contextAgents" | "contextGroups", Value::Array(list)) if list.is_empty() => {
            kinds.push("an empty list");
        }
        _ => {}
    });
    kinds
}

/// Visits each property with its value, but for those in extensions, whose names mean nothing here.
fn everywhere(name: &str, value: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    visit(name, value);
    match value {
        Value::Object(members) if name != "extensions" => {
            for (name, value) in members {
                everywhere(name, value, visit);
            }
        }
        Value::Array(list) => {
            for value in list {
                everywhere("", value, visit);
            }
        }
        _ => {}
    }
}

/// Every path at which `ours` says something that `theirs` does not.
fn lost(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    let same = match (ours, theirs) {
        (Value::Object(ours), _) => {
            // One activity alone may have become a list of one.
            let theirs = if theirs.is_array() {
                &theirs[0]
            } else {
                theirs
            };
            for (name, value) in ours {
                let path = format!("{path}.{name}");
                let is_implied = name == "objectType" && theirs.get(name).is_none();
                match theirs.get(name) {
                    Some(their) => lost(&path, value, their, found),
                    None if is_implied || says_nothing(value) => {}
                    None => found.push(path),
                }
            }
            true
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            for (at, value) in ours.iter().enumerate() {
                let their = theirs.get(at).unwrap_or(&Value::Null);
                lost(&format!("{path}[{at}]"), value, their, found);
            }
            ours.len() == theirs.len()
        }
        (Value::Number(ours), Value::Number(theirs)) => ours.as_f64() == theirs.as_f64(),
        // Identifiers are of either case, and of these two `compare` knows the spellings.
        (Value::String(ours), Value::String(theirs)) => {
            ours.eq_ignore_ascii_case(theirs)
                || path.ends_with(".duration")
                || path.ends_with(".timestamp")
        }
        (ours, theirs) => ours == theirs,
    };
    if !same {
        found.push(path.to_owned());
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().all(says_nothing),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Reads all valid rows, and returns how many came back and how many could not be read, by kind.
fn read_all(text: &str) -> (usize, BTreeMap<&'static str, usize>) {
    let (mut back, mut unsaid) = (0, BTreeMap::new());
    for line in text.lines() {
        let row: Row = serde_json::from_str(line).expect("a row of vectors");
        if !row.valid {
            continue;
        }
        let Row {
            name, statement, ..
        } = row;
        let value: Value = serde_json::from_str(&statement).expect("JSON");
        let kinds = unsayable(&value);
        match Statement::from_json(&statement) {
            Ok(read) => {
                assert!(
                    kinds.is_empty(),
                    "{name}: {kinds:?} was left out\n{statement}"
                );
                let written = read.to_json();
                let verdict = compare(statement.as_bytes(), written.as_bytes());
                assert_eq!(verdict, Comparison::Same, "{name}\n{statement}\n{written}");
                let mut gone = Vec::new();
                let again: Value = serde_json::from_str(&written).expect("JSON");
                lost("$", &value, &again, &mut gone);
                assert!(gone.is_empty(), "{name}: {gone:?}\n{statement}\n{written}");
                if let Err(invalid) = check(written.as_bytes(), XapiVersion::V2_0_0) {
                    panic!("{name}: {invalid}\n{statement}\n{written}");
                }
                back += 1;
            }
            Err(invalid) => {
                assert!(!kinds.is_empty(), "{name}: {invalid}\n{statement}");
                *unsaid.entry(kinds[0]).or_default() += 1;
            }
        }
    }
    (back, unsaid)
}

#[test]
fn suite_1_0_3() {
    if let Some(text) = suite::file("statement-vectors-1.0.3.jsonl") {
        let unsaid = BTreeMap::from([("set by an LRS", 5), ("years or months", 1)]);
        assert_eq!(read_all(&text), (155, unsaid));
    }
}

#[test]
fn suite_2_0_0() {
    if let Some(text) = suite::file("statement-vectors-2.0.0.jsonl") {
        let unsaid = BTreeMap::from([("set by an LRS", 5), ("years or months", 1)]);
        assert_eq!(read_all(&text), (170, unsaid));
    }
}

#[test]
fn supplement() {
    let unsaid = BTreeMap::from([
        ("a leap second", 2),
        ("an empty list", 3),
        ("set by an LRS", 6),
        ("years or months", 2),
    ]);
    let text = include_str!("vectors/statement-vectors-supplement.jsonl");
    assert_eq!(read_all(text), (106, unsaid));
}

#[test]
fn what_is_sent_in_the_vectors_of_comparing() {
    let text = include_str!("vectors/statement-compare-vectors.jsonl");
    assert_eq!(read_all(text), (56, BTreeMap::from([("set by an LRS", 2)])));
}

#[test]
fn the_sample_comes_back_as_it_was() {
    let text = include_str!("vectors/model.json");
    let read =
        Statement::from_json(text).expect("the sample has nothing but what the model writes");
    let written: Value = serde_json::from_str(&read.to_json()).expect("JSON");
    let sample: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(written, sample);
}

#[test]
fn a_statement_in_a_type_of_an_apps_is_read_with_it() {
    #[derive(serde::Deserialize)]
    struct Answer {
        score: u8,
        statement: Statement,
        defaults: Option<StatementDefaults>,
    }
    let text = r#"{"score": 3, "defaults": {"context": {"language": "de"}}, "statement": {
        "actor": {"mbox": "mailto:ada@example.com"}, "verb": {"id": "http://example.com/did"},
        "object": {"id": "http://example.com/it"}, "result": {"score": {"raw": 0.10000000000000002}}}}"#;
    let from_text: Answer = serde_json::from_str(text).unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    let from_value: Answer = serde_json::from_value(value).unwrap();
    assert_eq!(
        (from_text.score, &from_text.statement),
        (3, &from_value.statement)
    );
    assert!(
        from_text
            .statement
            .to_json()
            .contains("0.10000000000000002")
    );
    let language = from_text.defaults.unwrap().context.language;
    assert_eq!(language.as_deref(), Some("de"));

    for (wrong, words) in [
        (r#""stored": "2024-05-04T17:00:00Z""#, "$.stored"),
        (r#""actor": {"mbox": "mailto:ben@example.com"}"#, "actor"),
    ] {
        let wrong = text.replace(r#""actor": {"#, &format!("{wrong}, \"actor\": {{"));
        let error = serde_json::from_str::<Answer>(&wrong).err().unwrap();
        assert!(error.to_string().contains(words), "{error}");
    }
}
