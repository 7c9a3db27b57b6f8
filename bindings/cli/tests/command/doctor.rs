//! `pannier doctor`: what is the matter is named, and nothing is changed by looking. And credentials that
//! would travel where everybody can read them.

use serde_json::Value;

use crate::process::{Desk, Ended, at_the_hub, hub, statement};
use crate::strangers::{stranger, url};

/// Of what was examined, what was found.
fn finding(ended: &Ended, examined: &str) -> Value {
    let line = ended.json().pop().expect("a line of JSON");
    let checks = line["checks"].as_array().expect("a list");
    let check = checks.iter().find(|check| check["examined"] == examined);
    check.unwrap_or_else(|| panic!("no {examined} in {line}"))["finding"].clone()
}

#[test]
fn a_good_way_is_good_and_is_left_as_it_was() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    let ended = desk.run(&["doctor", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    for examined in ["network", "lrs", "version", "credentials", "clock"] {
        assert_eq!(finding(&ended, examined), "good", "{ended:?}");
    }
    assert!(at_the_hub(&hub).is_empty(), "it stores nothing unasked");
    assert!(!desk.path("queue.db").exists(), "looking makes no file");
    desk.run(&["doctor"]).is(0, "credentials");
}

#[test]
fn the_lrs_that_the_queue_remembers_is_tried_and_another_one_is_not_remembered() {
    let ((hub, _), (other, _)) = (hub(), hub());
    let mut desk = Desk::at(&hub);
    desk.recorded(&statement("one"));
    desk.json(&["sync"]);
    desk.set("PANNIER_LRS", &other.url());
    desk.run(&["doctor"]).is(0, &other.url());
    let status = desk.json(&["status"]).pop().expect("a line");
    assert_eq!(status["endpoint"], hub.url().as_str());

    let mut command = desk.command(&["doctor"]);
    let output = command.env_remove("PANNIER_LRS").output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&hub.url()), "{said}");
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn a_statement_is_stored_only_when_asked() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    let ended = desk.run(&["doctor", "--store", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(finding(&ended, "write"), "good");
    let stored = at_the_hub(&hub);
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0]["id"], ended.json()[0]["sent"]);
}

#[test]
fn what_is_the_matter_is_named() {
    let (hub, _) = hub();
    let mut desk = Desk::at(&hub);
    desk.set("PANNIER_LRS_PASSWORD", "hunter-7f3a");
    let ended = desk.run(&["doctor", "--json"]);
    assert_eq!(
        (ended.code, finding(&ended, "credentials")),
        (4, "bad".into()),
        "{ended:?}"
    );
    assert!(!format!("{ended:?}").contains("hunter-7f3a"), "{ended:?}");

    desk.set("PANNIER_LRS", &hub.url().replace("/xAPI", "/nowhere"));
    assert_eq!(desk.run(&["doctor"]).code, 4);
    desk.set("PANNIER_LRS", "http://127.0.0.1:9/xAPI");
    let ended = desk.run(&["doctor", "--json"]);
    assert_eq!((ended.code, finding(&ended, "network")), (4, "bad".into()));

    Desk::new().run(&["doctor"]).is(2, "--lrs URL");
}

#[test]
fn credentials_do_not_travel_in_the_clear_without_a_word() {
    // Not a loopback address, and yet nobody else's machine.
    let elsewhere = "http://0.0.0.0:9/xAPI";
    let mut desk = Desk::new();
    desk.set("PANNIER_LRS_USER", "me");
    desk.set("PANNIER_LRS_PASSWORD", "secret");
    desk.recorded(&statement("one"));
    for args in [&["sync"][..], &["doctor"], &["demo", "--yes"]] {
        let args = [args, &["--lrs", elsewhere]].concat();
        desk.run(&args).is(2, "--allow-cleartext");
        let args = [&args[..], &["--allow-cleartext"]].concat();
        let ended = desk.run(&args);
        assert_eq!(ended.code, 4, "{ended:?}");
        assert!(!ended.err.contains("--allow-cleartext"), "{ended:?}");
    }
}

#[test]
fn another_upstream_is_tried_at_its_address_with_its_credentials() {
    let ((main, _), (exams, _)) = (hub(), hub());
    let mut desk = Desk::at(&main);
    let add = ["upstream", "add", "exams-1", "--endpoint", &exams.url()];
    assert_eq!(desk.run(&add).code, 0);
    let doctor = ["doctor", "--upstream", "exams-1"];
    let ended = desk.run(&[&doctor[..], &["--json"]].concat());
    assert_eq!(finding(&ended, "credentials"), "bad", "{ended:?}");
    assert_eq!(ended.json()[0]["upstream"], "exams-1");
    desk.run(&doctor).is(4, &exams.url());

    desk.set("PANNIER_LRS_EXAMS_1_USER", "me");
    desk.set("PANNIER_LRS_EXAMS_1_PASSWORD", "secret");
    desk.run(&doctor).is(0, &exams.url());
    desk.run(&["doctor"]).is(0, &main.url());
    desk.run(&[&doctor[..], &["--store"]].concat())
        .is(0, "The statement sent has the id");
    assert_eq!((at_the_hub(&main).len(), at_the_hub(&exams).len()), (0, 1));

    desk.set("PANNIER_LRS_EXAMS_1_USER", "");
    desk.set("PANNIER_LRS_EXAMS_1_PASSWORD", "");
    let file = desk.file("exams", "user = me\npassword = secret\n");
    let of = ["--credentials-of", &format!("exams-1={file}")];
    desk.run(&[&doctor[..], &of].concat()).is(0, &exams.url());
    let theirs = ["--credentials", &file];
    desk.run(&[&doctor[..], &theirs].concat())
        .is(0, &exams.url());
    desk.run(&["doctor", "--upstream", "nobody"])
        .is(2, "nobody");
    desk.run(&["doctor", "--upstream", "main"])
        .is(0, &main.url());
}

#[test]
fn the_advice_names_the_upstream_to_try() {
    let (main, _) = hub();
    let elsewhere = url(&stranger(|_| {
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno".into()
    }));
    let mut desk = Desk::at(&main);
    let add = ["upstream", "add", "a", "--endpoint", &elsewhere];
    assert_eq!(desk.run(&add).code, 0);
    desk.recorded(&statement("one"));
    desk.set("PANNIER_LRS_A_TOKEN", "t");
    desk.run(&["sync"]).is(4, "`pannier doctor --upstream a`");
    desk.recorded(&statement("two"));
    desk.set("PANNIER_LRS", &elsewhere);
    desk.run(&["sync", "--upstream", "main"])
        .is(4, "`pannier doctor`");
}
