//! The plug is pulled, at any moment: what `record` accepted is there when the power is back.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use std::process::Command;

use fastrand::Rng;
use pannier::{Collector, Config, Error, Event, Page, Uuid};
use pannier_tests::device::{Device, SkippingClock, queue};
use pannier_tests::power::disk::{Disk, Remains, lay_out};
use pannier_tests::power::log::Act;
use pannier_tests::recorder::chance;
use pannier_tests::{power, sample};
use tempfile::TempDir;

/// What the process had promised when the power was cut.
#[derive(Debug, Default, Clone)]
struct Promises {
    /// In the order in which they were told.
    recorded: Vec<Uuid>,
    /// So many of them before the log was last synced.
    recorded_before_sync: usize,
    stored: BTreeSet<Uuid>,
    erased: bool,
    phase: String,
}

impl Promises {
    fn hear(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let ids = || rest.split(' ').map(|id| id.parse::<Uuid>().expect("an id"));
        match word {
            "recorded" => self.recorded.extend(ids()),
            "stored" => self.stored.extend(ids()),
            "erased" => self.erased = true,
            "phase" => rest.clone_into(&mut self.phase),
            other => panic!("{other}?"),
        }
    }

    /// Gone by the LRS's word or the app's.
    fn may_be_gone(&self, id: Uuid) -> bool {
        self.stored.contains(&id) || self.erased && sample::place(id).1 % 7 == 3
    }
}

/// What is there when the power is back.
struct Found {
    queued: BTreeMap<Uuid, String>,
    salvaged: bool,
}

/// Opens what is left, as the app does when it starts again, and makes sure that the file is sound and
/// usable. An error says what is wrong with it.
fn open_again(remains: &Remains, promises: &Promises) -> Result<Found, String> {
    let folder = in_memory();
    lay_out(remains, folder.path());
    let path = queue(folder.path());
    let collector = Collector::open(&path, Config::default())
        .map_err(|error| format!("it does not open: {error}"))?;
    let events = collector.events();
    // Damage may show only when its place is read, and costs one call.
    let _ = queued(&collector);
    let queued = queued(&collector)?;
    let status = collector.status();
    let ledger = status
        .map_err(|error| format!("it cannot be counted: {error}"))?
        .ledger;
    if ledger.queued != queued.len() as u64 || ledger.waiting + ledger.held > 0 {
        return Err(format!("{} are in the queue, and {ledger:?}", queued.len()));
    }
    for (id, text) in &queued {
        let (run, n) = sample::place(*id);
        if text.as_bytes() != sample::text(run, n) {
            return Err(format!("{id} is not what was recorded: {text}"));
        }
    }
    let stored = queued.keys().filter(|id| promises.stored.contains(id));
    for id in stored.take(3) {
        match collector.retract(*id) {
            Err(Error::MayHaveBeenSent { .. }) => {}
            other => return Err(format!("{id} was sent, and could be taken back: {other:?}")),
        }
    }
    let again = collector.record(sample::text(100, 0));
    again.map_err(|error| format!("nothing can be recorded any more: {error}"))?;
    // That the end of an unsynced log is gone is told as well: then the file is what it was.
    let salvaged = std::iter::from_fn(|| events.try_next()).any(|event| match event {
        Event::Salvaged { salvaged } => !salvaged.damage.contains("write-ahead log"),
        _ => false,
    });
    drop(collector);
    let file = rusqlite::Connection::open(path).map_err(|error| error.to_string())?;
    let verdict: String = file
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .map_err(|error| error.to_string())?;
    if verdict != "ok" {
        return Err(verdict);
    }
    Ok(Found { queued, salvaged })
}

fn queued(collector: &Collector) -> Result<BTreeMap<Uuid, String>, String> {
    let whole = Page {
        after: 0,
        limit: 100_000,
    };
    let listed = collector.queued(whole);
    let listed = listed.map_err(|error| format!("the queue cannot be read: {error}"))?;
    Ok(listed
        .into_iter()
        .map(|one| (one.id, one.statement))
        .collect())
}

/// The disk is a model here: syncs to a real one would only take time.
fn in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    folder.expect("a temporary folder")
}

fn all_of_five_or_none(found: &Found, promises: &Promises) -> Result<(), String> {
    let mut fives: HashMap<_, BTreeSet<Uuid>> = HashMap::new();
    let told = promises
        .recorded
        .iter()
        .filter(|id| promises.may_be_gone(**id));
    for id in found.queued.keys().chain(&promises.stored).chain(told) {
        let (run, n) = sample::place(*id);
        if n % 10 >= 5 {
            fives.entry((run, n / 10)).or_default().insert(*id);
        }
    }
    match fives
        .values()
        .find(|five| five.len() != 5 && !promises.erased)
    {
        Some(five) => Err(format!("some of a record_all without the others: {five:?}")),
        None => Ok(()),
    }
}

fn is_undamaged(found: &Found) -> Result<(), String> {
    if found.salvaged {
        Err("it is taken for damaged".to_owned())
    } else {
        Ok(())
    }
}

/// Once an erasing has returned, each statement that it took out before its delivery is noted beside the
/// queue: 32 bytes for each, behind the first 128.
fn notes_what_was_erased(remains: &Remains, promises: &Promises) -> Result<(), String> {
    let is_over = ["close", "open again", "sync the rest"].contains(&promises.phase.as_str());
    if !(promises.erased && is_over) {
        return Ok(());
    }
    let erased = promises.recorded.iter().filter(|id| {
        let (run, n) = sample::place(**id);
        run <= 5 && n % 7 == 3 && !promises.stored.contains(*id)
    });
    let erased = erased.count();
    let beside = remains.iter().find(|(name, _)| name.ends_with(".ledger"));
    let slots = beside.map_or(&[][..], |(_, bytes)| bytes.get(128..).unwrap_or_default());
    let slots = slots
        .chunks_exact(32)
        .filter(|note| note.iter().any(|byte| *byte != 0));
    match slots.count() {
        count if erased > 0 && count >= erased => Ok(()),
        count => Err(format!("{count} of {erased} that were erased are noted")),
    }
}

/// `Durability::PowerCut`: all that was promised is there.
fn keeps_everything(remains: &Remains, promises: &Promises) -> Result<usize, String> {
    notes_what_was_erased(remains, promises)?;
    let found = open_again(remains, promises)?;
    is_undamaged(&found)?;
    all_of_five_or_none(&found, promises)?;
    let there = |id: &Uuid| found.queued.contains_key(id) || promises.may_be_gone(*id);
    let lost = promises.recorded.iter().filter(|id| !there(id)).count();
    if lost > 0 {
        return Err(format!(
            "{lost} of {} recorded are lost",
            promises.recorded.len()
        ));
    }
    Ok(0)
}

/// `Durability::ProcessCrash`: what is lost was recorded after the last sync. Of that more may be found
/// in the log than SQLite still believes. Returns how many are lost.
fn loses_only_the_end(remains: &Remains, promises: &Promises) -> Result<usize, String> {
    let mut forgetful = promises.clone();
    // That a statement was sent may be lost as the statement itself may.
    let stored = std::mem::take(&mut forgetful.stored);
    let found = open_again(remains, &forgetful)?;
    forgetful.stored = stored;
    is_undamaged(&found)?;
    let there = |id: &Uuid| found.queued.contains_key(id) || promises.stored.contains(id);
    let (synced, end) = promises.recorded.split_at(promises.recorded_before_sync);
    match synced.iter().find(|id| !there(id)) {
        Some(id) => Err(format!("{id} is lost, and was synced")),
        None => Ok(end.iter().filter(|id| !there(id)).count()),
    }
}

/// Which acts a disk heeds.
type Heeds = fn(&Act, &HashMap<u64, String>) -> bool;

fn every_sync(_: &Act, _: &HashMap<u64, String>) -> bool {
    true
}

/// How a check of what is left ends: with the number of lost statements, or with what is wrong.
type Check = fn(&Remains, &Promises) -> Result<usize, String>;

/// What came of the cuts.
#[derive(Debug, Default)]
struct Tally {
    cuts: usize,
    lost_at_most: usize,
    /// The most that was in the log and not synced, in bytes.
    unsynced: usize,
    violations: Vec<String>,
}

/// A run that was watched.
struct Watched {
    acts: Vec<Act>,
    before: Disk,
    _folder: TempDir,
}

fn watch(what: &str, folder: TempDir) -> Watched {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let before = Disk::holding(folder.path());
    let mut headset = Command::new(env!("CARGO_BIN_EXE_headset"));
    headset
        .arg(what)
        .arg(queue(&folder.path().canonicalize().expect("it is there")));
    let acts = power::watch(headset, folder.path(), scratch.path());
    Watched {
        acts,
        before,
        _folder: folder,
    }
}

impl Watched {
    /// Moments to cut the power at: so many in each phase, and more while notes are written, which is short.
    fn moments(&self, each: usize, chance: &mut Rng) -> BTreeSet<usize> {
        let phases: Vec<usize> = (0..self.acts.len())
            .filter(|at| matches!(&self.acts[*at], Act::Say(line) if line.starts_with("phase")))
            .chain([self.acts.len()])
            .collect();
        let mut moments = BTreeSet::new();
        for phase in phases.windows(2) {
            let is_erase = matches!(&self.acts[phase[0]], Act::Say(line) if line == "phase erase");
            let each = if is_erase { 5 * each } else { each };
            moments.extend((0..each).map(|_| chance.usize(phase[0]..=phase[1])));
        }
        moments
    }

    /// Cuts the power at these moments and checks what is left.
    fn cut(&self, moments: &BTreeSet<usize>, seed: u64, heeds: Heeds, check: Check) -> Tally {
        let mut disk = self.before.clone();
        let (mut promises, mut tally) = (Promises::default(), Tally::default());
        let mut names = HashMap::new();
        for at in 0..=self.acts.len() {
            if moments.contains(&at) {
                let remains = disk.after_power_cut(&mut Rng::with_seed(seed ^ at as u64));
                tally.add(check(&remains, &promises), at, &promises);
            }
            let Some(act) = self.acts.get(at) else { break };
            match act {
                Act::Create { inode, name } => drop(names.insert(*inode, name.clone())),
                Act::Sync { inode } if is_log(&names, *inode) => {
                    promises.recorded_before_sync = promises.recorded.len();
                }
                Act::Say(line) => promises.hear(line),
                _ => {}
            }
            if heeds(act, &names) {
                disk.act(act);
            }
            if matches!(act, Act::Say(_)) {
                tally.unsynced = tally.unsynced.max(disk.unsynced("-wal"));
            }
        }
        tally
    }

    /// Kills the process at these moments; everything it wrote is there.
    fn kill(&self, moments: &BTreeSet<usize>, check: Check) -> Tally {
        let mut disk = self.before.clone();
        let (mut promises, mut tally) = (Promises::default(), Tally::default());
        for at in 0..=self.acts.len() {
            if moments.contains(&at) {
                tally.add(check(&disk.after_kill(), &promises), at, &promises);
            }
            let Some(act) = self.acts.get(at) else { break };
            if let Act::Say(line) = act {
                promises.hear(line);
            }
            disk.act(act);
        }
        tally
    }
}

fn is_log(names: &HashMap<u64, String>, inode: u64) -> bool {
    is_named(names, inode, "-wal")
}

fn is_named(names: &HashMap<u64, String>, inode: u64, suffix: &str) -> bool {
    names.get(&inode).is_some_and(|name| name.ends_with(suffix))
}

impl Tally {
    fn add(&mut self, outcome: Result<usize, String>, at: usize, promises: &Promises) {
        self.cuts += 1;
        match outcome {
            Ok(lost) => self.lost_at_most = self.lost_at_most.max(lost),
            Err(why) => self
                .violations
                .push(format!("{}, act {at}: {why}", promises.phase)),
        }
    }

    fn is_clean(&self, seed: u64) {
        println!(
            "{} cuts, at most {} lost, at most {} bytes not synced",
            self.cuts, self.lost_at_most, self.unsynced
        );
        assert!(
            self.violations.is_empty(),
            "seed {seed}: {:#?}",
            self.violations
        );
    }
}

/// The moments, and what the disk keeps, come from it.
fn seed() -> u64 {
    chance().0
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing() {
    let (seed, watched) = (seed(), watch("live", in_memory()));
    let moments = watched.moments(20, &mut Rng::with_seed(seed));
    watched
        .cut(&moments, seed, every_sync, keeps_everything)
        .is_clean(seed);
    let moments = watched.moments(5, &mut Rng::with_seed(!seed));
    watched.kill(&moments, keeps_everything).is_clean(seed);

    // Whichever sync is left out, the same cuts find it.
    let leaves_out: [(&str, Heeds); 3] = [
        (
            "of the log",
            |act, names| !matches!(act, Act::Sync { inode } if is_log(names, *inode)),
        ),
        (
            "of the file",
            |act, names| !matches!(act, Act::Sync { inode } if !is_log(names, *inode)),
        ),
        ("of the folder", |act, _| {
            !matches!(act, Act::SyncFolder { .. })
        }),
    ];
    for (what, heeds) in leaves_out {
        let tally = watched.cut(&moments, seed, heeds, keeps_everything);
        println!(
            "without the sync {what}: {} of {} cuts do harm",
            tally.violations.len(),
            tally.cuts
        );
        assert!(
            tally.violations.len() > 3,
            "the sync {what} is never missed"
        );
    }

    let no_notes: Heeds =
        |act, names| !matches!(act, Act::Sync { inode } if is_named(names, *inode, ".ledger"));
    let only_notes: Check =
        |remains, promises| notes_what_was_erased(remains, promises).map(|()| 0);
    let tally = watched.cut(&moments, seed, no_notes, only_notes);
    assert!(
        tally.violations.len() > 3,
        "the sync of the notes is never missed"
    );
}

#[test]
fn without_syncs_a_power_cut_takes_the_last_ones_and_no_others() {
    let (seed, watched) = (seed(), watch("race", in_memory()));
    let moments = watched.moments(25, &mut Rng::with_seed(seed));
    let tally = watched.cut(&moments, seed, every_sync, loses_only_the_end);
    tally.is_clean(seed);
    assert!(
        tally.lost_at_most > 50,
        "the cuts hardly cost anything: {}",
        tally.lost_at_most
    );
    assert!(
        tally.unsynced < 17 << 20,
        "{} bytes were at stake",
        tally.unsynced
    );
    let moments = watched.moments(5, &mut Rng::with_seed(!seed));
    watched.kill(&moments, keeps_everything).is_clean(seed);

    let nothing: Heeds = |act, _| !matches!(act, Act::Sync { .. });
    let tally = watched.cut(&moments, seed, nothing, loses_only_the_end);
    assert!(tally.violations.len() > 3, "syncs are never missed");
}

/// A queue with a page of rubbish in its file, and good statements in its log.
fn damaged() -> TempDir {
    let (source, folder) = (in_memory(), in_memory());
    let device = Device::at(
        &queue(source.path()),
        SkippingClock::default(),
        Config::default(),
    );
    device.record_samples(1, 300);
    device.collector.pause().expect("it can be closed");
    device.collector.resume().expect("it can be opened");
    device.record_samples(2, 40);
    for name in ["queue.db", "queue.db-wal"] {
        fs::copy(source.path().join(name), folder.path().join(name)).expect("it is there");
    }
    let path = queue(folder.path());
    let mut bytes = fs::read(&path).expect("it is there");
    let place = sample::text(1, 150);
    let place = bytes.windows(100).position(|part| part == &place[..100]);
    let page = place.expect("the file holds its bytes") / 1024 * 1024;
    bytes[page..page + 1024].fill(0xa5);
    fs::write(path, bytes).expect("it can be written");
    folder
}

/// All that can be read of a damaged file is found, and what was recorded since.
fn keeps_the_readable(remains: &Remains, promises: &Promises) -> Result<usize, String> {
    let found = open_again(remains, promises)?;
    let readable = found
        .queued
        .keys()
        .filter(|id| sample::place(**id).0 < 9)
        .count();
    if readable < 330 {
        return Err(format!("only {readable} of 340 are left"));
    }
    match promises
        .recorded
        .iter()
        .find(|id| !found.queued.contains_key(id))
    {
        Some(id) => Err(format!("{id} is lost")),
        None => Ok(340 - readable),
    }
}

#[test]
fn a_salvage_that_is_broken_off_is_made_good() {
    let (seed, watched) = (seed(), watch("mend", damaged()));
    let all: BTreeSet<usize> = (0..=watched.acts.len()).collect();
    let some: BTreeSet<usize> = all
        .iter()
        .copied()
        .filter(|at| at % 15 == (seed % 15) as usize)
        .collect();
    println!("{} acts", watched.acts.len());
    watched.kill(&some, keeps_the_readable).is_clean(seed);
    watched
        .cut(&some, seed, every_sync, keeps_the_readable)
        .is_clean(seed);
}

/// The shared memory beside the file is never trusted.
#[test]
fn rubbish_in_the_index_of_the_log_does_no_harm() {
    let watched = watch("live", in_memory());
    let moments = watched.moments(3, &mut Rng::with_seed(1));
    let with_rubbish: Check = |remains, promises| {
        let mut remains = remains.clone();
        let name = "queue.db-shm".to_owned();
        remains.insert(
            name,
            (0..32_768_u32).map(|n| (n * 31 % 251) as u8).collect(),
        );
        keeps_everything(&remains, promises)
    };
    watched
        .cut(&moments, 1, every_sync, with_rubbish)
        .is_clean(1);
}
