//! The one handle an app holds.
//!
//! ```no_run
//! use pannier::{Collector, Config, Credentials};
//! use pannier::statement::{Statement, model::{Activity, Agent}, vocabulary::verbs};
//!
//! # fn main() -> Result<(), pannier::Error> {
//! let credentials = Credentials::Basic { user: "app".into(), password: "secret".into() };
//! let collector = Collector::open("queue.db", Config::new("https://lrs.example/xAPI", Some(credentials)))?;
//! collector.record(Statement::new(
//!     Agent::mbox("mailto:ada@example.com"),
//!     verbs::COMPLETED,
//!     Activity::new("https://example.com/lessons/1"),
//! ))?;
//! let report = collector.sync()?;
//! println!("{} delivered", report.delivered);
//! # Ok(())
//! # }
//! ```

mod check;
mod checkpointer;
mod config;
mod conflict;
mod driver;
mod events;
mod held;
mod ids;
mod inner;
mod input;
mod lane;
mod panics;
mod probe;
mod recorder;
mod reentry;
mod runtime;
mod session_runner;
mod start_thread;
mod status;
mod sync_lock;
mod sync_thread;
mod target;
mod targeting;
#[cfg(test)]
mod tests;
mod upstream_handle;
mod upstreams;
mod voiding;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use uuid::Uuid;

pub use check::Recordable;
pub use config::{Config, CredentialsProvider, SyncPolicy};
pub use conflict::Conflict;
pub use events::{EventStream, Gone};
pub use input::AsStatement;
pub use probe::{Check, Examined, Finding, Probe};
pub use recorder::Recorder;
pub use status::Status;
pub use upstream_handle::Upstream;
pub use upstreams::{NewUpstream, UpstreamInfo};
pub use voiding::voids_a_voiding;

use driver::Command;
use inner::Inner;
use lane::{Choices, Lane};
use reentry::Role;
use start_thread::{Syncs, Threads};
use target::Target;

use crate::error::Error;
use crate::lock::lock;
use crate::lrs::{Credentials, Endpoint};
use crate::statement::StatementDefaults;
use crate::store::{Appended, Db, Opening, Shared, UpstreamId};
use crate::sync::SyncReport;

/// The longest statement that is taken in, bytes of its JSON. Its copy at the LRS, which may be several
/// times as long, has to be read back whole where an answer was lost; most LRSs bear less anyway.
pub const LONGEST_STATEMENT: usize = 4 * 1024 * 1024;

/// Records statements, keeps them, and delivers them.
///
/// Every call may be made from any thread and blocks the calling one: `record` for one commit to
/// the disk, lists and counts for a read, `sync` until it is done. None but `sync` and `pause` ever
/// waits for the network. A thread that stops waiting for a call does not stop the call. After a fork
/// the child opens a collector of its own: calls to its parent's fail there, and touch nothing.
///
/// Several collectors, also in several processes, may be open on one file; one of them syncs at a
/// time. Dropping a collector ends a sync under way and closes the file; everything recorded is
/// safe on disk before that.
pub struct Collector {
    inner: Arc<Inner>,
    threads: Arc<Threads>,
    /// The first upstream.
    main: Upstream,
    /// With the defaults of all.
    recorder: Recorder,
}

/// The name of the first upstream, which every queue has.
const MAIN: &str = "main";

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Collector({})", self.inner.store.path().display())
    }
}

impl Collector {
    /// Opens the queue in this file, making it where there is none; the folder must exist. A file
    /// that a newer Pannier wrote is refused and left untouched; a damaged one is set aside whole,
    /// and what can be read of it is in the new queue ([`Event::Salvaged`](crate::Event::Salvaged) tells, also later).
    pub fn open(path: impl Into<PathBuf>, config: Config) -> Result<Self, Error> {
        let endpoint = config
            .endpoint
            .as_deref()
            .map(Endpoint::parse)
            .transpose()?;
        let authorization = config
            .credentials
            .as_ref()
            .map(Credentials::authorization)
            .transpose()?;
        let check = |endpoint: &Option<Endpoint>| match endpoint {
            Some(endpoint) => {
                endpoint.check_cleartext(authorization.is_some(), config.allow_cleartext)
            }
            None => Ok(()),
        };
        // Before anything is made or changed.
        check(&endpoint)?;
        config
            .defaults
            .check(config.rules)
            .map_err(Error::Invalid)?;
        let now = config.clock.now_ms();
        let store = Shared::open(
            &path.into(),
            Opening {
                durability: config.durability,
                create: config.create,
            },
            now,
        )?;
        let endpoint = match endpoint {
            Some(endpoint) => {
                store.with(now, |db| {
                    db.set_endpoint(UpstreamId::MAIN, endpoint.as_str())
                })?;
                Some(endpoint)
            }
            // What was salvaged from a damaged file need not be a URL any more.
            None => store
                .with(now, |db| db.upstream(UpstreamId::MAIN))?
                .endpoint
                .and_then(|known| Endpoint::parse(&known).ok()),
        };
        check(&endpoint)?;
        let defaults = config.defaults.prepared();
        let main = Lane::new(
            MAIN.into(),
            Target::new(endpoint, authorization),
            Choices {
                provider: config.credentials_provider.clone(),
                speak: config.speak,
                write_only: config.write_only,
                trust_lrs_clock: config.trust_lrs_clock,
            },
        );
        let inner = Arc::new(Inner::new(store, config));
        let threads = Arc::new(Threads {
            inner: Arc::clone(&inner),
            syncs: Mutex::new(Syncs::No),
        });
        threads.open_lane(Arc::new(main))?;
        Ok(Self {
            main: Upstream::new(&threads, MAIN.into()),
            recorder: Recorder::new(&threads, defaults),
            inner,
            threads,
        })
    }

    /// Takes a statement in: JSON text, a typed [`Statement`](crate::Statement), or what is known to be
    /// [`Recordable`]. When this returns `Ok`, it is on the disk and will be delivered. Returns its id, made here
    /// unless the statement has one; a missing `timestamp` is set to now, and what else it leaves open is what
    /// [`Config::defaults`] say. It has [`LONGEST_STATEMENT`] bytes at most. Recording the same statement under
    /// the same id again changes nothing; any other one is [`Error::OtherContent`]. One that voids a voiding statement, as far as the queue knows it, is
    /// [`Error::Invalid`] (xAPI 1.0.3 Data 2.3.2).
    pub fn record(&self, statement: impl AsStatement) -> Result<Uuid, Error> {
        self.recorder.record(statement)
    }

    /// Takes in all of these or none. A fault has the index of its statement among them.
    pub fn record_all<S: AsStatement>(
        &self,
        statements: impl IntoIterator<Item = S>,
    ) -> Result<Vec<Uuid>, Error> {
        self.recorder.record_all(statements)
    }

    /// Like [`Collector::record_all`], and says of each whether it is new or was recorded before.
    pub fn record_each<S: AsStatement>(
        &self,
        statements: impl IntoIterator<Item = S>,
    ) -> Result<Vec<(Uuid, Appended)>, Error> {
        self.recorder.record_each(statements)
    }

    /// Records with these defaults: for a learner, a session or a scene. Where they say nothing, those of
    /// [`Config::defaults`] count. What is wrong with them is told here ([`Error::Invalid`]).
    pub fn recorder(&self, defaults: &StatementDefaults) -> Result<Recorder, Error> {
        self.recorder.within(defaults)
    }

    /// Delivers what is due and returns when nothing is, or when it would have to wait. Tries at
    /// once even where a backoff is not over; what the LRS asked for by Retry-After is kept.
    ///
    /// Of several upstreams it delivers to all that were opened here, beside each other; to one alone by
    /// [`Upstream::sync`].
    pub fn sync(&self) -> Result<SyncReport, Error> {
        self.sync_within(Duration::ZERO)
    }

    /// Like [`Collector::sync`], but goes on after waits that end within this time from now: with
    /// statements that wait aside, too, and after another process that is delivering this queue.
    /// [`Duration::MAX`] waits for as long as it takes; [`Collector::interrupt`] ends it.
    ///
    /// Called by a transport or a credentials provider in the middle of a sync of the same collector
    /// it answers [`Error::Reentrant`]: it would wait for itself. Where such code waits for *another*
    /// thread that syncs, a provider's sync is told at once that credentials are missing, and a
    /// transport's request runs into its time-out.
    pub fn sync_within(&self, patience: Duration) -> Result<SyncReport, Error> {
        self.sync_all(patience)
    }

    /// How things stand.
    pub fn status(&self) -> Result<Status, Error> {
        self.main.status()
    }

    /// Says that somebody has read of what was lost, in [`Status::loss`]: until then it is told at every
    /// opening ([`Event::Salvaged`](crate::Event::Salvaged)) and with every status. The damaged files that were kept stay.
    pub fn acknowledge_loss(&self) -> Result<(), Error> {
        let now = self.inner.clock.now_ms();
        Ok(self.inner.store.with(now, Db::acknowledge_loss)?)
    }

    /// Replaces the credentials; they are kept in memory only. A sync that waits for them goes on.
    pub fn set_credentials(&self, credentials: Option<&Credentials>) -> Result<(), Error> {
        self.main.set_credentials(credentials)
    }

    /// Says where to deliver to. What was learned about another LRS is forgotten, and a sync that is
    /// under way goes on with the new one. Credentials belong to an origin (scheme, host and port): for
    /// another one they are dropped, so set those of the new LRS after this, or use
    /// [`Collector::set_target`] for both at once. Those set before there was any endpoint are for this one.
    pub fn set_endpoint(&self, endpoint: &str) -> Result<(), Error> {
        self.main.set_endpoint(endpoint)
    }

    /// Says where to deliver to and as whom, at once.
    pub fn set_target(&self, endpoint: &str, credentials: &Credentials) -> Result<(), Error> {
        self.main.set_target(endpoint, credentials)
    }

    /// Ends a sync under way, folds everything into the file and closes it: an iOS app that is
    /// suspended with a locked file is killed. Until [`Collector::resume`] nothing is delivered, and calls fail, but
    /// for those that record: they open the file, commit, and close it again, so that nothing is lost of what an app
    /// records as it comes and goes.
    ///
    /// A transport that calls this from within its future gets [`Error::Reentrant`].
    pub fn pause(&self) -> Result<(), Error> {
        if reentry::role(self.inner.holder) == Some(Role::Drives) {
            return Err(Error::Reentrant);
        }
        let ended: Vec<_> = self
            .threads
            .commands()
            .into_iter()
            .filter_map(|commands| {
                let (reply, answer) = channel();
                // An error means that nothing is under way there any more.
                commands.send(Command::Pause(reply)).ok().map(|()| answer)
            })
            .collect();
        for answer in ended {
            let _ = answer.recv();
        }
        self.inner.folding.wait();
        self.inner
            .store
            .pause(self.inner.clock.now_ms())
            .map_err(|error| {
                // It is not paused: an automatic sync goes on.
                self.threads.tell(|| Command::Resume);
                error.into()
            })
    }

    /// Opens the file again.
    pub fn resume(&self) -> Result<(), Error> {
        self.inner.store.resume(self.inner.clock.now_ms())?;
        self.threads.tell(|| Command::Resume);
        Ok(())
    }

    /// Ends a sync under way, whose report says [`Ended::Interrupted`]: the network it may use is
    /// gone. The file stays open. Does not wait for the end. An automatic sync begins again with the
    /// next statement, or when the network is back.
    ///
    /// [`Ended::Interrupted`]: crate::Ended::Interrupted
    pub fn interrupt(&self) {
        self.threads.tell(|| Command::Interrupt);
    }

    /// Tells an automatic sync whether the device has a network; without one it does not try.
    pub fn set_network(&self, available: bool) {
        self.inner.network.store(available, Ordering::Relaxed);
        self.threads.tell(|| Command::Network(available));
    }

    /// What happens from now on.
    pub fn events(&self) -> EventStream {
        let stream = self.inner.events.listen();
        self.inner.tell_salvaged();
        stream
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if self.inner.store.is_ours().is_err() {
            // Its threads are in another process.
            return;
        }
        let syncs = std::mem::replace(&mut *lock(&self.threads.syncs), Syncs::Never);
        if let Syncs::Yes(thread) = syncs {
            let thread = thread.end();
            // The app's transport may be the last to let go of it: that thread cannot await itself.
            if reentry::role(self.inner.holder) != Some(Role::Drives) {
                // A panic in there has been reported by the panic hook; there is nothing to add.
                let _ = thread.join();
            }
        }
        self.inner.folding.wait();
    }
}
