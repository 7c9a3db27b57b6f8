//! Faults of a statement, each with its place, the problem, what is expected, and who says so.

use std::error::Error;
use std::fmt;

use serde::Serialize;

/// One thing that is wrong with a statement.
///
/// `path` and `problem` read as one sentence: "`$.verb.id` is missing". `Display` puts the index before the
/// path: `$[3].verb.id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Position of the faulty statement among several given together, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Place of the fault, as a JSON path: `$.context.contextActivities.parent[0].id`.
    pub path: String,
    /// Problem at that place.
    pub problem: String,
    /// Description of what would be right.
    pub expected: String,
    /// The section of the standard the rule comes from, or [`PANNIER_LIMIT`].
    pub section: &'static str,
}

/// The `section` of a fault against a limit that is Pannier's, not the standard's.
pub const PANNIER_LIMIT: &str = "Pannier limit";

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.strip_prefix('$').unwrap_or(&self.path);
        f.write_str("$")?;
        if let Some(index) = self.index {
            write!(f, "[{index}]")?;
        }
        write!(
            f,
            "{path} {}; expected {} ({})",
            self.problem, self.expected, self.section
        )
    }
}

/// Number of faults, warnings or differences that are listed at most. More would help no one, and a hostile
/// text could have millions; the rest are only counted.
pub(super) const LISTED: usize = 100;

/// Refusal of a statement, with the faults that were found, at least one, in the order of the text.
///
/// Its text names paths, property names and the shape of what was wrong. It quotes at most a short piece of a
/// malformed value, but never of an `mbox`, `mbox_sha1sum` or `openid`, or of an account's `name`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Invalid {
    /// The first hundred faults, in the order of the text.
    pub faults: Vec<Fault>,
    /// Number of faults beyond those listed.
    pub more: usize,
    /// Warnings, which are no reason to refuse.
    pub warnings: Warnings,
    /// Tells whether it is defaults for statements that are refused, and no statement.
    #[serde(skip)]
    pub are_defaults: bool,
}

/// Warnings about what is valid but inadvisable: the standard advises against it, real LRSs refuse or lose it,
/// or it is hardly meant. Never a reason to refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Warnings {
    /// The first hundred warnings, in the order of the text. Each has the shape of a fault.
    pub listed: Vec<Fault>,
    /// Number of warnings beyond those listed.
    pub more: usize,
}

impl Warnings {
    /// Tells whether there is nothing to warn of.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }
}

impl From<Vec<Fault>> for Invalid {
    /// Makes a refusal of these faults; lists the first hundred and counts the rest.
    fn from(mut faults: Vec<Fault>) -> Self {
        let more = faults.len().saturating_sub(LISTED);
        faults.truncate(LISTED);
        Self {
            faults,
            more,
            ..Self::default()
        }
    }
}

impl Invalid {
    /// Returns the same refusal, of defaults for statements.
    #[must_use]
    pub fn of_defaults(self) -> Self {
        Self {
            are_defaults: true,
            ..self
        }
    }

    /// Returns what is refused, for a sentence about it.
    pub fn subject(&self) -> &'static str {
        if self.are_defaults {
            "the defaults for statements are"
        } else {
            "the statement is"
        }
    }

    /// Adds the faults and warnings of the statement at position `at` of a list; `at` becomes their index. The
    /// lists stay as short as those of one statement.
    pub fn add(&mut self, at: usize, statement: Self) {
        self.more += statement.more + append(&mut self.faults, at, statement.faults);
        let Warnings { listed, more } = statement.warnings;
        self.warnings.more += more + append(&mut self.warnings.listed, at, listed);
    }
}

/// Appends as many as there is room for; returns the number left over.
fn append(list: &mut Vec<Fault>, at: usize, faults: Vec<Fault>) -> usize {
    let room = (LISTED - list.len()).min(faults.len());
    let left_over = faults.len() - room;
    list.extend(faults.into_iter().take(room).map(|mut fault| {
        fault.index = Some(at);
        fault
    }));
    left_over
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.faults.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        match self.more {
            0 => Ok(()),
            1 => f.write_str("\n… and 1 more fault"),
            more => write!(f, "\n… and {more} more faults"),
        }
    }
}

impl Error for Invalid {}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(count: usize) -> Vec<Fault> {
        let fault = |n| Fault {
            index: None,
            path: format!("$.a[{n}]"),
            problem: "is wrong".to_owned(),
            expected: "right".to_owned(),
            section: PANNIER_LIMIT,
        };
        (0..count).map(fault).collect()
    }

    #[test]
    fn the_faults_of_a_list_are_as_few_as_those_of_one_statement() {
        let mut all = Invalid::default();
        for at in 0..50 {
            all.add(at, Invalid::from(faults(7)));
        }
        assert_eq!(all.faults.len(), 100);
        let last = &all.faults[99];
        assert_eq!((last.index, &*last.path), (Some(14), "$.a[1]"));
        assert!(last.to_string().starts_with("$[14].a[1] is wrong; "));
        assert_eq!(all.more, 250);
        assert!(all.to_string().ends_with("\n… and 250 more faults"));
        let one = Invalid::from(faults(101));
        assert_eq!((one.faults.len(), one.more), (100, 1));
        assert!(one.to_string().ends_with("\n… and 1 more fault"));
        let few = Invalid::from(faults(2));
        assert_eq!(few.to_string().lines().count(), 2);
    }
}
