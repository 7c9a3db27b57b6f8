//! What the typed model writes.

use std::time::{Duration, SystemTime};

use pannier_xapi::statement::model::{
    Agent, Attachment, ContextAgent, ContextGroup, Ifi, InteractionComponent, InteractionType,
    LanguageMap, Score, Statement, StatementObject, SubStatement, Verb, XapiActivity, XapiContext,
    XapiGroup, XapiResult,
};
use pannier_xapi::statement::vocabulary::{activity_types, categories, extensions, verbs};
use pannier_xapi::statement::{XapiVersion, check};
use serde_json::{Value, json};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x018f_3c2e_7b1a_7cc3_98c4_dc0c_0c07_398f);

fn written(statement: &Statement) -> Value {
    serde_json::from_str(&statement.to_json()).expect("the model writes JSON")
}

fn ada() -> Agent {
    Agent::mbox("mailto:ada@example.com")
}

fn course() -> XapiActivity {
    XapiActivity::new("https://example.com/course")
}

#[test]
fn the_smallest_statement_has_nothing_but_its_three_parts() {
    let verb = Verb::new("https://example.com/did");
    let smallest = json!({
        "actor": {"objectType": "Agent", "mbox": "mailto:ada@example.com"},
        "verb": {"id": "https://example.com/did"},
        "object": {"id": "https://example.com/course"},
    });
    let statement = Statement::new(ada(), verb, course());
    assert_eq!(written(&statement), smallest);

    let silent = statement
        .result(XapiResult::new())
        .context(XapiContext::new());
    assert_eq!(written(&silent), smallest);
}

#[test]
fn every_part_has_the_name_the_standard_gives_it() {
    let crew = XapiGroup::identified(Ifi::account("https://example.com", "crew-7"))
        .name("Crew 7")
        .member(Agent::new(Ifi::mbox_sha1sum("ab".repeat(20))).name("Ben"))
        .member(Agent::new(Ifi::openid("https://example.com/people/cy")));
    let question = XapiActivity::new("https://example.com/words/zug")
        .name("en", "Zug")
        .name("de", "Zug")
        .description("en", "What does it mean?")
        .activity_type(activity_types::CMI_INTERACTION)
        .more_info("https://example.com/words")
        .interaction(InteractionType::Choice)
        .choices([InteractionComponent::new("train").description("en", "the train")])
        .correct_responses(["train"])
        .extension("https://example.com/level", 2);
    let result = XapiResult::new()
        .score(Score::scaled(0.8).points(8.0, 0.0, 10.0))
        .success(true)
        .completion(false)
        .response("train")
        .duration(Duration::from_millis(754_321))
        .extension(extensions::CMI5_PROGRESS, 40);
    let context = XapiContext::new()
        .registration(ID)
        .instructor(Agent::account("https://example.com", "teacher"))
        .team(XapiGroup::anonymous([ada()]))
        .parent(course())
        .grouping(XapiActivity::new("https://example.com/programme"))
        .category(XapiActivity::new(categories::CMI5))
        .other(XapiActivity::new("https://example.com/room"))
        .revision("2")
        .platform("Trainer")
        .language("de-AT")
        .statement(ID)
        .context_agent(ContextAgent::new(ada()).relevant_type("https://example.com/coach"))
        .context_group(ContextGroup::new(XapiGroup::anonymous([ada()])))
        .extension(
            "https://example.com/seat",
            json!({"row": 3, "window": null}),
        );
    let certificate = Attachment {
        usage_type: "https://example.com/certificate".to_owned(),
        display: LanguageMap::from([("en".to_owned(), "Certificate".to_owned())]),
        description: LanguageMap::new(),
        content_type: "application/pdf".to_owned(),
        length: 0,
        sha2: "cd".repeat(32),
        file_url: Some("https://example.com/certificate.pdf".to_owned()),
    };
    let statement = Statement::new(crew, verbs::ANSWERED, question)
        .id(ID)
        .result(result)
        .context(context)
        .timestamp(SystemTime::UNIX_EPOCH + Duration::from_micros(1_718_434_800_123_999))
        .attachment(certificate);

    let expected: Value =
        serde_json::from_str(include_str!("vectors/model.json")).expect("the expectation is JSON");
    assert_eq!(written(&statement), expected);
}

#[test]
fn other_objects_say_what_they_are() {
    let object = |object: StatementObject| {
        written(&Statement::new(ada(), verbs::INTERACTED, object))["object"].take()
    };

    assert_eq!(
        object(ada().into()),
        json!({"objectType": "Agent", "mbox": "mailto:ada@example.com"})
    );
    assert_eq!(
        object(XapiGroup::anonymous([ada()]).into())["objectType"],
        "Group"
    );
    let planned = Statement::new(ada(), Verb::new("https://example.com/did"), course())
        .id(ID)
        .result(XapiResult::new().success(true));
    assert_eq!(
        object(SubStatement::from(planned).into()),
        json!({
            "objectType": "SubStatement",
            "actor": {"objectType": "Agent", "mbox": "mailto:ada@example.com"},
            "verb": {"id": "https://example.com/did"},
            "object": {"id": "https://example.com/course"},
            "result": {"success": true},
        })
    );
}

#[test]
fn a_voiding_names_its_target() {
    let voiding = written(&Statement::void(ID, ada()));
    assert_eq!(
        voiding["verb"]["id"],
        "http://adlnet.gov/expapi/verbs/voided"
    );
    assert_eq!(
        voiding["object"],
        json!({"objectType": "StatementRef", "id": "018f3c2e-7b1a-7cc3-98c4-dc0c0c07398f"})
    );
}

#[test]
fn no_right_answer_differs_from_any_answer() {
    let any = course().interaction(InteractionType::LongFillIn);
    let none = any.clone().correct_responses([""; 0]);
    let definition = |activity| {
        written(&Statement::new(ada(), verbs::ANSWERED, activity))["object"]["definition"].take()
    };

    assert_eq!(definition(any), json!({"interactionType": "long-fill-in"}));
    assert_eq!(
        definition(none),
        json!({"interactionType": "long-fill-in", "correctResponsesPattern": []})
    );
}

#[test]
fn what_is_wrong_is_left_to_the_validator() {
    let ages_ago = SystemTime::UNIX_EPOCH - Duration::from_hours(100_000_000);
    let wrong = Statement::new(Agent::mbox("ada@example.com"), Verb::new("did"), course())
        .result(XapiResult::new().score(Score::scaled(f64::INFINITY)))
        .timestamp(ages_ago);
    let invalid = check(wrong.to_json().as_bytes(), XapiVersion::V1_0_3)
        .expect_err("nothing in it is right but the object");
    let paths: Vec<_> = invalid.faults.iter().map(|fault| &fault.path).collect();
    assert_eq!(
        paths,
        [
            "$.actor.mbox",
            "$.verb.id",
            "$.result.score.scaled",
            "$.timestamp"
        ]
    );
}
