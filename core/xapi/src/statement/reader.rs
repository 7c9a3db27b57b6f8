//! A pull reader of strict JSON over borrowed text.
//!
//! It builds nothing: the caller asks for the next piece and gets slices of the text. It stops for good at the
//! first byte that is not JSON and at nesting over [`MAX_DEPTH`], and remembers why ([`Stop`]). Strings that
//! are valid JSON but that real servers choke on are read and marked with their [`Defect`].
#![allow(
    clippy::inline_always,
    reason = "measured: tokens handed over through memory make a walk half as long again"
)]

use super::text::{Text, plain_end, read_escape};
use crate::steps;

/// The deepest nesting of objects and arrays that is read. The standard has no limit; parsers in servers do,
/// and a text without limit could exhaust the stack.
pub(crate) const MAX_DEPTH: usize = 100;

/// Signals that the reader has stopped; [`Reader::stop`] says why.
#[derive(Debug)]
pub(crate) struct Stopped;

/// Result of each step of a walk: a value, or the sign that the text cannot be read further.
pub(crate) type Step<T> = Result<T, Stopped>;

/// The reason why a reader stopped, and the byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) at: usize,
    pub(crate) why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Something else stands where this should.
    Expected(&'static str),
    /// An unescaped control character in a string.
    ControlCharacter(u8),
    /// Objects and arrays are nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// Kind of a JSON value, recognized by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    Boolean,
    Null,
}

impl Kind {
    /// Returns the kind in words, with its article.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Null => "null",
        }
    }
}

/// See the module's description.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    deepest: usize,
    stop: Option<Stop>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self::within(text, MAX_DEPTH)
    }

    /// Creates a reader that allows `deepest` levels of nesting.
    pub(crate) fn within(text: &'a str, deepest: usize) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            deepest,
            stop: None,
        }
    }

    pub(crate) fn stop(&self) -> Option<Stop> {
        self.stop
    }

    /// Returns the number of bytes read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns the kind of the next value, which then starts at [`Reader::at`].
    #[inline(always)]
    pub(crate) fn kind(&mut self) -> Step<Kind> {
        match self.next_byte() {
            Some(b'"') => Ok(Kind::String),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'n') => Ok(Kind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            _ => self.expected("a JSON value"),
        }
    }

    /// Enters the object or array that comes next; [`Reader::kind`] must have announced one.
    pub(crate) fn enter(&mut self) -> Step<()> {
        if self.depth == self.deepest {
            return self.stopped(self.at, Why::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Moves to the next element of the array that was entered; at its end leaves it and returns false. `first`
    /// says that none has been read yet.
    pub(crate) fn element(&mut self, first: bool) -> Step<bool> {
        match self.next_byte() {
            Some(b']') => {
                self.leave();
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            _ => self.expected("',' or ']'"),
        }
    }

    /// Reads the next key and its colon in the object that was entered; at its end leaves it and returns
    /// `None`. `first` says that none has been read yet.
    #[inline(always)]
    pub(crate) fn key(&mut self, first: bool) -> Step<Option<Text<'a>>> {
        match self.next_byte() {
            Some(b'}') => {
                self.leave();
                return Ok(None);
            }
            Some(b',') if !first => self.at += 1,
            _ if first => {}
            _ => return self.expected("',' or '}'"),
        }
        if self.next_byte() != Some(b'"') {
            return self.expected("a property name in double quotes");
        }
        let key = self.string()?;
        if self.next_byte() != Some(b':') {
            return self.expected("':'");
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Reads the string that comes next; [`Reader::kind`] must have announced one.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Step<Text<'a>> {
        let bytes = self.text.as_bytes();
        let open = self.at;
        let mut at = open + 1;
        let mut escaped = false;
        let mut defect = None;
        loop {
            at = plain_end(bytes, at);
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    let Some(escape) = read_escape(&bytes[at..]) else {
                        return self
                            .stopped(at, Why::Expected("a JSON escape such as \\n or \\u00e9"));
                    };
                    escaped = true;
                    defect = defect.or(escape.defect());
                    at += escape.length;
                }
                Some(control) => return self.stopped(at, Why::ControlCharacter(*control)),
                None => return self.stopped(at, Why::Expected("the closing quote of a string")),
            }
        }
        self.at = at + 1;
        steps::add(at - open);
        Ok(Text {
            at: open,
            raw: &self.text[open + 1..at],
            escaped,
            defect,
        })
    }

    /// Reads the number that comes next, as written; [`Reader::kind`] must have announced one.
    pub(crate) fn number(&mut self) -> Step<&'a str> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        if let Some(b'0'..=b'9' | b'.' | b'-' | b'+' | b'a'..=b'z' | b'A'..=b'Z') = self.peek() {
            return self.expected("a number in JSON's form, without leading zeros or units");
        }
        steps::add(self.at - start);
        Ok(&self.text[start..self.at])
    }

    /// Reads the `true`, `false` or `null` that comes next; [`Reader::kind`] must have announced one.
    pub(crate) fn literal(&mut self) -> Step<&'static str> {
        let rest = &self.text.as_bytes()[self.at..];
        for word in ["true", "false", "null"] {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(word);
            }
        }
        self.expected("a JSON value")
    }

    /// Makes sure that nothing but white space is left.
    pub(crate) fn end(&mut self) -> Step<()> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => self.expected("nothing after the statement"),
        }
    }

    /// Looks ahead for the string under `name` in the object that comes next; the reader does not move. `None`
    /// also if the text is not well-formed: reading it properly will say so.
    pub(crate) fn look_ahead(&self, name: &str) -> Option<Text<'a>> {
        let bytes = self.text.as_bytes();
        let mut ahead = self.clone();
        if ahead.next_byte()? != b'{' {
            return None;
        }
        let mut depth = 0;
        let mut key_next = false;
        loop {
            match ahead.next_byte()? {
                b'"' => {
                    let text = ahead.string().ok()?;
                    if depth == 1 && key_next && text.decoded() == name {
                        let colon = ahead.next_byte()? == b':';
                        ahead.at += 1;
                        let string = ahead.next_byte()? == b'"';
                        return if colon && string {
                            ahead.string().ok()
                        } else {
                            None
                        };
                    }
                    key_next = false;
                    continue;
                }
                b'{' | b'[' => {
                    depth += 1;
                    key_next = bytes[ahead.at] == b'{';
                }
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        return None;
                    }
                }
                b',' => key_next = true,
                _ => {}
            }
            ahead.at += 1;
        }
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    fn digits(&mut self) -> Step<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            self.expected("a digit")
        } else {
            Ok(())
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space and returns the byte after it, which then stands at `self.at`.
    fn next_byte(&mut self) -> Option<u8> {
        loop {
            steps::add(1);
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    #[cold]
    fn expected<T>(&mut self, what: &'static str) -> Step<T> {
        self.stopped(self.at, Why::Expected(what))
    }

    #[cold]
    fn stopped<T>(&mut self, at: usize, why: Why) -> Step<T> {
        self.stop = Some(Stop { at, why });
        Err(Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Result<Text<'_>, Stop> {
        let mut reader = Reader::new(text);
        assert_eq!(reader.kind().ok(), Some(Kind::String));
        reader
            .string()
            .map_err(|Stopped| reader.stop().expect("a reason"))
    }

    #[test]
    fn strings_are_found_wherever_they_end() {
        for length in 0..40 {
            let plain = "x".repeat(length);
            let quoted = format!("\"{plain}\" tail");
            assert_eq!(string(&quoted).expect("a string").raw, plain);
            let open = format!("\"{plain}");
            assert_eq!(string(&open).expect_err("no end").at, length + 1);
            let control = format!("\"{plain}\n\"");
            assert_eq!(
                string(&control).expect_err("a control").why,
                Why::ControlCharacter(b'\n')
            );
        }
    }

    #[test]
    fn numbers_are_those_of_json() {
        for good in [
            "0",
            "-0",
            "12",
            "1.5",
            "1e1",
            "1E+2",
            "-1.25e-3",
            "123456789012345678901234567890",
        ] {
            assert_eq!(Reader::new(good).number().ok(), Some(good));
        }
        for bad in [
            "01", "-", "1.", ".5", "1e", "1e+", "+1", "0x1", "1.2.3", "1-", "--1",
        ] {
            let mut reader = Reader::new(bad);
            assert!(reader.number().is_err(), "{bad}");
        }
    }

    #[test]
    fn looking_ahead_sees_only_the_object_itself() {
        let find = |text| Reader::new(text).look_ahead("b").map(|found| found.raw);
        assert_eq!(
            find(r#" {"a":{"b":"inner"},"c":["b","x"],"d":"b","\u0062":"outer"}"#),
            Some("outer")
        );
        assert_eq!(find(r#"{"a":{"b":"inner"}} {"b":"after"}"#), None);
        assert_eq!(find(r#"{"b":5}"#), None);
        assert_eq!(find(r#"{"a":"#), None);
        assert_eq!(find(r#"5, {"b":"after"}"#), None);
        assert_eq!(find(r#"[{"b":"x"}, "b", "y"]"#), None);
    }
}
