//! A content as an app gives it, and its hashes.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256, Sha384, Sha512};

/// Content of an attachment: its octets. `Debug` shows its size alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Content {
    octets: Vec<u8>,
}

impl Content {
    /// Takes these octets as the content.
    pub fn bytes(octets: impl Into<Vec<u8>>) -> Self {
        Self {
            octets: octets.into(),
        }
    }

    /// Returns its octets.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Returns the number of its octets: an attachment's `length`.
    pub fn length(&self) -> u64 {
        self.octets.len() as u64
    }

    /// Returns its SHA-256 in lower-case hexadecimal digits: an attachment's `sha2`.
    pub fn sha2(&self) -> String {
        hex(&Sha256::digest(&self.octets))
    }

    /// Returns its SHA-2 with so many hexadecimal digits: 64 for SHA-256, 96 for SHA-384, 128 for SHA-512. None for any
    /// other number.
    pub(super) fn sha2_of(&self, digits: usize) -> Option<String> {
        match digits {
            64 => Some(self.sha2()),
            96 => Some(hex(&Sha384::digest(&self.octets))),
            128 => Some(hex(&Sha512::digest(&self.octets))),
            _ => None,
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.octets.len())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_are_those_of_the_standard() {
        // FIPS 180-2, appendices B.1, C.1 and D.1: of "abc".
        let abc = Content::bytes("abc");
        for (digits, begins) in [
            (64, "ba7816bf8f01cfea414140de5dae2223b00361a3"),
            (96, "cb00753f45a35e8bb5a03d699ac65007272c32ab"),
            (128, "ddaf35a193617abacc417349ae20413112e6fa4e"),
        ] {
            let hash = abc.sha2_of(digits).unwrap();
            assert!(hash.starts_with(begins) && hash.len() == digits, "{hash}");
        }
        assert_eq!(abc.sha2_of(56), None);
        assert_eq!(abc.length(), 3);
        assert_eq!(format!("{abc:?}"), "Content(3 bytes)");
    }
}
