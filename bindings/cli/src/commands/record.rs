//! `pannier record`: statements into the queue.

use std::path::PathBuf;

use clap::Args;
use pannier::statement::{Fault, Invalid, XapiVersion};
use pannier::{Collector, Config, Error, Recorded, Uuid};
use serde::Serialize;

use super::contents::{self, ContentArgs};
use super::defaults::DefaultsArgs;
use super::faults::Shown;
use super::input::Found;
use super::output::unwritten;
use super::queue_file::QueueArgs;
use super::recordable::{self, Good, Judge, other_content};
use super::{Failure, Output, input, tell};

/// Put statements into the queue, with or without a network
///
/// Takes JSON in UTF-8: a statement, an array of them, one a line, one after the other, or an LRS's
/// answer to a GET. Each is checked, gets an id and a timestamp if it has none, and is safe on the disk
/// when the command ends. If any is not valid, none is recorded, so that the same input can be
/// corrected and given again.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  pannier record lesson.json
  pannier record --queue field.db monday.jsonl tuesday.jsonl
  my-app | pannier record -
  pannier record lesson.json --content certificate.pdf
  pannier record --defaults desk.json answers.jsonl")]
pub struct RecordArgs {
    /// What to record; - or nothing for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Record the good ones even if others cannot be recorded
    #[arg(long)]
    skip_invalid: bool,

    /// Tell of all faults, not of the first ones only
    #[arg(long)]
    all_faults: bool,

    #[command(flatten)]
    defaults: DefaultsArgs,

    #[command(flatten)]
    contents: ContentArgs,

    /// The version of xAPI whose rules count
    #[arg(long, value_name = "VERSION", default_value = "2.0.0")]
    xapi: XapiVersion,
}

/// Outcome for one statement, for a program.
#[derive(Serialize)]
struct Told<'a> {
    place: &'a str,
    /// Its id, where it is in the queue.
    id: Option<Uuid>,
    /// Tells whether it is new there.
    new: bool,
    faults: &'a [Fault],
    /// Faults beyond those listed.
    more: usize,
}

/// Statements that cannot be recorded.
struct Bad {
    count: usize,
    shown: Shown,
    output: Output,
}

/// Place of another statement with the same id, where it is not in the input.
const IN_THE_QUEUE: &str = "was recorded";

/// Number of statements recorded at a time, where some of many cannot be.
const AT_A_TIME: usize = 64;

/// Records the statements given.
pub fn run(args: &RecordArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    let mut good = Vec::new();
    let mut bad = Bad {
        count: 0,
        shown: Shown::new(args.all_faults),
        output,
    };
    let mut judge = Judge::new(args.xapi, args.defaults.read(args.xapi)?);
    let mut contents = args.contents.read()?;
    input::all(&args.files, output.json, |found| {
        let item = match found {
            Found::Statement(item) => item,
            Found::Contents(more) => return contents::also(&mut contents, more),
        };
        match judge.judge(item, contents.as_mut()) {
            Ok(one) => good.push(one),
            Err(recordable::Bad { place, invalid }) => bad.tell(&place, &invalid),
        }
        Ok(())
    })?;
    let unused = contents.map(|contents| contents.unused_words());
    if let Some(unused) = unused.filter(|unused| !unused.is_empty()) {
        bad.tell_the_rest();
        return Err(Failure::work(format!("{unused}; nothing was recorded")));
    }
    if bad.count > 0 && !args.skip_invalid {
        bad.tell_the_rest();
        return Err(Failure::work(format!(
            "{} of {} statements cannot be recorded, so none was; correct them, or --skip-invalid",
            bad.count,
            bad.count + good.len()
        )));
    }
    let mut config = Config::default();
    config.rules = args.xapi;
    let collector = queue.open_or_make(config)?;
    let mut recorded = Done::default();
    let recording = match record(&collector, &good, output, &mut recorded) {
        Ok(()) => Ok(()),
        Err(Error::OtherContent { .. } | Error::Invalid(_)) if args.skip_invalid => {
            one_part_after_another(&collector, &good, &mut bad, &mut recorded)
        }
        // Only the queue knows this.
        Err(Error::OtherContent { id }) => {
            for one in good.iter().filter(|one| one.statement.id() == Some(id)) {
                bad.tell(&one.place, &vec![other_content(id, IN_THE_QUEUE)].into());
            }
            Err(none_recorded(good.len()))
        }
        Err(Error::Invalid(invalid)) => {
            bad.tell_all(&good, &invalid);
            Err(none_recorded(good.len()))
        }
        Err(error) => Err(error.into()),
    };
    bad.tell_the_rest();
    let recording = recording.and_then(|()| {
        output.say(recorded.words());
        if bad.count == 0 {
            Ok(())
        } else {
            Err(Failure::work(format!(
                "{} of {} statements could not be recorded and were skipped",
                bad.count,
                bad.count + recorded.count + recorded.known
            )))
        }
    });
    match (recording, recorded.untold()) {
        (recording, None) => recording,
        (Ok(()), Some(untold)) => Err(untold),
        (Err(failure), Some(untold)) => Err(failure.and(untold)),
    }
}

/// Statements that are in the queue now.
#[derive(Default)]
struct Done {
    count: usize,
    /// Number recorded before with the same content.
    known: usize,
    /// Ids of the first ones.
    ids: Vec<Uuid>,
}

/// Number of ids to name where they could not be printed.
const IDS: usize = 20;

impl Done {
    fn add(&mut self, recorded: &[Recorded]) {
        let new = recorded.iter().filter(|one| one.is_new);
        self.count += new.clone().count();
        self.known += recorded.len() - new.clone().count();
        let room = IDS - self.ids.len();
        self.ids.extend(new.take(room).map(|one| one.id));
    }

    fn words(&self) -> String {
        let there = match self.known {
            0 => return format!("{} recorded", self.count),
            1 => "was",
            _ => "were",
        };
        let Self { count, known, .. } = self;
        format!("{count} recorded, {known} {there} there already")
    }

    /// Returns what has to be said if the output failed: people who take that for a failure record everything
    /// again.
    fn untold(&self) -> Option<Failure> {
        if self.count == 0 || unwritten().is_none() {
            return None;
        }
        let ids: Vec<_> = self.ids.iter().map(Uuid::to_string).collect();
        let more = match self.count - ids.len() {
            0 => String::new(),
            more => format!(" and {more} more, which `pannier queue` lists"),
        };
        Some(Failure::untold(format!(
            "{} recorded, so do not record them again; only the output failed. In the queue: {}{more}",
            self.count,
            ids.join(" ")
        )))
    }
}

/// Records all but those that the queue refuses for what it has already, such as another statement under the same
/// id: part after part, and one after another where a part has such a one.
fn one_part_after_another(
    collector: &Collector,
    good: &[Good],
    bad: &mut Bad,
    recorded: &mut Done,
) -> Result<(), Failure> {
    for part in good.chunks(AT_A_TIME) {
        match record(collector, part, bad.output, recorded) {
            Ok(()) => {}
            Err(Error::OtherContent { .. } | Error::Invalid(_)) => {
                for one in part {
                    match record(collector, std::slice::from_ref(one), bad.output, recorded) {
                        Ok(()) => {}
                        Err(Error::OtherContent { id }) => {
                            bad.tell(&one.place, &vec![other_content(id, IN_THE_QUEUE)].into());
                        }
                        Err(Error::Invalid(invalid)) => {
                            bad.tell_all(std::slice::from_ref(one), &invalid);
                        }
                        Err(error) => return Err(stopped(error, recorded.count, one)),
                    }
                }
            }
            Err(error) => return Err(stopped(error, recorded.count, &part[0])),
        }
    }
    Ok(())
}

fn stopped(error: Error, recorded: usize, at: &Good) -> Failure {
    let Failure { code, text } = error.into();
    let text = format!(
        "{text}\n{recorded} were recorded; nothing was from {} on",
        at.place
    );
    Failure { code, text }
}

/// Records all of these or none.
fn record(
    collector: &Collector,
    part: &[Good],
    output: Output,
    done: &mut Done,
) -> Result<(), Error> {
    let recorded = collector.record_all(part.iter().map(|one| &one.statement))?;
    done.add(&recorded);
    if output.json {
        for (one, recorded) in part.iter().zip(recorded) {
            let told = Told {
                place: &one.place,
                id: Some(recorded.id),
                new: recorded.is_new,
                faults: &[],
                more: 0,
            };
            output.show(&told, "");
        }
    }
    Ok(())
}

fn none_recorded(count: usize) -> Failure {
    Failure::work(format!(
        "none of the {count} statements was recorded: correct what is named, or --skip-invalid"
    ))
}

impl Bad {
    /// Reports why one cannot be recorded: on standard error, or with `--json` among the others.
    fn tell(&mut self, place: &str, invalid: &Invalid) {
        self.count += 1;
        let Invalid { faults, more, .. } = invalid;
        if self.output.json {
            let output = self.output;
            self.shown.together(faults.len() + more, || {
                let told = Told {
                    place,
                    id: None,
                    new: false,
                    faults,
                    more: *more,
                };
                output.show(&told, "");
            });
        } else {
            self.shown.lines(place, faults, *more, tell);
        }
    }

    /// Reports what the queue refuses of these.
    fn tell_all(&mut self, part: &[Good], invalid: &Invalid) {
        for fault in &invalid.faults {
            let one = fault.index.and_then(|index| part.get(index));
            let place = one.map_or("", |one| one.place.as_str());
            let fault = Fault {
                index: None,
                ..fault.clone()
            };
            self.tell(place, &vec![fault].into());
        }
    }

    fn tell_the_rest(&self) {
        if let Some(more) = self.shown.more("faults") {
            tell(more);
        }
    }
}
