//! Inputs that can be recorded.

use std::borrow::Cow;

use super::Recordable;
use crate::statement::Statement;

/// JSON text, or a typed statement, which is turned into it: both are recorded the same way.
pub trait AsStatement {
    /// Returns the statement's JSON.
    fn as_statement(&self) -> Cow<'_, [u8]>;

    /// Returns the statement if it was checked before, so that it is not checked again.
    fn recordable(&self) -> Option<&Recordable> {
        None
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
}
