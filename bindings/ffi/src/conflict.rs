//! Two statements under one id, for somebody who may see them.

use std::fmt;

use crate::Uuid;

/// A statement that is held as a conflict, with the LRS's copy. Printing it shows no content.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct Conflict {
    /// The id.
    pub id: Uuid,
    /// The statement as recorded here, JSON.
    pub ours: String,
    /// The LRS's copy, JSON; none where it says that it knows the id and shows nothing.
    pub theirs: Option<String>,
    /// Differences in what an LRS must not change. Empty where there is nothing to compare.
    pub differences: Vec<Difference>,
    /// Number of differences beyond those listed, which are a hundred at most.
    pub more_differences: u64,
}

impl From<pannier::Conflict> for Conflict {
    fn from(conflict: pannier::Conflict) -> Self {
        let differences = conflict.differences.into_iter();
        Self {
            id: conflict.id,
            ours: conflict.ours,
            theirs: conflict.theirs,
            differences: differences.map(Into::into).collect(),
            more_differences: conflict.more_differences as u64,
        }
    }
}

/// A place where two copies of a statement differ. Printing it shows the place alone.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct Difference {
    /// Its place, as a JSON path.
    pub path: String,
    /// Ours, as short JSON text; none where we have nothing.
    pub ours: Option<String>,
    /// Theirs, as short JSON text; none where they have nothing.
    pub theirs: Option<String>,
}

impl From<pannier::statement::Difference> for Difference {
    fn from(difference: pannier::statement::Difference) -> Self {
        Self {
            path: difference.path,
            ours: difference.ours,
            theirs: difference.theirs,
        }
    }
}

impl fmt::Debug for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conflict({} {:?})", self.id, self.differences)
    }
}

impl fmt::Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_crosses_whole_and_shows_places_only() {
        let crossed = Conflict::from(pannier::Conflict {
            id: Uuid::nil(),
            ours: "s3cret".to_owned(),
            theirs: Some("s3cret too".to_owned()),
            differences: vec![pannier::statement::Difference {
                path: "$.verb.id".to_owned(),
                ours: Some("s3cret".to_owned()),
                theirs: None,
            }],
            more_differences: 0,
        });
        assert_eq!(
            (crossed.ours.as_str(), crossed.theirs.as_deref()),
            ("s3cret", Some("s3cret too"))
        );
        assert_eq!(crossed.differences[0].ours.as_deref(), Some("s3cret"));
        let shown = format!("{crossed} {crossed:?}");
        assert!(
            shown.contains("$.verb.id") && !shown.contains("s3cret"),
            "{shown}"
        );
    }
}
