//! The IRI of a mailbox: `mailto:` and an address (RFC 6068). Several addresses separated by commas are
//! accepted: the standard speaks of one address but does not say that an LRS refuses more.
//!
//! The address is checked for its form (RFC 5322 section 3.4.1, in the letters of any language by RFC 6531),
//! not for whether a mail server would accept it. Rare forms are accepted: quotation marks around what precedes
//! the `@`, an IP address in brackets after it. Comments and folding are not part of an address here (RFC 6068
//! section 2).

use std::borrow::Cow;

use super::iri;

/// Tells whether `text` is a `mailto:` IRI with an address and nothing more, such as a subject.
pub(crate) fn is_mailto(text: &str) -> bool {
    let Some((scheme, addresses)) = text.split_once(':') else {
        return false;
    };
    scheme.eq_ignore_ascii_case("mailto")
        && iri::is_iri(text)
        && !addresses.contains(['?', '#'])
        // A comma that belongs to an address is percent-encoded.
        && addresses
            .split(',')
            .all(|address| decoded(address).is_some_and(|address| is_address(&address)))
}

/// Decodes the percent-encoding of an address, which [`iri::is_iri`] has found to be well-formed.
fn decoded(address: &str) -> Option<Cow<'_, str>> {
    if !address.contains('%') {
        return Some(Cow::Borrowed(address));
    }
    let mut bytes = Vec::with_capacity(address.len());
    let mut pieces = address.split('%');
    bytes.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        bytes.push(u8::from_str_radix(piece.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Tells whether `text` is `local@domain`.
fn is_address(text: &str) -> bool {
    let domain = match text.strip_prefix('"') {
        Some(quoted) => after_quoted(quoted).and_then(|rest| rest.strip_prefix('@')),
        None => text
            .split_once('@')
            .filter(|(local, _)| is_dot_atom(local))
            .map(|(_, domain)| domain),
    };
    domain.is_some_and(|domain| {
        let literal = domain.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        match literal {
            Some(literal) => !literal.is_empty() && literal.chars().all(is_in_literal),
            None => is_dot_atom(domain),
        }
    })
}

/// Tells whether `text` is words separated by single dots.
fn is_dot_atom(text: &str) -> bool {
    text.split('.')
        .all(|word| !word.is_empty() && word.chars().all(is_in_word))
}

fn is_in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_wide(c)
}

fn is_in_literal(c: char) -> bool {
    matches!(c, '!'..='Z' | '^'..='~')
}

/// Tells whether a character beyond ASCII is allowed in an address; controls and white space are not.
fn is_wide(c: char) -> bool {
    !c.is_ascii() && !c.is_control() && !c.is_whitespace()
}

/// Returns what follows the closing quotation mark.
fn after_quoted(text: &str) -> Option<&str> {
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some(&text[at + 1..]),
            '\\' => drop(characters.next().filter(|(_, next)| !next.is_control())?),
            '\t' => {}
            c if c.is_control() => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_an_address_counts() {
        for good in [
            "mailto:a@example.com",
            "MAILTO:a@example.com",
            "mailto:a+b@localhost",
            "mailto:a@bücher.example",
            "mailto:%22a%20b%22@example.com",
            "mailto:o'brien+x/y=z_{1}%7B@example.com"
                .replace("{1}", "1")
                .as_str(),
            "mailto:kim.lee.ng@example.com",
            "mailto:a@example.com,b@example.com",
            "mailto:%22a%2Cb%22@example.com",
            "mailto:日本.語@例え.jp",
            "mailto:%E6%97%A5@example.com",
            "mailto:%22a.%5C%22@..b%22@example.com",
            "mailto:a@%5B192.0.2.1%5D",
            "mailto:a@%5BIPv6:2001:db8::1%5D",
            "mailto:-@x",
        ] {
            assert!(is_mailto(good), "{good}");
        }
        for bad in [
            "a@example.com",
            "mailto:",
            "mailto:example.com",
            "mailto:@example.com",
            "mailto:a@",
            "mailto:a@b@c",
            "mailto:a@example..com",
            "mailto:a b@example.com",
            "mailto:a@example.com?subject=x",
            "mailto:a@example.com,",
            "http://a@example.com",
            "mailto:kim.@example.com",
            "mailto:.kim@example.com",
            "mailto:kim..lee@example.com",
            "mailto:mailto:kim@example.com",
            "mailto:a@example.com,b.@example.com",
            "mailto:a@@example.com",
            "mailto:a%40b@example.com",
            "mailto:a@example.com.",
            "mailto:a@.example.com",
            "mailto:<a@example.com>",
            "mailto:Kim%20%3Ca@example.com%3E",
            "mailto:a(x)@example.com",
            "mailto:a%0A@example.com",
            "mailto:a%20b@example.com",
            "mailto:%22a@example.com",
            "mailto:%22a%22b@example.com",
            "mailto:%FF@example.com",
            "mailto:a@%5B%5D",
            "mailto:a@b;c",
            "mailto:a@example.com:25",
        ] {
            assert!(!is_mailto(bad), "{bad}");
        }
    }
}
