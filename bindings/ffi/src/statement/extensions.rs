//! Extensions: JSON text at the border, JSON values in the core.

use pannier::statement::{Fault, model};
use serde_json::Value;

use super::Extensions;
use crate::time::EXPECTED_LENGTH;

/// Text in the place of a length of time that cannot be written as it is; no JSON.
pub(super) const NO_LENGTH: &str = "no length";

/// Converts into values; a text that is no JSON is a fault of its own.
pub(super) fn core(extensions: Extensions, at: &str, faults: &mut Vec<Fault>) -> model::Extensions {
    let mut values = model::Extensions::new();
    for (iri, text) in extensions {
        match serde_json::from_str(&text) {
            Ok(value) => {
                values.insert(iri, value);
            }
            Err(_) if text == NO_LENGTH => faults.push(Fault {
                index: None,
                path: format!("{at}.extensions[{}]", Value::from(iri)),
                problem: "is negative, or longer than 292 years".to_owned(),
                expected: EXPECTED_LENGTH.to_owned(),
                section: "Data 4.6",
            }),
            Err(error) => faults.push(Fault {
                index: None,
                path: format!("{at}.extensions[{}]", Value::from(iri)),
                problem: format!("is no JSON (column {})", error.column()),
                expected: r#"JSON text, such as 3, "a" or {"b":[1,2]}"#.to_owned(),
                section: "Data 4.1",
            }),
        }
    }
    // The map that came in has no defined order.
    faults.sort_by(|a, b| a.path.cmp(&b.path));
    values
}

/// Converts into texts.
pub(super) fn texts(extensions: model::Extensions) -> Extensions {
    let texts = extensions.into_iter();
    texts.map(|(iri, value)| (iri, value.to_string())).collect()
}
