//! Where a process may open few files only, or write small ones only.

#![cfg(unix)]

use std::process::{Command, Stdio};

use serde_json::json;

use crate::process::{Desk, Ended, hub, statement};

/// Runs it where no more files may be open at once.
fn with_files(desk: &Desk, files: u32, args: &[&str]) -> Ended {
    limited(desk, &format!("ulimit -n {files}"), args)
}

fn limited(desk: &Desk, limit: &str, args: &[&str]) -> Ended {
    let command = desk.command(args);
    let mut shell = Command::new("sh");
    let script = format!("{limit} && exec \"$@\"");
    shell
        .args(["-c", &script, "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(desk.folder.path())
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let output = shell.output().unwrap();
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

#[test]
fn a_file_that_may_not_grow_is_told_and_ends_nothing_without_a_word() {
    let (hub, _) = hub();
    let mut told = 0;
    // Units of 512 bytes (POSIX).
    for blocks in [0, 8, 32, 100, 200, 400, 800, 4_000] {
        let desk = Desk::at(&hub);
        desk.recorded(&json!([statement("before")]));
        let many: Vec<_> = (0..400).map(|n| statement(&format!("{n}"))).collect();
        let file = desk.file("many.json", &json!(many).to_string());
        let limit = format!("ulimit -f {blocks}");
        let ended = limited(&desk, &limit, &["record", &file]);
        assert!(matches!(ended.code, 0 | 3), "{blocks}: {ended:?}");
        if ended.code == 3 {
            told += 1;
            assert!(!ended.err.is_empty(), "{blocks}");
        }
        let recorded = if ended.code == 0 { 401 } else { 1 };
        let status = &desk.json(&["status"])[0];
        assert_eq!(status["recorded"], recorded, "{blocks}: {ended:?}");
        let synced = limited(&desk, &limit, &["sync"]);
        assert!(matches!(synced.code, 0 | 3 | 4), "{blocks}: {synced:?}");
        assert!(synced.code == 0 || !synced.err.is_empty(), "{blocks}");
    }
    assert!(told > 2, "nothing was too small");
}
