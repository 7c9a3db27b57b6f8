//! `pannier hub` as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};

use serde_json::Value;

use crate::process::{Desk, at_the_hub, statement};

/// Starts a hub and gives what it says when it is ready.
fn serve(desk: &Desk, args: &[&str]) -> (Child, Value) {
    let listen: &[&str] = if args.contains(&"--listen") {
        &[]
    } else {
        &["--listen", "127.0.0.1:0"]
    };
    let args = [&["hub", "--json"], listen, args].concat();
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

/// A log that is off tells of no request, but of the store.
#[cfg(unix)]
#[test]
fn a_store_that_is_deleted_is_put_back_and_told_of_once() {
    for quiet in [&["--quiet"][..], &[]] {
        let mut desk = Desk::new();
        let (mut hub, ready) = serve(&desk, &[&["--store", "lrs.db"], quiet].concat());
        desk.set("PANNIER_LRS", ready["url"].as_str().unwrap());
        desk.set("PANNIER_LRS_USER", ready["user"].as_str().unwrap());
        desk.set("PANNIER_LRS_PASSWORD", ready["password"].as_str().unwrap());
        for suffix in ["", "-wal", "-shm"] {
            std::fs::remove_file(desk.path(&format!("lrs.db{suffix}"))).unwrap();
        }
        for name in ["one", "two"] {
            desk.recorded(&statement(name));
            desk.run(&["sync"]).is(0, "1 delivered");
        }
        hub.kill().unwrap();
        let mut said = String::new();
        let mut stderr = hub.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        hub.wait().unwrap();
        assert_eq!(said.matches("is written again").count(), 1, "{said}");
        assert_eq!(said.lines().count() == 1, !quiet.is_empty(), "{said}");

        let storage = pannier_hub::Storage::File(desk.path("lrs.db"));
        let options = pannier_hub::Options {
            storage,
            ..pannier_hub::Options::new("me", "secret")
        };
        let again = pannier_hub::Hub::start(&options).unwrap();
        assert_eq!(at_the_hub(&again).len(), 2);
    }
}

/// The beginning of a request with a content, of which the end never comes.
#[cfg(unix)]
const HALF: &str = concat!(
    "POST /xAPI/statements HTTP/1.1\r\nHost: hub\r\nX-Experience-API-Version: 2.0.0\r\n",
    "Authorization: Basic bWU6c2VjcmV0\r\nContent-Type: multipart/mixed; boundary=b\r\n",
    "Content-Length: 1000000\r\n\r\n",
    "--b\r\nContent-Type: application/json\r\n\r\n",
    r#"{"actor":{"mbox":"mailto:ada@example.com"},"verb":{"id":"http://v.example/"},"object":{"id":"http://o.example/"},"#,
    r#""attachments":[{"usageType":"http://u.example/","display":{"en":"a film"},"contentType":"video/mp4","length":900000,"#,
    r#""sha2":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]}"#,
    "\r\n--b\r\nContent-Transfer-Encoding: binary\r\n",
    "X-Experience-API-Hash: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\r\n\r\n",
);

#[cfg(unix)]
#[test]
fn a_hub_that_is_killed_while_a_content_comes_leaves_nothing_of_it() {
    let mut desk = Desk::new();
    desk.set("PANNIER_HUB_USER", "me");
    desk.set("PANNIER_HUB_PASSWORD", "secret");
    let (mut hub, ready) = serve(&desk, &["--store", "lrs.db"]);
    let addr = ready["url"].as_str().unwrap();
    let addr = addr.trim_start_matches("http://").trim_end_matches("/xAPI");
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(HALF.as_bytes()).unwrap();
    stream.write_all(&vec![7; 500_000]).unwrap();
    let files = || {
        let entries = std::fs::read_dir(desk.path("lrs.db.content"));
        let entries = entries.into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name())
    };
    let begun = std::time::Instant::now();
    while !files().any(|name| name.to_string_lossy().starts_with("coming-")) {
        assert!(begun.elapsed().as_secs() < 20, "the content comes");
        std::thread::yield_now();
    }
    hub.kill().unwrap();
    hub.wait().unwrap();

    let (hub, _) = serve(&desk, &["--store", "lrs.db"]);
    assert_eq!(files().collect::<Vec<_>>(), ["lock"]);
    stop(hub, "-TERM");
}

#[cfg(unix)]
#[test]
fn no_hub_has_a_user_that_nobody_can_be() {
    let desk = Desk::new();
    for (user, words) in [("", "user is empty"), ("a:b", "colon")] {
        let file = desk.file("credentials", &format!("user = {user}\npassword = x\n"));
        desk.run(&["hub", "--listen", "0", "--credentials", &file])
            .is(2, words);
    }
}

#[test]
fn a_port_that_is_taken_is_said_to_be() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    Desk::new()
        .run(&["hub", "--listen", &port])
        .is(3, "--listen");
}

#[test]
fn no_hub_lets_in_by_an_empty_password() {
    let mut desk = Desk::new();
    desk.set("PANNIER_HUB_PASSWORD", "");
    let (hub, ready) = serve(&desk, &[]);
    let made = ready["password"].as_str().unwrap_or_default();
    assert!(made.len() >= 16, "{ready}");
    stop(hub, "-TERM");
    let file = desk.file("credentials", "user = me\npassword =\n");
    desk.run(&["hub", "--listen", "256", "--credentials", &file])
        .is(2, "password is empty");
}

/// Asks a hub for something and gives the answer.
fn asked(ready: &Value, request: &str) -> String {
    let url = ready["url"].as_str().unwrap();
    let authority = url.split('/').nth(2).unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    let request = format!("{request} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[cfg(unix)]
#[test]
fn a_line_is_written_for_each_request() {
    let desk = Desk::new();
    for quiet in [false, true] {
        let args = if quiet { &["--quiet"][..] } else { &[] };
        let (mut hub, ready) = serve(&desk, args);
        asked(&ready, "GET /xAPI/about");
        asked(&ready, "GET /xAPI/statements?agent=ann@example.org&limit=1");
        let mut written = hub.stderr.take().unwrap();
        stop(hub, "-INT");
        let mut lines = String::new();
        written.read_to_string(&mut lines).unwrap();
        if quiet {
            assert_eq!(lines, "");
        } else {
            let lines: Vec<&str> = lines.lines().collect();
            assert_eq!(lines.len(), 2, "{lines:?}");
            assert!(lines[0].contains(" GET /xAPI/about 200 OK, "), "{lines:?}");
            let second = " GET /xAPI/statements?agent&limit 401 Unauthorized, ";
            assert!(lines[1].contains(second), "{lines:?}");
        }
    }
}

/// What a person is told before anything happens.
#[cfg(unix)]
#[test]
fn the_banner_says_what_is_kept_and_where_it_is() {
    let desk = Desk::new();
    for (args, told, never) in [
        (
            &["--listen", "localhost:0"][..],
            "--store FILE keeps them",
            "other machines",
        ),
        (&["--listen", "0"], "in memory", "0.0.0.0"),
        (
            &["--listen", ":0", "--store", "lrs.db"],
            "lrs.db",
            "in memory",
        ),
        (
            &["--listen", "0.0.0.0:0"],
            "http://127.0.0.1:",
            "http://0.0.0.0",
        ),
    ] {
        let mut hub = desk.command(&[&["hub"], args].concat()).spawn().unwrap();
        let mut banner = String::new();
        let mut lines = BufReader::new(hub.stdout.take().unwrap());
        while !banner.contains("ready") {
            assert!(lines.read_line(&mut banner).unwrap() > 0, "{banner}");
        }
        stop(hub, "-INT");
        assert!(
            banner.contains(told) && !banner.contains(never),
            "{args:?}: {banner}"
        );
        assert!(
            banner.contains("LRS       http://127.0.0.1:"),
            "{args:?}: {banner}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_hub_for_all_machines_can_be_reached_by_what_it_says() {
    let desk = Desk::new();
    let (hub, ready) = serve(&desk, &["--listen", "0.0.0.0:0"]);
    assert!(asked(&ready, "GET /xAPI/about").starts_with("HTTP/1.1 200"));
    // There may be no network at all.
    if let Some(network) = ready["network"].as_str() {
        assert!(!network.contains("//0.0.0.0"), "{network}");
        let there = serde_json::json!({ "url": network });
        assert!(asked(&there, "GET /xAPI/about").starts_with("HTTP/1.1 200"));
    }
    stop(hub, "-INT");
}

#[test]
fn help_says_that_a_hub_forgets() {
    let help = Desk::new().run(&["hub", "-h"]);
    help.is(0, "they go when it stops");
    assert!(help.out.lines().count() < 25, "{}", help.out);
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
