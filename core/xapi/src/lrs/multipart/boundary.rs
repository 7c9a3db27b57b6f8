//! The boundary of a body (RFC 2046, 5.1.1), and the Content-Type that tells it.

use std::fmt::Write as _;

use uuid::Uuid;

/// Most characters of a boundary. Searching for a longer one could take as many steps as the body has bytes, for each of
/// its bytes.
const LONGEST: usize = 70;

/// What is wrong with a body, or with the Content-Type that should tell its boundary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(super) String);

/// The text that separates the parts of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary(String);

impl Boundary {
    /// Makes one that no content has by chance, of an id that is random (version 4 or 5). No content is searched for it.
    pub fn random(random: Uuid) -> Self {
        Self(format!("pannier-{}", random.simple()))
    }

    /// Takes this text, which a sender has chosen. White space at its end is none of it.
    pub fn new(text: &str) -> Result<Self, Malformed> {
        let text = text.trim_end_matches([' ', '\t']);
        if text.is_empty() {
            return Err(Malformed("the boundary is empty".into()));
        }
        if text.len() > LONGEST {
            let why = format!("the boundary has more than {LONGEST} characters");
            return Err(Malformed(why));
        }
        if text.contains(['\r', '\n']) {
            return Err(Malformed("the boundary has a line break".into()));
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads the `boundary` parameter of a Content-Type, quoted or not.
    pub fn of(content_type: &str) -> Result<Self, Malformed> {
        let text = parameter(content_type, "boundary");
        let none = || Malformed("the Content-Type has no boundary parameter".into());
        Self::new(&text.ok_or_else(none)?)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the Content-Type of a body with this boundary, which is quoted only if it must be: one LRS cannot read
    /// quotes.
    pub fn content_type(&self) -> String {
        let mut header = "multipart/mixed; boundary=".to_owned();
        if self.0.bytes().all(is_token_byte) {
            header.push_str(&self.0);
        } else {
            let quoted = self.0.replace('\\', "\\\\").replace('"', "\\\"");
            // Writing to a String cannot fail.
            let _ = write!(header, "\"{quoted}\"");
        }
        header
    }
}

/// Tells whether a byte may stand in a parameter's value without quotes (RFC 2045, 5.1).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}

/// Returns the value of a parameter; nothing if there is none, or none that can be read.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let (_, mut rest) = header.split_once(';')?;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let value;
        (value, rest) = if let Some(quoted) = after.strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let (value, rest) = after.split_at(after.find(';').unwrap_or(after.len()));
            (value.to_owned(), rest)
        };
        let name = name.trim_start_matches([';', ' ', '\t']).trim_end();
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
    }
}

/// Returns what is in the quotes, the first of which has been read, and what follows them.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_read_from_a_content_type() {
        for (content_type, wanted) in [
            ("multipart/mixed; boundary=abc", Some("abc")),
            (
                "multipart/mixed;Boundary=\"a b:c\"; charset=utf-8",
                Some("a b:c"),
            ),
            (
                "multipart/mixed; a=\"; boundary=no\"; boundary=yes",
                Some("yes"),
            ),
            ("multipart/mixed; boundary=\"a\\\"b\"", Some("a\"b")),
            ("multipart/mixed; charset=utf-8; boundary=--x ", Some("--x")),
            ("multipart/mixed; boundary=", None),
            ("multipart/mixed; boundary=\"abc", None),
            ("multipart/mixed; boundary=\"a\r\nb\"", None),
            ("multipart/mixed;", None),
            ("multipart/mixed", None),
        ] {
            let read = Boundary::of(content_type);
            assert_eq!(
                read.as_ref().ok().map(Boundary::as_str),
                wanted,
                "{content_type}"
            );
        }
    }

    #[test]
    fn a_boundary_is_as_long_as_the_standard_lets_it_be() {
        assert!(Boundary::new(&"b".repeat(70)).is_ok());
        assert!(Boundary::new(&"b".repeat(71)).is_err());
        assert!(Boundary::new("").is_err() && Boundary::new("  ").is_err());
    }

    #[test]
    fn a_content_type_tells_its_boundary() {
        for (text, header) in [
            ("a-1_'+.", "multipart/mixed; boundary=a-1_'+."),
            ("a b", "multipart/mixed; boundary=\"a b\""),
            ("a=b?", "multipart/mixed; boundary=\"a=b?\""),
            ("a\"\\", "multipart/mixed; boundary=\"a\\\"\\\\\""),
        ] {
            let boundary = Boundary::new(text).unwrap();
            assert_eq!(boundary.content_type(), header);
            assert_eq!(Boundary::of(header), Ok(boundary));
        }
        let random = Uuid::from_u128(0x4f1d_0c2b_9e8a_47d6_a3b1_c0d2_e4f6_0718);
        assert_eq!(
            Boundary::random(random).content_type(),
            "multipart/mixed; boundary=pannier-4f1d0c2b9e8a47d6a3b1c0d2e4f60718"
        );
    }
}
