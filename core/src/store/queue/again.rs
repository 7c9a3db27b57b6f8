//! Takes in again, under its own id, what the app gave up at an upstream.
//!
//! A statement that others have or need is still in the file, where an id never stands for two; so it keeps its place
//! and waits aside there. The recording has a place of its own at the end of the log, which stays empty: by that it
//! counts as one more where the statement is to be delivered again, and as none elsewhere.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::append::Appended;
use super::end::Tail;
use super::ledger::{Counter, Moves};
use super::voidings::release_voidings;
use super::{given_up_ids, ids};
use crate::statement::Prepared;
use crate::store::ledger_file::notes::Withdrawn;
use crate::store::upstream::backfill::be_no_history;
use crate::store::upstream::list;
use crate::store::{Millis, StoreError, UpstreamId};

/// Releases, at the upstreams that a statement newly recorded is for, what was held as its id was given up there.
pub(crate) fn release_for_new(
    tx: &Connection,
    id: Uuid,
    not_for: i64,
    now: Millis,
) -> rusqlite::Result<()> {
    for upstream in given_up_ids::upstreams(tx, id)? {
        if !upstream.is_in(not_for) {
            let mut moves = Moves::of(upstream);
            release(tx, &mut moves, id, now)?;
            moves.write(tx)?;
        }
    }
    Ok(())
}

/// Queues a statement that is in the file again for the upstreams where the app gave it up, and for no others; one that
/// voids what was given up there is held. `notes` get a line for each upstream.
pub(crate) fn queue_again(
    tx: &Connection,
    tail: &mut Tail,
    one: &Prepared,
    notes: &mut Vec<Withdrawn>,
    now: Millis,
) -> Result<Appended, StoreError> {
    let Some(seq) = ids::find(tx, one.id)? else {
        return Ok(Appended::Known);
    };
    let given_up: Vec<UpstreamId> = tx
        .prepare_cached("SELECT upstream FROM done_with WHERE seq = ?1 AND NOT delivered")?
        .query_map([seq], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let Some(&first) = given_up.first() else {
        return Ok(Appended::Known);
    };
    be_no_history(tx, first, seq)?;
    for &upstream in &given_up {
        let mut moves = Moves::of(upstream);
        moves.fill(Counter::Waiting, 1);
        wait_again(tx, upstream, seq, now)?;
        release(tx, &mut moves, one.id, now)?;
        moves.write(tx)?;
        notes.push(Withdrawn::new(seq, one.id, Counter::Waiting).at(Some(upstream)));
    }
    if let Some(target) = one.voids {
        let mut at = given_up_ids::upstreams(tx, target)?;
        at.retain(|upstream| given_up.contains(upstream));
        given_up_ids::hold_what_voids(tx, &at, target, seq, now)?;
    }
    take_an_empty_place(tx, tail, &given_up)?;
    Ok(Appended::Again)
}

/// Puts it aside as one that the app wants tried again, due at once. A mark that it may have been sent there stays with it.
fn wait_again(
    tx: &Connection,
    upstream: UpstreamId,
    seq: i64,
    now: Millis,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO aside (seq, upstream, held, reason, since, due, sent)
         SELECT ?1, ?2, 0, 'retry', ?3, ?3, EXISTS (SELECT 1 FROM sent_ahead WHERE seq = ?1 AND upstream = ?2)",
    )?
    .execute(params![seq, upstream, now])?;
    for sql in [
        "DELETE FROM sent_ahead WHERE seq = ?1 AND upstream = ?2",
        "DELETE FROM done_with WHERE seq = ?1 AND upstream = ?2",
    ] {
        tx.prepare_cached(sql)?.execute(params![seq, upstream])?;
    }
    Ok(())
}

/// Gives out a place in the log that counts for these upstreams and for no others.
fn take_an_empty_place(
    tx: &Connection,
    tail: &mut Tail,
    counted: &[UpstreamId],
) -> rusqlite::Result<()> {
    Tail::remember(tx)?;
    tail.seq += 1;
    tx.prepare_cached("UPDATE ledger SET last_seq = ?1")?
        .execute([tail.seq])?;
    for upstream in list::all(tx)? {
        if !counted.contains(&upstream) {
            tx.prepare_cached("UPDATE upstream SET excluded = excluded + 1 WHERE id = ?1")?
                .execute([upstream])?;
        }
    }
    Ok(())
}

/// Forgets that this id was given up there, and lets what voids it wait for it.
pub(crate) fn release(
    tx: &Connection,
    moves: &mut Moves,
    id: Uuid,
    now: Millis,
) -> rusqlite::Result<()> {
    given_up_ids::forget(tx, moves.upstream, id)?;
    release_voidings(tx, moves, id, now)
}
