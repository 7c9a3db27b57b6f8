//! Pannier against LRSs that others wrote. `tests/run lrs` installs them and runs these tests.

use pannier_tests::real::{Personality, RealLrs};
use serde_json::json;

/// What the other tests stand on: that an LRS can be asked what it has.
fn tells_what_it_has(lrs: &RealLrs) {
    let ask = lrs.ask();
    let id = |n: usize| format!("00000000-0000-4000-8000-{n:012}");
    for n in 0..25 {
        let batch: Vec<_> = (n * 10..n * 10 + 10)
            .map(|n| {
                json!({
                    "id": id(n),
                    "actor": {"mbox": "mailto:learner@example.com"},
                    "verb": {"id": "http://adlnet.gov/expapi/verbs/attended"},
                    "object": {"id": "https://example.com/webinars/advanced-crm"},
                })
            })
            .collect();
        ask.post(&json!(batch));
    }
    assert_eq!(ask.all_statements().len(), 250);
    assert_eq!(ask.get(&id(249)).expect("it was stored")["id"], id(249));
    assert_eq!(ask.get(&id(250)), None);
}

#[test]
#[ignore = "left out: run tests/run lrs"]
fn ralph_tells_what_it_has() {
    tells_what_it_has(&RealLrs::ralph(Personality::Append));
}

#[test]
#[ignore = "left out: run tests/run lrs"]
fn learning_locker_tells_what_it_has() {
    tells_what_it_has(&RealLrs::learning_locker());
}
