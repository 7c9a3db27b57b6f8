//! What comes back is what was sent, and what the standard adds.

use serde_json::{Value, json};

use crate::client::{Lrs, id, statement};

#[test]
fn every_received_property_comes_back_as_it_was_written() {
    let lrs = Lrs::start();
    let known = id();
    let numbers = r#"{"http://e.example/":{"big":12345678901234567890123,"exact":1.10,"tiny":1e-400,"text":"\u00e9\/","nothing":null,"empty":{}}}"#;
    let body = format!(
        r#"{{"id":"{known}","result":{{"extensions":{numbers}}},"verb":{{"id":"http://v.example/","display":{{"de":"übte"}}}},
            "actor":{{"name":"Ann","mbox":"mailto:ann@example.org"}},"object":{{"id":"http://o.example/"}},"timestamp":"2026-03-01T10:00:00.1Z"}}"#
    );
    assert_eq!(
        lrs.send("POST", "/statements", &[], body.clone()).status,
        200
    );
    let text = lrs.get(&[("statementId", &known)]).text();
    assert!(text.contains(numbers), "{text}");
    let mut got: Value = serde_json::from_str(&text.replace("1e-400", "0")).unwrap();
    let sent: Value = serde_json::from_str(&body.replace("1e-400", "0")).unwrap();
    for added in ["stored", "authority", "version"] {
        assert!(
            got.as_object_mut().unwrap().remove(added).is_some(),
            "{added}"
        );
    }
    assert_eq!(got, sent);
    assert_eq!(
        lrs.send("POST", "/statements", &[], text).status,
        200,
        "what was given out is known"
    );
}

#[test]
fn the_hub_sets_stored_authority_version_and_timestamp() {
    let lrs = Lrs::start();
    let mut bare = statement(&id());
    bare.as_object_mut().unwrap().remove("timestamp");
    bare["stored"] = json!("2013-05-18T05:32:34.804Z");
    bare["authority"] = json!({"mbox": "mailto:boss@example.org"});
    for (header, version) in [("1.0.3", "1.0.0"), ("2.0.0", "2.0.0")] {
        bare["id"] = json!(id());
        let header = [("x-experience-api-version", header)];
        assert_eq!(
            lrs.send("POST", "/statements", &header, bare.to_string())
                .status,
            200
        );
        let got = lrs
            .get(&[("statementId", bare["id"].as_str().unwrap())])
            .json();
        assert!(got["stored"].as_str().unwrap() > "2026");
        assert_eq!(got["timestamp"], got["stored"]);
        assert_eq!(got["version"], json!(version));
        assert_eq!(got["authority"]["account"]["name"], json!("me"));
    }
    let mut said = statement(&id());
    said["version"] = json!("1.0.1");
    assert_eq!(
        lrs.send(
            "POST",
            "/statements",
            &[("x-experience-api-version", "1.0.3")],
            said.to_string()
        )
        .status,
        200
    );
    assert_eq!(
        lrs.get(&[("statementId", said["id"].as_str().unwrap())])
            .json()["version"],
        said["version"]
    );
}

#[test]
fn context_activities_come_back_in_arrays() {
    let lrs = Lrs::start();
    let single = json!({"contextActivities": {"parent": {"id": "http://p.example/"}, "other": [{"id": "http://q.example/"}]}});
    let arrays = json!({"contextActivities": {"parent": [{"id": "http://p.example/"}], "other": [{"id": "http://q.example/"}]}});
    let mut sent = statement(&id());
    sent["context"] = single.clone();
    sent["object"] = json!({"objectType": "SubStatement", "actor": {"mbox": "mailto:a@b.example"}, "verb": {"id": "http://v.example/"}, "object": {"id": "http://o.example/"}, "context": single});
    let known = lrs.stored(&sent).remove(0);
    let got = lrs.get(&[("statementId", &known)]).json();
    assert_eq!(
        (&got["context"], &got["object"]["context"]),
        (&arrays, &arrays)
    );
    lrs.stored(&sent);
}

#[test]
fn timestamps_come_back_in_utc_under_2_0() {
    let lrs = Lrs::start();
    let mut sent = statement(&id());
    sent["timestamp"] = json!("2026-03-01T12:00:00.25+02:00");
    let known = lrs.stored(&sent).remove(0);
    assert_eq!(
        lrs.get(&[("statementId", &known)]).json()["timestamp"],
        json!("2026-03-01T10:00:00.25Z")
    );
    lrs.stored(&sent);
}

#[test]
fn format_ids_leaves_what_identifies() {
    let lrs = Lrs::start();
    let mut sent = statement(&id());
    sent["object"] = json!({"id": "http://o.example/", "definition": {"name": {"en": "Object"}}});
    let known = lrs.stored(&sent).remove(0);
    for query in [
        vec![("format", "ids")],
        vec![("format", "ids"), ("statementId", known.as_str())],
    ] {
        let got = lrs.get(&query).json();
        let got = if got["statements"].is_array() {
            &got["statements"][0]
        } else {
            &got
        };
        assert_eq!(got["actor"], json!({"mbox": "mailto:ann@example.org"}));
        assert_eq!(got["object"], json!({"id": "http://o.example/"}));
        assert!(got["authority"]["account"].is_object() && got["stored"].is_string());
    }
}

#[test]
fn format_canonical_shows_what_the_hub_knows_in_the_readers_language() {
    let lrs = Lrs::start();
    let say = |object: Value, verb: Value| {
        let mut sent = statement(&id());
        (sent["object"], sent["verb"]) = (object, verb);
        lrs.stored(&sent).remove(0)
    };
    let object = "http://o.example/";
    let first = say(json!({"id": object}), json!({"id": "http://v.example/"}));
    say(
        json!({"id": object, "definition": {"type": "http://t.example/", "name": {"en": "train", "de": "Zug"}}}),
        json!({"id": "http://v.example/", "display": {"en": "took", "de": "nahm"}}),
    );
    say(
        json!({"id": object, "definition": {"name": {"en": "railway"}}}),
        json!({"id": "http://v.example/"}),
    );
    let canonical = |language: &str| {
        let path = crate::client::path(&[("statementId", &first), ("format", "canonical")]);
        let got = lrs
            .send("GET", &path, &[("accept-language", language)], "")
            .json();
        (
            got["object"]["definition"].clone(),
            got["verb"]["display"].clone(),
        )
    };
    assert_eq!(
        canonical("de-AT, en;q=0.5"),
        (
            json!({"type": "http://t.example/", "name": {"de": "Zug"}}),
            json!({"de": "nahm"})
        )
    );
    assert_eq!(
        canonical("en"),
        (
            json!({"type": "http://t.example/", "name": {"en": "railway"}}),
            json!({"en": "took"})
        )
    );
    assert_eq!(
        lrs.get(&[("statementId", &first)]).json()["object"],
        json!({"id": object})
    );
}
