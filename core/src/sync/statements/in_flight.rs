//! The requests under way, and how many are allowed.
//!
//! One at a time, unless the app allows more. Then several may be under way if they are batches fresh from the
//! log, each with its own statements, and only as long as the upstream takes every one whole: the window begins
//! at one and grows by one with each batch taken whole. Any other answer closes it: nothing more is sent until
//! everything under way has come back, and what the answers ask for is then done one after the other, each
//! request alone.
//!
//! A limit that the upstream turned out to have is remembered in [`Learned::max_in_flight`] and rises again
//! slowly.
//!
//! [`Learned::max_in_flight`]: crate::store::Learned::max_in_flight

use std::collections::HashSet;
use std::time::Duration;

use tracing::Span;
use uuid::Uuid;

use super::task::{Pending, Sent, Task};
use crate::clock::Now;
use crate::store::{Learned, Millis, UnderWay, Unsent};
use crate::sync::policy;

/// Identifies a request under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

/// A request under way.
pub(crate) struct Flight {
    pub(crate) ticket: Ticket,
    pub(crate) task: Task,
    pub(crate) timeout: Duration,
    pub(crate) bytes: usize,
    /// Departure marks of the batch; none for a request without statements.
    pub(crate) mark: Option<Unsent>,
    /// Tells whether others may be under way at the same time.
    pub(crate) pipelined: bool,
    /// Tells whether the app has set other credentials since it left.
    pub(crate) outdated: bool,
    pub(crate) asked: Now,
    pub(crate) span: Span,
}

impl Flight {
    fn batch(&self) -> &[Pending] {
        match &self.task {
            Task::Post(batch) => batch,
            _ => &[],
        }
    }
}

impl Sent {
    /// Keeps what matters of a request in flight.
    pub(crate) fn of(flight: &Flight) -> Self {
        Self {
            bytes: flight.bytes,
            timeout: flight.timeout,
        }
    }
}

/// Requests in flight.
pub(crate) struct InFlight {
    list: Vec<Flight>,
    tickets: u64,
    window: u32,
    /// Tells whether new requests are blocked until all in flight have come back.
    closed: bool,
    /// Most at once since there was none.
    peak: u32,
    /// Number of batches taken whole in a row.
    whole: u32,
}

impl Default for InFlight {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            tickets: 0,
            window: 1,
            closed: false,
            peak: 0,
            whole: 0,
        }
    }
}

impl InFlight {
    pub(crate) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    pub(crate) fn start(&mut self, flight: Flight) {
        if self.list.is_empty() {
            self.peak = 0;
            self.closed = false;
        }
        self.list.push(flight);
        self.peak = self.peak.max(self.list.len() as u32);
    }

    pub(crate) fn finish(&mut self, ticket: Ticket) -> Option<Flight> {
        let at = self.list.iter().position(|one| one.ticket == ticket)?;
        Some(self.list.remove(at))
    }

    /// Gives up all requests in flight.
    pub(crate) fn give_up(&mut self) {
        self.list.clear();
    }

    /// Returns the posts in flight in the form that other sessions read.
    pub(crate) fn under_way(&self) -> Option<UnderWay> {
        let posts = self.list.iter().filter(|one| !one.batch().is_empty());
        posts
            .map(|one| UnderWay {
                since: one.asked.wall_ms,
                timeout_ms: one.timeout.as_millis() as Millis,
            })
            .reduce(UnderWay::and)
    }

    /// Returns what is in flight.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.list.iter().map(|one| &one.task)
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn span(&self, ticket: Ticket) -> Span {
        let flight = self.list.iter().find(|one| one.ticket == ticket);
        flight.map_or_else(Span::none, |flight| flight.span.clone())
    }

    /// Notes that the app has set other credentials.
    pub(crate) fn outdate(&mut self) {
        for flight in &mut self.list {
            flight.outdated = true;
        }
    }

    /// Tells whether one more request may leave while these are in flight.
    pub(crate) fn have_room(&self, most: u32) -> bool {
        !self.closed
            && self.list.len() < self.window.min(most) as usize
            && self.list.iter().all(|one| one.pipelined)
    }

    /// Returns the number of requests that may share the connection's bandwidth with one that leaves now.
    pub(crate) fn sharing(&self, most: u32) -> usize {
        if self.window > 1 { most as usize } else { 1 }
    }

    /// Returns the last place in the log that is under way.
    pub(crate) fn last_seq(&self) -> i64 {
        let seqs = self.list.iter().flat_map(Flight::batch);
        seqs.map(|item| item.row.seq).max().unwrap_or(0)
    }

    /// Tells whether any of these ids is in flight. The app may have erased a statement in flight and recorded
    /// its id anew.
    pub(crate) fn have_any_of(&self, batch: &[Pending]) -> bool {
        let ids: HashSet<Uuid> = self
            .list
            .iter()
            .flat_map(Flight::batch)
            .map(|item| item.row.id)
            .collect();
        batch.iter().any(|item| ids.contains(&item.row.id))
    }

    /// Returns what to undo for a batch with this departure mark, of which provably nothing was sent. If a
    /// later batch is under way, part of it is undone with that one.
    pub(crate) fn take_back(&mut self, mark: Option<Unsent>) -> Option<Unsent> {
        let mut mark = mark?;
        let marks = self.list.iter_mut().filter_map(|one| one.mark.as_mut());
        if mark.before < mark.through
            && let Some(next) = marks.into_iter().find(|next| next.before == mark.through)
        {
            next.before = mark.before;
            mark.through = mark.before;
        }
        Some(mark)
    }

    /// Widens the window after a batch was taken whole.
    pub(crate) fn widen(&mut self, most: u32, learned: &mut Learned) {
        if self.closed {
            return;
        }
        self.window = (self.window + 1).min(most);
        self.whole += 1;
        if self.whole.is_multiple_of(policy::WHOLE_BATCHES_PER_FLIGHT) {
            learned.max_in_flight = learned
                .max_in_flight
                .map(|most| most + 1)
                .filter(|most| *most < policy::MOST_IN_FLIGHT);
        }
    }

    /// Closes the window after an answer that asks for anything but the next batch.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.window = 1;
        self.whole = 0;
    }

    /// Limits requests in flight to half the peak after a failure that may come from too many at once.
    pub(crate) fn too_many(&self, learned: &mut Learned) {
        if self.peak > 1 {
            learned.max_in_flight = Some(self.peak / 2);
        }
    }
}
