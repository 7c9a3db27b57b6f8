//! Failures: why there is no answer.

use thiserror::Error;

/// An exchange that brought no answer, told apart by what may have reached the LRS.
///
/// The texts name hosts and reasons, never queries, credentials or bodies.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransportError {
    /// No connection was made (name look-up, refusal, no route, TLS handshake), so no byte of the request can have
    /// arrived. Where TLS failed, make it by [`TransportError::untrusted`].
    #[error("the LRS cannot be reached: {0}")]
    Unreachable(String),
    /// A file of the body cannot be read, so that no byte of the request was sent.
    #[error("a file of the request cannot be read: {0}")]
    Unreadable(String),
    /// No complete answer within [`Request::timeout`](super::Request::timeout). The LRS may have
    /// stored all, some or none of it, or may still be at it.
    #[error("the LRS did not answer in time")]
    TimedOut,
    /// The connection broke after it was made. The LRS may have stored all, some or none of it.
    #[error("the connection to the LRS broke: {0}")]
    Broken(String),
}

/// Beginning of the words of a failed TLS handshake.
const NO_TRUST: &str = "no secure connection";

impl TransportError {
    /// Makes the error of a host that is there, but with which TLS failed: why, and what to do about it.
    pub fn untrusted(why: impl std::fmt::Display) -> Self {
        Self::Unreachable(format!("{NO_TRUST}: {why}"))
    }

    /// Tells whether any of the request may have reached the LRS.
    pub fn may_have_arrived(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Broken(_))
    }

    /// Tells whether it is TLS that failed.
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Unreachable(words) if words.starts_with(NO_TRUST))
    }
}
