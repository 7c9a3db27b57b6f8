//! Signatures that others made.

use std::collections::BTreeMap;

use pannier_signature::{Check, Outcome, Trust, Verdict, verify};
use pannier_xapi::statement::XapiVersion;
use serde_json::{Value, json};

use crate::kit::{attach, not_passed, reports};

/// OpenSSL made the keys, the certificates and the signatures.
#[test]
fn openssl_and_a_certificate_of_version_1() {
    let statement: Value = serde_json::from_str(include_str!("../signed/statement.json")).unwrap();
    let report = |jws: &str| {
        let reports = reports(&attach(&statement, jws), &[jws], &Trust::none());
        reports.into_iter().next().unwrap()
    };
    for good in [
        include_str!("../signed/rs256.jws"),
        // Its certificate is of version 1.
        include_str!("../signed/rs384.jws"),
        include_str!("../signed/rs512.jws"),
    ] {
        let report = report(good);
        assert_eq!(report.verdict(), Verdict::Verified, "{report:#?}");
    }
    for (bad, why) in [
        (include_str!("../signed/other.jws"), "was not made"),
        (include_str!("../signed/weak.jws"), "1024 bits"),
        (include_str!("../signed/curve.jws"), "RSA"),
    ] {
        let report = report(bad);
        assert_eq!(not_passed(&report), [(Check::Signature, Outcome::Failed)]);
        let words = &report.failures().next().unwrap().words;
        assert!(words.contains(why), "{words}");
    }
}

/// Whatever is cut off or turned, it is told and nothing panics.
#[test]
fn no_part_of_a_signature_can_be_changed() {
    let statement: Value = serde_json::from_str(include_str!("../signed/statement.json")).unwrap();
    let good = include_bytes!("../signed/rs256.jws");
    for place in (0..good.len()).step_by(7) {
        for changed in [&good[..place], &{
            let mut changed = good.to_vec();
            changed[place] ^= 1;
            changed
        }] {
            let mut with = statement.clone();
            with["attachments"] =
                json!([crate::kit::described(pannier_signature::SIGNATURE, changed)]);
            let contents = BTreeMap::from([(crate::kit::sha2(changed), changed)]);
            let text = with.to_string();
            let reports = verify(
                text.as_bytes(),
                XapiVersion::V2_0_0,
                &contents,
                &Trust::none(),
            );
            assert_eq!(reports[0].verdict(), Verdict::Failed, "{place}");
        }
    }
}
