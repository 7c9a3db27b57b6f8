//! Contents as they go with their statement: one piece of bytes, made when it is recorded and taken apart when it is sent.

use std::fmt;
use std::sync::Arc;

/// Contents that go with a statement, each once. Cheap to clone; `Debug` shows their size alone.
///
/// As bytes, each is the number of digits of its hash and the hash, the length of its media type (two bytes) and the type,
/// its length (four bytes) and its octets; numbers begin with their highest byte.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Contents(Arc<[u8]>);

/// A content with what its part of a request says of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ContentsPart<'a> {
    /// Its SHA-2, in the very text of the statement's `sha2`.
    pub sha2: &'a str,
    /// Its media type, in the very text of the statement's `contentType`.
    pub content_type: &'a str,
    /// Its octets.
    pub octets: &'a [u8],
}

impl Contents {
    /// Makes them of their parts. None if a text or a content is longer than its length can say.
    pub fn of<'a>(parts: impl IntoIterator<Item = ContentsPart<'a>>) -> Option<Self> {
        let mut bytes = Vec::new();
        for part in parts {
            bytes.push(u8::try_from(part.sha2.len()).ok()?);
            bytes.extend_from_slice(part.sha2.as_bytes());
            bytes.extend_from_slice(&u16::try_from(part.content_type.len()).ok()?.to_be_bytes());
            bytes.extend_from_slice(part.content_type.as_bytes());
            bytes.extend_from_slice(&u32::try_from(part.octets.len()).ok()?.to_be_bytes());
            bytes.extend_from_slice(part.octets);
        }
        Some(Self(bytes.into()))
    }

    /// Takes the bytes that [`Contents::as_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Returns them as bytes; none for no content.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of their bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns each of them. What is no content any more ends them: a checksum tells before whether the bytes are those
    /// that were recorded.
    pub fn parts(&self) -> impl Iterator<Item = ContentsPart<'_>> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let part = next(&mut rest);
            if part.is_none() {
                rest = &[];
            }
            part
        })
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contents({} bytes)", self.0.len())
    }
}

impl fmt::Debug for ContentsPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentsPart({} bytes)", self.octets.len())
    }
}

fn next<'a>(rest: &mut &'a [u8]) -> Option<ContentsPart<'a>> {
    let [digits] = take(rest)?;
    let sha2 = text(rest, usize::from(digits))?;
    let long = u16::from_be_bytes(take(rest)?);
    let content_type = text(rest, usize::from(long))?;
    let long = u32::from_be_bytes(take(rest)?);
    let octets = rest.split_off(..usize::try_from(long).ok()?)?;
    Some(ContentsPart {
        sha2,
        content_type,
        octets,
    })
}

fn take<const LONG: usize>(rest: &mut &[u8]) -> Option<[u8; LONG]> {
    let (first, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(*first)
}

fn text<'a>(rest: &mut &'a [u8], long: usize) -> Option<&'a str> {
    str::from_utf8(rest.split_off(..long)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part<'a>(sha2: &'a str, content_type: &'a str, octets: &'a [u8]) -> ContentsPart<'a> {
        ContentsPart {
            sha2,
            content_type,
            octets,
        }
    }

    #[test]
    fn what_is_put_in_comes_out() {
        let long = vec![7; 70_000];
        let parts = [
            part("ab", "text/plain", b"one"),
            part("", "", b""),
            part("CD", "a/b; c=\"d\"", &long),
        ];
        let contents = Contents::of(parts).unwrap();
        assert_eq!(contents.parts().collect::<Vec<_>>(), parts);
        let again = Contents::from_bytes(contents.as_bytes());
        assert_eq!(again, contents);
        assert!(!contents.is_empty() && contents.len() > 70_003);
        assert!(Contents::default().is_empty() && Contents::default().parts().next().is_none());
        assert_eq!(Contents::of([part("", &"t".repeat(70_000), b"")]), None);
    }

    #[test]
    fn what_is_cut_gives_no_part_that_is_not_whole() {
        let contents =
            Contents::of([part("ab", "a/b", b"one"), part("cd", "a/b", b"two")]).unwrap();
        let bytes = contents.as_bytes();
        for end in 0..bytes.len() {
            let cut = Contents::from_bytes(&bytes[..end]);
            let whole = usize::from(end >= bytes.len() / 2);
            assert_eq!(cut.parts().count(), whole, "{end}");
        }
    }
}
