//! A life of a queue, to be watched by `pannier_tests::power`: it says what it has done, and with
//! `phase NAME` what it does next.
//!
//! ```text
//! headset live FILE    records, syncs, pauses, forgets a person, opens and closes; POWER CUT
//! headset race FILE    records one after the other and syncs; PROCESS CRASH
//! headset mend FILE    opens a damaged file and goes on
//! ```
//!
//! `recorded ID…` comes after the call has returned, `stored ID…` before the LRS answers, `erased`
//! before the person of every seventh statement is.

use std::path::Path;
use std::process::exit;
use std::sync::Arc;

use pannier::statement::model::Ifi;
use pannier::{Config, Durability, Uuid};
use pannier_testing::{Failure, MemoryLrs};
use pannier_tests::device::{Device, SkippingClock};
use pannier_tests::sample;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, file] = arguments.as_slice() else {
        exit(2)
    };
    let file = Path::new(file);
    match what.as_str() {
        "live" => live(file),
        "race" => race(file),
        "mend" => mend(file),
        _ => exit(2),
    }
}

fn open(file: &Path, durability: Durability) -> Device {
    let lrs = MemoryLrs::new();
    lrs.on_stored(|ids| say("stored", ids.iter().copied()));
    lrs.script(|post| post.is_multiple_of(9).then_some(Failure::LostAnswer));
    let mut config = Config::new(MemoryLrs::ENDPOINT, None);
    config.transport = Some(Arc::new(lrs));
    config.durability = durability;
    Device::at(file, SkippingClock::default(), config)
}

fn phase(name: &str) {
    println!("phase {name}");
}

fn say(what: &str, ids: impl IntoIterator<Item = Uuid>) {
    let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    println!("{what} {}", ids.join(" "));
}

/// One statement, then five that survive all or none, and so on.
fn record(device: &Device, run: u32, tens: u32) {
    for n in (0..tens * 10).step_by(10) {
        let one = device.collector.record(sample::text(run, n));
        say("recorded", [one.expect("it is valid").id]);
        let five = (n + 5..n + 10).map(|n| sample::text(run, n));
        let five = device.collector.record_all(five);
        let five = five.expect("they are valid");
        say("recorded", five.iter().map(|one| one.id));
    }
}

fn live(file: &Path) {
    phase("make");
    let device = open(file, Durability::PowerCut);
    phase("record");
    std::thread::scope(|threads| {
        for run in 0..3 {
            let device = &device;
            threads.spawn(move || record(device, run, 60));
        }
    });
    phase("sync");
    device.sync_through();
    phase("record while syncing");
    std::thread::scope(|threads| {
        threads.spawn(|| record(&device, 3, 60));
        for _ in 0..5 {
            device.sync_through();
        }
    });
    record(&device, 4, 200);
    phase("pause");
    device.collector.pause().expect("it can be closed");
    phase("resume");
    device.collector.resume().expect("it can be opened");
    record(&device, 5, 10);
    phase("erase");
    println!("erased");
    let who = Ifi::account("https://vocabulary.example.com", "learner-3");
    device.collector.erase(&who).expect("it can be done");
    phase("close");
    drop(device);
    phase("open again");
    let device = open(file, Durability::PowerCut);
    record(&device, 6, 30);
    phase("sync the rest");
    device.sync_through();
}

fn race(file: &Path) {
    phase("make");
    let device = open(file, Durability::ProcessCrash);
    phase("record");
    record(&device, 0, 500);
    phase("sync");
    device.sync_through();
    phase("record again");
    record(&device, 1, 300);
    phase("close");
    drop(device);
    phase("open again");
    let device = open(file, Durability::ProcessCrash);
    record(&device, 2, 100);
}

fn mend(file: &Path) {
    phase("mend");
    let device = open(file, Durability::PowerCut);
    // The damage may show only now, and cost this call.
    let _ = device.collector.queued(pannier::Page {
        after: 0,
        limit: 100_000,
    });
    phase("record");
    record(&device, 9, 10);
}
