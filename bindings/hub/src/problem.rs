//! Refusals by the hub: a status and a JSON body that says why.
//!
//! `{"error": "…", "faults": [{"statement": 1, "path": "$.verb.id", …}], "conflicts": […], "unlisted": 9000}`;
//! empty lists and a zero count are left out. `statement` counts from 0, as in the request. `unlisted` is the
//! number of further faults or conflicts.

use std::io::{self, ErrorKind};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pannier_xapi::statement::{Difference, Differences, Invalid};
use serde::Serialize;

use super::bound::{ENTRY, LISTED, SENTENCE, WRONG, cut};

/// A refusal.
#[derive(Debug, Serialize)]
pub struct Problem {
    #[serde(skip)]
    status: StatusCode,
    /// Place of the first fault, for the log; the text of a refusal may quote the request.
    #[serde(skip)]
    place: Option<String>,
    error: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Fault>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conflicts: Vec<Conflict>,
    #[serde(skip_serializing_if = "is_zero")]
    unlisted: usize,
}

/// A fault of one statement of the request.
#[derive(Debug, Serialize)]
struct Fault {
    statement: usize,
    path: String,
    problem: String,
    expected: String,
    section: &'static str,
}

/// A statement whose id is taken by another one.
#[derive(Debug, Serialize)]
struct Conflict {
    /// Its position in the request, from 0.
    statement: usize,
    /// The id, in lower case.
    id: String,
    /// Places where the two differ.
    differences: Vec<Apart>,
    #[serde(skip_serializing_if = "is_zero")]
    unlisted: usize,
}

/// One place where two statements of the same id differ.
#[derive(Debug, Serialize)]
struct Apart {
    path: String,
    sent: Option<String>,
    stored: Option<String>,
}

// serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The statements of a request that are not valid.
#[derive(Debug, Default)]
pub struct Faulty {
    statements: usize,
    faults: Vec<Fault>,
    unlisted: usize,
}

impl Faulty {
    /// Adds the faults of the statement at this position of the request.
    pub fn add(&mut self, statement: usize, invalid: Invalid) {
        self.statements += 1;
        let room = LISTED - self.faults.len();
        self.unlisted += invalid.more + invalid.faults.len().saturating_sub(room);
        let listed = invalid.faults.into_iter().take(room);
        self.faults.extend(listed.map(|fault| Fault {
            statement,
            path: cut(fault.path, ENTRY),
            problem: cut(fault.problem, ENTRY),
            expected: cut(fault.expected, ENTRY),
            section: fault.section,
        }));
    }

    pub fn is_empty(&self) -> bool {
        self.statements == 0
    }

    /// Tells whether looking at more statements would help nobody.
    pub fn is_enough(&self) -> bool {
        self.statements >= WRONG
    }

    /// Returns the 400 that lists them.
    pub fn refuse(self) -> Problem {
        let error = match self.statements {
            1 => "a statement is not valid, so none was stored; correct it and send the request again"
                .into(),
            WRONG.. => format!(
                "at least {WRONG} statements are not valid, so none was stored; correct them and send the request again"
            ),
            count => format!(
                "{count} statements are not valid, so none was stored; correct them and send the request again"
            ),
        };
        let place = self.faults.first();
        Problem {
            place: place.map(|fault| format!("statement {}, {}", fault.statement, fault.path)),
            faults: self.faults,
            unlisted: self.unlisted,
            ..Problem::bad_request(error)
        }
    }
}

/// The statements of a request whose ids are stored with other content.
#[derive(Debug, Default)]
pub struct Conflicts {
    listed: Vec<Conflict>,
    differences: usize,
    unlisted: usize,
}

/// Most ids that the sentence of a conflict names.
const NAMED: usize = 10;

impl Conflicts {
    /// Adds a statement, by its position in the request, and where it differs from the stored one.
    pub fn add(&mut self, statement: usize, id: String, differences: Differences) {
        if self.listed.len() == LISTED {
            self.unlisted += 1;
            return;
        }
        let room = LISTED - self.differences;
        let unlisted = differences.more + differences.listed.len().saturating_sub(room);
        let differences: Vec<Apart> = differences
            .listed
            .into_iter()
            .take(room)
            .map(|difference| Apart {
                path: cut(difference.path, ENTRY),
                sent: difference.ours.map(|sent| cut(sent, ENTRY)),
                stored: difference.theirs.map(|stored| cut(stored, ENTRY)),
            })
            .collect();
        self.differences += differences.len();
        self.listed.push(Conflict {
            statement,
            id,
            differences,
            unlisted,
        });
    }

    /// Adds a statement whose stored copy cannot be compared.
    pub fn add_unreadable(&mut self, statement: usize, id: String) {
        let whole = Difference {
            path: "$".into(),
            ours: None,
            theirs: None,
        };
        let differences = Differences {
            listed: vec![whole],
            more: 0,
        };
        self.add(statement, id, differences);
    }

    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Tells whether looking at more statements would help nobody.
    pub fn is_enough(&self) -> bool {
        self.listed.len() + self.unlisted >= WRONG
    }

    /// Returns the 409 that lists them.
    pub fn refuse(self) -> Problem {
        let named = self.listed.iter().take(NAMED);
        let ids: Vec<&str> = named.map(|conflict| conflict.id.as_str()).collect();
        let count = self.listed.len() + self.unlisted;
        let others = match count.saturating_sub(NAMED) {
            0 => String::new(),
            more if self.is_enough() => format!(" and at least {more} more"),
            more => format!(" and {more} more"),
        };
        let error = format!(
            "stored already with other content, so nothing of the request was stored: {}{others}; a statement never changes, send a new one under a new id",
            ids.join(", ")
        );
        let place = self.listed.first();
        Problem {
            place: place.map(|conflict| format!("statement {}", conflict.statement)),
            conflicts: self.listed,
            unlisted: self.unlisted,
            ..Problem::new(StatusCode::CONFLICT, error)
        }
    }
}

/// Place of the first fault of a refused request, which its answer carries for the log.
#[derive(Clone, Debug)]
pub struct FirstFault(pub String);

impl Problem {
    /// Returns a refusal with this status.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            place: None,
            error: cut(error.into(), SENTENCE),
            faults: Vec::new(),
            conflicts: Vec::new(),
            unlisted: 0,
        }
    }

    /// Returns a 400: the request is wrong and will be wrong again.
    pub fn bad_request(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// Returns a 413.
    pub fn too_large(what: &str, limit: u64) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "{what} is larger than {limit} bytes, so nothing was stored; send fewer statements at once"
            ),
        )
    }

    /// Returns a refusal of a body that ended before its end.
    pub fn broken_off() -> Self {
        Self::bad_request("the body broke off before its end, so nothing was stored; send it again")
    }

    /// Returns a refusal because the disk does not take or give what it should: 507 (RFC 4918, 11.5) if it is full.
    pub fn of_disk(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::full(),
            _ => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("the hub cannot keep a content on its disk: {error}; nothing was stored"),
            ),
        }
    }

    /// Returns the refusal of everything while the hub's store is not where a restart would find it.
    pub fn out_of_place(what: &str) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{what}; keep what you sent until it is taken"),
        )
    }

    fn full() -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "the hub's disk is full, so nothing was stored; make room there and send it again",
        )
    }

    /// Returns a 404.
    pub fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) {
            return Self::full();
        }
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the hub's database failed: {error}; nothing was stored"),
        )
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("a statement could not be rewritten: {error}"),
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A struct of strings and numbers always serializes; the fallback only satisfies the types.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, "application/json")],
            body,
        )
            .into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge =
                HeaderValue::from_static(r#"Basic realm="pannier hub", charset="UTF-8""#);
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(place) = self.place {
            response.extensions_mut().insert(FirstFault(place));
        }
        response
    }
}
