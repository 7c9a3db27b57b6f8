//! One upstream of a collector: its queue, its refusals and its syncs.

use std::collections::HashSet;
use std::fmt;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use uuid::Uuid;

use super::{Conflict, Inner, Threads};
use crate::collector::driver::Command;
use crate::collector::input::AsStatement;
use crate::collector::lane::{self, Choices, Lane};
use crate::collector::probe::Probe;
use crate::collector::reentry;
use crate::collector::status::{Here, Status};
use crate::collector::sync_lock::SyncLock;
use crate::collector::target::Target;
use crate::error::Error;
use crate::lock::lock;
use crate::lrs::{Credentials, Endpoint};
use crate::statement::{self, Prepared, PreparedDefaults};
use crate::store::{
    Db, HeldStatement, ListedStatement, Page, Route, StoreError, Unchanged, UpstreamId,
    WaitingStatement,
};
use crate::sync::SyncReport;

/// One of a collector's upstreams, by its name: its queue, its refusals and its syncs. The collector's own calls of the
/// same names are those of the first one, `main`.
///
/// Cheap to clone, and may be used from any thread. Its calls fail once the collector is dropped ([`Error::Closing`])
/// or the upstream is removed, by whatever process ([`Error::NoUpstream`]).
#[derive(Clone)]
pub struct Upstream {
    threads: Weak<Threads>,
    name: Arc<str>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({})", self.name)
    }
}

impl Upstream {
    pub(super) fn new(threads: &Arc<Threads>, name: Arc<str>) -> Self {
        Self {
            threads: Arc::downgrade(threads),
            name,
        }
    }

    /// Returns its name in the queue.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the state of its deliveries.
    pub fn status(&self) -> Result<Status, Error> {
        let threads = self.threads()?;
        let inner = &threads.inner;
        inner.read_about(&self.name, |db, upstream| {
            inner.status(db, upstream, &self.name)
        })
    }

    /// Returns the rule for which statements it gets.
    pub fn route(&self) -> Result<Route, Error> {
        self.read(|db, upstream| Ok(db.upstream(upstream)?.route))
    }

    /// Sets the rule for which statements it gets from now on. Those recorded already stay with the upstreams they were
    /// for. `main` gets all and its route cannot be set ([`Error::MainStays`]), so that every statement is for some
    /// upstream.
    pub fn set_route(&self, route: &Route) -> Result<(), Error> {
        if &*self.name == super::MAIN {
            return Err(Error::MainStays);
        }
        let inner = &self.threads()?.inner;
        let set = inner.store.with(inner.clock.now_ms(), |db| {
            db.set_route(db.named(&self.name)?, route)
        });
        set.map_err(Inner::about(&self.name))
    }

    /// Returns the statements queued for it, in capture order.
    pub fn queued(&self, page: Page) -> Result<Vec<ListedStatement>, Error> {
        self.read(|db, upstream| db.queued(upstream, page))
    }

    /// Returns the statements that wait aside for it and come back by themselves.
    pub fn waiting(&self, page: Page) -> Result<Vec<WaitingStatement>, Error> {
        self.read(|db, upstream| db.waiting(upstream, page))
    }

    /// Returns the statements that are held for it until the app retries, replaces or discards them.
    pub fn held(&self, page: Page) -> Result<Vec<HeldStatement>, Error> {
        self.read(|db, upstream| db.held(upstream, page))
    }

    /// Returns one statement that is held for it.
    pub fn held_one(&self, id: Uuid) -> Result<HeldStatement, Error> {
        self.read(|db, upstream| db.held_one(upstream, id))?
            .ok_or(Error::NotHeld { id })
    }

    /// Lets a held statement be tried again here.
    pub fn retry(&self, id: Uuid) -> Result<(), Error> {
        self.change(id, |db, upstream, now| db.retry(upstream, id, now))?;
        self.tell_driver();
        Ok(())
    }

    /// Replaces a statement that is held here by a corrected one, which goes to the end of the queue, for this upstream
    /// alone: others get the old one. It is taken as it is, without [`Config::defaults`](crate::Config::defaults), one
    /// of which may be what was refused. Contents of its attachments are those of the old one, by their hashes, unless they
    /// are given with it ([`WithContents`](crate::WithContents)). It may keep the old id if no other upstream has that or
    /// is to get it. Returns its id.
    pub fn replace(&self, id: Uuid, statement: impl AsStatement) -> Result<Uuid, Error> {
        let threads = self.threads()?;
        let kept = self.read(|db, _| db.contents(id))?.unwrap_or_default();
        let none = PreparedDefaults::default();
        let prepared = threads.inner.prepare_with(&statement, &none, &kept)?;
        threads.inner.may_void(&prepared, &HashSet::new())?;
        self.change(id, |db, upstream, now| {
            db.replace(upstream, id, &prepared, now)
        })?;
        self.tell_driver();
        Ok(prepared.id)
    }

    /// Gives up a statement that is held here. Other upstreams get it all the same.
    pub fn discard(&self, id: Uuid) -> Result<(), Error> {
        self.change(id, |db, upstream, now| db.discard(upstream, id, now))
    }

    /// Returns both copies of a statement that is held as a conflict, and where they differ.
    pub fn conflict(&self, id: Uuid) -> Result<Conflict, Error> {
        Conflict::of(&self.held_one(id)?).ok_or(Error::NotInConflict { id })
    }

    /// Gives our copy up here: what the LRS has under this id stays as it is. Counted as discarded.
    pub fn keep_theirs(&self, id: Uuid) -> Result<(), Error> {
        self.change(id, |db, upstream, now| db.keep_theirs(upstream, id, now))
    }

    /// Records what our copy says under a new id, which is returned, at the end of the queue and for this
    /// upstream alone. See [`Collector::send_as_new`](crate::Collector::send_as_new).
    pub fn send_as_new(&self, id: Uuid) -> Result<Uuid, Error> {
        let Conflict { ours, .. } = self.conflict(id)?;
        // Another copy of this queue, or an older one brought back, makes the same id: the LRS then has it once.
        let made_of = [self.name().as_bytes(), &[0], ours.as_bytes()].concat();
        let new = Uuid::new_v5(&id, &made_of);
        let new = statement::successor(ours.as_bytes(), id, new).ok();
        // A new id and a new checksum would hide that it is damaged.
        let intact = self.read(|db, _| db.is_intact(id))?;
        match new.filter(|_| intact) {
            Some(new) => self.replace(id, new),
            None => Err(StoreError::Other(format!(
                "statement {id} is no longer what was recorded: replace it with the right one, or discard it"
            ))
            .into()),
        }
    }

    /// Delivers what is due to this upstream alone. See [`Collector::sync`](crate::Collector::sync).
    pub fn sync(&self) -> Result<SyncReport, Error> {
        self.sync_within(Duration::ZERO)
    }

    /// Like [`Upstream::sync`], but goes on after waits that end within this time from now. See
    /// [`Collector::sync_within`](crate::Collector::sync_within).
    pub fn sync_within(&self, patience: Duration) -> Result<SyncReport, Error> {
        let threads = self.threads()?;
        if reentry::role(threads.inner.holder).is_some() {
            return Err(Error::Reentrant);
        }
        let Some(lane) = threads.inner.lane(&self.name) else {
            return threads.inner.not_opened(&self.name);
        };
        let answer = threads.begin_sync(&lane, patience)?;
        answer.recv().map_err(|_| Error::Closing)?
    }

    /// Tries the connection to this upstream's LRS, without recording or storing anything. Where this process has not
    /// opened the upstream it stays so, and no credentials are sent. See
    /// [`Collector::probe`](crate::Collector::probe).
    pub fn probe(&self) -> Result<Probe, Error> {
        self.probe_with(None)
    }

    /// Like [`Upstream::probe`], but tests the right to write by storing this statement, whatever the route, which
    /// enters no queue and no count. See [`Collector::probe_storing`](crate::Collector::probe_storing).
    pub fn probe_storing(&self, statement: impl AsStatement) -> Result<Probe, Error> {
        let inner = &self.threads()?.inner;
        self.probe_with(Some(
            inner.prepare(&statement, &PreparedDefaults::default())?,
        ))
    }

    fn probe_with(&self, statement: Option<Prepared>) -> Result<Probe, Error> {
        // Another process may have removed it.
        self.read(|_, _| Ok(()))?;
        self.threads()?.inner.probe(&self.name, statement)
    }

    /// Replaces the credentials; they are kept in memory only. A sync that waits for them goes on.
    pub fn set_credentials(&self, credentials: Option<&Credentials>) -> Result<(), Error> {
        let threads = self.threads()?;
        threads.open_with(&self.name, |lane| {
            threads.inner.use_credentials(lane, credentials)
        })
    }

    /// Sets the LRS to deliver to. What was learned about another LRS is forgotten, and a sync under way goes on with
    /// the new one. Credentials belong to an origin (scheme, host and port) and are dropped for another one. See
    /// [`Collector::set_endpoint`](crate::Collector::set_endpoint).
    pub fn set_endpoint(&self, endpoint: &str) -> Result<(), Error> {
        let threads = self.threads()?;
        threads.open_with(&self.name, |lane| {
            threads.inner.use_endpoint(lane, endpoint, None)
        })
    }

    /// Sets the LRS to deliver to and its credentials, at once.
    pub fn set_target(&self, endpoint: &str, credentials: &Credentials) -> Result<(), Error> {
        let authorization = credentials.authorization()?;
        let threads = self.threads()?;
        threads.open_with(&self.name, |lane| {
            let authorization = Some(authorization.clone());
            threads.inner.use_endpoint(lane, endpoint, authorization)
        })
    }

    fn threads(&self) -> Result<Arc<Threads>, Error> {
        self.threads.upgrade().ok_or(Error::Closing)
    }

    /// Tells the driver that a wait may be over.
    fn tell_driver(&self) {
        if let Some(threads) = self.threads.upgrade()
            && let Some(lane) = threads.inner.lane(&self.name)
        {
            threads.changed(&lane);
        }
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&Db, UpstreamId) -> Result<T, StoreError>,
    ) -> Result<T, Error> {
        self.threads()?.inner.read_about(&self.name, work)
    }

    /// Makes one change to one statement, in one transaction.
    fn change(
        &self,
        id: Uuid,
        work: impl FnOnce(&mut Db, UpstreamId, i64) -> Result<(), Unchanged>,
    ) -> Result<(), Error> {
        let inner = &self.threads()?.inner;
        let now = inner.clock.now_ms();
        let changed = inner.store.with(now, |db| {
            db.together(|db| {
                let upstream = lane::id(db, &self.name)?;
                work(db, upstream, now)
            })
        });
        changed.map_err(|why| match Error::unchanged(id, why) {
            Error::Store(error) => Inner::about(&self.name)(error),
            other => other,
        })
    }
}

impl Threads {
    /// Begins a sync by hand, and returns where its end comes.
    pub(super) fn begin_sync(
        &self,
        lane: &Arc<Lane>,
        patience: Duration,
    ) -> Result<Receiver<Result<SyncReport, Error>>, Error> {
        let (reply, answer) = channel();
        self.command(lane, Command::Sync { patience, reply })?;
        Ok(answer)
    }

    /// Changes the target of that upstream, and delivers there from this process from now on. Nothing is delivered
    /// before, nor where the change fails: it would go without the credentials that are meant for it.
    fn open_with(
        &self,
        name: &Arc<str>,
        change: impl Fn(&Lane) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let lane = if let Some(lane) = self.inner.lane(name) {
            change(&lane)?;
            lane
        } else {
            let new = self.not_yet_opened(name)?;
            change(&new)?;
            let lane = self.open_lane(Arc::clone(&new))?;
            if !Arc::ptr_eq(&lane, &new) {
                // Another thread was faster.
                change(&lane)?;
            }
            lane
        };
        self.changed(&lane);
        Ok(())
    }

    fn not_yet_opened(&self, name: &Arc<str>) -> Result<Arc<Lane>, Error> {
        let target = self.inner.target_of(name)?;
        Ok(Arc::new(Lane::new(
            Arc::clone(name),
            target,
            Choices::default(),
        )))
    }

    /// Delivers there from this process from now on; a lane that another thread has just opened stays.
    pub(super) fn open_lane(&self, new: Arc<Lane>) -> Result<Arc<Lane>, Error> {
        let lane = {
            let mut lanes = lock(&self.inner.lanes);
            if let Some(known) = lanes.iter().find(|known| known.name == new.name) {
                Arc::clone(known)
            } else {
                lanes.push(Arc::clone(&new));
                new
            }
        };
        self.drive_where_automatic(&lane)?;
        Ok(lane)
    }
}

impl Inner {
    /// Reads about the upstream of that name.
    pub(super) fn read_about<T>(
        &self,
        name: &str,
        work: impl FnOnce(&Db, UpstreamId) -> Result<T, StoreError>,
    ) -> Result<T, Error> {
        self.read(|db| work(db, lane::id(db, name)?))
            .map_err(Self::about(name))
    }

    /// Returns the endpoint that the file has for the upstream of that name, without credentials.
    pub(super) fn target_of(&self, name: &str) -> Result<Target, Error> {
        let known = self.read_about(name, Db::upstream)?;
        // What was salvaged from a damaged file may no longer be a URL.
        let endpoint = known.endpoint.and_then(|it| Endpoint::parse(&it).ok());
        Ok(Target::new(endpoint, None))
    }

    pub(super) fn status(
        &self,
        db: &Db,
        upstream: UpstreamId,
        name: &str,
    ) -> Result<Status, StoreError> {
        use std::sync::atomic::Ordering::Relaxed;
        let lane = self.lane(name);
        let here = Here {
            syncing: lane.is_some_and(|lane| lane.syncing.load(Relaxed)),
            network: self.network.load(Relaxed),
            now: self.clock.now(),
        };
        let elsewhere = || SyncLock::is_taken(self.store.path(), upstream);
        Ok(Status::new(
            db.ledger(upstream)?,
            db.upstream(upstream)?,
            db.next_due(upstream)?,
            db.loss()?,
            here,
            elsewhere,
        ))
    }
}
