//! The simulation, for as long as a test may take. `simulate` runs it over as many seeds as one likes.

use std::time::{Duration, Instant};

use pannier_tests::sim::{Kind, Simulator};

#[test]
fn nothing_is_lost_and_nothing_is_twice_whatever_goes_wrong() {
    let simulator = Simulator::new().expect("a folder for databases");
    let begun = Instant::now();
    for seed in 0..5_000 {
        let outcome = simulator.run(Kind::Characters, seed, false);
        if let Some(violation) = outcome.violation {
            panic!(
                "seed {seed}: {violation}\nagain: cargo run --release -p pannier-tests --bin simulate -- --world characters --seed {seed} --trace"
            );
        }
        if seed >= 100 && begun.elapsed() > Duration::from_secs(20) {
            break;
        }
    }
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
