//! Finds where two JSON values differ.

use std::fmt::{self, Write};

use serde::Serialize;

use super::number;
use super::value::Value;
use crate::statement::fault::LISTED;
use crate::statement::locate::{self, Segment};
use crate::steps;

/// Number of characters of a value that a difference shows at most.
const SHOWN: usize = 200;

/// A place where the LRS's copy is not what was sent.
///
/// It contains the values, so an app can show them to somebody who may see the statement. Its `Debug` output
/// leaves them out.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Place of the difference, as a JSON path: `$.result.score.scaled`. Members of a group are counted in the
    /// order of their identifiers, attachments in that of their hashes. The middle of a very long path is left
    /// out.
    pub path: String,
    /// Value that was sent, as JSON text cut to 200 characters; absent if there was none.
    pub ours: Option<String>,
    /// Value that the LRS has there, likewise.
    pub theirs: Option<String>,
}

impl fmt::Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Difference")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The places where two copies differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// The first hundred differences found.
    pub listed: Vec<Difference>,
    /// Number of differences beyond those listed.
    pub more: usize,
}

impl Differences {
    /// Tells whether nothing differs but the statement's own timestamp.
    pub fn only_timestamp(&self) -> bool {
        self.more == 0 && self.listed.iter().all(|one| one.path == "$.timestamp")
    }
}

/// Finds every place where two values differ by more than an LRS may do to a number.
pub(super) fn between(ours: &Value<'_>, theirs: &Value<'_>) -> Differences {
    let mut walk = Walk {
        path: Vec::new(),
        found: Differences::default(),
    };
    walk.both(Some(ours), Some(theirs));
    walk.found
}

/// A walk through two values at once. A path is made only where they differ.
struct Walk<'v> {
    path: Vec<Segment<'v>>,
    found: Differences,
}

impl<'v> Walk<'v> {
    fn both(&mut self, ours: Option<&'v Value<'v>>, theirs: Option<&'v Value<'v>>) {
        steps::add(1);
        match (ours, theirs) {
            (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
                let only_theirs = theirs.keys().filter(|name| !ours.contains_key(*name));
                for name in ours.keys().chain(only_theirs) {
                    self.below(Segment::Member(name), ours.get(name), theirs.get(name));
                }
            }
            (Some(Value::Array(ours)), Some(Value::Array(theirs))) => {
                for index in 0..ours.len().max(theirs.len()) {
                    self.below(Segment::Element(index), ours.get(index), theirs.get(index));
                }
            }
            (Some(Value::Number(ours)), Some(Value::Number(theirs)))
                if number::may_become(ours, theirs) => {}
            (ours, theirs) if ours == theirs => {}
            _ if self.found.listed.len() == LISTED => self.found.more += 1,
            (ours, theirs) => self.found.listed.push(Difference {
                path: locate::path(&self.path),
                ours: ours.map(short),
                theirs: theirs.map(short),
            }),
        }
    }

    fn below(
        &mut self,
        segment: Segment<'v>,
        ours: Option<&'v Value<'v>>,
        theirs: Option<&'v Value<'v>>,
    ) {
        self.path.push(segment);
        self.both(ours, theirs);
        self.path.pop();
    }
}

/// Returns the start of a value's JSON. The rest is not even written.
fn short(value: &Value<'_>) -> String {
    let mut start = Start {
        text: String::new(),
        room: SHOWN,
    };
    if write!(start, "{value}").is_err() {
        start.text.push('…');
    }
    start.text
}

/// A writer that fails after as many characters as it has room for.
struct Start {
    text: String,
    room: usize,
}

impl Write for Start {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            self.write_char(c)?;
        }
        Ok(())
    }

    fn write_char(&mut self, c: char) -> fmt::Result {
        steps::add(1);
        self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
        self.text.push(c);
        Ok(())
    }
}
