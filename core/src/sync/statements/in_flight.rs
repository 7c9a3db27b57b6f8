//! The requests under way, and how many there may be.
//!
//! One at a time, unless the app allows more. Then only batches fresh from the log are under way
//! beside each other, each with statements of its own, and only as long as the upstream takes every
//! one of them whole: the window is as wide as one, and wider by one with each batch that was taken
//! whole. Any other answer closes it: nothing more is sent until all that is under way has come back,
//! and what the answers ask for is then done one after the other, each request alone.
//!
//! What an upstream turned out not to bear is remembered in [`Learned::max_in_flight`] and grows back
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

/// Names a request under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

/// A request under way.
pub(crate) struct Flight {
    pub(crate) ticket: Ticket,
    pub(crate) task: Task,
    pub(crate) timeout: Duration,
    pub(crate) bytes: usize,
    /// Range of the log that had been sent before this batch, and with it; none for one that is not from the
    /// log.
    pub(crate) mark: Option<Unsent>,
    /// Others may be under way beside it.
    pub(crate) pipelined: bool,
    /// The app has set other credentials since it left.
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
    /// What matters of a request in flight.
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
    /// Blocks new requests until all in flight have come back.
    closed: bool,
    /// Most at once since there was none.
    peak: u32,
    /// Batches taken whole, one after the other.
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

    /// Gives all of them up.
    pub(crate) fn give_up(&mut self) {
        self.list.clear();
    }

    /// Returns the statements in flight in the form that other sessions read.
    pub(crate) fn under_way(&self) -> Option<UnderWay> {
        let posts = self.list.iter().filter(|one| !one.batch().is_empty());
        posts
            .map(|one| UnderWay {
                since: one.asked.wall_ms,
                timeout_ms: one.timeout.as_millis() as Millis,
            })
            .reduce(UnderWay::and)
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

    /// The app has set other credentials.
    pub(crate) fn outdate(&mut self) {
        for flight in &mut self.list {
            flight.outdated = true;
        }
    }

    /// Tells whether one more request may leave beside them.
    pub(crate) fn have_room(&self, most: u32) -> bool {
        !self.closed
            && self.list.len() < self.window.min(most) as usize
            && self.list.iter().all(|one| one.pipelined)
    }

    /// Returns how many requests may share the connection's bandwidth with one that leaves now.
    pub(crate) fn sharing(&self, most: u32) -> usize {
        if self.window > 1 { most as usize } else { 1 }
    }

    /// The last place in the log that is under way.
    pub(crate) fn last_seq(&self) -> i64 {
        let seqs = self.list.iter().flat_map(Flight::batch);
        seqs.map(|item| item.row.seq).max().unwrap_or(0)
    }

    /// Tells whether any of these ids is in flight. The app may have erased a statement in mid-flight and
    /// recorded its id anew.
    pub(crate) fn have_any_of(&self, batch: &[Pending]) -> bool {
        let ids: HashSet<Uuid> = self
            .list
            .iter()
            .flat_map(Flight::batch)
            .map(|item| item.row.id)
            .collect();
        batch.iter().any(|item| ids.contains(&item.row.id))
    }

    /// Provably nothing was sent of a batch that had moved the mark like this. What to write of it;
    /// where a later batch is under way, the rest will be to write of that one.
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

    /// A batch was taken whole.
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

    /// An answer asks for something else than the next batch.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.window = 1;
        self.whole = 0;
    }

    /// The upstream failed, perhaps because it was asked so much at once.
    pub(crate) fn too_many(&self, learned: &mut Learned) {
        if self.peak > 1 {
            learned.max_in_flight = Some(self.peak / 2);
        }
    }
}
