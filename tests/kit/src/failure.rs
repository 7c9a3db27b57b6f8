//! What goes wrong.

use std::time::Duration;

use pannier::lrs::{Response, TransportError};

/// What happens to one request in place of what should.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The LRS itself answers so, and does nothing: 400, 401, 403, 409, 413, 500 and so on.
    Status(u16),
    /// The LRS asks for time, by 429 with `Retry-After`.
    TooManyRequests(Duration),
    /// The LRS asks for time, by 503 with `Retry-After`.
    Unavailable(Duration),
    /// A gateway before the LRS answers so, by a page of its own: 502, 504 and so on.
    Gateway(u16),
    /// A login page stands in the LRS's place, as in a hotel: 200, and no LRS.
    Portal,
    /// No connection comes about.
    Unreachable,
    /// The LRS does what it should, and its answer is lost.
    LostAnswer,
    /// The request is lost, and nothing comes back in time.
    TimedOut,
}

/// What becomes of a request.
pub(crate) enum Fate {
    /// The LRS never sees it.
    Instead(Result<Response, TransportError>),
    /// The LRS sees it, and whoever has sent it hears nothing.
    Unheard,
}

impl Failure {
    pub(crate) fn fate(self) -> Fate {
        let answered =
            |status, signed, words: &str| Fate::Instead(Ok(answer(status, signed, words)));
        match self {
            Self::Status(status) => answered(status, true, "no"),
            Self::TooManyRequests(wait) => Fate::Instead(Ok(later(429, wait))),
            Self::Unavailable(wait) => Fate::Instead(Ok(later(503, wait))),
            Self::Gateway(status) => answered(status, false, "<html><title>Gateway</title></html>"),
            Self::Portal => answered(200, false, "<html><title>Welcome</title>Log in</html>"),
            Self::Unreachable => {
                Fate::Instead(Err(TransportError::Unreachable("no connection".to_owned())))
            }
            Self::TimedOut => Fate::Instead(Err(TransportError::TimedOut)),
            Self::LostAnswer => Fate::Unheard,
        }
    }
}

fn later(status: u16, wait: Duration) -> Response {
    let mut answer = answer(status, true, "later");
    let seconds = wait.as_millis().div_ceil(1_000);
    let header = ("Retry-After".to_owned(), seconds.to_string());
    answer.headers.push(header);
    answer
}

/// An answer; `signed` by the LRS itself, which gives its version with each (xAPI 1.0.3 Communication 3.3).
pub(crate) fn answer(status: u16, signed: bool, body: &str) -> Response {
    let kind = if signed {
        "application/json"
    } else {
        "text/html"
    };
    let mut headers = vec![("Content-Type".to_owned(), kind.to_owned())];
    if signed {
        headers.push(("X-Experience-API-Version".to_owned(), "2.0.0".to_owned()));
    }
    Response {
        status,
        headers,
        body: body.as_bytes().to_vec(),
        cut: false,
    }
}
