//! `pannier check`: is this a valid statement?

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use pannier::statement::{Fault, Invalid, PANNIER_LIMIT, Prepared, Warnings, XapiVersion};
use pannier_signature::verify;
use serde::Serialize;

use super::contents::{self, ContentArgs, GivenContents};
use super::defaults::DefaultsArgs;
use super::faults::Shown;
use super::input::Found;
use super::recordable::{Bad, Good, Judge};
use super::signatures::{self, Count, SignatureArgs, Told};
use super::{Failure, Output, input, tell};

/// Check statements without recording them
///
/// Says of every statement all that is wrong with it: where, what would be right, and which section of
/// the standard says so. A warning is of what is valid, and better left out as some LRSs refuse or drop
/// it. Of very many faults the first ones are told, and how many more there are. Takes and refuses what
/// `pannier record` takes and refuses, but for what only the queue knows: a statement, an array of them, one
/// a line, one after the other, or an LRS's answer to a GET. With the contents of attachments it also says of
/// each signature what it shows.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  pannier check lesson.json
  pannier check --xapi 1.0.3 export.jsonl
  pannier check --json export.jsonl | jq 'select(.valid | not)'
  pannier check signed.json --content signature.jws --trust school.pem --require-signature")]
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

    #[command(flatten)]
    contents: ContentArgs,

    #[command(flatten)]
    signatures: SignatureArgs,
}

#[derive(Serialize)]
struct Verdict {
    place: String,
    valid: bool,
    faults: Vec<Fault>,
    /// Faults beyond those listed.
    more: usize,
    warnings: Warnings,
    /// Tells whether it has a signature and all that it has are verified.
    verified: bool,
    signatures: Vec<Told>,
}

/// Checks the statements given; exit code 1 if any is not valid, or a signature fails.
pub fn run(args: &CheckArgs, output: Output) -> Result<(), Failure> {
    let mut judge = Judge::new(args.xapi, args.defaults.read(args.xapi)?);
    let mut contents = args.contents.read()?;
    let trust = args.signatures.trust()?;
    let mut tally = Tally::new(args, output);
    input::all(&args.files, output.json, |found| {
        let item = match found {
            Found::Statement(item) => item,
            Found::Contents(more) => return contents::also(&mut contents, more),
        };
        let (place, judged) = judge.judge(item, contents.as_mut()).map_or_else(
            |Bad { place, invalid }| (place, Err(invalid)),
            |Good { place, statement }| (place, Ok(statement)),
        );
        let verdict = match judged {
            Ok(statement) => {
                let prepared = statement.prepared();
                let none = GivenContents::default();
                let contents = contents.as_ref().unwrap_or(&none);
                let reports = verify(&prepared.body, args.xapi, contents, &trust);
                let signatures = reports.into_iter().map(Told::from).collect();
                Verdict::valid(place, prepared.clone(), signatures)
            }
            Err(invalid) => Verdict::invalid(place, invalid),
        };
        tally.add(&verdict);
        Ok(())
    })?;
    let unused = contents.map(|contents| contents.unused_words());
    tally.end(&unused.unwrap_or_default())
}

/// Counts of the statements checked, and what was shown of them.
struct Tally<'a> {
    args: &'a CheckArgs,
    output: Output,
    shown: Shown,
    warnings: Shown,
    checked: u64,
    invalid: u64,
    warned: u64,
    /// Those that nobody else would refuse.
    ours: u64,
    /// Those without a signature that is verified, where one is required.
    unsigned: u64,
    signatures: Count,
}

impl<'a> Tally<'a> {
    fn new(args: &'a CheckArgs, output: Output) -> Self {
        Self {
            args,
            output,
            shown: Shown::new(args.all_faults),
            warnings: Shown::new(args.all_faults),
            checked: 0,
            invalid: 0,
            warned: 0,
            ours: 0,
            unsigned: 0,
            signatures: Count::default(),
        }
    }

    fn add(&mut self, verdict: &Verdict) {
        let is_unsigned = self.args.signatures.require_signature && !verdict.verified;
        self.checked += 1;
        self.ours += u64::from(verdict.is_for_a_limit_of_ours());
        self.invalid += u64::from(!verdict.valid);
        self.warned += u64::from(!verdict.warnings.is_empty());
        self.unsigned += u64::from(verdict.valid && is_unsigned);
        self.signatures.add(&verdict.signatures);
        self.show(verdict, is_unsigned);
    }

    fn show(&mut self, verdict: &Verdict, is_unsigned: bool) {
        let output = self.output;
        if output.json {
            if verdict.valid {
                output.show(verdict, "");
            } else {
                let faults = verdict.faults.len() + verdict.more;
                self.shown.together(faults, || output.show(verdict, ""));
            }
            return;
        }
        let Verdict { place, faults, .. } = verdict;
        self.shown
            .lines(place, faults, verdict.more, |line| output.say(line));
        let Warnings { listed, more } = &verdict.warnings;
        let listed: Vec<_> = listed.iter().map(|it| format!("warning: {it}")).collect();
        self.warnings
            .lines(place, &listed, *more, |line| output.say(line));
        for told in &verdict.signatures {
            output.say(signatures::lines(place, told));
        }
        if verdict.valid && is_unsigned && verdict.signatures.is_empty() {
            output.say(format_args!("{place}: has no signature"));
        }
    }

    /// Says how many there were; the failure begins with what the contents are to blame for.
    fn end(self, unused: &str) -> Result<(), Failure> {
        for more in [self.shown.more("faults"), self.warnings.more("warnings")] {
            match more {
                // A program gets the statements alone.
                Some(more) if self.output.json => tell(more),
                Some(more) => self.output.say(more),
                None => {}
            }
        }
        let beside = [
            (self.ours, "refused for a limit of Pannier's own"),
            (self.warned, "with warnings"),
            (self.unsigned, "without a verified signature"),
        ];
        let mut with = String::new();
        for (count, what) in beside.into_iter().filter(|(count, _)| *count > 0) {
            // Writing to a String cannot fail.
            let _ = write!(with, "; {count} {what}");
        }
        if let Some(words) = self.signatures.words() {
            let _ = write!(with, "; {words}");
        }
        self.output.say(format_args!(
            "{} of {} valid by xAPI {}{with}",
            self.checked - self.invalid,
            self.checked,
            self.args.xapi
        ));
        if self.checked == 0 && self.args.signatures.require_signature {
            // What was to be signed may have been cut off.
            return Err(Failure::work("there is no statement, and so no signature"));
        }
        if self.invalid + self.unsigned + self.signatures.failed == 0 && unused.is_empty() {
            Ok(())
        } else {
            Err(Failure::work(unused))
        }
    }
}

impl Verdict {
    fn valid(place: String, statement: Prepared, signatures: Vec<Told>) -> Self {
        Self {
            place,
            valid: true,
            faults: Vec::new(),
            more: 0,
            warnings: statement.warnings,
            verified: signatures::all_verified(&signatures),
            signatures,
        }
    }

    fn invalid(place: String, invalid: Invalid) -> Self {
        let Invalid {
            faults,
            more,
            warnings,
            are_defaults: _,
        } = invalid;
        Self {
            place,
            valid: false,
            faults,
            more,
            warnings,
            verified: false,
            signatures: Vec::new(),
        }
    }

    /// Tells whether only our own limits are broken, for which nobody else would refuse it.
    fn is_for_a_limit_of_ours(&self) -> bool {
        let mut faults = self.faults.iter();
        !self.valid && self.more == 0 && faults.all(|fault| fault.section == PANNIER_LIMIT)
    }
}
