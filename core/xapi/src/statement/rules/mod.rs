//! The rules of the standard, one kind of object a file. Each function reads the value that comes next in the
//! walk, notes what is wrong with it, and gives back what the rules around it need to know.

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
