//! Hashes written in hexadecimal digits, in letters of either case.

/// Tells whether `text` can be a SHA-1.
pub(crate) fn is_sha1(text: &str) -> bool {
    text.len() == 40 && is_hexadecimal(text)
}

/// Tells whether `text` can be a hash of the SHA-2 family: 224, 256, 384 or 512 bits.
pub(crate) fn is_sha2(text: &str) -> bool {
    matches!(text.len(), 56 | 64 | 96 | 128) && is_hexadecimal(text)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_digits_count() {
        assert!(is_sha1(&"aB".repeat(20)));
        assert!(!is_sha1(&"a".repeat(39)));
        assert!(!is_sha1(&"g".repeat(40)));
        for digits in [56, 64, 96, 128] {
            assert!(is_sha2(&"0".repeat(digits)));
            assert!(!is_sha2(&"0".repeat(digits + 1)));
        }
        assert!(!is_sha2(""));
    }
}
