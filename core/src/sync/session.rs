//! What a session holds: the link to its LRS, and what it does with statements just now.
//!
//! All of it is in memory alone and may be lost at any moment: the truth is in the database.

use std::collections::{BTreeSet, VecDeque};

use tracing::Span;

use crate::lrs::Authorization;
use crate::store::{Holder, Trouble, Unsent};
use crate::sync::event::Event;
use crate::sync::link::Link;
use crate::sync::report::{Ended, SessionConfig, SyncReport};
use crate::sync::statements::at_work::Quiet;
use crate::sync::statements::in_flight::{InFlight, Ticket};
use crate::sync::statements::suspects::Suspects;
use crate::sync::statements::task::{Returned, Task};

/// Run of a sync; see [the module](super). It is used by one thread.
pub struct Session {
    pub(super) link: Link,
    pub(super) rng: fastrand::Rng,
    pub(super) may_skip_wait: bool,
    /// The app has set other credentials, and nothing was sent with them yet.
    pub(super) authorized_anew: bool,
    pub(super) tasks: VecDeque<Task>,
    pub(super) flights: InFlight,
    /// Answers that are judged when nothing else is in flight, and no task is left of the one before.
    pub(super) landed: VecDeque<Returned>,
    /// Tracing span of the request being judged.
    pub(super) judging: Span,
    /// Range of the log that proved not to be sent; written with the next settlement.
    pub(super) unsent: Option<Unsent>,
    pub(super) suspects: Suspects,
    /// It began behind this place in the log, and goes on there until nothing is left.
    pub(super) ahead: Option<i64>,
    /// Statements that failed, are looked into, and may be running at the LRS still.
    pub(super) quiet: Quiet,
    /// Looked up and not found; what was sent of these since, the LRS has turned away itself.
    pub(super) not_there: BTreeSet<i64>,
    /// Refused by the LRS itself when they were alone, in this session: what it takes of these speaks for the others.
    pub(super) refused_alone: BTreeSet<i64>,
    /// The smallest batch that was refused for one of its statements, which is not found yet.
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
    /// A session for one holder of the lease. `rng` spreads the waits.
    pub fn new(config: SessionConfig, holder: Holder, rng: fastrand::Rng) -> Self {
        Self {
            may_skip_wait: config.by_hand,
            link: Link::new(config, holder),
            rng,
            authorized_anew: false,
            tasks: VecDeque::new(),
            flights: InFlight::default(),
            landed: VecDeque::new(),
            judging: Span::none(),
            unsent: None,
            suspects: Suspects::default(),
            ahead: None,
            quiet: Quiet::default(),
            not_there: BTreeSet::new(),
            refused_alone: BTreeSet::new(),
            refused: None,
            delivered: 0,
            held: 0,
            requests: 0,
            bytes_sent: 0,
            events: Vec::new(),
        }
    }

    /// The operating system says that nobody else syncs this queue now: whoever had the lease is gone.
    #[must_use]
    pub fn alone(mut self, alone: bool) -> Self {
        self.link.alone = alone;
        self
    }

    /// Returns the tracing span of a request in flight.
    pub fn span(&self, ticket: Ticket) -> Span {
        self.flights.span(ticket)
    }

    pub(super) fn judged(&self, word: &'static str) {
        self.judging.record("judgement", word);
    }

    /// Takes the events since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Returns what was done so far, and how it ended.
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

    /// Statements that an LRS proved to have, so far.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Returns the trouble of the upstream, if there is one.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.link.learned.trouble.as_ref()
    }

    /// The credentials to use from now on. With other ones than before nothing counts that was refused
    /// until now, or will be of what is under way.
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

    /// Tells, without a look at the database, whether [`Session::next`] would say [`Step::Await`]: nothing
    /// can be sent before one of the requests in flight has come back.
    pub fn must_await(&self) -> bool {
        !self.flights.is_empty()
            && (!self.flights.have_room(self.link.most_in_flight())
                || !self.tasks.is_empty()
                || self.link.lease_until.is_none())
    }
}
