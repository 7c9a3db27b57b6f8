//! Writing a body: statements first, then each content with its hash.

use super::boundary::Boundary;
use crate::lrs::{Body, BodyPiece};

/// A content of a body that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// Its media type, in the very text of the statement's `contentType`.
    pub content_type: &'a str,
    /// Its SHA-2, in the very text of the statement's `sha2`: some LRSs compare letter by letter.
    pub sha2: &'a str,
    /// Its octets.
    pub octets: BodyPiece,
}

/// What is said of a content has a control character, which would end its header and begin another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a content type or a hash has a control character and cannot be written into a header")]
pub struct Unwritable;

/// Makes the body of statements, in JSON, and contents. Those on disk stay there and are pieces of their own.
pub fn write<'a>(
    boundary: &Boundary,
    statements: &[u8],
    contents: impl IntoIterator<Item = Content<'a>>,
) -> Result<Body, Unwritable> {
    let boundary = boundary.as_str();
    let mut pieces = Vec::new();
    let mut bytes = format!("--{boundary}\r\nContent-Type: application/json\r\n\r\n").into_bytes();
    bytes.extend_from_slice(statements);
    for content in contents {
        let Content {
            content_type,
            sha2,
            octets,
        } = content;
        if [content_type, sha2]
            .iter()
            .any(|text| text.contains(char::is_control))
        {
            return Err(Unwritable);
        }
        let head = format!(
            "\r\n--{boundary}\r\n\
             Content-Type: {content_type}\r\n\
             Content-Transfer-Encoding: binary\r\n\
             X-Experience-API-Hash: {sha2}\r\n\
             Content-Length: {}\r\n\r\n",
            octets.len()
        );
        bytes.extend_from_slice(head.as_bytes());
        match octets {
            BodyPiece::Bytes(octets) => bytes.extend_from_slice(&octets),
            file @ BodyPiece::File(_) => {
                pieces.push(BodyPiece::Bytes(std::mem::take(&mut bytes)));
                pieces.push(file);
            }
        }
    }
    bytes.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    pieces.push(BodyPiece::Bytes(bytes));
    Ok(Body::new(pieces))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lrs::FilePiece;
    use uuid::Uuid;

    fn boundary() -> Boundary {
        Boundary::random(Uuid::from_u128(0x4f1d_0c2b_9e8a_47d6_a3b1_c0d2_e4f6_0718))
    }

    fn content(octets: BodyPiece) -> Content<'static> {
        Content {
            content_type: "text/plain",
            sha2: "aa",
            octets,
        }
    }

    #[test]
    fn what_is_on_disk_stays_there() {
        let file = BodyPiece::File(FilePiece::new("/a", 2, 1 << 40));
        let contents = [
            content(BodyPiece::Bytes(b"one".to_vec())),
            content(file.clone()),
            content(BodyPiece::Bytes(b"two".to_vec())),
        ];
        let body = write(&boundary(), b"[]", contents).unwrap();
        let [BodyPiece::Bytes(first), second, BodyPiece::Bytes(third)] = body.pieces() else {
            panic!("{body:?}");
        };
        assert_eq!(second, &file);
        assert!(first.ends_with(b"\r\nContent-Length: 1099511627776\r\n\r\n"));
        assert!(third.starts_with(b"\r\n--pannier-") && third.ends_with(b"--\r\n"));
        assert_eq!(body.len(), (1 << 40) + (first.len() + third.len()) as u64);
    }

    #[test]
    fn a_header_begins_no_other() {
        for (content_type, sha2) in [("a/b\r\nX: 1", "aa"), ("a/b", "aa\n"), ("a/\u{85}", "aa")] {
            let octets = BodyPiece::Bytes(Vec::new());
            let content = Content {
                content_type,
                sha2,
                octets,
            };
            assert_eq!(write(&boundary(), b"[]", [content]), Err(Unwritable));
        }
    }
}
