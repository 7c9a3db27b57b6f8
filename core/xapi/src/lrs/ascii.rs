//! JSON in ASCII: every other character is written as an escape, which means the same wherever JSON has it, in keys, too
//! (RFC 8259, section 7).
//!
//! It is for the statements of a request with contents: their part can say no charset that is heeded, and one real LRS
//! reads it as Latin-1.

/// Writes this JSON text in ASCII behind `body`. What is ASCII stays as it is, escapes included.
pub(super) fn write(body: &mut Vec<u8>, json: &[u8]) {
    for chunk in json.utf8_chunks() {
        for character in chunk.valid().chars() {
            match u8::try_from(character) {
                Ok(byte) if byte.is_ascii() => body.push(byte),
                _ => escape(body, character),
            }
        }
        // No JSON text has any.
        body.extend_from_slice(chunk.invalid());
    }
}

/// Returns the number of bytes of this JSON text in ASCII.
pub(super) fn length(json: &[u8]) -> usize {
    let of = |character: char| match character.len_utf16() {
        1 if character.is_ascii() => 1,
        units => ESCAPE * units,
    };
    json.utf8_chunks()
        .map(|chunk| chunk.valid().chars().map(of).sum::<usize>() + chunk.invalid().len())
        .sum()
}

/// Number of bytes of an escape.
const ESCAPE: usize = r"\u0000".len();

/// Writes a character as an escape, or as two where it is beyond the first 65,536.
fn escape(body: &mut Vec<u8>, character: char) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for unit in character.encode_utf16(&mut [0; 2]) {
        body.extend_from_slice(b"\\u");
        for shift in [12, 8, 4, 0] {
            body.push(DIGITS[usize::from(*unit >> shift & 0xf)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ascii(json: &str) -> String {
        let mut body = Vec::new();
        write(&mut body, json.as_bytes());
        assert_eq!(body.len(), length(json.as_bytes()), "{json}");
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn other_characters_are_escaped_and_ascii_stays() {
        for (json, expected) in [
            (r#""Şahin""#, r#""\u015eahin""#),
            (r#""é\u0000""#, r#""\u00e9\u0000""#),
            (r#""単語 😀""#, r#""\u5358\u8a9e \ud83d\ude00""#),
            (r#""\\é\"\ud83d\ude00""#, r#""\\\u00e9\"\ud83d\ude00""#),
            (
                "{ \"http://example.com/ş\" :\t1.50 }",
                "{ \"http://example.com/\\u015f\" :\t1.50 }",
            ),
            ("\"\u{7f}\u{80}\u{ffff}\"", "\"\u{7f}\\u0080\\uffff\""),
            ("", ""),
        ] {
            assert_eq!(ascii(json), expected);
        }
    }

    #[test]
    fn it_means_the_same() {
        let all: String = (0..=0x10_ffff)
            .step_by(7)
            .filter_map(char::from_u32)
            .collect();
        let json = serde_json::to_string(&[&all]).unwrap();
        let written = ascii(&json);
        assert!(written.is_ascii());
        let read: Vec<String> = serde_json::from_str(&written).unwrap();
        assert_eq!(read, [all]);
        assert_eq!(ascii(&written), written);
    }

    #[test]
    fn what_is_no_text_stays_as_it_is() {
        let mut body = b"[".to_vec();
        let json = b"\"a\xc3\xff\xc3\xa9\"";
        write(&mut body, json);
        assert_eq!(body, b"[\"a\xc3\xff\\u00e9\"");
        assert_eq!(length(json), body.len() - 1);
    }
}
