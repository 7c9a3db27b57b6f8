//! Correcting a timestamp that Pannier made itself, before the statement is first sent.

use rusqlite::{Connection, params};

use super::lrs_clock::LrsClock;
use super::{Db, Millis, StoreError, intact};
use crate::clock::Steady;
use crate::statement;

/// Statements corrected in one transaction, so that `record` never waits long for it.
const AT_ONCE: usize = 500;

impl Db {
    /// Corrects those that wait aside and were never sent. One that waited for a time that was only
    /// thought to come is due at once.
    pub fn retime_waiting(&mut self, clock: LrsClock) -> Result<(), StoreError> {
        loop {
            let corrected = self.write(|tx| {
                let wrong = wrong(tx, clock)?;
                for (seq, right, mut body) in wrong.iter().cloned() {
                    retime(tx, seq, &mut body, right)?;
                    tx.prepare_cached(
                        "UPDATE aside SET due = 0 WHERE seq = ?1 AND reason = 'future'",
                    )?
                    .execute([seq])?;
                }
                Ok(wrong.len())
            })?;
            if corrected < AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Are there timestamps of that boot among the next few that were never sent?
    pub fn any_made_in(&self, boot: i64, next: u32) -> Result<bool, StoreError> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM (
                    SELECT boot FROM statement
                    WHERE seq > (SELECT max(sent_through, delivered_through) FROM upstream)
                    ORDER BY seq LIMIT ?2)
                    WHERE boot = ?1)",
            )?
            .query_row(params![boot, next], |row| row.get(0))?)
    }
}

fn wrong(tx: &Connection, clock: LrsClock) -> rusqlite::Result<Vec<(i64, Millis, Vec<u8>)>> {
    let mut query = tx.prepare_cached(
        "SELECT s.seq, s.happened_at, s.steady_at, s.body FROM aside a JOIN statement s USING (seq)
         WHERE a.held = 0 AND a.sent = 0 AND s.boot = ?1",
    )?;
    let mut rows = query.query([clock.boot])?;
    let mut wrong = Vec::new();
    while let (Some(row), true) = (rows.next()?, wrong.len() < AT_ONCE) {
        let made = Steady {
            ms: row.get(2)?,
            boot: clock.boot,
        };
        if let Some(right) = clock.correction(row.get(1)?, made) {
            wrong.push((row.get(0)?, right, row.get(3)?));
        }
    }
    Ok(wrong)
}

/// Writes the right instant into the statement, whose bytes are as many as before. It is not done
/// twice.
pub(super) fn retime(
    tx: &Connection,
    seq: i64,
    body: &mut [u8],
    right: Millis,
) -> rusqlite::Result<()> {
    // What is no longer what was recorded stays as it is: the checksum must not come to fit it.
    if !intact::is_as_recorded(tx, seq, body)? {
        return Ok(());
    }
    let done = statement::retime(body, right).then_some(right);
    tx.prepare_cached(
        "UPDATE statement SET body = ?2, happened_at = coalesce(?3, happened_at), boot = NULL WHERE seq = ?1",
    )?
    .execute(params![seq, &*body, done])?;
    intact::seal(tx, seq, body)
}
