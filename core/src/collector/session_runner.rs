//! Execution of one session: performs what it asks for, until it ends or something interrupts it.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::Inner;
use crate::collector::checkpointer::Folding;
use crate::collector::driver::{Driver, Interrupt, Ran};
use crate::collector::lane::Lane;
use crate::collector::panics::exchange;
use crate::collector::sync_lock::{Locking, SyncLock};
use crate::lock::lock;
use crate::lrs::{Response, TransportError};
use crate::store::StoreError;
use crate::sync::{Ended, Session, Step, SyncReport, Ticket};
use crate::transport::Transport;

/// Time until a queue that another process syncs is tried again, milliseconds.
const ASK_AGAIN_MS: i64 = 15_000;

/// Outcome of a request.
type Returned = (Ticket, Result<Response, TransportError>);

/// Requests under way, which are abandoned when this is dropped.
type InFlight = JoinSet<Returned>;

impl Driver {
    /// Runs one session, without waiting for anything that ends only after `give_up`.
    pub(super) async fn session(&mut self, by_hand: bool, give_up: Option<Instant>) -> Ran {
        let inner = Arc::clone(&self.inner);
        let transport = match inner.transport() {
            Ok(transport) => transport,
            Err(error) => return (Err(error), None),
        };
        let lane = Arc::clone(&self.lane);
        let upstream = match inner.read(|db| lane.id(db)) {
            Ok(upstream) => upstream,
            Err(error) => return (Err(Inner::about(&lane.name)(error)), None),
        };
        let lock = match SyncLock::take(inner.store.path(), upstream) {
            Locking::Ours(lock) => Some(lock),
            Locking::Unknown => None,
            Locking::Others => {
                let until = inner.clock.now_ms() + ASK_AGAIN_MS;
                let report = SyncReport::nothing(Ended::Busy { until });
                return (Ok(report), None);
            }
        };
        let mut so_far = None;
        loop {
            let (config, generation) = match inner.session_config(&lane, by_hand) {
                Ok(config) => config,
                Err(error) => return (Err(error), None),
            };
            let mut session =
                Session::new(config, inner.holder, fastrand::Rng::new()).alone(lock.is_some());
            let ran = self.perform(&mut session, &transport, give_up).await;
            // The endpoint was changed: what is left goes to the new one.
            let moved =
                matches!(&ran, (Ok(_), None)) && Inner::target_generation(&lane) != generation;
            let (report, interrupt) = ran;
            let report = report.map(|report| match so_far.take() {
                Some(so_far) => SyncReport::and(so_far, report),
                None => report,
            });
            if !moved {
                return (report, interrupt);
            }
            so_far = report.ok();
        }
    }

    async fn perform(
        &mut self,
        session: &mut Session,
        transport: &Arc<dyn Transport>,
        give_up: Option<Instant>,
    ) -> Ran {
        let inner = Arc::clone(&self.inner);
        let mut flights = InFlight::new();
        let mut landed = None;
        let interrupt = loop {
            if self.is_held_back() {
                session.end_soon();
            }
            match inner.step(&self.lane, session, landed.take()) {
                Ok(Step::Done(ended)) => return (Ok(session.report(ended)), None),
                Ok(Step::Wait { until, why }) => {
                    let trouble = session.trouble().cloned();
                    let waiting = Ended::Waiting {
                        until,
                        why,
                        trouble,
                    };
                    let Some(wait) = self.within(until, give_up) else {
                        return (Ok(session.report(waiting)), None);
                    };
                    match self.asleep(wait, false).await {
                        Ok(()) => {}
                        Err(Interrupt::Job) => return (Ok(session.report(waiting)), None),
                        Err(interrupt) => break interrupt,
                    }
                }
                Ok(Step::Send { ticket, request }) => {
                    let (transport, span) = (Arc::clone(transport), session.span(ticket));
                    let exchange = async move { exchange(&*transport, request).await };
                    flights.spawn(async move { (ticket, exchange.instrument(span).await) });
                }
                // Calls that record have their turn in between.
                Ok(Step::Again) => {}
                Ok(Step::Await) => match self.during(next_of(&mut flights), true).await {
                    Ok(came) => landed = came,
                    Err(interrupt) => break interrupt,
                },
                Err(error) => {
                    // Requests under way come to their end: sent again now they might be stored twice.
                    let ended = async { while next_of(&mut flights).await.is_some() {} };
                    let interrupt = self.during(ended, true).await.err();
                    flights.shutdown().await;
                    if let Err(second) = inner.interrupted(session) {
                        // The next session learns it from what was written when the requests left.
                        tracing::debug!(error = %second, "the end of a sync could not be written");
                    }
                    return (Err(Inner::about(&self.lane.name)(error)), interrupt);
                }
            }
        };
        flights.shutdown().await;
        let report = inner
            .interrupted(session)
            .map(|()| session.report(Ended::Interrupted));
        (
            report.map_err(Inner::about(&self.lane.name)),
            Some(interrupt),
        )
    }
}

impl Inner {
    /// Takes the outcome of a request and returns what to do next: one commit for both.
    fn step(
        self: &Arc<Self>,
        lane: &Lane,
        session: &mut Session,
        landed: Option<Returned>,
    ) -> Result<Step, StoreError> {
        if landed.is_none() && session.must_await() {
            return Ok(Step::Await);
        }
        session.authorize(lock(&lane.target).authorization.as_ref());
        let now = self.clock.now();
        let step = self.store.with(now.wall_ms, |db| {
            db.together(|db| {
                if let Some((ticket, outcome)) = landed {
                    session.answered(db, ticket, outcome, now)?;
                }
                session.next(db, now)
            })
        })?;
        self.tell(lane, session);
        Folding::see_to(self);
        Ok(step)
    }

    fn interrupted(&self, session: &mut Session) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.store
            .with(now.wall_ms, |db| session.interrupted(db, now))
    }
}

/// Returns the outcome of the next request to come back; `None` if none is under way.
async fn next_of(flights: &mut InFlight) -> Option<Returned> {
    match flights.join_next().await? {
        Ok(landed) => Some(landed),
        // Only a panic ends one early, and the transport's own is caught.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
