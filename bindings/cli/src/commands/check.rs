//! `pannier check`: is this a valid statement?

use std::path::PathBuf;

use clap::Args;
use pannier::statement::{Fault, XapiVersion, check};
use serde::Serialize;

use super::input::{self, Item};
use super::{Failure, Output};

/// Check statements without recording them
///
/// Says of every statement all that is wrong with it: where, what would be right, and which section of
/// the standard says so.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  pannier check lesson.json
  pannier check --xapi 1.0.3 --lines export.jsonl
  pannier check --json --lines export.jsonl | jq 'select(.valid | not)'")]
pub struct CheckArgs {
    /// What to check, each one statement; - or nothing for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Every line of a file is a statement
    #[arg(long)]
    lines: bool,

    /// The version of xAPI whose rules count
    #[arg(long, value_name = "VERSION", default_value = "2.0.0")]
    xapi: XapiVersion,
}

#[derive(Serialize)]
struct Verdict {
    place: String,
    valid: bool,
    faults: Vec<Fault>,
}

/// Checks what is given; exit code 1 if any is not valid.
pub fn run(args: &CheckArgs, output: Output) -> Result<(), Failure> {
    let (mut checked, mut invalid) = (0, 0);
    for (name, text) in input::read(&args.files)? {
        let items = if args.lines {
            input::lines(&name, &text)
        } else {
            vec![Item { place: name, text }]
        };
        for Item { place, text } in items {
            let faults = check(&text, args.xapi)
                .err()
                .map(|invalid| invalid.faults)
                .unwrap_or_default();
            let verdict = Verdict {
                place,
                valid: faults.is_empty(),
                faults,
            };
            checked += 1;
            invalid += usize::from(!verdict.valid);
            if output.json {
                output.show(&verdict, "")?;
            }
            for fault in &verdict.faults {
                output.say(format_args!("{}: {fault}", verdict.place))?;
            }
        }
    }
    output.say(format_args!(
        "{} of {checked} valid by xAPI {}",
        checked - invalid,
        args.xapi
    ))?;
    if invalid == 0 {
        Ok(())
    } else {
        Err(Failure::work(""))
    }
}
