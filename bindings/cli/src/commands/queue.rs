//! `pannier queue`: what is not delivered yet.

use clap::Args;
use pannier::{Config, ListedStatement, Uuid, WaitReason, WaitingStatement};
use serde::Serialize;
use serde_json::value::RawValue;

use super::queue_file::QueueArgs;
use super::which::WhichArgs;
use super::{Failure, Output, advice, arguments, list};
use crate::terminal::one_line;

/// List the statements that are not delivered yet, in the order they were recorded
///
/// After those of the queue come those that wait aside until they can be sent, with what they wait
/// for. Held ones are under `pannier held list`.
#[derive(Args, Debug)]
pub struct QueueListArgs {
    #[command(flatten)]
    which: WhichArgs,

    /// At most so many
    #[arg(long, value_name = "COUNT", value_parser = arguments::count)]
    limit: Option<usize>,
}

/// A statement that is queued or set aside, with the same members.
#[derive(Serialize)]
struct Entry<'a> {
    seq: i64,
    id: Uuid,
    /// Time of recording.
    recorded_at: i64,
    /// Reason of the wait, where it is set aside; so are all below.
    waits_for: Option<WaitReason>,
    since: Option<i64>,
    until: Option<i64>,
    words: Option<&'a str>,
    statement: Option<Box<RawValue>>,
    /// Number of bytes that the contents of its attachments take here.
    content_bytes: u64,
}

/// Lists the queue.
pub fn run(args: &QueueListArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    let collector = queue.open(Config::default())?;
    let upstream = args.which.of(&collector)?;
    let mut left = args.limit.unwrap_or(usize::MAX);
    list::all(
        args.limit,
        |page| upstream.queued(page),
        |one| one.seq,
        |one| {
            left -= 1;
            queued(&one, output)
        },
    )?;
    list::all(
        Some(left),
        |page| upstream.waiting(page),
        |one| one.seq,
        |one| waiting(&one, output),
    )
}

fn queued(one: &ListedStatement, output: Output) -> Result<(), Failure> {
    let &ListedStatement {
        seq,
        id,
        recorded_at,
        ..
    } = one;
    output.list(
        &Entry {
            seq,
            id,
            recorded_at,
            waits_for: None,
            since: None,
            until: None,
            words: None,
            statement: list::json(&one.statement),
            content_bytes: one.content_bytes,
        },
        format_args!(
            "{}  {id}  {}{}",
            list::time(recorded_at),
            list::brief(&one.statement),
            list::with_contents(one.content_bytes)
        ),
    )
}

fn waiting(one: &WaitingStatement, output: Output) -> Result<(), Failure> {
    let &WaitingStatement {
        seq,
        id,
        reason,
        since,
        until,
        ..
    } = one;
    let end = until
        .map(|until| format!(", until {}", list::time(until)))
        .unwrap_or_default();
    // These words are ours.
    let needs = one
        .words
        .as_deref()
        .filter(|_| reason == WaitReason::Version);
    let needs = needs.map(|words| format!(": {}", one_line(words)));
    output.list(
        &Entry {
            seq,
            id,
            recorded_at: one.recorded_at,
            waits_for: Some(reason),
            since: Some(since),
            until,
            words: one.words.as_deref(),
            statement: list::json(&one.statement),
            content_bytes: one.content_bytes,
        },
        format_args!(
            "{}  {id}  {}{}  (waits: {}{}{end})",
            list::time(since),
            list::brief(&one.statement),
            list::with_contents(one.content_bytes),
            advice::aside(reason),
            needs.unwrap_or_default()
        ),
    )
}
