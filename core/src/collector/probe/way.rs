//! Reasons why nothing gets through to an LRS, each with what to do: a proxy or gateway that refuses, and TLS that fails.

use super::Heard;
use crate::lrs::reading::sender;
use crate::lrs::{Response, Sender, TransportError};
use crate::transport::NoConnection;

const LOG_IN_TO_THE_PROXY: &str = "a proxy on the way asks for a user name and a password: put those for it before its \
     host (`proxy`: http://USER:PASSWORD@HOST:PORT), or ask whoever runs it";

/// Returns what to do about a connection that could not be made.
pub(super) fn to_reach_it(failure: &TransportError) -> &'static str {
    match NoConnection::of(failure) {
        Some(NoConnection::ProxyLogin) => LOG_IN_TO_THE_PROXY,
        Some(NoConnection::ProxyRefuses) => {
            "the proxy does not connect to this host, or not now: try again later, then ask whoever runs it"
        }
        _ => "check the network and the host in the endpoint",
    }
}

/// Returns what to do about TLS that failed; none where the failure says so itself.
pub(super) fn to_be_secure(failure: &TransportError) -> Option<&'static str> {
    match NoConnection::of(failure)? {
        NoConnection::UnknownAuthority
        | NoConnection::AuthorityItself
        | NoConnection::OtherName => None,
        NoConnection::NotTls => Some(
            "what listens at this port does not speak TLS: check the port in the endpoint, or use http:// if the \
             LRS has no https://",
        ),
        NoConnection::UnsafeTls => Some(
            "the host speaks an older or another TLS than 1.2 and 1.3 with what is safe of them: ask whoever runs \
             it for one of these",
        ),
        NoConnection::OldCertificate => Some(
            "the host's certificate is of an old version of X.509: ask whoever runs it for one of version 3",
        ),
        NoConnection::Expired | NoConnection::NotValidYet => {
            Some("check this device's clock, then ask whoever runs the host")
        }
        NoConnection::ProxyLogin
        | NoConnection::ProxyRefuses
        | NoConnection::Untrusted
        | NoConnection::NoTls => Some("ask whoever runs the host, or a proxy before it"),
    }
}

/// Returns the status and what to do, where all that answers refuses for whoever runs the way to the LRS: then what is
/// sent gets no further than the questions.
pub(super) fn refuses_everything(heard: &Heard) -> Option<(u16, &'static str)> {
    let is_refusal = |status| matches!(status, 407 | 502..=504);
    let refuses =
        |answer: &Response| is_refusal(answer.status) && sender(answer) == Sender::Stranger;
    let last = heard.answers().last()?;
    let all = heard.answers().all(refuses);
    all.then(|| (last.status, to_be_let_through(last.status)))
}

/// Returns what to do about a refusal with this status, 407 or 502 to 504, by a proxy or gateway.
pub(super) fn to_be_let_through(status: u16) -> &'static str {
    match status {
        407 => LOG_IN_TO_THE_PROXY,
        _ => {
            "a proxy or gateway, or the LRS itself, does not work now: try again later, then ask whoever runs it"
        }
    }
}
