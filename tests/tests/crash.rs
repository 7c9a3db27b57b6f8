//! Processes that are killed, that share a queue, that run out of disk: what `record` accepted is
//! still there, whole and once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use pannier::{Config, Ended, Uuid};
use pannier_tests::device::{Device, SkippingClock, queue};
use pannier_tests::lrs::{Kind, Lrs, credentials};
use pannier_tests::proxy::{Fault, Proxy};
use pannier_tests::sample;
use tempfile::TempDir;

const RECORDER: &str = env!("CARGO_BIN_EXE_recorder");

/// A process that records, and what it has said so far.
struct Recorder {
    child: Child,
    said: JoinHandle<Vec<String>>,
}

impl Recorder {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let said = BufReader::new(child.stdout.take().expect("piped"));
        let said =
            std::thread::spawn(move || said.lines().map(|line| line.expect("text")).collect());
        Self { child, said }
    }

    fn kill_after(mut self, wait: Duration) -> Vec<Uuid> {
        sleep(wait);
        self.child.kill().expect("it runs");
        let status = self.child.wait().expect("it was started");
        assert!(status.code().is_none(), "it ended by itself: {status}");
        ids(&self.said.join().expect("the pipe is read to its end"))
    }

    fn finish(mut self) -> Vec<String> {
        let status = self.child.wait().expect("it was started");
        assert!(status.success(), "{status}");
        self.said.join().expect("the pipe is read to its end")
    }
}

fn recorder(words: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(RECORDER);
    command.arg(words[0]).arg(queue(folder)).args(&words[1..]);
    command
}

fn ids(lines: &[String]) -> Vec<Uuid> {
    lines
        .iter()
        .map(|line| line.parse().expect("an id"))
        .collect()
}

/// The seed is shown with a failure; kills at the same moments need a machine as busy, too.
fn random_moments() -> fastrand::Rng {
    let seed = fastrand::u64(..);
    println!("the moments come from seed {seed}");
    fastrand::Rng::with_seed(seed)
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
    let mut moments = random_moments();
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
    let mut moments = random_moments();
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
    let sent: usize = bodies
        .map(|seen| {
            serde_json::from_slice::<Vec<serde_json::Value>>(&seen.body)
                .expect("a batch")
                .len()
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
    let mount = r#"mount -t tmpfs -o size=3m pannier-tests "$0""#;
    for way in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let unshare = |script: &str| {
            let mut command = Command::new("unshare");
            command.args(way).args(["sh", "-c", script]).arg(folder);
            command
        };
        if unshare(mount)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
        {
            let ballast = r#"head -c 1000000 /dev/zero >"$0/ballast""#;
            return (
                unshare(&format!("{mount} && {ballast} && {script}")),
                LittleRoom::Disk,
            );
        }
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
