//! The commands, one a file, and what they share: how they talk and how they end.

pub mod check;
mod credentials;
pub mod demo;
pub mod held;
pub mod history;
pub mod hub;
mod input;
mod list;
pub mod queue;
mod queue_file;
pub mod record;
pub mod status;
pub mod sync;
mod upstream;

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

/// How a command ended badly: an exit code and what to do next.
#[derive(Debug)]
pub struct Failure {
    /// The exit code; [`EXIT_CODES`] says what each means.
    pub code: u8,
    /// For standard error; empty if all is said already.
    pub text: String,
}

/// The exit codes, for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  all is done
  1  part of the work failed: a statement is not valid, was set aside as held, or is not there
  2  the arguments are wrong, or a file they name
  3  the queue (or the hub's store) cannot be opened or written
  4  not all could be delivered now: the LRS cannot be reached, asks for time, refuses the
     credentials, or another process is delivering; nothing is lost, sync again later";

impl Failure {
    /// 1: part of the work failed.
    pub fn work(text: impl Into<String>) -> Self {
        Self {
            code: 1,
            text: text.into(),
        }
    }

    /// 2: what the user gave is wrong.
    pub fn usage(text: impl Into<String>) -> Self {
        Self {
            code: 2,
            text: text.into(),
        }
    }

    /// 3: the queue or the hub cannot be opened.
    pub fn open(text: impl Into<String>) -> Self {
        Self {
            code: 3,
            text: text.into(),
        }
    }

    /// 4: the LRS has not taken everything.
    pub fn undelivered(text: impl Into<String>) -> Self {
        Self {
            code: 4,
            text: text.into(),
        }
    }
}

impl From<pannier::Error> for Failure {
    fn from(error: pannier::Error) -> Self {
        let text = error.to_string();
        match error {
            pannier::Error::Store(_) => Self::open(text),
            pannier::Error::Endpoint(_) | pannier::Error::Credentials(_) => Self::usage(text),
            pannier::Error::NoEndpoint => {
                Self::usage("no LRS is known; name one with --lrs URL or PANNIER_LRS")
            }
            _ => Self::work(text),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Whoever was reading has seen enough, as in `pannier queue | head`.
            io::ErrorKind::BrokenPipe => Self {
                code: 0,
                text: String::new(),
            },
            _ => Self::work(format!("cannot write the output: {error}")),
        }
    }
}

/// How a command talks: to a person, or with `--json` to a program.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Whether `--json` was given.
    pub json: bool,
}

impl Output {
    /// One thing: a line of JSON, or the lines for a person.
    pub fn show(self, json: &impl Serialize, person: impl Display) -> Result<(), Failure> {
        if self.json {
            let json = serde_json::to_string(json).map_err(io::Error::from)?;
            print(json)
        } else {
            print(person)
        }
    }

    /// Something that only a person is told.
    pub fn say(self, person: impl Display) -> Result<(), Failure> {
        if self.json { Ok(()) } else { print(person) }
    }
}

/// A line on standard output.
fn print(line: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
