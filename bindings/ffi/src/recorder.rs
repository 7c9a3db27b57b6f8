//! Recording for a learner or a session, with blocking calls.

use std::sync::Arc;

use pannier::Recorder;

use crate::contents::octets;
use crate::listings::all;
use crate::statement::{Statement, StatementDefaults, all_typed, typed};
use crate::{PannierError, Uuid};

/// What `record` has done with a statement, which is in the queue now or was recorded before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct Recorded {
    /// Id of the statement, made by the call unless the statement had one.
    pub id: Uuid,
    /// Tells that the call has recorded it: false where the same statement was recorded before under this id, and the
    /// call has changed nothing. True also where the app has given it up at some LRS since: it is queued for that one again.
    pub is_new: bool,
}

impl From<pannier::Recorded> for Recorded {
    fn from(recorded: pannier::Recorded) -> Self {
        Self {
            id: recorded.id,
            is_new: recorded.is_new,
        }
    }
}

/// Recorder for a learner, a session or a scene: what its statements have in common is given once. The collector's
/// own calls of the same names use `Config.defaults` alone. `Recorder`, built on this, is for coroutines and tasks;
/// this one is for threads.
///
/// Every call may be made from any thread and blocks the calling one for a commit to the disk. When the collector
/// is closed they fail as `Closing`. There is nothing to close; dropping it changes nothing.
#[derive(uniffi::Object)]
pub struct BlockingRecorder {
    core: Recorder,
}

impl BlockingRecorder {
    pub(crate) fn new(core: Recorder) -> Arc<Self> {
        Arc::new(Self { core })
    }
}

#[uniffi::export]
impl BlockingRecorder {
    /// Records a statement, with the defaults for what it leaves open. See `BlockingCollector.record`.
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
        let recorded = self.core.record_all(all_typed(statements)?)?;
        Ok(all(recorded))
    }

    /// Like `record_all`, with JSON texts.
    pub fn record_all_json(&self, json: Vec<String>) -> Result<Vec<Recorded>, PannierError> {
        let recorded = self.core.record_all(json)?;
        Ok(all(recorded))
    }

    /// Returns a recorder with these defaults and, where they are silent, those of this one. Faults in them are
    /// reported here, as `Invalid`.
    pub fn within(&self, defaults: StatementDefaults) -> Result<Arc<Self>, PannierError> {
        Ok(Self::new(self.core.within(&defaults.core()?)?))
    }
}
