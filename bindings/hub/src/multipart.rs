//! `multipart/mixed` in memory (RFC 2046; 1.0.3 Communication 1.5.2; 2.0.0 4.1.3): parsing requests and writing
//! answers.

use std::fmt::Write;

use uuid::Uuid;

/// Longest boundary (RFC 2046, 5.1.1). Searching for a longer one could take as many steps as the body has bytes,
/// for each of its bytes.
const LONGEST_BOUNDARY: usize = 70;

/// One part of a body.
pub struct Part<'a> {
    /// `Name: value` lines.
    head: &'a str,
    /// Content, in octets.
    pub content: &'a [u8],
}

impl<'a> Part<'a> {
    /// Returns the value of a header, by its name in any letter case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        headers(self.head)
            .filter_map(|line| line.split_once(':'))
            .find(|(other, _)| other.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

fn headers(head: &str) -> impl Iterator<Item = &str> {
    head.split("\r\n").filter(|line| !line.is_empty())
}

/// Returns the `boundary` parameter of a Content-Type, quoted or not.
pub fn boundary(content_type: &str) -> Option<String> {
    let (_, mut rest) = content_type.split_once(';')?;
    loop {
        let (name, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        if name
            .trim()
            .trim_start_matches(';')
            .trim()
            .eq_ignore_ascii_case("boundary")
        {
            let value = value.trim_end();
            return (!value.is_empty()).then(|| value.to_owned());
        }
        rest = after;
    }
}

/// Returns the parts of a body, or what is wrong with it.
pub fn parse<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, String> {
    if boundary.len() > LONGEST_BOUNDARY {
        return Err(format!(
            "the boundary has more than {LONGEST_BOUNDARY} characters"
        ));
    }
    let delimiter = format!("--{boundary}");
    let Some(mut rest) = after_preamble(body, delimiter.as_bytes()) else {
        return Err(format!(
            "the body has no line {delimiter:?} before its first part"
        ));
    };
    let delimiter = format!("\r\n{delimiter}");
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let line = find(rest, b"\r\n").ok_or_else(|| unfinished(boundary))?;
        rest = &rest[line..];
        let end = find(rest, delimiter.as_bytes()).ok_or_else(|| unfinished(boundary))?;
        parts.push(part(&rest[..end], parts.len())?);
        rest = &rest[end + delimiter.len()..];
    }
    Ok(parts)
}

fn unfinished(boundary: &str) -> String {
    format!("the body ends without the line \"--{boundary}--\"; its lines must end in CRLF")
}

/// Returns what follows the first delimiter, which stands at the start of the body or of a line.
fn after_preamble<'a>(body: &'a [u8], delimiter: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = body.strip_prefix(delimiter) {
        return Some(rest);
    }
    let line = [b"\r\n", delimiter].concat();
    let start = find(body, &line)?;
    Some(&body[start + line.len()..])
}

/// Reads a part from the line break that ends its delimiter line: `CRLF (header CRLF)* CRLF content`.
fn part(text: &[u8], index: usize) -> Result<Part<'_>, String> {
    let malformed = || format!("the headers of part {index} are not \"Name: value\" lines");
    let end = find(text, b"\r\n\r\n").ok_or_else(malformed)?;
    let head = std::str::from_utf8(&text[..end]).map_err(|_| malformed())?;
    if headers(head).any(|line| !line.contains(':')) {
        return Err(malformed());
    }
    Ok(Part {
        head,
        content: &text[end + 4..],
    })
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}

/// An attachment to be sent.
pub struct Outgoing {
    /// Its media type, as the statement gives it.
    pub content_type: String,
    /// Its hash, as the statement gives it.
    pub sha2: String,
    /// Its content, in octets.
    pub content: Vec<u8>,
}

/// Returns the Content-Type and body of an answer with attachments.
pub fn write(json: &[u8], attachments: &[Outgoing]) -> (String, Vec<u8>) {
    let boundary = Uuid::new_v4().simple().to_string();
    let mut body = format!("--{boundary}\r\nContent-Type: application/json\r\n\r\n").into_bytes();
    body.extend_from_slice(json);
    for Outgoing {
        content_type,
        sha2,
        content,
    } in attachments
    {
        let mut head = format!("\r\n--{boundary}\r\n");
        // Writing to a String cannot fail.
        let _ = write!(
            head,
            "Content-Type: {content_type}\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {sha2}\r\nContent-Length: {}\r\n\r\n",
            content.len()
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
    }
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/mixed; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries() {
        for (content_type, wanted) in [
            ("multipart/mixed; boundary=abc", Some("abc")),
            (
                "multipart/mixed;Boundary=\"a b;c\"; charset=utf-8",
                Some("a b;c"),
            ),
            ("multipart/mixed; charset=utf-8; boundary=--x ", Some("--x")),
            ("multipart/mixed; boundary=", None),
            ("multipart/mixed;", None),
            ("multipart/mixed", None),
        ] {
            assert_eq!(boundary(content_type).as_deref(), wanted, "{content_type}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let content = b"\r\n--\0\xff\r\n".to_vec();
        let attachment = Outgoing {
            content_type: "x/y".into(),
            sha2: "aa".into(),
            content: content.clone(),
        };
        let (content_type, body) = write(b"[]", &[attachment]);
        let parts = parse(&body, &boundary(&content_type).unwrap()).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].content, b"[]");
        assert_eq!(parts[1].content, content);
        assert_eq!(parts[1].header("x-experience-api-hash"), Some("aa"));
    }

    #[test]
    fn a_boundary_is_as_long_as_the_standard_lets_it_be() {
        let body = |boundary: &str| format!("--{boundary}\r\n\r\none\r\n--{boundary}--");
        for (length, taken) in [(70, true), (71, false)] {
            let boundary = "b".repeat(length);
            let parts = parse(body(&boundary).as_bytes(), &boundary).map(|parts| parts.len());
            assert_eq!(parts.ok(), taken.then_some(1), "{length}");
        }
    }

    #[test]
    fn a_body_cut_off_is_refused() {
        let whole = b"preamble\r\n--b\r\nA: 1\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--";
        assert_eq!(parse(whole, "b").unwrap().len(), 2);
        for end in 0..whole.len() {
            assert!(parse(&whole[..end], "b").is_err(), "{end}");
        }
    }
}
