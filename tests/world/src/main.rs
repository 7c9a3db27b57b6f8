//! The command `pannier` against servers that nobody tamed: portals, gateways, beacons, proxies that
//! give up, LRSs that are slow, forgetful or wrong about the time. What is expected comes from what a
//! server has stored, which secret it got, the exit code and the `--json` of the command, never from
//! Pannier's code. `tests/run world` runs it.

mod device;
mod http;
mod lrs;
mod pending;
mod run;
mod scenarios;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Runs the scenarios and ends with a tally.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only scenarios whose names contain one of these
    names: Vec<String>,

    /// The command that is judged
    #[arg(long, env = "PANNIER_COMMAND", value_name = "FILE")]
    command: PathBuf,

    /// Those that wait for minutes, too
    #[arg(long)]
    nightly: bool,

    /// List the scenarios and end
    #[arg(long)]
    list: bool,

    /// So many at once; most of the time they wait
    #[arg(long, default_value_t = 24)]
    jobs: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let wanted = scenarios::all().into_iter().filter(|scenario| {
        let named = arguments
            .names
            .iter()
            .any(|name| scenario.name.contains(name));
        named || arguments.names.is_empty() && (!scenario.nightly || arguments.nightly)
    });
    let wanted: Vec<_> = wanted.collect();
    if arguments.list {
        for scenario in wanted {
            println!("{}", scenario.name);
        }
        return ExitCode::SUCCESS;
    }
    let command = std::fs::canonicalize(&arguments.command);
    let Ok(command) = command else {
        eprintln!("{} is not there", arguments.command.display());
        return ExitCode::from(2);
    };
    device::COMMAND.set(command).expect("set here alone");
    run::all(wanted, arguments.jobs)
}
