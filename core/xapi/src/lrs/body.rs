//! A request's body: pieces that are sent one after the other.

use std::fmt;
use std::path::{Path, PathBuf};

/// A request's body: its pieces in memory and on disk, to be sent one after the other as they are.
///
/// A statement with an attachment of 100 MB is sent without 100 MB of memory. `Debug` shows sizes, and neither bytes
/// nor paths.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Body(Vec<BodyPiece>);

/// A piece of a body.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyPiece {
    /// Bytes in memory.
    Bytes(Vec<u8>),
    /// Bytes of a file.
    File(FilePiece),
}

/// Bytes of a file, which is read while it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct FilePiece {
    path: PathBuf,
    offset: u64,
    length: u64,
}

impl Body {
    /// Makes a body of these pieces.
    pub fn new(pieces: impl Into<Vec<BodyPiece>>) -> Self {
        Self(pieces.into())
    }

    /// Returns the pieces, in the order they are sent in.
    pub fn pieces(&self) -> &[BodyPiece] {
        &self.0
    }

    /// Returns the pieces, in the order they are sent in.
    pub fn into_pieces(self) -> Vec<BodyPiece> {
        self.0
    }

    /// Returns the number of its bytes: what `Content-Length` says.
    pub fn len(&self) -> u64 {
        let lengths = self.0.iter().map(BodyPiece::len);
        lengths.fold(0, u64::saturating_add)
    }

    /// Tells whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns its bytes, where they lie in memory in one piece. Statements without attachments always do.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self.0.as_slice() {
            [] => Some(&[]),
            [BodyPiece::Bytes(bytes)] => Some(bytes),
            _ => None,
        }
    }
}

impl BodyPiece {
    /// Returns the number of its bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(file) => file.length,
        }
    }

    /// Tells whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FilePiece {
    /// Makes a piece of `length` bytes of the file, from `offset` on.
    pub fn new(path: impl Into<PathBuf>, offset: u64, length: u64) -> Self {
        Self {
            path: path.into(),
            offset,
            length,
        }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the number of bytes before these.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the number of these bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Tells whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(vec![BodyPiece::Bytes(bytes)])
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl fmt::Debug for BodyPiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::File(file) => fmt::Debug::fmt(file, f),
        }
    }
}

impl fmt::Debug for FilePiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of a file", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_length_of_its_pieces_and_shows_none_of_them() {
        let body = Body::new([
            BodyPiece::Bytes(b"secret".to_vec()),
            BodyPiece::File(FilePiece::new("/home/ada/secret", 7, 1_000)),
        ]);
        assert_eq!((body.len(), body.as_bytes()), (1_006, None));
        assert_eq!(format!("{body:?}"), "[6 bytes, 1000 bytes of a file]");
        let one = Body::from(b"{}".to_vec());
        assert_eq!((one.len(), one.as_bytes()), (2, Some(&b"{}"[..])));
        assert!(Body::default().is_empty() && Body::default().as_bytes() == Some(&[]));
    }
}
