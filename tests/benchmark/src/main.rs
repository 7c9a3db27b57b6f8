//! Pannier beside the least that anyone could do with the same parts; see `tests/bench`.
//!
//! `table` runs contenders in turns, each in a process of its own, so that what the machine does
//! beside it meets all of them alike, and prints ratios. The jobs can be run on their own, to put
//! Pannier beside another queue: `bench record FILE`, `bench validate FILE`, `bench drain FILE`.
#![allow(
    clippy::print_stdout,
    missing_docs,
    reason = "a program's own types; what it prints is its purpose"
)]

mod cost;
mod durability;
mod floor;
mod jobs;
mod sections;
mod sink;
mod table;

use clap::{Parser, Subcommand};
use serde_json::Value;

/// Whatever went wrong: it ends the run.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(name = "bench", about = "Measures Pannier beside the floors")]
struct Cli {
    #[command(subcommand)]
    job: Option<Job>,
    #[command(flatten)]
    table: table::Table,
}

#[derive(Subcommand)]
enum Job {
    /// Records the lines of a file one by one.
    Record(jobs::Record),
    /// Validates the lines of a file.
    Validate(jobs::Validate),
    /// Queues the lines of a file and delivers them to a sink of its own.
    Drain(jobs::Drain),
    /// Makes a queue.
    Fill(jobs::Make),
    /// Opens a queue, records, asks for the status.
    Open(jobs::Open),
    /// Opens a collector and does nothing.
    Idle(jobs::Idle),
    /// Prints made-up statements as JSON lines.
    Generate(jobs::Input),
    /// An LRS that keeps nothing, until its input ends.
    Sink(sink::Network),
}

fn main() -> Result<(), Failed> {
    let cli = Cli::parse();
    let costs = match cli.job {
        None => return cli.table.run(),
        Some(Job::Sink(line)) => return sink::run(line),
        Some(Job::Generate(input)) => return input.print(),
        Some(Job::Record(job)) => job.run()?,
        Some(Job::Validate(job)) => job.run()?,
        Some(Job::Drain(job)) => job.run()?,
        Some(Job::Fill(job)) => job.run()?,
        Some(Job::Open(job)) => job.run()?,
        Some(Job::Idle(job)) => job.run()?,
    };
    println!("{}", Value::Object(costs));
    Ok(())
}
