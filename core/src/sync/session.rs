//! State of a session: the link to its LRS, and its current work on statements.
//!
//! All of it is in memory only and may be lost at any moment: the database has the truth.

use std::collections::{BTreeSet, VecDeque};

use tracing::Span;

use crate::lrs::Authorization;
use crate::store::{Holder, Trouble, Unsent};
use crate::sync::event::Event;
use crate::sync::link::Link;
use crate::sync::meaning::Stop;
use crate::sync::report::{Ended, SessionConfig, SyncReport};
use crate::sync::statements::at_work::Quiet;
use crate::sync::statements::in_flight::{InFlight, Ticket};
use crate::sync::statements::suspects::Suspects;
use crate::sync::statements::task::{Returned, Task};

/// One run of a sync; see [the module](super). Used by one thread.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Session {
    pub(super) link: Link,
    pub(super) rng: fastrand::Rng,
    pub(super) may_skip_wait: bool,
    /// Tells whether it ends as soon as nothing is in flight.
    pub(super) is_ending: bool,
    /// Tells whether the app has set other credentials with which nothing was sent yet.
    pub(super) authorized_anew: bool,
    pub(super) tasks: VecDeque<Task>,
    pub(super) flights: InFlight,
    /// Answers that are judged once nothing else is in flight and the previous one has left no task.
    pub(super) landed: VecDeque<Returned>,
    /// Tracing span of the request being judged.
    pub(super) judging: Span,
    /// Departure marks of a batch that provably was not sent; undone with the next settlement.
    pub(super) unsent: Option<Unsent>,
    pub(super) suspects: Suspects,
    /// Tells whether statements were looked for since it last began.
    pub(super) has_begun_to_take: bool,
    /// Place in the log after which it began, and continues until nothing is left.
    pub(super) ahead: Option<i64>,
    /// Statements that failed and are being investigated, and may still be running at the LRS.
    pub(super) quiet: Quiet,
    /// Statements with contents that may still be running at the LRS, which others do not wait for.
    pub(super) contents_at_work: Quiet,
    /// Trouble with a request with contents, until the upstream has taken something else or failed on it, too.
    pub(super) unexplained: Option<Stop>,
    /// Statements looked up and not found; if they were sent since, the LRS itself has rejected them.
    pub(super) not_there: BTreeSet<i64>,
    /// Statements that the LRS itself refused when they were sent alone in this session: if it takes one after
    /// all, that speaks for the others.
    pub(super) refused_alone: BTreeSet<i64>,
    /// Tells whether the LRS was seen to have kept nothing of a batch that it failed on.
    pub(super) undoes_failures: bool,
    /// Size of the smallest batch that was refused for one of its statements, which is not found yet.
    pub(super) refused: Option<usize>,
    pub(super) delivered: u64,
    pub(super) held: u64,
    pub(super) requests: u64,
    pub(super) bytes_sent: u64,
    pub(super) events: Vec<Event>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("tasks", &self.tasks.len())
            .field("in_flight", &self.flights.len())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Creates a session for one holder of the lease. `rng` spreads the waits.
    pub fn new(config: SessionConfig, holder: Holder, rng: fastrand::Rng) -> Self {
        Self {
            may_skip_wait: config.by_hand,
            is_ending: false,
            link: Link::new(config, holder),
            rng,
            authorized_anew: false,
            tasks: VecDeque::new(),
            flights: InFlight::default(),
            landed: VecDeque::new(),
            judging: Span::none(),
            unsent: None,
            suspects: Suspects::default(),
            has_begun_to_take: false,
            ahead: None,
            quiet: Quiet::default(),
            contents_at_work: Quiet::default(),
            unexplained: None,
            not_there: BTreeSet::new(),
            refused_alone: BTreeSet::new(),
            undoes_failures: false,
            refused: None,
            delivered: 0,
            held: 0,
            requests: 0,
            bytes_sent: 0,
            events: Vec::new(),
        }
    }

    /// Sets whether, as the operating system says, nobody else syncs this queue now: then a former holder of
    /// the lease is gone.
    #[must_use]
    pub fn alone(mut self, alone: bool) -> Self {
        self.link.alone = alone;
        self
    }

    /// Sends nothing more: the session ends, interrupted, once the answers to what is in flight are judged.
    pub fn end_soon(&mut self) {
        self.is_ending = true;
    }

    /// Returns the tracing span of a request in flight.
    pub fn span(&self, ticket: Ticket) -> Span {
        self.flights.span(ticket)
    }

    pub(super) fn judged(&self, word: &'static str) {
        self.judging.record("judgement", word);
        self.judging
            .in_scope(|| tracing::debug!("the request was judged"));
    }

    /// Takes the events since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Returns what has been done so far, with the given end.
    pub fn report(&self, ended: Ended) -> SyncReport {
        SyncReport {
            delivered: self.delivered,
            held: self.held,
            requests: self.requests,
            bytes_sent: self.bytes_sent,
            waiting: Vec::new(),
            ended,
            upstreams: Vec::new(),
        }
    }

    /// Returns the number of statements that an LRS has proved to have so far.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Returns the trouble of the upstream, if there is one.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.link.learned.trouble.as_ref()
    }

    /// Sets the credentials to use from now on. If they are different, refusals no longer count that came, or
    /// will come, for the old ones.
    pub fn authorize(&mut self, authorization: Option<&Authorization>) {
        if self.link.config.authorization.as_ref() != authorization {
            self.link.authorize(authorization);
            self.flights.outdate();
            self.forget_tasks();
            self.suspects.clear_refused();
            self.refused = None;
            self.authorized_anew = true;
        }
    }

    /// Tells, without looking at the database, whether [`Session::next`] would return [`Step::Await`]: nothing
    /// can be sent before one of the requests in flight has come back.
    pub fn must_await(&self) -> bool {
        !self.flights.is_empty()
            && (self.is_ending
                || !self.flights.have_room(self.link.most_in_flight())
                || !self.tasks.is_empty()
                || self.link.lease_until.is_none())
    }
}
