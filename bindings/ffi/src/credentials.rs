//! Credentials for the LRS, and the app's source of new ones.

use std::fmt;
use std::sync::Arc;

use crate::foreign::reason;

/// Credentials for the LRS. Printing shows the kind only.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
#[uniffi::export(Debug, Display)]
pub enum Credentials {
    /// HTTP Basic: key and secret, as most LRSs call them.
    Basic {
        /// The user name or key. It cannot contain a colon.
        user: String,
        /// The password or secret.
        password: String,
    },
    /// HTTP Basic, already encoded: the text after `Basic ` in the header.
    Basic64 {
        /// The value alone.
        value: String,
    },
    /// A bearer token, which no version of xAPI names but many LRSs take.
    Bearer {
        /// The token alone.
        token: String,
    },
}

impl From<Credentials> for pannier::Credentials {
    fn from(credentials: Credentials) -> Self {
        match credentials {
            Credentials::Basic { user, password } => Self::Basic { user, password },
            Credentials::Basic64 { value } => Self::Basic64(value),
            Credentials::Bearer { token } => Self::Bearer(token),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } | Self::Basic64 { .. } => "Basic(hidden)",
            Self::Bearer { .. } => "Bearer(hidden)",
        })
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Failure to get credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum CredentialsError {
    /// They cannot be had: not signed in, no network, the user said no.
    #[error("no credentials: {reason}")]
    Unavailable {
        /// Reason, for the log.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for CredentialsError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Unavailable {
            reason: reason(&error),
        }
    }
}

/// Finds credentials when they are needed: signs in again, refreshes a token, reads a key store.
#[uniffi::export(with_foreign)]
pub trait CredentialsProvider: Send + Sync {
    /// Returns new credentials, or none if there are none now. Called in the middle of a sync when the LRS refuses
    /// those it got, or got none (401), on a background thread where it may block. A sync asks once and goes on
    /// with what it gets; without any it ends and reports that the app must act, and an automatic one asks again
    /// later. Where the app sets credentials or the endpoint meanwhile, nobody waits for the answer any more. An error or
    /// exception counts as none. A `sync` of the same collector called in here fails as
    /// `Reentrant`.
    fn credentials(&self) -> Result<Option<Credentials>, CredentialsError>;
}

/// Adapter from the app's provider to the core's trait.
pub(crate) struct AppsProvider(pub(crate) Arc<dyn CredentialsProvider>);

impl pannier::CredentialsProvider for AppsProvider {
    fn credentials(&self) -> Option<pannier::Credentials> {
        match self.0.credentials() {
            Ok(found) => found.map(Into::into),
            Err(error) => {
                tracing::warn!(%error, "the app's credentials provider failed");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        for secret in [
            Credentials::Basic {
                user: "s3cret".to_owned(),
                password: "s3cret".to_owned(),
            },
            Credentials::Basic64 {
                value: "s3cret".to_owned(),
            },
            Credentials::Bearer {
                token: "s3cret".to_owned(),
            },
        ] {
            assert!(!format!("{secret} {secret:?}").contains("s3cret"));
        }
    }
}
