//! SHA-2, from `ring`, which the TLS of the transport brings along anyway. All in lower-case hex.

use std::io::{self, Read};

use ring::digest::{Context, Digest, SHA256, SHA384, SHA512, digest};

/// Returns the SHA-256.
pub fn sha256(content: &[u8]) -> String {
    to_hex(&digest(&SHA256, content))
}

/// Number of bytes of a file in memory at once.
const AT_ONCE: usize = 64 * 1024;

/// Returns the SHA-256 of what can be read.
pub fn sha256_of(mut from: impl Read) -> io::Result<String> {
    let mut sha256 = Context::new(&SHA256);
    let mut piece = vec![0; AT_ONCE];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(to_hex(&sha256.finish())),
            Ok(read) => sha256.update(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The hashes of a content that comes piece by piece: its SHA-256, and the one that a sender has named.
pub struct Hasher {
    sha256: Context,
    /// The longer one, if that is named.
    named: Option<Context>,
}

impl Hasher {
    /// Begins with the kind of hash that this is, by its length; `None` if it is no SHA-256, SHA-384 or SHA-512.
    pub fn like(sha2: &str) -> Option<Self> {
        let named = match sha2.len() {
            64 => None,
            96 => Some(Context::new(&SHA384)),
            128 => Some(Context::new(&SHA512)),
            _ => return None,
        };
        Some(Self {
            sha256: Context::new(&SHA256),
            named,
        })
    }

    pub fn update(&mut self, content: &[u8]) {
        self.sha256.update(content);
        if let Some(named) = &mut self.named {
            named.update(content);
        }
    }

    /// Returns the SHA-256 and the hash of the kind that was named, which may be the same.
    pub fn finish(self) -> (String, String) {
        let sha256 = to_hex(&self.sha256.finish());
        let named = self.named.map(|named| to_hex(&named.finish()));
        (sha256.clone(), named.unwrap_or(sha256))
    }
}

fn to_hex(digest: &Digest) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    let bytes = digest.as_ref().iter();
    bytes
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
