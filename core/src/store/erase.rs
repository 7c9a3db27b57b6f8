//! Forgetting a person: every statement that names them leaves the device.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use serde::Serialize;

use super::act::{State, locate};
use super::append::Tail;
use super::forward::Forward;
use super::ledger::{Moves, Place};
use super::{Db, StoreError, place};

/// Statements looked at in one transaction.
const LOOK_AT_ONCE: i64 = 1_000;

/// What [`Db::erase`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Erased {
    /// Statements that were not delivered and now never will be.
    pub undelivered: u64,
    /// Those of them that may have reached the LRS all the same: ask there too.
    pub maybe_sent: u64,
    /// Delivered statements that were kept as history. They are at the LRS: ask there too.
    pub history: u64,
    /// Files that may name the person still, for the app to delete: damaged ones that were kept, and the
    /// write-ahead log where another process reads it. Where it is no longer read, the next erasing
    /// cleans it.
    pub remaining: Vec<PathBuf>,
}

impl Db {
    /// Erases every statement for which `names` is true, and overwrites its bytes in the file.
    pub fn erase(&mut self, names: &dyn Fn(&[u8]) -> bool) -> Result<Erased, StoreError> {
        self.conn.execute_batch("PRAGMA secure_delete = ON")?;
        let erased = self.erase_all(names);
        self.conn.execute_batch("PRAGMA secure_delete = OFF")?;
        let mut erased = erased?;
        // Left by whoever died while it made a successor; where one is ready, opening has used it.
        place::begin(&self.path).and_then(|made| place::discard(&made))?;
        if !self.expunge()? {
            erased
                .remaining
                .push(place::with_suffix(&self.path, "-wal"));
        }
        erased.remaining.extend(place::kept(&self.path));
        Ok(erased)
    }

    fn erase_all(&mut self, names: &dyn Fn(&[u8]) -> bool) -> Result<Erased, StoreError> {
        let mut erased = Erased::default();
        let mut after = 0;
        self.write(forget_words)?;
        loop {
            let last = self.write(|tx| {
                let mut doomed = Vec::new();
                let mut copies = Vec::new();
                let mut last = None;
                let mut forward = Forward::after(after);
                {
                    let mut query = tx.prepare_cached(
                        "SELECT s.seq, s.body, a.theirs FROM statement s LEFT JOIN aside a USING (seq)
                         WHERE s.seq > ?1 ORDER BY s.seq LIMIT ?2",
                    )?;
                    let mut rows = query.query(params![after, LOOK_AT_ONCE])?;
                    while let Some(row) = rows.next()? {
                        let seq: i64 = row.get(0)?;
                        forward.step(seq)?;
                        last = Some(seq);
                        let theirs: Option<Vec<u8>> = row.get(2)?;
                        let body = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
                        if names(body) {
                            doomed.push(seq);
                        } else if theirs.is_some_and(|copy| names(&copy)) {
                            copies.push(seq);
                        }
                    }
                }
                Tail::remember(tx)?;
                let mut moves = Moves::default();
                for seq in doomed {
                    let Some(found) = locate(tx, seq)? else { continue };
                    match found.state {
                        State::Delivered => erased.history += 1,
                        State::Queued { sent } => {
                            moves.leave_queue(Place::Erased, found.bytes);
                            erased.count(sent);
                        }
                        State::Waiting { sent } => {
                            moves.between(Place::Waiting, Place::Erased);
                            erased.count(sent);
                        }
                        State::Held => {
                            moves.between(Place::Held, Place::Erased);
                            erased.count(true);
                        }
                    }
                    tx.prepare_cached("DELETE FROM statement WHERE seq = ?1")?.execute([seq])?;
                }
                // Ours names nobody who is to be forgotten: it stays, without the LRS's copy.
                for seq in copies {
                    tx.prepare_cached("UPDATE aside SET theirs = NULL WHERE seq = ?1")?.execute([seq])?;
                }
                moves.write(tx)?;
                Ok(last)
            })?;
            match last {
                Some(last) => after = last,
                None => return Ok(erased),
            }
        }
    }
}

/// The LRS's words may name anybody, also of a statement that stays: they go, and come again with the next
/// refusal.
fn forget_words(tx: &Connection) -> Result<(), StoreError> {
    tx.execute("UPDATE aside SET words = NULL WHERE words IS NOT NULL", [])?;
    tx.execute("UPDATE upstream SET problem_words = NULL", [])?;
    Ok(())
}

impl Erased {
    fn count(&mut self, sent: bool) {
        self.undelivered += 1;
        self.maybe_sent += u64::from(sent);
    }
}
