//! A file that is the body of a request with attachments: `multipart/mixed`, whose first part has the statements and
//! the others their contents (1.0.3 Communication 1.5.2; 2.0.0 4.1.3). Such a file begins as no JSON does.

use pannier::lrs::multipart::{Boundary, Part, parts};
use pannier_signature::has_sha2;

/// Largest body, in MiB: its contents are kept in memory.
pub const MOST_MIB: usize = 64;

/// A body, taken apart.
#[derive(Debug)]
pub struct Body<'a> {
    pub statements: &'a [u8],
    /// Line of the file in which the statements begin, counted from 1.
    pub line: usize,
    pub contents: Vec<&'a [u8]>,
}

/// Tells whether a file begins like such a body.
pub fn is_one(beginning: &[u8]) -> bool {
    beginning.starts_with(b"--")
}

/// Takes a body apart, or says what is wrong with it, to follow "FILE is a multipart body that cannot be read: ".
pub fn read(body: &[u8]) -> Result<Body<'_>, String> {
    let first = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let boundary = str::from_utf8(first.trim_ascii_end()).ok();
    let boundary = boundary.and_then(|line| line.strip_prefix("--"));
    let boundary = boundary.and_then(|boundary| Boundary::new(boundary).ok());
    let boundary = boundary.ok_or("its first line is no delimiter")?;
    let parts = parts(body, &boundary).map_err(|wrong| wrong.to_string())?;
    let (statements, contents) = parts.split_first().ok_or("it has no part")?;
    let media_type = statements.head.get("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        return Err("its first part is not application/json, which holds the statements".into());
    }
    for (place, part) in contents.iter().enumerate() {
        is_whole(part).map_err(|wrong| format!("part {} {wrong}", place + 2))?;
    }
    let statements = statements.content;
    let before = statements.as_ptr().addr() - body.as_ptr().addr();
    let before = body[..before].iter().filter(|byte| **byte == b'\n');
    Ok(Body {
        statements,
        line: before.count() + 1,
        contents: contents.iter().map(|part| part.content).collect(),
    })
}

/// Checks that a content is what its headers say.
fn is_whole(part: &Part<'_>) -> Result<(), &'static str> {
    let encoding = part.head.get("content-transfer-encoding");
    if !encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("binary")) {
        return Err("does not say Content-Transfer-Encoding: binary");
    }
    let sha2 = part.head.get("x-experience-api-hash");
    let sha2 = sha2.ok_or("has no X-Experience-API-Hash")?;
    match has_sha2(part.content, sha2) {
        Some(true) => Ok(()),
        Some(false) => Err("has another content than its X-Experience-API-Hash says"),
        None => Err("has a hash that is no SHA-256, SHA-384 or SHA-512 in hex"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA2: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn body() -> String {
        format!(
            "--b c\r\nContent-Type: application/json; charset=utf-8\r\n\r\n[\n{{}}]\r\n--b c\r\n\
             Content-Type: text/plain\r\nContent-Transfer-Encoding: Binary\r\n\
             X-Experience-API-Hash: {SHA2}\r\n\r\nabc\r\n--b c--\r\n"
        )
    }

    #[test]
    fn a_body_is_taken_apart() {
        let body = body();
        let read = read(body.as_bytes()).unwrap();
        assert_eq!((read.statements, read.line), (&b"[\n{}]"[..], 4));
        assert_eq!(read.contents, [b"abc"]);
        assert!(is_one(body.as_bytes()) && !is_one(b"-1") && !is_one(b"{}"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (change, to, why) in [
            ("application/json", "text/json", "application/json"),
            ("abc", "abd", "part 2 has another content"),
            (SHA2, &SHA2[1..], "no SHA-256"),
            ("X-Experience-API-Hash", "X-Hash", "no X-Experience"),
            ("Binary", "base64", "binary"),
            ("\r\n", "\n", "CRLF"),
            ("--b c--", "", "ends without"),
            ("--b c", "--", "no delimiter"),
        ] {
            let body = body().replace(change, to);
            let said = read(body.as_bytes()).unwrap_err();
            assert!(said.contains(why), "{change}: {said}");
        }
        for text in ["--", "--\u{e9}\r\n--\u{e9}--"] {
            assert!(read(text.as_bytes()).is_err());
        }
        assert!(read(b"--\xff\r\n--\xff--").is_err());
    }
}
