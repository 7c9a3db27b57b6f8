//! Making a signature (1.0.3 Data 2.6; IEEE 9274.1.1, 4.2.6): the statement as it is becomes the payload, and gets one
//! attachment more.
//!
//! What a signer gives back is verified before it leaves here, so that one that signs something else is found out now,
//! and not by an LRS later.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pannier_xapi::statement::{Invalid, XapiVersion, prepare};
use serde_json::json;
use thiserror::Error;

use crate::algorithm::Algorithm;
use crate::attachments::{SIGNATURE, attachments_at};
use crate::certificate::{LONGEST_CHAIN, Parsed};
use crate::contents::sha256;
use crate::trust::Trust;
use crate::verify::{FILL, verify};

/// Whoever has a key: a file, a device's key store, a card.
pub trait Signer: Send + Sync {
    /// Returns the certificate of the key in DER, at least, and then each that certifies the one before it.
    fn certificates(&self) -> Result<Vec<Vec<u8>>, SignError>;

    /// Returns the algorithm that it signs by.
    fn algorithm(&self) -> Algorithm;

    /// Signs a message by RSASSA-PKCS1-v1_5: the message itself, not a digest of it.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Certificates that a signature brings along: with all of them anybody can check it, and with none it is shorter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum X5c {
    /// All that the signer has.
    #[default]
    Chain,
    /// The signer's own.
    Leaf,
    /// None, so that only who has it from elsewhere can verify the signature.
    None,
}

/// Reason why a statement was not signed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignError {
    /// It is not valid.
    #[error("what is no valid statement cannot be signed: {0}")]
    Invalid(Invalid),
    /// It has no id or no timestamp of its own, which the signature would leave open.
    #[error("only a statement that has its id and its timestamp can be signed")]
    Incomplete,
    /// The signer has failed, in its own words.
    #[error("the signer failed: {0}")]
    Signer(String),
    /// The signer's certificates or its key cannot be used, for this reason.
    #[error("the signer cannot be used: {0}")]
    Unusable(String),
    /// What the signer made does not hold.
    #[error("what the signer made is refused: {0}")]
    Refused(String),
}

/// A signed statement.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    /// The statement, with the signature as its last attachment.
    pub statement: Vec<u8>,
    /// The content of that attachment, a JWS in compact serialization.
    pub jws: Vec<u8>,
}

/// Signs a complete statement: `id` and `timestamp` are there, and nothing of it will change. One that has signatures
/// is countersigned. White space around it goes, and the letters of `id` become small; all other bytes stay.
pub fn sign(
    statement: &[u8],
    rules: XapiVersion,
    signer: &dyn Signer,
    x5c: X5c,
) -> Result<Signed, SignError> {
    let prepared = prepare(statement, rules, &FILL).map_err(SignError::Invalid)?;
    if prepared.id == FILL.id || prepared.timestamp_is_ours {
        return Err(SignError::Incomplete);
    }
    let certificates = signer.certificates()?;
    let key = key(&certificates)?;
    let algorithm = signer.algorithm();
    let mut header = json!({"alg": algorithm.name()});
    let shown = match x5c {
        X5c::Chain => &certificates[..],
        X5c::Leaf => &certificates[..1],
        X5c::None => &[],
    };
    if !shown.is_empty() {
        let texts = shown.iter().map(|der| STANDARD.encode(der));
        header["x5c"] = texts.collect();
    }
    let payload = &prepared.body;
    let mut jws = URL_SAFE_NO_PAD.encode(header.to_string());
    jws.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut jws);
    let signature = signer.sign(jws.as_bytes())?;
    if !algorithm.holds(key, jws.as_bytes(), &signature) {
        return Err(SignError::Refused(format!(
            "it is no {algorithm} of the message by the key of its certificate"
        )));
    }
    jws.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut jws);
    let made = Signed {
        statement: with_signature(payload, jws.as_bytes()),
        jws: jws.into_bytes(),
    };
    verified(&made, rules)?;
    Ok(made)
}

/// Returns the key of the first certificate, if the signature of it can be verified.
fn key(certificates: &[Vec<u8>]) -> Result<&[u8], SignError> {
    let unusable = |why: &str| SignError::Unusable(why.into());
    if certificates.len() > LONGEST_CHAIN {
        return Err(unusable("its chain of certificates is too long"));
    }
    let mut parsed = certificates.iter().map(|der| Parsed::of(der));
    let first = parsed.next();
    let first = first.ok_or_else(|| unusable("it has no certificate"))?;
    let (Some(first), true) = (first, parsed.all(|one| one.is_some())) else {
        return Err(unusable("it has what is no X.509 certificate in DER"));
    };
    first.signing_key().map_err(SignError::Unusable)
}

/// Reads the signature as others will, before anybody does.
fn verified(made: &Signed, rules: XapiVersion) -> Result<(), SignError> {
    let sha2 = sha256(&made.jws);
    let contents = BTreeMap::from([(sha2.as_str(), &made.jws)]);
    let reports = verify(&made.statement, rules, &contents, &Trust::none());
    let refused = |words: &str| Err(SignError::Refused(words.into()));
    let Some(report) = reports.last() else {
        return refused("it is not in the statement");
    };
    match report.failures().next() {
        Some(failure) => refused(&failure.words),
        None if report.sha2 != sha2 => refused("it is not in the statement"),
        None => Ok(()),
    }
}

/// Adds the attachment that is the signature: as the last one, or in a new last member.
fn with_signature(statement: &[u8], jws: &[u8]) -> Vec<u8> {
    let sha2 = sha256(jws);
    let entry = format!(
        r#"{{"usageType":"{SIGNATURE}","display":{{"en":"Signature"}},"contentType":"application/octet-stream","length":{},"sha2":"{sha2}"}}"#,
        jws.len()
    );
    let (end, added) = match attachments_at(statement) {
        Some(list) => {
            let inside = &statement[list.start + 1..list.end - 1];
            let comma = if inside.trim_ascii().is_empty() {
                ""
            } else {
                ","
            };
            (list.end - 1, format!("{comma}{entry}"))
        }
        // The closing brace is the last byte, as nothing stands around a prepared statement.
        None => (statement.len() - 1, format!(r#","attachments":[{entry}]"#)),
    };
    [&statement[..end], added.as_bytes(), &statement[end..]].concat()
}
