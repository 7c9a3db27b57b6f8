//! Recording of statements.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Weak};

use uuid::Uuid;

use super::Threads;
use crate::collector::checkpointer::Folding;
use crate::collector::driver::Command;
use crate::collector::input::{AsStatement, WithContents};
use crate::error::Error;
use crate::event::Event;
use crate::statement::{Content, Invalid, Prepared, PreparedDefaults, StatementDefaults};
use crate::store::Appended;

/// What `record` has done with a statement, which is in the queue now or was recorded before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Recorded {
    /// Id of the statement, made by the call unless the statement had one.
    pub id: Uuid,
    /// Tells that the call has recorded it: false where the same statement was recorded before under this id, and the
    /// call has changed nothing. True also where the app has given it up at some upstream since: it is queued for that one
    /// again.
    pub is_new: bool,
}

/// Recorder for a learner, a session or a scene: what its statements have in common is said once. The collector's own
/// calls of the same names are those of the recorder with [`Config::defaults`](crate::Config::defaults) alone.
///
/// Cheap to clone, and may be used from any thread. Once the collector is dropped its calls fail ([`Error::Closing`]).
#[derive(Clone)]
pub struct Recorder {
    threads: Weak<Threads>,
    defaults: Arc<PreparedDefaults>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recorder {
    pub(super) fn new(threads: &Arc<Threads>, defaults: PreparedDefaults) -> Self {
        Self {
            threads: Arc::downgrade(threads),
            defaults: Arc::new(defaults),
        }
    }

    /// Records a statement, with these defaults for what it leaves open. See
    /// [`Collector::record`](super::Collector::record).
    pub fn record(&self, statement: impl AsStatement) -> Result<Recorded, Error> {
        let threads = self.threads()?;
        let prepared = threads.inner.prepare(&statement, &self.defaults)?;
        threads.inner.may_void(&prepared, &HashSet::new())?;
        let id = prepared.id;
        let appended = append(&threads, vec![prepared])?;
        let is_new = appended.iter().any(|one| one.has_a_place());
        Ok(Recorded { id, is_new })
    }

    /// Records a statement with contents of its attachments. See
    /// [`Collector::record_with`](super::Collector::record_with).
    pub fn record_with(
        &self,
        statement: impl AsStatement,
        contents: impl IntoIterator<Item = Content>,
    ) -> Result<Recorded, Error> {
        self.record(WithContents::new(statement, contents))
    }

    /// Records all of these or none. A fault has the index of its statement among them.
    pub fn record_all<S: AsStatement>(
        &self,
        statements: impl IntoIterator<Item = S>,
    ) -> Result<Vec<Recorded>, Error> {
        let threads = self.threads()?;
        let inner = &threads.inner;
        let mut candidate = Vec::new();
        let mut refused = Invalid::default();
        let mut voidings = HashSet::new();
        for (at, statement) in statements.into_iter().enumerate() {
            let prepared = inner.prepare(&statement, &self.defaults);
            let prepared = prepared.and_then(|one| {
                inner.may_void(&one, &voidings)?;
                voidings.extend(one.voids.map(|_| one.id));
                Ok(one)
            });
            match prepared {
                // Once one is refused none is recorded, so the others are only checked.
                Ok(_) if !refused.faults.is_empty() => {}
                Ok(prepared) => candidate.push(prepared),
                Err(Error::Invalid(invalid)) => {
                    candidate = Vec::new();
                    refused.add(at, invalid);
                }
                Err(error) => return Err(error),
            }
        }
        if !refused.faults.is_empty() {
            return Err(Error::Invalid(refused));
        }
        if candidate.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = candidate.iter().map(|prepared| prepared.id).collect();
        let appended = append(&threads, candidate)?;
        let recorded = ids
            .into_iter()
            .zip(appended)
            .map(|(id, appended)| Recorded {
                id,
                is_new: appended.has_a_place(),
            });
        Ok(recorded.collect())
    }

    /// Returns a recorder with these defaults; what they leave open comes from this one's. Invalid ones are refused
    /// here ([`Error::Invalid`]).
    pub fn within(&self, defaults: &StatementDefaults) -> Result<Self, Error> {
        defaults
            .check(self.threads()?.inner.rules)
            .map_err(Error::Invalid)?;
        Ok(Self {
            threads: Weak::clone(&self.threads),
            defaults: Arc::new(defaults.prepared().within(&self.defaults)),
        })
    }

    fn threads(&self) -> Result<Arc<Threads>, Error> {
        self.threads.upgrade().ok_or(Error::Closing)
    }
}

fn append(threads: &Threads, candidate: Vec<Prepared>) -> Result<Vec<Appended>, Error> {
    let inner = &threads.inner;
    let count = candidate.len() as u32;
    let ids = inner
        .events
        .any()
        .then(|| candidate.iter().map(|one| one.id).collect::<Vec<_>>());
    let outcome = inner.store.append(candidate, inner.clock.now_ms());
    inner.tell_salvaged();
    let appended = outcome.map_err(Error::refused)?;
    if let Some(ids) = ids {
        let new = ids.into_iter().zip(&appended);
        let new = new.filter(|(_, appended)| appended.has_a_place());
        let ids: Vec<Uuid> = new.map(|(id, _)| id).collect();
        if !ids.is_empty() {
            inner.events.tell(&Event::Recorded { ids });
        }
    }
    threads.tell(|| Command::Recorded(count));
    Folding::see_to(inner);
    Ok(appended)
}
