//! What the hub answers when it refuses: a status and a JSON body that says why.
//!
//! `{"error": "…", "faults": [{"statement": 1, "path": "$.verb.id", …}], "conflicts": […]}`; the two
//! lists are there when they have something to say. `statement` counts from 0, as in the request.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pannier::statement::{Difference, Invalid};
use serde::Serialize;

/// A refusal.
#[derive(Debug, Serialize)]
pub struct Problem {
    #[serde(skip)]
    status: StatusCode,
    error: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Fault>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conflicts: Vec<Conflict>,
}

/// A fault of one statement of the request.
#[derive(Debug, Serialize)]
pub struct Fault {
    statement: usize,
    #[serde(flatten)]
    fault: pannier::statement::Fault,
}

/// A statement whose id is taken by another one.
#[derive(Debug, Serialize)]
pub struct Conflict {
    /// Its place in the request, from 0.
    pub statement: usize,
    /// The id, in lower case.
    pub id: String,
    /// Where the two differ.
    pub differences: Vec<Apart>,
}

/// One place where two statements of the same id differ.
#[derive(Debug, Serialize)]
pub struct Apart {
    path: String,
    sent: Option<String>,
    stored: Option<String>,
}

impl Apart {
    /// The stored copy cannot be compared.
    pub fn unreadable() -> Self {
        Self {
            path: "$".into(),
            sent: None,
            stored: None,
        }
    }
}

impl From<Difference> for Apart {
    fn from(difference: Difference) -> Self {
        Self {
            path: difference.path,
            sent: difference.ours,
            stored: difference.theirs,
        }
    }
}

impl Problem {
    /// A refusal with this status.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            faults: Vec::new(),
            conflicts: Vec::new(),
        }
    }

    /// 400: the request is wrong and will be wrong again.
    pub fn bad_request(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// 404.
    pub fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// 400 for statements that are not valid; `invalid` gives each one's place in the request.
    pub fn invalid(invalid: Vec<(usize, Invalid)>) -> Self {
        let count = invalid.len();
        let faults = invalid.into_iter().flat_map(|(statement, invalid)| {
            invalid
                .faults
                .into_iter()
                .map(move |fault| Fault { statement, fault })
        });
        let error = match count {
            1 => "a statement is not valid, so none was stored; correct it and send the request again".into(),
            _ => format!("{count} statements are not valid, so none was stored; correct them and send the request again"),
        };
        Self {
            faults: faults.collect(),
            ..Self::bad_request(error)
        }
    }

    /// 409: these ids are stored with other content.
    pub fn conflict(conflicts: Vec<Conflict>) -> Self {
        let ids: Vec<&str> = conflicts
            .iter()
            .map(|conflict| conflict.id.as_str())
            .collect();
        let error = format!(
            "stored already with other content, so nothing of the request was stored: {}; a statement never changes, send a new one under a new id",
            ids.join(", ")
        );
        Self {
            conflicts,
            ..Self::new(StatusCode::CONFLICT, error)
        }
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
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
        response
    }
}
