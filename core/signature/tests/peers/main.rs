//! Signatures both ways between Pannier and what others sign with: OpenSSL's command, and Python's `cryptography`.
//! `tests/run signatures` installs them and runs these tests.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pannier_signature::{
    Algorithm, Hashes, KeySigner, SIGNATURE, Trust, Verdict, X5c, sign, verify,
};
use pannier_xapi::statement::XapiVersion;

const STATEMENT: &str = r#"{"id":"0190d3a4-7c1e-7b52-8a11-3d1c5f0e9a01","actor":{"mbox":"mailto:ada@example.com"},"verb":{"id":"http://adlnet.gov/expapi/verbs/passed"},"object":{"id":"https://school.example/exams/7"},"timestamp":"2030-11-20T08:15:30.250Z"}"#;

const BITS: [usize; 3] = [2048, 3072, 4096];

/// Runs a program that must go well, and gives what it said.
fn run(folder: &Path, program: &str, args: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output();
    let output = output.unwrap_or_else(|why| panic!("{program}: {why}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
    output.stdout
}

fn openssl(folder: &Path, args: &str) -> Vec<u8> {
    run(folder, "openssl", &args.split(' ').collect::<Vec<_>>())
}

fn python(folder: &Path, args: &[&str]) -> Vec<u8> {
    let program = std::env::var("PANNIER_PYTHON").expect("PANNIER_PYTHON names a Python");
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/peers/cryptography_peer.py"
    );
    run(folder, &program, &[&[script], args].concat())
}

fn digest(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Rs256 => "sha256",
        Algorithm::Rs384 => "sha384",
        Algorithm::Rs512 => "sha512",
    }
}

/// Makes a key, an authority and a certificate by it in the folder, as the script for Python does.
fn make_with_openssl(folder: &Path, bits: usize) {
    openssl(
        folder,
        "req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 9000 -subj /O=Example/CN=Authority",
    );
    openssl(
        folder,
        &format!(
            "req -newkey rsa:{bits} -nodes -keyout key.pem -out own.csr -subj /O=Example/CN=Ada"
        ),
    );
    fs::write(folder.join("person"), "basicConstraints=CA:FALSE\n").unwrap();
    openssl(
        folder,
        "x509 -req -in own.csr -CA root.pem -CAkey root.key -CAcreateserial -extfile person -days 9000 -out chain.pem",
    );
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    fs::read(folder.join(name)).unwrap()
}

/// Checks that another's signature is verified, and is trusted by its authority.
fn verified_here(folder: &Path, jws: &[u8], algorithm: Algorithm, bits: usize) {
    let sha2 = Hashes::of(jws).unwrap().sha2[1].clone();
    let statement = format!(
        r#"{},"attachments":[{{"usageType":"{SIGNATURE}","display":{{"en":"x"}},"contentType":"application/octet-stream","length":{},"sha2":"{sha2}"}}]}}"#,
        &STATEMENT[..STATEMENT.len() - 1],
        jws.len()
    );
    let contents = BTreeMap::from([(sha2, jws)]);
    let trust = Trust::from_pem(&read(folder, "root.pem")).unwrap();
    let reports = verify(statement.as_bytes(), XapiVersion::V2_0_0, &contents, &trust);
    assert_eq!(reports.len(), 1);
    let report = &reports[0];
    assert_eq!(report.verdict(), Verdict::Verified, "{report:#?}");
    assert_eq!(report.algorithm, Some(algorithm));
    let certificate = report.certificate.as_ref().unwrap();
    assert_eq!(certificate.key_bits, Some(bits));
    // What OpenSSL says of the same certificate.
    let said = openssl(
        folder,
        "x509 -in chain.pem -noout -serial -subject -issuer -nameopt RFC2253,-esc_msb,utf8",
    );
    let ours = format!(
        "serial={}\nsubject={}\nissuer={}\n",
        certificate.serial_number, certificate.subject, certificate.issuer
    );
    assert_eq!(String::from_utf8(said).unwrap(), ours);
}

/// Makes a signature with the key of the folder.
fn signed_here(folder: &Path, algorithm: Algorithm) -> Vec<u8> {
    let (key, chain) = (read(folder, "key.pem"), read(folder, "chain.pem"));
    let signer = KeySigner::from_pem(&key, &chain, algorithm).unwrap();
    let made = sign(
        STATEMENT.as_bytes(),
        XapiVersion::V2_0_0,
        &signer,
        X5c::Chain,
    )
    .unwrap();
    made.jws
}

#[test]
#[ignore = "left out: run tests/run signatures"]
fn openssl_signs_and_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for bits in BITS {
        make_with_openssl(folder, bits);
        for algorithm in Algorithm::ALL {
            let der = openssl(folder, "x509 -in chain.pem -outform DER");
            let header = format!(
                r#"{{"alg":"{algorithm}","x5c":["{}"]}}"#,
                STANDARD.encode(der)
            );
            let signed = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(header),
                URL_SAFE_NO_PAD.encode(STATEMENT)
            );
            fs::write(folder.join("signed"), &signed).unwrap();
            let digest = digest(algorithm);
            let signature = openssl(folder, &format!("dgst -{digest} -sign key.pem signed"));
            let jws = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
            verified_here(folder, jws.as_bytes(), algorithm, bits);

            let jws = String::from_utf8(signed_here(folder, algorithm)).unwrap();
            let (signed, signature) = jws.rsplit_once('.').unwrap();
            fs::write(folder.join("signed"), signed).unwrap();
            fs::write(
                folder.join("signature"),
                URL_SAFE_NO_PAD.decode(signature).unwrap(),
            )
            .unwrap();
            fs::write(
                folder.join("public"),
                openssl(folder, "x509 -in chain.pem -pubkey -noout"),
            )
            .unwrap();
            let said = openssl(
                folder,
                &format!("dgst -{digest} -verify public -signature signature signed"),
            );
            assert_eq!(said, b"Verified OK\n");
        }
    }
}

#[test]
#[ignore = "left out: run tests/run signatures"]
fn python_signs_and_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("statement.json"), STATEMENT).unwrap();
    for bits in BITS {
        for algorithm in Algorithm::ALL {
            let bits_text = bits.to_string();
            python(
                folder,
                &["make", ".", &bits_text, algorithm.name(), "statement.json"],
            );
            verified_here(folder, &read(folder, "jws"), algorithm, bits);

            fs::write(folder.join("ours"), signed_here(folder, algorithm)).unwrap();
            assert_eq!(python(folder, &["verify", "ours"]), STATEMENT.as_bytes());
        }
    }
}
