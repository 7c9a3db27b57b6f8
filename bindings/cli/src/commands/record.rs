//! `pannier record`: statements into the queue.

use std::path::PathBuf;

use clap::Args;
use pannier::statement::{Fault, Fill, Invalid, PANNIER_LIMIT, XapiVersion, prepare_for_recording};
use pannier::{Collector, Config, Error, Uuid};
use serde::Serialize;
use serde_json::json;

use super::faults::Shown;
use super::input::{self, Item};
use super::output::unwritten;
use super::queue_file::QueueArgs;
use super::{Failure, Output, tell};

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
  my-app | pannier record -")]
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

    /// The version of xAPI whose rules count
    #[arg(long, value_name = "VERSION", default_value = "2.0.0")]
    xapi: XapiVersion,
}

#[derive(Serialize)]
struct Recorded<'a> {
    place: &'a str,
    id: Uuid,
}

/// One that can be recorded.
struct Good {
    place: String,
    text: Vec<u8>,
    /// The id that it has of its own.
    id: Option<Uuid>,
}

/// Those that cannot.
struct Bad {
    count: usize,
    shown: Shown,
    output: Output,
}

/// Where some of many cannot be recorded, the others go so many at a time.
const AT_A_TIME: usize = 64;

/// Records what is given.
pub fn run(args: &RecordArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    let mut good = Vec::new();
    let mut bad = Bad {
        count: 0,
        shown: Shown::new(args.all_faults),
        output,
    };
    input::each(&args.files, output.json, |item| {
        match judge(item, args.xapi) {
            Ok(one) => good.push(one),
            Err((place, invalid)) => bad.tell(&place, &invalid),
        }
        Ok(())
    })?;
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
        Err(Error::OtherContent { .. }) if args.skip_invalid => {
            one_part_after_another(&collector, &good, &mut bad, &mut recorded)
        }
        Err(Error::OtherContent { id }) => Err(Failure::work(format!(
            "{}: {}; none of the {} statements was recorded: correct it, or --skip-invalid",
            places(&good, id),
            other_content(id),
            good.len()
        ))),
        Err(error) => Err(error.into()),
    };
    bad.tell_the_rest();
    let recording = recording.and_then(|()| {
        output.say(format_args!("{} recorded", recorded.count));
        if bad.count == 0 {
            Ok(())
        } else {
            Err(Failure::work(format!(
                "{} of {} statements could not be recorded and were skipped",
                bad.count,
                bad.count + recorded.count
            )))
        }
    });
    match (recording, recorded.untold()) {
        (recording, None) => recording,
        (Ok(()), Some(untold)) => Err(untold),
        (Err(failure), Some(untold)) => Err(failure.and(untold)),
    }
}

/// What is in the queue now.
#[derive(Default)]
struct Done {
    count: usize,
    /// The first ones.
    ids: Vec<Uuid>,
}

/// So many ids are told where they could not be printed.
const IDS: usize = 20;

impl Done {
    fn add(&mut self, ids: &[Uuid]) {
        self.count += ids.len();
        let room = IDS - self.ids.len();
        self.ids.extend(ids.iter().take(room));
    }

    /// What has to be said if it could not be printed: whoever takes that for a failure records all again.
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

/// Whether this can be recorded, as far as it alone tells.
fn judge(item: Item, rules: XapiVersion) -> Result<Good, (String, Invalid)> {
    let Item { place, text } = item;
    let text = match text {
        Ok(text) => text,
        Err(fault) => return Err((place, vec![fault].into())),
    };
    // What is filled in here is thrown away: the collector fills in its own.
    let nobody = Fill {
        id: Uuid::nil(),
        now_ms: 0,
    };
    match prepare_for_recording(&text, rules, &nobody) {
        Ok(prepared) if prepared.needs_attachment_content => {
            let fault = Fault {
                path: "$.attachments".to_owned(),
                problem:
                    "has an attachment without fileUrl, whose content would have to be sent along"
                        .to_owned(),
                expected: "a fileUrl, or no such attachment".to_owned(),
                section: PANNIER_LIMIT,
            };
            Err((place, vec![fault].into()))
        }
        Ok(prepared) => Ok(Good {
            place,
            text,
            id: (!prepared.id.is_nil()).then_some(prepared.id),
        }),
        Err(invalid) => Err((place, invalid)),
    }
}

/// Records all but those under whose id the queue, or one before them, has another statement: part after
/// part, and one after another where a part has such a one.
fn one_part_after_another(
    collector: &Collector,
    good: &[Good],
    bad: &mut Bad,
    recorded: &mut Done,
) -> Result<(), Failure> {
    for part in good.chunks(AT_A_TIME) {
        match record(collector, part, bad.output, recorded) {
            Ok(()) => {}
            Err(Error::OtherContent { .. }) => {
                for one in part {
                    match record(collector, std::slice::from_ref(one), bad.output, recorded) {
                        Ok(()) => {}
                        Err(Error::OtherContent { id }) => {
                            bad.tell(&one.place, &vec![other_content(id)].into());
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

fn other_content(id: Uuid) -> Fault {
    Fault {
        path: "$.id".to_owned(),
        problem: format!("is {id}, under which another statement was recorded"),
        expected: "an id of its own, as a statement never changes".to_owned(),
        section: PANNIER_LIMIT,
    }
}

/// All of these or none.
fn record(
    collector: &Collector,
    part: &[Good],
    output: Output,
    done: &mut Done,
) -> Result<(), Error> {
    let ids = collector.record_all(part.iter().map(|one| &one.text))?;
    done.add(&ids);
    if output.json {
        for (one, id) in part.iter().zip(ids) {
            let place = &one.place;
            output.show(&Recorded { place, id }, "");
        }
    }
    Ok(())
}

/// Where the statements of this id stand in the input.
fn places(good: &[Good], id: Uuid) -> String {
    let places = good.iter().filter(|one| one.id == Some(id));
    let places: Vec<&str> = places.take(20).map(|one| one.place.as_str()).collect();
    places.join(" and ")
}

impl Bad {
    /// Says why one cannot be recorded: on standard error, or with `--json` among the others.
    fn tell(&mut self, place: &str, invalid: &Invalid) {
        self.count += 1;
        let Invalid { faults, more, .. } = invalid;
        if self.output.json {
            let output = self.output;
            self.shown.together(faults.len() + more, || {
                output.show(
                    &json!({ "place": place, "faults": faults, "more": more }),
                    "",
                );
            });
        } else {
            self.shown.lines(place, faults, *more, tell);
        }
    }

    fn tell_the_rest(&self) {
        if let Some(more) = self.shown.more("faults") {
            tell(more);
        }
    }
}
