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

use crate::authority::Authority;
use crate::certificate::Parsed;

/// Roots that are trusted, or none, so that trust is not asked for.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    roots: Vec<Root>,
}

/// Certificate that is trusted: as a signer, and as an authority if it is one.
#[derive(Clone, Debug)]
struct Root {
    der: CertificateDer<'static>,
    anchor: TrustAnchor<'static>,
    authority: Option<Authority>,
    /// First and last second of its validity, since 1970.
    validity: (i64, i64),
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

    /// Trusts the certificates of a PEM text, at least one: authorities, or signers themselves. What is not one of an
    /// authority makes nobody else trusted.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Unreadable> {
        const BEGIN: &[u8] = b"-----BEGIN";
        let mut trust = Self::none();
        // A byte order mark may stand before it on its line.
        let begin = pem.windows(BEGIN.len()).position(|part| part == BEGIN);
        let pem = &pem[begin.unwrap_or(pem.len())..];
        for (place, root) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let unreadable = Unreadable::Certificate(place + 1);
            let root: CertificateDer<'static> = root.map_err(|_| unreadable)?;
            let parsed = Parsed::of(&root).ok_or(unreadable)?;
            let (authority, validity) = (parsed.authority, parsed.validity);
            let anchor = anchor_from_trusted_cert(&root).map_err(|_| unreadable)?;
            let anchor = anchor.to_owned();
            trust.roots.push(Root {
                der: root,
                anchor,
                authority,
                validity,
            });
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
        if self.roots.iter().any(|root| *root.der == chain[0][..]) {
            return within(signer.validity, at).map_err(Into::into);
        }
        let (valid, others): (Vec<_>, Vec<_>) = self
            .roots
            .iter()
            .filter(|root| root.authority.is_some())
            .partition(|root| within(root.validity, at).is_ok());
        let untimely = others
            .iter()
            .find_map(|root| within(root.validity, at).err());
        let anchors: Vec<_> = valid.iter().map(|root| root.anchor.clone()).collect();
        let at = u64::try_from(at).map_err(|_| EARLY)?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
        let chain: Vec<_> = chain
            .iter()
            .map(|der| CertificateDer::from(&der[..]))
            .collect();
        let signer = EndEntityCert::try_from(&chain[0]).map_err(|error| words(&error))?;
        let path = signer.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &anchors,
            &chain[1..],
            at,
            AnyUsage,
            None,
            None,
        );
        let path = path.map_err(|error| match (error, untimely) {
            // The root that it may lead to does not count then.
            (Error::UnknownIssuer, Some(untimely)) => untimely.to_owned(),
            (error, _) => words(&error),
        })?;
        let between = path.intermediate_certificates().count();
        let root = valid.iter().find(|root| root.anchor == *path.anchor());
        let most = root
            .and_then(|root| root.authority)
            .and_then(|it| it.most_between);
        match most {
            Some(most) if between > most => Err(format!(
                "its chain has {between} authorities below the root, which allows {most}"
            )),
            _ => Ok(()),
        }
    }
}

/// Tells why a certificate of this validity does not count at this second since 1970, if it does not.
fn within((first, last): (i64, i64), at: i64) -> Result<(), &'static str> {
    match at {
        _ if at < first => Err(EARLY),
        _ if at > last => Err(LATE),
        _ => Ok(()),
    }
}

const EARLY: &str = "a certificate of its chain was not valid yet at the statement's timestamp";
const LATE: &str = "a certificate of its chain was not valid any more at the statement's timestamp";

/// Says of a chain why it does not hold, and where the reason is ours and not the chain's, that it cannot be checked.
fn words(error: &Error) -> String {
    let words = match error {
        Error::UnknownIssuer => {
            "its chain of certificates leads to none of the roots that are trusted"
        }
        Error::CertExpired { .. } => LATE,
        Error::CertNotValidYet { .. } => EARLY,
        Error::CaUsedAsEndEntity => {
            "its certificate is one of an authority, which signs certificates and no statements"
        }
        Error::EndEntityUsedAsCa => {
            "a certificate of its chain that made another is not one of an authority"
        }
        Error::InvalidSignatureForPublicKey => {
            "a certificate of its chain was not made by the next one"
        }
        Error::UnsupportedCertVersion => "a certificate of its chain is not of version 3 of X.509",
        Error::PathLenConstraintViolated => {
            "its chain has more authorities than one of them allows below itself"
        }
        Error::NameConstraintViolation => {
            "an authority of its chain may not make certificates for this name"
        }
        Error::UnsupportedCriticalExtension => {
            "a certificate of its chain has a critical extension that is not known here, so the chain cannot be checked"
        }
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            "a certificate of its chain is signed in a way that cannot be checked here; RSA and the curves P-256, P-384 \
             and Ed25519 with SHA-256, SHA-384 or SHA-512 can"
        }
        Error::MaximumPathDepthExceeded => {
            "its chain has more than six authorities below the root, which cannot be checked here"
        }
        other => return format!("its chain of certificates does not hold: {other:?}"),
    };
    words.into()
}

/// Lets certificates be for any usage.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}
