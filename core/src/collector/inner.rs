//! State that the calls and the sync thread share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use uuid::Uuid;

use super::{Config, SyncPolicy};
use crate::clock::Clock;
use crate::collector::check::recordable;
use crate::collector::checkpointer::Folding;
use crate::collector::events::Events;
use crate::collector::ids::Ids;
use crate::collector::input::AsStatement;
use crate::collector::lane::Lane;
use crate::error::Error;
use crate::event::Event;
use crate::lock::lock;
use crate::statement::{Contents, Fill, Prepared, PreparedDefaults, XapiVersion};
use crate::store::{Db, HistoryPolicy, Holder, Shared, StoreError};
use crate::sync::Session;
use crate::transport::Transport;

/// The shared state.
pub(super) struct Inner {
    pub(super) store: Shared,
    pub(super) events: Events,
    pub(super) ids: Ids,
    pub(super) folding: Folding,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rules: XapiVersion,
    pub(super) policy: SyncPolicy,
    pub(super) history: HistoryPolicy,
    pub(super) max_statements: u32,
    pub(super) max_bytes: u32,
    pub(super) requests_in_flight: u32,
    pub(super) allow_cleartext: bool,
    pub(super) http: HttpSettings,
    pub(super) holder: Holder,
    /// Upstreams that this process delivers to, the first one first.
    pub(super) lanes: Mutex<Vec<Arc<Lane>>>,
    pub(super) transport: Mutex<Option<Arc<dyn Transport>>>,
    pub(super) network: AtomicBool,
}

/// Settings of the built-in transport.
#[cfg_attr(not(feature = "http"), allow(dead_code))] // Without it there is none.
pub(super) struct HttpSettings {
    /// Tells whether the app has a transport of its own.
    pub(super) apps: bool,
    pub(super) extra_roots: Vec<Vec<u8>>,
    pub(super) proxy: Option<String>,
    pub(super) proxies_from_environment: bool,
}

impl Inner {
    pub(super) fn new(store: Shared, config: Config) -> Self {
        Self {
            store,
            events: Events::default(),
            ids: Ids::default(),
            folding: Folding::default(),
            clock: config.clock,
            rules: config.rules,
            policy: config.sync,
            history: config.history,
            max_statements: config.max_statements,
            max_bytes: config.max_bytes,
            requests_in_flight: config.requests_in_flight,
            allow_cleartext: config.allow_cleartext,
            http: HttpSettings {
                apps: config.transport.is_some(),
                extra_roots: config.extra_roots,
                proxy: config.proxy,
                proxies_from_environment: config.proxies_from_environment,
            },
            holder: Holder(*Uuid::new_v4().as_bytes()),
            lanes: Mutex::default(),
            transport: Mutex::new(config.transport),
            network: AtomicBool::new(config.network),
        }
    }

    /// Returns the app's transport, or the built-in one, made when it is first needed.
    pub(super) fn transport(&self) -> Result<Arc<dyn Transport>, Error> {
        let mut transport = lock(&self.transport);
        if let Some(transport) = transport.as_ref() {
            return Ok(Arc::clone(transport));
        }
        let built_in = built_in_transport(&self.http)?;
        *transport = Some(Arc::clone(&built_in));
        Ok(built_in)
    }

    /// Returns the app's transport, or a built-in one that shares no connection with that of the syncs.
    pub(super) fn fresh_transport(&self) -> Result<Arc<dyn Transport>, Error> {
        if self.http.apps {
            self.transport()
        } else {
            built_in_transport(&self.http)
        }
    }

    /// Completes a statement with these defaults. One that was checked before keeps the defaults of that check.
    pub(super) fn prepare(
        &self,
        statement: &impl AsStatement,
        defaults: &PreparedDefaults,
    ) -> Result<Prepared, Error> {
        self.prepare_with(statement, defaults, &Contents::default())
    }

    /// Does the same; of these contents go with it those that are not given with it.
    pub(super) fn prepare_with(
        &self,
        statement: &impl AsStatement,
        defaults: &PreparedDefaults,
        kept: &Contents,
    ) -> Result<Prepared, Error> {
        let now = self.clock.now();
        let fill = Fill {
            id: self.ids.next(now.wall_ms),
            now_ms: now.wall_ms,
        };
        let mut prepared = match statement.recordable() {
            Some(known) => known.filled(&fill),
            None => recordable(&statement.as_statement(), defaults, self.rules, &fill)?,
        };
        prepared.steady = now.steady.filter(|_| prepared.timestamp_is_ours);
        let given = statement.contents();
        if prepared.attached.is_empty() && given.is_empty() {
            return Ok(prepared);
        }
        if prepared.contents.is_empty() {
            prepared.contents = kept.clone();
        }
        let id = prepared.id;
        let whole = prepared.with_contents(given);
        whole.map_err(|why| Error::unmatched(id, why))
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.telling(self.store.read(self.clock.now_ms(), work))
    }

    /// Reads, also while the collector is paused.
    pub(super) fn read_though_paused<T>(
        &self,
        work: impl Fn(&Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.telling(self.store.read_though_paused(self.clock.now_ms(), work))
    }

    /// Passes the outcome on. A failure may have met damage, which is reported to the app.
    fn telling<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if outcome.is_err() {
            self.tell_salvaged();
        }
        outcome
    }

    pub(super) fn tell(&self, lane: &Lane, session: &mut Session) {
        for event in session.take_events() {
            self.events.tell(&event);
            if matches!(event, Event::Delivered { .. }) {
                self.tell_progress(lane, session.delivered());
            }
        }
        self.tell_salvaged();
    }

    /// Reports progress, which is counted only where somebody listens.
    pub(super) fn tell_progress(&self, lane: &Lane, delivered: u64) {
        if self.events.any()
            && let Ok(ledger) = self.read(|db| db.ledger(lane.id(db)?))
        {
            self.events.tell(&Event::Progress {
                delivered,
                remaining: ledger.queued,
                upstream: lane.name.to_string(),
            });
        }
    }

    /// Reports what was salvaged, which is kept until somebody listens.
    pub(super) fn tell_salvaged(&self) {
        if self.events.any() {
            for salvaged in self.store.take_salvaged() {
                self.events.tell(&Event::Salvaged { salvaged });
            }
        }
    }
}

#[cfg(feature = "http")]
fn built_in_transport(settings: &HttpSettings) -> Result<Arc<dyn Transport>, Error> {
    use crate::transport::{HttpOptions, HttpTransport};
    let options = HttpOptions {
        extra_roots: settings.extra_roots.clone(),
        proxy: settings.proxy.clone(),
        proxies_from_environment: settings.proxies_from_environment,
        ..HttpOptions::default()
    };
    match HttpTransport::new(&options) {
        Ok(transport) => Ok(Arc::new(transport)),
        Err(error) => Err(Error::Transport(error.to_string())),
    }
}

#[cfg(not(feature = "http"))]
fn built_in_transport(_: &HttpSettings) -> Result<Arc<dyn Transport>, Error> {
    Err(Error::Transport(
        "this Pannier was built without HTTP: give it a transport of your own".to_owned(),
    ))
}
