//! What does this answer mean? One table, and nothing else decides it.
//!
//! The readers in [`lrs::reading`](crate::lrs::reading) tell what an answer says; this module tells what
//! follows. Two rules come first: only proof makes a statement delivered, and trouble of the upstream is never
//! a statement's fault.

use std::time::Duration;

use uuid::Uuid;

use crate::lrs::reading::highest_common;
use crate::lrs::{About, Found, NotAnLrs, Posted, Sender, TransportError};
use crate::store::{HoldReason, Problem};
use crate::sync::meaning::{Blame, Looked, Negotiated, Pause, Stop, Verdict};
use crate::sync::policy;
use crate::sync::statements::task::Pending;

/// Judges the answer to a batch. `from` is whoever gave it: a stranger's answer may stop the sync but holds
/// nothing.
pub fn posted(
    answer: &Posted,
    from: Sender,
    batch: &[Pending],
    retry_after: Option<Duration>,
) -> Verdict {
    match answer {
        Posted::Ids(named) => stored(named, batch),
        Posted::NoContent => Verdict::Unproved {
            vouched: from == Sender::Lrs,
            own: from == Sender::Lrs,
        },
        Posted::Unclear(_) => Verdict::Unproved {
            vouched: false,
            own: from == Sender::Lrs,
        },
        Posted::Partial { stored, refused } => sorted(
            stored,
            refused.iter().map(|(at, words)| (*at, words.to_string())),
            batch,
            !matches!(from, Sender::Lrs | Sender::Likely),
        ),
        Posted::NotAnLrs(why) => Verdict::Stop(Stop {
            doubt: true,
            ..stranger(why)
        }),
        Posted::Refused {
            status,
            words,
            ids_named,
            indexes,
        } => {
            let stop = by_status(*status, from, words.to_string(), retry_after);
            let blame = |reason| Blame {
                reason,
                problem: stop.problem,
                status: Some(*status),
                words: words.to_string(),
                stranger: !from.is_lrs(),
                retry_after,
            };
            let culprits = positions(ids_named, batch)
                .chain(indexes.iter().copied().filter(|at| *at < batch.len()))
                .collect();
            match status {
                // Whoever sends a 413 has not processed the request (RFC 9110, section 15.5.14).
                413 => Verdict::TooLarge {
                    blame: blame(HoldReason::TooLarge),
                },
                _ if stop.doubt || matches!(status, 408 | 425 | 429 | 503) => Verdict::Stop(stop),
                409 => Verdict::Known {
                    named: positions(ids_named, batch).collect(),
                },
                401 | 403 => Verdict::Suspicious {
                    blame: blame(HoldReason::Forbidden),
                    culprits,
                },
                500..=599 => Verdict::Suspicious {
                    blame: blame(HoldReason::ServerError),
                    culprits: Vec::new(),
                },
                _ => Verdict::Suspicious {
                    blame: blame(HoldReason::Refused),
                    culprits,
                },
            }
        }
    }
}

/// Judges the answer to a look-up.
pub fn found(answer: &Found, from: Sender, retry_after: Option<Duration>) -> Looked {
    match answer {
        Found::Copy(copy) => Looked::Copy(copy.clone()),
        Found::Missing => Looked::Missing,
        Found::Unreadable => Looked::NotShown { status: 200 },
        Found::NotAnLrs(why) => Looked::Stop(stranger(why)),
        Found::Refused { status, words } => match status {
            400 => Looked::Misunderstood,
            401 | 407 | 408 | 425 | 429 | 500 | 502..=599 => {
                Looked::Stop(by_status(*status, from, words.to_string(), retry_after))
            }
            _ => Looked::NotShown { status: *status },
        },
    }
}

/// Judges the answer to `GET /about`. Only a wait that it asks for stops the sync: an LRS that answers oddly
/// here may still take statements, and something else is noticed when statements are sent to it.
pub fn about(answer: &About, from: Sender, retry_after: Option<Duration>) -> Negotiated {
    match answer {
        About::Versions(versions) => match highest_common(versions) {
            Some(version) => Negotiated::Version(version),
            None => Negotiated::NoneOfOurs(versions.join(", ")),
        },
        About::Refused {
            status: status @ (429 | 503),
            words,
        } => Negotiated::Stop(by_status(*status, from, words.to_string(), retry_after)),
        About::Silent | About::NotAnLrs(_) | About::Refused { .. } => Negotiated::Silent,
    }
}

/// Judges a request without an answer.
pub fn failed(failure: &TransportError) -> Stop {
    let (problem, words) = match failure {
        TransportError::Unreachable(words) => (Problem::Unreachable, words.clone()),
        // No request of ours has a file yet; a transport reports this.
        TransportError::Unreadable(_) => (Problem::Unreachable, failure.to_string()),
        TransportError::TimedOut => (Problem::TimedOut, failure.to_string()),
        TransportError::Broken(words) => (Problem::Broken, words.clone()),
    };
    Stop {
        problem,
        status: None,
        words,
        pause: Pause::Backoff,
        doubt: failure.may_have_arrived(),
    }
}

fn stored(named: &[Uuid], batch: &[Pending]) -> Verdict {
    // Two LRSs of eight name only what is new to them, and some keep less than they were sent: what is not
    // named is looked up, whatever may have been sent before.
    let (delivered, look): (Vec<_>, Vec<_>) =
        (0..batch.len()).partition(|&at| named.contains(&batch[at].row.id));
    if delivered.is_empty() {
        // An answer that names other ids is not about our statements.
        return Verdict::Unproved {
            vouched: false,
            own: false,
        };
    }
    Verdict::Stored { delivered, look }
}

fn sorted(
    stored: &[Uuid],
    refused: impl Iterator<Item = (usize, String)>,
    batch: &[Pending],
    stranger: bool,
) -> Verdict {
    let refused: Vec<_> = refused.filter(|(at, _)| *at < batch.len()).collect();
    let (delivered, others): (Vec<_>, Vec<_>) =
        (0..batch.len()).partition(|&at| stored.contains(&batch[at].row.id));
    let look = others
        .into_iter()
        .filter(|at| refused.iter().all(|(bad, _)| bad != at))
        .collect();
    Verdict::Sorted {
        refused: refused
            .into_iter()
            .filter(|(bad, _)| !delivered.contains(bad))
            .collect(),
        // An answer that is believed about what it took is also believed about what it refused.
        stranger: stranger && delivered.is_empty(),
        delivered,
        look,
    }
}

fn positions<'a>(ids: &'a [Uuid], batch: &'a [Pending]) -> impl Iterator<Item = usize> + 'a {
    (0..batch.len()).filter(|&at| ids.contains(&batch[at].row.id))
}

fn stranger(why: &NotAnLrs) -> Stop {
    let (problem, pause) = match why {
        // The LRS has moved, or speaks only https: only the app may follow it.
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
        doubt: false,
    }
}

/// Judges a refusal's status for the upstream as a whole.
fn by_status(status: u16, from: Sender, words: String, retry_after: Option<Duration>) -> Stop {
    let longest = if from.is_lrs() {
        policy::LONGEST_RETRY_AFTER
    } else {
        policy::LONGEST_ASKED_BY_A_STRANGER
    };
    let busy = retry_after.map_or(Pause::Backoff, |asked| {
        Pause::RetryAfter(asked.min(longest))
    });
    let (problem, pause) = match status {
        429 | 503 => (Problem::Busy, busy),
        408 | 425 | 500..=599 => (Problem::ServerError, Pause::Backoff),
        404 | 405 | 410 => (Problem::WrongEndpoint, Pause::Long),
        401 if from.is_lrs() => (Problem::Credentials, Pause::App),
        _ if from.is_lrs() => (Problem::RefusesEverything, Pause::Backoff),
        // Neither our password nor our statement is at fault: this is not the LRS.
        _ => (Problem::NotAnLrs, Pause::Backoff),
    };
    Stop {
        problem,
        status: Some(status),
        words,
        pause,
        doubt: !has_ended(status, from),
    }
}

/// Tells whether the LRS has finished with the request. An LRS that answers has; a gateway in front of it may
/// only have given up waiting. Whoever sends a 413 has not processed it (RFC 9110, section 15.5.14).
pub(super) fn has_ended(status: u16, from: Sender) -> bool {
    match from {
        // These are sent by a gateway that has waited long enough, even one that puts the version header on
        // every answer.
        _ if matches!(status, 408 | 502 | 504 | 524) => false,
        Sender::Lrs => true,
        Sender::Likely => matches!(status, 400..=499) && !matches!(status, 425 | 429),
        Sender::Perhaps | Sender::Stranger => status == 413,
    }
}
