//! What real LRSs do to numbers, durations, instants and attachments, and what none of them does.

use pannier_xapi::statement::{Comparison, compare};
use serde_json::Value;

/// A statement with these members.
fn with(members: &str) -> String {
    format!(
        r#"{{"id":"7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},"object":{{"id":"http://example.com/it"}},{members}}}"#
    )
}

/// Whether a copy is the same when `ours` stands in the place of `…` in what was sent, and `theirs` in the copy.
fn same(members: &str, ours: &str, theirs: &str) -> bool {
    let sent = with(&members.replace('…', ours));
    let copy = with(&members.replace('…', theirs));
    let verdict = compare(sent.as_bytes(), copy.as_bytes());
    assert_ne!(verdict, Comparison::Unreadable, "{sent} {copy}");
    verdict == Comparison::Same
}

const EXTENSION: &str = r#""result":{"extensions":{"http://e.example/x":{"a":[…]}}}"#;
const DURATION: &str = r#""result":{"duration":"…"}"#;
const INSIDE: &str = r#""object":{"objectType":"SubStatement","actor":{"mbox":"mailto:a@example.com"},"verb":{"id":"http://example.com/did"},"object":{"id":"http://example.com/it"},"result":{"duration":"…"}}"#;
const SHA2: &str = r#""attachments":[{"usageType":"http://e.example/u","display":{"en":"x"},"contentType":"text/plain","length":3,"sha2":"…","fileUrl":"http://e.example/f"}]"#;

#[test]
fn an_integer_below_2_to_the_53rd_is_exact() {
    for (ours, theirs) in [
        ("1714842000123", "1714842000124"),
        ("1714842000123", "1714847400123"),
        ("100000001", "100000002"),
        ("9007199254740991", "9007199254740990"),
        ("9007199254740992", "9007199254740994"),
        ("12345678901234567890", "12345678901234567891"),
        ("12345678901234567890", "12345678901234569000"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567891",
        ),
    ] {
        assert!(!same(EXTENSION, ours, theirs), "{ours} and {theirs}");
    }
}

#[test]
fn what_lrss_do_to_numbers_is_allowed() {
    for (ours, theirs) in [
        ("1714842000123", "1714842000123"),
        ("12345678901234567890", "12345678901234567000"),
        ("12345678901234567890", "1.2345678901234567e+19"),
        ("9007199254740993", "9007199254740992"),
        ("5", "5.0"),
        ("0.12123434", "0.12123434245586395"),
        ("1.50", "1.5"),
        ("123456789012345678901234567890", "1.2345678901234568e29"),
    ] {
        assert!(same(EXTENSION, ours, theirs), "{ours} and {theirs}");
    }
    assert!(!same(EXTENSION, "0.5", "0.500001"));
}

#[test]
fn the_length_of_a_duration_counts_and_not_its_spelling() {
    for members in [DURATION, INSIDE] {
        for (ours, theirs) in [
            ("PT0.29S", "PT0.28S"),
            ("PT05S", "PT5S"),
            ("PT90S", "PT1M30S"),
            ("PT36H", "P1DT12H"),
            ("PT5H0M", "PT5H"),
            ("P1W", "P7D"),
            ("P0D", "PT0S"),
            ("P1Y2M", "P1Y60D"),
            ("PT1H0M0.297S", "PT1H0.28S"),
        ] {
            assert!(same(members, ours, theirs), "{ours} and {theirs}");
        }
        for (ours, theirs) in [
            ("PT0.29S", "PT0.27S"),
            ("PT0.28S", "PT0.29S"),
            ("PT90S", "PT1M31S"),
            ("P1M", "PT1M"),
            ("P1Y2M", "P1Y61D"),
        ] {
            assert!(!same(members, ours, theirs), "{ours} and {theirs}");
        }
    }
}

#[test]
fn an_attachment_with_another_hash_is_another_one() {
    let (a, b) = ("a1".repeat(32), "b2".repeat(32));
    assert!(same(SHA2, &a, &a.to_uppercase()));
    assert!(!same(SHA2, &a, &b));
    let sent = with(&SHA2.replace('…', &a));
    let without = with(r#""attachments":[]"#);
    let differs = compare(sent.as_bytes(), without.as_bytes());
    assert!(matches!(differs, Comparison::Different(_)));
    let none = with(r#""version":"1.0.0""#);
    assert_eq!(
        compare(without.as_bytes(), none.as_bytes()),
        Comparison::Same
    );
    // An LRS may forget in which order they came, and what is said of them.
    let two = |first: &str, second: &str, title: &str| {
        with(&format!(
            r#""attachments":[{{"sha2":"{first}","display":{{"en":"{title}"}}}},{{"sha2":"{second}"}}]"#
        ))
    };
    let verdict = compare(two(&a, &b, "x").as_bytes(), two(&b, &a, "y").as_bytes());
    assert_eq!(verdict, Comparison::Same);
}

/// The payload of a signature is the statement before the signature was attached (Data 2.6).
#[test]
fn a_signature_that_was_added_is_no_difference() {
    let payload = with(r#""version":"1.0.0""#);
    let signed = with(&format!(
        r#""attachments":[{{"usageType":"http://adlnet.gov/expapi/attachments/signature","contentType":"application/octet-stream","sha2":"{}"}}]"#,
        "c3".repeat(32)
    ));
    let verdict = compare(payload.as_bytes(), signed.as_bytes());
    assert_eq!(verdict, Comparison::Same);
    let lost = compare(signed.as_bytes(), payload.as_bytes());
    assert!(matches!(lost, Comparison::Different(_)));
}

#[test]
fn a_timestamp_is_compared_whatever_version_the_copy_names() {
    let stamped = |instant: &str, version: &str| {
        with(&format!(r#""timestamp":"{instant}","version":"{version}""#))
    };
    let sent = stamped("2024-05-01T10:00:00.123Z", "2.0.0");
    for version in ["1.0.0", "2.0.0"] {
        let same = stamped("2024-05-01T12:00:00.123+02:00", version);
        assert_eq!(compare(sent.as_bytes(), same.as_bytes()), Comparison::Same);
        let other = stamped("2024-05-01T11:00:00.123Z", version);
        let Comparison::Different(found) = compare(sent.as_bytes(), other.as_bytes()) else {
            panic!("an hour is no difference under {version}");
        };
        assert_eq!(found.listed[0].path, "$.timestamp");
    }
    let basic = stamped("20240501T100000.123Z", "1.0.0");
    assert_eq!(compare(basic.as_bytes(), sent.as_bytes()), Comparison::Same);
}

/// Most systems have no 61st second: for them it is the first of the next minute.
#[test]
fn a_leap_second_is_the_next_one_for_whoever_has_none() {
    let verdict = |ours: &str, theirs: &str| {
        let stamped = |instant: &str| with(&format!(r#""timestamp":"{instant}""#));
        compare(stamped(ours).as_bytes(), stamped(theirs).as_bytes())
    };
    for (leap, next) in [
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60.000Z"),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.5Z"),
        ("2016-12-31T23:59:60.123456Z", "2017-01-01T00:00:00.123Z"),
        ("2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00Z"),
        (
            "2016-12-31T18:29:60.25-05:30",
            "2017-01-01T05:00:00.25+05:00",
        ),
        ("2015-06-30T23:59:60Z", "2015-07-01T00:00:00Z"),
        ("20161231T235960Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60", "2017-01-01T00:00:00Z"),
    ] {
        assert_eq!(verdict(leap, next), Comparison::Same, "{leap} {next}");
        assert_eq!(verdict(next, leap), Comparison::Same, "{next} {leap}");
    }
    for other in [
        "2016-12-31T23:59:59Z",
        "2016-12-31T23:59:60.001Z",
        "2017-01-01T00:00:00.5Z",
        "2017-01-01T00:00:01Z",
        "2017-01-01T00:00:00+01:00",
    ] {
        let verdict = verdict("2016-12-31T23:59:60Z", other);
        assert!(matches!(verdict, Comparison::Different(_)), "{other}");
    }
}

/// Two LRSs drop what is empty; nothing is lost with it.
#[test]
fn what_was_empty_and_is_gone_is_no_difference() {
    let gone = with(r#""version":"1.0.0""#);
    for empty in [
        r#""context":{}"#,
        r#""result":{}"#,
        r#""result":{"extensions":{},"score":{}}"#,
        r#""context":{"contextActivities":{},"extensions":{}}"#,
        r#""context":{"contextActivities":{"parent":[]}}"#,
    ] {
        let verdict = compare(with(empty).as_bytes(), gone.as_bytes());
        assert_eq!(verdict, Comparison::Same, "{empty}");
    }
    let inside = with(r#""context":{"extensions":{"http://e.example/x":{}}}"#);
    let verdict = compare(inside.as_bytes(), gone.as_bytes());
    assert!(matches!(verdict, Comparison::Different(_)));
}

#[test]
fn a_null_for_what_is_not_there_is_no_difference() {
    let ours = with(r#""result":{"score":{"raw":1}}"#);
    let theirs = with(
        r#""stored":"2026-03-01T10:00:00Z","context":null,"attachments":null,
           "result":{"score":{"raw":1,"scaled":null},"success":null,"duration":null,"extensions":null}"#,
    );
    assert_eq!(
        compare(ours.as_bytes(), theirs.as_bytes()),
        Comparison::Same
    );
    // In an extension it is a value.
    let ours = with(r#""result":{"extensions":{"http://e.example/x":{"a":1}}}"#);
    let theirs = with(r#""result":{"extensions":{"http://e.example/x":{"a":1,"b":null}}}"#);
    let verdict = compare(ours.as_bytes(), theirs.as_bytes());
    assert!(matches!(verdict, Comparison::Different(_)));
}

#[test]
fn what_an_lrs_adds_beside_a_statements_members_is_no_difference() {
    let ours = with(r#""result":{"success":true}"#);
    let theirs = with(r#""_id":"65f0","hash":"x","voided":false,"result":{"success":true}"#);
    assert_eq!(
        compare(ours.as_bytes(), theirs.as_bytes()),
        Comparison::Same
    );
    let theirs = with(r#""_id":"65f0","result":{"success":false}"#);
    let verdict = compare(ours.as_bytes(), theirs.as_bytes());
    assert!(matches!(verdict, Comparison::Different(_)));
}

#[test]
fn an_iri_in_another_spelling_of_its_syntax_is_no_difference() {
    let with = |activity: &str, home: &str| {
        format!(
            r#"{{"actor":{{"account":{{"homePage":"{home}","name":"a"}}}},
                "verb":{{"id":"http://e.example/did"}},"object":{{"id":"{activity}"}}}}"#
        )
    };
    let ours = with("http://E.example/%7eada", "https://Home.example");
    let verdict = |activity, home| compare(ours.as_bytes(), with(activity, home).as_bytes());
    assert_eq!(
        verdict("http://e.example/~ada", "https://home.example"),
        Comparison::Same
    );
    // Not by the rules of its scheme (Data 3.1).
    for (activity, home) in [
        ("http://e.example:80/~ada", "https://home.example"),
        ("http://e.example/~ada", "https://home.example/"),
        ("http://e.example/~Ada", "https://home.example"),
    ] {
        assert!(
            matches!(verdict(activity, home), Comparison::Different(_)),
            "{activity}"
        );
    }
}

#[test]
fn differences_are_as_many_as_help_and_their_paths_as_long() {
    let wide = |n: u32| {
        let list: Vec<String> = (0..1_000).map(|at| (at * 2 + n).to_string()).collect();
        let (open, close) = (
            r#"{"a long name of a property":"#.repeat(80),
            "}".repeat(80),
        );
        with(&EXTENSION.replace('…', &format!("{open}[{}]{close}", list.join(","))))
    };
    let verdict = compare(wide(0).as_bytes(), wide(1).as_bytes());
    let Comparison::Different(found) = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!((found.listed.len(), found.more), (100, 900));
    for difference in &found.listed {
        let path = &difference.path;
        assert!(path.len() < 600, "{}", path.len());
        assert!(path.starts_with("$.result.extensions[") && path.ends_with(']'));
    }
    let ours: Value =
        serde_json::from_str(found.listed[7].ours.as_deref().expect("ours")).expect("a number");
    assert_eq!(ours, 14);
}
