//! Statements from files, in the forms that people have: [`reader`] splits a text, this opens the files.

mod multipart;
pub mod packed;
mod reader;

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use pannier::WithContents;
use pannier::statement::{Fault, XapiVersion};

use super::contents::{self, ContentArgs, GivenContents};
use super::{Failure, tell};
use crate::terminal::one_line;
use reader::Reader;

/// One statement, or the fault in its place.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    /// `file:line`, and in an array `file:line[place in the array]`.
    pub place: String,
    /// Its text, or why there is none.
    pub text: Result<Vec<u8>, Fault>,
}

/// Bytes to read that are worth a bar: fewer are read before anybody could see one.
const WORTH_A_BAR: u64 = 1024 * 1024;

/// Contents of attachments that came in a file with the statements, and where each was.
pub type Contents = Vec<(String, Vec<u8>)>;

/// What is found in the files.
pub enum Found {
    Statement(Item),
    /// Before the statements that they belong to, also if there are none.
    Contents(Contents),
}

/// Hands over each statement in the files, one after the other; `-` and no file at all is standard input. No more than one
/// statement is in memory at a time. Contents of attachments come where a file is the body of a request that has them;
/// such a file is in memory as a whole.
pub fn all(
    files: &[PathBuf],
    quiet: bool,
    mut take: impl FnMut(Found) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let stdin = [PathBuf::from("-")];
    let files = if files.is_empty() { &stdin } else { files };
    let bar = bar(files, quiet);
    for file in files {
        let (name, source) = (name(file), open(file)?);
        let cannot = |error: io::Error| Failure::usage(format!("cannot read {name}: {error}"));
        let mut reader = Reader::new(&name, bar.wrap_read(source));
        let beginning = reader.beginning().map_err(cannot)?;
        if let Some(what) = packed::what(beginning) {
            return Err(Failure::usage(format!("{name} is {what}")));
        }
        if multipart::is_one(beginning) {
            let body = reader.whole(multipart::MOST_MIB << 20).map_err(cannot)?;
            parts(&name, body.as_deref(), &mut take)?;
            continue;
        }
        while let Some(item) = reader.next().map_err(cannot)? {
            take(Found::Statement(item))?;
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Hands over the contents and then the statements of a multipart body; `None` if it is too long.
fn parts(
    name: &str,
    body: Option<&[u8]>,
    take: &mut impl FnMut(Found) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let wrong = |why: &str| {
        Failure::usage(format!(
            "{name} is a multipart body that cannot be read: {why}"
        ))
    };
    let too_long = || wrong(&format!("it is longer than {} MiB", multipart::MOST_MIB));
    let body = multipart::read(body.ok_or_else(too_long)?).map_err(|why| wrong(&one_line(why)))?;
    let contents = body.contents.iter().enumerate();
    let contents = contents.map(|(place, content)| {
        let place = format!("part {} of {name}", place + 2);
        (place, content.to_vec())
    });
    take(Found::Contents(contents.collect()))?;
    let mut reader = Reader::new(name, body.statements).counting_from(body.line);
    while let Some(item) = reader.next().map_err(|error| wrong(&error.to_string()))? {
        take(Found::Statement(item))?;
    }
    Ok(())
}

/// Returns the one statement in a file, with those of the contents that its attachments name.
pub fn only(file: &Path, contents: &ContentArgs) -> Result<WithContents<Vec<u8>>, Failure> {
    let mut given = contents.read()?;
    let text = only_statement(file, &mut given)?;
    let contents = given.map_or_else(Vec::new, |given| given.for_one(&text, XapiVersion::V2_0_0));
    Ok(WithContents::new(text, contents))
}

fn only_statement(file: &Path, given: &mut Option<GivenContents>) -> Result<Vec<u8>, Failure> {
    let mut found = Vec::new();
    all(&[file.to_owned()], true, |one| {
        match one {
            Found::Statement(item) => found.push(item),
            Found::Contents(more) => return contents::also(given, more),
        }
        match found.len() {
            0 | 1 => Ok(()),
            _ => Err(Failure::usage(format!(
                "{} has more than one statement: one can take the place of one",
                name(file)
            ))),
        }
    })?;
    match found.pop() {
        Some(Item { text: Ok(text), .. }) => Ok(text),
        Some(Item {
            place,
            text: Err(fault),
        }) => Err(Failure::work(format!("{place}: {fault}"))),
        None => Err(Failure::usage(format!(
            "there is no statement in {}: give the corrected one",
            name(file)
        ))),
    }
}

fn name(file: &Path) -> String {
    if is_standard_input(file) {
        "standard input".to_owned()
    } else {
        one_line(file.display())
    }
}

fn is_standard_input(file: &Path) -> bool {
    file == Path::new("-")
}

fn open(file: &Path) -> Result<Box<dyn Read>, Failure> {
    if is_standard_input(file) {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            tell("reads statements from the keyboard; Ctrl-D ends them, Ctrl-C records none");
        }
        return Ok(Box::new(stdin.lock()));
    }
    match File::open(file) {
        Ok(open) => Ok(Box::new(open)),
        Err(error) => Err(Failure::usage(format!(
            "cannot read {}: {error}",
            name(file)
        ))),
    }
}

/// Returns a bar over all files, on standard error, where that is a terminal and there is much to read.
fn bar(files: &[PathBuf], quiet: bool) -> ProgressBar {
    let sizes = files.iter().map(|file| {
        let size = std::fs::metadata(file).map(|about| about.len());
        size.unwrap_or(0)
    });
    let bytes = sizes.sum();
    if quiet || bytes < WORTH_A_BAR {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:32} {bytes} of {total_bytes} read");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
