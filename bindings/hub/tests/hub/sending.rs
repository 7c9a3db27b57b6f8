//! POST and PUT of statements.

use serde_json::json;

use crate::client::{Lrs, id, statement};

#[test]
fn post_answers_the_ids_in_order() {
    let lrs = Lrs::start();
    let (one, two) = (id(), id());
    assert_eq!(lrs.stored(&statement(&one)), [one.as_str()]);
    assert_eq!(
        lrs.stored(&json!([statement(&two), statement(&one)])),
        [two, one]
    );
    assert_eq!(lrs.stored(&json!([])), Vec::<String>::new());
}

#[test]
fn a_missing_id_is_made() {
    let lrs = Lrs::start();
    let mut nameless = statement("");
    nameless.as_object_mut().unwrap().remove("id");
    let ids = lrs.stored(&json!([nameless, nameless]));
    assert_ne!(ids[0], ids[1]);
    assert_eq!(
        lrs.get(&[("statementId", &ids[0])]).json()["id"],
        json!(ids[0])
    );
}

#[test]
fn a_known_statement_changes_nothing() {
    let lrs = Lrs::start();
    let known = id();
    lrs.stored(&statement(&known));
    let before = lrs.get(&[("statementId", &known)]).text();
    assert_eq!(lrs.stored(&statement(&known)), [known.as_str()]);
    let mut untimed = statement(&known);
    untimed.as_object_mut().unwrap().remove("timestamp");
    assert_eq!(
        lrs.stored(&json!([statement(&known.to_uppercase())])),
        [known.as_str()]
    );
    assert_eq!(
        lrs.stored(&untimed),
        [known.as_str()],
        "the timestamp could be the hub's"
    );
    assert_eq!(lrs.get(&[("statementId", &known)]).text(), before);
    assert_eq!(lrs.ids(&[]), [known]);
}

#[test]
fn another_statement_under_a_known_id_is_a_conflict() {
    let lrs = Lrs::start();
    let (known, new) = (id(), id());
    lrs.stored(&statement(&known));
    let before = lrs.get(&[("statementId", &known)]).text();
    let mut other = statement(&known);
    other["actor"]["mbox"] = json!("mailto:bob@example.org");
    let refusal = lrs.post(&json!([statement(&new), other])).refused(409);
    assert!(refusal["error"].as_str().unwrap().contains(&known));
    assert_eq!(refusal["conflicts"][0]["id"], json!(known));
    assert_eq!(refusal["conflicts"][0]["statement"], json!(1));
    assert!(
        refusal["conflicts"][0]["differences"][0]["path"]
            .as_str()
            .unwrap()
            .contains("actor")
    );
    assert_eq!(lrs.get(&[("statementId", &known)]).text(), before);
    lrs.get(&[("statementId", &new)]).refused(404);
}

#[test]
fn a_batch_with_one_bad_statement_is_refused_whole() {
    let lrs = Lrs::start();
    let mut bad = statement(&id());
    bad["verb"] = json!({"id": "experienced"});
    let mut worse = statement(&id());
    worse["actor"] = json!({"name": "nobody"});
    let refusal = lrs
        .post(&json!([statement(&id()), bad, statement(&id()), worse]))
        .refused(400);
    let faults = refusal["faults"].as_array().unwrap();
    assert_eq!(faults[0]["statement"], json!(1));
    assert_eq!(faults[0]["path"], json!("$.verb.id"));
    assert!(faults.iter().any(|fault| fault["statement"] == json!(3)));
    for word in ["problem", "expected", "section"] {
        assert!(!faults[0][word].as_str().unwrap().is_empty(), "{word}");
    }
    assert!(lrs.ids(&[]).is_empty());
}

#[test]
fn the_same_id_twice_in_a_batch_is_refused() {
    let lrs = Lrs::start();
    let twice = id();
    let refusal = lrs
        .post(&json!([
            statement(&twice),
            statement(&twice.to_uppercase())
        ]))
        .refused(400);
    assert!(refusal["error"].as_str().unwrap().contains(&twice));
    assert!(lrs.ids(&[]).is_empty());
}

#[test]
fn put_stores_one_statement_under_its_parameter() {
    let lrs = Lrs::start();
    let (one, two) = (id(), id());
    let put = |parameter: &str, body: String| {
        lrs.send(
            "PUT",
            &format!("/statements?statementId={parameter}"),
            &[],
            body,
        )
    };
    let answer = put(&one, statement(&one).to_string());
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(
        put(&one.to_uppercase(), statement(&one).to_string()).status,
        204,
        "again"
    );

    let mut nameless = statement("");
    nameless.as_object_mut().unwrap().remove("id");
    assert_eq!(put(&two, nameless.to_string()).status, 204);
    assert_eq!(lrs.get(&[("statementId", &two)]).json()["id"], json!(two));

    let mut other = statement(&one);
    other["result"] = json!({"success": false});
    put(&one, other.to_string()).refused(409);
    put(&id(), statement(&one).to_string()).refused(400);
    put(&id(), json!([nameless]).to_string()).refused(400);
    put("17", statement(&one).to_string()).refused(400);
    lrs.send("PUT", "/statements", &[], statement(&id()).to_string())
        .refused(400);
    lrs.send(
        "PUT",
        &format!("/statements?statementID={one}"),
        &[],
        statement(&one).to_string(),
    )
    .refused(400);
    assert_eq!(lrs.ids(&[]).len(), 2);
}

#[test]
fn a_body_that_cannot_be_read_is_refused_with_its_reason() {
    let lrs = Lrs::start();
    let good = statement(&id()).to_string();
    for body in [
        "",
        "{",
        "[{]",
        "null",
        "17",
        "\"statement\"",
        "[1]",
        "{\"a\":1}{",
    ] {
        lrs.send("POST", "/statements", &[], body).refused(400);
    }
    lrs.send(
        "POST",
        "/statements",
        &[],
        [good.as_bytes(), b"\xff"].concat(),
    )
    .refused(400);
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ] {
        let refusal = lrs
            .send(
                "POST",
                "/statements",
                &[("content-type", content_type)],
                good.clone(),
            )
            .refused(400);
        assert!(
            refusal["error"]
                .as_str()
                .unwrap()
                .contains("application/json"),
            "{content_type}"
        );
    }
    lrs.send("POST", "/statements?statementId=1", &[], good.clone())
        .refused(400);
    lrs.send(
        "POST",
        "/statements",
        &[("content-encoding", "gzip")],
        good.clone(),
    )
    .refused(415);
    let charset = [("content-type", "application/json; charset=UTF-8")];
    assert_eq!(lrs.send("POST", "/statements", &charset, good).status, 200);
}

#[test]
fn too_large_a_body_gets_its_answer() {
    let options = pannier_hub::Options {
        body_limit: 10_000,
        ..pannier_hub::Options::new("me", "secret")
    };
    let lrs = Lrs::of(pannier_hub::Hub::start(&options).unwrap());
    let mut large = statement(&id());
    large["result"] = json!({"response": "x".repeat(60_000)});
    let refusal = lrs.post(&large).refused(413);
    assert!(refusal["error"].as_str().unwrap().contains("10000"));
    assert_eq!(lrs.post(&statement(&id())).status, 200);
}

#[test]
fn what_only_2_0_knows_is_refused_under_1_0_3() {
    let lrs = Lrs::start();
    let mut modern = statement(&id());
    modern["context"] = json!({"contextAgents": [{"objectType": "contextAgent", "agent": {"mbox": "mailto:a@b.example"}}]});
    let old = [("x-experience-api-version", "1.0.3")];
    let refusal = lrs
        .send("POST", "/statements", &old, modern.to_string())
        .refused(400);
    assert!(
        refusal["faults"][0]["path"]
            .as_str()
            .unwrap()
            .contains("contextAgents")
    );
    assert_eq!(lrs.post(&modern).status, 200);
}

#[test]
fn a_form_may_carry_a_request_of_1_0_3() {
    let lrs = Lrs::start();
    let one = id();
    let form = |pairs: &[(&str, &str)]| {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    };
    let alternate = |method: &str, pairs: &[(&str, &str)]| {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        lrs.raw(
            "POST",
            &format!("/statements?method={method}"),
            &headers,
            form(pairs),
        )
        .unwrap()
    };
    let auth = ("Authorization", "Basic bWU6c2VjcmV0");
    let version = ("X-Experience-API-Version", "1.0.3");
    let body = statement(&one).to_string();
    assert_eq!(
        alternate(
            "PUT",
            &[auth, version, ("statementId", &one), ("content", &body)]
        )
        .status,
        204
    );
    let found = alternate("GET", &[auth, version, ("statementId", &one)]);
    assert_eq!(found.json()["id"], json!(one));
    assert_eq!(found.header("x-experience-api-version"), "1.0.3");
    alternate("GET", &[version, ("statementId", &one)]).refused(401);
    alternate(
        "GET",
        &[
            auth,
            ("X-Experience-API-Version", "2.0.0"),
            ("statementId", &one),
        ],
    )
    .refused(400);
    alternate("GET&limit=1", &[auth, version]).refused(400);
}
