//! A damaged file: what can be read of it is saved into a new one, and it is set aside whole.
//!
//! Which of its statements were delivered may be unreadable too, so all that are found are queued
//! again, as ones that may have reached the LRS before; it knows them by their ids.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};
use serde::Serialize;

use super::act::{State, locate};
use super::append::{NEEDS_2_0, Refused, TIMESTAMP_IS_OURS, Tail, append_one};
use super::carried::Carried;
use super::intact::{self, Found};
use super::ledger::{Moves, Place};
use super::numbers::Numbers;
use super::open::PAGE_BYTES;
use super::pages::Pages;
use super::settle::delete;
use super::states::NEEDED;
use super::survey::Survey;
use super::withdrawn::{self, Noted};
use super::{Appended, Db, Millis, StoreError, back, beside, history, loss, place};
use crate::statement::{Prepared, Warnings};

/// What became of a damaged file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Salvaged {
    /// What was wrong.
    pub damage: String,
    /// Where the damaged file is kept, whole; none where nothing was left to keep.
    pub kept_at: Option<PathBuf>,
    /// Statements that were saved into the new file.
    pub saved: u64,
    /// Rows that were met but could not be read, or are no longer the statement they were.
    pub unreadable: u64,
    /// Statements that are lost, at least: of those that the file should have had and that were not at an
    /// LRS yet.
    pub lost: u64,
    /// How many are lost, or have come back though they were retracted or erased, can no longer be told.
    pub uncertain: bool,
}

impl Salvaged {
    /// Each file that was kept, what stood beside the damaged one included.
    pub fn kept(&self) -> Vec<PathBuf> {
        self.kept_at
            .as_deref()
            .map_or_else(Vec::new, place::kept_with)
    }
}

/// Reads what can be read of the file at `path` into a new, empty one.
pub(super) fn rescue(
    new: &mut Db,
    path: &Path,
    damage: &str,
    now: Millis,
) -> Result<Salvaged, StoreError> {
    let pages = Pages::of(path);
    let survey = Survey::of(&pages);
    let old = open_damaged(path);
    let before = Before::of(old.as_ref(), path);
    let mut salvaged = Salvaged {
        damage: damage.to_owned(),
        kept_at: None,
        saved: 0,
        unreadable: survey.spoilt,
        lost: 0,
        uncertain: before.is_unknown,
    };
    new.write(|tx| {
        before.hand_on(tx)?;
        let upstreams = Carried::over(old.as_ref(), tx)?;
        let mut saving = Saving::begin(tx)?;
        for spot in survey.whole {
            match pages.read(spot) {
                Some(found) if before.noted.has(spot.seq, found.id) => {}
                Some(mut found) => {
                    let given_up = before.noted.given_up(spot.seq, found.id);
                    found.not_for = upstreams.not_for(spot.seq, found.not_for | given_up);
                    saving.save(found)?;
                }
                // It was there a moment ago: the disk itself fails.
                None => saving.refused += 1,
            }
        }
        let saving = saving.end()?;
        salvaged.saved = saving.saved();
        salvaged.unreadable += saving.refused;
        salvaged.lost = before.undelivered.saturating_sub(saving.queued);
        if let Some(old) = &old {
            // What nobody has read of yet is told on.
            for (noticed_at, before) in loss::of(old).unwrap_or_default() {
                loss::write(tx, noticed_at, &before)?;
            }
        }
        Ok(loss::write(tx, now, &salvaged)?)
    })?;
    Ok(salvaged)
}

/// What is known of a damaged file besides its statements.
#[derive(Debug, Default)]
struct Before {
    /// How many it should have: by its own ledger, or by what is kept beside it if that is more. 0 where
    /// neither says anything any more.
    undelivered: u64,
    /// Neither says anything.
    is_unknown: bool,
    family: Option<[u8; 16]>,
    /// What must not come back, and how often something was noted.
    noted: Noted,
    notes: u64,
    /// The last place in the log that was given out.
    last_seq: u64,
    /// From which number on there must be notes.
    notes_from: Option<i64>,
}

impl Before {
    fn of(old: Option<&Connection>, path: &Path) -> Self {
        let own = old.and_then(|old| Numbers::of(old).ok());
        let beside = Numbers::beside(path);
        // What has its own checksum first.
        let family = beside.or(own).map(|numbers| numbers.family);
        let family = family.or_else(|| beside::family_of(path));
        let all = family.map_or_else(Vec::new, |family| withdrawn::all(path, &family));
        let undelivered = |numbers: Option<Numbers>| {
            numbers.map_or(0, |numbers| {
                let unheard = all
                    .iter()
                    .filter(|(number, _)| *number >= numbers.withdrawn);
                numbers.undelivered().saturating_sub(unheard.count() as u64)
            })
        };
        // Each place is noted once for each upstream at most: more is damage.
        let own_notes = own.filter(|own| own.withdrawn <= own.last_seq.saturating_mul(32));
        let notes = [own_notes, beside]
            .into_iter()
            .flatten()
            .map(|numbers| numbers.withdrawn)
            .fold(all.last().map_or(0, |(number, _)| number + 1), u64::max);
        Self {
            undelivered: undelivered(own).max(undelivered(beside)),
            is_unknown: own.is_none() && beside.is_none(),
            family,
            noted: Noted::new(all.iter().map(|(_, note)| note)),
            notes,
            last_seq: all
                .iter()
                .map(|(_, note)| note.seq as u64)
                .fold(beside.map_or(0, |beside| beside.last_seq), u64::max),
            notes_from: old.map_or(Some(0), |old| {
                let notes_from =
                    old.query_row("SELECT notes_from FROM ledger", [], |row| row.get(0));
                notes_from.unwrap_or(Some(0))
            }),
        }
    }

    /// The new file goes on where this one ends: its notes hold, and no place is given out again.
    fn hand_on(&self, tx: &Connection) -> rusqlite::Result<()> {
        let Some(family) = self.family else {
            return Ok(());
        };
        tx.execute(
            "UPDATE ledger SET family = ?1, withdrawn = ?2, last_seq = ?3, purged_through = ?3, notes_from = ?4",
            params![family, self.notes as i64, self.last_seq as i64, self.notes_from],
        )?;
        tx.execute(
            "UPDATE upstream SET begins_after = ?1, delivered_through = ?1, sent_through = ?1",
            [self.last_seq as i64],
        )?;
        Ok(())
    }
}

/// Where they went is not known any more: what was never sent can have been retracted only, or erased.
pub(super) fn take_out(tx: &Connection, gone: &HashSet<i64>) -> Result<(), StoreError> {
    for mut moves in Moves::of_all(tx)? {
        for &seq in gone {
            let Some(found) = locate(tx, moves.upstream, seq)? else {
                continue;
            };
            match found.state {
                State::Queued { sent: true } => moves.leave_queue(Place::Delivered, found.bytes),
                State::Queued { sent: false } => moves.leave_queue(Place::Retracted, found.bytes),
                State::Waiting { sent: true } => moves.between(Place::Waiting, Place::Delivered),
                State::Waiting { sent: false } => moves.between(Place::Waiting, Place::Retracted),
                State::Held => moves.between(Place::Held, Place::Discarded),
                State::Delivered | State::NotDue => {}
            }
        }
        moves.write(tx)?;
    }
    gone.iter().try_for_each(|seq| delete(tx, *seq))?;
    Ok(())
}

/// Takes over what is not delivered from a file that another one has replaced.
pub(super) fn take_over(new: &mut Db, old: &Db, now: Millis) -> Result<(), StoreError> {
    let seqs: Vec<i64> = old
        .conn
        .prepare(&format!(
            "SELECT seq FROM statement s WHERE {NEEDED} ORDER BY seq"
        ))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let kept_at = place::kept_name(&new.path, now);
    let beside = Numbers::of(&old.conn)?;
    let path = new.path.clone();
    new.write(|tx| {
        let ours = Numbers::of(tx)?;
        if beside.queue == ours.queue {
            // An older copy: what only the other has is taken over, and counts there no more.
            let notes = withdrawn::since(&path, &ours.family, ours.withdrawn);
            back::withdraw(tx, &notes, now)?;
            if (notes.len() as u64) < beside.withdrawn.saturating_sub(ours.withdrawn) {
                // Not all of them are whole, and the one that was open knows what it has no more.
                take_out(tx, &in_first_alone(tx, &old.conn)?)?;
            }
            let saved = seqs.iter().filter(|seq| **seq as u64 > ours.last_seq);
            back::go_forward(tx, &beside, &notes, &saved.copied().collect::<Vec<_>>())?;
        }
        let upstreams = Carried::over(Some(&old.conn), tx)?;
        let mut saving = Saving::begin(tx)?;
        for seq in seqs {
            match intact::read(&old.conn, seq)? {
                Some(mut found) => {
                    found.not_for = upstreams.not_due(&old.conn, tx, seq)?;
                    saving.save(found)?;
                }
                None => saving.refused += 1,
            }
        }
        let saving = saving.end()?;
        if saving.refused == 0 {
            return Ok(());
        }
        // They stand under the ids of others there, or are spoilt: the file that had them is kept.
        old.copy_to(&kept_at)?;
        let salvaged = Salvaged {
            damage: "another file took its place, and not all of it could be taken over".to_owned(),
            kept_at: Some(kept_at.clone()),
            saved: saving.queued,
            unreadable: saving.refused,
            lost: saving.refused,
            uncertain: false,
        };
        Ok(loss::write(tx, now, &salvaged)?)
    })
}

/// The places in which the first has a statement, and the other none.
fn in_first_alone(first: &Connection, other: &Connection) -> rusqlite::Result<HashSet<i64>> {
    let places = |conn: &Connection| -> rusqlite::Result<HashSet<i64>> {
        conn.prepare("SELECT seq FROM statement")?
            .query_map([], |row| row.get(0))?
            .collect()
    };
    Ok(&places(first)? - &places(other)?)
}

/// Statements on their way into a file, as ones that may have been sent.
pub(super) struct Saving<'a> {
    tx: &'a Connection,
    tail: Tail,
    moves: Vec<Moves>,
    queued: u64,
    history: u64,
    /// The file has others under their ids.
    refused: u64,
}

impl<'a> Saving<'a> {
    pub(super) fn begin(tx: &'a Connection) -> Result<Self, StoreError> {
        Ok(Self {
            tx,
            tail: Tail::read(tx)?,
            moves: Moves::of_all(tx)?,
            queued: 0,
            history: 0,
            refused: 0,
        })
    }

    pub(super) fn save(&mut self, found: Found) -> Result<(), StoreError> {
        let bytes = found.body.len() as i64;
        let recorded_at = found.recorded_at;
        let delivered_at = found.delivered_at;
        let not_for = found.not_for;
        match append_one(self.tx, &mut self.tail, &found.into(), not_for, recorded_at) {
            Ok(Appended::Known) => self.queued += 1,
            Ok(Appended::New) => match delivered_at {
                None => self.queued += 1,
                // It is at the LRS: it stays what it was.
                Some(at) => {
                    self.history += 1;
                    let concerned = self.moves.iter_mut();
                    for moves in concerned.filter(|moves| !moves.upstream.is_in(not_for)) {
                        moves.leave_queue(Place::Delivered, bytes);
                    }
                    history::keep(self.tx, self.tail.seq, at)?;
                }
            },
            Err(Refused::OtherContent(_)) => self.refused += 1,
            Err(Refused::Store(error)) => return Err(error),
        }
        Ok(())
    }

    /// Returns how many it has now.
    pub(super) fn saved(&self) -> u64 {
        self.queued + self.history
    }

    pub(super) fn end(mut self) -> Result<Self, StoreError> {
        self.tx
            .execute("UPDATE upstream SET sent_through = ?1", [self.tail.seq])?;
        for moves in std::mem::take(&mut self.moves) {
            moves.write(self.tx)?;
        }
        Ok(self)
    }
}

impl From<Found> for Prepared {
    /// What its checksum has proved to be as it was recorded need not be checked anew.
    fn from(found: Found) -> Self {
        Self {
            id: found.id,
            body: found.body,
            timestamp_ms: found.happened_at,
            timestamp_is_ours: found.traits & TIMESTAMP_IS_OURS != 0,
            steady: found.steady,
            needs_2_0: found.traits & NEEDS_2_0 != 0,
            voids: found.voids,
            needs_attachment_content: false,
            warnings: Warnings::default(),
        }
    }
}

/// By SQLite, for what lies in a few places of their own. None where that would make another file of it.
fn open_damaged(path: &Path) -> Option<Connection> {
    if !path
        .metadata()
        .is_ok_and(|file| file.len() >= u64::from(PAGE_BYTES))
    {
        return None;
    }
    // Not read-only: a write-ahead log beside the file wants to be read too.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let old = Connection::open_with_flags(path, flags).ok()?;
    // It is kept as it is: nothing is folded into it when it is closed.
    old.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .ok()?;
    // With it SQLite reads a file that is shorter than its header says, too.
    old.execute_batch("PRAGMA writable_schema = ON").ok()?;
    Some(old)
}
