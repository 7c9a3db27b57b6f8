//! Splits a text into statements, whatever form it has: one, an array of them, one a line, one after the other over
//! several lines each, or an LRS's answer to a GET (`{"statements": […], …}`).
//!
//! Invalid JSON costs one statement and no more: reading goes on at the next line that begins like the one that is
//! broken, which [`Reader::torn`] finds.
//!
//! The text comes in pieces and leaves memory as soon as it is used. A value that is not complete yet is tried
//! again with twice as much. Where many have no end at all, the rest is searched for each only until that has cost
//! [`PATIENCE`] times the text, and from then on no further than [`Reader::torn`] says: so the work stays in
//! proportion to the length of the text, whatever it is.

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use pannier::statement::{Fault, PANNIER_LIMIT};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::Item;

const PIECE: usize = 64 * 1024;

/// Most bytes of one statement that are kept in memory: four times its limit, for those who indent.
const LONGEST: usize = 16 * 1024 * 1024;

/// Number of times that a text is searched for the ends of values that have none.
const PATIENCE: u64 = 16;

const MARK: &[u8] = b"\xef\xbb\xbf";

/// Member of an answer that has the statements.
const STATEMENTS: &[u8] = b"\"statements\"";

/// Members that show that an object is a statement, and no answer of an LRS, whatever follows.
const OF_A_STATEMENT: [&[u8]; 8] = [
    b"\"actor\"",
    b"\"verb\"",
    b"\"object\"",
    b"\"id\"",
    b"\"context\"",
    b"\"result\"",
    b"\"timestamp\"",
    b"\"version\"",
];

/// Place of the next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Nothing,
    Array,
    /// In the array `statements` of an LRS's answer to a GET (xAPI 1.0.3, Data 2.5).
    StatementResult,
    /// Behind that array, still in the object.
    Tail,
}

/// Reader of one statement after the other.
pub struct Reader<R> {
    name: String,
    source: R,
    /// Least number of bytes to read at a time.
    piece: usize,
    /// Most bytes of one value that are examined.
    longest: usize,
    buffer: Vec<u8>,
    ended: bool,
    /// Bytes that have come in.
    read: u64,
    /// Bytes searched for an end that was not there.
    in_vain: u64,
    /// Position in the buffer; all before is used up.
    at: usize,
    line: usize,
    /// Indentation of the present line.
    indent: usize,
    /// Tells whether nothing but blanks stood in this line so far.
    fresh: bool,
    inside: Inside,
    index: usize,
    /// Tells whether a value came, and no comma since.
    after_value: bool,
    /// Line of a comma, where no value came since.
    comma: Option<usize>,
}

impl<R: Read> Reader<R> {
    pub fn new(name: &str, source: R) -> Self {
        Self {
            name: name.to_owned(),
            source,
            piece: PIECE,
            longest: LONGEST,
            buffer: Vec::new(),
            ended: false,
            read: 0,
            in_vain: 0,
            at: 0,
            line: 1,
            indent: 0,
            fresh: true,
            inside: Inside::Nothing,
            index: 0,
            after_value: false,
            comma: None,
        }
    }

    /// Returns the first bytes; all of them if there are few.
    pub fn beginning(&mut self) -> io::Result<&[u8]> {
        while self.buffer.len() < 16 && self.more()? {}
        Ok(&self.buffer)
    }

    /// Counts lines from this one on, where something stands before.
    pub fn counting_from(self, line: usize) -> Self {
        Self { line, ..self }
    }

    /// Returns all that there is, before any of it is read as statements; `None` if it is longer than this.
    pub fn whole(mut self, most: usize) -> io::Result<Option<Vec<u8>>> {
        while self.buffer.len() <= most && self.more()? {}
        Ok((self.buffer.len() <= most).then_some(self.buffer))
    }

    /// Returns the next statement, or the fault in its place.
    pub fn next(&mut self) -> io::Result<Option<Item>> {
        loop {
            self.forget_used();
            self.skip_blanks()?;
            let Some(&first) = self.buffer.get(self.at) else {
                return Ok(self.end());
            };
            if (self.inside, first) == (Inside::Nothing, b'{')
                && let Some(array) = self.answer()?
            {
                self.enter(Inside::StatementResult, array);
                continue;
            }
            match (self.inside, first) {
                (Inside::Array | Inside::StatementResult, b']')
                    if let Some(line) = self.comma.take() =>
                {
                    return Ok(Some(self.fault_at(
                        line,
                        "is an array with a comma that nothing follows",
                        "a statement after the comma, or none of the two",
                    )));
                }
                (Inside::Nothing, b'[') => self.enter(Inside::Array, self.at + 1),
                (Inside::Array, b']') | (Inside::Tail, b'}') => self.leave(Inside::Nothing),
                (Inside::StatementResult, b']') => self.leave(Inside::Tail),
                (Inside::Tail, b',' | b':') => self.advance(self.at + 1),
                (Inside::Array | Inside::StatementResult, b',') if self.after_value => {
                    self.after_value = false;
                    self.comma = Some(self.line);
                    self.advance(self.at + 1);
                }
                (Inside::Array | Inside::StatementResult, _) if self.after_value => {
                    // The value is read all the same: the fault is the comma's.
                    self.after_value = false;
                    return Ok(Some(self.fault(
                        "is an array in which a comma is missing here",
                        "a comma, or the end of the array",
                    )));
                }
                _ => {
                    if let Some(item) = self.value()? {
                        return Ok(Some(item));
                    }
                }
            }
        }
    }

    fn value(&mut self) -> io::Result<Option<Item>> {
        let place = self.place();
        self.comma = None;
        let (end, whole) = match self.end_of_value(self.at)? {
            Some(end) if end - self.at > self.longest => {
                self.advance(end);
                self.index += 1;
                self.after_value = matches!(self.inside, Inside::Array | Inside::StatementResult);
                return Ok(Some(too_long(place)));
            }
            Some(end) => (end, true),
            None => match self.torn()? {
                Some(end) if end - self.at <= self.longest => (end, false),
                _ => {
                    self.skip()?;
                    self.index += 1;
                    self.after_value = false;
                    return Ok(Some(too_long(place)));
                }
            },
        };
        let mut text = self.buffer[self.at..end].to_vec();
        self.advance(end);
        if self.inside == Inside::Tail && whole {
            let is_again = text == STATEMENTS
                && self
                    .not_blank(self.at)?
                    .is_some_and(|at| self.buffer[at] == b':');
            return Ok(is_again.then(|| {
                self.fault(
                    "has a second member `statements`, which is passed over",
                    "each member once",
                )
            }));
        }
        if !whole {
            text.truncate(text.trim_ascii_end().len());
        }
        self.index += 1;
        // A broken value need not be followed by a comma, which may be cut off.
        self.after_value = whole && matches!(self.inside, Inside::Array | Inside::StatementResult);
        Ok(Some(Item {
            place,
            text: Ok(text),
        }))
    }

    /// Returns the end of invalid JSON: before the next line that begins with a brace, or that ends the array, and
    /// is indented no further than the line in which it begins. The lines of a statement that is written over
    /// several are indented further, and JSON lines not at all. None: not within what is examined.
    fn torn(&mut self) -> io::Result<Option<usize>> {
        let ends = self.ends();
        let mut from = self.at;
        loop {
            let Some(line) = self.buffer[from..].iter().position(|byte| *byte == b'\n') else {
                from = self.buffer.len();
                if self.is_too_long(from) {
                    return Ok(None);
                }
                if self.more()? {
                    continue;
                }
                return Ok(Some(from));
            };
            from += line + 1;
            let indent = loop {
                let rest = &self.buffer[from..];
                match rest.iter().position(|byte| !matches!(byte, b' ' | b'\t')) {
                    Some(indent) => break indent,
                    None if self.is_too_long(self.buffer.len()) => return Ok(None),
                    None if self.more()? => {}
                    None => return Ok(Some(self.buffer.len())),
                }
            };
            let first = self.buffer[from + indent];
            if indent <= self.indent && (first == b'{' || first == ends) {
                return Ok(Some(from));
            }
        }
    }

    /// Skips what is too long to be kept, as far as [`Self::torn`] would.
    fn skip(&mut self) -> io::Result<()> {
        let (ends, indent) = (self.ends(), self.indent);
        loop {
            let Some(line) = self.buffer[self.at..]
                .iter()
                .position(|byte| *byte == b'\n')
            else {
                self.advance(self.buffer.len());
                self.buffer.clear();
                self.at = 0;
                if self.more()? {
                    continue;
                }
                return Ok(());
            };
            self.advance(self.at + line + 1);
            let mut blanks = 0;
            let first = loop {
                match self.buffer.get(self.at + blanks).copied() {
                    Some(b' ' | b'\t') if blanks <= indent => blanks += 1,
                    Some(first) => break first,
                    None if self.more()? => {}
                    None => return Ok(()),
                }
            };
            if blanks <= indent && (first == b'{' || first == ends) {
                return Ok(());
            }
        }
    }

    /// Returns the byte that ends the values here, besides the brace of the next one.
    fn ends(&self) -> u8 {
        match self.inside {
            Inside::Nothing => b'[',
            Inside::Array | Inside::StatementResult | Inside::Tail => b']',
        }
    }

    /// Tells whether a value that goes on until there is too long.
    fn is_too_long(&self, to: usize) -> bool {
        to - self.at > self.longest
    }

    /// Returns the place behind the bracket of the statements, if an answer of an LRS begins here.
    fn answer(&mut self) -> io::Result<Option<usize>> {
        let mut at = self.at + 1;
        loop {
            let Some(key) = self.not_blank(at)? else {
                return Ok(None);
            };
            let Some(end) = self.end_of_value(key)? else {
                return Ok(None);
            };
            let name = &self.buffer[key..end];
            let (is_it, is_not) = (name == STATEMENTS, OF_A_STATEMENT.contains(&name));
            if is_not || !name.starts_with(b"\"") {
                return Ok(None);
            }
            let Some(colon) = self.not_blank(end)? else {
                return Ok(None);
            };
            let Some(value) = self.not_blank(colon + 1)? else {
                return Ok(None);
            };
            if self.buffer[colon] != b':' {
                return Ok(None);
            }
            if is_it {
                return Ok((self.buffer[value] == b'[').then_some(value + 1));
            }
            let Some(end) = self.end_of_value(value)? else {
                return Ok(None);
            };
            match self.not_blank(end)? {
                Some(comma) if self.buffer[comma] == b',' => at = comma + 1,
                _ => return Ok(None),
            }
        }
    }

    /// Returns the end of the JSON value that begins here; none where that is no JSON.
    fn end_of_value(&mut self, at: usize) -> io::Result<Option<usize>> {
        if self.in_vain > PATIENCE * self.read {
            let end = self.torn()?.unwrap_or(self.buffer.len());
            let text = self.buffer.get(at..end).unwrap_or_default();
            let mut values = Deserializer::from_slice(text).into_iter::<&RawValue>();
            let is_whole = matches!(values.next(), Some(Ok(_)));
            return Ok(is_whole.then(|| at + values.byte_offset()));
        }
        loop {
            let mut values = Deserializer::from_slice(&self.buffer[at..]).into_iter::<&RawValue>();
            let (more, end) = match values.next() {
                Some(Ok(_)) => {
                    let end = at + values.byte_offset();
                    // A number may go on.
                    (end == self.buffer.len(), Some(end))
                }
                Some(Err(error)) => (error.is_eof(), None),
                None => (true, None),
            };
            if !more || self.is_too_long(self.buffer.len()) || !self.more()? {
                if more && end.is_none() {
                    self.in_vain += (self.buffer.len() - at) as u64;
                }
                return Ok(end);
            }
        }
    }

    /// Returns the place of the first byte from here on that is no white space.
    fn not_blank(&mut self, mut at: usize) -> io::Result<Option<usize>> {
        loop {
            match self.buffer.get(at).copied() {
                Some(byte) if byte.is_ascii_whitespace() => at += 1,
                Some(_) => return Ok(Some(at)),
                None if self.is_too_long(at) => return Ok(None),
                None if self.more()? => {}
                None => return Ok(None),
            }
        }
    }

    /// Skips white space, and the byte order mark that some programs put before a file: also in the middle, where
    /// files were joined.
    fn skip_blanks(&mut self) -> io::Result<()> {
        loop {
            match self.buffer.get(self.at).copied() {
                Some(b'\n') => {
                    self.line += 1;
                    (self.indent, self.fresh) = (0, true);
                }
                Some(b' ' | b'\t' | b'\r') => self.indent += usize::from(self.fresh),
                Some(0xef) if self.inside == Inside::Nothing => {
                    while self.buffer.len() < self.at + MARK.len() && self.more()? {}
                    if !self.buffer[self.at..].starts_with(MARK) {
                        return Ok(());
                    }
                    self.at += MARK.len() - 1;
                }
                None => {
                    self.forget_used();
                    if self.more()? {
                        continue;
                    }
                    return Ok(());
                }
                Some(_) => return Ok(()),
            }
            self.at += 1;
        }
    }

    /// Goes to a place further on, counting lines.
    fn advance(&mut self, to: usize) {
        let passed = &self.buffer[self.at..to];
        self.fresh = false;
        if let Some(last) = passed.iter().rposition(|byte| *byte == b'\n') {
            self.line += passed.split(|byte| *byte == b'\n').count() - 1;
            let begun = &passed[last + 1..];
            self.indent = begun.len() - begun.trim_ascii_start().len();
            self.fresh = self.indent == begun.len();
        }
        self.at = to;
    }

    fn enter(&mut self, inside: Inside, at: usize) {
        self.advance(at);
        self.inside = inside;
        self.index = 0;
        (self.after_value, self.comma) = (false, None);
    }

    fn leave(&mut self, inside: Inside) {
        self.advance(self.at + 1);
        self.inside = inside;
        self.after_value = false;
    }

    /// Reports an array that does not end: it is cut off, and others of it may be missing.
    fn end(&mut self) -> Option<Item> {
        if self.inside == Inside::Nothing {
            return None;
        }
        let cut = self.fault(
            "is an array that is not closed",
            "its end; the text was perhaps cut off",
        );
        self.inside = Inside::Nothing;
        Some(cut)
    }

    fn fault(&self, problem: &str, expected: &str) -> Item {
        self.fault_at(self.line, problem, expected)
    }

    fn fault_at(&self, line: usize, problem: &str, expected: &str) -> Item {
        Item {
            place: format!("{}:{line}", self.name),
            text: Err(Fault {
                index: None,
                path: "$".to_owned(),
                problem: problem.to_owned(),
                expected: expected.to_owned(),
                section: "RFC 8259, section 5",
            }),
        }
    }

    fn place(&self) -> String {
        match self.inside {
            Inside::Nothing | Inside::Tail => format!("{}:{}", self.name, self.line),
            Inside::Array | Inside::StatementResult => {
                format!("{}:{}[{}]", self.name, self.line, self.index)
            }
        }
    }

    fn forget_used(&mut self) {
        if self.at >= self.piece && self.at >= self.buffer.len() / 2 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
    }

    /// Reads on, as much as there is already and at least a piece. Returns false if there is nothing more.
    fn more(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let before = self.buffer.len();
        let wanted = (before - self.at).max(self.piece);
        let read = self
            .source
            .by_ref()
            .take(wanted as u64)
            .read_to_end(&mut self.buffer)?;
        self.read += read as u64;
        self.ended = read < wanted;
        Ok(read > 0)
    }
}

fn too_long(place: String) -> Item {
    Item {
        place,
        text: Err(Fault {
            index: None,
            path: "$".to_owned(),
            problem: "is longer than a statement may be".to_owned(),
            expected: "at most 4194304 bytes: what is larger belongs in a file, named by an attachment's fileUrl"
                .to_owned(),
            section: PANNIER_LIMIT,
        }),
    }
}
