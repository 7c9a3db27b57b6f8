//! Whatever valid parts a typed statement is built from, it is accepted as it was meant.

use std::time::{Duration, SystemTime};

use pannier_xapi::statement::model::{
    Actor, Agent, Attachment, ContextAgent, ContextGroup, Ifi, InteractionComponent,
    InteractionType, LanguageMap, Score, Statement, StatementObject, StatementRef, SubStatement,
    Verb, XapiActivity, XapiContext, XapiGroup, XapiResult,
};
use pannier_xapi::statement::{Comparison, Fill, XapiVersion, compare, prepare};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn iri() -> impl Strategy<Value = String> {
    prop_oneof![
        "https?://[a-z]{1,8}\\.example/[a-zA-Z0-9äß/_.~-]{0,20}",
        "urn:[a-z]{2,6}:[a-z0-9-]{1,12}",
        "tag:example\\.com,2024:[a-z]{1,9}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    "[^\\x00]{0,20}"
}

fn languages() -> impl Strategy<Value = LanguageMap> {
    let tag = prop_oneof!["en|de|nah", "pt-(BR|PT)", "zh-Hant-TW", "sl-rozaj"];
    btree_map(tag, text(), 0..3)
}

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(|bits| uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
}

fn any_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e12..1e12).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
    .boxed()
}

fn ifi() -> impl Strategy<Value = Ifi> {
    prop_oneof![
        "mailto:[a-zA-Z]{1,4}(\\.[a-zA-Z]{1,3}){0,2}x@[a-z]{1,9}\\.example".prop_map(Ifi::mbox),
        "[0-9a-fA-F]{40}".prop_map(Ifi::mbox_sha1sum),
        "https://[a-z]{1,9}\\.example/[a-z]{0,9}".prop_map(Ifi::openid),
        ("https://[a-z]{1,9}\\.example", "[^\\x00]{1,20}")
            .prop_map(|(home, name)| Ifi::account(home, name)),
    ]
}

fn agent() -> BoxedStrategy<Agent> {
    (of(text()), ifi())
        .prop_map(|(name, ifi)| Agent { name, ifi })
        .boxed()
}

fn group() -> BoxedStrategy<XapiGroup> {
    let identified =
        (of(text()), ifi(), vec(agent(), 0..3)).prop_map(|(name, ifi, member)| XapiGroup {
            name,
            ifi: Some(ifi),
            member,
        });
    prop_oneof![
        identified,
        vec(agent(), 1..4).prop_map(XapiGroup::anonymous),
    ]
    .boxed()
}

fn actor() -> BoxedStrategy<Actor> {
    prop_oneof![agent().prop_map(Actor::from), group().prop_map(Actor::from)].boxed()
}

fn verb() -> impl Strategy<Value = Verb> {
    (iri(), languages()).prop_map(|(id, display)| Verb { id, display })
}

fn components() -> BoxedStrategy<Vec<InteractionComponent>> {
    btree_map("[a-z0-9_]{1,6}", languages(), 1..4)
        .prop_map(|components| {
            components
                .into_iter()
                .map(|(id, description)| InteractionComponent { id, description })
                .collect()
        })
        .boxed()
}

fn question() -> BoxedStrategy<XapiActivity> {
    use InteractionType as Form;
    let form = prop_oneof![
        Just(Form::Choice),
        Just(Form::Sequencing),
        Just(Form::Likert),
        Just(Form::Matching),
        Just(Form::Performance),
        Just(Form::Other),
    ];
    (iri(), form, components(), components())
        .prop_map(|(id, form, first, second)| {
            let question = XapiActivity::new(id).interaction(form);
            match form {
                Form::Choice | Form::Sequencing => {
                    let right = first[0].id.clone();
                    question.choices(first).correct_responses([right])
                }
                Form::Likert => question.scale(first),
                Form::Matching => question.source(first).target(second),
                Form::Performance => question.steps(first),
                _ => question.correct_responses([""; 0]),
            }
        })
        .boxed()
}

fn activity() -> BoxedStrategy<XapiActivity> {
    let described = (iri(), languages(), languages(), iri(), iri(), any_json()).prop_map(
        |(id, names, descriptions, kind, key, value)| {
            let mut activity = XapiActivity::new(id)
                .activity_type(kind)
                .extension(key, value);
            for (language, text) in names {
                activity = activity.name(language, text);
            }
            for (language, text) in descriptions {
                activity = activity.description(language, text);
            }
            activity
        },
    );
    prop_oneof![iri().prop_map(XapiActivity::new), described, question()].boxed()
}

fn result() -> BoxedStrategy<XapiResult> {
    let score = (-1.0..=1.0, 0.0..=1.0, -100.0..0.0, 1.0..100.0)
        .prop_map(|(scaled, raw, min, max)| Score::scaled(scaled).points(raw, min, max));
    (
        of(score),
        of(any::<bool>()),
        of(any::<bool>()),
        of(text()),
        of(any::<u32>().prop_map(|ms| Duration::from_millis(ms.into()))),
        btree_map(iri(), any_json(), 0..2),
    )
        .prop_map(
            |(score, success, completion, response, duration, extensions)| XapiResult {
                score,
                success,
                completion,
                response,
                duration,
                extensions,
            },
        )
        .boxed()
}

fn context() -> BoxedStrategy<XapiContext> {
    (
        of(uuid()),
        of(actor()),
        of(group()),
        vec(activity(), 0..4),
        of(uuid()),
        (vec(agent(), 0..2), vec(group(), 0..2), iri()),
        btree_map(iri(), any_json(), 0..2),
    )
        .prop_map(
            |(
                registration,
                instructor,
                team,
                around,
                statement,
                (agents, groups, part),
                extensions,
            )| {
                let mut context = XapiContext {
                    registration,
                    instructor,
                    team,
                    statement: statement.map(StatementRef::new),
                    extensions,
                    ..XapiContext::new().language("en-GB")
                };
                for (place, activity) in around.into_iter().enumerate() {
                    context = match place {
                        0 => context.parent(activity),
                        1 => context.grouping(activity),
                        2 => context.category(activity),
                        _ => context.other(activity),
                    };
                }
                for agent in agents {
                    context = context.context_agent(ContextAgent::new(agent).relevant_type(&part));
                }
                for group in groups {
                    context = context.context_group(ContextGroup::new(group));
                }
                context
            },
        )
        .boxed()
}

fn attachment() -> BoxedStrategy<Attachment> {
    (iri(), languages(), any::<u32>(), "[0-9a-f]{64}")
        .prop_map(|(usage_type, description, length, sha2)| Attachment {
            usage_type,
            display: LanguageMap::from([("en".to_owned(), "File".to_owned())]),
            description,
            content_type: "text/plain; charset=utf-8".to_owned(),
            length: length.into(),
            sha2,
            file_url: Some("https://example.com/file".to_owned()),
        })
        .boxed()
}

fn statement_about(object: BoxedStrategy<StatementObject>) -> BoxedStrategy<Statement> {
    // From 1970 to 2100, in milliseconds.
    let time = (0..4_102_444_800_000_u64)
        .prop_map(|ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms));
    (
        (actor(), verb(), object),
        of(result()),
        of(context()),
        of(time),
        vec(attachment(), 0..2),
        any::<bool>(),
    )
        .prop_map(
            |((actor, verb, object), result, context, timestamp, attachments, platform)| {
                let names_a_platform = platform && matches!(object, StatementObject::Activity(_));
                let context = context.map(|context| {
                    if names_a_platform {
                        context.platform("Trainer").revision("2")
                    } else {
                        context
                    }
                });
                Statement {
                    result,
                    context,
                    timestamp,
                    attachments,
                    ..Statement::new(actor, verb, object)
                }
            },
        )
        .boxed()
}

fn simple_object() -> BoxedStrategy<StatementObject> {
    prop_oneof![
        4 => activity().prop_map(StatementObject::from),
        1 => actor().prop_map(StatementObject::from),
        1 => uuid().prop_map(|id| StatementRef::new(id).into()),
    ]
    .boxed()
}

fn statement() -> impl Strategy<Value = Statement> {
    let inner = statement_about(simple_object()).prop_map(|inner| SubStatement::from(inner).into());
    let object = prop_oneof![4 => simple_object(), 1 => inner].boxed();
    (statement_about(object), of(uuid())).prop_map(|(statement, id)| Statement { id, ..statement })
}

const FILL: Fill = Fill {
    id: Uuid::from_u128(0x018f_3c2e_7b1a_7cc3_98c4_dc0c_0c07_398f),
    now_ms: 1_718_434_800_123,
};

fn needs_version_2(context: Option<&XapiContext>) -> bool {
    context.is_some_and(|it| !it.context_agents.is_empty() || !it.context_groups.is_empty())
}

proptest! {
    #[test]
    fn a_statement_of_valid_parts_is_accepted_as_it_was_meant(statement in statement()) {
        let inner = match &statement.object {
            StatementObject::SubStatement(inner) => inner.context.as_ref(),
            _ => None,
        };
        let needs_2_0 = needs_version_2(statement.context.as_ref()) || needs_version_2(inner);
        let version = if needs_2_0 { XapiVersion::V2_0_0 } else { XapiVersion::V1_0_3 };

        let text = statement.to_json();
        let prepared = match prepare(text.as_bytes(), version, &FILL) {
            Ok(prepared) => prepared,
            Err(invalid) => panic!("{invalid}\n{text}"),
        };

        let mut meant: Value = serde_json::from_str(&text)?;
        meant["id"] = statement.id.unwrap_or(FILL.id).to_string().into();
        if statement.timestamp.is_none() {
            meant["timestamp"] = "2024-06-15T07:00:00.123Z".into();
        }
        let accepted: Value = serde_json::from_slice(&prepared.body)?;
        prop_assert_eq!(accepted, meant);
        prop_assert_eq!(prepared.timestamp_is_ours, statement.timestamp.is_none());
        prop_assert_eq!(prepared.needs_2_0, needs_2_0);
        prop_assert_eq!(compare(text.as_bytes(), &prepared.body), Comparison::Same);

        let read = match Statement::from_json(&text) {
            Ok(read) => read,
            Err(invalid) => panic!("{invalid}\n{text}"),
        };
        let again: Value = serde_json::from_str(&read.to_json())?;
        let written: Value = serde_json::from_str(&text)?;
        prop_assert_eq!(again, written);
    }
}
