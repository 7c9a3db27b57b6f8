//! A fleet of light devices does what real ones do, to the millisecond.

use std::time::Duration;

use pannier::sync::backoff;
use pannier_tests::fleet::{Figures, Herd, Overload, Scenario, run};

/// A classroom before an LRS that takes five requests a second.
fn scenario(overload: Overload, new: bool, real: bool) -> Scenario {
    Scenario {
        devices: 40,
        statements: 60,
        rate: 5.0,
        queue: 1.0,
        overload,
        new,
        spread: Duration::from_secs(2),
        backoff: backoff::BACKOFF,
        herd: Herd::AsBuilt,
        latency: 50,
        real,
        seed: 7,
    }
}

fn figures(overload: Overload, new: bool, real: bool) -> Figures {
    run(&scenario(overload, new, real), &|_| ()).expect("a folder for the files")
}

#[test]
fn light_devices_do_what_real_ones_do() {
    for overload in [Overload::Refuses, Overload::RetryAfter(10)] {
        for new in [false, true] {
            let (light, real) = (figures(overload, new, false), figures(overload, new, true));
            assert_eq!(light.delivered, 40);
            assert!(light.refused > 40, "{light:?}");
            assert_eq!(light.trail, real.trail, "{overload:?}, {new}");
        }
    }
}

#[test]
fn nobody_comes_earlier_than_told_and_not_all_at_once() {
    let crowd = |herd| {
        let scenario = Scenario {
            devices: 2_000,
            rate: 50.0,
            herd,
            ..scenario(Overload::RetryAfter(30), false, false)
        };
        run(&scenario, &|_| ()).expect("a folder for the files")
    };
    let (herd, spread) = (crowd(Herd::Exact), crowd(Herd::AsBuilt));
    assert!(spread.requests * 2 < herd.requests, "{spread:?} {herd:?}");
    assert!(
        spread.all_after * 2.0 < herd.all_after,
        "{spread:?} {herd:?}"
    );
}
