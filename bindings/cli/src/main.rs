//! The `pannier` command: arguments in, exit code out. What each command does is in the library.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use pannier_cli::commands::arguments::without_empty_variables;
use pannier_cli::commands::descriptors::{Opens, enough};
use pannier_cli::commands::queue_file::QueueArgs;
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

    #[command(flatten)]
    queue: QueueArgs,
}

#[derive(Subcommand)]
enum Command {
    Demo(commands::demo::DemoArgs),
    Record(commands::record::RecordArgs),
    Check(commands::check::CheckArgs),
    Sync(commands::sync::SyncArgs),
    Doctor(commands::doctor::DoctorArgs),
    Status(commands::status::StatusArgs),
    Queue(commands::queue::QueueListArgs),
    Held(commands::held::HeldArgs),
    History(commands::history::HistoryArgs),
    Retract(commands::take_back::RetractArgs),
    Void(commands::take_back::VoidArgs),
    Erase(commands::take_back::EraseArgs),
    #[command(name = pannier_cli::demo::killed::COMMAND, hide = true)]
    DemoHeadset(commands::demo::HeadsetArgs),
    Hub(commands::hub::HubArgs),
    Upstream(commands::upstreams::UpstreamsArgs),
}

impl Command {
    /// Fails where there is no room for what it opens.
    fn room(&self) -> Result<(), Failure> {
        enough(match self {
            // It opens one file at a time, and names the one that it cannot open.
            Self::Check(_) => return Ok(()),
            Self::Sync(_) | Self::Doctor(_) => Opens::Network,
            Self::Demo(_) | Self::Hub(_) => Opens::Several,
            Self::Record(_)
            | Self::Status(_)
            | Self::Queue(_)
            | Self::Held(_)
            | Self::Upstream(_)
            | Self::History(_)
            | Self::Retract(_)
            | Self::Void(_)
            | Self::Erase(_)
            | Self::DemoHeadset(_) => Opens::Queue,
        })
    }
}

/// Tells whether there is no command, whatever else was given.
fn lacks_a_command(error: &clap::Error) -> bool {
    let of = error.get(ContextKind::InvalidSubcommand);
    error.kind() == ErrorKind::MissingSubcommand
        && matches!(of, Some(ContextValue::String(name)) if name == "pannier")
}

fn parsed() -> Result<Cli, clap::Error> {
    let command = without_empty_variables(Cli::command());
    Cli::from_arg_matches(&command.try_get_matches()?)
}

/// Turns a file that may not grow any more (`ulimit -f`) into an error like a full disk, which is reported, instead
/// of a signal that ends the command silently.
#[cfg(unix)]
fn outlive_the_file_size_limit() {
    let seen = std::sync::Arc::default();
    // If it cannot be registered, everything is as before.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, seen);
}

#[cfg(not(unix))]
fn outlive_the_file_size_limit() {}

fn main() -> ExitCode {
    outlive_the_file_size_limit();
    let Cli {
        command,
        json,
        queue,
    } = match parsed() {
        Ok(cli) => cli,
        // clap's own message would name the hidden command.
        Err(error) if lacks_a_command(&error) => {
            commands::tell(Cli::command().render_help());
            return ExitCode::from(2);
        }
        Err(error) => error.exit(),
    };
    let output = Output { json };
    let done = command.room().and_then(|()| match command {
        Command::Record(args) => commands::record::run(&args, &queue, output),
        Command::Check(args) => commands::check::run(&args, output),
        Command::Sync(args) => commands::sync::run(&args, &queue, output),
        Command::Doctor(args) => commands::doctor::run(&args, &queue, output),
        Command::Status(args) => commands::status::run(&args, &queue, output),
        Command::Queue(args) => commands::queue::run(&args, &queue, output),
        Command::Held(args) => commands::held::run(&args, &queue, output),
        Command::History(args) => commands::history::run(&args, &queue, output),
        Command::Retract(args) => commands::take_back::retract(&args, &queue, output),
        Command::Void(args) => commands::take_back::void(&args, &queue, output),
        Command::Erase(args) => commands::take_back::erase(&args, &queue, output),
        Command::Demo(args) => commands::demo::run(args, output),
        Command::DemoHeadset(args) => commands::demo::run_headset(args),
        Command::Upstream(args) => commands::upstreams::run(&args, &queue, output),
        Command::Hub(args) => commands::hub::run(&args, output),
    });
    match commands::ended(done) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, text }) => {
            if !text.is_empty() {
                commands::tell(format_args!("pannier: {text}"));
            }
            ExitCode::from(code)
        }
    }
}
