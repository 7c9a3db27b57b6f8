//! Whom to trust: roots, and the chains that lead to them.

use pannier_signature::{Check, Outcome, Trust, Unreadable, Verdict};
use serde_json::json;

use crate::kit::{
    Made, RSA_2048, attach, certificate, chain, encoding, jws, not_passed, reports, root_above,
    signature, statement, x5c,
};

/// Returns why a chain is not trusted, if it is not.
fn distrust(certificates: &[&Made], trust: &Trust) -> Option<String> {
    let header = json!({"alg": "RS256", "x5c": x5c(certificates)});
    let jws = jws(&header, &statement().to_string(), |message| {
        signature(RSA_2048, encoding("RS256"), message)
    });
    let reports = reports(&attach(&statement(), &jws), &[&jws], trust);
    let [report] = &reports[..] else {
        panic!("{reports:?}");
    };
    match &not_passed(report)[..] {
        [] => {
            assert_eq!(report.verdict(), Verdict::Verified);
            None
        }
        [(Check::Trust, Outcome::Failed)] => report
            .failures()
            .next()
            .map(|failure| failure.words.clone()),
        other => panic!("{other:?}"),
    }
}

fn trusting(roots: &[&Made]) -> Trust {
    let pem: String = roots.iter().map(|root| root.pem()).collect();
    Trust::from_pem(pem.as_bytes()).unwrap()
}

#[test]
fn a_chain_leads_to_a_root() {
    let made = chain();
    let trust = trusting(&[&made.root]);
    for good in [
        &[&made.signer, &made.between][..],
        &[&made.signer, &made.between, &made.root],
    ] {
        assert_eq!(distrust(good, &trust), None);
    }
    for (bad, why) in [
        (&[&made.signer][..], "none of the roots"),
        (&[&made.signer, &made.root, &made.between], "certificate 2"),
        (
            &[&made.signer, &made.between, &made.between],
            "certificate 3",
        ),
    ] {
        let said = distrust(bad, &trust).unwrap();
        assert!(said.contains(why), "{said}");
    }
    let others = trusting(&[&certificate("Root", None, true, (2020, 2040), None)]);
    assert!(distrust(&[&made.signer, &made.between], &others).is_some());
    // The authority in between may be the root, and so may be the signer.
    assert_eq!(distrust(&[&made.signer], &trusting(&[&made.between])), None);
    assert_eq!(
        distrust(&[&made.signer], &trusting(&[&made.root, &made.signer])),
        None
    );
    assert_eq!(
        distrust(&[&made.signer], &Trust::none()),
        None,
        "not asked for"
    );
}

#[test]
fn a_chain_that_is_too_long_says_so() {
    let root = certificate("Root", None, true, (2020, 2040), None);
    let mut authorities = vec![root];
    for n in 1..=7 {
        let above = authorities.last();
        authorities.push(certificate(
            &format!("Authority {n}"),
            None,
            true,
            (2020, 2040),
            above,
        ));
    }
    let signer = certificate(
        "Ada",
        Some(RSA_2048),
        false,
        (2020, 2040),
        authorities.last(),
    );
    let mut certificates = vec![&signer];
    certificates.extend(authorities[1..].iter().rev());
    let said = distrust(&certificates, &trusting(&[&authorities[0]])).unwrap();
    assert!(said.contains("more than six authorities"), "{said}");
    // Nearer to the signer it is short enough.
    assert_eq!(distrust(&certificates, &trusting(&[&authorities[1]])), None);
}

#[test]
fn all_are_valid_when_the_statement_was_made() {
    let made = chain();
    let trust = trusting(&[&made.root]);
    let signer = |from, to, by| certificate("Ada", Some(RSA_2048), false, (from, to), by);
    for (years, why) in [
        ((2020, 2026), "not valid any more"),
        ((2027, 2030), "not valid yet"),
    ] {
        let outdated = signer(years.0, years.1, Some(&made.between));
        let said = distrust(&[&outdated, &made.between], &trust).unwrap();
        assert!(said.contains(why), "{said}");
        let alone = signer(years.0, years.1, None);
        let said = distrust(&[&alone], &trusting(&[&alone])).unwrap();
        assert!(said.contains(why), "{said}");
    }
    let between = certificate("Between", None, true, (2020, 2025), Some(&made.root));
    let below = signer(2026, 2028, Some(&between));
    let said = distrust(&[&below, &between], &trust).unwrap();
    assert!(said.contains("not valid any more"), "{said}");
}

/// The statement tells when; where only the payload has a timestamp, an LRS has dropped it.
#[test]
fn without_a_timestamp_nobody_knows_when() {
    let made = chain();
    let trust = trusting(&[&made.root]);
    let header = json!({"alg": "RS256", "x5c": x5c(&[&made.signer, &made.between])});
    let told = |payload_has: bool, statement_has: bool| {
        let statement = |has: bool| {
            let mut one = statement();
            if !has {
                one.as_object_mut().unwrap().remove("timestamp");
            }
            one
        };
        let jws = jws(&header, &statement(payload_has).to_string(), |message| {
            signature(RSA_2048, encoding("RS256"), message)
        });
        let reports = reports(&attach(&statement(statement_has), &jws), &[&jws], &trust);
        reports[0].outcome(Check::Trust)
    };
    assert_eq!(told(false, true), Outcome::Passed);
    assert_eq!(told(true, false), Outcome::Passed);
    assert_eq!(told(false, false), Outcome::Failed);
}

#[test]
fn only_an_authority_makes_certificates() {
    let made = chain();
    let trust = trusting(&[&made.root]);
    let person = certificate("Between", None, false, (2020, 2040), Some(&made.root));
    let below = certificate("Ada", Some(RSA_2048), false, (2026, 2028), Some(&person));
    assert!(distrust(&[&below, &person], &trust).is_some());
    // Of the same name, and by another key.
    let forged = certificate(
        "Ada",
        Some(RSA_2048),
        false,
        (2026, 2028),
        Some(&chain().between),
    );
    let said = distrust(&[&forged, &made.between], &trust).unwrap();
    assert!(said.contains("not made by the next one"), "{said}");
    let authority = certificate("Ada", Some(RSA_2048), true, (2026, 2028), Some(&made.root));
    let said = distrust(&[&authority], &trust).unwrap();
    assert!(said.contains("authority"), "{said}");
}

#[test]
fn roots_are_read_from_pem() {
    let root = chain().root.pem();
    let read = |pem: &str| Trust::from_pem(pem.as_bytes()).map(|trust| !trust.is_none());
    assert_eq!(read(&format!("\u{feff}{root}")), Ok(true));
    assert_eq!(read(&format!("Root\n{root}\n{root}")), Ok(true));
    assert_eq!(read(""), Err(Unreadable::Empty));
    assert_eq!(read(RSA_2048), Err(Unreadable::Empty));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(
        read(&format!("{root}{broken}")),
        Err(Unreadable::Certificate(2))
    );
    assert_eq!(
        read(&root.replace("-----END", "")),
        Err(Unreadable::Certificate(1))
    );
}

#[test]
fn a_person_who_is_trusted_makes_nobody_else_trusted() {
    let made = chain();
    let person = certificate("Ada", None, false, (2020, 2040), None);
    let below = certificate("Bob", Some(RSA_2048), false, (2026, 2028), Some(&person));
    for x5c in [&[&below][..], &[&below, &person]] {
        for trust in [trusting(&[&person]), trusting(&[&made.root, &person])] {
            assert!(distrust(x5c, &trust).is_some());
        }
    }
    // The same with an authority that the person made.
    let authority = certificate("Head", None, true, (2020, 2040), Some(&person));
    let below = certificate("Bob", Some(RSA_2048), false, (2026, 2028), Some(&authority));
    let trust = trusting(&[&person]);
    assert!(distrust(&[&below, &authority], &trust).is_some());
    assert!(distrust(&[&below, &authority, &person], &trust).is_some());
}

#[test]
fn a_root_counts_only_while_it_is_valid() {
    for (years, why) in [
        ((2010, 2026), "not valid any more"),
        ((2027, 2040), "not valid yet"),
    ] {
        let root = certificate("Root", None, true, years, None);
        let signer = certificate("Ada", Some(RSA_2048), false, (2026, 2028), Some(&root));
        for x5c in [&[&signer][..], &[&signer, &root]] {
            let said = distrust(x5c, &trusting(&[&root])).unwrap();
            assert!(said.contains(why), "{said}");
        }
    }
}

#[test]
fn a_root_reaches_as_far_as_it_says() {
    for (most, is_far_enough) in [(0, false), (1, true)] {
        let root = root_above(most);
        let between = certificate("Between", None, true, (2020, 2040), Some(&root));
        let signer = certificate("Ada", Some(RSA_2048), false, (2026, 2028), Some(&between));
        let said = distrust(&[&signer, &between], &trusting(&[&root]));
        assert_eq!(said.is_none(), is_far_enough, "{most}: {said:?}");
        // Directly below the root there is none between.
        let signer = certificate("Ada", Some(RSA_2048), false, (2026, 2028), Some(&root));
        assert_eq!(distrust(&[&signer], &trusting(&[&root])), None);
    }
}
