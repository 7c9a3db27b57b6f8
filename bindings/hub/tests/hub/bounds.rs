//! Answers and work stay small beside the request, whatever it holds.

use std::fmt::Write;

use pannier_hub::{Hub, Options};
use serde_json::{Value, json};

use crate::client::{Answer, Lrs, id, statement};

/// More than anybody reads of what is wrong with a request.
const LONG: usize = 200_000;

#[track_caller]
fn is_short(answer: &Answer) {
    assert!(answer.body.len() < LONG, "{} bytes", answer.body.len());
}

#[test]
fn the_list_of_faults_ends() {
    let lrs = Lrs::start();
    let nothings = format!("[{}{{}}]", "{},".repeat(20_000));
    let answer = lrs.send("POST", "/statements", &[], nothings);
    let refusal = answer.refused(400);
    is_short(&answer);
    assert_eq!(refusal["faults"].as_array().unwrap().len(), 100);
    assert!(refusal["unlisted"].as_u64().unwrap() > 1000);
    assert!(refusal["error"].as_str().unwrap().contains("at least"));

    // Few enough to be counted.
    let answer = lrs.send("POST", "/statements", &[], "[{},{},{}]");
    let refusal = answer.refused(400);
    assert!(
        refusal["error"]
            .as_str()
            .unwrap()
            .starts_with("3 statements")
    );
    assert_eq!(refusal["unlisted"], Value::Null);
}

#[test]
fn the_path_of_a_fault_ends() {
    let lrs = Lrs::start();
    // A property twice, far down.
    let name = "n".repeat(90);
    let mut deep = String::from(r#"{"a":1,"a":1}"#);
    for _ in 0..80 {
        deep = format!(r#"{{"{name}":{deep}}}"#);
    }
    let mut wrong = statement(&id());
    wrong["result"] = json!({"extensions": {"http://e.example/": "DEEP"}});
    let wrong = wrong.to_string().replace("\"DEEP\"", &deep);
    let many = format!("[{}]", vec![wrong; 100].join(","));
    let answer = lrs.send("POST", "/statements", &[], many);
    answer.refused(400);
    is_short(&answer);
}

#[test]
fn the_list_of_conflicts_ends() {
    let lrs = Lrs::start();
    let extensions = |value: u32| {
        let members = (0..1000).fold(String::new(), |mut all, index| {
            let _ = write!(all, r#","http://e.example/{index}":{value}"#);
            all
        });
        serde_json::from_str::<Value>(&format!("{{{}}}", &members[1..])).unwrap()
    };
    let mut many: Vec<Value> = (0..300).map(|_| statement(&id())).collect();
    many[0]["result"] = json!({"extensions": extensions(1)});
    lrs.stored(&json!(many));
    for statement in &mut many {
        statement["result"] = json!({"extensions": extensions(2)});
    }
    let answer = lrs.post(&json!(many));
    let refusal = answer.refused(409);
    is_short(&answer);
    let conflicts = refusal["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 100);
    assert_eq!(conflicts[0]["differences"].as_array().unwrap().len(), 100);
    assert_eq!(conflicts[0]["unlisted"], json!(900));
    assert_eq!(refusal["unlisted"], json!(200));
    assert!(refusal["error"].as_str().unwrap().contains("290 more"));
}

#[test]
fn what_a_refusal_quotes_ends() {
    let lrs = Lrs::start();
    let long = "x".repeat(30_000);
    for answer in [
        lrs.get(&[("verb", &long)]),
        lrs.get(&[("agent", &long)]),
        lrs.get(&[(&long, "1")]),
        lrs.send("POST", "/statements", &[("content-type", &long)], "{}"),
        lrs.send("GET", &format!("/{long}"), &[], ""),
    ] {
        assert!(answer.body.len() < 5_000, "{} bytes", answer.body.len());
    }
}

/// A length of more than 63 bits is no length of anything, and refused as a fault of the statement.
#[test]
fn an_attachment_longer_than_anything_is_refused_as_invalid() {
    let lrs = Lrs::start();
    for length in [
        "18446744073709551615",
        "18446744073709551616",
        &"9".repeat(300),
    ] {
        let mut attached = statement(&id());
        attached["attachments"] = json!([{
            "usageType": "http://u.example/", "display": {"en": "a file"},
            "contentType": "text/plain", "length": "LENGTH", "sha2": "00".repeat(32),
            "fileUrl": "http://files.example/1",
        }]);
        let body = attached.to_string().replace("\"LENGTH\"", length);
        let answer = lrs.send("POST", "/statements", &[], body);
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains("length"), "{}", answer.text());
    }
}

/// All that is known of an activity is not given back for each time that it is named.
#[test]
fn canonical_adds_no_more_than_an_answer_holds() {
    let options = Options {
        body_limit: 100_000,
        ..Options::new("me", "secret")
    };
    let lrs = Lrs::of(Hub::start(&options).unwrap());
    let activity = "http://example.org/activities/large";
    let mut defining = statement(&id());
    defining["object"] = json!({"id": activity, "definition": {
        "extensions": {"http://e.example/": "x".repeat(30_000)},
    }});
    lrs.stored(&defining);
    let mut naming = statement(&id());
    naming["context"] = json!({"contextActivities": {"other": vec![json!({"id": activity}); 500]}});
    let known = lrs.stored(&naming).remove(0);
    let shown = lrs.get(&[("statementId", &known), ("format", "canonical")]);
    assert_eq!(shown.status, 200);
    is_short(&shown);
    let list = lrs.get(&[("format", "canonical")]);
    is_short(&list);
    assert_eq!(list.json()["statements"].as_array().unwrap().len(), 2);
}

#[test]
fn of_one_activity_no_more_is_kept_than_is_good() {
    let lrs = Lrs::start();
    let activity = "http://example.org/activities/large";
    let named = |definition: Value| {
        let mut named = statement(&id());
        named["object"] = json!({"id": activity, "definition": definition});
        named
    };
    let modest = named(json!({"name": {"en": "modest"}}));
    lrs.stored(&modest);
    let languages: serde_json::Map<String, Value> = (0..20_000)
        .map(|index| (format!("x-{index}"), json!("name")))
        .collect();
    let large =
        named(json!({"name": languages, "extensions": {"http://e.example/": "x".repeat(100_000)}}));
    lrs.stored(&large);
    let modest = modest["id"].as_str().unwrap();
    let shown = lrs.get(&[("statementId", modest), ("format", "canonical")]);
    assert!(shown.body.len() < 1000, "{} bytes", shown.body.len());
    assert_eq!(
        shown.json()["object"]["definition"]["name"],
        json!({"en": "modest"})
    );
    // The other is given back as it came.
    let large = large["id"].as_str().unwrap();
    assert!(lrs.get(&[("statementId", large)]).body.len() > 400_000);
}

/// A list is cut into pages by size, too, and nothing of it is lost.
#[test]
fn a_page_ends_where_it_would_be_too_large() {
    let options = Options {
        body_limit: 100_000,
        ..Options::new("me", "secret")
    };
    let lrs = Lrs::of(Hub::start(&options).unwrap());
    let mut sent = Vec::new();
    for _ in 0..9 {
        let mut large = statement(&id());
        large["result"] = json!({"response": "x".repeat(40_000)});
        sent.extend(lrs.stored(&large));
    }
    let mut found = Vec::new();
    let mut path = "/statements?ascending=true".to_owned();
    while !path.is_empty() {
        let answer = lrs.send("GET", &path, &[], "");
        is_short(&answer);
        let page = answer.json();
        found.extend(crate::client::ids(&page));
        page["more"].as_str().unwrap().clone_into(&mut path);
    }
    assert_eq!(found, sent);
}
