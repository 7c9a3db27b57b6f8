//! A session's settings, the steps that it asks for, and the report of how it ended.

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
    /// Name of the upstream in events.
    pub name: String,
    /// Base URL of the LRS.
    pub endpoint: Endpoint,
    /// Credentials sent with each request.
    pub authorization: Option<Authorization>,
    /// xAPI version to speak; none: negotiated with the LRS.
    pub version: Option<XapiVersion>,
    /// Most statements in a request.
    pub max_statements: u32,
    /// Most bytes in a request, brackets and commas included.
    pub max_bytes: u32,
    /// Most requests under way at once, from 1 to [`MOST_IN_FLIGHT`](super::MOST_IN_FLIGHT). With more than
    /// one, the statements of up to that many batches may be stored in another order than captured.
    pub requests_in_flight: u32,
    /// Tells whether to believe an LRS that says it has stored everything but shows nothing, as the credentials
    /// may write but not read.
    pub write_only: bool,
    /// Tells whether the LRS's clock is right while the device's may not be.
    pub trust_lrs_clock: bool,
    /// Policy for keeping delivered statements on the device.
    pub history: HistoryPolicy,
    /// Tells whether it was started by hand: then it tries once even if a backoff is not over or the app was
    /// asked to act. Retry-After is still obeyed.
    pub by_hand: bool,
}

/// Next thing for the driver to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Perform this request, pass its outcome to [`Session::answered`], and ask for more in the meantime.
    Send {
        /// Name of the request.
        ticket: Ticket,
        /// Request to send.
        request: Request,
    },
    /// Commit, and ask again at once: so many statements stepped aside that this transaction is long enough.
    Again,
    /// Wait for one of the requests in flight: nothing more can be sent before.
    Await,
    /// Ask again at that time. Nothing is in flight, and the lease is released for the time of the wait.
    Wait {
        /// End of the wait, unix milliseconds.
        until: Millis,
        /// Reason of the wait.
        why: WaitKind,
    },
    /// The session is over.
    Done(Ended),
}

/// End of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "ended", rename_all = "snake_case")]
pub enum Ended {
    /// The queue has nothing due any more.
    Emptied,
    /// A wait is not over.
    Waiting {
        /// End of the wait, unix milliseconds by the device's clock.
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
        /// End of its lease, in case it died; unix milliseconds.
        until: Millis,
    },
    /// A pause, closing the collector, a change of the endpoint, or the want of a network has interrupted it.
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
    /// Statements that wait aside and come back by themselves, by reason, as of the end of the whole sync: they
    /// are not delivered, even if it ended as [`Ended::Emptied`]. Empty in the report of a session that is not
    /// over.
    pub waiting: Vec<WaitingAside>,
    /// End of the sync. For several upstreams, the most urgent end among those that this process has opened.
    #[serde(flatten)]
    pub ended: Ended,
    /// Results for each upstream, the first one first; empty if there is only one. An upstream that this
    /// process has not opened, and that has statements, needs credentials.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<UpstreamReport>,
}

/// Results of a sync for one of several upstreams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UpstreamReport {
    /// Name of the upstream.
    pub name: String,
    /// Result of the sync there.
    #[serde(flatten)]
    pub report: SyncReport,
}

impl SyncReport {
    /// Returns the number of statements that wait aside.
    pub fn waiting_statements(&self) -> u64 {
        self.waiting.iter().map(|aside| aside.statements).sum()
    }

    /// Returns the time at which the next statement that waits aside is due, unix milliseconds.
    pub fn next_due(&self) -> Option<Millis> {
        self.waiting.iter().filter_map(|aside| aside.next_due).min()
    }

    /// Returns the report of a sync that ended in the same way without having done anything.
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

    /// Joins this report and the next one.
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

    /// Joins the reports of concurrent syncs to several upstreams: the sums, and the most urgent end among
    /// those opened, or among all where none is; `main` stands first. None if there is no upstream.
    pub(crate) fn of_all(opened: Vec<(String, Self)>, others: Vec<(String, Self)>) -> Option<Self> {
        let first = if opened.is_empty() { &others } else { &opened };
        let reports = first.iter().map(|(_, report)| report.clone());
        let mut whole = reports.reduce(Self::beside)?;
        let all = opened.into_iter().chain(others);
        whole.upstreams = all
            .map(|(name, report)| UpstreamReport { name, report })
            .collect();
        whole.upstreams.sort_by_key(|one| one.name != "main");
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
    /// Ranks ends by how soon somebody must act; of two waits the one that ends first ranks higher.
    fn urgency(&self) -> (u8, i64) {
        match self {
            Self::NeedsApp { .. } => (4, 0),
            Self::Interrupted => (3, 0),
            Self::Waiting { until, .. } => (2, -until),
            Self::Busy { until } => (1, -until),
            Self::Emptied => (0, 0),
        }
    }

    /// Returns the word for it in JSON.
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
