//! What drives the syncs to one upstream: it decides when, and obeys what the app wants meanwhile.
//!
//! All of them run beside each other on one thread (`sync_thread`). While nothing is due they sleep until a command
//! comes, without a timer. None holds the file while it waits for the network. A panic ends the
//! sync that it happened in, and nothing else.

use std::pin::pin;
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

/// How often a sync that has time looks whether another process has ended the one under way.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How often the queue's files are looked after while somebody waits for a sync: whoever wants to open the queue
/// meanwhile waits for several times as long.
const LOOK_EACH: Duration = Duration::from_secs(1);

/// A time to sync by itself is never further away: clocks jump while a thread sleeps.
const LONGEST_SLEEP: Duration = Duration::from_hours(1);

/// How often fewer are taken at once where there is no room for so many: down to one.
const FEWER_EACH_TIME: u32 = 9;

pub(super) type Reply = Sender<Result<SyncReport, Error>>;

pub(super) enum Command {
    /// Sync now; wait in between for no longer than that, and answer when it has ended.
    Sync { patience: Duration, reply: Reply },
    /// So many statements were recorded.
    Recorded(u32),
    /// The app has acted: what is waited for may be over.
    Changed,
    /// The device has a network, or has none.
    Network(bool),
    /// Stop what is under way; answer when nothing is.
    Pause(Sender<()>),
    /// Go on after a pause.
    Resume,
    /// End the sync under way, if there is one.
    Interrupt,
}

/// What became of a sync, and what interrupted it.
pub(super) type Ran = (Result<SyncReport, Error>, Option<Interrupt>);

/// A sync that the app asked for, and all who wait for its end.
#[derive(Default)]
struct Job {
    patience: Duration,
    replies: Vec<Reply>,
}

/// Why the waiting for something ended early.
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
    commands: UnboundedReceiver<Command>,
    /// What the app asked for while another sync was under way.
    job: Option<Job>,
    /// Those who wait for the sync under way.
    replies: Vec<Reply>,
    /// When to sync by itself.
    deadline: Option<Instant>,
    /// Before then a new statement starts no sync: it could not send anything.
    quiet_until: Option<Instant>,
    /// The app has done something since the sync under way began that may end its wait.
    acted: bool,
    /// Syncs in a row that found no credentials, or panicked.
    setbacks: u32,
    /// Recorded since the last sync.
    recorded: u32,
    /// The device has no network since then, as far as the app told.
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

    /// Until the collector is dropped, whatever panics meanwhile.
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
                    // Nobody may be waiting any more; the pause holds all the same.
                    let _ = reply.send(());
                }
                Some(Interrupt::Job | Interrupt::Unwanted) | None => {}
            }
        }
    }

    /// Until it is time to sync by itself (none), or something else is to be done.
    async fn idle(&mut self) -> Option<Interrupt> {
        loop {
            let deadline = self
                .deadline
                .filter(|_| self.no_network_since.is_none() && !self.paused);
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

    /// Waits for `work`. With `firmly` another sync that is asked for does not interrupt it.
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

    /// Sleeps for so long, or until the app does something by which what is waited for may be over. Where somebody
    /// waits for the end it looks after the queue's files meanwhile, since nobody else can open the queue before what
    /// was deleted or replaced of them is put back.
    pub(super) async fn asleep(
        &mut self,
        wait: Duration,
        is_waited_for: bool,
    ) -> Result<(), Interrupt> {
        let over = sleep(wait);
        let mut look = interval_at(Instant::now() + LOOK_EACH, LOOK_EACH);
        tokio::pin!(over);
        let before = std::mem::take(&mut self.acted);
        let ended = loop {
            tokio::select! {
                () = &mut over => break Ok(()),
                _ = look.tick(), if is_waited_for => {
                    // Whoever calls next is told what could not be put back.
                    let _ = self.inner.read(|_| Ok(()));
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

    fn obey(&mut self, command: Option<Command>) -> Option<Interrupt> {
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

    /// What a sync waited for may be over.
    fn acted(&mut self) {
        self.acted = true;
        self.quiet_until = None;
    }

    /// A backoff for want of a network ends with it.
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
            // Then the backoff is waited for.
            tracing::debug!(%error, "the backoff could not be ended");
        }
    }

    /// Syncs by itself so much later, or earlier if that was planned.
    fn automatic_after(&mut self, wait: Duration) {
        if self.inner.policy != SyncPolicy::Manual {
            let at = Instant::now() + wait.min(LONGEST_SLEEP);
            self.deadline = Some(self.deadline.map_or(at, |planned| planned.min(at)));
        }
    }

    /// One sync from its beginning to its end; by hand if it is a job.
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
        // Beyond what a clock can tell it is for ever.
        let give_up = Instant::now().checked_add(patience);
        let sessions = self.sessions(by_hand, give_up).instrument(span.clone());
        let (mut result, interrupt) = sessions.await;
        if let Ok(report) = &mut result {
            // What cannot be read now, the next report tells.
            report.waiting = self
                .inner
                .read(|db| db.waiting_aside(self.lane.id(db)?))
                .unwrap_or_default();
        }
        self.lane.syncing.store(false, Ordering::Relaxed);
        // Whoever was short of room, and died or failed before this, has left what it delivered.
        if matches!(&result, Ok(report) if report.delivered > 0 || self.is_short_of_room()) {
            self.shrink();
        }
        if matches!(&result, Err(Error::NoUpstream { .. })) {
            return Some(self.gone(&result, interrupt));
        }
        span.in_scope(|| count(&result));
        self.plan(&result);
        self.tell(&result);
        interrupt
    }

    /// The upstream was removed, by whatever process: with that its driver ends.
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

    /// Tells the app, and those who wait, how a sync ended.
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

    /// What is under way came to an end that nobody has seen. The panic hook has reported why.
    fn panicked(&mut self) {
        self.lane.syncing.store(false, Ordering::Relaxed);
        let result = Err(Error::Panicked);
        count(&result);
        self.tell(&result);
        self.setbacks = self.setbacks.saturating_add(1);
        let wait = backoff::delay(self.setbacks, &mut fastrand::Rng::new());
        self.automatic_after(wait);
    }

    /// Sessions until nothing is due any more before the patience ends.
    async fn sessions(&mut self, by_hand: bool, give_up: Option<Instant>) -> Ran {
        let mut begun = self.inner.clock.now_ms();
        let (mut result, mut interrupt) = self.session_as_whoever(by_hand, give_up).await;
        while let (Ok(report), None) = (&result, &interrupt)
            && let Some(again) = self.again_at(&report.ended, begun)
            && let Some(wait) = self.within(again, give_up)
        {
            let so_far = report.clone();
            match self.asleep(wait, give_up.is_some()).await {
                Ok(()) => {}
                Err(Interrupt::Job) => break,
                Err(other) => {
                    let ended = Ended::Interrupted;
                    return (Ok(SyncReport { ended, ..so_far }), Some(other));
                }
            }
            // What was skipped by hand is not skipped once more, unless it was another's turn.
            let by_hand = by_hand && matches!(so_far.ended, Ended::Busy { .. });
            begun = self.inner.clock.now_ms();
            let (next, came) = self.session_as_whoever(by_hand, give_up).await;
            (result, interrupt) = (next.map(|next| so_far.and(next)), came);
        }
        (result, interrupt)
    }

    /// When a session that ended thus has something to do again, unix milliseconds. What was due
    /// when it began, and is so still, is not waited for.
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

    /// How long to wait until then; none where patience ends before.
    pub(super) fn within(&self, until: Millis, give_up: Option<Instant>) -> Option<Duration> {
        let wait = until.saturating_sub(self.inner.clock.now_ms()).max(0);
        let wait = Duration::from_millis(wait as u64);
        let Some(give_up) = give_up else {
            return Some(wait);
        };
        let there = Instant::now().checked_add(wait)?;
        (there <= give_up).then_some(wait)
    }

    /// A session, and another one with new credentials if the app has some.
    async fn session_as_whoever(&mut self, by_hand: bool, give_up: Option<Instant>) -> Ran {
        let (first, interrupt) = self.session(by_hand, give_up).await;
        let Ok(Ended::NeedsApp { trouble }) = first.as_ref().map(|report| &report.ended) else {
            return (first, interrupt);
        };
        let refused = trouble.problem == Problem::Credentials;
        let Some(provider) = self.lane.choices().provider.filter(|_| refused) else {
            return (first, interrupt);
        };
        let mut asked = pin!(tokio::task::spawn_blocking(move || provider.credentials()));
        let found = loop {
            match self.during(&mut asked, false).await {
                // The provider may be waiting for just this sync.
                Err(Interrupt::Job) => self.answer_at_once(&first),
                found => break found,
            }
        };
        match found {
            Ok(Ok(Some(credentials))) => {
                if let Err(error) = self.inner.use_credentials(&self.lane, Some(&credentials)) {
                    return (Err(error), None);
                }
                let (again, interrupt) = self.session(by_hand, give_up).await;
                let both = first.and_then(|first| Ok(first.and(again?)));
                (both, interrupt)
            }
            // None to be had, or it panicked, which the panic hook has reported.
            Ok(Ok(None) | Err(_)) => (first, None),
            Err(interrupt) => (first, Some(interrupt)),
        }
    }

    /// Whoever asks for a sync while the app is asked for credentials hears that these are missing.
    fn answer_at_once(&mut self, first: &Result<SyncReport, Error>) {
        let (Some(job), Ok(first)) = (self.job.take(), first) else {
            return;
        };
        for reply in job.replies {
            let _ = reply.send(Ok(first.nothing_more()));
        }
    }

    /// Delivered statements are there still, and the disk is nearly full.
    fn is_short_of_room(&self) -> bool {
        let store = &self.inner.store;
        store.has_little_room()
            && store
                .read(self.inner.clock.now_ms(), Db::unpurged)
                .is_ok_and(|left| left > 0)
    }

    /// The file gives back what was delivered. Others may record in between the slices.
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
                // There is room for fewer at once, once what failed has left the log.
                Err(StoreError::DiskFull) if tries > 0 => tries -= 1,
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = outcome {
            // The next sync tries again; all that is delivered is delivered.
            tracing::warn!(%error, "the queue's file could not be shrunk");
        }
    }

    /// When to sync by itself again, and whether a new statement may do so before.
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
            // It had none now. Perhaps it has some later.
            Ok(Ended::NeedsApp { trouble }) if asks && trouble.problem == Problem::Credentials => {
                setbacks = self.setbacks.saturating_add(1);
                let wait = backoff::delay(setbacks, &mut fastrand::Rng::new());
                (Some(now + wait.as_millis() as Millis), true)
            }
            // The app must act, and says so when it has; or it was the LRS's mistake, and is over then.
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
                // What was recorded meanwhile cannot be sent sooner either.
                self.deadline = None;
            }
            self.automatic_after(wait);
            self.quiet_until = self.deadline.filter(|_| nothing_before && !self.acted);
        }
    }
}

/// Tells `tracing` what a sync did. The LRS's words are for the app alone.
fn count(result: &Result<SyncReport, Error>) {
    match result {
        Ok(report) => tracing::info!(
            delivered = report.delivered,
            held = report.held,
            requests = report.requests,
            bytes_sent = report.bytes_sent,
            ended = report.ended.code(),
            "synced"
        ),
        Err(error) => tracing::warn!(%error, "the sync failed"),
    }
}
