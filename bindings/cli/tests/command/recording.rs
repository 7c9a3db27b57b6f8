//! `record`, `check`, and what is in the queue then.

use std::process::Stdio;

use serde_json::json;

use crate::process::{Desk, statement};

#[test]
fn one_an_array_and_lines_are_recorded() {
    let desk = Desk::new();
    let one = desk.file("one.json", &format!("{:#}", statement("one")));
    let array = desk.file(
        "array.json",
        &json!([statement("two"), statement("three")]).to_string(),
    );
    let lines = desk.file(
        "lines.jsonl",
        &format!("{}\n\n{}\n", statement("four"), statement("five")),
    );
    desk.run(&["record", &one, &array, &lines])
        .is(0, "5 recorded");
    desk.run_with(&["record", "-"], &statement("six").to_string())
        .is(0, "1 recorded");
    let queue = desk.json(&["queue"]);
    let objects: Vec<_> = queue
        .iter()
        .map(|entry| entry["statement"]["object"]["id"].as_str().unwrap())
        .collect();
    let wanted = ["one", "two", "three", "four", "five", "six"]
        .map(|name| format!("http://example.org/{name}"));
    assert_eq!(objects, wanted);
    assert_eq!(desk.json(&["queue", "--limit", "2"]), queue[..2]);
    let listed = desk.run(&["queue"]);
    assert_eq!(listed.out.lines().count(), 6);
    listed.is(0, "ann@example.org experienced http://example.org/six");
}

#[test]
fn what_is_printed_is_what_was_recorded() {
    let desk = Desk::new();
    let number = "12345678901234567890123.10";
    let text = statement("one").to_string();
    let text = format!(
        "{},\"result\":{{\"extensions\":{{\"http://e.example/\":{number}}}}}}}",
        &text[..text.len() - 1]
    );
    desk.run_with(&["record"], &text).is(0, "1 recorded");
    desk.run(&["queue", "--json"]).is(0, number);
}

#[test]
fn recording_the_same_again_changes_nothing() {
    let desk = Desk::new();
    let mut known = statement("one");
    known["id"] = json!("16fd2706-8baf-433b-82eb-8c7fada847da");
    known["timestamp"] = json!("2026-03-01T10:00:00.000Z");
    let text = known.to_string();
    let first = desk.recorded(&known);
    assert_eq!(first, desk.recorded(&known));
    desk.run_with(&["record"], &text)
        .is(0, "0 recorded, 1 was there already");
    let both = json!([known, known, statement("two")]).to_string();
    desk.run_with(&["record"], &both)
        .is(0, "1 recorded, 2 were there already");
    let told = desk.run_with(
        &["record", "--json"],
        &json!([known, statement("two")]).to_string(),
    );
    let new: Vec<_> = told.json().iter().map(|line| line["new"].clone()).collect();
    assert_eq!(new, [json!(false), json!(true)]);
    desk.run(&["retract", told.json()[1]["id"].as_str().unwrap()])
        .is(0, "taken back");
    let second = desk.json(&["queue"])[1]["id"].as_str().unwrap().to_owned();
    desk.run(&["retract", &second]).is(0, "taken back");
    assert_eq!(desk.json(&["queue"]).len(), 1);
    known["object"]["id"] = json!("http://example.org/other");
    desk.run_with(&["record"], &known.to_string())
        .is(1, "16fd2706-8baf-433b-82eb-8c7fada847da");
}

#[test]
fn nothing_is_recorded_if_anything_is_invalid() {
    let desk = Desk::new();
    let lines = desk.file(
        "lines.jsonl",
        &format!(
            "{}\n{{\"actor\":\n{}\n{{}}\n",
            statement("one"),
            statement("two")
        ),
    );
    let refused = desk.run(&["record", &lines]);
    refused.is(1, "2 of 4 statements cannot be recorded, so none was");
    refused.is(1, &format!("{lines}:2: "));
    refused.is(1, &format!("{lines}:4: $.verb is missing"));
    assert!(!desk.path("queue.db").exists());

    let skipped = desk.run(&["record", "--skip-invalid", "--json", &lines]);
    skipped.is(1, "2 of 4 statements could not be recorded");
    let said = skipped.json();
    assert_eq!(
        said.iter()
            .filter(|line| line["faults"] != json!([]))
            .count(),
        2
    );
    assert_eq!(desk.json(&["queue"]).len(), 2);
}

#[test]
fn check_says_all_that_is_wrong() {
    let desk = Desk::new();
    let good = desk.file("good.json", &format!("{:#}\n", statement("one")));
    let lines = desk.file("lines.jsonl", &format!("{}\n{{}}\n", statement("one")));
    desk.run(&["check", &good])
        .is(0, "1 of 1 valid by xAPI 2.0.0");
    desk.run(&["check", &lines]).is(1, "1 of 2 valid");
    let verdicts = desk.run(&["check", "--json", &lines]).json();
    assert_eq!(
        verdicts[0],
        json!({
            "place": format!("{lines}:1"), "valid": true, "faults": [], "more": 0,
            "warnings": {"listed": [], "more": 0}, "verified": false, "signatures": [],
        })
    );
    assert_eq!(verdicts[1]["valid"], json!(false));
    assert!(verdicts[1]["faults"].as_array().unwrap().len() >= 3);

    let mut modern = statement("one");
    modern["context"] = json!({"contextAgents": [{"objectType": "contextAgent", "agent": {"mbox": "mailto:a@b.example"}}]});
    desk.run_with(&["check"], &modern.to_string())
        .is(0, "1 of 1");
    desk.run_with(&["check", "--xapi", "1.0.3"], &modern.to_string())
        .is(1, "contextAgents");
    assert!(!desk.path("queue.db").exists(), "nothing is recorded");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let desk = Desk::new();
    let many: Vec<_> = (0..2_000)
        .map(|index| statement(&index.to_string()))
        .collect();
    desk.recorded(&json!(many));
    let mut child = desk
        .command(&["queue", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap().as_str()
        ),
        (Some(0), "")
    );
}

#[test]
fn the_status_counts() {
    let desk = Desk::new();
    desk.recorded(&json!([statement("one"), statement("two")]));
    let status = desk.json(&["status"]).remove(0);
    assert_eq!(
        (&status["recorded"], &status["queued"], &status["delivered"]),
        (&json!(2), &json!(2), &json!(0))
    );
    assert!(status["queue"].as_str().unwrap().ends_with("queue.db"));
    let shown = desk.run(&["status"]);
    shown.is(0, "queued      2 (");
    shown.is(0, "LRS         none yet");
}

#[test]
fn a_person_is_erased_in_every_spelling() {
    for spelt in [
        "MAILTO:zoe.q@example.com",
        "mailto:Zoe.Q@EXAMPLE.com",
        "mailto:zoe%2Eq@example.com",
        "mailto:zoe.q%40example.com",
    ] {
        let desk = Desk::new();
        let mut one = statement("one");
        one["actor"]["mbox"] = json!(spelt);
        let recorded = desk.run_with(&["record"], &one.to_string());
        if recorded.code != 0 {
            continue; // Not to be had in a queue.
        }
        for who in ["zoe.q@example.com", "MailTo:zoe.q@example.com"] {
            let erased = desk.run(&["erase", "--mbox", who, "--yes", "--json"]);
            if who.starts_with("zoe") {
                assert_eq!(erased.json()[0]["undelivered"], 1, "{spelt}: {erased:?}");
            }
            assert_eq!(erased.code, 0, "{erased:?}");
        }
        for file in std::fs::read_dir(desk.folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            assert!(!text.contains("zoe"), "{spelt} is still there");
        }
    }
    let desk = Desk::new();
    desk.recorded(&statement("one"));
    desk.run(&["erase", "--mbox", "", "--yes"]).is(2, "nobody");
}

#[test]
fn a_voiding_is_not_voided() {
    let (hub, _) = crate::process::hub();
    let desk = Desk::at(&hub);
    let ids = desk.recorded(&statement("one"));
    let void = |id: &str| desk.run(&["void", id, "--mbox", "me@example.org", "--json"]);
    let first = void(&ids[0]);
    assert_eq!(first.code, 0, "{first:?}");
    let voiding = first.json()[0]["id"].as_str().unwrap().to_owned();
    // Queued, and as history.
    void(&voiding).is(2, "cannot be voided");
    desk.run(&["sync"]).is(0, "2 delivered");
    void(&voiding).is(2, "cannot be voided");
    desk.run(&["status"]).is(0, "queued      0");
}

/// Data 2.3.2; only the queue knows that the one that is voided is such a one.
#[test]
fn a_voiding_of_a_voiding_in_the_queue_is_skipped_like_any_other() {
    let desk = Desk::new();
    let voiding = |own: u8, target: u8| {
        let id = |n: u8| format!("{n}6fd2706-8baf-433b-82eb-8c7fada847da");
        let mut one = statement("one");
        one["id"] = serde_json::json!(id(own));
        one["verb"]["id"] = serde_json::json!("http://adlnet.gov/expapi/verbs/voided");
        one["object"] = serde_json::json!({"objectType": "StatementRef", "id": id(target)});
        one.to_string()
    };
    desk.run_with(&["record"], &voiding(1, 0))
        .is(0, "1 recorded");
    let two = [statement("two").to_string(), voiding(2, 1)].join("\n");
    let refused = desk.run_with(&["record"], &two);
    refused.is(1, "standard input:2: $.object.id is 16fd2706");
    refused.is(1, "which is a voiding statement and cannot be voided");
    refused.is(1, "none of the 2 statements was recorded");
    let skipped = desk.run_with(&["record", "--skip-invalid"], &two);
    skipped.is(1, "standard input:2: $.object.id is 16fd2706");
    skipped.is(1, "1 of 2 statements could not be recorded");
    assert_eq!(desk.json(&["status"])[0]["queued"], 2);
}

#[test]
fn what_statements_leave_open_is_said_once() {
    let desk = Desk::new();
    let mut open = statement("one");
    open.as_object_mut().unwrap().remove("actor");
    open["context"] = json!({"language": "fr"});
    let open = open.to_string();
    let file = desk.file("open.json", &open);
    let registration = "11111111-1111-4111-8111-111111111111";
    let defaults = json!({
        "actor": {"mbox": "mailto:desk@example.org"},
        "context": {"registration": registration, "language": "de", "platform": "Desk 7"},
    });
    let defaults = desk.file("desk.json", &defaults.to_string());
    desk.run_with(&["check"], &open).is(1, "$.actor");
    desk.run_with(&["check", "--defaults", &defaults], &open)
        .is(0, "1 of 1 valid");
    desk.run_with(&["record", "--defaults", &defaults], &open)
        .is(0, "1 recorded");
    let recorded = &desk.json(&["queue"])[0]["statement"];
    assert_eq!(recorded["actor"]["mbox"], "mailto:desk@example.org");
    assert_eq!(
        recorded["context"],
        json!({"registration": registration, "language": "fr", "platform": "Desk 7"})
    );

    for (text, told) in [
        (r#"{"actor": {"mbox": "desk@example.org"}}"#, "$.actor.mbox"),
        (r#"{"verb": {"id": "http://example.org/v"}}"#, "$.verb"),
        ("[1", "are none"),
    ] {
        let wrong = desk.file("wrong.json", text);
        desk.run(&["record", "--defaults", &wrong, &file])
            .is(2, told);
    }
    desk.run(&["record", "--defaults", "nowhere.json", &file])
        .is(2, "nowhere.json");
    assert_eq!(desk.json(&["queue"]).len(), 1);
}
