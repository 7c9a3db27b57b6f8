//! What an answer may mean: the words that [`judge`](crate::sync::judge) judges with.

use std::time::Duration;

use crate::statement::XapiVersion;
use crate::store::{HoldReason, Outcome, Problem};

/// Consequence of the answer to a POST. Numbers are positions in the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The LRS has these; whether it has the others must be looked up.
    Stored {
        /// Proved to be there.
        delivered: Vec<usize>,
        /// Positions to look up.
        look: Vec<usize>,
    },
    /// The LRS says that it has them, without a proof: each is looked up.
    Unproved {
        /// An LRS itself says so in as many words, which is proof where it lets nobody read.
        vouched: bool,
        /// An LRS itself says so in whatever words, which is proof where the app says that nobody may read.
        own: bool,
    },
    /// Partial success: some were taken, others refused for good.
    Sorted {
        /// Proved to be there.
        delivered: Vec<usize>,
        /// Refused, with the LRS's words.
        refused: Vec<(usize, String)>,
        /// Positions to look up.
        look: Vec<usize>,
        /// The answer does not prove to be the LRS's.
        stranger: bool,
    },
    /// Refused: a statement may be at fault, or the credentials, the version or the LRS.
    Suspicious {
        /// Reason to hold the culprit for.
        blame: Blame,
        /// Positions that the LRS points at.
        culprits: Vec<usize>,
    },
    /// The LRS knows at least one of the ids (409).
    Known {
        /// Positions of those it names.
        named: Vec<usize>,
    },
    /// Too much at once (413).
    TooLarge {
        /// Reason to hold a statement for that is alone.
        blame: Blame,
    },
    /// The upstream takes nothing now.
    Stop(Stop),
}

impl Verdict {
    /// Tells whether the whole batch is stored and nothing is left to do about it.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::Stored { look, .. } => look.is_empty(),
            Self::Sorted { refused, look, .. } => refused.is_empty() && look.is_empty(),
            _ => false,
        }
    }
}

/// Objection of the LRS to a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blame {
    /// The kind.
    pub reason: HoldReason,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Words of whoever refused it.
    pub words: String,
    /// The refusal does not prove to be the LRS's: what a stranger says holds no statement.
    pub stranger: bool,
    /// Whoever refused it said when to come again: then it is not this statement that is at fault.
    pub retry_after: Option<Duration>,
}

impl Blame {
    /// Tells whether the LRS itself has said 401.
    pub(crate) fn is_401(&self) -> bool {
        self.status == Some(401) && !self.stranger
    }

    /// Tells whether the LRS itself refuses this statement, as far as it says.
    pub(crate) fn is_a_refusal(&self) -> bool {
        !self.stranger && self.retry_after.is_none()
    }

    /// Turns it into trouble of the upstream, which may be the cause.
    pub(crate) fn stop(self) -> Stop {
        Stop {
            problem: match (self.reason, self.status) {
                (HoldReason::ServerError, _) => Problem::ServerError,
                _ if self.stranger => Problem::NotAnLrs,
                (_, Some(401)) => Problem::Credentials,
                (_, Some(404 | 405 | 410)) => Problem::WrongEndpoint,
                _ => Problem::RefusesEverything,
            },
            pause: match self.status {
                // It lets us read, perhaps as nobody, and lets us send nothing.
                Some(401) if !self.stranger => Pause::App,
                _ => Pause::Backoff,
            },
            status: self.status,
            words: self.words,
            doubt: false,
        }
    }

    pub(crate) fn held(self) -> Outcome {
        Outcome::Held {
            reason: self.reason,
            status: self.status,
            words: self.words,
            theirs: None,
        }
    }
}

/// Consequence of the answer to a GET of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// Statement that the LRS has under the id.
    Copy(Vec<u8>),
    /// The LRS has nothing there, or shows nothing.
    Missing,
    /// The LRS says no to the look-up itself (403, 405, 501 and the like), or what it shows cannot be
    /// read: nothing is known of the statement.
    NotShown {
        /// The HTTP status.
        status: u16,
    },
    /// The LRS does not understand the request (400): another version, perhaps.
    Misunderstood,
    /// The LRS cannot show yet what it stored lately.
    NotYet,
    /// The upstream tells nothing now.
    Stop(Stop),
}

/// Consequence of the answer to `GET /about`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Negotiated {
    /// Speak this.
    Version(XapiVersion),
    /// The LRS says that it speaks none of ours: it is tried all the same.
    NoneOfOurs(String),
    /// The LRS does not tell; that is not the end.
    Silent,
    /// The upstream tells nothing now.
    Stop(Stop),
}

/// Why nothing more is sent for now. All statements stay where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Kind of trouble.
    pub problem: Problem,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Words of the LRS or the system.
    pub words: String,
    /// How long to wait.
    pub pause: Pause,
    /// The request may still be running at the LRS, for as long as its own time-out: some LRSs store a
    /// statement twice that is in flight twice.
    pub doubt: bool,
}

/// How long to wait after a [`Stop`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Wait by the backoff.
    Backoff,
    /// The longest backoff at once: trying soon would not help.
    Long,
    /// Wait by the backoff, and at least this long.
    AtLeast(Duration),
    /// Wait as long as the LRS asks.
    RetryAfter(Duration),
    /// Wait until the app acts.
    App,
}
