//! Clocks that are wrong, and that jump.

use super::device::{Device, START};
use super::lrs::Fault;
use crate::store::Millis;
use crate::sync::Ended;

#[test]
fn a_future_timestamp_waits_by_the_lrss_clock() {
    let mut device = Device::new();
    device.record_one(1, "", START + 3_600_000);
    device.record_one(2, "", START - 1_000);
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(
        (device.delivered(), device.db.ledger().unwrap().waiting),
        (1, 1)
    );
    device.now = device.db.next_due().unwrap().unwrap();
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 2);
    // A device an hour slow sends what lies in its own future and not in the LRS's.
    let mut slow = Device::new();
    slow.lrs.ahead = 3_600_000;
    slow.record_one(1, "", START + 3_000_000);
    assert_eq!(slow.sync(), Ended::Emptied);
    assert_eq!(slow.delivered(), 1);
}

#[test]
fn a_clock_put_right_frees_what_waits_for_its_time() {
    let mut device = Device::new();
    // The device's clock is a year ahead, and so are its timestamps.
    let year = 365 * 86_400_000;
    device.lrs.ahead = -year;
    device.record_one(1, "", START);
    assert_eq!(device.sync(), Ended::Emptied);
    let about = |due: Option<Millis>, expected: Millis| {
        due.is_some_and(|due| (due - expected).abs() < 1_000)
    };
    assert!(about(device.db.next_due().unwrap(), START + year));
    // It is put right: by the new clock the time to wait until is another.
    device.now -= year;
    device.lrs.ahead = 0;
    assert_eq!(device.sync(), Ended::Emptied);
    assert!(about(device.db.next_due().unwrap(), START));
    device.now = START + 1_000;
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 1);
}

#[test]
fn no_jump_of_the_clock_stops_the_sync() {
    for jump in [
        -40 * 365 * 24 * 3_600_000_i64,
        -86_400_000,
        -1_000,
        86_400_000,
        10 * 365 * 24 * 3_600_000,
    ] {
        let mut device = Device::new();
        device.record(5);
        device.lrs.faults.push_back(Fault::Answer(500, vec![], ""));
        device.lrs.faults.push_back(Fault::Answer(500, vec![], ""));
        let Ended::Waiting { until, .. } = device.sync() else {
            panic!("no wait")
        };
        device.now = until + jump;
        device.lrs.ahead = -jump;
        device.sync_all();
        assert_eq!(device.delivered(), 5, "{jump}");
        assert!(device.held().is_empty());
    }
}
