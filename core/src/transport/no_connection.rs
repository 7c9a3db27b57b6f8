//! What keeps a connection from being made, by the words of the failure: a proxy, a certificate, TLS.
//!
//! The words come from this transport, from rustls and from the HTTP client; what is to be done about each is said where
//! it is told, in the words of whoever is told.

use crate::lrs::TransportError;

/// Reason why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoConnection {
    /// A proxy asks for a user name and a password.
    ProxyLogin,
    /// A proxy does not connect to the host.
    ProxyRefuses,
    /// The certificate is of an authority that is not trusted.
    UnknownAuthority,
    /// The certificate is that of an authority itself.
    AuthorityItself,
    /// The certificate has expired, or the clock is ahead.
    Expired,
    /// The certificate is not valid yet, or the clock is behind.
    NotValidYet,
    /// The certificate is for another name.
    OtherName,
    /// The certificate is of an old version of X.509.
    OldCertificate,
    /// What listens there does not speak TLS.
    NotTls,
    /// The host speaks no version of TLS, or nothing of it, that is safe.
    UnsafeTls,
    /// The certificate is not trusted for another reason.
    Untrusted,
    /// TLS failed for another reason.
    NoTls,
}

/// Words of a failure, and what they tell; the first that fits counts.
const BY_WORDS: [(&[&str], NoConnection); 12] = [
    (&["proxy authorization required"], NoConnection::ProxyLogin),
    (&["tunnel error"], NoConnection::ProxyRefuses),
    (
        &["extra_roots", "UnknownIssuer"],
        NoConnection::UnknownAuthority,
    ),
    (
        &["one of an authority", "CaUsedAsEndEntity"],
        NoConnection::AuthorityItself,
    ),
    (
        &["certificate has expired", "certificate: Expired"],
        NoConnection::Expired,
    ),
    (&["not valid yet", "NotValidYet"], NoConnection::NotValidYet),
    (
        &["for another name", "NotValidForName"],
        NoConnection::OtherName,
    ),
    (&["UnsupportedCertVersion"], NoConnection::OldCertificate),
    (&["InvalidContentType"], NoConnection::NotTls),
    (
        &[
            "ProtocolVersion",
            "HandshakeFailure",
            "peer is incompatible",
        ],
        NoConnection::UnsafeTls,
    ),
    (
        &["the host's certificate", "invalid peer certificate"],
        NoConnection::Untrusted,
    ),
    (&["no secure connection"], NoConnection::NoTls),
];

impl NoConnection {
    /// Returns what these words of a failure, or of a trouble, tell; none where they tell nothing of the kind.
    pub fn told_by(words: &str) -> Option<Self> {
        let mut all = BY_WORDS.iter();
        let found = all.find(|(signs, _)| signs.iter().any(|sign| words.contains(sign)));
        found.map(|(_, reason)| *reason)
    }

    /// Returns what a failure tells.
    pub fn of(failure: &TransportError) -> Option<Self> {
        Self::told_by(&failure.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_told_by_its_words() {
        for (words, reason) in [
            (
                "tunnel error: proxy authorization required",
                NoConnection::ProxyLogin,
            ),
            ("tunnel error: unsuccessful", NoConnection::ProxyRefuses),
            (
                "invalid peer certificate: UnknownIssuer",
                NoConnection::UnknownAuthority,
            ),
            (
                "the host's certificate cannot be trusted (Other(OtherError(UnsupportedCertVersion)))",
                NoConnection::OldCertificate,
            ),
            (
                "the host's certificate was revoked",
                NoConnection::Untrusted,
            ),
            (
                "received fatal alert: HandshakeFailure",
                NoConnection::UnsafeTls,
            ),
        ] {
            assert_eq!(NoConnection::told_by(words), Some(reason), "{words}");
        }
        assert_eq!(
            NoConnection::of(&TransportError::untrusted("x")),
            Some(NoConnection::NoTls)
        );
        assert_eq!(NoConnection::told_by("connection refused"), None);
    }
}
