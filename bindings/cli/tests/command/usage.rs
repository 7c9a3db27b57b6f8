//! Help, wrong arguments, and queues that cannot be opened.

use crate::process::{Desk, hub, statement};

#[test]
fn every_command_explains_itself() {
    let desk = Desk::new();
    let help = desk.run(&["--help"]);
    help.is(0, "Exit codes;");
    for command in [
        "record", "check", "sync", "doctor", "status", "queue", "held", "history", "retract",
        "void", "erase", "demo", "hub",
    ] {
        help.is(0, &format!("  {command}"));
        desk.run(&[command, "--help"]).is(0, "Usage: pannier");
    }
    for command in [
        "record", "check", "sync", "doctor", "held", "retract", "void", "erase", "demo", "hub",
    ] {
        desk.run(&[command, "--help"]).is(0, "Examples:");
    }
    // The demo's own, not for people.
    for args in [&[][..], &["--json"], &["--help"], &["help"]] {
        let told = desk.run(args);
        assert!(!(told.out + &told.err).contains("demo-headset"), "{args:?}");
    }
    for command in ["sync", "doctor", "demo"] {
        desk.run(&[command, "--help"]).is(0, "PANNIER_LRS_BASIC");
    }
    desk.run(&["--version"]).is(0, env!("CARGO_PKG_VERSION"));
}

#[test]
fn wrong_arguments_are_exit_code_2() {
    let desk = Desk::new();
    desk.run(&[]).is(2, "Usage");
    desk.run(&["deliver"]).is(2, "deliver");
    desk.run(&["check", "--xapi", "3.0.0"]).is(2, "3.0.0");
    desk.run(&["record", "nowhere.json"]).is(2, "nowhere.json");
    desk.run(&["held", "show", "one"]).is(2, "one");
    desk.run(&["sync", "--lrs", "ftp://lrs.example/xAPI"])
        .is(2, "http");
    desk.run(&["sync", "--lrs", "https://me:secret@lrs.example/xAPI"])
        .is(2, "");
}

#[test]
fn who_is_nobody_is_a_wrong_argument() {
    let desk = Desk::new();
    let id = desk.recorded(&statement("one")).remove(0);
    desk.run(&["void", &id, "--mbox", "notmail"]).is(2, "mbox");
    assert_eq!(desk.json(&["queue"]).len(), 1);
}

#[test]
fn a_queue_that_cannot_be_opened_is_exit_code_3() {
    let mut desk = Desk::new();
    desk.set("PANNIER_QUEUE", "/nowhere/at/all/queue.db");
    desk.run(&["status"]).is(3, "/nowhere/at/all/queue.db");
    desk.run_with(&["record"], &statement("one").to_string())
        .is(3, "/nowhere/at/all/queue.db");
}

#[test]
fn of_very_many_that_cannot_be_done_the_first_ones_are_told() {
    let desk = Desk::new();
    let there = desk.recorded(&statement("one")).remove(0);
    let mut ids: Vec<String> = (0..60)
        .map(|number| format!("00000000-0000-4000-8000-{number:012}"))
        .collect();
    ids.push(there.clone());
    let args: Vec<&str> = ["retract"]
        .into_iter()
        .chain(ids.iter().map(String::as_str))
        .collect();
    let told = desk.run(&args);
    told.is(1, &format!("{there}  taken back"));
    told.is(1, "… and 40 more of 61 could not be done");
    assert_eq!(told.err.lines().count(), 21, "{told:?}");
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn without_a_name_the_queue_is_in_the_users_data_folder() {
    let mut desk = Desk::new();
    let folder = desk.path("data");
    desk.set("XDG_DATA_HOME", &folder.display().to_string());
    let file = desk.file("one.json", &statement("one").to_string());
    for (args, code) in [(["status", "--json"], 3), (["record", &file], 0)] {
        assert!(!folder.exists(), "looking makes nothing");
        let mut command = desk.command(&args);
        let status = command.env_remove("PANNIER_QUEUE").status().unwrap();
        assert_eq!(status.code(), Some(code));
    }
    assert!(folder.join("pannier/queue.db").exists());
}

#[test]
fn what_an_argument_may_be_is_told() {
    let desk = Desk::new();
    desk.recorded(&statement("one"));
    for (args, words) in [
        (&["queue", "--limit", "x"][..], "give a number"),
        (&["history", "--limit", ""], "give a number"),
        (&["sync", "--keep", "x"], "give a number of days"),
        (&["retract", ""], "is a UUID"),
        (&["held", "show", "7"], "is a UUID"),
        (&["held", "discard", "7"], "is a UUID"),
        (&["void", "7", "--mbox", "a@b.example"], "is a UUID"),
        (
            &["held", "replace", "16fd2706-8baf-433b-82eb-8c7fada847da"],
            "there is no statement in standard input",
        ),
    ] {
        desk.run(args).is(2, words);
    }
    desk.run(&["hub", "--store", "/nowhere/at/all"])
        .is(3, "check that its folder is there");
    desk.run(&["held", "retry", "--all"])
        .is(0, "nothing is held");
}

#[test]
fn nobody_is_erased_by_a_mistyped_name() {
    let desk = Desk::new();
    desk.recorded(&statement("one"));
    for who in [
        &["--mbox", ""][..],
        &["--mbox", "ann.example.org"],
        &["--mbox-sha1sum", "zz"],
        &["--openid", ""],
        &["--account", "", "seat-7"],
        &["--account", "school.example", "seat-7"],
    ] {
        let id = "16fd2706-8baf-433b-82eb-8c7fada847da";
        desk.run(&[&["erase", "--yes"], who].concat())
            .is(2, "this is nobody");
        desk.run(&[&["void", id], who].concat())
            .is(2, "this is nobody");
    }
    desk.run(&["erase", "--yes", "--mbox", "anna@example.org"])
        .is(0, "no statement here names them");
    assert_eq!(desk.json(&["queue"]).len(), 1);
}

#[test]
fn an_empty_variable_is_none() {
    let (hub, _) = hub();
    let mut desk = Desk::at(&hub);
    desk.recorded(&statement("one"));
    for name in ["PROXY", "LRS_TOKEN", "LRS_BASIC"] {
        desk.set(&format!("PANNIER_{name}"), "");
    }
    desk.run(&["sync"]).is(0, "1 delivered");
    // The LRS that the queue remembers; and the queue that has no name.
    desk.set("PANNIER_LRS", "");
    desk.run(&["doctor"]).is(0, &hub.url());
    desk.set("XDG_DATA_HOME", &desk.path("data").display().to_string());
    desk.set("HOME", &desk.path("home").display().to_string());
    desk.set("PANNIER_QUEUE", "");
    desk.run(&["status"]).is(3, "there is no queue at");
    desk.run(&["status", "--queue", ""]).is(2, "--queue");
}

/// Credentials, certificates and defaults are short texts in UTF-8.
#[test]
#[cfg(unix)]
fn a_file_that_never_ends_or_is_in_utf_16_is_named() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    desk.recorded(&statement("one"));
    for option in ["--credentials", "--ca"] {
        desk.run(&["sync", option, "/dev/zero"])
            .is(2, "/dev/zero is longer than 4 MiB");
    }
    desk.run(&["record", "--defaults", "/dev/zero"])
        .is(2, "/dev/zero is longer than 4 MiB");
    let wide = |text: &str| -> String {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        String::from_utf8(units.collect()).expect("it is ASCII")
    };
    let credentials = desk.file("credentials", &wide("user = me\npassword = secret\n"));
    desk.run(&["sync", "--credentials", &credentials])
        .is(2, "written in UTF-16: save it as UTF-8");
    let defaults = desk.file("defaults", &wide("{}"));
    desk.run(&["record", "--defaults", &defaults])
        .is(2, "written in UTF-16: save it as UTF-8");
    let of_a_mac = desk.file("cr", "user = me\rpassword = secret\r");
    desk.run(&["sync", "--credentials", &of_a_mac])
        .is(0, "1 delivered; nothing is left");
}
