//! `pannier history`: what was delivered and is kept.

use clap::Args;
use pannier::{Config, ListedStatement, Uuid};
use serde::Serialize;
use serde_json::value::RawValue;

use super::queue_file::QueueArgs;
use super::{Failure, Output, arguments, list};

/// List the delivered statements that are still kept, the newest first
///
/// `pannier sync --keep` says for how long.
#[derive(Args, Debug)]
pub struct HistoryArgs {
    /// At most so many
    #[arg(long, value_name = "COUNT", value_parser = arguments::count)]
    limit: Option<usize>,

    /// The oldest first
    #[arg(long)]
    oldest_first: bool,
}

#[derive(Serialize)]
struct Entry {
    seq: i64,
    id: Uuid,
    recorded_at: i64,
    delivered_at: Option<i64>,
    statement: Option<Box<RawValue>>,
}

/// Lists the history.
pub fn run(args: &HistoryArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    let collector = queue.open(Config::default())?;
    let place = |one: &ListedStatement| one.seq;
    let show = |one: ListedStatement| {
        output.list(
            &Entry {
                seq: one.seq,
                id: one.id,
                recorded_at: one.recorded_at,
                delivered_at: one.delivered_at,
                statement: list::json(&one.statement),
            },
            format_args!(
                "{}  {}  {}",
                list::time(one.delivered_at.unwrap_or_default()),
                one.id,
                list::brief(&one.statement)
            ),
        )
    };
    if args.oldest_first {
        list::all(args.limit, |page| collector.history(page), place, show)
    } else {
        let page = |before, limit| collector.history_before(before, limit);
        list::newest_first(args.limit, page, place, show)
    }
}
