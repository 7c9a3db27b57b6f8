//! Forgetting a person: every statement that names them leaves the device.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use serde::Serialize;

use super::act::{State, locate};
use super::append::Tail;
use super::forward::Forward;
use super::ledger::{Moves, Place};
use super::withdrawn::Withdrawn;
use super::{Db, Millis, Shared, StoreError, place};

/// Statements looked at in one transaction, for which `record` may have to wait.
const LOOK_AT_ONCE: i64 = 500;

/// What [`Db::erase`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Erased {
    /// Statements that were not delivered and now never will be.
    pub undelivered: u64,
    /// Those of them that may have reached the LRS all the same: ask there too.
    pub maybe_sent: u64,
    /// Delivered statements that were kept as history. They are at the LRS: ask there too.
    pub history: u64,
    /// Files that may name the person still. Damaged ones that were kept are for the app to delete. The
    /// queue's own file, where there was no room to write it anew, and its write-ahead log, where another
    /// process reads it, are cleaned by the next erasing.
    pub remaining: Vec<PathBuf>,
}

/// How far an erasing has come.
#[derive(Debug)]
pub(super) struct Erasing {
    /// In which queue: where it was salvaged meanwhile, its places are others.
    queue: [u8; 16],
    after: i64,
    /// So many are looked at in one transaction.
    at_once: i64,
    erased: Erased,
}

impl Default for Erasing {
    fn default() -> Self {
        Self {
            queue: [0; 16],
            after: 0,
            at_once: LOOK_AT_ONCE,
            erased: Erased::default(),
        }
    }
}

impl Erasing {
    /// Half as many from now on; false if it was one alone.
    fn fewer_at_once(&mut self) -> bool {
        self.at_once /= 2;
        self.at_once > 0
    }

    /// What was erased already is told with what ended it, as no later call will tell it.
    fn stopped(&self, error: StoreError) -> StoreError {
        if self.erased == Erased::default() {
            return error;
        }
        StoreError::PartlyErased {
            erased: Box::new(self.erased.clone()),
            reason: error.to_string(),
        }
    }
}

impl Db {
    /// Erases every statement for which `names` is true, and overwrites its bytes in the file.
    pub fn erase(&mut self, names: &dyn Fn(&[u8]) -> bool) -> Result<Erased, StoreError> {
        let mut erasing = Erasing::default();
        while self.erase_some(&mut erasing, names)? {}
        self.end_erasing(&erasing)
    }

    /// Looks at the next few, in one transaction; true if there may be more.
    pub(super) fn erase_some(
        &mut self,
        erasing: &mut Erasing,
        names: &dyn Fn(&[u8]) -> bool,
    ) -> Result<bool, StoreError> {
        self.conn.execute_batch("PRAGMA secure_delete = ON")?;
        let looked = self.look_through(erasing, names);
        self.conn.execute_batch("PRAGMA secure_delete = OFF")?;
        let (queue, last, erased) = looked?;
        erasing.queue = queue;
        erasing.erased.add(&erased);
        erasing.after = last.unwrap_or(erasing.after);
        Ok(last.is_some())
    }

    /// Wipes out what deleting leaves, and says what is left all the same.
    pub(super) fn end_erasing(&mut self, erasing: &Erasing) -> Result<Erased, StoreError> {
        let mut erased = erasing.erased.clone();
        // Left by whoever died while it made a successor; where one is ready, opening has used it.
        place::begin(&self.path).and_then(|made| place::discard(&made))?;
        match self.expunge() {
            Ok(true) => {}
            Ok(false) => erased
                .remaining
                .push(place::with_suffix(&self.path, "-wal")),
            Err(damage @ StoreError::Damaged(_)) => return Err(damage),
            Err(error) => {
                // The statements are erased; only what their pages keep of them could not be.
                tracing::warn!(%error, "the queue's file could not be written anew");
                erased.remaining.push(self.path.clone());
            }
        }
        erased.remaining.extend(place::kept(&self.path));
        Ok(erased)
    }

    fn look_through(
        &mut self,
        erasing: &Erasing,
        names: &dyn Fn(&[u8]) -> bool,
    ) -> Result<([u8; 16], Option<i64>, Erased), StoreError> {
        self.together(|db| {
            let tx = &db.conn;
            let queue: [u8; 16] = tx
                .prepare_cached("SELECT queue FROM ledger")?
                .query_row([], |row| row.get(0))?;
            let after = if queue == erasing.queue {
                erasing.after
            } else {
                0
            };
            let mut erased = Erased::default();
            let mut doomed = Vec::new();
            let mut copies = Vec::new();
            let mut last = None;
            let mut forward = Forward::after(after);
            {
                let mut query = tx.prepare_cached(
                    "SELECT s.seq, s.body, a.theirs FROM statement s LEFT JOIN aside a USING (seq)
                     WHERE s.seq > ?1 ORDER BY s.seq LIMIT ?2",
                )?;
                let mut rows = query.query(params![after, erasing.at_once])?;
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
            forget_words(tx, after, last.unwrap_or(after))?;
            Tail::remember(tx)?;
            let mut moves = Moves::default();
            let mut taken = Vec::with_capacity(doomed.len());
            for seq in doomed {
                let Some(found) = locate(tx, seq)? else {
                    continue;
                };
                let to = match found.state {
                    State::Delivered => Place::Delivered,
                    _ => Place::Erased,
                };
                taken.push(Withdrawn::of(tx, seq, to)?);
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
                tx.prepare_cached("DELETE FROM statement WHERE seq = ?1")?
                    .execute([seq])?;
            }
            // Ours names nobody who is to be forgotten: it stays, without the LRS's copy.
            for seq in copies {
                tx.prepare_cached("UPDATE aside SET theirs = NULL WHERE seq = ?1")?
                    .execute([seq])?;
            }
            moves.write(tx)?;
            db.leaving.notes.extend(taken);
            Ok((queue, last, erased))
        })
    }
}

impl Shared {
    /// Erases like [`Db::erase`], a part at a time: whoever records meanwhile waits for one part at most,
    /// and for the end, which writes the file anew.
    ///
    /// On a full disk it takes what is kept for that, with fewer at once where there is more of them than
    /// that. An error may come when a part is erased already, and says so
    /// ([`StoreError::PartlyErased`]): what is left is erased by the next call.
    pub fn erase(&self, now: Millis, names: &dyn Fn(&[u8]) -> bool) -> Result<Erased, StoreError> {
        let mut erasing = Erasing::default();
        let mut again = true;
        loop {
            match self.with(now, |db| db.erase_some(&mut erasing, names)) {
                Ok(true) => {
                    // A lock goes to whoever is quickest, and that is us: the line goes by who came first.
                    let _ = self.append(Vec::new(), now);
                }
                Ok(false) => break,
                // The reserve has been given up now.
                Err(StoreError::DiskFull) if std::mem::take(&mut again) => {}
                Err(StoreError::DiskFull) if erasing.fewer_at_once() => {}
                Err(error) => return Err(erasing.stopped(error)),
            }
        }
        let end = || self.with(now, |db| db.end_erasing(&erasing));
        match end() {
            Err(StoreError::DiskFull) => end(),
            ended => ended,
        }
        .map_err(|error| erasing.stopped(error))
    }
}

/// The LRS's words may name anybody, also of a statement that stays: they go, and come again with the next
/// refusal.
fn forget_words(tx: &Connection, after: i64, through: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE aside SET words = NULL WHERE seq > ?1 AND seq <= ?2 AND words IS NOT NULL",
    )?
    .execute([after, through])?;
    tx.prepare_cached("UPDATE upstream SET problem_words = NULL WHERE problem_words IS NOT NULL")?
        .execute([])?;
    Ok(())
}

impl Erased {
    fn add(&mut self, more: &Self) {
        self.undelivered += more.undelivered;
        self.maybe_sent += more.maybe_sent;
        self.history += more.history;
    }

    fn count(&mut self, sent: bool) {
        self.undelivered += 1;
        self.maybe_sent += u64::from(sent);
    }
}
