//! What is known of a statement beside its text, in bits of `statement.traits`.

/// Bits of `statement.traits`.
pub(super) const NEEDS_2_0: i64 = 1;

pub(super) const TIMESTAMP_IS_OURS: i64 = 2;
