//! A small disk of a test's own.

use std::path::Path;
use std::process::{Command, Stdio};

/// The same for a test that has nothing else to show: where no disk can be mounted it says so, and fails
/// with `CI` set.
pub fn only_on_a_disk(options: &str, folder: &Path, script: &str) -> Option<Command> {
    let command = on_a_disk(options, folder, script);
    if command.is_none() {
        let ci = std::env::var_os("CI").is_some();
        assert!(!ci, "no disk can be mounted here");
        println!("no disk can be mounted here: nothing is shown");
    }
    command
}

/// A shell script that runs with a disk in memory mounted on the folder, `"$0"`, which nobody else sees.
/// None where that is not allowed.
pub fn on_a_disk(options: &str, folder: &Path, script: &str) -> Option<Command> {
    let mount = format!(r#"mount -t tmpfs -o {options} pannier-tests "$0""#);
    for way in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let unshare = |script: &str| {
            let mut command = Command::new("unshare");
            command.args(way).args(["sh", "-c", script]).arg(folder);
            command
        };
        let can = unshare(&mount).stderr(Stdio::null()).status();
        if can.is_ok_and(|status| status.success()) {
            return Some(unshare(&format!("{mount} && {script}")));
        }
    }
    None
}
