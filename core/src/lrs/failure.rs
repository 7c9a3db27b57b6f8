//! Why there is no answer.

use thiserror::Error;

/// An exchange that brought no answer, told apart by what may have reached the LRS.
///
/// The texts name hosts and reasons, never queries, credentials or bodies.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// No connection was made (name look-up, refusal, no route, TLS handshake), so no byte of the
    /// request can have arrived.
    #[error("the LRS cannot be reached: {0}")]
    Unreachable(String),
    /// No complete answer within [`Request::timeout`](super::Request::timeout). The LRS may have
    /// stored all, some or none of it, or may still be at it.
    #[error("the LRS did not answer in time")]
    TimedOut,
    /// The connection broke after it was made. The LRS may have stored all, some or none of it.
    #[error("the connection to the LRS broke: {0}")]
    Broken(String),
}
