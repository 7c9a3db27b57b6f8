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

    /// Print JSON for programs, one object a line; errors stay text on standard error
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    Demo(commands::demo::DemoArgs),
    Record(commands::record::RecordArgs),
    Check(commands::check::CheckArgs),
    Sync(commands::sync::SyncArgs),
    Status(commands::status::StatusArgs),
    Queue(commands::queue::QueueListArgs),
    Held(commands::held::HeldArgs),
    History(commands::history::HistoryArgs),
    #[command(name = pannier_cli::demo::killed::COMMAND, hide = true)]
    DemoHeadset(commands::demo::HeadsetArgs),
    Hub(commands::hub::HubArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output { json: cli.json };
    let done = match cli.command {
        Command::Record(args) => commands::record::run(&args, output),
        Command::Check(args) => commands::check::run(&args, output),
        Command::Sync(args) => commands::sync::run(&args, output),
        Command::Status(args) => commands::status::run(&args, output),
        Command::Queue(args) => commands::queue::run(&args, output),
        Command::Held(args) => commands::held::run(&args, output),
        Command::History(args) => commands::history::run(&args, output),
        Command::Demo(args) => commands::demo::run(args, output),
        Command::DemoHeadset(args) => commands::demo::run_headset(args),
        Command::Hub(args) => commands::hub::run(&args, output),
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
