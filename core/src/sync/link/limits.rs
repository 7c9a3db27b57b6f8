//! Limits of one request, learned from what the upstream can bear.

use crate::store::Learned;
use crate::sync::policy;

/// The app's bounds, within which the upstream's limits are learned.
#[derive(Debug, Clone, Copy)]
pub struct Ceiling {
    pub statements: u32,
    pub bytes: u32,
}

impl Ceiling {
    pub fn statements(self, learned: &Learned) -> usize {
        learned
            .max_statements
            .unwrap_or(self.statements)
            .clamp(1, self.statements) as usize
    }

    pub fn bytes(self, learned: &Learned) -> usize {
        learned
            .max_bytes
            .unwrap_or(self.bytes)
            .clamp(policy::LEAST_BYTES.min(self.bytes), self.bytes) as usize
    }

    /// Halves the learned limit after a body of this size was too large.
    pub fn shrink_bytes(self, learned: &mut Learned, tried: usize) {
        let half = u32::try_from(tried / 2).unwrap_or(u32::MAX);
        learned.max_bytes = Some(half.clamp(policy::LEAST_BYTES.min(self.bytes), self.bytes));
    }

    /// Halves the learned limit after this many statements were too many.
    pub fn shrink_statements(self, learned: &mut Learned, tried: usize) {
        let half = u32::try_from(tried / 2).unwrap_or(u32::MAX);
        learned.max_statements = Some(half.clamp(1, self.statements));
    }

    /// Reduces batches to one statement after it failed on this many, since nobody knows whether it fails on
    /// every such batch. Larger ones are tried again once it has taken a number of requests, which grows each
    /// time.
    pub fn failed_on(learned: &mut Learned, tried: usize) {
        let Ok(tried) = u32::try_from(tried) else {
            return;
        };
        if tried < 2 {
            return;
        }
        // Not if these are the halves of a batch that failed before.
        let on_purpose = learned.max_statements.is_some_and(|most| most >= tried);
        let after = match learned.failed_statements {
            None => policy::REQUESTS_BEFORE_RETRY,
            Some(_) if on_purpose => learned
                .retry_failed
                .0
                .saturating_mul(2)
                .min(policy::MOST_REQUESTS_BEFORE_RETRY),
            Some(_) => learned.retry_failed.0,
        };
        learned.max_statements = Some(1);
        learned.failed_statements = Some(2);
        learned.retry_failed = (after, 0);
    }

    /// Reduces batches to one statement after a single one was taken and nothing before it for a while. Perhaps
    /// the LRS was away; perhaps it, or a gateway, takes no batches. Two are tried soon, and later each time
    /// that this fails.
    pub fn takes_one(learned: &mut Learned) {
        let after = match learned.failed_statements {
            None => 1,
            Some(_) => learned
                .retry_failed
                .0
                .max(1)
                .saturating_mul(8)
                .min(policy::MOST_REQUESTS_BEFORE_RETRY),
        };
        learned.max_statements = Some(1);
        learned.failed_statements = Some(2);
        learned.retry_failed = (after, 0);
    }

    /// Lifts the limit: the statement that it failed on is found, and the others may go together again.
    pub fn failed_on_one(learned: &mut Learned) {
        learned.max_statements = None;
        learned.failed_statements = None;
        learned.retry_failed = (0, 0);
    }

    /// Raises the limits after a batch went well: by an eighth at a time, or to twice as many if it had failed
    /// on more than one and now takes them.
    pub fn grow(self, learned: &mut Learned) {
        learned.max_bytes = grown(learned.max_bytes, self.bytes);
        match (learned.max_statements, learned.failed_statements) {
            (Some(most), Some(failed)) => {
                learned.retry_failed.1 = learned.retry_failed.1.saturating_add(1);
                let (after, taken) = learned.retry_failed;
                let next = most.saturating_mul(2);
                if next < failed {
                    learned.max_statements = Some(next);
                } else if taken >= after {
                    learned.max_statements = Some(failed);
                    // If it fails again, this is known; if not, twice as many are next.
                    learned.failed_statements =
                        Some(failed.saturating_mul(2)).filter(|next| *next <= self.statements);
                    learned.retry_failed.1 = after;
                }
            }
            (most, _) => learned.max_statements = grown(most, self.statements),
        }
    }
}

fn grown(limit: Option<u32>, ceiling: u32) -> Option<u32> {
    limit
        .map(|limit| limit.saturating_add((limit / 8).max(1)))
        .filter(|limit| *limit < ceiling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_and_grows_back_within_its_bounds() {
        let ceiling = Ceiling {
            statements: 50,
            bytes: 512 * 1024,
        };
        let mut learned = Learned::default();
        assert_eq!(
            (ceiling.statements(&learned), ceiling.bytes(&learned)),
            (50, 512 * 1024)
        );
        ceiling.shrink_bytes(&mut learned, 400_000);
        ceiling.shrink_statements(&mut learned, 50);
        assert_eq!(
            (ceiling.statements(&learned), ceiling.bytes(&learned)),
            (25, 200_000)
        );
        for tried in [1, 0] {
            ceiling.shrink_bytes(&mut learned, tried);
            ceiling.shrink_statements(&mut learned, tried);
        }
        assert_eq!(
            (ceiling.statements(&learned), ceiling.bytes(&learned)),
            (1, 16 * 1024)
        );
        let mut steps = 0;
        while learned.max_bytes.is_some() || learned.max_statements.is_some() {
            ceiling.grow(&mut learned);
            steps += 1;
            assert!(steps < 100);
        }
        assert_eq!(
            (ceiling.statements(&learned), ceiling.bytes(&learned)),
            (50, 512 * 1024)
        );
    }
}
