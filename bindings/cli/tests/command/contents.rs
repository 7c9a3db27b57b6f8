//! Contents of attachments, from their files to the LRS, or back to files.

use std::fs;

use serde_json::{Value, json};

use crate::process::{Desk, ask, hub, statement};

const SHA2: &str = "bbc2367639e4b91f59d18107dee010783a68817f9a9ebae802246a9aa02f08ab";
const CONTENT: &str = "knot tied in 41 s";

fn with_attachment() -> Value {
    let mut with = statement("one");
    with["attachments"] = json!([{
        "usageType": "http://id.tincanapi.com/attachment/supporting_media", "display": {"en": "Log"},
        "contentType": "text/plain", "length": CONTENT.len(), "sha2": SHA2,
    }]);
    with
}

#[test]
fn what_is_recorded_with_its_content_arrives_with_it() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    let file = desk.file("lesson.json", &with_attachment().to_string());
    let content = desk.file("log.txt", CONTENT);
    desk.run(&["record", &file, "--content", &content])
        .is(0, "1 recorded");
    desk.run(&["queue"]).is(0, "bytes of contents]");
    let queued = &desk.json(&["queue"])[0];
    assert!(queued["content_bytes"].as_u64() > Some(CONTENT.len() as u64));
    let id = queued["id"].as_str().unwrap();
    desk.run(&["sync"]).is(0, "1 delivered; nothing is left");
    let shown = ask(
        &hub,
        &format!("statements?statementId={id}&attachments=true"),
    );
    assert!(shown.contains(&format!("\r\n\r\n{CONTENT}\r\n")), "{shown}");
    // The answer is a file as well, whose contents come along.
    let desk = Desk::at(&hub);
    let answer = desk.file("answer", &shown);
    desk.run(&["record", &answer]).is(0, "1 recorded");
}

#[test]
fn what_has_not_its_contents_is_not_recorded() {
    let desk = Desk::new();
    let file = desk.file("lesson.json", &with_attachment().to_string());
    let content = desk.file("log.txt", CONTENT);
    let other = desk.file("other.txt", "other");
    desk.run(&["record", &file]).is(
        1,
        "its content, by --content FILE or --contents DIR, or a fileUrl",
    );
    desk.run(&["record", &file, "--content", &other])
        .is(1, "no content with its sha2 was given");
    desk.run(&["record", &file, "--content", &content, "--content", &other])
        .is(
            1,
            "other.txt is not the content of any attachment; nothing was recorded",
        );
    assert!(!desk.path("queue.db").exists());
    fs::create_dir(desk.path("contents")).unwrap();
    fs::rename(&content, desk.path("contents/any name")).unwrap();
    fs::rename(&other, desk.path("contents/other")).unwrap();
    desk.run(&["record", &file, "--contents", "contents"])
        .is(0, "1 recorded");

    let mut long = with_attachment();
    long["attachments"][0]["length"] = json!((1 << 20) + 1);
    let octets = vec![b'x'; (1 << 20) + 1];
    let sha2 = ring::digest::digest(&ring::digest::SHA256, &octets);
    let hex = sha2.as_ref().iter();
    let hex = hex.fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    long["attachments"][0]["sha2"] = json!(hex);
    let file = desk.file("long.json", &long.to_string());
    fs::write(desk.path("long.bin"), octets).unwrap();
    for command in ["record", "check"] {
        let ended = desk.run(&[command, &file, "--content", "long.bin"]);
        ended.is(1, "at most 1048576 bytes of contents");
        ended.is(1, "fileUrl");
    }
}

#[test]
fn what_the_lrs_does_not_take_waits_and_can_be_written_to_files() {
    let (hub, mischief) = hub();
    let desk = Desk::at(&hub);
    let file = desk.file("lesson.json", &with_attachment().to_string());
    let content = desk.file("log.txt", CONTENT);
    desk.run(&["record", &file, "--content", &content])
        .is(0, "1 recorded");
    let id = desk.json(&["queue"])[0]["id"].as_str().unwrap().to_owned();
    desk.recorded(&statement("two"));
    mischief.refuse(&id, "no multipart here");
    desk.run(&["sync"]).is(4, "1 delivered; left: 1 waiting");
    let waiting = desk.run(&["queue"]);
    waiting.is(0, "the LRS does not take the contents of its attachments");
    assert_eq!(
        desk.json(&["queue"])[0]["waits_for"],
        json!("no_attachments")
    );
    // Asked for, it goes at once.
    mischief.stop();
    desk.run(&["held", "retry", &id])
        .is(0, "will be sent with the next sync");
    desk.run(&["sync"]).is(0, "1 delivered; nothing is left");
}
