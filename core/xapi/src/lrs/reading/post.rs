//! Reader of the answer to a POST of statements.

use serde_json::Value;
use uuid::Uuid;

use super::AskedAs;
use super::hints;
use super::not_an_lrs::{NotAnLrs, by_body, by_status, json};
use super::sender::{Sender, sender};
use super::words::{Words, is_page};
use crate::lrs::Response;

/// Answer of an LRS to a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// A list of ids (C 2.1.2; 9274 4.1.6.1). The standard has one for each statement, in order. Ralph and xapi-rs name
    /// only those that are new to them, so neither length nor order nor membership can be relied upon: only what is
    /// named is known to be stored.
    Ids(Vec<Uuid>),
    /// Success without a body. Ralph and xapi-rs mean "I have all of these"; a captive portal or a connectivity check
    /// may mean anything.
    NoContent,
    /// A report on single statements: Ralph's partial success, with status 200 or, when all were stored before, 400.
    /// What is in neither list is not settled: those that were stored before are not mentioned.
    Partial {
        /// Statements stored by this request.
        stored: Vec<Uuid>,
        /// Statements refused for good: position in the batch, not checked against its length, and reason.
        refused: Vec<(usize, Words)>,
    },
    /// A success of an LRS that names nothing, which proves nothing; its own words.
    Unclear(Words),
    /// The answer is not an LRS's.
    NotAnLrs(NotAnLrs),
    /// A refusal.
    Refused {
        /// 400 to 599, without 511.
        status: u16,
        /// The LRS's own words.
        words: Words,
        /// UUIDs in the body. Some LRSs name the conflicting statement; others name the error. A hint, for the reader
        /// to compare with the batch.
        ids_named: Vec<Uuid>,
        /// Positions in the batch that the body points at. A hint, not checked against its length.
        indexes: Vec<usize>,
    },
}

/// Reads the answer to a POST of statements.
pub fn read_post<'a>(answer: &Response, asked: impl Into<AskedAs<'a>>) -> Posted {
    let asked = asked.into();
    if let Some(stranger) = by_status(answer, asked) {
        return Posted::NotAnLrs(stranger);
    }
    if matches!(answer.status, 200..=299) && sender(answer) == Sender::Lrs {
        return success(answer, asked).unwrap_or_else(|| Posted::Unclear(Words::of(answer, asked)));
    }
    match answer.status {
        204 if is_page(answer) || !answer.body.is_empty() => {
            Posted::NotAnLrs(by_body(answer, asked, "a 204 with a body"))
        }
        204 => Posted::NoContent,
        200 | 201 => success(answer, asked).unwrap_or_else(|| {
            Posted::NotAnLrs(by_body(answer, asked, "a success without a list of ids"))
        }),
        202 | 203 | 205..=299 => {
            Posted::NotAnLrs(by_body(answer, asked, "a success of a kind no LRS answers"))
        }
        status => {
            let body = serde_json::from_slice(json(answer)).ok();
            if let (400, Some(report)) = (status, report(body.as_ref(), asked)) {
                return report;
            }
            Posted::Refused {
                status,
                words: Words::of(answer, asked),
                ids_named: hints::ids_named(&answer.body),
                indexes: hints::indexes(&answer.body, body.as_ref()),
            }
        }
    }
}

/// Reads ids, a report on single statements, or an empty 204.
fn success(answer: &Response, asked: AskedAs<'_>) -> Option<Posted> {
    if answer.status == 204 && answer.body.is_empty() {
        return Some(Posted::NoContent);
    }
    let body = serde_json::from_slice(json(answer)).ok();
    ids(body.as_ref())
        .map(Posted::Ids)
        .or_else(|| report(body.as_ref(), asked))
        .or_else(|| wrapped(body.as_ref()))
}

/// Reads the ids in an object that has nothing else, as some gateways and LRSs wrap them.
fn wrapped(body: Option<&Value>) -> Option<Posted> {
    let object = body?.as_object()?;
    let named = ids(object.get("ids"))?;
    (object.len() == 1).then_some(Posted::Ids(named))
}

/// Reads an array that holds ids and nothing else.
fn ids(body: Option<&Value>) -> Option<Vec<Uuid>> {
    body?.as_array()?.iter().map(id).collect()
}

fn id(value: &Value) -> Option<Uuid> {
    // `Uuid` reads more spellings; an LRS returns the hyphenated one that it was sent.
    value
        .as_str()
        .filter(|text| text.len() == 36)
        .and_then(|text| Uuid::try_parse(text).ok())
}

/// Reads Ralph's `{"inserted", "rejected", "ids", "errors": [{"index", "reason"}]}`. Ids and errors must be there, else
/// it counts as the answer of something that is no LRS.
fn report(body: Option<&Value>, asked: AskedAs<'_>) -> Option<Posted> {
    let stored = ids(body?.get("ids"))?;
    let errors = body?.get("errors")?.as_array()?;
    let refused = errors.iter().filter_map(|error| {
        let index = error.get("index")?.as_u64()?;
        let reason = error
            .get("reason")
            .map_or_else(Words::default, |why| reason(why, asked));
        Some((usize::try_from(index).ok()?, reason))
    });
    Some(Posted::Partial {
        stored,
        refused: refused.collect(),
    })
}

fn reason(value: &Value, asked: AskedAs<'_>) -> Words {
    match value.as_str() {
        Some(text) => Words::plain(text, asked),
        None => Words::plain(&value.to_string(), asked),
    }
}
