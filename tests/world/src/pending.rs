//! What does not hold yet.

/// Reasons, and the scenarios that fail for them. Each is run, printed as pending and not counted as
/// passed; one that passes has to leave the list.
pub const PENDING: &[(&str, &[&str])] = &[];
