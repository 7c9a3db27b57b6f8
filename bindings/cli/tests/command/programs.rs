//! What programs read: with `--json` each line is JSON, and has the members that all lines of its command have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::process::{Desk, hub, statement};

const NOBODY: &str = "16fd2706-8baf-433b-82eb-8c7fada847da";

#[test]
fn each_command_has_the_same_members_in_every_line() {
    let (hub, mischief) = hub();
    let mut desk = Desk::at(&hub);
    let mut members: BTreeMap<String, BTreeSet<Vec<String>>> = BTreeMap::new();
    let mut run = |desk: &Desk, args: &[&str], input: &str| -> Vec<Value> {
        let ended = desk.run_with(&[args, &["--json"]].concat(), input);
        let lines = ended.json();
        for line in &lines {
            let names = line.as_object().unwrap().keys().cloned().collect();
            let command: Vec<&str> = args.iter().copied().take(2).collect();
            let command = match command[0] {
                "held" => command.join(" "),
                alone => alone.to_owned(),
            };
            members.entry(command).or_default().insert(names);
        }
        lines
    };
    let mut known = statement("known");
    known["id"] = json!("26fd2706-8baf-433b-82eb-8c7fada847da");
    let mut modern = statement("modern");
    modern["context"] = json!({"contextAgents": [
        {"objectType": "contextAgent", "agent": {"mbox": "mailto:a@b.example"}},
    ]});
    let [one, two] = ["one", "two"].map(statement);
    let lines = format!("{known}\n{modern}\n{{}}\n{known}\ntorn\n{one}\n{two}");
    run(&desk, &["check"], &lines);
    let told = run(&desk, &["record", "--skip-invalid"], &lines);
    assert_eq!(told.len(), 7, "{told:?}");
    let one = told[5]["id"].as_str().unwrap().to_owned();
    mischief.refuse(&one, "no such course");
    run(&desk, &["status"], "");
    run(&desk, &["doctor"], "");
    run(&desk, &["doctor", "--store"], "");
    desk.set("PANNIER_LRS", "http://127.0.0.1:9/xAPI");
    run(&desk, &["sync"], "");
    run(&desk, &["doctor"], "");
    desk.set("PANNIER_LRS", &hub.url());
    desk.set("PANNIER_LRS_PASSWORD", "wrong");
    run(&desk, &["sync"], "");
    desk.set("PANNIER_LRS_PASSWORD", "secret");
    run(&desk, &["sync", "--speak", "1.0.3", "--wait", "2m"], "");
    run(&desk, &["record"], &statement("three").to_string());
    let waits = run(&desk, &["queue"], "");
    assert_eq!(waits.len(), 2, "one in the queue and one that waits aside");
    run(&desk, &["sync", "--speak", "2.0.0"], "");
    run(&desk, &["status"], "");
    run(&desk, &["history"], "");
    run(&desk, &["held", "list"], "");
    run(&desk, &["held", "show", &one], "");
    run(&desk, &["held", "retry", NOBODY, &one], "");
    run(&desk, &["retract", NOBODY, &one], "");
    run(&desk, &["void", NOBODY, "--mbox", "ann@example.org"], "");
    run(&desk, &["erase", "--mbox", "ann@example.org", "--yes"], "");
    for (command, members) in &members {
        assert_eq!(members.len(), 1, "{command}: {members:?}");
    }
    for command in [
        "check",
        "record",
        "sync",
        "queue",
        "held show",
        "erase",
        "doctor",
    ] {
        assert!(members.contains_key(command), "{command} said nothing");
    }
}

#[test]
fn a_year_that_some_lrss_refuse_is_warned_of_and_is_no_fault() {
    // RFC 3339, section 5.6 and appendix A: four digits, from 0000 on.
    let desk = Desk::new();
    let mut one = statement("one");
    one["timestamp"] = json!("0000-01-01T00:00:00Z");
    let file = desk.file("one.json", &one.to_string());
    desk.run(&["check", &file])
        .is(0, "warning: $.timestamp is in the year 0;");
    desk.run(&["record", &file]).is(0, "1 recorded");
}
