//! Fuzzes one reader, or checks one input that it failed on.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use pannier_tests::fuzz::{Failure, Fuzzer, TARGETS, Target};

/// Changes inputs and checks what comes of them, until the time is over or something is wrong.
///
/// Exits with 1 if something is wrong; the input is written to a file then, and `--input` checks it again.
#[derive(Parser)]
struct Arguments {
    /// What to fuzz: prepare, typed, compare, answers, multipart, signature, queue or hub.
    #[arg(value_parser = target)]
    target: Target,
    /// For how long.
    #[arg(long, default_value_t = 600, env = "PANNIER_FUZZ_SECONDS")]
    seconds: u64,
    /// End after so many inputs, if that is sooner.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    executions: u64,
    /// What all inputs follow from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Check this file alone.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

fn target(name: &str) -> Result<Target, String> {
    let names = TARGETS.map(|target| target.name).join(", ");
    Target::named(name).ok_or_else(|| format!("there are: {names}"))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(file) = &arguments.input {
        let input = std::fs::read(file).expect("a file to check");
        return match arguments.target.check(&input) {
            Ok(said) => {
                println!("nothing is wrong with it: {said}");
                ExitCode::SUCCESS
            }
            Err(_) => ExitCode::FAILURE,
        };
    }
    let mut fuzzer = Fuzzer::new(arguments.target, arguments.seed);
    let begun = Instant::now();
    let until = Duration::from_secs(arguments.seconds);
    while begun.elapsed() < until && fuzzer.executions < arguments.executions {
        if let Err(failure) = fuzzer.step() {
            tell(&arguments, &fuzzer, &failure);
            return ExitCode::FAILURE;
        }
    }
    println!(
        "{}: {} inputs from seed {}, {} of them kept",
        arguments.target.name,
        fuzzer.executions,
        arguments.seed,
        fuzzer.corpus().len()
    );
    ExitCode::SUCCESS
}

fn tell(arguments: &Arguments, fuzzer: &Fuzzer, failure: &Failure) {
    let (name, seed) = (arguments.target.name, arguments.seed);
    let file = std::env::temp_dir().join(format!("pannier-fuzz-{name}-{seed}"));
    println!(
        "{name}: input {} from seed {seed}: {}",
        fuzzer.executions, failure.said
    );
    match std::fs::write(&file, &failure.input) {
        Ok(()) => println!(
            "again: cargo run -p pannier-tests --bin fuzz -- {name} --input {}",
            file.display()
        ),
        Err(error) => println!(
            "the input could not be written to {}: {error}",
            file.display()
        ),
    }
}
