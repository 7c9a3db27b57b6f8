//! What an LRS may change in a statement, and what makes it another one.
//!
//! `vectors/statement-compare-vectors.jsonl` has pairs of a statement as sent and as returned, with
//! what the standard says of them; where it says nothing, or real LRSs do otherwise, what Pannier decides
//! stands here.

use pannier_xapi::statement::{Comparison, Differences, compare};
use serde_json::{Value, json};

const VECTORS: &str = include_str!("vectors/statement-compare-vectors.jsonl");

/// What Pannier decides where the standard does not, whatever the version.
const DECIDED: [(&str, bool); 5] = [
    // 2.0 says neither that these are preserved nor that they are free. A copy with another score
    // is not what the learner did, so the app is told.
    ("result.success differs", false),
    ("result.response differs", false),
    ("context.registration differs", false),
    ("context extension value differs", false),
    // Says in other words what its absence said, and real LRSs add it.
    (r#"objectType "Activity" made explicit by the LRS"#, true),
];

/// Where Pannier departs from the letter of the standard, whatever the version.
const DEPARTED: [(&str, bool); 2] = [
    // 2.0 says not to consider it. A copy that is an hour off does not say what was recorded, and an LRS
    // may set a timestamp only where there is none.
    ("timestamp a different instant (one hour)", false),
    // A duration is text by the standard. Real LRSs keep its length and write it in other units; a
    // delivered statement is not to be held for that.
    ("duration same length in other units", true),
];

#[test]
fn every_vector_gives_its_verdict() {
    let mut wrong = Vec::new();
    for line in VECTORS.lines() {
        let row: Value = serde_json::from_str(line).expect("a vector is JSON");
        let text = |key: &str| row[key].as_str().expect("a text").to_owned();
        let name = text("name");
        let of = |list: &[(&str, bool)]| {
            let found = list.iter().find(|(known, _)| *known == name);
            found.map(|(_, same)| *same)
        };
        let expected = of(&DEPARTED)
            .or(row["same"].as_bool())
            .or_else(|| of(&DECIDED))
            .expect("every open case is decided");
        let verdict = compare(text("sent").as_bytes(), text("returned").as_bytes());
        if verdict == Comparison::Unreadable || (verdict == Comparison::Same) != expected {
            wrong.push(format!("{name} ({}): {verdict:?}", text("version")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(VECTORS.lines().count(), 58);
}

fn statement() -> Value {
    json!({
        "id": "7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c",
        "actor": {"account": {"homePage": "https://example.com", "name": "ada"}},
        "verb": {"id": "https://example.com/did"},
        "object": {"id": "https://example.com/it"},
        "result": {"extensions": {"https://example.com/n": 12_345_678_901_234_567_890_u64}},
        "context": {
            "team": {"objectType": "Group", "member": [
                {"mbox": "mailto:b@example.com"},
                {"mbox": "mailto:a@example.com"},
            ]},
            "contextActivities": {"category": [{"id": "https://example.com/c"}]},
        },
        "timestamp": "2024-05-01T10:00:00.123Z",
    })
}

/// Compares a statement with what becomes of it when `change` is made to it.
fn after(change: impl FnOnce(&mut Value)) -> Comparison {
    let mut theirs = statement();
    change(&mut theirs);
    compare(
        statement().to_string().as_bytes(),
        theirs.to_string().as_bytes(),
    )
}

#[test]
fn what_real_lrss_do_is_allowed() {
    for timestamp in [
        "2024-05-01T10:00:00.123000Z",
        "2024-05-01T10:00:00.123000+00:00",
        "2024-05-01 10:00:00.123+00:00",
        "2024-05-01T12:00:00.123+02:00",
    ] {
        let same = after(|theirs| theirs["timestamp"] = timestamp.into());
        assert_eq!(same, Comparison::Same, "{timestamp}");
    }
    for rounded in ["12345678901234567000", "1.2345678901234567e19"] {
        let rounded: Value = serde_json::from_str(rounded).expect("a number");
        let same = after(|theirs| {
            theirs["result"]["extensions"]["https://example.com/n"] = rounded;
        });
        assert_eq!(same, Comparison::Same);
    }
    let explicit = after(|theirs| {
        theirs["actor"]["objectType"] = "Agent".into();
        theirs["object"]["objectType"] = "Activity".into();
        theirs["context"]["contextActivities"]["category"][0]["objectType"] = "Activity".into();
        theirs["context"]["team"]["member"][1]["objectType"] = "Agent".into();
        theirs["version"] = "1.0.0".into();
        theirs["stored"] = "2024-05-01T11:00:00Z".into();
        theirs["authority"] = json!({"mbox": "mailto:lrs@example.com"});
        theirs["id"] = "7C6F2B4E-0A0D-4F4B-9A3C-1F1D2E3A4B5C".into();
    });
    assert_eq!(explicit, Comparison::Same);
}

#[test]
fn a_timestamp_without_zone_is_utc() {
    let mut ours = statement();
    ours["timestamp"] = "2024-05-01T10:00:00.123".into();
    let theirs = statement().to_string();
    let verdict = compare(ours.to_string().as_bytes(), theirs.as_bytes());
    assert_eq!(verdict, Comparison::Same);
}

#[test]
fn one_millisecond_makes_another_instant() {
    let other = after(|theirs| theirs["timestamp"] = "2024-05-01T10:00:00.124Z".into());
    assert!(matches!(other, Comparison::Different(_)));
}

#[test]
fn differences_say_where_and_what() {
    let long = "x".repeat(300);
    let verdict = after(|theirs| {
        theirs["result"]["extensions"]["https://example.com/n"] = 5.into();
        theirs["verb"]["id"] = long.as_str().into();
        theirs["context"]["team"]["member"][1]["name"] = "Ann".into();
        theirs
            .as_object_mut()
            .expect("an object")
            .remove("timestamp");
    });
    let Comparison::Different(Differences {
        listed: mut differences,
        more: 0,
    }) = verdict
    else {
        panic!("{verdict:?}");
    };
    differences.sort_by(|a, b| a.path.cmp(&b.path));
    let shown: Vec<_> = differences
        .iter()
        .map(|d| (d.path.as_str(), d.ours.as_deref(), d.theirs.as_deref()))
        .collect();
    let cut = format!("\"{}…", "x".repeat(199));
    assert_eq!(
        shown,
        [
            ("$.context.team.member[0].name", None, Some("\"Ann\"")),
            (
                "$.result.extensions[\"https://example.com/n\"]",
                Some("12345678901234567890"),
                Some("5")
            ),
            ("$.timestamp", Some("\"2024-05-01T10:00:00.123Z\""), None),
            (
                "$.verb.id",
                Some("\"https://example.com/did\""),
                Some(cut.as_str())
            ),
        ]
    );
    assert!(!format!("{differences:?}").contains("Ann"));
}

#[test]
fn what_is_no_statement_proves_nothing() {
    let ours = statement().to_string();
    for theirs in ["", "null", "[]", "{}", r#"{"statements":[]}"#, "<html>"] {
        let verdict = compare(ours.as_bytes(), theirs.as_bytes());
        assert_eq!(verdict, Comparison::Unreadable, "{theirs}");
    }
}
