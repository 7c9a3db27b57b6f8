//! What a session works with, what it asks for, and how it tells that it ended.

use serde::Serialize;

use super::flights::Ticket;
use crate::lrs::{Authorization, Endpoint, Request};
use crate::statement::XapiVersion;
use crate::store::{HistoryPolicy, Millis, Trouble, UpstreamId, WaitKind, WaitingAside};

/// What a session works with.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// To which of the queue's upstreams.
    pub upstream: UpstreamId,
    /// Where to.
    pub endpoint: Endpoint,
    /// As whom.
    pub authorization: Option<Authorization>,
    /// The version to speak; none: ask the LRS.
    pub version: Option<XapiVersion>,
    /// Most statements in a request.
    pub max_statements: u32,
    /// Most bytes in a request, brackets and commas included.
    pub max_bytes: u32,
    /// Most requests under way at once, from 1 to [`MOST_IN_FLIGHT`](super::MOST_IN_FLIGHT). With more
    /// than one, statements of up to so many batches may be stored in another order than captured.
    pub requests_in_flight: u32,
    /// These credentials may write and not read: an LRS that says it has stored all and shows nothing is
    /// believed.
    pub write_only: bool,
    /// The LRS's clock is right, and the device's may not be.
    pub trust_lrs_clock: bool,
    /// How long delivered statements stay on the device.
    pub history: HistoryPolicy,
    /// Started by hand: try once although a backoff is not over or the app was asked to act.
    /// Retry-After is kept all the same.
    pub by_hand: bool,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Perform this request, tell [`Session::answered`], and ask for more meanwhile.
    Send {
        /// Names it.
        ticket: Ticket,
        /// What to send.
        request: Request,
    },
    /// So many stepped aside that this transaction has been long enough: commit, and ask again at once.
    Again,
    /// Nothing more can be sent before one of the requests under way has come back.
    Await,
    /// Nothing is under way. Ask again at that time, unix milliseconds; the lease is given back meanwhile.
    Wait {
        /// When.
        until: Millis,
        /// Who asked for it.
        why: WaitKind,
    },
    /// The session is over.
    Done(Ended),
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "ended", rename_all = "snake_case")]
pub enum Ended {
    /// Nothing is due any more.
    Emptied,
    /// It would have to wait until then.
    Waiting {
        /// Unix milliseconds by the device's clock.
        until: Millis,
        /// Who asked for it.
        why: WaitKind,
        /// What is the matter.
        trouble: Option<Trouble>,
    },
    /// The app must act first.
    NeedsApp {
        /// What is the matter.
        trouble: Trouble,
    },
    /// Another process syncs this queue.
    Busy {
        /// If it died: when its lease ends, unix milliseconds.
        until: Millis,
    },
    /// It was interrupted: by a pause, by closing the collector, or because the endpoint has become
    /// another one.
    Interrupted,
}

/// What a session did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// Statements that an LRS proved to have.
    pub delivered: u64,
    /// Statements set aside until the app acts.
    pub held: u64,
    /// Requests made.
    pub requests: u64,
    /// Bytes of their bodies.
    pub bytes_sent: u64,
    /// Statements that wait aside at its end and come back by themselves, by what they wait for:
    /// also when it ended as [`Ended::Emptied`] they are not delivered. As of the end of the whole
    /// sync; a session that is not over says nothing.
    pub waiting: Vec<WaitingAside>,
    /// How it ended.
    #[serde(flatten)]
    pub ended: Ended,
}

impl SyncReport {
    /// How many statements wait aside.
    pub fn waiting_statements(&self) -> u64 {
        self.waiting.iter().map(|aside| aside.statements).sum()
    }

    /// When the next of those that wait aside for a time comes back, unix milliseconds.
    pub fn next_due(&self) -> Option<Millis> {
        self.waiting.iter().filter_map(|aside| aside.next_due).min()
    }

    /// Of a sync that ended likewise without having done anything.
    pub(crate) fn nothing_more(&self) -> Self {
        Self {
            waiting: self.waiting.clone(),
            ..Self::nothing(self.ended.clone())
        }
    }

    /// Of one that did nothing.
    pub(crate) fn nothing(ended: Ended) -> Self {
        Self {
            delivered: 0,
            held: 0,
            requests: 0,
            bytes_sent: 0,
            waiting: Vec::new(),
            ended,
        }
    }

    /// This one and the one that came after it, as one.
    pub(crate) fn and(self, next: Self) -> Self {
        Self {
            delivered: self.delivered + next.delivered,
            held: self.held + next.held,
            requests: self.requests + next.requests,
            bytes_sent: self.bytes_sent + next.bytes_sent,
            waiting: next.waiting,
            ended: next.ended,
        }
    }
}

impl Ended {
    /// In a word, the one of its JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Emptied => "emptied",
            Self::Waiting { .. } => "waiting",
            Self::NeedsApp { .. } => "needs_app",
            Self::Busy { .. } => "busy",
            Self::Interrupted => "interrupted",
        }
    }
}
