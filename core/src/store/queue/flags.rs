//! Facts about a statement besides its text, as bits of `statement.traits`.

/// Bit of a statement that needs xAPI 2.0.0.
pub(crate) const NEEDS_2_0: i64 = 1;

pub(crate) const TIMESTAMP_IS_OURS: i64 = 2;
