//! Contents of attachments, which are found by their SHA-2 and in no other way (1.0.3 Data 2.4.11).

use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;
use std::io::{self, Read};

use ring::digest::{Context, SHA256, SHA384, SHA512, digest};

/// Contents at hand, by their SHA-2.
pub trait Contents {
    /// Returns the content with this hash, in hexadecimal digits in lower case; `None` if it is not at hand.
    fn content(&self, sha2: &str) -> Option<Cow<'_, [u8]>>;
}

/// Contents in memory, by their hashes in lower case.
impl<K: Borrow<str> + Ord, V: AsRef<[u8]>> Contents for BTreeMap<K, V> {
    fn content(&self, sha2: &str) -> Option<Cow<'_, [u8]>> {
        let content = self.get(sha2)?;
        Some(Cow::Borrowed(content.as_ref()))
    }
}

/// Tells whether `sha2`, hexadecimal digits in either letter case, is the SHA-256, SHA-384 or SHA-512 of the content;
/// its length tells which. `None` if it is none of the three (1.0.3 Communication 1.5.2).
pub fn has_sha2(content: &[u8], sha2: &str) -> Option<bool> {
    let algorithm = match sha2.len() {
        64 => &SHA256,
        96 => &SHA384,
        128 => &SHA512,
        _ => return None,
    };
    Some(hex(digest(algorithm, content).as_ref()).eq_ignore_ascii_case(sha2))
}

/// Hashes of a content, by each of which an attachment may name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashes {
    /// Length of the content in octets.
    pub octets: u64,
    /// Its SHA-256, SHA-384 and SHA-512, in hexadecimal digits in lower case.
    pub sha2: [String; 3],
}

impl Hashes {
    /// Reads a content to its end, a piece at a time.
    pub fn of(mut content: impl Read) -> io::Result<Self> {
        let mut contexts = [&SHA256, &SHA384, &SHA512].map(Context::new);
        let mut piece = vec![0; 64 << 10];
        let mut octets = 0;
        loop {
            let length = match content.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            octets += length as u64;
            for context in &mut contexts {
                context.update(&piece[..length]);
            }
        }
        let sha2 = contexts.map(|context| hex(context.finish().as_ref()));
        Ok(Self { octets, sha2 })
    }
}

/// Returns the SHA-256 of a content, in lower case.
pub(crate) fn sha256(content: &[u8]) -> String {
    hex(digest(&SHA256, content).as_ref())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Hashes, has_sha2};

    #[test]
    fn the_length_of_a_hash_tells_which_it_is() {
        // Of "abc" (FIPS 180-2, B.1 and D.1).
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let sha384 = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
        for sha2 in [sha256, &sha256.to_uppercase(), sha384] {
            assert_eq!(has_sha2(b"abc", sha2), Some(true));
            assert_eq!(has_sha2(b"abd", sha2), Some(false));
        }
        assert_eq!(has_sha2(b"abc", &"é".repeat(32)), Some(false));
        assert_eq!(has_sha2(b"abc", &sha256[..56]), None);

        let hashes = Hashes::of(&b"abc"[..]).unwrap();
        assert_eq!((hashes.octets, hashes.sha2[0].as_str()), (3, sha256));
        assert_eq!(hashes.sha2[1], sha384);
        assert_eq!(has_sha2(b"abc", &hashes.sha2[2]), Some(true));
    }
}
