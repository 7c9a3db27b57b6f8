//! Text from files, servers and SQLite, made safe for a terminal: it moves no cursor, hides nothing and reverses no
//! words.

use std::fmt::{Display, Write as _};

/// Makes text safe; everything written goes through here, for people and for programs. Whatever could steer a
/// terminal is escaped as in JSON, `\u001b`; in JSON that is the same value, as it can only occur in a string
/// there.
pub fn safe(text: impl Display) -> String {
    let text = text.to_string();
    if !text.chars().any(steers) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if steers(char) {
            // Writing to a String cannot fail; none of these is beyond four digits.
            let _ = write!(safe, "\\u{:04x}", u32::from(char));
        } else {
            safe.push(char);
        }
    }
    safe
}

/// Makes foreign text safe as part of one of our lines: it begins no line of its own, and a blank replaces each
/// control character or line separator.
pub fn one_line(words: impl Display) -> String {
    let blank = |char: char| char.is_control() || ends_a_line(char);
    words
        .to_string()
        .chars()
        .map(|char| if blank(char) { ' ' } else { char })
        .collect()
}

/// Tells whether a character could steer a terminal: control characters except those that lay out a text, line
/// separators, and what changes the direction of writing (Unicode Standard Annex 9, 2.1 to 2.4), even beyond its
/// own text.
fn steers(char: char) -> bool {
    match char {
        '\n' | '\t' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control() || ends_a_line(other),
    }
}

/// Tells whether some programs take a separator for the end of a line.
fn ends_a_line(char: char) -> bool {
    matches!(char, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        for (text, safe_text) in [
            ("", ""),
            ("two\nlines,\ta tab", "two\nlines,\ta tab"),
            ("größe 例え 👩‍🚀 שלום", "größe 例え 👩‍🚀 שלום"),
            (
                "\u{1b}[2J\r\u{7f}\u{9b}1m",
                "\\u001b[2J\\u000d\\u007f\\u009b1m",
            ),
            ("a\u{202e}cod\u{2069}", "a\\u202ecod\\u2069"),
            ("\u{2028}", "\\u2028"),
            ("\0", "\\u0000"),
        ] {
            assert_eq!(safe(text), safe_text, "{text:?}");
        }
    }

    #[test]
    fn words_stay_on_one_line() {
        assert_eq!(one_line("a\r\nb\u{85}c\u{2028}d\te"), "a  b c d e");
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"\u{7f}": ["\u{9b}\u{202e}\u{2028}\u{1b}\n", "ü"]});
        let text = safe(value.to_string());
        assert!(text.chars().all(|char| !steers(char)), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read, value);
    }
}
