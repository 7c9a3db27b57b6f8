//! Statements: text in, verdict out. No I/O, no clock.

mod compare;
mod complete;
mod contents;
mod defaults;
mod distinct;
mod fault;
mod formats;
#[cfg(test)]
mod linear;
mod locate;
mod mail;
mod mentions;
pub mod model;
mod noted;
mod reader;
mod rule;
mod rules;
mod spellings;
mod successor;
mod text;
mod version;
pub mod vocabulary;
mod walk;

pub use compare::{Comparison, Difference, Differences, compare, is_shown_in_1_0_3};
pub use complete::retime;
pub use complete::{Fill, Prepared, check, check_for_recording, prepare, prepare_for_recording};
pub use contents::{Attached, Content, Contents, ContentsPart, LONGEST_CONTENTS, Unmatched};
pub use defaults::{PreparedDefaults, StatementDefaults};
pub use fault::{Fault, Invalid, PANNIER_LIMIT, Warnings};
pub use mentions::mentions;
pub use model::Statement;
pub use successor::successor;
pub use version::{UnknownVersion, XapiVersion};
