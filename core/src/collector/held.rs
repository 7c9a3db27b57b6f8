//! Lists of what is queued and what was delivered, and what an app can do about one statement or a person's.

use uuid::Uuid;

use super::Collector;
use crate::collector::input::AsStatement;
use crate::error::Error;
use crate::statement::model::{Actor, Ifi};
use crate::statement::{self, Content, Statement};
use crate::store::{Erased, HeldStatement, ListedStatement, Page, WaitingStatement};

/// A content that the device keeps for an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptContent {
    /// Its hash, as the attachment's `sha2` says it.
    pub sha2: String,
    /// Its media type, as the attachment's `contentType` says it.
    pub content_type: String,
    /// The content.
    pub content: Content,
}

impl Collector {
    /// Returns the queued statements, in capture order.
    pub fn queued(&self, page: Page) -> Result<Vec<ListedStatement>, Error> {
        self.main.queued(page)
    }

    /// Returns the statements that wait aside and come back by themselves.
    pub fn waiting(&self, page: Page) -> Result<Vec<WaitingStatement>, Error> {
        self.main.waiting(page)
    }

    /// Returns the statements that are held until the app retries, replaces or discards them.
    pub fn held(&self, page: Page) -> Result<Vec<HeldStatement>, Error> {
        self.main.held(page)
    }

    /// Returns one held statement.
    pub fn held_one(&self, id: Uuid) -> Result<HeldStatement, Error> {
        self.main.held_one(id)
    }

    /// Returns the delivered statements that are kept, as the history policy says.
    pub fn history(&self, page: Page) -> Result<Vec<ListedStatement>, Error> {
        Ok(self.inner.read(|db| db.history(page))?)
    }

    /// Returns the history, the newest first: those before this [`ListedStatement::seq`], or the last ones.
    pub fn history_before(
        &self,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ListedStatement>, Error> {
        Ok(self.inner.read(|db| db.history_before(before, limit))?)
    }

    /// Lets a held statement be tried again.
    pub fn retry(&self, id: Uuid) -> Result<(), Error> {
        self.main.retry(id)
    }

    /// Replaces a held statement by a corrected one, which goes to the end of the queue and may keep the old id.
    /// Returns its id.
    pub fn replace(&self, id: Uuid, statement: impl AsStatement) -> Result<Uuid, Error> {
        self.main.replace(id, statement)
    }

    /// Gives up a held statement.
    pub fn discard(&self, id: Uuid) -> Result<(), Error> {
        self.main.discard(id)
    }

    /// Takes back a statement that no LRS can have: one that was never sent, or that the LRS itself refused each time that
    /// it was. One that may be there can only be voided: see [`Collector::void`].
    pub fn retract(&self, id: Uuid) -> Result<(), Error> {
        let now = self.inner.clock.now_ms();
        self.inner
            .store
            .with(now, |db| db.retract(id, now))
            .map_err(|why| Error::unchanged(id, why))
    }

    /// Records a statement by `actor` that voids another one (xAPI 1.0.3 Data 2.3.2). It is sent
    /// after its target is delivered. Returns its own id.
    ///
    /// A voiding statement cannot be voided (the same section): where the target is known here as one, the answer is
    /// [`Error::Invalid`].
    pub fn void(&self, target: Uuid, actor: impl Into<Actor>) -> Result<Uuid, Error> {
        Ok(self.record(Statement::void(target, actor))?.id)
    }

    /// Returns the contents of a statement's attachments, as long as they are on the device, each with what its attachment
    /// says of it; none for a statement without any. An app may take them elsewhere where an LRS does not take them.
    pub fn contents(&self, id: Uuid) -> Result<Vec<KeptContent>, Error> {
        let contents = self.inner.read(|db| db.contents(id))?;
        let contents = contents.ok_or(Error::Unknown { id })?;
        let kept = contents.parts().map(|part| KeptContent {
            sha2: part.sha2.to_owned(),
            content_type: part.content_type.to_owned(),
            content: Content::bytes(part.octets),
        });
        Ok(kept.collect())
    }

    /// Erases from the device every statement that names this person, delivered or not and in whatever spelling
    /// ([`statement::mentions`]), and overwrites its bytes. The LRS keeps what it has.
    pub fn erase(&self, who: &Ifi) -> Result<Erased, Error> {
        let now = self.inner.clock.now_ms();
        Ok(self
            .inner
            .store
            .erase(now, &|body| statement::mentions(body, who))?)
    }
}
