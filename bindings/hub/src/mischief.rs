//! Faults for the demo and the tests: a healthy LRS made to behave like those in the field.
//!
//! A [`Mischief`] wraps a hub's router and does what it was last told to; a hub without one never misbehaves. It
//! takes orders while the hub is running, from any thread.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use pannier_xapi::lrs::multipart::{Boundary, parts};
use serde::Deserialize;

/// Treatment of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The LRS's own 503, and no work done, with `Retry-After` in seconds if given.
    Unavailable(Option<u64>),
    /// The LRS's own 429, and no work done, with `Retry-After` in seconds.
    TooMany(u64),
    /// Another status, and no work done, with this body as `text/html`, as from something in front of an LRS.
    Answer(u16, String),
    /// The hub does its work, and then the connection is cut before the answer.
    LoseAnswer,
    /// The connection is cut before the hub has seen the request.
    LoseRequest,
    /// No answer, ever.
    Hang,
}

/// Requests to which a deed applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Any request.
    Anyone,
    /// POST and PUT.
    Senders,
}

/// A script of faults. Clones share it.
#[derive(Clone, Default)]
pub struct Mischief(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    next: VecDeque<(Whom, Deed)>,
    refused: Vec<(String, String)>,
    done: usize,
}

impl Mischief {
    /// Returns one that does nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wraps a hub's router; for [`super::Hub::start_around`].
    pub fn around(&self, router: Router) -> Router {
        Router::new()
            .fallback_service(router)
            .layer(from_fn_with_state(self.clone(), meddle))
    }

    /// Applies this deed to the next `count` requests, after all that was ordered before.
    pub fn next(&self, count: usize, whom: Whom, deed: &Deed) {
        self.script()
            .next
            .extend(std::iter::repeat_n((whom, deed.clone()), count));
    }

    /// Refuses from now on every request that sends this statement, alone or among others, with 400 and these
    /// words, like a strict LRS.
    pub fn refuse(&self, id: impl Into<String>, words: impl Into<String>) {
        self.script()
            .refused
            .push((id.into().to_ascii_lowercase(), words.into()));
    }

    /// Forgets all orders: from now on all is well.
    pub fn stop(&self) {
        *self.script() = Script {
            done: self.done(),
            ..Script::default()
        };
    }

    /// Returns the number of requests it has interfered with.
    pub fn done(&self) -> usize {
        self.script().done
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, sending: bool) -> Option<Deed> {
        let mut script = self.script();
        let due = script
            .next
            .iter()
            .position(|(whom, _)| sending || *whom == Whom::Anyone)?;
        script.done += 1;
        script.next.remove(due).map(|(_, deed)| deed)
    }

    fn refusal(&self, content_type: &str, body: &[u8]) -> Option<String> {
        let mut script = self.script();
        if script.refused.is_empty() {
            return None;
        }
        let boundary = Boundary::of(content_type).ok();
        let parts = boundary.and_then(|boundary| parts(body, &boundary).ok());
        let sent = ids(parts
            .as_ref()
            .and_then(|parts| parts.first())
            .map_or(body, |part| part.content));
        let (_, words) = script.refused.iter().find(|(id, _)| sent.contains(id))?;
        let words = words.clone();
        script.done += 1;
        Some(words)
    }
}

/// Returns the ids of the statements in a body of JSON, in lower case.
fn ids(body: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Named {
        id: Option<String>,
    }
    let one = || serde_json::from_slice(body).map(|one: Named| vec![one]);
    let named: Vec<Named> = serde_json::from_slice(body)
        .or_else(|_| one())
        .unwrap_or_default();
    named
        .into_iter()
        .filter_map(|named| named.id)
        .map(|id| id.to_ascii_lowercase())
        .collect()
}

/// Size of the largest body that is read; a larger one breaks off.
const LARGEST: usize = 64 * 1024 * 1024;

async fn meddle(State(mischief): State<Mischief>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    // The body is read first, so that the sender has finished writing and sees the intended answer.
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return Response::new(Body::new(Cut));
    };
    let sending = matches!(parts.method, Method::POST | Method::PUT);
    let deed = mischief.take(sending);
    if deed.is_none()
        && sending
        && let content_type = parts.headers.get(header::CONTENT_TYPE)
        && let content_type = content_type.and_then(|it| it.to_str().ok())
        && let Some(words) = mischief.refusal(content_type.unwrap_or_default(), &body)
    {
        return (StatusCode::BAD_REQUEST, OF_AN_LRS, words).into_response();
    }
    let request = Request::from_parts(parts, body.into());
    match deed {
        None => next.run(request).await,
        Some(Deed::Unavailable(after)) => busy(StatusCode::SERVICE_UNAVAILABLE, after),
        Some(Deed::TooMany(after)) => busy(StatusCode::TOO_MANY_REQUESTS, Some(after)),
        Some(Deed::Answer(status, body)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(header::CONTENT_TYPE, "text/html")], body).into_response()
        }
        Some(Deed::LoseAnswer) => {
            next.run(request).await;
            Response::new(Body::new(Cut))
        }
        Some(Deed::LoseRequest) => Response::new(Body::new(Cut)),
        Some(Deed::Hang) => std::future::pending().await,
    }
}

/// Header of an LRS: one that does not state its version is taken for something else, which may have passed the
/// request on.
const OF_AN_LRS: [(&str, &str); 1] = [("X-Experience-API-Version", "2.0.0")];

fn busy(status: StatusCode, after: Option<u64>) -> Response {
    let mut response = (status, OF_AN_LRS, "not now").into_response();
    if let Some(after) = after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(after));
    }
    response
}

/// A body that breaks off at once, which makes the server cut the connection.
struct Cut;

impl http_body::Body for Cut {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}
