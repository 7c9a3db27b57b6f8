//! Form of a finding, and the questions that all of them ask of an answer.

use super::{Asking, Finding, Heard};
use crate::lrs::reading::{read_get, sender};
use crate::lrs::{Found, NotAnLrs, Response, Sender, TransportError};

/// Finding and sentence, with the status that shows it.
pub(super) type Said = (Finding, Option<u16>, String);

pub(super) fn said(
    finding: Finding,
    status: impl Into<Option<u16>>,
    sentence: impl Into<String>,
) -> Said {
    (finding, status.into(), sentence.into())
}

pub(super) fn not_examined() -> Said {
    said(
        Finding::Unknown,
        None,
        "not examined, since the steps before it failed",
    )
}

/// Returns the finding of one unanswered question to a host that is there.
pub(super) fn no_answer(failure: &TransportError) -> Said {
    said(
        Finding::Warning,
        None,
        format!("{failure}; try again, then ask whoever runs it"),
    )
}

/// Tells whether the answer itself says that it is the LRS's.
pub(super) fn is_marked(answer: &Response) -> bool {
    sender(answer) == Sender::Lrs
}

pub(super) fn looked_up(asking: &Asking, heard: &Heard) -> Option<Found> {
    let answer = ok(heard.look_up.as_ref())?;
    Some(read_get(answer, asking.asked(), heard.nobody))
}

/// Tells whether it can say that it does not have the statement that was asked for.
pub(super) fn looks_for_statements(asking: &Asking, heard: &Heard) -> bool {
    let found = looked_up(asking, heard);
    matches!(found, Some(Found::Copy(_) | Found::Missing))
}

pub(super) fn ok(outcome: Option<&Result<Response, TransportError>>) -> Option<&Response> {
    outcome.and_then(|outcome| outcome.as_ref().ok())
}

pub(super) fn stranger_says(why: &NotAnLrs) -> String {
    let what_to_do = match why {
        NotAnLrs::Redirect {
            same_host: true, ..
        } => "set the endpoint to where the LRS is",
        NotAnLrs::LoginFirst => "log in to the network",
        NotAnLrs::Redirect { .. } | NotAnLrs::Page(_) => {
            "log in to the network if it asks for that, else check the path in the endpoint"
        }
        NotAnLrs::Unexpected(_) => "check the path in the endpoint",
    };
    format!("what answers is not an LRS: {why}; {what_to_do}")
}

pub(super) fn quoted(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!("; it says: {words}")
    }
}
