//! Faults found during a walk. They are noted by their byte offset, which costs little; the paths are made at
//! the end, for all at once.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::fault::{Fault, LISTED, PANNIER_LIMIT};
use super::locate;
use super::reader::{MAX_DEPTH, Stop, Why};
use super::rule::JSON;
use super::version::XapiVersion;
use crate::steps;

/// See the module's description. Keeps the first faults in the text and counts the rest, so that it takes no
/// more memory than [`LISTED`] faults do.
#[derive(Default)]
pub(crate) struct Faults {
    /// The faults kept; the last in the text is on top.
    noted: BinaryHeap<Noted>,
    /// Number of faults found beyond those kept.
    more: usize,
}

/// A fault whose path is still to be made.
pub(crate) struct Noted {
    pub(crate) at: usize,
    /// The property that the object at `at` lacks.
    pub(crate) missing: Option<&'static str>,
    pub(crate) problem: Cow<'static, str>,
    pub(crate) expected: Cow<'static, str>,
    pub(crate) section: &'static str,
    /// Number of faults found before it: two at one place stay in the order in which they were found.
    pub(crate) number: usize,
}

impl Noted {
    pub(crate) fn new(
        at: usize,
        problem: impl Into<Cow<'static, str>>,
        expected: impl Into<Cow<'static, str>>,
        section: &'static str,
    ) -> Self {
        Self {
            at,
            missing: None,
            problem: problem.into(),
            expected: expected.into(),
            section,
            number: 0,
        }
    }

    fn place(&self) -> (usize, usize) {
        (self.at, self.number)
    }
}

impl PartialEq for Noted {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Noted {}

impl PartialOrd for Noted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Noted {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl Faults {
    pub(crate) fn is_empty(&self) -> bool {
        self.noted.is_empty()
    }

    /// Notes a fault at a byte. `fault` is called only if it is among the first in the text so far.
    #[cold]
    pub(crate) fn add(&mut self, at: usize, fault: impl FnOnce() -> Noted) {
        steps::add(1);
        let number = self.noted.len() + self.more;
        if self.noted.len() == LISTED {
            self.more += 1;
            if self.noted.peek().is_none_or(|last| last.at <= at) {
                return;
            }
            self.noted.pop();
        }
        self.noted.push(Noted { number, ..fault() });
    }

    /// Drops the faults at places where `others` has one too.
    pub(crate) fn leave_out(&mut self, others: &Self) {
        self.noted
            .retain(|noted| others.noted.iter().all(|other| other.at != noted.at));
    }

    /// Returns the listed faults in the order of the text, and the number of those beyond.
    pub(crate) fn located(self, text: &str) -> (Vec<Fault>, usize) {
        if self.is_empty() {
            return (Vec::new(), 0);
        }
        let noted = self.noted.into_sorted_vec();
        let offsets: Vec<usize> = noted.iter().map(|noted| noted.at).collect();
        let paths = locate::paths(text, &offsets);
        let faults = noted.into_iter().zip(paths).map(located);
        (faults.collect(), self.more)
    }
}

fn located((noted, path): (Noted, String)) -> Fault {
    Fault {
        index: None,
        path: match noted.missing {
            Some(name) => path + &locate::member(name),
            None => path,
        },
        problem: noted.problem.into_owned(),
        expected: noted.expected.into_owned(),
        section: noted.section,
    }
}

/// Returns the fault that made a reader of `text` stop.
pub(crate) fn of_stop(text: &str, stop: Stop, version: XapiVersion) -> Noted {
    let place = place(text, stop.at);
    let (problem, expected, section) = match stop.why {
        Why::TooDeep => (
            format!("is nested deeper than {MAX_DEPTH} levels, at {place}"),
            format!("at most {MAX_DEPTH} levels of objects and arrays"),
            PANNIER_LIMIT,
        ),
        Why::ControlCharacter(byte) => (
            format!("holds the unescaped control character U+{byte:04X}, at {place}"),
            "control characters only as escapes such as \\n, and U+0000 not at all".to_owned(),
            JSON.of(version),
        ),
        Why::Expected(what) => {
            let problem = if stop.at < text.len() {
                "is not JSON"
            } else {
                "breaks off"
            };
            (
                format!("{problem}, at {place}"),
                what.to_owned(),
                JSON.of(version),
            )
        }
    };
    Noted::new(stop.at, problem, expected, section)
}

/// Describes a place in the text. Lines and columns count from 1, columns in characters, bytes from 0.
fn place(text: &str, at: usize) -> String {
    steps::add(at);
    let before = &text[..text.floor_char_boundary(at)];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    format!("line {line}, column {column} (byte {at})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let text = "{\n  \"é\": x";
        assert_eq!(place(text, text.len() - 1), "line 2, column 8 (byte 10)");
        assert_eq!(place(text, 0), "line 1, column 1 (byte 0)");
        assert_eq!(place("", 0), "line 1, column 1 (byte 0)");
    }

    #[test]
    fn the_first_of_the_text_are_kept_and_the_rest_is_counted() {
        let text = "1,".repeat(3 * LISTED);
        let mut faults = Faults::default();
        let mut made = 0;
        // In an order that is not that of the text: 0, 7, 14, … and back to the start.
        for n in 0..3 * LISTED {
            let at = 2 * (n * 7 % (3 * LISTED));
            faults.add(at, || {
                made += 1;
                Noted::new(at, format!("is {at}"), "", "")
            });
        }
        let (listed, more) = faults.located(&text);
        let problems: Vec<_> = listed.into_iter().map(|fault| fault.problem).collect();
        let expected: Vec<_> = (0..LISTED).map(|n| format!("is {}", 2 * n)).collect();
        assert_eq!((problems, more), (expected, 2 * LISTED));
        assert!(made < 3 * LISTED, "{made} were made");
    }

    #[test]
    fn two_faults_of_one_place_stay_in_order() {
        let mut faults = Faults::default();
        for problem in ["is first", "is second"] {
            faults.add(0, || Noted::new(0, problem, "", ""));
        }
        let (listed, _) = faults.located("[]");
        assert_eq!(listed[0].problem, "is first");
        assert_eq!(listed[1].problem, "is second");
    }
}
