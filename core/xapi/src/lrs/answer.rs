//! An answer as a value.

use std::fmt;

/// An HTTP answer with any status at all, refusals included.
///
/// `Debug` shows the status, the names of the headers and the size of the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers as they came; names in any letter case, values as far as they are text.
    pub headers: Vec<(String, String)>,
    /// Body, or its beginning if it was [`cut`](Self::cut); as it came until [`unpack`](super::unpack()) unpacks it.
    pub body: Vec<u8>,
    /// Tells whether the body is only the beginning: it was longer than
    /// [`Request::longest_answer`](super::Request::longest_answer), or the connection broke in the middle of a refusal.
    /// Nothing is concluded from what is missing.
    pub cut: bool,
}

impl Response {
    /// Returns the first value of a header; letter case of the name does not matter.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .field("cut", &self.cut)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_in_any_letter_case() {
        let answer = Response {
            status: 503,
            headers: vec![("retry-after".to_owned(), "5".to_owned())],
            body: Vec::new(),
            cut: false,
        };
        assert_eq!(answer.header("Retry-After"), Some("5"));
        assert_eq!(answer.header("Date"), None);
    }

    #[test]
    fn debug_shows_no_value_and_no_body() {
        let answer = Response {
            status: 200,
            headers: vec![("Set-Cookie".to_owned(), "key=secret".to_owned())],
            body: b"{\"actor\":1}".to_vec(),
            cut: false,
        };
        let shown = format!("{answer:?}");
        assert!(shown.contains("200") && shown.contains("Set-Cookie") && shown.contains("11"));
        assert!(!shown.contains("secret") && !shown.contains("actor"));
    }
}
