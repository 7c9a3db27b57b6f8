//! What voids a statement that the app has given up stays held where it is saved into another file: it is found as
//! what it says, and not with where it stood.

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

/// What a file, and the notes beside it, say of the voidings in it.
pub(crate) struct HeldVoidings<'a> {
    noted: &'a Noted,
    /// By place, the bits of the upstreams that they are held for.
    held: BTreeMap<i64, i64>,
}

impl<'a> HeldVoidings<'a> {
    /// By the notes alone.
    pub(crate) fn noted(noted: &'a Noted) -> Self {
        let held = BTreeMap::new();
        Self { noted, held }
    }

    /// By the notes, and by the file as far as it can be read.
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

    /// Returns what is to be held again of a statement that stood in that place; none where nothing is. In the new
    /// file upstreams have other numbers.
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

/// One that may have to be held again.
pub(crate) struct HeldVoiding {
    id: Uuid,
    target: Uuid,
    /// The bits of the upstreams that it was held for.
    held: i64,
    /// The same, where its target was given up once. That may have been recorded anew since.
    noted: i64,
}

impl HeldVoiding {
    /// Holds it where it is on its way.
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
