//! Recording for a learner or a session, with calls that block.

use std::sync::Arc;

use pannier::Recorder;

use crate::statement::{Statement, StatementDefaults, all_typed, typed};
use crate::{PannierError, Uuid};

/// Records for a learner, a session or a scene: what its statements have in common is said once. The
/// collector's own calls of the same names are those of one with `Config.defaults` alone. `Recorder`, built
/// on this, is for coroutines and tasks; this one is for threads.
///
/// Every call may be made from any thread and blocks the calling one for a commit to the disk. When the
/// collector is closed they fail as `Closing`. Nothing need be closed; forgetting it changes nothing.
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
    /// Takes a statement in, with what it leaves open itself. See `BlockingCollector.record`.
    pub fn record(&self, statement: Statement) -> Result<Uuid, PannierError> {
        Ok(self.core.record(typed(statement)?)?)
    }

    /// Takes a statement in as JSON text, whose bytes are kept as they are beside what is added.
    pub fn record_json(&self, json: String) -> Result<Uuid, PannierError> {
        Ok(self.core.record(json)?)
    }

    /// Takes in all of these or none. A fault has the index of its statement among them.
    pub fn record_all(&self, statements: Vec<Statement>) -> Result<Vec<Uuid>, PannierError> {
        Ok(self.core.record_all(all_typed(statements)?)?)
    }

    /// Like `record_all`, of JSON texts.
    pub fn record_all_json(&self, json: Vec<String>) -> Result<Vec<Uuid>, PannierError> {
        Ok(self.core.record_all(json)?)
    }

    /// Records with these defaults; where they say nothing, with those of this one. What is wrong with them
    /// is told here, as `Invalid`.
    pub fn within(&self, defaults: StatementDefaults) -> Result<Arc<Self>, PannierError> {
        Ok(Self::new(self.core.within(&defaults.core()?)?))
    }
}
