//! `pannier sync`: the queue to the LRS.

mod delivering;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use pannier::{
    Collector, Config, Ended, HistoryPolicy, Problem, Status, SyncReport, Trouble, Upstream,
    UpstreamInfo, WaitKind, WaitReason,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::queue_file::QueueArgs;
use super::upstream::{self, UpstreamArgs};
use super::which::WhichArgs;
use super::{Failure, Output, advice, arguments, duration, list};
use crate::terminal::one_line;

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

/// Upstreams to deliver to.
struct Targets {
    collector: Collector,
    /// The only one, if one was asked for.
    only: Option<Upstream>,
    /// Upstreams for which there are credentials, and the first one unless what was given for it is wrong.
    opened: Vec<Upstream>,
    /// Names of the others.
    passed_over: Vec<String>,
    /// Upstreams that nothing is sent to because of what was given here, and what is wrong with it.
    unusable: Vec<(String, Failure)>,
}

impl Targets {
    fn open(args: &SyncArgs, queue: &QueueArgs) -> Result<Self, Failure> {
        let only = args.which.name().filter(|name| *name != "main");
        if let Some(name) = only {
            // The rest of the arguments is about that one.
            let collector = args.open_without_main(queue)?;
            let upstream = collector.upstream(name)?;
            if upstream.status()?.endpoint.is_none() {
                return Err(Failure::usage(advice::without_lrs(name)));
            }
            let file = args.file_of(name).or(args.upstream.credentials_file());
            let credentials = upstream::credentials_of(name, file)?;
            upstream.set_credentials(credentials.as_ref())?;
            return Ok(Self {
                collector,
                only: Some(upstream.clone()),
                opened: vec![upstream],
                passed_over: Vec::new(),
                unusable: Vec::new(),
            });
        }
        if args.file_of("main").is_some() {
            return Err(Failure::usage(
                "the credentials of main are in --credentials FILE",
            ));
        }
        let mut targets = Self::with_main(args, queue)?;
        if targets.only.is_some() {
            return Ok(targets);
        }
        let others: Vec<_> = targets.collector.upstreams()?.into_iter().skip(1).collect();
        let is_there = |name: &String| others.iter().any(|one| one.name == *name);
        if let Some((name, _)) = args.credentials_of.iter().find(|it| !is_there(&it.0)) {
            return Err(pannier::Error::NoUpstream { name: name.clone() }.into());
        }
        for one in others {
            match targets.with_credentials(&one.name, args) {
                Ok(Some(upstream)) => targets.opened.push(upstream),
                Ok(None) => targets.passed_over.push(one.name),
                // Another process has just removed it.
                Err(Unusable::Gone) => {}
                // The others do not depend on it.
                Err(Unusable::Wrong(failure)) => targets.unusable.push((one.name, failure)),
            }
        }
        Ok(targets)
    }

    /// Opens the queue with the first upstream: without delivering to it where what was given for it is wrong, if others
    /// may be delivered to.
    fn with_main(args: &SyncArgs, queue: &QueueArgs) -> Result<Self, Failure> {
        let of = |collector| Self {
            collector,
            only: None,
            opened: Vec::new(),
            passed_over: Vec::new(),
            unusable: Vec::new(),
        };
        let with_main = args.upstream.config();
        match with_main.and_then(|config| queue.open(args.completed(config))) {
            Ok(collector) => {
                let main = collector.upstream("main")?;
                let mut targets = of(collector);
                targets.only = args.which.name().map(|_| main.clone());
                targets.opened.push(main);
                Ok(targets)
            }
            Err(failure) => {
                let Ok(collector) = args.open_without_main(queue) else {
                    return Err(failure);
                };
                let mut targets = of(collector);
                if args.which.name().is_some() || targets.collector.upstreams()?.len() == 1 {
                    return Err(failure);
                }
                targets.unusable.push(("main".to_owned(), failure));
                Ok(targets)
            }
        }
    }

    /// Fails if there is nobody to send to because of what was given for main, or as the others were given no
    /// credentials.
    fn have_one(&mut self) -> Result<(), Failure> {
        if self.opened.is_empty() && !self.unusable.is_empty() {
            return Err(self.unusable.swap_remove(0).1);
        }
        let ([main], Some(name)) = (self.opened.as_slice(), self.passed_over.first()) else {
            return Ok(());
        };
        if self.only.is_some() || main.status()?.endpoint.is_some() {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "main has no LRS, and {name} is passed over for want of credentials: set {}, or name main's LRS with \
             --lrs URL or PANNIER_LRS",
            advice::to_give_credentials(name)
        )))
    }

    /// Returns the address of each before anything is delivered: another process may change it during the sync.
    fn addresses(&self, args: &SyncArgs) -> Result<BTreeMap<String, String>, Failure> {
        let mut addresses = BTreeMap::new();
        for one in &self.opened {
            let named = args.upstream.lrs.clone().filter(|_| one.name() == "main");
            let known = || Ok::<_, Failure>(self.status(one)?.and_then(|it| it.endpoint));
            if let Some(address) = named.map_or_else(known, |named| Ok(Some(named)))? {
                addresses.insert(one.name().to_owned(), address);
            }
        }
        Ok(addresses)
    }

    /// Returns the upstream with its credentials; none where none are given for it.
    fn with_credentials(&self, name: &str, args: &SyncArgs) -> Result<Option<Upstream>, Unusable> {
        let credentials = upstream::credentials_of(name, args.file_of(name));
        let Some(credentials) = credentials.map_err(Unusable::Wrong)? else {
            return Ok(None);
        };
        let upstream = self.collector.upstream(name)?;
        upstream.set_credentials(Some(&credentials))?;
        Ok(Some(upstream))
    }

    /// Returns the status; none where another process has removed the upstream, unless it was named here.
    fn status(&self, upstream: &Upstream) -> Result<Option<Status>, Failure> {
        match upstream.status() {
            Ok(status) => Ok(Some(status)),
            Err(pannier::Error::NoUpstream { .. }) if self.only.is_none() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn sync(&self, patience: Duration) -> Result<SyncReport, pannier::Error> {
        match &self.only {
            Some(upstream) => upstream.sync_within(patience),
            None => self.collector.sync_within(patience),
        }
    }

    /// Returns the report for each of them.
    fn reports<'a>(&'a self, whole: &'a SyncReport) -> Vec<(&'a Upstream, &'a SyncReport)> {
        if whole.upstreams.is_empty() {
            return self
                .opened
                .first()
                .map(|one| (one, whole))
                .into_iter()
                .collect();
        }
        let report = |upstream: &'a Upstream| {
            let mut all = whole.upstreams.iter();
            let found = all.find(|one| one.name == upstream.name())?;
            Some((upstream, &found.report))
        };
        self.opened.iter().filter_map(report).collect()
    }
}

/// Reason why nothing is sent to one of several.
enum Unusable {
    Gone,
    Wrong(Failure),
}

impl From<pannier::Error> for Unusable {
    fn from(error: pannier::Error) -> Self {
        match error {
            pannier::Error::NoUpstream { .. } => Self::Gone,
            other => Self::Wrong(other.into()),
        }
    }
}

impl SyncArgs {
    fn open_without_main(&self, queue: &QueueArgs) -> Result<Collector, Failure> {
        let mut config = self.completed(self.upstream.config_without_main()?);
        config.deliver_to_main = false;
        queue.open(config)
    }

    /// Adds what concerns every upstream.
    fn completed(&self, mut config: Config) -> Config {
        config.history = match self.keep {
            0 => HistoryPolicy::None,
            days => HistoryPolicy::For(i64::from(days) * 24 * 60 * 60 * 1000),
        };
        config.requests_in_flight = self.in_flight;
        config
    }

    fn file_of(&self, name: &str) -> Option<&std::path::Path> {
        let mut files = self.credentials_of.iter();
        files
            .find(|(of, _)| of == name)
            .map(|(_, file)| file.as_path())
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

/// Returns the exit codes and what there is to say, for one upstream.
fn outcome(
    upstream: &Upstream,
    report: &SyncReport,
    status: &Status,
    meant: Option<&str>,
) -> Result<Vec<Failure>, Failure> {
    let undelivered = status.ledger.queued + status.ledger.waiting;
    let endpoint = status.endpoint.as_deref();
    let delayed = match &report.ended {
        Ended::Waiting {
            until,
            why,
            trouble,
        } => Some(waiting(
            *until,
            *why,
            trouble.as_ref(),
            upstream.name(),
            endpoint,
        )),
        Ended::NeedsApp { trouble } => {
            // The queue may have another address by now.
            let is_elsewhere = trouble.problem == Problem::OtherEndpoint;
            let endpoint = if is_elsewhere { meant } else { endpoint };
            Some(advice::trouble(trouble, upstream.name(), endpoint))
        }
        Ended::Busy { .. } => {
            Some("another process is delivering this queue; let it end".to_owned())
        }
        Ended::Interrupted if !delivering::asked_to_end() => Some(format!(
            "another process set an LRS for this queue meanwhile, or its files were put back{}; sync again to go on",
            endpoint.map_or_else(String::new, |it| format!(" (now it is {})", one_line(it)))
        )),
        Ended::Interrupted => Some("ended as asked; sync again to go on".to_owned()),
        Ended::Emptied => None,
    };
    let mut failures = Vec::new();
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
        failures.push(Failure::undelivered(aside(upstream)?));
    }
    if status.ledger.held > 0 {
        failures.push(Failure::work(format!(
            "{} {} held until you do something about it; `pannier held list{}` says why",
            status.ledger.held,
            if status.ledger.held == 1 { "is" } else { "are" },
            advice::at(upstream.name()),
        )));
    }
    Ok(failures)
}

fn waiting(
    until: i64,
    why: WaitKind,
    trouble: Option<&Trouble>,
    upstream: &str,
    endpoint: Option<&str>,
) -> String {
    let what = trouble.map(|trouble| advice::trouble(trouble, upstream, endpoint));
    let (left, at) = (duration::words(until - super::now_ms()), list::time(until));
    let then = match why {
        WaitKind::Backoff => "A sync by hand tries at once; nothing tries by itself".to_owned(),
        _ => format!(
            "Nothing is sent before {at} ({left}), {}; sync again then, or let `--wait` wait for it",
            advice::wait(why)
        ),
    };
    match what {
        Some(what) => format!("{what} {then}."),
        None => format!("{then}."),
    }
}

/// Describes what the statements that are set aside wait for, each reason once.
fn aside(upstream: &Upstream) -> Result<String, Failure> {
    let now = super::now_ms();
    let mut reasons: BTreeMap<&str, (WaitReason, u64, Option<i64>)> = BTreeMap::new();
    list::all(
        None,
        |page| upstream.waiting(page),
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
            // What is due already waits for what the whole LRS waits for.
            let until = next
                .filter(|until| *until > now)
                .map(|until| format!(" (the next at {})", list::time(until)));
            format!(
                "{count} {} aside: {}{}",
                if count == 1 { "waits" } else { "wait" },
                advice::aside(reason),
                until.unwrap_or_default()
            )
        })
        .collect();
    Ok(lines.join("\n"))
}
