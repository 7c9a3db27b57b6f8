//! Rules of the standard, one kind of object per file. Each function reads the next value of the walk, notes
//! its faults, and returns what the rules around it need to know.

mod activity;
mod actor;
mod attachment;
mod authority;
mod context;
mod extensions;
mod interaction;
mod language_map;
mod object;
mod related;
mod result;
mod score;
pub(crate) mod statement;
mod statement_ref;
mod verb;
