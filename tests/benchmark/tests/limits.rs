//! Much of everything: a million in the queue, ten thousand held, ten megabytes in one statement, a year
//! of history. Memory is what Pannier's own code allocates; SQLite's cache, two megabytes a connection
//! unless it is told otherwise, comes on top.

mod counting;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pannier::lrs::{Request, Response};
use pannier::statement::{Fill, Prepared, prepare};
use pannier::store::{Db, HoldReason, Outcome, Settled, Settlement, UpstreamId};
use pannier::transport::{Exchange, Transport};
use pannier::{Config, Durability, Ended, HistoryPolicy, Page, Uuid, XapiVersion};
use pannier_tests::device::{Device, SkippingClock, queue};
use pannier_tests::sample;
use serde::Deserialize;
use tempfile::TempDir;

/// What a sync by fifty at a time may allocate at once, however long the queue is.
const SYNC_BYTES: usize = 1 << 20;

/// One after the other: each counts what all threads allocate.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An LRS that takes statements and keeps nothing, so that it needs no memory.
struct Forgetful;

#[derive(Deserialize)]
struct Sent {
    id: Uuid,
}

impl Transport for Forgetful {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        let said = match request.body_bytes() {
            None => r#"{"version":["1.0.3","2.0.0"]}"#.to_owned(),
            Some(body) => {
                let sent: Vec<Sent> = serde_json::from_slice(body)
                    .or_else(|_| serde_json::from_slice(body).map(|one| vec![one]))
                    .expect("statements with ids");
                let ids: Vec<Uuid> = sent.iter().map(|one| one.id).collect();
                serde_json::to_string(&ids).expect("ids are strings")
            }
        };
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let answer = Response {
            status: 200,
            headers: vec![
                header("Content-Type", "application/json"),
                header("X-Experience-API-Version", "1.0.3"),
            ],
            body: said.into_bytes(),
            cut: false,
        };
        Box::pin(async move { Ok(answer) })
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn config() -> Config {
    let mut config = Config::new("http://lrs.example/xAPI", None);
    config.transport = Some(Arc::new(Forgetful));
    config.durability = Durability::ProcessCrash;
    config
}

fn open(folder: &Path, config: Config) -> Device {
    Device::at(&queue(folder), SkippingClock::default(), config)
}

/// The `n`th of many alike, with an id in the order of time, as Pannier makes them.
struct Alike {
    one: Prepared,
    id_at: usize,
}

impl Alike {
    fn new() -> Self {
        let fill = Fill {
            id: Uuid::from_u128(0),
            now_ms: 0,
        };
        let one = prepare(&sample::text(1, 1), XapiVersion::V2_0_0, &fill).expect("it is valid");
        let id = one.id.to_string();
        let id_at = one.body.windows(36).position(|part| part == id.as_bytes());
        Self {
            id_at: id_at.expect("it has its id"),
            one,
        }
    }

    fn nth(&self, n: u64) -> Prepared {
        let mut one = self.one.clone();
        one.id = Uuid::from_u128(u128::from(1_800_000_000_000 + n) << 80 | 7 << 76 | 2 << 62);
        one.body[self.id_at..][..36].copy_from_slice(one.id.to_string().as_bytes());
        one
    }
}

fn fill(folder: &Path, count: u64) {
    let alike = Alike::new();
    let now = 1_800_000_000_000;
    let opened = Db::open(&queue(folder), Durability::ProcessCrash, now);
    let mut db = opened.expect("it can be made").db;
    for from in (0..count).step_by(1_000) {
        let thousand: Vec<Prepared> = (from..count.min(from + 1_000))
            .map(|n| alike.nth(n))
            .collect();
        let outcome = db.append(&[&thousand], now).remove(0);
        outcome.expect("it can be recorded");
    }
}

/// What a sync of the next thousand requests allocates at most.
fn sync_some(folder: &Path, statements: u64) -> usize {
    let device = open(folder, config());
    let before = device.status().ledger.queued;
    let (report, most) = counting::most_bytes_during(|| device.sync());
    assert_eq!(report.ended, Ended::Emptied);
    assert_eq!((before, report.delivered), (statements, statements));
    most
}

#[test]
fn a_million_in_the_queue_cost_no_more_memory_than_a_few() {
    let _alone = alone();
    let few = folder();
    fill(few.path(), 10_000);
    let most_of_few = sync_some(few.path(), 10_000);
    let many = folder();
    fill(many.path(), 1_000_000);

    let (device, most) = counting::most_bytes_during(|| open(many.path(), config()));
    assert!(most < 1 << 20, "{most} bytes to open it");
    let (status, most) = counting::most_bytes_during(|| device.status());
    assert_eq!(status.ledger.queued, 1_000_000);
    assert!(most < 1 << 16, "{most} bytes to count them");
    let last = Page {
        after: 999_990,
        limit: 50,
    };
    assert_eq!(
        device.collector.queued(last).expect("it can be read").len(),
        10
    );
    let id = device.collector.record(sample::text(9, 9));
    device
        .collector
        .retract(id.expect("it is valid").id)
        .expect("it was never sent");
    drop(device);

    let most = sync_some(many.path(), 1_000_000);
    println!("a sync of 10,000 allocates {most_of_few} bytes at most, one of 1,000,000 {most}");
    assert!(most < SYNC_BYTES && most_of_few < SYNC_BYTES);
    assert!(
        most < most_of_few + (1 << 18),
        "{most_of_few} bytes for a few"
    );
}

#[test]
fn a_statement_of_nearly_four_megabytes_goes_alone() {
    // As large as one may be.
    const BYTES: usize = 4_190_000;
    let _alone = alone();
    let folder = folder();
    let device = open(folder.path(), config());
    device.record_samples(1, 60);
    let mut large = sample::statement(2, 0);
    large["result"]["response"] = "x".repeat(BYTES).into();
    let large = large.to_string();
    let (recorded, most) = counting::most_bytes_during(|| device.collector.record(large.as_str()));
    recorded.expect("it is valid");
    println!("recording it allocates {most} bytes at most");
    assert!(most < 3 * BYTES);
    device.record_samples(3, 60);
    let (report, most) = counting::most_bytes_during(|| device.sync());
    assert_eq!((report.delivered, report.held), (121, 0));
    println!("sending it allocates {most} bytes at most");
    assert!(most < 5 * BYTES);
    assert_eq!(device.status().ledger.queued, 0);
}

#[test]
fn ten_thousand_held_are_in_nobodys_way() {
    const HELD: u64 = 10_000;
    let _alone = alone();
    let folder = folder();
    fill(folder.path(), HELD);
    let now = 1_800_000_000_000;
    let held = |seq| Settled {
        seq,
        outcome: Outcome::Held {
            reason: HoldReason::Refused,
            status: Some(400),
            words: "no such course".to_owned(),
            theirs: None,
        },
    };
    let settlement = Settlement {
        settled: (1..=HELD as i64).map(held).collect(),
        ..Settlement::default()
    };
    let opened = Db::open(&queue(folder.path()), Durability::ProcessCrash, now);
    let mut db = opened.expect("it can be opened").db;
    let settled = db.settle(UpstreamId::MAIN, &settlement, HistoryPolicy::None, now);
    assert_eq!(settled.expect("it can be written").len(), HELD as usize);
    drop(db);

    let device = open(folder.path(), config());
    device.record_samples(1, 1_000);
    let (report, most) = counting::most_bytes_during(|| device.sync());
    assert_eq!((report.delivered, report.held), (1_000, 0));
    // Twenty batches, and one that asks for the version.
    assert_eq!(report.requests, 21);
    assert!(most < SYNC_BYTES, "{most} bytes");
    let ledger = device.status().ledger;
    assert_eq!((ledger.queued, ledger.held), (0, HELD));

    let mut page = Page::default();
    let mut ids = Vec::new();
    loop {
        let held = device.collector.held(page).expect("it can be read");
        let Some(last) = held.last() else { break };
        page.after = last.seq;
        ids.extend(held.iter().map(|one| one.id));
    }
    assert_eq!(ids.len(), HELD as usize);
    for id in &ids[..500] {
        device.collector.retry(*id).expect("it is held");
    }
    for id in &ids[500..1_000] {
        device.collector.discard(*id).expect("it is held");
    }
    assert_eq!(device.sync_through(), Ended::Emptied);
    let ledger = device.status().ledger;
    assert_eq!(
        (ledger.delivered, ledger.discarded, ledger.held),
        (1_500, 500, 9_000)
    );
}

#[test]
fn a_year_of_history_keeps_what_was_asked_for_and_no_more() {
    const DAY: Duration = Duration::from_hours(24);
    const EACH: u32 = 100;
    let _alone = alone();
    let folder = folder();
    let mut config = config();
    config.history = HistoryPolicy::For(30 * DAY.as_millis() as i64);
    let device = open(folder.path(), config);
    let mut size_after_a_month = 0;
    for day in 0..365 {
        device.record_samples(day, EACH);
        assert_eq!(device.sync_through(), Ended::Emptied);
        device.pass(DAY.as_millis() as i64);
        if day == 40 {
            size_after_a_month = size(&device, folder.path());
        }
    }
    device.sync();
    let ledger = device.status().ledger;
    assert_eq!(ledger.delivered, u64::from(365 * EACH));
    let mut page = Page {
        after: 0,
        limit: 500,
    };
    let mut kept = 0;
    let ((), most) = counting::most_bytes_during(|| {
        loop {
            let listed = device.collector.history(page).expect("it can be read");
            let Some(last) = listed.last() else { break };
            page.after = last.seq;
            kept += listed.len();
        }
    });
    let month = (30 * EACH) as usize;
    assert!(
        (month - 100..=month + 100).contains(&kept),
        "{kept} are kept"
    );
    assert!(most < 2 << 20, "{most} bytes to list 500 at a time");
    let after_a_year = size(&device, folder.path());
    assert!(
        after_a_year < size_after_a_month * 13 / 10,
        "{size_after_a_month} bytes after a month, {after_a_year} after a year"
    );
}

fn size(device: &Device, folder: &Path) -> u64 {
    device.collector.pause().expect("it can be closed");
    let size = std::fs::metadata(queue(folder)).expect("it is there").len();
    device.collector.resume().expect("it can be opened");
    size
}
