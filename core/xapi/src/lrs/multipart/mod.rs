//! `multipart/mixed` by the letter of RFC 2046: statements and the contents of their attachments in one body (C 1.5.2;
//! 9274 4.1.3).
//!
//! [`write()`] makes such a body of pieces, and [`Reader`] reads one as it comes, with memory that does not grow with it.
//! Both know nothing of statements: who matches contents and attachments has the hash in [`Head`].

mod boundary;
mod reader;
mod whole;
mod writer;

pub use boundary::{Boundary, Malformed};
pub use reader::{Found, Head, Reader};
pub use whole::{Part, parts};
pub use writer::{Content, Unwritable, write};
