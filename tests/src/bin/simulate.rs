//! Runs the simulation over many seeds, or one of them with its trace.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use pannier_tests::sim::{Kind, Simulator, Tally};

/// Runs the deterministic simulation of sync: the real session and store against scripted LRSs.
///
/// Exits with 1 if anything that must hold did not.
#[derive(Parser)]
struct Arguments {
    /// Which servers: each seed runs against all of these.
    #[arg(long, value_enum, default_value_t = Which::Characters)]
    world: Which,
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    first_seed: u64,
    /// Only this one.
    #[arg(long, conflicts_with_all = ["seeds", "first_seed"])]
    seed: Option<u64>,
    /// Print what happens.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Runs at the same time; one for each core if not given.
    #[arg(long, short)]
    jobs: Option<NonZeroUsize>,
    /// End after so many seeds that fail.
    #[arg(long, default_value_t = 10)]
    most_failures: usize,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Which servers a seed runs against.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// What a grammar gives.
    Arbitrary,
    /// What real LRSs were seen to do.
    Characters,
    /// The one and the other.
    Both,
}

impl Which {
    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Arbitrary => &[Kind::Arbitrary],
            Self::Characters => &[Kind::Characters],
            Self::Both => &[Kind::Characters, Kind::Arbitrary],
        }
    }
}

#[derive(serde::Serialize)]
struct Failure {
    world: &'static str,
    seed: u64,
    violation: String,
    again: String,
}

#[derive(serde::Serialize)]
struct Report {
    violations: Vec<Failure>,
    seconds: f64,
    seeds_a_minute: f64,
    #[serde(flatten)]
    tally: Tally,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (first, count) = match arguments.seed {
        Some(seed) => (seed, 1),
        None => (arguments.first_seed, arguments.seeds),
    };
    // A panic is a violation and is told as one.
    if !arguments.trace {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let begun = Instant::now();
    let report = match run(&arguments, first, count) {
        Ok((tally, violations)) => {
            let seconds = begun.elapsed().as_secs_f64();
            Report {
                violations,
                seconds,
                seeds_a_minute: tally.seeds as f64 * 60.0 / seconds,
                tally,
            }
        }
        Err(error) => {
            eprintln!("simulate: no folder for databases: {error}");
            return ExitCode::FAILURE;
        }
    };
    if arguments.json {
        match serde_json::to_string_pretty(&report) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("simulate: {error}"),
        }
    } else {
        print(&report);
    }
    if report.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(arguments: &Arguments, first: u64, count: u64) -> std::io::Result<(Tally, Vec<Failure>)> {
    let jobs = arguments
        .jobs
        .or_else(|| std::thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get)
        .min(count.max(1) as usize);
    let bar = ProgressBar::new(count).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {per_sec}, {eta} left {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let next = AtomicU64::new(0);
    let whole = Mutex::new((Tally::default(), Vec::new()));
    let failed = || whole.lock().map_or(0, |whole| whole.1.len());
    std::thread::scope(|scope| {
        let work = || -> std::io::Result<()> {
            let simulator = Simulator::new()?;
            let mut tally = Tally::default();
            while failed() < arguments.most_failures {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    break;
                }
                let seed = first + n;
                for &kind in arguments.world.kinds() {
                    let outcome = simulator.run(kind, seed, arguments.trace);
                    for line in &outcome.trace {
                        println!("{line}");
                    }
                    tally.add(&outcome.tally);
                    if let (Some(violation), Ok(mut whole)) = (outcome.violation, whole.lock()) {
                        let world = kind.name();
                        // Also where there is no terminal, and so no bar.
                        bar.suspend(|| eprintln!("seed {seed} ({world}): {violation}"));
                        whole.1.push(Failure {
                            world,
                            seed,
                            violation,
                            again: format!(
                                "cargo run --release -p pannier-tests --bin simulate -- --world {world} --seed {seed} --trace"
                            ),
                        });
                    }
                }
                bar.inc(1);
            }
            if let Ok(mut whole) = whole.lock() {
                whole.0.add(&tally);
            }
            Ok(())
        };
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            match worker.join() {
                Ok(done) => done?,
                Err(_) => eprintln!("simulate: a worker panicked"),
            }
        }
        Ok::<(), std::io::Error>(())
    })?;
    bar.finish_and_clear();
    let (tally, mut violations) = whole
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    violations.sort_by_key(|failure: &Failure| failure.seed);
    Ok((tally, violations))
}

fn print(report: &Report) {
    let tally = &report.tally;
    for (title, counts) in [
        ("LRSs (runs)", &tally.characters),
        ("faults", &tally.faults),
        ("statements at the end", &tally.ends),
    ] {
        println!("{title}:");
        for (kind, count) in counts {
            println!("  {count:>10}  {kind}");
        }
    }
    let faults: u64 = tally.faults.values().sum();
    println!(
        "{} seeds, {} steps, {} faults, {} statements recorded, {} requests ({} beside others), {} checks in {:.1} s ({:.0} seeds a minute)",
        tally.seeds,
        tally.steps,
        faults,
        tally.statements,
        tally.requests,
        tally.beside,
        tally.checks,
        report.seconds,
        report.seeds_a_minute
    );
    for failure in &report.violations {
        println!(
            "seed {} ({}): {}",
            failure.seed, failure.world, failure.violation
        );
        println!("    again: {}", failure.again);
    }
    println!("{} violations", report.violations.len());
}
