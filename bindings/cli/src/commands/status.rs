//! `pannier status`: how things stand.

use std::fmt;
use std::path::Path;

use clap::Args;
use pannier::{Config, Status};
use serde::Serialize;

use super::queue_file::QueueArgs;
use super::{Failure, Output, list};

/// Say how things stand: counts, the LRS, and what is the matter if anything is
#[derive(Args, Debug)]
pub struct StatusArgs {
    #[command(flatten)]
    queue: QueueArgs,
}

#[derive(Serialize)]
struct Shown<'a> {
    queue: &'a Path,
    #[serde(flatten)]
    status: &'a Status,
}

/// Shows the status.
pub fn run(args: &StatusArgs, output: Output) -> Result<(), Failure> {
    let path = args.queue.path()?;
    let status = args.queue.open(Config::default())?.status()?;
    output.say(format_args!("queue       {}", path.display()))?;
    let queue = &path;
    output.show(
        &Shown {
            queue,
            status: &status,
        },
        Person(&status),
    )
}

/// A `Date` counts whole seconds and has been under way for a while.
const WORTH_SAYING_MS: i64 = 5_000;

struct Person<'a>(&'a Status);

impl fmt::Display for Person<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Status { ledger, .. } = self.0;
        write!(
            f,
            "recorded    {}\nqueued      {}",
            ledger.recorded, ledger.queued
        )?;
        if let Some(oldest) = ledger.oldest_queued_at {
            write!(
                f,
                " ({} bytes, the oldest from {})",
                ledger.queued_bytes,
                list::time(oldest)
            )?;
        }
        write!(f, "\nwaiting     {}", ledger.waiting)?;
        if let Some(due) = self.0.next_due {
            write!(f, " (the next until {})", list::time(due))?;
        }
        write!(
            f,
            "\nheld        {}\ndelivered   {}",
            ledger.held, ledger.delivered
        )?;
        for (name, count) in [
            ("retracted", ledger.retracted),
            ("discarded", ledger.discarded),
            ("replaced", ledger.replaced),
            ("erased", ledger.erased),
        ] {
            if count > 0 {
                write!(f, "\n{name:<12}{count}")?;
            }
        }
        write!(
            f,
            "\nLRS         {}",
            self.0.endpoint.as_deref().unwrap_or("none yet")
        )?;
        if let Some(version) = self.0.speaks {
            write!(f, " (xAPI {version})")?;
        }
        if let Some(statements) = self.0.learned_max_statements {
            write!(f, "\nbears       {statements} statements a request")?;
        }
        if let Some(bytes) = self.0.learned_max_bytes {
            write!(f, "\nbears       {bytes} bytes a request")?;
        }
        if let Some(skew) = self.0.clock_skew_ms
            && skew.abs() >= WORTH_SAYING_MS
        {
            let way = if skew < 0 { "fast" } else { "slow" };
            let seconds = skew.abs() / 1000;
            write!(f, "\nclock       {seconds} s {way} by the LRS's")?;
        }
        if let Some(last) = self.0.last_success {
            write!(f, "\nlast taken  {}", list::time(last))?;
        }
        if let Some(why) = self.0.waiting_for {
            write!(f, "\nwaits       {why}")?;
        }
        if let Some(until) = self.0.waiting_until {
            write!(f, " until {}", list::time(until))?;
        }
        if let Some(trouble) = &self.0.trouble {
            write!(
                f,
                "\ntrouble     {} since {}: {}",
                trouble.problem,
                list::time(trouble.since),
                trouble.words
            )?;
        }
        Ok(())
    }
}
