//! `pannier sync`: the queue to the LRS.

use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use pannier::store::Trouble;
use pannier::{Collector, Config, Ended, Event, HistoryPolicy, SyncReport};

use super::queue_file::QueueArgs;
use super::upstream::UpstreamArgs;
use super::{Failure, Output, list};

/// Deliver what is queued to the LRS
///
/// Sends everything that is due and ends when nothing is, or when it would have to wait. What cannot
/// be delivered stays in the queue; a statement that the LRS refuses for good is held, and the others
/// go on. Ending it at any moment loses nothing.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Credentials come from the environment (PANNIER_LRS_USER and PANNIER_LRS_PASSWORD, or
PANNIER_LRS_TOKEN) or a file, never from the arguments, which other users of the machine can read.

Examples:
  PANNIER_LRS_USER=app PANNIER_LRS_PASSWORD=… pannier sync --lrs https://lrs.example/xAPI
  pannier sync --credentials ~/.lrs-credentials
  pannier sync --wait 600 && pannier status
  pannier sync --in-flight 4    # a long queue over a slow line, where its order does not matter")]
pub struct SyncArgs {
    #[command(flatten)]
    upstream: UpstreamArgs,

    /// Go on after waits that end within so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,

    /// Most requests under way at once, once the LRS has shown that it bears them. With more than one,
    /// statements of up to so many batches may be stored in another order
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4))]
    in_flight: u32,

    /// How many days delivered statements are kept for `pannier history`
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    keep: u32,

    #[command(flatten)]
    queue: QueueArgs,
}

/// Syncs once.
pub fn run(args: &SyncArgs, output: Output) -> Result<(), Failure> {
    let mut config = Config::default();
    config.endpoint.clone_from(&args.upstream.lrs);
    config.credentials = args.upstream.credentials.read()?;
    config.history = match args.keep {
        0 => HistoryPolicy::None,
        days => HistoryPolicy::For(i64::from(days) * 24 * 60 * 60 * 1000),
    };
    config.requests_in_flight = args.in_flight;
    let collector = args.queue.open(config)?;
    let report = deliver(&collector, Duration::from_secs(args.wait), output)?;
    let status = collector.status()?;
    output.show(
        &report,
        format_args!(
            "{} delivered, {} held, {} still queued",
            report.delivered,
            report.held,
            status.ledger.queued + status.ledger.waiting
        ),
    )?;
    outcome(&report)
}

/// Runs the sync, with a bar on the terminal while it lasts.
fn deliver(
    collector: &Collector,
    patience: Duration,
    output: Output,
) -> Result<SyncReport, Failure> {
    let bar = if output.json {
        ProgressBar::hidden()
    } else {
        bar(collector.status()?.ledger.queued)
    };
    let events = collector.events();
    let report = std::thread::scope(|scope| {
        let syncing = scope.spawn(|| collector.sync_within(patience));
        while !syncing.is_finished() {
            match events.next_within(Duration::from_millis(50)) {
                Ok(Some(Event::Progress {
                    delivered,
                    remaining,
                })) => {
                    bar.set_length(delivered + remaining);
                    bar.set_position(delivered);
                }
                Ok(Some(Event::WaitingUntil { until, .. })) => {
                    bar.set_message(format!("waiting until {}", list::time(until)));
                }
                _ => {}
            }
        }
        syncing.join()
    });
    bar.finish_and_clear();
    match report {
        Ok(report) => Ok(report?),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Draws itself on standard error, and only if that is a terminal.
fn bar(queued: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} delivered {msg}");
    ProgressBar::new(queued).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn outcome(report: &SyncReport) -> Result<(), Failure> {
    if report.held > 0 {
        return Err(Failure::work(format!(
            "{} statements were set aside; `pannier held list` says why",
            report.held
        )));
    }
    match &report.ended {
        Ended::Emptied => Ok(()),
        Ended::Waiting { until, trouble, .. } => Err(Failure::undelivered(format!(
            "not all could be delivered; the next try may be at {}{}",
            list::time(*until),
            trouble.as_ref().map(words).unwrap_or_default()
        ))),
        Ended::NeedsApp { trouble } => Err(Failure::undelivered(format!(
            "nothing more is delivered until this is mended{}",
            words(trouble)
        ))),
        Ended::Busy { .. } => Err(Failure::undelivered(
            "another process is delivering this queue; let it end",
        )),
        Ended::Interrupted => Err(Failure::undelivered("the sync was interrupted; sync again")),
    }
}

fn words(trouble: &Trouble) -> String {
    format!(": {} ({})", trouble.problem, trouble.words)
}
