//! `pannier sync`: the queue to the LRS.

mod delivering;

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use pannier::store::{Trouble, WaitKind, WaitReason};
use pannier::{Collector, Ended, HistoryPolicy, Status, SyncReport};
use serde::Serialize;
use serde_json::{Value, json};

use super::queue_file::QueueArgs;
use super::upstream::UpstreamArgs;
use super::{Failure, Output, arguments, duration, list, words};
use crate::terminal::one_line;

/// Deliver what is queued to the LRS
///
/// Sends everything that is due and ends when nothing is, or when it would have to wait. What cannot
/// be delivered stays in the queue; a statement that the LRS refuses for good is held, and the others
/// go on. Ctrl-C ends it and says what is left; ending it at any moment loses nothing.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  PANNIER_LRS_USER=app PANNIER_LRS_PASSWORD=… pannier sync --lrs https://lrs.example/xAPI
  pannier sync --credentials ~/.lrs-credentials
  pannier sync --wait 10m && pannier status
  pannier sync --ca school-ca.pem --proxy http://proxy.school.example:3128
  pannier sync --in-flight 4    # a long queue over a slow line, where its order does not matter")]
pub struct SyncArgs {
    #[command(flatten)]
    upstream: UpstreamArgs,

    /// Go on after waits that end within this time from now: 90, 90s, 10m, 1h30m
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration::parse)]
    wait: Duration,

    /// Most requests under way at once, once the LRS has shown that it bears them. With more than one,
    /// statements of up to so many batches may be stored in another order
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4))]
    in_flight: u32,

    /// How many days delivered statements are kept for `pannier history`
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = arguments::days)]
    keep: u32,
}

/// What is in the queue afterwards.
#[derive(Serialize)]
struct Left {
    queued: u64,
    waiting: u64,
    held: u64,
}

/// Syncs once.
pub fn run(args: &SyncArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    let mut config = args.upstream.config()?;
    config.history = match args.keep {
        0 => HistoryPolicy::None,
        days => HistoryPolicy::For(i64::from(days) * 24 * 60 * 60 * 1000),
    };
    config.requests_in_flight = args.in_flight;
    let collector = queue.open(config)?;
    let report = delivering::deliver(&collector, args.wait, output)?;
    let status = collector.status()?;
    let left = Left {
        queued: status.ledger.queued,
        waiting: status.ledger.waiting,
        held: status.ledger.held,
    };
    let person = format!("{} delivered; {}", report.delivered, left.words());
    output.show(&shown(&report, &left), person);
    outcome(&collector, &report, &status)
}

/// For a program: with the same members however it ended.
fn shown(report: &SyncReport, left: &Left) -> Value {
    let mut shown = json!({ "until": null, "why": null, "trouble": null, "left": left });
    if let (Some(shown), Value::Object(report)) = (shown.as_object_mut(), json!(report)) {
        shown.extend(report);
    }
    shown
}

impl Left {
    fn words(&self) -> String {
        let parts: Vec<String> = [
            (self.queued, "queued"),
            (self.waiting, "waiting"),
            (self.held, "held"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        if parts.is_empty() {
            "nothing is left".to_owned()
        } else {
            format!("left: {}", parts.join(", "))
        }
    }
}

/// The exit code and what there is to say; all of it, the most urgent first.
fn outcome(collector: &Collector, report: &SyncReport, status: &Status) -> Result<(), Failure> {
    let undelivered = status.ledger.queued + status.ledger.waiting;
    let endpoint = status.endpoint.as_deref();
    let delayed = match &report.ended {
        Ended::Waiting {
            until,
            why,
            trouble,
        } => Some(waiting(*until, *why, trouble.as_ref(), endpoint)),
        Ended::NeedsApp { trouble } => Some(words::trouble(trouble, endpoint)),
        Ended::Busy { .. } => {
            Some("another process is delivering this queue; let it end".to_owned())
        }
        Ended::Interrupted if !delivering::asked_to_end() => Some(format!(
            "another LRS was set for this queue meanwhile, by another process{}; sync again to go on",
            endpoint.map_or_else(String::new, |it| format!(" (now it is {})", one_line(it)))
        )),
        Ended::Interrupted => Some("ended as asked; sync again to go on".to_owned()),
        Ended::Emptied => None,
    };
    let mut failures = Vec::new();
    if status.loss.as_ref().is_some_and(words::is_loss) {
        failures.push(Failure::lost());
    }
    match delayed {
        // Nothing waits for it.
        Some(_) if undelivered == 0 => {}
        Some(text) => failures.push(Failure::undelivered(text)),
        None if status.ledger.queued > 0 => failures.push(Failure::undelivered(format!(
            "{} were recorded meanwhile; sync again",
            status.ledger.queued
        ))),
        None => {}
    }
    if status.ledger.waiting > 0 {
        failures.push(Failure::undelivered(aside(collector)?));
    }
    if status.ledger.held > 0 {
        failures.push(Failure::work(format!(
            "{} {} held until you do something about it; `pannier held list` says why",
            status.ledger.held,
            if status.ledger.held == 1 { "is" } else { "are" },
        )));
    }
    match failures.into_iter().reduce(Failure::and) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

fn waiting(until: i64, why: WaitKind, trouble: Option<&Trouble>, endpoint: Option<&str>) -> String {
    let what = trouble.map(|trouble| words::trouble(trouble, endpoint));
    let (left, at) = (duration::words(until - super::now_ms()), list::time(until));
    let then = match why {
        WaitKind::Backoff => "A sync by hand tries at once; nothing tries by itself".to_owned(),
        _ => format!(
            "Nothing is sent before {at} ({left}), {}; sync again then, or let `--wait` wait for it",
            words::wait(why)
        ),
    };
    match what {
        Some(what) => format!("{what} {then}."),
        None => format!("{then}."),
    }
}

/// What those that stand aside wait for, each reason once.
fn aside(collector: &Collector) -> Result<String, Failure> {
    let mut reasons: BTreeMap<&str, (WaitReason, u64, Option<i64>)> = BTreeMap::new();
    list::all(
        None,
        |page| collector.waiting(page),
        |one| one.seq,
        |one| {
            let (_, count, next) = reasons
                .entry(one.reason.code())
                .or_insert((one.reason, 0, None));
            *count += 1;
            *next = match (*next, one.until) {
                (Some(next), Some(until)) => Some(next.min(until)),
                (next, until) => next.or(until),
            };
            Ok::<_, Failure>(())
        },
    )?;
    let lines: Vec<String> = reasons
        .into_values()
        .map(|(reason, count, next)| {
            let until = next.map(|until| format!(" (the next at {})", list::time(until)));
            format!(
                "{count} {} aside: {}{}",
                if count == 1 { "waits" } else { "wait" },
                words::aside(reason),
                until.unwrap_or_default()
            )
        })
        .collect();
    Ok(lines.join("\n"))
}
