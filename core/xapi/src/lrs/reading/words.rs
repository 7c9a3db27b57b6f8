//! The LRS's own words, fit to be stored and shown.

use std::fmt;

use super::AskedAs;
use crate::lrs::Response;

/// Maximum number of characters: as many as a person reads, since one framework alone can answer with the whole batch.
const LONGEST: usize = 500;

/// Number of bytes of a body that are looked at: an explanation that starts later is none.
const LOOKED_AT: usize = 64 * 1024;

/// Words of an LRS: plain text on one line, without control characters, at most 500 characters.
///
/// `Display` shows them, for the app's people. `Debug` does not, since some LRSs repeat parts of the statement they
/// refuse.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Words(String);

impl Words {
    /// Returns the words in the body of an answer; of a web page, its title or else its text.
    pub(super) fn of(answer: &Response, asked: AskedAs<'_>) -> Self {
        let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(LOOKED_AT)]);
        if is_page(answer) {
            let title = title(&text).map(|title| Self::plain(&without_markup(title), asked));
            title
                .filter(|title| !title.0.is_empty())
                .unwrap_or_else(|| Self::plain(&without_markup(&text), asked))
        } else {
            Self::plain(&text, asked)
        }
    }

    /// Makes any text of a server fit to be shown, also without the credentials that it was asked with.
    pub(super) fn plain(text: &str, asked: AskedAs<'_>) -> Self {
        let text = asked.hide(text);
        let mut line = String::new();
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
            if !word.is_empty() && !line.is_empty() {
                line.push(' ');
            }
            line.extend(word.chars().filter(|c| !turns_text_around(*c)));
        }
        if let Some((end, _)) = line.char_indices().nth(LONGEST) {
            line.truncate(end);
            line.push('…');
        }
        Self(line)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tells whether the answer is a web page, by its type or its beginning.
pub(super) fn is_page(answer: &Response) -> bool {
    let typed = answer
        .header("Content-Type")
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    let start = answer.body.trim_ascii_start();
    let begins = |mark: &[u8]| {
        start
            .get(..mark.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(mark))
    };
    typed || begins(b"<!doctype html") || begins(b"<html")
}

/// Tells whether it is one of Unicode's invisible direction marks, which could make a log line read otherwise.
fn turns_text_around(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn title(page: &str) -> Option<&str> {
    let low = page.to_ascii_lowercase();
    let from = low.find("<title")?;
    let from = from + low[from..].find('>')? + 1;
    let to = from + low[from..].find("</title")?;
    page.get(from..to)
}

/// Returns the text of a page, without tags, comments, scripts and styles, the common entities as characters.
fn without_markup(page: &str) -> String {
    // ASCII lower-casing keeps every byte where it was, so positions hold for both.
    let low = page.to_ascii_lowercase();
    let mut text = String::new();
    let mut at = 0;
    while let Some(tag) = low[at..].find('<').map(|found| at + found) {
        text.push_str(&page[at..tag]);
        text.push(' ');
        let end = if low[tag..].starts_with("<!--") {
            "-->"
        } else if low[tag..].starts_with("<script") {
            "</script>"
        } else if low[tag..].starts_with("<style") {
            "</style>"
        } else {
            ">"
        };
        match low[tag..].find(end) {
            Some(found) => at = tag + found + end.len(),
            None => at = page.len(),
        }
    }
    text.push_str(&page[at..]);
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text, |text, (entity, c)| text.replace(entity, c))
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lrs::Endpoint;

    fn endpoint() -> Endpoint {
        Endpoint::parse("https://lrs.example/xAPI").unwrap()
    }

    fn words(kind: &str, body: &[u8]) -> String {
        let answer = Response {
            status: 500,
            headers: vec![("Content-Type".to_owned(), kind.to_owned())],
            body: body.to_vec(),
            cut: false,
        };
        Words::of(&answer, (&endpoint()).into()).0
    }

    #[test]
    fn text_goes_on_one_line_without_control_characters() {
        assert_eq!(
            words(
                "text/plain",
                b"  No body\r\n\tin request\x1b[31m\x00 \xe2\x80\xaenow\xff "
            ),
            "No body in request [31m now\u{fffd}"
        );
    }

    #[test]
    fn json_stays_as_it_is() {
        let body = br#"{"errorId":"9f1","message":"Missing version"}"#;
        assert_eq!(words("application/json", body).as_bytes(), body);
    }

    #[test]
    fn a_page_is_its_title() {
        // Rocket, as xapi-rs answers 413.
        let page = b"<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
            <title>413 Payload Too Large</title></head><body align=\"center\"><h1>413</h1></body>";
        assert_eq!(
            words("text/html; charset=utf-8", page),
            "413 Payload Too Large"
        );
        // Django with DEBUG, untyped and in capitals.
        assert_eq!(
            words(
                "",
                b"\n<HTML><TITLE>ValueError at /xapi/ &amp;\n more</TITLE>"
            ),
            "ValueError at /xapi/ & more"
        );
    }

    #[test]
    fn a_page_without_title_is_its_text() {
        assert_eq!(
            words(
                "text/html",
                b"<style>p{color:red}</style><!-- <b>no</b> --><h1>Bad\tGateway</h1>\
                  <script>var a = '<p>';</script><p>nginx &lt;1.18&gt;<br"
            ),
            "Bad Gateway nginx <1.18>"
        );
        assert_eq!(words("text/html", b"<title></title><p>Sorry"), "Sorry");
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        let long = "é".repeat(LONGEST + 1);
        assert_eq!(
            words("text/plain", long.as_bytes()),
            "é".repeat(LONGEST) + "…"
        );
        let full = "é".repeat(LONGEST);
        assert_eq!(words("text/plain", full.as_bytes()), full);
        let spaced = format!("{} a b", "x".repeat(LONGEST - 2));
        assert_eq!(
            words("text/plain", spaced.as_bytes()),
            format!("{} a…", "x".repeat(LONGEST - 2))
        );
    }

    #[test]
    fn debug_does_not_show_them() {
        assert_eq!(
            format!("{:?}", Words::plain("ada failed", (&endpoint()).into())),
            "Words(10 bytes)"
        );
    }
}
