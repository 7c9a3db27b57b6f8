//! Processes that are killed, that share a queue, that run out of disk: what `record` accepted is
//! still there, whole and once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pannier::{Config, Ended, Uuid};
use pannier_tests::device::{Device, SkippingClock, queue};
use pannier_tests::kills::killed_behind_a_bad_network;
use pannier_tests::lrs::{Kind, Lrs, credentials};
use pannier_tests::mounted::{on_a_disk, only_on_a_disk};
use pannier_tests::proxy::{Fault, Proxy};
use pannier_tests::recorder::{Recorder, chance, command, ids};
use pannier_tests::sample;
use tempfile::TempDir;

const RECORDER: &str = env!("CARGO_BIN_EXE_recorder");

fn recorder(words: &[&str], folder: &Path) -> Command {
    command(RECORDER, words, folder)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Every recorded statement is in the queue as it was recorded, each of `record_all` with its
/// fellows, and the file is sound.
fn is_whole(folder: TempDir, recorded: &BTreeSet<Uuid>) -> TempDir {
    let device = Device::found(folder, SkippingClock::default(), Config::default());
    let queued = device.queued();
    assert_eq!(device.status().ledger.queued, queued.len() as u64);
    let lost: Vec<_> = recorded
        .iter()
        .filter(|id| !queued.contains_key(id))
        .collect();
    assert!(lost.is_empty(), "recorded, and lost: {lost:?}");
    let mut fives = BTreeMap::new();
    for (id, text) in &queued {
        let (run, n) = sample::place(*id);
        assert_eq!(
            text.as_bytes(),
            sample::text(run, n),
            "{id} is not what was recorded"
        );
        if n % 10 >= 5 {
            *fives.entry((run, n / 10)).or_insert(0) += 1;
        }
    }
    assert!(
        fives.values().all(|count| *count == 5),
        "some of a record_all without the others"
    );
    let folder = device.leave();
    let file = rusqlite::Connection::open(queue(folder.path())).expect("it opens");
    let verdict: String = file
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("it can be read");
    assert_eq!(verdict, "ok");
    folder
}

#[test]
fn two_hundred_kills_lose_nothing() {
    let (_, mut moments) = chance();
    let mut folder = folder();
    let mut recorded = BTreeSet::new();
    for run in 0..200 {
        let one = Recorder::start(&mut recorder(&["record", &run.to_string()], folder.path()));
        recorded.extend(one.kill_after(Duration::from_millis(moments.u64(3..150))));
        if run % 50 == 49 {
            folder = is_whole(folder, &recorded);
        }
    }
    assert!(
        recorded.len() > 1_000,
        "only {} statements were recorded",
        recorded.len()
    );
}

#[test]
fn kills_while_syncing_lose_nothing_and_double_nothing() {
    const STEP_MS: i64 = 20 * 60 * 1000;
    const KILLS: i64 = 60;
    let lrs = Lrs::start(Kind::Hub);
    let (_, mut moments) = chance();
    let folder = folder();
    let mut recorded = BTreeSet::new();
    for run in 0..KILLS {
        // Each starts later than the lease and the waits that the one before has left.
        let words = [
            "sync",
            &run.to_string(),
            lrs.url(),
            &(run * STEP_MS).to_string(),
        ];
        let one = Recorder::start(&mut recorder(&words, folder.path()));
        recorded.extend(one.kill_after(Duration::from_millis(moments.u64(20..200))));
    }
    let clock = SkippingClock::ahead(KILLS * STEP_MS);
    let device = Device::found(folder, clock, Config::new(lrs.url(), Some(credentials())));
    let before = device.status().ledger;
    assert!(
        before.delivered > 100,
        "the kills hardly let anything through: {before:?}"
    );
    assert_eq!(device.sync_through(), Ended::Emptied);
    let after = device.status().ledger;
    assert_eq!((after.queued, after.waiting, after.held), (0, 0, 0));

    // A kill may have come between the commit and our hearing of it.
    let theirs: BTreeMap<Uuid, String> = (lrs.ask().all_statements().into_keys())
        .map(|id| {
            let (run, n) = sample::place(id);
            (id, String::from_utf8(sample::text(run, n)).expect("text"))
        })
        .collect();
    assert_eq!(after.delivered, theirs.len() as u64);
    assert!(
        recorded.iter().all(|id| theirs.contains_key(id)),
        "recorded, and lost"
    );
    lrs.has_exactly(&theirs);
}

#[test]
fn kills_of_recorder_and_syncer_behind_a_bad_network() {
    killed_behind_a_bad_network(Kind::Hub, RECORDER, 150, 100);
}

#[test]
fn two_processes_deliver_each_statement_once() {
    let lrs = Lrs::start(Kind::Hub);
    let proxy = Proxy::unreachable();
    proxy.connect(lrs.url());
    let url = proxy.url(lrs.url());
    let folder = folder();
    let start = |run| Recorder::start(&mut recorder(&["deliver", run, &url], folder.path()));
    let both = [start("1"), start("2")];
    let recorded: Vec<Uuid> = both
        .into_iter()
        .flat_map(|one| ids(&one.finish()))
        .collect();
    assert_eq!(recorded.len(), 200);

    let device = Device::found(
        folder,
        SkippingClock::default(),
        Config::new(&*url, Some(credentials())),
    );
    assert_eq!(device.sync_through(), Ended::Emptied);
    assert_eq!(device.status().ledger.delivered, 200);
    assert_eq!(proxy.overlaps(), [""; 0], "an id in two requests at a time");
    let bodies = proxy
        .seen()
        .into_iter()
        .filter(|seen| seen.method == "POST");
    // One statement alone goes without brackets.
    let sent: usize = bodies
        .map(|seen| match serde_json::from_slice(&seen.body) {
            Ok(serde_json::Value::Array(batch)) => batch.len(),
            other => usize::from(other.is_ok()),
        })
        .sum();
    assert_eq!(sent, 200, "each was sent once");
    let texts = recorded.iter().map(|id| {
        let (run, n) = sample::place(*id);
        (*id, String::from_utf8(sample::text(run, n)).expect("text"))
    });
    lrs.has_exactly(&texts.collect());
}

#[test]
fn while_one_process_syncs_the_other_does_not() {
    let lrs = Lrs::start(Kind::Hub);
    let proxy = Proxy::unreachable();
    proxy.connect(lrs.url());
    let url = proxy.url(lrs.url());
    let folder = folder();
    let path = folder.path().to_owned();
    let device = Device::found(
        folder,
        SkippingClock::default(),
        Config::new(&*url, Some(credentials())),
    );
    proxy.next_post(Fault::Hold);
    let other = Recorder::start(&mut recorder(&["deliver", "1", &url], &path));
    proxy.wait_until_held();
    let asked = proxy.seen().len();
    device.record_samples(2, 10);
    assert!(matches!(device.sync().ended, Ended::Busy { .. }));
    assert_eq!(proxy.seen().len(), asked, "the other one has the say");
    proxy.release();
    other.finish();
    assert_eq!(device.sync_through(), Ended::Emptied);
    assert_eq!(device.status().ledger.delivered, 110);
}

/// Where little can be written.
enum LittleRoom {
    /// A disk of three megabytes, one of them taken by a file that may be deleted.
    Disk,
    /// Files that cannot grow beyond a megabyte, where no disk can be mounted.
    Files,
}

/// A shell script that runs with little room; what it prefers is tried first.
fn with_little_room(folder: &Path, script: &str) -> (Command, LittleRoom) {
    let ballast = r#"head -c 1000000 /dev/zero >"$0/ballast""#;
    if let Some(command) = on_a_disk("size=3m", folder, &format!("{ballast} && {script}")) {
        return (command, LittleRoom::Disk);
    }
    println!("no small disk can be mounted here: files are kept small instead");
    let mut command = Command::new("bash");
    command
        .args(["-c", &format!("trap '' XFSZ; ulimit -S -f 1000; {script}")])
        .arg(folder);
    (command, LittleRoom::Files)
}

#[test]
fn a_full_disk_refuses_the_next_statement_and_keeps_the_others() {
    let folder = folder();
    let fill = format!(r#"{RECORDER} fill "$0/queue.db" "$0/ballast""#);
    let list = format!(r#"ulimit -S -f unlimited && echo list && {RECORDER} list "$0/queue.db""#);
    let (mut command, room) = with_little_room(folder.path(), &format!("{fill} && {list}"));
    let said = Recorder::start(&mut command).finish();
    let (filled, listed) = said.split_at(
        said.iter()
            .position(|line| line == "list")
            .expect("it goes on"),
    );

    let refused = filled
        .iter()
        .position(|line| line.starts_with("refused "))
        .expect("it is told");
    assert!(refused > 50, "only {refused} statements had room");
    assert_eq!(filled[refused + 1], format!("queued {refused}"));
    let complaint = &filled[refused];
    let mut recorded = filled[..refused].to_vec();
    match room {
        LittleRoom::Disk => {
            assert!(complaint.contains("the disk is full"), "{complaint}");
            assert_eq!(
                filled[refused + 2..],
                [sample::id(1, 0).to_string()],
                "there was room again"
            );
            recorded.push(sample::id(1, 0).to_string());
        }
        LittleRoom::Files => assert!(complaint.contains("storage failed"), "{complaint}"),
    }
    assert_eq!(listed[1..], recorded);
}

/// Only what is delivered makes room, so whoever has the queue open delivers on a full disk, too.
/// What is left of it in the file is named, and wiped out once there is room.
#[test]
fn a_person_is_erased_from_a_full_disk() {
    let folder = folder();
    let ballast = r#"head -c 12000000 /dev/zero > "$0/ballast""#;
    let script = format!(r#"{ballast} && {RECORDER} erase "$0/queue.db" "$0/ballast""#);
    let Some(mut command) = only_on_a_disk("size=20m", folder.path(), &script) else {
        return;
    };
    let said = Recorder::start(&mut command).finish();
    let recorded: Vec<Uuid> = said.iter().filter_map(|line| line.parse().ok()).collect();
    // Each seventh names her.
    let hers = recorded.iter().filter(|id| sample::place(**id).1 % 7 == 3);
    let (all, hers) = (recorded.len(), hers.count());
    assert!(hers > 10, "{hers} had room");
    let after: Vec<&String> = said
        .iter()
        .skip_while(|line| !line.starts_with("queued"))
        .collect();
    let [before, erased, left, again, left_again] = after.as_slice() else {
        panic!("{after:?}")
    };
    assert_eq!(*before, &format!("queued {all}"));
    // There was room to erase her, and none to write the file anew.
    assert!(erased.starts_with(&format!("erased {hers} [")), "{erased}");
    assert!(erased.ends_with("queue.db\"]"), "{erased}");
    assert_eq!(*left, &format!("queued {}", all - hers));
    assert_eq!(*again, "erased 0 []");
    assert_eq!(left_again, left);
}

/// More than the room that is kept could take at once.
#[test]
fn a_person_is_erased_from_a_full_disk_however_much_there_is_of_her() {
    let folder = folder();
    let ballast = r#"head -c 2000000 /dev/zero > "$0/ballast""#;
    let brim = format!(r#"{RECORDER} brim "$0/queue.db" 1 5 80000"#);
    let erase = format!(r#"{RECORDER} erase "$0/queue.db" "$0/ballast""#);
    let script = format!("{ballast} && {brim} && {erase}");
    let Some(mut command) = only_on_a_disk("size=48m", folder.path(), &script) else {
        return;
    };
    let said = Recorder::start(&mut command).finish();
    let recorded = said.iter().filter_map(|line| line.parse::<Uuid>().ok());
    // Each seventh names her.
    let hers = recorded.filter(|id| sample::place(*id).1 % 7 == 3).count();
    assert!(hers > 50, "{hers} had room");
    let erased = said.iter().filter(|line| line.starts_with("erased "));
    let erased: Vec<_> = erased.collect();
    assert_eq!(erased.len(), 2, "{erased:?}");
    assert!(
        erased[0].starts_with(&format!("erased {hers} [")),
        "{hers}: {erased:?}"
    );
    assert!(erased[1].starts_with("erased 0 ["), "{erased:?}");
}

#[test]
fn an_open_queue_on_a_full_disk_is_read_and_delivered() {
    // How much of the log is in the file when there is no more room depends on its size, and on chance.
    for size in ["size=5m", "size=6m", "size=7m"] {
        full_and_delivered(size);
    }
}

fn full_and_delivered(size: &str) {
    let folder = folder();
    let script = format!(r#"{RECORDER} full "$0/queue.db" "$0/ballast""#);
    let Some(mut command) = only_on_a_disk(size, folder.path(), &script) else {
        return;
    };
    let said = Recorder::start(&mut command).finish();
    let of = |what: &str| {
        let lines = said.iter().filter_map(|line| line.strip_prefix(what));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let recorded: Vec<_> = said.iter().filter(|line| !line.contains(' ')).collect();
    assert!(recorded.len() > 50, "{} had room", recorded.len());
    // Before the others took the rest.
    let reserve: u64 = of("reserve ").concat().parse().expect("a length");
    assert!(reserve > 512 << 10, "{size}: {reserve} bytes are kept");
    for refused in of("refused ") {
        assert!(refused.contains("the disk is full"), "{refused}");
    }
    assert_eq!(of("queued "), [recorded.len().to_string(), "0".to_owned()]);
    assert_eq!(of("delivered "), [format!("{} Emptied", recorded.len())]);
    let mut stored = of("stored ");
    stored.sort_unstable();
    let mut recorded: Vec<_> = recorded.into_iter().cloned().collect();
    recorded.sort_unstable();
    assert_eq!(stored, recorded, "each once");
}
