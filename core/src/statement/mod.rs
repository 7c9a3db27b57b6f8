//! What a statement is: text in, verdict out. No I/O, no clock.

mod complete;
mod fault;
pub mod model;
mod version;
pub mod vocabulary;

pub use complete::{Fill, Prepared, check, prepare};
pub use fault::{Fault, Invalid, PANNIER_LIMIT};
pub use model::Statement;
pub use version::{UnknownVersion, XapiVersion};
