//! Finds a statement by its id, and keeps ids unique, with no index for most of them.
//!
//! The ids that Pannier makes (version 7) grow with time, and so along the log. An id greater than all earlier
//! ones in order is *in order* and is found by binary search of the log. Every other id is *loose* and is
//! indexed: ids of the app's own, and those made after a clock was set back. An index on all ids would cost
//! each record, and each delivery, another page.

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

/// Returns the sort key of an id; none for one that is always loose.
pub(crate) fn order(id: Uuid) -> Option<i64> {
    (id.get_version_num() == 7)
        .then(|| (id.as_u128() >> 64) as i64)
        .filter(|order| *order > 0)
}

/// Returns the place of the statement with this id.
pub(crate) fn find(conn: &Connection, id: Uuid) -> rusqlite::Result<Option<i64>> {
    match find_loose(conn, id)? {
        None => find_in_order(conn, id),
        found => Ok(found),
    }
}

pub(crate) fn find_loose(conn: &Connection, id: Uuid) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT seq FROM statement WHERE id = ?1 AND loose = 1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()
}

pub(crate) fn find_in_order(conn: &Connection, id: Uuid) -> rusqlite::Result<Option<i64>> {
    let Some(order) = order(id) else {
        return Ok(None);
    };
    // If present, it is the first one whose ids_until is not below its own.
    let ends: (Option<i64>, Option<i64>) = conn
        .prepare_cached(
            "SELECT (SELECT min(seq) FROM statement), (SELECT max(seq) FROM statement)",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(mut low), Some(mut high)) = ends else {
        return Ok(None);
    };
    let mut look = conn.prepare_cached(
        "SELECT seq, ids_until FROM statement WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1",
    )?;
    while low < high {
        let middle = low + (high - low) / 2;
        let (seq, until): (i64, i64) =
            look.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if seq > middle {
            // In a damaged tree the search would never end.
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, seq));
        }
        if until < order {
            low = middle + 1;
        } else {
            high = seq;
        }
    }
    conn.prepare_cached("SELECT seq FROM statement WHERE seq = ?1 AND id = ?2 AND loose = 0")?
        .query_row((low, id.as_bytes()), |row| row.get(0))
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::{Fill, Prepared, XapiVersion, prepare};
    use crate::store::{Appended, Db, Durability, Refused, Unchanged, UpstreamId};

    const NOW: i64 = 1_800_000_000_000;

    fn with_id(id: Uuid, response: &str) -> Prepared {
        let text = format!(
            r#"{{"actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},
            "object":{{"id":"http://example.com/1"}},"result":{{"response":"{response}"}}}}"#
        );
        prepare(
            text.as_bytes(),
            XapiVersion::V2_0_0,
            &Fill { id, now_ms: NOW },
        )
        .unwrap()
    }

    /// Ids of every kind in every order, with gaps in the log: each is found, and none is taken in twice.
    #[test]
    fn every_id_is_found_and_none_is_taken_in_twice() {
        let mut rng = fastrand::Rng::with_seed(6);
        for round in 0..40 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("queue.db");
            let mut db = Db::open(&path, Durability::ProcessCrash, NOW).unwrap().db;
            let mut there: Vec<Uuid> = Vec::new();
            let mut gone: Vec<Uuid> = Vec::new();
            let mut clock = 1_000_000;
            for step in 0..300_u128 {
                // A clock that runs, stands still, is set back, and apps that make ids of their own.
                clock = match rng.u8(..20) {
                    0 => clock / 2,
                    1..4 => clock,
                    _ => clock + rng.u64(..5_000),
                };
                let id = match rng.u8(..4) {
                    0 if round % 2 == 0 => Uuid::from_u128(rng.u128(..) & !(0xf << 76) | 4 << 76),
                    1 if round % 4 == 0 => Uuid::from_u128(step),
                    _ => uuid::Builder::from_unix_timestamp_millis(
                        clock,
                        &rng.u128(..).to_be_bytes()[..10].try_into().unwrap(),
                    )
                    .into_uuid(),
                };
                assert_eq!(
                    db.append(&[&vec![with_id(id, "new")]], NOW)[0],
                    Ok(vec![Appended::New])
                );
                there.push(id);
                if rng.u8(..3) == 0 {
                    let id = there.swap_remove(rng.usize(..there.len()));
                    db.retract(id, 0).unwrap();
                    gone.push(id);
                }
            }
            for id in &there {
                assert_eq!(
                    db.append(&[&vec![with_id(*id, "new")]], NOW)[0],
                    Ok(vec![Appended::Known])
                );
                let other = db.append(&[&vec![with_id(*id, "other")]], NOW);
                assert_eq!(other[0], Err(Refused::OtherContent(*id)));
            }
            for id in gone {
                assert_eq!(db.retract(id, 0), Err(Unchanged::Unknown));
            }
            let queued = db.ledger(UpstreamId::MAIN).unwrap().queued;
            assert_eq!(queued as usize, there.len());
            for id in there {
                db.retract(id, 0).unwrap();
            }
            assert_eq!(db.ledger(UpstreamId::MAIN).unwrap().queued, 0);
        }
    }
}
