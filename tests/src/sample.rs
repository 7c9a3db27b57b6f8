//! Statements to record: what a vocabulary app on a phone might say.

use serde_json::{Value, json};
use uuid::{Builder, Uuid};

/// The id of the `n`th statement of a run. Different runs have different ids.
pub fn id(run: u32, n: u32) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&run.to_be_bytes());
    bytes[12..].copy_from_slice(&n.to_be_bytes());
    Builder::from_random_bytes(bytes).into_uuid()
}

/// Which statement of which run this is the id of.
pub fn place(id: Uuid) -> (u32, u32) {
    let four = |at: usize| <[u8; 4]>::try_from(&id.as_bytes()[at..at + 4]).expect("four bytes");
    (u32::from_be_bytes(four(0)), u32::from_be_bytes(four(12)))
}

/// The `n`th statement of a run, complete with id and timestamp, so that nothing is left to fill in
/// and recording must keep it to the byte.
pub fn statement(run: u32, n: u32) -> Value {
    json!({
        "id": id(run, n),
        "timestamp": format!("2024-05-{:02}T{:02}:{:02}:{:02}.{:03}Z", 1 + run % 28, n / 3600 % 24, n / 60 % 60, n % 60, run % 1000),
        "actor": {
            "objectType": "Agent",
            "name": "Aylin Şahin",
            "account": {"homePage": "https://vocabulary.example.com", "name": format!("learner-{}", n % 7)},
        },
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en": "answered", "de": "beantwortete"}},
        "object": {
            "id": format!("https://vocabulary.example.com/words/{n}"),
            "definition": {
                "name": {"en": format!("word {n}"), "ja": format!("単語 {n}")},
                "type": "http://adlnet.gov/expapi/activities/question",
            },
        },
        "result": {"success": !n.is_multiple_of(3), "duration": format!("PT{}.5S", n % 50), "score": {"scaled": f64::from(n % 11) / 10.0}},
        "context": {"platform": "phone", "language": "tr"},
    })
}

/// The same as text.
pub fn text(run: u32, n: u32) -> Vec<u8> {
    statement(run, n).to_string().into_bytes()
}
