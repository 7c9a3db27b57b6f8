//! `pannier hub` as a process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};

use serde_json::Value;

use crate::process::{Desk, statement};

/// Starts a hub and gives what it says when it is ready.
fn serve(desk: &Desk, args: &[&str]) -> (Child, Value) {
    let args = [&["hub", "--listen", "127.0.0.1:0", "--json"], args].concat();
    let mut child = desk.command(&args).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: Value =
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    assert_eq!(ready["ready"], true);
    (child, ready)
}

#[cfg(unix)]
fn stop(mut child: Child, signal: &str) {
    let told = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(told.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_hub_keeps_what_it_is_sent_and_ends_when_told() {
    let mut desk = Desk::new();
    let (hub, ready) = serve(&desk, &["--store", "lrs.db"]);
    desk.set("PANNIER_LRS", ready["url"].as_str().unwrap());
    desk.set("PANNIER_LRS_USER", ready["user"].as_str().unwrap());
    desk.set("PANNIER_LRS_PASSWORD", ready["password"].as_str().unwrap());
    desk.recorded(&statement("one"));
    desk.run(&["sync"]).is(0, "1 delivered");
    stop(hub, "-INT");

    desk.set("PANNIER_HUB_USER", "me");
    desk.set("PANNIER_HUB_PASSWORD", "secret");
    let (hub, ready) = serve(&desk, &["--store", "lrs.db"]);
    assert!(
        ready["password"].is_null(),
        "a password that was given is not printed"
    );
    stop(hub, "-TERM");
}

#[test]
fn a_hub_that_cannot_start_says_why() {
    let desk = Desk::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    desk.run(&["hub", "--listen", &addr]).is(3, &addr);
    let text = desk.file("text", &"this is no database. ".repeat(100));
    desk.run(&["hub", "--listen", "127.0.0.1:0", "--store", &text])
        .is(3, "name another file");
    desk.run(&["hub", "--listen", "localhost"])
        .is(2, "--listen");
}
