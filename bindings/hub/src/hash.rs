//! SHA-256, from `ring`, which the TLS of the transport brings along anyway.

use ring::digest::{SHA256, digest};

/// Returns the SHA-256 as lower-case hex.
pub fn sha256(content: &[u8]) -> String {
    to_hex(digest(&SHA256, content).as_ref())
}

fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
