//! SHA-1 (FIPS 180-4, section 6.1), by which `mbox_sha1sum` names a mail address. It guards nothing here.

/// The digest in lower-case hex digits.
pub(super) fn hex(text: &str) -> String {
    let mut padded = text.as_bytes().to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    let bits = text.len() as u64 * 8;
    padded.extend(bits.to_be_bytes());

    let mut state: [u32; 5] = [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    for block in padded.chunks_exact(64) {
        let mut schedule = [0_u32; 80];
        for (word, bytes) in schedule.iter_mut().zip(block.chunks_exact(4)) {
            *word = bytes
                .iter()
                .fold(0, |word, byte| word << 8 | u32::from(*byte));
        }
        for at in 16..80 {
            let mixed = schedule[at - 3] ^ schedule[at - 8] ^ schedule[at - 14] ^ schedule[at - 16];
            schedule[at] = mixed.rotate_left(1);
        }
        let mut now = state;
        for (at, word) in schedule.into_iter().enumerate() {
            let [first, x, y, z, last] = now;
            let (mixed, constant) = match at {
                0..20 => (x & y | !x & z, 0x5a82_7999),
                20..40 => (x ^ y ^ z, 0x6ed9_eba1),
                40..60 => (x & y | x & z | y & z, 0x8f1b_bcdc),
                _ => (x ^ y ^ z, 0xca62_c1d6_u32),
            };
            let next = first
                .rotate_left(5)
                .wrapping_add(mixed)
                .wrapping_add(last)
                .wrapping_add(constant)
                .wrapping_add(word);
            now = [next, first, x.rotate_left(30), y, z];
        }
        for (sum, part) in state.iter_mut().zip(now) {
            *sum = sum.wrapping_add(part);
        }
    }
    let [first, x, y, z, last] = state;
    format!("{first:08x}{x:08x}{y:08x}{z:08x}{last:08x}")
}

#[cfg(test)]
mod tests {
    use super::hex;

    #[test]
    fn known_digests_are_found() {
        // RFC 3174, section 7.3, and the ends of a block.
        for (text, digest) in [
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            ),
        ] {
            assert_eq!(hex(text), digest, "{text}");
        }
        // Data 2.4.2.3: of the whole IRI; by `sha1sum`.
        assert_eq!(
            hex("mailto:ada@example.com"),
            "72ac10875be5a7770a4f31058ea797edb8e55020"
        );
    }
}
