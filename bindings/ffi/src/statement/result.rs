//! The result of a statement.

use std::collections::HashMap;
use std::time::Duration;

use pannier::statement::{Fault, model};

use super::extensions;
use crate::TimeSpan;
use crate::time::EXPECTED_LENGTH;

/// Outcome of the action (Data 2.4.5): the `result` of a statement.
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct XapiResult {
    /// The score.
    #[uniffi(default)]
    pub score: Option<Score>,
    /// Tells whether the attempt succeeded.
    #[uniffi(default)]
    pub success: Option<bool>,
    /// Tells whether the activity was completed.
    #[uniffi(default)]
    pub completion: Option<bool>,
    /// The answer given, in the form that the interaction type asks for.
    #[uniffi(default)]
    pub response: Option<String>,
    /// Time it took. Anything finer than 0.01 s is cut off (Data 4.6). One that is negative or longer than 292 years is
    /// refused when it is recorded.
    #[uniffi(default)]
    pub duration: Option<TimeSpan>,
    /// Anything else: IRI to JSON text.
    #[uniffi(default)]
    pub extensions: HashMap<String, String>,
}

impl XapiResult {
    pub(super) fn core(self, at: &str, faults: &mut Vec<Fault>) -> model::XapiResult {
        model::XapiResult {
            score: self
                .score
                .map(|score| score.core(&format!("{at}.score"), faults)),
            success: self.success,
            completion: self.completion,
            response: self.response,
            duration: self.duration.and_then(|span| length(span, at, faults)),
            extensions: extensions::core(self.extensions, at, faults),
        }
    }
}

impl From<model::XapiResult> for XapiResult {
    fn from(result: model::XapiResult) -> Self {
        Self {
            score: result.score.map(Into::into),
            success: result.success,
            completion: result.completion,
            response: result.response,
            duration: result.duration.map(Into::into),
            extensions: extensions::texts(result.extensions),
        }
    }
}

/// Converts the time it took. One that cannot be written as it is would become another one, and nobody would be told.
fn length(span: TimeSpan, at: &str, faults: &mut Vec<Fault>) -> Option<Duration> {
    let exact = span.exact();
    if exact.is_none() {
        faults.push(Fault {
            index: None,
            path: format!("{at}.duration"),
            problem: if span.0 < 0 {
                "is negative"
            } else {
                "is longer than 292 years"
            }
            .to_owned(),
            expected: format!("{EXPECTED_LENGTH}, or none"),
            section: "Data 4.6",
        });
    }
    exact
}

/// Score of an attempt (Data 2.4.5.1). Not for progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, uniffi::Record)]
pub struct Score {
    /// Scaled score from -1 to 1; 0.8 for 80 %.
    #[uniffi(default)]
    pub scaled: Option<f64>,
    /// The points reached, between `min` and `max`.
    #[uniffi(default)]
    pub raw: Option<f64>,
    /// The fewest points there can be.
    #[uniffi(default)]
    pub min: Option<f64>,
    /// The most points there can be; more than `min`.
    #[uniffi(default)]
    pub max: Option<f64>,
}

impl Score {
    /// Converts into the core's own type. A number that JSON cannot write would become `null` in the text, and the
    /// refusal would name a value that the app never gave.
    fn core(self, at: &str, faults: &mut Vec<Fault>) -> model::Score {
        let Self {
            scaled,
            raw,
            min,
            max,
        } = self;
        for (name, number) in [("scaled", scaled), ("raw", raw), ("min", min), ("max", max)] {
            let Some(number) = number.filter(|number| !number.is_finite()) else {
                continue;
            };
            let what = if number.is_nan() {
                "not a number (NaN)"
            } else {
                "infinite"
            };
            faults.push(Fault {
                index: None,
                path: format!("{at}.{name}"),
                problem: format!("is {what}"),
                expected: "a finite number, or none".to_owned(),
                section: "Data 2.4.5.1",
            });
        }
        model::Score {
            scaled,
            raw,
            min,
            max,
        }
    }
}

impl From<model::Score> for Score {
    fn from(score: model::Score) -> Self {
        let model::Score {
            scaled,
            raw,
            min,
            max,
        } = score;
        Self {
            scaled,
            raw,
            min,
            max,
        }
    }
}
