//! From the bytes of a POST or PUT to statements that can be stored, or the 400 that says why not.

use jiff::Timestamp;
use pannier::statement::{Fill, XapiVersion, prepare};
use uuid::Uuid;

use super::attachments::{self, Contents};
use super::facts::Facts;
use super::multipart;
use super::normal;
use super::problem::Problem;
use super::signature;
use super::splice;

/// A statement that is valid and complete but for the instant of its storing.
pub struct Incoming {
    pub id: Uuid,
    /// The text as it came, to be compared with what is stored under the same id.
    pub sent: String,
    /// The text to be stored, without `stored`, and without `timestamp` if it came without.
    pub body: String,
    /// Whether it came without `timestamp`, which then is the `stored` (2.0.0 4.2.4.2).
    pub untimed: bool,
    pub facts: Facts,
}

/// All that one request brings.
pub struct Delivery {
    pub statements: Vec<Incoming>,
    pub contents: Contents,
}

/// How a request came.
pub struct Envelope<'a> {
    pub version: XapiVersion,
    pub content_type: Option<&'a str>,
    /// The `authority` that its sender has.
    pub authority: &'a str,
    /// The `statementId` of a PUT.
    pub put: Option<Uuid>,
}

/// Opens a request.
pub fn receive(envelope: &Envelope, body: &[u8]) -> Result<Delivery, Problem> {
    let content_type = envelope.content_type.unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return deliver(envelope, body, &[]);
    }
    if !media_type.eq_ignore_ascii_case("multipart/mixed") {
        return Err(Problem::bad_request(format!(
            "Content-Type {content_type:?} cannot be read; send application/json, or multipart/mixed with attachments"
        )));
    }
    let Some(boundary) = multipart::boundary(content_type) else {
        return Err(Problem::bad_request(
            "the Content-Type has no boundary parameter",
        ));
    };
    let parts = multipart::parse(body, &boundary)?;
    let Some((first, rest)) = parts.split_first() else {
        return Err(Problem::bad_request(
            "the body has no part; the first one holds the statements",
        ));
    };
    let first_type = first.header("content-type").unwrap_or_default();
    if !first_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/json")
    {
        return Err(Problem::bad_request(
            "the first part must be application/json and hold all the statements",
        ));
    }
    deliver(envelope, first.content, rest)
}

fn deliver(
    envelope: &Envelope,
    json: &[u8],
    parts: &[multipart::Part],
) -> Result<Delivery, Problem> {
    let json = std::str::from_utf8(json).map_err(|error| {
        Problem::bad_request(format!(
            "the statements are not UTF-8 from byte {}",
            error.valid_up_to()
        ))
    })?;
    let mut statements = Vec::new();
    let mut invalid = Vec::new();
    for (index, text) in texts(json, envelope.put.is_some())?.into_iter().enumerate() {
        let fill = Fill {
            id: envelope.put.unwrap_or_else(Uuid::new_v4),
            now_ms: Timestamp::now().as_millisecond(),
        };
        match prepare(text.as_bytes(), envelope.version, &fill) {
            Err(fault) => invalid.push((index, fault)),
            Ok(prepared) => {
                let untimed = prepared.timestamp_is_ours;
                let body = String::from_utf8_lossy(&prepared.body);
                let body = normal::normalise(&body, envelope.version, untimed, envelope.authority)?;
                let facts = Facts::of(&body)?;
                statements.push(Incoming {
                    id: prepared.id,
                    sent: text.to_owned(),
                    body,
                    untimed,
                    facts,
                });
            }
        }
    }
    if !invalid.is_empty() {
        return Err(Problem::invalid(invalid));
    }
    distinct(&statements)?;
    if let (Some(put), [only]) = (envelope.put, &statements[..])
        && only.id != put
    {
        return Err(Problem::bad_request(format!(
            "the statement's id {} is not the statementId {put}",
            only.id
        )));
    }
    let contents = {
        let all: Vec<_> = statements
            .iter()
            .flat_map(|statement| &statement.facts.attachments)
            .collect();
        let contents = attachments::contents(parts, &all)?;
        attachments::complete(&all, &contents)?;
        contents
    };
    for (index, statement) in statements.iter().enumerate() {
        signature::check(
            statement.sent.as_bytes(),
            &statement.facts.attachments,
            &contents,
        )
        .map_err(|wrong| Problem::bad_request(format!("statement {index}: {wrong}")))?;
    }
    Ok(Delivery {
        statements,
        contents,
    })
}

/// The text of each statement.
fn texts(json: &str, single: bool) -> Result<Vec<&str>, Problem> {
    if !json.trim_start().starts_with('[') {
        return Ok(vec![json]);
    }
    if single {
        return Err(Problem::bad_request(
            "PUT takes one statement, not an array; use POST",
        ));
    }
    splice::elements(json)
        .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))
}

/// The same id twice in one request is refused (1.0.3 Communication 2.1.2; 2.0.0 4.1.6.1).
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
