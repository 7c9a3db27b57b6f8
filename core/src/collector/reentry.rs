//! Which threads a collector's syncs run on, so that what the app does there is not made to wait for
//! itself.
#![allow(
    clippy::missing_const_for_thread_local,
    reason = "Android's thread locals are made in another way, in which the lint does not see the const"
)]

use std::cell::Cell;

use crate::store::Holder;

thread_local! {
    static HERE: Cell<Option<(Holder, Role)>> = const { Cell::new(None) };
}

/// What a thread is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It drives the syncs: nothing goes on while something waits on it.
    Drives,
    /// It runs the app's code for one: that one waits for it.
    Helps,
}

/// From now on this thread belongs to the syncs of this collector.
pub(super) fn enter(holder: Holder, role: Role) {
    HERE.set(Some((holder, role)));
}

/// What this thread does for this collector's syncs, if anything.
pub(super) fn role(holder: Holder) -> Option<Role> {
    HERE.get()
        .filter(|(theirs, _)| *theirs == holder)
        .map(|(_, role)| role)
}
