//! Whom to believe: root certificates, and whether a chain of certificates leads to one of them (RFC 5280, 6.1).
//!
//! What a certificate may be used for is not asked: there is no usage for statements, and those that schools and
//! devices have are for many things. Nor is anybody asked whether it was revoked.

use std::time::Duration;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use thiserror::Error;
use webpki::{
    ALL_VERIFICATION_ALGS, EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter,
    anchor_from_trusted_cert,
};

use crate::certificate::Parsed;

/// Roots that are trusted, or none, so that trust is not asked for.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    roots: Vec<CertificateDer<'static>>,
    anchors: Vec<TrustAnchor<'static>>,
}

/// Reason why no roots could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// There is no certificate in PEM.
    #[error(
        "there is no certificate in PEM, between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----"
    )]
    Empty,
    /// A part is no PEM, or no certificate, counted from 1.
    #[error("certificate {0} cannot be read: give it in PEM")]
    Certificate(usize),
}

impl Trust {
    /// Returns the trust in no one: whether a certificate is to be trusted is not asked.
    pub fn none() -> Self {
        Self::default()
    }

    /// Trusts the certificates of a PEM text, at least one: authorities, or signers themselves.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Unreadable> {
        const BEGIN: &[u8] = b"-----BEGIN";
        let mut trust = Self::none();
        // A byte order mark may stand before it on its line.
        let begin = pem.windows(BEGIN.len()).position(|part| part == BEGIN);
        let pem = &pem[begin.unwrap_or(pem.len())..];
        for (place, root) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let unreadable = Unreadable::Certificate(place + 1);
            let root: CertificateDer<'static> = root.map_err(|_| unreadable)?;
            Parsed::of(&root).ok_or(unreadable)?;
            let anchor = anchor_from_trusted_cert(&root).map_err(|_| unreadable)?;
            let anchor = anchor.to_owned();
            trust.roots.push(root);
            trust.anchors.push(anchor);
        }
        if trust.roots.is_empty() {
            return Err(Unreadable::Empty);
        }
        Ok(trust)
    }

    /// Tells whether trust is not asked for.
    pub fn is_none(&self) -> bool {
        self.roots.is_empty()
    }

    /// Checks a chain of certificates that can be read, signer first, at this instant in Unix milliseconds; the error
    /// says why it is not trusted.
    pub(crate) fn check(&self, chain: &[Vec<u8>], at_ms: i64) -> Result<(), String> {
        let parsed: Vec<_> = chain.iter().filter_map(|der| Parsed::of(der)).collect();
        let [signer, ..] = &parsed[..] else {
            return Err("there is no certificate".into());
        };
        if let Some(place) = parsed
            .windows(2)
            .position(|pair| pair[0].issuer != pair[1].subject)
        {
            return Err(format!(
                "certificate {} of the x5c is not that of who made certificate {}",
                place + 2,
                place + 1
            ));
        }
        let at = at_ms.div_euclid(1000);
        if self.roots.iter().any(|root| **root == chain[0][..]) {
            let (first, last) = signer.validity;
            return match at {
                _ if at < first => Err(EARLY.into()),
                _ if at > last => Err(LATE.into()),
                _ => Ok(()),
            };
        }
        let at = u64::try_from(at).map_err(|_| EARLY)?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
        let chain: Vec<_> = chain
            .iter()
            .map(|der| CertificateDer::from(&der[..]))
            .collect();
        let verified = EndEntityCert::try_from(&chain[0]).and_then(|signer| {
            let path = signer.verify_for_usage(
                ALL_VERIFICATION_ALGS,
                &self.anchors,
                &chain[1..],
                at,
                AnyUsage,
                None,
                None,
            );
            path.map(drop)
        });
        verified.map_err(|error| words(&error))
    }
}

const EARLY: &str = "a certificate of its chain was not valid yet at the statement's timestamp";
const LATE: &str = "a certificate of its chain was not valid any more at the statement's timestamp";

fn words(error: &Error) -> String {
    match error {
        Error::UnknownIssuer => {
            "its chain of certificates leads to none of the roots that are trusted".into()
        }
        Error::CertExpired { .. } => LATE.into(),
        Error::CertNotValidYet { .. } => EARLY.into(),
        Error::CaUsedAsEndEntity => {
            "its certificate is one of an authority, which signs certificates and no statements"
                .into()
        }
        Error::InvalidSignatureForPublicKey => {
            "a certificate of its chain was not made by the next one".into()
        }
        Error::UnsupportedCertVersion => {
            "a certificate of its chain is not of version 3 of X.509".into()
        }
        other => format!("its chain of certificates does not hold: {other:?}"),
    }
}

/// Lets certificates be for any usage.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}
