//! The ledger's numbers in the `.ledger` file: what a damaged, missing or older database cannot say of itself. Behind
//! them lie the accounts of further upstreams (`accounts.rs`) and the notes of what was withdrawn (`notes.rs`).
//!
//! The numbers are written after each commit and not synced with it, so they may be behind the database, never ahead of
//! what was promised. Opening compares: a database that knows of less than they do has gone back in time
//! (`repair/older_copy.rs`); and one that is empty now, and had statements, is not taken for a new one.

use rusqlite::Connection;

use super::layout::MARK;
use crate::store::UpstreamId;
use crate::store::queue::end::Tail;

/// Number of integers in [`Numbers`].
const COUNT: usize = 13;

const BYTES: usize = 8 + 2 * 16 + COUNT * 8 + 4;

/// Content of the queue, by the account of the first upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Numbers {
    /// Random identity of the queue, made with it, and anew each time that it was found to have gone back: its copies
    /// show by that which of them went on.
    pub(crate) queue: [u8; 16],
    /// Random identity of the queue and of all files that are saved of it.
    pub(crate) family: [u8; 16],
    /// Last place in the log that was given out.
    pub(crate) last_seq: u64,
    /// Number of places that do not count: what was there is lost, or not for the first upstream.
    pub(crate) skipped: u64,
    /// Place beyond which nothing was delivered.
    pub(crate) delivered_to: u64,
    /// Place beyond which nothing was sent.
    pub(crate) sent_to: u64,
    /// Number of notes of what was withdrawn.
    pub(crate) withdrawn: u64,
    pub(crate) delivered: u64,
    pub(crate) retracted: u64,
    pub(crate) discarded: u64,
    pub(crate) replaced: u64,
    pub(crate) erased: u64,
    /// Number of lost statements whose loss nobody has acknowledged.
    pub(crate) lost: u64,
    /// Number of losses of unknown size that nobody has acknowledged.
    pub(crate) uncertain: u64,
    /// Number of times that an upstream was added, removed, or given another endpoint or route.
    pub(crate) upstream_changes: u64,
}

impl Numbers {
    /// Tells whether something was sent of which it is not known whether it was delivered.
    pub(crate) fn may_be_at_work(&self) -> bool {
        self.sent_to > self.delivered_to
    }

    /// Tells whether something that may still be at work was sent after what `others` know of.
    pub(crate) fn has_sent_more_than(&self, others: &Self) -> bool {
        self.may_be_at_work() && self.sent_to > others.sent_to
    }

    /// Returns the numbers that the `.ledger` file begins with; none where they are not whole.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (rest, sum) = bytes.get(..BYTES)?.split_at(BYTES - 4);
        if !rest.starts_with(&MARK) || sum != crc32fast::hash(rest).to_le_bytes() {
            return None;
        }
        let [mut queue, mut family] = [[0; 16]; 2];
        queue.copy_from_slice(&rest[8..24]);
        family.copy_from_slice(&rest[24..40]);
        let (eights, _) = rest[40..].as_chunks::<8>();
        let mut numbers = [0; COUNT];
        for (number, eight) in numbers.iter_mut().zip(eights) {
            *number = u64::from_le_bytes(*eight);
        }
        Some(Self::from_array(queue, family, numbers))
    }

    /// Returns the database's own numbers.
    pub(crate) fn of(conn: &Connection) -> rusqlite::Result<Self> {
        let last_seq = Tail::read(conn)?.seq as u64;
        conn.prepare_cached(
            "SELECT queue, family, begins_after + excluded, max(delivered_to, delivered_through),
                max(sent_through, ifnull((SELECT max(seq) FROM sent_ahead h WHERE upstream = ?1
                    AND NOT EXISTS (SELECT 1 FROM done_with d WHERE d.seq = h.seq AND d.upstream = h.upstream
                        AND NOT d.delivered)), 0)),
                withdrawn, delivered, retracted, discarded, replaced, erased,
                ifnull((SELECT sum(lost) FROM loss), 0), ifnull((SELECT sum(uncertain) FROM loss), 0),
                upstream_changes
             FROM ledger, upstream u WHERE u.id = ?1",
        )?
        .query_row([UpstreamId::MAIN], |row| {
            let number = |at| row.get::<_, i64>(at).map(|number| number as u64);
            Ok(Self {
                queue: row.get(0)?,
                family: row.get(1)?,
                last_seq,
                skipped: number(2)?,
                delivered_to: number(3)?,
                sent_to: number(4)?,
                withdrawn: number(5)?,
                delivered: number(6)?,
                retracted: number(7)?,
                discarded: number(8)?,
                replaced: number(9)?,
                erased: number(10)?,
                lost: number(11)?,
                uncertain: number(12)?,
                upstream_changes: number(13)?,
            })
        })
    }

    /// Returns the number of statements that were still to be delivered.
    pub(crate) fn undelivered(&self) -> u64 {
        let done = self.delivered + self.retracted + self.discarded + self.replaced + self.erased;
        self.last_seq.saturating_sub(self.skipped + done)
    }

    /// Tells whether these numbers know of something that `others` do not.
    pub(crate) fn are_ahead_of(&self, others: &Self) -> bool {
        // Not compared: `sent_to` goes back where nothing was sent, and losses are acknowledged.
        let no_marks = |numbers: &Self| {
            Self {
                sent_to: 0,
                lost: 0,
                uncertain: 0,
                ..*numbers
            }
            .array()
        };
        let mut both = no_marks(self).into_iter().zip(no_marks(others));
        both.any(|(ours, theirs)| ours > theirs)
    }

    /// Tells whether these numbers are of the same queue, and know more.
    pub(crate) fn is_newer_than(&self, others: &Self) -> bool {
        (self.queue, self.family) == (others.queue, others.family) && self.are_ahead_of(others)
    }

    fn array(&self) -> [u64; COUNT] {
        [
            self.last_seq,
            self.skipped,
            self.delivered_to,
            self.sent_to,
            self.withdrawn,
            self.delivered,
            self.retracted,
            self.discarded,
            self.replaced,
            self.erased,
            self.lost,
            self.uncertain,
            self.upstream_changes,
        ]
    }

    fn from_array(queue: [u8; 16], family: [u8; 16], numbers: [u64; COUNT]) -> Self {
        let [
            last_seq,
            skipped,
            delivered_to,
            sent_to,
            withdrawn,
            delivered,
            retracted,
            discarded,
            replaced,
            erased,
            lost,
            uncertain,
            upstream_changes,
        ] = numbers;
        Self {
            queue,
            family,
            last_seq,
            skipped,
            delivered_to,
            sent_to,
            withdrawn,
            delivered,
            retracted,
            discarded,
            replaced,
            erased,
            lost,
            uncertain,
            upstream_changes,
        }
    }

    pub(crate) fn bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&MARK);
        bytes[8..24].copy_from_slice(&self.queue);
        bytes[24..40].copy_from_slice(&self.family);
        for (eight, number) in bytes[40..].chunks_exact_mut(8).zip(self.array()) {
            eight.copy_from_slice(&number.to_le_bytes());
        }
        let sum = crc32fast::hash(&bytes[..BYTES - 4]);
        bytes[BYTES - 4..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }
}
