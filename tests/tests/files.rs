//! Files that are not as they should be: damaged, or from the future.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use pannier::store::{Salvaged, StoreError};
use pannier::{Collector, Config, Ended, Error, Event, Page, Uuid};
use pannier_testing::MemoryLrs;
use pannier_tests::device::{Device, SkippingClock, queue};
use pannier_tests::lrs::{Kind, Lrs, credentials};
use pannier_tests::recorder::chance;
use pannier_tests::sample;
use tempfile::TempDir;

const RECORDED: u32 = 2_000;

/// A closed queue with two thousand statements, for an LRS that is not there.
fn full_queue() -> TempDir {
    let device = Device::new("http://127.0.0.1:9/xAPI");
    device.record_samples(1, RECORDED);
    let folder = device.leave();
    assert!(
        !queue(folder.path()).with_extension("db-wal").exists(),
        "closing folds the log into the file"
    );
    folder
}

/// What became of a damaged queue whose app goes on.
struct Aftermath {
    salvaged: Salvaged,
    /// The file as it was damaged, and the one that was set aside.
    damaged: Vec<u8>,
    kept: Vec<u8>,
    delivered: usize,
}

/// Damages a full queue and goes on with it: the app is told, and whatever reaches the LRS is what
/// was recorded.
fn go_on_after(damage: impl FnOnce(&mut Vec<u8>)) -> Aftermath {
    let folder = full_queue();
    let path = queue(folder.path());
    let mut bytes = fs::read(&path).expect("it is there");
    damage(&mut bytes);
    fs::write(&path, &bytes).expect("it can be written");

    let lrs = Lrs::start(Kind::Hub);
    let config = Config::new(lrs.url(), Some(credentials()));
    let device = Device::found(folder, SkippingClock::default(), config);
    let events = device.collector.events();
    // Opening does not read every page: this may be the call that meets the damage, and fail.
    let first = device.collector.sync();
    assert!(
        matches!(first, Ok(_) | Err(Error::Store(StoreError::Damaged(_)))),
        "{first:?}"
    );
    device
        .collector
        .record(sample::text(2, 0))
        .expect("it works again");
    assert_eq!(device.sync_through(), Ended::Emptied);

    let salvaged = std::iter::from_fn(|| events.try_next()).find_map(|event| match event {
        Event::Salvaged { salvaged } => Some(salvaged),
        _ => None,
    });
    let salvaged = salvaged.expect("the app is told");
    let ledger = device.status().ledger;
    assert_eq!((ledger.queued, ledger.waiting, ledger.held), (0, 0, 0));
    assert_eq!(ledger.delivered, salvaged.saved + 1);

    let theirs = lrs.ask().all_statements().into_keys().map(|id| {
        let (run, n) = sample::place(id);
        (id, String::from_utf8(sample::text(run, n)).expect("text"))
    });
    let theirs: BTreeMap<_, _> = theirs.collect();
    lrs.has_exactly(&theirs);
    Aftermath {
        kept: fs::read(salvaged.kept_at.clone().expect("a file")).expect("it is kept"),
        salvaged,
        damaged: bytes,
        delivered: theirs.len() - 1,
    }
}

/// As SQLite's file format has it: two bytes, 16 after the beginning.
fn page_size(file: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([file[16], file[17]]))
}

#[test]
fn a_page_of_rubbish_costs_the_statements_on_it() {
    let mut page = 0..0;
    let aftermath = go_on_after(|bytes| {
        let somewhere = sample::text(1, RECORDED / 2);
        let somewhere = bytes
            .windows(100)
            .position(|part| part == &somewhere[..100]);
        let size = page_size(bytes);
        let start = somewhere.expect("the file holds its bytes") / size * size;
        page = start..start + size;
        bytes[page.clone()].fill(0xa5);
    });
    let lost = RECORDED as usize - aftermath.delivered;
    assert!(
        (1..20).contains(&lost),
        "{lost} are lost: {:?}",
        aftermath.salvaged
    );
    assert!(
        aftermath.kept[page].iter().all(|byte| *byte == 0xa5),
        "it is not the damaged file"
    );
}

#[test]
fn a_file_cut_in_half_is_kept_whole() {
    let aftermath = go_on_after(|bytes| bytes.truncate(bytes.len() / 2));
    assert!(aftermath.kept == aftermath.damaged, "it is not kept whole");
    assert!(
        aftermath.delivered > RECORDED as usize * 2 / 5,
        "{}",
        aftermath.delivered
    );
}

#[test]
fn a_file_without_its_first_page_gives_up_all_the_others() {
    let aftermath = go_on_after(|bytes| bytes[..1024].fill(0));
    assert_eq!(aftermath.salvaged.saved, u64::from(RECORDED));
    assert_eq!(aftermath.salvaged.lost, 0);
    assert!(aftermath.kept == aftermath.damaged, "it is not kept whole");
}

#[test]
fn any_page_alone_costs_no_more_than_what_is_on_it() {
    let folder = full_queue();
    let whole = fs::read(queue(folder.path())).expect("it is there");
    let beside = fs::read(folder.path().join("queue.db.ledger")).expect("it is there");
    let (_, mut chance) = chance();
    let pages = whole.len() / page_size(&whole);
    let first: Vec<usize> = (0..16).collect();
    let others = (0..10).map(|_| chance.usize(16..pages));
    for page in first.into_iter().chain(others) {
        let mut bytes = whole.clone();
        let size = page_size(&whole);
        bytes[page * size..(page + 1) * size].fill(0);
        let (queued, _) = read_damaged(&bytes, &beside);
        let lost = RECORDED as usize - queued.len();
        assert!(lost < 10, "page {page}: {lost} are lost");
        for (id, text) in &queued {
            let (run, n) = sample::place(*id);
            assert_eq!(text.as_bytes(), sample::text(run, n), "page {page}");
        }
    }
}

/// A queue whose process was killed: ten statements in the file, and ten in its write-ahead log.
fn left_by_a_kill() -> TempDir {
    let device = Device::new("http://127.0.0.1:9/xAPI");
    device.record_samples(1, 10);
    device.collector.pause().expect("it can be closed");
    device.collector.resume().expect("it can be opened");
    for n in 0..10 {
        let id = device.collector.record(sample::text(2, n));
        id.expect("recorded");
    }
    let copy = tempfile::tempdir().expect("a temporary folder");
    let file = device.collector.status().expect("it can be read");
    assert_eq!(file.ledger.queued, 20);
    let folder = device.folder().to_owned();
    for name in ["queue.db", "queue.db-wal", "queue.db.ledger"] {
        fs::copy(folder.join(name), copy.path().join(name)).expect("there is room");
    }
    copy
}

/// What is in the queue then, and what is told of.
fn after_the_kill(damage: impl FnOnce(&Path)) -> (usize, Option<pannier::store::LossReport>) {
    let folder = left_by_a_kill();
    damage(folder.path());
    let device = Device::found(folder, SkippingClock::default(), Config::default());
    let queued = device.queued();
    for (id, text) in &queued {
        let (run, n) = sample::place(*id);
        assert_eq!(text.as_bytes(), sample::text(run, n));
    }
    let loss = device.status().loss;
    let named: BTreeSet<_> = loss.iter().flat_map(|loss| loss.kept_at.clone()).collect();
    let kept = fs::read_dir(device.folder()).expect("it is there");
    let kept = kept.map(|entry| entry.expect("it can be read").path());
    let kept: BTreeSet<_> = kept
        .filter(|path| path.to_string_lossy().contains(".damaged-"))
        .collect();
    assert_eq!(named, kept, "each file that was kept is named");
    (queued.len(), loss)
}

/// An older copy is put back where two have been taken back since, and what is kept beside the queue is
/// damaged. How many of the two reach the LRS, and what is told.
fn put_back_beside(damage: impl FnOnce(&Path)) -> (usize, Option<pannier::store::LossReport>) {
    let device = Device::new("http://127.0.0.1:9/xAPI");
    device.record_samples(1, 10);
    let folder = device.leave();
    let path = queue(folder.path());
    let older = fs::read(&path).expect("it is there");
    let device = Device::found(folder, SkippingClock::default(), Config::default());
    let taken_back = [sample::id(1, 3), sample::id(1, 8)];
    for id in taken_back {
        device.collector.retract(id).expect("it was never sent");
    }
    let folder = device.leave();
    fs::write(&path, older).expect("there is room");
    let beside = folder.path().join("queue.db.ledger");
    damage(&beside);

    let lrs = Lrs::start(Kind::Hub);
    let config = Config::new(lrs.url(), Some(credentials()));
    let device = Device::found(folder, SkippingClock::default(), config);
    assert_eq!(device.sync_through(), Ended::Emptied);
    let theirs = lrs.ask().all_statements();
    let sent = taken_back.iter().filter(|id| theirs.contains_key(id));
    let sent = sent.count();
    assert_eq!(theirs.len(), 8 + sent, "all others are delivered");
    (sent, device.status().loss)
}

#[test]
fn an_older_copy_beside_a_damaged_ledger_is_told_and_what_is_whole_of_that_counts() {
    assert_eq!(put_back_beside(|_| ()), (0, None));
    // The numbers are in the first 160 bytes, those of further LRSs up to 1,408, and each that was taken back has 32
    // behind them.
    let flip = |at: usize| {
        move |beside: &Path| {
            let mut bytes = fs::read(beside).expect("it is there");
            bytes[at] ^= 1;
            fs::write(beside, bytes).expect("there is room");
        }
    };
    let cut = |len: u64| {
        move |beside: &Path| {
            let file = fs::File::options().write(true).open(beside);
            file.and_then(|file| file.set_len(len)).expect("it is cut");
        }
    };
    let is_uncertain = |(_, loss): &(usize, Option<pannier::store::LossReport>)| {
        loss.as_ref().is_some_and(|loss| loss.uncertain)
    };
    for (sent, told) in [
        (0, put_back_beside(flip(0))),
        (0, put_back_beside(flip(50))),
        (0, put_back_beside(flip(100))),
        (0, put_back_beside(flip(170))),
        (1, put_back_beside(flip(1418))),
        (1, put_back_beside(cut(1448))),
        (2, put_back_beside(cut(200))),
        (2, put_back_beside(cut(100))),
        (2, put_back_beside(cut(0))),
        (
            2,
            put_back_beside(|beside| fs::write(beside, [7; 900]).expect("there is room")),
        ),
        (
            2,
            put_back_beside(|beside| fs::remove_file(beside).expect("it is there")),
        ),
    ] {
        assert_eq!(told.0, sent, "{told:?}");
        assert!(is_uncertain(&told), "{told:?}");
    }
}

#[test]
fn what_is_lost_with_the_write_ahead_log_or_the_whole_file_is_told() {
    let log = |folder: &Path| folder.join("queue.db-wal");
    let (queued, loss) = after_the_kill(|_| ());
    assert_eq!((queued, loss), (20, None), "a kill alone costs nothing");

    let (queued, loss) = after_the_kill(|folder| fs::remove_file(log(folder)).expect("there"));
    assert_eq!((queued, loss.expect("it is told").lost), (10, 10));

    // With what is kept beside it nobody knows of them any more; that nobody does is known.
    let (queued, loss) = after_the_kill(|folder| {
        fs::remove_file(log(folder)).expect("there");
        fs::remove_file(folder.join("queue.db.ledger")).expect("there");
    });
    let loss = loss.expect("it is told");
    assert_eq!((queued, loss.lost, loss.uncertain), (10, 0, true));

    // One damaged place in the log: what comes after it is saved, though SQLite no longer believes it.
    let (queued, loss) = after_the_kill(|folder| {
        let mut bytes = fs::read(log(folder)).expect("it is there");
        let second = sample::id(2, 1);
        let at = bytes
            .windows(16)
            .position(|part| part == second.as_bytes())
            .expect("it is in the log");
        bytes[at] ^= 1;
        fs::write(log(folder), bytes).expect("there is room");
    });
    assert!(queued >= 19, "{queued}");
    assert!(loss.expect("it is told").lost <= 1);

    for cut in [0, 1, 100] {
        let (queued, loss) = after_the_kill(|folder| {
            let path = queue(folder);
            let bytes = fs::read(&path).expect("it is there");
            fs::write(&path, &bytes[..cut]).expect("there is room");
        });
        let loss = loss.expect("it is told");
        assert_eq!(
            (queued as u64, loss.saved + loss.lost),
            (loss.saved, 20),
            "{cut}"
        );
        assert!(queued >= 10, "{cut}: what is in the log is saved");
        // The file and its log.
        assert_eq!(loss.kept_at.len(), 2, "{cut}: {loss:?}");
    }

    // The log alone is left, and is kept under the name that is told.
    let (queued, loss) = after_the_kill(|folder| fs::remove_file(queue(folder)).expect("there"));
    let loss = loss.expect("it is told");
    assert!(queued >= 10 && !loss.uncertain, "{loss:?}");
    assert_eq!(loss.kept_at.len(), 1, "{loss:?}");

    let (queued, loss) = after_the_kill(|folder| {
        for name in ["queue.db", "queue.db-wal"] {
            fs::remove_file(folder.join(name)).expect("it is there");
        }
    });
    assert_eq!((queued, loss.expect("it is told").lost), (0, 20));
}

#[test]
fn a_flipped_bit_inside_a_statement_is_told_and_never_sent() {
    let folder = full_queue();
    let path = queue(folder.path());
    let mut bytes = fs::read(&path).expect("it is there");
    let hit = sample::id(1, 7);
    let word = br#"com/words/7""#;
    let at = bytes
        .windows(word.len())
        .position(|part| part == word)
        .expect("the file holds its bytes");
    // Another letter, and as good a statement as before.
    bytes[at + "com/".len()] ^= 1;
    fs::write(&path, &bytes).expect("it can be written");

    let lrs = Lrs::start(Kind::Hub);
    let config = Config::new(lrs.url(), Some(credentials()));
    let device = Device::found(folder, SkippingClock::default(), config);
    let events = device.collector.events();
    let ended = device.sync_through();
    assert_eq!(ended, Ended::Emptied);
    let mut theirs = lrs.ask().all_statements().into_keys();
    assert!(theirs.all(|id| id != hit), "it was sent");
    let ledger = device.status().ledger;
    assert_eq!(
        (ledger.delivered, ledger.held),
        (u64::from(RECORDED) - 1, 1)
    );
    let held = device.collector.held_one(hit).expect("it is held");
    assert_eq!(held.reason.code(), "damaged");
    let told = std::iter::from_fn(|| events.try_next())
        .any(|event| matches!(event, Event::Held { id, .. } if id == hit));
    assert!(told, "the app hears of it");
}

#[test]
fn a_loss_is_told_at_every_look_until_it_is_acknowledged() {
    let folder = full_queue();
    let path = queue(folder.path());
    let mut bytes = fs::read(&path).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8 * 1024].fill(0);
    fs::write(&path, &bytes).expect("it can be written");
    let whole = Page {
        after: 0,
        limit: 10_000,
    };
    {
        let collector = Collector::open(&path, Config::default()).expect("it opens");
        // The call that meets the damage fails; nobody listens, and the process ends.
        let _ = collector.queued(whole);
        let _ = collector.queued(whole);
    }
    for acknowledged in [false, false, true] {
        let collector = Collector::open(&path, Config::default()).expect("it opens");
        let saved = collector.queued(whole).expect("it can be read").len();
        let loss = collector.status().expect("it can be read").loss;
        let told = collector.events().try_next();
        let loss = loss.expect("it is told");
        assert_eq!(loss.saved, saved as u64);
        assert_eq!(
            loss.lost,
            u64::from(RECORDED) - saved as u64,
            "each of them was in the queue"
        );
        assert!(loss.lost > 0);
        let kept = fs::read(&loss.kept_at[0]).expect("it is kept");
        assert!(kept[100..] == bytes[100..], "it is not kept whole");
        assert!(
            matches!(&told, Some(Event::Salvaged { salvaged }) if salvaged.saved == loss.saved),
            "{told:?}"
        );
        if acknowledged {
            collector.acknowledge_loss().expect("it can be written");
            assert_eq!(collector.status().expect("it can be read").loss, None);
        }
    }
    let collector = Collector::open(&path, Config::default()).expect("it opens");
    assert_eq!(collector.status().expect("it can be read").loss, None);
    assert_eq!(collector.events().try_next(), None);
}

#[test]
fn what_only_looks_makes_no_queue() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = queue(folder.path());
    let mut only_look = Config::default();
    only_look.create = false;
    let error = Collector::open(&path, only_look.clone()).expect_err("there is none");
    assert!(
        matches!(&error, Error::Store(StoreError::Missing(named)) if *named == path),
        "{error:?}"
    );
    assert_eq!(contents(folder.path()), []);
    drop(Collector::open(&path, Config::default()).expect("it is made"));
    let found = Collector::open(&path, only_look).expect("there is one");
    found
        .record(sample::text(1, 1))
        .expect("it is a queue like any other");
}

/// The names and contents of all files.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("it is there")
        .map(|entry| entry.expect("it can be read"))
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                fs::read(entry.path()).expect("a file"),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_queue_from_the_future_is_refused_and_left_alone() {
    let folder = full_queue();
    let path = queue(folder.path());
    let file = rusqlite::Connection::open(&path).expect("it opens");
    file.pragma_update(None, "user_version", 999)
        .expect("it can be written");
    drop(file);
    let before = contents(folder.path());
    let error = Collector::open(&path, Config::default())
        .expect_err("it is too new")
        .to_string();
    assert!(
        error.contains("999") && error.contains("update the app"),
        "{error}"
    );
    assert!(contents(folder.path()) == before, "something was touched");
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = queue(folder.path());
    let file = rusqlite::Connection::open(&path).expect("it opens");
    file.execute_batch("CREATE TABLE photos (name TEXT); INSERT INTO photos VALUES ('beach')")
        .expect("it can be written");
    drop(file);
    let before = contents(folder.path());
    let error = Collector::open(&path, Config::default())
        .expect_err("it is not ours")
        .to_string();
    assert!(error.contains("not a Pannier queue"), "{error}");
    assert!(contents(folder.path()) == before, "something was touched");
}

/// Opens a damaged file, reads all of it, and says what is there and whether the app is told of damage.
fn read_damaged(bytes: &[u8], beside: &[u8]) -> (BTreeMap<Uuid, String>, Option<Salvaged>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(queue(folder.path()), bytes).expect("there is room");
    fs::write(folder.path().join("queue.db.ledger"), beside).expect("there is room");
    let device = Device::found(folder, SkippingClock::default(), Config::default());
    let events = device.collector.events();
    let whole = Page {
        after: 0,
        limit: 10_000,
    };
    // The call that meets the damage fails, and the next does not.
    let _ = device.collector.queued(whole);
    let queued = device.queued();
    let salvaged = std::iter::from_fn(|| events.try_next()).find_map(|event| match event {
        Event::Salvaged { salvaged } => Some(salvaged),
        _ => None,
    });
    if let Some(salvaged) = &salvaged {
        assert_eq!(salvaged.saved, queued.len() as u64);
        let kept = fs::read(salvaged.kept_at.clone().expect("a file")).expect("it is kept");
        // But for the header, which counts each opening.
        assert!(kept[100..] == bytes[100..], "it is not kept whole");
    }
    (queued, salvaged)
}

/// One bit of a row's header makes a 0 of the time of its delivery, which was not there.
#[test]
fn a_delivery_that_a_flipped_bit_has_made_is_none() {
    let folder = full_queue();
    let path = queue(folder.path());
    let file = rusqlite::Connection::open(&path).expect("it opens");
    let hit = file.execute(
        "UPDATE statement SET delivered_at = 0 WHERE seq IN (1, 700)",
        [],
    );
    assert_eq!(hit, Ok(2));
    drop(file);
    let lrs = MemoryLrs::new();
    let mut config = Config::new(MemoryLrs::ENDPOINT, None);
    config.transport = Some(Arc::new(lrs.clone()));
    let device = Device::found(folder, SkippingClock::default(), config);
    // The sync that meets it fails, and the next does not.
    let _ = device.collector.sync();
    let ended = device.sync_through();
    assert_eq!(ended, Ended::Emptied);
    assert_eq!(lrs.len(), RECORDED as usize);
    assert_eq!(device.status().ledger.queued, 0);
}

#[test]
fn flipped_bytes_cost_what_they_hit() {
    let (seed, mut chance) = chance();
    let folder = full_queue();
    let whole = fs::read(queue(folder.path())).expect("it is there");
    let beside = fs::read(folder.path().join("queue.db.ledger")).expect("it is there");
    let (mut noticed, mut most_lost) = (0, 0);
    for case in 0..30 {
        let mut bytes = whole.clone();
        let flips: Vec<usize> = (0..chance.usize(5..=40))
            .map(|_| chance.usize(page_size(&whole)..whole.len()))
            .collect();
        for at in &flips {
            bytes[*at] ^= 1 << chance.u8(..8);
        }
        let (queued, salvaged) = read_damaged(&bytes, &beside);
        // One whose own text was hit may be there, changed: nothing but its content could tell.
        let altered = queued.iter().filter(|(id, text)| {
            let (run, n) = sample::place(**id);
            text.as_bytes() != sample::text(run, n)
        });
        let altered = altered.count();
        assert!(
            altered <= flips.len(),
            "seed {seed}, case {case}: {altered} are altered by {flips:?}"
        );
        let lost = RECORDED as usize - queued.len();
        // A mark that was hit may take its statement out of sight, and leave nothing to notice.
        let unsaid = if salvaged.is_some() { 0 } else { lost };
        assert!(
            unsaid <= flips.len(),
            "seed {seed}, case {case}: {unsaid} are lost unsaid"
        );
        noticed += usize::from(salvaged.is_some());
        most_lost = most_lost.max(lost);
        assert!(
            lost <= flips.len() * 120,
            "seed {seed}, case {case}: {lost} are lost by {flips:?}"
        );
    }
    println!("{noticed} of 30 were noticed; at most {most_lost} of {RECORDED} were lost");
    assert!(noticed > 3);
}
