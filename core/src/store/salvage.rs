//! A damaged file: what can be read of it is saved into a new one, and it is set aside whole.
//!
//! Which of its statements were delivered may be unreadable too, so all that are found are queued
//! again, as ones that may have reached the LRS before; it knows them by their ids.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use uuid::Uuid;

use super::append::{Refused, Tail, append_one};
use super::upstream::UNDELIVERED;
use super::{Db, Millis, StoreError, ledger, loss};
use crate::statement::{Fill, Prepared, XapiVersion, prepare};

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
}

/// Reads what can be read of the file at `path` into a new, empty one.
pub(super) fn rescue(
    new: &mut Db,
    path: &Path,
    damage: &str,
    now: Millis,
) -> Result<Salvaged, StoreError> {
    let mut salvaged = Salvaged {
        damage: damage.to_owned(),
        kept_at: None,
        saved: 0,
        unreadable: 0,
        lost: 0,
    };
    let old = open_damaged(path).ok();
    new.write(|tx| {
        if let Some(old) = &old {
            (salvaged.saved, salvaged.unreadable) = copy(tx, old, readable_seqs(old))?;
            if let Ok(endpoint) = old.query_row("SELECT endpoint FROM upstream", [], |row| {
                row.get::<_, Option<String>>(0)
            }) {
                tx.execute("UPDATE upstream SET endpoint = ?1", [endpoint])?;
            }
            // What nobody has read of yet is told on.
            for (noticed_at, before) in loss::of(old).unwrap_or_default() {
                loss::write(tx, noticed_at, &before)?;
            }
            salvaged.lost = undelivered(old).saturating_sub(salvaged.saved);
        }
        Ok(loss::write(tx, now, &salvaged)?)
    })?;
    Ok(salvaged)
}

/// How many the file says that it should have; 0 where it says nothing any more.
fn undelivered(old: &Connection) -> u64 {
    ledger::read(old).map_or(0, |ledger| ledger.queued + ledger.waiting + ledger.held)
}

/// Takes over what is not delivered from a file that another one has replaced.
pub(super) fn take_over(new: &mut Db, old: &Db) -> Result<(), StoreError> {
    let seqs: Vec<i64> = old
        .conn
        .prepare(&format!(
            "SELECT seq FROM statement WHERE {UNDELIVERED} ORDER BY seq"
        ))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    new.write(|tx| copy(tx, &old.conn, seqs).map(drop))
}

/// Queues these anew, as ones that may have been sent. Returns how many, and how many could not be read
/// or stand in the new file under another content.
fn copy(tx: &Connection, old: &Connection, seqs: Vec<i64>) -> Result<(u64, u64), StoreError> {
    let mut tail = Tail::read(tx)?;
    let (mut saved, mut unreadable) = (0, 0);
    for seq in seqs {
        let Some((recorded_at, statement)) = read_one(old, seq) else {
            unreadable += 1;
            continue;
        };
        match append_one(tx, &mut tail, &statement, recorded_at) {
            Ok(_) => saved += 1,
            Err(Refused::OtherContent(_)) => unreadable += 1,
            Err(Refused::Store(error)) => return Err(error),
        }
    }
    tx.execute("UPDATE upstream SET sent_through = ?1", [tail.seq])?;
    Ok((saved, unreadable))
}

fn open_damaged(path: &Path) -> rusqlite::Result<Connection> {
    // Not read-only: a write-ahead log beside the file wants to be read too.
    let old = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // It is kept as it is: nothing is folded into it when it is closed.
    old.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // With it SQLite reads a file that is shorter than its header says, too.
    old.execute_batch("PRAGMA writable_schema = ON")?;
    Ok(old)
}

/// Every row number that can be reached: from the front until the damage, from the back until the
/// damage, and one by one in between.
fn readable_seqs(old: &Connection) -> Vec<i64> {
    let front = walk(
        old,
        "SELECT seq FROM statement WHERE seq > ?1 ORDER BY seq LIMIT 500",
        0,
        |last, next| next > last,
    );
    if front.whole {
        return front.seqs;
    }
    let back = walk(
        old,
        "SELECT seq FROM statement WHERE seq < ?1 ORDER BY seq DESC LIMIT 500",
        i64::MAX,
        |last, next| next < last,
    );
    let low = front.seqs.last().copied().unwrap_or(0);
    let high = back.seqs.last().copied().unwrap_or(0);
    let mut seqs = front.seqs;
    // A number may be damaged too: no more are looked for than the file has room for.
    seqs.extend((low + 1..high).take(most_rows(old)));
    seqs.extend(back.seqs.into_iter().rev().filter(|&seq| seq > low));
    seqs
}

/// The shortest valid statement takes more bytes than this.
const LEAST_BYTES: u64 = 100;

fn most_rows(old: &Connection) -> usize {
    let file = old.path().and_then(|path| std::fs::metadata(path).ok());
    file.map_or(0, |file| (file.len() / LEAST_BYTES) as usize)
}

struct Walk {
    seqs: Vec<i64>,
    /// The end was reached without an error.
    whole: bool,
}

/// Goes on as long as each number `follows` the last: in a damaged tree the way may lead in a circle.
fn walk(old: &Connection, sql: &str, start: i64, follows: fn(i64, i64) -> bool) -> Walk {
    let mut seqs = Vec::new();
    let mut at = start;
    loop {
        let Ok(mut query) = old.prepare_cached(sql) else {
            return Walk { seqs, whole: false };
        };
        let Ok(rows) = query.query_map([at], |row| row.get::<_, i64>(0)) else {
            return Walk { seqs, whole: false };
        };
        let before = seqs.len();
        for row in rows {
            match row {
                Ok(seq) if follows(at, seq) => {
                    seqs.push(seq);
                    at = seq;
                }
                _ => return Walk { seqs, whole: false },
            }
        }
        if seqs.len() == before {
            return Walk { seqs, whole: true };
        }
    }
}

/// Reads one statement, and makes sure that it still is one: the right id, and as valid as when it
/// was recorded.
fn read_one(old: &Connection, seq: i64) -> Option<(Millis, Prepared)> {
    let (id, recorded_at, body): ([u8; 16], Millis, Vec<u8>) = old
        .prepare_cached("SELECT id, recorded_at, body FROM statement WHERE seq = ?1")
        .and_then(|mut query| {
            query.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        })
        .ok()?;
    let id = Uuid::from_bytes(id);
    let fill = Fill {
        id,
        now_ms: recorded_at,
    };
    let prepared = [XapiVersion::V2_0_0, XapiVersion::V1_0_3]
        .into_iter()
        .find_map(|version| prepare(&body, version, &fill).ok())?;
    (prepared.id == id && prepared.body == body).then_some((recorded_at, prepared))
}
