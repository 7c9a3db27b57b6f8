//! Text from files, servers and SQLite, as a terminal may show it: what is in it moves no cursor, hides nothing
//! and turns no words around.

use std::fmt::{Display, Write as _};

/// What is written anywhere goes through here, for people and for programs. What could steer a terminal is
/// written as JSON writes it, `\u001b`; in JSON that is the same value, as it can only stand in a string there.
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

/// Somebody else's words as a part of a line of ours: they begin no line of their own, and a blank stands where
/// a control character was.
pub fn one_line(words: impl Display) -> String {
    let blank = |char: char| char.is_control() || ends_a_line(char);
    words
        .to_string()
        .chars()
        .map(|char| if blank(char) { ' ' } else { char })
        .collect()
}

/// Control characters but those that lay out a text, and what turns the direction of writing around (Unicode
/// Standard Annex 9, 2.1 to 2.4), which stays so beyond the words it came with.
fn steers(char: char) -> bool {
    match char {
        '\n' | '\t' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control() || ends_a_line(other),
    }
}

/// Separators that some programs take for the end of a line.
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
