//! Signed statements (1.0.3 Data 2.6; 2.0.0 4.2.6): the signature is well formed and signs this very
//! statement, and where it brings a certificate along, the certificate's key made it. Whether to trust the
//! key is left to the reader, as the standard leaves it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pannier_xapi::statement::{Comparison, compare};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::attachments::Contents;
use super::certificate;
use super::facts::Attachment;
use super::media_type::MediaType;

const SIGNATURE: &str = "http://adlnet.gov/expapi/attachments/signature";

/// Average number of times that each signature of a request may be checked: each belongs to one statement, but
/// anybody can attach a long one to many.
const CHECKS: usize = 4;

#[derive(Deserialize)]
struct Header {
    alg: String,
    x5c: Option<Vec<String>>,
    crit: Option<IgnoredAny>,
}

/// Checker of a request's signatures, which does no more work than is reasonable.
pub struct Checker<'a> {
    contents: &'a Contents<'a>,
    /// Bytes of signatures that may still be read.
    left: usize,
}

impl<'a> Checker<'a> {
    pub fn new(contents: &'a Contents<'a>) -> Self {
        let total: usize = contents.values().map(|content| content.len()).sum();
        Self {
            contents,
            left: total.saturating_mul(CHECKS),
        }
    }

    /// Checks each signature among the attachments of a statement; the error says what is wrong.
    pub fn check(&mut self, statement: &[u8], attachments: &[Attachment]) -> Result<(), String> {
        for attachment in attachments
            .iter()
            .filter(|attachment| attachment.usage_type == SIGNATURE)
        {
            if !MediaType::of(&attachment.content_type).is("application/octet-stream") {
                return Err(
                    "a signature must have the contentType application/octet-stream".into(),
                );
            }
            let content = self.contents.get(&attachment.sha2.to_ascii_lowercase());
            let content = content
                .ok_or("a signature must come with its content, not with a fileUrl alone")?;
            self.left = self
                .left
                .checked_sub(content.len())
                .ok_or("the same signature is attached too often; it signs one statement")?;
            jws(statement, content)?;
        }
        Ok(())
    }
}

fn jws(statement: &[u8], jws: &[u8]) -> Result<(), String> {
    const FORM: &str = "a signature must be a JWS in compact serialization";
    let mut sections = jws.split(|byte| *byte == b'.');
    let (Some(first), Some(second), Some(third), None) = (
        sections.next(),
        sections.next(),
        sections.next(),
        sections.next(),
    ) else {
        return Err(FORM.into());
    };
    let decode = |section: &[u8]| URL_SAFE_NO_PAD.decode(section).map_err(|_| FORM);
    let (header, payload, signature) = (decode(first)?, decode(second)?, decode(third)?);
    let header: Header = serde_json::from_slice(&header)
        .map_err(|_| "the header of a signature must be a JSON object with an alg")?;
    let algorithm = match header.alg.as_str() {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &RSA_PKCS1_2048_8192_SHA512,
        _ => return Err("a signature must use the algorithm RS256, RS384 or RS512".into()),
    };
    if header.crit.is_some() {
        return Err("a signature must do without crit, of which nothing is understood here".into());
    }
    if let Some(chain) = &header.x5c {
        let certificate = chain.first().and_then(|first| STANDARD.decode(first).ok());
        let key = certificate.as_deref().and_then(certificate::rsa_key);
        let key =
            key.ok_or("the x5c of a signature must begin with a certificate of an RSA key")?;
        let signed = &jws[..=first.len() + second.len()];
        UnparsedPublicKey::new(algorithm, key)
            .verify(signed, &signature)
            .map_err(|_| "a signature must have been made with the key of its x5c, which has 2048 bits or more")?;
    }
    match compare(&payload, statement) {
        Comparison::Same => Ok(()),
        _ => Err("the payload of a signature must be the statement it is attached to".into()),
    }
}
