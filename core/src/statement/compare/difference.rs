//! Where two JSON values differ.

use std::fmt;

use serde::Serialize;
use serde_json::{Number, Value};

use crate::statement::fault::LISTED;
use crate::statement::locate::member;

/// The most characters of a value that a difference shows.
const SHOWN: usize = 200;

/// One place where the LRS's copy is not what was sent.
///
/// It shows what stands there, so an app can show it to somebody who may see the statement. Its
/// `Debug` leaves the values out.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where, as a JSON path: `$.result.score.scaled`. Members of a group are counted in the order
    /// of their identifiers.
    pub path: String,
    /// What was sent, as JSON text cut to 200 characters; absent if nothing was.
    pub ours: Option<String>,
    /// What the LRS has there, likewise.
    pub theirs: Option<String>,
}

impl fmt::Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Difference")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The places where two copies differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// The first hundred that were found.
    pub listed: Vec<Difference>,
    /// How many there are beyond those listed.
    pub more: usize,
}

/// Every place where two values differ, numbers within the precision an LRS has to keep.
pub(super) fn between(ours: &Value, theirs: &Value) -> Differences {
    let mut found = Differences::default();
    walk("$", Some(ours), Some(theirs), &mut found);
    found
}

fn walk(path: &str, ours: Option<&Value>, theirs: Option<&Value>, found: &mut Differences) {
    match (ours, theirs) {
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            let only_theirs = theirs.keys().filter(|name| !ours.contains_key(*name));
            for name in ours.keys().chain(only_theirs) {
                walk(&member(path, name), ours.get(name), theirs.get(name), found);
            }
        }
        (Some(Value::Array(ours)), Some(Value::Array(theirs))) => {
            for index in 0..ours.len().max(theirs.len()) {
                let path = format!("{path}[{index}]");
                walk(&path, ours.get(index), theirs.get(index), found);
            }
        }
        (Some(Value::Number(ours)), Some(Value::Number(theirs))) if same_number(ours, theirs) => {}
        (ours, theirs) if ours == theirs => {}
        _ if found.listed.len() == LISTED => found.more += 1,
        (ours, theirs) => found.listed.push(Difference {
            path: path.to_owned(),
            ours: ours.map(short),
            theirs: theirs.map(short),
        }),
    }
}

/// An LRS need keep no more than the precision of a 32-bit float (Data 2.2), and what it has beyond
/// 2^53 is often rounded to a double.
fn same_number(ours: &Number, theirs: &Number) -> bool {
    match (ours.as_f64(), theirs.as_f64()) {
        (Some(ours), Some(theirs)) => {
            (ours - theirs).abs() <= ours.abs().max(theirs.abs()) * f64::from(f32::EPSILON)
        }
        _ => false,
    }
}

fn short(value: &Value) -> String {
    let mut text = value.to_string();
    if let Some((end, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(end);
        text.push('…');
    }
    text
}
