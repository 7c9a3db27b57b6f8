//! The way from the bytes of a POST or PUT to statements that can be stored, or the 400 that says why not.

use std::ops::ControlFlow;

use jiff::Timestamp;
use pannier_xapi::statement::{Fill, Invalid, XapiVersion, prepare};
use uuid::Uuid;

use super::attachments::{self, Contents};
use super::facts::Facts;
use super::media_type::MediaType;
use super::normal;
use super::parts::{Coming, Parts};
use super::problem::{Faulty, Problem};
use super::room::{Room, Taken};
use super::signature;
use super::splice;
use super::store::Spool;

/// A statement that is valid and complete except for the instant of its storing.
pub struct Incoming<'a> {
    pub id: Uuid,
    /// The text as it came, to be compared with what is stored under the same id.
    pub sent: &'a str,
    /// The text to be stored, without `stored`, and without `timestamp` if it came without.
    pub body: String,
    /// Tells whether it came without `timestamp`, which is then the `stored` (2.0.0 4.2.4.2).
    pub untimed: bool,
    pub facts: Facts,
}

/// Statements and contents of one request.
pub struct Delivery<'a> {
    pub statements: Vec<Incoming<'a>>,
    pub contents: Contents,
}

/// Properties of a request that decide how its body is read.
pub struct Envelope<'a> {
    pub version: XapiVersion,
    /// The sender's `authority`.
    pub authority: &'a str,
    /// The `statementId` of a PUT.
    pub put: Option<Uuid>,
}

/// The body of a POST or PUT.
pub enum Sent {
    /// Statements and nothing else.
    Whole(Vec<u8>),
    /// Parts, which are still coming.
    Parts(Coming),
}

/// A body of which the statements are at hand.
pub struct Opened {
    pub json: Vec<u8>,
    /// Room for those of a body of parts.
    pub taken: Taken,
    /// The parts after them, if it is one of parts.
    pub parts: Option<Parts>,
}

/// Tells whether a body of this Content-Type has parts.
pub fn has_parts(content_type: &str) -> bool {
    MediaType::of(content_type).is("multipart/mixed")
}

/// Opens a body, and waits for its statements, of which there are no more than `limit` bytes.
pub fn open(content_type: &str, sent: Sent, limit: usize, room: &Room) -> Result<Opened, Problem> {
    let coming = match sent {
        Sent::Parts(coming) => coming,
        Sent::Whole(json) if MediaType::of(content_type).is("application/json") => {
            return Ok(Opened {
                json,
                taken: None,
                parts: None,
            });
        }
        Sent::Whole(_) => {
            return Err(Problem::bad_request(format!(
                "Content-Type {content_type:?} cannot be read; send application/json, or multipart/mixed with attachments"
            )));
        }
    };
    let mut parts = Parts::new(content_type, coming)?;
    let Some(first) = parts.next_head()? else {
        return Err(Problem::bad_request(
            "the body has no part; the first one holds the statements",
        ));
    };
    let first_type = first.get("content-type").unwrap_or_default();
    if !MediaType::of(first_type).is("application/json") {
        return Err(Problem::bad_request(
            "the first part must be application/json and hold all the statements",
        ));
    }
    let (mut json, mut taken) = (Vec::new(), None);
    parts.content(|bytes| {
        if json.len() + bytes.len() > limit {
            return Err(Problem::too_large("the first part", limit as u64));
        }
        room.grow(&mut taken, json.len() + bytes.len());
        json.extend_from_slice(bytes);
        Ok(())
    })?;
    room.shrink(&mut taken, json.len());
    Ok(Opened {
        json,
        taken,
        parts: Some(parts),
    })
}

/// Reads the statements of a request, and then takes in the contents of their attachments.
pub fn receive<'a>(
    envelope: &Envelope,
    json: &'a [u8],
    parts: Option<Parts>,
    mut spool: Spool,
) -> Result<Delivery<'a>, Problem> {
    let json = std::str::from_utf8(json).map_err(|error| {
        Problem::bad_request(format!(
            "the statements are not UTF-8 from byte {}",
            error.valid_up_to()
        ))
    })?;
    let statements = statements(envelope, json)?;
    distinct(&statements)?;
    if let (Some(put), [only]) = (envelope.put, &statements[..])
        && only.id != put
    {
        return Err(Problem::bad_request(format!(
            "the statement's id {} is not the statementId {put}",
            only.id
        )));
    }
    let attached = || {
        let facts = statements.iter().map(|statement| &statement.facts);
        facts.flat_map(|facts| &facts.attachments)
    };
    let contents = match parts {
        Some(mut parts) => attachments::contents(&mut parts, &mut spool, attached())?,
        None => Contents::default(),
    };
    attachments::complete(attached(), &contents)?;
    let mut signatures = signature::Checker::new(&contents, envelope.version, attached());
    for (index, statement) in statements.iter().enumerate() {
        signatures
            .check(statement.sent.as_bytes(), &statement.facts.attachments)
            .map_err(|wrong| Problem::bad_request(format!("statement {index}: {wrong}")))?;
    }
    Ok(Delivery {
        statements,
        contents,
    })
}

/// Reads each statement of the request, if all are valid. None is kept once one is known to be wrong.
fn statements<'a>(envelope: &Envelope, json: &'a str) -> Result<Vec<Incoming<'a>>, Problem> {
    let mut statements = Vec::new();
    let mut faulty = Faulty::default();
    let mut unreadable = None;
    let mut look = |index: usize, text: &'a str| {
        match statement(envelope, text) {
            Ok(Ok(incoming)) if faulty.is_empty() => statements.push(incoming),
            Ok(Ok(_)) => {}
            Ok(Err(invalid)) => {
                statements = Vec::new();
                faulty.add(index, invalid);
            }
            Err(error) => unreadable = Some((index, error)),
        }
        if faulty.is_enough() || unreadable.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    if !json.trim_start().starts_with('[') {
        let _ = look(0, json);
    } else if envelope.put.is_some() {
        return Err(Problem::bad_request(
            "PUT takes one statement, not an array; use POST",
        ));
    } else {
        splice::visit(json, look)
            .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))?;
    }
    match unreadable {
        Some((index, error)) => Err(Problem::bad_request(format!(
            "statement {index} cannot be read: {error}"
        ))),
        None if faulty.is_empty() => Ok(statements),
        None => Err(faulty.refuse()),
    }
}

/// Returns a valid, completed statement, or its faults.
fn statement<'a>(
    envelope: &Envelope,
    text: &'a str,
) -> serde_json::Result<Result<Incoming<'a>, Invalid>> {
    let fill = Fill {
        id: envelope.put.unwrap_or_else(Uuid::new_v4),
        now_ms: Timestamp::now().as_millisecond(),
    };
    let prepared = match prepare(text.as_bytes(), envelope.version, &fill) {
        Ok(prepared) => prepared,
        Err(invalid) => return Ok(Err(invalid)),
    };
    let untimed = prepared.timestamp_is_ours;
    let body = String::from_utf8_lossy(&prepared.body);
    let body = normal::normalise(&body, envelope.version, untimed, envelope.authority)?;
    let facts = Facts::of(&body)?;
    Ok(Ok(Incoming {
        id: prepared.id,
        sent: text,
        body,
        untimed,
        facts,
    }))
}

/// Refuses the same id twice in one request (1.0.3 Communication 2.1.2; 2.0.0 4.1.6.1).
fn distinct(statements: &[Incoming]) -> Result<(), Problem> {
    let mut ids = std::collections::HashSet::new();
    match statements
        .iter()
        .find(|statement| !ids.insert(statement.id))
    {
        None => Ok(()),
        Some(twice) => Err(Problem::bad_request(format!(
            "the id {} is in the request twice",
            twice.id
        ))),
    }
}
