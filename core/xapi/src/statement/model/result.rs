//! Results and scores.

use std::time::Duration;

use serde::Serialize;

use super::Extensions;
use super::written::{self, is_silent};

/// Outcome of the experience (Data 2.4.5): the `result` of a statement.
///
/// The standard calls it Result, a name that Rust, Kotlin and Swift all need for something else; its name
/// `StatementResult` is taken by the answer to a query (Data 2.5).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct XapiResult {
    /// The score.
    #[serde(skip_serializing_if = "is_silent")]
    pub score: Option<Score>,
    /// Tells whether the attempt succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// Tells whether the activity was completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion: Option<bool>,
    /// The answer given, in the form that the interaction type asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// Time it took. What is finer than 0.01 s is cut off (Data 4.6).
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "written::duration"
    )]
    pub duration: Option<Duration>,
    /// Anything else.
    #[serde(skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

impl XapiResult {
    /// Creates an empty result.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the score.
    #[must_use]
    pub fn score(mut self, score: Score) -> Self {
        self.score = Some(score);
        self
    }

    /// Says whether the attempt succeeded.
    #[must_use]
    pub fn success(mut self, success: bool) -> Self {
        self.success = Some(success);
        self
    }

    /// Says whether the activity was completed.
    #[must_use]
    pub fn completion(mut self, completion: bool) -> Self {
        self.completion = Some(completion);
        self
    }

    /// Sets the answer given.
    #[must_use]
    pub fn response(mut self, response: impl Into<String>) -> Self {
        self.response = Some(response.into());
        self
    }

    /// Sets the time it took.
    #[must_use]
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Adds an extension.
    #[must_use]
    pub fn extension(
        mut self,
        iri: impl Into<String>,
        value: impl Into<serde_json::Value>,
    ) -> Self {
        self.extensions.insert(iri.into(), value.into());
        self
    }
}

/// Score of an attempt (Data 2.4.5.1). Not for progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Score {
    /// Score from -1 to 1; 0.8 for 80 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaled: Option<f64>,
    /// The points reached, between `min` and `max`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<f64>,
    /// The lowest possible number of points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The highest possible number of points; more than `min`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

impl Score {
    /// Creates a score from -1 to 1.
    pub fn scaled(scaled: f64) -> Self {
        Self {
            scaled: Some(scaled),
            ..Self::default()
        }
    }

    /// Adds the points: `raw` of those between `min` and `max`.
    #[must_use]
    pub fn points(mut self, raw: f64, min: f64, max: f64) -> Self {
        (self.raw, self.min, self.max) = (Some(raw), Some(min), Some(max));
        self
    }
}
