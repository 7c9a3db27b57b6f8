//! One session carried out: performs what it asks for, until it ends or something interrupts it.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

use super::Inner;
use super::caught::exchange;
use super::driver::{Driver, Interrupt, Ran};
use super::folding::Folding;
use crate::error::Error;
use crate::lock::lock;
use crate::lrs::{Answer, Failure, Method};
use crate::store::{Millis, StoreError};
use crate::sync::{Ended, Session, Step, Ticket};
use crate::transport::Transport;

/// What came of a request.
type Landed = (Ticket, Result<Answer, Failure>);

/// The requests under way; dropped, they are given up.
type Flights = JoinSet<Landed>;

impl Driver {
    /// One session; it waits for nothing that is over only after `give_up`.
    pub(super) async fn session(&mut self, by_hand: bool, give_up: Option<Instant>) -> Ran {
        let inner = &self.inner;
        let begun = inner
            .transport()
            .and_then(|transport| Ok((transport, inner.session_config(by_hand)?)));
        let (transport, config) = match begun {
            Ok(begun) => begun,
            Err(error) => return (Err(error), None),
        };
        let mut session =
            Session::new(config, inner.holder, fastrand::Rng::new()).after(self.owed.take());
        let ran = self.perform(&mut session, &transport, give_up).await;
        self.owed = session.owed();
        // It has written down what may be so.
        self.under_way_until = None;
        ran
    }

    async fn perform(
        &mut self,
        session: &mut Session,
        transport: &Arc<dyn Transport>,
        give_up: Option<Instant>,
    ) -> Ran {
        let inner = Arc::clone(&self.inner);
        let mut flights = Flights::new();
        let mut landed = None;
        let interrupt = loop {
            match inner.step(session, landed.take()) {
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
                    match self.during(sleep(wait), false).await {
                        Ok(()) => {}
                        Err(Interrupt::Job) => return (Ok(session.report(waiting)), None),
                        Err(interrupt) => break interrupt,
                    }
                }
                Ok(Step::Send { ticket, request }) => {
                    let (transport, span) = (Arc::clone(transport), session.span(ticket));
                    if request.method == Method::Post {
                        let until = inner.clock.now_ms() + request.timeout.as_millis() as Millis;
                        self.under_way_until = self.under_way_until.max(Some(until));
                    }
                    let exchange = async move { exchange(&*transport, request).await };
                    flights.spawn(async move { (ticket, exchange.instrument(span).await) });
                }
                Ok(Step::Await) => match self.during(next_of(&mut flights), true).await {
                    Ok(came) => landed = came,
                    Err(interrupt) => break interrupt,
                },
                Err(error) => {
                    // What is under way comes to its end: sent again now it might be stored twice.
                    let ended = async { while next_of(&mut flights).await.is_some() {} };
                    let interrupt = self.during(ended, true).await.err();
                    flights.shutdown().await;
                    if let Err(second) = inner.interrupted(session) {
                        // What it had to write down is kept in memory.
                        tracing::debug!(error = %second, "the end of a sync could not be written");
                    }
                    return (Err(error.into()), interrupt);
                }
            }
        };
        flights.shutdown().await;
        let report = inner
            .interrupted(session)
            .map(|()| session.report(Ended::Interrupted));
        (report.map_err(Error::from), Some(interrupt))
    }
}

impl Inner {
    /// What came of a request, and what to do next: one commit for both.
    fn step(
        self: &Arc<Self>,
        session: &mut Session,
        landed: Option<Landed>,
    ) -> Result<Step, StoreError> {
        if landed.is_none() && session.must_await() {
            return Ok(Step::Await);
        }
        session.authorize(lock(&self.authorization).as_ref());
        let now = self.clock.now();
        let step = self.store.with(now.wall_ms, |db| {
            db.together(|db| {
                if let Some((ticket, outcome)) = landed {
                    session.answered(db, ticket, outcome, now)?;
                }
                session.next(db, now)
            })
        })?;
        self.tell(session);
        Folding::see_to(self);
        Ok(step)
    }

    fn interrupted(&self, session: &mut Session) -> Result<(), StoreError> {
        let now = self.clock.now_ms();
        self.store.with(now, |db| session.interrupted(db, now))
    }
}

/// What the next request to come back brings; none: there is none under way.
async fn next_of(flights: &mut Flights) -> Option<Landed> {
    match flights.join_next().await? {
        Ok(landed) => Some(landed),
        // Nothing but a panic ends one early, and the transport's own is caught.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
