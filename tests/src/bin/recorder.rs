//! A process to be killed: does things to a queue and says on its standard output what is done.
//!
//! ```text
//! recorder record FILE RUN         records until it is killed
//! recorder sync FILE RUN URL AHEAD records and syncs until it is killed, its clock so many
//!                                  milliseconds ahead
//! recorder trickle FILE RUN MOST    records so many, and waits to be killed
//! recorder contents FILE RUN MOST   does the same with contents of attachments among them
//! recorder drain FILE URL AHEAD     syncs until it is killed, its clock so many milliseconds ahead
//! recorder deliver FILE RUN URL    records a hundred and syncs now and then
//! recorder fill FILE BALLAST       records until the disk is full; removes BALLAST, records again
//! recorder full FILE BALLAST       records until the disk is full, lets BALLAST take the rest, and delivers
//! recorder erase FILE BALLAST      records until the disk is full, and erases; removes BALLAST, erases again
//! recorder brim FILE RUN COUNT BYTES records so many so long at once, until the disk is full
//! recorder empty FILE              reads all that can be read, and delivers
//! recorder some FILE RUN COUNT      records so many, unless something is in the way, and ends
//! recorder list FILE               says what is in the queue
//! ```
//!
//! An id is printed only after the call that recorded it has returned.

use std::path::Path;
use std::process::exit;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use pannier::statement::model::{Ifi, XapiAccount};
use pannier::{Collector, Config, Content, Error, Page, Recorded, Uuid};
use pannier_testing::MemoryLrs;
use pannier_tests::device::SkippingClock;
use pannier_tests::kills::WITH_CONTENT;
use pannier_tests::lrs::credentials;
use pannier_tests::{contents, sample};

/// Three threads record at once; each takes its numbers from a range of its own.
const THREADS: u32 = 3;
const RANGE: u32 = 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["record", file, run] => record(&open(file, Config::default()), number(run)),
        ["sync", file, run, url, ahead] => {
            sync(&open(file, ahead_by(url, ahead)), number(run), u32::MAX);
        }
        ["trickle", file, run, most] => {
            trickle(
                &open(file, Config::default()),
                number(run),
                number(most),
                false,
            );
        }
        ["contents", file, run, most] => {
            trickle(
                &open(file, Config::default()),
                number(run),
                number(most),
                true,
            );
        }
        ["drain", file, url, ahead] => drain(&open(file, ahead_by(url, ahead))),
        ["deliver", file, run, url] => {
            sync(
                &open(file, Config::new(url, Some(credentials()))),
                number(run),
                100,
            );
        }
        ["fill", file, ballast] => fill(&open(file, Config::default()), Path::new(ballast)),
        ["full", file, ballast] => full(file, Path::new(ballast)),
        ["erase", file, ballast] => erase(file, Path::new(ballast)),
        ["brim", file, run, count, bytes] => {
            brim(file, number(run), number(count), number(bytes) as usize);
        }
        ["empty", file] => empty(file),
        ["some", file, run, count] => some(file, number(run), number(count)),
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

fn ahead_by(url: &str, ms: &str) -> Config {
    let mut config = Config::new(url, Some(credentials()));
    let ms = ms.parse().expect("milliseconds");
    config.clock = Arc::new(SkippingClock::ahead(ms));
    config
}

fn open(file: &str, config: Config) -> Collector {
    Collector::open(file, config).expect("the queue can be opened")
}

fn say(recorded: &[Recorded]) {
    say_ids(recorded.iter().map(|one| one.id));
}

fn say_ids(ids: impl Iterator<Item = Uuid>) {
    let lines: Vec<String> = ids.map(|id| id.to_string()).collect();
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

/// A breath now and then, so that both processes get on.
const BREATH: Duration = Duration::from_millis(2);

fn trickle(collector: &Collector, run: u32, most: u32, with_contents: bool) {
    for n in (0..most).step_by(10) {
        say(&[collector.record(sample::text(run, n)).expect("recorded")]);
        if with_contents {
            let (text, octets) = contents::short(run, n + WITH_CONTENT);
            let recorded = collector.record_with(text, [Content::bytes(octets)]);
            say(&[recorded.expect("recorded")]);
        }
        let five = (n + 5..n + 10).map(|n| sample::text(run, n));
        say(&collector.record_all(five).expect("recorded"));
        sleep(BREATH);
    }
    loop {
        sleep(Duration::from_mins(1));
    }
}

fn drain(collector: &Collector) {
    loop {
        collector.sync().expect("synced, or waiting");
        sleep(BREATH);
    }
}

/// Records until the disk is full; which one was refused, and why.
fn until_full(collector: &Collector, mut numbers: impl Iterator<Item = u32>) -> (u32, Error) {
    numbers
        .find_map(|n| match collector.record(sample::text(0, n)) {
            Ok(recorded) => {
                say(&[recorded]);
                None
            }
            Err(error) => Some((n, error)),
        })
        .expect("no disk is without end")
}

fn say_queued(collector: &Collector) {
    let status = collector.status().expect("a full disk can be read");
    println!("queued {}", status.ledger.queued);
}

fn fill(collector: &Collector, ballast: &Path) {
    let (n, error) = until_full(collector, 0..);
    println!("refused {}: {error}", sample::id(0, n));
    say_queued(collector);
    if std::fs::remove_file(ballast).is_ok() {
        say(&[collector
            .record(sample::text(1, 0))
            .expect("there is room again")]);
    }
}

fn erase(file: &str, ballast: &Path) {
    let collector = open(file, Config::default());
    println!("refused {}", until_full(&collector, 0..).1);
    say_queued(&collector);
    let who = Ifi::Account(XapiAccount {
        home_page: "https://vocabulary.example.com".to_owned(),
        name: "learner-3".to_owned(),
    });
    let erase = || {
        let erased = collector.erase(&who).expect("a full disk is erased from");
        println!("erased {} {:?}", erased.undelivered, erased.remaining);
        say_queued(&collector);
    };
    erase();
    std::fs::remove_file(ballast).expect("it is there");
    erase();
}

/// To an LRS that says what it stores as `stored ID`.
fn telling() -> Config {
    let mut config = Config::new(MemoryLrs::ENDPOINT, None);
    let lrs = MemoryLrs::new();
    lrs.on_stored(|ids: &[Uuid]| ids.iter().for_each(|id| println!("stored {id}")));
    // What is kept takes room, too.
    config.history = pannier::HistoryPolicy::Forever;
    config.transport = Some(Arc::new(lrs));
    config
}

fn full(file: &str, ballast: &Path) {
    let collector = open(file, telling());
    let mut numbers = 0..;
    println!("refused {}", until_full(&collector, &mut numbers).1);
    let reserve = std::fs::metadata(format!("{file}.reserve")).map_or(0, |found| found.len());
    println!("reserve {reserve}");
    let mut other = std::fs::File::create(ballast).expect("a file without anything in it");
    let _ = std::io::copy(&mut std::io::repeat(0), &mut other);
    println!("refused {}", until_full(&collector, &mut numbers).1);
    say_queued(&collector);
    let report = collector.sync().expect("a full disk can be delivered from");
    println!("delivered {} {:?}", report.delivered, report.ended);
    say_queued(&collector);
}

/// All at once or none, and the queue is closed after every second time, as between two commands.
fn brim(file: &str, run: u32, count: u32, bytes: usize) {
    let long = "x".repeat(bytes);
    let text = |n| {
        let mut statement = sample::statement(run, n);
        statement["result"]["response"] = long.as_str().into();
        statement.to_string().into_bytes()
    };
    for two in (0..).step_by(2) {
        let done = Collector::open(file, Config::default()).and_then(|collector| {
            for batch in two..two + 2 {
                let numbers = batch * count..(batch + 1) * count;
                say(&collector.record_all(numbers.map(text))?);
            }
            Ok(())
        });
        if let Err(error) = done {
            println!("refused {error}");
            return;
        }
    }
}

fn empty(file: &str) {
    // Each with a connection of its own, as commands have.
    let look = |what: &str, seen: Result<usize, Error>| match seen {
        Ok(seen) => println!("{what} {seen}"),
        Err(error) => println!("unread {what}: {error}"),
    };
    let opened = || Collector::open(file, Config::default());
    let page = Page {
        after: 0,
        limit: 10,
    };
    look("looked", opened().and_then(|it| Ok(it.queued(page)?.len())));
    look("held", opened().and_then(|it| Ok(it.held(page)?.len())));
    look("kept", opened().and_then(|it| Ok(it.history(page)?.len())));
    let queued = |it: Collector| Ok(it.status()?.ledger.queued as usize);
    look("queued", opened().and_then(queued));
    match Collector::open(file, telling()).and_then(|it| it.sync()) {
        Ok(report) => println!("ended {:?}", report.ended),
        Err(error) => println!("ended {error}"),
    }
    look("left", opened().and_then(queued));
}

fn some(file: &str, run: u32, count: u32) {
    let done = Collector::open(file, Config::default()).and_then(|collector| {
        (0..count).try_for_each(|n| {
            say(&[collector.record(sample::text(run, n))?]);
            Ok(())
        })
    });
    if let Err(error) = done {
        println!("refused {error}");
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
        say_ids(listed.iter().map(|one| one.id));
    }
}
