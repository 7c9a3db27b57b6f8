//! What `prepare` makes of a statement: which bytes are added or changed, and what it says about them.

use pannier_xapi::statement::{Fill, PANNIER_LIMIT, Prepared, XapiVersion, check, prepare};
use uuid::{Uuid, uuid};

const FILL: Fill = Fill {
    id: uuid!("0190b7a2-1111-4222-8333-444455556666"),
    now_ms: 1_714_842_000_007,
};
const COMPLETE: &str = r#"{"id":"7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c","actor":{"mbox":"mailto:a@example.com"},"verb":{"id":"http://example.com/did"},"object":{"id":"http://example.com/a"},"timestamp":"2024-05-04T17:00:00.000Z"}"#;

fn prepared(text: &str, version: XapiVersion) -> Prepared {
    match prepare(text.as_bytes(), version, &FILL) {
        Ok(prepared) => prepared,
        Err(invalid) => panic!("{text}\n{invalid}"),
    }
}

fn body(text: &str) -> String {
    String::from_utf8(prepared(text, XapiVersion::V1_0_3).body).expect("UTF-8")
}

/// A valid, complete statement with more members.
fn with(members: &str) -> String {
    COMPLETE.replacen('{', &format!("{{{members},"), 1)
}

#[test]
fn a_complete_statement_keeps_its_bytes() {
    let spaced = COMPLETE
        .replace(':', " :\t")
        .replace("\"a", "\n\"a")
        .replace(" :\t//", "://");
    for text in [
        COMPLETE.to_owned(),
        with(r#""result":{"response":"é\u00e9\/ 😀"}"#),
    ] {
        assert_eq!(body(&text), text);
    }
    assert!(
        check(spaced.as_bytes(), XapiVersion::V1_0_3).is_err(),
        "a mailto IRI with a tab"
    );
    let spaced = COMPLETE.replace("\":", "\" :\t").replace(",\"", " , \n\"");
    assert_eq!(body(&spaced), spaced);
}

#[test]
fn white_space_around_is_left_out() {
    assert_eq!(body(&format!(" \n\t{COMPLETE}\r\n ")), COMPLETE);
}

#[test]
fn id_and_timestamp_come_first() {
    let bare = r#"{ "actor":{"mbox":"mailto:a@example.com"},"verb":{"id":"http://example.com/did"},"object":{"id":"http://example.com/a"} }"#;
    let complete = prepared(bare, XapiVersion::V1_0_3);
    assert_eq!(
        String::from_utf8(complete.body).expect("UTF-8"),
        bare.replacen(
            '{',
            r#"{"id":"0190b7a2-1111-4222-8333-444455556666","timestamp":"2024-05-04T17:00:00.007Z","#,
            1
        )
    );
    assert_eq!(complete.id, FILL.id);
    assert_eq!(complete.timestamp_ms, FILL.now_ms);
    assert!(complete.timestamp_is_ours);

    let with_id = bare.replacen('{', r#"{"id":"7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c","#, 1);
    let added = r#"{"timestamp":"2024-05-04T17:00:00.007Z","#;
    assert_eq!(body(&with_id), with_id.replacen('{', added, 1));

    let with_timestamp = bare.replacen('{', r#"{"timestamp":"2024-05-04T19:00:00+02:00","#, 1);
    let complete = prepared(&with_timestamp, XapiVersion::V1_0_3);
    let added = r#"{"id":"0190b7a2-1111-4222-8333-444455556666","#;
    assert_eq!(
        complete.body,
        with_timestamp.replacen('{', added, 1).into_bytes()
    );
    assert_eq!(complete.timestamp_ms, 1_714_842_000_000);
    assert!(!complete.timestamp_is_ours);
}

#[test]
fn an_id_in_capitals_is_made_small_in_place() {
    let capitals = COMPLETE.replace("7c6f2b4e-0a0d-4f4b-9a3c", "7C6F2B4E-0a0d-4F4B-9A3C");
    assert_eq!(body(&capitals), COMPLETE);
    let elsewhere = with(r#""context":{"registration":"7C6F2B4E-0A0D-4F4B-9A3C-1F1D2E3A4B5C"}"#);
    assert_eq!(body(&elsewhere), elsewhere);
    let small_escape = COMPLETE.replace("\"7c6f", r#""7\u0063\u0036f"#);
    assert_eq!(body(&small_escape), small_escape);
    let capital_escape = COMPLETE.replace("\"7c6f", r#""7\u0043\u0036f"#);
    assert_eq!(body(&capital_escape), COMPLETE);
}

#[test]
fn names_in_escapes_are_the_same_names() {
    let escaped = COMPLETE
        .replace("\"id\":\"7", r#""\u0069d":"7"#)
        .replace("timestamp", r"time\u0073tamp");
    let complete = prepared(&escaped, XapiVersion::V1_0_3);
    assert_eq!(complete.body, escaped.as_bytes());
    assert_eq!(complete.id, uuid!("7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c"));
    assert!(!complete.timestamp_is_ours);
}

#[test]
fn numbers_beyond_floating_point_are_kept() {
    let text = with(
        r#""result":{"score":{"raw":9007199254740993,"min":9007199254740992,"max":1e300},"extensions":{"http://e.example/x":[123456789012345678901234567890,-0.0,1E-999]}}"#,
    );
    assert_eq!(body(&text), text);
}

#[test]
fn a_number_beyond_any_double_is_refused_wherever_it_stands() {
    let digits = "9".repeat(400);
    for number in ["1e400", "-1E+309", digits.as_str()] {
        for member in [
            format!(r#""result":{{"score":{{"max":{number}}}}}"#),
            format!(r#""result":{{"extensions":{{"http://e.example/x":[{number}]}}}}"#),
        ] {
            let invalid = prepare(with(&member).as_bytes(), XapiVersion::V2_0_0, &FILL)
                .expect_err("too large");
            assert_eq!(invalid.faults.len(), 1, "{invalid}");
            assert_eq!(invalid.faults[0].section, PANNIER_LIMIT);
        }
    }
}

#[test]
fn a_timestamp_without_zone_is_utc_and_the_future_is_no_fault() {
    let ms = |timestamp| {
        let text = COMPLETE.replace("2024-05-04T17:00:00.000Z", timestamp);
        prepared(&text, XapiVersion::V1_0_3).timestamp_ms
    };
    assert_eq!(ms("2024-05-04T17:00:00"), 1_714_842_000_000);
    assert_eq!(ms("2999-01-01T00:00:00Z"), 32_472_144_000_000);
}

#[test]
fn what_only_version_2_knows_is_told() {
    let needs = |text: &str| prepared(text, XapiVersion::V2_0_0).needs_2_0;
    let agents = r#""context":{"contextAgents":[{"objectType":"contextAgent","agent":{"mbox":"mailto:b@example.com"}}]}"#;
    let groups = r#""context":{"contextGroups":[]}"#;
    let inner = COMPLETE.replace("\"object\":{", &format!(
        r#""object":{{"objectType":"SubStatement","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},"object":{{"id":"http://example.com/a"}},{agents}}},"unused":{{"#
    ));
    let inner = format!("{}}}", inner.split(",\"unused\"").next().expect("a start"));
    assert!(needs(&with(agents)));
    assert!(needs(&with(groups)));
    assert!(needs(&inner));
    assert!(needs(&with(r#""version":"2.0.0""#)));
    assert!(!needs(&with(r#""version":"1.0.3""#)));
    assert!(!needs(COMPLETE));
    // RFC 3339 takes small letters too, and ISO 8601 has none.
    let small = [
        COMPLETE.replace("04T17", "04t17"),
        COMPLETE.replace("000Z", "000z"),
        with(r#""stored":"2026-03-01t10:00:00z""#),
    ];
    for text in &small {
        assert!(needs(text), "{text}");
    }
    let others = [
        with(agents),
        with(groups),
        inner,
        with(r#""version":"2.0.0""#),
    ];
    for text in others.iter().chain(&small) {
        assert!(
            check(text.as_bytes(), XapiVersion::V1_0_3).is_err(),
            "{text}"
        );
    }
}

#[test]
fn a_voiding_statement_names_its_target() {
    let target = "8f87ccde-bb56-4c2e-ab83-44982ef22df0";
    let object = format!(r#""object":{{"id":"{target}","objectType":"StatementRef"}}"#);
    let refers = COMPLETE.replace(r#""object":{"id":"http://example.com/a"}"#, &object);
    let voids = refers.replace(
        "http://example.com/did",
        "http://adlnet.gov/expapi/verbs/voided",
    );
    let voided = |text: &str| prepared(text, XapiVersion::V1_0_3).voids;
    assert_eq!(
        voided(&voids),
        Some(Uuid::parse_str(target).expect("a UUID"))
    );
    assert_eq!(voided(&refers), None);
    assert_eq!(
        voided(&voids.replace("http://adlnet", "https://adlnet")),
        None
    );
}

#[test]
fn content_that_must_travel_along_is_told() {
    let attachment = r#"{"usageType":"http://example.com/u","display":{"en":"x"},"contentType":"text/plain","length":3,"sha2":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}"#;
    let linked = attachment.replacen('{', r#"{"fileUrl":"http://example.com/f","#, 1);
    let attached = |more: &str| {
        let found = prepared(&with(more), XapiVersion::V1_0_3).attached;
        let told = found.into_iter().map(|one| (one.path, one.length));
        told.collect::<Vec<_>>()
    };
    let list = |list: &str| attached(&format!(r#""attachments":[{list}]"#));
    let at = |path: &str| (path.to_owned(), 3);
    assert_eq!(list(attachment), [at("$.attachments[0]")]);
    assert_eq!(
        list(&format!("{linked},{attachment}")),
        [at("$.attachments[1]")]
    );
    assert_eq!((list(&linked), list("")), (Vec::new(), Vec::new()));
    let sub = format!(
        r#""attachments":[{attachment}],"object":{{"objectType":"SubStatement","actor":{{"mbox":"mailto:b@example.com"}},"verb":{{"id":"http://example.com/v"}},"object":{{"id":"http://example.com/o"}},"attachments":[{linked},{attachment}]}}"#
    );
    let text = with(&sub).replacen(r#","object":{"id":"http://example.com/a"}"#, "", 1);
    let found = prepared(&text, XapiVersion::V1_0_3).attached;
    let paths: Vec<_> = found.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, ["$.attachments[0]", "$.object.attachments[1]"]);
    assert_eq!(found[0].content_type, "text/plain");
    assert!(found[0].sha2.starts_with("ba7816bf"));
}

#[test]
fn nothing_of_a_statement_is_in_its_debug_text() {
    let text = format!("{:?}", prepared(COMPLETE, XapiVersion::V1_0_3));
    assert!(!text.contains("example.com"), "{text}");
}
