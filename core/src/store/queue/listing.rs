//! Lists for the app to show, a page at a time.

use rusqlite::params;
use serde::Serialize;
use uuid::Uuid;

use super::body;
use super::conditions::queued;
use super::walk::Forward;
use crate::store::{Db, Millis, StoreError, UpstreamId};

/// Part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Position after which the entries begin, a [`ListedStatement::seq`]; 0 for the beginning.
    pub after: i64,
    /// Most entries.
    pub limit: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            after: 0,
            limit: 50,
        }
    }
}

/// A statement in a list.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ListedStatement {
    /// Position in capture order; [`Page::after`] takes it.
    pub seq: i64,
    /// Statement id.
    pub id: Uuid,
    /// Time of recording by the device's clock, unix milliseconds.
    pub recorded_at: Millis,
    /// Time of delivery, for history; unix milliseconds.
    pub delivered_at: Option<Millis>,
    /// The statement's JSON, as it is sent.
    pub statement: String,
    /// Number of bytes that the contents of its attachments take here; 0 where it has none.
    pub content_bytes: u64,
}

impl std::fmt::Debug for ListedStatement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "ListedStatement({} {} {} bytes)",
            self.seq,
            self.id,
            self.statement.len()
        )
    }
}

impl Db {
    /// Lists the queue, in capture order; an error (damage) if all of it is listed and more or less is counted.
    pub fn queued(
        &self,
        upstream: UpstreamId,
        page: Page,
    ) -> Result<Vec<ListedStatement>, StoreError> {
        self.at_once(|db| {
            let rows = db.list(&queued(upstream), page)?;
            if page.after <= 0 && rows.len() < page.limit {
                all_are_there(rows.len(), db.ledger(upstream)?.queued)?;
            }
            Ok(rows)
        })
    }

    /// Lists the history, in capture order.
    pub fn history(&self, page: Page) -> Result<Vec<ListedStatement>, StoreError> {
        self.list("s.delivered_at IS NOT NULL", page)
    }

    /// Lists the history newest first, from before a [`ListedStatement::seq`] or from its end.
    pub fn history_before(
        &self,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ListedStatement>, StoreError> {
        let before = before.unwrap_or(i64::MAX);
        let rows = self.rows(
            "s.seq < ?1 AND s.delivered_at IS NOT NULL ORDER BY s.seq DESC",
            before,
            limit,
        )?;
        let mut forward = Forward::after(i64::MIN);
        let upwards = rows.iter().rev().map(|row| row.seq);
        upwards
            .chain([before])
            .try_for_each(|seq| forward.step(seq))?;
        Ok(rows)
    }

    fn list(&self, which: &str, page: Page) -> Result<Vec<ListedStatement>, StoreError> {
        let which = format!("s.seq > ?1 AND {which} ORDER BY s.seq");
        let rows = self.rows(&which, page.after, page.limit)?;
        let mut forward = Forward::after(page.after);
        rows.iter().try_for_each(|row| forward.step(row.seq))?;
        Ok(rows)
    }

    fn rows(
        &self,
        which: &str,
        from: i64,
        limit: usize,
    ) -> Result<Vec<ListedStatement>, StoreError> {
        let sql = format!(
            "SELECT s.seq, s.id, s.recorded_at, s.delivered_at, s.body, {} FROM statement s
             WHERE {which} LIMIT ?2",
            body::CONTENTS_LENGTH
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self
            .conn
            .prepare_cached(&sql)?
            .query_map(params![from, limit], |row| {
                Ok(ListedStatement {
                    seq: row.get(0)?,
                    id: Uuid::from_bytes(row.get(1)?),
                    recorded_at: row.get(2)?,
                    delivered_at: row.get(3)?,
                    statement: body::text(row, 4)?,
                    content_bytes: row.get::<_, i64>(5)? as u64,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }
}

/// Returns an error (damage) if the queue has another number of statements than are counted.
fn all_are_there(listed: usize, counted: u64) -> Result<(), StoreError> {
    if listed as u64 == counted {
        return Ok(());
    }
    Err(StoreError::Damaged(format!(
        "{counted} statements are counted, and {listed} are there"
    )))
}
