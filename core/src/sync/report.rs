//! What a session works with, what it asks for, and how it tells that it ended.

use serde::Serialize;

use crate::lrs::{Authorization, Endpoint, Request};
use crate::statement::XapiVersion;
use crate::store::{HistoryPolicy, Millis, Trouble, UpstreamId, WaitKind, WaitingAside};
use crate::sync::statements::in_flight::Ticket;

/// Settings of a session.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// Upstream of the queue.
    pub upstream: UpstreamId,
    /// By which name events speak of it.
    pub name: String,
    /// Base URL of the LRS.
    pub endpoint: Endpoint,
    /// Credentials sent with each request.
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
    /// Believes an LRS that says it has stored all and shows nothing: the credentials may write and not read.
    pub write_only: bool,
    /// The LRS's clock is right, and the device's may not be.
    pub trust_lrs_clock: bool,
    /// How long delivered statements stay on the device.
    pub history: HistoryPolicy,
    /// Started by hand: try once although a backoff is not over or the app was asked to act.
    /// Retry-After is kept all the same.
    pub by_hand: bool,
}

/// Next thing for the driver to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Perform this request, tell [`Session::answered`], and ask for more meanwhile.
    Send {
        /// Names it.
        ticket: Ticket,
        /// Request to send.
        request: Request,
    },
    /// Commit, and ask again at once: so many stepped aside that this transaction has been long enough.
    Again,
    /// Wait for one of the requests in flight: nothing more can be sent before.
    Await,
    /// Ask again at that time, unix milliseconds. Nothing is in flight, and the lease is given back
    /// meanwhile.
    Wait {
        /// End of the wait, unix milliseconds.
        until: Millis,
        /// Reason of the wait.
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
    /// A wait is not over; it ends then.
    Waiting {
        /// Unix milliseconds by the device's clock.
        until: Millis,
        /// Reason of the wait.
        why: WaitKind,
        /// Trouble behind the wait, if there is one.
        trouble: Option<Trouble>,
    },
    /// The app must act first.
    NeedsApp {
        /// Trouble that the app has to end.
        trouble: Trouble,
    },
    /// Another process syncs this queue.
    Busy {
        /// If it died: when its lease ends, unix milliseconds.
        until: Millis,
    },
    /// Interrupted by a pause, by closing the collector, or because the endpoint has become another one.
    Interrupted,
}

/// Result of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
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
    /// How it ended. Of a sync to several upstreams: what is most urgent of how it ended for those that
    /// this process has opened.
    #[serde(flatten)]
    pub ended: Ended,
    /// What it did for each upstream, the first one first; empty where there is but one. One that this process
    /// has not opened, and that has statements, needs credentials.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<UpstreamReport>,
}

/// What a sync did for one of several upstreams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UpstreamReport {
    /// Which one.
    pub name: String,
    /// What it did there.
    #[serde(flatten)]
    pub report: SyncReport,
}

impl SyncReport {
    /// How many statements wait aside.
    pub fn waiting_statements(&self) -> u64 {
        self.waiting.iter().map(|aside| aside.statements).sum()
    }

    /// Returns when the next statement that waits aside for a time is due, unix milliseconds.
    pub fn next_due(&self) -> Option<Millis> {
        self.waiting.iter().filter_map(|aside| aside.next_due).min()
    }

    /// Returns the report of a sync that ended likewise without having done anything.
    pub(crate) fn nothing_more(&self) -> Self {
        Self {
            waiting: self.waiting.clone(),
            ..Self::nothing(self.ended.clone())
        }
    }

    /// Returns the report of a sync that did nothing.
    pub(crate) fn nothing(ended: Ended) -> Self {
        Self {
            delivered: 0,
            held: 0,
            requests: 0,
            bytes_sent: 0,
            waiting: Vec::new(),
            ended,
            upstreams: Vec::new(),
        }
    }

    /// Joins this report and the one that came after it.
    pub(crate) fn and(self, next: Self) -> Self {
        Self {
            delivered: self.delivered + next.delivered,
            held: self.held + next.held,
            requests: self.requests + next.requests,
            bytes_sent: self.bytes_sent + next.bytes_sent,
            waiting: next.waiting,
            ended: next.ended,
            upstreams: Vec::new(),
        }
    }

    /// Joins what was done beside each other for several upstreams: the sums, and the most urgent end of those
    /// that were opened. None where there was none.
    pub(crate) fn of_all(
        opened: Vec<(String, Self)>,
        others: impl IntoIterator<Item = (String, Self)>,
    ) -> Option<Self> {
        let reports = opened.iter().map(|(_, report)| report.clone());
        let mut whole = reports.reduce(Self::beside)?;
        let all = opened.into_iter().chain(others);
        whole.upstreams = all
            .map(|(name, report)| UpstreamReport { name, report })
            .collect();
        if whole.upstreams.len() == 1 {
            whole.upstreams.clear();
        }
        Some(whole)
    }

    fn beside(self, other: Self) -> Self {
        let mut waiting = self.waiting;
        for aside in other.waiting {
            match waiting.iter_mut().find(|one| one.reason == aside.reason) {
                Some(known) => {
                    known.statements += aside.statements;
                    let due = [known.next_due, aside.next_due];
                    known.next_due = due.into_iter().flatten().min();
                }
                None => waiting.push(aside),
            }
        }
        let ended = if other.ended.urgency() > self.ended.urgency() {
            other.ended
        } else {
            self.ended
        };
        Self {
            delivered: self.delivered + other.delivered,
            held: self.held + other.held,
            requests: self.requests + other.requests,
            bytes_sent: self.bytes_sent + other.bytes_sent,
            waiting,
            ended,
            upstreams: Vec::new(),
        }
    }
}

impl Ended {
    /// Ranks what somebody has to act on first; of two waits the one that ends first.
    fn urgency(&self) -> (u8, i64) {
        match self {
            Self::NeedsApp { .. } => (4, 0),
            Self::Interrupted => (3, 0),
            Self::Waiting { until, .. } => (2, -until),
            Self::Busy { until } => (1, -until),
            Self::Emptied => (0, 0),
        }
    }

    /// Returns the word for it, as its JSON has it.
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
