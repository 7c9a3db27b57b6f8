//! `upstream`: several LRSs from one queue.

use std::collections::BTreeSet;

use pannier_hub::Running;
use serde_json::json;

use crate::process::{Desk, at_the_hub, hub, statement};

/// Without credentials for it the first one gets all the same, and nothing goes there.
fn is_passed_over_without_credentials(desk: &Desk, exams: &Running) {
    let sync = desk.run(&["sync"]);
    sync.is(4, "main: 4 delivered; nothing is left");
    sync.is(4, "exams-1: passed over; left: 2 queued");
    sync.is(
        4,
        "exams-1: passed over for want of credentials: set PANNIER_LRS_EXAMS_1_USER",
    );
    assert!(at_the_hub(exams).is_empty());
    let status = desk.run(&["status"]);
    status.is(0, "upstream    exams-1  ");
    status.is(0, "2 queued, 0 waiting, 0 held, 0 delivered");
    assert_eq!(
        desk.json(&["status"])[0]["upstreams"][1]["queued"],
        json!(2)
    );
    assert_eq!(desk.json(&["queue", "--upstream", "exams-1"]).len(), 2);
    assert!(desk.json(&["queue"]).is_empty());
}

#[test]
fn each_upstream_gets_what_is_for_it_with_credentials_of_its_own() {
    let ((main, _), (exams, mischief)) = (hub(), hub());
    let mut desk = Desk::at(&main);
    desk.recorded(&statement("before"));
    let (url, prefix) = (exams.url(), "http://example.org/exam");
    let add = ["upstream", "add", "exams-1", "--endpoint", &url];
    desk.run(&[&add[..], &["--activity", prefix]].concat())
        .is(0, "about http://example.org/exam");
    let ids = desk.recorded(&json!([
        statement("one"),
        statement("exam-1"),
        statement("exam-2")
    ]));
    let listed = desk.json(&["upstream", "list"]);
    let names: Vec<_> = listed.iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["main", "exams-1"]);
    assert_eq!(listed[1]["route"], json!({ "activities": [prefix] }));
    assert_eq!(
        (&listed[1]["queued"], &listed[0]["queued"]),
        (&json!(2), &json!(4))
    );

    for one in &listed {
        let told = (&one["undelivered"], &one["is_healthy"]);
        assert_eq!(told, (&one["queued"], &json!(true)));
    }

    is_passed_over_without_credentials(&desk, &exams);

    desk.set("PANNIER_LRS_EXAMS_1_USER", "me");
    desk.set("PANNIER_LRS_EXAMS_1_PASSWORD", "wrong");
    let refused = desk.run(&["sync"]);
    refused.is(4, "main: 0 delivered; nothing is left");
    refused.is(4, "exams-1: 0 delivered; left: 2 queued");
    refused.is(
        4,
        "does not take the credentials that it got, or got none (401",
    );
    refused.is(4, "Set PANNIER_LRS_EXAMS_1_USER and");
    desk.set("PANNIER_LRS_EXAMS_1_PASSWORD", "secret");
    mischief.refuse(&ids[1], "no such exam");
    desk.run(&["sync", "--wait", "2m"])
        .is(1, "held list --upstream exams-1");
    assert!(desk.json(&["held", "list"]).is_empty());
    let held = ["held", "list", "--upstream", "exams-1"];
    assert_eq!(desk.json(&held)[0]["id"], json!(ids[1]));
    mischief.stop();
    desk.run(&["held", "retry", &ids[1]]).is(1, &ids[1]);
    desk.run(&["held", "retry", "--all", "--upstream", "exams-1"])
        .is(0, &ids[1]);
    desk.set("PANNIER_LRS_EXAMS_1_USER", "");
    let file = desk.file("exams", "user = me\npassword = secret\n");
    let of = format!("exams-1={file}");
    let report = desk.json(&["sync", "--credentials-of", &of]).remove(0);
    assert_eq!(
        (&report["delivered"], &report["left"]["held"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(report["upstreams"][1]["name"], json!("exams-1"));
    assert_eq!(report["upstreams"][1]["left"]["queued"], json!(0));
    let there: Vec<_> = at_the_hub(&exams)
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    assert_eq!(there, [json!(ids[1]), json!(ids[2])]);
    desk.run(&["sync", "--credentials-of", "exam=file"])
        .is(2, "no upstream \"exam\"");
    desk.run(&["sync", "--upstream", "exam"])
        .is(2, "pannier upstream list");
}

#[test]
fn one_alone_is_delivered_to_moved_and_removed() {
    let ((main, _), (other, _)) = (hub(), hub());
    let mut desk = Desk::at(&main);
    desk.set("PANNIER_LRS", "http://127.0.0.1:9/xAPI");
    desk.run(&[
        "upstream",
        "add",
        "region",
        "--endpoint",
        "http://127.0.0.1:9/xAPI",
    ])
    .is(0, "region");
    desk.recorded(&json!([statement("one"), statement("two")]));
    desk.run(&["upstream", "add", "region", "--endpoint", &other.url()])
        .is(2, "pannier upstream set");
    desk.run(&["upstream", "add", "Main", "--endpoint", &other.url()])
        .is(2, "a letter first");
    desk.run(&["upstream", "set", "region"])
        .is(2, "--endpoint, --activity, --verb or --everything");
    desk.run(&["upstream", "set", "region", "--endpoint", &other.url()])
        .is(0, "region  is set");
    // What is for the first one, `PANNIER_LRS` too, is nothing to this one.
    let file = desk.file("region", "user = me\npassword = secret\n");
    desk.run(&["sync", "--upstream", "region", "--credentials", &file])
        .is(0, "2 delivered; nothing is left");
    assert_eq!(at_the_hub(&other).len(), 2);
    assert_eq!(desk.json(&["queue"]).len(), 2);
    desk.recorded(&statement("three"));
    let refused = desk.run(&["upstream", "remove", "region"]);
    refused.is(1, "\"region\" is still to get 1: deliver first");
    desk.run(&["upstream", "remove", "main"]).is(2, "stays");
    let removed = desk.json(&["upstream", "remove", "region", "--discard"]);
    assert_eq!(removed[0], json!({ "name": "region", "discarded": 1 }));
    desk.run(&["upstream", "remove", "region"])
        .is(2, "no upstream \"region\"");
    desk.set("PANNIER_LRS", &main.url());
    desk.run(&["sync"]).is(0, "3 delivered; nothing is left");
    has_always_the_same_members(&desk);
    assert_eq!(at_the_hub(&main).len(), 3);
}

/// With one LRS or several, and whichever is asked for.
fn has_always_the_same_members(desk: &Desk) {
    let none = json!([]);
    assert_eq!(desk.json(&["status"])[0]["upstreams"], none);
    assert_eq!(desk.json(&["sync"])[0]["upstreams"], none);
    let add = ["upstream", "add", "late", "--endpoint"];
    let address = "http://127.0.0.1:9/xAPI";
    desk.run(&[&add[..], &[address]].concat()).is(0, "late");
    let one = desk.json(&["status", "--upstream", "late"]);
    assert_eq!(one[0]["upstreams"], none);
    let both = desk.json(&["status"]);
    assert_eq!(both[0]["upstreams"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_the_queue_has_still_goes_to_one_that_is_added_for_it() {
    let ((main, _), (late, _), (exams, _)) = (hub(), hub(), hub());
    let mut desk = Desk::at(&main);
    desk.recorded(&statement("delivered"));
    desk.run(&["sync"]).is(0, "1 delivered");
    let ids = desk.recorded(&json!([statement("one"), statement("exam-1")]));
    let add = |name: &'static str, url: &str, more: &[&'static str]| {
        let add = ["upstream", "add", name, "--endpoint"].map(str::to_owned);
        let more = more.iter().copied().map(str::to_owned);
        [&add[..], &[url.to_owned()], &more.collect::<Vec<_>>()].concat()
    };
    let run =
        |desk: &Desk, of: Vec<String>| desk.run(&of.iter().map(String::as_str).collect::<Vec<_>>());
    let whole = run(&desk, add("late", &late.url(), &["--backfill"]));
    whole.is(
        0,
        "late  gets 2 that are here already, and what is recorded",
    );
    let some = ["--activity", "http://example.org/exam", "--backfill"];
    run(&desk, add("exams", &exams.url(), &some)).is(0, "gets 1 that are here");
    run(&desk, add("other", &exams.url(), &[])).is(0, "other  gets what is recorded");
    for name in ["LATE", "EXAMS"] {
        desk.set(&format!("PANNIER_LRS_{name}_USER"), "me");
        desk.set(&format!("PANNIER_LRS_{name}_PASSWORD"), "secret");
    }
    desk.run(&["sync"])
        .is(0, "late: 2 delivered; nothing is left");
    let there = |lrs| -> BTreeSet<_> {
        let there = at_the_hub(lrs);
        there.iter().map(|one| one["id"].to_string()).collect()
    };
    let of = |ids: &[String]| ids.iter().map(|id| json!(id).to_string()).collect();
    assert_eq!(there(&late), of(&ids));
    assert_eq!(there(&exams), of(&ids[1..]));
    assert_eq!(there(&main).len(), 3);
}

#[test]
fn one_that_cannot_be_delivered_to_keeps_no_other_waiting() {
    let ((main, _), (other, _)) = (hub(), hub());
    let mut desk = Desk::at(&main);
    let add = |name: &str, url: &str| {
        desk.run(&["upstream", "add", name, "--endpoint", url])
            .is(0, name);
    };
    add("north", &other.url());
    add("far", "http://lrs.example/xAPI");
    add("half", "https://lrs.example/xAPI");
    desk.recorded(&statement("one"));
    for (variable, value) in [
        ("NORTH_USER", "me"),
        ("NORTH_PASSWORD", "secret"),
        ("FAR_USER", "me"),
        ("FAR_PASSWORD", "secret"),
        ("HALF_USER", "me"),
    ] {
        desk.set(&format!("PANNIER_LRS_{variable}"), value);
    }
    let sync = desk.run(&["sync"]);
    sync.is(2, "main: 1 delivered; nothing is left");
    sync.is(2, "north: 1 delivered; nothing is left");
    sync.is(2, "far: the LRS's address begins with http://");
    sync.is(2, "half: give the LRS's credentials");
    assert_eq!((at_the_hub(&main).len(), at_the_hub(&other).len()), (1, 1));
}

#[test]
fn others_are_delivered_to_where_the_first_has_no_lrs() {
    let (other, _) = hub();
    let mut desk = Desk::new();
    desk.run(&["upstream", "add", "north", "--endpoint", &other.url()])
        .is(0, "north");
    desk.recorded(&statement("one"));
    desk.run(&["sync"]).is(2, "set PANNIER_LRS_");
    desk.set("PANNIER_LRS_NORTH_USER", "me");
    desk.set("PANNIER_LRS_NORTH_PASSWORD", "secret");
    let sync = desk.run(&["sync"]);
    sync.is(4, "north: 1 delivered; nothing is left");
    sync.is(4, "main: 0 delivered; left: 1 queued");
    sync.is(4, "main: No LRS is known; name one with --lrs URL");
    assert_eq!(at_the_hub(&other).len(), 1);
}

#[test]
fn the_same_address_twice_is_warned_of() {
    let ((main, _), (other, _)) = (hub(), hub());
    let desk = Desk::at(&main);
    desk.run(&["upstream", "add", "north", "--endpoint", &other.url()])
        .is(0, "north");
    let south = desk.run(&["upstream", "add", "south", "--endpoint", &other.url()]);
    south.is(0, "south has the same address as north");
    let sync = desk.run(&["sync", "--lrs", &other.url()]);
    sync.is(0, "main has the same address as north");
}

#[test]
fn an_older_copy_sends_nothing_to_an_lrs_that_was_given_up() {
    let ((first, _), (second, _), (north, _)) = (hub(), hub(), hub());
    let mut desk = Desk::new();
    desk.set("PANNIER_LRS_USER", "me");
    desk.set("PANNIER_LRS_PASSWORD", "secret");
    desk.set("PANNIER_LRS_NORTH_USER", "me");
    desk.set("PANNIER_LRS_NORTH_PASSWORD", "secret");
    let add = ["upstream", "add", "north", "--endpoint", &north.url()];
    desk.recorded(&statement("one"));
    desk.run(&["sync", "--lrs", &first.url()])
        .is(0, "1 delivered");
    desk.run(&add).is(0, "north");
    desk.recorded(&statement("two"));
    let (path, older) = (desk.path("queue.db"), desk.path("older.db"));
    std::fs::copy(&path, &older).unwrap();
    desk.run(&["sync", "--lrs", &second.url()])
        .is(0, "main: 1 delivered");
    desk.run(&["upstream", "remove", "north"]).is(0, "");
    std::fs::copy(&older, &path).unwrap();

    desk.recorded(&statement("three"));
    let status = desk.run(&["status"]);
    status.is(0, "each LRS's address has to be given again");
    desk.run(&["sync"]).is(2, "no LRS is known");
    let main = desk.run(&["sync", "--lrs", &second.url()]);
    main.is(4, "main: ");
    main.is(
        4,
        "north: No LRS is known for north; name one with `pannier upstream set",
    );
    desk.run(&add).is(0, "north");
    desk.run(&["sync"]).is(0, "nothing is left");
    assert_eq!(at_the_hub(&first).len(), 1);
    assert_eq!(at_the_hub(&second).len(), 2);
    assert_eq!(at_the_hub(&north).len(), 2);
}

#[test]
fn what_another_upstream_holds_is_named_with_that_upstream() {
    let ((main, _), (exams, mischief)) = (hub(), hub());
    let mut desk = Desk::at(&main);
    desk.run(&["upstream", "add", "exams", "--endpoint", &exams.url()]);
    desk.set("PANNIER_LRS_EXAMS_USER", "me");
    desk.set("PANNIER_LRS_EXAMS_PASSWORD", "secret");
    let ids = desk.recorded(&json!([statement("one"), statement("two")]));
    mischief.refuse(&ids[0], "not today");
    desk.run(&["sync", "--wait", "2m"]).is(1, "1 held");
    for what in [
        "show",
        "retry",
        "discard",
        "keep-theirs",
        "send-as-new",
        "replace",
    ] {
        let ended = desk.run_with(&["held", what, &ids[0]], &statement("x").to_string());
        ended.is(1, "`--upstream exams`");
        // Delivered everywhere.
        let ended = desk.run_with(&["held", what, &ids[1]], &statement("x").to_string());
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(!ended.err.contains("--upstream"), "{ended:?}");
    }
    desk.run(&["held", "show", &ids[0], "--upstream", "exams"])
        .is(0, "not today");
    desk.run(&["status", "--upstream", "exams"])
        .is(0, "`pannier held list --upstream exams`");
}

#[test]
fn one_too_many_is_told_as_a_limit() {
    let desk = Desk::new();
    let add = |n: usize| {
        let (name, url) = (format!("u{n}"), format!("https://u{n}.invalid/xAPI"));
        desk.run(&["upstream", "add", &name, "--endpoint", &url])
    };
    for n in 1..32 {
        assert_eq!(add(n).code, 0);
    }
    add(32).is(1, "a queue can have 32 upstreams");
}

#[test]
fn an_address_that_was_cleared_is_told_as_none() {
    let (main, _) = hub();
    let mut desk = Desk::at(&main);
    let address = |action: &str, url: &str| {
        let ended = desk.run(&["upstream", action, "a", "--endpoint", url]);
        assert_eq!(ended.code, 0, "{ended:?}");
    };
    address("add", "https://a.invalid/xAPI");
    std::fs::copy(desk.path("queue.db"), desk.path("older")).expect("a copy");
    address("set", "https://b.invalid/xAPI");
    std::fs::copy(desk.path("older"), desk.path("queue.db")).expect("a copy");
    desk.recorded(&statement("one"));
    desk.set("PANNIER_LRS_A_TOKEN", "t");
    let how = "no LRS is known for a; name one with `pannier upstream set a --endpoint URL`";
    let ended = desk.run(&["sync"]);
    ended.is(4, &how[1..]);
    assert!(!ended.err.contains("has moved"), "{ended:?}");
    for command in ["sync", "doctor"] {
        desk.run(&[command, "--upstream", "a"]).is(2, how);
    }
}
