//! What a collector says of many statements that are refused at once stays as short as for one.

use pannier::{Collector, Config, Error};

const GOOD: &str = r#"{"actor":{"mbox":"mailto:a@example.com"},"verb":{"id":"http://example.com/did"},"object":{"id":"http://example.com/a"}}"#;

#[test]
fn of_many_that_are_refused_a_hundred_faults_are_listed_and_the_rest_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let collector = Collector::open(folder.path().join("queue.db"), Config::default());
    let collector = collector.expect("an empty queue");
    let many = std::iter::once(GOOD).chain(std::iter::repeat_n("1", 5_000));
    let Err(Error::Invalid(invalid)) = collector.record_all(many) else {
        panic!("taken");
    };
    assert_eq!((invalid.faults.len(), invalid.more), (100, 4_900));
    assert_eq!(invalid.faults[0].path, "$[1]");
    assert_eq!(invalid.faults[99].path, "$[100]");
    let ledger = collector.status().expect("a status").ledger;
    assert_eq!(ledger.recorded, 0);
}
