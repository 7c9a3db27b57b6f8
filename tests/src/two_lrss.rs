//! Two LRSs from one queue: whatever is the matter with one of them, the other gets everything.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use pannier::{Ended, Event, NewUpstream, Page, Upstream, Uuid};

use crate::device::Device;
use crate::lrs::{Kind, Lrs, credentials};
use crate::proxy::{Fault, Proxy};
use crate::sample;

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_mins(2);

/// Statements recorded for each trouble.
const COUNT: u32 = 60;

/// An LRS, the network before it, and what it is to have in the end.
struct End {
    lrs: Lrs,
    proxy: Proxy,
    upstream: Upstream,
    wanted: BTreeMap<Uuid, String>,
}

impl End {
    /// It has what was recorded for it, each once and as it was recorded, and got no id twice at a time.
    fn is_whole(&self) {
        self.lrs.has_exactly(&self.wanted);
        assert_eq!(self.proxy.overlaps(), [""; 0], "{:?}", self.upstream);
    }

    fn queued(&self) -> u64 {
        let status = self.upstream.status();
        status.expect("the queue can be read").ledger.queued
    }
}

/// One of them is down, then slow, then refuses a statement; then the other one. Each ends with everything but
/// what it refuses.
pub fn one_in_trouble_keeps_the_other_from_nothing(main: Kind, second: Kind) {
    let (device, mut ends) = connected(main, second);
    for (run, at) in [(1, 1), (2, 0)] {
        is_down(&device, &mut ends, at, run * 10);
        is_slow(&device, &mut ends, at, run * 10 + 1);
    }
    for at in [1, 0] {
        refuses_one(&device, &mut ends, at);
    }
    let status = device.status();
    assert_eq!((status.ledger.queued, status.ledger.waiting), (0, 0));
}

fn connected(main: Kind, second: Kind) -> (Device, [End; 2]) {
    let behind = |kind| {
        let (lrs, proxy) = (Lrs::start(kind), Proxy::unreachable());
        proxy.connect(lrs.url());
        let url = proxy.url(lrs.url());
        (lrs, proxy, url)
    };
    let (first, other) = (behind(main), behind(second));
    let device = Device::new(&first.2);
    let added = device
        .collector
        .add_upstream(NewUpstream::new("second", other.2, Some(credentials())))
        .expect("it can be added");
    let main = device.collector.upstream("main").expect("there always is");
    let end = |lrs, proxy, upstream| End {
        lrs,
        proxy,
        upstream,
        wanted: BTreeMap::new(),
    };
    let ends = [end(first.0, first.1, main), end(other.0, other.1, added)];
    (device, ends)
}

/// For both.
fn record(device: &Device, ends: &mut [End; 2], run: u32) {
    device.record_samples(run, COUNT);
    for n in 0..COUNT {
        let text = String::from_utf8(sample::text(run, n)).expect("JSON is text");
        for end in ends.iter_mut() {
            end.wanted.insert(sample::id(run, n), text.clone());
        }
    }
}

fn is_down(device: &Device, ends: &mut [End; 2], at: usize, run: u32) {
    record(device, ends, run);
    ends[at].proxy.cut_off();
    let report = device.sync();
    assert!(matches!(report.ended, Ended::Waiting { .. }), "{report:?}");
    ends[1 - at].is_whole();
    assert_eq!((ends[at].queued(), ends[1 - at].queued()), (60, 0));
    ends[at].proxy.connect(ends[at].lrs.url());
    assert_eq!(device.sync_through(), Ended::Emptied);
    ends[at].is_whole();
}

/// Its answer is kept back until the other one has everything.
fn is_slow(device: &Device, ends: &mut [End; 2], at: usize, run: u32) {
    record(device, ends, run);
    let (slow, quick) = (&ends[at], &ends[1 - at]);
    slow.proxy.next_post(Fault::Hold);
    let events = device.collector.events();
    thread::scope(|scope| {
        let syncing = scope.spawn(|| device.sync());
        slow.proxy.wait_until_held();
        loop {
            let event = events.next_within(LONG).expect("the collector is open");
            match event.expect("the other one is kept from its statements") {
                Event::Synced { upstream, .. } if upstream == quick.upstream.name() => break,
                _ => {}
            }
        }
        quick.is_whole();
        assert_eq!((slow.queued(), quick.queued()), (60, 0));
        slow.proxy.release();
        syncing.join().expect("the sync ends");
    });
    assert_eq!(device.sync_through(), Ended::Emptied);
    slow.is_whole();
}

/// It refuses one statement, whatever it comes with.
fn refuses_one(device: &Device, ends: &mut [End; 2], at: usize) {
    let run = 90 + u32::try_from(at).expect("one of two");
    record(device, ends, run);
    let bad = sample::id(run, 7);
    ends[at].proxy.refuse(&bad.to_string());
    // It is held when it was refused twice, with others taken in between.
    for more in 0..3 {
        assert_eq!(device.sync_through(), Ended::Emptied);
        record(device, ends, 100 + run * 3 + more);
    }
    assert_eq!(device.sync_through(), Ended::Emptied);
    ends[1 - at].is_whole();
    ends[at].wanted.remove(&bad);
    ends[at].is_whole();
    let held = |end: &End| -> Vec<Uuid> {
        let held = end.upstream.held(Page::default());
        let held = held.expect("the queue can be read").into_iter();
        held.map(|one| one.id).collect()
    };
    assert_eq!(held(&ends[at]), [bad]);
    assert!(!held(&ends[1 - at]).contains(&bad));
    ends[at].upstream.discard(bad).expect("it is held there");
    assert!(held(&ends[at]).is_empty());
}
