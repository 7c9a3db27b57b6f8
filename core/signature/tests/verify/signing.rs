//! Making signatures: what is made is verified, and what is wrong is never given out.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pannier_signature::{
    Algorithm, KeySigner, SignError, Signed, Signer, Trust, Verdict, X5c, sign, verify,
};
use pannier_xapi::statement::XapiVersion;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use serde_json::Value;

use crate::kit::{
    Made, OTHER, RSA_2048, RSA_3072, RSA_4096, certificate, chain, encoding, sha2, signature,
    statement,
};

const PLAIN: &str = r#"{"id":"0190d3a4-7c1e-7b52-8a11-3d1c5f0e9a01", "actor":{"mbox":"mailto:ada@example.com"},"verb":{"id":"http://adlnet.gov/expapi/verbs/passed"},"object":{"id":"https://school.example/exams/7"},"timestamp":"2026-11-20T08:15:30.250Z"}"#;

fn signed(statement: &str, signer: &dyn Signer, x5c: X5c) -> Result<Signed, SignError> {
    sign(statement.as_bytes(), XapiVersion::V2_0_0, signer, x5c)
}

fn verdicts(signed: &Signed, others: &[&[u8]], trust: &Trust) -> Vec<Verdict> {
    let mut contents = BTreeMap::from([(sha2(&signed.jws), &signed.jws[..])]);
    contents.extend(others.iter().map(|jws| (sha2(jws), *jws)));
    let reports = verify(&signed.statement, XapiVersion::V2_0_0, &contents, trust);
    reports
        .iter()
        .map(pannier_signature::SignatureReport::verdict)
        .collect()
}

fn payload(jws: &[u8]) -> Vec<u8> {
    let payload = jws.split(|byte| *byte == b'.').nth(1).unwrap();
    URL_SAFE_NO_PAD.decode(payload).unwrap()
}

fn signer(key: &str, algorithm: Algorithm, certificates: &[&Made]) -> KeySigner {
    let certificates: String = certificates.iter().map(|made| made.pem()).collect();
    KeySigner::from_pem(key.as_bytes(), certificates.as_bytes(), algorithm).unwrap()
}

#[test]
fn what_is_signed_is_verified_and_keeps_its_bytes() {
    let made = chain();
    let trust = Trust::from_pem(made.root.pem().as_bytes()).unwrap();
    let signer = signer(RSA_2048, Algorithm::Rs256, &[&made.signer, &made.between]);
    let done = signed(&format!("\n{PLAIN} "), &signer, X5c::Chain).unwrap();
    assert_eq!(payload(&done.jws), PLAIN.as_bytes());
    let whole = format!(
        r#"{},"attachments":[{{"usageType":"http://adlnet.gov/expapi/attachments/signature","display":{{"en":"Signature"}},"contentType":"application/octet-stream","length":{},"sha2":"{}"}}]}}"#,
        &PLAIN[..PLAIN.len() - 1],
        done.jws.len(),
        sha2(&done.jws)
    );
    assert_eq!(String::from_utf8(done.statement.clone()).unwrap(), whole);
    assert_eq!(verdicts(&done, &[], &trust), [Verdict::Verified]);
    let header = done.jws.split(|byte| *byte == b'.').next().unwrap();
    let header = String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert!(
        header.starts_with(r#"{"alg":"RS256","x5c":["MII"#),
        "{header}"
    );

    for (x5c, certificates, verdict) in [
        (X5c::Chain, 2, Verdict::Verified),
        (X5c::Leaf, 1, Verdict::Verified),
        (X5c::None, 0, Verdict::Unverified),
    ] {
        let done = signed(PLAIN, &signer, x5c).unwrap();
        assert_eq!(verdicts(&done, &[], &Trust::none()), [verdict]);
        let contents = BTreeMap::from([(sha2(&done.jws), &done.jws)]);
        let report = &verify(
            &done.statement,
            XapiVersion::V2_0_0,
            &contents,
            &Trust::none(),
        )[0];
        assert_eq!(
            report.certificate.as_ref().map_or(0, |it| it.chain),
            certificates
        );
    }
}

#[test]
fn every_key_signs_by_every_algorithm() {
    for key in [RSA_2048, RSA_3072, RSA_4096] {
        let made = certificate("Ada", Some(key), false, (2026, 2028), None);
        for algorithm in Algorithm::ALL {
            let done = signed(PLAIN, &signer(key, algorithm, &[&made]), X5c::Chain).unwrap();
            assert_eq!(verdicts(&done, &[], &Trust::none()), [Verdict::Verified]);
        }
    }
}

#[test]
fn a_signature_comes_behind_what_is_attached() {
    let made = certificate("Ada", Some(RSA_2048), false, (2026, 2028), None);
    let signer = signer(RSA_2048, Algorithm::Rs512, &[&made]);
    let attached = statement().to_string();
    let one = signed(&attached, &signer, X5c::Leaf).unwrap();
    assert_eq!(payload(&one.jws), attached.as_bytes());
    assert_eq!(verdicts(&one, &[], &Trust::none()), [Verdict::Verified]);
    let empty = PLAIN.replace(r#","verb""#, r#","attachments":[ ],"verb""#);
    let first = signed(&empty, &signer, X5c::Leaf).unwrap();
    assert_eq!(verdicts(&first, &[], &Trust::none()), [Verdict::Verified]);
    // Countersigned.
    let text = String::from_utf8(one.statement.clone()).unwrap();
    let two = signed(&text, &signer, X5c::Leaf).unwrap();
    assert_eq!(payload(&two.jws), one.statement);
    assert_eq!(
        verdicts(&two, &[&one.jws], &Trust::none()),
        [Verdict::Verified; 2]
    );
    let read: Value = serde_json::from_slice(&two.statement).unwrap();
    assert_eq!(read["attachments"].as_array().unwrap().len(), 3);
    assert_eq!(read["attachments"][2]["sha2"], sha2(&two.jws));
}

#[test]
fn only_what_is_complete_is_signed() {
    let made = certificate("Ada", Some(RSA_2048), false, (2026, 2028), None);
    let signer = signer(RSA_2048, Algorithm::Rs256, &[&made]);
    for member in ["id", "timestamp"] {
        let mut open: Value = serde_json::from_str(PLAIN).unwrap();
        open.as_object_mut().unwrap().remove(member);
        let refused = signed(&open.to_string(), &signer, X5c::Chain);
        assert_eq!(refused.err(), Some(SignError::Incomplete));
    }
    let refused = signed(r#"{"id":1}"#, &signer, X5c::Chain);
    assert!(matches!(refused, Err(SignError::Invalid(_))));
}

/// A signer that does what it likes.
struct Odd<F> {
    certificates: Result<Vec<Vec<u8>>, SignError>,
    sign: F,
}

impl<F: Fn(&[u8]) -> Result<Vec<u8>, SignError> + Send + Sync> Signer for Odd<F> {
    fn certificates(&self) -> Result<Vec<Vec<u8>>, SignError> {
        self.certificates.clone()
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Rs256
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        (self.sign)(message)
    }
}

type Sign<'a> = &'a (dyn Fn(&[u8]) -> Result<Vec<u8>, SignError> + Send + Sync);

#[test]
fn what_is_no_signature_is_never_given_out() {
    let made = certificate("Ada", Some(RSA_2048), false, (2026, 2028), None);
    let by = |sign: Sign| {
        let odd = Odd {
            certificates: Ok(vec![made.der.clone()]),
            sign,
        };
        let [with, without] = [X5c::Chain, X5c::None].map(|x5c| signed(PLAIN, &odd, x5c).map(drop));
        assert_eq!(with, without);
        with
    };
    let good = |message: &[u8]| signature(RSA_2048, encoding("RS256"), message);
    assert_eq!(by(&|message| Ok(good(message))), Ok(()));
    let curve = |message: &[u8]| {
        let random = SystemRandom::new();
        let scheme = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(scheme, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(scheme, key.as_ref(), &random).unwrap();
        key.sign(&random, message).unwrap().as_ref().to_vec()
    };
    for (what, bad) in [
        (
            "PSS",
            &(|message: &[u8]| signature(RSA_2048, encoding("PS256"), message))
                as &(dyn Fn(&[u8]) -> Vec<u8> + Send + Sync),
        ),
        ("another digest", &|message| {
            signature(RSA_2048, encoding("RS512"), message)
        }),
        ("of the digest", &|message| {
            good(digest(&SHA256, message).as_ref())
        }),
        ("another key", &|message| {
            signature(OTHER, encoding("RS256"), message)
        }),
        ("a curve", &curve),
        ("nothing", &|_| Vec::new()),
        ("a byte too many", &|message| {
            [good(message), vec![0]].concat()
        }),
    ] {
        let refused = by(&|message| Ok(bad(message)));
        assert!(
            matches!(refused, Err(SignError::Refused(_))),
            "{what}: {refused:?}"
        );
    }
    let locked = SignError::Signer("the finger is wet".into());
    assert_eq!(by(&|_| Err(locked.clone())), Err(locked.clone()));
}

/// It is read again before it is given out, as others will read it.
#[test]
fn a_signature_that_nobody_reads_is_never_given_out() {
    let name = "Ada ".repeat(20_000);
    let made = certificate(&name, Some(RSA_2048), false, (2026, 2028), None);
    let signer = signer(RSA_2048, Algorithm::Rs256, &[&made]);
    match signed(PLAIN, &signer, X5c::Leaf).map(drop) {
        Err(SignError::Refused(said)) => assert!(said.contains("no more than"), "{said}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signer_without_a_certificate_that_can_be_used_signs_nothing() {
    let made = certificate("Ada", Some(RSA_2048), false, (2026, 2028), None);
    let curve = certificate("Ada", None, false, (2026, 2028), None);
    for (certificates, why) in [
        (vec![], "no certificate"),
        (vec![b"none".to_vec()], "no X.509"),
        (vec![made.der.clone(), b"none".to_vec()], "no X.509"),
        (vec![curve.der.clone()], "no RSA key"),
        (vec![made.der.clone(); 11], "too long"),
    ] {
        let odd = Odd {
            certificates: Ok(certificates),
            sign: |_: &[u8]| panic!("it is not asked to sign"),
        };
        match signed(PLAIN, &odd, X5c::None).map(drop) {
            Err(SignError::Unusable(said)) => assert!(said.contains(why), "{said}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_key_is_read_from_pem() {
    let made = certificate("Ada", Some(RSA_2048), false, (2026, 2028), None);
    let read = |key: &str, certificates: &str| {
        KeySigner::from_pem(key.as_bytes(), certificates.as_bytes(), Algorithm::Rs256)
    };
    let good = read(RSA_2048, &made.pem()).unwrap();
    assert_eq!(
        format!("{good:?}"),
        "KeySigner { algorithm: Rs256, certificates: 1, .. }"
    );
    let curve = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for (key, certificates) in [
        ("", made.pem()),
        (&made.pem(), made.pem()),
        (&curve, made.pem()),
        (&RSA_2048.replace("MII", "AII"), made.pem()),
        (RSA_2048, made.pem().replace("-----END", "")),
    ] {
        assert!(matches!(
            read(key, &certificates),
            Err(SignError::Unusable(_))
        ));
    }
    // The certificate is another key's.
    let other = read(OTHER, &made.pem()).unwrap();
    assert!(matches!(
        signed(PLAIN, &other, X5c::Chain),
        Err(SignError::Refused(_))
    ));
}
