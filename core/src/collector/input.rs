//! Inputs that can be recorded.

use std::borrow::Cow;

use super::Recordable;
use crate::statement::{Content, Statement};

/// JSON text, or a typed statement, which is turned into it: both are recorded the same way.
pub trait AsStatement {
    /// Returns the statement's JSON.
    fn as_statement(&self) -> Cow<'_, [u8]>;

    /// Returns the statement if it was checked before, so that it is not checked again.
    fn recordable(&self) -> Option<&Recordable> {
        None
    }

    /// Returns the contents of its attachments, as far as they are given with it.
    fn contents(&self) -> &[Content] {
        &[]
    }
}

/// A statement with contents of its attachments, which are sent with it: one for each attachment that has no `fileUrl`
/// (and each of a `SubStatement`), found by its `sha2`. See [`Collector::record_with`](super::Collector::record_with).
#[derive(Clone, Debug, PartialEq)]
pub struct WithContents<S> {
    statement: S,
    contents: Vec<Content>,
}

impl<S: AsStatement> WithContents<S> {
    /// Puts both together.
    pub fn new(statement: S, contents: impl IntoIterator<Item = Content>) -> Self {
        Self {
            statement,
            contents: contents.into_iter().collect(),
        }
    }
}

impl<S: AsStatement> AsStatement for WithContents<S> {
    fn as_statement(&self) -> Cow<'_, [u8]> {
        self.statement.as_statement()
    }

    fn recordable(&self) -> Option<&Recordable> {
        self.statement.recordable()
    }

    fn contents(&self) -> &[Content] {
        &self.contents
    }
}

impl AsStatement for Recordable {
    fn as_statement(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.prepared().body)
    }

    fn recordable(&self) -> Option<&Recordable> {
        Some(self)
    }
}

impl AsStatement for Statement {
    fn as_statement(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.to_json().into_bytes())
    }
}

macro_rules! text {
    ($($kind:ty),*) => { $(
        impl AsStatement for $kind {
            fn as_statement(&self) -> Cow<'_, [u8]> {
                Cow::Borrowed(self.as_ref())
            }
        }
    )* };
}

text!(str, String, [u8], Vec<u8>);

impl<S: AsStatement + ?Sized> AsStatement for &S {
    fn as_statement(&self) -> Cow<'_, [u8]> {
        (**self).as_statement()
    }

    fn recordable(&self) -> Option<&Recordable> {
        (**self).recordable()
    }

    fn contents(&self) -> &[Content] {
        (**self).contents()
    }
}
