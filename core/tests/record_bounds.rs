//! What a collector refuses although it is valid, and how much it says of what it refuses.

use pannier::statement::model::Agent;
use pannier::statement::{PANNIER_LIMIT, XapiVersion, check};
use pannier::{Collector, Config, Error};

const GOOD: &str = r#"{"actor":{"mbox":"mailto:a@example.com"},"verb":{"id":"http://example.com/did"},"object":{"id":"http://example.com/a"}}"#;

#[test]
fn of_many_that_are_refused_a_hundred_faults_are_listed_and_the_rest_is_counted() {
    let (_folder, collector) = collector();
    let many = std::iter::once(GOOD).chain(std::iter::repeat_n("1", 5_000));
    let Err(Error::Invalid(invalid)) = collector.record_all(many) else {
        panic!("taken");
    };
    assert_eq!((invalid.faults.len(), invalid.more), (100, 4_900));
    let [first, .., last] = &invalid.faults[..] else {
        panic!("{invalid}")
    };
    assert_eq!((first.index, &*first.path), (Some(1), "$"));
    assert_eq!((last.index, &*last.path), (Some(100), "$"));
    let ledger = collector.status().expect("a status").ledger;
    assert_eq!(ledger.recorded, 0);
}

fn collector() -> (tempfile::TempDir, Collector) {
    let folder = tempfile::tempdir().expect("a folder");
    let collector = Collector::open(folder.path().join("queue.db"), Config::default());
    (folder, collector.expect("an empty queue"))
}

/// The one fault for which a valid statement is not recorded: path, problem and section.
fn refused(text: &str) -> (String, String, &'static str) {
    assert!(
        check(text.as_bytes(), XapiVersion::V2_0_0).is_ok(),
        "{text}"
    );
    let (_folder, collector) = collector();
    let Err(Error::Invalid(mut invalid)) = collector.record(text) else {
        panic!("recorded: {text}");
    };
    assert_eq!((invalid.faults.len(), invalid.more), (1, 0), "{invalid}");
    let fault = invalid.faults.remove(0);
    (fault.path, fault.problem, fault.section)
}

#[test]
fn a_statement_that_voids_itself_is_not_recorded() {
    let id = "7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c";
    let voiding = |own: &str, target: &str| {
        format!(
            r#"{{"id":"{own}","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://adlnet.gov/expapi/verbs/voided"}},"object":{{"objectType":"StatementRef","id":"{target}"}}}}"#
        )
    };
    let (path, problem, section) = refused(&voiding(&id.to_uppercase(), id));
    assert_eq!(path, "$.object.id");
    assert_eq!(problem, "is the id of the voiding statement itself");
    assert_eq!(section, "xAPI 2.0.0 4.2.5");
    let (_folder, collector) = collector();
    let other = voiding(id, "8f87ccde-bb56-4c2e-ab83-44982ef22df0");
    collector.record(other).expect("the voiding of another one");
}

#[test]
fn a_year_that_no_clock_error_explains_is_not_recorded() {
    let at = |timestamp: &str| GOOD.replacen('{', &format!(r#"{{"timestamp":"{timestamp}","#), 1);
    for (timestamp, year) in [
        ("2569-11-28T10:00:00.000Z", 2569),
        ("2200-01-01T00:00:00Z", 2200),
        ("9999-12-31T23:59:59Z", 9999),
    ] {
        let (path, problem, section) = refused(&at(timestamp));
        assert_eq!((path.as_str(), section), ("$.timestamp", PANNIER_LIMIT));
        assert_eq!(problem, format!("is in the year {year}"));
    }
    let (_folder, collector) = collector();
    for timestamp in [
        "2199-12-31T23:59:59Z",
        "1969-07-20T20:17:40Z",
        "1600-01-01T00:00:00Z",
    ] {
        collector.record(at(timestamp)).expect("a year before 2200");
    }
}

/// xAPI 1.0.3 Data 2.3.2: a voiding statement cannot be voided.
#[test]
fn a_voiding_statement_that_is_known_is_not_voided_by_another() {
    let (_folder, collector) = collector();
    let id = |n: u8| format!("8f87ccde-bb56-4c2e-ab83-44982ef22df{n}");
    let voiding = |own: u8, target: u8| {
        format!(
            r#"{{"id":"{}","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://adlnet.gov/expapi/verbs/voided"}},"object":{{"objectType":"StatementRef","id":"{}"}}}}"#,
            id(own),
            id(target)
        )
    };
    let refused = |error: Error, index: Option<usize>| {
        let Error::Invalid(invalid) = error else {
            panic!("{error}")
        };
        let [fault] = &invalid.faults[..] else {
            panic!("{invalid}")
        };
        assert_eq!(fault.index, index);
        assert_eq!(fault.path, "$.object.id");
        assert_eq!(fault.section, "Data 2.3.2");
        assert!(fault.problem.contains("voiding"), "{fault}");
    };
    // Of two in one call, too: in their order.
    let both = [voiding(1, 0), voiding(2, 1)];
    refused(collector.record_all(&both).unwrap_err(), Some(1));
    assert_eq!(collector.status().unwrap().ledger.recorded, 0);
    collector.record(voiding(1, 0)).unwrap();
    refused(collector.record(voiding(2, 1)).unwrap_err(), None);
    let target = id(1).parse().unwrap();
    let actor = Agent::mbox("mailto:a@example.com");
    refused(collector.void(target, actor).unwrap_err(), None);
    // What is known of it came later than this one: the same again is the same.
    collector.record(voiding(4, 3)).unwrap();
    collector.record(voiding(3, 0)).unwrap();
    collector.record(voiding(4, 3)).unwrap();
    assert_eq!(collector.status().unwrap().ledger.recorded, 3);
}
