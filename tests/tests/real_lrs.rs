//! Pannier against LRSs that others wrote. `tests/run lrs` installs them and runs these tests.

use pannier_tests::every_scenario;
use pannier_tests::lrs::Kind;

mod ralph {
    super::every_scenario!(super::Kind::Ralph, ignore = "left out: run tests/run lrs");
}

mod ralph_partial {
    super::every_scenario!(
        super::Kind::RalphPartial,
        ignore = "left out: run tests/run lrs"
    );
}

mod ralph_stock {
    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn an_lrs_that_breaks_keeps_everything() {
        pannier_tests::scenarios::an_lrs_that_breaks_keeps_everything(super::Kind::RalphStock);
    }
}

mod learning_locker {
    super::every_scenario!(
        super::Kind::LearningLocker,
        ignore = "left out: run tests/run lrs"
    );
}

mod two {
    use pannier_tests::two_lrss::one_in_trouble_keeps_the_other_from_nothing;

    use super::Kind;

    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn the_hub_and_learning_locker() {
        one_in_trouble_keeps_the_other_from_nothing(Kind::Hub, Kind::LearningLocker);
    }

    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn learning_locker_and_ralph() {
        one_in_trouble_keeps_the_other_from_nothing(Kind::LearningLocker, Kind::Ralph);
    }
}

/// What they do with contents of attachments, sent from files by Pannier's own transport.
mod contents {
    use std::time::Duration;

    use pannier::lrs::TransportError;
    use pannier_tests::contents::Sender;
    use pannier_tests::lrs::Lrs;

    use super::Kind;

    /// Long enough for an LRS that answers at all.
    const ANSWERS: Duration = Duration::from_mins(1);

    const LETTERS: &[u8] = &[b'a'; 16 * 1024];

    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn learning_locker_takes_them_up_to_a_length_and_then_the_statement_alone() {
        let lrs = Lrs::start(Kind::LearningLocker);
        let sender = Sender::to(&lrs);
        let longest = &LETTERS[1..];
        assert_eq!(sender.send(&[longest], ANSWERS), Ok(200));
        assert_eq!(
            sender.send(&[longest, b"knot tied in 41 s", b""], ANSWERS),
            Ok(200)
        );
        // Each of these counts as two.
        assert_eq!(sender.send(&[&[0xff; 8 * 1024 - 1]], ANSWERS), Ok(200));
        let never = sender.send(&[LETTERS], Duration::from_secs(5));
        assert_eq!(never, Err(TransportError::TimedOut));
        // The statement is there all the same, and its content is not.
        assert_eq!(sender.read_back(0, true), Ok(200));
        assert_eq!(sender.read_back(3, false), Ok(200));
        assert_eq!(sender.read_back(3, true), Ok(500));
        // It goes on with others.
        assert_eq!(sender.send(&[longest], ANSWERS), Ok(200));
    }

    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn ralph_takes_none() {
        let lrs = Lrs::start(Kind::Ralph);
        assert_eq!(
            Sender::to(&lrs).send(&[b"knot tied in 41 s"], ANSWERS),
            Ok(400)
        );
        assert!(lrs.ask().all_statements().is_empty());
    }

    #[test]
    fn the_hub_takes_all() {
        let lrs = Lrs::start(Kind::Hub);
        let sender = Sender::to(&lrs);
        let long = vec![0xff; 100_000];
        assert_eq!(sender.send(&[LETTERS, b"", &long], ANSWERS), Ok(200));
    }
}

mod kills {
    use pannier_tests::kills::killed_behind_a_bad_network;

    use super::Kind;

    const RECORDER: &str = env!("CARGO_BIN_EXE_recorder");

    /// Ralph reads its whole file at every POST: it must stay small.
    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn lose_nothing_with_ralph() {
        killed_behind_a_bad_network(Kind::Ralph, RECORDER, 60, 20);
    }

    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn lose_nothing_with_learning_locker() {
        killed_behind_a_bad_network(Kind::LearningLocker, RECORDER, 60, 20);
    }
}

mod demo {
    use std::path::PathBuf;
    use std::process::Command;

    use pannier_tests::lrs::{Lrs, PASSWORD, USER};
    use serde_json::Value;

    use super::Kind;

    /// The `pannier` command, built beside this test. `tests/run lrs` builds it first.
    fn pannier() -> PathBuf {
        let this = std::env::current_exe().expect("a test has a file");
        let pannier = this
            .ancestors()
            .nth(2)
            .expect("target/debug")
            .join("pannier");
        assert!(
            pannier.exists(),
            "build it first: cargo build -p pannier-cli"
        );
        pannier
    }

    fn is_exact(kind: Kind) {
        let lrs = Lrs::start(kind);
        let done = Command::new(pannier())
            .args(["demo", "--json", "--yes", "--lrs", lrs.url()])
            .env("PANNIER_LRS_USER", USER)
            .env("PANNIER_LRS_PASSWORD", PASSWORD)
            .output()
            .expect("it can be started");
        let told = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{}: {told}", done.status);
        let tally: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(tally["exact"], true, "{told}");
        let devices = tally["devices"].as_array().expect("three devices");
        let delivered = devices
            .iter()
            .map(|device| device["delivered"].as_u64().expect("a count"));
        // One it was given before, under the id of a statement that it then would not take.
        assert_eq!(
            lrs.ask().all_statements().len() as u64,
            delivered.sum::<u64>() + 1
        );
    }

    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn is_exact_with_ralph() {
        is_exact(Kind::Ralph);
    }

    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn is_exact_with_learning_locker() {
        is_exact(Kind::LearningLocker);
    }
}
