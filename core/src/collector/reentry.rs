//! Threads that a collector's syncs run on, so that what the app does there is not made to wait for itself.
#![allow(
    clippy::missing_const_for_thread_local,
    reason = "Android's thread locals are made in another way, in which the lint does not see the const"
)]

use std::cell::Cell;

use crate::store::Holder;

thread_local! {
    static HERE: Cell<Option<(Holder, Role)>> = const { Cell::new(None) };
}

/// Role of a thread in a collector's syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Drives the syncs: none goes on while something blocks it.
    Drives,
    /// Runs the app's code for a sync, which waits for it.
    Helps,
}

/// Marks this thread as one of this collector's syncs from now on.
pub(super) fn enter(holder: Holder, role: Role) {
    HERE.set(Some((holder, role)));
}

/// Returns what this thread does for this collector's syncs, if anything.
pub(super) fn role(holder: Holder) -> Option<Role> {
    HERE.get()
        .filter(|(theirs, _)| *theirs == holder)
        .map(|(_, role)| role)
}
