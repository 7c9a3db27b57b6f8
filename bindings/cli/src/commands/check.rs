//! `pannier check`: is this a valid statement?

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use pannier::statement::{Fault, Invalid, PANNIER_LIMIT, Warnings, XapiVersion};
use serde::Serialize;

use super::defaults::DefaultsArgs;
use super::faults::Shown;
use super::recordable::{Bad, Good, Judge};
use super::{Failure, Output, input, tell};

/// Check statements without recording them
///
/// Says of every statement all that is wrong with it: where, what would be right, and which section of
/// the standard says so. A warning is of what is valid, and better left out as some LRSs refuse or drop
/// it. Of very many faults the first ones are told, and how many more there are. Takes and refuses what
/// `pannier record` takes and refuses, but for what only the queue knows: a statement, an array of them, one
/// a line, one after the other, or an LRS's answer to a GET.
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

    #[command(flatten)]
    defaults: DefaultsArgs,

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

/// Checks the statements given; exit code 1 if any is not valid.
pub fn run(args: &CheckArgs, output: Output) -> Result<(), Failure> {
    let (mut checked, mut invalid, mut warned, mut ours) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut judge = Judge::new(args.xapi, args.defaults.read(args.xapi)?);
    let (mut shown, mut warnings) = (Shown::new(args.all_faults), Shown::new(args.all_faults));
    input::each(&args.files, output.json, |item| {
        let verdict = Verdict::from(judge.judge(item));
        checked += 1;
        ours += u64::from(verdict.is_for_a_limit_of_ours());
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
            // A program gets the statements alone.
            Some(more) if output.json => tell(more),
            Some(more) => output.say(more),
            None => {}
        }
    }
    let beside = [
        (ours, "refused for a limit of Pannier's own"),
        (warned, "with warnings"),
    ];
    let mut with = String::new();
    for (count, what) in beside.into_iter().filter(|(count, _)| *count > 0) {
        // Writing to a String cannot fail.
        let _ = write!(with, "; {count} {what}");
    }
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
    /// Tells whether only our own limits are broken, for which nobody else would refuse it.
    fn is_for_a_limit_of_ours(&self) -> bool {
        let mut faults = self.faults.iter();
        !self.valid && self.more == 0 && faults.all(|fault| fault.section == PANNIER_LIMIT)
    }
}

impl From<Result<Good, Bad>> for Verdict {
    fn from(judged: Result<Good, Bad>) -> Self {
        let valid = judged.is_ok();
        let (place, invalid) = match judged {
            Ok(Good { place, statement }) => {
                let fine = Invalid {
                    warnings: statement.prepared().warnings.clone(),
                    ..Invalid::default()
                };
                (place, fine)
            }
            Err(Bad { place, invalid }) => (place, invalid),
        };
        let Invalid {
            faults,
            more,
            warnings,
        } = invalid;
        Self {
            place,
            valid,
            faults,
            more,
            warnings,
        }
    }
}
