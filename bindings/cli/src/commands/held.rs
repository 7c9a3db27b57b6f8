//! `pannier held`: statements that were set aside, and what can be done about them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use pannier::statement::{Comparison, compare};
use pannier::store::HeldStatement;
use pannier::{Collector, Config, Uuid};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::queue_file::QueueArgs;
use super::{Failure, Output, input, list, print};

/// See and settle the statements that the LRS would not take
///
/// A held statement stays until you retry, replace or discard it. Nothing else waits for it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  pannier held list
  pannier held show 6f9619ff-8b86-d011-b42d-00c04fc964ff
  pannier held export > held.jsonl
  pannier held replace 6f9619ff-8b86-d011-b42d-00c04fc964ff corrected.json
  pannier held retry --all && pannier sync")]
pub struct HeldArgs {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    queue: QueueArgs,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// List them with their reasons
    List,
    /// Show one: the statement, the LRS's words, and for a conflict where its copy differs
    Show {
        /// The statement's id
        id: Uuid,
    },
    /// Send them again at the next sync
    Retry(Which),
    /// Put a corrected statement in the place of one
    Replace {
        /// The held statement's id
        id: Uuid,
        /// The corrected statement; - for standard input
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Give them up for good
    Discard(Which),
    /// Print their JSON as it was recorded, each on a line
    Export,
}

#[derive(Args, Debug)]
struct Which {
    /// The statements' ids
    #[arg(required_unless_present = "all", value_name = "ID")]
    ids: Vec<Uuid>,

    /// All that are held
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

/// A held statement for a program.
#[derive(Serialize)]
struct Shown<'a> {
    id: Uuid,
    reason: String,
    since: i64,
    status: Option<u16>,
    words: &'a str,
    statement: Option<Box<RawValue>>,
    theirs: Option<Box<RawValue>>,
}

/// Does what is asked.
pub fn run(args: &HeldArgs, output: Output) -> Result<(), Failure> {
    let collector = args.queue.open(Config::default())?;
    match &args.action {
        Action::List => each(&collector, |held| output.show(&shown(&held), line(&held))),
        Action::Show { id } => {
            let held = collector.held_one(*id)?;
            output.show(&shown(&held), details(&held))
        }
        Action::Retry(which) => settle(
            &collector,
            which,
            output,
            "will be sent again",
            Collector::retry,
        ),
        Action::Replace { id, file } => replace(&collector, *id, file, output),
        Action::Discard(which) => {
            settle(&collector, which, output, "discarded", Collector::discard)
        }
        Action::Export => each(&collector, |held| print(list::line(&held.statement))),
    }
}

fn each(
    collector: &Collector,
    show: impl FnMut(HeldStatement) -> Result<(), Failure>,
) -> Result<(), Failure> {
    list::all(None, |page| collector.held(page), |held| held.seq, show)
}

fn settle(
    collector: &Collector,
    which: &Which,
    output: Output,
    done: &str,
    act: impl Fn(&Collector, Uuid) -> Result<(), pannier::Error>,
) -> Result<(), Failure> {
    let mut ids = which.ids.clone();
    if which.all {
        each(collector, |held| {
            ids.push(held.id);
            Ok(())
        })?;
    }
    for id in &ids {
        act(collector, *id)?;
        output.show(
            &json!({ "id": id, "done": done }),
            format_args!("{id}  {done}"),
        )?;
    }
    Ok(())
}

fn replace(collector: &Collector, id: Uuid, file: &PathBuf, output: Output) -> Result<(), Failure> {
    let read = input::read(std::slice::from_ref(file))?;
    let text = read
        .into_iter()
        .map(|(_, text)| text)
        .next()
        .unwrap_or_default();
    let new = collector.replace(id, text)?;
    output.show(
        &json!({ "id": new, "replaces": id }),
        format_args!("{new}  queued in the place of {id}"),
    )
}

fn shown(held: &HeldStatement) -> Shown<'_> {
    Shown {
        id: held.id,
        reason: held.reason.to_string(),
        since: held.since,
        status: held.status,
        words: &held.words,
        statement: list::json(&held.statement),
        theirs: held.theirs.as_deref().and_then(list::json),
    }
}

fn line(held: &HeldStatement) -> String {
    format!(
        "{}  {}  {}: {}",
        list::time(held.since),
        held.id,
        reason(held),
        held.words
    )
}

fn reason(held: &HeldStatement) -> String {
    match held.status {
        Some(status) => format!("{} ({status})", held.reason),
        None => held.reason.to_string(),
    }
}

fn details(held: &HeldStatement) -> String {
    let mut text = format!(
        "{}\nheld since  {}\nreason      {}\nLRS says    {}\nstatement   {}",
        held.id,
        list::time(held.since),
        reason(held),
        held.words,
        held.statement
    );
    if let Some(theirs) = &held.theirs {
        text = format!("{text}\nLRS has     {theirs}");
        if let Comparison::Different(differences) =
            compare(held.statement.as_bytes(), theirs.as_bytes())
        {
            let absent = || "nothing".to_owned();
            for difference in differences {
                text = format!(
                    "{text}\ndiffers     {}: ours {}, theirs {}",
                    difference.path,
                    difference.ours.unwrap_or_else(absent),
                    difference.theirs.unwrap_or_else(absent)
                );
            }
        }
    }
    text
}
