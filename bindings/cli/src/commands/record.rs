//! `pannier record`: statements into the queue.

use std::path::PathBuf;

use clap::Args;
use pannier::statement::{Invalid, XapiVersion, check};
use pannier::{Config, Uuid};
use serde::Serialize;

use super::input::{self, Item};
use super::queue_file::QueueArgs;
use super::{Failure, Output};

/// Put statements into the queue, with or without a network
///
/// Takes JSON: a statement, an array of them, or one after the other (JSON lines). Each is checked,
/// gets an id and a timestamp if it has none, and is safe on the disk when the command ends. If any
/// is not valid, none is recorded, so that the same input can be corrected and given again.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  pannier record lesson.json
  pannier record --queue field.db monday.jsonl tuesday.jsonl
  my-app | pannier record -")]
pub struct RecordArgs {
    /// What to record; - or nothing for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Record the valid ones even if others are not
    #[arg(long)]
    skip_invalid: bool,

    /// The version of xAPI whose rules count
    #[arg(long, value_name = "VERSION", default_value = "2.0.0")]
    xapi: XapiVersion,

    #[command(flatten)]
    queue: QueueArgs,
}

#[derive(Serialize)]
struct Recorded<'a> {
    place: &'a str,
    id: Uuid,
}

/// Records what is given.
pub fn run(args: &RecordArgs, output: Output) -> Result<(), Failure> {
    let mut good: Vec<Item> = Vec::new();
    let mut bad: Vec<(String, Invalid)> = Vec::new();
    for (name, text) in input::read(&args.files)? {
        for item in input::statements(&name, &text) {
            match check(&item.text, args.xapi) {
                Ok(_) => good.push(item),
                Err(invalid) => bad.push((item.place, invalid)),
            }
        }
    }
    for (place, invalid) in &bad {
        refuse(place, invalid, output)?;
    }
    if !bad.is_empty() && !args.skip_invalid {
        return Err(Failure::work(format!(
            "{} of {} statements are not valid, so none was recorded; correct them, or --skip-invalid",
            bad.len(),
            bad.len() + good.len()
        )));
    }
    let mut config = Config::default();
    config.rules = args.xapi;
    let collector = args.queue.open(config)?;
    let ids = collector.record_all(good.iter().map(|item| &item.text))?;
    for (item, id) in good.iter().zip(&ids) {
        if output.json {
            output.show(
                &Recorded {
                    place: &item.place,
                    id: *id,
                },
                "",
            )?;
        }
    }
    output.say(format_args!("{} recorded", ids.len()))?;
    if bad.is_empty() {
        Ok(())
    } else {
        Err(Failure::work(format!(
            "{} were not valid and were skipped",
            bad.len()
        )))
    }
}

/// Says what is wrong with a statement: on standard error, or with `--json` among the others.
fn refuse(place: &str, invalid: &Invalid, output: Output) -> Result<(), Failure> {
    if output.json {
        return output.show(
            &serde_json::json!({ "place": place, "faults": invalid.faults }),
            "",
        );
    }
    for fault in &invalid.faults {
        eprintln!("{place}: {fault}");
    }
    Ok(())
}
