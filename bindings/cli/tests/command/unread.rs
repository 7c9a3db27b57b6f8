//! What is done where nobody reads what is said of it: a closed pipe, a full disk.

use std::io::pipe;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::{Desk, Ended, hub, statement, two_held};

/// A pipe that nobody reads from any more.
fn unread() -> Stdio {
    let (_, writer) = pipe().unwrap();
    writer.into()
}

#[track_caller]
fn ended(command: &mut Command) -> Ended {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn many(count: usize) -> Value {
    (0..count)
        .map(|index| statement(&index.to_string()))
        .collect()
}

#[test]
fn all_are_retried_though_nobody_reads_of_it() {
    let (hub, mischief) = hub();
    let desk = Desk::at(&hub);
    two_held(&desk, &mischief);
    ended(desk.command(&["held", "retry", "--all"]).stdout(unread())).is(0, "");
    assert!(desk.json(&["held", "list"]).is_empty());
    assert_eq!(desk.json(&["queue"]).len(), 2);
}

#[test]
fn all_are_recorded_though_nobody_reads_of_it() {
    let desk = Desk::new();
    let good: Vec<_> = (0..3)
        .map(|n| statement(&n.to_string()).to_string())
        .collect();
    let file = desk.file("some.jsonl", &format!("{{}}\n{{}}\n{}\n", good.join("\n")));
    let args = ["record", "--json", "--skip-invalid", &file];
    ended(desk.command(&args).stdout(unread())).is(1, "2 of 5 statements");
    assert_eq!(desk.json(&["queue"]).len(), 3);
}

#[test]
fn a_sync_that_nobody_reads_of_says_what_is_left_by_its_exit_code() {
    let mut desk = Desk::new();
    // Nobody listens at this port.
    for (name, value) in [
        ("LRS", "http://127.0.0.1:1/xAPI"),
        ("LRS_USER", "me"),
        ("LRS_PASSWORD", "secret"),
    ] {
        desk.set(&format!("PANNIER_{name}"), value);
    }
    desk.recorded(&many(1));
    for args in [&["sync", "--json"][..], &["sync"]] {
        ended(desk.command(args).stdout(unread())).is(4, "");
    }
}

#[test]
fn a_check_that_nobody_reads_has_its_exit_code() {
    let desk = Desk::new();
    let file = desk.file("some.jsonl", &format!("{}\n{{}}\n", statement("one")));
    for args in [&["check", &file, "--json"][..], &["check", &file]] {
        ended(desk.command(args).stdout(unread())).is(1, "");
    }
}

#[test]
fn nothing_depends_on_who_reads_the_errors() {
    let desk = Desk::new();
    let file = desk.file("some.jsonl", &format!("{{}}\n{}\n", statement("one")));
    ended(
        desk.command(&["record", "--skip-invalid", &file])
            .stderr(unread()),
    )
    .is(1, "1 recorded");
    assert_eq!(desk.json(&["queue"]).len(), 1);
    ended(desk.command(&["record", "nowhere.json"]).stderr(unread())).is(2, "");
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_recorded_and_could_not_be_told_is_not_called_a_failure() {
    let desk = Desk::new();
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let file = desk.file("some.json", &many(30).to_string());
    for args in [&["record", &file][..], &["record", "--json", &file]] {
        let told = ended(desk.command(args).stdout(full()));
        told.is(6, "30 recorded, so do not record them again");
        told.is(6, "cannot write the output");
    }
    let queue = desk.json(&["queue"]);
    assert_eq!(queue.len(), 60);
    let told = ended(desk.command(&["record", &file]).stdout(full()));
    let last = &desk.json(&["queue"])[60];
    told.is(6, last["id"].as_str().unwrap());
    told.is(6, "10 more");
    ended(desk.command(&["queue"]).stdout(full())).is(6, "cannot write the output");
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_no_text_is_shown_as_far_as_it_is() {
    use std::os::unix::ffi::OsStrExt;
    let desk = Desk::new();
    let path = desk
        .folder
        .path()
        .join(std::ffi::OsStr::from_bytes(b"queue-\xff.db"));
    let command = |args: &[&str]| ended(desk.command(args).env("PANNIER_QUEUE", &path));
    let file = desk.file("some.json", &many(1).to_string());
    command(&["record", &file]).is(0, "1 recorded");
    command(&["status", "--json"]).is(0, "\"queued\":1");
}

#[test]
fn of_very_many_faults_the_first_ones_are_told() {
    let desk = Desk::new();
    let file = desk.file("ones.json", &"1\n".repeat(20_000));
    for command in ["record", "check"] {
        for args in [&[command, &file][..], &[command, &file, "--json"]] {
            let told = desk.run(args);
            told.is(1, "all of them: --all-faults");
            assert!(
                told.out.len() + told.err.len() < 50_000,
                "{}",
                told.out.len()
            );
            let all = desk.run(&[args, &["--all-faults"]].concat());
            assert!(all.code == 1 && (all.out + &all.err).lines().count() >= 20_000);
        }
    }
}
