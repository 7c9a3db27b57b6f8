//! SHA-2, from `ring`, which the TLS of the transport brings along anyway.

use ring::digest::{SHA256, SHA384, SHA512, digest};

/// Tells whether `hex`, in either letter case, is the SHA-256, SHA-384 or SHA-512 of the content; its length tells
/// which. `None` if it is none of the three (1.0.3 Communication 1.5.2).
pub fn fits(content: &[u8], hex: &str) -> Option<bool> {
    let algorithm = match hex.len() {
        64 => &SHA256,
        96 => &SHA384,
        128 => &SHA512,
        _ => return None,
    };
    Some(to_hex(digest(algorithm, content).as_ref()).eq_ignore_ascii_case(hex))
}

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
