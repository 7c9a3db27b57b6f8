//! URLs: text at the border and in Kotlin, `URL` in Swift.

/// An absolute `http` or `https` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(pub String);

uniffi::custom_newtype!(
    /// An absolute `http` or `https` URL.
    Url, String
);
