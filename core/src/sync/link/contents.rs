//! What an LRS bears of requests with contents of attachments. Some take none, some none from some length on, and either
//! may be told by any status, or by no answer. So what becomes of such a request says nothing of other statements, and
//! where the LRS takes none, these wait for themselves: from the length that it did not bear on, none is sent for a while,
//! then one is tried, ever more rarely as long as the LRS takes others.

use super::Link;
use crate::store::{ContentsLimits, Millis};
use crate::sync::{backoff, policy};

impl Link {
    /// Returns the bounds of the next request with contents. As long as it has taken none, or does not bear what it was
    /// sent last, they go one statement at a time.
    pub fn contents_limits(&self, now: Millis) -> ContentsLimits {
        let learned = &self.learned.contents;
        let is_known_to_take = learned.taken > 0 && learned.failures == 0 && !self.is_cautious();
        // A longer wait was set under another clock.
        let waits =
            |until| (now..now + policy::LONGEST_WITHOUT_CONTENTS_MS + 1).contains(&(until - 1));
        ContentsLimits {
            statements: if is_known_to_take {
                self.ceiling.statements as usize
            } else {
                1
            },
            bytes: learned.max_bytes.unwrap_or(self.ceiling.bytes) as usize,
            from: learned
                .until
                .filter(|until| waits(*until))
                .map(|_| learned.limit.unwrap_or(0)),
        }
    }

    /// Notes that it has taken a request with contents, of which the statement with the longest has this many bytes.
    pub fn took_contents(&mut self, longest: u64) {
        let learned = &mut self.learned.contents;
        learned.taken += 1;
        learned.failures = 0;
        learned.max_bytes = learned
            .max_bytes
            .map(|most| most.saturating_add((most / 8).max(1)))
            .filter(|most| *most < self.ceiling.bytes);
        if learned.limit.is_none_or(|limit| longest >= limit) {
            learned.limit = None;
            learned.until = None;
            learned.failed_at = None;
        }
    }

    /// Returns the number of bytes of contents from which on it bears none, if it did not answer a request with so many:
    /// all where it has taken none yet, or did not answer one with more just now.
    pub fn unanswered_from(&self, bytes: u64, now: Millis) -> u64 {
        let is_again = self.contents_limits(now).from.is_some();
        if self.learned.contents.taken == 0 || is_again {
            0
        } else {
            bytes
        }
    }

    /// Notes that it did not bear a statement with contents: of so many bytes and more, none is sent for a while.
    pub fn bore_no_contents(&mut self, from: u64, rng: &mut fastrand::Rng, now: Millis) {
        let taken = self.learned.taken;
        let learned = &mut self.learned.contents;
        let has_taken_others = learned.failed_at.is_none_or(|then| taken > then);
        learned.failed_at = Some(taken);
        learned.limit = Some(from);
        learned.failures += u32::from(has_taken_others);
        let wait = backoff::without_contents(learned.failures, rng);
        // Where it takes nothing at all, that is no fault of theirs.
        let wait = if has_taken_others {
            wait
        } else {
            wait.max(policy::LONGEST_BACKOFF)
        };
        learned.until = Some(now + wait.as_millis() as Millis);
    }

    /// Notes that it did not bear a request of so many bytes with the contents of several statements.
    pub fn bears_fewer_contents(&mut self, tried: usize) {
        self.learned.contents.max_bytes = Some(u32::try_from(tried / 2).unwrap_or(u32::MAX).max(1));
    }
}
