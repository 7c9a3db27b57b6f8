//! That nothing of a typed statement is lost or mixed up on its way in.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::time::TimeSpan;

fn map(key: &str, value: &str) -> HashMap<String, String> {
    HashMap::from([(key.to_owned(), value.to_owned())])
}

fn ada() -> Agent {
    Agent {
        ifi: Ifi::Mbox {
            iri: "mailto:ada@example.com".to_owned(),
        },
        name: Some("Ada".to_owned()),
    }
}

fn group() -> XapiGroup {
    XapiGroup {
        member: vec![ada()],
        name: Some("Team".to_owned()),
        ifi: Some(Ifi::Account {
            account: XapiAccount {
                home_page: "https://example.com".to_owned(),
                name: "t1".to_owned(),
            },
        }),
    }
}

fn activity(n: usize) -> XapiActivity {
    XapiActivity {
        id: format!("https://example.com/a/{n}"),
        definition: None,
    }
}

fn component(id: &str) -> InteractionComponent {
    InteractionComponent {
        id: id.to_owned(),
        description: map("en", id),
    }
}

fn verb() -> Verb {
    Verb {
        id: "https://example.com/verbs/did".to_owned(),
        display: map("en", "did"),
    }
}

fn context(id: Uuid) -> XapiContext {
    XapiContext {
        registration: Some(id),
        instructor: Some(Actor::Group { group: group() }),
        team: Some(group()),
        context_activities: Some(ContextActivities {
            parent: vec![activity(1)],
            grouping: vec![activity(2)],
            category: vec![activity(3)],
            other: vec![activity(4)],
        }),
        revision: Some("r1".to_owned()),
        platform: Some("p1".to_owned()),
        language: Some("en-GB".to_owned()),
        statement: Some(StatementRef { id }),
        context_agents: vec![ContextAgent {
            agent: ada(),
            relevant_types: vec!["https://example.com/helper".to_owned()],
        }],
        context_groups: vec![ContextGroup {
            group: group(),
            relevant_types: vec!["https://example.com/audience".to_owned()],
        }],
        extensions: map("https://example.com/c", "\"c\""),
    }
}

fn full() -> Statement {
    let id = Uuid::from_u128(7);
    let definition = ActivityDefinition {
        name: map("en", "name"),
        description: map("en", "description"),
        activity_type: Some("https://example.com/type".to_owned()),
        more_info: Some("https://example.com/more".to_owned()),
        interaction_type: Some(InteractionType::LongFillIn),
        correct_responses_pattern: Some(vec!["right".to_owned()]),
        choices: vec![component("choice")],
        scale: vec![component("scale")],
        source: vec![component("source")],
        target: vec![component("target")],
        steps: vec![component("step")],
        extensions: map("https://example.com/x", r#"{"a":[1,true,null]}"#),
    };
    Statement {
        actor: Some(Actor::Agent { agent: ada() }),
        verb: verb(),
        object: StatementObject::Activity {
            activity: XapiActivity {
                definition: Some(definition),
                ..activity(0)
            },
        },
        result: Some(XapiResult {
            score: Some(Score {
                scaled: Some(0.5),
                raw: Some(5.0),
                min: Some(1.0),
                max: Some(10.0),
            }),
            success: Some(true),
            completion: Some(false),
            response: Some("answer".to_owned()),
            duration: Some(Duration::from_secs(61).into()),
            extensions: map("https://example.com/r", "1"),
        }),
        context: Some(context(id)),
        timestamp: Some(Timestamp(1_700_000_000_123)),
        attachments: vec![Attachment {
            usage_type: "https://example.com/usage".to_owned(),
            display: map("en", "display"),
            content_type: "text/plain".to_owned(),
            length: 3,
            sha2: "ab".to_owned(),
            file_url: Some("https://example.com/f".to_owned()),
            description: map("en", "what"),
        }],
        id: Some(id),
    }
}

fn json_of(statement: &Statement) -> Value {
    serde_json::from_str(&statement.to_json().unwrap()).unwrap()
}

#[test]
fn a_time_taken_that_cannot_be_written_as_it_is_is_a_fault() {
    for (nanos, problem) in [
        (-1, "is negative"),
        (i64::MIN, "is negative"),
        (i64::MAX, "is longer than 292 years"),
    ] {
        let mut statement = full();
        statement.result.as_mut().unwrap().duration = Some(TimeSpan(nanos));
        let Err(PannierError::Invalid { faults, .. }) = statement.to_json() else {
            panic!("{nanos} is taken")
        };
        let said: Vec<_> = faults.iter().map(|it| (&*it.path, &*it.problem)).collect();
        assert_eq!(said, [("$.result.duration", problem)]);
    }
}

#[test]
fn every_member_arrives_at_its_place() {
    let ada = json!({"objectType": "Agent", "name": "Ada", "mbox": "mailto:ada@example.com"});
    let group = json!({"objectType": "Group", "name": "Team", "member": [ada],
        "account": {"homePage": "https://example.com", "name": "t1"}});
    let component = |id: &str| json!([{"id": id, "description": {"en": id}}]);
    let activity = |n: usize| json!([{"id": format!("https://example.com/a/{n}")}]);
    assert_eq!(
        json_of(&full()),
        json!({
            "id": "00000000-0000-0000-0000-000000000007",
            "actor": ada,
            "verb": {"id": "https://example.com/verbs/did", "display": {"en": "did"}},
            "object": {"id": "https://example.com/a/0", "definition": {
                "name": {"en": "name"}, "description": {"en": "description"},
                "type": "https://example.com/type", "moreInfo": "https://example.com/more",
                "interactionType": "long-fill-in", "correctResponsesPattern": ["right"],
                "choices": component("choice"), "scale": component("scale"),
                "source": component("source"), "target": component("target"),
                "steps": component("step"),
                "extensions": {"https://example.com/x": {"a": [1, true, null]}}}},
            "result": {"score": {"scaled": 0.5, "raw": 5.0, "min": 1.0, "max": 10.0},
                "success": true, "completion": false, "response": "answer", "duration": "PT1M1S",
                "extensions": {"https://example.com/r": 1}},
            "context": {"registration": "00000000-0000-0000-0000-000000000007",
                "instructor": group, "team": group,
                "contextActivities": {"parent": activity(1), "grouping": activity(2),
                    "category": activity(3), "other": activity(4)},
                "revision": "r1", "platform": "p1", "language": "en-GB",
                "statement": {"objectType": "StatementRef",
                    "id": "00000000-0000-0000-0000-000000000007"},
                "contextAgents": [{"objectType": "contextAgent", "agent": ada,
                    "relevantTypes": ["https://example.com/helper"]}],
                "contextGroups": [{"objectType": "contextGroup", "group": group,
                    "relevantTypes": ["https://example.com/audience"]}],
                "extensions": {"https://example.com/c": "c"}},
            "timestamp": "2023-11-14T22:13:20.123Z",
            "attachments": [{"usageType": "https://example.com/usage", "display": {"en": "display"},
                "description": {"en": "what"}, "contentType": "text/plain", "length": 3,
                "sha2": "ab", "fileUrl": "https://example.com/f"}],
        })
    );
}

#[test]
fn every_kind_of_object_and_identifier_arrives_as_that_kind() {
    let object = |object| json_of(&Statement { object, ..full() })["object"].clone();
    assert_eq!(
        object(StatementObject::Agent { agent: ada() })["objectType"],
        "Agent"
    );
    assert_eq!(
        object(StatementObject::Group { group: group() })["objectType"],
        "Group"
    );
    let reference = StatementRef {
        id: Uuid::from_u128(9),
    };
    assert_eq!(
        object(StatementObject::StatementRef { reference }),
        json!({"objectType": "StatementRef", "id": "00000000-0000-0000-0000-000000000009"})
    );
    let plain = full();
    let inner = SubStatement {
        actor: plain.actor,
        verb: plain.verb,
        object: plain.object,
        result: plain.result,
        context: plain.context,
        timestamp: plain.timestamp,
        attachments: plain.attachments,
    };
    let mut expected = json_of(&full());
    expected["objectType"] = json!("SubStatement");
    expected.as_object_mut().unwrap().remove("id");
    assert_eq!(
        object(StatementObject::Sub {
            statement: Box::new(inner)
        }),
        expected
    );

    for (ifi, name) in [
        (
            Ifi::MboxSha1sum {
                hex: "x".to_owned(),
            },
            "mbox_sha1sum",
        ),
        (
            Ifi::Openid {
                uri: "x".to_owned(),
            },
            "openid",
        ),
    ] {
        let agent = Agent { ifi, name: None };
        assert_eq!(object(StatementObject::Agent { agent })[name], "x");
    }
}

#[test]
fn every_part_is_read_as_it_is_written() {
    let plain = full();
    let inner = SubStatement {
        actor: plain.actor,
        verb: plain.verb,
        object: plain.object,
        result: plain.result,
        context: plain.context,
        timestamp: plain.timestamp,
        attachments: plain.attachments,
    };
    let reference = StatementRef {
        id: Uuid::from_u128(9),
    };
    let objects = [
        full().object,
        StatementObject::Agent { agent: ada() },
        StatementObject::Group { group: group() },
        StatementObject::StatementRef { reference },
        StatementObject::Sub {
            statement: Box::new(inner),
        },
    ];
    for object in objects {
        let statement = Statement { object, ..full() };
        let json = statement.to_json().unwrap();
        assert_eq!(statement_from_json(&json), Ok(statement));
    }
    let hex = "ab".to_owned();
    let uri = "http://example.com/a".to_owned();
    for ifi in [Ifi::MboxSha1sum { hex }, Ifi::Openid { uri }] {
        let agent = Agent { ifi, name: None };
        let actor = Some(Actor::Agent { agent });
        let statement = Statement { actor, ..full() };
        let json = statement.to_json().unwrap();
        assert_eq!(statement_from_json(&json), Ok(statement));
    }
}

#[test]
fn what_no_type_has_a_place_for_is_a_fault_with_its_path() {
    let mut json = json_of(&full());
    json["stored"] = json!("2024-05-04T17:00:00Z");
    json["result"]["duration"] = json!("P1Y");
    json["result"]["progress"] = json!(1);
    let Err(PannierError::Invalid { faults, .. }) = statement_from_json(&json.to_string()) else {
        panic!("accepted")
    };
    let mut paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        ["$.result.duration", "$.result.progress", "$.stored"]
    );
}

#[test]
fn extensions_that_are_no_json_are_faults_with_their_places() {
    let broken = map("https://example.com/x", "{no");
    let mut statement = full();
    statement.result.as_mut().unwrap().extensions = broken.clone();
    let parent = XapiActivity {
        definition: Some(ActivityDefinition {
            extensions: broken,
            ..ActivityDefinition::default()
        }),
        ..activity(1)
    };
    let around = statement.context.as_mut().unwrap();
    around.context_activities.as_mut().unwrap().parent = vec![activity(0), parent];
    let Err(PannierError::Invalid { faults, .. }) = statement.to_json() else {
        panic!("accepted")
    };
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            r#"$.context.contextActivities.parent[1].definition.extensions["https://example.com/x"]"#,
            r#"$.result.extensions["https://example.com/x"]"#,
        ]
    );
    let Err(PannierError::Invalid { faults, .. }) = all_typed(vec![full(), statement]) else {
        panic!("accepted")
    };
    let indices: Vec<_> = faults.iter().map(|fault| fault.index).collect();
    assert_eq!(indices, [Some(1), Some(1)]);
    assert!(faults.iter().all(|fault| fault.path.starts_with("$.")));
}

#[test]
fn numbers_that_json_cannot_write_are_faults_with_the_right_words() {
    let mut statement = full();
    statement.result.as_mut().unwrap().score = Some(Score {
        scaled: Some(f64::NAN),
        raw: Some(f64::NEG_INFINITY),
        min: Some(0.0),
        max: None,
    });
    let Err(PannierError::Invalid { faults, .. }) = statement.to_json() else {
        panic!("accepted")
    };
    let said: Vec<_> = faults
        .iter()
        .map(|fault| (fault.path.as_str(), fault.problem.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("$.result.score.raw", "is infinite"),
            ("$.result.score.scaled", "is not a number (NaN)"),
        ]
    );
}

/// What a collector says to this statement, and what a check does.
fn recorded_and_checked(json: &str) -> (Option<PannierError>, Option<PannierError>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let collector = pannier::Collector::open(path, pannier::Config::default()).unwrap();
    let recorded = collector.record(json).map_err(PannierError::from).err();
    (recorded, check_statement(json, XapiVersion::V2_0_0).err())
}

#[test]
fn a_check_refuses_what_recording_refuses() {
    let good = json!({
        "actor": {"mbox": "mailto:ada@example.com"},
        "verb": {"id": "https://example.com/verbs/did"},
        "object": {"id": "https://example.com/a/1"},
    });
    let with = |name: &str, value: Value| {
        let mut one = good.clone();
        one[name] = value;
        one
    };
    let id = "16fd2706-8baf-433b-82eb-8c7fada847da";
    // Data 2.3.2: a voiding of itself.
    let mut itself = with("id", json!(id));
    itself["verb"] = json!({"id": "http://adlnet.gov/expapi/verbs/voided"});
    itself["object"] = json!({"objectType": "StatementRef", "id": id});
    // A content that has to be given along.
    let attachment = json!([{
        "usageType": "http://example.com/photo", "display": {"en": "a photo"},
        "contentType": "image/png", "length": 3,
        "sha2": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }]);
    let large = json!({"extensions": {"http://e.example/": "x".repeat(4 * 1024 * 1024)}});
    for one in [
        itself,
        with("attachments", attachment),
        with("timestamp", json!("2569-03-01T10:00:00Z")),
        with("result", large),
    ] {
        let (recorded, checked) = recorded_and_checked(&one.to_string());
        // An id that was filled in is another one each time.
        let kind = |error: Option<PannierError>| error.map(|error| std::mem::discriminant(&error));
        assert!(recorded.is_some());
        assert!(
            kind(checked) == kind(recorded),
            "{}",
            &one.to_string()[..150]
        );
    }
    assert_eq!(recorded_and_checked(&good.to_string()), (None, None));
}

#[test]
fn defaults_cross_whole_and_what_is_no_json_in_them_is_told() {
    let full = full();
    let defaults = StatementDefaults {
        actor: full.actor.clone(),
        context: full.context.clone(),
    };
    let core = defaults.clone().core().unwrap();
    let (open, json) = (r#"{"verb":{},"object":{}}"#, json_of(&full));
    let whole = core.prepared().add_to(open.as_bytes()).into_owned();
    let whole: Value = serde_json::from_slice(&whole).unwrap();
    assert_eq!(whole["actor"], json["actor"]);
    assert_eq!(whole["context"], json["context"]);

    let wrong = StatementDefaults {
        context: Some(XapiContext {
            extensions: map("https://example.com/x", "{"),
            ..XapiContext::default()
        }),
        ..defaults
    };
    let Err(PannierError::Invalid { faults, .. }) = wrong.core() else {
        panic!("accepted")
    };
    assert!(faults[0].path.starts_with("$.context.extensions"));
}
