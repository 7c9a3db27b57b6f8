//! Output of the commands, for a person or a program, and its failure when nobody reads it.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

use serde::Serialize;

use super::{Failure, queue_file};
use crate::terminal::safe;

/// Error that closed standard output, if one did.
static CLOSED: OnceLock<io::Error> = OnceLock::new();

/// Form of the output: for a person, or with `--json` for a program.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Tells whether `--json` was given.
    pub json: bool,
}

impl Output {
    /// Prints one thing: a line of JSON, or the lines for a person. It does not matter whether somebody reads it:
    /// the work it reports is done or goes on.
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

    /// Prints one of many entries of a listing, which ends when nobody reads on, as in `pannier queue | head`.
    pub fn list(self, json: &impl Serialize, person: impl Display) -> Result<(), Failure> {
        self.show(json, person);
        go_on()
    }

    /// Prints something for a person only.
    pub fn say(self, person: impl Display) {
        if !self.json {
            print(person);
        }
    }
}

/// Prints a line on standard output, if that is open.
pub fn print(line: impl Display) {
    if CLOSED.get().is_some() {
        return;
    }
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{}", safe(line)).and_then(|()| out.flush()) {
        close(error);
    }
}

/// Prints a line on standard error. A failure there affects nothing else.
pub fn tell(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{}", safe(line));
}

/// Ends a command that only prints, once standard output takes no more; [`ended`] says why.
pub fn go_on() -> Result<(), Failure> {
    match CLOSED.get() {
        None => Ok(()),
        Some(_) => Err(Failure {
            code: 0,
            text: String::new(),
        }),
    }
}

/// Returns the error of a failed output. A closed pipe is none: whoever closed it had read enough.
pub fn unwritten() -> Option<&'static io::Error> {
    let error = CLOSED.get()?;
    (error.kind() != ErrorKind::BrokenPipe).then_some(error)
}

/// Returns how a command ended, together with a failure of its output.
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

/// Closes standard output; the first error stays.
fn close(error: io::Error) {
    let _ = CLOSED.set(error);
}
