//! Identifiers of actors.

use serde::Serialize;

/// An Inverse Functional Identifier: the one property that identifies an Agent or Group (Data 2.4.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ifi {
    /// A mail address as an IRI: `mailto:ada@example.com`.
    Mbox(String),
    /// The SHA-1 of such an IRI (with its `mailto:`), as 40 hex digits.
    MboxSha1sum(String),
    /// An `OpenID`, which is a URI.
    Openid(String),
    /// An account on some system: best for privacy, as the name may be opaque.
    Account(XapiAccount),
}

impl Ifi {
    /// Makes an identifier of a mail address, with its `mailto:`.
    pub fn mbox(iri: impl Into<String>) -> Self {
        Self::Mbox(iri.into())
    }

    /// Makes an identifier of the SHA-1 of a mail address with its `mailto:`, as hex digits.
    pub fn mbox_sha1sum(hex: impl Into<String>) -> Self {
        Self::MboxSha1sum(hex.into())
    }

    /// Makes an identifier of an `OpenID`.
    pub fn openid(uri: impl Into<String>) -> Self {
        Self::Openid(uri.into())
    }

    /// Makes an identifier of the account `name` on the system whose home page is `home_page`.
    pub fn account(home_page: impl Into<String>, name: impl Into<String>) -> Self {
        Self::Account(XapiAccount {
            home_page: home_page.into(),
            name: name.into(),
        })
    }
}

/// An account on a system (Data 2.4.2.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct XapiAccount {
    /// The home page of the system the account is on.
    pub home_page: String,
    /// The unique name or number of the account there.
    pub name: String,
}
