//! Lists for the app to show, a page at a time.

use rusqlite::params;
use serde::Serialize;
use uuid::Uuid;

use super::body;
use super::conditions::queued;
use super::walk::Forward;
use crate::store::{Db, Millis, StoreError, UpstreamId};

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Only what comes after this [`ListedStatement::seq`]; 0 for the beginning.
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
    /// Its place in capture order; what [`Page::after`] takes.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// When it was recorded by the device's clock, unix milliseconds.
    pub recorded_at: Millis,
    /// When it was delivered, for history; unix milliseconds.
    pub delivered_at: Option<Millis>,
    /// Its JSON, as it is sent.
    pub statement: String,
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
    /// The queue, in capture order.
    pub fn queued(
        &self,
        upstream: UpstreamId,
        page: Page,
    ) -> Result<Vec<ListedStatement>, StoreError> {
        self.list(&queued(upstream), page)
    }

    /// Returns what was delivered and is kept, in capture order.
    pub fn history(&self, page: Page) -> Result<Vec<ListedStatement>, StoreError> {
        self.list("s.delivered_at IS NOT NULL", page)
    }

    /// The same from its end: the newest first, of those before a [`ListedStatement::seq`].
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
            "SELECT s.seq, s.id, s.recorded_at, s.delivered_at, s.body FROM statement s
             WHERE {which} LIMIT ?2"
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
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }
}
