//! A process to be killed: does things to a queue and says on its standard output what is done.
//!
//! ```text
//! recorder record FILE RUN         records until it is killed
//! recorder sync FILE RUN URL AHEAD records and syncs until it is killed, its clock so many
//!                                  milliseconds ahead
//! recorder deliver FILE RUN URL    records a hundred and syncs now and then
//! recorder fill FILE BALLAST       records until the disk is full; removes BALLAST, records again
//! recorder list FILE               says what is in the queue
//! ```
//!
//! An id is printed only after the call that recorded it has returned.

use std::path::Path;
use std::process::exit;
use std::sync::Arc;

use pannier::{Collector, Config, Page, Uuid};
use pannier_tests::device::SkippingClock;
use pannier_tests::lrs::credentials;
use pannier_tests::sample;

/// Three threads record at once; each takes its numbers from a range of its own.
const THREADS: u32 = 3;
const RANGE: u32 = 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["record", file, run] => record(&open(file, Config::default()), number(run)),
        ["sync", file, run, url, ahead] => {
            let mut config = Config::new(url, Some(credentials()));
            config.clock = Arc::new(SkippingClock::ahead(i64::from(number(ahead))));
            sync(&open(file, config), number(run), u32::MAX);
        }
        ["deliver", file, run, url] => {
            sync(
                &open(file, Config::new(url, Some(credentials()))),
                number(run),
                100,
            );
        }
        ["fill", file, ballast] => fill(&open(file, Config::default()), Path::new(ballast)),
        ["list", file] => list(&open(file, Config::default())),
        _ => {
            eprintln!("usage: see the top of recorder.rs");
            exit(2);
        }
    }
}

fn number(text: &str) -> u32 {
    text.parse().expect("a number")
}

fn open(file: &str, config: Config) -> Collector {
    Collector::open(file, config).expect("the queue can be opened")
}

fn say(ids: &[Uuid]) {
    let lines: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    println!(
        "{}",
        lines.join(
            "
"
        )
    );
}

/// By turns one statement, and five of which all or none must survive.
fn record(collector: &Collector, run: u32) {
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            threads.spawn(move || {
                for n in (thread * RANGE..(thread + 1) * RANGE).step_by(10) {
                    say(&[collector.record(sample::text(run, n)).expect("recorded")]);
                    let five = (n + 5..n + 10).map(|n| sample::text(run, n));
                    say(&collector.record_all(five).expect("recorded"));
                }
            });
        }
    });
}

fn sync(collector: &Collector, run: u32, count: u32) {
    for n in 0..count {
        say(&[collector.record(sample::text(run, n)).expect("recorded")]);
        if n % 5 == 4 {
            collector.sync().expect("synced, or waiting");
        }
    }
}

fn fill(collector: &Collector, ballast: &Path) {
    let error = (0..)
        .find_map(|n| match collector.record(sample::text(0, n)) {
            Ok(id) => {
                say(&[id]);
                None
            }
            Err(error) => Some((n, error)),
        })
        .expect("no disk is without end");
    println!("refused {}: {}", sample::id(0, error.0), error.1);
    let before = collector.status().expect("a full disk can be read").ledger;
    println!("queued {}", before.queued);
    if std::fs::remove_file(ballast).is_ok() {
        say(&[collector
            .record(sample::text(1, 0))
            .expect("there is room again")]);
    }
}

fn list(collector: &Collector) {
    let mut page = Page {
        after: 0,
        limit: 500,
    };
    loop {
        let listed = collector.queued(page).expect("the queue can be read");
        let Some(last) = listed.last() else { return };
        page.after = last.seq;
        say(&listed.iter().map(|one| one.id).collect::<Vec<_>>());
    }
}
