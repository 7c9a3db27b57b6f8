//! Transport of requests to an LRS and of its answers.
//!
//! [`Transport`] carries one [`Request`] and brings back a [`Response`] or a [`TransportError`]. With the
//! feature `http` (on by default) `HttpTransport` does it over reqwest and rustls. An app that
//! must use its platform's own HTTP stack, for a company proxy, user certificates or device
//! management, implements the trait itself.
//!
//! # Bringing your own
//!
//! What Pannier concludes from an answer, and from its absence, is only right if a transport
//!
//! - sends each POST, PUT and DELETE at most once: no retry of its own, on no status and no error, unless it
//!   is certain that no byte of the request reached the LRS. A GET or HEAD may be sent again;
//! - follows no redirect: a 3xx is an answer like any other, or the credentials and the statements
//!   would go to whatever a captive portal names;
//! - sends the body's pieces ([`Body`](crate::lrs::Body)) as they are with `Content-Length`: not chunked, not
//!   compressed (LRSs answer 400 or 500 to either), those on disk without loading them whole into memory. Where
//!   such a file cannot be read, nothing is sent ([`TransportError::Unreadable`]). It adds no header but `Host`,
//!   `Content-Length`, `User-Agent` and `Connection`. A packed answer may be passed on as it came or unpacked;
//! - keeps no cookies, no cache, and no credentials of its own;
//! - keeps to the total time-out of the request, and counts everything towards it;
//! - reports any HTTP status as a [`Response`], and distinguishes [`TransportError::Unreachable`] (nothing can
//!   have arrived) from [`TransportError::Broken`] and [`TransportError::TimedOut`] (anything may have). In doubt
//!   it is `Broken`; a TLS handshake that fails is [`TransportError::untrusted`];
//! - keeps as much of an answer as the request allows ([`Request::longest_answer`]), cuts what is
//!   longer rather than failing, and says so ([`Response::cut`]): half a copy taken for a whole one
//!   would stop the queue;
//! - puts no URL query, header value or body into the text of a failure or into a log.
//!
//! [`Transport::exchange`] is called from Pannier's own sync thread. At most `Config::requests_in_flight`
//! requests for each upstream are under way at once, one by default. The futures are polled on a
//! current-thread tokio runtime with time and I/O enabled. When the app pauses or interrupts the collector in
//! mid-flight, the future is dropped and the request should be abandoned; its outcome then counts as unknown. A
//! future must not panic (which counts as a broken connection) and must not block the thread for long: work on
//! another thread and await its answer. A `sync` or `pause` of the same collector called from it returns
//! [`Error::Reentrant`](crate::Error::Reentrant).
//!
//! [`Collector::probe`](crate::Collector::probe) calls it from a thread and a runtime of its own.

#[cfg(feature = "http")]
mod http;
mod no_connection;

use std::pin::Pin;

use crate::lrs::{Request, Response, TransportError};

#[cfg(feature = "http")]
pub use http::{HttpOptions, HttpTransport, InvalidHttpOptions};
pub use no_connection::NoConnection;

/// Future of the answer to one request.
pub type Exchange<'a> = Pin<Box<dyn Future<Output = Result<Response, TransportError>> + Send + 'a>>;

/// Carrier of requests to an LRS. See the [module](self) for what must be true of one.
pub trait Transport: Send + Sync {
    /// Sends the request once and waits for its whole answer.
    fn exchange(&self, request: Request) -> Exchange<'_>;
}
