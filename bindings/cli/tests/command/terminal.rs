//! What comes from files and servers steers no terminal, and stays JSON for programs.

use serde_json::{Value, json};

use crate::process::{Desk, Ended, hub, statement};

/// Clears the screen, begins a line, sets colours by one character, turns the direction of writing round.
const NASTY: &str = "\u{1b}[2J\r\n\u{9b}31m\u{7f}\u{202e}txt\u{2028}pannier: all is well";

#[track_caller]
fn is_tame(ended: &Ended) {
    for text in [&ended.out, &ended.err] {
        let steers = |char: &char| {
            (char.is_control() && !matches!(char, '\n' | '\t'))
                || ('\u{202a}'..='\u{202e}').contains(char)
                || ('\u{2066}'..='\u{2069}').contains(char)
                || *char == '\u{2028}'
        };
        assert_eq!(text.chars().find(steers), None, "{text:?}");
        let fake = text
            .lines()
            .any(|line| line.starts_with("pannier: all is well"));
        assert!(!fake, "{text}");
    }
}

#[test]
fn a_statement_steers_nothing() {
    let (hub, mischief) = hub();
    let desk = Desk::at(&hub);
    let mut one = statement("one");
    one["actor"] = json!({"account": {"homePage": "http://a.example", "name": NASTY}});
    one["result"] = json!({"response": NASTY});
    let id = desk.recorded(&json!([one, statement("two")])).remove(0);
    mischief.refuse(&id, format!("\"{NASTY}\""));
    for args in [
        &["queue"][..],
        &["sync", "--wait", "2m"],
        &["held", "list"],
        &["held", "show", &id],
        &["held", "export"],
        &["history"],
        &["status"],
    ] {
        for json in [&[][..], &["--json"]] {
            let ended = desk.run(&[args, json].concat());
            is_tame(&ended);
            if !json.is_empty() {
                assert!(!ended.json().is_empty());
            }
        }
    }
    let held = desk.json(&["held", "list"]).remove(0);
    assert_eq!(held["statement"]["result"]["response"], json!(NASTY));
    assert!(
        held["words"].as_str().unwrap().contains("all is well"),
        "{held}"
    );
    let exported = desk.run(&["held", "export"]).json();
    assert_eq!(exported[0]["result"]["response"], json!(NASTY));
}

#[test]
fn faults_and_names_of_files_steer_nothing() {
    let desk = Desk::new();
    let mut one = statement("one");
    one[NASTY] = json!(NASTY);
    one["context"] = json!({"language": NASTY, "extensions": {NASTY: 1}});
    let file = desk.file("\u{1b}[2J\npannier: all is well", &one.to_string());
    for command in ["check", "record"] {
        for args in [&[command, &file][..], &[command, &file, "--json"]] {
            let ended = desk.run(args);
            assert_eq!(ended.code, 1, "{ended:?}");
            is_tame(&ended);
        }
    }
    let verdict = desk.run(&["check", "--json", &file]).json().remove(0);
    assert!(!verdict["faults"].as_array().unwrap().is_empty());
    let nowhere = desk.run(&["check", "\u{1b}[2J\npannier: all is well?"]);
    assert_eq!(nowhere.code, 2);
    is_tame(&nowhere);
}

#[test]
fn the_words_of_damage_steer_nothing() {
    let desk = Desk::new();
    desk.recorded(&json!([statement("one"), statement("two")]));
    desk.run(&["status"]).is(0, "queued      2");
    // SQLite names the table that it cannot read, by the bytes that it finds.
    let path = desk.path("queue.db");
    let replaced = |bytes: &[u8], old: &[u8], new: &[u8]| {
        assert_eq!(old.len(), new.len());
        let mut bytes = bytes.to_vec();
        let mut count = 0;
        while let Some(at) = bytes.windows(old.len()).position(|part| part == old) {
            bytes[at..at + new.len()].copy_from_slice(new);
            count += 1;
        }
        assert!(count > 0, "the table is there");
        bytes
    };
    let bytes = std::fs::read(&path).unwrap();
    let bytes = replaced(
        &bytes,
        b"tablestatementstatement",
        b"table\x1b[2J\r\n\x7f!!statement",
    );
    let bytes = replaced(
        &bytes,
        b"CREATE TABLE statement",
        b"\x1bREATE TABLE statement",
    );
    std::fs::write(&path, bytes).unwrap();
    let mut told = String::new();
    for args in [
        &["status"][..],
        &["status", "--json"],
        &["queue"],
        &["sync"],
    ] {
        let ended = desk.run(args);
        is_tame(&ended);
        told += &ended.err;
    }
    assert!(told.contains("damaged"), "{told}");
    let status = desk.run(&["status", "--json"]).json().remove(0);
    assert!(
        matches!(status["loss"]["damage"], Value::String(_)),
        "{status}"
    );
}
