//! What is known of a statement beside its text, in bits of `statement.traits`.

/// Bits of `statement.traits`.
pub(crate) const NEEDS_2_0: i64 = 1;

pub(crate) const TIMESTAMP_IS_OURS: i64 = 2;
