//! Configuration of a collector.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::lrs::Credentials;
use crate::statement::{StatementDefaults, XapiVersion};
use crate::store::{Durability, HistoryPolicy};
use crate::sync::policy::MOST_IN_FLIGHT;
use crate::transport::Transport;

/// Policy for when statements are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncPolicy {
    /// Sends only when the app calls `sync`.
    #[default]
    Manual,
    /// Sends by itself, on a thread of the collector's: as soon as that many statements are queued or the oldest has
    /// waited that long, and again whenever a wait is over or the network is back.
    Automatic {
        /// Number of new statements that starts a sync.
        count: u32,
        /// Longest time that a new statement waits.
        age: Duration,
    },
}

impl SyncPolicy {
    /// Automatic, with what suits most apps: 50 statements or 30 seconds.
    pub const AUTOMATIC: Self = Self::Automatic {
        count: 50,
        age: Duration::from_secs(30),
    };
}

/// Source of credentials when they are needed: signs in again, refreshes a token, reads a key store.
pub trait CredentialsProvider: Send + Sync {
    /// Returns new credentials, or `None` if there are none to be had now. Called in the middle of a sync or a probe,
    /// on a thread where it may block; a sync asks once, and goes on with what it gets. After a pause its answer no
    /// longer counts. It must not panic, and not sync the same collector
    /// ([`Error::Reentrant`](crate::Error::Reentrant)). Where it has none to give, an automatic sync asks again with a
    /// backoff.
    fn credentials(&self) -> Option<Credentials>;
}

/// Configuration of a collector. `Config::default()` records; give it an endpoint and it syncs.
#[derive(Clone)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools)] // Each is a choice of its own.
pub struct Config {
    /// Base URL of the LRS, without `/statements`. The file remembers it: `None` takes the one in the file. May be set
    /// later.
    pub endpoint: Option<String>,
    /// Credentials for the LRS, kept in memory only. May be set later.
    pub credentials: Option<Credentials>,
    /// Provider asked for credentials when the LRS refuses those it got, or got none (401).
    pub credentials_provider: Option<Arc<dyn CredentialsProvider>>,
    /// Failures that a recorded statement survives. Default: a power cut.
    pub durability: Durability,
    /// Version of the standard whose rules statements must fulfil. Default: 2.0.0, whose valid statements 1.0.3 takes
    /// too, unless they use what only 2.0.0 has; those wait for an LRS that speaks it.
    pub rules: XapiVersion,
    /// Version to speak with the LRS. Default: ask it.
    pub speak: Option<XapiVersion>,
    /// Creates a queue where there is none. Default: yes. Without it opening fails with
    /// [`StoreError::Missing`](crate::StoreError::Missing) and creates nothing: for tools that only look.
    pub create: bool,
    /// Delivers to the first upstream, `main`, from this process. Default: yes. Without it that begins only with
    /// [`Collector::set_credentials`](super::Collector::set_credentials) or
    /// [`Collector::set_endpoint`](super::Collector::set_endpoint): for a process that has the credentials of other
    /// upstreams alone.
    pub deliver_to_main: bool,
    /// Values for what a statement leaves open: who did it, on which platform, in which language. Default: nothing.
    /// [`Collector::recorder`](super::Collector::recorder) takes others for a learner or a session.
    pub defaults: StatementDefaults,
    /// Policy for when statements are sent. Default: by hand.
    pub sync: SyncPolicy,
    /// Tells whether the device has a network that an automatic sync may use, until [`Collector::set_network`] says
    /// otherwise. Default: yes.
    ///
    /// [`Collector::set_network`]: super::Collector::set_network
    pub network: bool,
    /// Time that delivered statements stay on the device. Default: none.
    pub history: HistoryPolicy,
    /// Maximum number of statements in a request. Default: 50.
    pub max_statements: u32,
    /// Maximum number of bytes in a request. Default: 512 KiB.
    pub max_bytes: u32,
    /// Maximum number of requests under way at once, from 1 to 4. Default: 1, so that the LRS stores statements in the
    /// order in which they were recorded. With more, a long queue goes over a slow line several times as fast, and the
    /// statements of up to that many batches may be stored in another order; a voiding still goes after its target.
    /// Only one is under way until the LRS has shown in the same sync that it takes batches whole, and where it has
    /// turned out not to bear more.
    pub requests_in_flight: u32,
    /// Sends credentials over `http://`, too, where everybody on the way can read them. Default: no, except to the
    /// device itself (`localhost`, `127.0.0.1`, `::1`). For an LRS in a closed network.
    pub allow_cleartext: bool,
    /// Proxy to go through, such as `http://proxy.example:3128`, with a user name and password before the host if it
    /// asks for them. Default: none. Only for the built-in transport.
    pub proxy: Option<String>,
    /// Goes through the proxies that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`,
    /// `NO_PROXY`), unless one is set here; one that is named wrong is refused. Default: no. Only for the built-in transport.
    pub proxies_from_environment: bool,
    /// Tells that the credentials may write and not read: an LRS that says it stored all is then believed without a
    /// look-up. Needed only for one that gives no `X-Experience-API-Version` with its answers; where there may be a
    /// gateway before the LRS, what it answers in the LRS's place is believed too. Default: false.
    pub write_only: bool,
    /// Trusts the LRS's clock: timestamps that Pannier makes follow it. Default: false, which trusts the device's
    /// clock, since servers in schools run months behind. See `docs/clock.md`.
    pub trust_lrs_clock: bool,
    /// Root certificates to trust besides the public ones, each PEM (one or more) or DER. Only for the built-in
    /// transport.
    pub extra_roots: Vec<Vec<u8>>,
    /// The app's own HTTP stack in place of the built-in one.
    pub transport: Option<Arc<dyn Transport>>,
    /// Clock; tests bring their own.
    pub clock: Arc<dyn Clock>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: None,
            credentials: None,
            credentials_provider: None,
            durability: Durability::default(),
            rules: XapiVersion::V2_0_0,
            speak: None,
            create: true,
            deliver_to_main: true,
            defaults: StatementDefaults::default(),
            sync: SyncPolicy::default(),
            network: true,
            history: HistoryPolicy::default(),
            max_statements: 50,
            max_bytes: 512 * 1024,
            requests_in_flight: 1,
            allow_cleartext: false,
            proxy: None,
            proxies_from_environment: false,
            write_only: false,
            trust_lrs_clock: false,
            extra_roots: Vec::new(),
            transport: None,
            clock: Arc::new(SystemClock),
        }
    }
}

impl Config {
    /// Returns a configuration that delivers to this LRS; the rest is default.
    pub fn new(endpoint: impl Into<String>, credentials: Option<Credentials>) -> Self {
        Self {
            endpoint: Some(endpoint.into()),
            credentials,
            ..Self::default()
        }
    }

    /// Refuses numbers that mean nothing, rather than taking others in their place.
    pub(super) fn check(&self) -> Result<(), Error> {
        let in_flight = 1..=MOST_IN_FLIGHT;
        let count = match self.sync {
            SyncPolicy::Manual => 1,
            SyncPolicy::Automatic { count, .. } => count,
        };
        let is_kept = !matches!(self.history, HistoryPolicy::For(age) if age < 0);
        let checks = [
            (
                self.max_statements > 0,
                "Config::max_statements",
                "at least 1",
            ),
            (self.max_bytes > 0, "Config::max_bytes", "at least 1"),
            (
                in_flight.contains(&self.requests_in_flight),
                "Config::requests_in_flight",
                "from 1 to 4",
            ),
            (count > 0, "SyncPolicy::Automatic::count", "at least 1"),
            (is_kept, "HistoryPolicy::For::age", "0 or longer"),
        ];
        match checks.into_iter().find(|(is_right, ..)| !is_right) {
            Some((_, setting, allowed)) => Err(Error::Config { setting, allowed }),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("endpoint", &self.endpoint)
            .field("durability", &self.durability)
            .field("sync", &self.sync)
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}
