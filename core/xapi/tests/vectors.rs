//! Every test vector gives its verdict; there are no exceptions.
//!
//! Two of the three files come from the ADL conformance suite and are not part of this project: the
//! environment variable `PANNIER_VECTORS` names the directory they are in.

mod suite;

use pannier_xapi::statement::{XapiVersion, check};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    name: String,
    statement: String,
    valid: bool,
    /// Given where a file has rows of both versions.
    version: Option<String>,
}

fn rows(text: &str) -> Vec<Row> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a row of vectors"))
        .collect()
}

/// Checks all rows, and returns how many there were.
fn agree(rows: &[Row], version_of: impl Fn(&Row) -> XapiVersion) -> usize {
    let mut wrong = Vec::new();
    for row in rows {
        let version = version_of(row);
        let verdict = check(row.statement.as_bytes(), version);
        if let Err(invalid) = &verdict {
            assert!(
                !invalid.faults.is_empty(),
                "{} was refused without a fault",
                row.name
            );
        }
        if verdict.is_ok() != row.valid {
            wrong.push(format!(
                "{version}, should be {}: {}\n{}\n{}",
                if row.valid { "valid" } else { "invalid" },
                row.name,
                row.statement,
                verdict
                    .err()
                    .map(|invalid| invalid.to_string())
                    .unwrap_or_default(),
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} rows:\n\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n\n")
    );
    rows.len()
}

#[test]
fn suite_1_0_3() {
    if let Some(text) = suite::file("statement-vectors-1.0.3.jsonl") {
        assert_eq!(
            agree(&rows(&text), |_| XapiVersion::V1_0_3),
            text.lines().count()
        );
    }
}

#[test]
fn suite_2_0_0() {
    if let Some(text) = suite::file("statement-vectors-2.0.0.jsonl") {
        assert_eq!(
            agree(&rows(&text), |_| XapiVersion::V2_0_0),
            text.lines().count()
        );
    }
}

#[test]
fn supplement() {
    let rows = rows(include_str!("vectors/statement-vectors-supplement.jsonl"));
    let version = |row: &Row| {
        row.version
            .as_deref()
            .expect("a version")
            .parse()
            .expect("a known version")
    };
    assert_eq!(agree(&rows, version), 358);
}
