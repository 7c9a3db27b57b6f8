//! The `pannier` command: arguments in, exit code out. What each command does is in the library.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pannier_cli::commands::{self, Failure, Output};

/// An offline-first xAPI statement collector
///
/// Records statements in a queue on this machine, with or without a network, and delivers them to an
/// LRS when there is one.
#[derive(Parser)]
#[command(name = "pannier", version, after_help = commands::EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Print JSON for programs: one object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    Hub(commands::hub::HubArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output { json: cli.json };
    let done = match cli.command {
        Command::Hub(args) => commands::hub::run(args, output),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, text }) => {
            if !text.is_empty() {
                eprintln!("pannier: {text}");
            }
            ExitCode::from(code)
        }
    }
}
