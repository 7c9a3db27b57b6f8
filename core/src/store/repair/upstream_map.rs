//! Mapping of one file's upstreams to those of another, into which its statements are saved.

use rusqlite::{Connection, params};

use crate::store::queue::conditions::{self, undelivered};
use crate::store::queue::end::Tail;
use crate::store::upstream::list;
use crate::store::{Route, StoreError, UpstreamId};

/// Upstreams of the old file (there), each with the one that it is in the new file (here).
pub(crate) struct Carried(Vec<One>);

struct One {
    there: UpstreamId,
    here: UpstreamId,
    /// Last place there whose statement is not for it, nor is any before.
    begins_after: i64,
}

impl Carried {
    /// Adds the upstreams that are not here yet; of a damaged file, those that can be read. Each gets its endpoint and
    /// route from there, if it has no endpoint here.
    pub(crate) fn over(old: Option<&Connection>, tx: &Connection) -> Result<Self, StoreError> {
        let mut carried = Vec::new();
        for (there, name, begins_after, endpoint, route) in old.map(read).unwrap_or_default() {
            let here = if let Some(known) = list::named(tx, &name)? {
                known
            } else {
                list::add(tx, &name, Some(there), Tail::read(tx)?)?
            };
            tx.prepare_cached(
                "UPDATE upstream SET endpoint = ?2, route = ?3 WHERE id = ?1 AND endpoint IS NULL",
            )?
            .execute(params![here, endpoint, route])?;
            carried.push(One {
                there,
                here,
                begins_after,
            });
        }
        let has_main = carried.iter().any(|one| one.there == UpstreamId::MAIN);
        if !has_main {
            carried.push(One {
                there: UpstreamId::MAIN,
                here: UpstreamId::MAIN,
                begins_after: 0,
            });
        }
        Ok(Self(carried))
    }

    /// Returns the upstream here for this one there.
    pub(crate) fn here(&self, there: u64) -> Option<UpstreamId> {
        let mut all = self.0.iter();
        all.find(|one| u64::from(one.there.number()) == there)
            .map(|one| one.here)
    }

    /// Returns the bits here of the upstreams that have these there.
    pub(crate) fn bits(&self, there: i64) -> i64 {
        let all = self.0.iter().filter(|one| one.there.is_in(there));
        all.fold(0, |bits, one| bits | one.here.bit())
    }

    /// Returns the bits of the upstreams here that a statement is not for, given its place and its bits there.
    pub(crate) fn not_for(&self, seq: i64, not_for: i64) -> i64 {
        let excluded = self
            .0
            .iter()
            .filter(|one| one.there.is_in(not_for) || seq <= one.begins_after);
        excluded.fold(0, |bits, one| bits | one.here.bit())
    }

    /// Returns the same for a statement that SQLite can read there: it is for those it is still to be delivered to.
    pub(crate) fn not_due(
        &self,
        old: &Connection,
        tx: &Connection,
        seq: i64,
    ) -> rusqlite::Result<i64> {
        let mut not_for = list::all(tx)?
            .into_iter()
            .fold(0, |bits, here| bits | here.bit());
        for one in &self.0 {
            if conditions::is(old, &undelivered(one.there), seq)? {
                not_for &= !one.here.bit();
            }
        }
        Ok(not_for)
    }
}

type Read = (UpstreamId, String, i64, Option<String>, Route);

fn read(old: &Connection) -> Vec<Read> {
    let Ok(mut query) =
        old.prepare("SELECT id, name, begins_after, endpoint, route FROM upstream ORDER BY id")
    else {
        return Vec::new();
    };
    let rows = query.query_map([], |row| {
        let route = row.get::<_, Option<Route>>(4)?.unwrap_or_default();
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, route))
    });
    match rows {
        Ok(rows) => rows.map_while(Result::ok).collect(),
        Err(_) => Vec::new(),
    }
}
