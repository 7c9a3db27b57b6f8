//! The faults found during a walk. They are noted by the byte they stand at, which costs little; their paths
//! are made at the end, for all at once.

use super::fault::{Fault, Invalid, PANNIER_LIMIT};
use super::locate;
use super::reader::{MAX_DEPTH, Stop, Why};
use super::rule::JSON;
use super::version::XapiVersion;

/// How many faults of one statement are listed. More help nobody, and a hostile text could have millions.
const MOST: usize = 1000;

/// See the module's description.
#[derive(Default)]
pub(crate) struct Faults {
    noted: Vec<Noted>,
    /// How many were found beyond those noted.
    unlisted: usize,
}

/// A fault whose path is still to be made.
pub(crate) struct Noted {
    pub(crate) at: usize,
    /// The property that the object at `at` lacks.
    pub(crate) missing: Option<&'static str>,
    pub(crate) problem: String,
    pub(crate) expected: String,
    pub(crate) section: &'static str,
}

impl Faults {
    pub(crate) fn is_empty(&self) -> bool {
        self.noted.is_empty()
    }

    #[cold]
    pub(crate) fn add(&mut self, fault: Noted) {
        if self.noted.len() < MOST {
            self.noted.push(fault);
        } else {
            self.unlisted += 1;
        }
    }

    /// All faults, in the order of the text.
    pub(crate) fn into_invalid(mut self, text: &str) -> Invalid {
        self.noted.sort_by_key(|noted| noted.at);
        let offsets: Vec<usize> = self.noted.iter().map(|noted| noted.at).collect();
        let paths = locate::paths(text, &offsets);
        let mut faults: Vec<Fault> = self.noted.into_iter().zip(paths).map(located).collect();
        if self.unlisted > 0 {
            faults.push(Fault {
                path: "$".to_owned(),
                problem: format!("has {} more faults", self.unlisted),
                expected: format!("at most {MOST} faults to list"),
                section: PANNIER_LIMIT,
            });
        }
        Invalid { faults }
    }
}

fn located((noted, path): (Noted, String)) -> Fault {
    let Noted {
        missing,
        problem,
        expected,
        section,
        ..
    } = noted;
    let path = match missing {
        Some(name) => locate::member(&path, name),
        None => path,
    };
    Fault {
        path,
        problem,
        expected,
        section,
    }
}

/// The fault that made a reader of `text` stop.
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
    Noted {
        at: stop.at,
        missing: None,
        problem,
        expected,
        section,
    }
}

/// A place in the text, in words. Lines and columns count from 1, columns in characters, bytes from 0.
fn place(text: &str, at: usize) -> String {
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
    fn the_list_is_bounded() {
        let mut faults = Faults::default();
        for at in 0..MOST + 5 {
            let noted = Noted {
                at: MOST + 5 - at,
                missing: None,
                problem: String::new(),
                expected: String::new(),
                section: "",
            };
            faults.add(noted);
        }
        let invalid = faults.into_invalid("[]");
        assert_eq!(invalid.faults.len(), MOST + 1);
        assert_eq!(invalid.faults[MOST].problem, "has 5 more faults");
    }
}
