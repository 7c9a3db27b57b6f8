//! Disks that are full, of statements alone or of other things as well: what was recorded can be read and
//! is delivered, whatever fills the disk and whenever whoever records dies, and then there is room again.

use std::collections::BTreeSet;

use pannier::Uuid;
use pannier_tests::mounted::only_on_a_disk;
use pannier_tests::recorder::Recorder;

const RECORDER: &str = env!("CARGO_BIN_EXE_recorder");

/// Somebody else takes what room is left.
const BALLAST: &str = r#"cat /dev/zero >>"$0/ballast" 2>/dev/null"#;

/// What happened on such a disk.
struct Seen {
    said: Vec<String>,
    recorded: BTreeSet<Uuid>,
    stored: Vec<Uuid>,
}

impl Seen {
    fn of(&self, what: &str) -> Vec<&str> {
        let lines = self.said.iter();
        lines.filter_map(|line| line.strip_prefix(what)).collect()
    }

    /// The lines that are about no one statement.
    fn rest(&self) -> Vec<&String> {
        let is_rest = |line: &&String| line.contains(' ') && !line.starts_with("stored ");
        self.said.iter().filter(is_rest).collect()
    }
}

/// A disk of so many KiB, and what is done on it. None where none can be mounted.
fn on_a_disk_of(kib: u32, script: &str) -> Option<Seen> {
    on_a_disk(&format!("size={kib}k"), script)
}

fn on_a_disk(options: &str, script: &str) -> Option<Seen> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = only_on_a_disk(options, folder.path(), script)?;
    let said = Recorder::start(&mut command).finish();
    let recorded = said.iter().filter_map(|line| line.parse().ok()).collect();
    let stored = said.iter().filter_map(|line| line.strip_prefix("stored "));
    let stored = stored.map(|id| id.parse().expect("an id")).collect();
    Some(Seen {
        said,
        recorded,
        stored,
    })
}

/// Reads, delivers, and records one after what others had there is gone.
fn deliver() -> String {
    format!(
        r#"{RECORDER} empty "$0/queue.db"; rm -f "$0/ballast"; {RECORDER} some "$0/queue.db" 999 1"#
    )
}

fn brim(run: u32, count: u32, bytes: u32) -> String {
    format!(r#"{RECORDER} brim "$0/queue.db" {run} {count} {bytes}"#)
}

/// KiB of the disk, statements at once, and bytes that each of them has beside its own.
const DISKS: [(u32, u32, u32); 26] = [
    (1_024, 10, 20),
    (1_024, 100, 20),
    (2_048, 100, 500),
    (2_048, 400, 20),
    (3_072, 1, 100_000),
    (3_072, 500, 500),
    (4_096, 500, 500),
    (4_096, 1_000, 20),
    (5_000, 2, 400_000),
    (6_144, 1_000, 500),
    (8_192, 1_000, 500),
    (9_216, 1_000, 500),
    (9_216, 3, 400_000),
    (10_240, 2_000, 500),
    (10_240, 3_000, 500),
    (10_240, 300, 5_000),
    (12_000, 10, 100_000),
    (12_000, 2_500, 500),
    (16_384, 3_000, 500),
    (16_384, 1, 1_000_000),
    (16_384, 500, 5_000),
    (20_480, 4_000, 500),
    (20_480, 5_000, 500),
    (20_480, 3, 400_000),
    (24_576, 4_000, 500),
    (24_576, 5_000, 500),
];

/// What is wrong with it, if anything is; `whole`: each that was stored has been told of.
fn fault(seen: &Seen, whole: bool) -> Option<String> {
    let stored: BTreeSet<_> = seen.stored.iter().copied().collect();
    let mut again = stored.clone();
    again.extend(&seen.recorded);
    // The last one came after the delivery.
    let later = pannier_tests::sample::id(999, 0);
    let missing = seen
        .recorded
        .iter()
        .filter(|id| **id != later && !stored.contains(id));
    let missing = missing.count();
    let is_right = missing == 0
        && stored.len() == seen.stored.len()
        && (!whole || again.len() == stored.len() + 1)
        && seen.recorded.contains(&later)
        && seen.of("unread ").is_empty()
        && seen.of("ended ") == ["Emptied"]
        && seen.of("left ") == ["0"]
        && seen
            .of("refused ")
            .iter()
            .all(|why| why.contains("the disk is full"));
    (!is_right).then(|| {
        let (recorded, stored) = (seen.recorded.len(), seen.stored.len());
        format!(
            "{recorded} recorded, {stored} stored, {missing} missing: {:?}",
            seen.rest()
        )
    })
}

fn each_disk<'a>(
    disks: impl IntoIterator<Item = &'a (u32, u32, u32)>,
    script: impl Fn(u32, u32, u32) -> String,
    whole: bool,
) {
    let mut faults = Vec::new();
    for &(kib, count, bytes) in disks {
        let Some(seen) = on_a_disk_of(kib, &script(kib, count, bytes)) else {
            return;
        };
        let fault = fault(&seen, whole);
        faults.extend(fault.map(|it| format!("{kib} KiB, {count} of {bytes} at once: {it}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_disk_that_recording_alone_has_filled_is_delivered_from() {
    each_disk(
        &DISKS,
        |_, count, bytes| format!("{}; {}", brim(1, count, bytes), deliver()),
        true,
    );
}

/// On so small a disk what the log takes of a delivery is soon more than all that is kept for it.
#[test]
fn a_small_disk_that_recording_alone_has_filled_is_delivered_from() {
    let sizes = [
        128, 160, 200, 224, 256, 288, 320, 360, 400, 450, 512, 700, 1_024, 2_048, 4_096,
    ];
    let disks = sizes.map(|kib| [(kib, 3, 2_000), (kib, 1, 6_000), (kib, 10, 200)]);
    each_disk(
        disks.as_flattened(),
        |_, count, bytes| format!("{}; {}", brim(1, count, bytes), deliver()),
        true,
    );
}

/// Some of it is there before, and the rest once there is a reserve.
#[test]
fn a_disk_that_others_have_filled_up_is_delivered_from() {
    let script = |kib: u32, count, bytes| {
        let before = format!(
            r#"head -c {} /dev/zero >"$0/ballast""#,
            u64::from(kib) * 300
        );
        let brim = brim(1, count, bytes);
        format!("{before}; {brim}; {BALLAST}; {brim}; {}", deliver())
    };
    each_disk(DISKS.iter().step_by(2), script, true);
}

#[test]
fn a_disk_that_is_full_after_kills_is_delivered_from() {
    let script = |_, count, bytes| {
        let killed = |(run, wait)| format!("timeout -s KILL {wait} {}", brim(run, count, bytes));
        let kills = [(1, 0.02), (2, 0.05), (3, 0.1), (4, 0.2)]
            .map(killed)
            .join("; ");
        let brim = brim(5, count, bytes);
        format!("({kills}) 2>/dev/null; {brim}; {BALLAST}; {}", deliver())
    };
    each_disk(DISKS.iter().skip(1).step_by(2), script, false);
}

/// With nothing left for the memory that processes share, as where whoever has used the reserve was killed.
#[test]
fn a_disk_without_any_room_can_be_read_and_delivered_from_once_there_is_some() {
    let gone = r#"rm -f "$0/queue.db.reserve""#;
    let script = format!(
        r#"{}; {gone}; {BALLAST}; {RECORDER} empty "$0/queue.db"; rm -f "$0/ballast"; {RECORDER} empty "$0/queue.db""#,
        brim(1, 200, 500)
    );
    let Some(seen) = on_a_disk_of(4_096, &script) else {
        return;
    };
    assert_eq!(seen.of("unread "), [""; 0], "{:?}", seen.rest());
    assert_eq!(seen.of("looked "), ["10"; 2]);
    let all = seen.recorded.len().to_string();
    assert_eq!(seen.of("queued "), [&all; 2]);
    assert_eq!(seen.of("left "), [all.as_str(), "0"]);
    assert_eq!(BTreeSet::from_iter(seen.stored.clone()), seen.recorded);
    assert_eq!(seen.stored.len(), seen.recorded.len(), "each once");
}

/// It has room for bytes, and for so many more files.
#[test]
fn a_disk_that_can_hold_no_more_files_says_so_and_loses_nothing() {
    let mut refused = 0;
    for files in 0..10 {
        let script = format!(
            r#"for n in $(seq {files}); do touch "$0/ballast$n"; done; n=100
            while touch "$0/more$n"; do n=$((n + 1)); done 2>/dev/null; rm -f "$0"/ballast*
            {RECORDER} some "$0/queue.db" 1 5; rm -f "$0"/more*; {}"#,
            deliver()
        );
        let Some(seen) = on_a_disk("size=8m,nr_inodes=40", &script) else {
            return;
        };
        assert_eq!(fault(&seen, true), None, "{files} files");
        refused += seen.of("refused ").len();
    }
    assert!(refused > 0, "there were files enough each time");
}
