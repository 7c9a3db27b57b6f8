//! What the model has no place for, and where that is said to be.

use super::super::Statement;
use crate::statement::{Comparison, compare};

/// A statement with these members, and perhaps other actors and objects than the usual.
fn with(members: &str) -> String {
    let or = |name: &str, usual: &str| {
        if members.starts_with(&format!("\"{name}\":")) {
            String::new()
        } else {
            format!("\"{name}\":{usual},")
        }
    };
    format!(
        r#"{{{}"verb":{{"id":"http://example.com/did"}},{}{members}}}"#,
        or("actor", r#"{"mbox":"mailto:a@example.com"}"#),
        or("object", r#"{"id":"http://example.com/it"}"#),
    )
}

/// The paths and problems of what is at fault.
fn faults(text: &str) -> Vec<(String, String)> {
    match Statement::from_json(text) {
        Ok(_) => Vec::new(),
        Err(invalid) => {
            let faults = invalid.faults.into_iter();
            faults.map(|fault| (fault.path, fault.problem)).collect()
        }
    }
}

fn assert_fault(members: &str, path: &str, problem: &str) {
    let text = with(members);
    let expected = vec![(path.to_owned(), problem.to_owned())];
    assert_eq!(faults(&text), expected, "{text}");
}

fn assert_comes_back(members: &str) {
    let text = with(members);
    let read = match Statement::from_json(&text) {
        Ok(read) => read,
        Err(invalid) => panic!("{invalid}\n{text}"),
    };
    let verdict = compare(text.as_bytes(), read.to_json().as_bytes());
    assert_eq!(verdict, Comparison::Same, "{text}\n{}", read.to_json());
}

/// Members, the path of what has no place among them, and what is said of it.
const WITHOUT_PLACE: &[(&str, &str, &str)] = &[
    (r#""verb2":{}"#, "$.verb2", "is not allowed here"),
    (
        r#""result":{"progress":1}"#,
        "$.result.progress",
        "is not allowed here",
    ),
    (
        r#""result":{"success":null}"#,
        "$.result.success",
        "is null",
    ),
    (
        r#""result":{"success":"yes"}"#,
        "$.result.success",
        "is a string",
    ),
    (r#""context":[]"#, "$.context", "is an array"),
    (
        r#""context":{"registration":"x"}"#,
        "$.context.registration",
        r#"is "x""#,
    ),
    (
        r#""object":{"id":"http://example.com/it","definition":{"interactionType":"essay"}}"#,
        "$.object.definition.interactionType",
        r#"is "essay""#,
    ),
    (
        r#""object":{"objectType":"Thing","id":"http://example.com/it"}"#,
        "$.object.objectType",
        r#"is "Thing""#,
    ),
    (
        r#""object":{"objectType":"StatementRef"}"#,
        "$.object.id",
        "is missing",
    ),
    (
        r#""context":{"statement":{"id":"7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c"}}"#,
        "$.context.statement.objectType",
        "is missing",
    ),
    (
        r#""actor":{"mbox":"mailto:a@example.com","openid":"http://example.com/a"}"#,
        "$.actor",
        "has 2 identifiers",
    ),
    (r#""actor":{"name":"A"}"#, "$.actor", "has no identifier"),
    (
        r#""actor":{"mbox":"mailto:a@example.com","member":[{"mbox":"mailto:b@example.com"}]}"#,
        "$.actor.member",
        "is not allowed in an Agent",
    ),
    (
        r#""actor":{"objectType":"Group","member":[{"objectType":"Group","mbox":"mailto:b@example.com"}]}"#,
        "$.actor.member[0]",
        "is a Group",
    ),
    (
        r#""context":{"team":{"mbox":"mailto:b@example.com"}}"#,
        "$.context.team",
        "is an Agent",
    ),
    (
        r#""actor":{"account":{"homePage":"http://example.com"}}"#,
        "$.actor.account.name",
        "is missing",
    ),
    (
        r#""attachments":[{"usageType":"http://e.example/u","display":{"en":"x"},"contentType":"a/b","length":1.5,"sha2":"ab"}]"#,
        "$.attachments[0].length",
        "is 1.5",
    ),
    (
        r#""result":{"extensions":{"http://e.example/x":{"a":1,"a":2}}}"#,
        r#"$.result.extensions["http://e.example/x"].a"#,
        "is there twice",
    ),
    (
        r#""result":{"extensions":{"http://e.example/x":["\ud83d"]}}"#,
        r#"$.result.extensions["http://e.example/x"][0]"#,
        "holds half of a surrogate pair",
    ),
    (
        r#""result":{"score":{"raw":1e400}}"#,
        "$.result.score.raw",
        "is too large a number",
    ),
];

#[test]
fn what_has_no_place_is_named_and_not_left_out() {
    for (members, path, problem) in WITHOUT_PLACE {
        assert_fault(members, path, problem);
    }
}

/// Members with something empty that the model does not tell from nothing, and its path.
const EMPTY: &[(&str, &str)] = &[
    (
        r#""actor":{"objectType":"Group","mbox":"mailto:g@example.com","member":[ ]}"#,
        "$.actor.member",
    ),
    (
        r#""context":{"contextAgents":[]}"#,
        "$.context.contextAgents",
    ),
    (
        r#""context":{"contextGroups":[]}"#,
        "$.context.contextGroups",
    ),
    (
        r#""attachments":[{"usageType":"http://e.example/u","display":{},"contentType":"a/b","length":1,"sha2":"ab"}]"#,
        "$.attachments[0].display",
    ),
];

#[test]
fn what_is_valid_and_cannot_be_kept_is_named() {
    let lrs = "is what an LRS says of a statement, for which the typed model has no place";
    for (name, value) in [
        ("stored", r#""2024-05-04T17:00:00Z""#),
        ("authority", r#"{"mbox":"mailto:lrs@example.com"}"#),
        ("version", r#""1.0.3""#),
    ] {
        assert_fault(&format!("\"{name}\":{value}"), &format!("$.{name}"), lrs);
    }
    for duration in ["P1Y", "P2M", "P0.5Y", "P1Y2M3DT4H"] {
        assert_fault(
            &format!(r#""result":{{"duration":"{duration}"}}"#),
            "$.result.duration",
            "is in years or months, which are not all of one length",
        );
    }
    for duration in ["PT9999999999999S", "P99999999999999999999D"] {
        assert_fault(
            &format!(r#""result":{{"duration":"{duration}"}}"#),
            "$.result.duration",
            "is too long a time",
        );
    }
    for second in ["2016-12-31T23:59:60Z", "20161231T235960Z"] {
        assert_fault(
            &format!(r#""timestamp":"{second}""#),
            "$.timestamp",
            "is in a leap second",
        );
    }
    for instant in ["0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59Z"] {
        assert_fault(
            &format!(r#""timestamp":"{instant}""#),
            "$.timestamp",
            "is outside the calendar of the typed model",
        );
    }
    // 2^53 + 1 and 2^64 + 1.
    for (number, where_) in [("9007199254740993", "score"), ("18446744073709551617", "x")] {
        let (members, path) = if where_ == "score" {
            (
                format!(r#""result":{{"score":{{"raw":{number}}}}}"#),
                "$.result.score.raw",
            )
        } else {
            (
                format!(
                    r#""result":{{"extensions":{{"http://e.example/x":{{"a":[1,{number}]}}}}}}"#
                ),
                r#"$.result.extensions["http://e.example/x"].a[1]"#,
            )
        };
        assert_fault(
            &members,
            path,
            "is an integer of more digits than a number of the typed model keeps",
        );
    }
    for (members, path) in EMPTY {
        assert_fault(members, path, "is empty");
    }
}

#[test]
fn what_has_several_spellings_comes_back_as_the_same() {
    for members in [
        r#""id":"7C6F2B4E-0A0D-4F4B-9A3C-1F1D2E3A4B5C""#,
        r#""timestamp":"2024-05-04T19:00:00.1239999+02:00""#,
        r#""timestamp":"20240504T190000,25+0200""#,
        r#""timestamp":"2024-05-04T17:00""#,
        r#""timestamp":"1950-02-03T04:05:06.789Z""#,
        r#""timestamp":"0000-01-01T00:00:00Z""#,
        r#""result":{"duration":"P0Y0M1DT1,5H"}"#,
        r#""result":{"duration":"P2W"}"#,
        r#""result":{"duration":"PT0.333333333333H"}"#,
        r#""result":{"duration":"PT1.2399999S"}"#,
        r#""result":{"score":{"scaled":0.123456789012345678901234,"raw":5,"min":-0,"max":1e3}}"#,
        r#""result":{"score":{"raw":9007199254740992,"max":100000000000000000000}}"#,
        r#""result":{"extensions":{"http://e.example/x":[18446744073709551615,-9223372036854775808,-0,1e2,null,{"":""}]}}"#,
        r#""result":{},"context":{"contextActivities":{"parent":[]},"extensions":{}},"attachments":[]"#,
        r#""context":{"contextActivities":{"parent":{"id":"http://example.com/one"}}}"#,
        r#""object":{"id":"7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c","objectType":"StatementRef"}"#,
    ] {
        assert_comes_back(members);
    }
}

#[test]
fn several_faults_are_told_at_once_and_nothing_of_a_person() {
    let invalid = Statement::from_json(
        r#"{"actor":{"mbox":["mailto:secret@example.com"]},"object":{"id":7},"x":1}"#,
    )
    .unwrap_err();
    let paths: Vec<_> = invalid.faults.iter().map(|fault| &*fault.path).collect();
    assert_eq!(paths, ["$.verb", "$.actor.mbox", "$.object.id", "$.x"]);
    assert!(!invalid.to_string().contains("secret"));
}

#[test]
fn what_is_no_json_or_too_deep_is_refused() {
    let deep = |levels: usize| {
        with(&format!(
            r#""result":{{"extensions":{{"http://e.example/x":{}{}}}}}"#,
            "[".repeat(levels),
            "]".repeat(levels)
        ))
    };
    assert!(Statement::from_json(&deep(97)).is_ok());
    assert!(faults(&deep(98))[0].1.starts_with("is nested deeper"));
    for text in ["", "null", "[]", "{", r#"{"a":}"#] {
        assert!(!faults(text).is_empty(), "{text}");
    }
    let twice = with(r#""result":{}"#).repeat(2);
    assert!(faults(&twice)[0].1.starts_with("is not JSON"));
}
