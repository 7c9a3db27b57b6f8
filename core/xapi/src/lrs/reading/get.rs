//! Reader of the answer to a GET of one statement.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::AskedAs;
use super::not_an_lrs::{NotAnLrs, by_body, by_status, json};
use super::sender::{Sender, sender};
use super::words::Words;
use crate::lrs::Response;

/// Result of a look-up of a statement. `Debug` does not show the statement.
#[derive(Clone, PartialEq, Eq)]
pub enum Found {
    /// Statement under this id: its JSON as it came.
    Copy(Vec<u8>),
    /// No statement is shown under this id. The LRS may still have it: voided, not yet readable
    /// ([`consistent_through`](crate::lrs::headers::consistent_through)), or not for these credentials to read.
    Missing,
    /// A success of an LRS, but what it shows cannot be read, or is cut.
    Unreadable,
    /// The answer is not an LRS's.
    NotAnLrs(NotAnLrs),
    /// Any other refusal, 401 and 403 among them.
    Refused {
        /// 400 to 599, without 404 and 511.
        status: u16,
        /// The LRS's own words.
        words: Words,
    },
}

/// Reads the answer to a GET by `statementId` or `voidedStatementId` (C 2.1.3; 9274 4.1.6.1).
///
/// A 200 alone proves nothing: the statement in it must carry the id, in whatever letter case.
pub fn read_get<'a>(answer: &Response, asked: impl Into<AskedAs<'a>>, id: Uuid) -> Found {
    let asked = asked.into();
    if let Some(stranger) = by_status(answer, asked) {
        return Found::NotAnLrs(stranger);
    }
    match answer.status {
        200 => match copies(json(answer)) {
            Some(copies) => {
                let ours = copies.iter().find(|copy| has_id(copy, id));
                match ours {
                    Some(copy) => Found::Copy(copy.get().as_bytes().to_vec()),
                    None if copies.is_empty() => Found::Missing,
                    None if sender(answer) == Sender::Lrs => Found::Unreadable,
                    None => Found::NotAnLrs(NotAnLrs::Unexpected(
                        "a statement other than the one asked for",
                    )),
                }
            }
            None if answer.cut || sender(answer) == Sender::Lrs => Found::Unreadable,
            None => Found::NotAnLrs(by_body(answer, asked, "a success without a statement")),
        },
        404 => Found::Missing,
        201..=299 if sender(answer) == Sender::Lrs => Found::Unreadable,
        201..=299 => Found::NotAnLrs(by_body(answer, asked, "a success of a kind no LRS answers")),
        status => Found::Refused {
            status,
            words: Words::of(answer, asked),
        },
    }
}

/// Returns the statements in a body: one as it is (the standard), in a list (Ralph), or `null` for none (`MiniXapi`).
/// `None` when the body is none of these.
fn copies(body: &[u8]) -> Option<Vec<&RawValue>> {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        statements: Vec<&'a RawValue>,
    }
    let whole: Option<&RawValue> = serde_json::from_slice(body).ok()?;
    let Some(whole) = whole else {
        return Some(Vec::new());
    };
    if let Ok(list) = serde_json::from_str::<List>(whole.get()) {
        return Some(list.statements);
    }
    read_id(whole).is_some().then(|| vec![whole])
}

fn has_id(copy: &RawValue, id: Uuid) -> bool {
    read_id(copy).is_some_and(|text| Uuid::try_parse(&text) == Ok(id))
}

fn read_id(copy: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    let read: Result<Identified, _> = serde_json::from_str(copy.get());
    read.ok().map(|read| read.id)
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy(copy) => write!(f, "Copy({} bytes)", copy.len()),
            Self::Missing => f.write_str("Missing"),
            Self::Unreadable => f.write_str("Unreadable"),
            Self::NotAnLrs(why) => f.debug_tuple("NotAnLrs").field(why).finish(),
            Self::Refused { status, words, .. } => f
                .debug_struct("Refused")
                .field("status", status)
                .field("words", words)
                .finish(),
        }
    }
}
