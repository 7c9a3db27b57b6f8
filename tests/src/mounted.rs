//! A small disk of a test's own.

use std::path::Path;
use std::process::{Command, Stdio};

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
