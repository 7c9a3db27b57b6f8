//! Statements from files, in the forms that people have: [`reader`] splits a text, this opens the files.

pub mod packed;
mod reader;

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use pannier::statement::Fault;

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

/// Hands over each statement in the files, one after the other; `-` and no file at all is standard
/// input. No more than one statement is in memory at a time.
pub fn each(
    files: &[PathBuf],
    quiet: bool,
    mut take: impl FnMut(Item) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let stdin = [PathBuf::from("-")];
    let files = if files.is_empty() { &stdin } else { files };
    let bar = bar(files, quiet);
    for file in files {
        let (name, source) = (name(file), open(file)?);
        let cannot = |error: io::Error| Failure::usage(format!("cannot read {name}: {error}"));
        let mut reader = Reader::new(&name, bar.wrap_read(source));
        if let Some(what) = packed::what(reader.beginning().map_err(cannot)?) {
            return Err(Failure::usage(format!("{name} is {what}")));
        }
        while let Some(item) = reader.next().map_err(cannot)? {
            take(item)?;
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Returns the one statement in a file.
pub fn only(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut found = Vec::new();
    each(&[file.to_owned()], true, |item| {
        found.push(item);
        match found.len() {
            1 => Ok(()),
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
