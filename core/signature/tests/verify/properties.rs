//! Whatever a signature is made of, there is a report on it, and the work stays in proportion.

use pannier_signature::{Check, Outcome, Trust, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::kit::{
    RSA_2048, attach, certificate, chain, encoding, jws, reports, signature, statement, x5c,
};

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("eyJhbGciOiJSUzI1NiJ9".to_owned()),
        Just("eyJhbGciOiJSUzI1NiIsIng1YyI6WyJBQUFBIl19".to_owned()),
        "[A-Za-z0-9_=.+/-]{0,40}",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn any_text_gets_a_report(pieces in prop::collection::vec(piece(), 0..5)) {
        let jws = pieces.join(".");
        let reports = reports(&attach(&statement(), &jws), &[&jws], &Trust::none());
        prop_assert_eq!(reports.len(), 1);
        prop_assert_eq!(reports[0].findings.len(), 9);
        prop_assert_eq!(reports[0].verdict(), Verdict::Failed, "no payload is the statement");
        let told: usize = reports[0].findings.iter().map(|it| it.words.len()).sum();
        prop_assert!(told < 3_000);
    }

    #[test]
    fn a_changed_certificate_is_read_or_refused(at in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let mut made = certificate("Ada", Some(RSA_2048), false, (2026, 2028), None);
        let trust = Trust::from_pem(made.pem().as_bytes()).unwrap();
        let at = at.index(made.der.len());
        let is_same = made.der[at] == octet;
        made.der[at] = octet;
        let header = json!({"alg": "RS256", "x5c": x5c(&[&made])});
        let jws = jws(&header, &statement().to_string(), |message| {
            signature(RSA_2048, encoding("RS256"), message)
        });
        let report = &reports(&attach(&statement(), &jws), &[&jws], &trust)[0];
        prop_assert_eq!(report.verdict() == Verdict::Verified, is_same);
    }
}

/// Hundreds of signatures with a chain as long as it may be: each is looked at once.
#[test]
fn many_signatures_are_as_many_reports() {
    let made = chain();
    let trust = Trust::from_pem(made.root.pem().as_bytes()).unwrap();
    let header = json!({"alg": "RS256", "x5c": x5c(&[&made.between; 10])});
    let mut all = statement();
    let mut contents = Vec::new();
    for number in 0..300 {
        let payload: Value = json!({"number": number});
        let jws = jws(&header, &payload.to_string(), |_| vec![1; 256]);
        all = attach(&all, &jws);
        contents.push(jws);
    }
    let texts: Vec<_> = contents.iter().map(String::as_str).collect();
    let reports = reports(&all, &texts, &trust);
    assert_eq!(reports.len(), 300);
    for report in &reports {
        assert_eq!(report.outcome(Check::Payload), Outcome::Failed);
        assert_eq!(report.outcome(Check::Trust), Outcome::Failed);
    }
}
