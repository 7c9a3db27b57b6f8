//! What a statement is: text in, verdict out. No I/O, no clock.

mod complete;
mod fault;
mod version;

pub use complete::{Fill, Prepared, check, prepare};
pub use fault::{Fault, Invalid, PANNIER_LIMIT};
pub use version::{UnknownVersion, XapiVersion};
