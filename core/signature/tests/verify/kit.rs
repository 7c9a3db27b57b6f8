//! Keys, certificates and signatures of all kinds, good and bad.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pannier_signature::{Check, Hashes, Outcome, SIGNATURE, SignatureReport, Trust, verify};
use pannier_xapi::statement::XapiVersion;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use ring::rand::SystemRandom;
use ring::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use serde_json::{Value, json};

pub const RSA_2048: &str = include_str!("../keys/rsa2048.pem");
pub const RSA_3072: &str = include_str!("../keys/rsa3072.pem");
pub const RSA_4096: &str = include_str!("../keys/rsa4096.pem");
pub const OTHER: &str = include_str!("../keys/other.pem");

/// Statement to be signed, with an attachment of its own.
pub fn statement() -> Value {
    json!({
        "id": "0190d3a4-7c1e-7b52-8a11-3d1c5f0e9a01",
        "actor": {"account": {"homePage": "https://school.example", "name": "p-17"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/attempted", "display": {"en": "attempted"}},
        "object": {"id": "https://school.example/knots/bowline"},
        "result": {"score": {"scaled": 0.5}},
        "timestamp": "2026-11-20T08:15:30.250Z",
        "attachments": [described("http://id.tincanapi.com/attachment/supporting_media", b"a log")],
    })
}

/// Attachment of this content.
pub fn described(usage_type: &str, content: &[u8]) -> Value {
    json!({
        "usageType": usage_type, "display": {"en": "Signature"},
        "contentType": "application/octet-stream", "length": content.len(), "sha2": sha2(content),
    })
}

pub fn sha2(content: &[u8]) -> String {
    let [sha256, ..] = Hashes::of(content).unwrap().sha2;
    sha256
}

/// The statement with an attachment that is this signature.
pub fn attach(statement: &Value, jws: &str) -> Value {
    let mut statement = statement.clone();
    let entry = described(SIGNATURE, jws.as_bytes());
    match statement
        .get_mut("attachments")
        .and_then(Value::as_array_mut)
    {
        Some(list) => list.push(entry),
        None => statement["attachments"] = json!([entry]),
    }
    statement
}

/// Signs this with an RSA key; the padding and digest are the encoding's.
pub fn signature(pem: &str, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let key = RsaKeyPair::from_pkcs8(&pkcs8(pem)).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    key.sign(encoding, &random, message, &mut signature)
        .unwrap();
    signature
}

fn pkcs8(pem: &str) -> Vec<u8> {
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(lines).unwrap()
}

/// Makes a JWS of any header and payload.
pub fn jws(header: &Value, payload: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!(
        "{}.{}",
        encode(header.to_string().as_bytes()),
        encode(payload.as_bytes())
    );
    format!("{signed}.{}", encode(&sign(signed.as_bytes())))
}

pub fn encoding(alg: &str) -> &'static dyn RsaEncoding {
    match alg {
        "RS256" => &RSA_PKCS1_SHA256,
        "RS384" => &RSA_PKCS1_SHA384,
        "RS512" => &RSA_PKCS1_SHA512,
        "PS256" => &RSA_PSS_SHA256,
        other => panic!("{other}"),
    }
}

/// Makes a certificate: whom it is for, by whom it is made, and from the first day of which years.
pub struct Made {
    pub der: Vec<u8>,
    params: CertificateParams,
    key: KeyPair,
}

impl Made {
    pub fn pem(&self) -> String {
        let lines = STANDARD.encode(&self.der);
        format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    }
}

pub fn certificate(
    name: &str,
    key: Option<&str>,
    is_ca: bool,
    years: (i32, i32),
    by: Option<&Made>,
) -> Made {
    let is_ca = if is_ca {
        IsCa::Ca(BasicConstraints::Unconstrained)
    } else {
        IsCa::ExplicitNoCa
    };
    certified(name, key, is_ca, years, by)
}

/// Makes a root that allows this many authorities between it and a signer.
pub fn root_above(most: u8) -> Made {
    let is_ca = IsCa::Ca(BasicConstraints::Constrained(most));
    certified("Root", None, is_ca, (2020, 2040), None)
}

fn certified(
    name: &str,
    key: Option<&str>,
    is_ca: IsCa,
    years: (i32, i32),
    by: Option<&Made>,
) -> Made {
    let key = match key {
        Some(pem) => KeyPair::from_pem(pem).unwrap(),
        None => KeyPair::generate().unwrap(),
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Example School");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params.serial_number = Some(vec![0x80, 1, 2, 3].into());
    params.is_ca = is_ca;
    let der = match by {
        Some(by) => {
            let issuer = Issuer::from_params(&by.params, &by.key);
            params.signed_by(&key, &issuer).unwrap().der().to_vec()
        }
        None => params.self_signed(&key).unwrap().der().to_vec(),
    };
    Made { der, params, key }
}

/// A root, an authority below it, and a signer below that one.
pub struct Chain {
    pub root: Made,
    pub between: Made,
    pub signer: Made,
}

pub fn chain() -> Chain {
    let root = certificate("Root", None, true, (2020, 2040), None);
    let between = certificate("Between", None, true, (2020, 2040), Some(&root));
    let signer = certificate(
        "Ada Lovelace",
        Some(RSA_2048),
        false,
        (2026, 2028),
        Some(&between),
    );
    Chain {
        root,
        between,
        signer,
    }
}

pub fn x5c(certificates: &[&Made]) -> Value {
    let texts = certificates.iter().map(|made| STANDARD.encode(&made.der));
    json!(texts.collect::<Vec<_>>())
}

/// Reports on the signatures of a statement that comes with these contents.
pub fn reports(statement: &Value, contents: &[&str], trust: &Trust) -> Vec<SignatureReport> {
    let contents: BTreeMap<_, _> = contents
        .iter()
        .map(|it| (sha2(it.as_bytes()), it))
        .collect();
    verify(
        statement.to_string().as_bytes(),
        XapiVersion::V1_0_3,
        &contents,
        trust,
    )
}

/// The checks that did not pass, though they were made.
pub fn not_passed(report: &SignatureReport) -> Vec<(Check, Outcome)> {
    let findings = report.findings.iter().map(|it| (it.check, it.outcome));
    findings
        .filter(|(_, outcome)| !matches!(outcome, Outcome::Passed | Outcome::NotChecked))
        .collect()
}
