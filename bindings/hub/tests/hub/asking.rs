//! GET of lists: every filter, every order, page by page.

use serde_json::{Value, json};

use crate::client::{Lrs, id, ids, path, statement, voiding};

/// Stores the statement with changes at the top, and gives its id.
fn with(lrs: &Lrs, changes: &Value) -> String {
    let mut sent = statement(&id());
    for (key, value) in changes.as_object().unwrap() {
        sent[key] = value.clone();
    }
    lrs.stored(&sent).remove(0)
}

#[test]
fn verb_and_registration() {
    let lrs = Lrs::start();
    let registration = id();
    let other = with(&lrs, &json!({"verb": {"id": "http://v.example/a"}}));
    let registered = with(&lrs, &json!({"context": {"registration": registration}}));
    assert_eq!(lrs.ids(&[("verb", "http://v.example/a")]), [other]);
    assert_eq!(
        lrs.ids(&[("registration", &registration)]),
        [registered.as_str()]
    );
    assert_eq!(
        lrs.ids(&[("registration", &registration.to_uppercase())]),
        [registered]
    );
    assert!(
        lrs.ids(&[
            ("registration", &registration),
            ("verb", "http://v.example/a")
        ])
        .is_empty()
    );
    assert!(lrs.ids(&[("verb", "http://v.example/b")]).is_empty());
}

#[test]
fn agents_by_every_identifier() {
    let lrs = Lrs::start();
    for agent in [
        json!({"mbox": "mailto:Some.One@example.com"}),
        json!({"mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"}),
        json!({"openid": "http://one.example/"}),
        json!({"account": {"homePage": "http://home.example/", "name": "one"}}),
    ] {
        let mut named = agent.clone();
        named["name"] = json!("Somebody");
        let actor = with(&lrs, &json!({"actor": named}));
        let mut object = agent.clone();
        object["objectType"] = json!("Agent");
        let acted_on = with(&lrs, &json!({"object": object}));
        let group = with(
            &lrs,
            &json!({"actor": {"objectType": "Group", "member": [{"mbox": "mailto:x@y.example"}, agent]}}),
        );
        assert_eq!(
            lrs.ids(&[("agent", &agent.to_string())]),
            [group, acted_on, actor],
            "{agent}"
        );
    }
    let domain = json!({"mbox": "mailto:Some.One@EXAMPLE.com", "name": "not compared", "objectType": "Agent"});
    assert_eq!(lrs.ids(&[("agent", &domain.to_string())]).len(), 3);
    let local = json!({"mbox": "mailto:some.one@example.com"});
    assert!(lrs.ids(&[("agent", &local.to_string())]).is_empty());
}

#[test]
fn groups_by_identifier() {
    let lrs = Lrs::start();
    let group = json!({"objectType": "Group", "account": {"homePage": "http://home.example/", "name": "team"}});
    let found = with(&lrs, &json!({"actor": group}));
    assert_eq!(lrs.ids(&[("agent", &group.to_string())]), [found]);
}

#[test]
fn related_agents_are_found_on_request() {
    let lrs = Lrs::start();
    let agent = json!({"mbox": "mailto:helper@example.org"});
    let sub = json!({"objectType": "SubStatement", "actor": agent, "verb": {"id": "http://v.example/"}, "object": {"id": "http://o.example/"}});
    let mut sub_object = sub.clone();
    sub_object["actor"] = json!({"mbox": "mailto:other@example.org"});
    sub_object["object"] = json!({"objectType": "Agent", "mbox": "mailto:helper@example.org"});
    let mut sub_context = sub_object.clone();
    sub_context["object"] = json!({"id": "http://o.example/"});
    sub_context["context"] = json!({"instructor": agent});
    let mut all = vec![
        with(&lrs, &json!({"context": {"instructor": agent}})),
        with(
            &lrs,
            &json!({"context": {"team": {"objectType": "Group", "member": [agent]}}}),
        ),
        with(&lrs, &json!({"object": sub})),
        with(&lrs, &json!({"object": sub_object})),
        with(&lrs, &json!({"object": sub_context})),
        with(
            &lrs,
            &json!({"context": {"contextAgents": [{"objectType": "contextAgent", "agent": agent}]}}),
        ),
        with(
            &lrs,
            &json!({"context": {"contextGroups": [{"objectType": "contextGroup", "group": {"objectType": "Group", "member": [agent]}}]}}),
        ),
    ];
    all.reverse();
    let agent = agent.to_string();
    assert!(lrs.ids(&[("agent", &agent)]).is_empty());
    assert!(
        lrs.ids(&[("agent", &agent), ("related_agents", "false")])
            .is_empty()
    );
    assert_eq!(
        lrs.ids(&[("agent", &agent), ("related_agents", "true")]),
        all
    );

    let one = lrs.get(&[("statementId", &all[0])]).json();
    let authority = one["authority"].to_string();
    assert!(lrs.ids(&[("agent", &authority)]).is_empty());
    assert_eq!(
        lrs.ids(&[("agent", &authority), ("related_agents", "true")]),
        all
    );
}

#[test]
fn activities_and_related_activities() {
    let lrs = Lrs::start();
    let activity = "http://a.example/course";
    let near = with(&lrs, &json!({"object": {"id": activity}}));
    let mut all = vec![near.clone()];
    for place in ["parent", "grouping", "category", "other"] {
        all.push(with(
            &lrs,
            &json!({"context": {"contextActivities": {place: [{"id": activity}]}}}),
        ));
    }
    let sub = json!({"objectType": "SubStatement", "actor": {"mbox": "mailto:a@b.example"}, "verb": {"id": "http://v.example/"}, "object": {"id": activity}});
    all.push(with(&lrs, &json!({"object": sub})));
    let mut in_context = sub;
    in_context["object"] = json!({"id": "http://o.example/"});
    in_context["context"] = json!({"contextActivities": {"other": {"id": activity}}});
    all.push(with(&lrs, &json!({"object": in_context})));
    all.reverse();
    assert_eq!(lrs.ids(&[("activity", activity)]), [near]);
    assert_eq!(
        lrs.ids(&[("activity", activity), ("related_activities", "true")]),
        all
    );
}

#[test]
fn since_is_exclusive_and_until_inclusive() {
    let lrs = Lrs::start();
    let batch: Vec<Value> = (0..5).map(|_| statement(&id())).collect();
    let sent = lrs.stored(&json!(batch));
    let stored: Vec<String> = sent
        .iter()
        .map(|id| {
            lrs.get(&[("statementId", id)]).json()["stored"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(
        stored.is_sorted_by(|one, next| one < next),
        "no two have the same instant, in the order of the batch"
    );
    assert_eq!(
        lrs.ids(&[
            ("since", &stored[1]),
            ("until", &stored[3]),
            ("ascending", "true")
        ]),
        &sent[2..=3]
    );
    assert_eq!(lrs.ids(&[("until", &stored[0])]), &sent[..1]);
    assert!(lrs.ids(&[("since", &stored[4])]).is_empty());
    let elsewhere = stored[2].parse::<jiff::Timestamp>().unwrap();
    let elsewhere = format!(
        "{}+02:30",
        (elsewhere + jiff::SignedDuration::from_mins(150)).strftime("%Y-%m-%dT%H:%M:%S%.6f")
    );
    assert_eq!(lrs.ids(&[("since", &elsewhere)]).len(), 2);
}

#[test]
fn pages_follow_each_other_through_more() {
    let lrs = Lrs::start();
    let batch: Vec<Value> = (0..7).map(|_| statement(&id())).collect();
    let oldest_first = lrs.stored(&json!(batch));
    let newest_first: Vec<String> = oldest_first.iter().rev().cloned().collect();
    for (ascending, wanted) in [("true", &oldest_first), ("false", &newest_first)] {
        let agent = json!({"mbox": "mailto:ann@example.org"}).to_string();
        let mut next = path(&[
            ("agent", &agent),
            ("limit", "3"),
            ("ascending", ascending),
            ("format", "ids"),
        ]);
        let mut seen = Vec::new();
        let mut pages = 0;
        while !next.is_empty() {
            let page = lrs.send("GET", &next, &[], "").json();
            seen.extend(ids(&page));
            page["more"].as_str().unwrap().clone_into(&mut next);
            assert!(
                next.is_empty() || next.starts_with("/xAPI/statements?"),
                "{next}"
            );
            pages += 1;
        }
        assert_eq!((&seen, pages), (wanted, 3));
    }
}

#[test]
fn a_page_is_as_long_as_the_hub_likes() {
    let options = pannier_hub::Options {
        page: 4,
        ..pannier_hub::Options::new("me", "secret")
    };
    let lrs = Lrs::of(pannier_hub::Hub::start(&options).unwrap());
    let batch: Vec<Value> = (0..4).map(|_| statement(&id())).collect();
    lrs.stored(&json!(batch));
    for query in [
        &[][..],
        &[("limit", "0")],
        &[("limit", "4")],
        &[("limit", "100")],
    ] {
        let page = lrs.get(query).json();
        assert_eq!(
            (ids(&page).len(), page["more"].as_str()),
            (4, Some("")),
            "{query:?}"
        );
    }
    lrs.stored(&statement(&id()));
    for query in [
        &[][..],
        &[("limit", "0")],
        &[("limit", "4")],
        &[("limit", "100")],
    ] {
        let page = lrs.get(query).json();
        assert_eq!(ids(&page).len(), 4);
        assert_eq!(
            ids(&lrs
                .send("GET", page["more"].as_str().unwrap(), &[], "")
                .json())
            .len(),
            1
        );
    }
}

#[test]
fn what_refers_to_a_match_matches() {
    let lrs = Lrs::start();
    let refers = |target: &str| json!({"verb": {"id": "http://v.example/commented"}, "object": {"objectType": "StatementRef", "id": target}});
    let found = with(&lrs, &json!({"verb": {"id": "http://v.example/passed"}}));
    let comment = with(&lrs, &refers(&found));
    let on_comment = with(&lrs, &refers(&comment));
    let elsewhere = with(&lrs, &refers(&id()));
    let verb = ("verb", "http://v.example/passed");
    assert_eq!(lrs.ids(&[verb]), [on_comment.as_str(), &comment, &found]);
    assert_eq!(
        lrs.ids(&[verb, ("limit", "1"), ("ascending", "true")]),
        [found.as_str()]
    );
    let nobody = json!({"mbox": "mailto:nobody@example.org"}).to_string();
    assert!(
        lrs.ids(&[verb, ("agent", &nobody)]).is_empty(),
        "the target must match in everything"
    );

    let since = lrs.get(&[("statementId", &found)]).json()["stored"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        lrs.ids(&[verb, ("since", &since)]),
        [on_comment.as_str(), &comment],
        "time is each one's own"
    );
    lrs.stored(&voiding(&comment));
    assert_eq!(
        &lrs.ids(&[verb])[1..],
        [on_comment, found],
        "a voided link is still a link"
    );
    assert_eq!(
        lrs.ids(&[("verb", "http://v.example/commented")])[1],
        elsewhere
    );
}

#[test]
fn statements_that_refer_to_each_other_do_not_go_round_for_ever() {
    let lrs = Lrs::start();
    let (one, two) = (id(), id());
    let refers = |id: &str, target: &str| {
        let mut refers = statement(id);
        refers["object"] = json!({"objectType": "StatementRef", "id": target});
        refers
    };
    lrs.stored(&json!([refers(&one, &two), refers(&two, &one)]));
    assert!(lrs.ids(&[("verb", "http://v.example/other")]).is_empty());
    assert_eq!(
        lrs.ids(&[("verb", "http://adlnet.gov/expapi/verbs/experienced")]),
        [two, one]
    );
}

#[test]
fn head_answers_as_get_without_the_body() {
    let lrs = Lrs::start();
    let known = lrs.stored(&statement(&id())).remove(0);
    for query in [
        vec![],
        vec![("statementId", known.as_str())],
        vec![("limit", "x")],
        vec![("statementId", "1")],
    ] {
        let get = lrs.get(&query);
        let head = lrs.send("HEAD", &path(&query), &[], "");
        assert_eq!((head.status, head.body.len()), (get.status, 0));
        for header in ["content-type", "content-length", "last-modified"] {
            assert_eq!(head.header(header), get.header(header), "{header}");
        }
    }
}

#[test]
fn wrong_parameters_are_refused() {
    let lrs = Lrs::start();
    let known = lrs.stored(&statement(&id())).remove(0);
    let wrong: &[&[(&str, &str)]] = &[
        &[("unknown", "1")],
        &[("Verb", "http://v.example/")],
        &[("statementID", &known)],
        &[("limit", "-1")],
        &[("limit", "1"), ("limit", "2")],
        &[("format", "Exact")],
        &[("agent", "{}")],
        &[("agent", r#"{"mbox":"ann@example.org"}"#)],
        &[(
            "agent",
            r#"{"mbox":"mailto:ann@example.org","openid":"http://a.example/"}"#,
        )],
        &[("since", "2026-13-01T00:00:00Z")],
        &[("statementId", &known), ("voidedStatementId", &known)],
        &[("statementId", &known), ("limit", "1")],
        &[("statementId", &known), ("verb", "http://v.example/")],
        &[
            ("voidedStatementId", &known),
            ("agent", r#"{"mbox":"mailto:ann@example.org"}"#),
        ],
    ];
    for query in wrong {
        lrs.get(query).refused(400);
    }
    lrs.get(&[("statementId", &id())]).refused(404);
    lrs.get(&[("voidedStatementId", &known)]).refused(404);
}

#[test]
fn a_limit_that_is_refused_says_which_are_taken() {
    let lrs = Lrs::start();
    lrs.stored(&statement(&id()));
    for limit in ["-1", "1.5", "1e3", "", "99999999999999999999"] {
        let answer = lrs.get(&[("limit", limit)]);
        let text = answer.text();
        assert_eq!(answer.status, 400, "{text}");
        let range = text.split("from 0 to ").nth(1).expect(&text);
        let most: String = range.chars().take_while(char::is_ascii_digit).collect();
        let most = lrs.get(&[("limit", &most)]);
        assert_eq!(most.status, 200, "{text}");
    }
}
