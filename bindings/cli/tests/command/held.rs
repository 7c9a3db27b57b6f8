//! `held`: seen, corrected, sent again, given up.

use pannier_hub::Running;
use serde_json::json;

use crate::process::{Desk, at_the_hub, hub, statement, two_held};

fn three_recorded(desk: &Desk) -> Vec<String> {
    desk.recorded(&json!([
        statement("one"),
        statement("two"),
        statement("three")
    ]))
}

#[test]
fn a_refused_statement_is_held_and_can_be_replaced() {
    let (hub, mischief) = hub();
    let desk = Desk::at(&hub);
    let ids = three_recorded(&desk);
    mischief.refuse(&ids[1], "no such course");
    desk.run(&["sync", "--wait", "2m"])
        .is(1, "2 delivered; left: 1 held");

    let listed = desk.run(&["held", "list"]);
    listed.is(0, "ann@example.org experienced http://example.org/two");
    listed.is(0, "400: “no such course”");
    let held = desk.json(&["held", "list"]);
    assert_eq!(
        (held.len(), &held[0]["id"], &held[0]["reason"]),
        (1, &json!(ids[1]), &json!("refused"))
    );
    assert_eq!(
        held[0]["statement"]["object"]["id"],
        json!("http://example.org/two")
    );
    desk.run(&["held", "show", &ids[1]])
        .is(0, "LRS says    400: “no such course”");
    let exported = desk.run(&["held", "export"]);
    assert_eq!(exported.json(), [held[0]["statement"].clone()]);

    let corrected = desk.file("corrected.json", &statement("two-corrected").to_string());
    desk.run(&["held", "replace", &ids[1], &corrected])
        .is(0, &ids[1]);
    assert!(desk.json(&["held", "list"]).is_empty());
    desk.run(&["sync"]).is(0, "1 delivered");
    assert_eq!(
        at_the_hub(&hub)[0]["object"]["id"],
        json!("http://example.org/two-corrected")
    );
}

#[test]
fn one_that_is_delivered_already_takes_its_place_and_nothing_is_queued() {
    let (hub, mischief) = hub();
    let desk = Desk::at(&hub);
    let ids = three_recorded(&desk);
    mischief.refuse(&ids[1], "no such course");
    desk.run(&["sync", "--wait", "2m", "--keep", "7"])
        .is(1, "2 delivered; left: 1 held");
    let delivered = desk.json(&["history"]);
    let delivered = delivered.iter().find(|one| one["id"] == json!(ids[0]));
    let text = delivered.expect("it is kept")["statement"].to_string();
    let file = desk.file("delivered.json", &text);
    let replaced = desk.run(&["held", "replace", &ids[1], &file]);
    replaced.is(0, "is delivered already and takes the place of");
    replaced.is(0, &ids[0]);
    assert!(desk.json(&["queue"]).is_empty());
    assert!(desk.json(&["held", "list"]).is_empty());
}

#[test]
fn held_statements_can_be_retried_and_discarded() {
    let (hub, mischief) = hub();
    let desk = Desk::at(&hub);
    let ids = two_held(&desk, &mischief);
    let status = desk.json(&["status"]).remove(0);
    assert_eq!(
        (&status["undelivered"], &status["is_healthy"]),
        (&json!(2), &json!(false))
    );
    desk.run(&["held", "discard", &ids[0]]).is(0, "discarded");
    mischief.stop();
    let retried = desk.json(&["held", "retry", "--all"]);
    assert_eq!(retried[0]["id"], json!(ids[1]));
    desk.run(&["sync"]).is(0, "1 delivered");
    let status = desk.json(&["status"]).remove(0);
    assert_eq!(
        (&status["delivered"], &status["discarded"], &status["held"]),
        (&json!(5), &json!(1), &json!(0))
    );
    assert_eq!(
        (&status["undelivered"], &status["is_healthy"]),
        (&json!(0), &json!(true))
    );

    desk.run(&["held", "retry", &ids[1]]).is(1, &ids[1]);
    desk.run(&["held", "show", &ids[1]]).is(1, &ids[1]);
    desk.run(&["held", "retry"]).is(2, "ID");
}

const ID: &str = "16fd2706-8baf-433b-82eb-8c7fada847da";

/// Holds a statement, because the hub has another one under its id.
fn in_conflict(hub: &Running) -> Desk {
    let (here, there) = (Desk::at(hub), Desk::at(hub));
    let mut one = statement("one");
    one["id"] = json!(ID);
    one["timestamp"] = json!("2026-03-01T10:00:00.000Z");
    there.recorded(&one);
    there.run(&["sync"]).is(0, "1 delivered");
    one["object"]["id"] = json!("http://example.org/other");
    here.recorded(&one);
    here.run(&["sync"]).is(1, "1 held");
    here
}

#[test]
fn a_conflict_shows_where_the_two_differ() {
    let (hub, _) = hub();
    let here = in_conflict(&hub);
    let shown = here.run(&["held", "show", ID]);
    shown.is(
        0,
        "reason      the LRS has another statement under its id (conflict)",
    );
    // It was found by looking: the LRS said nothing, and no such status came.
    assert!(
        !shown.out.contains("LRS says") && !shown.out.contains("409"),
        "{shown:?}"
    );
    shown.is(0, "differs     $.object.id: ours \"http://example.org/other\", theirs \"http://example.org/one\"");
    let shown = here.json(&["held", "show", ID]).remove(0);
    assert_eq!(
        (
            &shown["theirs"]["object"]["id"],
            &shown["differences"][0]["path"]
        ),
        (&json!("http://example.org/one"), &json!("$.object.id"))
    );
}

#[test]
fn a_conflict_ends_by_keeping_theirs() {
    let (hub, _) = hub();
    let here = in_conflict(&hub);
    here.run(&["held", "keep-theirs", ID]).is(0, "given up");
    assert!(here.json(&["held", "list"]).is_empty());
    here.run(&["sync"]).is(0, "0 delivered; nothing is left");
    assert_eq!(at_the_hub(&hub).len(), 1);
}

#[test]
fn a_conflict_ends_by_sending_ours_under_a_new_id() {
    let (hub, _) = hub();
    let here = in_conflict(&hub);
    let sent = here.json(&["held", "send-as-new", ID]).remove(0);
    assert_eq!(sent["replaces"], json!(ID));
    here.run(&["sync"]).is(0, "1 delivered");
    let both = at_the_hub(&hub);
    assert_eq!((both.len(), &both[0]["id"]), (2, &sent["id"]));
    assert_eq!(both[0]["context"]["statement"]["id"], json!(ID));
    here.run(&["held", "send-as-new", ID]).is(1, "is not held");
}

#[test]
fn what_would_void_somebody_elses_is_told_of_and_not_retried_with_all_others() {
    let (hub, mischief) = hub();
    let desk = Desk::at(&hub);
    let ids = three_recorded(&desk);
    mischief.refuse(&ids[1], "not today");
    desk.run(&["sync", "--wait", "2m"]).is(1, "1 held");
    let teacher = ["--mbox", "teacher@example.org"];
    desk.run(&["retract", &ids[1]])
        .is(1, "where it is held, discard it");
    for _ in 0..2 {
        desk.run(&[&["void", &ids[1]], &teacher[..]].concat())
            .is(0, "it voids");
    }
    let discarded = desk.run(&["held", "discard", &ids[1]]);
    discarded.is(0, "discarded");
    discarded.is(0, &format!("voids {} and is held now: discard it", ids[1]));
    let all = desk.run(&["held", "retry", "--all"]);
    all.is(0, "not retried: 2");
    let held = desk.json(&["held", "list"]);
    assert_eq!(held.len(), 2);
    let voiding = held[0]["id"].as_str().unwrap();
    desk.run(&["held", "retry", voiding]).is(0, "next sync");
    // Of a person whose statement was never sent, and whom another voids.
    let mut late = statement("late");
    late["actor"] = json!({"mbox": "mailto:bob@example.org"});
    let late = desk.recorded(&late);
    desk.run(&[&["void", &late[0]], &teacher[..]].concat())
        .is(0, "it voids");
    let erased = desk.run(&["erase", "--mbox", "bob@example.org", "--yes"]);
    erased.is(0, "1 undelivered statements");
    erased.is(0, &format!("voids {} and is held now: discard it", late[0]));
    assert!(!erased.err.contains(&ids[1]), "what was held before");
}
