//! Internationalised resource identifiers with a scheme (RFC 3987), in their generic form. What a scheme asks
//! for beyond it is not checked, but something must follow the scheme.

/// Whether `text` is an IRI with a scheme.
pub(crate) fn is_iri(text: &str) -> bool {
    let Some(colon) = text.bytes().position(|byte| byte == b':') else {
        return false;
    };
    let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
    is_scheme(scheme) && !rest.is_empty() && is_generic(rest)
}

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Whether what follows the scheme consists of characters that may stand where they stand.
fn is_generic(rest: &str) -> bool {
    let bytes = rest.as_bytes();
    let mut part = if rest.starts_with("//") {
        Part::Authority
    } else {
        Part::Path
    };
    let mut at = if part == Part::Authority { 2 } else { 0 };
    while let Some(&byte) = bytes.get(at) {
        match CLASS[usize::from(byte)] {
            Class::Slash if part == Part::Authority => part = Part::Path,
            Class::Question if part < Part::Query => part = Part::Query,
            Class::Plain | Class::Slash | Class::Question => {}
            Class::Hash if part < Part::Fragment => part = Part::Fragment,
            Class::Percent if is_percent_encoded(&bytes[at..]) => at += 2,
            // An IP address such as [::1] is the only use of brackets.
            Class::Bracket if part == Part::Authority => {}
            Class::Wide => match rest[at..].chars().next() {
                Some(c) if is_wide(c, part) => at += c.len_utf8() - 1,
                _ => return false,
            },
            Class::Hash | Class::Percent | Class::Bracket | Class::Never => return false,
        }
        at += 1;
    }
    true
}

/// The part of an IRI after its scheme, in order.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Part {
    Authority,
    Path,
    Query,
    Fragment,
}

/// What a byte can be in an IRI.
#[derive(Clone, Copy)]
enum Class {
    Never,
    Plain,
    Slash,
    Question,
    Hash,
    Percent,
    Bracket,
    Wide,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Never; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'/' => Class::Slash,
            b'?' => Class::Question,
            b'#' => Class::Hash,
            b'%' => Class::Percent,
            b'[' | b']' => Class::Bracket,
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => Class::Never,
            0x21..=0x7E => Class::Plain,
            0x80..=0xFF => Class::Wide,
            _ => Class::Never,
        };
        byte += 1;
    }
    table
};

fn is_percent_encoded(bytes: &[u8]) -> bool {
    matches!(bytes, [_, high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// Whether a character beyond ASCII may stand in a part: all but controls, noncharacters and tags, and
/// private use only in a query.
fn is_wide(c: char, part: Part) -> bool {
    match c as u32 {
        0xE000..=0xF8FF | 0xF0000..=0xFFFFD | 0x10_0000..=0x10_FFFD => part == Part::Query,
        0x80..=0x9F | 0xFDD0..=0xFDEF | 0xFFF0..=0xFFFF | 0xE0000..=0xE0FFF => false,
        code => code & 0xFFFE != 0xFFFE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iris() {
        for good in [
            "http://example.com/verbs/did",
            "http://example.com/v#did",
            "https://user:pw@[::1]:8080/a/b;c=d?q=1/2?&x#y/?z",
            "urn:example:did",
            "tag:example.com,2024:did",
            "mailto:a@bücher.example",
            "http://例え.jp/行?検=索#片",
            "http://example.com/%C3%A9",
            "act:a",
        ] {
            assert!(is_iri(good), "{good}");
        }
    }

    #[test]
    fn not_iris() {
        for bad in [
            "",
            "did",
            "example.com/did",
            "//example.com/did",
            "/did",
            ":did",
            "1a:b",
            "ab=c://should.fail.com",
            "http:",
            "http://example.com/did it",
            "http://example.com/\tdid",
            "http://example.com/<did>",
            "http://example.com/{did}",
            "http://example.com/a|b",
            "http://example.com/100%",
            "http://example.com/%4g",
            "http://example.com/a[1]",
            "http://example.com/a#b#c",
            "http://example.com/\u{85}",
            "http://example.com/\u{E000}",
            "http://example.com/\u{FFFE}",
        ] {
            assert!(!is_iri(bad), "{bad}");
        }
    }
}
