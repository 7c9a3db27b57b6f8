//! Everything at once: a process that records and one that syncs, both killed at random moments, a
//! network that loses, cuts and resets, and an LRS at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use pannier::{Collector, Config, Ended, Uuid};

use crate::device::{Device, SkippingClock, queue};
use crate::lrs::{Kind, Lrs, credentials};
use crate::proxy::{Fault, Proxy};
use crate::recorder::{Recorder, chance, command};
use crate::{contents, sample};

/// Each syncer's clock starts so much later than the one before: later than the lease and the waits
/// that it has left.
const STEP_MS: u32 = 20 * 60 * 1000;

/// Of ten numbers the one whose statement has a content.
pub const WITH_CONTENT: u32 = 3;

/// Kills so many recorders and as many syncers. In the end the LRS has what was recorded, each once.
///
/// `most` is how many statements a recorder records at most before it waits to be killed.
pub fn killed_behind_a_bad_network(kind: Kind, program: &str, rounds: u32, most: u32) {
    let (seed, mut chance) = chance();
    let lrs = Lrs::start(kind);
    let proxy = Proxy::unreachable();
    proxy.connect(lrs.url());
    let url = proxy.url(lrs.url());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut recorded = BTreeSet::new();
    let mut killed = 0;
    // The others take none, or not all.
    let records = match kind {
        Kind::Hub => "contents",
        _ => "trickle",
    };
    // A busy machine needs longer for the same, and so does each process that is to be killed in it.
    for patience in [1, 3, 9] {
        for round in killed..killed + rounds {
            let (run, ahead, most) = (
                round.to_string(),
                (round * STEP_MS).to_string(),
                most.to_string(),
            );
            network(&proxy, &mut chance);
            recorded.extend(kill_both(
                program,
                folder.path(),
                [&[records, &run, &most], &["drain", &url, &ahead]],
                || Duration::from_millis(chance.u64(15..120) * patience),
            ));
            proxy.wait_until_idle();
        }
        killed += rounds;
        if delivered(folder.path()) > u64::from(rounds) {
            break;
        }
        println!("after {killed} kills hardly anything has come through: on with longer lives");
    }
    proxy.everything(None);
    proxy.forget_faults();

    let clock = SkippingClock::ahead(i64::from(killed) * i64::from(STEP_MS));
    let device = Device::found(folder, clock, Config::new(&*url, Some(credentials())));
    let before = device.status().ledger;
    assert!(
        before.delivered > u64::from(rounds),
        "seed {seed}: the kills hardly let anything through: {before:?}"
    );
    assert_eq!(device.sync_through(), Ended::Emptied, "seed {seed}");
    let after = device.status().ledger;
    assert_eq!(
        (after.queued, after.waiting, after.held),
        (0, 0, 0),
        "seed {seed}: {after:?}"
    );

    has_each_once(&lrs, &recorded, after.delivered, seed);
    has_their_contents(&lrs, &recorded, seed);
    let posts = proxy
        .seen()
        .into_iter()
        .filter(|seen| seen.method == "POST")
        .count();
    println!(
        "{} kills, {} recorded, {} of them delivered before the last sync, {posts} POSTs",
        2 * rounds,
        after.recorded,
        before.delivered
    );
}

/// Starts a recorder and a syncer, and kills each after a moment; what was recorded.
fn kill_both(
    program: &str,
    folder: &Path,
    arguments: [&[&str]; 2],
    mut moment: impl FnMut() -> Duration,
) -> Vec<Uuid> {
    let [one, other] =
        arguments.map(|arguments| Recorder::start(&mut command(program, arguments, folder)));
    let moments = [moment(), moment()];
    let recorded = one.kill_after(moments[0]);
    other.kill_after(moments[1]);
    recorded
}

/// The LRS has what was recorded, each once, and as many as the queue knows to be delivered.
fn has_each_once(lrs: &Lrs, recorded: &BTreeSet<Uuid>, delivered: u64, seed: u64) {
    // A kill may have come between the commit and our hearing of it.
    let theirs = lrs.ask().all_statements().into_keys();
    let theirs: BTreeMap<Uuid, String> = theirs.map(|id| (id, text(id))).collect();
    assert_eq!(delivered, theirs.len() as u64, "seed {seed}");
    let lost: Vec<_> = recorded
        .iter()
        .filter(|id| !theirs.contains_key(id))
        .collect();
    assert!(lost.is_empty(), "seed {seed}: recorded, and lost: {lost:?}");
    lrs.has_exactly(&theirs);
}

/// Each statement that was recorded with a content is there with it.
fn has_their_contents(lrs: &Lrs, recorded: &BTreeSet<Uuid>, seed: u64) {
    let sender = contents::Sender::to(lrs);
    for id in recorded {
        let (run, n) = sample::place(*id);
        if n % 10 == WITH_CONTENT {
            let there = sender.contents_by_id(*id);
            assert_eq!(there, [contents::short(run, n).1], "seed {seed}: {id}");
        }
    }
}

/// How many the queue knows to be delivered.
fn delivered(folder: &Path) -> u64 {
    let collector = Collector::open(queue(folder), Config::default()).expect("the queue opens");
    let status = collector.status().expect("the queue can be read");
    status.ledger.delivered
}

fn text(id: Uuid) -> String {
    let (run, n) = sample::place(id);
    if n % 10 == WITH_CONTENT {
        return contents::short(run, n).0;
    }
    String::from_utf8(sample::text(run, n)).expect("text")
}

/// What the network does in the next round.
fn network(proxy: &Proxy, chance: &mut Rng) {
    let none = chance.u8(..8) == 0;
    proxy.everything(none.then_some(Fault::Reset));
    proxy.forget_faults();
    for _ in 0..4 {
        match chance.u8(..8) {
            0 => proxy.next_post(Fault::LoseAnswer),
            1 => proxy.next_post(Fault::CutAnswer),
            2 => proxy.next_post(Fault::Reset),
            3 => proxy.next_post(Fault::say(502, &[], "bad gateway")),
            _ => {}
        }
    }
}
