//! Accounts of further upstreams in the `.ledger` file: they show what a database that has gone back in time, or is
//! empty now, no longer has for one of those, though the first upstream has it.
//!
//! They lie between the numbers of the first upstream (`counts.rs`) and the notes, in a block with its own checksum,
//! which is written only where something in it changes, or where the file is new or was just opened.

use std::collections::HashSet;

use rusqlite::Connection;

use super::layout::{ACCOUNT_NUMBERS, ACCOUNTS_BYTES, MOST_ACCOUNTS, NUMBERS_END};
use super::notes::Withdrawn;
use crate::store::UpstreamId;
use crate::store::queue::end::Tail;
use crate::store::queue::ledger::Counter;

/// Account of one further upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Other {
    upstream: u64,
    /// Number of statements that were for it.
    recorded: u64,
    /// Number of those that it was done with.
    done: u64,
    /// Number of those that were replaced, which no note tells of.
    replaced: u64,
    /// Place in the log beyond which nothing was delivered to it.
    delivered_to: u64,
}

/// Accounts of all further upstreams, in the order of their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Others {
    there: Vec<Other>,
    /// Numbers of upstreams that the database itself has removed: it misses nothing for them.
    removed: Vec<u64>,
}

/// Content that these accounts know of and a database does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Missing {
    /// Least number of statements that are lost for one of the upstreams.
    pub(crate) statements: u64,
    /// Number of upstreams that the database does not know.
    pub(crate) upstreams: u64,
}

impl Others {
    /// Returns the database's own accounts, to be kept beside it.
    pub(crate) fn to_keep(conn: &Connection) -> rusqlite::Result<Self> {
        let mut query = conn.prepare_cached(
            "SELECT id, begins_after + excluded, delivered + retracted + discarded + replaced + erased, replaced,
                max(delivered_to, delivered_through)
             FROM upstream WHERE id <> ?1 ORDER BY id",
        )?;
        let mut last_seq = None;
        let all = query
            .query_map([UpstreamId::MAIN], |row| {
                let number = |at| row.get::<_, i64>(at).map(|number| number as u64);
                let last_seq = match last_seq {
                    Some(known) => known,
                    // Read only here: with one upstream it is not needed.
                    None => *last_seq.insert(Tail::read(conn)?.seq as u64),
                };
                Ok(Other {
                    upstream: number(0)?,
                    recorded: last_seq.saturating_sub(number(1)?),
                    done: number(2)?,
                    replaced: number(3)?,
                    delivered_to: number(4)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(Self {
            there: all,
            removed: Vec::new(),
        })
    }

    /// Returns the database's own accounts, to be compared with those kept beside it.
    pub(crate) fn of(conn: &Connection) -> rusqlite::Result<Self> {
        let removed = conn
            .prepare_cached("SELECT id FROM removed_upstream")?
            .query_map([], |row| row.get(0).map(|id: i64| id as u64))?
            .collect::<Result<_, _>>()?;
        Ok(Self {
            removed,
            ..Self::to_keep(conn)?
        })
    }

    /// Returns the accounts in the `.ledger` file; none where they are not whole.
    pub(crate) fn read(file: &[u8]) -> Option<Self> {
        let block = file.get(NUMBERS_END..).unwrap_or_default();
        let block = block.get(..ACCOUNTS_BYTES).unwrap_or(block);
        if block.iter().all(|byte| *byte == 0) {
            // It was never written.
            return Some(Self::default());
        }
        let (head, rest) = block.split_first_chunk::<8>()?;
        let count = u32::from_le_bytes(*head.first_chunk()?);
        if rest.len() != ACCOUNTS_BYTES - 8 || head[4..] != sum(count, rest).to_le_bytes() {
            return None;
        }
        let (eights, _) = rest.as_chunks::<8>();
        let (accounts, _) = eights.as_chunks::<ACCOUNT_NUMBERS>();
        let account = |account: &[[u8; 8]; ACCOUNT_NUMBERS]| {
            let [upstream, recorded, done, replaced, delivered_to] =
                account.map(u64::from_le_bytes);
            Other {
                upstream,
                recorded,
                done,
                replaced,
                delivered_to,
            }
        };
        let accounts = accounts.get(..count as usize)?;
        Some(Self {
            there: accounts.iter().map(account).collect(),
            removed: Vec::new(),
        })
    }

    pub(crate) fn bytes(&self) -> [u8; ACCOUNTS_BYTES] {
        let mut bytes = [0; ACCOUNTS_BYTES];
        let numbers = self.there.iter().take(MOST_ACCOUNTS).flat_map(|one| {
            [
                one.upstream,
                one.recorded,
                one.done,
                one.replaced,
                one.delivered_to,
            ]
        });
        for (eight, number) in bytes[8..].chunks_exact_mut(8).zip(numbers) {
            eight.copy_from_slice(&number.to_le_bytes());
        }
        let count = self.there.len().min(MOST_ACCOUNTS) as u32;
        let sum = sum(count, &bytes[8..]);
        bytes[..4].copy_from_slice(&count.to_le_bytes());
        bytes[4..8].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.there.is_empty()
    }

    fn get(&self, upstream: u64) -> Option<&Other> {
        self.there.iter().find(|one| one.upstream == upstream)
    }

    /// Returns the accounts of upstreams that the database did not remove.
    fn not_removed_by<'a>(&'a self, ours: &'a Self) -> impl Iterator<Item = &'a Other> {
        let all = self.there.iter();
        all.filter(|one| ours.get(one.upstream).is_some() || !ours.removed.contains(&one.upstream))
    }

    /// Tells whether these accounts know of something that `ours` do not.
    pub(crate) fn are_ahead_of(&self, ours: &Self) -> bool {
        self.not_removed_by(ours).any(|one| {
            ours.get(one.upstream)
                .is_none_or(|known| one.recorded > known.recorded || one.done > known.done)
        })
    }

    /// Returns each upstream with the number of statements that were still to be delivered to it.
    pub(crate) fn undelivered(&self) -> impl Iterator<Item = (u64, u64)> {
        let all = self.there.iter();
        all.map(|one| (one.upstream, one.recorded.saturating_sub(one.done)))
    }

    /// Returns what a database lacks whose own accounts are `ours` and whose log ends at `last_seq`, though it once
    /// ended at `ended`. The `notes` are known, and the statements at the places `saved`, beyond its end, are saved.
    pub(crate) fn missing(
        &self,
        ours: &Self,
        (last_seq, ended): (u64, u64),
        notes: &[Withdrawn],
        saved: &[i64],
    ) -> Missing {
        let mut missing = Missing::default();
        for beside in self.not_removed_by(ours) {
            let Some(own) = ours.get(beside.upstream) else {
                missing.upstreams += 1;
                let lost = beside.recorded.saturating_sub(beside.done);
                // Statements that were there when the upstream was added are still there.
                let lost = lost.min(ended.saturating_sub(last_seq));
                missing.statements = missing.statements.max(lost);
                continue;
            };
            let is_about = |note: &&Withdrawn| {
                note.seq as u64 > last_seq
                    && !matches!(note.to, Counter::Replaced | Counter::Waiting)
                    && note
                        .at
                        .is_none_or(|at| u64::from(at.number()) == beside.upstream)
            };
            // Places beyond the end that may be those of statements that it was done with.
            let withdrawn: HashSet<i64> =
                notes.iter().filter(is_about).map(|note| note.seq).collect();
            let known = saved.iter().chain(&withdrawn);
            let known = known.filter(|seq| **seq as u64 <= beside.delivered_to);
            let known = known.collect::<HashSet<_>>().len() as u64;
            let delivered = beside.delivered_to.saturating_sub(last_seq);
            let lost = beside.recorded.saturating_sub(own.recorded);
            let otherwise = withdrawn.len() as u64 + beside.replaced.saturating_sub(own.replaced);
            let done = beside.done.saturating_sub(own.done);
            let delivered = delivered_beyond(
                delivered.saturating_sub(known),
                ended.saturating_sub(last_seq).saturating_sub(lost),
                done.saturating_sub(otherwise),
                own.recorded.saturating_sub(own.done),
            );
            let done = done.min(delivered + otherwise);
            let lost = lost.saturating_sub(done + saved.len() as u64);
            missing.statements = missing.statements.max(lost);
        }
        missing
    }
}

fn sum(count: u32, accounts: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&count.to_le_bytes());
    sum.update(accounts);
    sum.finalize()
}

/// Returns how many of the `places` beyond the end of an older file, up to the last delivered one, were delivered. What
/// was `done` since lies there, or is among what that file has still `undelivered`. The `skipped` places are nobody's,
/// and come first: their statements were lost before the others were recorded.
pub(crate) fn delivered_beyond(places: u64, skipped: u64, done: u64, undelivered: u64) -> u64 {
    let there = places.saturating_sub(skipped);
    let at_least = done.saturating_sub(undelivered);
    there.max(at_least).min(places).min(done)
}
