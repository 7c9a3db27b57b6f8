//! `pannier sync`: the queue to the LRS.

mod delivering;
mod outcome;
mod targets;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use pannier::{Status, SyncReport, Upstream, UpstreamInfo};
use serde::Serialize;
use serde_json::{Value, json};

use super::queue_file::QueueArgs;
use super::upstream::UpstreamArgs;
use super::which::WhichArgs;
use super::{Failure, Output, advice, arguments, duration};
use outcome::outcome;
use targets::Targets;

/// Deliver what is queued to the LRS
///
/// Sends everything that is due and ends when nothing is, or when it would have to wait. What cannot
/// be delivered stays in the queue; a statement that the LRS refuses for good is held, and the others
/// go on. Ctrl-C ends it and says what is left; ending it at any moment loses nothing.
///
/// Where the queue has other upstreams (`pannier upstream`), all are delivered to for which there are
/// credentials, each beside the others; with `--upstream` that one alone.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  PANNIER_LRS_USER=app PANNIER_LRS_PASSWORD=… pannier sync --lrs https://lrs.example/xAPI
  pannier sync --credentials ~/.lrs-credentials
  pannier sync --wait 10m && pannier status
  pannier sync --ca school-ca.pem --proxy http://proxy.school.example:3128
  PANNIER_LRS_EXAMS_TOKEN=… pannier sync --upstream exams
  pannier sync --in-flight 4    # a long queue over a slow line, where its order does not matter")]
pub struct SyncArgs {
    #[command(flatten)]
    upstream: UpstreamArgs,

    #[command(flatten)]
    which: WhichArgs,

    /// The credentials of an upstream beside the first, in a file as for `--credentials`; without it they
    /// come from `PANNIER_LRS_NAME_USER`, `…_PASSWORD`, `…_BASIC` and `…_TOKEN`
    #[arg(long, value_name = "NAME=FILE", value_parser = of_name)]
    credentials_of: Vec<(String, PathBuf)>,

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

/// State of the queue afterwards.
#[derive(Serialize, Default)]
struct Left {
    queued: u64,
    waiting: u64,
    held: u64,
}

/// Reads the name of an upstream and the file with its credentials.
pub(super) fn of_name(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((name.to_owned(), file.into()))
        }
        _ => Err("give an upstream's name and a file: exams=credentials.txt".to_owned()),
    }
}

/// Runs the command.
pub fn run(args: &SyncArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    let mut targets = Targets::open(args, queue)?;
    targets.have_one()?;
    if args.upstream.lrs.is_some() {
        super::upstreams::warn_of_the_same(&targets.collector, "main")?;
    }
    let meant = targets.addresses(args)?;
    let report = delivering::deliver(&targets, args.wait, output)?;
    let mut ends = Vec::new();
    for (upstream, report) in targets.reports(&report) {
        if let Some(status) = targets.status(upstream)? {
            ends.push((upstream, report, status));
        }
    }
    let lefts: Vec<_> = ends
        .iter()
        .map(|(upstream, _, status)| (upstream.name(), Left::of(status)))
        .collect();
    let are_several = ends.len() + targets.passed_over.len() + targets.unusable.len() > 1;
    let mut person = Vec::new();
    for ((upstream, report, _), (_, left)) in ends.iter().zip(&lefts) {
        let name = if are_several {
            format!("{}: ", upstream.name())
        } else {
            String::new()
        };
        person.push(format!(
            "{name}{} delivered; {}",
            report.delivered,
            left.words()
        ));
    }
    let mut failures = Vec::new();
    let all = targets.collector.upstreams()?;
    for (line, failure) in not_delivered_to(&targets, &all) {
        person.push(line);
        failures.extend(failure);
    }
    let lefts = with_others(&targets, &all, lefts);
    output.show(&shown(&report, &lefts), person.join("\n"));
    if let Some((_, _, status)) = ends.first()
        && status.loss.as_ref().is_some_and(advice::is_loss)
    {
        failures.push(Failure::lost());
    }
    for (upstream, report, status) in &ends {
        let meant = meant.get(upstream.name()).map(String::as_str);
        for failure in outcome(upstream, report, status, meant)? {
            failures.push(if are_several {
                Failure {
                    text: format!("{}: {}", upstream.name(), failure.text),
                    ..failure
                }
            } else {
                failure
            });
        }
    }
    match failures.into_iter().reduce(Failure::and) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Returns what to say of each upstream that nothing could be sent to, and what is wrong where it should have been.
fn not_delivered_to(targets: &Targets, all: &[UpstreamInfo]) -> Vec<(String, Option<Failure>)> {
    let mut told = Vec::new();
    for name in &targets.passed_over {
        let left = left_for(all, name);
        let failure = (left.undelivered() > 0).then(|| {
            Failure::undelivered(format!(
                "{name}: passed over for want of credentials: set {}, or remove it with `pannier upstream remove {name}`",
                advice::to_give_credentials(name)
            ))
        });
        told.push((format!("{name}: passed over; {}", left.words()), failure));
    }
    for (name, wrong) in &targets.unusable {
        let left = left_for(all, name);
        let failure = Failure {
            code: wrong.code,
            text: format!("{name}: {}", wrong.text),
        };
        let line = format!("{name}: not delivered to; {}", left.words());
        told.push((line, Some(failure)));
    }
    for one in added_meanwhile(targets, all) {
        let left = Left::of(&one.status);
        let name = &one.name;
        let failure = (left.undelivered() > 0)
            .then(|| Failure::undelivered(format!("{name}: was added meanwhile; sync again")));
        told.push((
            format!("{name}: added meanwhile; {}", left.words()),
            failure,
        ));
    }
    told
}

/// Returns those that another process has added since this sync began, unless it is for one alone.
fn added_meanwhile<'a>(
    targets: &'a Targets,
    all: &'a [UpstreamInfo],
) -> impl Iterator<Item = &'a UpstreamInfo> {
    let is_known = |name: &str| {
        let unusable = targets.unusable.iter().map(|(name, _)| name.as_str());
        let passed_over = targets.passed_over.iter().map(String::as_str);
        let mut known = targets.opened.iter().map(Upstream::name);
        known.any(|it| it == name) || unusable.chain(passed_over).any(|it| it == name)
    };
    all.iter()
        .filter(move |one| targets.only.is_none() && !is_known(&one.name))
}

/// Adds what is left for those that nothing could be sent to.
fn with_others<'a>(
    targets: &'a Targets,
    all: &'a [UpstreamInfo],
    mut lefts: Vec<(&'a str, Left)>,
) -> Vec<(&'a str, Left)> {
    let unusable = targets.unusable.iter().map(|(name, _)| name);
    for name in targets.passed_over.iter().chain(unusable) {
        lefts.push((name, left_for(all, name)));
    }
    let added = added_meanwhile(targets, all);
    lefts.extend(added.map(|one| (one.name.as_str(), Left::of(&one.status))));
    lefts
}

/// Returns the report for a program: with the same members however it ended.
fn shown(report: &SyncReport, lefts: &[(&str, Left)]) -> Value {
    let left = lefts.iter().fold(Left::default(), |sum, (_, left)| Left {
        queued: sum.queued + left.queued,
        waiting: sum.waiting + left.waiting,
        held: sum.held + left.held,
    });
    let empty = || json!({ "until": null, "why": null, "trouble": null, "left": null });
    let mut shown = empty();
    shown["left"] = json!(left);
    shown["upstreams"] = json!([]);
    if let (Some(shown), Value::Object(report)) = (shown.as_object_mut(), json!(report)) {
        shown.extend(report);
    }
    if let Some(upstreams) = shown["upstreams"].as_array_mut() {
        for one in upstreams {
            let left = lefts.iter().find(|(name, _)| one["name"] == *name);
            let mut whole = empty();
            whole["left"] = json!(left.map(|(_, left)| left));
            if let (Some(whole), Some(one)) = (whole.as_object_mut(), one.as_object_mut()) {
                whole.append(one);
            }
            *one = whole;
        }
    }
    shown
}

/// Returns what is left for one that was not delivered to; nothing where it has been removed.
fn left_for(all: &[UpstreamInfo], name: &str) -> Left {
    let found = all.iter().find(|one| one.name == name);
    found.map_or_else(Left::default, |one| Left::of(&one.status))
}

impl Left {
    fn undelivered(&self) -> u64 {
        self.queued + self.waiting
    }

    fn of(status: &Status) -> Self {
        Self {
            queued: status.ledger.queued,
            waiting: status.ledger.waiting,
            held: status.ledger.held,
        }
    }

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
