//! A full disk. Only what is delivered frees room, so it must be possible to deliver.

use std::fs;
use std::process::{Command, Stdio};

use super::Scenario;
use crate::device::{COMMAND, Device, bare_sample, lines};
use crate::http::Server;
use crate::run::cannot_run;

pub const ALL: &[Scenario] = &[
    Scenario::slow("a_full_disk_still_delivers", || full(FILL)),
    Scenario::slow("a_disk_filled_by_others_still_delivers", || full(BALLAST)),
];

/// Records until the disk is full.
const FILL: &str = r#"
while "$PANNIER" record --json "$OUT/batch.jsonl" >>"$OUT/recorded" 2>>"$OUT/said"; do :; done
cat /dev/zero >"$DISK/ballast" 2>/dev/null
"#;

/// Records a little, and then somebody else takes the rest of the disk.
const BALLAST: &str = r#"
"$PANNIER" record --json "$OUT/batch.jsonl" >>"$OUT/recorded" 2>>"$OUT/said"
cat /dev/zero >"$DISK/ballast" 2>/dev/null
"$PANNIER" record --json "$OUT/batch.jsonl" >>"$OUT/recorded" 2>>"$OUT/said"
"#;

/// Then everything is looked at and delivered. Each line of `codes` is a command's exit code.
const DELIVER: &str = r#"
df "$DISK" >>"$OUT/said"
"$PANNIER" status --json >"$OUT/status" 2>>"$OUT/said"; echo $? >>"$OUT/codes"
"$PANNIER" queue --json >"$OUT/queue" 2>>"$OUT/said"; echo $? >>"$OUT/codes"
for n in 1 2 3; do
  "$PANNIER" sync --json --lrs "$LRS" --wait 5 >>"$OUT/sync" 2>>"$OUT/said"; last=$?
done
echo $last >>"$OUT/codes"
"#;

/// A way to mount a small disk that nobody else sees, if there is one.
fn unshare() -> Option<Vec<&'static str>> {
    let ways = [
        vec!["--mount"],
        vec!["--user", "--map-root-user", "--mount"],
    ];
    ways.into_iter().find(|way| {
        let mut command = Command::new("unshare");
        command
            .args(way)
            .args(["mount", "-t", "tmpfs", "pannier", "/mnt"]);
        let can = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        can.is_ok_and(|status| status.success())
    })
}

fn full(script: &str) {
    let Some(way) = unshare() else {
        cannot_run("a small disk cannot be mounted here");
    };
    let server = Server::good();
    let device = Device::new();
    let disk = device.folder().join("disk");
    fs::create_dir(&disk).expect("a folder");
    let batch: Vec<_> = (0..200).map(bare_sample).collect();
    device.file("batch.jsonl", lines(&batch));
    let mount = "mount -t tmpfs -o size=6m pannier \"$DISK\" || exit 9\n";
    let mut command = device.command(&[]);
    let envs: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command = Command::new("unshare");
    command
        .args(way)
        .args(["sh", "-c", &format!("{mount}{script}{DELIVER}")])
        .envs(envs)
        .env("PANNIER", COMMAND.get().expect("set by main"))
        .env("PANNIER_QUEUE", disk.join("queue.db"))
        .env("DISK", &disk)
        .env("OUT", device.folder())
        .env("LRS", server.url())
        .current_dir(device.folder());
    let ran = Device::run_it(command);
    let read = |name: &str| fs::read_to_string(device.folder().join(name)).unwrap_or_default();
    let recorded = read("recorded");
    let ids: Vec<_> = recorded
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|line| crate::http::id_of(&line))
        .collect();
    assert!(
        ids.len() >= 200,
        "{} were recorded: {}",
        ids.len(),
        read("said")
    );
    let missing = ids.iter().filter(|id| !server.lrs.has(id)).count();
    assert_eq!(
        missing,
        0,
        "of {} recorded so many are not delivered: {ran} {} {}",
        ids.len(),
        read("sync"),
        read("said")
    );
    assert_eq!(server.lrs.all().len(), ids.len());
    assert!(server.lrs.all().values().all(|copies| *copies == 1));
    assert_eq!(
        read("codes").split_whitespace().collect::<Vec<_>>(),
        ["0", "0", "0"],
        "{}",
        read("said")
    );
}
