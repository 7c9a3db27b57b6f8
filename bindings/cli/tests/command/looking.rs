//! Looking changes nothing, finds everything, and says the most urgent thing.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pannier_hub::mischief::{Deed, Whom};
use serde_json::json;

use crate::process::{Desk, at_the_hub, hub, statement};

#[test]
fn no_file_is_made_by_looking() {
    let desk = Desk::new();
    for args in [
        &["sync"][..],
        &["status"],
        &["queue"],
        &["history"],
        &["held", "list"],
        &["retract", "16fd2706-8baf-433b-82eb-8c7fada847da"],
        &["erase", "--mbox", "ann@example.org", "--yes"],
        &[
            "void",
            "16fd2706-8baf-433b-82eb-8c7fada847da",
            "--mbox",
            "ann@example.org",
        ],
    ] {
        let ended = desk.run(args);
        ended.is(3, "there is no queue at");
        ended.is(3, "queue.db");
        assert_eq!(
            std::fs::read_dir(desk.folder.path()).unwrap().count(),
            0,
            "{args:?}"
        );
    }
}

#[test]
fn global_options_stand_anywhere() {
    let desk = Desk::new();
    let other = desk.path("other.db").display().to_string();
    desk.run_with(
        &["--queue", &other, "record"],
        &statement("one").to_string(),
    )
    .is(0, "1 recorded");
    for args in [
        &["queue", "--queue", &other, "--json"][..],
        &["--json", "--queue", &other, "queue"],
        &["--queue", &other, "queue", "--json"],
    ] {
        desk.run(args).is(0, "http://example.org/one");
    }
    for args in [
        &["held", "list", "--queue", &other][..],
        &["held", "--queue", &other, "list"],
        &["--queue", &other, "held", "list", "--json"],
    ] {
        desk.run(args).is(0, "");
    }
}

#[test]
fn history_begins_with_the_newest() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    let many: Vec<_> = (0..7)
        .map(|number| statement(&number.to_string()))
        .collect();
    desk.recorded(&json!(many));
    desk.run(&["sync"]).is(0, "7 delivered; nothing is left");
    let objects = |args: &[&str]| {
        let object = |entry: &serde_json::Value| entry["statement"]["object"]["id"].to_string();
        desk.json(args).iter().map(object).collect::<Vec<_>>()
    };
    let newest = objects(&["history", "--limit", "2"]);
    assert_eq!(
        newest,
        ["\"http://example.org/6\"", "\"http://example.org/5\""]
    );
    assert_eq!(objects(&["history"]).len(), 7);
    let oldest = objects(&["history", "--oldest-first", "--limit", "1"]);
    assert_eq!(oldest, ["\"http://example.org/0\""]);
}

#[test]
fn what_waits_is_told_and_is_no_success() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    let modern = json!([statement("one"), {
        "actor": {"mbox": "mailto:ann@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/experienced"},
        "object": {"id": "http://example.org/two"},
        "context": {"contextAgents": [{"objectType": "contextAgent", "agent": {"mbox": "mailto:a@b.example"}}]},
    }]);
    desk.recorded(&modern);
    let synced = desk.run(&["sync", "--speak", "1.0.3"]);
    synced.is(4, "1 delivered; left: 1 waiting");
    synced.is(
        4,
        "1 waits aside: it needs xAPI 2.0.0, and 1.0.3 is spoken with the LRS",
    );
    let report = desk.run(&["sync", "--speak", "1.0.3", "--json"]);
    assert_eq!(report.code, 4);
    assert_eq!(
        report.json()[0]["left"],
        json!({"queued": 0, "waiting": 1, "held": 0})
    );
    desk.run(&["sync", "--speak", "2.0.0"])
        .is(0, "1 delivered; nothing is left");
}

#[test]
fn the_exit_code_says_the_most_urgent_thing_and_the_words_say_all() {
    let (hub, mischief) = hub();
    let mut desk = Desk::at(&hub);
    let ids = desk.recorded(&json!([statement("one"), statement("two")]));
    mischief.refuse(&ids[0], "no such course");
    desk.run(&["sync", "--wait", "2m"])
        .is(1, "1 delivered; left: 1 held");
    desk.recorded(&statement("three"));
    desk.set("PANNIER_LRS", "http://127.0.0.1:9/xAPI");
    let both = desk.run(&["sync"]);
    both.is(4, "0 delivered; left: 1 queued, 1 held");
    both.is(4, "cannot be reached");
    both.is(4, "1 is held until you do something about it");
    // Of what nobody waits for nothing is said.
    desk.set("PANNIER_LRS", &hub.url());
    desk.run(&["sync"]).is(1, "1 delivered; left: 1 held");
    desk.run(&["held", "discard", "--all"]).is(0, "discarded");
    desk.set("PANNIER_LRS_PASSWORD", "wrong");
    desk.run(&["sync"]).is(0, "nothing is left");
    let status = desk.run(&["status"]);
    assert!(!status.out.contains("trouble"), "{status:?}");
}

#[test]
fn a_version_is_shown_only_where_something_was_taken() {
    let (hub, _) = hub();
    let mut desk = Desk::at(&hub);
    desk.set("PANNIER_LRS", "http://127.0.0.1:9/xAPI");
    desk.recorded(&statement("one"));
    desk.run(&["sync"]).is(4, "cannot be reached");
    let status = desk.run(&["status"]);
    assert!(!status.out.contains("(xAPI"), "{status:?}");
    desk.set("PANNIER_LRS", &hub.url());
    desk.run(&["sync"]).is(0, "1 delivered");
    desk.run(&["status"]).is(0, "(xAPI 2.0.0)");
}

#[test]
fn statements_are_taken_back_voided_and_erased() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    let ids = desk.recorded(&json!([statement("one"), statement("two")]));
    let nowhere = "16fd2706-8baf-433b-82eb-8c7fada847da";
    let both = desk.run(&["retract", nowhere, &ids[0]]);
    both.is(1, &format!("{}  taken back", ids[0]));
    both.is(1, nowhere);
    desk.run(&["sync"]).is(0, "1 delivered; nothing is left");
    desk.run(&["retract", &ids[1]]).is(1, &ids[1]);

    let voiding = desk
        .json(&["void", &ids[1], "--mbox", "ann@example.org"])
        .remove(0);
    assert_eq!(voiding["voids"], json!(ids[1]));
    desk.run(&["sync"]).is(0, "1 delivered");
    let there = at_the_hub(&hub);
    assert_eq!(
        there[0]["verb"]["id"],
        json!("http://adlnet.gov/expapi/verbs/voided")
    );
    assert_eq!(
        (there.len(), &there[0]["object"]["id"]),
        (1, &json!(ids[1]))
    );
    desk.run(&["void", &ids[1]]).is(2, "--mbox");

    desk.recorded(&json!([statement("three"), {
        "actor": {"account": {"homePage": "https://school.example", "name": "seat-7"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/experienced"},
        "object": {"id": "http://example.org/four"},
    }]));
    let seat = ["erase", "--account", "https://school.example", "seat-7"];
    desk.run(&seat).is(2, "--yes");
    assert_eq!(desk.json(&["queue"]).len(), 2);
    desk.run(&[&seat[..], &["--yes"]].concat()).is(
        0,
        "1 undelivered statements and 0 of the history were erased",
    );
    assert_eq!(desk.json(&["queue"]).len(), 1);
    let erased = desk
        .json(&["erase", "--mbox", "mailto:ann@example.org", "--yes"])
        .remove(0);
    assert_eq!(
        (&erased["undelivered"], &erased["history"]),
        (&json!(1), &json!(2))
    );
    assert!(desk.json(&["history"]).is_empty());
}

#[test]
fn a_ready_basic_value_is_taken() {
    let (hub, _) = hub();
    let mut desk = Desk::new();
    desk.set("PANNIER_LRS", &hub.url());
    desk.set("PANNIER_LRS_BASIC", "Basic bWU6c2VjcmV0");
    desk.recorded(&statement("one"));
    desk.run(&["sync"]).is(0, "1 delivered");
    desk.set("PANNIER_LRS_BASIC", "bWU6c2VjcmV0Oi0p!");
    let refused = desk.run(&["sync"]);
    refused.is(2, "ready Basic value");
    assert!(!refused.err.contains("bWU6"));
}

#[test]
fn a_proxy_is_used_when_asked_for() {
    let (hub, _) = hub();
    let mut desk = Desk::at(&hub);
    desk.recorded(&statement("one"));
    // The hub's own address as a proxy: it gets the whole URL, and the LRS's name does not matter.
    let address = hub.url().trim_end_matches("/xAPI").to_owned();
    desk.set("PANNIER_LRS", "http://lrs.invalid/xAPI");
    desk.set("http_proxy", &address);
    desk.run(&["sync", "--allow-cleartext"])
        .is(4, "cannot be reached");
    desk.run(&["sync", "--proxy", "http://me:hush@"])
        .is(2, "the proxy must be a URL");
    desk.run(&["sync", "--allow-cleartext", "--proxy", &address])
        .is(0, "1 delivered");
    desk.recorded(&statement("two"));
    desk.run(&["sync", "--allow-cleartext", "--proxy-from-environment"])
        .is(0, "1 delivered");
    let none = desk.run(&["sync", "--ca", "nowhere.pem"]);
    none.is(2, "nowhere.pem");
    let text = desk.file("text.pem", "no certificate\n");
    desk.run(&["sync", "--ca", &text])
        .is(2, "holds no readable certificate");
}

#[test]
fn waiting_waits_and_says_for_how_long() {
    let (hub, mischief) = hub();
    let desk = Desk::at(&hub);
    desk.recorded(&statement("one"));
    mischief.next(1, Whom::Senders, &Deed::Unavailable(Some(2)));
    let waited = desk.run(&["sync", "--wait", "1m"]);
    waited.is(0, "1 delivered; nothing is left");
    assert!(waited.err.starts_with("waits "), "{waited:?}");
    waited.is(0, "is busy and asks to wait (503");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_sync_and_says_what_is_left() {
    for signal in ["-INT", "-TERM"] {
        let (hub, mischief) = hub();
        let desk = Desk::at(&hub);
        desk.recorded(&json!([statement("one"), statement("two")]));
        mischief.next(1, Whom::Senders, &Deed::Unavailable(Some(3_000)));
        let child = desk
            .command(&["sync", "--wait", "3h"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while desk.json(&["status"])[0]["waiting_for"].is_null() {
            assert!(began.elapsed() < Duration::from_mins(1), "it asks for time");
            std::thread::yield_now();
        }
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let output = child.wait_with_output().unwrap();
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert_eq!(output.status.code(), Some(4), "{out}{err}");
        assert!(out.contains("0 delivered; left: 2 queued"), "{out}");
        assert!(err.contains("ended as asked"), "{err}");
    }
}

#[test]
fn whoever_meets_damage_says_so_and_records_all_the_same() {
    let desk = Desk::new();
    let many: Vec<_> = (0..100)
        .map(|number| statement(&number.to_string()))
        .collect();
    desk.recorded(&json!(many));
    let path = desk.path("queue.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8 * 1024].fill(0);
    std::fs::write(&path, bytes).unwrap();
    // A script that took this for a failure would record it again.
    let mut said = String::new();
    for number in 100..104 {
        let ended = desk.run_with(&["record"], &statement(&number.to_string()).to_string());
        ended.is(0, "1 recorded");
        said += &ended.err;
    }
    let erased = desk.run(&["erase", "--mbox", "nobody@example.org", "--yes"]);
    said += &erased.err;
    assert!(said.contains("damaged"), "{said}");
    desk.run(&["status"]).is(5, "are lost");
}

#[test]
fn where_nothing_is_lost_it_is_told_and_is_no_failure() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    let (path, older) = (desk.path("queue.db"), desk.path("older.db"));
    desk.recorded(&statement("one"));
    std::fs::copy(&path, &older).unwrap();
    desk.recorded(&statement("two"));
    desk.run(&["sync"]).is(0, "2 delivered");
    // What is put back is behind its log, and all of it is at the LRS.
    std::fs::copy(&older, &path).unwrap();
    let status = desk.run(&["status", "--json"]);
    assert_eq!(status.json()[0]["loss"]["lost"], json!(0), "{status:?}");
    status.is(0, "was damaged");
    desk.run(&["sync"]).is(0, "none is known to be lost");
    assert_eq!(at_the_hub(&hub).len(), 2);
}

#[test]
fn what_can_no_longer_be_told_is_told_and_is_no_success() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    desk.recorded(&statement("one"));
    let beside = desk.path("queue.db.ledger");
    std::fs::write(&beside, "rubbish").unwrap();
    for _ in 0..2 {
        let status = desk.run(&["status", "--json"]);
        assert_eq!(status.json()[0]["loss"]["uncertain"], json!(true));
        status.is(5, "whether any are lost can no longer be told");
        assert!(
            status.err.contains("-ledger"),
            "it names what was kept: {status:?}"
        );
    }
    // Nothing is held back for it.
    desk.run(&["sync"]).is(5, "1 delivered");
    assert_eq!(at_the_hub(&hub).len(), 1);
    desk.run(&["status", "--acknowledge"]);
    let quiet = desk.run(&["status"]);
    quiet.is(0, "queued      0");
    assert_eq!(quiet.err, "");
}

#[test]
fn a_loss_is_told_at_every_look_until_it_is_acknowledged() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    let many: Vec<_> = (0..100)
        .map(|number| statement(&number.to_string()))
        .collect();
    desk.recorded(&json!(many));
    desk.run(&["status"]).is(0, "queued      100");
    // The middle of the file is overwritten, as by a worn-out card.
    let path = desk.path("queue.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8 * 1024].fill(0);
    std::fs::write(&path, bytes).unwrap();

    // Whoever meets it says so.
    let first = desk.run(&["sync"]);
    assert!(first.err.contains("damaged"), "{first:?}");
    let saved = at_the_hub(&hub).len();
    assert!(saved < 100, "something was lost");
    for args in [&["status"][..], &["queue"], &["history"], &["sync"]] {
        let told = desk.run(args);
        assert!(told.err.contains("was damaged"), "{told:?}");
        assert!(
            told.err.contains("pannier status --acknowledge"),
            "{told:?}"
        );
    }
    desk.run(&["status"]).is(5, "are lost");
    desk.run(&["sync"]).is(5, "are lost");
    desk.run(&["status", "--acknowledge"]);
    let quiet = desk.run(&["status"]);
    quiet.is(0, "queued      0");
    assert_eq!(quiet.err, "");
    // The damaged file stays, and may name a person who is erased.
    let erased = desk.run(&["erase", "--mbox", "ann@example.org", "--yes"]);
    let kept: Vec<_> = std::fs::read_dir(desk.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("damaged"))
        .collect();
    assert!(!kept.is_empty());
    for name in kept {
        erased.is(1, &name);
    }
}
