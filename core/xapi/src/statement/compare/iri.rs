//! IRIs in the form in which they are compared.
//!
//! Syntax-based normalization and nothing more (Data 3.1, 4.2.7 of IEEE 9274.1.1; RFC 3986, section 6.2.2): letter case of
//! scheme and host, and percent-encoding. What only a scheme's own rules call equal, such as a port that is the usual one,
//! is another IRI.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Normalizes an IRI. What is none stays as it is.
pub(super) fn normalized(iri: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = iri.split_once(':') else {
        return Cow::Borrowed(iri);
    };
    let is_usual = |byte: u8| !byte.is_ascii_uppercase() && byte != b'%';
    let path_at = match rest.strip_prefix("//") {
        Some(behind) => 2 + behind.find(['/', '?', '#']).unwrap_or(behind.len()),
        None => 0,
    };
    let (authority, path) = rest.split_at(path_at);
    if scheme.bytes().all(is_usual) && authority.bytes().all(is_usual) && !path.contains('%') {
        return Cow::Borrowed(iri);
    }
    let mut text = String::with_capacity(iri.len());
    text.push_str(&scheme.to_ascii_lowercase());
    text.push(':');
    // Whoever is named before the host is named in his own letters.
    let host_at = authority.rfind('@').map_or(0, |at| at + 1);
    let (user, host) = authority.split_at(host_at);
    percent_encoded(&mut text, user);
    percent_encoded(&mut text, &host.to_lowercase());
    percent_encoded(&mut text, path);
    Cow::Owned(text)
}

/// Appends a part with each character encoded that has to be, in capitals, and no other.
fn percent_encoded(to: &mut String, part: &str) {
    let mut rest = part;
    while let Some((before, behind)) = rest.split_once('%') {
        to.push_str(before);
        let byte = behind
            .get(..2)
            .filter(|two| two.bytes().all(|it| it.is_ascii_hexdigit()));
        let byte = byte.and_then(|two| u8::from_str_radix(two, 16).ok());
        rest = match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                to.push(char::from(byte));
                &behind[2..]
            }
            Some(byte) => {
                // Writing to a string never fails.
                let _ = write!(to, "%{byte:02X}");
                &behind[2..]
            }
            None => {
                to.push('%');
                behind
            }
        };
    }
    to.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_iri_in_other_spellings_is_the_same() {
        for (one, other) in [
            ("HTTP://Example.COM/x", "http://example.com/x"),
            ("http://example.com/%7eada", "http://example.com/~ada"),
            ("http://example.com/%7Eada", "http://example.com/~ada"),
            ("http://example.com/a%2fb", "http://example.com/a%2Fb"),
            ("URN:x", "urn:x"),
            ("http://example.com?A=%41", "http://EXAMPLE.com?A=A"),
        ] {
            assert_eq!(normalized(one), normalized(other), "{one}");
        }
    }

    #[test]
    fn another_iri_is_another() {
        for (one, other) in [
            ("http://example.com/x", "http://example.com/X"),
            ("http://example.com", "http://example.com/"),
            ("https://example.com:443/x", "https://example.com/x"),
            ("http://Ada@example.com/", "http://ada@example.com/"),
            ("http://example.com/a%2Fb", "http://example.com/a/b"),
            ("urn:X", "urn:x"),
            ("http://example.com/100%", "http://example.com/100%25"),
        ] {
            assert_ne!(normalized(one), normalized(other), "{one}");
        }
    }

    #[test]
    fn what_is_no_iri_stays() {
        for text in ["", "x", "X Y", "%", ":", "://", "A%zz"] {
            assert_eq!(normalized(text).to_lowercase(), text.to_lowercase());
        }
    }
}
