//! Lets a fleet of devices come back to one LRS at the same moment, and prints how that goes.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use pannier::sync::{backoff, policy};
use pannier_tests::fleet::{self, Figures, Herd, Overload, Scenario};

/// Simulates very many devices that come back to one LRS at the same moment: an exam hall's network
/// returns.
///
/// Prints how long it takes until everything is delivered against the best possible, and the load on
/// the LRS against what it takes. Exits with 1 if a device has not delivered everything in a day.
#[derive(Parser)]
struct Arguments {
    /// How many devices.
    #[arg(long, default_value_t = 100_000)]
    devices: u32,
    /// Requests that the LRS takes in a second.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Statements that each device has.
    #[arg(long, default_value_t = 20)]
    statements: u32,
    /// Seconds of requests that the LRS lets wait in line before it refuses.
    #[arg(long, default_value_t = 2.0)]
    queue: f64,
    /// What it does with more than that; all, one after another, if not given.
    #[arg(long, value_enum)]
    overload: Option<Kind>,
    /// What it says in Retry-After, seconds.
    #[arg(long, default_value_t = 30)]
    retry_after: u32,
    /// The devices know the LRS's versions from before.
    #[arg(long)]
    known: bool,
    /// A device's first request comes within so many seconds.
    #[arg(long, default_value_t = policy::NETWORK_BACK_WITHIN.as_secs_f64())]
    spread: f64,
    /// Longest first wait after a failure, seconds.
    #[arg(long, default_value_t = backoff::BACKOFF.first.as_secs_f64())]
    first: f64,
    /// So many times as long after each further failure.
    #[arg(long, default_value_t = backoff::BACKOFF.factor)]
    factor: f32,
    /// Longest wait of all, seconds.
    #[arg(long, default_value_t = backoff::BACKOFF.longest.as_secs_f64())]
    longest: f64,
    /// How much later than told a device comes back: "as-built", or, to compare, "exact", "backoff" or
    /// a share of the wait.
    #[arg(long, default_value = "as-built", value_parser = herd)]
    herd: Herd,
    /// The way to the LRS and back, milliseconds.
    #[arg(long, default_value_t = 50)]
    latency: i64,
    /// Use the real session and store, a file for each device.
    #[arg(long)]
    real: bool,
    /// All chance.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// 503.
    Refuses,
    /// 503 with Retry-After.
    RetryAfter,
    /// Lets them wait; devices give up after their time-out. Implies --real.
    Queues,
}

fn herd(text: &str) -> Result<Herd, String> {
    match text {
        "as-built" => Ok(Herd::AsBuilt),
        "exact" => Ok(Herd::Exact),
        "backoff" => Ok(Herd::Backoff),
        share => share
            .parse()
            .map(Herd::Share)
            .map_err(|_| format!("{text} is neither as-built, exact, backoff nor a number")),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let kinds = match arguments.overload {
        Some(kind) => vec![kind],
        None => vec![Kind::Refuses, Kind::RetryAfter],
    };
    let mut all = Vec::new();
    for kind in kinds {
        let scenario = scenario(&arguments, kind);
        let bar = ProgressBar::new(u64::from(scenario.devices)).with_style(
            ProgressStyle::with_template("{bar:40} {pos}/{len} devices done, {elapsed} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_message(scenario.overload.name());
        let figures = fleet::run(&scenario, &|done| bar.set_position(done));
        bar.finish_and_clear();
        match figures {
            Ok(figures) => all.push((scenario, figures)),
            Err(error) => {
                eprintln!("fleet: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    if arguments.json {
        let named: Vec<_> = all
            .iter()
            .map(|(scenario, figures)| (scenario.overload.name(), figures))
            .collect();
        match serde_json::to_string_pretty(&named) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("fleet: {error}"),
        }
    } else {
        print(&all);
    }
    let whole = |(scenario, figures): &(Scenario, Figures)| figures.delivered == scenario.devices;
    if all.iter().all(whole) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn scenario(arguments: &Arguments, kind: Kind) -> Scenario {
    let seconds = |seconds: f64| Duration::from_secs_f64(seconds.max(0.0));
    Scenario {
        devices: arguments.devices,
        statements: arguments.statements,
        rate: arguments.rate,
        queue: arguments.queue,
        overload: match kind {
            Kind::Refuses => Overload::Refuses,
            Kind::RetryAfter => Overload::RetryAfter(arguments.retry_after),
            Kind::Queues => Overload::Queues,
        },
        new: !arguments.known,
        spread: seconds(arguments.spread),
        backoff: backoff::Backoff {
            first: seconds(arguments.first),
            factor: arguments.factor,
            longest: seconds(arguments.longest),
        },
        herd: arguments.herd,
        latency: arguments.latency,
        real: arguments.real || matches!(kind, Kind::Queues),
        seed: arguments.seed,
    }
}

fn print(all: &[(Scenario, Figures)]) {
    println!(
        "{:<24} {:>9} {:>7} {:>7} {:>8} {:>8} {:>6} {:>9} {:>8} {:>6} {:>6}",
        "when it is full",
        "delivered",
        "best",
        "half",
        "95 %",
        "all",
        "× best",
        "requests",
        "× least",
        "peak",
        "later"
    );
    for (scenario, figures) in all {
        println!(
            "{:<24} {:>9} {:>5.0} s {:>5.0} s {:>6.0} s {:>6.0} s {:>6.2} {:>9} {:>8.2} {:>6.1} {:>6.1}",
            scenario.overload.name(),
            figures.delivered,
            figures.best,
            figures.half_after,
            figures.most_after,
            figures.all_after,
            figures.times_best,
            figures.requests,
            figures.requests as f64 / figures.least_requests as f64,
            figures.peak,
            figures.later_peak,
        );
    }
    println!(
        "peak: requests in the busiest second, in what the LRS takes in one; later: after a minute"
    );
}
