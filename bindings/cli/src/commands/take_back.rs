//! `pannier retract`, `void` and `erase`: undoing what should not have been recorded.

use clap::Args;
use pannier::statement::model::Agent;
use pannier::{Collector, Config, Error, Upstream, Uuid};
use serde::Serialize;
use serde_json::json;

use super::each::for_each;
use super::held::{targets_given_up, tell_of_held_voidings};
use super::person::PersonArgs;
use super::queue_file::QueueArgs;
use super::{Failure, Output, arguments, confirm};
use crate::terminal::one_line;

/// Take statements back that no LRS can have
///
/// They were never sent, or the LRS itself refused them each time. One that may be at the LRS can only be voided
/// there: see `pannier void`.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  pannier retract 6f9619ff-8b86-d011-b42d-00c04fc964ff")]
pub struct RetractArgs {
    /// The statements' ids
    #[arg(required = true, value_name = "ID", value_parser = arguments::id)]
    ids: Vec<Uuid>,
}

/// Record a statement that voids another one
///
/// It is sent after the one that it voids is delivered, and to the LRSs that get that one. Of a statement that this
/// machine does not know, or no more, it is sent to all of them. The LRS decides whether it obeys.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Who voids it is named like any actor, by one identifier.

Examples:
  pannier void 6f9619ff-8b86-d011-b42d-00c04fc964ff --mbox teacher@example.com
  pannier void 6f9619ff-8b86-d011-b42d-00c04fc964ff --account https://school.example teacher-7")]
pub struct VoidArgs {
    /// The id of the statement to void
    #[arg(value_name = "ID", value_parser = arguments::id)]
    id: Uuid,

    #[command(flatten)]
    who: PersonArgs,
}

/// Erase a person from the queue, for good
///
/// Every statement that names them leaves this machine, delivered or not, and its bytes are
/// overwritten. The LRS keeps what it has: ask there too.
#[derive(Args, Debug)]
#[command(after_long_help = "\
A mail address is found however it is spelt (letter case, %40 for @) and by its SHA-1; a URL in any
equivalent spelling; an account's name only as it is written. Names and texts are not searched. A person
may be known by several identifiers: erase each. Asks before it does anything.

Examples:
  pannier erase --mbox ada@example.com
  pannier erase --account https://school.example seat-7 --yes")]
pub struct EraseArgs {
    #[command(flatten)]
    who: PersonArgs,

    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Takes back what no LRS can have; failures are reported, and the others are taken back all the same.
pub fn retract(args: &RetractArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    let collector = queue.open(Config::default())?;
    let done = for_each(&args.ids, output, "taken back", |id| collector.retract(id));
    tell_of_held_voidings(&upstreams(&collector)?, |target| args.ids.contains(&target))?;
    done
}

fn upstreams(collector: &Collector) -> Result<Vec<Upstream>, Failure> {
    let all = collector.upstreams()?.into_iter();
    let all = all.map(|one| collector.upstream(&one.name));
    Ok(all.collect::<Result<_, _>>()?)
}

/// Records a voiding.
pub fn void(args: &VoidArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    let who = args.who.ifi()?;
    let collector = queue.open(Config::default())?;
    let voided = collector.void(args.id, Agent::new(who));
    let id = voided.map_err(|error| match error {
        // All that is in it comes from the arguments.
        Error::Invalid(_) => Failure::usage(error.to_string()),
        _ => error.into(),
    })?;
    output.show(
        &json!({ "id": id, "voids": args.id }),
        format_args!("{id}  recorded; it voids {}", args.id),
    );
    tell_of_held_voidings(&upstreams(&collector)?, |target| target == args.id)
}

#[derive(Serialize)]
struct Erased {
    undelivered: u64,
    maybe_sent: u64,
    history: u64,
    remaining: Vec<String>,
}

/// Erases a person.
pub fn erase(args: &EraseArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    let who = args.who.ifi()?;
    let collector = queue.open(Config::default())?;
    let path = queue.path()?;
    let what = format!(
        "All statements in {} that name this person are erased for good, undelivered ones too",
        one_line(path.display())
    );
    confirm::ask(args.yes, &what)?;
    let upstreams = upstreams(&collector)?;
    let before = targets_given_up(&upstreams)?;
    let erased = collector.erase(&who)?;
    let remaining = erased.remaining.iter();
    let remaining: Vec<_> = remaining.map(|path| path.display().to_string()).collect();
    output.show(
        &Erased {
            undelivered: erased.undelivered,
            maybe_sent: erased.maybe_sent,
            history: erased.history,
            remaining: remaining.clone(),
        },
        format_args!(
            "{} undelivered statements and {} of the history were erased{}",
            erased.undelivered,
            erased.history,
            if erased.undelivered + erased.history == 0 {
                ": no statement here names them by this identifier".to_owned()
            } else if erased.maybe_sent + erased.history > 0 {
                format!(
                    "; {} of them are or may be at the LRS: ask there too",
                    erased.maybe_sent + erased.history
                )
            } else {
                String::new()
            }
        ),
    );
    tell_of_held_voidings(&upstreams, |target| !before.contains(&target))?;
    if remaining.is_empty() {
        return Ok(());
    }
    Err(Failure::work(format!(
        "they may be named still in {}: delete a damaged file that was kept; for the queue's own file \
         make room, let another process that reads it end, and erase once more",
        one_line(remaining.join(", "))
    )))
}
