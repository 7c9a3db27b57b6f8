//! How much goes into one request: learned from what the upstream bears.

use crate::store::Learned;

/// The least that is ever tried.
const LEAST_BYTES: u32 = 16 * 1024;

/// A connection that breaks under a body of at least this size may have broken for the size.
pub(super) const BIG_BODY: usize = 256 * 1024;

/// The bounds that the app set, and what the upstream bears of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ceiling {
    pub(super) statements: u32,
    pub(super) bytes: u32,
}

impl Ceiling {
    pub(super) fn statements(self, learned: &Learned) -> usize {
        learned
            .max_statements
            .unwrap_or(self.statements)
            .clamp(1, self.statements) as usize
    }

    pub(super) fn bytes(self, learned: &Learned) -> usize {
        learned
            .max_bytes
            .unwrap_or(self.bytes)
            .clamp(LEAST_BYTES.min(self.bytes), self.bytes) as usize
    }

    /// A body of that size was too large.
    pub(super) fn shrink_bytes(self, learned: &mut Learned, tried: usize) {
        let half = u32::try_from(tried / 2).unwrap_or(u32::MAX);
        learned.max_bytes = Some(half.clamp(LEAST_BYTES.min(self.bytes), self.bytes));
    }

    /// That many statements took too long.
    pub(super) fn shrink_statements(self, learned: &mut Learned, tried: usize) {
        let half = u32::try_from(tried / 2).unwrap_or(u32::MAX);
        learned.max_statements = Some(half.clamp(1, self.statements));
    }

    /// A batch went well: back to the ceiling by an eighth at a time.
    pub(super) fn grow(self, learned: &mut Learned) {
        learned.max_statements = grown(learned.max_statements, self.statements);
        learned.max_bytes = grown(learned.max_bytes, self.bytes);
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
