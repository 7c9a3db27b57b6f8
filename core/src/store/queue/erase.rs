//! Erases a person: every statement that names them leaves the device.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use serde::Serialize;

use super::body;
use super::done_with::delete_row;
use super::end::Tail;
use super::ledger::{Counter, Moves};
use super::locate::{State, locate};
use super::seal::may_have_left;
use super::voidings::hold_voidings_of_erased;
use super::walk::Forward;
use crate::store::file::kept;
use crate::store::file::names;
use crate::store::file::replace;
use crate::store::ledger_file::notes::Withdrawn;
use crate::store::{Db, Millis, Shared, StoreError, UpstreamId};

/// Statements examined in one transaction, for which `record` may have to wait.
const LOOK_AT_ONCE: i64 = 500;

/// Result of erasing what names a person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Erased {
    /// Statements that were not delivered and now never will be.
    pub undelivered: u64,
    /// Number of those that may have reached the LRS all the same: ask there too.
    pub maybe_sent: u64,
    /// Delivered statements that were kept as history. They are at the LRS: ask there too.
    pub history: u64,
    /// Files that may still name the person. Damaged ones that were kept are for the app to delete. The queue's
    /// own file, if there was no room to rewrite it, and its write-ahead log, if another process reads it, are
    /// cleaned by the next erasing.
    pub remaining: Vec<PathBuf>,
}

/// Progress of an erasing.
#[derive(Debug)]
pub(crate) struct Erasing {
    /// Id of the queue: if it was salvaged in between, its places are different ones.
    queue: [u8; 16],
    after: i64,
    /// Number of statements examined in one transaction.
    at_once: i64,
    /// Time at which it began, unix milliseconds.
    now: Millis,
    erased: Erased,
}

impl Erasing {
    pub(crate) fn begin(now: Millis) -> Self {
        Self {
            queue: [0; 16],
            after: 0,
            at_once: LOOK_AT_ONCE,
            now,
            erased: Erased::default(),
        }
    }

    /// Halves the number examined in one transaction; false if it was one already.
    fn fewer_at_once(&mut self) -> bool {
        self.at_once /= 2;
        self.at_once > 0
    }

    /// Adds what was already erased to the error that ended the erasing, as no later call reports it.
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
    #[cfg(any(test, feature = "internals"))]
    pub fn erase(
        &mut self,
        now: Millis,
        names: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Erased, StoreError> {
        let mut erasing = Erasing::begin(now);
        while self.erase_some(&mut erasing, names)? {}
        self.end_erasing(&erasing)
    }

    /// Examines the next few statements in one transaction; true if there may be more.
    pub(crate) fn erase_some(
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

    /// Overwrites what deleting leaves behind, and reports what is left all the same.
    pub(crate) fn end_erasing(&mut self, erasing: &Erasing) -> Result<Erased, StoreError> {
        let mut erased = erasing.erased.clone();
        // Left by a process that died while it prepared a file to replace this one; a finished one was used on
        // opening.
        replace::throw_away(&self.path)?;
        match self.expunge() {
            Ok(true) => {}
            Ok(false) => erased
                .remaining
                .push(names::with_suffix(&self.path, "-wal")),
            Err(damage @ StoreError::Damaged(_)) => return Err(damage),
            Err(error) => {
                // The statements are erased; only remains in their pages could not be overwritten.
                tracing::warn!(%error, "the queue's file could not be written anew");
                erased.remaining.push(self.path.clone());
            }
        }
        // The `.ledger` file names nobody.
        let mut kept = kept::kept(&self.path);
        kept.retain(|kept| !kept.to_string_lossy().ends_with(kept::LEDGER));
        erased.remaining.extend(kept);
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
            let mut last = None;
            let mut forward = Forward::after(after);
            {
                let mut query = tx.prepare_cached(
                    "SELECT seq, body FROM statement WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                )?;
                let mut rows = query.query(params![after, erasing.at_once])?;
                while let Some(row) = rows.next()? {
                    let seq: i64 = row.get(0)?;
                    forward.step(seq)?;
                    last = Some(seq);
                    if names(&body::read(row, 1)?) {
                        doomed.push(seq);
                    }
                }
            }
            let through = last.unwrap_or(after);
            forget_words(tx, after, through)?;
            forget_copies(tx, after, through, names)?;
            Tail::remember(tx)?;
            let mut moves = Moves::of_all(tx)?;
            let mut taken = Vec::with_capacity(doomed.len());
            for seq in doomed {
                let (one, note) = erase_one(tx, &mut moves, seq, erasing.now)?;
                erased.add(&one);
                taken.push(note);
            }
            for moves in moves {
                moves.write(tx)?;
            }
            db.leaving.notes.extend(taken);
            Ok((queue, last, erased))
        })
    }
}

impl Shared {
    /// Erases like [`Db::erase`], a part at a time: a concurrent record waits for one part at most, and for the
    /// end, which rewrites the file.
    ///
    /// On a full disk it uses the reserve, and examines fewer statements at once if even that is too small. An
    /// error that comes when some statements are already erased says so ([`StoreError::PartlyErased`]); the
    /// next call erases the rest.
    pub fn erase(&self, now: Millis, names: &dyn Fn(&[u8]) -> bool) -> Result<Erased, StoreError> {
        let mut erasing = Erasing::begin(now);
        let mut again = true;
        loop {
            match self.with(now, |db| db.erase_some(&mut erasing, names)) {
                Ok(true) => {
                    // This thread would win a plain lock again and again; the line serves threads in order of
                    // arrival.
                    let _ = self.append(Vec::new(), now);
                }
                Ok(false) => break,
                // By now the reserve has been released.
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

/// Deletes a statement, and counts it for each upstream that it was to be delivered to. Its voidings are held,
/// unless the LRS may have the statement: then they are what retracts it there.
fn erase_one(
    tx: &Connection,
    moves: &mut [Moves],
    seq: i64,
    now: Millis,
) -> rusqlite::Result<(Erased, Withdrawn)> {
    let maybe_sent = may_have_left(tx, seq)?;
    let mut is_due = false;
    for moves in moves {
        let Some(found) = locate(tx, moves.upstream, seq)? else {
            continue;
        };
        match found.state {
            State::Delivered | State::NotDue => continue,
            State::Queued { .. } => moves.leave_queue(Counter::Erased, found.bytes),
            State::Waiting { .. } => moves.between(Counter::Waiting, Counter::Erased),
            State::Held => moves.between(Counter::Held, Counter::Erased),
        }
        is_due = true;
        hold_voidings_of_erased(tx, moves, &found, now)?;
    }
    let to = if is_due {
        Counter::Erased
    } else {
        Counter::Delivered
    };
    let note = Withdrawn::of(tx, seq, to)?;
    delete_row(tx, seq)?;
    let erased = Erased {
        undelivered: u64::from(is_due),
        maybe_sent: u64::from(is_due && maybe_sent),
        history: u64::from(!is_due),
        remaining: Vec::new(),
    };
    Ok((erased, note))
}

/// Deletes the LRS's messages, which may name anybody even about a statement that stays; the next refusal
/// brings them again.
fn forget_words(tx: &Connection, after: i64, through: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE aside SET words = NULL WHERE seq > ?1 AND seq <= ?2 AND words IS NOT NULL",
    )?
    .execute([after, through])?;
    tx.prepare_cached("UPDATE upstream SET problem_words = NULL WHERE problem_words IS NOT NULL")?
        .execute([])?;
    Ok(())
}

/// Deletes the LRS's copy where only that names the person; our statement stays.
fn forget_copies(
    tx: &Connection,
    after: i64,
    through: i64,
    names: &dyn Fn(&[u8]) -> bool,
) -> Result<(), StoreError> {
    let mut found: Vec<(i64, UpstreamId)> = Vec::new();
    {
        let mut query = tx.prepare_cached(
            "SELECT seq, upstream, theirs FROM aside
             WHERE seq > ?1 AND seq <= ?2 AND theirs IS NOT NULL",
        )?;
        let mut copies = query.query([after, through])?;
        while let Some(row) = copies.next()? {
            if names(&body::read(row, 2)?) {
                found.push((row.get(0)?, row.get(1)?));
            }
        }
    }
    for (seq, upstream) in found {
        tx.prepare_cached("UPDATE aside SET theirs = NULL WHERE seq = ?1 AND upstream = ?2")?
            .execute(params![seq, upstream])?;
    }
    Ok(())
}

impl Erased {
    fn add(&mut self, more: &Self) {
        self.undelivered += more.undelivered;
        self.maybe_sent += more.maybe_sent;
        self.history += more.history;
    }
}
