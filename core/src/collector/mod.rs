//! The one handle an app holds.
//!
//! ```no_run
//! use pannier::{Collector, Config, Credentials};
//! use pannier::statement::{Statement, model::{XapiActivity, Agent}, vocabulary::verbs};
//!
//! # fn main() -> Result<(), pannier::Error> {
//! let credentials = Credentials::Basic { user: "app".into(), password: "secret".into() };
//! let collector = Collector::open("queue.db", Config::new("https://lrs.example/xAPI", Some(credentials)))?;
//! collector.record(Statement::new(
//!     Agent::mbox("mailto:ada@example.com"),
//!     verbs::COMPLETED,
//!     XapiActivity::new("https://example.com/lessons/1"),
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
mod credentials;
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

pub use check::Recordable;
pub use config::{Config, CredentialsProvider, SyncPolicy};
pub use conflict::Conflict;
pub use events::{EventStream, Gone};
pub use held::KeptContent;
pub use input::{AsStatement, WithContents};
pub use probe::{Check, Examined, Finding, Probe};
pub use recorder::{Recorded, Recorder};
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
use crate::statement::{Content, StatementDefaults};
use crate::store::{Db, Millis, Opening, Shared, UpstreamId};
use crate::sync::SyncReport;

/// Length of the longest statement accepted, bytes of its JSON. Where an answer was lost the LRS's copy, which may be
/// several times as long, has to be read back whole; most LRSs accept less anyway.
pub const LONGEST_STATEMENT: usize = 4 * 1024 * 1024;

/// Records statements, keeps them, and delivers them.
///
/// Every call may be made from any thread and blocks the calling one: `record` for one commit to the disk, lists and
/// counts for a read, `sync` until it is done. Only `sync`, `pause` and `probe` ever wait for the network. A thread
/// that stops waiting for a call does not stop the call. After a fork the child opens a collector of its own: calls to
/// its parent's fail there, and touch nothing.
///
/// Several collectors, in one process or several, may be open on one file; one at a time delivers to an upstream.
/// Dropping a collector ends a sync under way and closes the file; everything recorded is safe on disk before that.
pub struct Collector {
    inner: Arc<Inner>,
    threads: Arc<Threads>,
    /// The first upstream.
    main: Upstream,
    /// Recorder with [`Config::defaults`] alone.
    recorder: Recorder,
}

/// Name of the first upstream, which every queue has.
const MAIN: &str = "main";

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Collector({})", self.inner.store.path().display())
    }
}

impl Collector {
    /// Opens the queue in this file, creating it where there is none ([`Config::create`]); the folder must exist. A
    /// file that a newer Pannier wrote is refused and left untouched; a damaged one is set aside whole, and what can be
    /// read of it is in the new queue ([`Event::Salvaged`](crate::Event::Salvaged) reports it, also later).
    pub fn open(path: impl Into<PathBuf>, config: Config) -> Result<Self, Error> {
        config.check()?;
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
        let endpoint = set_or_known(&store, endpoint, now)?;
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
        let deliver_to_main = config.deliver_to_main;
        let inner = Arc::new(Inner::new(store, config));
        let threads = Arc::new(Threads {
            inner: Arc::clone(&inner),
            syncs: Mutex::new(Syncs::No),
        });
        if deliver_to_main {
            threads.open_lane(Arc::new(main))?;
        }
        Ok(Self {
            main: Upstream::new(&threads, MAIN.into()),
            recorder: Recorder::new(&threads, defaults),
            inner,
            threads,
        })
    }

    /// Records a statement: JSON text, a typed [`Statement`](crate::Statement), or a checked [`Recordable`]. When this
    /// returns `Ok`, it is on the disk and will be delivered. Returns its id, made here unless the statement has one, and whether
    /// it is new: recording the same statement under the same id again changes nothing, and another one under that id
    /// is [`Error::OtherContent`]. A missing `timestamp` is set to now, and what else the statement leaves open comes
    /// from [`Config::defaults`]. It may have [`LONGEST_STATEMENT`] bytes at most. One that voids a voiding statement, as far as the
    /// queue knows, is [`Error::Invalid`] (xAPI 1.0.3 Data 2.3.2).
    pub fn record(&self, statement: impl AsStatement) -> Result<Recorded, Error> {
        self.recorder.record(statement)
    }

    /// Records a statement with contents of its attachments, which are kept and sent with it: one for each attachment that
    /// has no `fileUrl`, those of a `SubStatement` included. They are found by the `sha2` that the attachment says, and in no other way;
    /// [`Attachment::of`](crate::statement::model::Attachment::of) says it of a content. Together they may have
    /// [`LONGEST_CONTENTS`](crate::statement::LONGEST_CONTENTS) bytes: what is larger belongs where it can be fetched, named by `fileUrl`.
    ///
    /// A content that is missing is [`Error::ContentMissing`], one that is another [`Error::ContentMismatch`], and one that
    /// is left over [`Error::ContentUnused`].
    pub fn record_with(
        &self,
        statement: impl AsStatement,
        contents: impl IntoIterator<Item = Content>,
    ) -> Result<Recorded, Error> {
        self.recorder.record_with(statement, contents)
    }

    /// Records all of these or none. A fault has the index of its statement among them.
    pub fn record_all<S: AsStatement>(
        &self,
        statements: impl IntoIterator<Item = S>,
    ) -> Result<Vec<Recorded>, Error> {
        self.recorder.record_all(statements)
    }

    /// Returns a recorder with these defaults, for a learner, a session or a scene. What they leave open comes from
    /// [`Config::defaults`]. Invalid ones are refused here ([`Error::Invalid`]).
    pub fn recorder(&self, defaults: &StatementDefaults) -> Result<Recorder, Error> {
        self.recorder.within(defaults)
    }

    /// Delivers what is due, and returns when nothing is or when it would have to wait. Tries at once even during a
    /// backoff; a wait that the LRS asked for by Retry-After is kept.
    ///
    /// With several upstreams it delivers to all that were opened here, concurrently, and also what is recorded for
    /// those that are done while it is still at the others; [`Upstream::sync`] delivers to one alone.
    pub fn sync(&self) -> Result<SyncReport, Error> {
        self.sync_within(Duration::ZERO)
    }

    /// Like [`Collector::sync`], but goes on after waits that end within this time from now: also with statements that
    /// wait aside, and once another process that delivers this queue is done. [`Duration::MAX`] waits for as long as it
    /// takes; [`Collector::interrupt`] ends it.
    ///
    /// Answers [`Error::Reentrant`] to a transport or a credentials provider that calls it during a sync of the same
    /// collector, as it would wait for itself. Where such code waits for *another* thread that syncs: if it is a
    /// provider, that sync returns at once and reports missing credentials; if it is a transport, its request runs into
    /// the time-out.
    pub fn sync_within(&self, patience: Duration) -> Result<SyncReport, Error> {
        self.sync_all(patience)
    }

    /// Returns the state of the queue and of its first upstream, `main`.
    pub fn status(&self) -> Result<Status, Error> {
        self.main.status()
    }

    /// Confirms that somebody has read what was lost, in [`Status::loss`]: until then it is reported at every opening
    /// ([`Event::Salvaged`](crate::Event::Salvaged)) and with every status. The damaged files that were kept stay.
    pub fn acknowledge_loss(&self) -> Result<(), Error> {
        let now = self.inner.clock.now_ms();
        Ok(self.inner.store.with(now, Db::acknowledge_loss)?)
    }

    /// Replaces the credentials; they are kept in memory only. A sync that waits for them goes on.
    pub fn set_credentials(&self, credentials: Option<&Credentials>) -> Result<(), Error> {
        self.main.set_credentials(credentials)
    }

    /// Sets the LRS to deliver to. What was learned about another LRS is forgotten, and a sync under way goes on with
    /// the new one. Credentials belong to an origin (scheme, host and port) and are dropped for another one, so set
    /// those of the new LRS after this, or use [`Collector::set_target`] for both at once. Those set before there was
    /// any endpoint are for this one.
    pub fn set_endpoint(&self, endpoint: &str) -> Result<(), Error> {
        self.main.set_endpoint(endpoint)
    }

    /// Sets the LRS to deliver to and its credentials, at once.
    pub fn set_target(&self, endpoint: &str, credentials: &Credentials) -> Result<(), Error> {
        self.main.set_target(endpoint, credentials)
    }

    /// Ends a sync under way, folds the write-ahead log into the file and closes it: iOS kills an app that is suspended
    /// with a locked file. Until [`Collector::resume`] nothing is delivered, and calls fail, except those that record:
    /// they open the file, commit, and close it again, so that nothing is lost of what an app records as it comes and
    /// goes.
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

    /// Opens the file again after a pause, and lets an automatic sync go on.
    pub fn resume(&self) -> Result<(), Error> {
        self.inner.store.resume(self.inner.clock.now_ms())?;
        self.threads.tell(|| Command::Resume);
        Ok(())
    }

    /// Ends a sync under way, for example because the network it may use is gone; its report says
    /// [`Ended::Interrupted`]. The file stays open. Does not wait for the end. An automatic sync begins again with the
    /// next statement, or when the network is back.
    ///
    /// [`Ended::Interrupted`]: crate::Ended::Interrupted
    pub fn interrupt(&self) {
        self.threads.tell(|| Command::Interrupt);
    }

    /// Tells an automatic sync whether the device has a network that it may use; without one it does not try, and one
    /// under way ends after the requests under way ([`Ended::Interrupted`]). A sync by hand is the app's own word:
    /// [`Collector::interrupt`] ends it. [`Config::network`] says the same from the beginning.
    ///
    /// [`Ended::Interrupted`]: crate::Ended::Interrupted
    pub fn set_network(&self, available: bool) {
        self.inner.network.store(available, Ordering::Relaxed);
        self.threads.tell(|| Command::Network(available));
    }

    /// Returns a stream of the events from now on.
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
            // The app's transport may hold the last reference to it: its thread cannot wait for itself.
            if reentry::role(self.inner.holder) != Some(Role::Drives) {
                // A panic in there has been reported by the panic hook; there is nothing to add.
                let _ = thread.join();
            }
        }
        self.inner.folding.wait();
    }
}

/// Sets where the first upstream's statements go, or returns what is known of that.
fn set_or_known(
    store: &Shared,
    endpoint: Option<Endpoint>,
    now: Millis,
) -> Result<Option<Endpoint>, Error> {
    if let Some(endpoint) = endpoint {
        store.with(now, |db| {
            db.set_endpoint(UpstreamId::MAIN, endpoint.as_str())
        })?;
        return Ok(Some(endpoint));
    }
    let main = store.with(now, |db| db.upstream(UpstreamId::MAIN))?;
    // What was salvaged from a damaged file may no longer be a URL.
    Ok(main.endpoint.and_then(|known| Endpoint::parse(&known).ok()))
}
