//! `pannier check`: is this a valid statement?

use std::path::PathBuf;

use clap::Args;
use pannier::statement::{Fault, Invalid, Warnings, XapiVersion, check};
use serde::Serialize;

use super::faults::Shown;
use super::input::{self, Item};
use super::{Failure, Output, tell};

/// Check statements without recording them
///
/// Says of every statement all that is wrong with it: where, what would be right, and which section of
/// the standard says so. A warning is of what is valid, and better left out as some LRSs refuse or drop
/// it. Of very many faults the first ones are told, and how many more there are. Takes what
/// `pannier record` takes: a statement, an array of them, one a line, one after the other, or an LRS's
/// answer to a GET.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  pannier check lesson.json
  pannier check --xapi 1.0.3 export.jsonl
  pannier check --json export.jsonl | jq 'select(.valid | not)'")]
pub struct CheckArgs {
    /// What to check; - or nothing for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The version of xAPI whose rules count
    #[arg(long, value_name = "VERSION", default_value = "2.0.0")]
    xapi: XapiVersion,

    /// Tell of all faults and warnings, not of the first ones only
    #[arg(long)]
    all_faults: bool,
}

#[derive(Serialize)]
struct Verdict {
    place: String,
    valid: bool,
    faults: Vec<Fault>,
    /// Faults beyond those listed.
    more: usize,
    warnings: Warnings,
}

/// Checks what is given; exit code 1 if any is not valid.
pub fn run(args: &CheckArgs, output: Output) -> Result<(), Failure> {
    let (mut checked, mut invalid, mut warned) = (0_u64, 0_u64, 0_u64);
    let (mut shown, mut warnings) = (Shown::new(args.all_faults), Shown::new(args.all_faults));
    input::each(&args.files, output.json, |item| {
        let verdict = Verdict::of(item, args.xapi);
        checked += 1;
        invalid += u64::from(!verdict.valid);
        warned += u64::from(!verdict.warnings.is_empty());
        if output.json {
            if verdict.valid {
                output.show(&verdict, "");
            } else {
                let faults = verdict.faults.len() + verdict.more;
                shown.together(faults, || output.show(&verdict, ""));
            }
            return Ok(());
        }
        let Verdict { place, faults, .. } = &verdict;
        shown.lines(place, faults, verdict.more, |line| output.say(line));
        let Warnings { listed, more } = &verdict.warnings;
        let listed: Vec<_> = listed.iter().map(|it| format!("warning: {it}")).collect();
        warnings.lines(place, &listed, *more, |line| output.say(line));
        Ok(())
    })?;
    for more in [shown.more("faults"), warnings.more("warnings")] {
        match more {
            // A program is told of the statements alone.
            Some(more) if output.json => tell(more),
            Some(more) => output.say(more),
            None => {}
        }
    }
    let with = if warned > 0 {
        format!("; {warned} with warnings")
    } else {
        String::new()
    };
    output.say(format_args!(
        "{} of {checked} valid by xAPI {}{with}",
        checked - invalid,
        args.xapi
    ));
    if invalid == 0 {
        Ok(())
    } else {
        Err(Failure::work(""))
    }
}

impl Verdict {
    fn of(Item { place, text }: Item, rules: XapiVersion) -> Self {
        let checked = text
            .map_err(|fault| Invalid::from(vec![fault]))
            .and_then(|text| check(&text, rules));
        let valid = checked.is_ok();
        let Invalid {
            faults,
            more,
            warnings,
        } = checked.map_or_else(
            |invalid| invalid,
            |warnings| Invalid {
                warnings,
                ..Invalid::default()
            },
        );
        Self {
            place,
            valid,
            faults,
            more,
            warnings,
        }
    }
}
