//! Bodies of several parts: the one that Pannier sends, byte for byte, and what is written is what is read.

#![allow(clippy::unwrap_used, missing_docs)]

mod email;

use pannier_xapi::lrs::BodyPiece;
use pannier_xapi::lrs::multipart::{Boundary, Content, Found, Reader, parts, write};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert_eq, prop_oneof, proptest};
use uuid::Uuid;

/// What Pannier sends for a statement with a log attached; its length and its SHA-256 are true.
const SENT: &[u8] = include_bytes!("sent.multipart");

fn boundary() -> Boundary {
    Boundary::random(Uuid::from_u128(0x4f1d_0c2b_9e8a_47d6_a3b1_c0d2_e4f6_0718))
}

#[test]
fn a_body_is_written_byte_for_byte() {
    let read = parts(SENT, &boundary()).unwrap();
    let [statements, log] = &read[..] else {
        panic!("{} parts", read.len());
    };
    assert_eq!(log.content, b"knot tied in 41 s");
    let content = Content {
        content_type: "text/plain",
        sha2: "bbc2367639e4b91f59d18107dee010783a68817f9a9ebae802246a9aa02f08ab",
        octets: BodyPiece::Bytes(log.content.to_vec()),
    };
    let written = write(&boundary(), statements.content, [content]).unwrap();
    assert_eq!(written.as_bytes(), Some(SENT));
    assert_eq!((SENT.len(), written.len()), (851, 851));
}

/// A content of a part: octets that are much like a delimiter, or not at all.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => vec(any::<u8>(), 0..20),
        1 => proptest::strategy::Just(b"\r\n".to_vec()),
        1 => proptest::strategy::Just(b"\r\n--".to_vec()),
        1 => proptest::strategy::Just(b"\r\n--pannier-4f1d0c2b9e8a47d6a3b1c0d2e4f6071".to_vec()),
        1 => proptest::strategy::Just(b"--pannier-4f1d0c2b9e8a47d6a3b1c0d2e4f60718--".to_vec()),
    ];
    // A line cannot begin with the delimiter but by these pieces meeting, which no random boundary does.
    let whole = vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    whole.prop_filter("has the delimiter", |octets| {
        let line = [b"\r\n", octets.as_slice()].concat();
        let delimiter = b"\r\n--pannier-4f1d0c2b9e8a47d6a3b1c0d2e4f60718";
        !line
            .windows(delimiter.len())
            .any(|window| window == delimiter)
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        contents in vec(octets(), 0..5),
        statements in "[ -~]{0,80}",
        cuts in vec(1_usize..200, 1..20),
    ) {
        let given = contents.iter().map(|octets| Content {
            content_type: "a/b; c=\"d\"",
            sha2: "AbCd",
            octets: BodyPiece::Bytes(octets.clone()),
        });
        let body = write(&boundary(), statements.as_bytes(), given).unwrap();
        let body = body.as_bytes().unwrap();
        let read = parts(body, &boundary()).unwrap();
        prop_assert_eq!(read[0].content, statements.as_bytes());
        prop_assert_eq!(read[0].head.get("content-type"), Some("application/json"));
        for (part, octets) in read[1..].iter().zip(&contents) {
            prop_assert_eq!(part.content, octets.as_slice());
            prop_assert_eq!(part.head.get("content-type"), Some("a/b; c=\"d\""));
            prop_assert_eq!(part.head.get("x-experience-api-hash"), Some("AbCd"));
            let length = octets.len().to_string();
            prop_assert_eq!(part.head.get("content-length"), Some(length.as_str()));
        }
        prop_assert_eq!(read.len(), contents.len() + 1);

        // However it comes.
        let mut reader = Reader::new(&boundary());
        let mut found: Vec<Vec<u8>> = Vec::new();
        let mut rest = body;
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at(rest.len().min(*cut));
            reader.put(piece);
            while let Some(next) = reader.find_next().unwrap() {
                match next {
                    Found::Part(_) => found.push(Vec::new()),
                    Found::Content(bytes) => found.last_mut().unwrap().extend_from_slice(bytes),
                    Found::End => {}
                }
            }
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        reader.finish().unwrap();
        let read: Vec<_> = read.iter().map(|part| part.content.to_vec()).collect();
        prop_assert_eq!(found, read);
    }
}
