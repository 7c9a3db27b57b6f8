//! Strings of a JSON text, as written between their quotes.
#![allow(clippy::inline_always, reason = "measured: see the reader")]

use std::borrow::Cow;
use std::ops::Range;

use crate::steps;

/// A flaw of a string that many parsers and databases cannot keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// The character U+0000.
    Nul,
    /// Half of a surrogate pair, which is no character.
    LoneSurrogate,
}

/// A string of the text, as written between its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    /// Offset of its opening quote.
    pub(crate) at: usize,
    pub(crate) raw: &'a str,
    pub(crate) escaped: bool,
    pub(crate) defect: Option<Defect>,
}

impl<'a> Text<'a> {
    /// Returns the string it stands for.
    #[inline(always)]
    pub(crate) fn decoded(&self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(decode(self.raw))
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// Returns the byte range between the quotes.
    pub(crate) fn span(&self) -> Range<usize> {
        self.at + 1..self.at + 1 + self.raw.len()
    }
}

/// Returns the offset of the first byte from `at` on that is not plain content of a string: a quote, a
/// backslash, a control character, or the end. Looks at eight bytes at a time.
pub(crate) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // The lowest byte flagged is exact; those above it may be carried into, so only the lowest is used.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let control = below(word, 0x20);
        let found = quote | backslash | control;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while at < bytes.len() && !matches!(bytes[at], b'"' | b'\\' | 0..0x20) {
        at += 1;
    }
    at
}

/// An escape sequence: its length in bytes, and the character it stands for, if there is one.
pub(crate) struct Escape {
    pub(crate) length: usize,
    character: Option<char>,
}

impl Escape {
    /// Returns the character, or U+FFFD if there is none.
    pub(crate) fn character(&self) -> char {
        self.character.unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    pub(crate) fn defect(&self) -> Option<Defect> {
        match self.character {
            Some('\0') => Some(Defect::Nul),
            Some(_) => None,
            None => Some(Defect::LoneSurrogate),
        }
    }
}

/// Reads the escape at the start of `bytes`, which is a backslash. A surrogate pair is one escape.
pub(crate) fn read_escape(bytes: &[u8]) -> Option<Escape> {
    let short = |character| {
        Some(Escape {
            length: 2,
            character: Some(character),
        })
    };
    match *bytes.get(1)? {
        b'"' => short('"'),
        b'\\' => short('\\'),
        b'/' => short('/'),
        b'b' => short('\u{8}'),
        b'f' => short('\u{c}'),
        b'n' => short('\n'),
        b'r' => short('\r'),
        b't' => short('\t'),
        b'u' => {
            let unit = code_unit(&bytes[2..])?;
            if let 0xD800..=0xDBFF = unit
                && let Some(b"\\u") = bytes.get(6..8)
                && let Some(low @ 0xDC00..=0xDFFF) = code_unit(&bytes[8..])
            {
                let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                return Some(Escape {
                    length: 12,
                    character: char::from_u32(code),
                });
            }
            Some(Escape {
                length: 6,
                character: char::from_u32(unit),
            })
        }
        _ => None,
    }
}

/// Returns the UTF-16 code unit that four hexadecimal digits stand for.
fn code_unit(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk::<4>()?.iter().try_fold(0, |unit, byte| {
        Some(unit << 4 | char::from(*byte).to_digit(16)?)
    })
}

/// Resolves the escapes of a string that a reader has passed. Lone surrogates become U+FFFD.
fn decode(raw: &str) -> String {
    steps::add(raw.len());
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(plain) = rest.find('\\') {
        out.push_str(&rest[..plain]);
        rest = &rest[plain..];
        let Some(escape) = read_escape(rest.as_bytes()) else {
            break;
        };
        out.push(escape.character());
        rest = &rest[escape.length..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(raw: &str) -> Cow<'_, str> {
        Text {
            at: 0,
            raw,
            escaped: raw.contains('\\'),
            defect: None,
        }
        .decoded()
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(decoded("plain é"), "plain é");
        assert_eq!(
            decoded(r#"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é"#),
            "a\"\\/\u{8}\u{c}\n\r\té😀é"
        );
        assert_eq!(decoded(r"\ud83dx"), "\u{fffd}x");
    }

    #[test]
    fn what_is_no_escape() {
        for bad in ["", "\\", r"\x", r"\u", r"\u12", r"\u12g4", r"\u+123"] {
            assert!(read_escape(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn defects_are_told() {
        let defect = |raw: &str| read_escape(raw.as_bytes()).expect("an escape").defect();
        assert_eq!(defect(r"\u0000"), Some(Defect::Nul));
        assert_eq!(defect(r"\u0001"), None);
        assert_eq!(defect(r"\ud83d\ude00"), None);
        for lone in [
            r"\ud83d",
            r"\ude00",
            r"\ud83d\ud83d",
            r"\ud83dx",
            r"\ud83d\n",
        ] {
            assert_eq!(defect(lone), Some(Defect::LoneSurrogate), "{lone}");
        }
    }
}
