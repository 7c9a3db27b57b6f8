//! Several upstreams: adding, removing and listing them, and a sync of all.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Collector, Inner, MAIN};
use crate::collector::config::CredentialsProvider;
use crate::collector::lane::{Choices, Lane};
use crate::collector::reentry;
use crate::collector::status::Status;
use crate::collector::target::Target;
use crate::collector::upstream_handle::Upstream;
use crate::error::Error;
use crate::lock::lock;
use crate::lrs::{Credentials, Endpoint};
use crate::statement::XapiVersion;
use crate::store::{Db, Millis, Problem, Remainder, Route, StoreError, Trouble, UpstreamId};
use crate::sync::{Ended, SyncReport};

/// Maximum length of a name, bytes.
const LONGEST_NAME: usize = 40;

/// A further upstream to deliver to: see [`Collector::add_upstream`].
#[derive(Clone)]
#[non_exhaustive]
pub struct NewUpstream {
    /// Name in the queue: `a` to `z`, `0` to `9` and `-`, at most 40, beginning with a letter.
    pub name: String,
    /// Base URL of the LRS, without `/statements`. The file remembers it.
    pub endpoint: String,
    /// Credentials for the LRS, kept in memory only. May be set later.
    pub credentials: Option<Credentials>,
    /// Provider asked for credentials when the LRS refuses those it got, or got none (401).
    pub credentials_provider: Option<Arc<dyn CredentialsProvider>>,
    /// Rule for which statements it gets. The file remembers it. Default: all.
    pub route: Route,
    /// Delivers what is on the device already, too, as far as the route takes it: all that another upstream is still to
    /// get, and what is kept as history ([`Config::history`](crate::Config::history)), which is history again once this
    /// one has it. Not what the app gave up at some upstream. Counts only when the upstream is added to the file; calls
    /// that record wait until that is done. Default: no, it gets what is recorded from then on.
    pub backfill: bool,
    /// Version to speak with the LRS. Default: ask it.
    pub speak: Option<XapiVersion>,
    /// Tells that the credentials may write and not read: see [`Config::write_only`](crate::Config::write_only).
    pub write_only: bool,
    /// Trusts the LRS's clock: see [`Config::trust_lrs_clock`](crate::Config::trust_lrs_clock).
    pub trust_lrs_clock: bool,
}

impl NewUpstream {
    /// Returns an upstream with this name and at this LRS; the rest is default.
    pub fn new(
        name: impl Into<String>,
        endpoint: impl Into<String>,
        credentials: Option<Credentials>,
    ) -> Self {
        Self {
            name: name.into(),
            endpoint: endpoint.into(),
            credentials,
            credentials_provider: None,
            route: Route::all(),
            backfill: false,
            speak: None,
            write_only: false,
            trust_lrs_clock: false,
        }
    }
}

impl fmt::Debug for NewUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUpstream")
            .field("name", &self.name)
            .field("endpoint", &self.endpoint)
            .field("route", &self.route)
            .field("backfill", &self.backfill)
            .finish_non_exhaustive()
    }
}

/// An upstream, as [`Collector::upstreams`] lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UpstreamInfo {
    /// Name in the queue.
    pub name: String,
    /// Rule for which statements it gets.
    pub route: Route,
    /// Tells whether this process delivers to it: it was added here, or got credentials or an endpoint here.
    pub opened: bool,
    /// State of its deliveries.
    #[serde(flatten)]
    pub status: Status,
}

impl UpstreamInfo {
    /// Tells whether nobody has to do anything here: its status [is healthy](Status::is_healthy), and where it has yet to
    /// get something, this process delivers to it. Whether another process does is not known here.
    pub fn is_healthy(&self) -> bool {
        let is_seen_to = self.opened || self.status.undelivered() == 0;
        is_seen_to && self.status.is_healthy()
    }
}

impl Collector {
    /// Adds an LRS to deliver to: it gets what is recorded from now on and its route takes, and with
    /// [`NewUpstream::backfill`] what is there already. Each upstream has a queue, credentials, waits and refusals of
    /// its own, and none waits for another. A queue can have 32 upstreams at a time.
    ///
    /// The file remembers name, endpoint and route, so other processes record for it as well; only a process that calls
    /// this, [`Upstream::set_credentials`] or [`Upstream::set_endpoint`] delivers to it. Where it is there already with
    /// the same endpoint and route nothing is changed in the file, and this process delivers to it from now on. With
    /// another endpoint or route the answer is [`Error::OtherUpstream`]. One whose endpoint is not known any more, as
    /// the file is an older copy, gets both.
    pub fn add_upstream(&self, new: NewUpstream) -> Result<Upstream, Error> {
        if new.name == MAIN || !is_name(&new.name) {
            return Err(Error::UpstreamName { name: new.name });
        }
        let endpoint = Endpoint::parse(&new.endpoint)?;
        let authorization = new
            .credentials
            .as_ref()
            .map(Credentials::authorization)
            .transpose()?;
        endpoint.check_cleartext(authorization.is_some(), self.inner.allow_cleartext)?;
        let now = self.inner.clock.now_ms();
        let known = self.inner.store.with(now, |db| {
            let (name, endpoint, route) = (&new.name, endpoint.as_str(), &new.route);
            let id = if new.backfill {
                db.add_upstream_with_backlog(name, endpoint, route, self.inner.history, now)?
            } else {
                db.add_upstream_at(name, endpoint, route)?
            };
            db.upstream(id)
        })?;
        if known.endpoint.as_deref() != Some(endpoint.as_str()) || known.route != new.route {
            return Err(Error::OtherUpstream { name: new.name });
        }
        let choices = Choices {
            provider: new.credentials_provider,
            speak: new.speak,
            write_only: new.write_only,
            trust_lrs_clock: new.trust_lrs_clock,
        };
        let name: Arc<str> = new.name.into();
        let target = Target::new(Some(endpoint), authorization);
        let lane = Arc::new(Lane::new(Arc::clone(&name), target, choices.clone()));
        let opened = self.threads.open_lane(Arc::clone(&lane))?;
        if !Arc::ptr_eq(&opened, &lane) {
            *lock(&opened.choices) = choices;
            if new.credentials.is_some() {
                self.inner
                    .use_credentials(&opened, new.credentials.as_ref())?;
            }
            self.threads.changed(&opened);
        }
        Ok(Upstream::new(&self.threads, name))
    }

    /// Lists all upstreams, `main` first.
    pub fn upstreams(&self) -> Result<Vec<UpstreamInfo>, Error> {
        let listed = self.inner.read(|db| {
            let all = db.upstreams()?.into_iter();
            all.map(|upstream| {
                let known = db.upstream(upstream)?;
                Ok(UpstreamInfo {
                    opened: self.inner.lane(&known.name).is_some(),
                    status: self.inner.status(db, upstream, &known.name)?,
                    name: known.name,
                    route: known.route,
                })
            })
            .collect()
        });
        Ok(listed?)
    }

    /// Returns the upstream of this name, whichever process added it.
    pub fn upstream(&self, name: &str) -> Result<Upstream, Error> {
        self.inner.read_about(name, |_, _| Ok(()))?;
        Ok(Upstream::new(&self.threads, name.into()))
    }

    /// Removes an upstream from the queue, for every process, and returns the number of statements given up with it.
    /// The LRS keeps what it has. `main` cannot be removed.
    ///
    /// Statements that another upstream is to get stay for that one. An upstream that is added later under the same
    /// name begins anew.
    pub fn remove_upstream(&self, name: &str, remainder: Remainder) -> Result<u64, Error> {
        let now = self.inner.clock.now_ms();
        let removed = self.inner.store.remove_upstream(name, remainder, now);
        let removed = removed.map_err(|error| match error {
            StoreError::MainStays => Error::MainStays,
            StoreError::UpstreamNotEmpty { left } => Error::UpstreamNotEmpty {
                name: name.to_owned(),
                left,
            },
            error => Inner::about(name)(error),
        })?;
        // Its driver finds it gone.
        if let Some(lane) = self.inner.lane(name) {
            self.threads.changed(&lane);
            self.inner.forget(&lane);
        }
        Ok(removed)
    }

    /// Syncs all upstreams that this process has opened, concurrently.
    pub(super) fn sync_all(&self, patience: Duration) -> Result<SyncReport, Error> {
        if reentry::role(self.inner.holder).is_some() {
            return Err(Error::Reentrant);
        }
        let lanes = lock(&self.inner.lanes).clone();
        let mut opened = Vec::with_capacity(lanes.len());
        let mut failed = None;
        let mut without_lrs = Vec::new();
        for (lane, result) in lanes.iter().zip(self.sync_beside(&lanes, patience)?) {
            match result {
                Ok(report) => opened.push((lane.name.to_string(), report)),
                // Another process has removed it.
                Err(Error::NoUpstream { .. }) => {}
                Err(Error::NoEndpoint) => without_lrs.push(lane.name.to_string()),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if opened.is_empty() && !without_lrs.is_empty() {
            return Err(Error::NoEndpoint);
        }
        // Nothing is done there; some may be new. An error is met by those that are delivered to, too.
        let others = self.inner.others(&lanes).unwrap_or_default();
        // Deliveries to the others are reported all the same.
        for name in without_lrs {
            let report = self.inner.undone(&name, WITHOUT_LRS)?;
            opened.push((name, report));
        }
        SyncReport::of_all(opened, others).ok_or(Error::Closing)
    }

    /// Syncs these concurrently. One that is done goes on with what is recorded for it while others take their time.
    fn sync_beside(
        &self,
        lanes: &[Arc<Lane>],
        patience: Duration,
    ) -> Result<Vec<Result<SyncReport, Error>>, Error> {
        let began = Instant::now();
        let mut runs = Vec::with_capacity(lanes.len());
        for lane in lanes {
            runs.push(Run {
                lane,
                answer: Some(self.threads.begin_sync(lane, patience)?),
                so_far: None,
            });
        }
        while let Some(first) = runs.iter_mut().find(|run| run.answer.is_some()) {
            if first.has_ended_within(LOOK_EACH) {
                continue;
            }
            let left = patience.saturating_sub(began.elapsed());
            for run in &mut runs {
                let has_ended = run.has_ended_within(Duration::ZERO);
                if has_ended && run.is_emptied() && self.inner.has_queued(run.lane) {
                    run.answer = Some(self.threads.begin_sync(run.lane, left)?);
                }
            }
        }
        let ended = runs.into_iter();
        Ok(ended
            .map(|run| run.so_far.unwrap_or(Err(Error::Closing)))
            .collect())
    }
}

/// How often those that are done are looked after while others are not.
const LOOK_EACH: Duration = Duration::from_secs(1);

/// Sync of one of several upstreams.
struct Run<'a> {
    lane: &'a Arc<Lane>,
    /// Its end comes here, unless it has ended.
    answer: Option<Receiver<Result<SyncReport, Error>>>,
    so_far: Option<Result<SyncReport, Error>>,
}

impl Run<'_> {
    /// Waits so long for its end.
    fn has_ended_within(&mut self, wait: Duration) -> bool {
        let Some(answer) = &self.answer else {
            return true;
        };
        let ended = match answer.recv_timeout(wait) {
            Ok(ended) => ended,
            Err(RecvTimeoutError::Timeout) => return false,
            Err(RecvTimeoutError::Disconnected) => Err(Error::Closing),
        };
        self.answer = None;
        self.so_far = Some(match (self.so_far.take(), ended) {
            (Some(Ok(before)), Ok(ended)) => Ok(before.and(ended)),
            (_, ended) => ended,
        });
        true
    }

    fn is_emptied(&self) -> bool {
        let report = self.so_far.as_ref().and_then(|it| it.as_ref().ok());
        report.is_some_and(|it| it.ended == Ended::Emptied)
    }
}

impl Inner {
    /// Tells whether anything is queued there.
    pub(super) fn has_queued(&self, lane: &Lane) -> bool {
        let queued = self.read(|db| Ok(db.ledger(lane.id(db)?)?.queued));
        queued.is_ok_and(|queued| queued > 0)
    }

    /// Stops delivering there from this process, and forgets the credentials.
    pub(super) fn forget(&self, lane: &Arc<Lane>) {
        lock(&self.lanes).retain(|known| !Arc::ptr_eq(known, lane));
    }

    /// Returns reports for the upstreams that this process has not opened.
    fn others(&self, opened: &[Arc<Lane>]) -> Result<Vec<(String, SyncReport)>, StoreError> {
        self.read(|db| {
            let mut others = Vec::new();
            for upstream in db.upstreams()? {
                let name = db.upstream(upstream)?.name;
                if opened.iter().all(|lane| *lane.name != *name) {
                    let report = undone(db, upstream, NOT_OPENED, self.clock.now_ms())?;
                    others.push((name, report));
                }
            }
            Ok(others)
        })
    }

    /// Returns the report of a sync to an upstream that this process has not opened.
    pub(super) fn not_opened(&self, name: &str) -> Result<SyncReport, Error> {
        self.undone(name, NOT_OPENED)
    }

    fn undone(&self, name: &str, why: (Problem, &str)) -> Result<SyncReport, Error> {
        self.read_about(name, |db, upstream| {
            undone(db, upstream, why, self.clock.now_ms())
        })
    }
}

/// Reason for sending nothing: this process has no credentials, and was not told to do without.
const NOT_OPENED: (Problem, &str) = (
    Problem::Credentials,
    "this process has no credentials for it",
);

/// Reason for sending nothing: no endpoint is set.
const WITHOUT_LRS: (Problem, &str) = (Problem::WrongEndpoint, "no LRS is known for it");

/// Returns the report of a sync that asked nothing of that LRS.
fn undone(
    db: &Db,
    upstream: UpstreamId,
    (problem, words): (Problem, &str),
    now: Millis,
) -> Result<SyncReport, StoreError> {
    let ledger = db.ledger(upstream)?;
    let is_done = ledger.queued + ledger.waiting == 0;
    let mut report = SyncReport::nothing(if is_done {
        Ended::Emptied
    } else {
        Ended::NeedsApp {
            trouble: Trouble {
                problem,
                status: None,
                words: words.to_owned(),
                since: now,
            },
        }
    });
    report.waiting = db.waiting_aside(upstream)?;
    Ok(report)
}

fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-')
}
