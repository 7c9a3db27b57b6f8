//! The commands, one a file.

pub mod credentials;
pub mod hub;

use serde::Serialize;

/// How a command ended badly: an exit code and what to do next.
#[derive(Debug)]
pub struct Failure {
    /// The exit code; [`EXIT_CODES`] says what each means.
    pub code: u8,
    /// For standard error; empty if the output has said it already.
    pub text: String,
}

/// The exit codes, for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  all is done
  1  part of the work failed: a statement is not valid, is held, or could not be read
  2  the arguments, the credentials or a file they name are wrong
  3  the queue or the hub could not be opened
  4  the LRS could not be reached, wants to be left alone for a while, or refuses these credentials";

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

    /// 3: the queue or the hub could not be opened.
    pub fn open(text: impl Into<String>) -> Self {
        Self {
            code: 3,
            text: text.into(),
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
    /// One thing: a line of JSON, or whatever `person` prints.
    pub fn one(self, json: &impl Serialize, person: impl FnOnce()) {
        if self.json {
            println!("{}", serde_json::to_string(json).unwrap_or_default());
        } else {
            person();
        }
    }
}
