//! Voidings of statements that the app has given up: they stay held where they are saved into another file. A statement
//! is found there by its content alone, not with the place where it was held.

use std::collections::BTreeMap;

use rusqlite::Connection;
use uuid::Uuid;

use super::upstream_map::Carried;
use crate::store::ledger_file::notes::Noted;
use crate::store::queue::checksum::Found;
use crate::store::queue::ids;
use crate::store::queue::ledger::Moves;
use crate::store::queue::locate::{State, locate};
use crate::store::queue::voidings::hold_voiding;
use crate::store::{Millis, UpstreamId};

/// Account of the held voidings, by a file and the notes beside it.
pub(crate) struct HeldVoidings<'a> {
    noted: &'a Noted,
    /// Bits of the upstreams that each is held for, by place.
    held: BTreeMap<i64, i64>,
}

impl<'a> HeldVoidings<'a> {
    /// Relies on the notes alone.
    pub(crate) fn noted(noted: &'a Noted) -> Self {
        let held = BTreeMap::new();
        Self { noted, held }
    }

    /// Relies on the notes, and on the file as far as it can be read.
    pub(crate) fn of(old: &Connection, noted: &'a Noted) -> Self {
        let mut both = Self::noted(noted);
        let sql = "SELECT seq, upstream FROM aside WHERE held = 1 AND reason = 'target_given_up'";
        if let Ok(mut query) = old.prepare(sql)
            && let Ok(rows) = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        {
            for (seq, upstream) in rows.map_while(Result::ok) {
                let upstream: UpstreamId = upstream;
                *both.held.entry(seq).or_default() |= upstream.bit();
            }
        }
        both
    }

    /// Returns the voiding to be held again, if the statement that stood in that place is one. In the new file
    /// upstreams have other numbers.
    pub(crate) fn again(
        &self,
        seq: i64,
        found: &Found,
        upstreams: Option<&Carried>,
    ) -> Option<HeldVoiding> {
        let target = found.voids?;
        let here = |bits| upstreams.map_or(bits, |upstreams| upstreams.bits(bits));
        let held = HeldVoiding {
            id: found.id,
            target,
            held: here(self.held.get(&seq).copied().unwrap_or(0)),
            noted: here(self.noted.target_given_up(target)),
        };
        (held.held | held.noted != 0).then_some(held)
    }
}

/// Voiding that may have to be held again.
pub(crate) struct HeldVoiding {
    id: Uuid,
    target: Uuid,
    /// Bits of the upstreams that it was held for.
    held: i64,
    /// Bits of the upstreams at which its target was given up once; it may have been recorded anew since.
    noted: i64,
}

impl HeldVoiding {
    /// Holds it for the upstreams to which it is still to be delivered.
    pub(crate) fn hold(
        &self,
        tx: &Connection,
        all: &mut [Moves],
        now: Millis,
    ) -> rusqlite::Result<()> {
        let Some(seq) = ids::find(tx, self.id)? else {
            return Ok(());
        };
        let target = ids::find(tx, self.target)?;
        for moves in all {
            let is_held = moves.upstream.is_in(self.held);
            if !is_held && !moves.upstream.is_in(self.noted) {
                continue;
            }
            let target = match target {
                Some(target) => locate(tx, moves.upstream, target)?,
                None => None,
            };
            let comes = target.is_some_and(|target| target.state != State::NotDue);
            if comes && !is_held {
                continue;
            }
            if let Some(found) = locate(tx, moves.upstream, seq)? {
                hold_voiding(tx, moves, &found, now)?;
            }
        }
        Ok(())
    }
}
