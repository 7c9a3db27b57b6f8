//! The headset: a process of its own, which is killed in the middle and goes on.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use indicatif::ProgressBar;
use pannier::{Collector, Config};

use super::device::{Device, notes};
use super::diary::Day;
use super::error::Error;

/// The hidden command that the child runs.
pub const COMMAND: &str = "demo-headset";

/// Number of statements known to be recorded at which the plug is pulled.
const PULLED_AFTER: usize = 200;

/// Pause between two statements: a trainee does one thing after another, though far more slowly.
const PACE: Duration = Duration::from_millis(1);

/// Orders for the child.
#[derive(Clone, Debug)]
pub struct Order {
    /// The queue's file.
    pub queue: PathBuf,
    /// The run of the demo.
    pub day: Day,
    /// Number of statements known to be recorded.
    pub from: usize,
}

/// Records one statement after another, in the child, and prints each id once `record` has returned.
pub fn record(order: &Order) -> Result<(), Error> {
    let collector = Collector::open(&order.queue, Config::default())?;
    for note in notes(Device::Headset, order.day).iter().skip(order.from) {
        let id = collector.record(&note.json)?.id;
        writeln!(io::stdout(), "{id}").map_err(Error::system("nobody listens any more"))?;
        std::thread::sleep(PACE);
    }
    Ok(())
}

/// Result of killing the headset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed {
    /// Statements known to be recorded when it was killed.
    pub known: usize,
    /// Statements in its queue when it was opened again. A `record` that was not reported any more may have got as
    /// far as the disk.
    pub found: usize,
}

/// Lets the headset record in a process of its own, kills it, and lets another one go on.
pub fn record_and_kill(
    program: &Path,
    queue: &Path,
    day: Day,
    bar: &ProgressBar,
) -> Result<Killed, Error> {
    let order = |from| Order {
        queue: queue.to_owned(),
        day,
        from,
    };
    let known = run(program, &order(0), bar, Some(PULLED_AFTER))?;
    let found = Collector::open(queue, Config::default())?
        .status()?
        .ledger
        .recorded as usize;
    // The first one that was not reported is recorded again, which changes nothing if it is there.
    run(program, &order(known), bar, None)?;
    Ok(Killed { known, found })
}

/// Runs the child to its end or kills it after so many statements; returns how many it reported.
fn run(
    program: &Path,
    order: &Order,
    bar: &ProgressBar,
    kill_after: Option<usize>,
) -> Result<usize, Error> {
    let failed = || Error::system("cannot run the headset's process");
    let mut child = Command::new(program)
        .arg(COMMAND)
        .arg(&order.queue)
        .arg(order.day.seed.to_string())
        .arg(order.day.began_ms.to_string())
        .arg(order.from.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed())?;
    let mut reported = 0;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            // The last line may be cut off in the middle.
            if line.map_err(failed())?.parse::<uuid::Uuid>().is_err() {
                break;
            }
            reported += 1;
            bar.inc(1);
            if kill_after == Some(reported) {
                // SIGKILL on Unix: no destructor runs and nothing is flushed.
                child.kill().map_err(failed())?;
            }
        }
    }
    let status = child.wait().map_err(failed())?;
    if kill_after.is_none() && !status.success() {
        return Err(Error::Usage(format!(
            "the headset's process ended badly ({status})"
        )));
    }
    Ok(reported)
}
