//! Reading a body as it comes, however it is cut into pieces, with memory for the longest piece and no more.
//!
//! A line that begins with two hyphens and the boundary is a delimiter, whatever follows on it; the CRLF before it is its
//! own and not the content's. What precedes the first delimiter and follows the last is ignored (RFC 2046, 5.1.1).

use std::ops::Range;

use super::boundary::{Boundary, Malformed};
use crate::steps;

/// Most bytes of the headers of a part.
const LONGEST_HEAD: usize = 64 * 1024;

/// Headers of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head(Vec<(String, String)>);

impl Head {
    /// Returns the value of a header, by its name in any letter case; the first, if it is there twice.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut headers = self.0.iter();
        let found = headers.find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Adds a line, or what it continues to the line before; `None` if it is no header.
    fn add(&mut self, line: &[u8]) -> Option<()> {
        let line = str::from_utf8(line).ok()?;
        if line.starts_with([' ', '\t']) {
            let (_, value) = self.0.last_mut()?;
            value.push(' ');
            value.push_str(line.trim());
        } else {
            let (name, value) = line.split_once(':')?;
            let (name, value) = (name.trim(), value.trim());
            self.0.push((name.to_owned(), value.to_owned()));
        }
        Some(())
    }
}

/// What a reader finds, in the order of the body.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A part begins.
    Part(Head),
    /// More of its content.
    Content(&'a [u8]),
    /// Its content is whole.
    End,
}

/// A reader of a body, piece by piece.
#[derive(Debug)]
pub struct Reader {
    /// CRLF, two hyphens and the boundary.
    delimiter: Vec<u8>,
    /// Bytes of the body, as many as are at hand.
    buffer: Vec<u8>,
    /// Number of those that are done with.
    done: usize,
    /// Number of bytes that were before the buffer.
    before: u64,
    state: State,
    parts: usize,
}

/// What comes next.
#[derive(Debug)]
enum State {
    Preamble,
    /// What follows a delimiter.
    Delimiter,
    /// The rest of a delimiter's line.
    Line,
    /// Header lines.
    Head(Lines),
    Content,
    Epilogue,
}

/// The header lines of a part that have been read.
#[derive(Debug, Default)]
struct Lines {
    head: Head,
    /// Number of their bytes.
    octets: usize,
    /// Number of bytes at hand in which the next line does not end.
    searched: usize,
}

/// What one look at the bytes at hand brings.
enum Step {
    /// Look again.
    Again,
    /// More bytes are needed.
    Wait,
    Part(Head),
    Content(Range<usize>),
    End,
}

impl Reader {
    /// Begins to read a body with this boundary.
    pub fn new(boundary: &Boundary) -> Self {
        Self {
            delimiter: format!("\r\n--{}", boundary.as_str()).into_bytes(),
            // As if a line had ended before the body, which may begin with a delimiter.
            buffer: b"\r\n".to_vec(),
            done: 0,
            before: 0,
            state: State::Preamble,
            parts: 0,
        }
    }

    /// Takes the next bytes of the body.
    pub fn put(&mut self, bytes: &[u8]) {
        self.before += self.done as u64;
        if self.done > 0 {
            steps::add(self.at_hand().len());
            self.buffer.drain(..self.done);
            self.done = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns what is found next in the bytes that it has; `None` if it needs more, or if that was the last part.
    pub fn find_next(&mut self) -> Result<Option<Found<'_>>, Malformed> {
        loop {
            return Ok(Some(match self.step()? {
                Step::Again => continue,
                Step::Wait => return Ok(None),
                Step::Part(head) => Found::Part(head),
                Step::Content(range) => Found::Content(&self.buffer[range]),
                Step::End => Found::End,
            }));
        }
    }

    /// Tells whether the body may end here: after its last delimiter.
    pub fn finish(&self) -> Result<(), Malformed> {
        let boundary = String::from_utf8_lossy(&self.delimiter[b"\r\n".len()..]);
        match self.state {
            State::Epilogue => Ok(()),
            State::Preamble => Err(Malformed(format!(
                "the body has no line {boundary:?} before its first part"
            ))),
            _ => Err(Malformed(format!(
                "the body ends without the line \"{boundary}--\"; its lines must end in CRLF"
            ))),
        }
    }

    /// Returns the number of bytes of the body up to the end of what was found last.
    pub(super) fn position(&self) -> u64 {
        (self.before + self.done as u64).saturating_sub(b"\r\n".len() as u64)
    }

    fn at_hand(&self) -> &[u8] {
        &self.buffer[self.done..]
    }

    fn step(&mut self) -> Result<Step, Malformed> {
        match self.state {
            State::Preamble => {
                let (before, is_whole) = self.find_delimiter();
                self.done += before;
                Ok(if is_whole {
                    self.pass_delimiter()
                } else {
                    Step::Wait
                })
            }
            State::Delimiter => Ok(self.after_delimiter()),
            State::Line => Ok(self.line()),
            State::Head(_) => self.head(),
            State::Content => {
                let (before, is_whole) = self.find_delimiter();
                let from = self.done;
                self.done += before;
                Ok(match (before, is_whole) {
                    (0, false) => Step::Wait,
                    (0, true) => {
                        self.pass_delimiter();
                        Step::End
                    }
                    _ => Step::Content(from..self.done),
                })
            }
            State::Epilogue => {
                self.done = self.buffer.len();
                Ok(Step::Wait)
            }
        }
    }

    /// Returns the number of bytes at hand that precede a delimiter, or what may be the beginning of one, and whether it
    /// is there as a whole.
    fn find_delimiter(&self) -> (usize, bool) {
        let bytes = self.at_hand();
        // A boundary has no CR, so a delimiter has but its first.
        let found = memchr::memchr_iter(b'\r', bytes).find(|at| {
            let here = &bytes[*at..];
            here.starts_with(&self.delimiter) || self.delimiter.starts_with(here)
        });
        let before = found.unwrap_or(bytes.len());
        steps::add(before);
        (before, bytes[before..].starts_with(&self.delimiter))
    }

    fn pass_delimiter(&mut self) -> Step {
        self.done += self.delimiter.len();
        self.state = State::Delimiter;
        Step::Again
    }

    /// Reads what follows a delimiter: two hyphens after the last part.
    fn after_delimiter(&mut self) -> Step {
        let bytes = self.at_hand();
        if b"--".starts_with(bytes) && bytes.len() < 2 {
            return Step::Wait;
        }
        self.state = if bytes.starts_with(b"--") {
            State::Epilogue
        } else {
            State::Line
        };
        Step::Again
    }

    /// Passes the rest of a delimiter's line: white space, or whatever it is.
    fn line(&mut self) -> Step {
        let bytes = self.at_hand();
        let Some(end) = end_of_line(bytes, 0) else {
            self.done += bytes.len() - usize::from(bytes.ends_with(b"\r"));
            return Step::Wait;
        };
        self.done += end + 2;
        self.state = State::Head(Lines::default());
        self.parts += 1;
        Step::Again
    }

    /// Reads a header line, or the empty line after the last.
    fn head(&mut self) -> Result<Step, Malformed> {
        let wrong =
            |what: &str| Malformed(format!("the headers of part {} {what}", self.parts - 1));
        let bytes = &self.buffer[self.done..];
        let State::Head(lines) = &mut self.state else {
            return Ok(Step::Again);
        };
        let end = end_of_line(bytes, lines.searched);
        let line = match end {
            Some(0) => 0,
            Some(end) => end + 2,
            None => bytes.len(),
        };
        if lines.octets + line > LONGEST_HEAD {
            return Err(wrong(&format!("are longer than {LONGEST_HEAD} bytes")));
        }
        match end {
            None => {
                lines.searched = bytes.len() - usize::from(bytes.ends_with(b"\r"));
                Ok(Step::Wait)
            }
            Some(0) if bytes.starts_with(&self.delimiter) => Ok(self.content()),
            Some(0) if self.delimiter.starts_with(bytes) => Ok(Step::Wait),
            Some(0) => {
                self.done += 2;
                Ok(self.content())
            }
            Some(end) => {
                let added = lines.head.add(&bytes[..end]);
                added.ok_or_else(|| wrong("are not \"Name: value\" lines"))?;
                lines.octets += line;
                lines.searched = 0;
                self.done += line;
                Ok(Step::Again)
            }
        }
    }

    /// Gives out the headers. The empty line after them is a delimiter's if there is no content.
    fn content(&mut self) -> Step {
        match std::mem::replace(&mut self.state, State::Content) {
            State::Head(lines) => Step::Part(lines.head),
            _ => Step::Again,
        }
    }
}

/// Returns where the first line ends, if it does, from a place on.
fn end_of_line(bytes: &[u8], from: usize) -> Option<usize> {
    let ends = memchr::memchr_iter(b'\r', &bytes[from..]).map(|at| from + at);
    let end = ends
        .into_iter()
        .find(|at| bytes.get(at + 1) == Some(&b'\n'));
    steps::add(end.unwrap_or(bytes.len()) - from);
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part as it is read: headers, and content.
    type Whole = (Head, Vec<u8>);

    fn read(body: &[u8], boundary: &str, at_once: usize) -> Result<Vec<Whole>, Malformed> {
        let mut reader = Reader::new(&Boundary::new(boundary)?);
        let mut parts: Vec<Whole> = Vec::new();
        let mut is_open = false;
        for piece in body.chunks(at_once) {
            reader.put(piece);
            while let Some(found) = reader.find_next()? {
                match found {
                    Found::Part(head) => {
                        assert!(!is_open, "the part before has ended");
                        is_open = true;
                        parts.push((head, Vec::new()));
                    }
                    Found::Content(bytes) => {
                        assert!(is_open && !bytes.is_empty());
                        parts.last_mut().unwrap().1.extend_from_slice(bytes);
                    }
                    Found::End => is_open = false,
                }
            }
            assert!(reader.buffer.len() <= at_once.saturating_add(LONGEST_HEAD));
        }
        reader.finish()?;
        Ok(parts)
    }

    /// Reads it in pieces of all sizes, and it is the same for each.
    fn contents(body: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
        let whole = read(body, "b", body.len().max(1));
        for at_once in 1..body.len() {
            assert_eq!(read(body, "b", at_once), whole, "by {at_once}");
        }
        Ok(whole?.into_iter().map(|(_, content)| content).collect())
    }

    #[test]
    fn a_body_is_read_by_the_letter() {
        for (body, wanted) in [
            ("--b\r\nA: 1\r\n\r\none\r\n--b--", &["one"][..]),
            ("--b\r\nA: 1\r\n\r\n\r\n--b--\r\n", &[""]),
            // No headers; no content; neither and no empty line.
            ("--b\r\n\r\none\r\n--b--", &["one"]),
            ("--b\r\nA: 1\r\n\r\n--b--", &[""]),
            ("--b\r\n\r\n--b--", &[""]),
            // Before the first and after the last.
            (
                "to whom\r\n\r\n--b\r\n\r\none\r\n--b--\r\n--b\r\n",
                &["one"],
            ),
            ("\r\n--b\r\n\r\none\r\n--b--", &["one"]),
            ("--b--", &[]),
            // White space, and whatever else, on a delimiter's line.
            (
                "--b \t\r\n\r\none\r\n--bc\r\n\r\ntwo\r\n--b-\r\n\r\n\r\n--b-- ",
                &["one", "two", ""],
            ),
            // What is almost a delimiter.
            (
                "--b\r\n\r\n\n--b\r\r\n--\r\n-b--b\r\n\r\n--b--",
                &["\n--b\r\r\n--\r\n-b--b\r\n"],
            ),
        ] {
            assert_eq!(
                contents(body.as_bytes()).unwrap(),
                wanted
                    .iter()
                    .map(|it| it.as_bytes().to_vec())
                    .collect::<Vec<_>>(),
                "{body:?}"
            );
        }
    }

    #[test]
    fn headers_are_found_in_any_letter_case_and_may_be_folded() {
        let body = b"--b\r\nContent-TYPE:text/plain;\r\n\tcharset=utf-8 \r\nX : 1\r\nx: 2\r\n\r\n\r\n--b--";
        let head = &read(body, "b", 1).unwrap()[0].0;
        assert_eq!(head.get("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!((head.get("x"), head.get("y")), (Some("1"), None));
    }

    #[test]
    fn a_body_cut_off_is_refused() {
        let whole = b"preamble\r\n--b\r\nA: 1\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--";
        assert_eq!(contents(whole).unwrap().len(), 2);
        for end in 0..whole.len() {
            assert!(contents(&whole[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for head in [&b"A"[..], b" A: 1", b"A: 1\r\nB", b"\xff: 1", b"--b--"] {
            let body = [b"--b\r\n", head, b"\r\n\r\n\r\n--b--"].concat();
            let why = contents(&body).unwrap_err().to_string();
            assert!(why.contains("part 0"), "{head:?}: {why}");
        }
    }

    #[test]
    fn headers_are_no_longer_than_is_good() {
        let body = |long: usize| {
            let head = "A: 1\r\n".repeat(LONGEST_HEAD / 6 - 1);
            let last = "x".repeat(long + LONGEST_HEAD - head.len() - "B:\r\n".len());
            format!("--b\r\n{head}B:{last}\r\n\r\none\r\n--b--")
        };
        for at_once in [1_000, usize::MAX] {
            assert!(read(body(0).as_bytes(), "b", at_once).is_ok());
            let why = read(body(1).as_bytes(), "b", at_once).unwrap_err();
            assert!(why.to_string().contains("longer"), "{why}");
        }
        // Nor are they read to their end.
        let endless = format!("--b\r\nA: {}", "x".repeat(2 * LONGEST_HEAD));
        let mut reader = Reader::new(&Boundary::new("b").unwrap());
        reader.put(endless.as_bytes());
        assert!(reader.find_next().is_err());
    }
}
