//! What does this answer mean? One table, and nothing else decides it.
//!
//! The readers in [`lrs::reading`](crate::lrs::reading) say what an answer says; this says what
//! follows. Two rules stand above all: nothing but proof makes a statement delivered, and no
//! trouble of the upstream is ever a statement's fault.

use std::time::Duration;

use uuid::Uuid;

use super::work::Item;
use crate::lrs::reading::highest_common;
use crate::lrs::{About, Failure, Found, NotAnLrs, Posted};
use crate::statement::XapiVersion;
use crate::store::{HoldReason, Outcome, Problem};

/// What follows from the answer to a POST. Numbers are positions in the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The LRS has these; whether it has the others must be looked up.
    Stored {
        /// Proved to be there.
        delivered: Vec<usize>,
        /// To be looked up.
        look: Vec<usize>,
    },
    /// It says that it has all, without a proof: one look-up gives it.
    ProveOne,
    /// It took some and refused others for good (a partial success).
    Sorted {
        /// Proved to be there.
        delivered: Vec<usize>,
        /// Refused, with the LRS's words.
        refused: Vec<(usize, String)>,
        /// To be looked up.
        look: Vec<usize>,
    },
    /// Perhaps a statement is at fault, perhaps the credentials or the version (400, 422, 403).
    Suspicious {
        /// What the culprit would be held for.
        blame: Blame,
        /// Where the LRS points at.
        culprits: Vec<usize>,
    },
    /// It knows at least one of the ids (409).
    Known {
        /// Those it names.
        named: Vec<usize>,
    },
    /// Too much at once (413).
    TooLarge {
        /// What a statement that is alone would be held for.
        blame: Blame,
    },
    /// The upstream takes nothing now.
    Stop(Stop),
}

impl Verdict {
    /// All of the batch is there, and nothing is to be done about it.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Self::Stored { look, .. } => look.is_empty(),
            Self::Sorted { refused, look, .. } => refused.is_empty() && look.is_empty(),
            _ => false,
        }
    }
}

/// What the LRS has against a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blame {
    /// The kind.
    pub reason: HoldReason,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Its own words.
    pub words: String,
}

impl Blame {
    /// It may be the upstream's own.
    pub(super) fn stop(self) -> Stop {
        Stop {
            problem: match self.reason {
                HoldReason::ServerError => Problem::ServerError,
                _ => Problem::RefusesEverything,
            },
            status: self.status,
            words: self.words,
            pause: Pause::Backoff,
        }
    }

    pub(super) fn held(self) -> Outcome {
        Outcome::Held {
            reason: self.reason,
            status: self.status,
            words: self.words,
            theirs: None,
        }
    }
}

/// What follows from the answer to a GET of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// This is what the LRS has under the id.
    Copy(Vec<u8>),
    /// It has nothing there, or nothing it shows.
    Missing,
    /// We may not read (403).
    Forbidden,
    /// It does not understand us (400): another version, perhaps.
    Misunderstood,
    /// The upstream tells nothing now.
    Stop(Stop),
}

/// What follows from the answer to `GET /about`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Negotiated {
    /// Speak this.
    Version(XapiVersion),
    /// It does not tell; that is not the end.
    Silent,
    /// The upstream tells nothing now.
    Stop(Stop),
}

/// Why nothing more is sent for now. All statements stay where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// What is the matter.
    pub problem: Problem,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// What the LRS or the system said.
    pub words: String,
    /// How long to wait.
    pub pause: Pause,
}

/// How long to wait after a [`Stop`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// By the backoff; provably nothing of the request arrived.
    NothingSent,
    /// By the backoff.
    Backoff,
    /// The longest backoff at once: trying soon would not help.
    Long,
    /// As long as the LRS asks.
    RetryAfter(Duration),
    /// By the backoff, and at least so long that a request still under way has come to its end:
    /// some LRSs store a statement twice that is in flight twice.
    AtLeast(Duration),
    /// Until the app acts.
    App,
}

/// A broken connection may leave a request under way at the LRS; fifty statements took the slowest
/// one seen two seconds.
pub const UNDER_WAY: Duration = Duration::from_secs(5);

/// Judges the answer to a batch.
pub fn posted(answer: &Posted, batch: &[Item], retry_after: Option<Duration>) -> Verdict {
    match answer {
        Posted::Ids(named) => stored(named, batch),
        Posted::NoContent => Verdict::ProveOne,
        Posted::Partial { stored, refused } => sorted(
            stored,
            refused.iter().map(|(at, words)| (*at, words.to_string())),
            batch,
        ),
        Posted::NotAnLrs(why) => Verdict::Stop(stranger(why)),
        Posted::Refused {
            status,
            words,
            ids_named,
            indexes,
        } => {
            let words = words.to_string();
            let blame = |reason| Blame {
                reason,
                status: Some(*status),
                words: words.clone(),
            };
            match status {
                400 | 422 => Verdict::Suspicious {
                    blame: blame(HoldReason::Refused),
                    culprits: positions(ids_named, batch)
                        .chain(indexes.iter().copied().filter(|at| *at < batch.len()))
                        .collect(),
                },
                403 => Verdict::Suspicious {
                    blame: blame(HoldReason::Forbidden),
                    culprits: positions(ids_named, batch).collect(),
                },
                409 => Verdict::Known {
                    named: positions(ids_named, batch).collect(),
                },
                413 => Verdict::TooLarge {
                    blame: blame(HoldReason::TooLarge),
                },
                404 | 405 | 410 => Verdict::Stop(Stop {
                    problem: Problem::WrongEndpoint,
                    status: Some(*status),
                    words,
                    pause: Pause::Long,
                }),
                _ => Verdict::Stop(by_status(*status, words, retry_after)),
            }
        }
    }
}

/// Judges the answer to a look-up.
pub fn found(answer: &Found, retry_after: Option<Duration>) -> Looked {
    match answer {
        Found::Copy(copy) => Looked::Copy(copy.clone()),
        Found::Missing => Looked::Missing,
        Found::NotAnLrs(why) => Looked::Stop(stranger(why)),
        Found::Refused { status: 403, .. } => Looked::Forbidden,
        Found::Refused { status: 400, .. } => Looked::Misunderstood,
        Found::Refused { status, words } => {
            Looked::Stop(by_status(*status, words.to_string(), retry_after))
        }
    }
}

/// Judges the answer to `GET /about`.
pub fn about(answer: &About, retry_after: Option<Duration>) -> Negotiated {
    match answer {
        About::Versions(versions) => match highest_common(versions) {
            Some(version) => Negotiated::Version(version),
            None => Negotiated::Stop(Stop {
                problem: Problem::NoCommonVersion,
                status: Some(200),
                words: format!("it speaks {}", versions.join(", ")),
                pause: Pause::Long,
            }),
        },
        About::NotAnLrs(why) => Negotiated::Stop(stranger(why)),
        About::Refused {
            status: 429 | 503,
            words,
        } => Negotiated::Stop(by_status(503, words.to_string(), retry_after)),
        // An LRS that fails only on this resource must not keep the statements waiting.
        About::Silent | About::Refused { .. } => Negotiated::Silent,
    }
}

/// Judges that there was no answer.
pub fn failed(failure: &Failure, timeout: Duration) -> Stop {
    let (problem, words, pause) = match failure {
        Failure::Unreachable(words) => (Problem::Unreachable, words.clone(), Pause::NothingSent),
        // It was given up after its time-out; it may be under way for as long again.
        Failure::TimedOut => (
            Problem::TimedOut,
            failure.to_string(),
            Pause::AtLeast(timeout),
        ),
        Failure::Broken(words) => (Problem::Broken, words.clone(), Pause::AtLeast(UNDER_WAY)),
    };
    Stop {
        problem,
        status: None,
        words,
        pause,
    }
}

fn stored(named: &[Uuid], batch: &[Item]) -> Verdict {
    let is_named = |item: &Item| named.contains(&item.row.id);
    if !batch.iter().any(is_named) {
        // Nothing shows that this answer is about our batch.
        return Verdict::ProveOne;
    }
    // Two LRSs of six name only the new ones: what was sent before and is not named is old to them.
    let (delivered, look) =
        (0..batch.len()).partition(|&at| is_named(&batch[at]) || batch[at].row.sent_before);
    Verdict::Stored { delivered, look }
}

fn sorted(
    stored: &[Uuid],
    refused: impl Iterator<Item = (usize, String)>,
    batch: &[Item],
) -> Verdict {
    let refused: Vec<_> = refused.filter(|(at, _)| *at < batch.len()).collect();
    let (delivered, others): (Vec<_>, Vec<_>) =
        (0..batch.len()).partition(|&at| stored.contains(&batch[at].row.id));
    let look = others
        .into_iter()
        .filter(|at| refused.iter().all(|(bad, _)| bad != at))
        .collect();
    Verdict::Sorted {
        delivered,
        refused,
        look,
    }
}

fn positions<'a>(ids: &'a [Uuid], batch: &'a [Item]) -> impl Iterator<Item = usize> + 'a {
    (0..batch.len()).filter(|&at| ids.contains(&batch[at].row.id))
}

fn stranger(why: &NotAnLrs) -> Stop {
    let (problem, pause) = match why {
        // The LRS has moved, or speaks only https: nobody but the app may follow it.
        NotAnLrs::Redirect {
            same_host: true, ..
        } => (Problem::WrongEndpoint, Pause::Long),
        _ => (Problem::NotAnLrs, Pause::Backoff),
    };
    Stop {
        problem,
        status: None,
        words: why.to_string(),
        pause,
    }
}

/// Statuses that mean the same whatever was asked.
fn by_status(status: u16, words: String, retry_after: Option<Duration>) -> Stop {
    let (problem, pause) = match status {
        401 => (Problem::Credentials, Pause::App),
        429 | 503 => (
            Problem::Busy,
            retry_after.map_or(Pause::Backoff, Pause::RetryAfter),
        ),
        408 | 425 | 500..=599 => (
            Problem::ServerError,
            retry_after.map_or(Pause::AtLeast(UNDER_WAY), Pause::RetryAfter),
        ),
        _ => (Problem::Unexpected, Pause::Backoff),
    };
    Stop {
        problem,
        status: Some(status),
        words,
        pause,
    }
}
