//! What is wrong with a statement: every fault of it, each with the place, the problem, what would be
//! right, and who says so.

use std::error::Error;
use std::fmt;

use serde::Serialize;

/// One thing that is wrong with a statement.
///
/// `path` and `problem` read as one sentence: "`$.verb.id` is missing".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where, as a JSON path: `$.context.contextActivities.parent[0].id`.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
    /// What would be right.
    pub expected: String,
    /// The section of the standard the rule comes from, or [`PANNIER_LIMIT`].
    pub section: &'static str,
}

/// The `section` of a fault against a limit that is Pannier's and not the standard's.
pub const PANNIER_LIMIT: &str = "Pannier limit";

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}; expected {} ({})",
            self.path, self.problem, self.expected, self.section
        )
    }
}

/// A statement was refused. Holds every fault that was found, in the order of the text, at least one.
///
/// Its text names paths, property names and the shape of what was wrong. It quotes at most a short piece of
/// a malformed value, and never an actor's identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invalid {
    /// The faults, in the order of the text.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.faults.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl Error for Invalid {}
