//! `check` and `record` ask the same: what one passes the other takes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::process::{Desk, statement};

const ID: &str = "16fd2706-8baf-433b-82eb-8c7fada847da";

/// What each command says of each place, whether it is taken.
fn verdicts(xapi: &str, lines: &[String]) -> [BTreeMap<String, bool>; 2] {
    let desk = Desk::new();
    let file = desk.file("some.jsonl", &lines.join("\n"));
    let told = |args: &[&str], taken: &dyn Fn(&Value) -> bool| {
        let common = ["--json", "--all-faults", "--xapi", xapi, &file];
        let ended = desk.run(&[args, &common].concat());
        assert!(matches!(ended.code, 0 | 1), "{ended:?}");
        let told = ended.json();
        let count = told.len();
        let places = told.iter().map(|line| {
            let place = line["place"].as_str().unwrap().to_owned();
            (place.replace(&file, ""), taken(line))
        });
        let places: BTreeMap<_, _> = places.collect();
        assert_eq!(places.len(), count, "each statement has a place of its own");
        assert_eq!(ended.code == 0, places.values().all(|taken| *taken));
        places
    };
    [
        told(&["check"], &|line| line["valid"] == true),
        told(&["record", "--skip-invalid"], &|line| {
            line["id"].is_string()
        }),
    ]
}

fn with(change: impl FnOnce(&mut Value)) -> String {
    let mut one = statement("one");
    change(&mut one);
    one.to_string()
}

fn member(name: &str, value: &Value) -> String {
    with(|one| one[name] = value.clone())
}

fn attached(file_url: Option<&str>) -> String {
    let mut attachment = json!({
        "usageType": "http://example.org/photo", "display": {"en": "a photo"},
        "contentType": "image/png", "length": 3,
        "sha2": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    });
    if let Some(url) = file_url {
        attachment["fileUrl"] = json!(url);
    }
    member("attachments", &json!([attachment]))
}

fn under(id: &str, object: &str, timestamp: Option<&str>) -> String {
    let mut one = statement(object);
    one["id"] = json!(id);
    if let Some(timestamp) = timestamp {
        one["timestamp"] = json!(timestamp);
    }
    one.to_string()
}

fn voiding(id: &str, target: &str) -> String {
    with(|one| {
        one["id"] = json!(id);
        one["verb"]["id"] = json!("http://adlnet.gov/expapi/verbs/voided");
        one["object"] = json!({"objectType": "StatementRef", "id": target});
    })
}

/// From the standard, and from what a queue can deliver; whether each is to be taken.
fn table(xapi: &str) -> Vec<(String, bool)> {
    let timestamp = |text: &str| member("timestamp", &json!(text));
    let agents = json!({"contextAgents": [
        {"objectType": "contextAgent", "agent": {"mbox": "mailto:a@b.example"}},
    ]});
    let single = vec![
        // Data 2.2 and 2.4.1 to 2.4.4.
        (statement("one").to_string(), true),
        ("{}".to_owned(), false),
        ("[]".to_owned(), true),
        ("null".to_owned(), false),
        (
            with(|one| drop(one.as_object_mut().unwrap().remove("verb"))),
            false,
        ),
        (member("actor", &json!({"mbox": "ann@example.org"})), false),
        (member("unknown", &json!(1)), false),
        (member("result", &json!(null)), false),
        (member("result", &json!({"score": {"scaled": 1.5}})), false),
        (member("result", &json!({"duration": "PT1M"})), true),
        (member("id", &json!("no id")), false),
        ("{\"actor\": {\"mbox\": \"mailto:".to_owned(), false),
        // Data 2.4.10, and what came with 2.0.0.
        (member("version", &json!("0.9")), false),
        (member("version", &json!(xapi)), true),
        (member("context", &agents), xapi == "2.0.0"),
        // Data 2.4.7; a zone that is not known, an hour that is none, ISO 8601 alone, another calendar.
        (timestamp("2026-03-01T10:00:00.5+02:00"), true),
        (timestamp("2026-03-01T10:00:00-00:00"), false),
        (timestamp("2026-03-01T24:00:00Z"), false),
        (timestamp("2026-03-01T10:00"), xapi == "1.0.3"),
        (timestamp("2569-03-01T10:00:00Z"), false),
        // Data 2.4.11: valid, but the content would have to be sent along.
        (attached(Some("https://files.example/photo.png")), true),
        (attached(None), false),
    ];
    [single, voidings(), by_size(), by_id()].concat()
}

/// Voiding statements, of what came before and of what comes after.
fn voidings() -> Vec<(String, bool)> {
    vec![
        // Data 2.3.2.
        (voiding("36fd2706-8baf-433b-82eb-8c7fada847da", ID), true),
        (
            voiding(
                "46fd2706-8baf-433b-82eb-8c7fada847da",
                "46fd2706-8baf-433b-82eb-8c7fada847da",
            ),
            false,
        ),
        (voiding("56fd2706-8baf-433b-82eb-8c7fada847da", ID), true),
        // A voiding statement cannot be voided; what comes before it is not known to void one.
        (
            voiding(
                "66fd2706-8baf-433b-82eb-8c7fada847da",
                "36fd2706-8baf-433b-82eb-8c7fada847da",
            ),
            false,
        ),
        (
            voiding(
                "76fd2706-8baf-433b-82eb-8c7fada847da",
                "86fd2706-8baf-433b-82eb-8c7fada847da",
            ),
            true,
        ),
        (
            voiding(
                "86fd2706-8baf-433b-82eb-8c7fada847da",
                "26fd2706-8baf-433b-82eb-8c7fada847da",
            ),
            true,
        ),
    ]
}

/// Statements about as large as a queue takes them.
fn by_size() -> Vec<(String, bool)> {
    let sized = |bytes: usize| {
        member(
            "result",
            &json!({"extensions": {"http://e.example/": "x".repeat(bytes)}}),
        )
    };
    vec![
        // Four MiB are the most.
        (sized(4 * 1024 * 1024 - 1024), true),
        (sized(4 * 1024 * 1024), false),
    ]
}

/// Statements whose ids come again.
fn by_id() -> Vec<(String, bool)> {
    let other = "26fd2706-8baf-433b-82eb-8c7fada847da";
    let then = Some("2026-03-01T10:00:00Z");
    let nil = "00000000-0000-0000-0000-000000000000";
    vec![
        // Data 2.4.1: an id is of one statement; the same again is the same.
        (under(ID, "first", then), true),
        (under(ID, "first", then), true),
        (under(&ID.to_uppercase(), "first", then), true),
        (under(ID, "second", then), false),
        (under(ID, "first", Some("2026-03-01T10:00:01Z")), false),
        (under(ID, "first", None), true),
        (under(other, "first", None), true),
        // It would not be sent with that.
        (under(other, "first", then), false),
        (under(other, "second", None), false),
        (under(nil, "first", then), true),
        (under(nil, "second", then), false),
    ]
}

#[test]
fn what_the_standard_and_a_queue_ask_for_is_the_same_to_both() {
    for xapi in ["1.0.3", "2.0.0"] {
        let mut lines = Vec::new();
        let mut wanted = BTreeMap::new();
        for (text, taken) in table(xapi) {
            lines.push(text);
            // Where there is nothing nothing is told.
            if lines.last().is_some_and(|line| line != "[]") {
                wanted.insert(format!(":{}", lines.len()), taken);
            }
        }
        let [checked, recorded] = verdicts(xapi, &lines);
        for (place, taken) in wanted {
            let line: usize = place[1..].parse().unwrap();
            let text: String = lines[line - 1].chars().take(300).collect();
            assert_eq!(recorded.get(&place), Some(&taken), "record {xapi}: {text}");
            assert_eq!(checked.get(&place), Some(&taken), "check {xapi}: {text}");
        }
        assert_eq!(checked, recorded);
    }
}

#[test]
fn the_suites_statements_are_the_same_to_both() {
    let Ok(folder) = std::env::var("PANNIER_VECTORS") else {
        assert!(std::env::var("CI").is_err(), "PANNIER_VECTORS is not set");
        eprintln!("skipped: PANNIER_VECTORS is not set");
        return;
    };
    for (xapi, name) in [
        ("1.0.3", "statement-vectors-1.0.3.jsonl"),
        ("2.0.0", "statement-vectors-2.0.0.jsonl"),
        ("1.0.3", "statement-vectors-supplement.jsonl"),
        ("2.0.0", "statement-vectors-supplement.jsonl"),
    ] {
        let text = std::fs::read_to_string(PathBuf::from(&folder).join(name)).unwrap();
        // None stands in one file with another of the same id: that would be all that is told of it.
        let mut files: Vec<(Vec<String>, Vec<Value>)> = Vec::new();
        for row in text.lines() {
            let row: Value = serde_json::from_str(row).unwrap();
            let line = row["statement"].as_str().unwrap().to_owned();
            let id =
                serde_json::from_str(&line).map_or(Value::Null, |one: Value| one["id"].clone());
            let apart = |ids: &[Value]| id.is_null() || !ids.contains(&id);
            let at = files.iter().position(|(_, ids)| apart(ids));
            let at = at.unwrap_or_else(|| {
                files.push(Default::default());
                files.len() - 1
            });
            files[at].0.push(line);
            files[at].1.push(id);
        }
        let mut judged = 0;
        for (lines, _) in &files {
            let [checked, recorded] = verdicts(xapi, lines);
            judged += checked.len();
            assert_eq!(checked, recorded, "{name} by {xapi}");
        }
        assert!(judged > 300, "{judged} of {name}");
    }
}

#[test]
fn another_statement_of_the_same_id_is_named_with_both_places() {
    let desk = Desk::new();
    let then = Some("2026-03-01T10:00:00Z");
    let text = [under(ID, "first", then), under(ID, "second", then)].join("\n");
    let file = desk.file("two.jsonl", &text);
    for command in ["check", "record"] {
        let told = desk.run(&[command, &file]);
        told.is(1, &format!("{file}:2: $.id is {ID}"));
        told.is(1, &format!("stands at {file}:1"));
    }
    desk.run(&["check", &file]).is(
        1,
        "1 of 2 valid by xAPI 2.0.0; 1 refused for a limit of Pannier's own",
    );
    assert!(!desk.path("queue.db").exists());
}
