//! `sync`, `history`, and how a sync ends.

use serde_json::json;

use crate::process::{Desk, at_the_hub, hub, statement};

#[test]
fn what_was_recorded_offline_is_delivered_later() {
    let (hub, _) = hub();
    let mut desk = Desk::at(&hub);
    let ids = desk.recorded(&json!([
        statement("one"),
        statement("two"),
        statement("three")
    ]));

    desk.set("PANNIER_LRS", "http://127.0.0.1:9/xAPI");
    let far = desk.run(&["sync"]);
    far.is(4, "The LRS at http://127.0.0.1:9/xAPI cannot be reached");
    far.is(4, "0 delivered; left: 3 queued");
    far.is(4, "nothing tries by itself");
    assert_eq!(desk.json(&["queue"]).len(), 3);
    desk.run(&["status"])
        .is(0, "The LRS at http://127.0.0.1:9/xAPI cannot be reached");

    desk.set("PANNIER_LRS", &hub.url());
    let report = desk.json(&["sync"]).remove(0);
    assert_eq!(
        (&report["delivered"], &report["ended"]),
        (&json!(3), &json!("emptied"))
    );
    let there: Vec<_> = at_the_hub(&hub)
        .iter()
        .rev()
        .map(|statement| statement["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(there, ids, "in the order they were recorded");
    assert!(desk.json(&["queue"]).is_empty());

    let history = desk.json(&["history"]);
    assert_eq!(history.len(), 3);
    assert!(history[0]["delivered_at"].is_i64());
    desk.run(&["history", "--limit", "1"])
        .is(0, "ann@example.org experienced http://example.org/three");
    desk.run(&["sync"]).is(0, "0 delivered; nothing is left");
}

#[test]
fn the_queue_remembers_its_lrs() {
    let (hub, _) = hub();
    let mut desk = Desk::new();
    desk.set("PANNIER_LRS_USER", "me");
    desk.set("PANNIER_LRS_PASSWORD", "secret");
    desk.recorded(&statement("one"));
    desk.run(&["sync"]).is(2, "--lrs");
    desk.run(&["sync", "--lrs", &hub.url()])
        .is(0, "1 delivered");
    desk.recorded(&statement("two"));
    desk.run(&["sync"]).is(0, "1 delivered");
}

#[test]
fn history_is_kept_as_long_as_asked() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    desk.recorded(&statement("one"));
    desk.run(&["sync", "--keep", "0"]).is(0, "1 delivered");
    assert!(desk.json(&["history"]).is_empty());
}

#[test]
fn credentials_come_from_the_environment_or_a_file() {
    let (hub, _) = hub();
    let mut desk = Desk::at(&hub);
    desk.recorded(&statement("one"));
    desk.set("PANNIER_LRS_PASSWORD", "wrong");
    let refused = desk.run(&["sync"]);
    refused.is(
        4,
        "does not take the credentials that it got, or got none (401",
    );
    refused.is(4, "PANNIER_LRS_PASSWORD");
    assert!(!refused.err.contains("wrong)") && !refused.out.contains("wrong)"));
    let file = desk.file(
        "credentials",
        "# of the hub\nuser = me\npassword = secret\n",
    );
    desk.run(&["sync", "--credentials", &file])
        .is(0, "1 delivered");

    let both = desk.file("both", "user = me\npassword = secret\ntoken = abc\n");
    desk.run(&["sync", "--credentials", &both]).is(2, "either");
    let nonsense = desk.file("nonsense", "my secret\n");
    let refused = desk.run(&["sync", "--credentials", &nonsense]);
    refused.is(2, "line 1");
    assert!(!refused.err.contains("my secret"));
    desk.run(&["sync", "--credentials", "nowhere"])
        .is(2, "nowhere");
    desk.run(&["sync", "--password", "secret"])
        .is(2, "--password");
}

#[test]
fn an_lrs_that_asks_for_time_gets_it() {
    let (hub, mischief) = hub();
    let desk = Desk::at(&hub);
    desk.recorded(&statement("one"));
    mischief.next(
        1,
        pannier_hub::mischief::Whom::Senders,
        &pannier_hub::mischief::Deed::Unavailable(Some(1)),
    );
    let busy = desk.run(&["sync"]);
    busy.is(4, "is busy and asks to wait (503");
    busy.is(4, "Nothing is sent before 20");
    let waited = desk.run(&["sync", "--wait", "30s"]);
    waited.is(0, "1 delivered");
    desk.run(&["sync", "--wait", "half an hour"])
        .is(2, "is no length of time");
}

/// A headset's queue, pulled by cable and delivered from a laptop; the headset finds a network later.
#[test]
fn a_queue_that_was_pulled_is_delivered_by_both_and_counts_once() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    let ids = desk.recorded(&json!([statement("one"), statement("two")]));
    for end in ["", "-wal", ".ledger"] {
        let file = desk.path(&format!("queue.db{end}"));
        if file.exists() {
            std::fs::copy(file, desk.path(&format!("pulled.db{end}"))).unwrap();
        }
    }
    std::fs::copy(desk.path("queue.db"), desk.path("alone.db")).unwrap();
    // Something that only the headset has.
    let later = desk.recorded(&statement("three"));
    desk.run(&["sync", "--queue", "pulled.db"])
        .is(0, "2 delivered; nothing is left");
    assert_eq!(at_the_hub(&hub).len(), 2);
    desk.run(&["sync"]).is(0, "3 delivered; nothing is left");
    let mut there: Vec<_> = at_the_hub(&hub)
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    there.sort();
    let mut recorded = [ids, later].concat();
    recorded.sort();
    assert_eq!(there, recorded);

    // Without what is kept beside it nobody can say how old it is: that is told, and ends with one word.
    let alone = desk.run(&["sync", "--queue", "alone.db"]);
    alone.is(5, "2 delivered; nothing is left");
    assert!(alone.err.contains("the whole file is missing"), "{alone:?}");
    desk.run(&["status", "--queue", "alone.db", "--acknowledge"]);
    let quiet = desk.run(&["sync", "--queue", "alone.db"]);
    quiet.is(0, "nothing");
    assert_eq!((at_the_hub(&hub).len(), quiet.err.as_str()), (3, ""));
}
