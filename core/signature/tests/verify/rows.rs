//! A good signature, and what is wrong with others.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pannier_signature::{
    Algorithm, Check, Contents, LONGEST_CHAIN, Outcome, SIGNATURE, SignatureReport, Trust, Verdict,
    verify,
};
use pannier_xapi::statement::XapiVersion;
use serde_json::{Value, json};

use crate::kit::{
    OTHER, RSA_2048, RSA_3072, RSA_4096, attach, certificate, chain, described, encoding, jws,
    not_passed, reports, sha2, signature, statement, x5c,
};

/// Signs this payload with the key of 2048 bits.
fn signed(header: &Value, payload: &Value) -> String {
    let encoding = encoding(header["alg"].as_str().unwrap());
    jws(header, &payload.to_string(), |message| {
        signature(RSA_2048, encoding, message)
    })
}

fn header() -> Value {
    let chain = chain();
    json!({"alg": "RS256", "x5c": x5c(&[&chain.signer, &chain.between])})
}

/// The only report on the statement with this signature attached.
fn report(jws: &str) -> SignatureReport {
    let mut reports = reports(&attach(&statement(), jws), &[jws], &Trust::none());
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

fn fails(jws: &str, check: Check, why: &str) {
    let report = report(jws);
    assert_eq!(
        not_passed(&report),
        [(check, Outcome::Failed)],
        "{report:#?}"
    );
    let words = &report.failures().next().unwrap().words;
    assert!(words.contains(why), "{words}");
    assert!(words.len() < 1000 && !words.ends_with('.'), "{words}");
    assert_eq!(report.verdict(), Verdict::Failed);
}

#[test]
fn a_good_signature_passes_every_check() {
    let chain = chain();
    let header = json!({"alg": "RS256", "x5c": x5c(&[&chain.signer, &chain.between])});
    let jws = signed(&header, &statement());
    let trust = Trust::from_pem(chain.root.pem().as_bytes()).unwrap();
    let statement = attach(&statement(), &jws);
    let reports = reports(&statement, &[&jws], &trust);
    let [report] = &reports[..] else {
        panic!("{reports:?}");
    };
    let all_passed = report
        .findings
        .iter()
        .all(|it| it.outcome == Outcome::Passed);
    assert!(all_passed && report.findings.len() == 9, "{report:#?}");
    assert_eq!(report.verdict(), Verdict::Verified);
    assert_eq!(report.path, "$.attachments[1]");
    assert_eq!(report.sha2, sha2(jws.as_bytes()));
    assert_eq!(report.algorithm, Some(Algorithm::Rs256));
    let certificate = report.certificate.as_ref().unwrap();
    assert_eq!(certificate.subject, "CN=Ada Lovelace,O=Example School");
    assert_eq!(certificate.issuer, "CN=Between,O=Example School");
    assert_eq!(certificate.serial_number, "80010203");
    assert_eq!((certificate.key_bits, certificate.chain), (Some(2048), 2));
}

#[test]
fn every_algorithm_goes_with_every_length_of_a_key() {
    for (key, bits) in [(RSA_2048, 2048), (RSA_3072, 3072), (RSA_4096, 4096)] {
        let made = certificate("Ada", Some(key), false, (2026, 2028), None);
        for alg in ["RS256", "RS384", "RS512"] {
            let header = json!({"alg": alg, "x5c": x5c(&[&made])});
            let jws = jws(&header, &statement().to_string(), |message| {
                signature(key, encoding(alg), message)
            });
            let report = report(&jws);
            assert_eq!(report.verdict(), Verdict::Verified, "{alg} {bits}");
            assert_eq!(report.algorithm.map(Algorithm::name), Some(alg));
            assert_eq!(report.certificate.and_then(|it| it.key_bits), Some(bits));
        }
    }
}

#[test]
fn the_content_is_what_its_attachment_says() {
    let jws = signed(&header(), &statement());
    let trust = Trust::none();
    let mut statement = attach(&statement(), &jws);
    statement["attachments"][1]["length"] = json!(jws.len() + 1);
    let report = &reports(&statement, &[&jws], &trust)[0];
    assert_eq!(not_passed(report), [(Check::Content, Outcome::Failed)]);

    let other = sha2(b"another");
    statement["attachments"][1]["length"] = json!(jws.len());
    statement["attachments"][1]["sha2"] = json!(other.to_uppercase());
    let lying = BTreeMap::from([(other, &jws)]);
    let text = statement.to_string();
    let report = &verify(text.as_bytes(), XapiVersion::V1_0_3, &lying, &trust)[0];
    assert_eq!(not_passed(report), [(Check::Content, Outcome::Failed)]);

    let report = &reports(&statement, &[], &trust)[0];
    assert_eq!(not_passed(report), [(Check::Content, Outcome::Unverified)]);
    assert_eq!(report.verdict(), Verdict::Unverified);
}

#[test]
fn the_form_is_a_jws_that_xapi_allows() {
    let payload = statement();
    let good = signed(&header(), &payload);
    fails(&format!("{good}="), Check::Form, "compact serialization");
    fails("no signature", Check::Form, "compact serialization");
    for (name, value, why) in [
        ("alg", json!("HS256"), "HS256"),
        ("alg", json!("none"), "none"),
        ("crit", json!(["b64"]), "crit"),
    ] {
        let mut header = header();
        header[name] = value;
        let jws = jws(&header, &payload.to_string(), |message| {
            signature(RSA_2048, encoding("RS256"), message)
        });
        fails(&jws, Check::Form, why);
    }
    let mut long = statement();
    long["verb"]["display"]["en"] = json!("x".repeat(200_000));
    fails(&signed(&header(), &long), Check::Form, "no more than");
}

/// Contents that must not be asked for.
struct Nobodys;

impl Contents for Nobodys {
    fn content(&self, _: &str) -> Option<Cow<'_, [u8]>> {
        panic!("it is too long to be a signature of this statement")
    }
}

#[test]
fn a_signature_that_is_too_long_is_not_even_read() {
    let mut statement = attach(&statement(), "");
    statement["attachments"][1]["length"] = json!(1_000_000_000);
    let text = statement.to_string();
    let report = &verify(
        text.as_bytes(),
        XapiVersion::V2_0_0,
        &Nobodys,
        &Trust::none(),
    )[0];
    assert_eq!(not_passed(report), [(Check::Form, Outcome::Failed)]);
}

#[test]
fn the_payload_is_a_statement() {
    let mut payload = statement();
    payload.as_object_mut().unwrap().remove("verb");
    fails(
        &signed(&header(), &payload),
        Check::Payload,
        "$.verb is missing",
    );
    let twice = statement()
        .to_string()
        .replacen('{', r#"{"verb":{"id":"http://v.example/"},"#, 1);
    let text = jws(&header(), &twice, |message| {
        signature(RSA_2048, encoding("RS256"), message)
    });
    fails(&text, Check::Payload, "no statement");
    let text = jws(&header(), "no JSON", |message| {
        signature(RSA_2048, encoding("RS256"), message)
    });
    fails(&text, Check::Payload, "no statement");
}

#[test]
fn the_payload_is_the_statement_that_it_is_attached_to() {
    for (pointer, value) in [
        ("/verb/id", json!("http://adlnet.gov/expapi/verbs/passed")),
        ("/result/score/scaled", json!(0.9)),
        ("/id", json!("0190d3a4-7c1e-7b52-8a11-3d1c5f0e9a02")),
        ("/timestamp", json!("2026-11-20T09:15:30.250Z")),
    ] {
        let mut payload = statement();
        *payload.pointer_mut(pointer).unwrap() = value;
        let jws = signed(&header(), &payload);
        fails(&jws, Check::Statement, &pointer.replace('/', "."));
        assert_eq!(report(&jws).differences.len(), 1);
    }
    // What an LRS may do to a statement.
    let jws = signed(&header(), &statement());
    let mut stored = attach(&statement(), &jws);
    stored["stored"] = json!("2026-11-20T08:16:00.000Z");
    stored["version"] = json!("1.0.0");
    stored["timestamp"] = json!("2026-11-20T09:15:30.250+01:00");
    stored["verb"]["display"] = json!({"de": "versuchte"});
    stored["attachments"][0]["display"] = json!({"de": "Protokoll"});
    let report = &reports(&stored, &[&jws], &Trust::none())[0];
    assert_eq!(report.verdict(), Verdict::Verified, "{report:#?}");
}

#[test]
fn what_the_payload_leaves_open_is_not_signed() {
    let mut payload = statement();
    payload.as_object_mut().unwrap().remove("id");
    payload.as_object_mut().unwrap().remove("timestamp");
    let report = report(&signed(&header(), &payload));
    assert_eq!(not_passed(&report), [(Check::Statement, Outcome::Noted)]);
    assert_eq!(report.verdict(), Verdict::Verified);
}

#[test]
fn the_payload_has_the_other_attachments() {
    let mut payload = statement();
    payload["attachments"][0]["sha2"] = json!(sha2(b"another log"));
    fails(
        &signed(&header(), &payload),
        Check::Attachments,
        "attachment 1",
    );
    let more = described("http://u.example/", b"x");
    payload = statement();
    payload["attachments"].as_array_mut().unwrap().push(more);
    fails(
        &signed(&header(), &payload),
        Check::Attachments,
        "attachment 2",
    );
}

/// So does the conformance suite of ADL sign: without a certificate, and without any attachment in the payload.
#[test]
fn a_payload_without_any_attachments_is_noted() {
    let mut payload = statement();
    payload.as_object_mut().unwrap().remove("attachments");
    let report = report(&signed(&json!({"alg": "RS256"}), &payload));
    assert_eq!(
        not_passed(&report),
        [
            (Check::Attachments, Outcome::Noted),
            (Check::Certificate, Outcome::Unverified)
        ]
    );
    assert_eq!(report.verdict(), Verdict::Unverified);
}

#[test]
fn each_of_several_signatures_stands_for_itself() {
    let one = signed(&header(), &statement());
    let single = attach(&statement(), &one);
    // Countersigned: the first signature is in the payload of the second. Or both sign the same, apart.
    for payload in [&single, &statement()] {
        let two = signed(&header(), payload);
        let twice = attach(&single, &two);
        let both = reports(&twice, &[&one, &two], &Trust::none());
        assert_eq!(both.len(), 2);
        assert!(
            both.iter().all(|it| it.verdict() == Verdict::Verified),
            "{both:#?}"
        );
    }
    let two = signed(&header(), &single);
    // The first one was taken away, or stands behind.
    fails(&two, Check::Countersigned, "does not have before");
    let mut behind = attach(&single, &two);
    behind["attachments"].as_array_mut().unwrap().swap(1, 2);
    let both = reports(&behind, &[&one, &two], &Trust::none());
    assert_eq!(
        not_passed(&both[0]),
        [(Check::Countersigned, Outcome::Failed)]
    );
    assert_eq!(both[1].verdict(), Verdict::Verified);
    // Twice the same.
    let both = reports(&attach(&single, &one), &[&one], &Trust::none());
    assert_eq!(both[0].verdict(), Verdict::Verified);
    assert_eq!(
        not_passed(&both[1]),
        [(Check::Countersigned, Outcome::Failed)]
    );
}

#[test]
fn without_a_certificate_nobody_can_tell() {
    for (header, named) in [
        (json!({"alg": "RS256"}), "brings no certificate"),
        (json!({"alg": "RS256", "kid": "1"}), "kid"),
        (
            json!({"alg": "RS256", "jku": "https://keys.example/", "x5u": "x"}),
            "jku, x5u",
        ),
        (json!({"alg": "RS256", "jwk": {"kty": "RSA"}}), "jwk"),
    ] {
        let report = report(&signed(&header, &statement()));
        assert_eq!(
            not_passed(&report),
            [(Check::Certificate, Outcome::Unverified)]
        );
        assert_eq!(report.verdict(), Verdict::Unverified);
        assert!(
            report.findings.iter().any(|it| it.words.contains(named)),
            "{report:#?}"
        );
    }
}

#[test]
fn the_key_of_the_certificate_made_the_signature() {
    let payload = statement().to_string();
    let by = |key: &str, alg: &str, header: &Value| {
        jws(header, &payload, |message| {
            signature(key, encoding(alg), message)
        })
    };
    let good = by(RSA_2048, "RS256", &header());
    let mut touched = good.clone().into_bytes();
    let at = touched.iter().rposition(|byte| *byte == b'.').unwrap() + 10;
    touched[at] = if touched[at] == b'A' { b'B' } else { b'A' };
    let touched = String::from_utf8(touched).unwrap();
    let (signed, _) = good.rsplit_once('.').unwrap();
    for (bad, why) in [
        (touched, "was not made"),
        (by(OTHER, "RS256", &header()), "was not made"),
        (by(RSA_2048, "RS384", &header()), "was not made"),
        (by(RSA_2048, "PS256", &header()), "was not made"),
        (format!("{signed}."), "was not made"),
    ] {
        fails(&bad, Check::Signature, why);
    }
    let curve = certificate("Ada", None, false, (2026, 2028), None);
    let many = vec![&curve; LONGEST_CHAIN + 1];
    for (x5c, why) in [
        (x5c(&[&curve]), "RSA"),
        (x5c(&many), "11 certificates"),
        (json!([]), "no certificate"),
        (json!("MIIC"), "array"),
        (json!([1]), "array"),
        (json!(null), "array"),
        (json!(["MI-_"]), "base64"),
        (json!([STANDARD.encode(b"no certificate")]), "no X.509"),
    ] {
        let header = json!({"alg": "RS256", "x5c": x5c});
        fails(&by(RSA_2048, "RS256", &header), Check::Signature, why);
    }
    let unpadded = STANDARD.encode(&curve.der);
    let unpadded = unpadded.trim_end_matches('=');
    if !unpadded.len().is_multiple_of(4) {
        let header = json!({"alg": "RS256", "x5c": [unpadded]});
        fails(&by(RSA_2048, "RS256", &header), Check::Signature, "padding");
    }
}

#[test]
fn names_may_be_written_with_escapes() {
    let jws = signed(&header(), &statement());
    let contents = BTreeMap::from([(sha2(jws.as_bytes()), &jws)]);
    let text = attach(&statement(), &jws).to_string();
    let text = text.replace(r#""attachments""#, r#""\u0061ttachments""#);
    let reports = verify(
        text.as_bytes(),
        XapiVersion::V1_0_3,
        &contents,
        &Trust::none(),
    );
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].verdict(), Verdict::Verified);
}

#[test]
fn what_is_no_statement_has_no_reports() {
    let trust = Trust::none();
    for text in ["", "{}", "[]", &attach(&json!({}), "x").to_string()] {
        let none = BTreeMap::<String, Vec<u8>>::new();
        assert_eq!(
            verify(text.as_bytes(), XapiVersion::V2_0_0, &none, &trust),
            []
        );
    }
    assert_eq!(reports(&statement(), &[], &trust), []);
    // A signature in a SubStatement is none of the statement.
    let mut within = statement();
    within["object"] = json!({
        "objectType": "SubStatement", "actor": within["actor"], "verb": within["verb"],
        "object": within["object"], "attachments": [described(SIGNATURE, b"x")],
    });
    assert_eq!(reports(&within, &[], &trust), []);
}
