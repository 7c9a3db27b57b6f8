//! How the commands talk: to whom, and what becomes of it where nobody listens.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

use serde::Serialize;

use super::{Failure, queue_file};
use crate::terminal::safe;

/// Why standard output takes no more, once it does not.
static CLOSED: OnceLock<io::Error> = OnceLock::new();

/// How a command talks: to a person, or with `--json` to a program.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Whether `--json` was given.
    pub json: bool,
}

impl Output {
    /// One thing: a line of JSON, or the lines for a person. Whether somebody reads it changes nothing:
    /// what is told of is done or goes on.
    pub fn show(self, json: &impl Serialize, person: impl Display) {
        if self.json {
            match serde_json::to_string(json) {
                Ok(json) => print(json),
                Err(error) => close(error.into()),
            }
        } else {
            print(person);
        }
    }

    /// One of many that are only looked at, which end where nobody reads on, as in `pannier queue | head`.
    pub fn list(self, json: &impl Serialize, person: impl Display) -> Result<(), Failure> {
        self.show(json, person);
        go_on()
    }

    /// Something that only a person is told.
    pub fn say(self, person: impl Display) {
        if !self.json {
            print(person);
        }
    }
}

/// A line on standard output, if that is open.
pub fn print(line: impl Display) {
    if CLOSED.get().is_some() {
        return;
    }
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{}", safe(line)).and_then(|()| out.flush()) {
        close(error);
    }
}

/// A line on standard error. Where that takes none, nothing else has to suffer.
pub fn tell(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{}", safe(line));
}

/// Ends what only prints, where standard output takes no more; [`ended`] says why.
pub fn go_on() -> Result<(), Failure> {
    match CLOSED.get() {
        None => Ok(()),
        Some(_) => Err(Failure {
            code: 0,
            text: String::new(),
        }),
    }
}

/// Whether something could not be written. Whoever closed a pipe had read enough.
pub fn unwritten() -> Option<&'static io::Error> {
    let error = CLOSED.get()?;
    (error.kind() != ErrorKind::BrokenPipe).then_some(error)
}

/// How a command ended, with what became of its output.
pub fn ended(done: Result<(), Failure>) -> Result<(), Failure> {
    queue_file::tell_news();
    let Some(error) = unwritten() else {
        return done;
    };
    let untold = Failure::untold(format!("cannot write the output: {error}"));
    Err(match done {
        Ok(()) => untold,
        Err(failure) => failure.and(untold),
    })
}

/// The first reason stays.
fn close(error: io::Error) {
    let _ = CLOSED.set(error);
}
