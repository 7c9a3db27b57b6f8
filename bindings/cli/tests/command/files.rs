//! Files as people have them, for `check` and `record` alike.

use serde_json::{Value, json};

use crate::process::{Desk, statement};

const ID: &str = "16fd2706-8baf-433b-82eb-8c7fada847da";

/// The objects in the queue, in its order.
fn recorded(desk: &Desk) -> Vec<String> {
    let name = |entry: &Value| {
        let object = entry["statement"]["object"]["id"].as_str().unwrap();
        object.trim_start_matches("http://example.org/").to_owned()
    };
    desk.json(&["queue"]).iter().map(name).collect()
}

/// Both commands find these statements in a file, and nothing wrong.
#[track_caller]
fn holds(text: &[u8], objects: &[&str]) {
    let desk = Desk::new();
    let file = desk.path("file");
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let count = objects.len();
    desk.run(&["check", &file])
        .is(0, &format!("{count} of {count} valid"));
    desk.run(&["record", &file])
        .is(0, &format!("{count} recorded"));
    assert_eq!(recorded(&desk), objects);
}

#[test]
fn every_form_is_read_by_both() {
    let [one, two] = ["one", "two"].map(statement);
    let both = ["one", "two"];
    for text in [
        format!("[{one},\n{two}]"),
        format!("{one}\n{two}\n"),
        format!("{one}\r\n\r\n{two}"),
        format!("{one:#}\n{two:#}\n"),
        json!([one, two]).to_string(),
        format!("{:#}", json!([one, two])),
        json!({"statements": [one, two], "more": "/xAPI/statements?more=2"}).to_string(),
        format!("{:#}", json!({"more": "", "statements": [one, two]})),
        format!("\u{feff}{one}\n\u{feff}{two}"),
    ] {
        holds(text.as_bytes(), &both);
    }
}

#[test]
fn one_torn_line_costs_one_statement() {
    let [one, two, three] = ["one", "two", "three"].map(statement);
    for (text, line) in [
        (format!("{{\"actor\":\n{one}\n{two}\n{three}\n"), 1),
        (
            format!("{one}\n{}\n{two}\n{three}", &one.to_string()[..80]),
            2,
        ),
        (
            format!("\u{feff}{one}\n{two}\n{three}\n{{\"actor\": {{\"mb"),
            4,
        ),
        (
            format!("{one:#}\n{{\n  \"actor\": [\n}}\n{two:#}\n{three:#}"),
            12,
        ),
    ] {
        let desk = Desk::new();
        let file = desk.file("torn.jsonl", &text);
        let checked = desk.run(&["check", &file]);
        checked.is(1, "3 of 4 valid");
        checked.is(1, &format!("{file}:{line}: "));
        desk.run(&["record", &file]).is(1, "1 of 4 statements");
        let skipped = desk.run(&["record", "--skip-invalid", &file]);
        skipped.is(1, "3 recorded");
        skipped.is(1, "1 of 4 statements could not be recorded");
        skipped.is(1, &format!("{file}:{line}: "));
        assert_eq!(recorded(&desk), ["one", "two", "three"]);
    }
}

#[test]
fn one_that_cannot_be_recorded_is_skipped_like_one_that_is_not_valid() {
    let desk = Desk::new();
    let mut attached = statement("attached");
    attached["attachments"] = json!([{
        "usageType": "http://example.org/photo", "display": {"en": "a photo"},
        "contentType": "image/png", "length": 3,
        "sha2": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }]);
    let under = |object: &str| {
        let mut one = statement(object);
        one["id"] = json!(ID);
        one["timestamp"] = json!("2026-03-01T10:00:00.000Z");
        one
    };
    let lines = [
        statement("one"),
        attached,
        under("first"),
        under("second"),
        under("first"),
        statement("two"),
    ];
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    let file = desk.file("lines.jsonl", &text.join("\n"));
    let refused = desk.run(&["record", &file]);
    refused.is(
        1,
        &format!("{file}:2: $.attachments has an attachment without fileUrl"),
    );
    refused.is(1, "2 of 6 statements");
    let skipped = desk.run(&["record", "--skip-invalid", &file]);
    skipped.is(1, &format!("{file}:2: "));
    skipped.is(1, &format!("{file}:4: $.id is {ID}"));
    skipped.is(1, "2 of 6 statements could not be recorded");
    assert_eq!(recorded(&desk), ["one", "first", "two"]);

    // The queue has it by now; without --skip-invalid nothing of the file is recorded.
    let again = desk.file(
        "again.jsonl",
        &format!("{}\n{}\n", statement("three"), under("third")),
    );
    let refused = desk.run(&["record", &again]);
    refused.is(1, &format!("{again}:2: $.id is {ID}"));
    let refused = desk.run(&["record", "--json", &again]);
    refused.is(1, "none of the 2 statements was recorded");
    let told = refused.json();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["place"], json!(format!("{again}:2")));
    assert_eq!(told[0]["faults"][0]["path"], json!("$.id"));
    assert_eq!(
        (&told[0]["id"], &told[0]["new"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(recorded(&desk).len(), 3);
    desk.run(&["record", "--skip-invalid", &again])
        .is(1, "1 recorded");
    assert_eq!(recorded(&desk), ["one", "first", "two", "three"]);
}

#[test]
fn an_array_with_a_comma_at_its_end_is_no_json() {
    let desk = Desk::new();
    let file = desk.file("array.json", &format!("[{},\n]", statement("one")));
    let checked = desk.run(&["check", &file]);
    checked.is(1, "1 of 2 valid");
    checked.is(1, &format!("{file}:1: "));
    desk.run(&["record", &file]).is(1, "1 of 2 statements");
    desk.run(&["record", "--skip-invalid", &file])
        .is(1, "1 recorded");
    assert_eq!(recorded(&desk), ["one"]);
}

#[test]
fn many_that_cannot_be_recorded_are_skipped_too() {
    let desk = Desk::new();
    let numbered = |object: &str, number: u128| {
        let mut one = statement(&format!("{object}{number}"));
        one["id"] = json!(format!("00000000-0000-4000-8000-{number:012}"));
        one["timestamp"] = json!("2026-03-01T10:00:00.000Z");
        one
    };
    desk.recorded(&json!(
        (0..200)
            .map(|number| numbered("a", number))
            .collect::<Vec<_>>()
    ));
    let others: Vec<_> = (100..300).map(|number| numbered("b", number)).collect();
    let skipped = desk.run_with(&["record", "--skip-invalid"], &json!(others).to_string());
    skipped.is(1, "100 recorded");
    skipped.is(1, "100 of 200 statements could not be recorded");
    skipped.is(1, "… and 80 more faults in 80 statements");
    assert_eq!(recorded(&desk).len(), 300);
}

#[test]
fn what_is_told_is_bounded() {
    let desk = Desk::new();
    let file = desk.file("ones.jsonl", &"1\n".repeat(50_000));
    for command in ["check", "record"] {
        let told = desk.run(&[command, &file]);
        assert_eq!(told.code, 1);
        assert!(told.out.len() + told.err.len() < 10_000, "{command}");
        told.is(1, "… and 49980 more faults in 49980 statements");
    }
    desk.run(&["check", &file]).is(1, "0 of 50000 valid");
}

#[test]
fn a_file_that_is_no_utf_8_is_named() {
    let desk = Desk::new();
    let file = desk.path("lesson.json");
    let text = statement("one").to_string();
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, what) in [
        (
            [b"\xff\xfe".as_slice(), &utf_16].concat(),
            "is written in UTF-16",
        ),
        (b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), "is packed by gzip"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        for command in ["check", "record"] {
            desk.run(&[command, "lesson.json"])
                .is(2, &format!("lesson.json {what}"));
        }
    }
    assert!(!desk.path("queue.db").exists());
}

#[test]
fn a_warning_is_told_and_is_no_fault() {
    let desk = Desk::new();
    let mut one = statement("one");
    one["result"] = json!({"extensions": {}});
    let file = desk.file("one.json", &one.to_string());
    let checked = desk.run(&["check", &file]);
    checked.is(0, &format!("{file}:1: warning: "));
    checked.is(0, "1 of 1 valid by xAPI 2.0.0; 1 with warnings");
    let verdict = desk.json(&["check", &file]).remove(0);
    assert_eq!(verdict["valid"], true);
    let path = &verdict["warnings"]["listed"][0]["path"];
    assert!(path.as_str().unwrap().starts_with("$.result"), "{verdict}");
    desk.run(&["record", &file]).is(0, "1 recorded");
}

#[test]
fn a_file_that_is_no_queue_is_left_alone() {
    let desk = Desk::new();
    let text = "{\"a\": 1}\n".repeat(500);
    let victim = desk.file("victim.jsonl", &text);
    for args in [&["status"][..], &["sync"], &["queue"], &["record"]] {
        let ended = desk.run_with(&[args, &["--queue", &victim]].concat(), "[]");
        ended.is(3, "victim.jsonl");
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), text);
        assert_eq!(std::fs::read_dir(desk.folder.path()).unwrap().count(), 1);
    }
}
