//! Takes statements in.

use rusqlite::{Connection, params};
use serde_json::Value;
use uuid::Uuid;

use super::again::{queue_again, release_for_new};
use super::body;
use super::checksum::Frozen;
use super::end::Tail;
use super::flags::NEEDS_2_0;
use super::flags::TIMESTAMP_IS_OURS;
use super::given_up_ids;
use super::ids;
use crate::statement::Prepared;
use crate::store::ledger_file::notes::Withdrawn;
use crate::store::upstream::route::Routes;
use crate::store::{Db, Millis, StoreError};

/// Statements that are recorded together or not at all.
pub type Candidate = Vec<Prepared>;

/// Result for one statement of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Newly in the queue.
    New,
    /// Recorded before with the same content, and given up at some upstream since: queued for that one again.
    Again,
    /// Recorded before with the same content; nothing has changed.
    Known,
}

/// Reason why nothing of a candidate was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Another statement was recorded under this id.
    OtherContent(Uuid),
    /// The file could not be written.
    Store(StoreError),
}

impl Appended {
    /// Tells whether the recording has a place of its own in the log.
    pub fn has_a_place(self) -> bool {
        self != Self::Known
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Db {
    /// Takes in all candidates in one transaction. A candidate that is refused leaves nothing behind and does
    /// not affect the others; if the commit fails, all have failed.
    pub fn append(
        &mut self,
        candidates: &[&Candidate],
        now: Millis,
    ) -> Vec<Result<Vec<Appended>, Refused>> {
        self.append_if(candidates, now, |_| Ok(()))
    }

    /// Like `append`, but commits only if `before_commit` returns no error.
    pub(crate) fn append_if(
        &mut self,
        candidates: &[&Candidate],
        now: Millis,
        before_commit: impl FnOnce(&Self) -> Result<(), StoreError>,
    ) -> Vec<Result<Vec<Appended>, Refused>> {
        let outcome = self.together(|db| {
            let tx = &db.conn;
            let tail = Tail::read(tx)?;
            db.appended_after = tail.seq;
            let mut taking = Taking {
                tx,
                tail,
                routes: Routes::read(tx)?,
                are_given_up: given_up_ids::are_there(tx)?,
                notes: Vec::new(),
                now,
            };
            let outcomes = candidates.iter().map(|one| taking.take_all(one));
            let outcomes = outcomes.collect::<Result<Vec<_>, _>>()?;
            db.leaving.notes.append(&mut taking.notes);
            before_commit(db)?;
            // Inside the transaction this costs next to nothing.
            let version = db.version();
            if let Some(keeper) = &mut db.keeper {
                keeper.meet(version);
                // Nothing is taken in unless its loss could be noticed later.
                let ready = keeper.make_ready();
                ready.map_err(|error| db.not_kept(&error))?;
            }
            Ok::<_, StoreError>(outcomes)
        });
        match outcome {
            Ok(outcomes) => outcomes,
            Err(error) => candidates
                .iter()
                .map(|_| Err(Refused::Store(error.clone())))
                .collect(),
        }
    }
}

impl Db {
    /// Undoes what the last commit took in: these ids, after that place in the log. Allowed only before anybody
    /// has seen them.
    pub(crate) fn take_back(&mut self, after: i64, ids: &[Uuid]) -> Result<(), StoreError> {
        self.write(|tx| {
            for id in ids {
                tx.prepare_cached("DELETE FROM statement WHERE seq > ?1 AND id = ?2")?
                    .execute(params![after, id.as_bytes()])?;
            }
            Ok(())
        })
    }

    /// Counts newly recorded statements in the `.ledger` file.
    pub(crate) fn count_appended(
        &mut self,
        outcomes: &[Result<Vec<Appended>, Refused>],
    ) -> Result<(), StoreError> {
        let new = outcomes.iter().flatten().flatten();
        let new = new.filter(|one| one.has_a_place()).count();
        match &mut self.keeper {
            Some(keeper) if keeper.can_add() => {
                let added = keeper.add(new as u64);
                added.map_err(|error| self.not_kept(&error))
            }
            _ => self.try_to_keep_numbers(),
        }
    }
}

/// An outer error ends the transaction, an inner one affects this candidate only.
type OneCandidate = Result<Result<Vec<Appended>, Refused>, StoreError>;

/// A transaction that takes candidates in.
struct Taking<'a> {
    tx: &'a Connection,
    tail: Tail,
    routes: Routes,
    /// Tells whether any id was given up.
    are_given_up: bool,
    notes: Vec<Withdrawn>,
    now: Millis,
}

impl Taking<'_> {
    fn take_all(&mut self, candidate: &Candidate) -> OneCandidate {
        if let [only] = candidate.as_slice() {
            return split(self.take(only).map(|appended| vec![appended]));
        }
        let (before, noted) = (self.tail, self.notes.len());
        self.tx.execute_batch("SAVEPOINT candidate")?;
        let appended = candidate.iter().map(|one| self.take(one));
        let outcome = split(appended.collect::<Result<_, _>>())?;
        if outcome.is_err() {
            self.tail = before;
            self.notes.truncate(noted);
            self.tx.execute_batch("ROLLBACK TO candidate")?;
        }
        self.tx.execute_batch("RELEASE candidate")?;
        Ok(outcome)
    }

    fn take(&mut self, one: &Prepared) -> Result<Appended, Refused> {
        let not_for = self.routes.not_for(self.tx, one)?;
        let appended = append_one(self.tx, &mut self.tail, one, not_for, self.now)?;
        if !self.are_given_up {
            return Ok(appended);
        }
        match appended {
            Appended::Known => {
                let notes = &mut self.notes;
                Ok(queue_again(self.tx, &mut self.tail, one, notes, self.now)?)
            }
            appended => {
                release_for_new(self.tx, one.id, not_for, self.now)?;
                Ok(appended)
            }
        }
    }
}

fn split<T>(result: Result<T, Refused>) -> Result<Result<T, Refused>, StoreError> {
    match result {
        Err(Refused::Store(error)) => Err(error),
        other => Ok(other),
    }
}

/// Takes one statement in, except for the upstreams with these bits.
pub(crate) fn append_one(
    tx: &Connection,
    tail: &mut Tail,
    one: &Prepared,
    not_for: i64,
    now: Millis,
) -> Result<Appended, Refused> {
    let order = ids::order(one.id).filter(|order| *order > tail.ids_until);
    let before = match order {
        Some(_) => ids::find_loose(tx, one.id)?,
        // The insertion finds it among the loose ones.
        None => ids::find_in_order(tx, one.id)?,
    };
    if let Some(seq) = before {
        return known(tx, seq, one);
    }
    let next = Tail {
        seq: tail.seq + 1,
        end: tail.end + body::length(&one.body, &one.contents),
        ids_until: order.unwrap_or(tail.ids_until),
    };
    let frozen = Frozen {
        id: one.id,
        recorded_at: now,
        happened_at: one.timestamp_ms,
        steady: one.steady,
        traits: traits(one),
        voids: one.voids,
        not_for,
        body: &one.body,
        contents: &one.contents,
    };
    let inserted = tx
        .prepare_cached(
            "INSERT INTO statement
             (seq, id, loose, ids_until, recorded_at, happened_at, ends_at, steady_at, boot, traits, voids, sum, body, not_for, contents)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            next.seq,
            one.id.as_bytes(),
            order.is_none(),
            next.ids_until,
            now,
            one.timestamp_ms,
            next.end,
            one.steady.map(|steady| steady.ms),
            one.steady.map(|steady| steady.boot),
            frozen.traits,
            one.voids.as_ref().map(Uuid::as_bytes),
            frozen.sum(),
            body::encode(&one.body),
            not_for,
            body::encode_contents(&one.contents),
        ]);
    match inserted {
        Ok(_) => {
            *tail = next;
            exclude(tx, not_for, body::length(&one.body, &one.contents))?;
            if let Some(target) = one.voids {
                let at = given_up_ids::upstreams(tx, target)?;
                given_up_ids::hold_what_voids(tx, &at, target, next.seq, now)?;
            }
            Ok(Appended::New)
        }
        Err(error) if is_unique_violation(&error) => {
            let seq = ids::find_loose(tx, one.id)?.ok_or(error)?;
            known(tx, seq, one)
        }
        Err(error) => Err(error.into()),
    }
}

/// Counts a statement at the upstreams that it is not for.
fn exclude(tx: &Connection, not_for: i64, bytes: i64) -> rusqlite::Result<()> {
    if not_for != 0 {
        tx.prepare_cached(
            "UPDATE upstream SET excluded = excluded + 1, excluded_bytes = excluded_bytes + ?2
             WHERE ?1 & (1 << (id - 1)) <> 0",
        )?
        .execute([not_for, bytes])?;
    }
    Ok(())
}

fn traits(one: &Prepared) -> i64 {
    let mut bits = 0;
    if one.needs_2_0 {
        bits |= NEEDS_2_0;
    }
    if one.timestamp_is_ours {
        bits |= TIMESTAMP_IS_OURS;
    }
    bits
}

fn is_unique_violation(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
}

/// Compares a statement with the one recorded under its id.
fn known(tx: &Connection, seq: i64, one: &Prepared) -> Result<Appended, Refused> {
    let body = tx
        .prepare_cached("SELECT body FROM statement WHERE seq = ?1")?
        .query_row([seq], |row| Ok(body::read(row, 0)?.into_owned()))?;
    // A timestamp that Pannier filled in says nothing about what the app means. One that the app gives does,
    // even if the known statement has Pannier's: the app's would never be sent.
    if body == one.body || mean_the_same(&body, &one.body, !one.timestamp_is_ours) {
        Ok(Appended::Known)
    } else {
        Err(Refused::OtherContent(one.id))
    }
}

fn mean_the_same(known: &[u8], new: &[u8], timestamp_counts: bool) -> bool {
    let of = |body| {
        let meaning = Meaning::of(body);
        if timestamp_counts {
            meaning
        } else {
            meaning.map(Meaning::without_timestamp)
        }
    };
    match (of(known), of(new)) {
        (Some(known), Some(new)) => known == new,
        _ => false,
    }
}

/// A statement's meaning: its JSON value, whatever the layout. The comparison is stricter than what an LRS may
/// change: both statements under the id come from the app.
#[derive(PartialEq, Eq, Hash)]
pub struct Meaning(serde_json::Map<String, Value>);

impl Meaning {
    /// Reads this JSON object; none if it is not one.
    pub fn of(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().map(Self)
    }

    /// Leaves the timestamp out of the comparison, since Pannier filled it in for one of the two.
    #[must_use]
    pub fn without_timestamp(mut self) -> Self {
        self.0.remove("timestamp");
        self
    }
}
