//! `pannier held`: statements that were set aside, and what can be done about them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::{Args, Subcommand};
use pannier::statement::Difference;
use pannier::{
    Collector, Config, Conflict, Error, HeldStatement, HoldReason, Upstream, Uuid, WithContents,
};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::contents::ContentArgs;
use super::each::{each_of, for_each};
use super::output::{go_on, print};
use super::queue_file::QueueArgs;
use super::which::WhichArgs;
use super::{Failure, Output, advice, arguments, input, list, tell};
use crate::terminal::one_line;

/// See and settle the statements that the LRS would not take
///
/// A held statement stays until you retry, replace or discard it. Nothing else waits for it. One
/// that is held as a conflict, since the LRS has another one under its id, can also be given up for
/// that one, or be sent under a new id.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  pannier held list
  pannier held show 6f9619ff-8b86-d011-b42d-00c04fc964ff
  pannier held export > held.jsonl
  pannier held export --contents contents > held.jsonl
  pannier held replace 6f9619ff-8b86-d011-b42d-00c04fc964ff corrected.json
  pannier held retry --all && pannier sync
  pannier held send-as-new 6f9619ff-8b86-d011-b42d-00c04fc964ff")]
pub struct HeldArgs {
    #[command(flatten)]
    at: WhichArgs,

    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// List them with their reasons
    List,
    /// Show one: the statement, the LRS's words, and for a conflict its copy and where the two differ
    Show {
        /// The statement's id
        #[arg(value_parser = arguments::id)]
        id: Uuid,
    },
    /// Send them again at the next sync
    Retry(Which),
    /// Put a corrected statement in the place of one
    Replace {
        /// The held statement's id
        #[arg(value_parser = arguments::id)]
        id: Uuid,
        /// The corrected statement; - for standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Contents of its attachments, where they are not those of the held one
        #[command(flatten)]
        contents: ContentArgs,
    },
    /// Give them up for good
    Discard(Which),
    /// End conflicts: what the LRS has stays, ours is given up
    KeepTheirs(Named),
    /// End conflicts: send ours under a new id that links to the old one
    SendAsNew(Named),
    /// Print their JSON as it was recorded, each on a line
    Export {
        /// A folder to write the contents of their attachments to, each as a file named by its hash
        #[arg(long, value_name = "DIR")]
        contents: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
struct Which {
    /// The statements' ids
    #[arg(required_unless_present = "all", value_name = "ID", value_parser = arguments::id)]
    ids: Vec<Uuid>,

    /// All that are held
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

#[derive(Args, Debug)]
struct Named {
    /// The statements' ids
    #[arg(required = true, value_name = "ID", value_parser = arguments::id)]
    ids: Vec<Uuid>,
}

/// A held statement for a program.
#[derive(Serialize)]
struct Shown<'a> {
    id: Uuid,
    /// Time of recording.
    recorded_at: i64,
    reason: String,
    since: i64,
    status: Option<u16>,
    words: &'a str,
    statement: Option<Box<RawValue>>,
    /// Number of bytes that the contents of its attachments take here.
    content_bytes: u64,
    theirs: Option<Box<RawValue>>,
    differences: Vec<Difference>,
}

/// Runs the command.
pub fn run(args: &HeldArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    let collector = queue.open(Config::default())?;
    let upstream = args.at.of(&collector)?;
    let told = |error| told(&collector, &upstream, error);
    match &args.action {
        Action::List => each(&upstream, |held| output.list(&shown(&held), line(&held))),
        Action::Show { id } => {
            let held = upstream.held_one(*id).map_err(told)?;
            output.show(&shown(&held), details(&held));
            Ok(())
        }
        Action::Retry(which) => retry(&upstream, which, output, told),
        Action::Replace { id, file, contents } => {
            let statement = input::only(file, contents)?;
            replace(&upstream, *id, statement, output, told)
        }
        Action::Discard(which) => {
            let ids = which.ids(&upstream, output, |_| true)?;
            let done = for_each(&ids, output, "discarded", |id| {
                upstream.discard(id).map_err(told)
            });
            tell_of_voidings(&upstream, &ids)?;
            done
        }
        Action::KeepTheirs(named) => {
            let given_up = "given up for the LRS's";
            let done = for_each(&named.ids, output, given_up, |id| {
                upstream.keep_theirs(id).map_err(told)
            });
            tell_of_voidings(&upstream, &named.ids)?;
            done
        }
        Action::SendAsNew(named) => send_as_new(&upstream, &named.ids, output, told),
        Action::Export { contents } => each(&upstream, |held| {
            if let Some(folder) = contents {
                export_contents(&collector, &held, folder)?;
            }
            print(list::line(&held.statement));
            go_on()
        }),
    }
}

/// Returns what to say of an error; where another upstream holds the statement, which one that is.
fn told(collector: &Collector, upstream: &Upstream, error: Error) -> Failure {
    let Error::NotHeld { id } = error else {
        return error.into();
    };
    // What cannot be asked now is not named.
    let all = collector.upstreams().unwrap_or_default();
    let others = all.iter().filter(|one| one.name != upstream.name());
    let holds = |name: &str| {
        let held = collector.upstream(name).and_then(|one| one.held_one(id));
        held.is_ok()
    };
    let holding: Vec<_> = others
        .map(|one| one.name.as_str())
        .filter(|name| holds(name))
        .map(|name| format!("`--upstream {name}`"))
        .collect();
    match holding.as_slice() {
        [] => error.into(),
        some => Failure::work(format!(
            "statement {id} is not held for {}, but for another upstream: say {}",
            upstream.name(),
            some.join(" or ")
        )),
    }
}

fn each(
    upstream: &Upstream,
    show: impl FnMut(HeldStatement) -> Result<(), Failure>,
) -> Result<(), Failure> {
    list::all(None, |page| upstream.held(page), |held| held.seq, show)
}

impl Which {
    /// Returns the statements that are named, or all held ones that `takes` accepts.
    fn ids(
        &self,
        upstream: &Upstream,
        output: Output,
        mut takes: impl FnMut(&HeldStatement) -> bool,
    ) -> Result<Vec<Uuid>, Failure> {
        let mut ids = self.ids.clone();
        if self.all {
            let mut any = false;
            each(upstream, |held| {
                any = true;
                if takes(&held) {
                    ids.push(held.id);
                }
                Ok(())
            })?;
            if !any {
                output.say("nothing is held");
            }
        }
        Ok(ids)
    }
}

/// Retries statements. Voidings whose target was given up are left out of `--all`: each would void what somebody
/// else has under that id, so it is retried by its own id only.
fn retry(
    upstream: &Upstream,
    which: &Which,
    output: Output,
    told: impl Fn(Error) -> Failure,
) -> Result<(), Failure> {
    let mut left = 0_u64;
    let ids = which.ids(upstream, output, |held| {
        let is_voiding = held.reason == HoldReason::TargetGivenUp;
        left += u64::from(is_voiding);
        !is_voiding
    })?;
    let done = for_each(&ids, output, "will be sent with the next sync", |id| {
        upstream.retry(id).map_err(&told)
    });
    if left > 0 {
        tell(format!(
            "not retried: {left} whose target was given up here, since they would void what is not from here; discard \
             them, or retry each by its id"
        ));
    }
    done
}

/// Writes the contents of a statement's attachments to files that are named by their hashes. What is there already stays.
fn export_contents(
    collector: &Collector,
    held: &HeldStatement,
    folder: &Path,
) -> Result<(), Failure> {
    if held.content_bytes == 0 {
        return Ok(());
    }
    let cannot = |path: &Path, error: &io::Error| {
        Failure::work(format!(
            "cannot write {}: {error}",
            one_line(path.display())
        ))
    };
    fs::create_dir_all(folder).map_err(|error| cannot(folder, &error))?;
    for one in collector.contents(held.id)? {
        let path = folder.join(&one.sha2);
        if !path.exists() {
            fs::write(&path, one.content.octets()).map_err(|error| cannot(&path, &error))?;
        }
    }
    Ok(())
}

fn send_as_new(
    upstream: &Upstream,
    ids: &[Uuid],
    output: Output,
    told: impl Fn(Error) -> Failure,
) -> Result<(), Failure> {
    let done = each_of(ids, |id| {
        let new = upstream.send_as_new(id).map_err(&told)?;
        replaced(id, new, output);
        Ok::<_, Failure>(())
    });
    tell_of_voidings(upstream, ids)?;
    done
}

fn replace(
    upstream: &Upstream,
    id: Uuid,
    statement: WithContents<Vec<u8>>,
    output: Output,
    told: impl Fn(Error) -> Failure,
) -> Result<(), Failure> {
    let new = upstream.replace(id, statement).map_err(told)?;
    if is_on_its_way(upstream, new)? {
        replaced(id, new, output);
    } else {
        output.show(
            &replacement(id, new, false),
            format_args!(
                "{new}  is delivered already and takes the place of {id}: nothing is queued"
            ),
        );
    }
    tell_of_voidings(upstream, &[id])
}

/// Tells whether it is queued or waits; one that is here and does neither is at the LRS.
fn is_on_its_way(upstream: &Upstream, id: Uuid) -> Result<bool, Failure> {
    let mut found = false;
    let mut look = |one: Uuid| {
        found |= one == id;
        go_on()
    };
    list::all(
        None,
        |page| upstream.queued(page),
        |one| one.seq,
        |one| look(one.id),
    )?;
    list::all(
        None,
        |page| upstream.waiting(page),
        |one| one.seq,
        |one| look(one.id),
    )?;
    Ok(found)
}

/// Reports the earlier voidings of these, which are held now.
fn tell_of_voidings(upstream: &Upstream, given_up: &[Uuid]) -> Result<(), Failure> {
    tell_of_held_voidings(std::slice::from_ref(upstream), |target| {
        given_up.contains(&target)
    })
}

/// Reports, at each of these upstreams, the held voidings of any target that `is_given_up` names.
pub fn tell_of_held_voidings(
    upstreams: &[Upstream],
    is_given_up: impl Fn(Uuid) -> bool,
) -> Result<(), Failure> {
    for upstream in upstreams {
        let at = match upstreams {
            [_] => String::new(),
            _ => format!(" for {}", one_line(upstream.name())),
        };
        each_held_voiding(upstream, |held, target| {
            if is_given_up(target) {
                tell(format!(
                    "{} voids {target} and is held now{at}: {}",
                    held.id,
                    advice::remedy(held.reason)
                ));
            }
        })?;
    }
    Ok(())
}

/// Returns the targets of such held voidings at any of these upstreams.
pub fn targets_given_up(upstreams: &[Upstream]) -> Result<BTreeSet<Uuid>, Failure> {
    let mut targets = BTreeSet::new();
    for upstream in upstreams {
        each_held_voiding(upstream, |_, target| {
            targets.insert(target);
        })?;
    }
    Ok(targets)
}

/// Calls `act` with each voiding that is held because its target was given up, and with that target's id.
fn each_held_voiding(
    upstream: &Upstream,
    mut act: impl FnMut(&HeldStatement, Uuid),
) -> Result<(), Failure> {
    each(upstream, |held| {
        if held.reason == HoldReason::TargetGivenUp
            && let Some(target) = list::object_id(&held.statement)
        {
            act(&held, target);
        }
        Ok(())
    })
}

fn replaced(old: Uuid, new: Uuid, output: Output) {
    output.show(
        &replacement(old, new, true),
        format_args!("{new}  queued in the place of {old}"),
    );
}

/// Returns a replacement for a program.
fn replacement(old: Uuid, new: Uuid, queued: bool) -> serde_json::Value {
    json!({ "id": new, "replaces": old, "queued": queued })
}

fn shown(held: &HeldStatement) -> Shown<'_> {
    Shown {
        id: held.id,
        recorded_at: held.recorded_at,
        reason: held.reason.to_string(),
        since: held.since,
        status: held.status,
        words: &held.words,
        statement: list::json(&held.statement),
        content_bytes: held.content_bytes,
        theirs: held.theirs.as_deref().and_then(list::json),
        differences: differences(held),
    }
}

fn line(held: &HeldStatement) -> String {
    format!(
        "{}  {}  {}{}  ({})",
        list::time(held.since),
        held.id,
        list::brief(&held.statement),
        list::with_contents(held.content_bytes),
        reason(held)
    )
}

/// Returns the reason, and what the LRS itself said.
fn reason(held: &HeldStatement) -> String {
    let said = advice::of_the_lrs(held).map(|said| format!(": {said}"));
    format!("{}{}", advice::held(held.reason), said.unwrap_or_default())
}

fn details(held: &HeldStatement) -> String {
    let mut text = format!(
        "{}\n{}\n\nheld since  {}\nreason      {} ({})\n",
        held.id,
        list::brief(&held.statement),
        list::time(held.since),
        advice::held(held.reason),
        held.reason,
    );
    // Writing to a String cannot fail.
    if let Some(said) = advice::of_the_lrs(held) {
        let _ = writeln!(text, "LRS says    {said}");
    }
    let _ = writeln!(text, "what to do  {}", advice::remedy(held.reason));
    if held.content_bytes > 0 {
        let _ = writeln!(
            text,
            "contents    {} bytes, here; `pannier held export --contents DIR` writes them",
            held.content_bytes
        );
    }
    let absent = || "nothing".to_owned();
    for difference in differences(held) {
        let _ = writeln!(
            text,
            "differs     {}: ours {}, theirs {}",
            difference.path,
            difference.ours.unwrap_or_else(absent),
            difference.theirs.unwrap_or_else(absent)
        );
    }
    let _ = write!(text, "\nstatement:\n{}", list::pretty(&held.statement));
    if let Some(theirs) = &held.theirs {
        let _ = write!(text, "\n\nthe LRS has:\n{}", list::pretty(theirs));
    }
    text
}

fn differences(held: &HeldStatement) -> Vec<Difference> {
    Conflict::of(held).map_or_else(Vec::new, |conflict| conflict.differences)
}
