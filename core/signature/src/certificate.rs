//! X.509 certificates (RFC 5280, 4.1), as far as a signature needs them: whose key it is, and from when to when. Who
//! signed a certificate is for whoever has to trust it.
//!
//! Certificates of version 1, which have no extensions, are read like others: OpenSSL makes them to this day.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::{DateTime, date};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::authority::Authority;
use crate::contents::hex;
use crate::der::{
    BIT_STRING, CONTEXT_0, CONTEXT_3, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, SEQUENCE,
    UTC_TIME, Values,
};
use crate::name;

/// Most certificates of a chain: one for the signer, and more in between than anybody has.
pub const LONGEST_CHAIN: usize = 10;

/// Octets of a serial number that are shown; it may have 20 (RFC 5280, 4.1.2.2).
const LONGEST_SERIAL: usize = 64;

/// OID 1.2.840.113549.1.1.1, `rsaEncryption`.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Certificate of a signer, as it says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Name of whom it is for (RFC 4514): `CN=Ada Lovelace,O=Example School`, cut to 300 characters.
    pub subject: String,
    /// Name of who made it.
    pub issuer: String,
    /// Serial number, in hexadecimal digits.
    pub serial_number: String,
    /// Length of its RSA key in bits; `None` if it has another kind of key.
    pub key_bits: Option<usize>,
    /// Number of certificates in the chain, this one included.
    pub chain: usize,
}

/// A certificate in DER, taken apart.
pub(crate) struct Parsed<'a> {
    serial: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    /// First and last second of its validity, since 1970.
    pub(crate) validity: (i64, i64),
    /// Its key, as an `RSAPublicKey` (RFC 8017, A.1.1), if it is one.
    rsa_key: Option<&'a [u8]>,
    /// What it may do as an authority, if it is one.
    pub(crate) authority: Option<Authority>,
}

impl<'a> Parsed<'a> {
    /// Reads a certificate; `None` if it is none.
    pub(crate) fn of(der: &'a [u8]) -> Option<Self> {
        let mut outer = Values(der);
        let mut fields = outer.enter(SEQUENCE)?.enter(SEQUENCE)?;
        if !outer.0.is_empty() {
            return None;
        }
        // A certificate of version 1 leaves out its version.
        let _ = fields.take(CONTEXT_0);
        let serial = fields.take(INTEGER)?;
        let _algorithm = fields.take(SEQUENCE)?;
        let issuer = fields.take(SEQUENCE)?;
        let mut validity = fields.enter(SEQUENCE)?;
        let validity = (seconds(&mut validity)?, seconds(&mut validity)?);
        let subject = fields.take(SEQUENCE)?;
        let mut key = fields.enter(SEQUENCE)?;
        let kind = key.enter(SEQUENCE)?.take(OBJECT_IDENTIFIER)?;
        // All bits of the last octet count.
        let key = key.take(BIT_STRING)?.strip_prefix(&[0])?;
        let authority = extensions(fields).and_then(Authority::of);
        Some(Self {
            serial,
            issuer,
            subject,
            validity,
            rsa_key: (kind == RSA).then_some(key),
            authority,
        })
    }

    /// Returns the length of its RSA key in bits.
    fn key_bits(&self) -> Option<usize> {
        let modulus = Values(self.rsa_key?).enter(SEQUENCE)?.take(INTEGER)?;
        let start = modulus.iter().position(|octet| *octet != 0)?;
        let modulus = &modulus[start..];
        Some(modulus.len() * 8 - modulus[0].leading_zeros() as usize)
    }

    /// Returns its RSA key, which can make signatures of statements (RFC 7518, 3.3), or why there is none.
    pub(crate) fn signing_key(&self) -> Result<&'a [u8], String> {
        match (self.rsa_key, self.key_bits()) {
            (Some(key), Some(2048..=8192)) => Ok(key),
            (_, Some(bits)) => Err(format!(
                "its key has {bits} bits, and has to have 2048 to 8192"
            )),
            _ => Err("its key is no RSA key".into()),
        }
    }

    /// Describes it for people.
    pub(crate) fn described(&self, chain: usize) -> Certificate {
        let name = |name| name::text(name).unwrap_or_default();
        let serial = match self.serial {
            // An octet before one whose highest bit would be a sign.
            [0, rest @ ..] if !rest.is_empty() => rest,
            serial => serial,
        };
        let serial = &serial[..serial.len().min(LONGEST_SERIAL)];
        Certificate {
            subject: name(self.subject),
            issuer: name(self.issuer),
            serial_number: hex(serial).to_uppercase(),
            key_bits: self.key_bits(),
            chain,
        }
    }
}

/// Returns the certificates of an `x5c` in DER (RFC 7515, 4.1.6), or what is wrong with it.
pub(crate) fn chain(x5c: &RawValue) -> Result<Vec<Vec<u8>>, String> {
    let chain: Vec<String> = serde_json::from_str(x5c.get())
        .map_err(|_| "the x5c of the signature is not an array of certificates in base64")?;
    if chain.is_empty() {
        return Err("the x5c of the signature has no certificate".into());
    }
    if chain.len() > LONGEST_CHAIN {
        return Err(format!(
            "the x5c of the signature has {} certificates; no more than {LONGEST_CHAIN} are read",
            chain.len()
        ));
    }
    let mut certificates = Vec::new();
    for (place, text) in chain.into_iter().enumerate() {
        let unreadable = |what| {
            format!(
                "certificate {} in the x5c of the signature is {what}",
                place + 1
            )
        };
        let der = STANDARD
            .decode(text)
            .map_err(|_| unreadable("not in base64 with its padding"))?;
        if Parsed::of(&der).is_none() {
            return Err(unreadable("no X.509 certificate in DER"));
        }
        certificates.push(der);
    }
    Ok(certificates)
}

/// Returns the extensions that come after the key, if there are any.
fn extensions(mut fields: Values<'_>) -> Option<Values<'_>> {
    loop {
        let (tag, content) = fields.next()?;
        if tag == CONTEXT_3 {
            return Values(content).enter(SEQUENCE);
        }
    }
}

/// Returns the next value, a time with its seconds and in UTC (RFC 5280, 4.1.2.5), in seconds since 1970.
fn seconds(values: &mut Values<'_>) -> Option<i64> {
    let (tag, text) = values.next()?;
    let text = str::from_utf8(text).ok()?;
    let text = match tag {
        // Two digits of the year stand for 1950 to 2049.
        UTC_TIME => {
            let century = if text < "50" { "20" } else { "19" };
            format!("{century}{text}")
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let digits = text.strip_suffix('Z')?;
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits[from..to].parse::<i8>().ok();
    let time = DateTime::new(
        digits[..4].parse().ok()?,
        number(4, 6)?,
        number(6, 8)?,
        number(8, 10)?,
        number(10, 12)?,
        number(12, 14)?,
        0,
    );
    let since_1970 = time.ok()?.duration_since(date(1970, 1, 1).at(0, 0, 0, 0));
    Some(since_1970.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_seconds_and_are_in_utc() {
        let time = |tag: u8, text: &str| {
            let value = [&[tag, text.len() as u8], text.as_bytes()].concat();
            seconds(&mut Values(&value))
        };
        assert_eq!(time(UTC_TIME, "700101000001Z"), Some(1));
        assert_eq!(time(UTC_TIME, "500101000000Z"), Some(-631_152_000));
        assert_eq!(time(UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        // No end is known (RFC 5280, 4.1.2.5).
        let forever = time(GENERALIZED_TIME, "99991231235959Z");
        assert_eq!(forever, Some(253_402_300_799));
        for wrong in [
            "7001010000Z",
            "700101000001",
            "701301000000Z",
            "7001010000+1Z",
            "",
        ] {
            assert_eq!(time(UTC_TIME, wrong), None, "{wrong}");
        }
        assert_eq!(time(INTEGER, "700101000001Z"), None);
    }
}
