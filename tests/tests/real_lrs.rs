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

/// Contents of attachments on their way from a device.
mod recorded_contents {
    use pannier::{Content, Ended, HoldReason, WaitReason};
    use pannier_tests::contents::{self, Sender};
    use pannier_tests::device::Device;
    use pannier_tests::lrs::Lrs;
    use pannier_tests::sample;
    use serde_json::{Value, json};

    use super::Kind;

    const LETTERS: &[u8] = &[b'a'; 16 * 1024];
    const MINUTE: i64 = 60_000;
    const DAY: i64 = 24 * 60 * MINUTE;

    /// Others come and are taken, for so many days.
    fn days_go_by(device: &Device, run: u32, days: u32) {
        for n in 0..days {
            device.pass(DAY);
            let other = device.collector.record(sample::text(run, n));
            other.expect("a sample is valid");
            device.sync();
        }
    }

    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn learning_locker_gets_the_short_ones_and_what_it_does_not_bear_holds_up_nobody() {
        let lrs = Lrs::start(Kind::LearningLocker);
        let device = Device::new(lrs.url());
        device.record_with(0, &[&LETTERS[1..]]);
        let long = device.record_with(1, &[LETTERS]);
        device.collector.record(sample::text(5, 0)).unwrap();
        device.record_with(2, &[b"knot tied in 41 s", b""]);
        let report = device.sync();
        assert_eq!(
            (report.delivered, &report.ended),
            (3, &Ended::Emptied),
            "{report:?}"
        );
        let (waiting, held) = device.aside();
        assert!(waiting.contains(&(long, WaitReason::NoAttachments)) && held.is_empty());
        days_go_by(&device, 6, 6);
        // The LRS has the long one's statement without its content, which stays here.
        let (waiting, held) = device.aside();
        assert_eq!(
            (waiting, held),
            (vec![], vec![(long, HoldReason::ContentMissing)]),
            "{:?}",
            device.collector.conflict(long)
        );
        assert_eq!(
            device.collector.contents(long).unwrap()[0].content.octets(),
            LETTERS
        );
        assert_eq!(device.status().ledger.delivered, 9);
        let sender = Sender::to(&lrs);
        assert_eq!(sender.read_back(0, true), Ok(200));
        assert_eq!(sender.read_back(2, true), Ok(200));
        assert_eq!(sender.read_back(1, false), Ok(200));
    }

    /// It would read other characters than ASCII as Latin-1 there, whatever a header says.
    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn learning_locker_has_every_character_as_it_was_recorded() {
        let lrs = Lrs::start(Kind::LearningLocker);
        let device = Device::new(lrs.url());
        let (text, octets) = contents::short(3, 7);
        let mut statement: Value = serde_json::from_str(&text).unwrap();
        let note = json!({ "http://example.com/ş": "grüße \u{1f600} 単語 \\é \"ß\"" });
        statement["result"]["extensions"] = note;
        let octets = Content::bytes(octets);
        let recorded = device
            .collector
            .record_with(statement.to_string(), [octets]);
        recorded.unwrap();
        assert_eq!(device.sync().delivered, 1);
        let there = lrs.ask().get(sample::id(3, 7)).unwrap();
        for part in ["actor", "object", "result"] {
            for (key, value) in statement[part].as_object().unwrap() {
                assert_eq!(&there[part][key], value, "{part}.{key}");
            }
        }
    }

    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn ralph_gets_the_others_and_nothing_is_held() {
        let lrs = Lrs::start(Kind::Ralph);
        let device = Device::new(lrs.url());
        let binary: Vec<u8> = (0..=255).collect();
        let ids = [
            device.record_with(0, &[b"knot tied in 41 s"]),
            device.record_with(1, &[&binary]),
        ];
        device.record_samples(5, 20);
        let report = device.sync();
        assert_eq!(
            (report.delivered, &report.ended),
            (20, &Ended::Emptied),
            "{report:?}"
        );
        days_go_by(&device, 6, 6);
        let (waiting, held) = device.aside();
        let both = ids.map(|id| (id, WaitReason::NoAttachments));
        assert_eq!((waiting, held), (both.to_vec(), vec![]));
        assert_eq!(lrs.ask().all_statements().len(), 26);
    }

    #[test]
    fn the_hub_gets_all() {
        let lrs = Lrs::start(Kind::Hub);
        let device = Device::new(lrs.url());
        let binary: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        let one = device.record_with(0, &[b"knot tied in 41 s"]);
        device.record_with(1, &[&binary, b""]);
        device.record_with(2, &[b"knot tied in 41 s"]);
        device.record_samples(5, 2);
        let report = device.sync();
        assert_eq!(
            (report.delivered, &report.ended),
            (5, &Ended::Emptied),
            "{report:?}"
        );
        assert!(
            device.collector.contents(one).is_err(),
            "it has left the device"
        );
        // By Pannier's own look-up, as the device would.
        let sender = Sender::to(&lrs);
        assert_eq!(sender.contents_of(0), [b"knot tied in 41 s"]);
        assert_eq!(sender.contents_of(1), [binary, Vec::new()]);
        assert_eq!(sender.contents_of(2), [b"knot tied in 41 s"]);
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
