//! Parsers of arguments and variables, whose errors say what is wanted.

use std::env;

use clap::Command;
use clap::builder::Resettable;
use pannier::Uuid;

/// Reads a statement's id.
pub fn id(text: &str) -> Result<Uuid, String> {
    Uuid::parse_str(text).map_err(|_| {
        "a statement's id is a UUID, as `pannier queue` shows it: \
         6f9619ff-8b86-d011-b42d-00c04fc964ff"
            .to_owned()
    })
}

/// Reads an IRI, or its beginning: without its scheme it would match no statement, and nobody would notice.
pub fn iri(text: &str) -> Result<String, String> {
    let is_scheme = |scheme: &str| {
        let mut letters = scheme.chars();
        letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|other| other.is_ascii_alphanumeric() || "+-.".contains(other))
    };
    match text.split_once(':') {
        Some((scheme, _)) if is_scheme(scheme) && !text.contains(char::is_whitespace) => {
            Ok(text.to_owned())
        }
        _ => Err(
            "give the whole IRI with its scheme, as it stands in the statements: \
                  http://adlnet.gov/expapi/verbs/completed"
                .to_owned(),
        ),
    }
}

/// Reads a number of things.
pub fn count(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| "give a number, such as 20".to_owned())
}

/// Reads a number of days.
pub fn days(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| "give a number of days, such as 30".to_owned())
}

/// Returns the value of a variable. An empty one counts as none: many files of variables express it so.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the command, made to ignore variables that are empty.
#[must_use]
pub fn without_empty_variables(command: Command) -> Command {
    command
        .mut_args(|arg| {
            let value = arg.get_env().and_then(env::var_os);
            match value {
                Some(value) if value.is_empty() => arg.env(Resettable::Reset),
                _ => arg,
            }
        })
        .mut_subcommands(without_empty_variables)
}
