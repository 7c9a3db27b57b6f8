//! What statements have in common is said once: for the collector, or for a learner.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kit::{FakeLrs, config, open, statement};
use crate::collector::{Collector, Config};
use crate::error::Error;
use crate::statement::model::{Agent, XapiActivity, XapiContext};
use crate::statement::{Statement, StatementDefaults, vocabulary::verbs};
use crate::store::Page;

fn answered() -> Statement {
    Statement::without_actor(verbs::ANSWERED, XapiActivity::new("http://example.com/q"))
}

fn of_the_app() -> StatementDefaults {
    StatementDefaults::new().context(XapiContext::new().platform("Quest 3").language("de"))
}

fn learner(name: &str) -> StatementDefaults {
    StatementDefaults::new().actor(Agent::mbox(format!("mailto:{name}@example.com")))
}

fn queued(collector: &Collector) -> Vec<Value> {
    let listed = collector.queued(Page::default()).unwrap();
    let bodies = listed
        .iter()
        .map(|one| serde_json::from_str(&one.statement));
    bodies.collect::<Result<_, _>>().unwrap()
}

#[test]
fn an_app_says_where_once_and_each_learner_who() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(
        folder.path(),
        Config {
            defaults: of_the_app(),
            ..config(&lrs)
        },
    );
    let [ada, ben] = ["ada", "ben"].map(|name| collector.recorder(&learner(name)).unwrap());
    ada.record(answered()).unwrap();
    ben.record_all([answered().to_json(), statement(3).to_json()])
        .unwrap();
    let german = StatementDefaults::new().context(XapiContext::new().language("fr"));
    let lesson = ada.within(&german).unwrap();
    lesson.record(answered()).unwrap();
    assert!(matches!(
        collector.record(answered()),
        Err(Error::Invalid(_))
    ));

    let queued = queued(&collector);
    let who: Vec<_> = queued.iter().map(|one| &one["actor"]["mbox"]).collect();
    let theirs = statement(3).to_json();
    let theirs: Value = serde_json::from_str(&theirs).unwrap();
    assert_eq!(
        json!(who),
        json!([
            "mailto:ada@example.com",
            "mailto:ben@example.com",
            theirs["actor"]["mbox"],
            "mailto:ada@example.com"
        ])
    );
    let languages: Vec<_> = queued
        .iter()
        .map(|one| &one["context"]["language"])
        .collect();
    assert_eq!(json!(languages), json!(["de", "de", "de", "fr"]));
    assert!(
        queued
            .iter()
            .all(|one| one["context"]["platform"] == "Quest 3")
    );
    collector.sync().unwrap();
    assert_eq!(lrs.stored.lock().unwrap().len(), 4);
}

#[test]
fn what_is_wrong_with_them_is_told_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let wrong = Config {
        defaults: learner("no address"),
        ..Config::default()
    };
    let refused = Collector::open(&path, wrong).unwrap_err();
    let said = refused.to_string();
    assert!(
        said.starts_with("the defaults for statements are not valid:"),
        "{said}"
    );
    assert!(matches!(
        refused,
        Error::Invalid(invalid) if invalid.faults[0].path == "$.actor.mbox" && invalid.are_defaults
    ));
    assert!(!path.exists());
    let collector = Collector::open(&path, Config::default()).unwrap();
    assert!(matches!(
        collector.recorder(&learner("no address")),
        Err(Error::Invalid(_))
    ));
    let ada = collector.recorder(&learner("ada")).unwrap();
    drop(collector);
    assert!(matches!(ada.record(answered()), Err(Error::Closing)));
    assert!(matches!(ada.within(&of_the_app()), Err(Error::Closing)));
}

#[test]
fn a_replacement_is_taken_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(
        folder.path(),
        Config {
            defaults: learner("ada"),
            ..config(&lrs)
        },
    );
    let whole = answered().to_json();
    // What was refused may be the default.
    assert!(matches!(
        collector.replace(uuid::Uuid::from_u128(7), whole),
        Err(Error::Invalid(_))
    ));
}
