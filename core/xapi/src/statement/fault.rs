//! What is wrong with a statement: every fault of it, each with the place, the problem, what would be
//! right, and who says so.

use std::error::Error;
use std::fmt;

use serde::Serialize;

/// One thing that is wrong with a statement.
///
/// `path` and `problem` read as one sentence: "`$.verb.id` is missing". As text the index goes before the
/// path: `$[3].verb.id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Of several statements that were given together the one that is at fault, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
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

/// How many faults, warnings or differences are listed at most. More help nobody, and a hostile text could
/// have millions; those beyond are counted.
pub(super) const LISTED: usize = 100;

/// A statement was refused. Holds the faults that were found, in the order of the text, at least one.
///
/// Its text names paths, property names and the shape of what was wrong. It quotes at most a short piece of
/// a malformed value, and never an actor's identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Invalid {
    /// The first hundred faults, in the order of the text.
    pub faults: Vec<Fault>,
    /// How many faults there are beyond those listed.
    pub more: usize,
    /// What had better be otherwise, but is no reason to refuse.
    pub warnings: Warnings,
}

/// What is valid and had better be otherwise, since the standard advises against it or real LRSs refuse or
/// lose it. Never a reason to refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Warnings {
    /// The first hundred, in the order of the text. Each has the shape of a fault.
    pub listed: Vec<Fault>,
    /// How many there are beyond those listed.
    pub more: usize,
}

impl Warnings {
    /// Tells whether there is nothing to warn of.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }
}

impl From<Vec<Fault>> for Invalid {
    /// A refusal for these faults, of which no more than are ever listed are kept.
    fn from(mut faults: Vec<Fault>) -> Self {
        let more = faults.len().saturating_sub(LISTED);
        faults.truncate(LISTED);
        Self {
            faults,
            more,
            warnings: Warnings::default(),
        }
    }
}

impl Invalid {
    /// Adds what is wrong with the statement in place `at` of a list, which is the index of its faults then. The
    /// lists stay as short as those of one statement.
    pub fn add(&mut self, at: usize, statement: Self) {
        self.more += statement.more + append(&mut self.faults, at, statement.faults);
        let Warnings { listed, more } = statement.warnings;
        self.warnings.more += more + append(&mut self.warnings.listed, at, listed);
    }
}

/// Appends what there is room for, and says how many are left over.
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
