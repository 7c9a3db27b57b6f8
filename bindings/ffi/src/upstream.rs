//! One of several upstreams, with blocking calls.

use std::sync::Arc;

use pannier::Upstream;

use crate::contents::octets;
use crate::listings::{all, page};
use crate::statement::{Statement, typed};
use crate::{
    Conflict, Credentials, HeldStatement, ListedStatement, PannierError, Probe, Route, Status,
    SyncReport, TimeSpan, Url, Uuid, WaitingStatement,
};

/// One of a collector's upstreams: its queue, its refusals and its delivery. The collector's own calls of the same
/// names are those of the first one, `main`. `Upstream`, built on this, is for coroutines and tasks; this one is
/// for threads.
///
/// Every call may be made from any thread and blocks the calling one, as those of `BlockingCollector` do. When the
/// collector is closed they fail as `Closing`, and when the upstream is removed, by whatever process, as
/// `NoUpstream`. There is nothing to close; dropping it changes nothing.
#[derive(uniffi::Object)]
pub struct BlockingUpstream {
    core: Upstream,
}

impl BlockingUpstream {
    pub(crate) fn new(core: Upstream) -> Arc<Self> {
        Arc::new(Self { core })
    }
}

#[uniffi::export]
impl BlockingUpstream {
    /// Returns its name in the queue.
    pub fn name(&self) -> String {
        self.core.name().to_owned()
    }

    /// Returns the state of its queue and of delivery. Costs the same however long the queue is.
    pub fn status(&self) -> Result<Status, PannierError> {
        Ok(self.core.status()?.into())
    }

    /// Returns the selection of the statements for it.
    pub fn route(&self) -> Result<Route, PannierError> {
        Ok(self.core.route()?.into())
    }

    /// Sets which statements are for it from now on. Those recorded already stay for the upstreams they were for.
    /// `main` gets all, and its route cannot be set (`MainStays`), so that every statement has an upstream.
    pub fn set_route(&self, route: Route) -> Result<(), PannierError> {
        Ok(self.core.set_route(&route.into())?)
    }

    /// Returns a page of the statements queued for it, in capture order: after the one with this `seq`, 0 for the
    /// beginning.
    #[uniffi::method(default(after = 0, limit = 50))]
    pub fn queued(&self, after: i64, limit: i32) -> Result<Vec<ListedStatement>, PannierError> {
        Ok(all(self.core.queued(page(after, limit))?))
    }

    /// Returns a page of its statements that are set aside for now and return to the queue by themselves.
    #[uniffi::method(default(after = 0, limit = 50))]
    pub fn waiting(&self, after: i64, limit: i32) -> Result<Vec<WaitingStatement>, PannierError> {
        Ok(all(self.core.waiting(page(after, limit))?))
    }

    /// Returns a page of the statements that are held for it until the app retries, replaces or discards them.
    #[uniffi::method(default(after = 0, limit = 50))]
    pub fn held(&self, after: i64, limit: i32) -> Result<Vec<HeldStatement>, PannierError> {
        Ok(all(self.core.held(page(after, limit))?))
    }

    /// Returns one statement that is held for it.
    pub fn held_one(&self, id: Uuid) -> Result<HeldStatement, PannierError> {
        Ok(self.core.held_one(id)?.into())
    }

    /// Lets a held statement be tried again here.
    pub fn retry(&self, id: Uuid) -> Result<(), PannierError> {
        Ok(self.core.retry(id)?)
    }

    /// Replaces a statement that is held here with a corrected one, which goes to the end of the queue for this
    /// upstream alone: others get the old one. It keeps its own id, which may be that of the old one, unless
    /// another upstream has the old one or is to get it.
    pub fn replace(&self, id: Uuid, statement: Statement) -> Result<Uuid, PannierError> {
        Ok(self.core.replace(id, typed(statement)?)?)
    }

    /// Like `replace`, with JSON text.
    pub fn replace_json(&self, id: Uuid, json: String) -> Result<Uuid, PannierError> {
        Ok(self.core.replace(id, json)?)
    }

    /// Like `replace`, with contents of its attachments that are not those of the old one.
    pub fn replace_with(
        &self,
        id: Uuid,
        statement: Statement,
        contents: Vec<Vec<u8>>,
    ) -> Result<Uuid, PannierError> {
        let statement = pannier::WithContents::new(typed(statement)?, octets(contents));
        Ok(self.core.replace(id, statement)?)
    }

    /// Like `replace_with`, with JSON text.
    pub fn replace_json_with(
        &self,
        id: Uuid,
        json: String,
        contents: Vec<Vec<u8>>,
    ) -> Result<Uuid, PannierError> {
        let statement = pannier::WithContents::new(json, octets(contents));
        Ok(self.core.replace(id, statement)?)
    }

    /// Gives up for good a statement that is held here. Other upstreams get it all the same.
    pub fn discard(&self, id: Uuid) -> Result<(), PannierError> {
        Ok(self.core.discard(id)?)
    }

    /// Returns both copies of a statement that is held here as a conflict, and where they differ.
    pub fn conflict(&self, id: Uuid) -> Result<Conflict, PannierError> {
        Ok(self.core.conflict(id)?.into())
    }

    /// Ends a conflict: our copy is given up here, and what this LRS has stays as it is.
    pub fn keep_theirs(&self, id: Uuid) -> Result<(), PannierError> {
        Ok(self.core.keep_theirs(id)?)
    }

    /// Ends a conflict: records the content of our copy under a new id, which is returned, for this upstream alone.
    pub fn send_as_new(&self, id: Uuid) -> Result<Uuid, PannierError> {
        Ok(self.core.send_as_new(id)?)
    }

    /// Delivers to this upstream alone what is due, and returns when nothing is, or when it would have to wait for
    /// longer than `patience`. Tries at once even during a backoff, but keeps to the time that the LRS asked for by
    /// Retry-After. Where this process has neither added the upstream nor got credentials for it, nothing is sent,
    /// and the report says that the app must act.
    #[uniffi::method(default(patience = None))]
    pub fn sync(&self, patience: Option<TimeSpan>) -> Result<SyncReport, PannierError> {
        Ok(self
            .core
            .sync_within(patience.map(Into::into).unwrap_or_default())?
            .into())
    }

    /// Tries the connection to this upstream's LRS, as `probe` of the collector does for the first one. Where this
    /// process has neither added the upstream nor got credentials for it, it is asked without any.
    pub fn probe(&self) -> Result<Probe, PannierError> {
        Ok(self.core.probe()?.into())
    }

    /// Like `probe`, but proves the right to write by storing this statement, whatever the route, which enters no
    /// queue and no count. An LRS never forgets a statement: void it there if it means nothing.
    pub fn probe_storing(&self, statement: Statement) -> Result<Probe, PannierError> {
        Ok(self.core.probe_storing(typed(statement)?)?.into())
    }

    /// Replaces the credentials; they are kept in memory only. A sync that waits for them goes on, and this
    /// process delivers to the upstream from now on.
    pub fn set_credentials(&self, credentials: Option<Credentials>) -> Result<(), PannierError> {
        let credentials = credentials.map(pannier::Credentials::from);
        Ok(self.core.set_credentials(credentials.as_ref())?)
    }

    /// Sets the endpoint to deliver to. What was learned about another LRS is forgotten, and a sync that is under
    /// way goes on with the new one. Credentials belong to an origin (scheme, host and port): another origin drops
    /// them, so set those of the new LRS after this, or use `set_target` for both at once.
    pub fn set_endpoint(&self, endpoint: &Url) -> Result<(), PannierError> {
        Ok(self.core.set_endpoint(&endpoint.0)?)
    }

    /// Sets endpoint and credentials at once: no request goes to one LRS with the credentials of the other.
    pub fn set_target(&self, endpoint: &Url, credentials: Credentials) -> Result<(), PannierError> {
        let credentials = pannier::Credentials::from(credentials);
        Ok(self.core.set_target(&endpoint.0, &credentials)?)
    }
}

#[cfg(test)]
mod tests;
