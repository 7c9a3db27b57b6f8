//! Where a process may open few files only.

#![cfg(unix)]

use std::process::{Command, Stdio};

use serde_json::json;

use crate::process::{Desk, Ended, hub, statement};

/// Runs it where no more files may be open at once.
fn with_files(desk: &Desk, files: u32, args: &[&str]) -> Ended {
    let command = desk.command(args);
    let mut limited = Command::new("sh");
    let script = format!("ulimit -n {files} && exec \"$@\"");
    limited
        .args(["-c", &script, "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(desk.folder.path())
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let output = limited.output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn too_few_files_are_told_and_are_no_panic() {
    let (hub, _) = hub();
    let desk = Desk::at(&hub);
    let file = desk.file("one.json", &statement("one").to_string());
    let id = desk
        .recorded(&json!([statement("one"), statement("two")]))
        .remove(0);
    let nobody = "00000000-0000-4000-8000-000000000000";
    for files in (5..=24).chain([28, 32, 36, 40]) {
        for args in [
            &["status"][..],
            &["queue"],
            &["history"],
            &["held", "list"],
            &["held", "retry", "--all"],
            &["retract", nobody],
            &["void", &id, "--mbox", "ann@example.org"],
            &["erase", "--mbox", "nobody@example.org", "--yes"],
            &["record", &file],
            &["check", &file],
            &["doctor"],
            &["sync"],
            // Each ends at once, by an argument of its own.
            &["hub", "--store", "/nowhere/at/all"],
            &["demo", "--keep", "/nowhere/at/all"],
        ] {
            let ended = with_files(&desk, files, args);
            assert!(!ended.err.contains("panic"), "{files} {args:?}: {ended:?}");
            let done = match args {
                ["retract", _] => 1,
                ["hub" | "demo", ..] => 3,
                _ => 0,
            };
            assert!(
                ended.code == 3 && ended.err.contains("ulimit -n") || ended.code == done,
                "{files} {args:?}: {ended:?}"
            );
        }
    }
    for args in [&["status"][..], &["record", &file], &["doctor"], &["sync"]] {
        with_files(&desk, 6, args).is(3, "too few files");
        with_files(&desk, 40, args).is(0, "");
    }
}
