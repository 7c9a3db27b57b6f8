//! A body that is in memory, taken apart.

use super::boundary::{Boundary, Malformed};
use super::reader::{Found, Head, Reader};

/// Number of bytes that the reader gets at once, so that it holds no second copy of the body.
const AT_ONCE: usize = 64 * 1024;

/// A part of a body in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its headers.
    pub head: Head,
    /// Its content, in octets.
    pub content: &'a [u8],
}

/// Returns the parts of a body, or what is wrong with it.
pub fn parts<'a>(body: &'a [u8], boundary: &Boundary) -> Result<Vec<Part<'a>>, Malformed> {
    let mut reader = Reader::new(boundary);
    let mut parts: Vec<Part<'a>> = Vec::new();
    for piece in body.chunks(AT_ONCE) {
        reader.put(piece);
        while let Some(found) = reader.find_next()? {
            match found {
                Found::Part(head) => parts.push(Part { head, content: &[] }),
                Found::Content(bytes) => {
                    let long = bytes.len();
                    let end = usize::try_from(reader.position()).unwrap_or(usize::MAX);
                    // The pieces of a content follow each other in the body.
                    if let Some(part) = parts.last_mut() {
                        part.content = &body[end - long - part.content.len()..end];
                    }
                }
                Found::End => {}
            }
        }
    }
    reader.finish()?;
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_lies_where_it_lay() {
        let long = "x".repeat(3 * AT_ONCE);
        let body = format!("--b\r\nA: 1\r\n\r\n{long}\r\n--b\r\n\r\n--b\r\n\r\n{long}y\r\n--b--");
        let parts = parts(body.as_bytes(), &Boundary::new("b").unwrap()).unwrap();
        let lengths: Vec<_> = parts.iter().map(|part| part.content.len()).collect();
        assert_eq!(lengths, [long.len(), 0, long.len() + 1]);
        let start = parts[0].content.as_ptr().addr() - body.as_ptr().addr();
        assert_eq!(start, "--b\r\nA: 1\r\n\r\n".len());
        assert!(parts[2].content.ends_with(b"xy"));
        assert_eq!(parts[0].head.get("a"), Some("1"));
    }
}
