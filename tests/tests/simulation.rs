//! The simulation, for as long as a test may take. `simulate` runs it over as many seeds as one likes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pannier_tests::sim::{Kind, Simulator};

/// Runs this many seeds, however long it takes, and then more for as long as there is time.
fn hold(kind: Kind, at_least: u64, within: Duration) {
    let begun = Instant::now();
    let (next, violations) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || {
        let simulator = Simulator::new().expect("a folder for databases");
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let failed = !violations.lock().expect("no panic").is_empty();
            if failed || (seed >= at_least && begun.elapsed() > within) {
                break;
            }
            if let Some(violation) = simulator.run(kind, seed, false).violation {
                let mut violations = violations.lock().expect("no panic");
                violations.push(format!(
                    "seed {seed}: {violation}\nagain: cargo run --release -p pannier-tests --bin simulate -- --world {} --seed {seed} --trace",
                    kind.name()
                ));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let violations = violations.into_inner().expect("no panic");
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    let seeds = next.load(Ordering::Relaxed);
    println!(
        "{}: at least {at_least} seeds, up to {seeds}, in {:?}",
        kind.name(),
        begun.elapsed()
    );
}

#[test]
fn nothing_is_lost_and_nothing_is_twice_whatever_goes_wrong() {
    hold(Kind::Characters, 100, Duration::from_secs(20));
}

#[test]
fn nothing_is_lost_twice_or_stuck_whatever_a_server_does() {
    hold(Kind::Arbitrary, 1_000, Duration::from_mins(1));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let simulator = Simulator::new().expect("a folder for databases");
    for kind in [Kind::Characters, Kind::Arbitrary] {
        let once = simulator.run(kind, 7, true);
        let again = simulator.run(kind, 7, true);
        assert!(once.trace.len() > 20);
        assert_eq!(once.trace, again.trace);
    }
}
