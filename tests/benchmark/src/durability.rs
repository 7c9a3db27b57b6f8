//! What a record survives.

use pannier::Durability;

/// As the tables call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Class {
    /// A power cut.
    Power,
    /// The death of the process.
    Kill,
}

impl Class {
    /// As SQLite calls it.
    pub fn synchronous(self) -> &'static str {
        match self {
            Self::Power => "FULL",
            Self::Kill => "NORMAL",
        }
    }
}

impl From<Class> for Durability {
    fn from(class: Class) -> Self {
        match class {
            Class::Power => Self::PowerCut,
            Class::Kill => Self::ProcessCrash,
        }
    }
}
