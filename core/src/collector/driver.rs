//! Driver of the syncs to one upstream: it decides when to sync, and obeys the app's commands.
//!
//! All drivers run concurrently on one thread (`sync_thread`). While nothing is due they sleep until a command comes,
//! without a timer. None holds the file while it waits for the network. A panic ends the sync that it happened in, and
//! nothing else.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, interval_at, sleep, sleep_until};
use tracing::Instrument as _;

use super::Inner;
use crate::collector::config::SyncPolicy;
use crate::collector::lane::Lane;
use crate::collector::panics::caught;
use crate::error::Error;
use crate::event::Event;
use crate::store::{Db, Millis, Problem, StoreError, Trouble};
use crate::sync::{Ended, SyncReport, backoff, policy};

/// Interval at which a sync with time left checks whether another process has ended the one under way.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Interval at which the queue's files are checked while somebody waits for a sync: whoever wants to open the queue
/// during that time waits for several times as long.
const LOOK_EACH: Duration = Duration::from_secs(1);

/// Longest time until the next automatic sync: clocks jump while a thread sleeps.
const LONGEST_SLEEP: Duration = Duration::from_hours(1);

/// Number of retries with fewer statements at once, down to one, where there is no room for more.
const FEWER_EACH_TIME: u32 = 9;

pub(super) type Reply = Sender<Result<SyncReport, Error>>;

pub(super) enum Command {
    /// Sync now, waiting in between no longer than `patience`, and answer when it has ended.
    Sync { patience: Duration, reply: Reply },
    /// Number of statements just recorded.
    Recorded(u32),
    /// The app has acted, so a wait may be over.
    Changed,
    /// State of the device's network: there is one, or none.
    Network(bool),
    /// Stop what is under way, and answer when nothing is any more.
    Pause(Sender<()>),
    /// Go on after a pause.
    Resume,
    /// End the sync under way, if there is one.
    Interrupt,
}

/// Result of a sync, and what interrupted it.
pub(super) type Ran = (Result<SyncReport, Error>, Option<Interrupt>);

/// A sync that the app asked for, and all who wait for its end.
#[derive(Default)]
pub(super) struct Job {
    patience: Duration,
    pub(super) replies: Vec<Reply>,
}

/// Reason why a wait ended early.
pub(super) enum Interrupt {
    /// Another sync is asked for.
    Job,
    /// A pause; whoever asked for it waits for the answer.
    Pause(Sender<()>),
    /// The app wants no sync now.
    Unwanted,
    /// The collector is being dropped.
    Close,
}

pub(super) struct Driver {
    pub(super) inner: Arc<Inner>,
    pub(super) lane: Arc<Lane>,
    pub(super) commands: UnboundedReceiver<Command>,
    /// Sync that the app asked for and that has not begun yet.
    pub(super) job: Option<Job>,
    /// Channels to those who wait for the sync under way.
    replies: Vec<Reply>,
    /// Time of the next automatic sync.
    deadline: Option<Instant>,
    /// Time before which a new statement starts no sync, as it could not send anything.
    quiet_until: Option<Instant>,
    /// Tells whether the app has done something since the sync under way began that may end its wait.
    acted: bool,
    /// Number of syncs in a row that found no credentials, or panicked.
    setbacks: u32,
    /// Number of statements recorded since the last sync began.
    recorded: u32,
    /// Time since which the device has had no network, as the app reported.
    no_network_since: Option<Instant>,
    paused: bool,
}

impl Driver {
    pub(super) fn new(
        inner: Arc<Inner>,
        lane: Arc<Lane>,
        commands: UnboundedReceiver<Command>,
    ) -> Self {
        let has_network = inner.network.load(Ordering::Relaxed);
        Self {
            inner,
            lane,
            commands,
            job: None,
            replies: Vec::new(),
            deadline: None,
            quiet_until: None,
            acted: false,
            setbacks: 0,
            recorded: 0,
            no_network_since: (!has_network).then(Instant::now),
            paused: false,
        }
    }

    /// Runs until the collector is dropped or the upstream removed, whatever panics.
    pub(super) async fn drive(mut self) {
        self.automatic_after(Duration::ZERO);
        while caught(self.run()).await.is_err() {
            self.panicked();
        }
    }

    async fn run(&mut self) {
        loop {
            let interrupt = match self.job.take() {
                Some(job) => self.sync(Some(job)).await,
                None => match self.idle().await {
                    Some(interrupt) => Some(interrupt),
                    None => self.sync(None).await,
                },
            };
            match interrupt {
                Some(Interrupt::Close) => return,
                Some(Interrupt::Pause(reply)) => {
                    self.paused = true;
                    // Even if nobody waits any more, the pause holds.
                    let _ = reply.send(());
                }
                Some(Interrupt::Job | Interrupt::Unwanted) | None => {}
            }
        }
    }

    /// Waits until an automatic sync is due (`None`), or something else is to be done.
    async fn idle(&mut self) -> Option<Interrupt> {
        loop {
            let deadline = self
                .deadline
                .filter(|_| self.has_network() && self.no_network_since.is_none() && !self.paused);
            tokio::select! {
                command = self.commands.recv() => {
                    let interrupt = self.obey(command);
                    if interrupt.is_some() {
                        return interrupt;
                    }
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => return None,
            }
        }
    }

    /// Waits for `work`. With `firmly` a request for another sync does not interrupt it.
    pub(super) async fn during<T>(
        &mut self,
        work: impl Future<Output = T>,
        firmly: bool,
    ) -> Result<T, Interrupt> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                value = &mut work => return Ok(value),
                command = self.commands.recv() => match self.obey(command) {
                    Some(Interrupt::Job) if firmly => {}
                    Some(interrupt) => return Err(interrupt),
                    None => {}
                },
            }
        }
    }

    /// Sleeps for this long, or until the app does something that may end the wait. Where somebody waits for the sync
    /// it also checks the queue's files, since nobody else can open the queue before those that were deleted or
    /// replaced are put back; and with `or_queued`, whether anybody has recorded something that can be sent now.
    pub(super) async fn asleep(
        &mut self,
        wait: Duration,
        or_queued: bool,
    ) -> Result<(), Interrupt> {
        let is_waited_for = !self.replies.is_empty();
        let over = sleep(wait);
        let mut look = interval_at(Instant::now() + LOOK_EACH, LOOK_EACH);
        tokio::pin!(over);
        let before = std::mem::take(&mut self.acted);
        let ended = loop {
            tokio::select! {
                () = &mut over => break Ok(()),
                _ = look.tick(), if is_waited_for => {
                    // The next caller is told what could not be put back.
                    let _ = self.inner.read(|_| Ok(()));
                    if or_queued && self.inner.has_queued(&self.lane) {
                        break Ok(());
                    }
                }
                command = self.commands.recv() => match self.obey(command) {
                    Some(interrupt) => break Err(interrupt),
                    None if self.acted => break Ok(()),
                    None => {}
                },
            }
        };
        self.acted |= before;
        ended
    }

    pub(super) fn obey(&mut self, command: Option<Command>) -> Option<Interrupt> {
        // All senders are gone: the collector is being dropped.
        let Some(command) = command else {
            return Some(Interrupt::Close);
        };
        match command {
            Command::Sync { patience, reply } => {
                let job = self.job.get_or_insert_with(|| Job {
                    patience,
                    replies: Vec::new(),
                });
                job.patience = job.patience.max(patience);
                job.replies.push(reply);
                return Some(Interrupt::Job);
            }
            Command::Recorded(count) => {
                self.recorded = self.recorded.saturating_add(count);
                if let SyncPolicy::Automatic { count, age } = self.inner.policy {
                    let wait = if self.recorded >= count {
                        Duration::ZERO
                    } else {
                        age
                    };
                    let quiet = self.quiet_until.map_or(Duration::ZERO, |until| {
                        until.saturating_duration_since(Instant::now())
                    });
                    self.automatic_after(wait.max(quiet));
                }
            }
            Command::Changed => {
                self.deadline = None;
                self.acted();
                self.automatic_after(Duration::ZERO);
            }
            Command::Network(there) => {
                if let (true, Some(since)) = (there, self.no_network_since) {
                    self.forget_that_there_was_none();
                    self.deadline = None;
                    self.acted();
                    self.automatic_after(backoff::network_back(
                        since.elapsed(),
                        &mut fastrand::Rng::new(),
                    ));
                }
                self.no_network_since = if there {
                    None
                } else {
                    self.no_network_since.or_else(|| Some(Instant::now()))
                };
            }
            Command::Pause(reply) => return Some(Interrupt::Pause(reply)),
            Command::Interrupt => return Some(Interrupt::Unwanted),
            Command::Resume => {
                self.paused = false;
                self.acted();
                self.automatic_after(Duration::ZERO);
            }
        }
        None
    }

    /// Tells whether the sync under way is to end, since there is no network for one that nobody asked for.
    pub(super) fn is_held_back(&self) -> bool {
        !self.has_network() && self.replies.is_empty()
    }

    /// Tells what the app said last, also where its command has not been obeyed yet.
    fn has_network(&self) -> bool {
        self.inner.network.load(Ordering::Relaxed)
    }

    /// Notes that what a sync waits for may be over.
    fn acted(&mut self) {
        self.acted = true;
        self.quiet_until = None;
    }

    /// Ends a backoff that was for want of a network.
    fn forget_that_there_was_none(&self) {
        let outcome = self.inner.store.with(self.inner.clock.now_ms(), |db| {
            db.relearn(self.lane.id(db)?, |learned| {
                let unreachable = |trouble: &Trouble| trouble.problem == Problem::Unreachable;
                if learned.trouble.as_ref().is_some_and(unreachable) {
                    learned.waits.backoff = None;
                }
            })
        });
        if let Err(error) = outcome {
            // Then the backoff goes on.
            tracing::debug!(%error, "the backoff could not be ended");
        }
    }

    /// Plans an automatic sync after this wait, or leaves an earlier one that is planned.
    fn automatic_after(&mut self, wait: Duration) {
        if self.inner.policy != SyncPolicy::Manual {
            let at = Instant::now() + wait.min(LONGEST_SLEEP);
            self.deadline = Some(self.deadline.map_or(at, |planned| planned.min(at)));
        }
    }

    /// Runs one sync from beginning to end; by hand if it is a job.
    async fn sync(&mut self, job: Option<Job>) -> Option<Interrupt> {
        self.deadline = None;
        self.quiet_until = None;
        self.acted = false;
        self.recorded = 0;
        self.lane.syncing.store(true, Ordering::Relaxed);
        let by_hand = job.is_some();
        let Job { patience, replies } = job.unwrap_or_default();
        self.replies = replies;
        let span = self.span(by_hand);
        // `None`: later than any clock can tell, so for ever.
        let give_up = Instant::now().checked_add(patience);
        let sessions = self.sessions(by_hand, give_up).instrument(span.clone());
        let (mut result, interrupt) = sessions.await;
        if let Ok(report) = &mut result {
            // If it cannot be read now, the next report tells.
            report.waiting = self
                .inner
                .read(|db| db.waiting_aside(self.lane.id(db)?))
                .unwrap_or_default();
        }
        self.lane.syncing.store(false, Ordering::Relaxed);
        // An earlier process that was short of room, and died or failed before this, has left what it delivered.
        if matches!(&result, Ok(report) if report.delivered > 0 || self.is_short_of_room()) {
            self.shrink();
        }
        if matches!(&result, Err(Error::NoUpstream { .. })) {
            return Some(self.gone(&result, interrupt));
        }
        if !by_hand && matches!(&result, Err(Error::NoEndpoint)) {
            // Nobody has asked for it, and the app may say later where to deliver.
            self.plan(&result);
            return interrupt;
        }
        span.in_scope(|| count(&result));
        self.plan(&result);
        self.tell(&result);
        interrupt
    }

    /// Ends the driver of an upstream that was removed, by whatever process.
    fn gone(
        &mut self,
        result: &Result<SyncReport, Error>,
        interrupt: Option<Interrupt>,
    ) -> Interrupt {
        self.inner.forget(&self.lane);
        for reply in self.replies.drain(..) {
            let _ = reply.send(result.clone());
        }
        if let Some(Interrupt::Pause(reply)) = interrupt {
            let _ = reply.send(());
        }
        Interrupt::Close
    }

    fn span(&self, by_hand: bool) -> tracing::Span {
        if self.lane.is_main() {
            tracing::info_span!("sync", by_hand)
        } else {
            tracing::info_span!("sync", by_hand, upstream = &*self.lane.name)
        }
    }

    /// Reports to the app, and to those who wait, how a sync ended.
    fn tell(&mut self, result: &Result<SyncReport, Error>) {
        self.inner.events.tell(&match result {
            Ok(report) => Event::Synced {
                report: report.clone(),
                upstream: self.lane.name.to_string(),
            },
            Err(error) => Event::SyncFailed {
                error: error.to_string(),
                upstream: self.lane.name.to_string(),
            },
        });
        for reply in self.replies.drain(..) {
            let _ = reply.send(result.clone());
        }
    }

    /// Reports a sync that a panic ended, and plans the next one. The panic hook has reported why.
    fn panicked(&mut self) {
        self.lane.syncing.store(false, Ordering::Relaxed);
        let result = Err(Error::Panicked);
        count(&result);
        self.tell(&result);
        self.setbacks = self.setbacks.saturating_add(1);
        let wait = backoff::delay(self.setbacks, &mut fastrand::Rng::new());
        self.automatic_after(wait);
    }

    /// Runs sessions until nothing is due any more before the patience ends.
    async fn sessions(&mut self, by_hand: bool, give_up: Option<Instant>) -> Ran {
        let mut begun = self.inner.clock.now_ms();
        let (mut result, mut interrupt) = self.session_as_whoever(by_hand, give_up).await;
        while let (Ok(report), None) = (&result, &interrupt)
            && let Some(again) = self.again_at(&report.ended, begun)
            && let Some(wait) = self.within(again, give_up)
        {
            let so_far = report.clone();
            let is_done = matches!(so_far.ended, Ended::Emptied);
            match self.asleep(wait, is_done).await {
                Ok(()) => {}
                Err(Interrupt::Job) => break,
                Err(other) => {
                    let ended = Ended::Interrupted;
                    return (Ok(SyncReport { ended, ..so_far }), Some(other));
                }
            }
            // A wait that was skipped by hand is not skipped again, unless another process was syncing.
            let by_hand = by_hand && matches!(so_far.ended, Ended::Busy { .. });
            begun = self.inner.clock.now_ms();
            let (next, came) = self.session_as_whoever(by_hand, give_up).await;
            (result, interrupt) = (next.map(|next| so_far.and(next)), came);
        }
        (result, interrupt)
    }

    /// Returns when a session that ended like this has something to do again, unix milliseconds. What was due when it
    /// began, and still is, does not count.
    fn again_at(&self, ended: &Ended, begun: Millis) -> Option<Millis> {
        match ended {
            Ended::Emptied => {
                let due = self
                    .inner
                    .read(|db| db.next_due(self.lane.id(db)?))
                    .ok()
                    .flatten();
                due.filter(|due| *due > begun)
            }
            Ended::Busy { until } => {
                let soon = self.inner.clock.now_ms() + LOOK_AGAIN.as_millis() as Millis;
                Some(soon.min(*until).max(begun + 1))
            }
            _ => None,
        }
    }

    /// Returns the wait until then; `None` where patience ends before.
    pub(super) fn within(&self, until: Millis, give_up: Option<Instant>) -> Option<Duration> {
        let wait = until.saturating_sub(self.inner.clock.now_ms()).max(0);
        let wait = Duration::from_millis(wait as u64);
        let Some(give_up) = give_up else {
            return Some(wait);
        };
        let there = Instant::now().checked_add(wait)?;
        (there <= give_up).then_some(wait)
    }

    /// Tells whether the disk is nearly full while delivered statements are still there.
    fn is_short_of_room(&self) -> bool {
        let store = &self.inner.store;
        store.has_little_room()
            && store
                .read(self.inner.clock.now_ms(), Db::unpurged)
                .is_ok_and(|left| left > 0)
    }

    /// Purges what was delivered and shrinks the file, in slices between which others may record.
    fn shrink(&self) {
        let (store, history) = (&self.inner.store, self.inner.history);
        let now = self.inner.clock.now_ms();
        let mut shrunk = false;
        let mut tries = FEWER_EACH_TIME;
        let outcome = loop {
            match store.with(now, |db| Ok(db.purge(history, now)? || db.shrink()?)) {
                Ok(true) => shrunk = true,
                Ok(false) if shrunk => break store.with(now, Db::checkpoint),
                Ok(false) => break Ok(()),
                // There is room for fewer at once, after what failed has left the log.
                Err(StoreError::DiskFull) if tries > 0 => tries -= 1,
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = outcome {
            // The next sync tries again; all that is delivered is delivered.
            tracing::warn!(%error, "the queue's file could not be shrunk");
        }
    }

    /// Plans the next automatic sync, and whether a new statement may start one before.
    fn plan(&mut self, result: &Result<SyncReport, Error>) {
        let now = self.inner.clock.now_ms();
        let asks = self.lane.choices().provider.is_some();
        let mut setbacks = 0;
        let (until, nothing_before) = match result.as_ref().map(|report| &report.ended) {
            Ok(Ended::Waiting { until, .. } | Ended::Busy { until }) => (Some(*until), true),
            Ok(Ended::Emptied) => {
                let due = self.inner.read(|db| db.next_due(self.lane.id(db)?));
                (due.ok().flatten(), false)
            }
            // The provider had none now. Perhaps it has some later.
            Ok(Ended::NeedsApp { trouble }) if asks && trouble.problem == Problem::Credentials => {
                setbacks = self.setbacks.saturating_add(1);
                let wait = backoff::delay(setbacks, &mut fastrand::Rng::new());
                (Some(now + wait.as_millis() as Millis), true)
            }
            // The app must act, and says so when it has; or it was the LRS's mistake, and may be over by then.
            Ok(Ended::NeedsApp { .. }) => {
                let wait = policy::WITHOUT_THE_APP.as_millis() as Millis;
                (Some(now + wait), true)
            }
            Ok(Ended::Interrupted) => (None, false),
            Err(_) => (Some(now + LONGEST_SLEEP.as_millis() as Millis), false),
        };
        self.setbacks = setbacks;
        if let Some(until) = until {
            let wait = Duration::from_millis(until.saturating_sub(now).max(0) as u64);
            if nothing_before && !self.acted {
                // What was recorded since cannot be sent sooner either.
                self.deadline = None;
            }
            self.automatic_after(wait);
            self.quiet_until = self.deadline.filter(|_| nothing_before && !self.acted);
        }
    }
}

/// Logs what a sync did. The LRS's words are for the app alone.
fn count(result: &Result<SyncReport, Error>) {
    match result {
        Ok(report) => {
            tracing::info!(
                delivered = report.delivered,
                held = report.held,
                requests = report.requests,
                bytes_sent = report.bytes_sent,
                ended = report.ended.code(),
                "synced"
            );
            if let Ended::NeedsApp { trouble } = &report.ended {
                let problem = trouble.problem.code();
                tracing::warn!(problem, "nothing is sent until the app has acted");
            }
        }
        Err(error) => tracing::warn!(%error, "the sync failed"),
    }
}
