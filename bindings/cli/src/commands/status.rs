//! `pannier status`: the state of the queue.

use std::fmt;

use clap::Args;
use pannier::{Config, Status, WaitKind};
use serde::Serialize;
use serde_json::Value;

use super::queue_file::QueueArgs;
use super::which::WhichArgs;
use super::{Failure, Output, advice, duration, list, now_ms, upstreams};
use crate::terminal::one_line;

/// Say how things stand: counts, the LRS, and what is the matter if anything is
#[derive(Args, Debug)]
pub struct StatusArgs {
    #[command(flatten)]
    which: WhichArgs,

    /// Say that you have read of what was lost with a damaged file: it is told no more. The damaged
    /// file stays
    #[arg(long)]
    acknowledge: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    queue: String,
    #[serde(flatten)]
    status: &'a Status,
    undelivered: u64,
    is_healthy: bool,
    /// All upstreams, where there are several; empty where there is only one, or one is asked for.
    upstreams: Vec<Value>,
}

/// Shows the status.
pub fn run(args: &StatusArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    let path = queue.path()?;
    let collector = queue.open(Config::default())?;
    if args.acknowledge {
        collector.acknowledge_loss()?;
    }
    let status = args.which.of(&collector)?.status()?;
    let mut all = collector.upstreams()?;
    if all.len() == 1 || args.which.name().is_some() {
        all.clear();
    }
    output.say(format_args!("queue       {}", one_line(path.display())));
    let queue = path.display().to_string();
    output.show(
        &Shown {
            queue,
            status: &status,
            undelivered: status.undelivered(),
            is_healthy: status.is_healthy(),
            upstreams: all.iter().map(upstreams::shown).collect(),
        },
        Person(&status, args.which.name().unwrap_or("main")),
    );
    // The first one is shown above.
    for one in all.iter().skip(1) {
        output.say(format_args!("upstream    {}", upstreams::line(one)));
    }
    match &status.loss {
        Some(loss) if advice::is_loss(loss) => Err(Failure::lost()),
        // The damage is reported, and nothing is known to be lost.
        Some(_) | None => Ok(()),
    }
}

/// Clock difference worth mentioning: a `Date` counts whole seconds and has been under way for a while.
const WORTH_SAYING_MS: i64 = 5_000;

/// Status of this upstream, for a person.
struct Person<'a>(&'a Status, &'a str);

impl Person<'_> {
    fn counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = self.0.ledger;
        let at = advice::at(self.1);
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
            write!(
                f,
                " (the next until {}; `pannier queue{at}` says why)",
                list::time(due)
            )?;
        } else if ledger.waiting > 0 {
            write!(f, " (`pannier queue{at}` says why)")?;
        }
        write!(f, "\nheld        {}", ledger.held)?;
        if ledger.held > 0 {
            write!(f, " (`pannier held list{at}` says why)")?;
        }
        write!(f, "\ndelivered   {}", ledger.delivered)?;
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
        Ok(())
    }

    fn lrs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.0;
        write!(
            f,
            "\nLRS         {}",
            status.endpoint.as_deref().unwrap_or("none yet")
        )?;
        // Until something was accepted there, the version is only a guess.
        if let (Some(version), Some(_)) = (status.speaks, status.last_success) {
            write!(f, " (xAPI {version})")?;
        }
        if let Some(statements) = status.learned_max_statements {
            write!(f, "\nbears       {statements} statements a request")?;
        }
        if let Some(bytes) = status.learned_max_bytes {
            write!(f, "\nbears       {bytes} bytes a request")?;
        }
        if let Some(skew) = status.clock_skew_ms
            && skew.abs() >= WORTH_SAYING_MS
        {
            let way = if skew < 0 { "fast" } else { "slow" };
            let seconds = skew.abs() / 1000;
            write!(
                f,
                "\nclock       this machine's is {seconds} s {way} by the LRS's"
            )?;
        }
        if let Some(last) = status.last_success {
            write!(f, "\nlast taken  {}", list::time(last))?;
        }
        Ok(())
    }

    /// Writes what is in the way, where there is something to send.
    fn matter(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.0;
        let undelivered = status.ledger.queued + status.ledger.waiting;
        if undelivered == 0 {
            return Ok(());
        }
        if let Some(trouble) = &status.trouble {
            let endpoint = status.endpoint.as_deref();
            write!(
                f,
                "\ntrouble     since {}: {}",
                list::time(trouble.since),
                advice::trouble(trouble, self.1, endpoint)
            )?;
        }
        match (status.waiting_for, status.waiting_until) {
            // A sync by hand does not keep to these.
            (None | Some(WaitKind::Backoff | WaitKind::App), _) | (_, None) => Ok(()),
            (Some(why), Some(until)) => write!(
                f,
                "\nwaits       nothing is sent before {} ({}), {}",
                list::time(until),
                duration::words(until - now_ms()),
                advice::wait(why)
            ),
        }
    }
}

impl fmt::Display for Person<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts(f)?;
        self.lrs(f)?;
        self.matter(f)
    }
}
