//! Internationalised resource identifiers with a scheme (RFC 3987), in their generic form. What a scheme
//! requires beyond that is not checked, except that something must follow it, and that `http://` and `https://`
//! must name a host.

use std::net::Ipv6Addr;

use crate::steps;

/// Tells whether `text` is an IRI with a scheme.
pub(crate) fn is_iri(text: &str) -> bool {
    steps::add(text.len());
    let Some(colon) = text.bytes().position(|byte| byte == b':') else {
        return false;
    };
    let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
    let needs_host = ["http", "https"]
        .iter()
        .any(|http| scheme.eq_ignore_ascii_case(http));
    is_scheme(scheme)
        && match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
                is_authority(&rest[..end], needs_host) && is_allowed(&rest[end..], Part::Path)
            }
            None => !rest.is_empty() && is_allowed(rest, Part::Path),
        }
}

/// Tells whether `text` is `userinfo@host:port`, where all but the host may be missing, and the host too unless
/// `needs_host`.
fn is_authority(text: &str, needs_host: bool) -> bool {
    let (user, place) = text.split_once('@').unwrap_or(("", text));
    let literal = place.strip_prefix('[').and_then(|it| it.split_once(']'));
    let (host_is_right, port) = if let Some((literal, after)) = literal {
        let port = after.strip_prefix(':');
        let is_right = is_ip_literal(literal) && (after.is_empty() || port.is_some());
        (is_right, port.unwrap_or_default())
    } else {
        let (host, port) = place.split_once(':').unwrap_or((place, ""));
        let is_right = !host.contains('@') && is_allowed(host, Part::Authority);
        (is_right && !(needs_host && host.is_empty()), port)
    };
    host_is_right
        && is_allowed(user, Part::Authority)
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Tells whether an address between brackets is an IPv6 address, perhaps with its zone (RFC 6874), or one of a
/// future IP version (RFC 3986 section 3.2.2).
fn is_ip_literal(text: &str) -> bool {
    let (address, zone) = text.split_once("%25").unwrap_or((text, "0"));
    if address.parse::<Ipv6Addr>().is_ok() {
        return !zone.is_empty() && is_allowed(zone, Part::Authority);
    }
    let future = text
        .strip_prefix(['v', 'V'])
        .and_then(|it| it.split_once('.'));
    future.is_some_and(|(version, address)| {
        let mut digits = version.bytes();
        !version.is_empty()
            && digits.all(|byte| byte.is_ascii_hexdigit())
            && !address.is_empty()
            && address.is_ascii()
            && !address.contains(['@', '%'])
            && is_allowed(address, Part::Authority)
    })
}

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Tells whether each character of `text`, which begins in `part`, is allowed where it stands.
fn is_allowed(text: &str, mut part: Part) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match CLASS[usize::from(byte)] {
            Class::Question if part < Part::Query => part = Part::Query,
            Class::Plain | Class::Question => {}
            Class::Hash if part < Part::Fragment => part = Part::Fragment,
            Class::Percent if is_percent_encoded(&bytes[at..]) => at += 2,
            Class::Wide => match text[at..].chars().next() {
                Some(c) if is_wide(c, part) => at += c.len_utf8() - 1,
                _ => return false,
            },
            Class::Hash | Class::Percent | Class::Never => return false,
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

/// Role that a byte can have in an IRI.
#[derive(Clone, Copy)]
enum Class {
    Never,
    Plain,
    Question,
    Hash,
    Percent,
    Wide,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Never; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'?' => Class::Question,
            b'#' => Class::Hash,
            b'%' => Class::Percent,
            // Brackets are allowed only around an IP address.
            b'[' | b']' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                Class::Never
            }
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

/// Tells whether a character beyond ASCII is allowed in a part: all but controls, noncharacters and tags, and
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
            "HTTP://EXAMPLE.com",
            "http://example.com:/a",
            "http://example.com:8080?q",
            "http://example.com#f",
            "http://münchen.example:81/",
            "http://us%65r@example.com/",
            "http://a:b:c@example.com/",
            "http://[2001:db8::7]/",
            "http://[fe80::1%25en0]:80/",
            "http://[v7.a:b]/",
            "http://127.0.0.1:1/a:b@c",
            "http://a_b.example/",
            "file:///a/b",
            "urn:uuid:7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c",
            "tag:a@example.com,2024:b:c",
            "about:blank",
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
            "http://",
            "https:///did",
            "http://?q",
            "http://:80/did",
            "http://user@/did",
            "http://NAME-urn:scormdriver:5419",
            "http://example.com:80a/",
            "http://example.com:-1/",
            "http://example.com:８０/",
            "http://a@b@example.com/",
            "ws://a@b@example.com/",
            "http://exa[mple.com/",
            "http://[::1/",
            "http://[::1]8/",
            "http://[::1]:x/",
            "http://[1.2.3.4]/",
            "http://[::g]/",
            "http://[v.a]/",
            "http://::1/",
            "http://exa mple.com/",
            "http://example.com/\u{85}",
            "http://example.com/\u{E000}",
            "http://example.com/\u{FFFE}",
        ] {
            assert!(!is_iri(bad), "{bad}");
        }
    }
}
