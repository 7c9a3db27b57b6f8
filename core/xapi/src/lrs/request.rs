//! A request as a value.

use std::fmt;
use std::time::Duration;

use super::Body;

/// Method of an LRS's resources (C 2; 9274 4.1.6). Statements go by POST, never by PUT: POST with ids does the same for
/// many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Retrieve statements or documents.
    Get,
    /// Ask for the headers of the answer alone.
    Head,
    /// Send statements, or a document that is merged with what is there.
    Post,
    /// Send a document that takes the place of what is there.
    Put,
    /// Delete a document.
    Delete,
}

impl Method {
    /// Returns the method as HTTP spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// Tells whether it changes nothing, so that sending it twice does no harm (RFC 9110, section 9.2.1).
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// One HTTP request, complete but for `Host` and `Content-Length`, which the transport adds.
///
/// `Debug` shows the method, the path and sizes; never the query, the headers or the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// HTTP method.
    pub method: Method,
    /// An absolute `http` or `https` URL without user name and fragment.
    pub url: String,
    /// Header names and values; the values are safe to send as they are.
    pub headers: Vec<(&'static str, String)>,
    /// The body, to be sent whole with `Content-Length`, never chunked and never compressed.
    pub body: Option<Body>,
    /// Time limit of the whole exchange, from the connection to the last byte of the answer.
    pub timeout: Duration,
    /// Number of bytes of the answer's body worth keeping. A longer one is cut, and the answer says so
    /// ([`Response::cut`](super::Response::cut)).
    pub longest_answer: usize,
}

impl Request {
    /// Returns the bytes of its body, where it has one and they lie in memory in one piece.
    pub fn body_bytes(&self) -> Option<&[u8]> {
        self.body.as_ref().and_then(Body::as_bytes)
    }

    /// Returns the number of bytes of its body: what `Content-Length` says.
    pub fn body_len(&self) -> u64 {
        self.body.as_ref().map_or(0, Body::len)
    }

    /// Returns the URL without its query, for people to read.
    fn place(&self) -> &str {
        self.url
            .split_once('?')
            .map_or(self.url.as_str(), |(place, _)| place)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method.as_str())
            .field("url", &self.place())
            .field("body_bytes", &self.body_len())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_query_header_or_body() {
        let request = Request {
            method: Method::Post,
            url: "https://lrs.example/xAPI/statements?agent=ada".to_owned(),
            headers: vec![("Authorization", "Basic c2VjcmV0".to_owned())],
            body: Some(b"{\"actor\":\"ada\"}".to_vec().into()),
            timeout: Duration::from_secs(3),
            longest_answer: 9,
        };
        let shown = format!("{request:?}");
        assert!(shown.contains("POST") && shown.contains("https://lrs.example/xAPI/statements"));
        assert!(shown.contains("15"), "the body's size is shown: {shown}");
        for hidden in ["ada", "Basic", "c2VjcmV0", "actor"] {
            assert!(!shown.contains(hidden), "{hidden} shows in {shown}");
        }
    }
}
