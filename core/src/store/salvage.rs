//! A damaged file: it is set aside whole, and what can be read of it is saved into a new one.
//!
//! Which of its statements were delivered may be unreadable too, so all that are found are queued
//! again, as ones that may have reached the LRS before; it knows them by their ids.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use uuid::Uuid;

use super::append::{Tail, append_one};
use super::{Db, Millis, StoreError};
use crate::statement::{Fill, Prepared, XapiVersion, prepare};

/// What became of a damaged file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Salvaged {
    /// What was wrong.
    pub damage: String,
    /// Where the damaged file is kept, whole.
    pub kept_at: PathBuf,
    /// Statements that were saved into the new file.
    pub saved: u64,
    /// Rows that were met but could not be read, or are no longer the statement they were.
    pub unreadable: u64,
}

/// Renames the file and the two that belong to it.
pub(super) fn set_aside(path: &Path, now: Millis) -> Result<PathBuf, StoreError> {
    let mut kept_at = with_suffix(path, &format!(".damaged-{now}"));
    while kept_at.exists() {
        kept_at = with_suffix(&kept_at, "-again");
    }
    for suffix in ["-wal", "-shm", ""] {
        let from = with_suffix(path, suffix);
        if from.exists() {
            std::fs::rename(&from, with_suffix(&kept_at, suffix)).map_err(|error| {
                StoreError::CannotOpen {
                    path: path.to_path_buf(),
                    reason: format!("it is damaged, and setting it aside failed: {error}"),
                }
            })?;
        }
    }
    Ok(kept_at)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Reads what can be read of the file kept at `kept_at` into the new, empty one.
pub(super) fn rescue(db: &mut Db, kept_at: PathBuf, damage: &str) -> Result<Salvaged, StoreError> {
    let mut salvaged = Salvaged {
        damage: damage.to_owned(),
        kept_at,
        saved: 0,
        unreadable: 0,
    };
    // A copy of what is read stays in the old file, so a failure in here loses nothing.
    let Ok(old) = open_damaged(&salvaged.kept_at) else {
        return Ok(salvaged);
    };
    let seqs = readable_seqs(&old);
    db.write(|tx| {
        let mut tail = Tail::read(tx)?;
        for seq in seqs {
            match read_one(&old, seq) {
                Some((recorded_at, statement))
                    if append_one(tx, &mut tail, &statement, recorded_at).is_ok() =>
                {
                    salvaged.saved += 1;
                }
                _ => salvaged.unreadable += 1,
            }
        }
        if let Ok(endpoint) = old.query_row("SELECT endpoint FROM upstream", [], |row| {
            row.get::<_, Option<String>>(0)
        }) {
            tx.execute("UPDATE upstream SET endpoint = ?1", [endpoint])?;
        }
        tx.execute("UPDATE upstream SET sent_through = ?1", [tail.seq])?;
        Ok(())
    })?;
    Ok(salvaged)
}

fn open_damaged(path: &Path) -> rusqlite::Result<Connection> {
    // Not read-only: a write-ahead log beside the file wants to be read too.
    let old = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
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
    );
    if front.whole {
        return front.seqs;
    }
    let back = walk(
        old,
        "SELECT seq FROM statement WHERE seq < ?1 ORDER BY seq DESC LIMIT 500",
        i64::MAX,
    );
    let low = front.seqs.last().copied().unwrap_or(0);
    let high = back.seqs.last().copied().unwrap_or(0);
    let mut seqs = front.seqs;
    seqs.extend(low + 1..high);
    seqs.extend(back.seqs.into_iter().rev().filter(|&seq| seq > low));
    seqs
}

struct Walk {
    seqs: Vec<i64>,
    /// The end was reached without an error.
    whole: bool,
}

fn walk(old: &Connection, sql: &str, start: i64) -> Walk {
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
                Ok(seq) => seqs.push(seq),
                Err(_) => return Walk { seqs, whole: false },
            }
        }
        match seqs.last() {
            Some(&last) if seqs.len() > before => at = last,
            _ => return Walk { seqs, whole: true },
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
