//! Signs that something other than an LRS answered: a captive portal, a proxy, a wrong endpoint.

use thiserror::Error;

use super::AskedAs;
use super::words::{Words, is_page};
use crate::lrs::Response;

/// Reason why an answer is not from an LRS. Nothing is delivered by it, and no statement is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAnLrs {
    /// A redirect, which is never followed.
    #[error("a redirect to {to}")]
    Redirect {
        /// Target, without query and fragment.
        to: String,
        /// Tells whether it leads to this endpoint's own host, perhaps on another scheme or port: then the endpoint is
        /// wrong (`http://` for `https://`, say). To another host it is a captive portal.
        same_host: bool,
    },
    /// A web page under a status of success; its title or text.
    #[error("a web page ({0})")]
    Page(Words),
    /// The network wants its user to log in first (status 511, RFC 6585 section 6).
    #[error("the network asks its user to log in first")]
    LoginFirst,
    /// Anything else that no LRS answers; its description.
    #[error("{0}")]
    Unexpected(&'static str),
}

/// Returns the reason if the status is one that no LRS gives. Every reader checks this first.
pub(super) fn by_status(answer: &Response, asked: AskedAs<'_>) -> Option<NotAnLrs> {
    match answer.status {
        511 => Some(NotAnLrs::LoginFirst),
        300..=399 => {
            let location = answer.header("Location");
            Some(
                match location.and_then(|to| Some((to, asked.endpoint.show(to)?))) {
                    Some((location, to)) => NotAnLrs::Redirect {
                        to: asked.hide(&to),
                        same_host: asked.endpoint.same_host(location),
                    },
                    None => NotAnLrs::Unexpected("a redirect to nowhere"),
                },
            )
        }
        200..=299 | 400..=599 => None,
        _ => Some(NotAnLrs::Unexpected("a status outside of HTTP's")),
    }
}

/// Returns the reason for a success whose body is not what an LRS sends: a page, or `why`.
pub(super) fn by_body(answer: &Response, asked: AskedAs<'_>, why: &'static str) -> NotAnLrs {
    if is_page(answer) {
        NotAnLrs::Page(Words::of(answer, asked))
    } else {
        NotAnLrs::Unexpected(why)
    }
}

/// Returns the body without the byte order mark that some plug-ins put before it, and without white space around it.
pub(super) fn json(answer: &Response) -> &[u8] {
    let body = &answer.body;
    body.strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii()
}
