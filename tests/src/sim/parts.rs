//! Requests with contents of attachments: taken apart by RFC 2046, section 5.1, and by nothing of the product.

use pannier::lrs::{Request, Response};

use super::lrs::header;

/// A request, taken apart.
pub struct Apart<'a> {
    /// The JSON of the statements.
    pub statements: &'a [u8],
    /// What follows it.
    pub contents: Vec<Part<'a>>,
}

/// A content in a request.
pub struct Part<'a> {
    /// Its hash, as its header says it.
    pub hash: &'a str,
    /// Its octets.
    pub octets: &'a [u8],
}

/// Takes a request apart; the error says what is wrong with it. None: it has no body.
pub fn apart(request: &Request) -> Result<Option<Apart<'_>>, String> {
    let Some(body) = request.body_bytes() else {
        return Ok(None);
    };
    let media_type = header(request, "Content-Type").unwrap_or_default();
    let Some(boundary) = media_type.strip_prefix("multipart/mixed; boundary=") else {
        return Ok(Some(Apart {
            statements: body,
            contents: Vec::new(),
        }));
    };
    let mut parts = split(body, boundary.trim_matches('"'))
        .ok_or("I14: a body that is no multipart/mixed")?
        .into_iter();
    let (_, statements) = parts.next().ok_or("I14: a body without parts")?;
    let contents = parts.map(|(headers, octets)| {
        let value = |name: &str| {
            let lines = headers
                .split("\r\n")
                .filter_map(|line| line.split_once(": "));
            let mut values = lines.filter(|(given, _)| given.eq_ignore_ascii_case(name));
            values.next().map(|(_, value)| value)
        };
        if value("Content-Transfer-Encoding") != Some("binary") {
            return Err("I14: a content that is not binary".to_owned());
        }
        if value("Content-Length").is_some_and(|it| it != octets.len().to_string()) {
            return Err("I14: a content of another length than is said".to_owned());
        }
        let hash = value("X-Experience-API-Hash").ok_or("I14: a content without its hash")?;
        Ok(Part { hash, octets })
    });
    Ok(Some(Apart {
        statements,
        contents: contents.collect::<Result<_, String>>()?,
    }))
}

/// The parts of a body, each with its headers.
fn split<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<(&'a str, &'a [u8])>> {
    let delimiter = format!("\r\n--{boundary}");
    let mut parts = Vec::new();
    let mut rest = body.strip_prefix(&delimiter.as_bytes()[2..])?;
    loop {
        if let Some(epilogue) = rest.strip_prefix(b"--") {
            return matches!(epilogue, b"" | b"\r\n").then_some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let end = find(rest, delimiter.as_bytes())?;
        let part = &rest[..end];
        let headers = find(part, b"\r\n\r\n")?;
        parts.push((
            std::str::from_utf8(&part[..headers]).ok()?,
            &part[headers + 4..],
        ));
        rest = &rest[end + delimiter.len()..];
    }
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|it| it == what)
}

/// An answer that shows a statement with these contents.
pub fn together(statement: &str, contents: &[Vec<u8>]) -> Response {
    const BOUNDARY: &str = "a boundary of theirs";
    let mut body =
        format!("--{BOUNDARY}\r\nContent-Type: application/json\r\n\r\n{statement}").into_bytes();
    for octets in contents {
        let headers = "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary";
        body.extend(format!("\r\n--{BOUNDARY}\r\n{headers}\r\n\r\n").bytes());
        body.extend(octets);
    }
    body.extend(format!("\r\n--{BOUNDARY}--\r\n").bytes());
    Response {
        status: 200,
        headers: vec![(
            "Content-Type".to_owned(),
            format!("multipart/mixed; boundary=\"{BOUNDARY}\""),
        )],
        body,
        cut: false,
    }
}
