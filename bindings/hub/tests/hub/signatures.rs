//! Signed statements: what is refused, in which words, and what is not.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::attachments::{JSON, body, described, part, send, sha2};
use crate::client::{Answer, Lrs, id, statement};

/// OpenSSL made the keys, the certificates and the signatures.
#[test]
fn a_signature_is_made_with_the_key_of_its_certificate() {
    let statement: Value = serde_json::from_str(include_str!(
        "../../../../core/signature/tests/signed/statement.json"
    ))
    .unwrap();
    let signed = |jws: &[u8]| {
        let lrs = Lrs::start();
        let hash = sha2(jws);
        let mut described = described(jws, &hash);
        described["usageType"] = json!("http://adlnet.gov/expapi/attachments/signature");
        let mut statement = statement.clone();
        statement["attachments"] = json!([described]);
        send(
            &lrs,
            body(&[
                (JSON, statement.to_string().as_bytes()),
                (&part(&hash), jws),
            ]),
        )
    };
    let rs256 = include_bytes!("../../../../core/signature/tests/signed/rs256.jws");
    for good in [
        &rs256[..],
        // Its certificate is of version 1.
        include_bytes!("../../../../core/signature/tests/signed/rs384.jws"),
        include_bytes!("../../../../core/signature/tests/signed/rs512.jws"),
    ] {
        let answer = signed(good);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let mut touched = rs256.to_vec();
    let signature = touched.iter().rposition(|byte| *byte == b'.').unwrap() + 10;
    touched[signature] = if touched[signature] == b'A' {
        b'B'
    } else {
        b'A'
    };
    for (bad, why) in [
        (&touched[..], "a touched signature"),
        (
            include_bytes!("../../../../core/signature/tests/signed/other.jws"),
            "another key",
        ),
        (
            include_bytes!("../../../../core/signature/tests/signed/weak.jws"),
            "a key of 1024 bits",
        ),
        (
            include_bytes!("../../../../core/signature/tests/signed/curve.jws"),
            "a key of another kind",
        ),
    ] {
        let refusal = signed(bad).refused(400);
        assert!(refusal["error"].as_str().unwrap().contains("x5c"), "{why}");
    }
}

#[test]
fn a_signature_is_not_attached_to_a_thousand_statements() {
    let lrs = Lrs::start();
    let jws = include_bytes!("../../../../core/signature/tests/signed/rs256.jws");
    let hash = sha2(jws);
    let mut described = described(jws, &hash);
    described["usageType"] = json!("http://adlnet.gov/expapi/attachments/signature");
    let mut signed: Value = serde_json::from_str(include_str!(
        "../../../../core/signature/tests/signed/statement.json"
    ))
    .unwrap();
    signed["attachments"] = json!(vec![described; 1000]);
    let text = signed.to_string();
    let answer = send(&lrs, body(&[(JSON, text.as_bytes()), (&part(&hash), jws)]));
    let refusal = answer.refused(400);
    assert!(refusal["error"].as_str().unwrap().contains("too often"));
}

const SIGNATURE: &str = "http://adlnet.gov/expapi/attachments/signature";

/// A JWS whose signature nobody can check, as it brings no certificate along.
fn jws(header: &Value, payload: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = URL_SAFE_NO_PAD.encode("signature");
    format!("{}.{}.{signature}", encode(header), encode(payload))
}

/// Sends this statement, with this signature as a further attachment that is changed so.
fn send_signed(statement: &Value, jws: &str, change: impl FnOnce(&mut Value)) -> Answer {
    let lrs = Lrs::start();
    let hash = sha2(jws.as_bytes());
    let mut described = described(jws.as_bytes(), &hash);
    described["usageType"] = json!(SIGNATURE);
    change(&mut described);
    let mut statement = statement.clone();
    let mut attachments = statement["attachments"].as_array().cloned();
    attachments.get_or_insert_default().push(described);
    statement["attachments"] = json!(attachments);
    let text = statement.to_string();
    send(
        &lrs,
        body(&[(JSON, text.as_bytes()), (&part(&hash), jws.as_bytes())]),
    )
}

/// As the conformance suite of ADL signs: without a certificate.
#[test]
fn a_signature_without_a_certificate_is_taken() {
    for alg in ["RS256", "RS384", "RS512"] {
        let original = statement(&id());
        for header in [json!({"alg": alg}), json!({"alg": alg, "kid": "1"})] {
            let answer = send_signed(&original, &jws(&header, &original), |_| ());
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    // And with none of the other attachments in the payload.
    let original = statement(&id());
    let mut with = original.clone();
    let mut elsewhere = described(b"x", &sha2(b"x"));
    elsewhere["fileUrl"] = json!("http://files.example/1");
    with["attachments"] = json!([elsewhere]);
    let answer = send_signed(&with, &jws(&json!({"alg": "RS256"}), &original), |_| ());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = send_signed(&with, &jws(&json!({"alg": "RS256"}), &with), |_| ());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_signature_that_fails_a_check_is_refused_in_words() {
    let original = statement(&id());
    let header = json!({"alg": "RS256"});
    let refused = |header: &Value, payload: &Value, change: &dyn Fn(&mut Value)| {
        let answer = send_signed(&original, &jws(header, payload), change);
        let refusal = answer.refused(400);
        refusal["error"].as_str().unwrap().to_owned()
    };
    let nothing = |_: &mut Value| ();
    let mut other = original.clone();
    other["verb"]["id"] = json!("http://v.example/");
    let mut none = original.clone();
    none.as_object_mut().unwrap().remove("verb");
    let mut more = original.clone();
    more["attachments"] = json!([described(b"x", &sha2(b"x"))]);
    let mut countersigned = original.clone();
    countersigned["attachments"] = json!([described(b"x", &sha2(b"x"))]);
    countersigned["attachments"][0]["usageType"] = json!(SIGNATURE);
    for (header, payload, why) in [
        (json!({"alg": "HS256"}), &original, "HS256"),
        (json!({"alg": "none"}), &original, "none"),
        (json!({"alg": "RS256", "crit": ["b64"]}), &original, "crit"),
        (header.clone(), &none, "$.verb is missing"),
        (header.clone(), &json!("text"), "is no statement"),
        (header.clone(), &other, "they differ at $.verb.id"),
        (header.clone(), &more, "other attachments"),
        (header.clone(), &countersigned, "does not have before"),
        (json!({"alg": "RS256", "x5c": []}), &original, "x5c"),
    ] {
        let said = refused(&header, payload, &nothing);
        assert!(
            said.starts_with("statement 0: the ") && said.contains(why),
            "{said}"
        );
    }
    let longer = |it: &mut Value| it["length"] = json!(1);
    let said = refused(&header, &original, &longer);
    assert!(said.contains("but the length of the attachment"), "{said}");
    let typed = |it: &mut Value| it["contentType"] = json!("text/plain");
    refused(&header, &original, &typed);
}

#[test]
fn a_signature_comes_with_its_content() {
    let lrs = Lrs::start();
    let mut elsewhere = described(b"x", &sha2(b"x"));
    elsewhere["usageType"] = json!(SIGNATURE);
    elsewhere["fileUrl"] = json!("http://files.example/1");
    let mut with = statement(&id());
    with["attachments"] = json!([elsewhere]);
    let refusal = lrs.post(&with).refused(400);
    assert!(refusal["error"].as_str().unwrap().contains("its content"));
}
