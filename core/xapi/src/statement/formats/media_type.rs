//! Internet media types: `type/subtype` with parameters (RFC 9110 section 8.3.1).

use crate::steps;

const BLANK: [char; 2] = [' ', '\t'];

/// Tells whether `text` is a media type.
pub(crate) fn is_media_type(text: &str) -> bool {
    steps::add(text.len());
    let Some((kind, rest)) = text.split_once('/') else {
        return false;
    };
    let (subtype, parameters) = split_token(rest);
    is_token(kind) && !subtype.is_empty() && are_parameters(parameters)
}

/// Tells whether `rest` is any number of `; name=value`, where the value is a token or a quoted string.
fn are_parameters(mut rest: &str) -> bool {
    loop {
        rest = rest.trim_start_matches(BLANK);
        if rest.is_empty() {
            return true;
        }
        match rest.strip_prefix(';').and_then(after_parameter) {
            Some(after) => rest = after,
            None => return false,
        }
    }
}

/// Returns what follows a parameter, which may be empty.
fn after_parameter(text: &str) -> Option<&str> {
    let (name, rest) = split_token(text.trim_start_matches(BLANK));
    if name.is_empty() {
        return Some(rest);
    }
    let value = rest.strip_prefix('=')?;
    match value.strip_prefix('"') {
        Some(quoted) => after_quoted(quoted),
        None => match split_token(value) {
            ("", _) => None,
            (_, after) => Some(after),
        },
    }
}

/// Returns what follows the closing quote.
fn after_quoted(text: &str) -> Option<&str> {
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some(&text[at + 1..]),
            '\\' => drop(characters.next()?),
            '\t' => {}
            c if c.is_control() => return None,
            _ => {}
        }
    }
    None
}

/// Splits `text` after the token at its start, which may be empty.
fn split_token(text: &str) -> (&str, &str) {
    let end = text
        .bytes()
        .position(|byte| !is_token_byte(byte))
        .unwrap_or(text.len());
    text.split_at(end)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types() {
        for good in [
            "text/plain",
            "text/plain; charset=ascii",
            "application/vnd.example+json;v=1;q=\"a \\\"b\\\" é\"",
            "application/octet-stream ; a=b ;",
        ] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in [
            "",
            "text",
            "/",
            "text/",
            "/plain",
            "text/plain/x",
            "text plain",
            "te xt/plain",
            "text/plain; charset",
            "text/plain; charset=",
            "text/plain; charset=\"a",
            "text/plain charset=a",
            "text/é",
            "text/plain;=a",
        ] {
            assert!(!is_media_type(bad), "{bad}");
        }
    }
}
