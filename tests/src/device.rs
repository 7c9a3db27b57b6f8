//! A device with a collector on it, and a clock that a test moves instead of waiting.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use pannier::clock::{Clock, SystemClock};
use pannier::{Collector, Config, Credentials, Ended, Page, Status, SyncReport, Uuid};
use tempfile::TempDir;

use crate::lrs::credentials;
use crate::sample;

/// The system's clock, ahead by as much as the test has skipped.
#[derive(Debug, Default)]
pub struct SkippingClock(AtomicI64);

impl SkippingClock {
    /// A clock that is ahead by so many milliseconds.
    pub fn ahead(ms: i64) -> Self {
        Self(AtomicI64::new(ms))
    }

    /// Moves on.
    fn skip(&self, ms: i64) {
        self.0.fetch_add(ms.max(0), Ordering::Relaxed);
    }
}

impl Clock for SkippingClock {
    fn now_ms(&self) -> i64 {
        SystemClock.now_ms() + self.0.load(Ordering::Relaxed)
    }
}

/// A device. Its queue is deleted with it.
pub struct Device {
    /// Its collector.
    pub collector: Collector,
    clock: Arc<SkippingClock>,
    folder: Option<TempDir>,
}

impl Device {
    /// A device that delivers to this base URL with the right credentials.
    pub fn new(endpoint: &str) -> Self {
        Self::with_credentials(endpoint, credentials())
    }

    /// A device that delivers with these credentials.
    pub fn with_credentials(endpoint: &str, credentials: Credentials) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::found(
            folder,
            SkippingClock::default(),
            Config::new(endpoint, Some(credentials)),
        )
    }

    /// A device that may have so many requests in flight.
    pub fn with_in_flight(endpoint: &str, requests_in_flight: u32) -> Self {
        let mut config = Config::new(endpoint, Some(credentials()));
        config.requests_in_flight = requests_in_flight;
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::found(folder, SkippingClock::default(), config)
    }

    /// A device that was left behind in this folder.
    pub fn found(folder: TempDir, clock: SkippingClock, config: Config) -> Self {
        let device = Self::at(&queue(folder.path()), clock, config);
        Self {
            folder: Some(folder),
            ..device
        }
    }

    /// A device whose queue is this file, and stays when the device is gone.
    pub fn at(file: &Path, clock: SkippingClock, mut config: Config) -> Self {
        let clock = Arc::new(clock);
        config.clock = Arc::<SkippingClock>::clone(&clock);
        Self {
            collector: Collector::open(file, config).expect("the queue opens"),
            clock,
            folder: None,
        }
    }

    /// Closes the collector and leaves the rest.
    pub fn leave(self) -> TempDir {
        self.folder.expect("a device with a folder of its own")
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        let folder = self.folder.as_ref();
        folder.expect("a device with a folder of its own").path()
    }

    /// Records the first `count` samples of a run, all at once.
    pub fn record_samples(&self, run: u32, count: u32) {
        let texts = (0..count).map(|n| sample::text(run, n));
        let recorded = self.collector.record_all(texts).expect("samples are valid");
        let ids = recorded.iter().map(|one| one.id);
        assert!(ids.eq((0..count).map(|n| sample::id(run, n))));
    }

    /// Everything in the queue as it will be sent, by id.
    pub fn queued(&self) -> BTreeMap<Uuid, String> {
        let mut all = BTreeMap::new();
        let mut page = Page {
            after: 0,
            limit: 500,
        };
        loop {
            let listed = self.collector.queued(page).expect("the queue can be read");
            let Some(last) = listed.last() else {
                return all;
            };
            page.after = last.seq;
            all.extend(listed.into_iter().map(|one| (one.id, one.statement)));
        }
    }

    /// Time passes, in milliseconds.
    pub fn pass(&self, ms: i64) {
        self.clock.skip(ms);
    }

    /// One sync by hand.
    pub fn sync(&self) -> SyncReport {
        self.collector
            .sync()
            .expect("the queue can be read and written")
    }

    /// Syncs until nothing is due any more or the app must act, skipping the waits in between.
    pub fn sync_through(&self) -> Ended {
        self.sync_rounds(30)
            .unwrap_or_else(|last| panic!("it waits again and again: {last:?}"))
    }

    /// So many syncs at most, skipping the waits in between; an error if it would wait once more.
    pub fn sync_rounds(&self, rounds: usize) -> Result<Ended, Ended> {
        let mut last = None;
        for _ in 0..rounds {
            let report = self.sync();
            if let (Ended::Emptied, Some(due)) = (&report.ended, report.next_due()) {
                // What was refused once is tried again, some time later.
                self.clock.skip(due - self.clock.now_ms());
                last = None;
                continue;
            }
            match report.ended {
                Ended::Waiting {
                    until,
                    why,
                    trouble,
                } => {
                    self.clock.skip(until - self.clock.now_ms());
                    last = Some(Ended::Waiting {
                        until,
                        why,
                        trouble,
                    });
                }
                ended => return Ok(ended),
            }
        }
        last.map_or(Ok(Ended::Emptied), Err)
    }

    /// How things stand; what was recorded is always all somewhere.
    pub fn status(&self) -> Status {
        let status = self.collector.status().expect("the queue can be read");
        let ledger = status.ledger;
        let somewhere = ledger.queued + ledger.waiting + ledger.held + ledger.delivered;
        let by_the_app = ledger.retracted + ledger.discarded + ledger.replaced + ledger.erased;
        assert_eq!(ledger.recorded, somewhere + by_the_app, "{ledger:?}");
        status
    }
}

/// The file of the queue in a device's folder.
pub fn queue(folder: &Path) -> PathBuf {
    folder.join("queue.db")
}
