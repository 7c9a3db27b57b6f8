//! The collector, with blocking calls.

mod upstreams;

use std::sync::Arc;

use pannier::Collector;

use crate::contents::octets;
use crate::credentials::AppsProvider;
use crate::events::Listeners;
use crate::listings::{all, most, page};
use crate::statement::{Ifi, Statement, StatementDefaults, typed};
use crate::transport::AppsTransport;
use crate::{
    BlockingRecorder, Config, Conflict, Credentials, CredentialsProvider, Erased, EventListener,
    HeldStatement, KeptContent, ListedStatement, PannierError, Probe, Recorded, Status,
    Subscription, SyncReport, TimeSpan, Transport, Url, Uuid, WaitingStatement,
};

/// Records statements, keeps them, and delivers them. `Collector`, built on this, is for coroutines
/// and tasks; this one is for threads.
///
/// Every call may be made from any thread and blocks the calling one: `record` for one commit to the disk, lists
/// and counts for a read, `sync` until it is done. Only `sync`, the probes and, briefly, `pause` ever wait for the
/// network.
///
/// Several collectors, also in several processes, may be open on one file; one of them syncs at a
/// time. Everything recorded is safe on the disk, however the app ends.
#[derive(uniffi::Object)]
pub struct BlockingCollector {
    core: Collector,
    listeners: Arc<Listeners>,
}

#[uniffi::export]
impl BlockingCollector {
    /// Opens the queue in this file, creating it where there is none; the folder must exist. A file that a newer
    /// Pannier wrote is refused and left untouched; a damaged one is set aside whole, and what can be read of it is
    /// in the new queue (`Event.Salvaged` reports it, at later openings too).
    ///
    /// `transport` takes the place of the built-in HTTP. `credentials_provider` is asked when the
    /// LRS refuses the credentials.
    #[uniffi::constructor(default(transport = None, credentials_provider = None))]
    pub fn open(
        path: String,
        config: Config,
        transport: Option<Arc<dyn Transport>>,
        credentials_provider: Option<Arc<dyn CredentialsProvider>>,
    ) -> Result<Arc<Self>, PannierError> {
        let mut config = pannier::Config::try_from(config)?;
        config.transport = transport.map(|apps| Arc::new(AppsTransport(apps)) as _);
        config.credentials_provider =
            credentials_provider.map(|apps| Arc::new(AppsProvider(apps)) as _);
        Ok(Arc::new(Self {
            core: Collector::open(path, config)?,
            listeners: Arc::default(),
        }))
    }

    /// Records a statement. When this returns, it is on the disk and will be delivered. Returns its id, made here
    /// unless the statement has one, and whether it is new: recording the same statement under the same id again
    /// changes nothing. A missing `timestamp` is set to now.
    pub fn record(&self, statement: Statement) -> Result<Recorded, PannierError> {
        Ok(self.core.record(typed(statement)?)?.into())
    }

    /// Records a statement given as JSON text, whose bytes are kept as they are apart from what is added.
    pub fn record_json(&self, json: String) -> Result<Recorded, PannierError> {
        Ok(self.core.record(json)?.into())
    }

    /// Records a statement with contents of its attachments, which are sent with it: one for each attachment that has no
    /// `fileUrl`, found by the `sha2` that it says (`attachment_of`). Together they may have 1 MiB.
    pub fn record_with(
        &self,
        statement: Statement,
        contents: Vec<Vec<u8>>,
    ) -> Result<Recorded, PannierError> {
        let recorded = self.core.record_with(typed(statement)?, octets(contents))?;
        Ok(recorded.into())
    }

    /// Like `record_with`, with JSON text.
    pub fn record_json_with(
        &self,
        json: String,
        contents: Vec<Vec<u8>>,
    ) -> Result<Recorded, PannierError> {
        Ok(self.core.record_with(json, octets(contents))?.into())
    }

    /// Records all of these or none. A fault has the index of its statement among them.
    pub fn record_all(&self, statements: Vec<Statement>) -> Result<Vec<Recorded>, PannierError> {
        let recorded = self
            .core
            .record_all(crate::statement::all_typed(statements)?)?;
        Ok(all(recorded))
    }

    /// Like `record_all`, with JSON texts.
    pub fn record_all_json(&self, json: Vec<String>) -> Result<Vec<Recorded>, PannierError> {
        let recorded = self.core.record_all(json)?;
        Ok(all(recorded))
    }

    /// Returns a recorder with these defaults, for a learner, a session or a scene. Where they are silent, those of
    /// `Config.defaults` apply. Faults in them are reported here, as `Invalid`.
    pub fn recorder(
        &self,
        defaults: StatementDefaults,
    ) -> Result<Arc<BlockingRecorder>, PannierError> {
        Ok(BlockingRecorder::new(
            self.core.recorder(&defaults.core()?)?,
        ))
    }

    /// Delivers what is due and returns when nothing is, or when it would have to wait for longer than `patience`.
    /// Tries at once even during a backoff, but keeps to the time that the LRS asked for by Retry-After. Delivers
    /// to several upstreams in parallel; the report has the sums, the most urgent outcome, and the result for each.
    #[uniffi::method(default(patience = None))]
    pub fn sync(&self, patience: Option<TimeSpan>) -> Result<SyncReport, PannierError> {
        Ok(self
            .core
            .sync_within(patience.map(Into::into).unwrap_or_default())?
            .into())
    }

    /// Returns the state of the queue and of delivery. Costs the same however long the queue is.
    pub fn status(&self) -> Result<Status, PannierError> {
        Ok(self.core.status()?.into())
    }

    /// Returns a page of the queue, in capture order: after the statement with this `seq`, 0 for the beginning.
    #[uniffi::method(default(after = 0, limit = 50))]
    pub fn queued(&self, after: i64, limit: i32) -> Result<Vec<ListedStatement>, PannierError> {
        Ok(all(self.core.queued(page(after, limit))?))
    }

    /// Returns a page of the statements that are set aside for now and return to the queue by themselves.
    #[uniffi::method(default(after = 0, limit = 50))]
    pub fn waiting(&self, after: i64, limit: i32) -> Result<Vec<WaitingStatement>, PannierError> {
        Ok(all(self.core.waiting(page(after, limit))?))
    }

    /// Returns a page of the statements that are held until the app retries, replaces or discards them.
    #[uniffi::method(default(after = 0, limit = 50))]
    pub fn held(&self, after: i64, limit: i32) -> Result<Vec<HeldStatement>, PannierError> {
        Ok(all(self.core.held(page(after, limit))?))
    }

    /// Returns one held statement.
    pub fn held_one(&self, id: Uuid) -> Result<HeldStatement, PannierError> {
        Ok(self.core.held_one(id)?.into())
    }

    /// Returns a page of the delivered statements that are kept, as the history policy says.
    #[uniffi::method(default(after = 0, limit = 50))]
    pub fn history(&self, after: i64, limit: i32) -> Result<Vec<ListedStatement>, PannierError> {
        Ok(all(self.core.history(page(after, limit))?))
    }

    /// Returns a page from the end of the history, the newest first: those before the one with this `seq`, or the
    /// last ones.
    #[uniffi::method(default(before = None, limit = 50))]
    pub fn history_before(
        &self,
        before: Option<i64>,
        limit: i32,
    ) -> Result<Vec<ListedStatement>, PannierError> {
        Ok(all(self.core.history_before(before, most(limit))?))
    }

    /// Lets a held statement be tried again.
    pub fn retry(&self, id: Uuid) -> Result<(), PannierError> {
        Ok(self.core.retry(id)?)
    }

    /// Replaces a held statement with a corrected one, which goes to the end of the queue. It keeps its own id,
    /// which may be that of the old one.
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

    /// Returns the contents of a statement's attachments, as long as they are on the device.
    pub fn contents(&self, id: Uuid) -> Result<Vec<KeptContent>, PannierError> {
        Ok(all(self.core.contents(id)?))
    }

    /// Gives a held statement up for good.
    pub fn discard(&self, id: Uuid) -> Result<(), PannierError> {
        Ok(self.core.discard(id)?)
    }

    /// Returns both copies of a statement that is held as a conflict, and where they differ.
    pub fn conflict(&self, id: Uuid) -> Result<Conflict, PannierError> {
        Ok(self.core.conflict(id)?.into())
    }

    /// Ends a conflict: our copy is given up, and what the LRS has stays as it is.
    pub fn keep_theirs(&self, id: Uuid) -> Result<(), PannierError> {
        Ok(self.core.keep_theirs(id)?)
    }

    /// Ends a conflict: records the content of our copy under a new id, which is returned.
    pub fn send_as_new(&self, id: Uuid) -> Result<Uuid, PannierError> {
        Ok(self.core.send_as_new(id)?)
    }

    /// Takes back a statement that no LRS can have: one that was never sent, or that the LRS itself refused each time
    /// that it was. One that may be there can only be voided.
    pub fn retract(&self, id: Uuid) -> Result<(), PannierError> {
        Ok(self.core.retract(id)?)
    }

    /// Records a statement by `actor` that voids another one. It is sent after its target is
    /// delivered. Returns its own id.
    pub fn void_statement(
        &self,
        target: Uuid,
        actor: crate::statement::Actor,
    ) -> Result<Uuid, PannierError> {
        Ok(self
            .core
            .void(target, pannier::statement::model::Actor::from(actor))?)
    }

    /// Erases every statement that names this person from the device, delivered or not, and
    /// overwrites its bytes. The LRS keeps what it has.
    pub fn erase(&self, who: Ifi) -> Result<Erased, PannierError> {
        Ok(self.core.erase(&who.into())?.into())
    }

    /// Ends a sync under way, folds the write-ahead log into the file and closes it: iOS kills an app that is
    /// suspended with a locked file. Until `resume` nothing is delivered, and calls that need the file fail, except
    /// those that record: they open the file, commit, and close it again.
    pub fn pause(&self) -> Result<(), PannierError> {
        Ok(self.core.pause()?)
    }

    /// Opens the file again.
    pub fn resume(&self) -> Result<(), PannierError> {
        Ok(self.core.resume()?)
    }

    /// Ends a sync under way, which then reports `Interrupted`: for when the network that it may use is gone. The
    /// file stays open. Does not wait for the end. An automatic sync begins again with the next statement, or when
    /// the network is back.
    pub fn interrupt(&self) {
        self.core.interrupt();
    }

    /// Tries the connection to the LRS, without recording or storing anything: is it there, is the
    /// connection secure, which versions does it speak, does it know the credentials, may they write,
    /// does its clock agree with the device's. Blocks for three or four requests, each 30 s at most; may be
    /// called during a sync and while the collector is paused.
    pub fn probe(&self) -> Result<Probe, PannierError> {
        Ok(self.core.probe()?.into())
    }

    /// Like `probe`, but proves the right to write by storing this statement, which enters no queue and no count of
    /// this collector. An LRS never forgets a statement: void it there if it means nothing.
    pub fn probe_storing(&self, statement: Statement) -> Result<Probe, PannierError> {
        Ok(self.core.probe_storing(typed(statement)?)?.into())
    }

    /// Confirms that somebody has read about the loss in `Status.loss`. Until then it is reported at every opening
    /// (`Event.Salvaged`) and in every status. The damaged files that were kept stay.
    pub fn acknowledge_loss(&self) -> Result<(), PannierError> {
        Ok(self.core.acknowledge_loss()?)
    }

    /// Replaces the credentials; they are kept in memory only. A sync that waits for them goes on.
    pub fn set_credentials(&self, credentials: Option<Credentials>) -> Result<(), PannierError> {
        let credentials = credentials.map(pannier::Credentials::from);
        Ok(self.core.set_credentials(credentials.as_ref())?)
    }

    /// Sets the endpoint to deliver to. What was learned about another LRS is forgotten, and a sync that is under
    /// way goes on with the new one. Credentials belong to an origin (scheme, host and port): another origin drops
    /// them, so set those of the new LRS after this, or use `set_target` for both at once. Those set before there
    /// was any endpoint are for this one.
    pub fn set_endpoint(&self, endpoint: &Url) -> Result<(), PannierError> {
        Ok(self.core.set_endpoint(&endpoint.0)?)
    }

    /// Sets endpoint and credentials at once: no request goes to one LRS with the credentials of the other.
    pub fn set_target(&self, endpoint: &Url, credentials: Credentials) -> Result<(), PannierError> {
        let credentials = pannier::Credentials::from(credentials);
        Ok(self.core.set_target(&endpoint.0, &credentials)?)
    }

    /// Tells an automatic sync whether the device has a network that it may use; without one it does not try, and one
    /// under way ends after the requests under way. A sync by hand goes on: `interrupt` ends it. `Config.network` says
    /// the same from the beginning.
    pub fn set_network(&self, available: bool) {
        self.core.set_network(available);
    }

    /// Adds a listener, which gets the events from now on, on a background thread.
    pub fn add_listener(&self, listener: Arc<dyn EventListener>) -> Arc<Subscription> {
        self.listeners.add(listener, || self.core.events())
    }
}

#[cfg(test)]
mod tests;
