//! Fields of a request that go to `tracing`: counts, sizes, status, duration and judgement. Never a statement,
//! an id, a credential, a URL or the LRS's words.

use tracing::Span;
use tracing::field::Empty;

use crate::clock::Now;
use crate::sync::meaning::{Looked, Negotiated, Verdict};
use crate::sync::statements::task::Task;

pub(super) fn span(task: &Task, bytes: usize) -> Span {
    let (kind, statements) = match task {
        Task::Negotiate => ("about", 0),
        Task::Post(batch) => ("batch", batch.len()),
        Task::Lookup(_) => ("look", 1),
    };
    tracing::info_span!(
        "request",
        kind,
        statements,
        bytes,
        status = Empty,
        duration_ms = Empty,
        judgement = Empty
    )
}

/// Returns the milliseconds from one reading to another, by the steady clock if possible.
pub(super) fn between(before: Now, after: Now) -> u64 {
    let took = match (before.steady, after.steady) {
        (Some(before), Some(after)) if before.boot == after.boot => after.ms - before.ms,
        _ => after.wall_ms - before.wall_ms,
    };
    took.max(0) as u64
}

impl Verdict {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Stored { .. } => "stored",
            Self::Unproved { .. } => "says_stored",
            Self::Sorted { .. } => "sorted",
            Self::Suspicious { .. } => "suspicious",
            Self::Known { .. } => "known",
            Self::TooLarge { .. } => "too_large",
            Self::Stop(stop) => stop.problem.code(),
        }
    }
}

impl Looked {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Copy(_) => "found",
            Self::Missing => "missing",
            Self::NotShown { .. } => "not_shown",
            Self::NotYet(_) => "not_yet",
            Self::Misunderstood => "misunderstood",
            Self::Stop(stop) => stop.problem.code(),
        }
    }
}

impl Negotiated {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Version(version) => version.as_str(),
            Self::NoneOfOurs(_) => "none_of_ours",
            Self::Silent => "silent",
            Self::Stop(stop) => stop.problem.code(),
        }
    }
}
