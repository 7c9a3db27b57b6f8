//! The app's own HTTP, if it brings one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pannier::lrs;
use pannier::transport::Exchange;

use crate::foreign::reason;
use crate::{TimeSpan, Url};

/// Time beyond the request's time-out after which a transport is no longer waited for.
const GRACE: Duration = Duration::from_secs(5);

/// The methods of an LRS's resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Method {
    /// Requests a resource.
    Get,
    /// Requests the head of the answer alone: it has no body, whatever its `Content-Length` says.
    Head,
    /// Sends statements, or a document that is merged with the stored one.
    Post,
    /// Sends a document that replaces the stored one.
    Put,
    /// Deletes a document.
    Delete,
}

/// A request's body: its pieces, to be sent one after the other as they are. Printing shows sizes.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct Body {
    /// Pieces, in the order in which they are sent.
    pub pieces: Vec<BodyPiece>,
}

/// A piece of a body.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
pub enum BodyPiece {
    /// Bytes in memory.
    Bytes {
        /// The bytes, to be sent as they are.
        bytes: Vec<u8>,
    },
    /// Bytes of a file, to be read while they are sent.
    File {
        /// Path of the file.
        path: String,
        /// Number of bytes before these.
        offset: i64,
        /// Number of these bytes.
        length: i64,
    },
}

/// A header field of a request or an answer.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct Header {
    /// Name, in any letter case.
    pub name: String,
    /// Value, safe to send as it is.
    pub value: String,
}

/// One HTTP request, complete but for `Host` and `Content-Length`. Printing shows the method, the
/// path and the size.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct Request {
    /// HTTP method.
    pub method: Method,
    /// An absolute `http` or `https` URL.
    pub url: Url,
    /// Headers: all of them are to be sent, and no others that matter.
    pub headers: Vec<Header>,
    /// Body, to be sent whole with `Content-Length`, never chunked and never compressed.
    pub body: Option<Body>,
    /// Longest time for the whole exchange, from the connection to the last byte of the answer.
    pub timeout: TimeSpan,
    /// Number of bytes of the answer's body that are worth keeping; a longer one is cut, and the answer says so.
    pub longest_answer: i64,
}

/// An answer over HTTP, whatever its status. Printing shows the status and the size.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct Response {
    /// The HTTP status; 100 to 999.
    pub status: i32,
    /// The headers as they came.
    pub headers: Vec<Header>,
    /// The body, or its beginning where it is longer than the request allows.
    pub body: Vec<u8>,
    /// Tells that there was more of the body than this.
    #[uniffi(default = false)]
    pub cut: bool,
}

/// Reason why there is no answer, by what may have reached the LRS. In doubt it is `Broken`. Its text must reveal
/// no query, header or body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum TransportError {
    /// No connection was made, so no byte of the request can have arrived.
    #[error("the LRS cannot be reached: {reason}")]
    Unreachable {
        /// The system's message.
        reason: String,
    },
    /// A file of the body cannot be read, so that no byte of the request was sent.
    #[error("a file of the request cannot be read: {reason}")]
    Unreadable {
        /// The system's message.
        reason: String,
    },
    /// No complete answer within the time-out.
    #[error("the LRS did not answer in time")]
    TimedOut,
    /// The connection broke after it was made; anything may have arrived.
    #[error("the connection to the LRS broke: {reason}")]
    Broken {
        /// The system's message.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for TransportError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Broken {
            reason: reason(&error),
        }
    }
}

impl From<TransportError> for lrs::TransportError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Unreachable { reason } => Self::Unreachable(reason),
            TransportError::Unreadable { reason } => Self::Unreadable(reason),
            TransportError::TimedOut => Self::TimedOut,
            TransportError::Broken { reason } => Self::Broken(reason),
        }
    }
}

/// Carries requests to an LRS over the app's own HTTP stack: for a company proxy, user certificates or device
/// management. Pannier's conclusions are only right if a transport sends each POST, PUT and DELETE at most once (no
/// retry of its own), follows no redirect, keeps no cookies and no cache, adds no credentials, does not compress
/// the body, reports every HTTP status as an answer, and keeps the time-out.
#[uniffi::export(with_foreign)]
pub trait Transport: Send + Sync {
    /// Sends the request once and waits for its whole answer. Called on a background thread where it may block: one
    /// request at a time, or as many as `requestsInFlight` allows, each on a thread of its own. If the app pauses
    /// the collector in mid-flight, the result no longer counts. An exception counts as a broken connection.
    fn exchange(&self, request: Request) -> Result<Response, TransportError>;
}

/// Adapter from the app's transport to the core's trait.
pub(crate) struct AppsTransport(pub(crate) Arc<dyn Transport>);

impl pannier::transport::Transport for AppsTransport {
    fn exchange(&self, request: lrs::Request) -> Exchange<'_> {
        let transport = Arc::clone(&self.0);
        let longest = request.timeout + GRACE;
        Box::pin(async move {
            let request = Request::try_from(request)?;
            let exchanged = tokio::task::spawn_blocking(move || transport.exchange(request));
            match tokio::time::timeout(longest, exchanged).await {
                Ok(Ok(Ok(answer))) => answer.try_into(),
                Ok(Ok(Err(error))) => Err(error.into()),
                Ok(Err(panicked)) => Err(lrs::TransportError::Broken(panicked.to_string())),
                Err(_) => Err(lrs::TransportError::TimedOut),
            }
        })
    }
}

impl TryFrom<lrs::Request> for Request {
    type Error = lrs::TransportError;

    fn try_from(request: lrs::Request) -> Result<Self, lrs::TransportError> {
        Ok(Self {
            method: match request.method {
                lrs::Method::Get => Method::Get,
                lrs::Method::Head => Method::Head,
                lrs::Method::Post => Method::Post,
                lrs::Method::Put => Method::Put,
                lrs::Method::Delete => Method::Delete,
            },
            url: Url(request.url),
            headers: request
                .headers
                .into_iter()
                .map(|(name, value)| Header {
                    name: name.to_owned(),
                    value,
                })
                .collect(),
            body: request.body.map(Body::try_from).transpose()?,
            timeout: request.timeout.into(),
            longest_answer: i64::try_from(request.longest_answer).unwrap_or(i64::MAX),
        })
    }
}

impl TryFrom<lrs::Body> for Body {
    type Error = lrs::TransportError;

    fn try_from(body: lrs::Body) -> Result<Self, lrs::TransportError> {
        let pieces = body.into_pieces().into_iter().map(BodyPiece::try_from);
        Ok(Self {
            pieces: pieces.collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<lrs::BodyPiece> for BodyPiece {
    type Error = lrs::TransportError;

    fn try_from(piece: lrs::BodyPiece) -> Result<Self, lrs::TransportError> {
        let unreadable = |why: &str| lrs::TransportError::Unreadable(why.to_owned());
        match piece {
            lrs::BodyPiece::Bytes(bytes) => Ok(Self::Bytes { bytes }),
            lrs::BodyPiece::File(file) => {
                let path = file.path().to_str();
                let number =
                    |number| i64::try_from(number).map_err(|_| unreadable("it is too long"));
                Ok(Self::File {
                    path: path
                        .ok_or_else(|| unreadable("its name is no text"))?
                        .to_owned(),
                    offset: number(file.offset())?,
                    length: number(file.len())?,
                })
            }
            _ => Err(unreadable("a piece of an unknown kind")),
        }
    }
}

impl TryFrom<Response> for lrs::Response {
    type Error = lrs::TransportError;

    fn try_from(answer: Response) -> Result<Self, lrs::TransportError> {
        let status = u16::try_from(answer.status)
            .ok()
            .filter(|status| (100..1000).contains(status))
            .ok_or_else(|| {
                lrs::TransportError::Broken(format!("{} is no HTTP status", answer.status))
            })?;
        Ok(Self {
            status,
            headers: answer
                .headers
                .into_iter()
                .map(|header| (header.name, header.value))
                .collect(),
            body: answer.body,
            cut: answer.cut,
        })
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: (hidden)", self.name)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.url.0.split('?').next().unwrap_or_default();
        write!(f, "{:?} {place} ", self.method)?;
        match &self.body {
            Some(body) => fmt::Debug::fmt(body, f),
            None => f.write_str("(0 bytes)"),
        }
    }
}

impl fmt::Debug for BodyPiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { bytes } => write!(f, "{} bytes", bytes.len()),
            Self::File { length, .. } => write!(f, "{length} bytes of a file"),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths = self.pieces.iter().map(|piece| match piece {
            BodyPiece::Bytes { bytes } => bytes.len() as i64,
            BodyPiece::File { length, .. } => *length,
        });
        write!(f, "({} bytes)", lengths.fold(0, i64::saturating_add))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

macro_rules! display_as_debug {
    ($($kind:ty),*) => { $(
        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    )* };
}

display_as_debug!(Body, Header, Request, Response);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_crosses_whole_and_shows_nothing() {
        let request = lrs::Request {
            method: lrs::Method::Post,
            url: "https://lrs.example/xAPI/statements?agent=s3cret".to_owned(),
            headers: vec![("Authorization", "Basic s3cret".to_owned())],
            body: Some(lrs::Body::new([
                lrs::BodyPiece::Bytes(b"s3cret".to_vec()),
                lrs::BodyPiece::File(lrs::FilePiece::new("/s3cret", 2, 5)),
            ])),
            timeout: Duration::from_secs(9),
            longest_answer: 7,
        };
        let request = Request::try_from(request).unwrap();
        assert_eq!(
            (request.method, request.timeout),
            (Method::Post, Duration::from_secs(9).into())
        );
        let pieces = [
            BodyPiece::Bytes {
                bytes: b"s3cret".to_vec(),
            },
            BodyPiece::File {
                path: "/s3cret".to_owned(),
                offset: 2,
                length: 5,
            },
        ];
        assert_eq!(request.body.as_ref().unwrap().pieces, pieces);
        assert_eq!(request.headers[0].value, "Basic s3cret");
        assert_eq!(request.longest_answer, 7);
        let shown = format!("{request} {request:?} {}", request.headers[0]);
        assert!(
            shown.contains("Post https://lrs.example/xAPI/statements (11 bytes)"),
            "{shown}"
        );
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn an_answer_crosses_whole_and_a_status_that_is_none_is_a_broken_connection() {
        let answer = |status| Response {
            status,
            headers: vec![Header {
                name: "Date".to_owned(),
                value: "now".to_owned(),
            }],
            body: b"x".to_vec(),
            cut: true,
        };
        let crossed = lrs::Response::try_from(answer(503)).unwrap();
        assert_eq!((crossed.status, crossed.header("date")), (503, Some("now")));
        assert!(crossed.cut);
        for status in [-1, 0, 70_000] {
            assert!(matches!(
                lrs::Response::try_from(answer(status)),
                Err(lrs::TransportError::Broken(_))
            ));
        }
    }
}
