//! Meanings of an answer: the vocabulary of [`judge`](crate::sync::judge).

use std::time::Duration;

use crate::statement::XapiVersion;
use crate::store::{HoldReason, Outcome, Problem};

/// Consequence of the answer to a POST. Numbers are positions in the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The LRS has some; the others must be looked up.
    Stored {
        /// Positions proved to be there.
        delivered: Vec<usize>,
        /// Positions to look up.
        look: Vec<usize>,
    },
    /// The LRS says, without proof, that it has them: each is looked up.
    Unproved {
        /// Tells whether an LRS itself says so explicitly, which is proof if it lets nobody read.
        vouched: bool,
        /// Tells whether an LRS itself says so in some form, which is proof if the app says that nobody may
        /// read.
        own: bool,
    },
    /// Partial success: some were taken, others refused for good.
    Sorted {
        /// Positions proved to be there.
        delivered: Vec<usize>,
        /// Positions refused, with the LRS's words.
        refused: Vec<(usize, String)>,
        /// Positions to look up.
        look: Vec<usize>,
        /// Tells whether the answer is not proven to be the LRS's.
        stranger: bool,
    },
    /// Refused: a statement may be at fault, or the credentials, the version or the LRS.
    Suspicious {
        /// Reason for which to hold the culprit.
        blame: Blame,
        /// Positions that the LRS points at.
        culprits: Vec<usize>,
    },
    /// The LRS knows at least one of the ids (409).
    Known {
        /// Positions of those it names.
        named: Vec<usize>,
    },
    /// The request is too large (413).
    TooLarge {
        /// Reason for which to hold a statement that was sent alone.
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

    /// Tells whether some of the batch may be stored of which the answer does not say so.
    pub(crate) fn leaves_open(&self) -> bool {
        match self {
            Self::Stored { look, .. } => !look.is_empty(),
            Self::Unproved { .. } | Self::Sorted { .. } => true,
            // It may have stored what it failed on.
            Self::Suspicious { blame, .. } => blame.reason == HoldReason::ServerError,
            Self::Known { .. } | Self::TooLarge { .. } | Self::Stop(_) => false,
        }
    }
}

/// Objection of the LRS to a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blame {
    /// The kind.
    pub reason: HoldReason,
    /// Trouble that it is if not the statement but the upstream is the cause.
    pub problem: Problem,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Message of whoever refused it.
    pub words: String,
    /// Tells whether the refusal is not proven to be the LRS's: a stranger's refusal holds no statement.
    pub stranger: bool,
    /// Time after which to come again, if the refusal names one: then this statement is not at fault.
    pub retry_after: Option<Duration>,
}

impl Blame {
    /// Tells whether the LRS itself has said 401.
    pub(crate) fn is_401(&self) -> bool {
        self.status == Some(401) && !self.stranger
    }

    /// Tells whether the LRS itself refuses this statement and not merely for now.
    pub(crate) fn is_a_refusal(&self) -> bool {
        !self.stranger && self.retry_after.is_none()
    }

    /// Turns it into trouble of the upstream, which may be the cause.
    pub(crate) fn stop(self) -> Stop {
        Stop {
            problem: self.problem,
            pause: match self.status {
                // The LRS lets us read, perhaps anonymously, but not send.
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
    /// The LRS refuses the look-up itself (403, 405, 501 and the like), or shows something that cannot be read:
    /// nothing is known of the statement.
    NotShown {
        /// The HTTP status.
        status: u16,
    },
    /// The LRS does not understand the request (400), perhaps because of the version.
    Misunderstood,
    /// The LRS cannot yet show what it stored recently, and perhaps after this time.
    NotYet(Duration),
    /// The upstream gives no information now.
    Stop(Stop),
}

/// Consequence of the answer to `GET /about`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Negotiated {
    /// Version to speak.
    Version(XapiVersion),
    /// The LRS says that it speaks none of our versions; statements are sent all the same.
    NoneOfOurs(String),
    /// The LRS does not say; that stops nothing.
    Silent,
    /// The upstream gives no information now.
    Stop(Stop),
}

/// Reason for sending nothing more for now. All statements stay where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Kind of trouble.
    pub problem: Problem,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Message of the LRS or the system.
    pub words: String,
    /// Length of the wait.
    pub pause: Pause,
    /// Tells whether the request may still be running at the LRS, for as long as its time-out: some LRSs store
    /// a statement twice that is in flight twice.
    pub doubt: bool,
}

/// Length of the wait after a [`Stop`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// The backoff.
    Backoff,
    /// The longest backoff at once: trying soon would not help.
    Long,
    /// This long, for an LRS that shows later what it has stored. Counts as no further failure.
    UntilShown(Duration),
    /// The time that the LRS asks for.
    RetryAfter(Duration),
    /// A wait until the app acts.
    App,
}
