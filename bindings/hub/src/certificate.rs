//! The public key in an X.509 certificate (RFC 5280, 4.1): finding it only. Who signed the certificate, and how
//! long it is valid, is for whoever has to trust it.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// Tag of the version, which a certificate of version 1 leaves out.
const VERSION: u8 = 0xa0;

/// OID 1.2.840.113549.1.1.1, `rsaEncryption`.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Returns the RSA key of a certificate in DER, as an `RSAPublicKey` (RFC 8017, A.1.1); `None` if it is no
/// certificate or has another kind of key.
pub fn rsa_key(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, rest) = take(certificate, SEQUENCE)?;
    if !rest.is_empty() {
        return None;
    }
    let (mut fields, _) = take(certificate, SEQUENCE)?;
    if let Some((_, after)) = take(fields, VERSION) {
        fields = after;
    }
    // The serial number, the algorithm, the issuer, the validity, the subject.
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        (_, fields) = take(fields, tag)?;
    }
    let (key, _) = take(fields, SEQUENCE)?;
    let (algorithm, key) = take(key, SEQUENCE)?;
    let (algorithm, _) = take(algorithm, OBJECT_IDENTIFIER)?;
    let (key, _) = take(key, BIT_STRING)?;
    // All bits of the last octet count.
    let key = key.strip_prefix(&[0])?;
    (algorithm == RSA).then_some(key)
}

/// Returns the content of the first value, if it has this tag, and what follows it.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [first, length, rest @ ..] = der else {
        return None;
    };
    let (length, rest) = match *length {
        short if short < 0x80 => (usize::from(short), rest),
        // At most three octets of length: sixteen megabytes are enough for a certificate.
        long @ 0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let length = length
                .iter()
                .fold(0, |length, octet| length << 8 | usize::from(*octet));
            (length, rest)
        }
        _ => return None,
    };
    let split = rest.split_at_checked(length)?;
    (*first == tag).then_some(split)
}
