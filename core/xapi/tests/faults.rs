//! What a refused statement is told: every fault at once, each with its place, the problem, what would be
//! right, and who says so.

use pannier_xapi::statement::{Invalid, PANNIER_LIMIT, Warnings, XapiVersion, check};
use proptest::prelude::*;

const V1: XapiVersion = XapiVersion::V1_0_3;
const V2: XapiVersion = XapiVersion::V2_0_0;

fn faults(text: &[u8], version: XapiVersion) -> Invalid {
    check(text, version).expect_err("an invalid statement")
}

/// The one fault of a statement: path, problem and section.
fn only(text: &str, version: XapiVersion) -> (String, String, &'static str) {
    let mut faults = faults(text.as_bytes(), version).faults;
    assert_eq!(faults.len(), 1, "{text}: {faults:?}");
    let fault = faults.remove(0);
    (fault.path, fault.problem, fault.section)
}

/// A valid statement with these members, first or in place of its own.
fn with(members: &str) -> String {
    let own = [
        ("actor", r#"{"mbox":"mailto:a@example.com"}"#),
        ("verb", r#"{"id":"http://example.com/did"}"#),
        ("object", r#"{"id":"http://example.com/a"}"#),
    ];
    let kept = own
        .iter()
        .filter(|(name, _)| !members.starts_with(&format!("\"{name}\"")));
    let kept = kept.map(|(name, value)| format!("\"{name}\":{value}"));
    let members = (!members.is_empty()).then(|| members.to_owned());
    let all: Vec<String> = members.into_iter().chain(kept).collect();
    format!("{{{}}}", all.join(","))
}

/// The one fault of a statement with these members.
fn fault(members: &str) -> (String, String, &'static str) {
    only(&with(members), V1)
}

#[test]
fn the_fixture_is_valid() {
    for version in [V1, V2] {
        assert_eq!(check(with("").as_bytes(), version), Ok(Warnings::default()));
    }
}

#[test]
fn all_faults_are_listed_in_the_order_of_the_text() {
    let text = r#"{
        "id": 7,
        "actor": {"objectType": "Agent", "name": null, "mbox": "secret@example.com", "openid": "http://o.example/"},
        "verb": {"id": "did it", "display": {"en": 5, "english language": "did"}},
        "object": {"objectType": "Activity", "definition": {
            "interactionType": "choice",
            "scale": [{"id": "a"}, {"id": "a"}, {}],
            "extensions": {"progress": null}
        }},
        "result": {"score": {"scaled": 1.5, "raw": 11, "min": 0, "max": 10}, "duration": "1 hour"},
        "context": {
            "registration": "7c6f2b4e0a0d4f4b9a3c1f1d2e3a4b5c",
            "contextActivities": {"parent": [{"id": "http://example.com/c"}, {"id": "c"}]},
            "contextAgents": []
        },
        "Timestamp": "2024-05-04T17:00:00Z"
    }"#;
    let found = faults(text.as_bytes(), V1);
    let listed: Vec<String> = found
        .faults
        .iter()
        .map(|f| format!("{} {} [{}]", f.path, f.problem, f.section))
        .collect();
    assert_eq!(
        listed,
        [
            "$.id is a number [xAPI 1.0.3 Data 2.4.1]",
            "$.actor has 2 identifiers [xAPI 1.0.3 Data 2.4.2.3]",
            "$.actor.name is null [xAPI 1.0.3 Data 2.2]",
            "$.actor.mbox is malformed [xAPI 1.0.3 Data 2.4.2.3]",
            "$.verb.id is \"did it\" [xAPI 1.0.3 Data 2.4.3]",
            "$.verb.display.en is a number [xAPI 1.0.3 Data 4.2]",
            "$.verb.display[\"english language\"] is not named by a language tag [xAPI 1.0.3 Data 4.2]",
            "$.object.id is missing [xAPI 1.0.3 Data 2.4.4.1]",
            "$.object.definition.scale does not belong to this interactionType [xAPI 1.0.3 Data 2.4.4.1]",
            "$.object.definition.scale[1].id is the id of an earlier component [xAPI 1.0.3 Data 2.4.4.1]",
            "$.object.definition.scale[2].id is missing [xAPI 1.0.3 Data 2.4.4.1]",
            "$.object.definition.extensions.progress is not named by an IRI [xAPI 1.0.3 Data 4.1]",
            "$.result.score.scaled is 1.5 [xAPI 1.0.3 Data 2.4.5.1]",
            "$.result.score.raw is 11 [xAPI 1.0.3 Data 2.4.5.1]",
            "$.result.duration is \"1 hour\" [xAPI 1.0.3 Data 4.6]",
            "$.context.registration is \"7c6f2b4e0a0d4f4b9a3c1f1d2e3a4b5c\" [xAPI 1.0.3 Data 2.4.6]",
            "$.context.contextActivities.parent[1].id is \"c\" [xAPI 1.0.3 Data 2.4.4.1]",
            "$.context.contextAgents is not allowed here [xAPI 1.0.3 Data 2.4.6]",
            "$.Timestamp is not allowed here [xAPI 1.0.3 Data 2.4]",
        ]
    );
    let text = found.to_string();
    assert_eq!(text.lines().count(), found.faults.len());
    assert!(!text.contains("secret"), "{text}");
    assert!(text.contains(
        "$.result.duration is \"1 hour\"; expected a duration of ISO 8601, such as \"PT12M30.5S\" or \"P2W\" (xAPI 1.0.3 Data 4.6)"
    ));
}

#[test]
fn sections_are_those_of_the_version() {
    let (_, _, section) = only(&with(r#""verb":{"id":"did"}"#), V2);
    assert_eq!(section, "xAPI 2.0.0 4.2.2.2");
}

#[test]
fn what_is_missing_is_named_where_it_should_be() {
    let found = faults(b"{}", V2);
    let paths: Vec<&str> = found.faults.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(paths, ["$.actor", "$.verb", "$.object"]);
    assert!(
        found
            .faults
            .iter()
            .all(|f| f.problem == "is missing" && f.section == "xAPI 2.0.0 4.2.2")
    );
}

#[test]
fn a_name_may_be_there_once_at_any_depth() {
    let (path, problem, section) =
        fault(r#""verb":{"id":"http://example.com/did","\u0069d":"http://example.com/did"}"#);
    assert_eq!(
        (path.as_str(), problem.as_str(), section),
        ("$.verb.id", "is there twice", "xAPI 1.0.3 Data 2.2")
    );
    let (path, problem, section) =
        fault(r#""context":{"extensions":{"http://e.example/x":[{"a":{"b":1,"c":2,"b":3}}]}}"#);
    let expected = r#"$.context.extensions["http://e.example/x"][0].a.b"#;
    assert_eq!(
        (path.as_str(), problem.as_str(), section),
        (expected, "is there twice", PANNIER_LIMIT)
    );
}

#[test]
fn characters_that_servers_cannot_keep() {
    for (value, problem) in [
        (r#""a\u0000b""#, "holds the character U+0000"),
        (r#""\ud83d""#, "holds half of a surrogate pair"),
        (r#""\ude00\ud83d""#, "holds half of a surrogate pair"),
    ] {
        for (members, path) in [
            (
                format!(r#""result":{{"response":{value}}}"#),
                "$.result.response",
            ),
            (
                format!(r#""result":{{"extensions":{{"http://e.example/x":[{value}]}}}}"#),
                r#"$.result.extensions["http://e.example/x"][0]"#,
            ),
        ] {
            assert_eq!(
                fault(&members),
                (path.to_owned(), problem.to_owned(), PANNIER_LIMIT)
            );
        }
        let key = format!(r#""result":{{"extensions":{{"http://e.example/x":{{{value}:1}}}}}}"#);
        let (_, found, section) = fault(&key);
        assert_eq!((found.as_str(), section), (problem, PANNIER_LIMIT));
    }
}

#[test]
fn nesting_has_a_limit_of_ours() {
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        with(&format!(
            r#""result":{{"extensions":{{"http://e.example/x":{open}{close}}}}}"#
        ))
    };
    // The statement, the result and the extensions are three levels.
    assert_eq!(check(nested(97).as_bytes(), V1), Ok(Warnings::default()));
    let (path, problem, section) = only(&nested(98), V1);
    assert!(
        path.starts_with("$.result.extensions[\"http://e.example/x\"][0][0]"),
        "{path}"
    );
    assert!(
        problem.starts_with("is nested deeper than 100 levels, at line 1, column "),
        "{problem}"
    );
    assert_eq!(section, PANNIER_LIMIT);
}

#[test]
fn what_is_not_json_ends_the_list() {
    for (text, path, problem) in [
        ("", "$", "breaks off, at line 1, column 1 (byte 0)"),
        ("{", "$", "breaks off, at line 1, column 2 (byte 1)"),
        (
            "{\n\"actor\": {'mbox'}}",
            "$.actor",
            "is not JSON, at line 2, column 11 (byte 12)",
        ),
        (
            "{\"verb\": {\"id\": \"x\ny\"}}",
            "$.verb.id",
            "holds the unescaped control character U+000A, at line 1, column 19 (byte 18)",
        ),
        (
            "{\"verb\": {\"id\": \"x\0y\"}}",
            "$.verb.id",
            "holds the unescaped control character U+0000, at line 1, column 19 (byte 18)",
        ),
        (
            "{\"result\": {\"score\": {\"raw\": 01}}}",
            "$.result.score.raw",
            "is not JSON, at line 1, column 31 (byte 30)",
        ),
        (
            "{\"verb\": nil}",
            "$.verb",
            "is not JSON, at line 1, column 10 (byte 9)",
        ),
    ] {
        let found = only(text, V1);
        assert_eq!(
            found,
            (path.to_owned(), problem.to_owned(), "xAPI 1.0.3 About 3.0"),
            "{text}"
        );
    }
    let (path, problem, _) = only(&format!("{} {{}}", with("")), V1);
    assert_eq!(path, "$");
    assert!(
        problem.starts_with("is not JSON, at line 1, column "),
        "{problem}"
    );

    let found = faults(br#"{"id":"x","actor":"y",oops"#, V1);
    let paths: Vec<&str> = found.faults.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(paths, ["$.id", "$.actor", "$"]);
}

#[test]
fn the_encoding_is_utf_8_without_mark() {
    let not_utf_8 = faults(b"{\"actor\":\"\xff\"}", V1);
    assert_eq!(not_utf_8.faults[0].problem, "is not UTF-8, at byte 10");
    let marked = faults(format!("\u{feff}{}", with("")).as_bytes(), V2);
    assert_eq!(marked.faults[0].problem, "begins with a byte order mark");
    assert_eq!(marked.faults[0].section, "xAPI 2.0.0 4.1.2");
}

#[test]
fn a_statement_is_an_object() {
    for (text, kind) in [
        ("[]", "an array"),
        ("\"x\"", "a string"),
        ("5", "a number"),
        ("true", "a boolean"),
        ("null", "null"),
    ] {
        let (path, problem, _) = only(text, V1);
        assert_eq!((path.as_str(), problem), ("$", format!("is {kind}")));
    }
}

#[test]
fn rules_across_properties_do_not_depend_on_their_order() {
    let (path, problem, section) = fault(
        r#""object":{"id":"8f87ccde-bb56-4c2e-ab83-44982ef22df0","objectType":"StatementRef"},"context":{"platform":"x"}"#,
    );
    assert_eq!(path, "$.context.platform");
    assert_eq!(problem, "is not allowed while the object is a StatementRef");
    assert_eq!(section, "xAPI 1.0.3 Data 2.4.6");
    let swapped = r#"{"context":{"revision":"1"},"verb":{"id":"http://example.com/did"},"object":{"mbox":"mailto:b@example.com","objectType":"Agent"},"actor":{"mbox":"mailto:a@example.com"}}"#;
    assert_eq!(only(swapped, V2).0, "$.context.revision");

    let (path, problem, section) =
        fault(r#""verb":{"id":"http://adlnet.gov/expapi/verbs/voided"}"#);
    assert_eq!(
        (path.as_str(), section),
        ("$.object", "xAPI 1.0.3 Data 2.3.2")
    );
    assert_eq!(problem, "is an Activity under the verb voided");

    let (path, problem, _) = fault(r#""actor":{"member":[],"mbox":"mailto:a@example.com"}"#);
    assert_eq!(
        (path.as_str(), problem.as_str()),
        ("$.actor.member", "is not allowed in an Agent")
    );
}

#[test]
fn a_signature_is_a_stream_of_octets() {
    let signature = |content_type| {
        with(&format!(
            r#""attachments":[{{"contentType":"{content_type}","usageType":"http://adlnet.gov/expapi/attachments/signature","display":{{}},"length":3,"sha2":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}}]"#
        ))
    };
    assert!(check(signature("application/octet-stream").as_bytes(), V1).is_ok());
    let (path, _, section) = only(&signature("application/jose"), V1);
    assert_eq!(
        (path.as_str(), section),
        ("$.attachments[0].contentType", "xAPI 1.0.3 Data 2.6")
    );
}

#[test]
fn long_values_are_cut() {
    let (_, problem, _) = fault(&format!(r#""verb":{{"id":"{}"}}"#, "é".repeat(5000)));
    assert!(problem.chars().count() < 100, "{problem}");
    let (_, problem, _) = fault(&format!(
        r#""result":{{"score":{{"scaled":{}}}}}"#,
        "9".repeat(300)
    ));
    assert!(problem.len() < 100, "{problem}");
}

#[test]
fn a_hostile_text_gets_a_bounded_answer() {
    let text = with(&format!(r#""attachments":[{}1]"#, "1,".repeat(5000)));
    let found = faults(text.as_bytes(), V1);
    assert_eq!((found.faults.len(), found.more), (100, 4901));
    assert_eq!(found.faults[99].path, "$.attachments[99]");
    assert!(found.to_string().ends_with("\n… and 4901 more faults"));
}

/// The places a statement is warned of, with what is said.
fn warned(text: &str, version: XapiVersion) -> Vec<(String, String, &'static str)> {
    let warnings = check(text.as_bytes(), version).expect("a valid statement");
    assert_eq!(warnings.more, 0);
    let listed = warnings.listed.into_iter();
    listed
        .map(|warning| (warning.path, warning.problem, warning.section))
        .collect()
}

#[test]
fn an_empty_object_is_valid_and_warned_of() {
    let text = with(
        r#""result":{},"context":{"contextActivities":{},"extensions":{"http://e.example/x":{}}},"verb":{"id":"http://example.com/did","display":{}}"#,
    )
    .replacen(r#","verb":{"id":"http://example.com/did"}"#, "", 1);
    let places = ["$.result", "$.context.contextActivities", "$.verb.display"];
    for (version, section) in [(V1, "xAPI 1.0.3 Data 2.2"), (V2, "xAPI 2.0.0 5.2.4.1")] {
        let expected = places.map(|path| (path.to_owned(), "is empty".to_owned(), section));
        assert_eq!(warned(&text, version), expected);
    }
    for place in ["extensions", "score"] {
        let text = with(&format!(r#""result":{{"{place}":{{}}}}"#));
        assert_eq!(warned(&text, V1)[0].0, format!("$.result.{place}"));
    }
}

#[test]
fn what_is_refused_is_not_warned_of_at_the_same_place() {
    let invalid = faults(with(r#""verb":{},"result":{}"#).as_bytes(), V1);
    assert_eq!(invalid.faults.len(), 1);
    assert_eq!(invalid.faults[0].path, "$.verb.id");
    let warned: Vec<&str> = invalid
        .warnings
        .listed
        .iter()
        .map(|warning| warning.path.as_str())
        .collect();
    assert_eq!(warned, ["$.result"]);
}

#[test]
fn warnings_are_bounded_as_faults_are() {
    let empty = "{\"id\":\"http://example.com/a\",\"definition\":{}},".repeat(150);
    let list = empty.trim_end_matches(',');
    let text = with(&format!(
        r#""context":{{"contextActivities":{{"other":[{list}]}}}}"#
    ));
    let warnings = check(text.as_bytes(), V1).expect("a valid statement");
    assert_eq!((warnings.listed.len(), warnings.more), (100, 50));
}

#[test]
fn an_address_is_checked_wherever_an_iri_stands() {
    let bad = "http://NAME-urn:scormdriver:5419/quiz";
    for (members, path) in [
        (format!(r#""verb":{{"id":"{bad}"}}"#), "$.verb.id"),
        (format!(r#""object":{{"id":"{bad}"}}"#), "$.object.id"),
        (
            format!(r#""object":{{"id":"http://e.example/a","definition":{{"type":"{bad}"}}}}"#),
            "$.object.definition.type",
        ),
        (
            format!(r#""result":{{"extensions":{{"{bad}":1}}}}"#),
            "$.result.extensions[\"http://NAME-urn:scormdriver:5419/quiz\"]",
        ),
        (
            format!(r#""actor":{{"account":{{"homePage":"{bad}","name":"a"}}}}"#),
            "$.actor.account.homePage",
        ),
        (format!(r#""actor":{{"openid":"{bad}"}}"#), "$.actor.openid"),
    ] {
        assert_eq!(fault(&members).0, path);
    }
}

#[test]
fn a_mailbox_is_one_address_of_the_form_that_mail_has() {
    for (mbox, good) in [
        ("mailto:kim@example.com", true),
        ("mailto:o'brien+x@example.com", true),
        ("mailto:%22kim%20lee%22@example.com", true),
        ("mailto:日本@例え.jp", true),
        ("mailto:kim.@example.com", false),
        ("mailto:mailto:kim@example.com", false),
        ("mailto:kim@example.com,lee@example.com", true),
        ("mailto:kim@lee@example.com", false),
        ("mailto:kim%40lee@example.com", false),
    ] {
        let text = with(&format!(r#""actor":{{"mbox":"{mbox}"}}"#));
        assert_eq!(check(text.as_bytes(), V1).is_ok(), good, "{mbox}");
    }
}

#[test]
fn basic_format_is_iso_8601_and_no_rfc_3339() {
    let text = with(r#""timestamp":"20240504T170000Z""#);
    let said = |problem: &str| {
        (
            "$.timestamp".to_owned(),
            problem.to_owned(),
            "xAPI 1.0.3 Data 4.5",
        )
    };
    assert_eq!(warned(&text, V1), [said("is not in the form of RFC 3339")]);
    assert_eq!(only(&text, V2).0, "$.timestamp");
    // Servers take it in the zone of their own.
    let text = with(r#""timestamp":"2024-05-04T17:00:00""#);
    assert_eq!(warned(&text, V1), [said("is not in the form of RFC 3339")]);
    let mixed = with(r#""timestamp":"20240504T17:00:00Z""#);
    assert_eq!(only(&mixed, V1).0, "$.timestamp");
}

#[test]
fn a_language_tag_has_a_longest() {
    let long = format!("en{}", "-abcdefgh".repeat(40));
    let problem = "is a language tag of more than 255 bytes";
    let found = fault(&format!(r#""context":{{"language":"{long}"}}"#));
    assert_eq!(
        found,
        (
            "$.context.language".to_owned(),
            problem.to_owned(),
            PANNIER_LIMIT
        )
    );
    let (path, found, section) = fault(&format!(
        r#""verb":{{"id":"http://example.com/did","display":{{"{long}":"x"}}}}"#
    ));
    assert!(path.starts_with("$.verb.display[\"en-abcdefgh-"), "{path}");
    assert_eq!((found.as_str(), section), (problem, PANNIER_LIMIT));
}

#[test]
fn the_length_of_an_attachment_is_one_that_every_lrs_can_read() {
    let attached = |length: &str| {
        with(&format!(
            r#""attachments":[{{"usageType":"http://e.example/u","display":{{"en":"x"}},"contentType":"text/plain","length":{length},"sha2":"{}"}}]"#,
            "ab".repeat(32)
        ))
    };
    assert!(check(attached("9223372036854775807").as_bytes(), V2).is_ok());
    for length in [
        "9223372036854775808",
        "18446744073709551616",
        &"9".repeat(60),
    ] {
        let (path, problem, section) = only(&attached(length), V2);
        assert_eq!(path, "$.attachments[0].length");
        assert_eq!(problem, "is longer than any content can be");
        assert_eq!(section, PANNIER_LIMIT);
    }
}

#[test]
fn no_path_is_longer_than_helps() {
    let name = format!(r#"{{"{}":"#, "a long name of a property ".repeat(10));
    let text = with(&format!(
        r#""result":{{"extensions":{{"http://e.example/x":{}"\u0000"{}}}}}"#,
        name.repeat(90),
        "}".repeat(90)
    ));
    let (path, _, _) = only(&text, V1);
    assert!(path.len() < 600, "{}", path.len());
    assert!(path.starts_with("$.result.extensions[\"http://e.example/x\"]"));
    assert!(path.contains('…') && path.ends_with(']'), "{path}");
}

#[test]
fn a_year_that_no_clock_error_explains_is_warned_of() {
    for (timestamp, problem) in [
        ("2569-05-04T17:00:00Z", "is in the year 2569"),
        ("2200-01-01T00:00:00Z", "is in the year 2200"),
        ("1969-12-31T23:59:59Z", "is in the year 1969"),
        ("0001-01-01T00:00:00Z", "is in the year 1"),
    ] {
        let text = with(&format!(r#""timestamp":"{timestamp}""#));
        let (path, found, section) = warned(&text, V2).remove(0);
        assert_eq!((path.as_str(), found.as_str()), ("$.timestamp", problem));
        assert_eq!(section, PANNIER_LIMIT);
    }
    for timestamp in ["1970-01-01T00:00:00Z", "2199-12-31T23:59:59Z"] {
        let text = with(&format!(r#""timestamp":"{timestamp}""#));
        assert_eq!(warned(&text, V2), []);
    }
}

proptest! {
    /// Numbers are compared as written: what floating point cannot tell apart is still in order.
    #[test]
    fn score_bounds_are_exact(raw in any::<i64>(), max in any::<i64>()) {
        let text = with(&format!(r#""result":{{"score":{{"raw":{raw},"max":{max}}}}}"#));
        prop_assert_eq!(check(text.as_bytes(), V1).is_ok(), raw <= max);
    }
}
